//! Whose clean messages pass, and which are read by a person all the same.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::App;
use crate::{
    config::Config,
    domain::standing::{Passing, Standing, in_sample},
    store::{queue::Unsettled, trust},
};

/// What decides whether clean messages of a batch pass.
pub(super) struct Trust<'a> {
    config: &'a Config,
    /// Whose messages pass at offices without a choice.
    default: Passing,
    /// The history of authors; empty where no office asks for it.
    standings: HashMap<String, Standing>,
}

impl<'a> Trust<'a> {
    /// Reads the history of the authors whose standing matters.
    pub(super) async fn of(
        tx: &mut PgConnection,
        app: &'a App,
        now: Timestamp,
        unsettled: &[Unsettled],
    ) -> Result<Self, sqlx::Error> {
        let config = &app.config;
        let default = app.default_passing();
        let mut trust = Self { config, default, standings: HashMap::new() };
        let asked = unsettled.iter().filter(|review| trust.passing(review) == Passing::Trusted);
        let authors: Vec<String> =
            asked.map(|review| review.submission.author_id.clone()).collect();
        if !authors.is_empty() {
            let since = now - config.work.trusted_memory();
            trust.standings = trust::standings(tx, &authors, since).await?;
        }
        Ok(trust)
    }

    fn passing(&self, review: &Unsettled) -> Passing {
        review.passing.unwrap_or(self.default)
    }

    /// Whether a message in which the rules find nothing passes.
    pub(super) fn lets_pass(&self, review: &Unsettled) -> bool {
        match self.passing(review) {
            Passing::Nobody => false,
            Passing::Everybody => true,
            Passing::Trusted => self
                .standings
                .get(&review.submission.author_id)
                .is_some_and(|standing| standing.is_good(self.config.work.trusted_approvals)),
        }
    }

    /// Whether a person reads what would pass.
    pub(super) fn samples(&self, message_id: Uuid) -> bool {
        in_sample(message_id, self.config.work.sample_of_ten_thousand)
    }
}
