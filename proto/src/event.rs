//! Facts that travel on the bus.

/// A fact that one service says and others hear.
///
/// Implemented for every message that carries `option (liuyan.options.v1.event) = true`.
pub trait Event: prost::Message + Default + Clone + 'static {
    /// The event's type, which is also its subject on the bus: `liuyan.intake.v1.message-submitted`.
    const TYPE: &'static str;
    /// The service that says it: `intake`.
    const SOURCE: &'static str;
}

/// A type of event, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Its type and subject: `liuyan.intake.v1.message-submitted`.
    pub name: &'static str,
    /// The full name of its protobuf message: `liuyan.intake.v1.MessageSubmitted`.
    pub message: &'static str,
    /// The service that says it.
    pub source: &'static str,
}

impl EventType {
    /// Finds a type by its name.
    pub fn named(name: &str) -> Option<&'static EventType> {
        EVENTS.iter().find(|event| event.name == name)
    }
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
