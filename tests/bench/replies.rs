//! The gate that replies pass, on real questions and their replies.

use liuyan_routing::domain::{
    gate::{Judgement, Verdict, judge_measured},
    likeness::{Sketch, Yardstick},
};
use serde_json::json;

use crate::{real::Folder, report::Row};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    folder: Folder,
    /// With how many other questions and replies each is compared.
    #[arg(long, default_value_t = 150)]
    others: usize,
}

/// Measures.
///
/// # Errors
/// If there are no replies.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let rows = options.folder.rows("teddy4_replies.open.csv", ["title", "content", "reply"])?;
    let questions: Vec<Sketch> =
        rows.iter().map(|[title, body, _]| Sketch::of(&[title, body])).collect();
    let replies: Vec<Sketch> = rows.iter().map(|[.., reply]| Sketch::of(&[reply])).collect();
    let pairs: Vec<(usize, usize)> =
        (0..rows.len()).filter(|at| !rows[*at][2].is_empty()).map(|at| (at, at)).collect();
    // Each reply under the question that comes half the set later.
    let far = pairs.len() / 2;
    let moved = |at: usize| (pairs[(at + far) % pairs.len()].0, pairs[at].1);
    let shuffled: Vec<(usize, usize)> = (0..pairs.len()).map(moved).collect();

    let judge = |pairs: &[(usize, usize)], copied: bool| -> Vec<Judgement> {
        pairs
            .chunks(50)
            .enumerate()
            .flat_map(|(part, pairs)| {
                // A yardstick of messages all over the set, others for each part.
                let step = (rows.len() / options.others.max(1)).max(1);
                let others: Vec<usize> = (0..rows.len()).skip(part % step).step_by(step).collect();
                let mut of_replies: Vec<Sketch> =
                    others.iter().map(|at| replies[*at].clone()).collect();
                if copied {
                    of_replies.extend(pairs.iter().map(|(_, reply)| replies[*reply].clone()));
                }
                let of_questions = others.iter().map(|at| questions[*at].clone()).collect();
                let stick = Yardstick::new(of_questions, of_replies);
                let measure = |(question, reply): &(usize, usize)| {
                    let own =
                        |at: usize| others.get(at).is_some_and(|at| at == question || at == reply);
                    let (question, reply) = (&questions[*question], &replies[*reply]);
                    judge_measured(question, reply, stick.measure_but(question, reply, own))
                };
                pairs.iter().map(measure).collect::<Vec<_>>()
            })
            .collect()
    };
    let share = |judged: &[Judgement], is: fn(&Judgement) -> bool| {
        judged.iter().filter(|one| is(one)).count() as f64 / judged.len().max(1) as f64
    };
    let stopped_of = |judged: &[Judgement]| share(judged, |one| one.stops);
    let flagged_of = |judged: &[Judgement]| share(judged, |one| one.verdict != Verdict::Pass);
    let (real, strange) = (judge(&pairs, false), judge(&shuffled, false));
    let copies = judge(&shuffled, true);
    let detail =
        |what: &str| json!({ "what": what, "replies": pairs.len(), "others": options.others });
    let mut stopped = detail("real replies that are stopped");
    stopped["flagged_or_stopped"] = json!(crate::report::round(flagged_of(&real)));
    let mut copied = detail("replies copied to other questions, flagged or stopped");
    copied["stopped"] = json!(crate::report::round(stopped_of(&copies)));
    Ok(vec![
        Row::at_most("gate", stopped_of(&real), 0.02, stopped),
        Row::at_least(
            "gate",
            flagged_of(&strange),
            0.95,
            detail("replies to other questions, flagged or stopped"),
        ),
        Row::at_least("gate", flagged_of(&copies), 1.0, copied),
    ])
}
