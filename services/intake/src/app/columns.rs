//! Columns: made and changed by those who keep them, followed by their agencies.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{id, messaging::outbox};
use sqlx::PgConnection;

use super::{App, Once, says};
use crate::{
    domain::column::{Column, Followed, RawColumn},
    error::Error,
    store::{
        column_messages,
        columns::{self, ColumnRequest},
    },
};

/// Makes the answer that is kept and given again for the same request, byte for byte.
pub type EncodeColumn = fn(&Column) -> Vec<u8>;

/// What is to become of a column.
#[derive(Debug, Clone)]
pub struct ColumnChange {
    /// The new values, and the id.
    pub column: RawColumn,
    /// Which of them count.
    pub paths: Vec<String>,
    /// The state that the caller has seen; empty if that does not matter.
    pub etag: String,
}

impl App {
    /// Makes a column and says so. Gives the encoded answer.
    ///
    /// # Errors
    /// Everything that is wrong with it, or what is there already.
    pub async fn create_column(
        &self,
        once: Once,
        raw: RawColumn,
        encode: EncodeColumn,
    ) -> Result<Vec<u8>, Error> {
        // Columns are made seldom, and often right after their offices.
        self.refresh_directory().await?;
        let (now, directory) = (self.now(), self.0.directory.get());
        let request = request(once);
        let answer = self
            .0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = begin(tx, &request, &raw.column_id, now).await? {
                        return Ok(answer);
                    }
                    let subject_id = id::of_name("column", &raw.column_id);
                    let column =
                        Column::make(&raw, &directory, subject_id, now).map_err(Error::Fields)?;
                    columns::insert(tx, &column).await.map_err(taken)?;
                    end(tx, &request, &column, encode, now).await
                })
            })
            .await?;
        self.refresh_directory().await?;
        Ok(answer)
    }

    /// Changes a column and says so. Gives the encoded answer.
    ///
    /// # Errors
    /// [`Error::ColumnNotFound`], [`Error::ColumnChanged`], or everything that is wrong.
    pub async fn update_column(
        &self,
        once: Once,
        change: ColumnChange,
        encode: EncodeColumn,
    ) -> Result<Vec<u8>, Error> {
        // Columns are made seldom, and often right after their offices.
        self.refresh_directory().await?;
        let (now, directory) = (self.now(), self.0.directory.get());
        let request = request(once);
        let answer = self
            .0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let ColumnChange { column: raw, paths, etag } = change;
                    if let Some(answer) = begin(tx, &request, &raw.column_id, now).await? {
                        return Ok(answer);
                    }
                    let column =
                        columns::lock(tx, &raw.column_id).await?.ok_or(Error::ColumnNotFound)?;
                    if !etag.is_empty() && etag != column.etag() {
                        return Err(Error::ColumnChanged);
                    }
                    let column =
                        column.changed(raw, &paths, &directory, now).map_err(Error::Fields)?;
                    columns::update(tx, &column).await.map_err(taken)?;
                    end(tx, &request, &column, encode, now).await
                })
            })
            .await?;
        self.refresh_directory().await?;
        Ok(answer)
    }

    /// A column as intake last read it, or, if it does not know it yet, as it is in the database.
    ///
    /// # Errors
    /// The database's.
    pub async fn column(&self, column_id: &str) -> Result<Option<Arc<Column>>, Error> {
        if let Some(column) = self.0.directory.columns().by_id(column_id) {
            return Ok(Some(Arc::clone(column)));
        }
        self.0.directory.refresh_columns(&self.0.db).await?;
        Ok(self.0.directory.columns().by_id(column_id).cloned())
    }

    /// The column of an agency, as intake last read it.
    pub fn column_of(&self, agency_id: &str) -> Option<Arc<Column>> {
        self.0.directory.columns().of_agency(agency_id).cloned()
    }

    /// A column with how many messages it submitted today.
    ///
    /// # Errors
    /// [`Error::ColumnNotFound`].
    pub async fn column_today(&self, column_id: &str) -> Result<(Arc<Column>, u32), Error> {
        self.0.directory.refresh_columns(&self.0.db).await?;
        let column = self.column(column_id).await?.ok_or(Error::ColumnNotFound)?;
        let day = columns::day_of(self.now());
        let used = columns::used_on(&mut *self.0.db.read().await?, column_id, day).await?;
        Ok((column, used))
    }

    /// A page of columns by name, and what the next one goes on after.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_columns(
        &self,
        size: usize,
        after: Option<(String, String)>,
    ) -> Result<(Vec<Column>, Option<(String, String)>), Error> {
        let one_more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
        let mut found =
            columns::page(&mut *self.0.db.read().await?, after.as_ref(), one_more).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next =
            found.last().filter(|_| more).map(|last| (last.name.clone(), last.column_id.clone()));
        Ok((found, next))
    }

    /// How a column's messages stand, in the order of their last change, and whether there is more.
    ///
    /// # Errors
    /// [`Error::ColumnNotFound`].
    pub async fn follow_column(
        &self,
        column_id: &str,
        size: usize,
        after: i64,
    ) -> Result<(Vec<Followed>, bool), Error> {
        self.column(column_id).await?.ok_or(Error::ColumnNotFound)?;
        let _in = self.reading().await?;
        let one_more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
        let mut connection = self.0.db.read().await?;
        let mut found =
            column_messages::followed(&mut connection, column_id, after, one_more).await?;
        let more = found.len() > size;
        found.truncate(size);
        Ok((found, more))
    }
}

fn request(once: Once) -> ColumnRequest {
    let Once { caller, request_id, body_hash } = once;
    ColumnRequest { caller, request_id, body_hash }
}

/// What a column meets that is there already.
fn taken(error: sqlx::Error) -> Error {
    let constraint = match &error {
        sqlx::Error::Database(cause) => cause.constraint(),
        _ => None,
    };
    match constraint {
        Some("columns_pkey") => Error::ColumnExists,
        Some("columns_agency_key") => Error::AgencyHasColumn,
        _ => error.into(),
    }
}

/// Notes a request. Gives the answer if it was met before.
async fn begin(
    tx: &mut PgConnection,
    request: &ColumnRequest,
    column_id: &str,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Error> {
    match columns::begin_request(tx, request, column_id, now).await? {
        Some((hash, _)) if hash != request.body_hash => Err(Error::RequestIdReused),
        Some((_, answer)) => Ok(Some(answer)),
        None => Ok(None),
    }
}

/// Says what the column is now, and keeps the answer.
async fn end(
    tx: &mut PgConnection,
    request: &ColumnRequest,
    column: &Column,
    encode: EncodeColumn,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    outbox::publish_all(tx, now, &[says::column_put(column)]).await?;
    let response = encode(column);
    columns::answer_request(tx, request, &response).await?;
    Ok(response)
}
