//! Looking at cases.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};
use liuyan_kit::{auth::Caller, class::Violation};
use sqlx::{Postgres, pool::PoolConnection};

use super::{App, answering::judgement, distinct, reads, viewer};
use crate::{
    domain::{
        CaseId, ProblemId,
        access::{Sight, is_among, may_work, sight},
        assignment::kept_away_by,
        calendar::{next, start_of},
        case::{Case, Text},
        common::objectable_until,
        directory::{Directory, Level},
        gate::Judgement,
        page,
        view::View,
    },
    error::Error,
    store::{
        acts::{self, Act, FollowUp},
        cases::{self, Filter, Name, Order, Times},
        children, problems,
        ratings::{self, Rated},
    },
};

/// How many cases a page has, if the caller does not say.
pub const USUAL_PAGE: usize = 50;
/// The most cases of a page.
pub const MOST_PAGE: usize = 200;

/// What a case is by its codes.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    /// Only in the state with this code.
    pub state: Option<&'static str>,
    /// Only of this domain.
    pub domain: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of these days.
    pub days: Days,
}

/// Days in China, each with the other if it is given, and of what they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Days {
    /// The first.
    pub from: Option<Date>,
    /// The last.
    pub until: Option<Date>,
    /// Whether they are those of the last reply; else of the submission.
    pub of_reply: bool,
}

impl Days {
    /// When such a day begins and ends. What lies beyond time bounds nothing.
    pub(super) fn times(self) -> Times {
        let until = self.until.and_then(next);
        let span = (self.from.and_then(start_of), until.and_then(start_of));
        let none = (None, None);
        match self.of_reply {
            true => Times { submitted: none, replied: span },
            false => Times { submitted: span, replied: none },
        }
    }
}

/// Which cases a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of this division and those below it.
    pub division_code: Option<String>,
    /// Only of these.
    pub codes: Codes,
    /// In which order.
    pub order: Order,
    /// Only what waits for a first answer.
    pub unanswered: bool,
    /// Only what is watched.
    pub supervised: bool,
    /// Only in this common problem.
    pub problem_id: Option<ProblemId>,
    /// Only what the caller may see as an official.
    pub own: bool,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A case as a caller sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The case.
    pub case: Case,
    /// Its view.
    pub view: View,
    /// The ratings of its replies, if the caller is its author.
    pub ratings: Vec<Rated>,
    /// Whether the caller sees it whole.
    pub whole: bool,
    /// What its office has asked the author, if it waits and the caller sees the case whole.
    pub question: Option<String>,
    /// What its author asked on, if the caller sees the case whole.
    pub follow_ups: Vec<FollowUp>,
    /// Until when the caller, if they wrote it, may object to what answered it with others.
    pub objectable_until: Option<Timestamp>,
    /// The original text, at a look of an official; it is shown in the place of the view's.
    pub original: Option<Text>,
}

/// A page of cases.
#[derive(Debug, Default)]
pub struct Page {
    /// The cases.
    pub cases: Vec<Seen>,
    /// The token of the next page; empty at the end.
    pub next: String,
}

impl App {
    /// A case, as far as the caller may see it, with no text but what is kept here.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that they may not know of.
    pub(super) async fn case(&self, caller: &Caller, name: &Name) -> Result<Seen, Error> {
        let mut connection = self.db.read().await?;
        let case = cases::find(&mut connection, name).await?.ok_or(Error::CaseNotFound)?;
        if sight(&self.directory(), &case, &viewer(caller, &case)) == Sight::Hidden {
            return Err(Error::CaseNotFound);
        }
        let mut seen = seen_by(caller, &self.directory(), connection, vec![case]).await?;
        seen.pop().ok_or(Error::CaseNotFound)
    }

    /// A page of cases: public ones, and those of the caller's offices and divisions.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token.
    pub async fn cases(&self, caller: &Caller, wanted: &Wanted) -> Result<Page, Error> {
        let mut wrong = self.unknown_codes(&wanted.codes);
        let size = page::size(wanted.page_size, USUAL_PAGE, MOST_PAGE);
        if size.is_none() {
            wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
        }
        let bound = Wanted { page_size: 0, page_token: String::new(), ..wanted.clone() };
        let bound = format!("cases {bound:?}");
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
        let Some(mut filter) = self.filter(caller, wanted)? else { return Ok(Page::default()) };
        filter.after = after;
        let mut connection = self.db.read().await?;
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = cases::list(&mut connection, wanted.order, &filter, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some(last) => page::token(&bound, &key(wanted.order.time(last), last.case_id)),
            None => String::new(),
        };
        Ok(Page { cases: seen_by(caller, &self.directory(), connection, found).await?, next })
    }

    /// Up to `size` acts of a case after a position, for an official who sees it whole.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that they may not know of; [`Error::NotYourCase`].
    pub async fn acts(
        &self,
        caller: &Caller,
        case_id: CaseId,
        after: i32,
        size: usize,
    ) -> Result<Vec<Act>, Error> {
        let seen = self.case(caller, &Name::Case(case_id)).await?;
        if !seen.whole || viewer(caller, &seen.case).author {
            return Err(Error::NotYourCase);
        }
        let limit = i64::try_from(size).unwrap_or(i64::MAX);
        Ok(acts::of(&mut *self.db.read().await?, case_id, after, limit).await?)
    }

    /// What the gate would say of a reply to a case on which the caller works.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that they may not know of; [`Error::NotYourCase`].
    pub async fn check_reply(
        &self,
        caller: &Caller,
        case_id: CaseId,
        body: &str,
    ) -> Result<Judgement, Error> {
        let seen = self.case(caller, &Name::Case(case_id)).await?;
        may_work(&self.directory(), &seen.case, &viewer(caller, &seen.case))
            .map_err(|_| Error::NotYourCase)?;
        judgement(&mut *self.db.read().await?, &seen.case, body).await
    }

    /// Codes that no list has.
    pub(super) fn unknown_codes(&self, codes: &Codes) -> Vec<Violation> {
        let directory = self.directory();
        let kind = codes.kind.as_ref();
        let kind = kind.filter(|code| directory.kinds.iter().all(|it| it.kind != **code));
        let domain = codes.domain.as_ref();
        let domain = domain.filter(|code| directory.domains.iter().all(|it| it.domain != **code));
        let wrong = [("domain", domain), ("kind", kind)].into_iter();
        let wrong = wrong.filter_map(|(field, code)| code.map(|_| field));
        wrong.map(|field| Violation::new(field, "VALUE_UNKNOWN")).collect()
    }

    /// Whether a caller acts for all offices, and the offices whose cases they read as an official.
    pub(super) fn readable(&self, caller: &Caller) -> (bool, Vec<String>) {
        let directory = self.directory();
        let acts_for_some = !caller.offices.is_empty() || !caller.divisions.is_empty();
        let any = caller.has("case:any");
        let readable = directory
            .offices
            .iter()
            .filter(|_| acts_for_some && (reads(caller) || any))
            .map(|office| &office.office_id)
            .filter(|id| is_among(&directory, id, &caller.offices, &caller.divisions));
        (any, readable.cloned().collect())
    }

    /// What is to be asked of the database; nothing if there can be no such case.
    fn filter(&self, caller: &Caller, wanted: &Wanted) -> Result<Option<Filter>, Error> {
        let directory = self.directory();
        let (for_all, readable) = self.readable(caller);
        // Who acts for all has all in the inbox, unless they act for some.
        let acts_for_some = !caller.offices.is_empty() || !caller.divisions.is_empty();
        let any = for_all && !(wanted.own && acts_for_some);
        let unknown = |id: &String| directory.offices.get(id).is_none();
        if wanted.office_id.as_ref().is_some_and(unknown)
            || (wanted.own && !any && readable.is_empty())
        {
            return Ok(None);
        }
        let mut filter = Filter {
            any,
            readable,
            own: wanted.own,
            kept_away_by: kept_away_by(&directory, &caller.offices, &caller.divisions),
            office_id: wanted.office_id.clone(),
            state: wanted.codes.state,
            domain: wanted.codes.domain.clone(),
            kind: wanted.codes.kind.clone(),
            unanswered: wanted.unanswered,
            supervised: wanted.supervised,
            problem_id: wanted.problem_id,
            times: wanted.codes.days.times(),
            ..Filter::default()
        };
        if let Some(code) = &wanted.division_code {
            let division = directory.division(code).ok_or(Error::DivisionNotFound)?;
            let code = Some(code.clone());
            match division.level {
                Level::State | Level::County => filter.division_code = code,
                Level::City => filter.city_code = code,
                Level::Province => filter.province_code = code,
            }
        }
        Ok(Some(filter))
    }

    /// The views of those of the cases that are public, in the order asked.
    ///
    /// # Errors
    /// The database's.
    pub async fn public_cases(&self, ids: &[CaseId]) -> Result<Vec<View>, Error> {
        let mut connection = self.db.read().await?;
        let found = cases::public(&mut connection, &distinct(ids)).await?;
        let mut children = children::of(&mut connection, &found).await?;
        drop(connection);
        let views: HashMap<CaseId, View> =
            found.iter().map(|case| (case.case_id, children.view(case))).collect();
        Ok(ids.iter().filter_map(|id| views.get(id).cloned()).collect())
    }
}

/// Cases with what a caller sees of them. The connection goes back before anything is put together.
async fn seen_by(
    caller: &Caller,
    directory: &Directory,
    mut connection: PoolConnection<Postgres>,
    cases: Vec<Case>,
) -> Result<Vec<Seen>, sqlx::Error> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let mut children = children::of(&mut connection, &cases).await?;
    let own = |case: &&Case| case.rating_count > 0 && caller.author_of(case.message_id.uuid());
    let own: Vec<CaseId> = cases.iter().filter(own).map(|case| case.case_id).collect();
    let mut ratings = match own.as_slice() {
        [] => HashMap::new(),
        own => ratings::of(&mut connection, own).await?,
    };
    let asked = cases.iter().filter(|case| case.handling.follow_up_count > 0);
    let asked: Vec<CaseId> = asked.map(|case| case.case_id).collect();
    let mut asked = match asked.as_slice() {
        [] => HashMap::new(),
        asked => acts::follow_ups(&mut connection, asked).await?,
    };
    let in_one = cases.iter().filter(|case| caller.author_of(case.message_id.uuid()));
    let in_one: Vec<ProblemId> = in_one.filter_map(|case| case.handling.problem_id).collect();
    let answered = match in_one.as_slice() {
        [] => HashMap::new(),
        in_one => problems::answered_at(&mut connection, in_one).await?,
    };
    drop(connection);
    let until = |case: &Case| {
        let own = caller.author_of(case.message_id.uuid());
        let answered_at = answered.get(&case.handling.problem_id.filter(|_| own)?)?;
        Some(objectable_until(*answered_at))
    };
    Ok(cases
        .into_iter()
        .map(|case| {
            let whole = sight(directory, &case, &viewer(caller, &case)) == Sight::Whole;
            Seen {
                question: children.questions.remove(&case.case_id).filter(|_| whole),
                follow_ups: asked.remove(&case.case_id).filter(|_| whole).unwrap_or_default(),
                view: children.view(&case),
                ratings: ratings.remove(&case.case_id).unwrap_or_default(),
                objectable_until: until(&case),
                case,
                whole,
                original: None,
            }
        })
        .collect())
}

/// A case's place in a list, as a token's key.
pub(super) fn key(at: Timestamp, case_id: CaseId) -> String {
    format!("{}/{case_id}", at.as_microsecond())
}

/// Reads a key.
pub(super) fn parse_key(key: &str) -> Option<(Timestamp, CaseId)> {
    let (at, case_id) = key.split_once('/')?;
    Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, case_id.parse().ok()?))
}
