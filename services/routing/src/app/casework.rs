//! What an office does with a case.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{auth::Caller, class::Violation, db::OnConstraint as _};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    App,
    performing::{self, Scene},
    searching::words_of,
    viewer,
};
use crate::{
    domain::{
        CaseId, PromiseId, ReplyId,
        access::{Barred, Sight, Viewer, is_kept_away, may_supervise, may_work, sight},
        case::{Case, WrongTime},
        directory::Directory,
        handling::Ground,
        promise::Draft,
        state::Outcome,
        view::View,
    },
    error::Error,
    store::{
        acts, cases, children,
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
    Reply(Answering),
    /// Give it to another office.
    Transfer {
        /// The office.
        office_id: String,
        /// Why, for officials.
        reason: String,
    },
    /// Give it back.
    Return {
        /// The office that is competent.
        office_id: String,
        /// By which rule.
        rule: String,
    },
    /// Wait for the author, who is asked this.
    Pause(String),
    /// End the wait.
    Resume,
    /// Take more time.
    Extend {
        /// How many counted days.
        days: u32,
        /// Why, for officials.
        reason: String,
    },
    /// Ask another office to help.
    Invite {
        /// The office.
        office_id: String,
        /// For what, for officials.
        reason: String,
    },
    /// Correct a reply.
    Correct {
        /// Which.
        reply_id: ReplyId,
        /// Its text as it ought to be.
        body: String,
        /// Why, for officials.
        reason: String,
    },
    /// Work on it again, for this reason.
    Reopen(String),
    /// Say that a promise is kept.
    Keep {
        /// Which.
        promise_id: PromiseId,
        /// How, for officials.
        reason: String,
    },
    /// Ask on, as its author.
    AskOn {
        /// Because of which reply.
        reply_id: ReplyId,
        /// Why.
        ground: Ground,
    },
    /// Watch it, for this reason.
    Supervise(String),
    /// End.
    Close(Outcome),
}

/// An answer that is to be given.
#[derive(Debug, Clone)]
pub struct Answering {
    /// Its text.
    pub body: String,
    /// What it promises.
    pub promises: Vec<Draft>,
    /// Why it is given although the gate stops it; empty if it is not.
    pub override_reason: String,
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
    /// What its office has asked the author, if it waits.
    pub question: Option<String>,
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

/// For how long answers are given again as they were. Callers are promised a day.
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How many answers one round forgets.
const ROUND: u16 = 500;

impl App {
    /// Empties answers that nobody will ask for again: they hold texts. Gives whether there may be more.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn forget_answers(&self) -> Result<bool, Error> {
        let before = self.now() - ANSWERS_KEPT;
        let forgotten = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    Ok::<_, Error>(requests::forget_before(tx, before, ROUND.into()).await?)
                })
            })
            .await?;
        Ok(forgotten >= u64::from(ROUND))
    }

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
        let allowed = permitted(&directory, &case, &viewer, &order.deed);
        // Who has given a case away may ask again what was answered; who must not know of it may not.
        match answered(tx, &order.request).await {
            Ok(Some(Given::Kept(response))) if !is_kept_away(&directory, &case, &viewer) => {
                return Ok(response);
            }
            // Nothing is done twice: it is the case as it is now that is told.
            Ok(Some(Given::Forgotten(detail))) => {
                allowed?;
                let reply = acts::part(&detail, "reply=").and_then(|id| Uuid::try_parse(id).ok());
                return Ok((order.encode)(&seen(tx, case, reply.map(ReplyId::from)).await?));
            }
            Ok(_) => allowed?,
            Err(reused) => return Err(allowed.err().unwrap_or(reused)),
        }
        if !order.etag.is_empty() && order.etag != case.etag() {
            return Err(Error::EtagMismatch);
        }
        let at = case.moment(order.occurred_at, now).map_err(wrong_time)?;
        let scene = Scene {
            directory: &directory,
            triage: &self.config.default_offices,
            pace: self.config.pace(),
            viewer: &viewer,
            actor: &order.request.caller,
            request_id: order.request.request_id,
            historical: order.occurred_at.is_some(),
            at,
            now,
        };
        let (case, reply_id) = performing::perform(tx, &scene, case, &order.deed).await?;
        let answer = seen(tx, case, reply_id).await?;
        if answer.case.is_public() && performing::changes_words(&order.deed) {
            words::put(tx, &[words_of(&answer.case, &answer.view)]).await?;
        }
        let response = (order.encode)(&answer);
        remember(tx, &order.request, order.case_id, &response, now).await?;
        Ok(response)
    }
}

/// Whether a caller may do this with a case.
fn permitted(
    directory: &Directory,
    case: &Case,
    viewer: &Viewer,
    deed: &Deed,
) -> Result<(), Error> {
    let author = viewer.author && !is_kept_away(directory, case, viewer);
    let allowed = match deed {
        Deed::Resume | Deed::AskOn { .. } if author => Ok(()),
        Deed::AskOn { .. } if sight(directory, case, viewer) != Sight::Hidden => {
            return Err(Error::NotYourMessage);
        }
        Deed::AskOn { .. } => Err(Barred::Hidden),
        Deed::Supervise(_) => may_supervise(directory, case, viewer),
        Deed::Reopen(_) => {
            may_work(directory, case, viewer).or_else(|_| may_supervise(directory, case, viewer))
        }
        _ => may_work(directory, case, viewer),
    };
    allowed.map_err(|barred| match barred {
        Barred::Hidden => Error::CaseNotFound,
        Barred::NotTheirs => Error::NotYourCase,
    })
}

/// What is told of a case after a deed.
async fn seen(
    tx: &mut PgConnection,
    case: Case,
    reply_id: Option<ReplyId>,
) -> Result<Answer, Error> {
    let mut children = children::of(tx, std::slice::from_ref(&case)).await?;
    let question = children.questions.remove(&case.case_id);
    let view = children.view(&case);
    Ok(Answer { case, view, reply_id, question })
}

/// What was given to a request before.
#[derive(Debug)]
pub(super) enum Given {
    /// The answer, byte for byte.
    Kept(Vec<u8>),
    /// It is kept no longer, but that it was done, and with what detail it was logged.
    Forgotten(String),
}

/// What was given to this request before.
pub(super) async fn answered(
    tx: &mut PgConnection,
    request: &Request,
) -> Result<Option<Given>, Error> {
    let Some(found) = requests::find(tx, request).await? else { return Ok(None) };
    if found.body_hash != request.body_hash {
        return Err(Error::RequestIdReused);
    }
    if !found.response.is_empty() {
        return Ok(Some(Given::Kept(found.response)));
    }
    let detail = acts::detail_of(tx, found.case_id.into(), request).await?;
    Ok(Some(Given::Forgotten(detail.unwrap_or_default())))
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
