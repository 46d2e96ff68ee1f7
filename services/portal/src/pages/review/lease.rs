//! Who holds a review, and for how long.

use jiff::Timestamp;
use liuyan_kit::clock;
use liuyan_proto::liuyan::moderation::v1::{Due, Review, ReviewState};

use crate::{format::When, session::Session, visit::Visit};

/// Who holds a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// Nobody, or somebody whose time is over.
    Nobody,
    /// The signed-in person.
    Me,
    /// Another moderator.
    Another,
    /// It needs nobody: it was decided, or the rules have not yet read it.
    Needless,
}

/// A lease as a page tells it.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) holder: Holder,
    /// Its end in words: how long is left, and until when.
    pub(super) left: String,
    pub(super) until: Option<When>,
}

impl Lease {
    pub(super) fn of(v: &Visit, session: &Session, review: &Review) -> Self {
        let until = review.claim_expires_at.as_ref().and_then(clock::from_proto);
        let holder = holder(review, until, &session.account_id, v.now());
        let minutes = until.map_or(0, |until| minutes_left(until, v.now()));
        Self {
            left: v.t1("review-lease-left", "minutes", minutes),
            until: until.map(|until| v.moment_of(until)),
            holder,
        }
    }

    pub(super) fn is_mine(&self) -> bool {
        self.holder == Holder::Me
    }

    pub(super) fn is_free(&self) -> bool {
        self.holder == Holder::Nobody
    }

    pub(super) fn is_anothers(&self) -> bool {
        self.holder == Holder::Another
    }
}

/// How a review stands in time, as a word and its looks; `None` where there is nothing to say.
pub(super) fn due(due: Due) -> Option<(&'static str, &'static str)> {
    match due {
        Due::Unspecified | Due::InTime => None,
        Due::Near => Some(("review-due-near", "awaiting")),
        Due::Overdue => Some(("review-due-overdue", "late")),
    }
}

/// Minutes, the last one begun counting as one.
fn minutes_left(until: Timestamp, now: Timestamp) -> i64 {
    let seconds = until.duration_since(now).as_secs().max(0);
    (seconds + 59) / 60
}

/// Moderation names whoever holds a review `issuer/subject`; a person's subject is their account.
fn holder(review: &Review, until: Option<Timestamp>, account_id: &str, now: Timestamp) -> Holder {
    if !matches!(review.state(), ReviewState::Held | ReviewState::Appealed) {
        return Holder::Needless;
    }
    let binds = until.is_some_and(|until| now < until);
    match review.claimed_by.rsplit_once('/') {
        Some((_, subject)) if binds && subject == account_id => Holder::Me,
        Some(_) if binds => Holder::Another,
        _ if binds && !review.claimed_by.is_empty() => Holder::Another,
        _ => Holder::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_lease_is_ones_own_anothers_or_over() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_secs(61);
        for (claimed_by, until, state, expected) in [
            ("", None, ReviewState::Held, Holder::Nobody),
            ("identity/me", Some(later), ReviewState::Held, Holder::Me),
            ("identity/me", Some(now), ReviewState::Held, Holder::Nobody),
            ("identity/you", Some(later), ReviewState::Held, Holder::Another),
            ("me", Some(later), ReviewState::Held, Holder::Another),
            ("identity/me", Some(later), ReviewState::Approved, Holder::Needless),
        ] {
            let review = Review {
                claimed_by: claimed_by.to_owned(),
                state: state.into(),
                ..Review::default()
            };
            assert_eq!(holder(&review, until, "me", now), expected, "{claimed_by} {until:?}");
        }
        assert_eq!(minutes_left(later, now), 2);
    }
}
