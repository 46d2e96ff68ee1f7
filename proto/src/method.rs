//! Every RPC and the scopes that it needs.

/// The word that stands for "no token needed".
pub const PUBLIC: &str = "public";
/// The word that stands for the author token of the message in question.
pub const AUTHOR: &str = "author";

/// An RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its path: `/liuyan.intake.v1.IntakeService/SubmitMessage`.
    pub path: &'static str,
    /// The scopes of which a caller needs one.
    pub scopes: &'static [&'static str],
    /// True if it changes nothing and may be tried again.
    pub safe: bool,
    /// True if the caller sends a stream of messages.
    pub client_streams: bool,
    /// True if the answer is a stream of messages.
    pub server_streams: bool,
}

impl Method {
    /// True if it is one message for one message.
    pub fn is_unary(&self) -> bool {
        !self.client_streams && !self.server_streams
    }

    /// Finds an RPC by its path.
    pub fn at(path: &str) -> Option<&'static Method> {
        METHODS.iter().find(|method| method.path == path)
    }
}

include!(concat!(env!("OUT_DIR"), "/methods.rs"));
