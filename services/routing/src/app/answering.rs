//! Answers: past the gate, with what they promise.

use liuyan_kit::id;
use sqlx::PgConnection;

use super::{
    casework::Answering,
    performing::{Scene, has_reply},
};
use crate::{
    domain::{
        PromiseId, ReplyId,
        case::{Case, Fact, What},
        gate::{Judgement, Verdict, judge},
        likeness::{Sketch, Yardstick},
        promise::{Promise, Standing, due_at},
        state::Act,
    },
    error::Error,
    store::{
        children::{self, NewReply},
        problems, promises, replies,
    },
};

/// With how many questions of others, and with how many replies to them, a reply is compared.
const COMPARED: i64 = 150;

/// An answer that the domain has taken.
#[derive(Debug)]
pub(super) struct Answered {
    /// The reply's id.
    pub(super) reply_id: ReplyId,
    /// What the gate said, if it would have stopped it.
    pub(super) gate: Option<Verdict>,
    /// What happened.
    pub(super) facts: Vec<Fact>,
}

/// Answers, if the gate lets it pass or is overridden. A wait for the author is over with it, and its
/// days are not the office's.
pub(super) async fn answer(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    case: &mut Case,
    answering: &Answering,
) -> Result<Answered, Error> {
    let at = scene.at;
    let reply_id = ReplyId::from(id::v7(scene.now));
    let mut facts = match case.handling.paused_at {
        Some(_) => case.resume(scene.directory, at).map_err(Error::Refused)?,
        None => Vec::new(),
    };
    facts.extend(case.act(Act::Reply, at, Some(reply_id)).map_err(Error::Refused)?);
    // What was answered in another system has passed no gate.
    let gate = match scene.historical {
        true => None,
        false => Some(judgement(tx, case, &answering.body).await?),
    };
    let gate = gate.filter(|judgement| judgement.stops).map(|judgement| judgement.verdict);
    if let (Some(verdict), "") = (gate, answering.override_reason.trim()) {
        return Err(Error::Stopped(verdict));
    }
    if let Some(Fact { what: What::Replied(_, overridden, _), .. }) = facts.last_mut() {
        *overridden = gate.is_some();
    }
    for draft in &answering.promises {
        let due_at = due_at(draft.due_on, at);
        let due_at = due_at.ok_or_else(|| Error::invalid("promises.due_on", "PROMISE_DATE"))?;
        facts.push(case.promise(PromiseId::from(id::v7(scene.now)), reply_id, due_at, at));
    }
    Ok(Answered { reply_id, gate, facts })
}

/// Corrects a reply. What the gate stops passes with the reason that each correction has, as an answer does
/// with its own, and is marked and counted like one; gives what happened and what the gate said of it.
pub(super) async fn correct(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    case: &mut Case,
    reply_id: ReplyId,
    body: &str,
) -> Result<(Vec<Fact>, Option<Verdict>), Error> {
    has_reply(tx, case.case_id, reply_id).await?;
    let facts = case.correct(reply_id, scene.at).map_err(Error::Refused)?;
    // The gate is asked of no common answer, which is alike in all its cases, and of nothing from elsewhere.
    if scene.historical || problems::gave(tx, reply_id).await? {
        return Ok((facts, None));
    }
    let judgement = judgement(tx, case, body).await?;
    Ok((facts, Some(judgement.verdict).filter(|_| judgement.stops)))
}

/// What the gate says of a reply to a case.
///
/// # Errors
/// The database's.
pub(super) async fn judgement(
    connection: &mut PgConnection,
    case: &Case,
    body: &str,
) -> Result<Judgement, Error> {
    let replies = replies::of_others(connection, &case.office_id, case.case_id, COMPARED).await?;
    let questions = replies::questions_of_others(connection, case, COMPARED).await?;
    let text = case.text.clone().unwrap_or_default();
    let body = body.to_owned();
    // Some hundred texts are read: milliseconds in which others want to be served.
    let judging = tokio::task::spawn_blocking(move || {
        let sketches = |texts: &[String]| texts.iter().map(|text| Sketch::of(&[text])).collect();
        let others = Yardstick::new(sketches(&questions), sketches(&replies));
        let question = Sketch::of(&[&text.title, &text.body, &text.demand, &text.details]);
        judge(&question, &Sketch::of(&[&body]), &others)
    });
    judging.await.map_err(|_| Error::Stopping)
}

/// Keeps a reply, and what it promises.
pub(super) async fn keep(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    case: &Case,
    answering: &Answering,
    answered: &Answered,
) -> Result<(), Error> {
    let (reply_id, gate) = (answered.reply_id, answered.gate.map(Verdict::code));
    let (office_id, body) = (case.office_id.as_str(), answering.body.as_str());
    let reply = NewReply { reply_id, office_id, body, gate, at: scene.at };
    children::insert_reply(tx, case, &reply, scene.now).await?;
    let made = answered.facts.iter().filter_map(|fact| match fact.what {
        What::PromiseMade(promise_id, _, due_at) => Some((promise_id, due_at)),
        _ => None,
    });
    for ((promise_id, due_at), draft) in made.zip(&answering.promises) {
        let (what, standing) = (draft.what.clone(), Standing::Open);
        let promise = Promise { promise_id, due_at, what, standing, settled_at: None };
        promises::insert(tx, case, reply_id, &promise).await?;
    }
    Ok(())
}
