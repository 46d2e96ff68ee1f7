//! It is chosen for offices whose clean messages pass.

use std::sync::Arc;

use super::{
    App,
    calls::{Done, Write},
};
use crate::{
    domain::{
        audit::Action,
        standing::{Passing, Policy},
    },
    error::Error,
    store::policies,
};

/// A choice, as somebody wants it.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The office.
    pub office_id: String,
    /// Whose clean messages pass.
    pub passing: Passing,
    /// The choice before it, as the caller saw it; empty if that does not matter.
    pub etag: String,
}

impl App {
    /// Chooses for an office whose clean messages pass.
    ///
    /// # Errors
    /// [`Error::PolicyChanged`], [`Error::RequestIdReused`].
    pub(crate) async fn put_policy(
        self: &Arc<Self>,
        call: Write,
        choice: Choice,
        answer: fn(&Policy) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    let Choice { office_id, passing, etag } = choice;
                    let before = policies::lock(tx, &office_id).await?;
                    if !etag.is_empty() && before.is_none_or(|before| before.etag() != etag) {
                        return Err(Error::PolicyChanged);
                    }
                    policies::put(tx, now, &office_id, passing, &call.caller).await?;
                    let policy = policies::one(tx, &office_id).await?;
                    let answer = answer(&policy.ok_or(sqlx::Error::RowNotFound)?);
                    let (clean, trusted) =
                        (passing == Passing::Everybody, passing != Passing::Nobody);
                    let detail =
                        format!("office={office_id} clean_passes={clean} trusted_passes={trusted}");
                    let action = Action::PolicySet;
                    call.end(tx, Done { at: now, action, message_id: None, detail }, answer).await
                })
            })
            .await
    }

    /// Choices of offices after one, by their ids.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn list_policies(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Policy>, Error> {
        Ok(policies::list(&mut *self.db.read().await?, after, limit).await?)
    }

    /// Whose clean messages pass at offices without a choice.
    pub(crate) fn default_passing(&self) -> Passing {
        Passing::of(self.config.default_pass, self.config.work.trusted_pass)
    }
}
