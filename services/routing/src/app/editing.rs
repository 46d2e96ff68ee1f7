//! What editors change in the directory, and how every replica comes to know of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

use liuyan_kit::{
    class::Violation,
    db::Db,
    messaging::{Outgoing, outbox},
};
use sqlx::PgConnection;

use super::{App, Snapshot};
use crate::{
    domain::{
        directory::{Directory, Division, Office},
        editing::{self, DivisionDraft, Fault, OfficeDraft},
        lists::List,
    },
    error::Error,
    events,
    store::{accusations, directory as lists, editing as store},
};

impl App {
    /// Adds a division or changes the one with this code. Offices whose divisions are others
    /// through it are said again.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; then nothing was done.
    pub async fn put_division(&self, draft: DivisionDraft) -> Result<Division, Error> {
        let (now, known) = (self.now(), self.snapshot());
        let (put, snapshot) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (before, whole) = editable(tx, known, List::Divisions).await?;
                    let division = editing::division(&before, &draft).map_err(invalid)?;
                    store::put_division(tx, &division).await?;
                    store::count_change(tx, List::Divisions, whole).await?;
                    let directory = Arc::new(before.with_division(division.clone())?);
                    accusations::grow(tx, &directory.offices.new_heirs(&before.offices)).await?;
                    let (said, moved) = moved(tx, &directory, BTreeSet::new()).await?;
                    outbox::publish_all(tx, now, &said).await?;
                    if !moved.is_empty() {
                        store::tell_paths(tx, &moved).await?;
                    }
                    let marks = lists::marks(tx).await?;
                    Ok::<_, Error>((division, Snapshot { directory, marks }))
                })
            })
            .await?;
        self.see(snapshot);
        Ok(put)
    }

    /// Adds an office or changes the one with this id, and says so if it is not as it was.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; then nothing was done.
    pub async fn put_office(&self, draft: OfficeDraft) -> Result<Office, Error> {
        let (now, known) = (self.now(), self.snapshot());
        let (put, snapshot) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (before, whole) = editable(tx, known, List::Offices).await?;
                    let office = editing::office(&before, &draft).map_err(invalid)?;
                    store::put_office(tx, &office).await?;
                    store::count_change(tx, List::Offices, whole).await?;
                    // No other office lies elsewhere through it.
                    let path = before.path(office.division_code.as_deref());
                    let told = store::told_path(tx, &office.office_id).await?;
                    let directory = Arc::new(before.with_office(office.clone())?);
                    accusations::grow(tx, &directory.offices.new_heirs(&before.offices)).await?;
                    let put = directory.offices.get(&office.office_id);
                    let same = before.offices.get(&office.office_id) == put;
                    if !same || told.as_ref() != Some(&path) {
                        let said = events::office_put(&before, &office);
                        outbox::publish_all(tx, now, &[said]).await?;
                        store::tell_paths(tx, &[(office.office_id.clone(), path)]).await?;
                    }
                    let marks = lists::marks(tx).await?;
                    Ok::<_, Error>((office, Snapshot { directory, marks }))
                })
            })
            .await?;
        self.see(snapshot);
        Ok(put)
    }

    /// Reads the directory anew if it was changed, here or by another replica. Gives whether it
    /// was.
    ///
    /// # Errors
    /// The database's. Then the directory stays as it was read last.
    pub async fn renew_directory(&self) -> Result<bool, Error> {
        // One at a time, so that what was read earlier never replaces what was read later.
        let _turn = self.renewing.lock().await;
        if lists::marks(&mut *self.db.read().await?).await? == self.snapshot().marks {
            return Ok(false);
        }
        self.see(snapshot(&self.db).await?);
        Ok(true)
    }

    /// Makes this the directory, unless a later one is known already.
    pub(super) fn see(&self, snapshot: Snapshot) {
        let mut known = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        if known.changes() <= snapshot.changes() {
            *known = snapshot;
        }
    }
}

/// Reads the directory, with where its lists stand: these first, so that a change in between is
/// seen the next time.
///
/// # Errors
/// The database's, or [`Error::Directory`] if what is there does not fit together.
pub async fn snapshot(db: &Db) -> Result<Snapshot, Error> {
    let mut connection = db.read().await?;
    let marks = lists::marks(&mut connection).await?;
    let read = lists::read(&mut connection).await?;
    drop(connection);
    Ok(Snapshot { directory: Arc::new(read.directory()?), marks })
}

/// The directory, for one who changes it at a time, and whether the list to be changed has all the
/// rows that it should: a change must not hide that one was lost. What is known is read again only
/// if it was changed since.
pub(super) async fn editable(
    tx: &mut PgConnection,
    known: Snapshot,
    list: List,
) -> Result<(Arc<Directory>, bool), Error> {
    lists::lock(tx).await?;
    let damaged = lists::damaged(tx).await?;
    let whole = damaged.is_empty();
    let directory = if whole && lists::marks(tx).await? == known.marks {
        known.directory
    } else {
        Arc::new(lists::read(tx).await?.directory()?)
    };
    Ok((directory, !damaged.iter().any(|name| name == list.name())))
}

/// The offices to be said: those that changed, and those that lie elsewhere than was last said.
pub(super) async fn moved(
    tx: &mut PgConnection,
    directory: &Directory,
    mut changed: BTreeSet<String>,
) -> Result<(Vec<Outgoing>, Vec<(String, Vec<String>)>), sqlx::Error> {
    let told: BTreeMap<String, Option<Vec<String>>> =
        store::told_paths(tx).await?.into_iter().collect();
    let path = |office: &Office| directory.path(office.division_code.as_deref());
    let elsewhere = directory.offices.iter().filter(|office| {
        told.get(&office.office_id).is_some_and(|told| told.as_ref() != Some(&path(office)))
    });
    changed.extend(elsewhere.map(|office| office.office_id.clone()));
    let offices: Vec<&Office> = changed.iter().filter_map(|id| directory.offices.get(id)).collect();
    let said = offices.iter().map(|office| events::office_put(directory, office)).collect();
    let paths = offices.iter().map(|office| (office.office_id.clone(), path(office))).collect();
    Ok((said, paths))
}

pub(super) fn invalid(faults: Vec<Fault>) -> Error {
    let (least, most) = Fault::NAME_LENGTHS;
    let violations = faults.into_iter().map(|fault| {
        let violation = Violation::new(fault.field, fault.reason);
        match fault.has {
            Some(has) => violation.with("least", least).with("most", most).with("has", has),
            None => violation,
        }
    });
    Error::Invalid(violations.collect())
}
