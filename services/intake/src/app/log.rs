//! The transparency log: what enters it, and what everybody may ask of it.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        log::{Entry, Hash, tree},
        rule::Rule,
    },
    error::Error,
    store::log::{self as store, SignedHead},
};

/// How many entries are listed at a time.
pub const MOST_ENTRIES: u64 = 1_000;

/// Lets entries enter the log, in the transaction of their cause. The sequencer gives them their
/// places within a minute.
///
/// # Errors
/// The database's.
pub async fn append(tx: &mut PgConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    store::insert_waiting(tx, entries).await
}

/// Lets receipts of messages enter that came back: those that the log has already are not entered
/// twice, and of each it is noted that it came back.
pub(super) async fn append_again(
    tx: &mut PgConnection,
    receipts: &[Entry],
) -> Result<(), sqlx::Error> {
    if receipts.is_empty() {
        return Ok(());
    }
    let leaves: Vec<Vec<u8>> = receipts.iter().map(|it| it.leaf_hash.to_vec()).collect();
    let known = store::known(tx, &leaves).await?;
    let lost = receipts.iter().filter(|it| !known.contains(it.leaf_hash.as_slice())).cloned();
    let came_back =
        receipts.iter().map(|it| Entry::restoration(it.subject_id, it.leaf_hash, it.at));
    append(tx, &lost.chain(came_back).collect::<Vec<_>>()).await
}

/// Destroys the salts of a message's receipt and of its later texts, so that their entries in the log tell
/// nothing any more, and lets redactions enter that say so. False if there is no salt.
///
/// # Errors
/// The database's.
pub async fn redact(
    tx: &mut PgConnection,
    message_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let Some((salt, statement)) = store::lock_salt(tx, message_id).await? else {
        return Ok(false);
    };
    let target = Entry::receipt(message_id, &salt, &statement, now).leaf_hash;
    store::destroy_salt(tx, message_id).await?;
    let texts = store::destroy_text_salts(tx, message_id).await?;
    let gone = std::iter::once(target).chain(texts);
    let entries: Vec<Entry> =
        gone.map(|target| Entry::redaction(message_id, target, now)).collect();
    append(tx, &entries).await?;
    Ok(true)
}

/// A proof that a leaf is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The place of the leaf.
    pub index: u64,
    /// The size of the tree.
    pub tree_size: u64,
    /// The way to the root.
    pub path: Vec<Hash>,
    /// The signed head of the tree, if one of just that size was signed.
    pub checkpoint: Option<String>,
}

/// A proof that a tree continues another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The size of the later tree.
    pub second: u64,
    /// The proof.
    pub path: Vec<Hash>,
    /// The signed head of the later tree, if one of just that size was signed.
    pub checkpoint: Option<String>,
}

impl App {
    /// The newest signed head, and how many entries wait.
    ///
    /// # Errors
    /// [`Error::LogNotSigned`] before the first one.
    pub async fn tree_head(&self) -> Result<(SignedHead, u64), Error> {
        let mut connection = self.0.db.read().await?;
        let head = store::newest_head(&mut connection).await?.ok_or(Error::LogNotSigned)?;
        Ok((head, store::count_waiting(&mut connection).await?))
    }

    /// The log's key that can be told to everybody.
    pub fn log_verifier_key(&self) -> String {
        self.0.keys.log_verifier_key()
    }

    /// The public keys of receipts, the one of new receipts first.
    pub fn receipt_keys(&self) -> &[(String, [u8; 32])] {
        self.0.keys.receipt_keys()
    }

    /// Proves that a leaf is in the tree of this size; in the newest signed one if it is 0.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`], or [`Error::EntryWaiting`] if it is not in that tree yet.
    pub async fn inclusion(&self, leaf: &Hash, tree_size: u64) -> Result<Inclusion, Error> {
        let mut connection = self.0.db.read().await?;
        let tree_size = signed_size(&mut connection, tree_size, "tree_size").await?;
        let Some(index) = store::index_of(&mut connection, leaf).await? else {
            let known = store::known(&mut connection, &[leaf.to_vec()]).await?;
            let waits = !known.is_empty();
            return Err(if waits { Error::EntryWaiting } else { Error::EntryNotFound });
        };
        if index >= tree_size {
            return Err(Error::EntryWaiting);
        }
        let needs = tree::needs_of_inclusion(tree_size, index);
        let tiles = store::tiles(&mut connection, &needs).await?;
        let path = tree::inclusion(tree_size, index, &tiles)?;
        let checkpoint = store::checkpoint(&mut connection, tree_size).await?;
        Ok(Inclusion { index, tree_size, path, checkpoint })
    }

    /// Proves that the tree of the second size continues the one of the first; the newest signed
    /// one if the second is 0.
    ///
    /// # Errors
    /// If the sizes are not those of two trees.
    pub async fn consistency(&self, first: u64, second: u64) -> Result<Consistency, Error> {
        let mut connection = self.0.db.read().await?;
        let second = signed_size(&mut connection, second, "second").await?;
        if first > second {
            return Err(Error::field("first", Rule::TreesSwapped));
        }
        let needs = tree::needs_of_consistency(first, second);
        let tiles = store::tiles(&mut connection, &needs).await?;
        let path = tree::consistency(first, second, &tiles)?;
        let checkpoint = store::checkpoint(&mut connection, second).await?;
        Ok(Consistency { second, path, checkpoint })
    }

    /// Leaves of the newest signed tree in order, and its size.
    ///
    /// # Errors
    /// [`Error::LogNotSigned`], or the database's.
    pub async fn log_entries(
        &self,
        start: u64,
        limit: u64,
    ) -> Result<(Vec<(u64, Vec<u8>)>, u64), Error> {
        let mut connection = self.0.db.read().await?;
        let size = signed_size(&mut connection, 0, "start").await?;
        let end = start.saturating_add(limit.min(MOST_ENTRIES)).min(size);
        Ok((store::leaves(&mut connection, start, end).await?, size))
    }
}

/// The size that is meant. What is not signed yet is not told.
async fn signed_size(
    connection: &mut PgConnection,
    asked: u64,
    field: &'static str,
) -> Result<u64, Error> {
    let newest = store::newest_head(connection).await?.ok_or(Error::LogNotSigned)?.size;
    match asked {
        0 => Ok(newest),
        asked if asked > newest => Err(Error::field(field, Rule::TreeTooLarge { max: newest })),
        asked => Ok(asked),
    }
}
