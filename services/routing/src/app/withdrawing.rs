//! What becomes of an author's wish to withdraw.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, common::leave_with_message, say};
use crate::{
    domain::{
        MessageId,
        acts::Entry,
        case::{Case, What},
        common::Leaving,
        state::Act,
    },
    error::Error,
    store::{acts, cases, children, openings, pauses, requests},
};

/// How many wishes one round settles.
const ROUND: i64 = 100;

/// How many it puts off.
const PUT_OFF: i64 = 5_000;

impl App {
    /// Settles wishes to withdraw messages that have a case: before the first reply the case ends
    /// and is public no more; after it, or after the case has ended, the wish is refused. Wishes for what
    /// has no opening are put off. Gives whether there may be more.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn settle_withdrawals(&self) -> Result<bool, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = app.now();
                    let wishes = openings::claim_withdrawals(tx, now, ROUND).await?;
                    let ids: Vec<MessageId> = wishes.keys().copied().collect();
                    let mut settled = HashMap::with_capacity(ids.len());
                    for case in cases::lock_of_messages(tx, &ids).await? {
                        let cause = wishes.get(&case.message_id).cloned().flatten();
                        let span = tracing::info_span!("case.withdraw", case_id = %case.case_id);
                        telemetry::follow(&span, cause.as_deref());
                        let message_id = case.message_id;
                        let settling = settle(tx, case, cause.as_deref(), now);
                        settled.insert(message_id, settling.instrument(span).await?);
                    }
                    openings::settle_withdrawals(tx, &settled).await?;
                    let put_off = openings::put_off_withdrawals(tx, now, PUT_OFF).await?;
                    Ok(!settled.is_empty() || put_off >= PUT_OFF.unsigned_abs())
                })
            })
            .await
    }
}

/// Settles one wish; gives whether the case was withdrawn.
async fn settle(
    tx: &mut PgConnection,
    mut case: Case,
    traceparent: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    let at = now.max(case.last_step_at);
    let waited = case.handling.paused_at.is_some();
    let (facts, withdrawn) = match case.act(Act::Withdraw, at, None) {
        Ok(mut facts) => {
            case.handling.step_due_at = None;
            let office_id = case.office_id.clone();
            let entry = Entry::of_itself(now, "case-withdrawn", &office_id, String::new());
            acts::append(tx, &mut case, &entry).await?;
            facts.extend(leave_with_message(tx, &mut case, Leaving::Withdrawn, now).await?);
            cases::update(tx, &case).await?;
            if waited {
                pauses::end(tx, case.case_id, at).await?;
            }
            children::end_custody(tx, case.case_id, at).await?;
            // They showed its text.
            requests::forget(tx, case.case_id).await?;
            (facts, true)
        }
        Err(_) => (vec![case.fact(What::WithdrawalRefused, at)], false),
    };
    say(tx, now, &case, &facts, traceparent).await?;
    Ok(withdrawn)
}
