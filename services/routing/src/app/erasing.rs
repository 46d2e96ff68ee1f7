//! What becomes of the cases of messages that their authors had erased.

use jiff::Timestamp;
use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, common::leave_with_message, say};
use crate::{
    domain::{
        MessageId,
        case::{Case, Fact},
        common::Leaving,
    },
    error::Error,
    store::{acts, cases, consultations, erasures, model_cases, requests},
};

/// How many one round takes.
const ROUND: i64 = 100;

/// How many it puts off.
const PUT_OFF: i64 = 5_000;

impl App {
    /// Takes the texts out of the cases of erased messages. What was not answered has ended before,
    /// by the wish to withdraw with which an erasure begins; what was answered stays as it stands, and
    /// its replies stay, but nobody sees it in public any more. What has no opening is put off. Gives whether
    /// there may be more.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn settle_erasures(&self) -> Result<bool, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = app.now();
                    let erased = erasures::claim(tx, now, ROUND).await?;
                    let ids: Vec<MessageId> = erased.keys().copied().collect();
                    for case in cases::lock_of_messages(tx, &ids).await? {
                        let cause = erased.get(&case.message_id).cloned().flatten();
                        let span = tracing::info_span!("case.erase", case_id = %case.case_id);
                        telemetry::follow(&span, cause.as_deref());
                        empty(tx, case, cause.as_deref(), now).instrument(span).await?;
                    }
                    erasures::settle(tx, &ids).await?;
                    let put_off = erasures::put_off(tx, now, PUT_OFF).await?;
                    Ok(!ids.is_empty() || put_off >= PUT_OFF.unsigned_abs())
                })
            })
            .await
    }
}

/// Takes the text out of a case, and its words with it; says so if it had one.
async fn empty(
    tx: &mut PgConnection,
    mut case: Case,
    traceparent: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let mut facts: Vec<Fact> = case.erase(now).into_iter().collect();
    facts.extend(leave_with_message(tx, &mut case, Leaving::Erased, now).await?);
    if !facts.is_empty() {
        cases::update(tx, &case).await?;
        say(tx, now, &case, &facts, traceparent).await?;
    }
    // What officials wrote about it may cite it.
    acts::forget_notes(tx, case.case_id).await?;
    model_cases::forget(tx, case.case_id, now).await?;
    consultations::forget(tx, case.case_id).await?;
    Ok(requests::forget(tx, case.case_id).await?)
}
