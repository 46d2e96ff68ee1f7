//! The calendar, the terms and the competences, as editors put them.

use liuyan_proto::liuyan::routing::v1 as routing;

use super::{Grpc, level, paged, told};
use crate::{
    domain::{
        calendar::Exception,
        competence::Matter,
        deadline::{Scope, Term},
        tables::YearDraft,
    },
    error::Error,
};

impl Grpc {
    pub(super) async fn put_calendar(
        &self,
        request: routing::PutCalendarRequest,
    ) -> Result<routing::PutCalendarResponse, Error> {
        let days = request
            .days
            .into_iter()
            .map(|day| (day.date, Exception { name: day.name, off: day.off }));
        let (year, source) = (request.year, request.source);
        let draft = YearDraft { year, days: days.collect(), source };
        let directory = self.app.put_calendar(draft).await?;
        Ok(routing::PutCalendarResponse {
            last_day: told(directory.calendar.last_day()),
            version: directory.calendar.version,
        })
    }

    pub(super) fn list_terms(
        &self,
        _: &routing::ListTermsRequest,
    ) -> Result<routing::ListTermsResponse, Error> {
        let directory = self.app.directory();
        let terms = directory.terms.iter().map(|(scope, term)| told_term(scope, term)).collect();
        Ok(routing::ListTermsResponse { terms })
    }

    pub(super) async fn put_term(
        &self,
        request: routing::PutTermRequest,
    ) -> Result<routing::PutTermResponse, Error> {
        let wanted = request.term.ok_or_else(|| Error::invalid("term", "FIELD_REQUIRED"))?;
        let scope = scope(wanted.office_id, wanted.kind, wanted.level)?;
        let term = Term { days: wanted.days, working: wanted.working_days };
        self.app.put_term(scope.clone(), term).await?;
        Ok(routing::PutTermResponse { term: Some(told_term(&scope, term)) })
    }

    pub(super) async fn remove_term(
        &self,
        request: routing::RemoveTermRequest,
    ) -> Result<routing::RemoveTermResponse, Error> {
        let scope = scope(request.office_id, request.kind, request.level)?;
        self.app.remove_term(scope).await?;
        Ok(routing::RemoveTermResponse {})
    }

    pub(super) fn list_competences(
        &self,
        request: &routing::ListCompetencesRequest,
    ) -> Result<routing::ListCompetencesResponse, Error> {
        let directory = self.app.directory();
        let lines: Vec<(String, routing::Competence)> = directory
            .competences
            .iter()
            .filter(|(matter, _)| {
                [matter.division_code.as_str(), ""].contains(&request.division_code.as_str())
            })
            .map(|(matter, office_id)| (key(matter), told_competence(matter, office_id)))
            .collect();
        let bound = format!("competences {}", request.division_code);
        let page = (request.page_size, request.page_token.as_str());
        let (found, next_page_token) = paged(lines.iter(), |(key, _)| key, &bound, page)?;
        let competences = found.into_iter().map(|(_, line)| line.clone()).collect();
        Ok(routing::ListCompetencesResponse { competences, next_page_token })
    }

    pub(super) async fn put_competence(
        &self,
        request: routing::PutCompetenceRequest,
    ) -> Result<routing::PutCompetenceResponse, Error> {
        let competence = request.competence;
        let wanted = competence.ok_or_else(|| Error::invalid("competence", "FIELD_REQUIRED"))?;
        let told = wanted.clone();
        let matter = Matter {
            division_code: wanted.division_code,
            domain: wanted.domain,
            topic: wanted.topic,
            kind: wanted.kind,
        };
        self.app.put_competence(matter, wanted.office_id).await?;
        Ok(routing::PutCompetenceResponse { competence: Some(told) })
    }

    pub(super) async fn remove_competence(
        &self,
        request: routing::RemoveCompetenceRequest,
    ) -> Result<routing::RemoveCompetenceResponse, Error> {
        let matter = Matter {
            division_code: request.division_code,
            domain: request.domain,
            topic: request.topic,
            kind: request.kind,
        };
        self.app.remove_competence(matter).await?;
        Ok(routing::RemoveCompetenceResponse {})
    }
}

/// The matters in their order, as the key of a page. No part has this character.
fn key(matter: &Matter) -> String {
    let parts = [&matter.division_code, &matter.domain, &matter.topic, &matter.kind];
    parts.map(String::as_str).join("\u{1}")
}

fn told_competence(matter: &Matter, office_id: &str) -> routing::Competence {
    routing::Competence {
        division_code: matter.division_code.clone(),
        domain: matter.domain.clone(),
        topic: matter.topic.clone(),
        kind: matter.kind.clone(),
        office_id: office_id.to_owned(),
    }
}

fn told_term(scope: &Scope, term: Term) -> routing::Term {
    routing::Term {
        kind: scope.kind.clone(),
        level: scope.level.map_or(routing::Level::Unspecified, level).into(),
        office_id: scope.office_id.clone(),
        days: term.days,
        working_days: term.working,
    }
}

fn scope(office_id: String, kind: String, number: i32) -> Result<Scope, Error> {
    let level = match super::given_level(number) {
        Ok(level) => Some(level),
        Err("FIELD_REQUIRED") => None,
        Err(reason) => return Err(Error::invalid("term.level", reason)),
    };
    Ok(Scope { office_id, kind, level })
}
