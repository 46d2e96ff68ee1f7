//! What an office does with a case.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, class::Violation, db::OnConstraint as _, id};
use sqlx::PgConnection;

use super::{App, say, searching::words_of, viewer};
use crate::{
    domain::{
        CaseId, ReplyId,
        access::{Barred, is_kept_away, may_work},
        assignment::heir,
        case::{Case, Reply, WrongTime},
        directory::Directory,
        state::{Act, Outcome},
        view::View,
    },
    error::Error,
    store::{
        cases,
        children::{self, Transfer},
        requests::{self, Request},
        words,
    },
};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Say that the office will act.
    Accept,
    /// Answer.
    Reply(String),
    /// Give it to another office.
    Transfer {
        /// The office.
        office_id: String,
        /// Why, for officials.
        reason: String,
    },
    /// End.
    Close(Outcome),
}

/// What is answered to an office: the case after its deed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The case.
    pub case: Case,
    /// Its view.
    pub view: View,
    /// The reply, if the deed was one.
    pub reply_id: Option<ReplyId>,
}

/// An order to do something with a case.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which case.
    pub case_id: CaseId,
    /// The etag as the clerk saw it; not checked if empty.
    pub etag: String,
    /// What.
    pub deed: Deed,
    /// When, for what happened earlier in another system.
    pub occurred_at: Option<Timestamp>,
    /// The request.
    pub request: Request,
    /// How the answer is written down, to be given again byte for byte.
    pub encode: fn(&Answer) -> Vec<u8>,
}

impl App {
    /// Does what an office orders, once, and gives the answer as it was written down.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done.
    pub async fn work(&self, caller: Caller, order: Order) -> Result<Vec<u8>, Error> {
        if order.occurred_at.is_some() && !caller.has("message:import") {
            return Err(Error::HistoricalNotAllowed);
        }
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.work_in(tx, &caller, order).await }))
            .await
    }

    async fn work_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: Order,
    ) -> Result<Vec<u8>, Error> {
        let now = self.now();
        let case = cases::lock(tx, order.case_id).await?.ok_or(Error::CaseNotFound)?;
        let directory = self.directory();
        let viewer = viewer(caller, &case);
        let allowed = may_work(&directory, &case, &viewer).map_err(|barred| match barred {
            Barred::Hidden => Error::CaseNotFound,
            Barred::NotTheirs => Error::NotYourCase,
        });
        // Who has given a case away may ask again what was answered; who must not know of it may not.
        match answered(tx, &order.request).await {
            Ok(Some(response)) if !is_kept_away(&directory, &case, &viewer) => return Ok(response),
            Ok(_) => allowed?,
            Err(reused) => return Err(allowed.err().unwrap_or(reused)),
        }
        if !order.etag.is_empty() && order.etag != case.etag() {
            return Err(Error::EtagMismatch);
        }
        let at = case.moment(order.occurred_at, now).map_err(wrong_time)?;
        let (case, reply_id) = perform(tx, &directory, case, &order.deed, (at, now)).await?;
        let view = children::of(tx, std::slice::from_ref(&case)).await?.view(&case);
        // What is found by: its replies, and the office that has it.
        if case.is_public() && matches!(order.deed, Deed::Reply(_) | Deed::Transfer { .. }) {
            words::put(tx, &[words_of(&case, &view)]).await?;
        }
        let response = (order.encode)(&Answer { case, view, reply_id });
        remember(tx, &order.request, order.case_id, &response, now).await?;
        Ok(response)
    }
}

async fn perform(
    tx: &mut PgConnection,
    directory: &Directory,
    mut case: Case,
    deed: &Deed,
    (at, now): (Timestamp, Timestamp),
) -> Result<(Case, Option<ReplyId>), Error> {
    let from = case.office_id.clone();
    let mut reply_id = None;
    let facts = match deed {
        Deed::Accept => case.act(Act::Accept, at, None),
        Deed::Reply(_) => {
            reply_id = Some(ReplyId::from(id::v7(now)));
            case.act(Act::Reply, at, reply_id)
        }
        Deed::Transfer { office_id, .. } => {
            let heir = heir(&directory.offices, &from, office_id, &case.accused);
            case.transfer(heir.map_err(Error::Unfit)?, directory, at)
        }
        Deed::Close(outcome) => case.act(Act::Close(*outcome), at, None),
    };
    let facts = facts.map_err(Error::Refused)?;
    case.request_count += 1;
    cases::update(tx, &case).await?;
    match (deed, reply_id) {
        (Deed::Reply(body), Some(reply_id)) => {
            let (office_id, body) = (case.office_id.clone(), body.clone());
            let reply = Reply { reply_id, office_id, body, replied_at: at };
            children::insert_reply(tx, case.case_id, case.reply_count, &reply, now).await?;
        }
        (Deed::Transfer { reason, .. }, _) => {
            let transfer = Transfer { from_office_id: &from, reason, at };
            children::hand_over(tx, &case, &transfer, now).await?;
        }
        (Deed::Close(_), _) => children::end_custody(tx, case.case_id, at).await?,
        (Deed::Accept | Deed::Reply(_), _) => {}
    }
    say(tx, now, &case, &facts, None).await?;
    Ok((case, reply_id))
}

/// The answer that was given to this request before.
pub(super) async fn answered(
    tx: &mut PgConnection,
    request: &Request,
) -> Result<Option<Vec<u8>>, Error> {
    match requests::find(tx, request).await? {
        Some(answered) if answered.body_hash == request.body_hash => Ok(Some(answered.response)),
        Some(_) => Err(Error::RequestIdReused),
        None => Ok(None),
    }
}

/// Remembers an answer. The case's row counts it.
pub(super) async fn remember(
    tx: &mut PgConnection,
    request: &Request,
    case_id: CaseId,
    response: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    requests::insert(tx, request, case_id, response, now)
        .await
        .on_constraint("requests_pkey", || Error::RequestIdReused)
}

fn wrong_time(wrong: WrongTime) -> Error {
    let reason = match wrong {
        WrongTime::Future => "TIME_IN_FUTURE",
        WrongTime::BeforeLastStep => "TIME_BEFORE_LAST_STEP",
    };
    Error::Invalid(vec![Violation::new("historical.occurred_at", reason)])
}
