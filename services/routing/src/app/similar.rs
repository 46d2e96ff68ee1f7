//! Cases that were answered and speak of the same.

use std::collections::HashMap;

use super::{App, searching::Hit};
use crate::{
    domain::{
        CaseId,
        likeness::{Sketch, nearest},
        search::{self, Query},
        view::View,
    },
    error::Error,
    store::{cases, children, words},
};

/// How many are given.
const MOST: usize = 5;
/// How many are looked at closely.
const LOOKED_AT: i64 = 40;
/// From which nearness on two texts speak of the same.
const NEAR: f64 = 0.12;

/// What like cases are looked for.
#[derive(Debug, Clone, Default)]
pub struct Like {
    /// The title.
    pub title: String,
    /// What it says.
    pub body: String,
    /// Only of this division and those below it.
    pub division_code: Option<String>,
    /// Without this one.
    pub without: Option<CaseId>,
}

impl App {
    /// Public cases that were answered and speak of the same as a text, the nearest first, each with its
    /// nearness. Nothing is kept of the text.
    ///
    /// # Errors
    /// [`Error::DivisionNotFound`], or the database's.
    pub async fn similar(&self, like: Like) -> Result<Vec<(Hit, f64)>, Error> {
        if let Some(code) = &like.division_code {
            self.directory().division(code).ok_or(Error::DivisionNotFound)?;
        }
        let gist = search::gist(&like.title, &like.body);
        if gist.is_empty() {
            return Ok(Vec::new());
        }
        let place = like.division_code.as_deref().map(search::place::division);
        let looked = words::some_of(&gist, place.as_deref());
        let mut connection = self.db.read().await?;
        let ids = words::similar(&mut connection, &looked, like.without, LOOKED_AT).await?;
        let cases = cases::public(&mut connection, &ids).await?;
        let mut children = children::of(&mut connection, &cases).await?;
        drop(connection);
        let views: HashMap<CaseId, View> =
            cases.iter().map(|case| (case.case_id, children.view(case))).collect();
        let views: Vec<View> = ids.iter().filter_map(|id| views.get(id).cloned()).collect();
        // Some tens of texts are read: milliseconds in which others want to be served.
        let ranking = tokio::task::spawn_blocking(move || ranked(&like, views)).await;
        ranking.map_err(|_| Error::Stopping)
    }
}

fn ranked(like: &Like, views: Vec<View>) -> Vec<(Hit, f64)> {
    let sketch = |view: &View| {
        let text = &view.text;
        Sketch::of(&[&text.title, &text.body, &text.demand, &text.details])
    };
    let sketches: Vec<Sketch> = views.iter().map(sketch).collect();
    let near = nearest(&Sketch::of(&[&like.title, &like.body]), &sketches);
    let of_title = Query::parse(&like.title).or_else(|| Query::parse(&like.body));
    let mut views: Vec<Option<View>> = views.into_iter().map(Some).collect();
    near.into_iter()
        .take(MOST)
        .filter(|(_, nearness)| *nearness >= NEAR)
        .filter_map(|(at, nearness)| {
            let view = views.get_mut(at)?.take()?;
            let excerpt = of_title.as_ref().map(|query| query.excerpt(&view)).unwrap_or_default();
            Some((Hit { view, excerpt }, nearness))
        })
        .collect()
}
