//! Who may be told, and what they prefer.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date};
use liuyan_kit::{clock::to_db, db::expect_one};
use sqlx::PgConnection;

use crate::domain::{holder::Holder, wish::Preferences};

/// A holder whose row is locked.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    /// How many notices it has, those just counted too.
    pub(crate) notice_count: i64,
    /// What the person prefers.
    pub(crate) preferences: Preferences,
}

/// Counts more notices of holders and locks their rows, in order; missing rows are made. Holders
/// that are erased are left out. It is the caller's turn.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    more: &BTreeMap<Holder, i64>,
) -> Result<HashMap<Holder, Locked>, sqlx::Error> {
    if more.is_empty() {
        return Ok(HashMap::new());
    }
    let mut names: Vec<(String, i64)> =
        more.iter().map(|(holder, count)| (holder.to_string(), *count)).collect();
    names.sort();
    let (names, counts): (Vec<String>, Vec<i64>) = names.into_iter().unzip();
    let rows = sqlx::query!(
        r#"insert into holders (holder, notice_count)
           select * from unnest($1::text[], $2::bigint[])
           on conflict (holder)
               do update set notice_count = holders.notice_count + excluded.notice_count
               where holders.erased_at is null
           returning holder, notice_count, email, muted, (xmax = 0) as "fresh!""#,
        &names,
        &counts,
    )
    .fetch_all(&mut *tx)
    .await?;
    super::tally(tx, "holders", rows.iter().filter(|row| row.fresh).count()).await?;
    rows.into_iter()
        .map(|row| {
            let holder = row.holder.parse().map_err(|_| super::unknown("holder", &row.holder))?;
            let preferences = Preferences { email: row.email, muted: row.muted };
            Ok((holder, Locked { notice_count: row.notice_count, preferences }))
        })
        .collect()
}

/// Takes the caller's turn and locks one holder; `None` if it is erased.
pub(crate) async fn lock_one(
    tx: &mut PgConnection,
    holder: &Holder,
) -> Result<Option<Locked>, sqlx::Error> {
    super::take_turn(tx).await?;
    Ok(lock(tx, &BTreeMap::from([(holder.clone(), 0)])).await?.remove(holder))
}

/// What a person prefers; `None` if nothing was chosen.
pub(crate) async fn preferences(
    connection: &mut PgConnection,
    holder: &Holder,
) -> Result<Option<Preferences>, sqlx::Error> {
    sqlx::query_as!(
        Preferences,
        "select email, muted from holders where holder = $1",
        holder.to_string()
    )
    .fetch_optional(connection)
    .await
}

/// Stores what a person prefers. The row is locked and there.
pub(crate) async fn prefer(
    tx: &mut PgConnection,
    holder: &Holder,
    preferences: &Preferences,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update holders set email = $2, muted = $3 where holder = $1",
        holder.to_string(),
        preferences.email,
        &preferences.muted,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// How many endpoints a holder has registered on a day. The row is locked.
pub(crate) async fn registered(
    tx: &mut PgConnection,
    holder: &Holder,
    day: Date,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select case when registered_on = $2::text::date then registered else 0 end as "count!"
           from holders where holder = $1"#,
        holder.to_string(),
        day.to_string(),
    )
    .fetch_one(tx)
    .await
}

/// Counts one more endpoint, registered on a day. The row is locked.
pub(crate) async fn register(
    tx: &mut PgConnection,
    holder: &Holder,
    day: Date,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update holders
         set endpoint_count = endpoint_count + 1,
             registered = case when registered_on = $2::text::date then registered else 0 end + 1,
             registered_on = $2::text::date
         where holder = $1",
        holder.to_string(),
        day.to_string(),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Empties the rows of holders; those of accounts stay as a mark that they are gone.
pub(crate) async fn empty(
    tx: &mut PgConnection,
    now: Timestamp,
    holders: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update holders
         set notice_count = 0, endpoint_count = 0, reader_count = 0, email = true, muted = '{}',
             registered_on = null, registered = 0,
             erased_at = case when holder like 'account/%' then $2::timestamptz end
         where holder = any($1)",
        holders,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}
