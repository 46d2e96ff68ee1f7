//! Which messages a visitor may act on as their author, kept in a sealed cookie.
//!
//! A token of an author lives for ten minutes, which is too short to mend a text. So the cookie keeps
//! what the token was given for, and a page asks for a new one when it is made.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "authors";
/// How long a proof is good after it was last used.
const LIFETIME: SignedDuration = SignedDuration::from_hours(2);
/// How many messages one browser is remembered for.
const MOST: usize = 12;

/// By what somebody is the author of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Proof {
    /// They hold its access code.
    Code(String),
    /// They wrote it while signed in; its id.
    Account(String),
}

/// All proofs of one browser, by public number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Proofs(Vec<(String, Proof, Timestamp)>);

impl Proofs {
    /// The proof for a message.
    pub(crate) fn of(&self, number: &str, now: Timestamp) -> Option<&Proof> {
        self.0
            .iter()
            .find(|(known, _, until)| known == number && now < *until)
            .map(|(_, proof, _)| proof)
    }

    /// Adds a proof, or lengthens its time.
    pub(crate) fn add(&mut self, number: &str, proof: Proof, now: Timestamp) {
        self.0.retain(|(known, _, until)| known != number && now < *until);
        let until = now.saturating_add(LIFETIME).unwrap_or(now);
        self.0.push((number.to_owned(), proof, until));
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
    }

    /// Forgets the proof for a message.
    pub(crate) fn remove(&mut self, number: &str) {
        self.0.retain(|(known, ..)| known != number);
    }

    /// The numbers for which there is a proof, the latest first.
    pub(crate) fn numbers(&self, now: Timestamp) -> Vec<&str> {
        let alive = self.0.iter().rev().filter(|(_, _, until)| now < *until);
        alive.map(|(number, ..)| number.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_ends_two_hours_after_it_was_last_used() {
        let begin = Timestamp::UNIX_EPOCH;
        let after = |minutes| begin + SignedDuration::from_mins(minutes);
        let mut proofs = Proofs::default();
        proofs.add("A", Proof::Code("c".to_owned()), begin);
        assert!(proofs.of("A", after(119)).is_some());
        assert!(proofs.of("A", after(120)).is_none());
        assert!(proofs.of("B", begin).is_none());
        proofs.add("A", Proof::Code("c".to_owned()), after(100));
        assert!(proofs.of("A", after(200)).is_some());
    }

    #[test]
    fn the_oldest_proofs_make_room() {
        let mut proofs = Proofs::default();
        for number in 0..20 {
            let proof = Proof::Account(String::new());
            proofs.add(&number.to_string(), proof, Timestamp::UNIX_EPOCH);
        }
        let numbers = proofs.numbers(Timestamp::UNIX_EPOCH);
        assert_eq!((numbers.len(), numbers[0]), (MOST, "19"));
    }
}
