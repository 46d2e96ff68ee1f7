//! What can be done with a case now. routing decides; this is what its page offers.

use jiff::Timestamp;
use liuyan_kit::clock;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PromiseState, PublicCase},
    identity::v1::Role,
    routing::v1::Case,
};

use super::theirs::Own;
use crate::{pages::message::is_paused, session::Session};

/// The most offices that help with a case.
const MOST_HELPERS: usize = 8;
/// How a case came to the office on which a superior has decided.
const DECIDED: &str = "decided";

/// Who looks at a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    /// Whether they work on it.
    pub(super) works: bool,
    /// Whether they watch over it.
    pub(super) supervises: bool,
    /// Whether they belong to the very office that has it, and to none above.
    pub(super) holds: bool,
}

impl Who {
    pub(super) fn of(session: &Session, own: &Own) -> Self {
        Self {
            works: session.has(Role::Clerk) && !own.helps,
            supervises: session.has(Role::Supervisor) && !own.helps,
            holds: session.office_ids.contains(&own.view.office_id)
                && session.division_codes.is_empty(),
        }
    }
}

/// What can be done with a case now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct May {
    pub(super) accept: bool,
    pub(super) reply: bool,
    pub(super) transfer: bool,
    pub(super) give_back: bool,
    pub(super) pause: bool,
    pub(super) resume: bool,
    pub(super) extend: bool,
    pub(super) invite: bool,
    pub(super) correct: bool,
    pub(super) reopen: bool,
    pub(super) keep: bool,
    pub(super) supervise: bool,
    pub(super) close: bool,
    pub(super) group: bool,
    /// Whether it may be ended only as a duplicate: every other outcome needs an answer first.
    pub(super) only_duplicate: bool,
}

impl May {
    pub(super) fn of(case: &Case, view: &PublicCase, who: Who, now: Timestamp) -> Self {
        let state = view.state();
        if view.outcome() == Outcome::Withdrawn {
            return Self::default();
        }
        let waits = matches!(state, CaseState::Assigned | CaseState::Accepted);
        let answered = !view.replies.is_empty();
        let paused = is_paused(view);
        let open = state != CaseState::Closed;
        let deadline = view.deadline_at.as_ref().and_then(clock::from_proto);
        let goes_on = waits && !answered && !paused;
        let decided = case.assigned_by == DECIDED;
        let work = Self {
            accept: state == CaseState::Assigned,
            reply: open,
            transfer: goes_on && !(decided && who.holds),
            give_back: goes_on && !decided && !case.referred,
            pause: state == CaseState::Accepted && !paused,
            resume: open && paused,
            extend: goes_on
                && view.extended_at.is_none()
                && deadline.is_some_and(|deadline| now <= deadline),
            invite: waits && view.helper_office_ids.len() < MOST_HELPERS,
            correct: answered,
            reopen: !waits,
            keep: view.replies.iter().flat_map(|reply| &reply.promises).any(is_open),
            close: open,
            only_duplicate: waits,
            supervise: false,
            group: false,
        };
        let work = if who.works { work } else { Self::default() };
        Self {
            reopen: !waits && (who.works || who.supervises),
            supervise: who.supervises && open && case.supervised_at.is_none(),
            group: goes_on && view.common_problem_id.is_empty() && (who.works || who.supervises),
            ..work
        }
    }

    /// Whether there is something to do that is seldom done.
    pub(super) fn more(&self) -> bool {
        self.moves() || self.pause || self.extend || self.invite || self.group || self.reopen
    }

    /// Whether the case may go to another office.
    fn moves(&self) -> bool {
        self.transfer || self.give_back
    }
}

fn is_open(promise: &liuyan_proto::liuyan::common::v1::Promise) -> bool {
    promise.state() == PromiseState::Open
}

#[cfg(test)]
mod tests {
    use liuyan_proto::liuyan::common::v1::{Pause, Promise, Reply};

    use super::*;

    const CLERK: Who = Who { works: true, supervises: false, holds: true };
    const SUPERVISOR: Who = Who { works: false, supervises: true, holds: false };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn view(state: CaseState) -> PublicCase {
        PublicCase {
            state: state.into(),
            deadline_at: Some(clock::to_proto(at("2026-06-10T16:00:00Z"))),
            ..PublicCase::default()
        }
    }

    fn answered(state: CaseState) -> PublicCase {
        PublicCase { replies: vec![Reply::default()], ..view(state) }
    }

    fn may(view: &PublicCase, case: &Case, who: Who) -> Vec<&'static str> {
        let may = May::of(case, view, who, at("2026-06-03T00:00:00Z"));
        let all = [
            ("accept", may.accept),
            ("reply", may.reply),
            ("transfer", may.transfer),
            ("return", may.give_back),
            ("pause", may.pause),
            ("resume", may.resume),
            ("extend", may.extend),
            ("invite", may.invite),
            ("correct", may.correct),
            ("reopen", may.reopen),
            ("keep", may.keep),
            ("supervise", may.supervise),
            ("close", may.close),
            ("only-duplicate", may.only_duplicate),
        ];
        all.into_iter().filter(|(_, may)| *may).map(|(name, _)| name).collect()
    }

    #[test]
    fn what_can_be_done_follows_the_state() {
        let plain = Case::default();
        let of = |view: &PublicCase| may(view, &plain, CLERK);
        let fresh = ["accept", "reply", "transfer", "return", "extend", "invite", "close"];
        assert_eq!(of(&view(CaseState::Assigned)), [&fresh[..], &["only-duplicate"]].concat());
        let working =
            ["reply", "transfer", "return", "pause", "extend", "invite", "close", "only-duplicate"];
        assert_eq!(of(&view(CaseState::Accepted)), working);
        assert_eq!(of(&answered(CaseState::Replied)), ["reply", "correct", "reopen", "close"]);
        assert_eq!(of(&answered(CaseState::Closed)), ["correct", "reopen"]);
        // What was answered and is worked on again stays where it is.
        let again = ["reply", "pause", "invite", "correct", "close", "only-duplicate"];
        assert_eq!(of(&answered(CaseState::Accepted)), again);
        let withdrawn =
            PublicCase { outcome: Outcome::Withdrawn.into(), ..view(CaseState::Closed) };
        assert!(of(&withdrawn).is_empty());
        assert!(may(&withdrawn, &plain, SUPERVISOR).is_empty());
    }

    #[test]
    fn what_can_be_done_follows_what_was_done_before() {
        let plain = Case::default();
        let paused = PublicCase { pauses: vec![Pause::default()], ..view(CaseState::Accepted) };
        let while_paused = ["reply", "resume", "invite", "close", "only-duplicate"];
        assert_eq!(may(&paused, &plain, CLERK), while_paused);
        let extended = PublicCase {
            extended_at: Some(prost_types::Timestamp::default()),
            ..view(CaseState::Accepted)
        };
        assert!(!may(&extended, &plain, CLERK).contains(&"extend"));
        let late = May::of(&plain, &view(CaseState::Accepted), CLERK, at("2026-07-01T00:00:00Z"));
        assert!(!late.extend && late.transfer);
        let referred = Case { referred: true, ..Case::default() };
        let found = may(&view(CaseState::Assigned), &referred, CLERK);
        assert!(found.contains(&"transfer") && !found.contains(&"return"), "{found:?}");
        let decided = Case { assigned_by: DECIDED.to_owned(), ..Case::default() };
        let found = may(&view(CaseState::Assigned), &decided, CLERK);
        assert!(!found.contains(&"transfer") && !found.contains(&"return"), "{found:?}");
        let above = Who { holds: false, ..CLERK };
        assert!(may(&view(CaseState::Assigned), &decided, above).contains(&"transfer"));
        let mut promised = answered(CaseState::Replied);
        let promise = Promise { state: PromiseState::Open.into(), ..Promise::default() };
        promised.replies[0].promises.push(promise);
        assert!(may(&promised, &plain, CLERK).contains(&"keep"));
    }

    #[test]
    fn a_supervisor_watches_and_reopens_and_a_helper_does_nothing() {
        let plain = Case::default();
        assert_eq!(may(&view(CaseState::Assigned), &plain, SUPERVISOR), ["supervise"]);
        let done = answered(CaseState::Replied);
        assert_eq!(may(&done, &plain, SUPERVISOR), ["reopen", "supervise"]);
        assert_eq!(may(&answered(CaseState::Closed), &plain, SUPERVISOR), ["reopen"]);
        let watched = Case { supervised_at: Some(prost_types::Timestamp::default()), ..plain };
        assert!(may(&view(CaseState::Assigned), &watched, SUPERVISOR).is_empty());
        let helper = Who { works: false, supervises: false, holds: false };
        assert!(may(&done, &watched, helper).is_empty());
    }
}
