//! Erasing what is held on an author: name and phone, or the messages too.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{db::OnConstraint as _, messaging::outbox};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, Once, journal::Page, log, says};
use crate::{
    domain::{
        audit::{Action, Entry},
        state::State,
    },
    error::Error,
    store::{
        acts, attachments, column_messages,
        erasing::{self, Answered, Locked},
        held::{self, Whose},
    },
};

/// How many messages one transaction erases.
const BATCH: i64 = 100;
/// Who acts where nobody asked just now.
pub(super) const SELF: &str = "intake";

/// What is to be erased.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// Makes it take effect once.
    pub once: Once,
    /// Whose data.
    pub whose: Whose,
    /// Whether the messages go, too.
    pub messages_too: bool,
    /// Why; kept in the audit log.
    pub purpose: String,
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Messages that lost name and phone.
    pub contacts: u32,
    /// Messages that are gone.
    pub messages: u32,
}

impl From<Answered> for Erased {
    fn from(answered: Answered) -> Self {
        Self {
            contacts: answered.contacts.unsigned_abs(),
            messages: answered.messages.unsigned_abs(),
        }
    }
}

impl App {
    /// Erases what is held on an author, in batches, each written into the journal first. A call
    /// that was cut off goes on where it stopped when it is repeated.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`], [`Error::RequestIdReused`], [`Error::JournalAway`].
    pub async fn erase_author(&self, erasure: Erasure) -> Result<Erased, Error> {
        if let Some(answered) = self.erased_before(&erasure.once).await? {
            return Ok(answered.into());
        }
        if let Whose::Message(message_id) = erasure.whose {
            self.message(message_id).await?;
        }
        let mut sum = Answered { contacts: 0, messages: 0 };
        loop {
            let ids = self.unerased(&erasure).await?;
            let last = (ids.len() as u64) < BATCH.unsigned_abs();
            match self.erase_batch(&erasure, ids, sum, last).await {
                Ok(so_far) if last => return Ok(so_far.into()),
                Ok(so_far) => sum = so_far,
                // The same request was under way elsewhere, and has its answer now.
                Err(Error::RequestIdReused) => {
                    let answered = self.erased_before(&erasure.once).await?;
                    return answered.map(Erased::from).ok_or(Error::RequestIdReused);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn unerased(&self, erasure: &Erasure) -> Result<Vec<Uuid>, Error> {
        let mut connection = self.0.db.read().await?;
        let wanted = Some(erasure.messages_too);
        Ok(held::find(&mut connection, &erasure.whose, wanted, None, BATCH).await?)
    }

    /// Erases a batch. The last one keeps the answer, with what the earlier ones did.
    async fn erase_batch(
        &self,
        erasure: &Erasure,
        ids: Vec<Uuid>,
        sum: Answered,
        last: bool,
    ) -> Result<Answered, Error> {
        let now = self.0.clock.now();
        if !ids.is_empty() {
            let messages_too = erasure.messages_too;
            self.0.journal.note(&Page { at: now, messages_too, message_ids: ids.clone() }).await?;
        }
        let erasure = erasure.clone();
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let done = erase(tx, &ids, erasure.messages_too, now).await?;
                    let so_far = Answered {
                        contacts: sum.contacts + done.contacts,
                        messages: sum.messages + done.messages,
                    };
                    let Once { caller, request_id, body_hash } = &erasure.once;
                    if last {
                        let request = (caller.as_str(), *request_id, body_hash);
                        erasing::insert_request(tx, request, so_far, now)
                            .await
                            .on_constraint("erasure_requests_pkey", || Error::RequestIdReused)?;
                    }
                    let entry = Entry {
                        at: now,
                        actor: caller.clone(),
                        action: action(erasure.messages_too),
                        subject: subject(&erasure.whose),
                        request_id: last.then_some(*request_id),
                        detail: detail(done, &erasure.purpose),
                    };
                    acts::append(tx, &entry).await?;
                    Ok(so_far)
                })
            })
            .await
    }

    async fn erased_before(&self, once: &Once) -> Result<Option<Answered>, Error> {
        let mut connection = self.0.db.read().await?;
        match erasing::find_request(&mut connection, &once.caller, once.request_id).await? {
            None => Ok(None),
            Some((body_hash, _)) if body_hash != once.body_hash => Err(Error::RequestIdReused),
            Some((_, answered)) => Ok(Some(answered)),
        }
    }

    /// Erases again what the journal tells of and what is here all the same, because the database
    /// was restored from an older backup. Pages beyond their time are removed. Gives how many
    /// messages were touched.
    ///
    /// # Errors
    /// The database's, or [`Error::JournalAway`].
    pub async fn replay_erasures(&self) -> Result<u32, Error> {
        let now = self.0.clock.now();
        let days = i64::from(self.0.config.erasure_journal_days);
        let oldest = now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        let mut touched = 0;
        for name in self.0.journal.names().await? {
            match self.0.journal.page(&name).await? {
                Some(page) if page.at < oldest => self.0.journal.remove(&name).await?,
                Some(page) => touched += self.replay(page).await?,
                None => {}
            }
        }
        Ok(touched)
    }

    async fn replay(&self, page: Page) -> Result<u32, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let done = erase(tx, &page.message_ids, page.messages_too, now).await?;
                    let touched = done.contacts.max(done.messages);
                    if touched > 0 {
                        let entry = Entry {
                            at: now,
                            actor: SELF.to_owned(),
                            action: Action::ErasureReplayed,
                            subject: SELF.to_owned(),
                            request_id: None,
                            detail: detail(done, ""),
                        };
                        acts::append(tx, &entry).await?;
                    }
                    Ok(touched.unsigned_abs())
                })
            })
            .await
    }
}

fn action(messages_too: bool) -> Action {
    if messages_too { Action::MessagesErased } else { Action::ContactErased }
}

/// Whom a row of the audit log is about; never a phone.
pub(super) fn subject(whose: &Whose) -> String {
    match whose {
        Whose::Message(id) => format!("message/{id}"),
        Whose::Account(id) => format!("account/{id}"),
        Whose::Phone(_) => "phone".to_owned(),
    }
}

fn detail(done: Answered, purpose: &str) -> String {
    let Answered { contacts, messages } = done;
    format!("contacts={contacts} messages={messages} purpose={purpose}")
}

/// Destroys names and phones of messages, and the messages themselves if `messages_too`. What is
/// gone already is left alone. A message that is still under way is taken back first, so that nobody
/// works on it any more; then it is said to be erased.
pub(super) async fn erase(
    tx: &mut PgConnection,
    ids: &[Uuid],
    messages_too: bool,
    now: Timestamp,
) -> Result<Answered, Error> {
    let locked = erasing::lock(tx, ids).await?;
    let (contacts, authors): (Vec<Uuid>, Vec<Uuid>) =
        locked.iter().filter_map(|one| Some((one.message_id, one.author_id?))).unzip();
    if !contacts.is_empty() {
        erasing::erase_contacts(tx, &contacts, &authors, now).await?;
    }
    let fresh: Vec<&Locked> =
        locked.iter().filter(|one| messages_too && one.standing.state != State::Erased).collect();
    if !fresh.is_empty() {
        erase_messages(tx, &fresh, now).await?;
    }
    let count = |found: usize| i32::try_from(found).unwrap_or(i32::MAX);
    Ok(Answered { contacts: count(contacts.len()), messages: count(fresh.len()) })
}

async fn erase_messages(
    tx: &mut PgConnection,
    fresh: &[&Locked],
    now: Timestamp,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = fresh.iter().map(|one| one.message_id).collect();
    let taken_back: Vec<Uuid> = fresh
        .iter()
        .filter(|one| one.standing.is_taken_back_first())
        .map(|one| one.message_id)
        .collect();
    erasing::take_back(tx, &taken_back, now).await?;
    erasing::erase_messages(tx, &ids, now).await?;
    // Their objects have no row any more: the sweep removes them, within a day and an hour.
    attachments::forget_of_messages(tx, &ids).await?;
    for id in &ids {
        log::redact(tx, *id, now).await?;
    }
    erasing::forget_answers(tx, &ids).await?;
    column_messages::bump(tx, &ids, now).await?;
    let said: Vec<_> = taken_back
        .iter()
        .map(|id| says::withdrawal_requested(*id, now))
        .chain(ids.iter().map(|id| says::erased(*id, now)))
        .collect();
    outbox::publish_all(tx, now, &said).await?;
    Ok(())
}
