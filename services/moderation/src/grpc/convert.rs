//! The domain's words to those of the contract.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::{common::v1 as common, moderation::v1 as proto};
use uuid::Uuid;

use crate::domain::{
    ground::Ground,
    review::{Review, State, Told, Visibility},
    rules::Action,
    screen::Hit,
    text::{Field, Span, Text},
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
        decided_by: told(|verdict| &verdict.decided_by),
        decided_at: verdict.map(|verdict| to_proto(verdict.decided_at)),
        text: None,
        etag: review.etag(),
        redactions: review.redactions.iter().copied().map(span).collect(),
        accused_office_ids: review.accused_office_ids.clone(),
        number: message.number.clone(),
    }
}

/// What an author may know of a decision.
pub(super) fn decision(stands: State, told: Option<Told>) -> proto::GetDecisionResponse {
    let state = state(stands).into();
    let Some(told) = told else {
        return proto::GetDecisionResponse { state, ..proto::GetDecisionResponse::default() };
    };
    proto::GetDecisionResponse {
        state,
        ground: told.ground,
        explanation: told.explanation,
        spans: told.spans.into_iter().map(span).collect(),
        revision: told.revision,
        decided_at: Some(to_proto(told.decided_at)),
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
    }
}

fn hit(hit: &Hit) -> proto::Hit {
    let action = match hit.action {
        Action::Redact => proto::Action::Redact,
        Action::Hold => proto::Action::Hold,
    };
    proto::Hit {
        rule: hit.rule.clone(),
        span: Some(span(hit.span)),
        action: action.into(),
        score: hit.score,
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
    proto::Ground {
        ground: ground.code,
        name_zh: ground.name_zh,
        name_en: ground.name_en,
        author_can_mend: ground.author_can_mend,
        senior_only: ground.senior_only,
    }
}
