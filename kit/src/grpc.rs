//! gRPC, on both sides: one guard before every handler, one channel to every peer.
//!
//! **Serving** (`guard`): a span that continues the caller's trace; the caller's token and the scope
//! that the contract demands; the caller's deadline, capped; a limit on calls at the same time;
//! panics become INTERNAL; metrics by method and code. A path that no contract names is refused.
//!
//! **Calling** ([`Channel`]): balanced over all addresses of the peer; the service's own token, made
//! for the RPC's scope alone; the trace; what is left of the deadline; one more try of what the
//! contract calls safe.

mod backends;
mod body;
mod client;
pub mod deadline;
mod guard;
mod server;
mod tls;
mod token;
mod trouble;

pub(crate) use body::panic_text;
pub use client::{Channel, Credentials};
pub(crate) use guard::Guarded;
pub(crate) use server::{Serving, serve, set_health};
pub(crate) use token::OwnTokens;
pub use trouble::Trouble;

/// The metadata in which a service of the house that speaks for somebody unknown says from which
/// address they came. Only of such a caller may it be believed: who calls is proved by the token.
pub const CLIENT_ADDRESS: &str = "x-client-address";
