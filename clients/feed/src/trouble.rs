//! What to do about a failed call.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    error::{Error, Refusal},
    step::What,
};

/// What to do.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It passes: wait, for as long as the board asks at least, and resume at the same place.
    Passes(String, Option<Duration>),
    /// The token is no longer good; the place is.
    Renew(String),
    /// Resume at another place, and tell the reader; with what the board said.
    Moved(What, String, Box<Refusal>),
    /// It stays so.
    Final(Error),
}

impl Trouble {
    /// Judges a failed call by its code and reason.
    pub(crate) fn of(status: &Status) -> Self {
        let refusal = Refusal::of(status);
        let moved = |what, to| {
            let to = refusal.told(to);
            Self::Moved(what, to, Box::new(refusal.clone()))
        };
        match (status.code(), refusal.reason.as_str()) {
            (Code::OutOfRange, "CURSOR_EXPIRED") => moved(What::Expired, "earliest_cursor"),
            (Code::OutOfRange, "CURSOR_AHEAD") => moved(What::Ahead, "latest_cursor"),
            (Code::FailedPrecondition, "FEED_EPOCH_CHANGED") => {
                let epoch = refusal.told("new_epoch");
                moved(What::EpochChanged { epoch }, "nearest_cursor")
            }
            (Code::Aborted, "SUBSCRIPTION_TAKEN_OVER") => Self::Final(Error::TakenOver),
            (Code::Unauthenticated, "CREDENTIAL_EXPIRED" | "TOKEN_EXPIRED" | "TOKEN_INVALID") => {
                Self::Renew(refusal.to_string())
            }
            (code, _) if Self::passes(code) => {
                let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
                Self::Passes(refusal.to_string(), asked)
            }
            _ => Self::Final(Error::Refused(Box::new(refusal))),
        }
    }

    /// Whether a failure with this code passes by itself. What a broken connection looks like is not
    /// told apart by the transport, nor by the proxies on the way.
    pub(crate) fn passes(code: Code) -> bool {
        matches!(
            code,
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Aborted
                | Code::Unknown
                | Code::Internal
                | Code::Cancelled
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn status(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Status {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let details = ErrorDetails::with_error_info(reason, "liuyan", metadata);
        Status::with_error_details(code, "said", details)
    }

    #[test]
    fn every_reason_of_the_contract_has_its_answer() {
        let expired = status(Code::OutOfRange, "CURSOR_EXPIRED", &[("earliest_cursor", "e")]);
        assert!(matches!(Trouble::of(&expired), Trouble::Moved(What::Expired, at, _) if at == "e"));
        let epoch = [("new_epoch", "n"), ("nearest_cursor", "c")];
        let changed = status(Code::FailedPrecondition, "FEED_EPOCH_CHANGED", &epoch);
        assert!(matches!(
            Trouble::of(&changed),
            Trouble::Moved(What::EpochChanged { epoch }, at, _) if epoch == "n" && at == "c"
        ));
        let taken = status(Code::Aborted, "SUBSCRIPTION_TAKEN_OVER", &[]);
        assert!(matches!(Trouble::of(&taken), Trouble::Final(Error::TakenOver)));
        let old = status(Code::Unauthenticated, "CREDENTIAL_EXPIRED", &[]);
        assert!(matches!(Trouble::of(&old), Trouble::Renew(_)));
        let bad = status(Code::InvalidArgument, "CURSOR_MALFORMED", &[]);
        assert!(matches!(Trouble::of(&bad), Trouble::Final(Error::Refused(_))));
        let missing = status(Code::PermissionDenied, "SCOPE_MISSING", &[]);
        assert!(matches!(Trouble::of(&missing), Trouble::Final(Error::Refused(_))));
    }

    #[test]
    fn what_passes_tells_how_long_the_board_wants_us_to_wait() {
        let asked = Duration::from_secs(10);
        let details = ErrorDetails::with_retry_info(Some(asked));
        let limit = Status::with_error_details(Code::ResourceExhausted, "said", details);
        assert!(matches!(Trouble::of(&limit), Trouble::Passes(_, Some(it)) if it == asked));
        let broken = Status::unknown("h2 protocol error");
        assert!(matches!(Trouble::of(&broken), Trouble::Passes(_, None)));
    }
}
