#![doc = include_str!("../README.md")]
#![expect(
    clippy::wildcard_imports,
    reason = "the generated code is the crate; its modules are re-exported whole"
)]

pub mod event;
pub mod method;
pub mod topology;

pub use event::Event;

mod generated {
    #![expect(missing_docs, reason = "prost does not document the modules that it makes")]
    #![expect(clippy::all, reason = "generated code follows its own style")]
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::*;

/// The encoded `FileDescriptorSet` of all contracts, for reflection and for tools that decode
/// events by name.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
