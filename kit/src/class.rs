//! The closed set of error classes, and what each is called over gRPC and HTTP.

use std::time::Duration;

use tonic::Code;

/// What kind of error this is, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request is wrong, whatever the state: mend it.
    Invalid,
    /// Nobody knows who you are: bring a token.
    Unauthenticated,
    /// You may not.
    Denied,
    /// There is no such thing, or not for you.
    NotFound,
    /// It is there already.
    Exists,
    /// Not in this state: change the state first.
    Precondition,
    /// Past the end of what there is.
    OutOfRange,
    /// A limit is reached: wait.
    Exhausted,
    /// Somebody else was faster: read again, then try again.
    Aborted,
    /// Somebody is away: try again.
    Unavailable,
    /// It took too long; it may have happened all the same.
    Timeout,
    /// A defect of ours.
    Internal,
}

impl Class {
    /// Its gRPC code.
    pub fn code(self) -> Code {
        match self {
            Self::Invalid => Code::InvalidArgument,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Denied => Code::PermissionDenied,
            Self::NotFound => Code::NotFound,
            Self::Exists => Code::AlreadyExists,
            Self::Precondition => Code::FailedPrecondition,
            Self::OutOfRange => Code::OutOfRange,
            Self::Exhausted => Code::ResourceExhausted,
            Self::Aborted => Code::Aborted,
            Self::Unavailable => Code::Unavailable,
            Self::Timeout => Code::DeadlineExceeded,
            Self::Internal => Code::Internal,
        }
    }

    /// Its HTTP status.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Exists | Self::Aborted => 409,
            Self::OutOfRange => 410,
            Self::Precondition => 422,
            Self::Exhausted => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The class of a gRPC code that somebody else answered with.
    pub fn of(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::Invalid,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::Denied,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::Exists,
            Code::FailedPrecondition => Self::Precondition,
            Code::OutOfRange => Self::OutOfRange,
            Code::ResourceExhausted => Self::Exhausted,
            Code::Aborted => Self::Aborted,
            Code::Unavailable => Self::Unavailable,
            Code::DeadlineExceeded | Code::Cancelled => Self::Timeout,
            Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => {
                Self::Internal
            }
        }
    }

    /// Whether the same request may succeed later without anyone changing anything.
    pub fn passes(self) -> bool {
        matches!(self, Self::Exhausted | Self::Aborted | Self::Unavailable | Self::Timeout)
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as a path: `contact.phone`.
    pub field: String,
    /// What is wrong with it; also the name of its text, in lower case.
    pub reason: &'static str,
    /// Values for the text.
    pub arguments: Vec<(&'static str, String)>,
}

impl Violation {
    /// A violation whose text takes no values.
    pub fn new(field: impl Into<String>, reason: &'static str) -> Self {
        Self { field: field.into(), reason, arguments: Vec::new() }
    }

    /// Adds a value for the text.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }
}

/// An error that knows what a caller may be told.
pub trait Classify: std::error::Error + Send + Sync {
    /// Its class.
    fn class(&self) -> Class;

    /// Its reason, `UPPER_SNAKE`: programs tell errors apart by it, and it names the text.
    fn reason(&self) -> &'static str;

    /// Everything that is wrong with the request, not only the first thing.
    fn violations(&self) -> Vec<Violation> {
        Vec::new()
    }

    /// Values for the text.
    fn arguments(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Values for programs.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// After how long it makes sense to try again.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
