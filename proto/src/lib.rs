#![doc = include_str!("../README.md")]

pub mod event;
pub mod json;
pub mod method;
pub mod topology;

pub use event::Event;

mod generated {
    #![expect(missing_docs, reason = "prost does not document the modules that it makes")]
    #![expect(
        clippy::allow_attributes,
        clippy::large_enum_variant,
        reason = "generated code follows its own style"
    )]
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

pub use generated::*;

/// The encoded `FileDescriptorSet` of all contracts, for reflection and for tools that decode
/// events by name.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
