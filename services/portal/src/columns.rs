//! Partners' columns, as their pages need them; kept for a moment.

use std::sync::Arc;

use liuyan_kit::{
    class::{Class, Classify as _},
    clock::SharedClock,
    locale::FIRST,
};
use liuyan_proto::liuyan::intake::v1::{Column, GetColumnRequest};

use crate::{backend::Backends, cache::Cache, config::Limits, error::Error};

/// How long the id of a column is.
const SHORTEST: usize = 3;
const LONGEST: usize = 40;

/// A column, and how many messages came by it today.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) column: Column,
    pub(crate) used_today: u32,
}

impl Known {
    /// Whether it has taken today what it may.
    pub(crate) fn is_full(&self) -> bool {
        self.used_today >= self.column.daily_quota
    }
}

/// Columns by id. They are asked for in the portal's own name, never in a person's.
#[derive(Debug)]
pub(crate) struct Columns {
    backend: Backends,
    known: Cache<String, Option<Known>>,
}

impl Columns {
    pub(crate) fn new(backend: Backends, clock: SharedClock, limits: &Limits) -> Self {
        Self { backend, known: Cache::new(clock, limits.lists(), limits) }
    }

    /// The column of this id.
    ///
    /// # Errors
    /// If intake is away and nothing is remembered.
    pub(crate) async fn get(&self, column_id: &str) -> Result<Option<Arc<Known>>, Error> {
        if !is_id(column_id) {
            return Ok(None);
        }
        let (backend, column_id) = (self.backend.clone(), column_id.to_owned());
        let known = self.known.get(column_id.clone(), || async move {
            let request = backend.request(GetColumnRequest { column_id }, FIRST, None);
            match backend.columns().get_column(request).await.map_err(Error::from) {
                Ok(answer) => {
                    let answer = answer.into_inner();
                    let used_today = answer.used_today;
                    Ok(answer.column.map(|column| Known { column, used_today }))
                }
                // What is not there is an answer, too.
                Err(error) if error.class() == Class::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        });
        Ok(Option::clone(&*known.await?).map(Arc::new))
    }
}

/// Whether a column may have this id: a–z, 0–9 and hyphen.
pub(crate) fn is_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (SHORTEST..=LONGEST).contains(&text.len()) && text.bytes().all(known)
}
