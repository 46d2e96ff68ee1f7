//! Tables for people, lines of JSON for programs.

use std::{
    io::{ErrorKind, Write as _, stdout},
    process::exit,
};

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use crate::args::Output;

/// Prints one line for people. If nobody reads any more, as behind `| head`, the command ends.
pub(crate) fn line(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(stdout().lock(), "{text}") {
        exit(if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 });
    }
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
