//! Subscriptions, and how many each owner has.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    cursor::Cursor,
    subscription::{Signs, Subscription, Wish},
};

struct Row {
    subscription_key: i64,
    subscription_id: String,
    title: String,
    filter: Vec<u8>,
    read_mask: Vec<String>,
    epoch: Uuid,
    position: i64,
    change: i64,
    parked: i32,
    created_at: OffsetDateTime,
    committed_at: Option<OffsetDateTime>,
    opened_at: Option<OffsetDateTime>,
}

impl From<Row> for Subscription {
    fn from(row: Row) -> Self {
        Self {
            key: row.subscription_key,
            id: row.subscription_id,
            title: row.title,
            filter: row.filter,
            mask: row.read_mask,
            place: Cursor { epoch: row.epoch, position: row.position },
            change: row.change,
            parked: row.parked,
            created_at: from_db(row.created_at),
            committed_at: row.committed_at.map(from_db),
            opened_at: row.opened_at.map(from_db),
        }
    }
}

/// Makes one, unless there is one of that id; tells whether it did.
pub async fn insert(
    tx: &mut PgConnection,
    owner: &str,
    wish: &Wish,
    place: Cursor,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let made = sqlx::query!(
        "insert into subscriptions
             (owner, subscription_id, title, filter, read_mask, epoch, position, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict on constraint subscriptions_id_once do nothing",
        owner,
        wish.id,
        wish.title,
        wish.filter,
        &wish.mask,
        place.epoch,
        place.position,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// Counts one more of an owner; tells how many there are then. The owner's row stays locked, so that
/// the count is right whoever else makes one.
pub async fn count_one_more(tx: &mut PgConnection, owner: &str) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into subscribers (owner, subscriptions) values ($1, 1)
         on conflict (owner) do update set subscriptions = subscribers.subscriptions + 1
         returning subscriptions",
        owner,
    )
    .fetch_one(tx)
    .await
}

/// Counts one less of an owner, who is forgotten with the last.
pub async fn count_one_less(tx: &mut PgConnection, owner: &str) -> Result<(), sqlx::Error> {
    let last =
        sqlx::query!("delete from subscribers where owner = $1 and subscriptions = 1", owner)
            .execute(&mut *tx)
            .await?;
    if last.rows_affected() == 1 {
        return Ok(());
    }
    let counted = sqlx::query!(
        "update subscribers set subscriptions = subscriptions - 1 where owner = $1",
        owner
    )
    .execute(tx)
    .await?;
    expect_one(&counted)
}

/// Finds an owner's subscription.
pub async fn find(
    connection: &mut PgConnection,
    owner: &str,
    id: &str,
) -> Result<Option<Subscription>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select subscription_key, subscription_id, title, filter, read_mask, epoch, position, change,
                parked, created_at, committed_at, opened_at
         from subscriptions where owner = $1 and subscription_id = $2",
        owner,
        id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Subscription::from))
}

/// Finds an owner's subscription and locks it until the transaction ends.
pub async fn lock(
    tx: &mut PgConnection,
    owner: &str,
    id: &str,
) -> Result<Option<Subscription>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select subscription_key, subscription_id, title, filter, read_mask, epoch, position, change,
                parked, created_at, committed_at, opened_at
         from subscriptions where owner = $1 and subscription_id = $2 for update",
        owner,
        id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Subscription::from))
}

/// Lists those of an owner after an id, by their ids.
pub async fn list(
    connection: &mut PgConnection,
    owner: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Subscription>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select subscription_key, subscription_id, title, filter, read_mask, epoch, position, change,
                  parked, created_at, committed_at, opened_at
           from subscriptions where owner = $1 and subscription_id collate "C" > $2
           order by subscription_id collate "C" limit $3"#,
        owner,
        after,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Subscription::from).collect())
}

/// Puts title, filter and mask.
pub async fn put(tx: &mut PgConnection, key: i64, wish: &Wish) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "update subscriptions set title = $2, filter = $3, read_mask = $4, change = change + 1
         where subscription_key = $1",
        key,
        wish.title,
        wish.filter,
        &wish.mask,
    )
    .execute(tx)
    .await?;
    expect_one(&done)
}

/// Forgets one.
pub async fn delete(tx: &mut PgConnection, key: i64) -> Result<(), sqlx::Error> {
    let done = sqlx::query!("delete from subscriptions where subscription_key = $1", key)
        .execute(tx)
        .await?;
    expect_one(&done)
}

/// Moves the place.
pub async fn commit(
    tx: &mut PgConnection,
    key: i64,
    place: Cursor,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "update subscriptions set epoch = $2, position = $3, committed_at = $4
         where subscription_key = $1",
        key,
        place.epoch,
        place.position,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&done)
}

/// Moves the place for the stream that has the subscription, on and never back. False if another
/// stream has it, or the place was moved by hand since it was opened.
pub async fn commit_of_stream(
    tx: &mut PgConnection,
    key: i64,
    signs: Signs,
    place: Cursor,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update subscriptions
         set committed_at = case when position < $4 or epoch <> $3 then $5 else committed_at end,
             position = case when epoch = $3 then greatest(position, $4) else $4 end,
             epoch = $3
         where subscription_key = $1 and generation = $2 and seeks = $6",
        key,
        signs.generation,
        place.epoch,
        place.position,
        to_db(now),
        signs.seeks,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the subscription to a new stream, which begins at the place that it has at this moment.
pub async fn open(
    tx: &mut PgConnection,
    key: i64,
    now: Timestamp,
) -> Result<Option<(Signs, Cursor)>, sqlx::Error> {
    let row = sqlx::query!(
        "update subscriptions set generation = generation + 1, opened_at = $2
         where subscription_key = $1 returning generation, seeks, bells, epoch, position",
        key,
        to_db(now),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| {
        let signs = Signs { generation: row.generation, seeks: row.seeks, bells: row.bells };
        (signs, Cursor { epoch: row.epoch, position: row.position })
    }))
}

/// Counts a move of the place by hand.
pub async fn count_seek(tx: &mut PgConnection, key: i64) -> Result<(), sqlx::Error> {
    let done =
        sqlx::query!("update subscriptions set seeks = seeks + 1 where subscription_key = $1", key)
            .execute(tx)
            .await?;
    expect_one(&done)
}

/// Counts parked events that came or went, and wakes the stream.
pub async fn count_parked(tx: &mut PgConnection, key: i64, more: i32) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "update subscriptions set parked = parked + $2, bells = bells + 1
         where subscription_key = $1 returning parked",
        key,
        more,
    )
    .fetch_one(tx)
    .await
}

/// What streams have to know of their subscriptions; those that are gone are left out.
pub async fn signs(
    connection: &mut PgConnection,
    keys: &[i64],
) -> Result<Vec<(i64, Signs)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select subscription_key, generation, seeks, bells
         from subscriptions where subscription_key = any($1)",
        keys
    )
    .fetch_all(connection)
    .await?;
    let signs = rows.into_iter().map(|row| {
        let signs = Signs { generation: row.generation, seeks: row.seeks, bells: row.bells };
        (row.subscription_key, signs)
    });
    Ok(signs.collect())
}
