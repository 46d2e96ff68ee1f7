//! Promises: dated commitments inside a reply. What is not done in time opens the case again.

use jiff::{Timestamp, civil::Date};

use super::{
    PromiseId, ReplyId, calendar,
    case::{Case, Fact, What},
    handling::Cause,
};

/// The most promises of one reply.
pub const MOST_PROMISES: usize = 5;
/// How far ahead a promise may lie, in days.
pub const FARTHEST: i64 = 3 * 366;

/// Where a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Its day has not passed.
    Open,
    /// The office has said that it is done.
    Kept,
    /// Its day passed.
    Broken,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Kept, Self::Broken];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Kept => "kept",
            Self::Broken => "broken",
        }
    }

    /// The standing with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == code)
    }
}

/// What a reply is to promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// By the end of which day, in China.
    pub due_on: Date,
    /// What.
    pub what: String,
}

/// A promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Its id.
    pub promise_id: PromiseId,
    /// By when.
    pub due_at: Timestamp,
    /// What.
    pub what: String,
    /// Where it stands.
    pub standing: Standing,
    /// When it was kept or broken.
    pub settled_at: Option<Timestamp>,
}

/// The end of a day that can be promised at a moment: not yet over, and not too far ahead.
pub fn due_at(due_on: Date, at: Timestamp) -> Option<Timestamp> {
    let today = calendar::day_of(at);
    let ahead = (due_on - today).get_days();
    if (0..=FARTHEST).contains(&i64::from(ahead)) { calendar::end_of(due_on) } else { None }
}

impl Case {
    /// A reply of it makes a promise.
    pub fn promise(
        &mut self,
        promise_id: PromiseId,
        reply_id: ReplyId,
        due_at: Timestamp,
        at: Timestamp,
    ) -> Fact {
        self.handling.promise_count += 1;
        self.fact(What::PromiseMade(promise_id, reply_id, due_at), at)
    }

    /// What it promised is done.
    pub fn keep(&mut self, promise_id: PromiseId, at: Timestamp) -> Vec<Fact> {
        self.moved(at);
        vec![self.fact(What::PromiseKept(promise_id), at)]
    }

    /// The day of what it promised has passed: it is worked on again, unless it is already.
    pub fn break_promise(&mut self, promise_id: PromiseId, at: Timestamp) -> Vec<Fact> {
        self.moved(at);
        let mut facts = vec![self.fact(What::PromiseBroken(promise_id), at)];
        facts.extend(self.reopen(Cause::PromiseBroken, at).unwrap_or_default());
        facts
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_promise_is_due_at_the_end_of_a_day_that_is_not_over() {
        let at: Timestamp = "2026-06-03T23:00:00+08".parse().unwrap();
        assert_eq!(due_at(date(2026, 6, 3), at), calendar::end_of(date(2026, 6, 3)));
        assert_eq!(due_at(date(2026, 6, 2), at), None);
        assert!(due_at(date(2029, 6, 3), at).is_some());
        assert_eq!(due_at(date(2029, 12, 3), at), None);
        for standing in Standing::ALL {
            assert_eq!(Standing::of_code(standing.code()), Some(standing));
        }
    }
}
