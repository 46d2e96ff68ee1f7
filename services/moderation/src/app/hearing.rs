//! What intake said takes effect, inside the consumer's transaction.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use liuyan_kit::messaging::outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::review::{Mended, State, Submission},
    events,
    store::{appeals, erasing, queue},
};

/// Something was said about a message that nobody told of; its submission was discarded.
#[derive(Debug, thiserror::Error)]
#[error("there is no review of message {0}")]
pub struct UnknownMessage(pub Uuid);

/// Why what was heard can't take effect.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// See [`UnknownMessage`].
    #[error(transparent)]
    Unknown(#[from] UnknownMessage),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// New messages wait for the rules.
///
/// # Errors
/// The database's.
pub(crate) async fn submitted(
    tx: &mut PgConnection,
    now: Timestamp,
    messages: &[Submission],
) -> Result<(), Refused> {
    Ok(queue::insert(tx, now, messages).await?)
}

/// Mended messages wait for the rules again, in their old place. A message that is no longer with
/// its author stays as it is: if it was approved on appeal meanwhile, that text counts, for intake, too.
///
/// # Errors
/// See [`Refused`].
pub(crate) async fn resubmitted(
    tx: &mut PgConnection,
    now: Timestamp,
    mended: &[Mended],
) -> Result<(), Refused> {
    // Of several revisions in one batch the last counts.
    let last: HashMap<Uuid, &Mended> = mended.iter().map(|one| (one.message_id, one)).collect();
    let states = known(tx, last.keys()).await?;
    let reopened: Vec<_> = states
        .into_iter()
        .filter(|(id, state)| {
            if !state.can_be_resubmitted() {
                tracing::warn!(message_id = %id, state = state.as_str(), "a mended text was not awaited");
            }
            state.can_be_resubmitted()
        })
        .filter_map(|(id, _)| last.get(&id).map(|one| (*one).clone()))
        .collect();
    let ids: Vec<Uuid> = reopened.iter().map(|one| one.message_id).collect();
    appeals::lapse(tx, &ids).await?;
    Ok(queue::reopen(tx, now, &reopened).await?)
}

/// Messages are withdrawn if they are not yet approved; else routing decides. Each wish comes with
/// its trace, which is that of the withdrawal too.
///
/// # Errors
/// See [`Refused`].
pub(crate) async fn withdrawal_requested(
    tx: &mut PgConnection,
    now: Timestamp,
    wishes: &[(Uuid, Option<String>)],
) -> Result<(), Refused> {
    let states = known(tx, wishes.iter().map(|(id, _)| id)).await?;
    let withdrawn: Vec<Uuid> = states
        .into_iter()
        .filter(|(_, state)| state.can_be_withdrawn())
        .map(|(id, _)| id)
        .collect();
    appeals::lapse(tx, &withdrawn).await?;
    queue::withdraw(tx, now, &withdrawn).await?;
    let traces: HashMap<Uuid, &Option<String>> =
        wishes.iter().rev().map(|(id, traceparent)| (*id, traceparent)).collect();
    let said = |id: &Uuid| {
        let cause = traces.get(id).and_then(|traceparent| (*traceparent).clone());
        events::withdrawn(*id, now).caused_by(cause)
    };
    let said: Vec<_> = withdrawn.iter().map(said).collect();
    outbox::publish_all(tx, now, &said).await?;
    Ok(())
}

/// Messages were erased: what has not ended here ends as withdrawn, and of all of them goes what tells
/// of the text.
///
/// # Errors
/// See [`Refused`].
pub(crate) async fn erased(
    tx: &mut PgConnection,
    now: Timestamp,
    erased: &[(Uuid, Option<String>)],
) -> Result<(), Refused> {
    let states = known(tx, erased.iter().map(|(id, _)| id)).await?;
    let open: Vec<(Uuid, Option<String>)> = states
        .iter()
        .filter(|(_, state)| state.can_be_withdrawn() && *state != State::Declined)
        .filter_map(|(id, _)| erased.iter().find(|(one, _)| one == id).cloned())
        .collect();
    if !open.is_empty() {
        withdrawal_requested(tx, now, &open).await?;
    }
    let ids: Vec<Uuid> = states.into_iter().map(|(id, _)| id).collect();
    Ok(erasing::empty(tx, now, &ids).await?)
}

/// Locks the reviews of messages and tells where they stand.
async fn known(
    tx: &mut PgConnection,
    ids: impl Iterator<Item = &Uuid>,
) -> Result<Vec<(Uuid, State)>, Refused> {
    let ids: HashSet<Uuid> = ids.copied().collect();
    let asked: Vec<Uuid> = ids.iter().copied().collect();
    let states = queue::lock(tx, &asked).await?;
    let found: HashSet<Uuid> = states.iter().map(|(id, _)| *id).collect();
    match ids.difference(&found).next() {
        Some(missing) => Err(UnknownMessage(*missing).into()),
        None => Ok(states),
    }
}
