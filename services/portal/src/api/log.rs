//! The transparency log: signed heads, proofs, entries, and messages that come back.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::intake::v1::{
    GetConsistencyProofRequest, GetInclusionProofRequest, GetInclusionProofResponse,
    GetTreeHeadRequest, GetTreeHeadResponse, ListLogEntriesRequest,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::{Ask, Key},
    body::{Body, Query},
    keep::{kept, private, read},
    messages,
    params::Values,
    problem::{Fault, Problem},
    types::log::{Consistency, Entries, Head, Inclusion, Keys, Lost, Restored, as_file},
};

/// Where the keys are.
pub(super) const KEYS: &str = "/.well-known/liuyan-keys.json";
/// What is kept of the log, in seconds: a head is new within a minute.
const SECONDS: u32 = 5;
/// How long keys are kept, in seconds.
const KEYS_SECONDS: u32 = 300;
/// Texts.
const TEXT: &str = "text/plain; charset=utf-8";

async fn newest(ask: &Ask) -> Result<GetTreeHeadResponse, Fault> {
    let request = ask.call(GetTreeHeadRequest {});
    Ok(ask.app.backend.intake().get_tree_head(request).await?.into_inner())
}

/// The newest signed head of the transparency log.
#[utoipa::path(
    get, path = "/api/v1/log/head", tag = "log",
    responses((status = 200, body = Head), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn head(ask: Ask) -> Result<Response, Fault> {
    let head = newest(&ask).await?;
    read(&ask, SECONDS, &Head::from(head))
}

/// The same as witnesses and monitors read it: a signed note (C2SP tlog-checkpoint).
#[utoipa::path(
    get, path = "/api/v1/log/checkpoint", tag = "log",
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn checkpoint(ask: Ask) -> Result<Response, Fault> {
    let head = newest(&ask).await?;
    Ok(kept(&ask, SECONDS, TEXT, head.checkpoint.into_bytes()))
}

/// The public keys by which receipts and the log are checked.
#[utoipa::path(
    get, path = "/.well-known/liuyan-keys.json", tag = "log",
    responses((status = 200, body = Keys), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn keys(ask: Ask) -> Result<Response, Fault> {
    let head = newest(&ask).await?;
    read(&ask, KEYS_SECONDS, &Keys::from(head))
}

/// Which entry, in which tree.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfInclusion {
    /// The entry's hash, as its receipt names it: 64 hexadecimal digits.
    #[param(required = true)]
    leaf_hash: Option<String>,
    /// The size of the tree that is meant; the newest signed one if left out.
    #[param(value_type = Option<u64>)]
    tree_size: Option<String>,
}

async fn proven(
    ask: &Ask,
    leaf_hash: &str,
    tree_size: u64,
) -> Result<GetInclusionProofResponse, Fault> {
    // What are no digits is no hash, and intake says so.
    let leaf_hash = hex::decode(leaf_hash).unwrap_or_default().into();
    let request = ask.call(GetInclusionProofRequest { leaf_hash, tree_size });
    Ok(ask.app.backend.intake().get_inclusion_proof(request).await?.into_inner())
}

/// Proves that an entry is in the log.
#[utoipa::path(
    get, path = "/api/v1/log/inclusion", tag = "log", params(OfInclusion),
    responses((status = 200, body = Inclusion), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn inclusion(ask: Ask, Query(of): Query<OfInclusion>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let tree_size = values.number("tree_size", of.tree_size.as_ref());
    values.end()?;
    let proof = proven(&ask, &of.leaf_hash.unwrap_or_default(), tree_size).await?;
    read(&ask, SECONDS, &Inclusion::from(proof))
}

/// The same as a file to keep (C2SP tlog-proof): it proves for ever, without the board.
#[utoipa::path(
    get, path = "/api/v1/log/proofs/{leaf_hash}", tag = "log",
    params(("leaf_hash" = String, Path, description = "The entry's hash, as its receipt names it: 64 hexadecimal digits.")),
    responses((status = 200, body = String, content_type = "text/plain"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn proof(ask: Ask, Path(leaf_hash): Path<String>) -> Result<Response, Fault> {
    let proof = proven(&ask, &leaf_hash, 0).await?;
    Ok(kept(&ask, SECONDS, TEXT, as_file(&proof).into_bytes()))
}

/// Which two trees.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfConsistency {
    /// The size of the earlier tree.
    #[param(required = true, value_type = Option<u64>)]
    first: Option<String>,
    /// The size of the later tree; the newest signed one if left out.
    #[param(value_type = Option<u64>)]
    second: Option<String>,
}

/// Proves that one head of the log continues another one.
#[utoipa::path(
    get, path = "/api/v1/log/consistency", tag = "log", params(OfConsistency),
    responses((status = 200, body = Consistency), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn consistency(
    ask: Ask,
    Query(of): Query<OfConsistency>,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let first = values.number("first", of.first.as_ref());
    let second = values.number("second", of.second.as_ref());
    values.end()?;
    let request = ask.call(GetConsistencyProofRequest { first, second });
    let proof = ask.app.backend.intake().get_consistency_proof(request).await?.into_inner();
    read(&ask, SECONDS, &Consistency::from(proof))
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfEntries {
    /// The first place wanted; 0 if left out.
    #[param(value_type = Option<u64>)]
    start: Option<String>,
    /// Up to 1,000; 1,000 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
}

/// Entries of the log in order, so that anybody can make the tree again.
#[utoipa::path(
    get, path = "/api/v1/log/entries", tag = "log", params(OfEntries),
    responses((status = 200, body = Entries), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn entries(ask: Ask, Query(of): Query<OfEntries>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let start = values.number("start", of.start.as_ref());
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = ask.call(ListLogEntriesRequest { start, page_size });
    let listed = ask.app.backend.intake().list_log_entries(request).await?.into_inner();
    read(&ask, SECONDS, &Entries::from(listed))
}

/// Brings a message back that the board has lost, with the receipt and the text that its author
/// holds. One that is here already is known.
#[utoipa::path(
    post, path = "/api/v1/messages/restore", tag = "messages", security((), ("bearer" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller.")),
    request_body = Lost,
    responses((status = 200, body = Restored), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn restore(
    ask: Ask,
    Key(request_id): Key,
    Body(lost): Body<Lost>,
) -> Result<Response, Fault> {
    ask.spend()?;
    let request = ask.call(lost.into_proto(request_id, ask.locale));
    let answer = ask.app.backend.intake().restore_message(request).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(messages::name))?;
    private(StatusCode::OK, &Restored::from(answer.into_inner()))
}
