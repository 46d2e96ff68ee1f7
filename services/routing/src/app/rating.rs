//! What the author thinks of a reply.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, telemetry};
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{
    App,
    casework::{Given, answered, remember},
    say, viewer,
};
use crate::{
    domain::{
        CaseId, ReplyId,
        access::{Sight, sight},
        acts::Entry,
        case::What,
        rating::{self, Rating},
    },
    error::Error,
    store::{
        acts, cases,
        ratings::{self, Known, Rated},
        requests::Request,
    },
};

mod figures;

pub(super) use figures::Told;

/// How many ratings one round makes final.
const ROUND: usize = 200;

/// A rating to be stored.
#[derive(Debug, Clone)]
pub struct RatingOrder {
    /// The case.
    pub case_id: CaseId,
    /// Its reply.
    pub reply_id: ReplyId,
    /// The rating.
    pub rating: Rating,
    /// When, for what happened earlier in another system.
    pub occurred_at: Option<Timestamp>,
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
    /// of the case, its etag and its log stay as they are: a rating is private until it is final.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done.
    pub async fn rate(&self, caller: Caller, order: RatingOrder) -> Result<Vec<u8>, Error> {
        if order.occurred_at.is_some() && !caller.has("message:import") {
            return Err(Error::HistoricalNotAllowed);
        }
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.rate_in(tx, &caller, order).await }))
            .await
    }

    async fn rate_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: RatingOrder,
    ) -> Result<Vec<u8>, Error> {
        let now = self.now();
        let found = cases::lock(tx, order.case_id).await?;
        let mut case = found.ok_or(Error::CaseNotFound)?;
        let viewer = viewer(caller, &case);
        if sight(&self.directory(), &case, &viewer) == Sight::Hidden {
            return Err(Error::CaseNotFound);
        }
        if !viewer.author {
            return Err(Error::NotYourMessage);
        }
        let given = answered(tx, &order.request).await?;
        if let Some(Given::Kept(response)) = given {
            return Ok(response);
        }
        let known = ratings::known(tx, order.case_id, order.reply_id).await?;
        let known = known.ok_or(Error::ReplyNotFound)?;
        if let (Some(Given::Forgotten(_)), Some(rated_at)) = (&given, known.rated_at) {
            let changeable_until = rating::changeable_until(rated_at);
            let label = order.rating.label();
            return Ok((order.encode)(&RatingAnswer { label, changeable_until }));
        }
        let at = moment(&known, order.occurred_at, now)?;
        let changeable_until = rating::changeable_until(known.rated_at.unwrap_or(at));
        let (case_id, reply_id, rating) = (order.case_id, order.reply_id, order.rating);
        let traceparent = telemetry::current_traceparent();
        ratings::put(tx, &Rated { case_id, reply_id, rating, at, traceparent }).await?;
        case.rating_count += i32::from(known.rated_at.is_none());
        case.request_count += 1;
        // The log is read by the office: that there is a rating is entered once it is final.
        cases::update(tx, &case).await?;
        let fact = case.fact(What::RatingChanged(reply_id), at);
        say(tx, now, &case, &[fact], None).await?;
        let label = rating.label();
        let response = (order.encode)(&RatingAnswer { label, changeable_until });
        remember(tx, &order.request, case_id, &response, now).await?;
        Ok(response)
    }

    /// Makes ratings final whose time to be changed is over, enters each into the log of its case and says
    /// it once, however many replicas look for them. Gives how many cases were looked at.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn finalise_ratings(&self) -> Result<usize, Error> {
        let before = rating::final_before(self.now());
        let limit = i64::try_from(ROUND).unwrap_or(i64::MAX);
        let due = ratings::due(&mut *self.db.read().await?, before, limit).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.finalise_in(tx, due, before).await }))
            .await
    }

    async fn finalise_in(
        &self,
        tx: &mut PgConnection,
        due: Vec<CaseId>,
        before: Timestamp,
    ) -> Result<usize, Error> {
        let now = self.now();
        // The case first, as everybody who rates does.
        let mut cases = cases::lock_free(tx, &due).await?;
        let ids: Vec<CaseId> = cases.iter().map(|case| case.case_id).collect();
        for rated in ratings::finalise(tx, &ids, before, now).await? {
            let Some(case) = cases.iter_mut().find(|case| case.case_id == rated.case_id) else {
                continue;
            };
            let detail = format!("reply={}", rated.reply_id);
            let entry = Entry::of_itself(now, "reply-rated", &case.office_id, detail);
            acts::append(tx, case, &entry).await?;
            cases::update(tx, case).await?;
            let what = What::Rated(rated.reply_id, rated.rating, rated.at);
            let fact = case.fact(what, rating::changeable_until(rated.at).min(now));
            let span = tracing::info_span!("case.finalise_rating", case_id = %case.case_id);
            telemetry::follow(&span, rated.traceparent.as_deref());
            say(tx, now, case, &[fact], rated.traceparent.as_deref()).instrument(span).await?;
        }
        Ok(cases.len())
    }
}

/// When a rating takes place: now, or at the time given.
fn moment(
    known: &Known,
    historical: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let at = historical.unwrap_or(now);
    let wrong = |reason| Err(Error::invalid("historical.occurred_at", reason));
    if at > now {
        return wrong("TIME_IN_FUTURE");
    }
    if historical.is_some() && at < known.replied_at {
        return wrong("TIME_BEFORE_REPLY");
    }
    if historical.is_some() && known.changed_at.is_some_and(|changed_at| at < changed_at) {
        return wrong("TIME_BEFORE_LAST_STEP");
    }
    let over = known.rated_at.is_some_and(|rated_at| at > rating::changeable_until(rated_at));
    if known.is_final || over { Err(Error::RatingFinal) } else { Ok(at) }
}
