//! What is done with cases, and what is told of it.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, cases::Outcome, some};

/// Says that the office will act.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Accept {
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Answers in public.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewReply {
    /// The answer, 2 to 20,000 characters.
    #[schema(required = true)]
    pub(in crate::api) body: String,
    /// Why it is given although the gate stops it, 2 to 200 characters; for officials. That it was is
    /// counted in public.
    pub(in crate::api) override_reason: String,
    /// What it promises, up to 5.
    pub(in crate::api) promises: Vec<NewPromise>,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Gives a case to the office that is competent for it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Transfer {
    /// That office.
    #[schema(required = true)]
    pub(in crate::api) office_id: String,
    /// Why, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Ends a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Close {
    pub(in crate::api) outcome: Outcome,
    /// The case's etag, as it was seen; not checked if left out.
    #[serde(default)]
    pub(in crate::api) etag: String,
}

/// Gives a case back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Return {
    /// The office that is competent.
    #[schema(required = true)]
    pub(in crate::api) office_id: String,
    /// The rule by which it is, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) rule: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Waits for the author.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewPause {
    /// What the author is asked, 2 to 500 characters; for the author and officials.
    #[schema(required = true)]
    pub(in crate::api) question: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Ends the wait.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Resume {
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Extends the deadline.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Extend {
    /// By how many days of the kind that the deadline counts.
    #[schema(required = true, minimum = 1, maximum = 30)]
    pub(in crate::api) days: u32,
    /// Why, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Asks another office to help.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Invite {
    /// The office.
    #[schema(required = true)]
    pub(in crate::api) office_id: String,
    /// For what, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Corrects a reply.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Correction {
    /// Its text as it ought to be, 2 to 20,000 characters.
    #[schema(required = true)]
    pub(in crate::api) body: String,
    /// Why, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Something for which a reason is all there is to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Because {
    /// Why, or how, 2 to 200 characters; for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Asks on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewFollowUp {
    /// Why.
    #[schema(required = true, value_type = Ground)]
    pub(in crate::api) ground: Option<Ground>,
    /// The case's etag, as it was seen; not checked if left out.
    pub(in crate::api) etag: String,
}

/// Why an author asks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Ground {
    /// The reply does not answer what was asked.
    NotAnswered,
    /// What the reply says was done, was not.
    NotDone,
    /// The reply can't be understood.
    Unclear,
    /// What the reply says is not so.
    Wrong,
}

impl Ground {
    /// Its code.
    pub(in crate::api) fn code(self) -> &'static str {
        match self {
            Self::NotAnswered => "not_answered",
            Self::NotDone => "not_done",
            Self::Unclear => "unclear",
            Self::Wrong => "wrong",
        }
    }
}

/// A promise that a reply is to make.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewPromise {
    /// By the end of which day, as YYYY-MM-DD; today at the earliest.
    #[schema(required = true)]
    due_on: String,
    /// What, 2 to 200 characters; public with the reply.
    #[schema(required = true)]
    what: String,
}

impl From<NewPromise> for routing::PromiseDraft {
    fn from(it: NewPromise) -> Self {
        Self { due_on: it.due_on, what: it.what }
    }
}

/// A reply that is not sent yet.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct DraftReply {
    /// The answer, 2 to 20,000 characters.
    #[schema(required = true)]
    pub(in crate::api) body: String,
}

/// What the gate says of a reply.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Checked {
    /// `pass`; `alike`: nearly the same as other replies of the office; `unrelated`: shares nothing
    /// with the question.
    pub(in crate::api) verdict: String,
    /// Whether it is sent only with an `override_reason`; else the office may want to look again.
    pub(in crate::api) stopped: bool,
}

/// Something that was done with a case.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Act {
    /// Counts the acts of the case, from 1.
    position: u32,
    /// When it was entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
    /// Who did it; `routing` for what happened by itself.
    actor: String,
    /// What: the noun and the verb, e.g. `case-paused`.
    action: String,
    /// The office that had the case.
    office_id: String,
    /// What belongs to it, as codes and ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What an official wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The hash by which the next act is bound to this one, in hexadecimal digits.
    hash: String,
}

impl From<routing::Act> for Act {
    fn from(it: routing::Act) -> Self {
        Self {
            position: it.position,
            at: Time::of(it.at.as_ref()),
            actor: it.actor,
            action: it.action,
            office_id: it.office_id,
            detail: some(it.detail),
            note: some(it.note),
            hash: it.hash,
        }
    }
}

/// The figures of an office, of everything that it ever answered here.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ReplyFigures {
    /// Its replies.
    replies: u64,
    /// Those that it gave although the gate stopped them.
    gate_overridden: u64,
    /// What it promised.
    promises: u64,
    /// Promises that were kept in time.
    kept: u64,
    /// Promises whose day passed.
    broken: u64,
}

impl From<routing::GetReplyFiguresResponse> for ReplyFigures {
    fn from(it: routing::GetReplyFiguresResponse) -> Self {
        Self {
            replies: it.replies,
            gate_overridden: it.gate_overridden,
            promises: it.promises,
            kept: it.kept,
            broken: it.broken,
        }
    }
}
