//! Whose clean messages pass by themselves, and which of them are read by a person all the same.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The sample is so many of so many.
const WHOLE: u64 = 10_000;

/// Whose clean messages pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Nobody's.
    Nobody,
    /// Those of authors in good standing.
    Trusted,
    /// Everybody's.
    Everybody,
}

impl Passing {
    /// What was stored or configured.
    pub fn of(clean: bool, trusted: bool) -> Self {
        match (clean, trusted) {
            (true, _) => Self::Everybody,
            (false, true) => Self::Trusted,
            (false, false) => Self::Nobody,
        }
    }
}

/// The choice of one office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The office.
    pub office_id: String,
    /// Whose clean messages to it pass.
    pub passing: Passing,
    /// Who chose.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// Which choice it is, from 1.
    pub change: i64,
}

impl Policy {
    /// Names this state of it.
    pub fn etag(&self) -> String {
        self.change.to_string()
    }
}

/// The history of an author, known by a pseudonym alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many of their messages were approved.
    pub approved: u32,
    /// How many were declined lately.
    pub declined: u32,
}

impl Standing {
    /// Whether it is good: enough was approved, and nothing was declined lately.
    pub fn is_good(self, enough: u32) -> bool {
        self.approved >= enough.max(1) && self.declined == 0
    }
}

/// Whether a message belongs to the sample. Every replica says the same, and nobody can choose an id so
/// that it does not: intake makes them.
pub fn in_sample(message_id: Uuid, of_ten_thousand: u32) -> bool {
    let hash: [u8; 32] = Sha256::digest(message_id.as_bytes()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(first) % WHOLE < u64::from(of_ten_thousand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_it_is_to_be() {
        let ids = || (0..10_000_u128).map(|number| Uuid::from_u128(number << 64 | number));
        assert_eq!(ids().filter(|id| in_sample(*id, 0)).count(), 0);
        assert_eq!(ids().filter(|id| in_sample(*id, 10_000)).count(), 10_000);
        let tenth = ids().filter(|id| in_sample(*id, 1_000)).count();
        assert!((900..1_100).contains(&tenth), "{tenth}");
    }

    #[test]
    fn standing_needs_approvals_and_nothing_declined() {
        let of = |approved, declined| Standing { approved, declined };
        assert!(of(3, 0).is_good(3));
        assert!(!of(2, 0).is_good(3));
        assert!(!of(9, 1).is_good(3));
        assert!(!of(0, 0).is_good(0), "whoever is not known is not trusted");
    }
}
