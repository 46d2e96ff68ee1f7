//! Hot problems of real messages, beside what two teams of people found in them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use jiff::{Timestamp, civil::DateTime, tz::offset};
use liuyan_routing::domain::hot::{Message, Problem, Telling, problems};
use serde_json::json;

use crate::{
    real::Folder,
    report::{Row, round},
};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    folder: Folder,
    /// From which nearness on a message belongs to a problem.
    #[arg(long, default_value_t = Telling::default().near)]
    near: f32,
    /// How much the title counts against the body.
    #[arg(long, default_value_t = Telling::default().title)]
    title: f32,
}

/// Two messages, by their ids, the lesser first.
type Pair = (String, String);

/// The pairs of messages that are said to speak of the same thing.
fn pairs<'a>(problems: impl IntoIterator<Item = Vec<&'a str>>) -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for mut ids in problems {
        ids.sort_unstable();
        for (at, one) in ids.iter().enumerate() {
            pairs
                .extend(ids[at + 1..].iter().map(|other| ((*one).to_owned(), (*other).to_owned())));
        }
    }
    pairs
}

fn f1(ours: &BTreeSet<Pair>, theirs: &BTreeSet<Pair>) -> f64 {
    2.0 * ours.intersection(theirs).count() as f64 / (ours.len() + theirs.len()).max(1) as f64
}

/// Measures.
///
/// # Errors
/// If there are no messages.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let columns = ["message_id", "posted_at", "title", "content"];
    let rows = options.folder.rows("teddy3_hotspot.open.csv", columns)?;
    let columns = ["team", "cluster_id", "message_id"];
    let found = options.folder.rows("teddy3_hotspot_clusters_contestants.open.csv", columns)?;
    let mut teams: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for [team, problem, message] in &found {
        teams.entry(team).or_default().entry(problem).or_default().push(message);
    }
    let answers: Vec<(usize, BTreeSet<Pair>, BTreeSet<&str>)> = teams
        .into_values()
        .map(|found| {
            let all = found.values().flatten().copied().collect();
            (found.len(), pairs(found.into_values()), all)
        })
        .collect();
    let [(.., one, _), (.., other, _)] = answers.as_slice() else {
        anyhow::bail!("two teams are needed");
    };
    let among_teams = f1(one, other);

    let times: Vec<Timestamp> = rows.iter().map(|row| time(&row[1])).collect::<Result<_, _>>()?;
    let messages: Vec<Message<'_>> = rows
        .iter()
        .zip(&times)
        .map(|([_, _, title, body], at)| Message { at: *at, title, body })
        .collect();
    let telling = Telling { near: options.near, title: options.title, ..Telling::default() };
    let begun = std::time::Instant::now();
    let hot = problems(&messages, &telling);
    let took = begun.elapsed().as_secs_f64();
    let ids = |problem: &Problem| -> Vec<&str> {
        problem.messages.iter().map(|at| rows[*at][0].as_str()).collect()
    };
    let sizes: Vec<usize> = hot.iter().take(10).map(|problem| problem.messages.len()).collect();
    let problem_of: HashMap<&str, usize> = hot
        .iter()
        .enumerate()
        .flat_map(|(number, problem)| ids(problem).into_iter().map(move |id| (id, number)))
        .collect();
    let mut result = Vec::new();
    for (team, (many, theirs, answered)) in answers.iter().enumerate() {
        let ours = pairs(hot.iter().take(*many).map(ids));
        // The same of the messages alone that the team put into its answer.
        let mut within: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for id in answered {
            if let Some(problem) = problem_of.get(id) {
                within.entry(*problem).or_default().push(id);
            }
        }
        let detail = json!({
            "what": format!("pair-F1 of the {many} hottest with the answer of team {}", team + 1),
            "teams_with_each_other": round(among_teams), "messages": rows.len(),
            "pair_f1_within_their_messages": round(f1(&pairs(within.into_values()), theirs)),
            "sizes": sizes, "seconds": round(took),
        });
        result.push(Row::at_least("hotspots", f1(&ours, theirs), round(among_teams), detail));
    }
    Ok(result)
}

/// Times of the set are those of China.
fn time(text: &str) -> anyhow::Result<Timestamp> {
    let at: DateTime = text.parse().with_context(|| format!("no time: {text}"))?;
    Ok(offset(8).to_timestamp(at)?)
}
