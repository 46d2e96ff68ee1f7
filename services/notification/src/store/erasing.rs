//! Removing all that is kept of accounts. Counts on what stays go down with what goes.

use sqlx::PgConnection;
use uuid::Uuid;

/// The messages of accounts, locked in the order of their ids.
pub(crate) async fn messages_of(
    tx: &mut PgConnection,
    accounts: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select message_id from messages where account_id = any($1)
         order by message_id for update",
        accounts
    )
    .fetch_all(tx)
    .await
}

/// Forgets whose messages are those of accounts.
pub(crate) async fn forget_authors(
    tx: &mut PgConnection,
    accounts: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("update messages set account_id = null where account_id = any($1)", accounts)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets whose these messages are.
pub(crate) async fn forget_authors_of(
    tx: &mut PgConnection,
    messages: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("update messages set account_id = null where message_id = any($1)", messages)
        .execute(tx)
        .await?;
    Ok(())
}

/// Drops what waits to be sent about messages. What is being sent just now is out of our hands, and
/// finds its delivery settled.
pub(crate) async fn drop_waiting(
    tx: &mut PgConnection,
    messages: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update deliveries
         set state = 'dropped', claimed_by = null, last_error = 'message-erased'
         from events
         where events.event_id = deliveries.event_id and deliveries.state = 'waiting'
           and events.message_id = any($1)",
        messages
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes the endpoints of holders with their deliveries, attempts and requests; gives the events
/// that they were told of. The rows of the holders are locked.
pub(crate) async fn remove_endpoints(
    tx: &mut PgConnection,
    holders: &[String],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let endpoints = sqlx::query_scalar!(
        "select endpoint_id from endpoints where holder = any($1) order by endpoint_id",
        holders
    )
    .fetch_all(&mut *tx)
    .await?;
    // Deliveries before endpoints: so does whoever records an attempt.
    let deliveries = sqlx::query_scalar!(
        "select delivery_id from deliveries where endpoint_id = any($1)
         order by delivery_id for update",
        &endpoints
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!("delete from attempts where delivery_id = any($1)", &deliveries)
        .execute(&mut *tx)
        .await?;
    let events = sqlx::query_scalar!(
        "with gone as (
             delete from deliveries where delivery_id = any($1) returning event_id
         )
         update events set delivery_count = delivery_count - less
         from (select event_id, count(*)::int as less from gone group by event_id) as counted
         where events.event_id = counted.event_id
         returning events.event_id",
        &deliveries
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from requests where target_id = any($1) or target_id = any($2)",
        &endpoints,
        &deliveries
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from endpoints where endpoint_id = any($1)", &endpoints)
        .execute(tx)
        .await?;
    Ok(events)
}

/// Removes what holders were told on the pages, and who has read it; gives the events. The rows are
/// locked.
pub(crate) async fn remove_notices(
    tx: &mut PgConnection,
    holders: &[String],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query!("delete from notice_reads where holder = any($1)", holders)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from readers where holder = any($1)", holders).execute(&mut *tx).await?;
    sqlx::query_scalar!(
        "with gone as (
             delete from notices where holder = any($1) returning event_id
         )
         update events set notice_count = notice_count - less
         from (select event_id, count(*)::int as less from gone group by event_id) as counted
         where events.event_id = counted.event_id
         returning events.event_id",
        holders
    )
    .fetch_all(tx)
    .await
}

/// Removes events of this service's own of which nobody is left who was told.
pub(crate) async fn remove_own_events(
    tx: &mut PgConnection,
    event_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from events
         where event_id = any($1) and message_id is null
           and notice_count = 0 and delivery_count = 0",
        event_ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Removes what accounts have read of the notices of offices.
pub(crate) async fn remove_readers(
    tx: &mut PgConnection,
    accounts: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from notice_reads where reader = any($1)", accounts)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "with gone as (
             delete from readers where reader = any($1) returning holder
         )
         update holders set reader_count = reader_count - less
         from (select holder, count(*)::int as less from gone group by holder) as counted
         where holders.holder = counted.holder",
        accounts
    )
    .execute(tx)
    .await?;
    Ok(())
}
