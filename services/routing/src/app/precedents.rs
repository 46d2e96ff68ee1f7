//! What superiors decided about who handles a kind of message: to look at, and to take out of force.

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, class::Violation};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    App,
    casework::{Given, answered, remember},
    reading::{MOST_PAGE, USUAL_PAGE},
};
use crate::{
    domain::{
        access::{is_among, is_kept_away},
        acts::Entry,
        page,
    },
    error::Error,
    store::{
        acts, cases,
        precedents::{self, Precedent},
        requests::Request,
    },
};

/// Which precedents a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those for what is written to this office.
    pub office_id: Option<String>,
    /// Also those that are not in force.
    pub retired: bool,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// An order to take a precedent out of force.
#[derive(Debug, Clone)]
pub struct Retiring {
    /// Which.
    pub precedent_id: Uuid,
    /// Why.
    pub reason: String,
    /// The request.
    pub request: Request,
    /// How the answer is written down.
    pub encode: fn(&Precedent) -> Vec<u8>,
}

impl App {
    /// A page of the precedents for what is written to offices that the caller supervises, the newest
    /// first, with the token of the next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token.
    pub async fn precedents(
        &self,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<(Vec<Precedent>, String), Error> {
        let mut wrong = Vec::new();
        let size = page::size(wanted.page_size, USUAL_PAGE, MOST_PAGE);
        if size.is_none() {
            wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
        }
        let bound = format!("precedents {:?} {}", wanted.office_id, wanted.retired);
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
        let filter = precedents::Wanted {
            precedent_id: None,
            office_ids: self.supervised_by(caller),
            office_id: wanted.office_id.clone(),
            retired: wanted.retired,
            after,
        };
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut found = precedents::list(&mut *self.db.read().await?, &filter, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some(last) => page::token(&bound, &key(last)),
            None => String::new(),
        };
        Ok((found, next))
    }

    /// The offices that a caller supervises; none if these are all.
    fn supervised_by(&self, caller: &Caller) -> Option<Vec<String>> {
        if caller.has("case:any") {
            return None;
        }
        let directory = self.directory();
        let ids = directory.offices.iter().map(|office| &office.office_id);
        let theirs = |id: &&String| is_among(&directory, id, &caller.offices, &caller.divisions);
        Some(ids.filter(theirs).cloned().collect())
    }

    /// Takes a precedent out of force; what it routed stays where it is.
    ///
    /// # Errors
    /// [`Error::PrecedentNotFound`], also for one that the caller may not know of.
    pub async fn retire_precedent(
        &self,
        caller: Caller,
        order: Retiring,
    ) -> Result<Vec<u8>, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| Box::pin(async move { app.retire_in(tx, &caller, order).await }))
            .await
    }

    async fn retire_in(
        &self,
        tx: &mut PgConnection,
        caller: &Caller,
        order: Retiring,
    ) -> Result<Vec<u8>, Error> {
        let given = answered(tx, &order.request).await?;
        if let Some(Given::Kept(response)) = given {
            return Ok(response);
        }
        let wanted = precedents::Wanted {
            precedent_id: Some(order.precedent_id),
            office_ids: self.supervised_by(caller),
            retired: given.is_some(),
            ..precedents::Wanted::default()
        };
        let found = precedents::list(tx, &wanted, 1).await?.pop();
        let found = found.ok_or(Error::PrecedentNotFound)?;
        let now = self.now();
        let mut case = cases::lock(tx, found.case_id).await?.ok_or(Error::CaseNotFound)?;
        if is_kept_away(&self.directory(), &case, &super::viewer(caller, &case)) {
            return Err(Error::PrecedentNotFound);
        }
        if given.is_some() {
            return Ok((order.encode)(&found));
        }
        let by = (order.request.caller.as_str(), order.reason.as_str());
        if !precedents::retire(tx, order.precedent_id, by, now).await? {
            return Err(Error::PrecedentNotFound);
        }
        case.request_count += 1;
        let entry = Entry {
            actor: order.request.caller.clone(),
            request_id: Some(order.request.request_id),
            note: order.reason.clone(),
            ..Entry::of_itself(
                now,
                "precedent-retired",
                &case.office_id,
                format!("precedent={}", order.precedent_id),
            )
        };
        acts::append(tx, &mut case, &entry).await?;
        cases::update(tx, &case).await?;
        let response = (order.encode)(&Precedent { retired_at: Some(now), ..found });
        remember(tx, &order.request, case.case_id, &response, now).await?;
        Ok(response)
    }
}

fn key(precedent: &Precedent) -> String {
    format!("{}/{}", precedent.decided_at.as_microsecond(), precedent.precedent_id)
}

fn parse_key(key: &str) -> Option<(Timestamp, Uuid)> {
    let (at, id) = key.split_once('/')?;
    Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, id.parse().ok()?))
}
