//! Messages are compared with earlier ones: almost the same text, or too many of one author.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        likeness::Fingerprint,
        rules::{Action, Detector},
        screen::{Hit, Screener},
        text::{Field, Span, Text, length},
    },
    error::Error,
    store::likeness::{self, Candidate},
};

/// Fingerprints are kept for so long.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of almost the same texts so many are kept; more would only make the search longer.
const ENOUGH: usize = 8;
/// So many of them by different authors within a day are no longer chance. Before that they are
/// noted only: neighbours who write about one thing may write the same.
const CROWD: usize = 8;
/// How many fingerprints are forgotten at a time.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// A text that is compared.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The message.
    pub message_id: Uuid,
    /// Its public number.
    pub number: String,
    /// A pseudonym of its author; may be empty.
    pub author_id: String,
    /// When it came.
    pub submitted_at: Timestamp,
    /// What is left of its text.
    pub fingerprint: Option<Fingerprint>,
    /// The whole of its longest field.
    pub span: Option<Span>,
}

/// With what messages are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    /// Whatever was read before, as new messages are.
    All,
    /// What came before each of them, as it was when they were new.
    Earlier,
}

/// What comparison gave.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// What was found, by message.
    pub hits: HashMap<Uuid, Vec<Hit>>,
    /// Messages whose fingerprints are not worth keeping.
    pub known: HashSet<Uuid>,
}

impl App {
    /// Compares texts of one round with earlier messages and with each other. Never inside a
    /// transaction.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn compare(
        &self,
        screener: &Screener,
        mut texts: Vec<&Compared>,
        against: Against,
    ) -> Result<Comparison, Error> {
        let mut comparison = Comparison::default();
        if !self.config.compare_messages {
            return Ok(comparison);
        }
        texts.sort_by_key(|one| (one.submitted_at, one.message_id));
        let ids: Vec<Uuid> = texts.iter().map(|one| one.message_id).collect();
        let prints: Vec<_> =
            texts.iter().filter_map(|one| Some((*one, one.fingerprint.as_ref()?))).collect();
        let asked: Vec<_> =
            prints.iter().map(|(one, print)| (one.message_id, one.submitted_at, *print)).collect();
        let limits = screener.limits();
        let only_before = against == Against::Earlier;
        let (mut candidates, floods) = {
            let mut connection = self.db.read().await?;
            let candidates = likeness::candidates(&mut connection, &asked, only_before).await?;
            let (messages, minutes) = (limits.flooding_messages, limits.flooding_minutes);
            let floods = likeness::floods(&mut connection, &ids, messages, minutes).await?;
            (candidates, floods)
        };
        candidates.extend(of_one_round(&prints));
        let mut alike: Vec<Vec<Candidate>> = vec![Vec::new(); prints.len()];
        let mut met = HashSet::new();
        // What a trial reads again is in the table as well.
        candidates.retain(|one| met.insert((one.asked, one.number.clone())));
        for candidate in candidates {
            let like = prints.get(candidate.asked).is_some_and(|(_, print)| {
                print.likeness(&candidate.signature) >= limits.duplicate_likeness
            });
            if like {
                alike[candidate.asked].push(candidate);
            }
        }
        for ((one, _), alike) in prints.iter().zip(&alike) {
            if alike.len() >= ENOUGH {
                comparison.known.insert(one.message_id);
            }
            let hit = one.span.and_then(|span| duplicate(screener, one, span, alike));
            comparison.hits.entry(one.message_id).or_default().extend(hit);
        }
        for one in texts.iter().filter(|one| floods.contains(&one.message_id)) {
            let hit = one.span.and_then(|span| screener.hit(Detector::Flooding, span));
            comparison.hits.entry(one.message_id).or_default().extend(hit);
        }
        Ok(comparison)
    }

    /// Forgets some fingerprints that are too old; gives how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_some(&self) -> Result<usize, Error> {
        let before = self.clock.now() - KEPT;
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok(likeness::forget(tx, before, FORGOTTEN_AT_ONCE).await?) })
            })
            .await
    }
}

/// The earlier ones of each round; they are in no table yet.
fn of_one_round(prints: &[(&Compared, &Fingerprint)]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let mut by_band: HashMap<i32, Vec<usize>> = HashMap::new();
    for (asked, (_, print)) in prints.iter().enumerate() {
        let mut earlier: Vec<usize> = Vec::new();
        for band in print.bands {
            let same = by_band.entry(band).or_default();
            earlier.extend(&*same);
            // Of a thousand copies in one round some are enough.
            if same.len() <= ENOUGH {
                same.push(asked);
            }
        }
        earlier.sort_unstable();
        earlier.dedup();
        candidates.extend(earlier.into_iter().map(|at| {
            let (other, print) = prints[at];
            Candidate {
                asked,
                number: other.number.clone(),
                author_id: other.author_id.clone(),
                seen_at: other.submitted_at,
                signature: print.signature.to_vec(),
            }
        }));
    }
    candidates
}

/// A message is held that its author wrote before, or that many wrote within a day; one that
/// another author wrote is noted.
fn duplicate(screener: &Screener, one: &Compared, span: Span, alike: &[Candidate]) -> Option<Hit> {
    let own = |other: &&Candidate| !one.author_id.is_empty() && other.author_id == one.author_id;
    let day = SignedDuration::from_hours(24);
    let lately = alike.iter().filter(|other| other.seen_at > one.submitted_at - day).count();
    let first = alike.iter().find(own).or_else(|| alike.first())?;
    let mut hit = screener.hit(Detector::NearDuplicate, span)?;
    hit.like.clone_from(&first.number);
    if !own(&first) && lately < CROWD {
        hit.action = Action::Note;
    }
    Some(hit)
}

/// The whole of the longest field of a text.
pub(crate) fn longest(text: &Text) -> Option<Span> {
    let spans = Field::ALL.map(|field| Span { field, start: 0, end: length(text.field(field)) });
    spans.into_iter().filter(|span| span.end > 0).max_by_key(|span| span.end)
}
