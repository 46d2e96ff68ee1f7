//! Finding public cases by words.

use std::collections::HashMap;

use liuyan_kit::class::Violation;
use sqlx::PgConnection;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    App,
    reading::{self, Codes, parse_key},
};
use crate::{
    domain::{
        CaseId,
        case::Case,
        directory::Level,
        page,
        search::{self, Excerpt, Query, Term, place, sample::Sample},
        view::View,
    },
    error::Error,
    store::{
        cases, children,
        words::{self, Key, Looked, Words},
    },
};

/// How many cases a page has, if the caller does not say, and the most.
const USUAL_PAGE: usize = 20;
const MOST_PAGE: usize = 100;
/// The length of a query, in characters.
const QUERY_LENGTHS: std::ops::RangeInclusive<usize> = 2..=100;
/// How far cases are counted.
const COUNTED: usize = 1_000;
/// In a sample so many are enough to tell how frequent words are.
const TELLING: usize = 250;
/// To fetch a case that the index names costs as much as to look at so many of the newest: they lie together.
const APART: usize = 4;
/// What is estimated is expected to be so many times as much at most.
const SLACK: usize = 4;
/// How many cases get their words in one transaction.
const ROUND: i64 = 100;

/// What a caller looks for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// Words.
    pub query: String,
    /// Only of this division and those below it.
    pub division_code: Option<String>,
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of these.
    pub codes: Codes,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A case that was found.
#[derive(Debug)]
pub struct Hit {
    /// Its view.
    pub view: View,
    /// A part of its text.
    pub excerpt: Excerpt,
}

/// A page of what was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The cases, the newest first.
    pub hits: Vec<Hit>,
    /// The token of the next page; empty at the end.
    pub next: String,
    /// How many there are, as far as is counted.
    pub total: usize,
}

impl App {
    /// A page of the public cases that have all the words, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no query, and for a wrong size or token.
    pub async fn search(&self, sought: &Sought) -> Result<Found, Error> {
        let has = sought.query.trim().graphemes(true).count();
        let mut wrong = self.unknown_codes(&sought.codes);
        let query = Query::parse(&sought.query);
        if !QUERY_LENGTHS.contains(&has) {
            let violation = Violation::new("query", "QUERY_LENGTH").with("has", has);
            let (least, most) = (QUERY_LENGTHS.start(), QUERY_LENGTHS.end());
            wrong.push(violation.with("least", least).with("most", most));
        } else if query.is_none() {
            wrong.push(Violation::new("query", "QUERY_EMPTY"));
        }
        let size = page::size(sought.page_size, USUAL_PAGE, MOST_PAGE);
        if size.is_none() {
            wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
        }
        let bound = format!(
            "search {sought:?}",
            sought = Sought { page_size: 0, page_token: String::new(), ..sought.clone() }
        );
        let after = match sought.page_token.as_str() {
            "" => None,
            token => {
                let key = page::key(&bound, token).as_deref().and_then(parse_key);
                if key.is_none() {
                    wrong.push(Violation::new("page_token", "PAGE_TOKEN_INVALID"));
                }
                key
            }
        };
        let (Some(query), Some(size), true) = (query, size, wrong.is_empty()) else {
            return Err(Error::Invalid(wrong));
        };
        let Some(looked) = self.looked(&query, sought, after)? else { return Ok(Found::default()) };
        self.found(&query, &looked, size, &bound).await
    }

    /// What is to be looked for in the database; nothing if there is no such office.
    fn looked(
        &self,
        query: &Query,
        sought: &Sought,
        after: Option<Key>,
    ) -> Result<Option<Looked>, Error> {
        let directory = self.directory();
        let (state, times) = (sought.codes.state, sought.codes.days.times());
        let mut looked = Looked { state, times, after, ..Looked::default() };
        let mut terms = query.terms();
        if let Some(code) = &sought.division_code {
            let division = directory.division(code).ok_or(Error::DivisionNotFound)?;
            terms.insert(Term::Whole(place::division(code)));
            match division.level {
                Level::State | Level::County => looked.division_code = Some(code.clone()),
                Level::City => looked.city_code = Some(code.clone()),
                Level::Province => looked.province_code = Some(code.clone()),
            }
        }
        if let Some(id) = &sought.office_id {
            if directory.offices.get(id).is_none() {
                return Ok(None);
            }
            terms.insert(Term::Whole(place::office(id)));
            looked.office_id = Some(id.clone());
        }
        terms.extend(sought.codes.kind.iter().map(|code| Term::Whole(place::kind(code))));
        terms.extend(sought.codes.domain.iter().map(|code| Term::Whole(place::domain(code))));
        looked.words = words::all_of(&terms);
        Ok(Some(looked))
    }

    async fn found(
        &self,
        query: &Query,
        looked: &Looked,
        size: usize,
        bound: &str,
    ) -> Result<Found, Error> {
        let mut connection = self.db.read().await?;
        let (mut keys, total) = matching(&mut connection, looked, size + 1).await?;
        let more = keys.len() > size;
        keys.truncate(size);
        let next = match keys.last().filter(|_| more) {
            Some((at, case_id)) => page::token(bound, &reading::key(*at, *case_id)),
            None => String::new(),
        };
        let ids: Vec<CaseId> = keys.iter().map(|(_, case_id)| *case_id).collect();
        let cases = cases::public(&mut connection, &ids).await?;
        let mut children = children::of(&mut connection, &cases).await?;
        // What follows needs no connection.
        drop(connection);
        let mut views: HashMap<CaseId, View> =
            cases.iter().map(|case| (case.case_id, children.view(case))).collect();
        let hits = ids.iter().filter_map(|id| {
            let view = views.remove(id)?;
            Some(Hit { excerpt: query.excerpt(&view), view })
        });
        Ok(Found { hits: hits.collect(), next, total })
    }

    /// Gives words to public cases that have none, or have those of an older way. Gives how many
    /// were looked at.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn index_cases(&self) -> Result<usize, Error> {
        let missing = words::missing(&mut *self.db.read().await?, ROUND).await?;
        if missing.is_empty() {
            return Ok(0);
        }
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut cases = cases::lock_free(tx, &missing).await?;
                    cases.retain(Case::is_public);
                    let mut children = children::of(tx, &cases).await?;
                    let all: Vec<Words> =
                        cases.iter().map(|case| words_of(case, &children.view(case))).collect();
                    words::put(tx, &all).await?;
                    Ok(missing.len())
                })
            })
            .await
    }
}

/// How frequent some words are.
#[derive(Debug, Clone, Copy)]
struct Frequency {
    /// How many cases have them, about.
    having: usize,
    /// Whether there may be far more.
    or_more: bool,
    /// Whether it is known that there are more than are counted.
    many: bool,
    /// Of how many.
    of: usize,
}

impl Frequency {
    /// Among how many of the newest cases `limit` are expected that have the words.
    fn walk(self, limit: usize) -> usize {
        limit * self.of / self.having.max(1)
    }

    /// Whether it costs less to walk to `limit` cases from the newest one than to fetch all that have the words.
    fn is_for_a_walk(self, limit: usize) -> bool {
        let counting = if self.many { 0 } else { APART * COUNTED };
        self.or_more || self.walk(limit) + counting < APART * self.having
    }
}

/// Tells by samples of the cases how frequent words are: of frequent ones they have enough, and all that have
/// them would be many.
async fn frequency(
    connection: &mut PgConnection,
    looked: &Looked,
) -> Result<Frequency, sqlx::Error> {
    let about = words::about(connection).await?;
    let of = usize::try_from(about).unwrap_or(0);
    let mut frequency = Frequency { having: COUNTED, or_more: true, many: false, of };
    for sample in Sample::fitting(about) {
        let many = sample.tells_more_than(COUNTED);
        let most = many.max(TELLING);
        let some = words::matches(connection, &looked.within(&sample.word()), most).await?.len();
        let having = sample.stands_for(some);
        frequency = Frequency { having, or_more: some >= most, many: some >= many, of };
        if frequency.many {
            break;
        }
    }
    Ok(frequency)
}

/// The newest `limit` cases that match, or somewhat more, and how many match, as far as is counted.
async fn matching(
    connection: &mut PgConnection,
    looked: &Looked,
    limit: usize,
) -> Result<(Vec<Key>, usize), sqlx::Error> {
    let frequency = frequency(connection, looked).await?;
    let walks = frequency.is_for_a_walk(limit);
    if !(walks && frequency.many) {
        let most = if walks { COUNTED + 1 } else { SLACK * frequency.having.max(COUNTED) };
        let mut keys = words::matches(connection, looked, most).await?;
        if keys.len() < most {
            // These are all.
            let total = keys.len().min(COUNTED);
            keys.retain(|key| looked.after.is_none_or(|after| *key < after));
            keys.sort_unstable_by(|one, other| other.cmp(one));
            return Ok((keys, total));
        }
    }
    if walks {
        let among = SLACK * frequency.walk(limit).max(limit);
        let keys = words::newest(connection, looked, among, limit).await?;
        if keys.len() >= limit {
            return Ok((keys, COUNTED));
        }
    }
    Ok((words::sorted(connection, looked, limit).await?, COUNTED))
}

/// The words by which a public case is found.
pub(super) fn words_of(case: &Case, view: &View) -> Words {
    Words {
        case_id: case.case_id,
        submitted_at: case.submitted_at,
        words: search::words_of(view, &case.place),
    }
}
