//! Consultations: planning, opening and closing them, publishing what came out, and showing them.

use jiff::Timestamp;
use liuyan_kit::{
    auth::Caller,
    class::Violation,
    messaging::{Outgoing, outbox},
    telemetry,
};
use sqlx::PgConnection;

use super::{App, looking::who};
use crate::{
    domain::{
        CaseId, ConsultationId, MessageId,
        access::is_among,
        calendar::day_of,
        consultation::{self, Consultation, Outcome, Plan, Stage},
        page,
        view::View,
    },
    error::Error,
    events,
    store::{
        consultations::{self as store, Counted, Filter, Told},
        results,
    },
};

/// How many a page has, if the caller does not say, and the most.
const USUAL_PAGE: usize = 20;
const MOST_PAGE: usize = 100;

/// Which consultations a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only in this stage.
    pub stage: Option<Stage>,
    /// Only those that ask the people of this division.
    pub division_code: Option<String>,
    /// Only those of this office.
    pub office_id: Option<String>,
    /// Only those that the caller may change.
    pub own: bool,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A consultation as a caller sees it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// It, with the number of its public messages.
    pub counted: Counted,
    /// Where it stands today.
    pub stage: Stage,
    /// Whether it takes messages today.
    pub takes: bool,
    /// What became of the suggestions.
    pub statements: Vec<Told>,
    /// Whether the caller may change it.
    pub theirs: bool,
}

/// What is to be done with a consultation.
enum Step {
    Put(Plan),
    Open,
    Close,
    Publish(Outcome),
}

impl App {
    /// Plans a consultation, or changes the one with this id.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::NotYourConsultation`],
    /// [`Error::EtagMismatch`], [`Error::Consultation`] once its result is public.
    pub async fn put_consultation(
        &self,
        caller: &Caller,
        (id, etag): (ConsultationId, String),
        plan: Plan,
    ) -> Result<Shown, Error> {
        self.change_consultation(caller, id, etag, Step::Put(plan)).await
    }

    /// Opens a planned consultation.
    ///
    /// # Errors
    /// [`Error::ConsultationNotFound`], [`Error::NotYourConsultation`], [`Error::EtagMismatch`],
    /// [`Error::Consultation`].
    pub async fn open_consultation(
        &self,
        caller: &Caller,
        (id, etag): (ConsultationId, String),
    ) -> Result<Shown, Error> {
        self.change_consultation(caller, id, etag, Step::Open).await
    }

    /// Ends an open consultation.
    ///
    /// # Errors
    /// As of [`App::open_consultation`].
    pub async fn close_consultation(
        &self,
        caller: &Caller,
        (id, etag): (ConsultationId, String),
    ) -> Result<Shown, Error> {
        self.change_consultation(caller, id, etag, Step::Close).await
    }

    /// Publishes the result of a consultation that is over, or corrects it.
    ///
    /// # Errors
    /// As of [`App::open_consultation`], and [`Error::Invalid`] with everything that is wrong.
    pub async fn publish_consultation(
        &self,
        caller: &Caller,
        (id, etag): (ConsultationId, String),
        outcome: Outcome,
    ) -> Result<Shown, Error> {
        self.change_consultation(caller, id, etag, Step::Publish(outcome)).await
    }

    async fn change_consultation(
        &self,
        caller: &Caller,
        id: ConsultationId,
        etag: String,
        step: Step,
    ) -> Result<Shown, Error> {
        let (app, by) = (self.clone(), caller.clone());
        self.db
            .write(move |tx| {
                Box::pin(async move { app.change_in(tx, &by, (id, etag), step).await })
            })
            .await?;
        self.consultation(caller, id).await
    }

    async fn change_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        (id, etag): (ConsultationId, String),
        step: Step,
    ) -> Result<(), Error> {
        let now = self.now();
        let known = store::lock(tx, id).await?;
        if let Some(known) = &known {
            self.may_change(caller, known)?;
            if !etag.is_empty() && etag != known.etag() {
                return Err(Error::EtagMismatch);
            }
        }
        let changed = match (step, known) {
            (Step::Put(plan), known) => self.planned(caller, plan, known, id)?,
            (_, None) => return Err(Error::ConsultationNotFound),
            (Step::Open, Some(mut known)) => {
                known.open(&self.directory(), day_of(now)).map_err(Error::Consultation)?;
                known
            }
            (Step::Close, Some(mut known)) => {
                known.close().map_err(Error::Consultation)?;
                known
            }
            (Step::Publish(outcome), Some(known)) => {
                return self.publish_in(tx, caller, known, &outcome).await;
            }
        };
        store::put(tx, &changed, &who(caller)).await?;
        publish(tx, now, events::consultation_put(&changed)?).await
    }

    fn planned(
        &self,
        caller: &Caller,
        plan: Plan,
        known: Option<Consultation>,
        id: ConsultationId,
    ) -> Result<Consultation, Error> {
        let now = self.now();
        if let Some(known) = &known {
            match known.stage_on(day_of(now)) {
                Stage::Draft | Stage::Open => {}
                Stage::Closed | Stage::Published => {
                    return Err(Error::Consultation(consultation::Fault::Over));
                }
            }
        }
        let planned = consultation::plan(&self.directory(), plan, known.as_ref(), id, now)
            .map_err(Error::Invalid)?;
        self.may_change(caller, &planned)?;
        Ok(planned)
    }

    async fn publish_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        mut known: Consultation,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let (now, id) = (self.now(), known.consultation_id);
        let numbers: Vec<String> =
            outcome.statements.iter().flat_map(|said| said.numbers.iter().cloned()).collect();
        let cases = store::numbered(tx, id, &numbers).await?;
        let statements = consultation::statements(outcome, &cases).map_err(Error::Invalid)?;
        let count = i32::try_from(statements.len()).unwrap_or(i32::MAX);
        let summary = outcome.summary.trim().to_owned();
        known.publish(summary, count, now).map_err(Error::Consultation)?;
        store::put(tx, &known, &who(caller)).await?;
        store::put_statements(tx, id, &statements).await?;
        results::published_in(tx, id, telemetry::current_traceparent()).await?;
        publish(tx, now, events::consultation_published(&known, now)).await
    }

    /// Whether a caller may change a consultation. Editors may change all.
    fn may_change(&self, caller: &Caller, of: &Consultation) -> Result<(), Error> {
        if self.changes(caller, of) { Ok(()) } else { Err(Error::NotYourConsultation) }
    }

    fn changes(&self, caller: &Caller, of: &Consultation) -> bool {
        let directory = self.directory();
        caller.has("directory:write")
            || (caller.has("case:work")
                && (caller.has("case:any")
                    || is_among(&directory, &of.office_id, &caller.offices, &caller.divisions)))
    }

    /// A consultation with its result.
    ///
    /// # Errors
    /// [`Error::ConsultationNotFound`], also for a planned one of others.
    pub async fn consultation(&self, caller: &Caller, id: ConsultationId) -> Result<Shown, Error> {
        let mut connection = self.db.read().await?;
        let found = store::find(&mut connection, id).await?;
        let found = found.ok_or(Error::ConsultationNotFound)?;
        let statements = store::statements(&mut connection, id, None).await?;
        drop(connection);
        let shown = self.shown(caller, found, statements);
        if shown.stage == Stage::Draft && !shown.theirs {
            return Err(Error::ConsultationNotFound);
        }
        Ok(shown)
    }

    fn shown(&self, caller: &Caller, counted: Counted, statements: Vec<Told>) -> Shown {
        let today = day_of(self.now());
        Shown {
            stage: counted.consultation.stage_on(today),
            takes: counted.consultation.takes(today),
            theirs: self.changes(caller, &counted.consultation),
            counted,
            statements,
        }
    }

    /// A page of consultations, the newest first, with the token of the next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token; [`Error::DivisionNotFound`].
    pub async fn consultations(
        &self,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<(Vec<Shown>, String), Error> {
        let unbound = Wanted { page_size: 0, page_token: String::new(), ..wanted.clone() };
        let bound = format!("consultations {unbound:?}");
        let (size, after) = paged(&bound, wanted.page_size, &wanted.page_token)?;
        let directory = self.directory();
        let path = match &wanted.division_code {
            None => None,
            Some(code) => {
                directory.division(code).ok_or(Error::DivisionNotFound)?;
                Some(directory.path(Some(code)))
            }
        };
        let (any, theirs) = self.readable(caller);
        let filter = Filter {
            any: caller.has("directory:write") || (any && caller.has("case:work")),
            theirs: if caller.has("case:work") { theirs } else { Vec::new() },
            own: wanted.own,
            office_id: wanted.office_id.clone(),
            path,
            stage: wanted.stage,
            after: after.map(|(at, id)| (at, ConsultationId::from(id))),
        };
        let (today, limit) = (day_of(self.now()), i64::try_from(size + 1).unwrap_or(i64::MAX));
        let found = store::list(&mut *self.db.read().await?, &filter, today, limit).await?;
        let more = found.len() > size;
        let shown: Vec<Shown> =
            found.into_iter().take(size).map(|it| self.shown(caller, it, Vec::new())).collect();
        let next = match shown.last().filter(|_| more) {
            Some(last) => {
                let last = &last.counted.consultation;
                page::token(&bound, &key(last.created_at, last.consultation_id))
            }
            None => String::new(),
        };
        Ok((shown, next))
    }

    /// A page of the public cases of a consultation, the newest first, with the token of the next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token; [`Error::ConsultationNotFound`].
    pub async fn consultation_cases(
        &self,
        caller: &Caller,
        id: ConsultationId,
        (page_size, page_token): (i32, &str),
    ) -> Result<(Vec<View>, String), Error> {
        let bound = format!("cases of consultation {id}");
        let (size, after) = paged(&bound, page_size, page_token)?;
        self.consultation(caller, id).await?;
        let after = after.map(|(at, id)| (at, CaseId::from(id)));
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = store::cases(&mut *self.db.read().await?, id, after, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some((at, case_id)) => page::token(&bound, &key(*at, case_id)),
            None => String::new(),
        };
        let ids: Vec<CaseId> = found.into_iter().map(|(_, id)| id).collect();
        Ok((self.public_cases(&ids).await?, next))
    }

    /// The consultation to which an author's message belongs, with the statements that speak of it.
    ///
    /// # Errors
    /// [`Error::NotYourMessage`].
    pub async fn part(
        &self,
        caller: &Caller,
        message_id: MessageId,
    ) -> Result<Option<Shown>, Error> {
        if !caller.author_of(message_id.uuid()) {
            return Err(Error::NotYourMessage);
        }
        let mut connection = self.db.read().await?;
        let Some(id) = store::of_message(&mut connection, message_id).await? else {
            return Ok(None);
        };
        let found = store::find(&mut connection, id).await?.ok_or(Error::ConsultationNotFound)?;
        let statements = store::statements(&mut connection, id, Some(message_id)).await?;
        drop(connection);
        Ok(Some(self.shown(caller, found, statements)))
    }
}

async fn publish(tx: &mut PgConnection, now: Timestamp, event: Outgoing) -> Result<(), Error> {
    Ok(outbox::publish_all(tx, now, &[event]).await.map(drop)?)
}

/// How many rows a page has, and after which of them it begins.
type Place = (usize, Option<(Timestamp, uuid::Uuid)>);

fn paged(bound: &str, page_size: i32, page_token: &str) -> Result<Place, Error> {
    let mut wrong = Vec::new();
    let size = page::size(page_size, USUAL_PAGE, MOST_PAGE);
    if size.is_none() {
        wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
    }
    let after = match page_token {
        "" => None,
        token => {
            let key = page::key(bound, token).as_deref().and_then(parse_key);
            if key.is_none() {
                wrong.push(Violation::new("page_token", "PAGE_TOKEN_INVALID"));
            }
            key
        }
    };
    match size.filter(|_| wrong.is_empty()) {
        Some(size) => Ok((size, after)),
        None => Err(Error::Invalid(wrong)),
    }
}

fn key(at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{}/{id}", at.as_microsecond())
}

fn parse_key(key: &str) -> Option<(Timestamp, uuid::Uuid)> {
    let (at, id) = key.split_once('/')?;
    Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, id.parse().ok()?))
}
