//! What `liuyan verify` reads of the transparency log, page by page.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    log::{SignedHead, number},
    messages::decode,
};
use crate::domain::draft::{Place, Words};

/// A leaf, and what it is about if that is still here.
#[derive(Debug)]
pub struct Leaf {
    /// Its place.
    pub index: u64,
    /// Its hash.
    pub leaf_hash: Vec<u8>,
    /// What it is about.
    pub kind: String,
    /// The message, or the subject of the event.
    pub subject_id: Uuid,
    /// The salt of an event's text.
    pub salt: Option<Vec<u8>>,
    /// An event's text.
    pub preimage: Option<Vec<u8>>,
    /// The leaf it is about.
    pub target: Option<Vec<u8>>,
    /// When it was caused.
    pub created_at: Timestamp,
    /// The receipt.
    pub receipt: Option<Proof>,
    /// The message as it came.
    pub message: Option<Content>,
    /// The text that was handed in again.
    pub mended: Option<MendedText>,
}

/// A text that was handed in again, as it is stored.
#[derive(Debug)]
pub struct MendedText {
    /// Which revision it is.
    pub revision: i32,
    /// Its salt; `None` once it was erased.
    pub salt: Option<Vec<u8>>,
    /// Its words.
    pub words: Words,
}

/// A receipt as it is stored.
#[derive(Debug)]
pub struct Proof {
    /// The salt of content and leaf; `None` once the message was erased.
    pub salt: Option<Vec<u8>>,
    /// The bytes that are signed.
    pub statement: Vec<u8>,
    /// Names the board's key.
    pub key_id: String,
    /// Ed25519 over the statement.
    pub signature: Vec<u8>,
    /// SHA-256 of salt and content.
    pub content_hash: Vec<u8>,
}

/// What a message says, in its first revision.
#[derive(Debug)]
pub struct Content {
    /// Its public number.
    pub number: String,
    /// The office it is for.
    pub office_id: String,
    /// When it became durable.
    pub submitted_at: Timestamp,
    /// When it was written.
    pub occurred_at: Option<Timestamp>,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// The topic.
    pub topic: String,
    /// Who may read it.
    pub public: bool,
    /// Title, body, demand and details.
    pub words: [String; 4],
    /// Where the matter is.
    pub place: Place,
    /// The remark for the office.
    pub remark: String,
    /// The hash of each file, and whether the public may see it.
    pub files: Vec<(Vec<u8>, bool)>,
}

/// The leaves from `first` on.
///
/// # Errors
/// The database's.
pub async fn leaves(
    connection: &mut PgConnection,
    first: u64,
    limit: i64,
) -> Result<Vec<Leaf>, sqlx::Error> {
    let rows = sqlx::query_file!("src/queries/audit_leaves.sql", number(first), limit)
        .fetch_all(connection)
        .await?;
    let leaf = |row: Row| Leaf {
        index: row.index.unsigned_abs(),
        leaf_hash: row.leaf_hash,
        kind: row.kind,
        subject_id: row.subject_id,
        salt: row.salt,
        preimage: row.preimage,
        target: row.target,
        created_at: clock::from_db(row.created_at),
        receipt: None,
        message: None,
        mended: None,
    };
    rows.into_iter()
        .map(|row| {
            let receipt = match (row.statement, row.key_id, row.signature, row.content_hash) {
                (Some(statement), Some(key_id), Some(signature), Some(content_hash)) => {
                    let salt = row.receipt_salt;
                    Some(Proof { salt, statement, key_id, signature, content_hash })
                }
                _ => None,
            };
            let message = match (row.number, row.office_id, row.submitted_at) {
                (Some(number), Some(office_id), Some(submitted_at)) => Some(Content {
                    number,
                    office_id,
                    submitted_at: clock::from_db(submitted_at),
                    occurred_at: row.occurred_at.map(clock::from_db),
                    kind: row.message_kind.unwrap_or_default(),
                    domain: row.domain.unwrap_or_default(),
                    topic: row.topic.unwrap_or_default(),
                    public: row.visibility.as_deref() == Some("public"),
                    words: [row.title, row.body, row.demand, row.details]
                        .map(Option::unwrap_or_default),
                    place: Place {
                        text: row.place.unwrap_or_default(),
                        location: row.latitude.zip(row.longitude),
                        public: false,
                    },
                    remark: row.remark.unwrap_or_default(),
                    files: row
                        .file_hashes
                        .unwrap_or_default()
                        .into_iter()
                        .zip(row.file_public.unwrap_or_default())
                        .collect(),
                }),
                _ => None,
            };
            let mended = row.mended_revision.map(|revision| MendedText {
                revision,
                salt: row.mended_salt,
                words: Words {
                    title: row.mended_title.unwrap_or_default(),
                    body: row.mended_body.unwrap_or_default(),
                    demand: row.mended_demand.unwrap_or_default(),
                    details: row.mended_details.unwrap_or_default(),
                },
            });
            let row = Row {
                index: row.index,
                leaf_hash: row.leaf_hash,
                kind: row.kind,
                subject_id: row.subject_id,
                salt: row.salt,
                preimage: row.preimage,
                target: row.target,
                created_at: row.created_at,
            };
            Ok(Leaf { receipt, message, mended, ..leaf(row) })
        })
        .collect()
}

struct Row {
    index: i64,
    leaf_hash: Vec<u8>,
    kind: String,
    subject_id: Uuid,
    salt: Option<Vec<u8>>,
    preimage: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    created_at: OffsetDateTime,
}

/// All signed heads, the smallest first.
///
/// # Errors
/// The database's.
pub async fn heads(connection: &mut PgConnection) -> Result<Vec<SignedHead>, sqlx::Error> {
    let rows =
        sqlx::query!("select size, root_hash, checkpoint, signed_at from log_heads order by size")
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SignedHead {
                size: row.size.unsigned_abs(),
                root_hash: row.root_hash.as_slice().try_into().map_err(decode)?,
                checkpoint: row.checkpoint,
                signed_at: clock::from_db(row.signed_at),
            })
        })
        .collect()
}

/// How many leaves and heads the row of the head counts, and how many tiles there are.
///
/// # Errors
/// The database's.
pub async fn counts(
    connection: &mut PgConnection,
) -> Result<(Option<u64>, Option<u64>, u64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select (select size from log_head) as size, (select heads from log_head) as heads,
                  (select count(*) from log_tiles) as "tiles!""#
    )
    .fetch_one(connection)
    .await?;
    let (size, heads) = (row.size.map(i64::unsigned_abs), row.heads.map(i64::unsigned_abs));
    Ok((size, heads, row.tiles.unsigned_abs()))
}

/// Leaves of redactions and restorations that wait: what they are about.
///
/// # Errors
/// The database's.
pub async fn waiting_targets(connection: &mut PgConnection) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(r#"select target as "target!" from log_waiting where target is not null"#)
        .fetch_all(connection)
        .await
}

/// The messages whose receipts or later texts are not in the log as they should be, and why: nowhere, or not in
/// a signed tree of `signed` leaves though they came before `before`.
///
/// # Errors
/// The database's.
pub async fn not_logged(
    connection: &mut PgConnection,
    signed: u64,
    before: Timestamp,
) -> Result<Vec<NotLogged>, sqlx::Error> {
    sqlx::query_as!(
        NotLogged,
        r#"with due as (
               select message_id, 1 as revision, 'receipt' as kind, null::bytea as leaf_hash from receipts
               union all
               select message_id, revision, 'text', leaf_hash from texts where leaf_hash is not null
           )
           select due.message_id as "message_id!", due.revision as "revision!",
                  (leaf.index is null and waiting.batch_id is null) as "lost!"
           from due
           left join log_leaves as leaf
               on leaf.kind = due.kind and leaf.subject_id = due.message_id
              and (due.leaf_hash is null or leaf.leaf_hash = due.leaf_hash)
           left join log_waiting as waiting
               on waiting.kind = due.kind and waiting.subject_id = due.message_id
              and (due.leaf_hash is null or waiting.leaf_hash = due.leaf_hash)
           where (leaf.index is null and waiting.batch_id is null)
              or (leaf.index >= $1 and leaf.created_at < $2)
              or (leaf.index is null and waiting.created_at < $2)"#,
        number(signed),
        clock::to_db(before),
    )
    .fetch_all(connection)
    .await
}

/// What is not in the log as it should be.
#[derive(Debug)]
pub struct NotLogged {
    /// The message.
    pub message_id: Uuid,
    /// 1 if it is the receipt, else which text it is.
    pub revision: i32,
    /// Whether it is nowhere.
    pub lost: bool,
}
