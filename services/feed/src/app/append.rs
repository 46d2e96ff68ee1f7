//! Appending: what waits is given its place in the log. Whoever holds the lock of the head row is
//! the one appender; several replicas may try, and none does another's work twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use jiff::{Span, Timestamp};
use liuyan_kit::{clock::SharedClock, db::Db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, troubles::Of};
use crate::{
    domain::{
        Head, Holder,
        fate::{self, Fate, Shown, Waiting},
        filter::CASE_HIDDEN,
        stretch,
    },
    error::Error,
    payload::{self, View},
    store::{
        self,
        log::Appended,
        pending::Heard,
        subjects::{Change, Withheld},
    },
};

/// Events of one case that one append takes.
const OF_ONE_CASE: i64 = 32;

/// What one append did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Events that entered the log.
    pub appended: usize,
    /// Events that never will.
    pub withheld: usize,
    /// Whether something in an object was rewritten: it is to be written anew.
    pub in_objects: bool,
    /// Cases of which nothing found its place, because routing's view is older than their events.
    pub waiting: Vec<Uuid>,
}

impl Outcome {
    /// Whether nothing found its place.
    pub fn is_nothing(&self) -> bool {
        self.appended == 0 && self.withheld == 0
    }
}

/// The events that have waited longest, with the other waiting events of their cases; none of some cases.
///
/// # Errors
/// If the database fails.
pub async fn waiting(db: &Db, events: u16, but: &[Uuid]) -> Result<Vec<Heard>, Error> {
    let mut connection = db.read().await?;
    Ok(store::pending::oldest(&mut connection, i64::from(events), OF_ONE_CASE, but).await?)
}

/// The waiting events of these cases.
///
/// # Errors
/// If the database fails.
pub async fn waiting_of(db: &Db, case_ids: &[Uuid]) -> Result<Vec<Heard>, Error> {
    let mut connection = db.read().await?;
    Ok(store::pending::of_cases(&mut connection, case_ids, OF_ONE_CASE).await?)
}

/// The cases whose views are needed to append these events.
pub fn cases_to_view(waiting: &[Heard]) -> Vec<Uuid> {
    let cases: BTreeSet<Uuid> =
        waiting.iter().filter(|heard| heard.public).map(|heard| heard.case_id).collect();
    cases.into_iter().collect()
}

/// The cases of which stored payloads may have to be rewritten for these events.
pub fn cases_to_rewrite(waiting: &[Heard]) -> Vec<Uuid> {
    let rewrites = |heard: &&Heard| !heard.public || payload::changes_text(&heard.event_type);
    let cases: BTreeSet<Uuid> =
        waiting.iter().filter(rewrites).map(|heard| heard.case_id).collect();
    cases.into_iter().collect()
}

/// What is fetched before an append, because nobody is asked inside a transaction.
#[derive(Debug, Default)]
pub struct Known {
    /// The public views of the cases, as routing gave them after the events were read.
    pub views: HashMap<Uuid, View>,
    /// Stored payloads that are in objects and may have to be rewritten.
    pub in_objects: HashMap<i64, Bytes>,
    /// Positions of a stretch that is begun now.
    pub stretch_events: i64,
}

impl App {
    /// The payloads of these cases that are in objects and hold more than ids, and the cases that have to wait
    /// because an object of theirs is damaged: they are noted in [`App::troubles`].
    ///
    /// # Errors
    /// If the database or the objects fail.
    pub async fn in_objects(
        &self,
        case_ids: &[Uuid],
    ) -> Result<(HashMap<i64, Bytes>, HashSet<Uuid>), Error> {
        let (mut payloads, mut waiting) = (HashMap::new(), HashSet::new());
        match self.of_cases(case_ids).await {
            Ok(all) => payloads = all,
            Err(error) if error.is_damage() => {
                // One after the other, to know which.
                for case_id in case_ids {
                    match self.of_cases(&[*case_id]).await {
                        Ok(of_one) => payloads.extend(of_one),
                        Err(error) if error.is_damage() => {
                            let why = error.to_string();
                            self.troubles.note(Of::Case(*case_id), why, self.clock.now());
                            waiting.insert(*case_id);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        let well = case_ids.iter().filter(|case_id| !waiting.contains(case_id));
        well.for_each(|case_id| self.troubles.end(Of::Case(*case_id)));
        Ok((payloads, waiting))
    }

    async fn of_cases(&self, case_ids: &[Uuid]) -> Result<HashMap<i64, Bytes>, Error> {
        if case_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let positions = {
            let mut connection = self.db.read().await?;
            store::log::shown_in_objects(&mut connection, case_ids).await?
        };
        if positions.is_empty() {
            Ok(HashMap::new())
        } else {
            self.shelf.payloads(&positions).await
        }
    }
}

/// Gives waiting events their places, in one transaction. The log shows each case as its view is, which
/// may be newer than the event.
///
/// # Errors
/// If the database fails; then nothing has changed.
pub async fn append(
    db: &Db,
    clock: &SharedClock,
    waiting: Vec<Heard>,
    known: Known,
) -> Result<Outcome, Error> {
    let clock = clock.clone();
    db.write(move |tx| Box::pin(async move { place(tx, &clock, waiting, known).await })).await
}

async fn place(
    tx: &mut PgConnection,
    clock: &SharedClock,
    mut waiting: Vec<Heard>,
    known: Known,
) -> Result<Outcome, Error> {
    let head = store::head::lock(tx).await?.ok_or(Error::HeadMissing)?;
    // While we asked for the views, another appender may have placed these events.
    let event_ids: Vec<Uuid> = waiting.iter().map(|heard| heard.event_id).collect();
    let still: HashSet<Uuid> = store::pending::still(tx, &event_ids).await?.into_iter().collect();
    waiting.retain(|heard| still.contains(&heard.event_id));
    let case_ids: BTreeSet<Uuid> = waiting.iter().map(|heard| heard.case_id).collect();
    let case_ids: Vec<Uuid> = case_ids.into_iter().collect();
    // Or an event may have come that takes a case back: its view is not shown any more.
    let taken_back: HashSet<Uuid> =
        store::pending::taken_back_since(tx, &case_ids, &event_ids).await?.into_iter().collect();

    let shown = store::subjects::shown(tx, &case_ids).await?;
    let holders = store::log::holders(tx, &case_ids).await?;
    let Known { views, in_objects, stretch_events } = known;
    let mut plan = Plan::new(head, holders, in_objects, clock.now());
    for case in waiting.chunk_by(|one, next| one.case_id == next.case_id) {
        let case_id = case[0].case_id;
        let shown = shown.get(&case_id).copied().unwrap_or_default();
        let view = views.get(&case_id).filter(|_| !taken_back.contains(&case_id));
        plan.add(tx, case, shown, view).await?;
    }
    plan.write(tx, stretch_events).await
}

/// What an event tells of its case.
enum Content<'a> {
    /// How everybody sees it.
    View(&'a View),
    /// Nothing any more.
    Hidden,
    /// Ids and codes, for its office alone.
    Restricted,
}

/// What one append writes.
struct Plan {
    head: Head,
    rewrites: bool,
    now: Timestamp,
    /// Which office each case was shown with last.
    holders: HashMap<Uuid, Holder>,
    /// Payloads that are in objects.
    in_objects: HashMap<i64, Bytes>,
    rewrites_objects: bool,
    appended: Vec<Appended>,
    withheld: Vec<Withheld>,
    changes: Vec<Change>,
    waiting: Vec<Uuid>,
}

impl Plan {
    fn new(
        head: Head,
        holders: HashMap<Uuid, Holder>,
        in_objects: HashMap<i64, Bytes>,
        now: Timestamp,
    ) -> Self {
        Self {
            head,
            rewrites: false,
            now,
            holders,
            in_objects,
            rewrites_objects: false,
            appended: Vec::new(),
            withheld: Vec::new(),
            changes: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Adds the waiting events of one case. Stored payloads are rewritten at once.
    async fn add(
        &mut self,
        tx: &mut PgConnection,
        case: &[Heard],
        mut shown: Shown,
        view: Option<&View>,
    ) -> Result<(), Error> {
        let waiting: Vec<Waiting> = case.iter().map(as_waiting).collect();
        let fates = fate::decide(&waiting, shown, view.map(View::revision));
        let (mut moved, mut withheld, mut restricted) = (false, 0, 0);
        for (heard, fate) in case.iter().zip(fates) {
            match (fate, view) {
                (Fate::Wait, _) => break,
                (Fate::Withhold(reason), _) => {
                    withheld += 1;
                    self.withheld.push(Withheld {
                        event_id: heard.event_id,
                        case_id: heard.case_id,
                        version: heard.version,
                        reason,
                    });
                }
                (Fate::Hide, _) => {
                    self.rewrite(tx, heard.case_id, None).await?;
                    shown = Shown { revision: shown.revision + 1, hidden: true };
                    self.append(heard, Some(shown.revision), &Content::Hidden);
                }
                (Fate::Restrict, _) => {
                    restricted += 1;
                    if heard.accuses {
                        self.rewrites |= store::log::mark_accusing(tx, heard.case_id).await? > 0;
                    }
                    self.append(heard, None, &Content::Restricted);
                }
                // Without a view it is neither appended nor mended.
                (Fate::Append | Fate::Mend, None) => break,
                (Fate::Append | Fate::Mend, Some(view)) => {
                    if fate == Fate::Mend {
                        self.rewrite(tx, heard.case_id, Some(view)).await?;
                    }
                    shown = Shown { revision: shown.revision + 1, hidden: false };
                    self.append(heard, Some(shown.revision), &Content::View(view));
                }
            }
            moved = true;
        }
        if moved {
            let case_id = case[0].case_id;
            self.changes.push(Change { case_id, shown, withheld, restricted });
        } else {
            tracing::debug!(case_id = %case[0].case_id, "waits for routing's view");
            self.waiting.push(case[0].case_id);
        }
        Ok(())
    }

    /// Gives an event the next place.
    fn append(&mut self, heard: &Heard, subject_revision: Option<i64>, content: &Content<'_>) {
        let next = self.head.recorded_at.saturating_add(Span::new().microseconds(1));
        self.head.recorded_at = next.unwrap_or(self.head.recorded_at).max(self.now);
        self.head.position += 1;
        let event_type = match content {
            Content::Hidden => CASE_HIDDEN,
            Content::View(_) | Content::Restricted => heard.event_type.as_str(),
        };
        let frame = payload::Frame {
            event_id: heard.event_id,
            event_type,
            case_id: heard.case_id,
            message_id: heard.message_id,
            occurred_at: heard.occurred_at,
            recorded_at: self.head.recorded_at,
            position: self.head.position,
            subject_revision: subject_revision.unwrap_or_default(),
            traceparent: heard.traceparent.as_deref(),
            causation_id: heard.causation_id,
        };
        let payload = match content {
            Content::View(view) => payload::with_view(&frame, view),
            Content::Hidden => payload::hidden(&frame),
            Content::Restricted => payload::restricted(&frame, heard),
        };
        let holder = Holder {
            office_id: heard.office_id.clone(),
            division_code: heard.division_code.clone(),
        };
        let before = self.holders.insert(heard.case_id, holder.clone());
        self.appended.push(Appended {
            // Who had a case that accuses somebody may have lost it because it is now the accused, and
            // then is not to learn who has it.
            former: before.filter(|before| *before != holder && !heard.accuses),
            event_type: event_type.to_owned(),
            position: self.head.position,
            subject_revision,
            recorded_at: self.head.recorded_at,
            hidden: matches!(content, Content::Hidden),
            payload,
            heard: heard.clone(),
        });
    }

    /// Rewrites what the log holds of a case: with the texts of `view`, or reduced to ids.
    async fn rewrite(
        &mut self,
        tx: &mut PgConnection,
        case_id: Uuid,
        view: Option<&View>,
    ) -> Result<(), Error> {
        let mut payloads = store::log::shown_payloads(tx, case_id).await?;
        for (position, stored) in &mut payloads {
            // What is no longer kept is in no object either, and only marked.
            if *position < self.head.kept_from {
                continue;
            }
            let before = match stored.take() {
                Some(row) => Bytes::from(row),
                None => {
                    self.rewrites_objects = true;
                    self.in_objects.get(position).cloned().ok_or(Error::Moved(*position))?
                }
            };
            let after = match view {
                Some(view) => payload::mend(&before, view, self.now)?,
                None => payload::hide(&before, self.now)?,
            };
            *stored = Some(after);
        }
        store::log::rewrite(tx, &payloads, view.is_none(), self.now).await?;
        self.rewrites |= !payloads.is_empty();
        Ok(())
    }

    async fn write(mut self, tx: &mut PgConnection, stretch_events: i64) -> Result<Outcome, Error> {
        let outcome = Outcome {
            appended: self.appended.len(),
            withheld: self.withheld.len(),
            in_objects: self.rewrites_objects,
            waiting: std::mem::take(&mut self.waiting),
        };
        if outcome.is_nothing() {
            return Ok(outcome);
        }
        self.head.rewrites += i64::from(self.rewrites);
        let placed: Vec<Uuid> = (self.appended.iter().map(|event| event.heard.event_id))
            .chain(self.withheld.iter().map(|event| event.event_id))
            .collect();
        let end = store::stretches::end(tx).await?;
        for (first, last) in stretch::needed(end, self.head.position, stretch_events) {
            store::stretches::make(tx, first, last).await?;
        }
        store::log::append(tx, &self.appended).await?;
        store::subjects::withhold(tx, &self.withheld, self.now).await?;
        store::subjects::change(tx, &self.changes).await?;
        let removed = store::pending::remove(tx, &placed).await?;
        if u64::try_from(placed.len()) != Ok(removed) {
            return Err(Error::PendingLost { expected: placed.len(), removed });
        }
        store::head::move_to(tx, &self.head).await?;
        Ok(outcome)
    }
}

fn as_waiting(heard: &Heard) -> Waiting {
    Waiting {
        public: heard.public,
        view_revision: heard.view_revision,
        changes_text: payload::changes_text(&heard.event_type),
        restricted: heard.restricted,
    }
}
