//! Cases as the contracts write them.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::{common::v1 as common, routing::v1 as routing};

use crate::{
    app::{reading::Seen, searching::Hit},
    domain::{
        case::{Case, Pause, Reply, Segment},
        promise::{Promise, Standing},
        rating::changeable_until,
        state::{Outcome, State},
        view::{PublicState, View},
    },
    events,
    store::{
        acts::{Act, FollowUp},
        ratings::Rated,
    },
};

/// A case as those see it who may see it whole; its view alone is for everybody.
pub(super) fn case(
    case: &Case,
    view: View,
    ratings: &[Rated],
    whole: Option<Whole>,
) -> routing::Case {
    let supervised_at = whole.as_ref().and(case.handling.supervised_at);
    routing::Case {
        view: Some(public(view)),
        visibility: events::visibility(case.visibility).into(),
        public: case.is_public(),
        assigned_by: case.assigned_by.clone(),
        etag: case.etag(),
        ratings: ratings.iter().map(rating).collect(),
        follow_ups: whole.as_ref().map(|it| follow_ups(&it.follow_ups)).unwrap_or_default(),
        question: whole.and_then(|whole| whole.question).unwrap_or_default(),
        referred: case.is_referred(),
        supervised_at: supervised_at.map(to_proto),
        suggested_by: case.suggested_by.unwrap_or_default().unsigned_abs(),
        objectable_until: None,
    }
}

/// What those see besides who see a case whole.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    /// What its office has asked the author.
    pub(super) question: Option<String>,
    /// What its author asked on.
    pub(super) follow_ups: Vec<FollowUp>,
}

fn follow_ups(all: &[FollowUp]) -> Vec<routing::FollowUp> {
    let told = |it: &FollowUp| routing::FollowUp {
        reply_id: it.reply_id.clone(),
        ground: it.ground.clone(),
        asked_at: Some(to_proto(it.at)),
    };
    all.iter().map(told).collect()
}

/// An act of a case's log.
pub(super) fn act(act: Act) -> routing::Act {
    routing::Act {
        position: act.position.unsigned_abs(),
        at: Some(to_proto(act.at)),
        actor: act.actor,
        action: act.action,
        office_id: act.office_id,
        detail: act.detail,
        note: act.note,
        hash: act.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// A case as a caller sees it.
pub(super) fn seen(seen: Seen) -> routing::Case {
    let view = match seen.original {
        Some(text) => View { text, ..seen.view },
        None => seen.view,
    };
    let whole =
        seen.whole.then_some(Whole { question: seen.question, follow_ups: seen.follow_ups });
    routing::Case {
        objectable_until: seen.objectable_until.map(to_proto),
        ..case(&seen.case, view, &seen.ratings, whole)
    }
}

/// A case that was found.
pub(super) fn hit(hit: Hit) -> routing::SearchHit {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let highlights = hit.excerpt.highlights.into_iter();
    let highlights = highlights
        .map(|span| routing::Highlight { start: number(span.start), end: number(span.end) });
    routing::SearchHit {
        case: Some(public(hit.view)),
        highlights: highlights.collect(),
        excerpt: hit.excerpt.text,
    }
}

fn rating(rated: &Rated) -> routing::Rating {
    let value = |value: i16| u32::from(value.unsigned_abs());
    routing::Rating {
        reply_id: rated.reply_id.to_string(),
        resolution: value(rated.rating.resolution()),
        attitude: value(rated.rating.attitude()),
        speed: value(rated.rating.speed()),
        changeable_until: Some(to_proto(changeable_until(rated.at))),
    }
}

/// The view.
pub(super) fn public(view: View) -> common::PublicCase {
    let public_state = match view.public_state {
        PublicState::AwaitingReply => common::PublicState::AwaitingReply,
        PublicState::InProgress => common::PublicState::InProgress,
        PublicState::Replied => common::PublicState::Replied,
    };
    let outcome = view.outcome.map_or(common::Outcome::Unspecified, events::outcome_code);
    common::PublicCase {
        case_id: view.case_id.to_string(),
        message_id: view.message_id.to_string(),
        number: view.number,
        office_id: view.office_id,
        division_code: view.division_code.unwrap_or_default(),
        kind: view.kind,
        domain: view.domain,
        topic: view.topic,
        title: view.text.title,
        body: view.text.body,
        demand: view.text.demand,
        details: view.text.details,
        place: view.text.place,
        submitted_at: Some(to_proto(view.submitted_at)),
        deadline_at: Some(to_proto(view.deadline_at)),
        state: events::state(view.state).into(),
        public_state: public_state.into(),
        outcome: outcome.into(),
        replies: view.replies.into_iter().map(reply).collect(),
        custody: view.custody.into_iter().map(custody).collect(),
        revision: view.revision.unsigned_abs(),
        accepted_at: view.accepted_at.map(to_proto),
        closed_at: view.closed_at.map(to_proto),
        pauses: view.pauses.iter().map(pause).collect(),
        extended_at: view.extended_at.map(to_proto),
        helper_office_ids: view.helpers,
        common_problem_id: view.problem_id.map(|id| id.to_string()).unwrap_or_default(),
        consultation_id: view.consultation_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

fn reply(reply: Reply) -> common::Reply {
    common::Reply {
        reply_id: reply.reply_id.to_string(),
        office_id: reply.office_id,
        body: reply.body,
        replied_at: Some(to_proto(reply.replied_at)),
        corrected_at: reply.corrected_at.map(to_proto),
        gate_overridden: reply.overridden,
        promises: reply.promises.into_iter().map(promise).collect(),
    }
}

fn promise(promise: Promise) -> common::Promise {
    let state = match promise.standing {
        Standing::Open => common::PromiseState::Open,
        Standing::Kept => common::PromiseState::Kept,
        Standing::Broken => common::PromiseState::Broken,
    };
    common::Promise {
        promise_id: promise.promise_id.to_string(),
        what: promise.what,
        due_at: Some(to_proto(promise.due_at)),
        state: state.into(),
        settled_at: promise.settled_at.map(to_proto),
    }
}

fn pause(pause: &Pause) -> common::Pause {
    common::Pause { from: Some(to_proto(pause.from)), until: pause.until.map(to_proto) }
}

fn custody(segment: Segment) -> common::Custody {
    common::Custody {
        office_id: segment.office_id,
        from: Some(to_proto(segment.from)),
        until: segment.until.map(to_proto),
    }
}

/// The outcome that a caller named; `None` if none was, or an unknown one.
pub(super) fn outcome(number: i32) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| events::outcome_code(*outcome) as i32 == number)
}

/// The code of the state that a caller named: `None` for an unknown one, `Some(None)` for none.
pub(super) fn state_code(number: i32) -> Option<Option<&'static str>> {
    let states = [State::Assigned, State::Accepted, State::Replied, State::Closed(Outcome::Solved)];
    match number {
        0 => Some(None),
        number => states
            .into_iter()
            .find(|state| events::state(*state) as i32 == number)
            .map(|state| Some(state.code())),
    }
}
