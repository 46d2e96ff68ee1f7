//! Accounts are gone: everything that is kept of them goes too.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::holder::Holder,
    store::{self, erasing, holders},
};

/// Removes notices, endpoints, deliveries and preferences of accounts, and of the messages that
/// they wrote. What was sent by the moment is out of our hands; what is being sent finds no row to
/// be recorded in.
pub(crate) async fn erased(
    tx: &mut PgConnection,
    now: Timestamp,
    accounts: &[Uuid],
) -> Result<(), sqlx::Error> {
    store::take_turn(tx).await?;
    let messages = erasing::messages_of(tx, accounts).await?;
    let of_accounts: BTreeMap<Holder, i64> =
        accounts.iter().map(|id| (Holder::Account(*id), 0)).collect();
    // Makes the rows that are missing: they are the mark that the accounts are gone.
    holders::lock(tx, &of_accounts).await?;
    erasing::forget_authors(tx, accounts).await?;
    let gone: Vec<String> = (of_accounts.into_keys())
        .chain(messages.into_iter().map(Holder::Message))
        .map(|holder| holder.to_string())
        .collect();
    let mut events = erasing::remove_endpoints(tx, &gone).await?;
    erasing::remove_readers(tx, accounts).await?;
    events.extend(erasing::remove_notices(tx, &gone).await?);
    erasing::remove_own_events(tx, &events).await?;
    holders::empty(tx, now, &gone).await
}

/// Removes notices, endpoints and deliveries that belong to messages alone, forgets whose they are,
/// and drops what waits to be sent about them, to whomever.
pub(crate) async fn message_erased(
    tx: &mut PgConnection,
    now: Timestamp,
    messages: &[Uuid],
) -> Result<(), sqlx::Error> {
    store::take_turn(tx).await?;
    let gone: Vec<String> = messages.iter().map(|id| Holder::Message(*id).to_string()).collect();
    erasing::forget_authors_of(tx, messages).await?;
    let mut events = erasing::remove_endpoints(tx, &gone).await?;
    events.extend(erasing::remove_notices(tx, &gone).await?);
    erasing::remove_own_events(tx, &events).await?;
    erasing::drop_waiting(tx, messages).await?;
    holders::empty(tx, now, &gone).await
}
