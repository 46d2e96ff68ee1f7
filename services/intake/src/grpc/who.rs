//! Who calls, and which message is theirs.

use liuyan_kit::auth::Caller;
use uuid::Uuid;

use crate::{domain::rule::Rule, error::Error};

/// The scope of those who may read every message.
const READ: &str = "message:read";
/// The scope of a citizen who is signed in.
const ACCOUNT: &str = "account";
/// The only issuer whose subjects are accounts: another one may use the same subjects.
const IDENTITY: &str = "identity";

/// Request ids are unique for each of these. All who bring no token share one.
pub(super) fn name_of(caller: &Caller) -> String {
    if caller.is_anonymous() {
        return "anonymous".to_owned();
    }
    format!("{} {}", caller.issuer, caller.subject)
}

/// The caller's account, if they are signed in as a citizen.
pub(super) fn account(caller: &Caller) -> Option<Uuid> {
    if caller.issuer != IDENTITY || !caller.has(ACCOUNT) {
        return None;
    }
    caller.subject.parse().ok()
}

/// The id of a message.
pub(super) fn message_id(text: &str) -> Result<Uuid, Error> {
    if text.is_empty() {
        return Err(Error::field("message_id", Rule::Required));
    }
    text.parse().map_err(|_| Error::field("message_id", Rule::UuidMalformed))
}

/// The message, if the caller is its author.
pub(super) fn own(caller: &Caller, text: &str) -> Result<Uuid, Error> {
    let message_id = message_id(text)?;
    if caller.author_of(message_id) { Ok(message_id) } else { Err(Error::OtherMessage) }
}

/// The message, if the caller is its author or may read all.
pub(super) fn readable(caller: &Caller, text: &str) -> Result<Uuid, Error> {
    if caller.has(READ) { message_id(text) } else { own(caller, text) }
}
