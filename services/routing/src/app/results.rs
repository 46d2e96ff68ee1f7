//! Telling the authors of a consultation's messages what its result makes of them.

use jiff::Timestamp;
use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, say};
use crate::{
    domain::{CaseId, case::What, consultation::Stage},
    error::Error,
    store::{
        cases, consultations,
        results::{self, Untold, Weighed},
    },
};

/// How many messages of a consultation one round looks at.
const ROUND: usize = 200;

impl App {
    /// Tells the authors of one consultation what its result makes of their messages, whom that was not
    /// told yet; a correction is told to those alone of whose messages it makes something else. Gives how
    /// many messages were looked at, or 1 if there was none left; 0 if nothing is due.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn tell_results(&self) -> Result<usize, Error> {
        let Some(untold) = results::due(&mut *self.db.read().await?).await? else { return Ok(0) };
        let (app, id) = (self.clone(), untold.consultation_id);
        let span = tracing::info_span!("consultation.tell", consultation_id = %id);
        telemetry::follow(&span, untold.traceparent.as_deref());
        self.db
            .write(move |tx| {
                Box::pin(async move { app.tell_in(tx, &untold).instrument(span).await })
            })
            .await
    }

    async fn tell_in(&self, tx: &mut PgConnection, untold: &Untold) -> Result<usize, Error> {
        let (now, id) = (self.now(), untold.consultation_id);
        // Who publishes, and who opens a case of it, waits for this lock, or this for them.
        let Some(known) = consultations::lock(tx, id).await? else { return Ok(0) };
        if known.stage != Stage::Published {
            return Ok(0);
        }
        let limit = i64::try_from(ROUND).unwrap_or(i64::MAX);
        let weighed = results::weighed(tx, id, known.changes, limit).await?;
        let news: Vec<&Weighed> =
            weighed.iter().filter(|one| one.told != Some(one.uptake)).collect();
        let ids: Vec<CaseId> = news.iter().map(|one| one.case_id).collect();
        let published = known.corrected_at.or(known.published_at).unwrap_or(now);
        for case in cases::lock_all(tx, &ids).await? {
            let Some(one) = news.iter().find(|one| one.case_id == case.case_id) else { continue };
            let at: Timestamp = published.max(case.opened_at);
            let what = What::ResultTold(id, known.office_id.clone(), one.uptake);
            let fact = case.fact(what, at);
            say(tx, now, &case, &[fact], untold.traceparent.as_deref()).await?;
        }
        results::looked_at(tx, id, known.changes, &weighed).await?;
        if weighed.len() < ROUND {
            results::all_told(tx, id, known.changes).await?;
        }
        Ok(weighed.len().max(1))
    }
}
