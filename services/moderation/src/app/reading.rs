//! Reviews for moderators, public texts for services.

use std::sync::Arc;

use liuyan_kit::class::Violation;
use uuid::Uuid;

use super::{App, claims::act, one};
use crate::{
    domain::{
        audit::{Action, Entry},
        ground::Ground,
        page::{self, Cursor},
        review::{Review, State, Told},
        text::Text,
    },
    error::Error,
    store::{audit, data, decisions, reviews},
};

/// Why a moderator's look reads the text; intake keeps it.
const REVIEWING: &str = "reviewing";
/// What a look at the files of a message is called in the audit log.
const FILES: &str = "files";
/// Why public texts are made; intake keeps it.
const PUBLISHING: &str = "publishing";

/// Reviews beyond this number are not counted.
const MOST_COUNTED: i64 = 10_000;

/// A page of the reviews in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The reviews.
    pub reviews: Vec<Review>,
    /// Continues after them; empty at the end.
    pub next_page_token: String,
    /// How many there are, up to 10,000.
    pub total: u32,
}

impl App {
    /// A page of the reviews in one state, the oldest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this question.
    pub async fn list_reviews(
        &self,
        state: State,
        size: u32,
        token: &str,
    ) -> Result<Listed, Error> {
        let cursor = match token {
            "" => None,
            token => Some(page::read(token, state, size).ok_or_else(|| {
                Error::Invalid(vec![Violation::new("page_token", "PAGE_TOKEN_INVALID")])
            })?),
        };
        let mut connection = self.db.read().await?;
        let size_one_more = i64::from(size) + 1;
        let mut ids = reviews::list(&mut connection, state, cursor, size_one_more).await?;
        let more = ids.len() > size as usize;
        ids.truncate(size as usize);
        let reviews = reviews::fetch(&mut connection, &ids).await?;
        let next = reviews.last().filter(|_| more).map(|last| {
            let message = &last.submission;
            let cursor =
                Cursor { submitted_at: message.submitted_at, message_id: message.message_id };
            page::token(state, size, cursor)
        });
        let total = reviews::count(&mut connection, state, MOST_COUNTED).await?;
        Ok(Listed {
            reviews,
            next_page_token: next.unwrap_or_default(),
            total: u32::try_from(total).unwrap_or_default(),
        })
    }

    /// Where the review of a message stands, and what was decided last, once something was.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`].
    pub async fn decision(&self, message_id: Uuid) -> Result<(State, Option<Told>), Error> {
        let mut connection = self.db.read().await?;
        decisions::last(&mut connection, message_id).await?.ok_or(Error::ReviewNotFound)
    }

    /// One review with its text, as far as intake has it. The look is in the audit log before the
    /// text is read.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::TextsUnavailable`].
    pub async fn look(
        self: &Arc<Self>,
        caller: String,
        message_id: Uuid,
    ) -> Result<(Review, Option<Text>), Error> {
        let now = self.clock.now();
        let review = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let review = one(tx, message_id).await?;
                    audit::append(tx, &act(now, &caller, Action::ReviewRead, message_id)).await?;
                    Ok::<_, Error>(review)
                })
            })
            .await?;
        let text = self.text_under_review(message_id, review.submission.revision).await?;
        Ok((review, text))
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

    /// The texts that everybody may read, in the order asked. What is not approved, or private, or
    /// not known in the revision that was approved is left out.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn public_texts(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, Text)>, Error> {
        let approved = reviews::published(&mut *self.db.read().await?, ids).await?;
        let wanted: Vec<Uuid> = approved.keys().copied().collect();
        let mut texts = self.texts.of(&wanted, PUBLISHING).await?;
        // Read last: what was taken out while intake was asked is left out already.
        let mut redactions = reviews::redactions(&mut *self.db.read().await?, &wanted).await?;
        let public = ids.iter().filter_map(|id| {
            let text = texts.remove(id)?;
            let spans = redactions.remove(id).unwrap_or_default();
            (text.revision == *approved.get(id)?).then(|| (*id, text.public(&spans)))
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
