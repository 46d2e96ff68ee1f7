//! Routing's use cases on a real Postgres, over real gRPC.

mod accusing;
mod casework;
mod directory;
mod helpers;
mod losing;
mod opening;
mod rating;
mod reading;
mod withdrawing;
