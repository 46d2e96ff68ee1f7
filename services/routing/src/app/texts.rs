//! Keeping public texts as moderation last published them.

use std::collections::HashMap;

use super::{App, say};
use crate::{
    domain::{MessageId, case::Text},
    error::Error,
    store::{
        cases,
        openings::{self, Redacted},
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
                                if let Some(fact) = case.change_text(text, now) {
                                    cases::update(tx, case).await?;
                                    say(tx, now, case, &[fact]).await?;
                                    changed += 1;
                                }
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
