//! What becomes of an author's wish to withdraw.

use std::collections::HashMap;

use super::{App, say};
use crate::{
    domain::{case::What, state::Act},
    error::Error,
    store::{cases, children, openings},
};

/// How many wishes one round settles.
const ROUND: i64 = 100;

impl App {
    /// Settles wishes to withdraw messages that have a case: before the first reply the case ends
    /// and is public no more; after it, or after the case has ended, the wish is refused. Gives
    /// how many were settled.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn settle_withdrawals(&self) -> Result<usize, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = app.now();
                    let ids = openings::claim_withdrawals(tx, ROUND).await?;
                    let mut settled = HashMap::with_capacity(ids.len());
                    for mut case in cases::lock_of_messages(tx, &ids).await? {
                        let at = now.max(case.last_step_at);
                        let facts = match case.act(Act::Withdraw, at, None) {
                            Ok(facts) => {
                                cases::update(tx, &case).await?;
                                children::end_custody(tx, case.case_id, at).await?;
                                settled.insert(case.message_id, true);
                                facts
                            }
                            Err(_) => {
                                settled.insert(case.message_id, false);
                                vec![case.fact(What::WithdrawalRefused, at)]
                            }
                        };
                        say(tx, now, &case, &facts).await?;
                    }
                    openings::settle_withdrawals(tx, &settled).await?;
                    Ok(settled.len())
                })
            })
            .await
    }
}
