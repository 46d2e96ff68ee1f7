//! What happens to a case.

use jiff::Timestamp;

use super::super::{
    ConsultationId, ProblemId, PromiseId, ReplyId,
    consultation::Uptake,
    rating::Rating,
    state::{Outcome, State},
};

/// What happened to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Work began.
    Opened,
    /// An office was given it.
    Assigned,
    /// The office accepted it.
    Accepted,
    /// The office named gave it to the one that has it now.
    Transferred(String),
    /// The office named gave it back; true if the common superior is to decide now.
    Returned(String, bool),
    /// The office waits for the author.
    Paused,
    /// The wait is over.
    Resumed,
    /// The office took more time.
    Extended,
    /// The office named was asked to help.
    HelperInvited(String),
    /// The office answered; true if the gate would have stopped it; with the common problem if it was
    /// answered together with others.
    Replied(ReplyId, bool, Option<ProblemId>),
    /// It came into the common problem, which the office named leads.
    Grouped(ProblemId, String),
    /// It left the common problem, with the code of the cause.
    Ungrouped(ProblemId, &'static str),
    /// The office corrected a reply.
    Corrected(ReplyId),
    /// The author asked on because of a reply, with the code of the ground.
    FollowUpAsked(ReplyId, &'static str),
    /// It is worked on again, with the code of the cause.
    Reopened(&'static str),
    /// It is watched, with the code of the cause and the office above.
    Supervised(&'static str, Option<String>),
    /// Its deadline passed long ago, and the office above is told.
    Escalated(String),
    /// A reply promised something.
    PromiseMade(PromiseId, ReplyId, Timestamp),
    /// What was promised was done.
    PromiseKept(PromiseId),
    /// What was promised was not done in time.
    PromiseBroken(PromiseId),
    /// The deadline is near.
    Neared,
    /// The deadline has passed.
    Missed,
    /// The author rated a reply.
    RatingChanged(ReplyId),
    /// The rating of a reply became final; it was first given then.
    Rated(ReplyId, Rating, Timestamp),
    /// The result of its consultation, which the office named asked for, makes this of it; nothing if the
    /// result does not speak of it.
    ResultTold(ConsultationId, String, Option<Uptake>),
    /// It ended.
    Closed(Outcome),
    /// Its public text changed.
    TextChanged,
    /// The author wished to withdraw it, too late.
    WithdrawalRefused,
}

/// Something that happened, with the case as it was right after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What.
    pub what: What,
    /// When; for what comes from another system, when it happened there.
    pub at: Timestamp,
    /// The state after it.
    pub state: State,
    /// The revision after it.
    pub revision: i64,
    /// Whether everybody may see the case after it.
    pub public: bool,
}
