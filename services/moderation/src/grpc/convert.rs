//! The domain's words to those of the contract.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::{common::v1 as common, moderation::v1 as proto};
use uuid::Uuid;

use crate::{
    app::reading::Standing,
    domain::{
        appeal::{Appeal, AppealState},
        due::Due,
        explanation,
        ground::Ground,
        review::{Review, State, Visibility},
        rules::Action,
        screen::Hit,
        text::{Field, Span, Text},
    },
};

/// A review, without its text.
pub(super) fn review(review: &Review) -> proto::Review {
    let message = &review.submission;
    let verdict = review.verdict.as_ref();
    let told = |get: fn(&crate::domain::review::Verdict) -> &String| {
        verdict.map(get).cloned().unwrap_or_default()
    };
    proto::Review {
        message_id: message.message_id.to_string(),
        state: state(review.state).into(),
        office_id: message.office_id.clone(),
        kind: message.kind.clone(),
        domain: message.domain.clone(),
        visibility: match message.visibility {
            Visibility::Public => common::Visibility::Public.into(),
            Visibility::Private => common::Visibility::Private.into(),
        },
        submitted_at: Some(to_proto(message.submitted_at)),
        revision: message.revision,
        hits: review.hits.iter().map(hit).collect(),
        rules_version: review.rules_version,
        claimed_by: review.claim.as_ref().map(|claim| claim.holder.clone()).unwrap_or_default(),
        claim_expires_at: review.claim.as_ref().map(|claim| to_proto(claim.expires_at)),
        ground: told(|verdict| &verdict.ground),
        explanation: told(|verdict| &verdict.explanation),
        // Whoever decides on an appeal judges the decision, and not the colleague.
        decided_by: match review.state {
            State::Appealed => String::new(),
            _ => told(|verdict| &verdict.decided_by),
        },
        decided_at: verdict.map(|verdict| to_proto(verdict.decided_at)),
        text: None,
        etag: review.etag(),
        redactions: review.redactions.iter().copied().map(span).collect(),
        accused_office_ids: review.accused_office_ids.clone(),
        number: message.number.clone(),
        decide_by: Some(to_proto(review.decide_by)),
        due: proto::Due::Unspecified.into(),
        appeal: review.appeal.as_ref().map(appeal),
        senior_only: review.senior_only,
    }
}

/// Whether a review is in time, as it is now: an answer that is kept must not tell it.
pub(super) fn due(review: &Review, now: Timestamp, near: SignedDuration) -> proto::Due {
    if !review.state.waits() {
        return proto::Due::Unspecified;
    }
    match Due::of(review.decide_by, now, near) {
        Due::InTime => proto::Due::InTime,
        Due::Near => proto::Due::Near,
        Due::Overdue => proto::Due::Overdue,
    }
}

/// An appeal, without the author's words.
pub(super) fn appeal(appeal: &Appeal) -> proto::Appeal {
    let state = match appeal.state {
        AppealState::Open => proto::AppealState::Open,
        AppealState::Upheld => proto::AppealState::Upheld,
        AppealState::Overturned => proto::AppealState::Overturned,
        AppealState::Lapsed => proto::AppealState::Lapsed,
    };
    proto::Appeal {
        state: state.into(),
        reason: String::new(),
        appealed_at: Some(to_proto(appeal.appealed_at)),
        due_at: Some(to_proto(appeal.due_at)),
        explanation: appeal.explanation.clone(),
        decided_at: appeal.decided_at.map(to_proto),
    }
}

/// What an author may know of a decision.
pub(super) fn decision(standing: &Standing) -> proto::GetDecisionResponse {
    let answer = proto::GetDecisionResponse {
        state: state(standing.state).into(),
        appeal: standing.appeal.as_ref().map(appeal),
        appealable_until: standing.appealable_until.map(to_proto),
        ..proto::GetDecisionResponse::default()
    };
    let Some(told) = standing.told.clone() else { return answer };
    proto::GetDecisionResponse {
        ground: told.ground,
        explanation: told.explanation,
        spans: told.spans.into_iter().map(span).collect(),
        revision: told.revision,
        decided_at: Some(to_proto(told.decided_at)),
        ..answer
    }
}

fn state(state: State) -> proto::ReviewState {
    match state {
        State::Screening => proto::ReviewState::Screening,
        State::Held => proto::ReviewState::Held,
        State::Approved => proto::ReviewState::Approved,
        State::Returned => proto::ReviewState::Returned,
        State::Declined => proto::ReviewState::Declined,
        State::Withdrawn => proto::ReviewState::Withdrawn,
        State::Appealed => proto::ReviewState::Appealed,
    }
}

fn hit(hit: &Hit) -> proto::Hit {
    let action = match hit.action {
        Action::Note => proto::Action::Note,
        Action::Redact => proto::Action::Redact,
        Action::Hold => proto::Action::Hold,
    };
    proto::Hit {
        rule: hit.rule.clone(),
        span: Some(span(hit.span)),
        action: action.into(),
        score: hit.score,
        like: hit.like.clone(),
    }
}

fn span(span: Span) -> proto::Span {
    let field = match span.field {
        Field::Title => proto::TextField::Title,
        Field::Body => proto::TextField::Body,
        Field::Demand => proto::TextField::Demand,
        Field::Details => proto::TextField::Details,
        Field::Place => proto::TextField::Place,
    };
    proto::Span { field: field.into(), start: span.start, end: span.end }
}

/// The original text, for a moderator.
pub(super) fn review_text(text: Text) -> proto::ReviewText {
    proto::ReviewText {
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
    }
}

/// A text that everybody may read; redactions are applied already.
pub(super) fn public_text(message_id: Uuid, text: Text) -> proto::PublicText {
    proto::PublicText {
        message_id: message_id.to_string(),
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
    }
}

/// A ground.
pub(super) fn ground(ground: Ground) -> proto::Ground {
    let explanations = explanation::of(&ground.code).map(|it| proto::Explanation {
        title_zh: it.title_zh.clone(),
        title_en: it.title_en.clone(),
        text_zh: it.zh.clone(),
        text_en: it.en.clone(),
    });
    proto::Ground {
        explanations: explanations.collect(),
        ground: ground.code,
        name_zh: ground.name_zh,
        name_en: ground.name_en,
        author_can_mend: ground.author_can_mend,
        senior_only: ground.senior_only,
    }
}
