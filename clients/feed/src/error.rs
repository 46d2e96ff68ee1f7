//! What can go wrong for good. Whatever passes by itself is no error here: it is waited out.

use std::{collections::HashMap, fmt, io, path::PathBuf};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why following ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address or a token that no request can hold.
    #[error("{0}")]
    Usage(String),
    /// The board says no, and would again.
    #[error("the board refuses: {0}")]
    Refused(Box<Refusal>),
    /// Another reader has opened the stream of the subscription. Only one of them may.
    #[error("another reader has opened the stream of this subscription")]
    TakenOver,
    /// The board did not answer as often as [`Watch::tries`](crate::Watch::tries) allows.
    #[error("the board does not answer: {0}")]
    Unreachable(String),
    /// The checkpoint could not be read or written.
    #[error("the checkpoint {}: {source}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no checkpoint. It was not written by this crate, or not as a whole.
    #[error("{} holds no checkpoint: {why}", path.display())]
    CheckpointDamaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another process follows with this checkpoint.
    #[error("another process follows with the checkpoint {}", .0.display())]
    CheckpointHeld(PathBuf),
}

/// Why a handler's run ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The handler failed. The event is not done, and comes again.
    #[error("an event could not be handled")]
    Handler(E),
    /// Following ended.
    #[error(transparent)]
    Feed(#[from] Error),
}

/// What the board says when it refuses.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The code of gRPC.
    pub code: Code,
    /// The reason, e.g. `CURSOR_MALFORMED`; empty if none was given.
    pub reason: String,
    /// In words, in the language that was asked for.
    pub message: String,
    /// What belongs to the reason, e.g. `earliest_cursor`.
    pub metadata: HashMap<String, String>,
    /// The fields at fault, each with what is wrong.
    pub fields: Vec<(String, String)>,
}

impl Refusal {
    /// Reads the details of a failed call.
    pub fn of(status: &Status) -> Self {
        let info = status.get_details_error_info();
        let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
        let fields = status.get_details_bad_request().map(|bad| bad.field_violations);
        let field = |it: tonic_types::FieldViolation| (it.field, it.description);
        Self {
            code: status.code(),
            reason,
            message: status.message().to_owned(),
            metadata,
            fields: fields.unwrap_or_default().into_iter().map(field).collect(),
        }
    }

    /// Something that belongs to the reason; empty if it is not there.
    pub fn told(&self, key: &str) -> String {
        self.metadata.get(key).cloned().unwrap_or_default()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            write!(f, "{:?}: {}", self.code, self.message)?;
        } else {
            write!(f, "{}: {}", self.reason, self.message)?;
        }
        self.fields.iter().try_for_each(|(field, why)| write!(f, "; {field}: {why}"))
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => {
                Self::Unreachable(status.message().to_owned())
            }
            _ => Self::Refused(Box::new(Refusal::of(&status))),
        }
    }
}
