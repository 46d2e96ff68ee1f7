//! Whom the caller's token speaks for.

use liuyan_kit::{auth::Caller, class::Violation};
use uuid::Uuid;

use crate::{app::reading::Reader, domain::holder::Holder, error::Error};

/// The only issuer whose subjects are accounts and agencies: another one may use the same subjects.
const IDENTITY: &str = "identity";
/// The scope of a person who is signed in.
const ACCOUNT: &str = "account";
/// The scope of an agency that is called.
const WEBHOOK: &str = "webhook:manage";
/// The scope of an operator, who sees every delivery.
const MANAGE: &str = "delivery:manage";
/// The longest name of an agency that is taken.
const LONGEST_AGENCY: usize = 200;

/// Request ids are unique for each of these.
pub(super) fn name(caller: &Caller) -> String {
    format!("{}/{}", caller.issuer, caller.subject)
}

/// The caller's account, if they are a person who is signed in.
pub(super) fn account(caller: &Caller) -> Option<Uuid> {
    if caller.issuer != IDENTITY || !caller.has(ACCOUNT) {
        return None;
    }
    caller.subject.parse().ok()
}

/// The caller, if it is an agency that is called.
pub(super) fn agency(caller: &Caller) -> Option<Holder> {
    let known = caller.issuer == IDENTITY && caller.has(WEBHOOK);
    let named = (1..=LONGEST_AGENCY).contains(&caller.subject.len());
    (known && named).then(|| Holder::Agency(caller.subject.clone()))
}

/// Whether the caller is an operator.
pub(super) fn manages(caller: &Caller) -> bool {
    caller.has(MANAGE)
}

/// Who reads: a person, with the offices for which they act.
pub(super) fn reader(caller: &Caller) -> Result<Reader, Error> {
    let account_id = account(caller).ok_or(Error::NobodyToTell)?;
    Ok(Reader { account_id, offices: caller.offices.clone() })
}

/// Whom the caller speaks for: the author of a message if they name one, else themselves.
pub(super) fn holder(caller: &Caller, message_id: &str) -> Result<Holder, Error> {
    if !message_id.is_empty() {
        let message_id: Uuid = message_id
            .parse()
            .map_err(|_| Error::Invalid(vec![Violation::new("message_id", "UUID_MALFORMED")]))?;
        return match caller.author_of(message_id) {
            true => Ok(Holder::Message(message_id)),
            false => Err(Error::NotTheAuthor),
        };
    }
    let account = account(caller).map(Holder::Account);
    account.or_else(|| agency(caller)).ok_or(Error::NobodyToTell)
}

/// Whether the caller speaks for a holder.
pub(super) fn is(caller: &Caller, holder: &Holder) -> bool {
    match holder {
        Holder::Message(message_id) => caller.author_of(*message_id),
        Holder::Account(id) => account(caller) == Some(*id),
        Holder::Agency(_) => agency(caller).as_ref() == Some(holder),
        Holder::Office(_) => false,
    }
}
