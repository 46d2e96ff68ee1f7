//! The transparency log: what waits, the leaves, the tiles, the signed heads.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::messages::decode;
use crate::domain::log::{Hash, Tiles, tree::Place};

mod waiting;

pub use waiting::{Waiting, count_waiting, insert_waiting, take_waiting};

/// The constraint that a leaf meets which is in the log already.
pub const LEAF_PLACED: &str = "log_leaves_leaf_hash_key";

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// How many leaves the tree has.
    pub size: u64,
    /// Its root.
    pub root_hash: Hash,
    /// The signed note.
    pub checkpoint: String,
    /// When it was signed.
    pub signed_at: Timestamp,
}

fn size(number: i64) -> u64 {
    number.unsigned_abs()
}

pub(super) fn number(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Those of these leaves that are in the log or wait for their places.
///
/// # Errors
/// The database's.
pub async fn known(
    connection: &mut PgConnection,
    leaves: &[Vec<u8>],
) -> Result<HashSet<Vec<u8>>, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select leaf_hash as "leaf_hash!" from log_leaves where leaf_hash = any($1)
           union select leaf_hash from log_waiting where leaf_hash = any($1)"#,
        leaves
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().collect())
}

/// Those of these leaves that have their places.
///
/// # Errors
/// The database's.
pub async fn placed(
    connection: &mut PgConnection,
    leaves: &[Vec<u8>],
) -> Result<HashSet<Vec<u8>>, sqlx::Error> {
    let placed =
        sqlx::query_scalar!("select leaf_hash from log_leaves where leaf_hash = any($1)", leaves)
            .fetch_all(connection)
            .await?;
    Ok(placed.into_iter().collect())
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Entries wait for their places.
    pub waiting: bool,
    /// The tree has grown since its newest head was signed.
    pub unsigned: bool,
}

/// Whether there is anything to do.
///
/// # Errors
/// The database's.
pub async fn news(connection: &mut PgConnection) -> Result<News, sqlx::Error> {
    sqlx::query_as!(
        News,
        r#"select exists (select from log_batches) as "waiting!",
                  size is distinct from (select max(size) from log_heads) as "unsigned!"
           from log_head"#
    )
    .fetch_one(connection)
    .await
}

/// The epoch of a lease that this holder has for at least so long.
///
/// # Errors
/// The database's.
pub async fn held_lease(
    connection: &mut PgConnection,
    holder: Uuid,
    at_least_ms: u32,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select epoch from log_head
         where holder = $1 and expires_at > clock_timestamp() + make_interval(secs => $2::float8 / 1000)",
        holder,
        f64::from(at_least_ms),
    )
    .fetch_optional(connection)
    .await
}

/// Takes the lease, or renews it, and gives its epoch; `None` while another holds it. The time is
/// the database's: sequencers of several machines must agree.
///
/// # Errors
/// The database's.
pub async fn take_lease(
    tx: &mut PgConnection,
    holder: Uuid,
    lease_ms: u32,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "update log_head
         set epoch = epoch + case when holder is not distinct from $1 then 0 else 1 end,
             holder = $1,
             expires_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
         where holder is not distinct from $1 or expires_at < clock_timestamp()
         returning epoch",
        holder,
        f64::from(lease_ms),
    )
    .fetch_optional(tx)
    .await
}

/// Locks the head and gives the size of the tree; `None` if the lease of this epoch was lost.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, epoch: i64) -> Result<Option<u64>, sqlx::Error> {
    let found = sqlx::query_scalar!("select size from log_head where epoch = $1 for update", epoch)
        .fetch_optional(tx)
        .await?;
    Ok(found.map(size))
}

/// Gives entries their places, from `first` on.
///
/// # Errors
/// The database's; [`LEAF_PLACED`] if one of them has its place already.
pub async fn insert_leaves(
    tx: &mut PgConnection,
    first: u64,
    entries: &[Waiting],
) -> Result<(), sqlx::Error> {
    fn all<T>(entries: &[Waiting], column: impl Fn(&Waiting) -> T) -> Vec<T> {
        entries.iter().map(column).collect()
    }
    let indexes: Vec<i64> = (first..).map(number).take(entries.len()).collect();
    sqlx::query!(
        "insert into log_leaves (index, leaf_hash, kind, subject_id, salt, preimage, target,
                                 created_at)
         select index, leaf_hash, kind, subject_id, salt, preimage, target, created_at
         from unnest($1::bigint[], $2::bytea[], $3::text[], $4::uuid[], $5::bytea[], $6::bytea[],
                     $7::bytea[], $8::timestamptz[])
             as fresh (index, leaf_hash, kind, subject_id, salt, preimage, target, created_at)",
        &indexes,
        &all(entries, |it| it.leaf_hash.clone()),
        &all(entries, |it| it.kind.clone()),
        &all(entries, |it| it.subject_id),
        &all(entries, |it| it.salt.clone()) as &[Option<Vec<u8>>],
        &all(entries, |it| it.preimage.clone()) as &[Option<Vec<u8>>],
        &all(entries, |it| it.target.clone()) as &[Option<Vec<u8>>],
        &all(entries, |it| it.created_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores tiles, over what they were before.
///
/// # Errors
/// The database's.
pub async fn put_tiles(tx: &mut PgConnection, tiles: &Tiles) -> Result<(), sqlx::Error> {
    let (places, hashes): (Vec<&Place>, Vec<Vec<u8>>) =
        tiles.iter().map(|(place, tile)| (place, tile.clone())).unzip();
    let (levels, numbers) = columns(places.into_iter());
    sqlx::query!(
        "insert into log_tiles (level, number, hashes)
         select level, number, hashes
         from unnest($1::smallint[], $2::bigint[], $3::bytea[]) as fresh (level, number, hashes)
         on conflict on constraint log_tiles_pkey do update set hashes = excluded.hashes",
        &levels,
        &numbers,
        &hashes,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn columns<'a>(places: impl Iterator<Item = &'a Place>) -> (Vec<i16>, Vec<i64>) {
    places.map(|place| (i16::from(place.level), number(place.number))).unzip()
}

/// The tiles at these places; those that are not there are left out.
///
/// # Errors
/// The database's.
pub async fn tiles(
    connection: &mut PgConnection,
    places: &BTreeSet<Place>,
) -> Result<Tiles, sqlx::Error> {
    let (levels, numbers) = columns(places.iter());
    let rows = sqlx::query!(
        "select level, number, hashes
         from log_tiles join unnest($1::smallint[], $2::bigint[]) as wanted (level, number)
             using (level, number)",
        &levels,
        &numbers,
    )
    .fetch_all(connection)
    .await?;
    let tile = |level: i16, number: i64, hashes| {
        let level = u8::try_from(level).map_err(decode)?;
        Ok((Place { level, number: size(number) }, hashes))
    };
    rows.into_iter().map(|row| tile(row.level, row.number, row.hashes)).collect()
}

/// Notes that the tree has grown.
///
/// # Errors
/// The database's.
pub async fn move_head(tx: &mut PgConnection, to: u64) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!("update log_head set size = $1 where size <= $1", number(to))
        .execute(tx)
        .await?;
    db::expect_one(&moved)
}

/// The newest signed head.
///
/// # Errors
/// The database's.
pub async fn newest_head(connection: &mut PgConnection) -> Result<Option<SignedHead>, sqlx::Error> {
    let row = sqlx::query!(
        "select size, root_hash, checkpoint, signed_at from log_heads order by size desc limit 1"
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SignedHead {
        size: size(row.size),
        root_hash: row.root_hash.as_slice().try_into().map_err(decode)?,
        checkpoint: row.checkpoint,
        signed_at: clock::from_db(row.signed_at),
    }))
}

/// The signed head of just this size.
///
/// # Errors
/// The database's.
pub async fn checkpoint(
    connection: &mut PgConnection,
    size: u64,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select checkpoint from log_heads where size = $1", number(size))
        .fetch_optional(connection)
        .await
}

/// Keeps a signed head, and counts it.
///
/// # Errors
/// The database's.
pub async fn insert_head(tx: &mut PgConnection, head: &SignedHead) -> Result<(), sqlx::Error> {
    let kept = sqlx::query!(
        "insert into log_heads (size, root_hash, checkpoint, signed_at) values ($1, $2, $3, $4)",
        number(head.size),
        head.root_hash.as_slice(),
        head.checkpoint,
        clock::to_db(head.signed_at),
    )
    .execute(&mut *tx)
    .await?;
    db::expect_one(&kept)?;
    let counted = sqlx::query!("update log_head set heads = heads + 1").execute(tx).await?;
    db::expect_one(&counted)
}

/// The place of a leaf.
///
/// # Errors
/// The database's.
pub async fn index_of(
    connection: &mut PgConnection,
    leaf: &Hash,
) -> Result<Option<u64>, sqlx::Error> {
    let index =
        sqlx::query_scalar!("select index from log_leaves where leaf_hash = $1", leaf.as_slice())
            .fetch_optional(connection)
            .await?;
    Ok(index.map(size))
}

/// Leaves in order, from `first` to before `end`, with their places.
///
/// # Errors
/// The database's.
pub async fn leaves(
    connection: &mut PgConnection,
    first: u64,
    end: u64,
) -> Result<Vec<(u64, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select index, leaf_hash from log_leaves where index >= $1 and index < $2 order by index",
        number(first),
        number(end),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (size(row.index), row.leaf_hash)).collect())
}

/// Salt and statement of a message's receipt, which is locked; `None` if the salt is gone.
///
/// # Errors
/// The database's.
pub async fn lock_salt(
    tx: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<([u8; 32], Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        "select salt, statement from receipts where message_id = $1 for update",
        message_id
    )
    .fetch_optional(tx)
    .await?;
    let Some((Some(salt), statement)) = row.map(|row| (row.salt, row.statement)) else {
        return Ok(None);
    };
    Ok(Some((salt.as_slice().try_into().map_err(decode)?, statement)))
}

/// Destroys the salts of a message's texts that were handed in again. Gives their leaves.
///
/// # Errors
/// The database's.
pub async fn destroy_text_salts(
    tx: &mut PgConnection,
    message_id: Uuid,
) -> Result<Vec<Hash>, sqlx::Error> {
    let leaves = sqlx::query_scalar!(
        r#"update texts set salt = null where message_id = $1 and salt is not null
           returning leaf_hash as "leaf_hash!""#,
        message_id
    )
    .fetch_all(tx)
    .await?;
    leaves.into_iter().map(|leaf| leaf.as_slice().try_into().map_err(decode)).collect()
}

/// Destroys the salt of a message's receipt.
///
/// # Errors
/// The database's.
pub async fn destroy_salt(tx: &mut PgConnection, message_id: Uuid) -> Result<(), sqlx::Error> {
    let destroyed =
        sqlx::query!("update receipts set salt = null where message_id = $1", message_id)
            .execute(tx)
            .await?;
    db::expect_one(&destroyed)
}
