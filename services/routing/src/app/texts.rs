//! Keeping public texts as moderation last published them.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, say, searching::words_of};
use crate::{
    domain::{
        MessageId,
        case::{Case, Text},
    },
    error::Error,
    store::{
        cases, children,
        openings::{self, Redacted},
        requests, words,
    },
};

impl App {
    /// The messages whose text changed since it was fetched.
    ///
    /// # Errors
    /// The database's.
    pub async fn redacted(&self) -> Result<Vec<Redacted>, Error> {
        let limit = i64::from(self.config.opening_batch);
        Ok(openings::redacted(&mut *self.db.read().await?, self.now(), limit).await?)
    }

    /// Puts the new texts into the cases that keep them and says which changed. What lacks its
    /// text is put off; a redaction that came after `redacted` was asked for stays to be done.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn change_texts(
        &self,
        redacted: Vec<Redacted>,
        mut texts: HashMap<MessageId, Text>,
    ) -> Result<usize, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = app.now();
                    let ids: Vec<MessageId> = redacted.iter().map(|one| one.message_id).collect();
                    let mut cases: HashMap<_, _> = cases::lock_of_messages(tx, &ids)
                        .await?
                        .into_iter()
                        .map(|case| (case.message_id, case))
                        .collect();
                    let (mut changed, mut put_off) = (0, Vec::new());
                    for one in redacted {
                        let Some(case) = cases.get_mut(&one.message_id) else { continue };
                        match (case.text.is_some(), texts.remove(&one.message_id)) {
                            (true, None) => {
                                put_off.push(one.message_id);
                                continue;
                            }
                            (true, Some(text)) => {
                                let span = tracing::info_span!("case.change_text", case_id = %case.case_id);
                                let cause = one.traceparent.as_deref();
                                telemetry::follow(&span, cause);
                                let change = change_text(tx, case, text, cause, now);
                                changed += usize::from(change.instrument(span).await?);
                            }
                            (false, _) => {}
                        }
                        openings::apply_redactions(tx, one.message_id, one.redactions).await?;
                    }
                    openings::put_off(tx, &put_off, now).await?;
                    Ok(changed)
                })
            })
            .await
    }
}

/// Puts a new text into a case; gives whether it is another. The words of the old one are gone, and so are
/// the answers that showed it.
async fn change_text(
    tx: &mut PgConnection,
    case: &mut Case,
    text: Text,
    traceparent: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(fact) = case.change_text(text, now) else { return Ok(false) };
    cases::update(tx, case).await?;
    requests::forget(tx, case.case_id).await?;
    if case.is_public() {
        let view = children::of(tx, std::slice::from_ref(case)).await?.view(case);
        words::put(tx, &[words_of(case, &view)]).await?;
    }
    say(tx, now, case, &[fact], traceparent).await?;
    Ok(true)
}
