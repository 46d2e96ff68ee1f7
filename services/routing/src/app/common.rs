//! Common problems: grouping cases, answering all of them at once, and leaving again.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    App,
    casework::{Given, answered, remember},
    say, say_done, viewer,
};
use crate::{
    domain::{
        CaseId, ProblemId,
        access::{Sight, is_among, may_supervise, may_work, sight},
        acts::Entry,
        assignment::Unfit,
        calendar::day_of,
        case::{Case, Fact},
        common::{Leaving, NoPart, Problem, Stage},
        directory::Directory,
        handling::Cause,
        state::{Outcome, State},
    },
    error::Error,
    store::{acts, cases, children, problems, requests::Request},
};

mod replying;
mod showing;

pub use replying::CommonAnswer;
pub use showing::{Page, Seen, Wanted};

/// To which common problem cases come.
#[derive(Debug, Clone)]
pub enum Target {
    /// To a new one, with its title and the office that leads.
    New(String, String),
    /// To one that is there.
    Known(ProblemId),
}

/// An order to group cases.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// To which.
    pub target: Target,
    /// The cases, each once, in the order of their ids.
    pub case_ids: Vec<CaseId>,
    /// Why.
    pub reason: String,
    /// The request.
    pub request: Request,
    /// How the answer is written down, to be given again byte for byte.
    pub encode: fn(&Seen) -> Vec<u8>,
}

/// An order to take a case out.
#[derive(Debug, Clone)]
pub struct Ungrouping {
    /// The case.
    pub case_id: CaseId,
    /// Its etag as the clerk saw it; not checked if empty.
    pub etag: String,
    /// Why; empty for an author.
    pub reason: String,
    /// The request.
    pub request: Request,
    /// How the answer is written down.
    pub encode: fn(&Seen) -> Vec<u8>,
}

impl App {
    /// Groups cases. Nobody's deadline, office or state changes.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done to any of the cases.
    pub async fn group(&self, caller: Caller, order: Grouping) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.group_in(tx, &caller, order).await }))
            .await
    }

    async fn group_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: Grouping,
    ) -> Result<Vec<u8>, Error> {
        let (now, directory) = (self.now(), self.directory());
        match answered(tx, &order.request).await? {
            Some(Given::Kept(response)) => return Ok(response),
            Some(Given::Forgotten(detail)) => {
                let problem_id = named(&detail)?;
                let problem =
                    problems::lock(tx, problem_id).await?.ok_or(Error::ProblemNotFound)?;
                leads(&directory, caller, &problem)?;
                return Ok((order.encode)(&showing::whole(tx, problem_id).await?));
            }
            None => {}
        }
        let mut found = cases::lock_all(tx, &order.case_ids).await?;
        if found.len() < order.case_ids.len() {
            return Err(Error::CaseNotFound);
        }
        for case in &found {
            reachable(&directory, caller, case)?;
        }
        let (mut problem, known) = match order.target {
            Target::Known(problem_id) => {
                let locked = problems::lock(tx, problem_id).await?;
                (locked.ok_or(Error::ProblemNotFound)?, true)
            }
            Target::New(title, lead) => (self.new_problem(title, lead)?, false),
        };
        leads(&directory, caller, &problem)?;
        problem.take(found.len()).map_err(Error::from)?;
        if known {
            problems::update(tx, &problem).await?;
        } else {
            problems::insert(tx, &problem).await?;
        }
        let first = found.first().map(|case| case.case_id);
        for case in &mut found {
            let at = now.max(case.last_step_at);
            let fact = case.group(&problem, at).map_err(Error::from)?;
            let of_request = first == Some(case.case_id);
            case.request_count += i32::from(of_request);
            let entry = Entry {
                actor: order.request.caller.clone(),
                request_id: of_request.then_some(order.request.request_id),
                note: order.reason.clone(),
                ..Entry::of_itself(now, "case-grouped", &case.office_id, detail(&problem))
            };
            acts::append(tx, case, &entry).await?;
            cases::update(tx, case).await?;
            say_done(tx, now, case, &[fact], order.request.request_id).await?;
        }
        problems::join(tx, problem.problem_id, &order.case_ids, now).await?;
        self.tell(tx, &order.request, first, problem.problem_id, order.encode).await
    }

    fn new_problem(&self, title: String, lead_office_id: String) -> Result<Problem, Error> {
        let (now, directory) = (self.now(), self.directory());
        let lead = directory.offices.get(&lead_office_id).ok_or(Error::Unfit(Unfit::Unknown))?;
        if !lead.takes(day_of(now)) {
            return Err(Error::Unfit(if lead.open { Unfit::Expired } else { Unfit::Closed }));
        }
        Ok(Problem {
            problem_id: ProblemId::from(id::v7(now)),
            title,
            lead_office_id,
            stage: Stage::Open,
            body: None,
            created_at: now,
            answered_at: None,
            case_count: 0,
            left_count: 0,
            objected_count: 0,
            changes: 1,
        })
    }

    /// Takes a case out of its common problem before the answer.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done.
    pub async fn ungroup(&self, caller: Caller, order: Ungrouping) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move { app.leave_in(tx, &caller, order, Leaving::Removed).await })
            })
            .await
    }

    /// Takes a case out because its author wishes so; what was answered is worked on again.
    ///
    /// # Errors
    /// The refusals of [`Error`]; then nothing was done.
    pub async fn object(&self, caller: Caller, order: Ungrouping) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move { app.leave_in(tx, &caller, order, Leaving::Objected).await })
            })
            .await
    }

    async fn leave_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: Ungrouping,
        leaving: Leaving,
    ) -> Result<Vec<u8>, Error> {
        let (now, directory) = (self.now(), self.directory());
        let mut case = cases::lock(tx, order.case_id).await?.ok_or(Error::CaseNotFound)?;
        let of_case = viewer(caller, &case);
        if sight(&directory, &case, &of_case) == Sight::Hidden {
            return Err(Error::CaseNotFound);
        }
        let theirs = match leaving {
            Leaving::Objected if !of_case.author => return Err(Error::NotYourMessage),
            Leaving::Objected => Ok(()),
            _ => reachable(&directory, caller, &case),
        };
        match answered(tx, &order.request).await? {
            Some(Given::Kept(response)) => return Ok(response),
            Some(Given::Forgotten(detail)) => {
                return Ok((order.encode)(&showing::whole(tx, named(&detail)?).await?));
            }
            None => {}
        }
        let problem_id = case.handling.problem_id.ok_or(Error::NoPart(NoPart::InNone))?;
        let problem = problems::lock(tx, problem_id).await?.ok_or(Error::ProblemNotFound)?;
        theirs.or_else(|_| leads(&directory, caller, &problem))?;
        if !order.etag.is_empty() && order.etag != case.etag() {
            return Err(Error::EtagMismatch);
        }
        if leaving == Leaving::Removed && problem.stage != Stage::Open {
            return Err(Error::NoPart(NoPart::NotOpen));
        }
        if leaving == Leaving::Objected {
            problem.hears_objection(now).map_err(Error::from)?;
        }
        case.request_count += 1;
        let entry = Entry {
            actor: order.request.caller.clone(),
            request_id: Some(order.request.request_id),
            note: order.reason.clone(),
            ..Entry::of_itself(now, "case-ungrouped", &case.office_id, String::new())
        };
        let answered = problem.stage == Stage::Answered;
        let mut facts = vec![leave(tx, &mut case, problem, leaving, entry, now).await?];
        if answered {
            facts.extend(self.work_again(tx, &mut case, now).await?);
        }
        case.plan(&directory, &self.config.pace());
        cases::update(tx, &case).await?;
        match leaving {
            // No act of an office caused it.
            Leaving::Objected => say(tx, now, &case, &facts, None).await?,
            _ => say_done(tx, now, &case, &facts, order.request.request_id).await?,
        }
        self.tell(tx, &order.request, Some(case.case_id), problem_id, order.encode).await
    }

    /// What was answered together with others is worked on again, by the office that has it.
    async fn work_again(
        &self,
        tx: &mut PgConnection,
        case: &mut Case,
        now: Timestamp,
    ) -> Result<Vec<Fact>, Error> {
        let ended = matches!(case.state, State::Closed(_));
        if !matches!(case.state, State::Replied | State::Closed(_))
            || case.state.outcome() == Some(Outcome::Withdrawn)
        {
            return Ok(Vec::new());
        }
        let at = now.max(case.last_step_at);
        let facts = case.reopen(Cause::Objected, at).map_err(Error::Refused)?;
        if ended {
            children::resume_custody(tx, case).await?;
        }
        Ok(facts)
    }

    /// The answer to a request about a common problem, remembered with one of its cases.
    async fn tell(
        &self,
        tx: &mut PgConnection,
        request: &Request,
        case_id: Option<CaseId>,
        problem_id: ProblemId,
        encode: fn(&Seen) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let response = encode(&showing::whole(tx, problem_id).await?);
        if let Some(case_id) = case_id {
            remember(tx, request, case_id, &response, self.now()).await?;
        }
        Ok(response)
    }
}

/// What belongs to an act about a common problem.
fn detail(problem: &Problem) -> String {
    format!("problem={} lead={}", problem.problem_id, problem.lead_office_id)
}

/// The common problem that an act about one names.
fn named(detail: &str) -> Result<ProblemId, Error> {
    let id = acts::part(detail, "problem=").and_then(|id| Uuid::try_parse(id).ok());
    id.map(ProblemId::from).ok_or(Error::ProblemNotFound)
}

/// Whether a caller may work on or watch a case.
fn reachable(directory: &Directory, caller: &Caller, case: &Case) -> Result<(), Error> {
    let viewer = viewer(caller, case);
    if sight(directory, case, &viewer) == Sight::Hidden {
        return Err(Error::CaseNotFound);
    }
    may_work(directory, case, &viewer)
        .or_else(|_| may_supervise(directory, case, &viewer))
        .map_err(|_| Error::NotYourCase)
}

/// Whether a caller acts for the office that leads a common problem, or for one above it.
fn leads(directory: &Directory, caller: &Caller, problem: &Problem) -> Result<(), Error> {
    let lead = &problem.lead_office_id;
    if caller.has("case:any") || is_among(directory, lead, &caller.offices, &caller.divisions) {
        Ok(())
    } else {
        Err(Error::NotYourProblem)
    }
}

/// Lets a case leave a common problem that is locked, logs it, and gives what is to be said. The case is
/// to be written afterwards.
async fn leave(
    tx: &mut PgConnection,
    case: &mut Case,
    mut problem: Problem,
    leaving: Leaving,
    entry: Entry,
    now: Timestamp,
) -> Result<Fact, Error> {
    let at = now.max(case.last_step_at);
    let fact = case.ungroup(leaving, at).map_err(Error::from)?;
    problem.let_go(leaving);
    problems::leave(tx, problem.problem_id, case.case_id, leaving, now).await?;
    problems::update(tx, &problem).await?;
    let detail = format!("problem={} leaving={}", problem.problem_id, leaving.code());
    acts::append(tx, case, &Entry { detail, ..entry }).await?;
    Ok(fact)
}

/// Lets a case that is locked leave its common problem because its author took the message away. Gives
/// nothing if it is in none. The case is to be written afterwards.
pub(super) async fn leave_with_message(
    tx: &mut PgConnection,
    case: &mut Case,
    leaving: Leaving,
    now: Timestamp,
) -> Result<Option<Fact>, Error> {
    let Some(problem_id) = case.handling.problem_id else { return Ok(None) };
    let problem = problems::lock(tx, problem_id).await?.ok_or(Error::ProblemNotFound)?;
    let entry = Entry::of_itself(now, "case-ungrouped", &case.office_id, String::new());
    leave(tx, case, problem, leaving, entry, now).await.map(Some)
}
