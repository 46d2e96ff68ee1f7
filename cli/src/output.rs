//! Tables for people, lines of JSON for programs.

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use crate::args::Output;

/// Prints one line for people.
#[expect(clippy::print_stdout, reason = "this is where a command answers its user")]
pub(crate) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Prints one line of JSON.
pub(crate) fn json(value: &impl Serialize) {
    line(serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")));
}

/// Prints rows: as a table, or each as a line of JSON.
pub(crate) fn rows<R: Serialize>(
    output: Output,
    header: &[&str],
    rows: &[R],
    cells: impl Fn(&R) -> Vec<String>,
) {
    match output {
        Output::Json => rows.iter().for_each(json),
        Output::Text => {
            let mut table = Table::new();
            table
                .load_style(UTF8_HORIZONTAL_ONLY)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_header(header.iter().copied());
            for row in rows {
                table.add_row(cells(row));
            }
            line(table);
        }
    }
}
