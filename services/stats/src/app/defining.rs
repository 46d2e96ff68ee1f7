//! Definitions and rules that a release brings take effect at start.

use liuyan_kit::messaging::outbox;
use sha2::{Digest, Sha256};

use super::App;
use crate::{
    domain::{count::RULES, indicator::DATA},
    error::Error,
    events,
    store::{definitions, head, pending},
};

impl App {
    /// Says once that this version of the definitions is in force.
    ///
    /// # Errors
    /// [`Error::DefinitionsChanged`] if the version was published with another content.
    pub async fn publish_definitions(&self, version: u32) -> Result<(), Error> {
        let now = self.clock.now();
        let sha256 = Sha256::digest(DATA);
        let said = events::indicators_published(version, &self.indicators);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if definitions::insert(tx, now, version, &sha256).await? {
                        outbox::publish_all(tx, now, &[said]).await?;
                    } else if !definitions::is_same(tx, version, &sha256).await? {
                        return Err(Error::DefinitionsChanged(version));
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Lets every message be counted again if it was counted by the rules of an earlier release, or an
    /// operator wants it. What was taken for passed by a clock that was ahead is still to come then.
    ///
    /// # Errors
    /// The database's.
    pub async fn apply_rules(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut head = head::lock(tx).await?;
                    if head.rules < RULES {
                        head::put_back(tx, now).await?;
                        head = head::read(tx).await?;
                        let messages = pending::add_all(tx).await?;
                        tracing::info!(messages, rules = RULES, "everything is counted again");
                        head.rules = RULES;
                        head::advance(tx, &head).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
