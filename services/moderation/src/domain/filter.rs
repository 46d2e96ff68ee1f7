//! Which reviews a moderator wants to see.

use jiff::Timestamp;

use super::{due::Due, review::State};

/// Who holds a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// Whoever asks.
    Caller,
    /// Somebody else.
    Another,
}

/// Which reviews; what is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Where they stand.
    pub states: Vec<State>,
    /// For which offices the messages are.
    pub office_ids: Vec<String>,
    /// Code of the kind.
    pub kind: Option<String>,
    /// Code of the domain.
    pub domain: Option<String>,
    /// The rule that found something.
    pub rule: Option<String>,
    /// The ground of the last decision.
    pub ground: Option<String>,
    /// How they stand in time.
    pub due: Option<Due>,
    /// Who holds them.
    pub holder: Option<Holder>,
    /// When the messages were submitted at the latest.
    pub submitted_before: Option<Timestamp>,
}
