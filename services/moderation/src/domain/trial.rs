//! What a set of rules would do to messages of the past.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    screen::{Hit, Screener},
    text::Text,
};

/// Ordinary messages that come with every release, one a line: no set of rules may hold many.
const ORDINARY: &str = include_str!("../../data/ordinary.txt");
/// The most examples of each kind that a trial keeps.
pub const MOST_EXAMPLES: usize = 50;

/// What one batch of messages tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were read.
    pub read: u32,
    /// How many the set in force holds.
    pub held_before: u32,
    /// How many the new one holds.
    pub held_after: u32,
    /// Pass now and would be held.
    pub would_hold: u32,
    /// Are held now and would pass.
    pub would_release: u32,
    /// In how many messages each rule found something, before and after.
    pub rules: BTreeMap<String, (u32, u32)>,
    /// Messages that would be treated differently.
    pub examples: Vec<Example>,
}

/// A message that would be treated differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The message.
    pub message_id: Uuid,
    /// Whether it would be held, or pass.
    pub holds: bool,
    /// The rules that hold it: of the new set if it would be held, else of the one in force.
    pub rules: Vec<String>,
}

impl Tally {
    /// Counts a message by what both sets find in it.
    pub fn add(&mut self, message_id: Uuid, before: &[Hit], after: &[Hit]) {
        let (before, after) = (rules(before), rules(after));
        self.read += 1;
        self.held_before += u32::from(!before.is_empty());
        self.held_after += u32::from(!after.is_empty());
        for rule in &before {
            self.rules.entry(rule.clone()).or_default().0 += 1;
        }
        for rule in &after {
            self.rules.entry(rule.clone()).or_default().1 += 1;
        }
        let (holds, rules) = match (before.is_empty(), after.is_empty()) {
            (true, false) => (true, after),
            (false, true) => (false, before),
            _ => return,
        };
        if holds {
            self.would_hold += 1;
        } else {
            self.would_release += 1;
        }
        let kept = self.examples.iter().filter(|example| example.holds == holds).count();
        if kept < MOST_EXAMPLES {
            let rules = rules.into_iter().collect();
            self.examples.push(Example { message_id, holds, rules });
        }
    }
}

fn rules(hits: &[Hit]) -> BTreeSet<String> {
    hits.iter().filter(|hit| hit.holds()).map(|hit| hit.rule.clone()).collect()
}

/// How many ordinary messages there are, and how many of them a set of rules holds.
pub fn ordinary(screener: &Screener) -> (u32, u32) {
    let (mut all, mut held) = (0, 0);
    for line in ORDINARY.lines().filter(|line| !line.is_empty()) {
        let text = Text { body: line.to_owned(), ..Text::default() };
        all += 1;
        held += u32::from(screener.screen(&text).iter().any(Hit::holds));
    }
    (all, held)
}

/// A trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its id.
    pub trial_id: Uuid,
    /// The set that is tried.
    pub version: u32,
    /// The set that was in force.
    pub base_version: u32,
    /// Whether all was read.
    pub done: bool,
    /// How many messages are to be read.
    pub wanted: u32,
    /// What they tell; without counts by rule and examples where a list is asked for.
    pub tally: Tally,
    /// How many ordinary messages there are.
    pub ordinary: u32,
    /// How many of those it holds.
    pub ordinary_held: u32,
    /// Who began it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it was done.
    pub ended_at: Option<Timestamp>,
    /// Since when messages are compared with all that came before them; `None` if they never are.
    pub compared_since: Option<Timestamp>,
}

impl Trial {
    /// The share of messages that the set would hold, if that is more than `most` and more than the
    /// set in force holds; of stored messages or of the ordinary ones, whichever is worse.
    pub fn holds_too_much(&self, most: f64) -> Option<f64> {
        let share = |held: u32, all: u32| f64::from(held) / f64::from(all.max(1));
        let before = share(self.tally.held_before, self.tally.read);
        let after = share(self.tally.held_after, self.tally.read);
        let stored = Some(after).filter(|after| *after > most && *after > before);
        let ordinary = Some(share(self.ordinary_held, self.ordinary)).filter(|held| *held > most);
        stored.into_iter().chain(ordinary).max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::{Files, RuleSet};

    fn trial(read: u32, before: u32, after: u32, ordinary_held: u32) -> Trial {
        Trial {
            trial_id: Uuid::nil(),
            version: 3,
            base_version: 2,
            done: true,
            wanted: read,
            tally: Tally { read, held_before: before, held_after: after, ..Tally::default() },
            ordinary: 40,
            ordinary_held,
            started_by: String::new(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            compared_since: None,
        }
    }

    #[test]
    fn a_set_that_holds_more_than_its_share_is_told_by_the_figure() {
        assert_eq!(trial(100, 5, 10, 0).holds_too_much(0.3), None);
        assert_eq!(trial(100, 5, 40, 0).holds_too_much(0.3), Some(0.4));
        // What is in force holds as much.
        assert_eq!(trial(100, 40, 40, 0).holds_too_much(0.3), None);
        // There are no messages yet.
        assert_eq!(trial(0, 0, 0, 40).holds_too_much(0.3), Some(1.0));
    }

    #[test]
    fn ordinary_messages_pass_by_the_rules_of_this_release() {
        let screener = Screener::new(RuleSet::current().unwrap()).unwrap();
        let (all, held) = ordinary(&screener);
        assert_eq!((all >= 40, held), (true, 0));
    }

    #[test]
    fn a_tally_tells_what_would_be_held_and_what_would_pass() {
        let before = Screener::new(RuleSet::current().unwrap()).unwrap();
        let mut files = Files::current();
        files.rules = files.rules.replacen("detector = \"mobile\"", "detector = \"flooding\"", 1);
        files.lexicon.push_str("lamp,insult,,,,,ours\n");
        let after = Screener::new(RuleSet::parse(&files).unwrap()).unwrap();
        let (held, released) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut tally = Tally::default();
        let mut add = |id, body: &str| {
            let text = Text { body: body.to_owned(), ..Text::default() };
            tally.add(id, &before.screen(&text), &after.screen(&text));
        };
        add(held, "The lamp is out.");
        add(released, "Please call 13800138000.");
        add(Uuid::from_u128(3), "The road is bad.");
        assert_eq!((tally.read, tally.would_hold, tally.would_release), (3, 1, 1));
        assert_eq!(tally.rules["insult"], (0, 1));
        assert_eq!(tally.rules["mobile"], (1, 0));
        assert_eq!(tally.examples[0].message_id, held);
        assert!(tally.examples[0].holds && !tally.examples[1].holds);
    }
}
