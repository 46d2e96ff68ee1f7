//! Saying each fact once and hearing each fact once.
//!
//! **What is promised**
//!
//! 1. *An event exists if and only if its state change does.* [`outbox::publish`] writes it in the
//!    transaction of its cause; nothing else publishes.
//! 2. *An event that was committed reaches every consumer*, whatever crashes in between: the
//!    [`relay`] lets an event wait no longer only after the bus has acknowledged it, an unknown outcome
//!    is sent again, and rows stay until every consumer has confirmed them ([`confirm`]).
//! 3. *It takes effect once at each consumer*: the row of its subject in `positions` moves in the
//!    transaction of the effect. What was handled is never handled again.
//! 4. *In order within its subject*: a version that comes early is parked until its predecessors
//!    have come. There is no order between subjects, nor between sources.
//! 5. *A fault of ours never counts against an event*: when a database or a service is away, events
//!    wait. An event that cannot be handled becomes a dead letter after the limit; the later events
//!    of its subject wait behind it, and nobody else does.
//! 6. *The bus is transport, never the record.* An emptied bus is filled again from the outboxes
//!    without an operator.
//! 7. *What was said can always be said again.* The outbox keeps it until every consumer has confirmed
//!    it and [`archive`] has made an object of its day, from which it comes back when somebody misses it.
//!
//! **How**: `docs/adr/0002-messaging.md`, `docs/adr/0017-events-travel-in-bundles.md`,
//! `docs/adr/0018-what-waits-for-the-bus-has-rows-of-its-own.md`, and the tables in `migrations`.
//! `async-nats` is named in `bus` alone.

pub mod archive;
mod bundle;
pub mod bus;
pub mod confirm;
pub mod consumer;
pub mod dead;
pub mod envelope;
pub(crate) mod figures;
pub mod ledger;
pub mod outbox;
pub mod relay;

pub use bus::Bus;
pub use consumer::{Consumer, Delivered, Fault, Handle};
pub use envelope::Envelope;
pub use outbox::Outgoing;
