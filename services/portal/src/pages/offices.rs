//! Who there is to write to: down the divisions to the offices, with how each is doing.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use liuyan_proto::liuyan::{
    routing::v1::{CaseOrder, HotProblem, ListHotProblemsRequest},
    stats::v1::{GroupBy, QuerySeriesRequest, Row, Slice},
};

use super::{
    cards::{Card, cards},
    home::{self, Figure},
};
use crate::{
    app::App,
    directory::{Division, Office, Takers, is_gone},
    error::Error,
    format::{When, count, percent},
    page::page,
    visit::Visit,
};

/// How many messages each list shows.
const SHOWN: i32 = 5;
/// The figures of each office.
const OF_OFFICE: [&str; 3] = ["received", "replied", "reply_rate"];
/// Over how many days it is told what many people write of.
const HOT_DAYS: u32 = 30;
/// The longest code that is asked for.
const LONGEST_CODE: usize = 12;

/// An office in the list.
#[derive(Debug)]
pub(crate) struct Line {
    id: String,
    title: String,
    open: bool,
    /// How many messages it received and answered, and the rate.
    figures: Option<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "offices.html")]
struct Offices {
    v: Visit,
    /// From the top to the division itself; empty for the whole country.
    line: Vec<Division>,
    children: Arc<Vec<Division>>,
    offices: Vec<Line>,
    /// Since when the division is no more, and what took its place.
    gone: Option<(String, Option<Division>)>,
    /// Who takes what is written to it, if it has no office that does.
    instead: Option<(Division, Vec<Line>)>,
    figures: Option<Vec<Figure>>,
    answered: Vec<Card>,
    newest: Vec<Card>,
    /// What many people here write of lately.
    hot: Vec<Hot>,
    /// Since when that was looked for, if there were too many messages to compare all.
    hot_from: Option<When>,
    lists_away: bool,
}

/// Something that many people write of.
#[derive(Debug)]
struct Hot {
    title: String,
    number: String,
    cases: u32,
    place: String,
    last: Option<When>,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/offices", get(top)).route("/offices/{division}", get(division))
}

async fn top(v: Visit) -> Result<Response, Error> {
    Box::pin(render(v, String::new(), Vec::new())).await
}

async fn division(v: Visit, Path(code): Path<String>) -> Result<Response, Error> {
    if code.len() > LONGEST_CODE {
        return Err(Error::NotFound);
    }
    let line = v.app().directory.line(&code).await?;
    if line.is_empty() {
        return Err(Error::NotFound);
    }
    Box::pin(render(v, code, line)).await
}

async fn render(v: Visit, code: String, line: Vec<Division>) -> Result<Response, Error> {
    let app = Arc::clone(v.app());
    let by_office = QuerySeriesRequest {
        indicators: OF_OFFICE.iter().map(|it| (*it).to_owned()).collect(),
        slice: Some(Slice { division_code: code.clone(), ..Slice::default() }),
        group_by: GroupBy::Office.into(),
    };
    let (children, offices, figures, of_offices, answered, newest, (hot, hot_from)) = futures::join!(
        app.directory.children(&code),
        app.directory.offices_of(&code),
        app.lists.series(&v, home::ask(&code)),
        app.lists.series(&v, by_office),
        app.lists.cases(&v, &code, CaseOrder::Replied, SHOWN),
        app.lists.cases(&v, &code, CaseOrder::Newest, SHOWN),
        hot(&v, &code),
    );
    let today = v.today();
    let division = line.last().filter(|division| is_gone(division, &today));
    let gone = match division {
        None => None,
        Some(it) => {
            Some((v.date_of(&it.valid_until), app.directory.division(&it.successor_code).await?))
        }
    };
    let takers = match code.is_empty() {
        true => Takers::default(),
        false => app.directory.takers(&code, &today).await?,
    };
    let rows = of_offices.map(|series| series.rows.clone()).unwrap_or_default();
    let lists_away = answered.is_err() || newest.is_err();
    page(&Offices {
        children: children?,
        offices: offices?
            .iter()
            .map(|office| Line {
                open: office.open && gone.is_none(),
                ..office_line(office, &rows)
            })
            .collect(),
        instead: takers.instead.map(|division| {
            (division, takers.offices.iter().map(|office| office_line(office, &[])).collect())
        }),
        gone,
        figures: figures.ok().map(|series| home::figures(&v, &series)),
        answered: cards(&v, &answered.unwrap_or_default()).await,
        newest: cards(&v, &newest.unwrap_or_default()).await,
        hot,
        hot_from,
        lists_away,
        line,
        v,
    })
}

/// What many people of a division write of, and since when that was looked for if not as long as it
/// should; nothing of the whole country, and nothing while routing is
/// away.
async fn hot(v: &Visit, code: &str) -> (Vec<Hot>, Option<When>) {
    if code.is_empty() {
        return (Vec::new(), None);
    }
    let request = ListHotProblemsRequest {
        division_code: code.to_owned(),
        days: HOT_DAYS,
        page_size: SHOWN,
        ..ListHotProblemsRequest::default()
    };
    let answer = v.app().backend.suggestions().list_hot_problems(v.call(request)).await;
    let told = answer.map(tonic::Response::into_inner).unwrap_or_default();
    let hot = |it: HotProblem| Hot {
        last: v.day(it.last_at.as_ref()),
        title: it.title,
        number: it.number,
        cases: it.cases,
        place: it.place,
    };
    (told.problems.into_iter().map(hot).collect(), v.day(told.compared_from.as_ref()))
}

fn office_line(office: &Office, rows: &[Row]) -> Line {
    let row = rows.iter().find(|row| row.key == office.office_id);
    let figures = row.and_then(|row| match row.values.as_slice() {
        [received, replied, rate, ..] => Some((
            count(received.numerator),
            count(replied.numerator),
            rate.value.map_or_else(|| "–".to_owned(), percent),
        )),
        _ => None,
    });
    Line { id: office.office_id.clone(), title: office.title.clone(), open: office.open, figures }
}
