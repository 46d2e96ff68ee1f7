//! What people are told on the board's pages.

use liuyan_kit::class::Violation;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        holder::Holder,
        page::{self, Cursor},
    },
    error::Error,
    letters::Subject,
    store::{
        holders,
        notices::{self, Shown},
    },
};

/// The most that is said about how many are unread.
const MOST_UNREAD: i64 = 100;

/// Somebody who reads: a person, with the offices for which they act.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// The account.
    pub(crate) account_id: Uuid,
    /// The offices.
    pub(crate) offices: Vec<String>,
}

impl Reader {
    /// Whose notices they read.
    fn holders(&self) -> Vec<String> {
        let own = Holder::Account(self.account_id).to_string();
        let offices = self.offices.iter().map(|id| Holder::Office(id.clone()).to_string());
        let mut holders: Vec<String> = std::iter::once(own).chain(offices).collect();
        holders.sort();
        holders.dedup();
        holders
    }
}

/// A notice with its words.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// What is stored.
    pub(crate) shown: Shown,
    /// Whom it is addressed to, if it is an office.
    pub(crate) to_office: Option<String>,
    /// In the reader's language.
    pub(crate) title: String,
    /// In the reader's language.
    pub(crate) body: String,
}

/// A page of notices.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    /// The notices, the newest first.
    pub(crate) notices: Vec<Notice>,
    /// How many are unread, up to a hundred.
    pub(crate) unread: u32,
    /// The token of the next page; empty at the end.
    pub(crate) next: String,
}

impl App {
    /// A page of a reader's notices, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this question.
    pub(crate) async fn notices(
        &self,
        reader: &Reader,
        locale: &str,
        unread_only: bool,
        size: u32,
        token: &str,
    ) -> Result<Notices, Error> {
        let holders = reader.holders();
        let question = format!("notices {unread_only} {} {}", reader.account_id, holders.join(" "));
        let after = cursor(token, &question)?;
        let mut connection = self.db.read().await?;
        let limit = i64::from(size) + 1;
        let reader_id = reader.account_id;
        let mut shown =
            notices::page(&mut connection, reader_id, &holders, unread_only, after, limit).await?;
        let unread = notices::unread(&mut connection, reader_id, &holders).await?;
        drop(connection);
        let more = shown.len() > size as usize;
        shown.truncate(size as usize);
        let last = shown.last().filter(|_| more);
        let next = last.map(|last| {
            page::token(&question, Cursor { at: last.occurred_at, id: last.notice_id })
        });
        let mut notices = Vec::with_capacity(shown.len());
        for shown in shown {
            notices.push(self.worded(shown, locale).await);
        }
        Ok(Notices { notices, unread: capped(unread), next: next.unwrap_or_default() })
    }

    async fn worded(&self, shown: Shown, locale: &str) -> Notice {
        let to_office = match shown.holder.parse() {
            Ok(Holder::Office(id)) => Some(id),
            _ => None,
        };
        let office = self.peers.title(self.clock.now(), &shown.office_id).await;
        let subject = Subject {
            kind: shown.kind,
            to_office: to_office.is_some(),
            number: shown.number.clone().unwrap_or_default(),
            office,
            deadline_at: shown.deadline_at,
            uptake: shown.uptake.clone(),
        };
        let (title, body) = self.letters.notice(locale, &subject);
        Notice { shown, to_office, title, body }
    }

    /// Notes what a reader has read: all if no ids are given. Gives how many are still unread.
    ///
    /// # Errors
    /// [`Error::AccountGone`].
    pub(crate) async fn mark_read(&self, reader: Reader, ids: Vec<Uuid>) -> Result<u32, Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let own = Holder::Account(reader.account_id);
                    holders::lock_one(tx, &own).await?.ok_or(Error::AccountGone)?;
                    let holders = reader.holders();
                    let reader_id = reader.account_id;
                    notices::lock_reader(tx, reader_id, &holders).await?;
                    if ids.is_empty() {
                        notices::read_all(tx, reader_id, &holders).await?;
                    } else {
                        notices::read_some(tx, reader_id, &holders, &ids).await?;
                    }
                    Ok(capped(notices::unread(tx, reader_id, &holders).await?))
                })
            })
            .await
    }
}

/// Reads the token of a page; none at the beginning.
///
/// # Errors
/// [`Error::Invalid`] if it is none of this question.
pub(super) fn cursor(token: &str, question: &str) -> Result<Option<Cursor>, Error> {
    match token {
        "" => Ok(None),
        token => page::read(token, question).map(Some).ok_or_else(|| {
            Error::Invalid(vec![Violation::new("page_token", "PAGE_TOKEN_INVALID")])
        }),
    }
}

fn capped(unread: i64) -> u32 {
    u32::try_from(unread.clamp(0, MOST_UNREAD)).unwrap_or_default()
}
