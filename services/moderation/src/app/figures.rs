//! How much waits, and who works on it.

use jiff::SignedDuration;

use super::App;
use crate::{
    domain::{
        figures::{Backlog, Load, Marks, Waiting, day_began},
        moderator::Moderator,
    },
    error::Error,
    store::figures,
};

/// Reviews beyond this number are not counted.
const MOST_COUNTED: i64 = 10_000;
/// What was decided in this time tells how fast moderators are.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// Over what time the rules' errors are counted.
const SAMPLED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much waits, and who works on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What waits.
    pub waiting: Waiting,
    /// Who works on how much.
    pub loads: Vec<Load>,
    /// How many samples were decided lately.
    pub sample_decided: u32,
    /// How many of those should not have passed as they were.
    pub sample_wrong: u32,
}

impl App {
    /// How much waits, and who works on it: everybody for a senior moderator, else the moderator alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn workload(&self, moderator: &Moderator) -> Result<Workload, Error> {
        let now = self.clock.now();
        let near = now + self.config.work.near();
        let only = (!moderator.senior).then_some(moderator.name.as_str());
        let mut connection = self.db.read().await?;
        let (sample_decided, sample_wrong) =
            figures::samples(&mut connection, now - SAMPLED).await?;
        Ok(Workload {
            waiting: figures::waiting(&mut connection, now, near, MOST_COUNTED).await?,
            loads: figures::loads(&mut connection, now, day_began(now), only).await?,
            sample_decided,
            sample_wrong,
        })
    }

    /// Of the sample of what would have passed, how many were decided lately, and how many of those were
    /// not published as they were.
    ///
    /// # Errors
    /// The database's.
    pub async fn sample(&self) -> Result<(u32, u32), Error> {
        let since = self.clock.now() - SAMPLED;
        Ok(figures::samples(&mut *self.db.read().await?, since).await?)
    }

    /// Whether reviews take longer than usual.
    ///
    /// # Errors
    /// The database's.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let now = self.clock.now();
        let work = &self.config.work;
        let mut connection = self.db.read().await?;
        let near = now + work.near();
        let waiting = figures::waiting(&mut connection, now, near, MOST_COUNTED).await?;
        let decided = figures::decided(&mut connection, now - A_DAY).await?;
        let marks = Marks { reviews: work.backlog_reviews, age: work.backlog_age() };
        Ok(Backlog::of(&waiting, decided, marks, now))
    }
}
