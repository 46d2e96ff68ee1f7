//! What can go wrong, and what a caller is told.

use std::time::Duration;

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db,
};

use crate::domain::{appeal::Obstacle, review::State, rules::Fault};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are wrong.
    #[error("the request is wrong in {} places", .0.len())]
    Invalid(Vec<Violation>),
    /// The token is for another message.
    #[error("the token is for another message")]
    OtherMessage,
    /// There is no review of this message.
    #[error("there is no review of this message")]
    ReviewNotFound,
    /// The review does not wait for a person.
    #[error("the review is {}, not held", .0.as_str())]
    NotHeld(State),
    /// Somebody else holds it.
    #[error("somebody else holds the review")]
    ClaimedByAnother,
    /// The caller does not hold it, or no longer.
    #[error("the caller does not hold the review")]
    NotClaimed,
    /// The review has changed since the caller read it.
    #[error("the review has changed")]
    EtagMismatch,
    /// Another choice was made for the office since the caller read it.
    #[error("another choice was made for the office")]
    PolicyChanged,
    /// Only a senior moderator may decide on this ground.
    #[error("the ground is for senior moderators")]
    SeniorNeeded,
    /// The caller wrote the message.
    #[error("the caller wrote the message")]
    OwnMessage,
    /// The appeal is against what the caller decided.
    #[error("the caller decided on this message before")]
    OwnDecision,
    /// There is no open appeal.
    #[error("the review is {}, not appealed against", .0.as_str())]
    NotAppealed(State),
    /// The author can't appeal.
    #[error("there can be no appeal: {0:?}")]
    Appeal(Obstacle),
    /// The message is not approved.
    #[error("the review is {}, not approved", .0.as_str())]
    NotApproved(State),
    /// The same request id came with another request.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// There is no such set of rules.
    #[error("there is no such set of rules")]
    RulesNotFound,
    /// Files of a set of rules are wrong.
    #[error("the rules are wrong in {} places", .0.len())]
    RulesFaulty(Vec<Fault>),
    /// There is no such trial.
    #[error("there is no such trial")]
    TrialNotFound,
    /// The trial is not done.
    #[error("the trial has read {read} messages and goes on")]
    TrialRunning {
        /// How many messages it has read.
        read: u32,
    },
    /// Another set has come in force since the trial.
    #[error("set {in_force} has come in force since the trial")]
    RulesChanged {
        /// The set that is in force.
        in_force: u32,
    },
    /// The set would hold too much.
    #[error("the set would hold {share} of all messages, of which {most} may be held")]
    HoldsTooMuch {
        /// The share that it would hold.
        share: f64,
        /// The share that may be held.
        most: f64,
    },
    /// The set was never in force.
    #[error("the set was never in force")]
    NeverInForce,
    /// Intake has no text of the revision in question.
    #[error("intake has no text of this revision")]
    TextMissing,
    /// The author has handed in a newer text, which is on its way here.
    #[error("the author has mended the text meanwhile")]
    TextMended,
    /// Intake does not answer.
    #[error("intake does not give texts")]
    TextsUnavailable(#[source] Box<tonic::Status>),
    /// Data that this release brings differ from what was loaded under the same version.
    #[error("{name} version {version} was loaded before with another content")]
    DataChanged {
        /// Which data.
        name: &'static str,
        /// Their version.
        version: u32,
    },
    /// A part of the rules or grounds can't be read.
    #[error("data of this release can't be read")]
    BadData(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A task was lost.
    #[error("a task was lost")]
    Task(#[from] tokio::task::JoinError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) | Self::RulesFaulty(_) => Class::Invalid,
            Self::ReviewNotFound | Self::RulesNotFound | Self::TrialNotFound => Class::NotFound,
            Self::TrialRunning { .. } | Self::RulesChanged { .. } => Class::Precondition,
            Self::HoldsTooMuch { .. } | Self::NeverInForce => Class::Precondition,
            Self::NotHeld(_) | Self::ClaimedByAnother | Self::NotClaimed => Class::Precondition,
            Self::NotApproved(_) | Self::TextMissing | Self::NotAppealed(_) | Self::Appeal(_) => {
                Class::Precondition
            }
            Self::TextMended => Class::Precondition,
            Self::EtagMismatch | Self::PolicyChanged => Class::Aborted,
            Self::SeniorNeeded | Self::OtherMessage => Class::Denied,
            Self::OwnMessage | Self::OwnDecision => Class::Denied,
            Self::RequestIdReused => Class::Exists,
            Self::TextsUnavailable(_) => Class::Unavailable,
            Self::DataChanged { .. } | Self::BadData(_) | Self::Task(_) => Class::Internal,
            Self::Database(error) => db::class(error),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELDS_INVALID",
            Self::RulesNotFound => "RULES_NOT_FOUND",
            Self::RulesFaulty(_) => "RULES_FAULTY",
            Self::TrialNotFound => "TRIAL_NOT_FOUND",
            Self::TrialRunning { .. } => "TRIAL_RUNNING",
            Self::RulesChanged { .. } => "RULES_CHANGED",
            Self::HoldsTooMuch { .. } => "RULES_HOLD_TOO_MUCH",
            Self::NeverInForce => "RULES_NEVER_IN_FORCE",
            Self::OtherMessage => "OTHER_MESSAGE",
            Self::ReviewNotFound => "REVIEW_NOT_FOUND",
            Self::NotHeld(_) => "REVIEW_NOT_HELD",
            Self::ClaimedByAnother => "REVIEW_CLAIMED_BY_ANOTHER",
            Self::NotClaimed => "REVIEW_NOT_CLAIMED",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::PolicyChanged => "POLICY_CHANGED",
            Self::SeniorNeeded => "SENIOR_MODERATOR_NEEDED",
            Self::OwnMessage => "OWN_MESSAGE",
            Self::OwnDecision => "OWN_DECISION",
            Self::NotAppealed(_) => "REVIEW_NOT_APPEALED",
            Self::Appeal(Obstacle::NothingToAppeal(_)) => "NOTHING_TO_APPEAL",
            Self::Appeal(Obstacle::Already) => "APPEALED_ALREADY",
            Self::Appeal(Obstacle::TooLate) => "APPEAL_TOO_LATE",
            Self::NotApproved(_) => "MESSAGE_NOT_APPROVED",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::TextMissing => "TEXT_MISSING",
            Self::TextMended => "TEXT_MENDED",
            Self::TextsUnavailable(_) => "TEXTS_UNAVAILABLE",
            Self::DataChanged { .. } => "DATA_CHANGED",
            Self::BadData(_) => "DATA_BROKEN",
            Self::Task(_) => "TASK_LOST",
            Self::Database(_) => "DATABASE_UNAVAILABLE",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(violations) => violations.clone(),
            Self::RulesFaulty(faults) => faults
                .iter()
                .map(|fault| {
                    let field = format!("files.{}[{}]", fault.file.as_str(), fault.line);
                    Violation::new(field, fault.reason)
                        .with("line", fault.line)
                        .with("what", &fault.what)
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotHeld(state) | Self::NotApproved(state) | Self::NotAppealed(state) => {
                vec![("state", state.as_str().to_owned())]
            }
            Self::TrialRunning { read } => vec![("read", read.to_string())],
            Self::RulesChanged { in_force } => vec![("in_force", in_force.to_string())],
            Self::HoldsTooMuch { share, most } => {
                vec![("share", format!("{share:.3}")), ("most", format!("{most:.3}"))]
            }
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.class().passes().then_some(Duration::from_secs(1))
    }
}

/// Collects everything that is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    /// Adds something that is wrong.
    pub(crate) fn push(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// Adds something that is wrong if it is.
    pub(crate) fn check(&mut self, right: bool, field: &str, reason: &'static str) {
        if !right {
            self.push(Violation::new(field, reason));
        }
    }

    /// Fails if anything is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
