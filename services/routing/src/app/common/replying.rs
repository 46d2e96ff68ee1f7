//! One answer for all cases of a common problem.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Seen, leads, showing::whole};
use crate::{
    app::{
        App,
        casework::{Given, answered},
        say_done,
        searching::words_of,
    },
    domain::{
        ProblemId, ReplyId,
        acts::Entry,
        case::{Case, Fact, What},
        common::Problem,
        state::Act,
    },
    error::Error,
    store::{
        acts, cases,
        children::{self, NewReply},
        pauses, problems,
        requests::Request,
        words,
    },
};

/// An order to answer a common problem.
#[derive(Debug, Clone)]
pub struct CommonAnswer {
    /// Which.
    pub problem_id: ProblemId,
    /// Its etag as the clerk saw it; not checked if empty.
    pub etag: String,
    /// The answer.
    pub body: String,
    /// The request.
    pub request: Request,
    /// How the answer to the request is written down.
    pub encode: fn(&Seen) -> Vec<u8>,
}

impl App {
    /// Answers all cases of a common problem at once: each gets the reply in its own history, as if it
    /// had been answered alone, and each author rates alone.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done to any of the cases.
    pub async fn answer_common(
        &self,
        caller: Caller,
        order: CommonAnswer,
    ) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.answer_in(tx, &caller, order).await }))
            .await
    }

    async fn answer_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: CommonAnswer,
    ) -> Result<Vec<u8>, Error> {
        let (now, directory) = (self.now(), self.directory());
        match answered(tx, &order.request).await? {
            Some(Given::Kept(response)) => return Ok(response),
            Some(Given::Forgotten(_)) => {
                let locked = problems::lock(tx, order.problem_id).await?;
                leads(&directory, caller, &locked.ok_or(Error::ProblemNotFound)?)?;
                return Ok((order.encode)(&whole(tx, order.problem_id).await?));
            }
            None => {}
        }
        // The cases come before the problem, as everywhere: who left in between is seen by the second
        // look.
        let ids = problems::cases_of(tx, order.problem_id).await?;
        let found = cases::lock_all(tx, &ids).await?;
        let locked = problems::lock(tx, order.problem_id).await?;
        let mut problem = locked.ok_or(Error::ProblemNotFound)?;
        leads(&directory, caller, &problem)?;
        let changed = !order.etag.is_empty() && order.etag != problem.etag();
        if changed || problems::cases_of(tx, order.problem_id).await? != ids {
            return Err(Error::EtagMismatch);
        }
        problem.answer(&order.body, now).map_err(Error::from)?;
        problems::update(tx, &problem).await?;
        let first = ids.first().copied();
        let (mut replies, mut after) = (Vec::with_capacity(ids.len()), Vec::new());
        for mut case in found {
            let of_request = first == Some(case.case_id);
            case.request_count += i32::from(of_request);
            let request_id = of_request.then_some(order.request.request_id);
            let actor = order.request.caller.clone();
            let by = Entry { actor, request_id, ..Entry::of_itself(now, "", "", String::new()) };
            let act = (order.request.request_id, by);
            replies.push((case.case_id, self.reply_in(tx, &mut case, &problem, act, now).await?));
            after.push(case);
        }
        problems::answered(tx, problem.problem_id, &replies).await?;
        let mut children = children::of(tx, &after).await?;
        let public = after.iter().filter(|case| case.is_public());
        let found_by: Vec<_> = public.map(|case| words_of(case, &children.view(case))).collect();
        words::put(tx, &found_by).await?;
        self.tell(tx, &order.request, first, problem.problem_id, order.encode).await
    }

    /// Answers one case with the common answer, by an act of which the request's id is the cause of all that is
    /// said. A wait for its author ends with it.
    async fn reply_in(
        &self,
        tx: &mut PgConnection,
        case: &mut Case,
        problem: &Problem,
        (cause, by): (Uuid, Entry),
        now: Timestamp,
    ) -> Result<ReplyId, Error> {
        let directory = self.directory();
        let (at, reply_id) = (now.max(case.last_step_at), ReplyId::from(id::v7(now)));
        let waited = case.handling.paused_at.is_some();
        let mut facts = match waited {
            true => case.resume(&directory, at).map_err(Error::Refused)?,
            false => Vec::new(),
        };
        facts.extend(case.act(Act::Reply, at, Some(reply_id)).map_err(Error::Refused)?);
        if let Some(Fact { what: What::Replied(_, _, common), .. }) = facts.last_mut() {
            *common = Some(problem.problem_id);
        }
        case.plan(&directory, &self.config.pace());
        let entry = Entry {
            action: "case-replied",
            office_id: case.office_id.clone(),
            detail: format!("reply={reply_id} problem={}", problem.problem_id),
            ..by
        };
        acts::append(tx, case, &entry).await?;
        cases::update(tx, case).await?;
        if waited {
            pauses::end(tx, case.case_id, at).await?;
        }
        let body = problem.body.as_deref().unwrap_or_default();
        let office_id = &problem.lead_office_id;
        let reply = NewReply { reply_id, office_id, body, gate: None, at };
        children::insert_reply(tx, case, &reply, now).await?;
        say_done(tx, now, case, &facts, cause).await?;
        Ok(reply_id)
    }
}
