//! What can go wrong, by cause, and what a caller may be told.

use std::time::Duration;

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db,
};

use crate::domain::{
    assignment::Unfit, common::NoPart, consultation, gate::Verdict, offices::Broken, state::Refusal,
};

/// After how long a caller tries again what met another's change.
const AGAIN: Duration = Duration::from_millis(100);

/// Why a model cannot be had, measured or put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelFault {
    /// There is none with this version, or none is in force.
    NotFound,
    /// It is not trained.
    NotTrained,
    /// It is in force.
    InForce,
    /// It was never in force.
    NeverInForce,
    /// Another one waits for its training.
    Waits,
    /// There are too few decided cases.
    TooFew {
        /// How many there are.
        has: usize,
        /// How many are needed.
        least: usize,
    },
}

/// An error of routing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database's.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The lists of the directory do not fit together.
    #[error("the directory cannot be used")]
    Directory(#[from] Broken),
    /// An office of the configuration is not in the directory.
    #[error("default_offices names {0}, which is not in the directory")]
    NoSuchDefault(String),
    /// A stored answer cannot be read.
    #[error("a stored answer cannot be read")]
    Answer(#[from] prost::DecodeError),
    /// Moderation did not give the texts.
    #[error("moderation did not give the texts")]
    TextsUnavailable(#[source] Box<tonic::Status>),
    /// Intake did not give an original text.
    #[error("intake did not give an original text: {:?}", .0.code())]
    OriginalUnavailable(#[source] Box<tonic::Status>),
    /// There is no such case, or not for this caller.
    #[error("no such case")]
    CaseNotFound,
    /// The case has no such reply.
    #[error("no such reply")]
    ReplyNotFound,
    /// There is no such office.
    #[error("no such office")]
    OfficeNotFound,
    /// There is no such division.
    #[error("no such division")]
    DivisionNotFound,
    /// There is no such term.
    #[error("no such term")]
    TermNotFound,
    /// There is no such competence.
    #[error("no such competence")]
    CompetenceNotFound,
    /// The days run past the end of the published calendar, and that was not wished.
    #[error("the calendar ends before")]
    CalendarEnds,
    /// The case is that of another office.
    #[error("the case is that of another office")]
    NotYourCase,
    /// Somebody else wrote the message.
    #[error("somebody else wrote the message")]
    NotYourMessage,
    /// Only an import may give historical times.
    #[error("only an import may give historical times")]
    HistoricalNotAllowed,
    /// The state does not allow it.
    #[error("the state does not allow it")]
    Refused(#[source] Refusal),
    /// The case cannot be given to that office.
    #[error("that office cannot be given the case: {0:?}")]
    Unfit(Unfit),
    /// The gate stopped the reply.
    #[error("the gate stopped the reply: {}", .0.code())]
    Stopped(Verdict),
    /// The case has no such promise.
    #[error("no such promise")]
    PromiseNotFound,
    /// The promise was kept, or its day has passed.
    #[error("the promise is settled")]
    PromiseSettled,
    /// There is no such consultation, or not for this caller.
    #[error("no such consultation")]
    ConsultationNotFound,
    /// Another office asks in the consultation.
    #[error("another office asks in the consultation")]
    NotYourConsultation,
    /// That cannot be done with the consultation now.
    #[error("that cannot be done with the consultation now: {0:?}")]
    Consultation(consultation::Fault),
    /// There is no such common problem, or not for this caller.
    #[error("no such common problem")]
    ProblemNotFound,
    /// Another office leads the common problem.
    #[error("another office leads the common problem")]
    NotYourProblem,
    /// The case or the common problem does not allow it.
    #[error("the common problem does not allow it")]
    NoPart(#[source] NoPart),
    /// There is no such precedent in force, or not for this caller.
    #[error("no such precedent")]
    PrecedentNotFound,
    /// The case is no model case.
    #[error("no such model case")]
    ModelNotFound,
    /// What is not public and answered is shown to nobody as handled well.
    #[error("the case is not public and answered")]
    NoModel,
    /// Somebody changed the case in between.
    #[error("the case was changed in between")]
    EtagMismatch,
    /// The same request id came with another body.
    #[error("the request id was used for something else")]
    RequestIdReused,
    /// The rating can no longer be changed.
    #[error("the rating is final")]
    RatingFinal,
    /// A model cannot be had so.
    #[error("a model cannot be had so: {0:?}")]
    Model(ModelFault),
    /// The bytes of a model are damaged.
    #[error("the bytes of a model are damaged")]
    Damaged(#[from] crate::domain::suggestion::form::Damaged),
    /// Too many others ask for what takes long.
    #[error("too many others ask for what takes long")]
    Busy,
    /// The service ends before the work was done.
    #[error("the service is stopping")]
    Stopping,
    /// The request is wrong.
    #[error("the request is wrong")]
    Invalid(Vec<Violation>),
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: &str, reason: &'static str) -> Self {
        Self::Invalid(vec![Violation::new(field, reason)])
    }
}

impl From<NoPart> for Error {
    fn from(why: NoPart) -> Self {
        match why {
            NoPart::Refused(refusal) => Self::Refused(refusal),
            why => Self::NoPart(why),
        }
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Database(error) => db::class(error),
            Self::Directory(_) | Self::NoSuchDefault(_) | Self::Answer(_) | Self::Damaged(_) => {
                Class::Internal
            }
            Self::Model(ModelFault::NotFound) => Class::NotFound,
            Self::Model(_) => Class::Precondition,
            Self::TextsUnavailable(status) => Class::of(status.code()),
            // Whatever intake says: the caller's request is right, and may succeed later.
            Self::OriginalUnavailable(_) | Self::Stopping => Class::Unavailable,
            Self::CaseNotFound
            | Self::ReplyNotFound
            | Self::PromiseNotFound
            | Self::ProblemNotFound
            | Self::ConsultationNotFound
            | Self::PrecedentNotFound
            | Self::ModelNotFound
            | Self::OfficeNotFound
            | Self::DivisionNotFound
            | Self::TermNotFound
            | Self::CompetenceNotFound
            | Self::Unfit(Unfit::Unknown) => Class::NotFound,
            Self::NotYourCase
            | Self::NotYourMessage
            | Self::NotYourProblem
            | Self::NotYourConsultation
            | Self::HistoricalNotAllowed => Class::Denied,
            Self::Refused(Refusal::NotForOffices) | Self::Invalid(_) => Class::Invalid,
            Self::Refused(_)
            | Self::Unfit(_)
            | Self::RatingFinal
            | Self::CalendarEnds
            | Self::NoPart(_)
            | Self::NoModel
            | Self::Consultation(_)
            | Self::Stopped(_)
            | Self::PromiseSettled => Class::Precondition,
            Self::Busy => Class::Exhausted,
            Self::EtagMismatch => Class::Aborted,
            Self::RequestIdReused => Class::Exists,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Database(error) => match db::class(error) {
                Class::Unavailable => "DATABASE_UNAVAILABLE",
                Class::Aborted => "TRY_AGAIN",
                _ => "INTERNAL",
            },
            Self::Directory(_) | Self::NoSuchDefault(_) | Self::Answer(_) | Self::Damaged(_) => {
                "INTERNAL"
            }
            Self::Model(fault) => match fault {
                ModelFault::NotFound => "MODEL_NOT_FOUND",
                ModelFault::NotTrained => "MODEL_NOT_TRAINED",
                ModelFault::InForce => "MODEL_IN_FORCE",
                ModelFault::NeverInForce => "MODEL_NEVER_IN_FORCE",
                ModelFault::Waits => "MODEL_WAITS",
                ModelFault::TooFew { .. } => "MODEL_TOO_FEW",
            },
            Self::TextsUnavailable(_) | Self::Stopping => "PEER_UNAVAILABLE",
            Self::OriginalUnavailable(_) => "TEXTS_UNAVAILABLE",
            Self::CaseNotFound => "CASE_NOT_FOUND",
            Self::ReplyNotFound => "REPLY_NOT_FOUND",
            Self::OfficeNotFound | Self::Unfit(Unfit::Unknown) => "OFFICE_NOT_FOUND",
            Self::Unfit(Unfit::HasIt) => "OFFICE_HAS_IT",
            Self::Unfit(Unfit::Closed) => "OFFICE_CLOSED",
            Self::Unfit(Unfit::Expired) => "OFFICE_EXPIRED",
            Self::Unfit(Unfit::Accused) => "OFFICE_ACCUSED",
            Self::Unfit(Unfit::BesideAccused) => "OFFICE_BESIDE_ACCUSED",
            Self::Unfit(Unfit::HadIt) => "OFFICE_HAD_IT",
            Self::Unfit(Unfit::NoSuperior) => "NO_SUPERIOR",
            Self::DivisionNotFound => "DIVISION_NOT_FOUND",
            Self::TermNotFound => "TERM_NOT_FOUND",
            Self::ConsultationNotFound => "CONSULTATION_NOT_FOUND",
            Self::NotYourConsultation => "CONSULTATION_NOT_YOURS",
            Self::Consultation(fault) => fault.reason(),
            Self::ProblemNotFound => "COMMON_PROBLEM_NOT_FOUND",
            Self::NotYourProblem => "COMMON_PROBLEM_NOT_YOURS",
            Self::NoPart(NoPart::Accuses) => "CASE_ACCUSES",
            Self::NoPart(NoPart::InOne) => "CASE_IN_COMMON_PROBLEM",
            Self::NoPart(NoPart::InNone) => "CASE_IN_NO_COMMON_PROBLEM",
            Self::NoPart(NoPart::Full) => "COMMON_PROBLEM_FULL",
            Self::NoPart(NoPart::Late) => "OBJECTION_LATE",
            Self::NoPart(_) => "COMMON_PROBLEM_NOT_OPEN",
            Self::PrecedentNotFound => "PRECEDENT_NOT_FOUND",
            Self::ModelNotFound => "MODEL_CASE_NOT_FOUND",
            Self::NoModel => "CASE_NO_MODEL",
            Self::CompetenceNotFound => "COMPETENCE_NOT_FOUND",
            Self::CalendarEnds => "CALENDAR_ENDS",
            Self::NotYourCase => "CASE_NOT_YOURS",
            Self::NotYourMessage => "MESSAGE_NOT_YOURS",
            Self::HistoricalNotAllowed => "HISTORICAL_NOT_ALLOWED",
            Self::Refused(refusal) => match refusal {
                Refusal::Ended => "CASE_ENDED",
                Refusal::AlreadyAccepted => "CASE_ALREADY_ACCEPTED",
                Refusal::ReplyFirst => "REPLY_FIRST",
                Refusal::NotForOffices => "OUTCOME_NOT_FOR_OFFICES",
                Refusal::AlreadyAnswered => "CASE_ALREADY_ANSWERED",
                Refusal::TransferTooLate => "TRANSFER_TOO_LATE",
                Refusal::AcceptFirst => "ACCEPT_FIRST",
                Refusal::NotAnswered => "CASE_NOT_ANSWERED",
                Refusal::StillOpen => "CASE_STILL_OPEN",
                Refusal::Paused => "CASE_PAUSED",
                Refusal::NotPaused => "CASE_NOT_PAUSED",
                Refusal::AlreadyExtended => "DEADLINE_EXTENDED",
                Refusal::DeadlinePassed => "DEADLINE_PASSED",
                Refusal::ReturnedTwice => "CASE_RETURNED_TWICE",
                Refusal::HandedOnTwice => "CASE_HANDED_ON_TWICE",
                Refusal::Decided => "SUPERIOR_DECIDED",
                Refusal::AlreadyHelps => "OFFICE_HELPS_ALREADY",
                Refusal::EnoughHelpers => "ENOUGH_HELPERS",
                Refusal::AlreadySupervised => "CASE_SUPERVISED",
            },
            Self::Stopped(Verdict::Unrelated) => "REPLY_UNRELATED",
            Self::Stopped(_) => "REPLY_ALIKE",
            Self::PromiseNotFound => "PROMISE_NOT_FOUND",
            Self::PromiseSettled => "PROMISE_SETTLED",
            Self::Busy => "BUSY",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::RatingFinal => "RATING_FINAL",
            Self::Invalid(_) => "REQUEST_INVALID",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(violations) => violations.clone(),
            Self::Refused(Refusal::NotForOffices) => {
                vec![Violation::new("outcome", "OUTCOME_NOT_FOR_OFFICES")]
            }
            _ => Vec::new(),
        }
    }

    fn arguments(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Model(ModelFault::TooFew { has, least }) => {
                vec![("has", has.to_string()), ("least", least.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self.class(), Class::Unavailable | Class::Exhausted)
            .then_some(Duration::from_secs(1))
            .or((self.reason() == "TRY_AGAIN").then_some(AGAIN))
    }
}
