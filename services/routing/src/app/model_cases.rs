//! Cases that editors show as handled well.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{auth::Caller, class::Violation};

use super::{App, looking::who};
use crate::{
    domain::{
        CaseId,
        acts::Entry,
        directory::{Level, Place},
        page,
        view::View,
    },
    error::Error,
    store::{
        acts, cases,
        model_cases::{self, Key, Model},
    },
};

/// How many model cases a page has, if the caller does not say, and the most.
const USUAL_PAGE: usize = 20;
const MOST_PAGE: usize = 100;

/// Which model cases a caller wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only of this division and those below it.
    pub division_code: Option<String>,
    /// Only of this domain.
    pub domain: Option<String>,
    /// How many; 0 for the usual number.
    pub page_size: i32,
    /// The token of the page before; empty at first.
    pub page_token: String,
}

/// A model case, with the view of its case.
#[derive(Debug, Clone)]
pub struct Shown {
    /// It.
    pub model: Model,
    /// The case.
    pub view: View,
}

impl App {
    /// Shows a public case that was answered, or changes how it is shown.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`], [`Error::NoModel`].
    pub async fn put_model(
        &self,
        caller: &Caller,
        (case_id, why, place): (CaseId, String, i32),
    ) -> Result<Shown, Error> {
        let (now, actor) = (self.now(), who(caller));
        let model = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let found = cases::lock(tx, case_id).await?;
                    // What is not public is nothing for editors to know of.
                    let mut case = found.filter(|it| it.is_public()).ok_or(Error::CaseNotFound)?;
                    if case.reply_count == 0 {
                        return Err(Error::NoModel);
                    }
                    let model = Model { case_id, why, place, picked_at: now };
                    let picked_at = model_cases::put(tx, &model, &actor).await?;
                    case.handling.model = true;
                    let detail = format!("place={place}");
                    let entry = Entry::of_itself(now, "model-case-put", &case.office_id, detail);
                    let entry = Entry { actor, note: model.why.clone(), ..entry };
                    acts::append(tx, &mut case, &entry).await?;
                    cases::update(tx, &case).await?;
                    Ok(Model { picked_at, ..model })
                })
            })
            .await?;
        let view = self.public_cases(&[case_id]).await?.pop().ok_or(Error::CaseNotFound)?;
        Ok(Shown { model, view })
    }

    /// Shows a case no more.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`].
    pub async fn retire_model(&self, caller: &Caller, case_id: CaseId) -> Result<(), Error> {
        let (now, actor) = (self.now(), who(caller));
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let found = cases::lock(tx, case_id).await?;
                    let mut case = found.ok_or(Error::ModelNotFound)?;
                    if !model_cases::retire(tx, case_id, now).await? {
                        return Err(Error::ModelNotFound);
                    }
                    let office_id = case.office_id.clone();
                    let entry =
                        Entry::of_itself(now, "model-case-retired", &office_id, String::new());
                    acts::append(tx, &mut case, &Entry { actor, ..entry }).await?;
                    Ok(cases::update(tx, &case).await?)
                })
            })
            .await
    }

    /// A page of the model cases that are public, in the editors' order, with the token of the next.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong size or token; [`Error::DivisionNotFound`].
    pub async fn model_cases(&self, wanted: &Wanted) -> Result<(Vec<Shown>, String), Error> {
        let mut wrong = Vec::new();
        let size = page::size(wanted.page_size, USUAL_PAGE, MOST_PAGE);
        if size.is_none() {
            wrong.push(Violation::new("page_size", "SIZE_NEGATIVE"));
        }
        let bound = format!("models {:?} {:?}", wanted.division_code, wanted.domain);
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
        let place = self.place_of(wanted.division_code.as_deref())?;
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let only = (&place, wanted.domain.as_deref());
        let mut found = model_cases::list(&mut *self.db.read().await?, only, after, limit).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = match found.last().filter(|_| more) {
            Some(last) => page::token(&bound, &key(last)),
            None => String::new(),
        };
        let ids: Vec<CaseId> = found.iter().map(|model| model.case_id).collect();
        let views = self.public_cases(&ids).await?.into_iter();
        let mut views: HashMap<CaseId, View> = views.map(|view| (view.case_id, view)).collect();
        let shown = found.into_iter().filter_map(|model| {
            let view = views.remove(&model.case_id)?;
            Some(Shown { model, view })
        });
        Ok((shown.collect(), next))
    }

    fn place_of(&self, division_code: Option<&str>) -> Result<Place, Error> {
        let mut place = Place::default();
        if let Some(code) = division_code {
            let directory = self.directory();
            let division = directory.division(code).ok_or(Error::DivisionNotFound)?;
            let code = Some(code.to_owned());
            match division.level {
                Level::State | Level::County => place.division_code = code,
                Level::City => place.city_code = code,
                Level::Province => place.province_code = code,
            }
        }
        Ok(place)
    }
}

fn key(model: &Model) -> String {
    format!("{}/{}/{}", model.place, model.picked_at.as_microsecond(), model.case_id)
}

fn parse_key(key: &str) -> Option<Key> {
    let (place, rest) = key.split_once('/')?;
    let (at, id) = rest.split_once('/')?;
    let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
    Some((place.parse().ok()?, at, id.parse().ok()?))
}
