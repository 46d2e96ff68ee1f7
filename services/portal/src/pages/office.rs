//! One office: how it answers, and what it answered last.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use liuyan_proto::liuyan::routing::v1::{
    CaseOrder, GetRatingFiguresResponse, GetReplyFiguresResponse,
};

use super::{
    cards::{Card, cards},
    home::Figure,
};
use crate::{
    app::App,
    directory::{Division, Office},
    error::Error,
    format::{count, percent},
    page::page,
    visit::Visit,
};

/// How many messages each list shows.
const SHOWN: i32 = 5;
/// The longest id that is asked for.
const LONGEST: usize = 64;

#[derive(Template)]
#[template(path = "office.html")]
struct OfficePage {
    v: Visit,
    office: Office,
    /// From the top to its division; empty for a ministry.
    line: Vec<Division>,
    /// `None` while nobody can tell.
    figures: Option<Vec<Figure>>,
    /// How its replies are rated; `None` while nobody can tell.
    rated: Option<Rated>,
    answered: Vec<Card>,
    newest: Vec<Card>,
    lists_away: bool,
}

/// How replies are rated, in words. Means are of whole groups of five ratings.
#[derive(Debug)]
pub(crate) struct Rated {
    pub(crate) replies: String,
    pub(crate) rated: String,
    /// The part of the replies that was rated.
    pub(crate) coverage: String,
    /// Of how many ratings the means are.
    pub(crate) counted: String,
    /// Whether too few were rated to tell means.
    pub(crate) withheld: bool,
    pub(crate) resolution: String,
    pub(crate) attitude: String,
    pub(crate) speed: String,
    /// The name of each label, and how often it was given.
    pub(crate) labels: Vec<(&'static str, String)>,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/office/{office_id}", get(office))
}

async fn office(v: Visit, Path(office_id): Path<String>) -> Result<Response, Error> {
    if office_id.len() > LONGEST {
        return Err(Error::NotFound);
    }
    let app = Arc::clone(v.app());
    let office = app.directory.office(&office_id).await?.ok_or(Error::NotFound)?;
    let (line, figures, told, answered, newest) = futures::join!(
        app.directory.line(&office.division_code),
        app.lists.reply_figures(&v, &office_id),
        app.lists.rating_figures(&v, &office_id),
        app.lists.cases_of(&v, &office_id, CaseOrder::Replied, SHOWN),
        app.lists.cases_of(&v, &office_id, CaseOrder::Newest, SHOWN),
    );
    let lists_away = answered.is_err() || newest.is_err();
    page(&OfficePage {
        line: line.unwrap_or_default(),
        figures: figures.ok().map(|told| shown(&v, &told)),
        rated: told.ok().map(|told| rated(&v, &told)),
        answered: cards(&v, &answered.unwrap_or_default()).await,
        newest: cards(&v, &newest.unwrap_or_default()).await,
        lists_away,
        office,
        v,
    })
}

fn shown(v: &Visit, told: &GetReplyFiguresResponse) -> Vec<Figure> {
    let figure = |name, number: u64, note: Option<&str>| Figure {
        name,
        value: count(i64::try_from(number).unwrap_or(i64::MAX)),
        note: note.map(|note| v.t(note)),
    };
    vec![
        figure("office-replies", told.replies, None),
        figure("office-overridden", told.gate_overridden, Some("office-overridden-note")),
        figure("office-promises", told.promises, None),
        figure("office-kept", told.kept, None),
        figure("office-broken", told.broken, Some("office-broken-note")),
    ]
}

/// How replies are rated, in words.
pub(crate) fn rated(v: &Visit, told: &GetRatingFiguresResponse) -> Rated {
    let number = |number: u64| count(i64::try_from(number).unwrap_or(i64::MAX));
    let mean = |mean: f64| v.t1("rating-mean", "mean", format!("{mean:.1}"));
    let label = |code: &str| match code {
        "very_satisfied" => "label-very-satisfied",
        "satisfied" => "label-satisfied",
        "fairly_satisfied" => "label-fairly-satisfied",
        "dissatisfied" => "label-dissatisfied",
        _ => "label-very-dissatisfied",
    };
    Rated {
        replies: number(told.replies),
        rated: number(told.rated),
        coverage: percent(told.coverage),
        counted: number(told.counted),
        withheld: told.withheld,
        resolution: mean(told.resolution),
        attitude: mean(told.attitude),
        speed: mean(told.speed),
        labels: told.labels.iter().map(|it| (label(&it.label), number(it.count))).collect(),
    }
}
