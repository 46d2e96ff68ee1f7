//! Looking at cases.

use std::collections::HashMap;

use liuyan_kit::auth::Caller;
use sqlx::PgConnection;

use super::{App, distinct, viewer};
use crate::{
    domain::{
        CaseId,
        access::{Sight, sight},
        assignment::kept_away_by,
        case::Case,
        directory::Level,
        page,
        view::{self, View},
    },
    error::Error,
    store::{
        cases::{self, Filter, Name},
        children,
    },
};

/// How many cases a page has, if the caller does not say.
pub const USUAL_PAGE: usize = 50;
/// The most cases of a page.
pub const MOST_PAGE: usize = 200;

/// Which cases a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of this division and those below it.
    pub division_code: Option<String>,
    /// Only in the state with this code.
    pub state: Option<&'static str>,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A page of cases.
#[derive(Debug)]
pub struct Page {
    /// The cases with their views.
    pub cases: Vec<(Case, View)>,
    /// The token of the next page; empty at the end.
    pub next: String,
}

impl App {
    /// A case, as far as the caller may see it.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that they may not know of.
    pub async fn case(&self, caller: &Caller, name: &Name) -> Result<(Case, View), Error> {
        let mut connection = self.db.read().await?;
        let case = cases::find(&mut connection, name).await?.ok_or(Error::CaseNotFound)?;
        if sight(&self.directory.offices, &case, &viewer(caller, &case)) == Sight::Hidden {
            return Err(Error::CaseNotFound);
        }
        let mut seen = with_views(&mut connection, vec![case]).await?;
        seen.pop().ok_or(Error::CaseNotFound)
    }

    /// A page of cases, the newest first: public ones, and those of the caller's offices.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token.
    pub async fn cases(&self, caller: &Caller, wanted: &Wanted) -> Result<Page, Error> {
        let size = page::size(wanted.page_size, USUAL_PAGE, MOST_PAGE)
            .ok_or_else(|| Error::invalid("page_size", "SIZE_NEGATIVE"))?;
        let (office, division) = (&wanted.office_id, &wanted.division_code);
        let bound = format!("cases {office:?} {division:?} {:?}", wanted.state);
        let mut filter = self.filter(caller, wanted)?;
        if !wanted.page_token.is_empty() {
            let key = page::key(&bound, &wanted.page_token);
            let after = key.as_deref().and_then(parse_key);
            filter.after =
                Some(after.ok_or_else(|| Error::invalid("page_token", "PAGE_TOKEN_INVALID"))?);
        }
        let mut connection = self.db.read().await?;
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = cases::list(&mut connection, &filter, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some(last) => page::token(
                &bound,
                &format!("{}/{}", last.submitted_at.as_microsecond(), last.case_id),
            ),
            None => String::new(),
        };
        Ok(Page { cases: with_views(&mut connection, found).await?, next })
    }

    fn filter(&self, caller: &Caller, wanted: &Wanted) -> Result<Filter, Error> {
        let offices = &self.directory.offices;
        let reads = caller.has("case:work") || caller.has("case:read");
        let theirs = caller.offices.iter().map(String::as_str).filter(|_| reads);
        let mut filter = Filter {
            any: caller.has("case:any"),
            readable: offices.at_or_below(theirs).into_iter().map(str::to_owned).collect(),
            kept_away_by: kept_away_by(offices, &caller.offices),
            office_id: wanted.office_id.clone(),
            state: wanted.state,
            ..Filter::default()
        };
        if let Some(code) = &wanted.division_code {
            let division = self.directory.division(code).ok_or(Error::DivisionNotFound)?;
            let code = Some(code.clone());
            match division.level {
                Level::State | Level::County => filter.division_code = code,
                Level::City => filter.city_code = code,
                Level::Province => filter.province_code = code,
            }
        }
        Ok(filter)
    }

    /// The views of those of the cases that are public, in the order asked.
    ///
    /// # Errors
    /// The database's.
    pub async fn public_cases(&self, ids: &[CaseId]) -> Result<Vec<View>, Error> {
        let mut connection = self.db.read().await?;
        let found = cases::public(&mut connection, &distinct(ids)).await?;
        let views = with_views(&mut connection, found).await?;
        let views: HashMap<CaseId, View> =
            views.into_iter().map(|(case, view)| (case.case_id, view)).collect();
        Ok(ids.iter().filter_map(|id| views.get(id).cloned()).collect())
    }
}

async fn with_views(
    connection: &mut PgConnection,
    cases: Vec<Case>,
) -> Result<Vec<(Case, View)>, sqlx::Error> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let mut children = children::of(connection, &cases).await?;
    Ok(cases
        .into_iter()
        .map(|case| {
            let replies = children.replies.remove(&case.case_id).unwrap_or_default();
            let custody = children.custody.remove(&case.case_id).unwrap_or_default();
            let view = view::assemble(&case, replies, custody);
            (case, view)
        })
        .collect())
}

fn parse_key(key: &str) -> Option<(jiff::Timestamp, CaseId)> {
    let (at, case_id) = key.split_once('/')?;
    let at = jiff::Timestamp::from_microsecond(at.parse().ok()?).ok()?;
    Some((at, case_id.parse().ok()?))
}
