//! The directory in memory, so that a submission asks no database for it.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use liuyan_kit::db::Db;

use crate::{
    domain::{
        column::Columns,
        draft::{Directory, Draft, Limits, Raw},
        rule::Breach,
    },
    error::Error,
    store::{columns, directory as store},
};

/// The directory as it was last read.
#[derive(Debug, Default)]
pub(super) struct Cache {
    directory: RwLock<Arc<Directory>>,
    columns: RwLock<Arc<Columns>>,
}

impl Cache {
    /// The directory as it was last read.
    pub(super) fn get(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The columns as they were last read.
    pub(super) fn columns(&self) -> Arc<Columns> {
        Arc::clone(&self.columns.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads everything anew.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn refresh(&self, db: &Db) -> Result<(), Error> {
        let fresh = store::directory(&mut *db.read().await?, None).await?;
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        self.refresh_columns(db).await
    }

    /// Reads the columns anew.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn refresh_columns(&self, db: &Db) -> Result<(), Error> {
        let fresh = Columns::of(columns::all(&mut *db.read().await?).await?);
        *self.columns.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// Checks a message. What is refused because of the directory is checked again against the
    /// database: an office that was opened a moment ago is not refused. One that was closed a
    /// moment ago may still be taken, for as long as `directory_refresh_seconds`.
    ///
    /// # Errors
    /// Everything that is wrong, or that the directory has not arrived.
    pub(super) async fn check(
        &self,
        db: &Db,
        raw: &Raw,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Draft, Error> {
        let known = self.get();
        let breaches = match Draft::parse(raw, limits, &known, now) {
            Ok(draft) => return Ok(draft),
            Err(breaches) => breaches,
        };
        // The database can't be asked for what no text of it can hold.
        let nonsense = raw.office().contains('\0');
        let known_to_be_wrong =
            nonsense || !breaches.iter().any(|it: &Breach| it.rule.depends_on_directory());
        if known.loaded && known_to_be_wrong {
            return Err(Error::Fields(breaches));
        }
        // Rare, and so apart: every submission has room for what may be awaited.
        let ask = async { store::directory(&mut *db.read().await?, Some(raw.office())).await };
        let fresh = Box::pin(ask).await?;
        if !fresh.loaded {
            return Err(Error::DirectoryNotLoaded);
        }
        Draft::parse(raw, limits, &fresh, now).map_err(Error::Fields)
    }
}
