//! The calendar by year: days off, and working days that make up for them.

use askama::Template;
use axum::{body::Bytes, extract::Query, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{CalendarDay, GetCalendarRequest, PutCalendarRequest};
use serde::Deserialize;

use super::{Fields, ROLES, explain};
use crate::{
    error::Error,
    format::day_of,
    page::{Keep, page_with, see},
    pages::faults::Faults,
    visit::Visit,
};

/// How the two sorts of days are written in a line, in every language.
const OFF: &str = "off";
const WORKED: &str = "on";

#[derive(Template)]
#[template(path = "admin_calendar.html")]
struct Year {
    v: Visit,
    year: i32,
    /// The day, the holiday, and whether it is off.
    days: Vec<(String, String, bool)>,
    source: String,
    last_day: String,
    /// The years before and after, if there are such.
    before: i32,
    after: i32,
    typed: Fields,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    year: Option<i32>,
}

pub(super) async fn year(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let year = ask.year.unwrap_or_else(|| i32::from(day_of(v.now()).year()));
    render(v, year, None, Faults::default(), StatusCode::OK).await
}

pub(super) async fn put(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let year: i32 = typed.get("year").parse().map_err(|_| Error::Unreadable)?;
    let days = match read(&v, typed.get("days")) {
        Ok(days) => days,
        Err(line) => {
            let text = v.t1("admin-calendar-line", "line", line);
            let fields = vec![("calendar".to_owned(), text.clone())];
            let f = Faults { fields, ..Faults::whole(text) };
            return render(v, year, Some(typed), f, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let request = PutCalendarRequest { year, days, source: typed.text("source") };
    let answer = v.app().backend.directory().put_calendar(v.call(request)).await;
    let Err(error) = answer.map_err(Error::from) else {
        v.notify("admin-calendar-put");
        return Ok(see(&format!("/admin/calendar?year={year}")));
    };
    let (f, status) = explain(&v, error, |field| match field {
        "year" | "source" => field.to_owned(),
        _ => "calendar".to_owned(),
    })?;
    render(v, year, Some(typed), f, status).await
}

/// Reads days as they are typed: a line each, with the date, the holiday, and whether it is off. Gives the
/// first line that can't be read.
fn read(v: &Visit, text: &str) -> Result<Vec<CalendarDay>, String> {
    let (off, worked) = (v.t("admin-calendar-off"), v.t("admin-calendar-worked"));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let day = |line: &str| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [date, name @ .., sort] = parts.as_slice() else { return Err(line.to_owned()) };
        let off = match *sort {
            it if it == off || it.eq_ignore_ascii_case(OFF) => true,
            it if it == worked || it.eq_ignore_ascii_case(WORKED) => false,
            _ => return Err(line.to_owned()),
        };
        Ok(CalendarDay { date: (*date).to_owned(), name: name.join(" "), off })
    };
    lines.map(day).collect()
}

async fn render(
    v: Visit,
    year: i32,
    typed: Option<Fields>,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let request = v.call_public(GetCalendarRequest { year });
    let told = v.app().backend.directory().get_calendar(request).await?.into_inner();
    let days: Vec<_> = told.days.into_iter().map(|it| (it.date, it.name, it.off)).collect();
    let (off, worked) = (v.t("admin-calendar-off"), v.t("admin-calendar-worked"));
    let line = |(date, name, is_off): &(String, String, bool)| {
        format!("{date} {name} {}\n", if *is_off { &off } else { &worked })
    };
    let typed = typed.unwrap_or_else(|| {
        Fields::of(&[("days", days.iter().map(line).collect()), ("source", told.source.clone())])
    });
    let template = Year {
        year,
        source: told.source,
        last_day: told.last_day,
        before: year - 1,
        after: year + 1,
        days,
        typed,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}
