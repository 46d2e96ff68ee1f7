//! Whatever the order in which sources are heard and messages counted, the tallies are the same.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

use super::*;
use crate::domain::{
    count::contribution,
    division::path_of,
    fact::{Case, Decision, Fact, Outcome, Step, Submission, Verdict, View},
    measure::Measure,
};

const START: Timestamp = Timestamp::UNIX_EPOCH;
const AS_OF: SignedDuration = SignedDuration::from_hours(24 * 30);

fn day(days: u8) -> Timestamp {
    START + SignedDuration::from_hours(24 * i64::from(days))
}

/// What three sources say of one message, each in its order.
#[derive(Debug, Clone)]
struct Story {
    submission: Submission,
    verdicts: Vec<Verdict>,
    steps: Vec<(View, Timestamp, Step)>,
}

fn a_story() -> impl Strategy<Value = Story> {
    let office = prop::sample::select(vec!["350102", "350100", "110101", ""]);
    let verdict = prop_oneof(any::<bool>());
    let step = (0..6_u8, 0..60_u8, any::<bool>());
    (
        office,
        0..3_u8,
        any::<bool>(),
        prop::collection::vec(verdict, 0..4),
        prop::collection::vec(step, 0..6),
    )
        .prop_map(|(division, domain, private, verdicts, steps)| {
            story(division, domain, private, verdicts, &steps)
        })
}

fn prop_oneof(accused: impl Strategy<Value = bool> + 'static) -> impl Strategy<Value = Verdict> {
    (0..4_u8, accused).prop_map(|(which, accused)| match which {
        0 => Verdict::Approved { accused },
        1 => Verdict::Returned,
        2 => Verdict::Declined { ground: "abuse".to_owned() },
        _ => Verdict::Withdrawn,
    })
}

fn story(
    division: &str,
    domain: u8,
    private: bool,
    verdicts: Vec<Verdict>,
    steps: &[(u8, u8, bool)],
) -> Story {
    let submission = Submission {
        office_id: format!("{division}-s"),
        kind: "help".to_owned(),
        domain: domain.to_string(),
        private,
        submitted_at: START,
    };
    let mut revision = 0;
    let steps = steps.iter().enumerate().map(|(at, (which, on, moved))| {
        revision += i64::from(at % 2 == 0);
        let step = match (at, which) {
            (0, _) => Step::Opened { case_id: uuid::Uuid::nil(), deadline_at: day(20) },
            (_, 0) => Step::Transferred,
            (_, 1 | 2) => Step::Replied,
            (_, 3) => Step::Rated(i16::from(on % 13) + 3),
            (_, 4) => Step::Closed(Outcome::Solved),
            _ => Step::Handled,
        };
        let view = View {
            office_id: if *moved { "350100-g".to_owned() } else { submission.office_id.clone() },
            kind: "help".to_owned(),
            domain: domain.to_string(),
            private,
            accused: false,
            open: !matches!(step, Step::Closed(_)),
            revision,
        };
        (view, day(*on), step)
    });
    let steps = steps.collect();
    Story { submission, verdicts, steps }
}

/// What is known so far of a message, and what was counted of it.
#[derive(Debug, Clone, Default)]
struct Known {
    submission: Option<Submission>,
    decision: Decision,
    case: Option<Case>,
    counted: Option<Contribution>,
}

impl Known {
    /// The writer counts it.
    fn count(&mut self, tallies: &mut Delta) {
        let Some(submission) = self.submission.clone() else { return };
        let fact = Fact { submission, decision: self.decision.clone(), case: self.case.clone() };
        let new = contribution(&fact, START + AS_OF, |office| {
            path_of(office.trim_end_matches("-s").trim_end_matches("-g"))
        });
        if let Some(old) = self.counted.replace(new.clone()) {
            tallies.add(&old, -1);
        }
        tallies.add(&new, 1);
        tallies.settle();
    }

    /// The next word of a source, if it has one left.
    fn hear(&mut self, story: &mut Story, source: u8) {
        match source {
            0 => self.submission = Some(story.submission.clone()),
            1 if !story.verdicts.is_empty() => self.decision.hear(&story.verdicts.remove(0)),
            2 if !story.steps.is_empty() => {
                let (view, at, step) = story.steps.remove(0);
                match (&mut self.case, &step) {
                    (None, Step::Opened { case_id, deadline_at }) => {
                        self.case = Some(Case::open(*case_id, view, *deadline_at));
                    }
                    (Some(case), _) => case.hear(&view, at, &step),
                    (None, _) => unreachable!("the first step opens"),
                }
            }
            _ => {}
        }
    }
}

fn tell(stories: &[Story], order: &[(usize, u8, bool)]) -> Delta {
    let (mut known, mut left) = (vec![Known::default(); stories.len()], stories.to_vec());
    let mut tallies = Delta::default();
    for (which, source, count) in order {
        let at = which % stories.len();
        known[at].hear(&mut left[at], *source);
        if *count {
            known[at].count(&mut tallies);
        }
    }
    for (known, left) in known.iter_mut().zip(&mut left) {
        for source in [2, 2, 2, 2, 2, 2, 0, 1, 1, 1, 1] {
            known.hear(left, source);
        }
        known.count(&mut tallies);
    }
    tallies
}

proptest! {
    #[test]
    fn any_order_of_sources_and_rounds_gives_the_same_tallies(
        stories in prop::collection::vec(a_story(), 1..6),
        order in prop::collection::vec((any::<usize>(), 0..3_u8, any::<bool>()), 0..80),
    ) {
        prop_assert_eq!(tell(&stories, &order), tell(&stories, &[]));
    }

    #[test]
    fn no_rate_exceeds_the_whole_and_every_level_adds_up(
        stories in prop::collection::vec(a_story(), 1..8),
    ) {
        let tallies = tell(&stories, &[]);
        for (cell, numbers) in &tallies.cells {
            let get = |measure| numbers.get(measure);
            assert!(get(Measure::Replied) <= get(Measure::Opened), "{cell:?}");
            assert!(get(Measure::OnTime) <= get(Measure::Replied), "{cell:?}");
            assert!(get(Measure::Opened) <= get(Measure::Received), "{cell:?}");
        }
        let sum = |grain: Grain, level: Level| {
            let mut sum = Measures::default();
            let cells = tallies.cells.iter().filter(|(cell, _)| cell.grain == grain && cell.level == level);
            cells.for_each(|(_, numbers)| sum.add_all(numbers, 1));
            sum
        };
        for level in [Level::Nation, Level::Division, Level::Office] {
            prop_assert_eq!(sum(Grain::Detail, level), sum(Grain::Month, level));
        }
        for grain in [Grain::All, Grain::AllDetail] {
            prop_assert_eq!(sum(grain, Level::Office), sum(Grain::Month, Level::Office));
        }
        prop_assert_eq!(sum(Grain::Month, Level::Nation).get(Measure::Received), stories.len() as i64);
    }
}
