//! How authors come to their messages: with number and access code, or signed in.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use liuyan_kit::auth::Claims;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        message::Message,
        number::{AccessCode, Number},
        page::Cursor,
    },
    error::Error,
    store::{messages, shown},
};

/// A message that was opened to its author.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The message.
    pub message: Message,
    /// A token to act for its author.
    pub author_token: String,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl App {
    /// Finds a message by what its author holds. An unknown number and a wrong code get the same
    /// answer, after the same work. A right code opens, however many wrong ones others try: only an
    /// address from which too many came has to wait.
    ///
    /// # Errors
    /// [`Error::NumberOrCodeWrong`], or [`Error::LookUpsExhausted`] after too many of those.
    pub async fn look_up(
        &self,
        number: Number,
        code: AccessCode,
        address: Option<IpAddr>,
    ) -> Result<Opened, Error> {
        let (app, now) = (&self.0, self.0.clock.now());
        let number = number.to_string();
        app.gate.guess(address).map_err(Error::LookUpsExhausted)?;
        let found = self.find(&number, code).await;
        if !matches!(found, Ok(None)) {
            app.gate.no_guess(address);
        }
        match found? {
            Some(message) => Ok(self.open(message, now)),
            None => {
                app.limiter.wrong(&number, now).map_err(Error::LookUpsExhausted)?;
                Err(Error::NumberOrCodeWrong)
            }
        }
    }

    /// The message of a number, if the code is right. Whoever guesses waits for a place as readers do,
    /// so that no more guesses than readings are looked at, and messages that come go first.
    async fn find(&self, number: &str, code: AccessCode) -> Result<Option<Message>, Error> {
        let app = &self.0;
        let _in = self.reading().await?;
        let mut connection = app.db.read().await?;
        let access = messages::access_by_number(&mut connection, number).await?;
        let opened = match access {
            Some(access) => {
                let restored = access.restored && app.keys.opens_restored(access.message_id, code);
                let opens = app.keys.opens(&access.key_id, access.message_id, code, &access.hash);
                (opens || restored).then_some(access.message_id)
            }
            None => {
                app.keys.opens(app.keys.access_key_id(), Uuid::nil(), code, &[0; 32]);
                None
            }
        };
        let Some(message_id) = opened else { return Ok(None) };
        let message = shown::message(&mut connection, message_id).await?;
        message.map(Some).ok_or(Error::MessageNotFound)
    }

    /// Opens a message to the account that it belongs to. One of another account, one of none and
    /// one that is not there get the same answer.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn open_own(&self, account_id: Uuid, message_id: Uuid) -> Result<Opened, Error> {
        let mut connection = self.0.db.read().await?;
        if !shown::is_of_account(&mut connection, message_id, account_id).await? {
            return Err(Error::MessageNotFound);
        }
        let message = shown::message(&mut connection, message_id).await?;
        Ok(self.open(message.ok_or(Error::MessageNotFound)?, self.0.clock.now()))
    }

    /// A page of an account's messages, the newest first, and where the next page begins.
    ///
    /// # Errors
    /// The database's.
    pub async fn own_messages(
        &self,
        account_id: Uuid,
        size: usize,
        after: Option<Cursor>,
    ) -> Result<(Vec<Message>, Option<Cursor>), Error> {
        let _in = self.reading().await?;
        let one_more = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
        let mut connection = self.0.db.read().await?;
        let mut messages = shown::of_account(&mut connection, account_id, after, one_more).await?;
        let more = messages.len() > size;
        messages.truncate(size);
        let next = messages
            .last()
            .filter(|_| more)
            .map(|last| Cursor { submitted_at: last.submitted_at, message_id: last.message_id });
        Ok((messages, next))
    }

    /// Gives with a message the token to act for its author, and for nobody else.
    fn open(&self, message: Message, now: Timestamp) -> Opened {
        let lifetime = Duration::from_secs(60 * u64::from(self.0.config.author_token_minutes));
        let author_token = self.0.signer.sign(&Claims {
            sub: format!("author/{}", message.message_id),
            scopes: vec![format!("author:message/{}", message.message_id)],
            offices: Vec::new(),
            divisions: Vec::new(),
            lifetime,
        });
        let expires_at = now.saturating_add(lifetime).unwrap_or(now);
        Opened { message, author_token, expires_at }
    }
}
