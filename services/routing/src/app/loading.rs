//! Loading the directory.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use liuyan_kit::{
    db::Db,
    messaging::{Outgoing, outbox},
};
use sqlx::PgConnection;

use super::{Snapshot, editing::moved};
use crate::{
    domain::{
        directory::Directory,
        lists::{List, Lists},
    },
    error::Error,
    events,
    store::{directory as store, editing},
};

/// A directory that was brought up to date.
#[derive(Debug)]
pub struct Loaded {
    /// It.
    pub snapshot: Snapshot,
    /// How many events were said about changes.
    pub said: usize,
    /// Lists whose rows are not those that were loaded, or were not before this: rows were lost, or
    /// changed by hand.
    pub damaged: BTreeSet<String>,
}

/// Brings the tables up to the built-in lists, if these are newer, and says what changed; then
/// reads the tables. What editors have put stays. In one transaction, by one loader at a time:
/// loading again changes nothing. Lists that a newer release has loaded stay as they are.
///
/// # Errors
/// [`Error::Directory`] if lists do not fit together; then nothing is changed.
pub async fn load(db: &Db, lists: Lists, now: Timestamp) -> Result<Loaded, Error> {
    db.write(move |tx| {
        Box::pin(async move {
            store::lock(tx).await?;
            let there = store::versions(tx).await?;
            // A newer list must not hide that an editor's row was lost before.
            let mut damaged: BTreeSet<String> = store::damaged(tx).await?.into_iter().collect();
            let (mut newer, mut changed) = (Vec::new(), BTreeSet::new());
            for list in List::ALL {
                let version = lists.version(list);
                let before = there.iter().find(|(name, _)| name == list.name());
                if before.is_none_or(|(_, before)| *before < version) {
                    changed.extend(put(tx, list, &lists).await?);
                    store::settle(tx, list, version, now).await?;
                    newer.push(list);
                }
            }
            damaged.extend(store::damaged(tx).await?);
            let directory = store::read(tx).await?.directory()?;
            let (mut said, moved) = moved(tx, &directory, changed).await?;
            said.extend(newer.into_iter().filter_map(|list| tell(&directory, &lists, list)));
            outbox::publish_all(tx, now, &said).await?;
            if !moved.is_empty() {
                editing::tell_paths(tx, &moved).await?;
            }
            let marks = store::marks(tx).await?;
            let snapshot = Snapshot { directory: Arc::new(directory), marks };
            Ok(Loaded { snapshot, said: said.len(), damaged })
        })
    })
    .await
}

/// Makes a list's rows those of the list; gives the offices that changed.
async fn put(tx: &mut PgConnection, list: List, lists: &Lists) -> Result<Vec<String>, sqlx::Error> {
    match list {
        List::Divisions => store::put_divisions(tx, &lists.divisions).await?,
        List::Offices => return store::put_offices(tx, &lists.offices).await,
        List::Calendar => store::put_holidays(tx, &lists.holidays).await?,
        List::Kinds => store::put_kinds(tx, &lists.kinds).await?,
        List::Domains => store::put_domains(tx, &lists.domains).await?,
        List::Deadlines => store::put_deadlines(tx, &lists.terms).await?,
        // None is built in.
        List::Competences => {}
    }
    Ok(Vec::new())
}

/// The event that tells of a newer list, for lists of which events tell as a whole.
fn tell(directory: &Directory, lists: &Lists, list: List) -> Option<Outgoing> {
    let codes: Vec<String> = match list {
        List::Calendar => return Some(events::calendar_put(&directory.calendar)),
        List::Kinds => lists.kinds.iter().map(|kind| kind.kind.clone()).collect(),
        List::Domains => lists.domains.iter().map(|domain| domain.domain.clone()).collect(),
        List::Divisions | List::Offices | List::Deadlines | List::Competences => return None,
    };
    Some(events::code_list_published(list.name(), lists.version(list), codes))
}

/// The lists whose rows are not those that were loaded.
///
/// # Errors
/// The database's.
pub async fn damaged(db: &Db) -> Result<Vec<String>, Error> {
    Ok(store::damaged(&mut *db.read().await?).await?)
}
