//! Notification on a real Postgres, with a mail server and receivers of calls that speak the real
//! protocols, and stand-ins for routing and identity.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod bench;
mod calling;
mod crowding;
mod erased_messages;
mod erasing;
mod hearing;
mod losing;
mod mailing;
mod peers;
mod reading;
mod registering;
mod results;
mod running;
mod sinks;
mod tellings;
