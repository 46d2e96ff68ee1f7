//! Reviews for moderators, public texts for services.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::class::Violation;
use uuid::Uuid;

use super::{App, claims::act, one};
use crate::{
    domain::{
        appeal::{self, Appeal},
        audit::{Action, Entry},
        filter::Filter,
        ground::Ground,
        moderator::Moderator,
        page::{self, Cursor, Question},
        review::{Review, State, Told},
        text::{Span, Text},
    },
    error::{Error, Faults},
    store::{
        audit, data, decisions,
        listing::{self, Ask},
        reviews,
    },
};

/// Why a moderator's look reads the text; intake keeps it.
const REVIEWING: &str = "reviewing";
/// What a look at the files of a message is called in the audit log.
const FILES: &str = "files";
/// Why public texts are made; intake keeps it.
const PUBLISHING: &str = "publishing";

/// Reviews beyond this number are not counted.
const MOST_COUNTED: i64 = 10_000;
/// Of each state no more reviews than these are looked at to count those asked for: published ones are
/// there for years, and few may be what is asked for.
const MOST_LOOKED_AT: i64 = 100_000;

/// A page of reviews.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The reviews.
    pub reviews: Vec<Review>,
    /// Continues after them; empty at the end.
    pub next_page_token: String,
    /// How many there are, up to 10,000, among the first 100,000 in this state.
    pub total: u32,
}

/// What an author may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the review stands.
    pub state: State,
    /// What was decided last.
    pub told: Option<Told>,
    /// The last appeal.
    pub appeal: Option<Appeal>,
    /// Until when its author may appeal, if they may.
    pub appealable_until: Option<Timestamp>,
}

impl App {
    /// A page of the reviews that a moderator looks for, those first that are to be decided first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this question.
    pub async fn list_reviews(
        &self,
        moderator: &Moderator,
        filter: &Filter,
        (question, size): (Question, u32),
        token: &str,
    ) -> Result<Listed, Error> {
        let cursor = match token {
            "" => None,
            token => Some(page::read(token, question).ok_or_else(|| {
                Error::Invalid(vec![Violation::new("page_token", "PAGE_TOKEN_INVALID")])
            })?),
        };
        let now = self.clock.now();
        let ask = Ask { filter, moderator, now, near: now + self.config.work.near() };
        let mut connection = self.db.read().await?;
        let size_one_more = i64::from(size) + 1;
        let mut ids = listing::list(&mut connection, ask, cursor, size_one_more).await?;
        let more = ids.len() > size as usize;
        ids.truncate(size as usize);
        let reviews = reviews::fetch(&mut connection, &ids).await?;
        let next = reviews.last().filter(|_| more).map(|last| {
            let message_id = last.submission.message_id;
            page::token(question, Cursor { decide_by: last.decide_by, message_id })
        });
        let total = listing::count(&mut connection, ask, MOST_COUNTED, MOST_LOOKED_AT).await?;
        Ok(Listed {
            reviews,
            next_page_token: next.unwrap_or_default(),
            total: u32::try_from(total).unwrap_or_default(),
        })
    }

    /// Where the review of a message stands, what was decided last, once something was, and what became
    /// of an appeal against that.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`].
    pub async fn decision(&self, message_id: Uuid) -> Result<Standing, Error> {
        let mut connection = self.db.read().await?;
        let last = decisions::last(&mut connection, message_id).await?;
        let (state, told) = last.ok_or(Error::ReviewNotFound)?;
        let review = one(&mut connection, message_id).await?;
        let until = appeal::appealable_until(&review, self.config.work.appeal_period()).ok();
        let appealable_until = until.filter(|until| self.clock.now() < *until);
        let appeal = review.appeal.filter(|_| !review.erased);
        Ok(Standing { state, told, appeal, appealable_until })
    }

    /// One review with its text, as far as intake has it. The look is in the audit log before the
    /// text is read.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::OwnMessage`], [`Error::TextsUnavailable`].
    pub async fn look(
        self: &Arc<Self>,
        moderator: Moderator,
        message_id: Uuid,
    ) -> Result<(Review, Option<Text>), Error> {
        let now = self.clock.now();
        let review = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let review = one(tx, message_id).await?;
                    if moderator.wrote(&review) {
                        return Err(Error::OwnMessage);
                    }
                    let look = act(now, &moderator.name, Action::ReviewRead, message_id);
                    audit::append(tx, &look).await?;
                    Ok::<_, Error>(review)
                })
            })
            .await?;
        let text = self.text_under_review(message_id, review.submission.revision).await?;
        Ok((review, text))
    }

    /// A text as its readers would see it without these spans, beside those left out already. The look
    /// is in the audit log before the text is read.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ReviewNotFound`], [`Error::OwnMessage`], [`Error::TextMissing`],
    /// [`Error::TextsUnavailable`].
    pub async fn preview(
        self: &Arc<Self>,
        moderator: Moderator,
        message_id: Uuid,
        spans: Vec<Span>,
    ) -> Result<Text, Error> {
        let now = self.clock.now();
        let review = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let review = one(tx, message_id).await?;
                    if moderator.wrote(&review) {
                        return Err(Error::OwnMessage);
                    }
                    let look = act(now, &moderator.name, Action::PreviewRead, message_id);
                    audit::append(tx, &look).await?;
                    Ok::<_, Error>(review)
                })
            })
            .await?;
        let mut faults = Faults::default();
        self.check_spans(&mut faults, &review, &spans, "redactions").await?;
        faults.end()?;
        let text = self.text_under_review(message_id, review.submission.revision).await?;
        let left_out: Vec<Span> = review.redactions.iter().copied().chain(spans).collect();
        Ok(text.ok_or(Error::TextMissing)?.public(&left_out))
    }

    /// Records that a moderator looks at the files of a message, which intake keeps.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`].
    pub async fn look_at_files(&self, caller: String, message_id: Uuid) -> Result<(), Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    one(tx, message_id).await?;
                    let look = act(now, &caller, Action::ReviewRead, message_id);
                    audit::append(tx, &Entry { detail: FILES.to_owned(), ..look }).await?;
                    Ok(())
                })
            })
            .await
    }

    /// The text that a moderator sees; the look must be in the audit log already.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn text_under_review(
        &self,
        message_id: Uuid,
        revision: u32,
    ) -> Result<Option<Text>, Error> {
        self.texts.of_one(message_id, revision, REVIEWING).await
    }

    /// The texts that everybody may read, in the order asked, each in the revision that was approved. What
    /// is not approved, or private, is left out.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn public_texts(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, Text)>, Error> {
        let approved = reviews::published(&mut *self.db.read().await?, ids).await?;
        let wanted: Vec<Uuid> = approved.keys().copied().collect();
        let mut texts = self.texts.in_revisions(&approved, PUBLISHING).await?;
        // Read last: what was taken out while intake was asked is left out already.
        let mut redactions = reviews::redactions(&mut *self.db.read().await?, &wanted).await?;
        let public = ids.iter().filter_map(|id| {
            let text = texts.remove(id)?;
            let spans = redactions.remove(id).unwrap_or_default();
            Some((*id, text.public(&spans)))
        });
        Ok(public.collect())
    }

    /// The grounds for not publishing.
    ///
    /// # Errors
    /// The database's.
    pub async fn grounds(&self) -> Result<Vec<Ground>, Error> {
        Ok(data::grounds(&mut *self.db.read().await?).await?)
    }
}
