//! Loading the directory.

use jiff::Timestamp;
use liuyan_kit::{
    db::Db,
    messaging::{Outgoing, outbox},
};
use sqlx::PgConnection;

use crate::{
    domain::{
        directory::Directory,
        lists::{List, Lists},
    },
    error::Error,
    events,
    store::directory as store,
};

/// A directory that was brought up to date.
#[derive(Debug)]
pub struct Loaded {
    /// It.
    pub directory: Directory,
    /// How many events were said about changes.
    pub said: usize,
    /// Lists whose rows are not those that were loaded: rows were lost, or changed by hand.
    pub damaged: Vec<String>,
}

/// Brings the tables up to the built-in lists, if these are newer, and says what changed; then
/// reads the tables. In one transaction, by one loader at a time: loading again changes nothing.
/// Lists that a newer release has loaded stay as they are.
///
/// # Errors
/// [`Error::Directory`] if lists do not fit together; then nothing is changed.
pub async fn load(db: &Db, lists: Lists, now: Timestamp) -> Result<Loaded, Error> {
    db.write(move |tx| {
        Box::pin(async move {
            store::lock(tx).await?;
            let there = store::versions(tx).await?;
            let mut said = Vec::new();
            for list in List::ALL {
                let version = lists.version(list);
                let before = there.iter().find(|(name, _)| name == list.name());
                if before.is_none_or(|(_, before)| *before < version) {
                    said.extend(put(tx, list, &lists).await?);
                    store::settle(tx, list, version, now).await?;
                }
            }
            let damaged = store::damaged(tx).await?;
            let directory = store::read(tx).await?.directory()?;
            let events: Vec<Outgoing> =
                said.into_iter().filter_map(|change| tell(&directory, &lists, change)).collect();
            outbox::publish_all(tx, now, &events).await?;
            Ok(Loaded { directory, said: events.len(), damaged })
        })
    })
    .await
}

/// Something of the directory that changed.
enum Change {
    Office(String),
    List(List),
}

async fn put(tx: &mut PgConnection, list: List, lists: &Lists) -> Result<Vec<Change>, sqlx::Error> {
    match list {
        List::Divisions => store::put_divisions(tx, &lists.divisions).await?,
        List::Offices => {
            let changed = store::put_offices(tx, &lists.offices).await?;
            return Ok(changed.into_iter().map(Change::Office).collect());
        }
        List::Calendar => store::put_holidays(tx, &lists.holidays).await?,
        List::Kinds => store::put_kinds(tx, &lists.kinds).await?,
        List::Domains => store::put_domains(tx, &lists.domains).await?,
        List::Deadlines => store::put_deadlines(tx, &lists.terms).await?,
    }
    Ok(vec![Change::List(list)])
}

/// The event that tells of a change, for lists of which events tell.
fn tell(directory: &Directory, lists: &Lists, change: Change) -> Option<Outgoing> {
    match change {
        Change::Office(id) => {
            directory.offices.get(&id).map(|office| events::office_put(directory, office))
        }
        Change::List(List::Calendar) => Some(events::calendar_put(&directory.calendar)),
        Change::List(list @ List::Kinds) => {
            let codes = lists.kinds.iter().map(|kind| kind.kind.clone()).collect();
            Some(events::code_list_published(list.name(), lists.version(list), codes))
        }
        Change::List(list @ List::Domains) => {
            let codes = lists.domains.iter().map(|domain| domain.domain.clone()).collect();
            Some(events::code_list_published(list.name(), lists.version(list), codes))
        }
        Change::List(List::Divisions | List::Offices | List::Deadlines) => None,
    }
}

/// The lists whose rows are not those that were loaded.
///
/// # Errors
/// The database's.
pub async fn damaged(db: &Db) -> Result<Vec<String>, Error> {
    Ok(store::damaged(&mut *db.read().await?).await?)
}
