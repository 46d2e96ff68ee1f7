//! The guarantees of kit, on real servers.
