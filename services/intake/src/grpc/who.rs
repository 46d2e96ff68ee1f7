//! Who calls, and which message is theirs.

use std::net::IpAddr;

use liuyan_kit::{auth::Caller, grpc::CLIENT_ADDRESS};
use liuyan_proto::{liuyan::intake::v1::NewMessage, topology};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use crate::{
    app::App,
    domain::{draft::Entrance, rule::Rule},
    error::Error,
};

/// The scope of those who may read every message.
const READ: &str = "message:read";
/// The scope of a citizen who is signed in.
const ACCOUNT: &str = "account";
/// The scope of an agency that brings messages.
pub(super) const SUBMIT: &str = "message:submit";
/// The scope of those who bring messages from other systems.
pub(super) const IMPORT: &str = "message:import";
/// The scope of a hotline, and of staff, who enter what others tell them.
const ON_BEHALF: &str = "message:on_behalf";
/// The scope of the board's own pages of columns.
const ENTER: &str = "column:enter";
/// The only issuer whose subjects are accounts and agencies: another one may use the same subjects.
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

/// Whether the caller is an agency, whom identity knows by this name.
pub(super) fn agency(caller: &Caller) -> Option<&str> {
    (caller.issuer == IDENTITY && caller.has(SUBMIT) && !caller.has(ACCOUNT))
        .then_some(caller.subject.as_str())
}

/// Whether the caller is a service of the house, which speaks for itself.
fn is_service(caller: &Caller) -> bool {
    !caller.issuer.is_empty()
        && caller.issuer == caller.subject
        && topology::card(&caller.issuer).is_some()
}

/// The address of the visitor for whom a service of the house calls. What others say is not believed,
/// nor what comes with the token of somebody for whom the portal calls: whoever has one can send it with
/// any address. The portal counts by itself from where these come.
pub(super) fn address(caller: &Caller, metadata: &MetadataMap) -> Option<IpAddr> {
    if !is_service(caller) {
        return None;
    }
    metadata.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok()
}

/// By whose entrance a message comes. An agency's own column need not be named, and no other one can
/// be; a service of the house that may enter columns submits what is written on a column's page.
pub(super) async fn entrance(
    app: &App,
    caller: &Caller,
    message: &NewMessage,
) -> Result<Entrance, Error> {
    let column_id = message.column_id.as_str();
    if !message.operator.is_empty() {
        if !caller.has(ON_BEHALF) {
            return Err(Error::OnBehalfNotAllowed);
        }
        if !column_id.is_empty() {
            return Err(Error::field("message.column_id", Rule::ChannelReserved));
        }
        return Ok(Entrance::Hotline { operator: message.operator.clone() });
    }
    match agency(caller).and_then(|agency| app.column_of(agency)) {
        Some(own) if column_id.is_empty() || column_id == own.column_id => {
            Ok(Entrance::Column(own))
        }
        _ if column_id.is_empty() => Ok(Entrance::Board),
        None if is_service(caller) && caller.has(ENTER) => {
            let column = Box::pin(app.column(column_id)).await?;
            column
                .map(Entrance::Column)
                .ok_or_else(|| Error::field("message.column_id", Rule::ColumnUnknown))
        }
        _ => Err(Error::ColumnNotYours),
    }
}

/// Who is counted as an agency: those who may bring many messages, and hotlines.
pub(super) fn counted(caller: &Caller) -> Option<String> {
    (caller.has(SUBMIT) || caller.has(ON_BEHALF)).then(|| name_of(caller))
}
