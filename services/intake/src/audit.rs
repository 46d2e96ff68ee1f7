//! What `liuyan verify` proves of receipts and of the transparency log.
//!
//! Everything is made anew from what is stored: leaves from salts and texts, the tree from the
//! leaves, by another road than the sequencer's, and the roots are compared with the heads, which
//! are signed by a key that is in no database. Whoever changes, dates back or drops an entry would
//! have to sign all later heads anew.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::{
    domain::log::{
        Hash, Tiles,
        frontier::Frontier,
        head::{self, Head},
        tree,
    },
    error::Error,
    store::{
        audit::{self, Leaf},
        log::{self, SignedHead},
    },
};

mod entry;

/// Leaves that are read at a time.
const PAGE: i64 = 5_000;
/// Breaches that are named; more than this tell nothing new.
const NAMED: usize = 100;
/// Within which time an entry is in a signed tree.
const PROMISE: SignedDuration = SignedDuration::from_secs(60);
/// By how much entries may come out of the order of their times: they waited for a writer, or the
/// clocks of two machines differ.
const DISORDER: SignedDuration = SignedDuration::from_secs(120);

/// The public keys that a board is audited with. They come from its key files, not from its
/// databases.
#[derive(Debug, Clone)]
pub struct PublicKeys {
    /// Public keys of receipts by their ids.
    pub receipts: HashMap<String, [u8; 32]>,
    /// The verifier's key of the log.
    pub log: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many entries were looked at.
    pub checked: u64,
    /// What is wrong.
    pub breaches: Vec<String>,
}

impl Report {
    fn breach(&mut self, what: impl Into<String>) {
        if self.breaches.len() < NAMED {
            self.breaches.push(what.into());
        }
    }
}

/// Audits receipts and log.
///
/// # Errors
/// The database's.
pub async fn audit(
    connection: &mut PgConnection,
    keys: &PublicKeys,
    now: Timestamp,
) -> Result<Report, Error> {
    let heads = audit::heads(connection).await?;
    let signed = heads.last().map_or(0, |head| head.size);
    let mut auditor = Auditor::new(keys, heads);
    auditor.read_heads();
    auditor.compare_roots();
    loop {
        let first = auditor.frontier.size();
        let mut leaves = audit::leaves(connection, first, PAGE).await?;
        if leaves.is_empty() {
            break;
        }
        let whole = leaves.iter().zip(first..).take_while(|(leaf, index)| leaf.index == *index);
        let (whole, read) = (whole.count(), leaves.len());
        leaves.truncate(whole);
        auditor.page(connection, &leaves).await?;
        if whole < read {
            let missing = auditor.frontier.size();
            auditor.report.breach(format!("entries are missing from place {missing} on"));
            break;
        }
    }
    auditor.end(connection).await?;
    let before = now.saturating_sub(PROMISE).unwrap_or(now);
    for it in audit::not_logged(connection, signed, before).await? {
        let what =
            if it.lost { "is not in the log" } else { "is not in a signed tree after a minute" };
        let (message_id, revision) = (it.message_id, it.revision);
        auditor.report.breach(match revision {
            1 => format!("the receipt of message {message_id} {what}"),
            _ => format!("text {revision} of message {message_id} {what}"),
        });
    }
    Ok(auditor.report)
}

struct Auditor<'a> {
    keys: &'a PublicKeys,
    heads: VecDeque<SignedHead>,
    frontier: Frontier,
    /// The edge of the tree once more, in tiles.
    tiles: Tiles,
    tiles_due: u64,
    heads_there: u64,
    /// Entries whose text is gone, until a redaction is found.
    absent: HashMap<Hash, u64>,
    /// Entries that are older than those before them, until a restoration is found.
    late: HashMap<Hash, (u64, Timestamp)>,
    /// The latest time of a receipt so far.
    latest: Option<Timestamp>,
    report: Report,
}

impl<'a> Auditor<'a> {
    fn new(keys: &'a PublicKeys, heads: Vec<SignedHead>) -> Self {
        let heads_there = heads.len() as u64;
        Self {
            keys,
            heads: heads.into(),
            frontier: Frontier::default(),
            tiles: Tiles::new(),
            tiles_due: 0,
            heads_there,
            absent: HashMap::new(),
            late: HashMap::new(),
            latest: None,
            report: Report::default(),
        }
    }

    /// Each head is signed, says what its row says, and is not older than those before it.
    fn read_heads(&mut self) {
        let mut before: Option<Timestamp> = None;
        for head in &self.heads {
            let told = Head { size: head.size, root_hash: head.root_hash };
            match head::open(&head.checkpoint, &self.keys.log) {
                Ok(signed) if signed == told => {}
                Ok(_) => self.report.breach(format!(
                    "the head of size {} is not the one that was signed",
                    head.size
                )),
                Err(fault) => self.report.breach(format!("head of size {}: {fault}", head.size)),
            }
            if before.is_some_and(|before| before > head.signed_at) {
                self.report.breach(format!("the head of size {} was dated back", head.size));
            }
            before = Some(head.signed_at);
        }
    }

    /// Compares the tree, as far as it was made anew, with the head of its size, if there is one.
    fn compare_roots(&mut self) {
        while let Some(head) = self.heads.front().filter(|it| it.size <= self.frontier.size()) {
            if head.size < self.frontier.size() || head.root_hash != self.frontier.root() {
                self.report.breach(format!(
                    "the tree of size {} has another root than was signed: an entry before that \
                     was changed, moved or dropped",
                    head.size
                ));
            }
            self.heads.pop_front();
        }
    }

    async fn page(&mut self, connection: &mut PgConnection, leaves: &[Leaf]) -> Result<(), Error> {
        let size = self.frontier.size();
        let mut hashes: Vec<Hash> = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let hash: Hash = leaf.leaf_hash.as_slice().try_into().unwrap_or_default();
            self.entry(leaf, hash);
            hashes.push(hash);
            self.frontier.push(hash);
            self.compare_roots();
        }
        self.report.checked = self.frontier.size();
        let changed = tree::append(size, &hashes, &mut self.tiles)?;
        let edge = tree::edge(self.frontier.size());
        let full: BTreeSet<_> = changed.difference(&edge).copied().collect();
        self.compare_tiles(connection, &full).await?;
        self.tiles_due += full.len() as u64;
        self.tiles.retain(|place, _| edge.contains(place));
        Ok(())
    }

    async fn compare_tiles(
        &mut self,
        connection: &mut PgConnection,
        places: &BTreeSet<tree::Place>,
    ) -> Result<(), Error> {
        let stored = log::tiles(connection, places).await?;
        for place in places {
            if stored.get(place) != self.tiles.get(place) {
                let tree::Place { level, number } = place;
                self.report
                    .breach(format!("tile {number} of level {level} is not that of the leaves"));
            }
        }
        Ok(())
    }

    /// What can only be said at the end.
    async fn end(&mut self, connection: &mut PgConnection) -> Result<(), Error> {
        let size = self.frontier.size();
        for head in std::mem::take(&mut self.heads) {
            self.report.breach(format!(
                "a tree of size {} was signed, and the log has {size} entries",
                head.size
            ));
        }
        let edge = tree::edge(size);
        self.compare_tiles(connection, &edge).await?;
        let (counted, heads, tiles) = audit::counts(connection).await?;
        if heads != Some(self.heads_there) {
            self.report.breach("not all heads that were signed are there");
        }
        if counted != Some(size) {
            self.report.breach(format!("the log counts {counted:?} entries and has {size}"));
        }
        if tiles != self.tiles_due + edge.len() as u64 {
            self.report.breach(format!("there are {tiles} tiles, which are not those of the tree"));
        }
        for target in audit::waiting_targets(connection).await? {
            self.resolve(&target);
        }
        let mut absent: Vec<u64> = self.absent.values().copied().collect();
        absent.sort_unstable();
        for index in absent {
            self.report.breach(format!("what entry {index} is about is gone without a redaction"));
        }
        let mut late: Vec<(u64, Timestamp)> = self.late.values().copied().collect();
        late.sort_unstable();
        for (index, at) in late {
            self.report.breach(format!(
                "entry {index} states {at} and stands among later ones: it was dated back"
            ));
        }
        Ok(())
    }

    /// A redaction or a restoration of this entry was found.
    fn resolve(&mut self, target: &[u8]) {
        let Ok(target) = Hash::try_from(target) else { return };
        self.absent.remove(&target);
        self.late.remove(&target);
    }
}
