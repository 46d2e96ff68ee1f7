//! What everybody may see of a case. It is put together here and nowhere else: every page, feed,
//! export and index shows this and nothing more.

use jiff::Timestamp;

use super::{
    CaseId, ConsultationId, MessageId, ProblemId,
    case::{Case, Pause, Reply, Segment, Text},
    state::{Outcome, State},
};

/// The three states of the public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicState {
    /// No office has accepted it yet.
    AwaitingReply,
    /// An office works on it.
    InProgress,
    /// It has been answered.
    Replied,
}

/// The view. Its text is empty where none is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The case.
    pub case_id: CaseId,
    /// The message.
    pub message_id: MessageId,
    /// The public number.
    pub number: String,
    /// The office.
    pub office_id: String,
    /// Its division; none for a ministry.
    pub division_code: Option<String>,
    /// The kind.
    pub kind: String,
    /// The domain.
    pub domain: String,
    /// The topic.
    pub topic: String,
    /// The public text.
    pub text: Text,
    /// Day 0 of the clock.
    pub submitted_at: Timestamp,
    /// By when an answer is due.
    pub deadline_at: Timestamp,
    /// The exact state.
    pub state: State,
    /// The state in the public's words.
    pub public_state: PublicState,
    /// When its first office said that it will act.
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// Answers, oldest first.
    pub replies: Vec<Reply>,
    /// Who held it, oldest first.
    pub custody: Vec<Segment>,
    /// When its office waited for the author, oldest first.
    pub pauses: Vec<Pause>,
    /// When the deadline was extended.
    pub extended_at: Option<Timestamp>,
    /// The offices that help.
    pub helpers: Vec<String>,
    /// The common problem in which it is.
    pub problem_id: Option<ProblemId>,
    /// The consultation to which the message belongs.
    pub consultation_id: Option<ConsultationId>,
    /// Counts the changes of this view.
    pub revision: i64,
}

/// Puts the view together.
pub fn assemble(
    case: &Case,
    replies: Vec<Reply>,
    custody: Vec<Segment>,
    pauses: Vec<Pause>,
) -> View {
    View {
        case_id: case.case_id,
        message_id: case.message_id,
        number: case.number.clone(),
        office_id: case.office_id.clone(),
        division_code: case.place.division_code.clone(),
        kind: case.kind.clone(),
        domain: case.domain.clone(),
        topic: case.topic.clone(),
        text: case.text.clone().unwrap_or_default(),
        submitted_at: case.submitted_at,
        deadline_at: case.deadline_at,
        state: case.state,
        public_state: match case.state {
            State::Assigned => PublicState::AwaitingReply,
            State::Accepted => PublicState::InProgress,
            State::Replied | State::Closed(_) => PublicState::Replied,
        },
        accepted_at: case.accepted_at,
        closed_at: case.closed_at,
        outcome: case.state.outcome(),
        replies,
        custody,
        pauses,
        extended_at: case.handling.extended_at,
        helpers: case.handling.helpers.clone(),
        problem_id: case.handling.problem_id,
        consultation_id: case.consultation_id,
        revision: case.revision,
    }
}
