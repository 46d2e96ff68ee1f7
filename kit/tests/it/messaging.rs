//! The guarantees of `liuyan_kit::messaging`, on a real Postgres and a real nats-server. Each test
//! is named after what it guards.

mod apart;
mod archives;
mod confirmation;
mod database;
mod declaring;
mod faults;
mod first;
mod hearing;
mod helpers;
mod rebuilding;
mod saying;
