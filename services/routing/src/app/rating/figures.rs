//! How offices are rated. Everybody may ask that, also of all offices below another, which are many: what
//! was counted of these is kept in memory for a minute, and counted of one at a time.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    app::App,
    domain::rating,
    error::Error,
    store::ratings::{self, Figures},
};

/// How long what was counted is told.
const FRESH: Duration = Duration::from_secs(60);
/// Of how many offices it is kept.
const KEPT: usize = 4_096;
/// How long a request waits for others' to be counted.
const WAIT: Duration = Duration::from_secs(10);

/// What was counted of offices and of those below them.
#[derive(Debug, Clone)]
pub(in crate::app) struct Told {
    kept: Arc<RwLock<HashMap<String, (Timestamp, Figures)>>>,
    turn: Arc<Semaphore>,
}

impl Default for Told {
    fn default() -> Self {
        Self { kept: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Told {
    fn fresh(&self, office_id: &str, now: Timestamp) -> Option<Figures> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(office_id).filter(|(at, _)| is_fresh(*at, now)).map(|(_, figures)| *figures)
    }

    fn keep(&self, office_id: &str, figures: Figures, now: Timestamp) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (at, _)| is_fresh(*at, now));
        }
        if kept.len() < KEPT {
            kept.insert(office_id.to_owned(), (now, figures));
        }
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age.unsigned_abs() < FRESH
}

impl App {
    /// How the replies of an office were rated, and, if that is wished, of those below it.
    ///
    /// # Errors
    /// [`Error::OfficeNotFound`], [`Error::Busy`], or the database's.
    pub async fn rating_figures(&self, office_id: &str, below: bool) -> Result<Figures, Error> {
        let (directory, now) = (self.directory(), self.now());
        if directory.offices.get(office_id).is_none() {
            return Err(Error::OfficeNotFound);
        }
        if !below {
            let ids = [office_id.to_owned()];
            return Ok(ratings::figures(&mut *self.db.read().await?, &ids, rating::GROUP).await?);
        }
        if let Some(figures) = self.told.fresh(office_id, now) {
            return Ok(figures);
        }
        let turn = timeout(WAIT, self.told.turn.acquire()).await;
        let _turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Stopping)?;
        if let Some(figures) = self.told.fresh(office_id, now) {
            return Ok(figures);
        }
        let ids = directory.offices.at_or_below([office_id]);
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let figures = ratings::figures(&mut *self.db.read().await?, &ids, rating::GROUP).await?;
        self.told.keep(office_id, figures, now);
        Ok(figures)
    }
}
