//! Everything that can go wrong here, by cause.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db, objects,
};

use crate::domain::{
    log::tree::Broken,
    rule::{Breach, Rule},
    state::Obstacle,
};

/// After how long it makes sense to come back when somebody is away.
const SOON: Duration = Duration::from_secs(1);
/// After how long what is counted by the minute may be had again.
const A_MINUTE: Duration = Duration::from_secs(60);
/// After how long a directory that has not arrived may have.
const AT_START: Duration = Duration::from_secs(2);

/// What somebody may do only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Messages of one author.
    Author,
    /// Messages from one address.
    Address,
    /// Messages of an agency without a column, or of a hotline.
    Agency,
    /// Messages of a column within a minute.
    Column,
    /// Messages of a column on one day.
    ColumnDay,
}

impl Limit {
    /// Its name for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Address => "address",
            Self::Agency => "agency",
            Self::Column => "column_minute",
            Self::ColumnDay => "column_day",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Author => "AUTHOR_LIMIT_REACHED",
            Self::Address => "ADDRESS_LIMIT_REACHED",
            Self::Agency => "AGENCY_LIMIT_REACHED",
            Self::Column => "COLUMN_LIMIT_REACHED",
            Self::ColumnDay => "COLUMN_QUOTA_USED",
        }
    }
}

/// Why something was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Fields break rules.
    #[error("{} fields break rules", .0.len())]
    Fields(Vec<Breach>),
    /// Offices and code lists have not arrived yet.
    #[error("offices and code lists have not arrived yet")]
    DirectoryNotLoaded,
    /// Only those who may manage authors find them by phone.
    #[error("the caller may not manage authors")]
    ManageNotAllowed,
    /// Only an importer may say that a message was written earlier.
    #[error("the caller may not import")]
    ImportNotAllowed,
    /// The token of a stream has ended.
    #[error("the token has expired")]
    TokenExpired,
    /// The caller is not signed in as a citizen.
    #[error("the caller is no account")]
    AccountNeeded,
    /// The token is for another message.
    #[error("the token is for another message")]
    OtherMessage,
    /// There is no such message.
    #[error("there is no such message")]
    MessageNotFound,
    /// No message has this number and this access code.
    #[error("no message has this number and this access code")]
    NumberOrCodeWrong,
    /// Too many wrong guesses.
    #[error("too many wrong numbers or codes")]
    LookUpsExhausted(Duration),
    /// The id belongs to another request.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// The message does not stand where this can be done.
    #[error("not possible now: {0:?}")]
    Obstacle(Obstacle),
    /// More messages wait than may.
    #[error("the queue of messages is full")]
    QueueFull(Duration),
    /// Somebody has done something as often as they may.
    #[error("the limit of {} is reached", .0.word())]
    Limited(Limit, Duration),
    /// Only a hotline may enter messages for others.
    #[error("the caller may not enter messages for others")]
    OnBehalfNotAllowed,
    /// The column is not the caller's.
    #[error("the column is not the caller's")]
    ColumnNotYours,
    /// There is no such column.
    #[error("there is no such column")]
    ColumnNotFound,
    /// The id belongs to another column.
    #[error("there is a column of this id")]
    ColumnExists,
    /// The agency has a column.
    #[error("the agency has another column")]
    AgencyHasColumn,
    /// The column was changed since it was read.
    #[error("the column was changed meanwhile")]
    ColumnChanged,
    /// The writers have stopped.
    #[error("the service is stopping")]
    Stopping,
    /// A new public number belongs to another message.
    #[error("the public number is taken")]
    NumberTaken,
    /// The journal of erasures cannot be written.
    #[error("the journal of erasures is away")]
    JournalAway,
    /// A key is missing or does not fit.
    #[error("a key is missing or does not fit")]
    Key(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
    /// A row that another one implies is missing.
    #[error("{0} is missing")]
    Lost(&'static str),
    /// A writer died.
    #[error("a writer panicked")]
    WriterDied,
    /// The log has no such entry.
    #[error("the log has no such entry")]
    EntryNotFound,
    /// The entry has no place in a signed tree yet.
    #[error("the entry waits for its place in a signed tree")]
    EntryWaiting,
    /// The log has no signed head yet.
    #[error("the log has no signed head yet")]
    LogNotSigned,
    /// The stored tree is not the one that was signed.
    #[error("the stored tree of the log is not the one that was signed")]
    LogBroken,
    /// Another message has the id or the number of a receipt.
    #[error("another message has the id or the number of the receipt")]
    ReceiptTaken,
    /// The request was met before, and its message was erased since.
    #[error("the message of this request was erased")]
    Erased,
    /// As many files come as may.
    #[error("too many uploads are under way")]
    UploadsBusy,
    /// Too many upload tokens were given a moment ago.
    #[error("too many upload tokens were given")]
    UploadTokensExhausted,
    /// Somebody has uploaded as much as they may.
    #[error("the quota of uploads is used up")]
    UploadQuota(Duration),
    /// An upload was silent for too long, or took too long.
    #[error("the upload is too slow")]
    UploadTooSlow,
    /// The caller went away, or the connection broke.
    #[error("the upload broke off")]
    UploadBroken,
    /// The same request was met before, or comes twice at this moment.
    #[error("the request was met before")]
    RequestMet,
    /// Files of a message went to another one meanwhile.
    #[error("files of the message have been used meanwhile")]
    FilesTaken,
    /// There is no such file, or not for the caller.
    #[error("there is no such file")]
    AttachmentNotFound,
    /// No place for files is configured.
    #[error("no place for files is configured")]
    NoPlaceForFiles,
    /// A file could not be laid on the disk.
    #[error("a file could not be laid on the disk")]
    Spool(#[source] Arc<std::io::Error>),
    /// The place of the files failed.
    #[error("the place of the files failed")]
    Objects(#[source] Arc<objects::Error>),
}

impl From<Broken> for Error {
    fn from(_: Broken) -> Self {
        Self::LogBroken
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Spool(Arc::new(error))
    }
}

impl From<objects::Error> for Error {
    fn from(error: objects::Error) -> Self {
        Self::Objects(Arc::new(error))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl Error {
    /// Whether the database said it because of the constraint of this name.
    pub fn is_of(&self, constraint: &str) -> bool {
        let Self::Database(cause) = self else { return false };
        matches!(&**cause, sqlx::Error::Database(cause) if cause.constraint() == Some(constraint))
    }

    /// One field breaks a rule.
    pub fn field(field: &'static str, rule: Rule) -> Self {
        Self::Fields(vec![Breach::of(field, rule)])
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Fields(_) => Class::Invalid,
            Self::DirectoryNotLoaded
            | Self::Stopping
            | Self::LogNotSigned
            | Self::EntryWaiting
            | Self::NoPlaceForFiles
            | Self::Spool(_)
            | Self::JournalAway => Class::Unavailable,
            Self::TokenExpired => Class::Unauthenticated,
            Self::ImportNotAllowed
            | Self::OnBehalfNotAllowed
            | Self::ManageNotAllowed
            | Self::AccountNeeded
            | Self::OtherMessage
            | Self::ColumnNotYours => Class::Denied,
            Self::MessageNotFound
            | Self::NumberOrCodeWrong
            | Self::ColumnNotFound
            | Self::EntryNotFound => Class::NotFound,
            Self::LookUpsExhausted(_) | Self::QueueFull(_) | Self::Limited(..) => Class::Exhausted,
            Self::RequestIdReused
            | Self::ColumnExists
            | Self::AgencyHasColumn
            | Self::ReceiptTaken
            | Self::Erased => Class::Exists,
            Self::ColumnChanged | Self::FilesTaken | Self::RequestMet => Class::Aborted,
            Self::AttachmentNotFound => Class::NotFound,
            Self::UploadsBusy | Self::UploadTokensExhausted | Self::UploadQuota(_) => {
                Class::Exhausted
            }
            Self::UploadTooSlow | Self::UploadBroken => Class::Timeout,
            // An object that a row knows is a lost one; everything else may pass.
            Self::Objects(error) => match **error {
                objects::Error::Away(_) => Class::Unavailable,
                _ => Class::Internal,
            },
            Self::Obstacle(_) => Class::Precondition,
            Self::Database(error) => db::class(error),
            Self::NumberTaken
            | Self::Key(_)
            | Self::Lost(_)
            | Self::WriterDied
            | Self::LogBroken => Class::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Fields(_) => "FIELDS_INVALID",
            Self::DirectoryNotLoaded => "DIRECTORY_NOT_LOADED",
            Self::Stopping => "STOPPING",
            Self::ImportNotAllowed | Self::OnBehalfNotAllowed | Self::ManageNotAllowed => {
                "SCOPE_MISSING"
            }
            Self::Limited(limit, _) => limit.reason(),
            Self::ColumnNotYours => "COLUMN_NOT_YOURS",
            Self::ColumnNotFound => "COLUMN_NOT_FOUND",
            Self::ColumnExists => "COLUMN_EXISTS",
            Self::AgencyHasColumn => "AGENCY_HAS_COLUMN",
            Self::ColumnChanged => "COLUMN_CHANGED",
            Self::JournalAway => "JOURNAL_AWAY",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::AccountNeeded => "ACCOUNT_NEEDED",
            Self::OtherMessage => "OTHER_MESSAGE",
            Self::MessageNotFound => "MESSAGE_NOT_FOUND",
            Self::NumberOrCodeWrong => "NUMBER_OR_CODE_WRONG",
            Self::LookUpsExhausted(_) => "LOOK_UPS_EXHAUSTED",
            Self::QueueFull(_) => "QUEUE_FULL",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::Obstacle(Obstacle::Erased) => "MESSAGE_ERASED",
            Self::Obstacle(Obstacle::Withdrawn) => "MESSAGE_WITHDRAWN",
            Self::Obstacle(Obstacle::Declined) => "MESSAGE_DECLINED",
            Self::Obstacle(Obstacle::WithdrawalRefused) => "WITHDRAWAL_REFUSED",
            Self::Obstacle(Obstacle::WithdrawalUnderWay) => "WITHDRAWAL_UNDER_WAY",
            Self::Obstacle(Obstacle::NotReturned) => "MESSAGE_NOT_RETURNED",
            Self::Database(error) => match db::class(error) {
                Class::Unavailable => "DATABASE_UNAVAILABLE",
                Class::Aborted => "CONFLICT",
                _ => "INTERNAL",
            },
            Self::UploadsBusy => "UPLOADS_BUSY",
            Self::UploadTokensExhausted => "UPLOAD_TOKENS_EXHAUSTED",
            Self::UploadQuota(_) => "UPLOAD_QUOTA_EXHAUSTED",
            Self::UploadTooSlow => "UPLOAD_TOO_SLOW",
            Self::UploadBroken => "UPLOAD_BROKEN",
            Self::FilesTaken | Self::RequestMet => "CONFLICT",
            Self::AttachmentNotFound => "ATTACHMENT_NOT_FOUND",
            Self::NoPlaceForFiles | Self::Spool(_) => "STORAGE_UNAVAILABLE",
            Self::Objects(error) => match **error {
                objects::Error::Away(_) => "STORAGE_UNAVAILABLE",
                _ => "INTERNAL",
            },
            Self::EntryNotFound => "ENTRY_NOT_FOUND",
            Self::EntryWaiting => "ENTRY_WAITING",
            Self::LogNotSigned => "LOG_NOT_SIGNED",
            Self::ReceiptTaken => "RECEIPT_TAKEN",
            Self::Erased => "SUBMISSION_ERASED",
            Self::NumberTaken
            | Self::Key(_)
            | Self::Lost(_)
            | Self::WriterDied
            | Self::LogBroken => "INTERNAL",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        let Self::Fields(breaches) = self else { return Vec::new() };
        let violation = |breach: &Breach| Violation {
            field: breach.field.to_owned(),
            reason: breach.rule.reason(),
            arguments: breach.rule.arguments(),
        };
        breaches.iter().map(violation).collect()
    }

    fn arguments(&self) -> Vec<(&'static str, String)> {
        self.metadata()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ImportNotAllowed => vec![("scope", "message:import".to_owned())],
            Self::OnBehalfNotAllowed => vec![("scope", "message:on_behalf".to_owned())],
            Self::Limited(limit, _) => vec![("limit", limit.word().to_owned())],
            Self::ManageNotAllowed => vec![("scope", "author:manage".to_owned())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::LookUpsExhausted(wait) | Self::QueueFull(wait) | Self::Limited(_, wait) => {
                Some(*wait)
            }
            // What changed has to be read first.
            Self::ColumnChanged => None,
            Self::UploadQuota(wait) => Some(*wait),
            Self::UploadTokensExhausted => Some(A_MINUTE),
            Self::DirectoryNotLoaded => Some(AT_START),
            _ if matches!(self.class(), Class::Unavailable | Class::Exhausted | Class::Aborted) => {
                Some(SOON)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
