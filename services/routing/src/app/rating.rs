//! What the author thinks of a reply.

use jiff::Timestamp;
use liuyan_kit::auth::Caller;

use super::{
    App,
    casework::{answered, remember},
    say, viewer,
};
use crate::{
    domain::{
        CaseId, ReplyId,
        access::{Sight, sight},
        case::What,
        rating::{self, Rating},
    },
    error::Error,
    store::{cases, children, requests::Request},
};

/// A rating to be stored.
#[derive(Debug, Clone)]
pub struct RatingOrder {
    /// The case.
    pub case_id: CaseId,
    /// Its reply.
    pub reply_id: ReplyId,
    /// The rating.
    pub rating: Rating,
    /// The request.
    pub request: Request,
    /// How the answer is written down, to be given again byte for byte.
    pub encode: fn(&RatingAnswer) -> Vec<u8>,
}

/// What is answered to the author.
#[derive(Debug, Clone, Copy)]
pub struct RatingAnswer {
    /// The label of the rating.
    pub label: &'static str,
    /// Until when it may be changed.
    pub changeable_until: Timestamp,
}

impl App {
    /// Stores the author's rating of a reply, or changes it, for 14 days from the first. The view
    /// of the case and its etag stay as they are: a rating is private until it is final.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done.
    pub async fn rate(&self, caller: Caller, order: RatingOrder) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let now = app.now();
                    let found = cases::lock(tx, order.case_id).await?;
                    let mut case = found.ok_or(Error::CaseNotFound)?;
                    let viewer = viewer(&caller, &case);
                    if sight(&app.directory.offices, &case, &viewer) == Sight::Hidden {
                        return Err(Error::CaseNotFound);
                    }
                    if !viewer.author {
                        return Err(Error::NotYourMessage);
                    }
                    if let Some(response) = answered(tx, &order.request).await? {
                        return Ok(response);
                    }
                    let known = children::rated(tx, order.case_id, order.reply_id).await?;
                    if !known.has_reply {
                        return Err(Error::ReplyNotFound);
                    }
                    let changeable_until = rating::changeable_until(known.rated_at.unwrap_or(now));
                    if now > changeable_until {
                        return Err(Error::RatingFinal);
                    }
                    let (case_id, reply_id) = (order.case_id, order.reply_id);
                    children::put_rating(tx, case_id, reply_id, order.rating, now).await?;
                    case.rating_count += i32::from(known.rated_at.is_none());
                    case.request_count += 1;
                    cases::update(tx, &case).await?;
                    let fact = case.fact(What::RatingChanged(reply_id), now);
                    say(tx, now, &case, &[fact]).await?;
                    let label = order.rating.label();
                    let response = (order.encode)(&RatingAnswer { label, changeable_until });
                    remember(tx, &order.request, case_id, &response, now).await?;
                    Ok(response)
                })
            })
            .await
    }
}
