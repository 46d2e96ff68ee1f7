//! What becomes of promises whose day has passed, and the figures of who makes them.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{App, say};
use crate::{
    domain::{CaseId, acts::Entry, case::Case, promise::Standing},
    error::Error,
    store::{
        acts, cases, children, promises,
        replies::{self, Figures},
    },
};

/// How many promises one round looks at.
const ROUND: i64 = 100;

impl App {
    /// Breaks the promises whose day has passed, once each, however many replicas look: their cases are
    /// worked on again. Gives how many cases were looked at.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn break_promises(&self) -> Result<usize, Error> {
        let due = promises::due(&mut *self.db.read().await?, self.now(), ROUND).await?;
        let due: BTreeSet<CaseId> = due.into_iter().collect();
        if due.is_empty() {
            return Ok(0);
        }
        let (app, due) = (self.clone(), due.into_iter().collect::<Vec<_>>());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let cases = cases::lock_free(tx, &due).await?;
                    let looked_at = cases.len();
                    for case in cases {
                        app.break_in(tx, case).await?;
                    }
                    Ok(looked_at)
                })
            })
            .await
    }

    async fn break_in(&self, tx: &mut PgConnection, mut case: Case) -> Result<(), Error> {
        let now = self.now();
        let ended = case.closed_at.is_some();
        let mut facts = Vec::new();
        for (promise_id, due_at) in promises::overdue(tx, case.case_id, now).await? {
            let at = due_at.max(case.last_step_at);
            facts.extend(case.break_promise(promise_id, at));
            let office_id = case.office_id.clone();
            let detail = format!("promise={promise_id}");
            let entry = Entry::of_itself(now, "promise-broken", &office_id, detail);
            acts::append(tx, &mut case, &entry).await?;
            promises::settle(tx, promise_id, Standing::Broken, at).await?;
        }
        cases::update(tx, &case).await?;
        if ended && case.closed_at.is_none() {
            children::resume_custody(tx, &case).await?;
        }
        Ok(say(tx, now, &case, &facts, None).await?)
    }

    /// What an office answered and promised, in numbers.
    ///
    /// # Errors
    /// [`Error::OfficeNotFound`].
    pub async fn figures(&self, office_id: &str) -> Result<Figures, Error> {
        if self.directory().offices.get(office_id).is_none() {
            return Err(Error::OfficeNotFound);
        }
        Ok(replies::figures(&mut *self.db.read().await?, office_id).await?)
    }
}
