//! Requests to the domain's words; everything that is wrong is told at once.

use liuyan_kit::class::Violation;
use liuyan_proto::liuyan::stats::v1 as proto;

use crate::{
    app::{App, asking::RankingQuery},
    domain::{
        indicator::Indicator,
        month::Month,
        query::{GroupBy, Query, Slice},
    },
    error::{Error, Faults},
};

/// The longest id of an office, and code of a domain or kind.
const LONGEST_CODE: usize = 64;
/// The digits of a division's code (GB/T 2260).
const DIVISION_DIGITS: usize = 6;

/// A question for figures. `inside` is the path of the message in which it stands.
pub(super) fn query(
    app: &App,
    request: &proto::QuerySeriesRequest,
    inside: &str,
) -> Result<Query, Error> {
    let mut faults = Faults::default();
    let field = |name: &str| format!("{inside}{name}");
    let most = app.config.indicators;
    let asked = &request.indicators;
    faults.check(!asked.is_empty(), &field("indicators"), "FIELD_REQUIRED");
    if asked.len() > most {
        let violation = Violation::new(field("indicators"), "TOO_MANY_ENTRIES");
        faults.push(violation.with("max", most));
    }
    let indicators = asked.iter().take(most).enumerate().filter_map(|(at, code)| {
        let found = app.indicator(code);
        faults.check(found.is_some(), &field(&format!("indicators[{at}]")), "INDICATOR_UNKNOWN");
        found.cloned()
    });
    let indicators: Vec<Indicator> = indicators.collect();
    let slice = slice(&mut faults, request.slice.as_ref(), &field("slice"));
    let group_by = group_by(&mut faults, request.group_by, &field("group_by"));
    let only = |code: &str| asked.iter().all(|indicator| indicator == code);
    let (right, reason) = match group_by {
        GroupBy::Ground => (only("declined"), "GROUP_NEEDS_DECLINED"),
        GroupBy::Outcome => (only("closed"), "GROUP_NEEDS_CLOSED"),
        GroupBy::Division => (slice.office_id.is_empty(), "OFFICE_NOT_DIVIDED"),
        _ => (true, ""),
    };
    faults.check(right, &field("group_by"), reason);
    faults.end()?;
    Ok(Query { indicators, slice, group_by })
}

/// A question for a ranking.
pub(super) fn ranking(
    app: &App,
    request: &proto::ListRankingRequest,
) -> Result<RankingQuery, Error> {
    let mut faults = Faults::default();
    let indicator = app.indicator(&request.indicator);
    match indicator {
        _ if request.indicator.is_empty() => {
            faults.push(Violation::new("indicator", "FIELD_REQUIRED"));
        }
        None => faults.push(Violation::new("indicator", "INDICATOR_UNKNOWN")),
        Some(found) => faults.check(found.is_part(), "indicator", "INDICATOR_NOT_RANKED"),
    }
    let slice = slice(&mut faults, request.slice.as_ref(), "slice");
    let group_by = group_by(&mut faults, request.group_by, "group_by");
    let ranked = matches!(group_by, GroupBy::Division | GroupBy::Office);
    faults.check(ranked, "group_by", "GROUP_NOT_RANKED");
    faults.check(slice.office_id.is_empty(), "slice.office_id", "OFFICE_NOT_DIVIDED");
    faults.check(request.page_size >= 0, "page_size", "PAGE_SIZE_NEGATIVE");
    faults.end()?;
    let size = match u32::try_from(request.page_size).unwrap_or_default() {
        0 => app.config.ranking_rows_default,
        size => size.min(app.config.ranking_rows),
    };
    Ok(RankingQuery {
        indicator: indicator.cloned().ok_or(Error::IndicatorNotFound)?,
        slice,
        group_by,
        min_n: if request.min_n == 0 { app.config.ranking_min_n } else { request.min_n },
        size: usize::try_from(size).unwrap_or(usize::MAX),
    })
}

fn group_by(faults: &mut Faults, group_by: i32, field: &str) -> GroupBy {
    let known = proto::GroupBy::try_from(group_by);
    faults.check(known.is_ok(), field, "VALUE_UNKNOWN");
    match known.unwrap_or_default() {
        proto::GroupBy::Unspecified => GroupBy::Nothing,
        proto::GroupBy::Month => GroupBy::Month,
        proto::GroupBy::Division => GroupBy::Division,
        proto::GroupBy::Office => GroupBy::Office,
        proto::GroupBy::Domain => GroupBy::Domain,
        proto::GroupBy::Kind => GroupBy::Kind,
        proto::GroupBy::Ground => GroupBy::Ground,
        proto::GroupBy::Outcome => GroupBy::Outcome,
    }
}

fn slice(faults: &mut Faults, slice: Option<&proto::Slice>, field: &str) -> Slice {
    let Some(slice) = slice else { return Slice::default() };
    let division = &slice.division_code;
    let digits = division.bytes().all(|digit| digit.is_ascii_digit());
    let right = division.is_empty() || division.len() == DIVISION_DIGITS && digits;
    faults.check(right, &format!("{field}.division_code"), "DIVISION_MALFORMED");
    for (name, code) in
        [("office_id", &slice.office_id), ("domain", &slice.domain), ("kind", &slice.kind)]
    {
        let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
        let right = code.len() <= LONGEST_CODE && code.bytes().all(known);
        faults.check(right, &format!("{field}.{name}"), "CODE_MALFORMED");
    }
    let mut month = |name: &str, text: &str, none: Month| match (text, Month::parse(text)) {
        ("", _) => none,
        (_, Some(month)) => month,
        (_, None) => {
            faults.check(false, &format!("{field}.{name}"), "MONTH_MALFORMED");
            none
        }
    };
    let from = month("from_month", &slice.from_month, Month::FIRST);
    let to = month("to_month", &slice.to_month, Month::LAST);
    faults.check(from <= to, &format!("{field}.to_month"), "MONTHS_REVERSED");
    Slice {
        division_code: division.clone(),
        office_id: slice.office_id.clone(),
        domain: slice.domain.clone(),
        kind: slice.kind.clone(),
        from,
        to,
    }
}
