//! What editors change in the calendar, the terms and the competences. What is open already keeps the
//! date that was promised to its author.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::messaging::outbox;
use sqlx::PgConnection;

use super::{
    App, Snapshot,
    editing::{editable, invalid},
};
use crate::{
    domain::{
        calendar::day_of,
        competence::Matter,
        deadline::{Scope, Term},
        directory::Directory,
        lists::List,
        tables::{self, YearDraft},
    },
    error::Error,
    events,
    store::{directory as lists, editing, tables as store},
};

/// A change of one of the tables.
enum Change {
    Year(YearDraft),
    Term(Scope, Term),
    NoTerm(Scope),
    Competence(Matter, String),
    NoCompetence(Matter),
}

impl App {
    /// Puts a year's announcement into the calendar, and says so. Gives the directory after it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; then nothing was done.
    pub async fn put_calendar(&self, draft: YearDraft) -> Result<Arc<Directory>, Error> {
        self.change(List::Calendar, Change::Year(draft)).await
    }

    /// Puts a term.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; then nothing was done.
    pub async fn put_term(&self, scope: Scope, term: Term) -> Result<(), Error> {
        self.change(List::Deadlines, Change::Term(scope, term)).await.map(drop)
    }

    /// Takes a term away.
    ///
    /// # Errors
    /// [`Error::TermNotFound`].
    pub async fn remove_term(&self, scope: Scope) -> Result<(), Error> {
        self.change(List::Deadlines, Change::NoTerm(scope)).await.map(drop)
    }

    /// Puts a competence.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; then nothing was done.
    pub async fn put_competence(&self, matter: Matter, office_id: String) -> Result<(), Error> {
        self.change(List::Competences, Change::Competence(matter, office_id)).await.map(drop)
    }

    /// Takes a competence away.
    ///
    /// # Errors
    /// [`Error::CompetenceNotFound`].
    pub async fn remove_competence(&self, matter: Matter) -> Result<(), Error> {
        self.change(List::Competences, Change::NoCompetence(matter)).await.map(drop)
    }

    async fn change(&self, list: List, change: Change) -> Result<Arc<Directory>, Error> {
        let (now, known) = (self.now(), self.snapshot());
        let snapshot = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (before, whole) = editable(tx, known, list).await?;
                    make(tx, &before, change, now).await?;
                    editing::count_change(tx, list, whole).await?;
                    let directory = Arc::new(lists::read(tx).await?.directory()?);
                    if list == List::Calendar {
                        let said = events::calendar_put(&directory.calendar);
                        outbox::publish_all(tx, now, &[said]).await?;
                    }
                    let marks = lists::marks(tx).await?;
                    Ok::<_, Error>(Snapshot { directory, marks })
                })
            })
            .await?;
        let directory = Arc::clone(&snapshot.directory);
        self.see(snapshot);
        Ok(directory)
    }
}

async fn make(
    tx: &mut PgConnection,
    before: &Directory,
    change: Change,
    now: Timestamp,
) -> Result<(), Error> {
    match change {
        Change::Year(draft) => {
            let year = tables::year(before, &draft).map_err(invalid)?;
            store::put_year(tx, &year, now).await?;
        }
        Change::Term(scope, term) => {
            tables::term(before, &scope, term).map_err(invalid)?;
            store::put_term(tx, &scope, term).await?;
        }
        Change::NoTerm(scope) => {
            if !store::remove_term(tx, &scope).await? {
                return Err(Error::TermNotFound);
            }
        }
        Change::Competence(matter, office_id) => {
            tables::competence(before, &matter, &office_id, day_of(now)).map_err(invalid)?;
            store::put_competence(tx, &matter, &office_id).await?;
        }
        Change::NoCompetence(matter) => {
            if !store::remove_competence(tx, &matter).await? {
                return Err(Error::CompetenceNotFound);
            }
        }
    }
    Ok(())
}
