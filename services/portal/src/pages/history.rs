//! What happened to a case, and who held it for how long.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::clock;
use liuyan_proto::liuyan::common::v1::{CaseState, Outcome, PromiseState, PublicCase};

use crate::{directory::Names, format::When, visit::Visit};

/// How many colours the bar has.
const COLOURS: usize = 4;
/// The width of the bar's drawing.
const WIDTH: f64 = 1_000.0;
/// The least width of a part, so that a short time is seen, too.
const LEAST: f64 = 6.0;

/// Something that happened.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) text: String,
    at: Timestamp,
}

/// A span of time in which one office held the case.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) office: String,
    pub(crate) from: When,
    pub(crate) duration: String,
    /// Its place in the bar.
    pub(crate) x: f64,
    pub(crate) width: f64,
    pub(crate) colour: usize,
    /// For how long of it the office waited for the author.
    pub(crate) waited: Option<String>,
    /// Where in the bar it waited: begin and width of each wait.
    pub(crate) waits: Vec<(f64, f64)>,
}

/// How an outcome is called.
pub(crate) fn outcome_word(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Unspecified => None,
        Outcome::Solved => Some("outcome-solved"),
        Outcome::PartlySolved => Some("outcome-partly-solved"),
        Outcome::Explained => Some("outcome-explained"),
        Outcome::Refused => Some("outcome-refused"),
        Outcome::Impossible => Some("outcome-impossible"),
        Outcome::Duplicate => Some("outcome-duplicate"),
        Outcome::Withdrawn => Some("outcome-withdrawn"),
    }
}

/// What happened, in order.
pub(crate) fn steps(v: &Visit, case: &PublicCase, names: &Names) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |time: Option<&prost_types::Timestamp>, text: String| {
        if let Some(at) = time.and_then(clock::from_proto) {
            steps.push(Step { when: v.moment_of(at), text, at });
        }
    };
    add(case.submitted_at.as_ref(), v.t("step-submitted"));
    for (index, custody) in case.custody.iter().enumerate() {
        let name = if index == 0 { "step-assigned" } else { "step-transferred" };
        add(custody.from.as_ref(), v.t1(name, "office", names.office(&custody.office_id)));
    }
    add(case.accepted_at.as_ref(), v.t("step-accepted"));
    for pause in &case.pauses {
        add(pause.from.as_ref(), v.t("step-paused"));
        add(pause.until.as_ref(), v.t("step-resumed"));
    }
    add(case.extended_at.as_ref(), v.t("step-extended"));
    for reply in &case.replies {
        let text = v.t1("step-replied", "office", names.office(&reply.office_id));
        add(reply.replied_at.as_ref(), text);
        add(reply.corrected_at.as_ref(), v.t("step-corrected"));
        for promise in &reply.promises {
            let kept = promise.state() == PromiseState::Kept;
            let name = if kept { "step-promise-kept" } else { "step-promise-broken" };
            add(promise.settled_at.as_ref(), v.t(name));
        }
    }
    if let Some(word) = outcome_word(case.outcome()) {
        add(case.closed_at.as_ref(), v.t1("step-closed", "outcome", v.t(word)));
    }
    // Steps of one moment stay in the order in which they follow from each other.
    steps.sort_by_key(|step| step.at);
    steps
}

/// Who held the case, for how long: until it ended, until its last answer if that still stands, or until
/// now.
pub(crate) fn spans(v: &Visit, case: &PublicCase, names: &Names) -> Vec<Span> {
    let time = |time: Option<&prost_types::Timestamp>| time.and_then(clock::from_proto);
    let end = match case.state() {
        // A case that is worked on again after an answer is held on.
        CaseState::Replied => case.replies.last().and_then(|it| time(it.replied_at.as_ref())),
        _ => time(case.closed_at.as_ref()),
    };
    let end = end.unwrap_or_else(|| v.now());
    let held: Vec<(&str, Timestamp, SignedDuration)> = case
        .custody
        .iter()
        .filter_map(|custody| {
            let from = time(custody.from.as_ref())?;
            let until = time(custody.until.as_ref()).unwrap_or(end).min(end);
            let length = until.duration_since(from).max(SignedDuration::ZERO);
            Some((custody.office_id.as_str(), from, length))
        })
        .collect();
    let widths =
        widths(&held.iter().map(|(_, _, length)| length.as_secs_f64()).collect::<Vec<_>>());
    let pauses: Vec<(Timestamp, Timestamp)> = case
        .pauses
        .iter()
        .filter_map(|pause| {
            let until = time(pause.until.as_ref()).unwrap_or(end).min(end);
            Some((time(pause.from.as_ref())?, until))
        })
        .collect();
    let mut x = 0.0;
    held.iter()
        .zip(widths)
        .enumerate()
        .map(|(index, ((office_id, from, length), width))| {
            let parts = within(*from, *length, &pauses);
            let whole = length.as_secs_f64().max(1.0);
            let place = |part: &(SignedDuration, SignedDuration)| {
                let at = |length: SignedDuration| {
                    (length.as_secs_f64() / whole * width * 10.0).round() / 10.0
                };
                (x + at(part.0), at(part.1))
            };
            let waited: SignedDuration = parts.iter().map(|(_, length)| *length).sum();
            let span = Span {
                office: names.office(office_id),
                from: v.moment_of(*from),
                duration: duration(v, *length),
                waits: parts.iter().map(place).collect(),
                waited: (!parts.is_empty()).then(|| duration(v, waited)),
                x,
                width,
                colour: index % COLOURS,
            };
            x += width;
            span
        })
        .collect()
}

/// What of the pauses lies within a span: from its begin to theirs, and their lengths.
fn within(
    from: Timestamp,
    length: SignedDuration,
    pauses: &[(Timestamp, Timestamp)],
) -> Vec<(SignedDuration, SignedDuration)> {
    let part = |(begin, end): &(Timestamp, Timestamp)| {
        let begin = begin.duration_since(from).clamp(SignedDuration::ZERO, length);
        let end = end.duration_since(from).clamp(SignedDuration::ZERO, length);
        (end > begin).then_some((begin, end - begin))
    };
    pauses.iter().filter_map(part).collect()
}

/// Widths in proportion to lengths, none of them too small to be seen, all together the whole bar.
fn widths(lengths: &[f64]) -> Vec<f64> {
    let total: f64 = lengths.iter().sum();
    let share = |length: f64| {
        if total > 0.0 { length / total } else { 1.0 / lengths.len().max(1) as f64 }
    };
    let raised: Vec<f64> = lengths.iter().map(|it| (share(*it) * WIDTH).max(LEAST)).collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|width| (width / sum * WIDTH * 10.0).round() / 10.0).collect()
}

/// A length of time in days and hours.
pub(crate) fn duration(v: &Visit, length: SignedDuration) -> String {
    let hours = length.as_hours().max(0);
    match (hours / 24, hours % 24) {
        (0, 0) => v.t("duration-less"),
        (0, hours) => v.t1("duration-hours", "hours", hours),
        (days, 0) => v.t1("duration-days", "days", days),
        (days, hours) => v.t2("duration-days-hours", "days", days, "hours", hours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_bar_are_the_whole_and_each_is_seen() {
        for lengths in [vec![1.0], vec![0.0, 0.0], vec![1.0, 1_000_000.0, 5.0], vec![]] {
            let widths = widths(&lengths);
            assert!(widths.iter().all(|width| *width > 5.0), "{widths:?}");
            let sum: f64 = widths.iter().sum();
            assert!(lengths.is_empty() || (sum - WIDTH).abs() < 1.0, "{widths:?}");
        }
    }

    #[test]
    fn a_pause_counts_for_the_office_that_waited() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let hours = SignedDuration::from_hours;
        let pauses = [(at(1), at(3)), (at(8), at(12)), (at(20), at(21))];
        let parts = within(at(2), hours(8), &pauses);
        assert_eq!(parts, [(hours(0), hours(1)), (hours(6), hours(2))]);
    }
}
