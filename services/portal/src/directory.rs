//! Who there is to write to: names by code, kept for a while.

use std::{collections::HashMap, sync::Arc};

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_kit::{
    class::{Class, Classify as _},
    clock::SharedClock,
    locale::FIRST,
};
use liuyan_proto::liuyan::{moderation::v1 as moderation, routing::v1 as routing};
pub(crate) use moderation::Ground;
pub(crate) use routing::{Division, Domain, Kind, Office};
use tokio::sync::Mutex;

use crate::{backend::Backends, cache::Cache, config::Limits, error::Error};

mod whole;

pub(crate) use whole::Found;
use whole::Whole;

/// The size of a page of the directory; the largest that routing gives.
const PAGE: i32 = 1_000;
/// The most pages that are read for one list.
const PAGES: usize = 10;
/// The most steps from a division to the top.
const STEPS: usize = 6;
/// How long what is looked through by words is fresh: reading it anew takes some hundred calls.
const WHOLE_FRESH: SignedDuration = SignedDuration::from_secs(300);

/// Names by code. What it does not know it asks routing for, and keeps.
#[derive(Debug)]
pub(crate) struct Directory {
    backend: Backends,
    kinds: Cache<(), Vec<Kind>>,
    domains: Cache<(), Vec<Domain>>,
    grounds: Cache<(), Vec<Ground>>,
    children: Cache<String, Vec<Division>>,
    divisions: Cache<String, Option<Division>>,
    offices_of: Cache<String, Vec<Office>>,
    offices: Cache<String, Option<Office>>,
    whole: Cache<(), Whole>,
    /// Held by who reads the whole for the first time, so that others wait and do not read it, too.
    reading: Mutex<()>,
}

/// Who takes what is written to a division.
#[derive(Debug, Default)]
pub(crate) struct Takers {
    /// Open offices; none if nobody takes it.
    pub(crate) offices: Vec<Office>,
    /// Whose offices they are, if the division has none that is open: what took its place, or one above.
    pub(crate) instead: Option<Division>,
}

/// Whether a division is no more on a day, written as YYYY-MM-DD.
pub(crate) fn is_gone(division: &Division, today: &str) -> bool {
    !division.valid_until.is_empty() && division.valid_until.as_str() < today
}

/// What is not there is an answer, too.
fn found<T>(answer: Result<T, tonic::Status>) -> Result<Option<T>, Error> {
    match answer.map_err(Error::from) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.class(), Class::NotFound | Class::Invalid) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Divisions by the one above them.
#[derive(Debug, Clone)]
struct Children {
    backend: Backends,
    known: Cache<String, Vec<Division>>,
}

impl Children {
    /// The divisions directly below one; the provinces for an empty code.
    async fn of(&self, parent: &str) -> Result<Arc<Vec<Division>>, Error> {
        let (backend, parent) = (self.backend.clone(), parent.to_owned());
        self.known
            .get(parent.clone(), || async move {
                let mut all = Vec::new();
                let mut page_token = String::new();
                for _ in 0..PAGES {
                    let parent_code = parent.clone();
                    let ask = routing::ListDivisionsRequest {
                        parent_code,
                        page_size: PAGE,
                        page_token,
                        ..routing::ListDivisionsRequest::default()
                    };
                    let request = backend.request(ask, FIRST, None);
                    let page = backend.directory().list_divisions(request).await?.into_inner();
                    all.extend(page.divisions);
                    page_token = page.next_page_token;
                    if page_token.is_empty() {
                        break;
                    }
                }
                Ok(all)
            })
            .await
    }
}

impl Directory {
    pub(crate) fn new(backend: Backends, clock: SharedClock, limits: &Limits) -> Self {
        let fresh = limits.fresh();
        Self {
            backend,
            kinds: Cache::new(clock.clone(), fresh, limits),
            domains: Cache::new(clock.clone(), fresh, limits),
            grounds: Cache::new(clock.clone(), fresh, limits),
            children: Cache::new(clock.clone(), fresh, limits),
            divisions: Cache::new(clock.clone(), fresh, limits),
            offices_of: Cache::new(clock.clone(), fresh, limits),
            offices: Cache::new(clock.clone(), fresh, limits),
            whole: Cache::new(clock, WHOLE_FRESH.max(fresh), limits),
            reading: Mutex::default(),
        }
    }

    /// The kinds of messages, in their order.
    pub(crate) async fn kinds(&self) -> Result<Arc<Vec<Kind>>, Error> {
        let backend = self.backend.clone();
        self.kinds
            .get((), || async move {
                let request = backend.request(routing::ListKindsRequest {}, FIRST, None);
                Ok(backend.directory().list_kinds(request).await?.into_inner().kinds)
            })
            .await
    }

    /// The domains with their topics, in their order.
    pub(crate) async fn domains(&self) -> Result<Arc<Vec<Domain>>, Error> {
        let backend = self.backend.clone();
        self.domains
            .get((), || async move {
                let request = backend.request(routing::ListDomainsRequest {}, FIRST, None);
                Ok(backend.directory().list_domains(request).await?.into_inner().domains)
            })
            .await
    }

    /// The grounds for not publishing, in their order.
    pub(crate) async fn grounds(&self) -> Result<Arc<Vec<Ground>>, Error> {
        let backend = self.backend.clone();
        self.grounds
            .get((), || async move {
                let request = backend.request(moderation::ListGroundsRequest {}, FIRST, None);
                Ok(backend.reviews().list_grounds(request).await?.into_inner().grounds)
            })
            .await
    }

    /// The divisions directly below one; the provinces for an empty code.
    pub(crate) async fn children(&self, parent: &str) -> Result<Arc<Vec<Division>>, Error> {
        Children { backend: self.backend.clone(), known: self.children.clone() }.of(parent).await
    }

    /// All offices, to be found by words.
    pub(crate) async fn whole(&self) -> Result<Arc<Whole>, Error> {
        let children = Children { backend: self.backend.clone(), known: self.children.clone() };
        let _reading = self.reading.lock().await;
        self.whole.get((), || Whole::read(children)).await
    }

    /// A division.
    pub(crate) async fn division(&self, code: &str) -> Result<Option<Division>, Error> {
        if code.is_empty() {
            return Ok(None);
        }
        let (backend, code) = (self.backend.clone(), code.to_owned());
        let known = self.divisions.get(code.clone(), || async move {
            let request = backend.request(routing::GetDivisionRequest { code }, FIRST, None);
            let answer = found(backend.directory().get_division(request).await)?;
            Ok(answer.and_then(|answer| answer.into_inner().division))
        });
        Ok(Option::clone(&*known.await?))
    }

    /// A division and all above it, from the top.
    pub(crate) async fn line(&self, code: &str) -> Result<Vec<Division>, Error> {
        let mut line = Vec::new();
        let mut code = code.to_owned();
        for _ in 0..STEPS {
            let Some(division) = self.division(&code).await? else { break };
            code.clone_from(&division.parent_code);
            line.push(division);
        }
        line.reverse();
        Ok(line)
    }

    /// Who takes what is written to a division on a day, written as YYYY-MM-DD: its own offices, else
    /// those of what took its place or of the nearest one above that has some.
    pub(crate) async fn takers(&self, code: &str, today: &str) -> Result<Takers, Error> {
        let mut at = code.to_owned();
        for _ in 0..2 * STEPS {
            let Some(division) = self.division(&at).await? else { break };
            let gone = is_gone(&division, today);
            if !gone {
                let all = self.offices_of(&at).await?;
                let offices: Vec<Office> = all.iter().filter(|it| it.open).cloned().collect();
                if !offices.is_empty() {
                    return Ok(Takers { offices, instead: (at != code).then_some(division) });
                }
            }
            at = match gone && !division.successor_code.is_empty() {
                true => division.successor_code,
                false => division.parent_code,
            };
        }
        Ok(Takers::default())
    }

    /// The offices of one division; the ministries for an empty code.
    pub(crate) async fn offices_of(&self, division_code: &str) -> Result<Arc<Vec<Office>>, Error> {
        let (backend, code) = (self.backend.clone(), division_code.to_owned());
        self.offices_of
            .get(code.clone(), || async move {
                let request = routing::ListOfficesRequest {
                    division_code: code,
                    include_below: false,
                    page_size: PAGE,
                    ..routing::ListOfficesRequest::default()
                };
                let request = backend.request(request, FIRST, None);
                Ok(backend.directory().list_offices(request).await?.into_inner().offices)
            })
            .await
    }

    /// An office.
    pub(crate) async fn office(&self, office_id: &str) -> Result<Option<Office>, Error> {
        if office_id.is_empty() {
            return Ok(None);
        }
        let (backend, office_id) = (self.backend.clone(), office_id.to_owned());
        let known = self.offices.get(office_id.clone(), || async move {
            let request = backend.request(routing::GetOfficeRequest { office_id }, FIRST, None);
            let answer = found(backend.directory().get_office(request).await)?;
            Ok(answer.and_then(|answer| answer.into_inner().office))
        });
        Ok(Option::clone(&*known.await?))
    }

    /// The names that a list needs. What can't be found is shown by its code, so that a directory
    /// that is away spoils no page.
    pub(crate) async fn names<'a>(
        &self,
        office_ids: impl IntoIterator<Item = &'a str>,
        division_codes: impl IntoIterator<Item = &'a str>,
    ) -> Names {
        let office_ids: Vec<&str> = unique(office_ids);
        let division_codes: Vec<&str> = unique(division_codes);
        let offices = office_ids
            .iter()
            .map(|id| async move { Some(((*id).to_owned(), self.office(id).await.ok()??.title)) });
        let divisions = division_codes.iter().map(|code| async move {
            Some(((*code).to_owned(), self.division(code).await.ok()??.name))
        });
        let (offices, divisions, kinds, domains) =
            futures::join!(join_all(offices), join_all(divisions), self.kinds(), self.domains());
        Names {
            offices: offices.into_iter().flatten().collect(),
            divisions: divisions.into_iter().flatten().collect(),
            kinds: kinds.unwrap_or_default(),
            domains: domains.unwrap_or_default(),
        }
    }
}

fn unique<'a>(codes: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut codes: Vec<&str> = codes.into_iter().filter(|code| !code.is_empty()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Names for what a page shows.
#[derive(Debug, Default)]
pub(crate) struct Names {
    offices: HashMap<String, String>,
    divisions: HashMap<String, String>,
    kinds: Arc<Vec<Kind>>,
    domains: Arc<Vec<Domain>>,
}

impl Names {
    /// An office's title.
    pub(crate) fn office(&self, id: &str) -> String {
        self.offices.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// A division's name; empty for none.
    pub(crate) fn division(&self, code: &str) -> String {
        self.divisions.get(code).cloned().unwrap_or_else(|| code.to_owned())
    }

    /// A kind's name.
    pub(crate) fn kind(&self, locale: &str, code: &str) -> String {
        let known = self.kinds.iter().find(|it| it.kind == code);
        known.map_or_else(|| code.to_owned(), |it| named(locale, &it.name_zh, &it.name_en))
    }

    /// A domain's name; empty for none.
    pub(crate) fn domain(&self, locale: &str, code: &str) -> String {
        let known = self.domains.iter().find(|it| it.domain == code);
        known.map_or_else(|| code.to_owned(), |it| named(locale, &it.name_zh, &it.name_en))
    }
}

/// The name in the visitor's language; the other one if that is missing.
pub(crate) fn named(locale: &str, zh: &str, en: &str) -> String {
    let (first, second) = if locale == FIRST { (zh, en) } else { (en, zh) };
    if first.is_empty() { second.to_owned() } else { first.to_owned() }
}
