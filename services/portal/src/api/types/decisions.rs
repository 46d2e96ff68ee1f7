//! What was decided about messages, and appeals against it.

use liuyan_proto::liuyan::moderation::v1 as moderation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, Word as _, some, words};

words! {
    /// Where a review stands.
    ReviewState of moderation::ReviewState {
        /// The rules have not yet read it.
        Screening,
        /// It waits for a person.
        Held,
        /// The message was approved.
        Approved,
        /// It went back to its author.
        Returned,
        /// It was declined.
        Declined,
        /// Its author withdrew it first.
        Withdrawn,
        /// Its author appealed; it waits for another moderator.
        Appealed,
    }
}

words! {
    /// A part of a message's text.
    TextField of moderation::TextField {
        /// The title.
        Title,
        /// The body.
        Body,
        /// A complaint's demand.
        Demand,
        /// A complaint's details.
        Details,
        /// The place.
        Place,
    }
}

words! {
    /// Where an appeal stands.
    AppealState of moderation::AppealState {
        /// It waits for a moderator.
        Open,
        /// The decision stands.
        Upheld,
        /// Another decision took its place.
        Overturned,
        /// It ended without a decision.
        Lapsed,
    }
}

/// Why a decision is wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewAppeal {
    /// For the moderator to read.
    pub(in crate::api) reason: String,
}

/// An author's wish that somebody else decides again.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Appeal {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<AppealState>,
    /// The author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    appealed_at: Option<Time>,
    /// By when it is to be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    /// What its author is told of the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Time>,
}

impl From<moderation::Appeal> for Appeal {
    fn from(it: moderation::Appeal) -> Self {
        Self {
            state: AppealState::of(it.state),
            reason: some(it.reason),
            appealed_at: Time::of(it.appealed_at.as_ref()),
            due_at: Time::of(it.due_at.as_ref()),
            explanation: some(it.explanation),
            decided_at: Time::of(it.decided_at.as_ref()),
        }
    }
}

/// A span of a text, in grapheme clusters (UAX #29).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Span {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<TextField>,
    /// The first cluster, from 0.
    start: u32,
    /// The end, exclusive.
    end: u32,
}

/// What was decided about a message.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Decision {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<ReviewState>,
    /// Why it was returned or declined, a code of the list of grounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ground: Option<String>,
    /// What its author is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    /// Where in the text.
    spans: Vec<Span>,
    /// The revision of the text that was judged.
    revision: u32,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Time>,
    /// The appeal against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<Appeal>,
    /// Until when its author may appeal; absent if that is not possible, or no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    appealable_until: Option<Time>,
}

impl From<moderation::GetDecisionResponse> for Decision {
    fn from(it: moderation::GetDecisionResponse) -> Self {
        let span = |it: moderation::Span| Span {
            field: TextField::of(it.field),
            start: it.start,
            end: it.end,
        };
        Self {
            state: ReviewState::of(it.state),
            decided_at: Time::of(it.decided_at.as_ref()),
            spans: it.spans.into_iter().map(span).collect(),
            ground: some(it.ground),
            explanation: some(it.explanation),
            revision: it.revision,
            appeal: it.appeal.map(Appeal::from),
            appealable_until: Time::of(it.appealable_until.as_ref()),
        }
    }
}
