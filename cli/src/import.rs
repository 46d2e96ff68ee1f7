//! `liuyan import`: sends the rows of a file to the board, as any client would.
//!
//! Every row has a request id that is made from its source, its name and its content; what was
//! acknowledged is written to a journal that is on the disk before it is counted. An import that
//! was interrupted, by whatever, is simply started again.

mod journal;
mod mapping;
mod office;
mod rows;
mod send;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
pub(crate) use journal::entries;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{args::Output, board::Board, error::Error, output};
use journal::Journal;
use mapping::Mapping;
use rows::Row;
use send::Refusal;

/// What to import.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file: CSV in UTF-8 with a header row.
    file: PathBuf,
    /// How its columns become messages; found by the header if not given.
    #[arg(long)]
    mapping: Option<PathBuf>,
}

/// What became of the rows.
#[derive(Debug, Default)]
struct Tally {
    rows: usize,
    accepted: usize,
    already: usize,
    refusals: Vec<Refusal>,
    replied: usize,
    replied_already: usize,
    waiting: usize,
    unanswerable: Vec<Refusal>,
}

/// Imports the file.
pub(crate) async fn run(board: &Board, options: Options, output: Output) -> Result<(), Error> {
    let content = fs::read(&options.file).map_err(|error| {
        Error::Usage(format!("{} cannot be read: {error}", options.file.display()))
    })?;
    let mapping = mapping(&options, &content)?;
    let (rows, unreadable) = rows::read(&content, &mapping)?;
    let mut tally =
        Tally { rows: rows.len() + unreadable.len(), refusals: unreadable, ..Tally::default() };
    let mut journal = Journal::open(&board.data_dir, &mapping.name, &sha(&content))?;

    let bar = bar(output, rows.len());
    send::send(board, &rows, &mut journal, &mut tally, &bar).await?;
    bar.finish_and_clear();
    if mapping.reply.is_some() {
        let answers: Vec<&Row> = rows.iter().filter(|row| row.reply.is_some()).collect();
        let bar = self::bar(output, answers.len());
        office::answer(board, &answers, &mut journal, &mut tally, &bar).await?;
        bar.finish_and_clear();
    }
    let report = report_file(board, &mapping.name, &tally)?;
    tell(&tally, &report, output);
    Ok(())
}

fn mapping(options: &Options, content: &[u8]) -> Result<Mapping, Error> {
    match &options.mapping {
        Some(path) => Mapping::read(path),
        None => Mapping::find(&rows::header(content)?),
    }
}

fn sha(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn bar(output: Output, length: usize) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{wide_bar} {pos}/{len} rows, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

/// Writes every refusal with its limit, one line of JSON each.
fn report_file(board: &Board, name: &str, tally: &Tally) -> Result<PathBuf, Error> {
    let path = journal::folder(&board.data_dir).join(format!("{name}.refused.jsonl"));
    let write = |path: &Path| {
        let mut file = fs::File::create(path)?;
        for refusal in tally.refusals.iter().chain(&tally.unanswerable) {
            serde_json::to_writer(&mut file, refusal)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    };
    write(&path).map_err(|error: std::io::Error| {
        Error::other(format!("writing {}", path.display()))(error)
    })?;
    Ok(path)
}

fn by_reason(refusals: &[Refusal]) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for refusal in refusals {
        for limit in &refusal.limits {
            *reasons
                .entry(format!("{} {}", limit.field, limit.reason).trim().to_owned())
                .or_default() += 1;
        }
    }
    reasons
}

fn tell(tally: &Tally, report: &Path, output: Output) {
    let reasons = by_reason(&tally.refusals);
    if output == Output::Json {
        output::json(&json!({
            "rows": tally.rows,
            "accepted": tally.accepted,
            "refused": tally.refusals.len(),
            "already": tally.already,
            "replied": tally.replied,
            "replied_already": tally.replied_already,
            "waiting_for_a_moderator": tally.waiting,
            "unanswerable": tally.unanswerable.len(),
            "limits": reasons,
            "report": report,
        }));
        return;
    }
    output::line(format_args!(
        "{} rows: {} accepted, {} accepted before, {} refused",
        tally.rows,
        tally.accepted,
        tally.already,
        tally.refusals.len()
    ));
    if tally.replied + tally.replied_already + tally.waiting + tally.unanswerable.len() > 0 {
        output::line(format_args!(
            "{} answered, {} answered before, {} wait for a moderator, {} could not be answered",
            tally.replied,
            tally.replied_already,
            tally.waiting,
            tally.unanswerable.len()
        ));
    }
    for (reason, count) in by_reason(&tally.refusals).iter().chain(&by_reason(&tally.unanswerable))
    {
        output::line(format_args!("  {count:>6} × {reason}"));
    }
    if !tally.refusals.is_empty() || !tally.unanswerable.is_empty() {
        output::line(format_args!("every refused row with its limit: {}", report.display()));
    }
}
