//! Giving authors all that is held on them.

use uuid::Uuid;

use super::{App, erasing::subject};
use crate::{
    domain::{
        audit::{Action, Entry},
        held::{self as document, HeldMessage},
    },
    error::Error,
    store::{
        acts,
        held::{self, SealedContact, Whose},
    },
};

/// How many messages one document tells of: it travels in one answer, and others come after it.
const MOST: i64 = 300;

/// All that is held on an author.
#[derive(Debug, Clone)]
pub struct Document {
    /// JSON.
    pub bytes: Vec<u8>,
    /// How many messages it tells of.
    pub messages: usize,
    /// The last of them, if there are more.
    pub next: Option<Uuid>,
}

impl App {
    /// What is held on an author, the newest messages first, those after the message `after`. The look
    /// is in the audit log before anything is unsealed.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`], or [`Error::Key`] if a contact can't be unsealed.
    pub async fn export_author(
        &self,
        caller: String,
        whose: Whose,
        purpose: String,
        after: Option<Uuid>,
    ) -> Result<Document, Error> {
        if let Whose::Message(message_id) = whose {
            self.message(message_id).await?;
        }
        let now = self.0.clock.now();
        let mut connection = self.0.db.read().await?;
        let one_more = MOST.saturating_add(1);
        let mut ids = held::find(&mut connection, &whose, None, after, one_more).await?;
        drop(connection);
        let complete = ids.len() as u64 <= MOST.unsigned_abs();
        ids.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
        let next = ids.last().copied().filter(|_| !complete);
        let entry = Entry {
            at: now,
            actor: caller,
            action: Action::AuthorExported,
            subject: subject(&whose),
            request_id: None,
            detail: format!("messages={} purpose={purpose}", ids.len()),
        };
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move { Ok::<_, Error>(acts::append(tx, &entry).await?) })
            })
            .await?;
        let held = held::read(&mut *self.0.db.read().await?, &ids).await?;
        let messages: Vec<HeldMessage> =
            held.into_iter().map(|held| self.unsealed(held)).collect::<Result<_, _>>()?;
        let bytes = document::document(&self.0.config.board, now, complete, &messages)
            .ok_or(Error::Lost("the document"))?;
        Ok(Document { bytes, messages: messages.len(), next })
    }

    fn unsealed(
        &self,
        (mut message, sealed): (HeldMessage, Option<SealedContact>),
    ) -> Result<HeldMessage, Error> {
        if let Some(SealedContact { author_id, wrapped_key, contact }) = sealed {
            let key = self.0.vault.open_key(author_id, &wrapped_key)?;
            message.author = Some(self.0.vault.open_contact(&key, message.message_id, &contact)?);
        }
        Ok(message)
    }
}
