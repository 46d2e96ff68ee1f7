//! Moderation on a real Postgres, with intake's texts served by a stand-in.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accusing;
mod appealing;
mod auditing;
mod claiming;
mod comparing;
mod consuming;
mod deciding;
mod detecting;
mod erasing;
mod flooding;
mod helpers;
mod intake;
mod listing;
mod losing;
mod made;
mod policies;
mod publishing;
mod rules;
mod running;
mod screening;
mod telling;
mod traces;
mod trusting;
mod trying;
mod working;
