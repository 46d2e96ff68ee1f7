//! A deed, done: what the domain decides is written, logged and said, in one transaction.

use jiff::Timestamp;
use liuyan_kit::id;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    answering::{self, Answered},
    casework::Deed,
    say_done,
};
use crate::{
    domain::{
        CaseId, ReplyId,
        access::{Viewer, is_above, is_among},
        acts::Entry,
        assignment::{Unfit, heir, is_beside, is_kept_from},
        calendar::day_of,
        case::{Case, Fact, What},
        common::NoPart,
        directory::Directory,
        escalation::Pace,
        gate::Verdict,
        handling::{Cause, NoReturn, Way},
        promise::Standing,
        state::{Act, Refusal},
    },
    error::Error,
    store::{
        acts, cases,
        children::{self, Transfer},
        pauses, precedents, problems, promises,
        replies::{self, Correction},
    },
};

/// Who does it, when, and what is known there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The directory.
    pub(super) directory: &'a Directory,
    /// Offices that decide where nobody stands above.
    pub(super) triage: &'a [String],
    /// When the clock's steps come.
    pub(super) pace: Pace,
    /// What the caller is to the case.
    pub(super) viewer: &'a Viewer,
    /// Who calls.
    pub(super) actor: &'a str,
    /// By which request.
    pub(super) request_id: Uuid,
    /// Whether it happened earlier in another system.
    pub(super) historical: bool,
    /// When it takes place.
    pub(super) at: Timestamp,
    /// When it is entered.
    pub(super) now: Timestamp,
}

/// Whether a deed changes what a public case is found by: its replies, and the office that has it.
pub(super) fn changes_words(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::Reply(_) | Deed::Transfer { .. } | Deed::Return { .. } | Deed::Correct { .. }
    )
}

/// Does it. Gives the case after it, and the id of the reply if it is one.
pub(super) async fn perform(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    mut case: Case,
    deed: &Deed,
) -> Result<(Case, Option<ReplyId>), Error> {
    // What waits for a common answer is answered with the others, or taken out before.
    if let (Deed::Reply(_) | Deed::Close(_), Some(id)) = (deed, case.handling.problem_id)
        && problems::is_open(tx, id).await?
    {
        return Err(Error::NoPart(NoPart::InOne));
    }
    let before = case.clone();
    let (mut facts, mut answered, mut gate) = (Vec::new(), None, None);
    match deed {
        Deed::Reply(answering) => {
            let answer = answering::answer(tx, scene, &mut case, answering).await?;
            (gate, answered) = (answer.gate, Some(answer));
        }
        Deed::Correct { reply_id, body, .. } => {
            (facts, gate) = answering::correct(tx, scene, &mut case, *reply_id, body).await?;
        }
        _ => facts = decide(tx, scene, &mut case, deed).await?,
    }
    case.request_count += 1;
    case.plan(scene.directory, &scene.pace);
    let (action, detail, note) = logged(deed, &case, answered.as_ref(), gate);
    let entry = Entry {
        at: scene.now,
        actor: scene.actor.to_owned(),
        action,
        office_id: before.office_id.clone(),
        request_id: Some(scene.request_id),
        detail,
        note,
    };
    acts::append(tx, &mut case, &entry).await?;
    if case.is_decided() && before.is_referred() && !case.domain.is_empty() {
        let precedent_id = id::v7(scene.now);
        precedents::set(tx, precedent_id, &case, scene.at).await?;
        let detail = format!("precedent={precedent_id} to={}", case.office_id);
        let set = Entry {
            action: "precedent-set",
            request_id: None,
            detail,
            note: String::new(),
            ..entry
        };
        acts::append(tx, &mut case, &set).await?;
    }
    cases::update(tx, &case).await?;
    write(tx, scene, (&before, &case), (deed, gate), &facts).await?;
    if let (Deed::Reply(answering), Some(answered)) = (deed, &answered) {
        answering::keep(tx, scene, &case, answering, answered).await?;
    }
    let reply_id = answered.as_ref().map(|answered| answered.reply_id);
    facts.extend(answered.into_iter().flat_map(|answered| answered.facts));
    say_done(tx, scene.now, &case, &facts, scene.request_id).await?;
    Ok((case, reply_id))
}

/// What the domain says to it.
async fn decide(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    case: &mut Case,
    deed: &Deed,
) -> Result<Vec<Fact>, Error> {
    let (at, directory, day) = (scene.at, scene.directory, day_of(scene.at));
    let facts = match deed {
        Deed::Accept => case.act(Act::Accept, at, None),
        // Done by `answering`.
        Deed::Reply(_) | Deed::Correct { .. } => Ok(Vec::new()),
        Deed::Transfer { office_id, .. } => {
            may_go_to(tx, scene, case, office_id).await?;
            let heir = heir(&directory.offices, &case.office_id, office_id, &case.accused, day);
            let heir = heir.map_err(Error::Unfit)?;
            is_no_neighbour(scene, case, office_id)?;
            case.transfer(heir, directory, at)
        }
        Deed::Return { office_id, .. } => {
            let held_by = children::held_by(tx, case.case_id).await?;
            let first = children::first_returner(tx, case.case_id).await?;
            let way =
                Way { held_by: &held_by, first_returner: first.as_deref(), triage: scene.triage };
            if !is_kept_from(&directory.offices, office_id, &case.accused) {
                is_no_neighbour(scene, case, office_id)?;
            }
            return match case.give_back(office_id, way, directory, at) {
                Ok(facts) => Ok(facts),
                Err(NoReturn::Refused(refusal)) => Err(Error::Refused(refusal)),
                Err(NoReturn::Unfit(unfit)) => Err(Error::Unfit(unfit)),
            };
        }
        Deed::Pause(_) => case.pause(at),
        Deed::Resume => case.resume(directory, at),
        Deed::Extend { days, .. } => case.extend(*days, directory, at),
        Deed::Invite { office_id, .. } => {
            let helper = heir(&directory.offices, &case.office_id, office_id, &case.accused, day);
            let helper = helper.map_err(Error::Unfit)?;
            is_no_neighbour(scene, case, office_id)?;
            case.invite(&helper.office_id, at)
        }
        Deed::AskOn { reply_id, ground } => {
            has_reply(tx, case.case_id, *reply_id).await?;
            case.ask_on(*reply_id, *ground, at)
        }
        Deed::Keep { promise_id, .. } => {
            let found = promises::find(tx, case.case_id, *promise_id).await?;
            let (standing, due_at) = found.ok_or(Error::PromiseNotFound)?;
            if standing != Standing::Open || at > due_at {
                return Err(Error::PromiseSettled);
            }
            Ok(case.keep(*promise_id, at))
        }
        Deed::Reopen(_) => case.reopen(Cause::Official, at),
        Deed::Supervise(_) => {
            let offices = &directory.offices;
            let superior =
                crate::domain::assignment::above(offices, &case.office_id, &case.accused, day);
            let superior = superior.map(str::to_owned);
            case.supervise(Cause::Official.code(), superior, at)
        }
        Deed::Close(outcome) => case.act(Act::Close(*outcome), at, None),
    };
    facts.map_err(Error::Refused)
}

/// Whether an office sits in no accused one's house, or the caller stands above it: they know who works
/// there with whom.
fn is_no_neighbour(scene: &Scene<'_>, case: &Case, office_id: &str) -> Result<(), Error> {
    let Viewer { offices, divisions, any, .. } = scene.viewer;
    let beside = is_beside(&scene.directory.offices, office_id, &case.accused);
    if beside && !any && !is_among(scene.directory, office_id, offices, divisions) {
        return Err(Error::Unfit(Unfit::BesideAccused));
    }
    Ok(())
}

/// Whether the caller may give a case to this office: what a superior has decided stands, and a case
/// goes in no circle unless a superior says so.
async fn may_go_to(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    case: &Case,
    office_id: &str,
) -> Result<(), Error> {
    if case.is_referred() || is_above(scene.directory, case, scene.viewer) {
        return Ok(());
    }
    if case.is_decided() {
        return Err(Error::Refused(Refusal::Decided));
    }
    let held_by = children::held_by(tx, case.case_id).await?;
    // That it has it now is told otherwise.
    if office_id != case.office_id && held_by.iter().any(|held| held == office_id) {
        return Err(Error::Unfit(Unfit::HadIt));
    }
    let earlier = children::handed_on(tx, case.case_id).await?;
    case.may_hop(office_id, &earlier, scene.directory).map_err(Error::Refused)
}

pub(super) async fn has_reply(
    tx: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
) -> Result<(), Error> {
    if replies::is_of(tx, case_id, reply_id).await? { Ok(()) } else { Err(Error::ReplyNotFound) }
}

/// Writes what hangs on the case.
async fn write(
    tx: &mut PgConnection,
    scene: &Scene<'_>,
    (before, case): (&Case, &Case),
    (deed, gate): (&Deed, Option<Verdict>),
    facts: &[Fact],
) -> Result<(), Error> {
    let (at, now) = (scene.at, scene.now);
    if before.handling.paused_at.is_some() && case.handling.paused_at.is_none() {
        pauses::end(tx, case.case_id, at).await?;
    }
    if before.closed_at.is_some() && case.closed_at.is_none() {
        children::resume_custody(tx, case).await?;
    }
    match deed {
        Deed::Transfer { reason, .. } => {
            let decided = before.is_referred();
            let way = if decided { children::Way::Decision } else { children::Way::Transfer };
            let from_office_id = &before.office_id;
            let transfer = Transfer { from_office_id, reason, way, named_office_id: None, at };
            children::hand_over(tx, case, &transfer, now).await?;
        }
        Deed::Return { office_id, rule } => {
            let referred = facts.iter().any(|fact| matches!(fact.what, What::Returned(_, true)));
            let transfer = Transfer {
                from_office_id: &before.office_id,
                reason: rule,
                way: if referred { children::Way::Referral } else { children::Way::Return },
                named_office_id: Some(office_id),
                at,
            };
            children::hand_over(tx, case, &transfer, now).await?;
        }
        Deed::Keep { promise_id, .. } => {
            promises::settle(tx, *promise_id, Standing::Kept, at).await?;
        }
        Deed::Pause(_) => pauses::begin(tx, case, at).await?,
        Deed::Correct { reply_id, body, .. } => {
            let correction = Correction { body, gate: gate.map(Verdict::code), at };
            replies::correct(tx, case.case_id, *reply_id, &correction).await?;
        }
        Deed::Close(_) => children::end_custody(tx, case.case_id, at).await?,
        _ => {}
    }
    Ok(())
}

/// How a deed is logged: the action, what belongs to it as codes and ids, and what was written.
fn logged(
    deed: &Deed,
    case: &Case,
    answered: Option<&Answered>,
    gate: Option<Verdict>,
) -> (&'static str, String, String) {
    let nothing = String::new;
    let of_reply = |reply_id: &ReplyId| match gate {
        None => format!("reply={reply_id}"),
        Some(verdict) => format!("reply={reply_id} gate={}", verdict.code()),
    };
    match deed {
        Deed::Accept => ("case-accepted", nothing(), nothing()),
        Deed::Reply(answering) => {
            let detail = answered.map(|it| of_reply(&it.reply_id)).unwrap_or_default();
            let note = gate.map(|_| answering.override_reason.clone()).unwrap_or_default();
            ("case-replied", detail, note)
        }
        Deed::Keep { promise_id, reason } => {
            ("promise-kept", format!("promise={promise_id}"), reason.clone())
        }
        Deed::Transfer { reason, .. } => {
            let action = if case.is_decided() { "case-decided" } else { "case-transferred" };
            (action, format!("to={}", case.office_id), reason.clone())
        }
        Deed::Return { office_id, rule } => {
            let action = if case.is_referred() { "case-referred" } else { "case-returned" };
            (action, format!("named={office_id} to={}", case.office_id), rule.clone())
        }
        Deed::Pause(question) => ("case-paused", nothing(), question.clone()),
        Deed::Resume => ("case-resumed", format!("deadline={}", case.deadline_at), nothing()),
        Deed::Extend { days, reason } => {
            let detail = format!("days={days} deadline={}", case.deadline_at);
            ("deadline-extended", detail, reason.clone())
        }
        Deed::Invite { office_id, reason } => {
            ("helper-invited", format!("helper={office_id}"), reason.clone())
        }
        Deed::Correct { reply_id, reason, .. } => {
            ("reply-corrected", of_reply(reply_id), reason.clone())
        }
        Deed::Reopen(reason) => ("case-reopened", nothing(), reason.clone()),
        Deed::AskOn { reply_id, ground } => {
            ("follow-up-asked", format!("reply={reply_id} ground={}", ground.code()), nothing())
        }
        Deed::Supervise(reason) => ("case-supervised", nothing(), reason.clone()),
        Deed::Close(outcome) => ("case-closed", format!("outcome={}", outcome.code()), nothing()),
    }
}
