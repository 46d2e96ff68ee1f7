//! What everybody sees of common problems, and what the offices see that work on them.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, class::Violation};
use sqlx::PgConnection;

use crate::{
    app::{App, reading},
    domain::{
        ProblemId,
        common::{Problem, Stage},
        page,
    },
    error::Error,
    store::problems::{self, Counted},
};

/// A common problem as a caller sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// It.
    pub problem: Problem,
    /// How many of its cases the caller is told of.
    pub cases: i64,
    /// How many of these are rated.
    pub rated: i64,
    /// Whether the caller sees it whole.
    pub whole: bool,
}

/// Which common problems a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those that this office leads.
    pub lead_office_id: Option<String>,
    /// Only in this stage.
    pub stage: Option<Stage>,
    /// Only those of the caller's offices.
    pub own: bool,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A page of common problems.
#[derive(Debug, Default)]
pub struct Page {
    /// They.
    pub problems: Vec<Seen>,
    /// The token of the next page; empty at the end.
    pub next: String,
}

impl App {
    /// A common problem.
    ///
    /// # Errors
    /// [`Error::ProblemNotFound`], also for one that the caller may not know of.
    pub async fn common_problem(
        &self,
        caller: &Caller,
        problem_id: ProblemId,
    ) -> Result<Seen, Error> {
        let (any, readable) = self.readable(caller);
        let wanted = problems::Wanted {
            problem_id: Some(problem_id),
            any,
            readable,
            ..problems::Wanted::default()
        };
        let mut found = problems::list(&mut *self.db.read().await?, &wanted, 1).await?;
        let found = found.pop().ok_or(Error::ProblemNotFound)?;
        Ok(seen(found, any, &wanted.readable))
    }

    /// A page of common problems, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token.
    pub async fn common_problems(&self, caller: &Caller, wanted: &Wanted) -> Result<Page, Error> {
        let mut wrong = Vec::new();
        let size = page::size(wanted.page_size, reading::USUAL_PAGE, reading::MOST_PAGE);
        if size.is_none() {
            wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
        }
        let bound = Wanted { page_size: 0, page_token: String::new(), ..wanted.clone() };
        let bound = format!("problems {bound:?}");
        let after = match wanted.page_token.as_str() {
            "" => None,
            token => {
                let key = page::key(&bound, token).as_deref().and_then(parse_key);
                if key.is_none() {
                    wrong.push(Violation::new("page_token", "PAGE_TOKEN_INVALID"));
                }
                key
            }
        };
        let Some(size) = size.filter(|_| wrong.is_empty()) else {
            return Err(Error::Invalid(wrong));
        };
        let (any, readable) = self.readable(caller);
        let filter = problems::Wanted {
            problem_id: None,
            lead_office_id: wanted.lead_office_id.clone(),
            stage: wanted.stage.map(Stage::code),
            any,
            readable,
            own: wanted.own,
            after,
        };
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = problems::list(&mut *self.db.read().await?, &filter, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some(last) => page::token(&bound, &key(&last.problem)),
            None => String::new(),
        };
        let found = found.into_iter().map(|it| seen(it, any, &filter.readable));
        Ok(Page { problems: found.collect(), next })
    }
}

/// A common problem in a transaction that changed it, as the offices see it that work on it.
pub(super) async fn whole(tx: &mut PgConnection, problem_id: ProblemId) -> Result<Seen, Error> {
    let wanted =
        problems::Wanted { problem_id: Some(problem_id), any: true, ..problems::Wanted::default() };
    let found = problems::list(tx, &wanted, 1).await?.pop();
    Ok(seen(found.ok_or(Error::ProblemNotFound)?, true, &[]))
}

fn seen(found: Counted, any: bool, readable: &[String]) -> Seen {
    let whole = any || readable.contains(&found.problem.lead_office_id);
    let (cases, rated) = match whole {
        true => (i64::from(found.problem.case_count), found.rated),
        false => (found.public, found.public_rated),
    };
    Seen { problem: found.problem, cases, rated, whole }
}

fn key(problem: &Problem) -> String {
    format!("{}/{}", problem.created_at.as_microsecond(), problem.problem_id)
}

fn parse_key(key: &str) -> Option<(Timestamp, ProblemId)> {
    let (at, id) = key.split_once('/')?;
    Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, id.parse().ok()?))
}
