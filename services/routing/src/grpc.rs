//! Requests in: from the contract's words to the domain's, and back.

pub mod cases;
pub mod consultations;
mod convert;
pub mod directory;
pub mod model_cases;
pub mod problems;
pub mod suggestion;

use std::sync::LazyLock;

use liuyan_kit::{
    auth::Caller,
    class::{Class, Classify as _, Violation},
    locale::Words,
};
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::{Response, Status};

use crate::{error::Error, store::requests::Request};

/// The texts of routing's errors, for all its services.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
    ])
});

/// What a caller gets, an error in their language. What passes by itself is not worth a line of the log
/// each.
fn answer<T>(caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| {
        if error.class() == Class::Unavailable {
            tracing::warn!(error = %error, "a request could not be served");
        }
        WORDS.status(&error, &caller.locale)
    })
}

/// Collects everything that is wrong with a request.
#[derive(Debug, Default)]
struct Checks(Vec<Violation>);

impl Checks {
    /// Notes that a field is wrong.
    fn wrong(&mut self, field: &str, reason: &'static str) {
        self.0.push(Violation::new(field, reason));
    }

    /// Reads an id.
    fn id<T: From<uuid::Uuid>>(&mut self, field: &str, text: &str) -> T {
        let reason = if text.is_empty() { "FIELD_REQUIRED" } else { "ID_MALFORMED" };
        let id = text.parse::<uuid::Uuid>().unwrap_or_else(|_| {
            self.wrong(field, reason);
            uuid::Uuid::nil()
        });
        id.into()
    }

    /// Reads what names a request.
    fn request<M: Message>(
        &mut self,
        caller: &Caller,
        method: &str,
        id: &str,
        body: &M,
    ) -> Request {
        let mut hash = Sha256::new();
        hash.update(method);
        hash.update([0]);
        hash.update(body.encode_to_vec());
        Request {
            request_id: self.id("request_id", id),
            caller: format!("{}/{}", caller.issuer, caller.subject),
            body_hash: hash.finalize().to_vec(),
        }
    }

    /// All that is wrong, as one error.
    fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_text_is_there_in_every_language() {
        assert_eq!(super::WORDS.faults(), Vec::<String>::new());
    }
}
