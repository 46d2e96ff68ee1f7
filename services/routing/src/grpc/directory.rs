//! `DirectoryService`: answered from the snapshot in memory.

use jiff::civil::Date;
use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::routing::v1::{
    self as routing, directory_service_server::DirectoryService,
};
use tonic::{Request, Response, Status};

use super::answer;
use crate::{
    app::App,
    domain::{
        calendar::day_of,
        directory::{Directory, Division, Level, Office},
        editing::GivenLevel,
        page,
    },
    error::Error,
};

mod editing;
mod tables;

/// How many divisions or offices a page has, if the caller does not say.
const USUAL_PAGE: usize = 200;
/// The most of a page.
const MOST_PAGE: usize = 1_000;

/// Serves the directory.
#[derive(Debug)]
pub struct Grpc {
    app: App,
}

impl Grpc {
    /// Serves the directory of `app`.
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

/// The level that a caller named, or the reason why there is none.
fn given_level(number: i32) -> GivenLevel {
    match routing::Level::try_from(number) {
        Ok(routing::Level::Unspecified) => Err("FIELD_REQUIRED"),
        Ok(routing::Level::State) => Ok(Level::State),
        Ok(routing::Level::Province) => Ok(Level::Province),
        Ok(routing::Level::City) => Ok(Level::City),
        Ok(routing::Level::County) => Ok(Level::County),
        Err(_) => Err("VALUE_UNKNOWN"),
    }
}

/// Up to a page of `items`, which come in the order of their keys, and the token of the next one.
fn paged<'a, T: 'a>(
    items: impl Iterator<Item = &'a T>,
    key_of: impl Fn(&T) -> &str,
    bound: &str,
    (asked, token): (i32, &str),
) -> Result<(Vec<&'a T>, String), Error> {
    let size = page::size(asked, USUAL_PAGE, MOST_PAGE)
        .ok_or_else(|| Error::invalid("page_size", "SIZE_NEGATIVE"))?;
    let after = match token {
        "" => None,
        token => Some(
            page::key(bound, token)
                .ok_or_else(|| Error::invalid("page_token", "PAGE_TOKEN_INVALID"))?,
        ),
    };
    let mut found: Vec<&T> = items
        .skip_while(|item| after.as_deref().is_some_and(|after| key_of(item) <= after))
        .take(size + 1)
        .collect();
    let next = if found.len() > size {
        found.truncate(size);
        found.last().map(|last| page::token(bound, key_of(last))).unwrap_or_default()
    } else {
        String::new()
    };
    Ok((found, next))
}

fn divisions(
    directory: &Directory,
    today: Date,
    request: &routing::ListDivisionsRequest,
) -> Result<routing::ListDivisionsResponse, Error> {
    let parent = Some(request.parent_code.as_str()).filter(|code| !code.is_empty());
    if parent.is_some_and(|code| directory.division(code).is_none()) {
        return Err(Error::DivisionNotFound);
    }
    let all = request.include_expired;
    let below = directory
        .divisions()
        .filter(|it| it.parent_code.as_deref() == parent && (all || it.valid.holds(today)));
    let bound = format!("divisions {parent:?} {all}");
    let page = (request.page_size, request.page_token.as_str());
    let (found, next_page_token) = paged(below, |it: &Division| &it.code, &bound, page)?;
    let divisions = found.into_iter().map(division).collect();
    Ok(routing::ListDivisionsResponse { divisions, next_page_token })
}

fn offices(
    directory: &Directory,
    today: Date,
    request: &routing::ListOfficesRequest,
) -> Result<routing::ListOfficesResponse, Error> {
    let top = Some(request.division_code.as_str()).filter(|code| !code.is_empty());
    if top.is_some_and(|code| directory.division(code).is_none()) {
        return Err(Error::DivisionNotFound);
    }
    let all = request.include_expired;
    let there = directory.offices.iter().filter(|office| all || office.is_there(today));
    let wanted = there.filter(|office| {
        match (top, office.division_code.as_deref(), request.include_below) {
            (None, _, true) | (None, None, false) => true,
            (Some(top), Some(code), true) => directory.lies_in(code, top),
            (Some(top), Some(code), false) => code == top,
            (None, Some(_), false) | (Some(_), None, _) => false,
        }
    });
    let bound = format!("offices {top:?} {} {all}", request.include_below);
    let page = (request.page_size, request.page_token.as_str());
    let (found, next_page_token) = paged(wanted, |it: &Office| &it.office_id, &bound, page)?;
    let offices = found.into_iter().map(office).collect();
    Ok(routing::ListOfficesResponse { offices, next_page_token })
}

fn calendar(directory: &Directory, year: i32) -> Result<routing::GetCalendarResponse, Error> {
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))
        .ok_or_else(|| Error::invalid("year", "YEAR_UNKNOWN"))?;
    let calendar = &directory.calendar;
    Ok(routing::GetCalendarResponse {
        days: calendar
            .of_year(year)
            .map(|(day, exception)| routing::CalendarDay {
                date: day.to_string(),
                name: exception.name.clone(),
                off: exception.off,
            })
            .collect(),
        last_day: calendar.last_day().map(|day| day.to_string()).unwrap_or_default(),
        version: calendar.version,
        source: calendar.source_of(year).unwrap_or_default().to_owned(),
    })
}

fn level(level: Level) -> routing::Level {
    match level {
        Level::State => routing::Level::State,
        Level::Province => routing::Level::Province,
        Level::City => routing::Level::City,
        Level::County => routing::Level::County,
    }
}

fn division(division: &Division) -> routing::Division {
    routing::Division {
        code: division.code.clone(),
        name: division.name.clone(),
        level: level(division.level).into(),
        parent_code: division.parent_code.clone().unwrap_or_default(),
        valid_from: told(division.valid.from),
        valid_until: told(division.valid.until),
        successor_code: division.valid.successor.clone().unwrap_or_default(),
    }
}

fn office(office: &Office) -> routing::Office {
    routing::Office {
        office_id: office.office_id.clone(),
        division_code: office.division_code.clone().unwrap_or_default(),
        level: level(office.level).into(),
        role: office.role.clone(),
        title: office.title.clone(),
        parent_office_id: office.parent_office_id.clone().unwrap_or_default(),
        open: office.open,
        valid_from: told(office.valid.from),
        valid_until: told(office.valid.until),
        successor_id: office.valid.successor.clone().unwrap_or_default(),
    }
}

fn told(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

#[tonic::async_trait]
impl DirectoryService for Grpc {
    async fn list_divisions(
        &self,
        request: Request<routing::ListDivisionsRequest>,
    ) -> Result<Response<routing::ListDivisionsResponse>, Status> {
        let caller = Caller::of(&request);
        answer(&caller, divisions(&self.app.directory(), day_of(self.app.now()), request.get_ref()))
    }

    async fn get_division(
        &self,
        request: Request<routing::GetDivisionRequest>,
    ) -> Result<Response<routing::GetDivisionResponse>, Status> {
        let caller = Caller::of(&request);
        let (directory, today) = (self.app.directory(), day_of(self.app.now()));
        let code = &request.get_ref().code;
        let current = directory.current_division(code, today);
        let current_code = current.map(|it| it.code.clone()).unwrap_or_default();
        let found = directory.division(code).map(division);
        let response =
            found.map(|found| routing::GetDivisionResponse { division: Some(found), current_code });
        answer(&caller, response.ok_or(Error::DivisionNotFound))
    }

    async fn list_offices(
        &self,
        request: Request<routing::ListOfficesRequest>,
    ) -> Result<Response<routing::ListOfficesResponse>, Status> {
        let caller = Caller::of(&request);
        answer(&caller, offices(&self.app.directory(), day_of(self.app.now()), request.get_ref()))
    }

    async fn get_office(
        &self,
        request: Request<routing::GetOfficeRequest>,
    ) -> Result<Response<routing::GetOfficeResponse>, Status> {
        let caller = Caller::of(&request);
        let (directory, today) = (self.app.directory(), day_of(self.app.now()));
        let id = &request.get_ref().office_id;
        let current = directory.stands_for(id, today);
        let current_office_id = current.map(|(it, _)| it.office_id.clone()).unwrap_or_default();
        let found = directory.offices.get(id).map(office);
        let response = found
            .map(|found| routing::GetOfficeResponse { office: Some(found), current_office_id });
        answer(&caller, response.ok_or(Error::OfficeNotFound))
    }

    async fn put_division(
        &self,
        request: Request<routing::PutDivisionRequest>,
    ) -> Result<Response<routing::PutDivisionResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put_division(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn put_office(
        &self,
        request: Request<routing::PutOfficeRequest>,
    ) -> Result<Response<routing::PutOfficeResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put_office(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_kinds(
        &self,
        _: Request<routing::ListKindsRequest>,
    ) -> Result<Response<routing::ListKindsResponse>, Status> {
        let directory = self.app.directory();
        let kinds = directory.kinds.iter().map(|kind| routing::Kind {
            kind: kind.kind.clone(),
            name_zh: kind.name_zh.clone(),
            name_en: kind.name_en.clone(),
        });
        let version = directory.kinds_version;
        Ok(Response::new(routing::ListKindsResponse { kinds: kinds.collect(), version }))
    }

    async fn list_domains(
        &self,
        _: Request<routing::ListDomainsRequest>,
    ) -> Result<Response<routing::ListDomainsResponse>, Status> {
        let directory = self.app.directory();
        let domains = directory.domains.iter().map(|domain| routing::Domain {
            domain: domain.domain.clone(),
            name_zh: domain.name_zh.clone(),
            name_en: domain.name_en.clone(),
            topics: domain.topics.clone(),
        });
        let version = directory.domains_version;
        Ok(Response::new(routing::ListDomainsResponse { domains: domains.collect(), version }))
    }

    async fn get_calendar(
        &self,
        request: Request<routing::GetCalendarRequest>,
    ) -> Result<Response<routing::GetCalendarResponse>, Status> {
        let caller = Caller::of(&request);
        answer(&caller, calendar(&self.app.directory(), request.get_ref().year))
    }

    async fn compute_deadline(
        &self,
        request: Request<routing::ComputeDeadlineRequest>,
    ) -> Result<Response<routing::ComputeDeadlineResponse>, Status> {
        let caller = Caller::of(&request);
        answer(&caller, self.deadline(request.get_ref()))
    }

    async fn put_calendar(
        &self,
        request: Request<routing::PutCalendarRequest>,
    ) -> Result<Response<routing::PutCalendarResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put_calendar(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_terms(
        &self,
        request: Request<routing::ListTermsRequest>,
    ) -> Result<Response<routing::ListTermsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list_terms(request.get_ref());
        answer(&caller, result)
    }

    async fn put_term(
        &self,
        request: Request<routing::PutTermRequest>,
    ) -> Result<Response<routing::PutTermResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put_term(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn remove_term(
        &self,
        request: Request<routing::RemoveTermRequest>,
    ) -> Result<Response<routing::RemoveTermResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.remove_term(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_competences(
        &self,
        request: Request<routing::ListCompetencesRequest>,
    ) -> Result<Response<routing::ListCompetencesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list_competences(request.get_ref());
        answer(&caller, result)
    }

    async fn put_competence(
        &self,
        request: Request<routing::PutCompetenceRequest>,
    ) -> Result<Response<routing::PutCompetenceResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put_competence(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn remove_competence(
        &self,
        request: Request<routing::RemoveCompetenceRequest>,
    ) -> Result<Response<routing::RemoveCompetenceResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.remove_competence(request.into_inner()).await;
        answer(&caller, result)
    }
}
