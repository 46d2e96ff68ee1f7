//! Who serves, asks and hears what.

/// What one service does with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// The service.
    pub name: &'static str,
    /// The gRPC services that it serves.
    pub serves: &'static [&'static str],
    /// The services that it asks.
    pub calls: &'static [&'static str],
    /// The services whose events it hears, always the whole stream.
    pub hears: &'static [&'static str],
}

/// Finds the card of a service.
pub fn card(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.name == name)
}

/// The services that hear a service, in the order of their names.
pub fn hearers(source: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    CARDS.iter().filter(move |card| card.hears.contains(&source)).map(|card| card.name)
}

include!(concat!(env!("OUT_DIR"), "/topology.rs"));
