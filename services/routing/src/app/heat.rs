//! What many people of a division write of lately.
//!
//! Nothing of it is stored: it is told from the newest public cases of the whole province, which tell
//! rare words from usual ones, and kept in memory for a minute as ids alone. Titles are read anew for each
//! page, so that what is public no more is gone at once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};

use super::App;
use crate::{
    domain::{
        CaseId,
        case::Case,
        directory::Level,
        hot::{Message, Telling, problems},
    },
    error::Error,
    store::{
        cases,
        hot::{self, Recent},
    },
};

/// The most cases that are compared: the newest.
const COMPARED: usize = 1_000;
/// Fewer do not tell rare words from usual ones.
const LEAST: usize = 100;
/// How long what was found is told.
const FRESH: Duration = Duration::from_secs(60);
/// For how many provinces and times it is kept.
const KEPT: usize = 128;
/// How long a request waits for others' to be looked for.
const WAIT: Duration = Duration::from_secs(10);
/// How many of a problem's cases are told.
const MOST_TOLD: usize = 20;

/// What was found, by province and days.
#[derive(Debug, Clone)]
pub struct Heat {
    kept: Arc<RwLock<HashMap<(String, u32), Found>>>,
    /// One is looked for at a time: it takes a processor some hundred milliseconds.
    turn: Arc<Semaphore>,
}

impl Default for Heat {
    fn default() -> Self {
        Self { kept: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

#[derive(Debug, Clone)]
struct Found {
    at: Timestamp,
    compared: usize,
    /// Since when, if there were more in the time.
    from: Option<Timestamp>,
    /// Of each problem the members, the most typical one first.
    problems: Arc<Vec<Vec<Member>>>,
}

#[derive(Debug, Clone)]
struct Member {
    case_id: CaseId,
    at: Timestamp,
    division_code: Option<String>,
    city_code: Option<String>,
}

/// What many write of.
#[derive(Debug)]
pub struct Hot {
    /// The most typical case of those that are public.
    pub typical: Case,
    /// All of them, the newest first, up to 20.
    pub case_ids: Vec<CaseId>,
    /// How many there are.
    pub cases: usize,
    /// How many are of the later half of the time.
    pub lately: usize,
    /// When the first was submitted.
    pub first_at: Timestamp,
    /// When the last was.
    pub last_at: Timestamp,
    /// The place that most name, if two do.
    pub place: Option<String>,
}

/// A page of it.
#[derive(Debug)]
pub struct Hottest {
    /// The problems, the most written of first.
    pub problems: Vec<Hot>,
    /// Whether there are more.
    pub more: bool,
    /// How many cases were compared.
    pub compared: usize,
    /// Whether they were enough.
    pub enough: bool,
    /// Since when cases were compared, if there are more in the time.
    pub from: Option<Timestamp>,
}

impl App {
    /// What many people of a division wrote of in the last days: up to `size` problems after the first
    /// `skip`.
    ///
    /// # Errors
    /// [`Error::DivisionNotFound`], [`Error::Busy`], or the database's.
    pub async fn hot_problems(
        &self,
        division: &str,
        days: u32,
        (skip, size): (usize, usize),
    ) -> Result<Hottest, Error> {
        let directory = self.directory();
        let level = directory.division(division).ok_or(Error::DivisionNotFound)?.level;
        let province = directory.place(Some(division)).province_code;
        let province = province.ok_or(Error::DivisionNotFound)?;
        let found = self.found_in(&province, days).await?;
        let lies = |member: &&Member| match level {
            Level::State | Level::Province => true,
            Level::City => member.city_code.as_deref() == Some(division),
            Level::County => member.division_code.as_deref() == Some(division),
        };
        let mut here: Vec<Vec<&Member>> = found
            .problems
            .iter()
            .map(|members| members.iter().filter(lies).collect::<Vec<_>>())
            .filter(|members| members.len() >= Telling::default().least)
            .collect();
        here.sort_by_key(|members| usize::MAX - members.len());
        let more = here.len() > skip + size;
        let page: Vec<Vec<&Member>> = here.into_iter().skip(skip).take(size).collect();
        let ids: Vec<CaseId> = page.iter().flatten().map(|member| member.case_id).collect();
        let public = cases::public(&mut *self.db.read().await?, &ids).await?;
        let public: HashMap<CaseId, Case> =
            public.into_iter().map(|case| (case.case_id, case)).collect();
        let start = found.from.unwrap_or_else(|| before(found.at, u64::from(days) * 86_400));
        let half = before(found.at, found.at.duration_since(start).unsigned_abs().as_secs() / 2);
        let problems = page.into_iter().filter_map(|members| told(&members, &public, half));
        Ok(Hottest {
            problems: problems.collect(),
            more,
            compared: found.compared,
            enough: found.compared >= LEAST,
            from: found.from,
        })
    }

    /// What was found in a province, now or within the last minute.
    async fn found_in(&self, province: &str, days: u32) -> Result<Found, Error> {
        let key = (province.to_owned(), days);
        let now = self.now();
        let fresh = |heat: &Heat| {
            let kept = heat.kept.read().unwrap_or_else(PoisonError::into_inner);
            let found = kept.get(&key).filter(|found| is_fresh(found, now));
            found.cloned()
        };
        if let Some(found) = fresh(&self.heat) {
            return Ok(found);
        }
        let turn = timeout(WAIT, self.heat.turn.acquire()).await;
        let _turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Stopping)?;
        if let Some(found) = fresh(&self.heat) {
            return Ok(found);
        }
        let after = before(now, u64::from(days) * 86_400);
        let limit = i64::try_from(COMPARED + 1).unwrap_or(i64::MAX);
        let mut recent = hot::recent(&mut *self.db.read().await?, province, after, limit).await?;
        let from = cut(&mut recent, COMPARED);
        let looking = tokio::task::spawn_blocking(move || found(&recent, from, now)).await;
        let found = looking.map_err(|_| Error::Stopping)?;
        let mut kept = self.heat.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, found| is_fresh(found, now));
        if kept.len() < KEPT {
            kept.insert(key, found.clone());
        }
        Ok(found)
    }
}

fn before(at: Timestamp, seconds: u64) -> Timestamp {
    at.saturating_sub(Duration::from_secs(seconds)).unwrap_or(at)
}

fn is_fresh(found: &Found, now: Timestamp) -> bool {
    let age = now.duration_since(found.at);
    !age.is_negative() && age.unsigned_abs() < FRESH
}

/// Keeps the newest of cases that come so. Gives since when there are all, if some were left out.
fn cut(recent: &mut Vec<Recent>, most: usize) -> Option<Timestamp> {
    let are_more = recent.len() > most;
    recent.truncate(most);
    recent.last().filter(|_| are_more).map(|oldest| oldest.at)
}

fn found(recent: &[Recent], from: Option<Timestamp>, at: Timestamp) -> Found {
    let compared = recent.len();
    let messages: Vec<Message<'_>> = recent
        .iter()
        .map(|case| Message { at: case.at, title: &case.title, body: &case.body })
        .collect();
    let enough = compared >= LEAST;
    let told = if enough { problems(&messages, &Telling::default()) } else { Vec::new() };
    let member = |place: usize| {
        let Recent { case_id, at, division_code, city_code, .. } = recent[place].clone();
        Member { case_id, at, division_code, city_code }
    };
    let members = told.into_iter().map(|problem| {
        let others = problem.messages.iter().filter(|place| **place != problem.typical);
        std::iter::once(problem.typical).chain(others.copied()).map(member).collect()
    });
    Found { at, compared, from, problems: Arc::new(members.collect()) }
}

/// What is told of a problem: of those members alone that are public now.
fn told(members: &[&Member], public: &HashMap<CaseId, Case>, half: Timestamp) -> Option<Hot> {
    let members: Vec<&&Member> =
        members.iter().filter(|member| public.contains_key(&member.case_id)).collect();
    if members.len() < Telling::default().least {
        return None;
    }
    let typical = public.get(&members.first()?.case_id)?.clone();
    let mut newest = members.clone();
    newest.sort_by_key(|member| std::cmp::Reverse((member.at, member.case_id)));
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let cases: HashSet<CaseId> = members.iter().map(|member| member.case_id).collect();
    for case in cases.iter().filter_map(|case_id| public.get(case_id)) {
        let place = case.text.as_ref().map_or("", |text| text.place.trim());
        if !place.is_empty() {
            *places.entry(place).or_default() += 1;
        }
    }
    let place = places.into_iter().filter(|(_, times)| *times > 1).max_by_key(|(_, times)| *times);
    Some(Hot {
        cases: members.len(),
        lately: members.iter().filter(|member| member.at >= half).count(),
        first_at: newest.last()?.at,
        last_at: newest.first()?.at,
        place: place.map(|(place, _)| place.to_owned()),
        case_ids: newest.iter().take(MOST_TOLD).map(|member| member.case_id).collect(),
        typical,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_cases_are_compared_is_told_where_some_were_left_out() {
        let case = |hours: u64| Recent {
            case_id: uuid::Uuid::from_u128(hours.into()).into(),
            at: before("2026-06-03T10:00:00+08".parse().unwrap(), hours * 3_600),
            division_code: None,
            city_code: None,
            title: String::new(),
            body: String::new(),
        };
        let newest_first = || (0..4).map(case).collect::<Vec<_>>();
        for (most, from) in [(3, Some(case(2).at)), (4, None), (5, None)] {
            let mut recent = newest_first();
            assert_eq!(cut(&mut recent, most), from, "{most}");
            assert_eq!(recent.len(), most.min(4));
        }
        assert_eq!(cut(&mut Vec::new(), 3), None);
    }
}
