//! Cases, as everybody sees them and as their office does, and what is done with them.

use liuyan_proto::liuyan::{common::v1 as common, routing::v1 as routing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(in crate::api) use super::states::{
    CaseOrder, CaseState, DayOf, Outcome, PromiseState, PublicState, Visibility,
};
use super::{Time, Word, some};

/// A dated commitment inside a reply.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Promise {
    /// Its id, a UUID.
    promise_id: String,
    /// What is promised.
    what: String,
    /// The end of the day by which it is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<PromiseState>,
    /// When it was kept or broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<Time>,
}

impl From<common::Promise> for Promise {
    fn from(it: common::Promise) -> Self {
        Self {
            due_at: Time::of(it.due_at.as_ref()),
            state: PromiseState::of(it.state),
            settled_at: Time::of(it.settled_at.as_ref()),
            promise_id: it.promise_id,
            what: it.what,
        }
    }
}

/// A time in which the office waited for more information from the author.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Pause {
    /// The start, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Time>,
    /// The end, exclusive; absent while the office still waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

impl From<common::Pause> for Pause {
    fn from(it: common::Pause) -> Self {
        Self { from: Time::of(it.from.as_ref()), until: Time::of(it.until.as_ref()) }
    }
}

/// An office's public answer.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Reply {
    /// Its id, a UUID.
    reply_id: String,
    /// The office that answers.
    office_id: String,
    /// The text.
    body: String,
    /// When it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    replied_at: Option<Time>,
    /// When its text was corrected last.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_at: Option<Time>,
    /// True if the office gave it although the gate stopped it.
    gate_overridden: bool,
    /// What it promised, by date.
    promises: Vec<Promise>,
}

impl From<common::Reply> for Reply {
    fn from(it: common::Reply) -> Self {
        Self {
            replied_at: Time::of(it.replied_at.as_ref()),
            corrected_at: Time::of(it.corrected_at.as_ref()),
            gate_overridden: it.gate_overridden,
            promises: it.promises.into_iter().map(Promise::from).collect(),
            reply_id: it.reply_id,
            office_id: it.office_id,
            body: it.body,
        }
    }
}

/// A span of time in which one office held a case.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Custody {
    /// The office.
    office_id: String,
    /// The start, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Time>,
    /// The end, exclusive; absent while the office holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

impl From<common::Custody> for Custody {
    fn from(it: common::Custody) -> Self {
        Self {
            from: Time::of(it.from.as_ref()),
            until: Time::of(it.until.as_ref()),
            office_id: it.office_id,
        }
    }
}

/// What everybody may see of a case.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PublicCase {
    /// The case's id, a UUID.
    case_id: String,
    /// The message's id, a UUID.
    message_id: String,
    /// The public number.
    number: String,
    /// The office that handles it now.
    office_id: String,
    /// The division of that office; absent for a ministry.
    #[serde(skip_serializing_if = "Option::is_none")]
    division_code: Option<String>,
    /// Code of the kind.
    kind: String,
    /// Code of the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// The topic inside the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The title, as it was made public.
    title: String,
    /// The body, as it was made public; a complaint has demand and details instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// What a complaint asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    demand: Option<String>,
    /// What a complaint tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
    /// The place, if its author made it public.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// When the message was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<Time>,
    /// By when its author is to have an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<CaseState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_state: Option<PublicState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Public answers, oldest first.
    replies: Vec<Reply>,
    /// Who has held it, oldest first, without gaps.
    custody: Vec<Custody>,
    /// Counts the changes of this view, from 1.
    revision: u64,
    /// When its first office said that it will act.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Time>,
    /// When the office waited for more information from the author, oldest first.
    pauses: Vec<Pause>,
    /// When the deadline was extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_at: Option<Time>,
    /// Offices that help, in the order in which they were asked.
    helper_office_ids: Vec<String>,
    /// The common problem in which it is answered together with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    common_problem_id: Option<String>,
    /// The consultation to which it belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    consultation_id: Option<String>,
}

impl From<common::PublicCase> for PublicCase {
    fn from(it: common::PublicCase) -> Self {
        Self {
            state: CaseState::of(it.state),
            public_state: PublicState::of(it.public_state),
            outcome: Outcome::of(it.outcome),
            submitted_at: Time::of(it.submitted_at.as_ref()),
            deadline_at: Time::of(it.deadline_at.as_ref()),
            accepted_at: Time::of(it.accepted_at.as_ref()),
            closed_at: Time::of(it.closed_at.as_ref()),
            pauses: it.pauses.into_iter().map(Pause::from).collect(),
            extended_at: Time::of(it.extended_at.as_ref()),
            helper_office_ids: it.helper_office_ids,
            common_problem_id: some(it.common_problem_id),
            consultation_id: some(it.consultation_id),
            replies: it.replies.into_iter().map(Reply::from).collect(),
            custody: it.custody.into_iter().map(Custody::from).collect(),
            case_id: it.case_id,
            message_id: it.message_id,
            number: it.number,
            office_id: it.office_id,
            division_code: some(it.division_code),
            kind: it.kind,
            domain: some(it.domain),
            topic: some(it.topic),
            title: it.title,
            body: some(it.body),
            demand: some(it.demand),
            details: some(it.details),
            place: some(it.place),
            revision: it.revision,
        }
    }
}

/// An author's rating of a reply, 1 to 5 each; for its author alone.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Rating {
    /// The reply's id.
    reply_id: String,
    /// How far the matter was resolved.
    resolution: u32,
    /// The office's attitude.
    attitude: u32,
    /// Its speed.
    speed: u32,
    /// Until when it may be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changeable_until: Option<Time>,
}

impl From<routing::Rating> for Rating {
    fn from(it: routing::Rating) -> Self {
        Self {
            changeable_until: Time::of(it.changeable_until.as_ref()),
            reply_id: it.reply_id,
            resolution: it.resolution,
            attitude: it.attitude,
            speed: it.speed,
        }
    }
}

/// That an author asked on because of a reply.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct FollowUp {
    /// The reply's id.
    reply_id: String,
    /// `not_answered`, `not_done`, `unclear` or `wrong`.
    ground: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<Time>,
}

impl From<routing::FollowUp> for FollowUp {
    fn from(it: routing::FollowUp) -> Self {
        Self { asked_at: Time::of(it.asked_at.as_ref()), reply_id: it.reply_id, ground: it.ground }
    }
}

/// A case. What goes beyond its public view is told to its office and its author, who bring a token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Case {
    #[serde(flatten)]
    view: PublicCase,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility: Option<Visibility>,
    /// Whether everybody may see the case.
    public: bool,
    /// The rule that chose the office.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_by: Option<String>,
    /// Changes with each change of the case; goes back with what is done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// The author's ratings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ratings: Vec<Rating>,
    /// What the office asks the author, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    /// Whether two offices have given it back, and the one that has it now is to decide.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    referred: bool,
    /// Since when it is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    supervised_at: Option<Time>,
    /// The version of the model that told its domain; absent if its author chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_by: Option<u32>,
    /// What its author asked on, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    follow_ups: Vec<FollowUp>,
}

impl From<routing::Case> for Case {
    fn from(it: routing::Case) -> Self {
        Self {
            visibility: Visibility::of(it.visibility),
            public: it.public,
            assigned_by: some(it.assigned_by),
            etag: some(it.etag),
            ratings: it.ratings.into_iter().map(Rating::from).collect(),
            question: some(it.question),
            referred: it.referred,
            supervised_at: Time::of(it.supervised_at.as_ref()),
            suggested_by: Some(it.suggested_by).filter(|version| *version > 0),
            follow_ups: it.follow_ups.into_iter().map(FollowUp::from).collect(),
            view: it.view.unwrap_or_default().into(),
        }
    }
}

impl Case {
    /// The case without what only those see who bring a token.
    pub(in crate::api) fn for_everybody(mut self) -> Self {
        self.assigned_by = None;
        self.etag = None;
        self.ratings.clear();
        self.question = None;
        self.referred = false;
        self.supervised_at = None;
        self.suggested_by = None;
        self.follow_ups.clear();
        self
    }
}

/// A case after a reply.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Replied {
    pub(in crate::api) case: Case,
    /// The reply's id.
    pub(in crate::api) reply_id: String,
}

/// Rates a reply.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewRating {
    /// How far the matter was resolved, 1 to 5.
    #[schema(required = true, minimum = 1, maximum = 5)]
    pub(in crate::api) resolution: u32,
    /// The office's attitude, 1 to 5.
    #[schema(required = true, minimum = 1, maximum = 5)]
    pub(in crate::api) attitude: u32,
    /// Its speed, 1 to 5.
    #[schema(required = true, minimum = 1, maximum = 5)]
    pub(in crate::api) speed: u32,
}

/// A rating as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Rated {
    /// `very_satisfied`, `satisfied`, `fairly_satisfied`, `dissatisfied` or `very_dissatisfied`.
    label: String,
    /// Until when it may be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changeable_until: Option<Time>,
}

impl From<routing::RateReplyResponse> for Rated {
    fn from(it: routing::RateReplyResponse) -> Self {
        Self { changeable_until: Time::of(it.changeable_until.as_ref()), label: it.label }
    }
}
