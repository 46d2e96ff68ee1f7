//! The nouns and rules of routing: pure, without clock, database or network.

pub mod access;
pub mod acts;
pub mod assignment;
pub mod calendar;
pub mod case;
pub mod common;
pub mod competence;
pub mod consultation;
pub mod deadline;
pub mod directory;
pub mod editing;
pub mod escalation;
pub mod gate;
pub mod handling;
pub mod hot;
pub mod likeness;
pub mod lists;
pub mod offices;
pub mod page;
pub mod promise;
pub mod rating;
pub mod routed;
pub mod search;
pub mod state;
pub mod suggestion;
pub mod tables;
pub mod validity;
pub mod view;

liuyan_kit::id::id!(
    /// A case: the office's work on one approved message.
    pub CaseId
);
liuyan_kit::id::id!(
    /// A message, as intake names it.
    pub MessageId
);
liuyan_kit::id::id!(
    /// An office's answer.
    pub ReplyId
);
liuyan_kit::id::id!(
    /// A dated promise inside a reply.
    pub PromiseId
);
liuyan_kit::id::id!(
    /// A consultation: an office asks the public one question for some time.
    pub ConsultationId
);
liuyan_kit::id::id!(
    /// A common problem: many cases about one thing.
    pub ProblemId
);
