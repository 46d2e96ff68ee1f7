//! The guarantees of kit, on real servers.

mod messaging;
