//! Figures as a file.

use csv::{Terminator, WriterBuilder};

use super::{
    indicator::{Indicator, Value},
    query::GroupBy,
};

/// What a report is made of.
#[derive(Debug)]
pub struct Report<'r> {
    /// Told apart by what.
    pub group_by: GroupBy,
    /// Which indicators.
    pub indicators: &'r [Indicator],
    /// Keys with the values of the indicators, in their order.
    pub rows: &'r [(String, Vec<Value>)],
    /// The time of the last event that is counted, as text; empty before the first.
    pub counted_until: &'r str,
    /// The version of the definitions.
    pub version: u32,
}

/// Writes CSV (RFC 4180) in UTF-8 with a header. Each row says by which definitions and up to when
/// it was counted, so that a file alone can be checked.
///
/// # Errors
/// None that can occur in memory.
pub fn csv(report: &Report<'_>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let mut header = vec![report.group_by.code().to_owned()];
    for indicator in report.indicators {
        let code = &indicator.code;
        header.extend([format!("{code}_numerator"), format!("{code}_denominator"), code.clone()]);
    }
    header.extend(["counted_until".to_owned(), "definitions".to_owned()]);
    writer.write_record(&header)?;
    for (key, values) in report.rows {
        let mut row = vec![harmless(key)];
        for value in values {
            row.push(value.numerator.to_string());
            row.push(value.denominator.to_string());
            row.push(value.value.map(|value| value.to_string()).unwrap_or_default());
        }
        row.extend([report.counted_until.to_owned(), report.version.to_string()]);
        writer.write_record(&row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A spreadsheet takes a field that begins like this for a formula; an apostrophe makes it text
/// again (OWASP, CSV injection).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        indicator::{self, DATA},
        measure::{Measure, Measures},
    };

    #[test]
    fn a_report_is_csv_and_runs_nothing() {
        let indicators = indicator::parse(DATA).unwrap();
        let wanted: Vec<_> =
            indicators.into_iter().filter(|one| one.code == "reply_rate").collect();
        let mut measures = Measures::default();
        measures.add(Measure::Replied, 1);
        measures.add(Measure::Opened, 4);
        let row = |key: &str, measures: &Measures| {
            (key.to_owned(), wanted.iter().map(|one| one.value(measures)).collect::<Vec<_>>())
        };
        let rows = [
            row("=1+1", &measures),
            row("a,\"b\"", &Measures::default()),
            row("@x", &Measures::default()),
        ];
        let report = Report {
            group_by: GroupBy::Domain,
            indicators: &wanted,
            rows: &rows,
            counted_until: "2026-07-01T00:00:00Z",
            version: 1,
        };
        let text = String::from_utf8(csv(&report).unwrap()).unwrap();
        assert_eq!(
            text,
            "domain,reply_rate_numerator,reply_rate_denominator,reply_rate,counted_until,definitions\r\n\
             '=1+1,1,4,0.25,2026-07-01T00:00:00Z,1\r\n\
             \"a,\"\"b\"\"\",0,0,,2026-07-01T00:00:00Z,1\r\n\
             '@x,0,0,,2026-07-01T00:00:00Z,1\r\n"
        );
    }
}
