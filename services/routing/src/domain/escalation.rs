//! The steps of a case's clock that come by themselves: the deadline is near, it has passed, the
//! office above is told. Each comes once in the life of a case, in this order.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    assignment::above,
    calendar,
    case::{Case, Fact, What},
    deadline::{earlier, later},
    directory::Directory,
    state::State,
};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The deadline is near.
    Near,
    /// It has passed.
    Missed,
    /// It passed long ago: the office above is told, and the case is watched.
    Escalated,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Near, Self::Missed, Self::Escalated];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Missed => "missed",
            Self::Escalated => "escalated",
        }
    }
}

/// When the steps come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many counted days before the deadline it is near.
    pub near_days: u32,
    /// How many counted days after the deadline the office above is told.
    pub escalate_days: u32,
    /// Over how long the steps of cases with the same deadline are spread.
    pub spread: Duration,
}

impl Case {
    /// Its next step and when that comes; none if it waits for nobody to answer, or all are over.
    ///
    /// Deadlines are ends of days, so that those of many cases fall together: each case has its own
    /// moment within the spread, always the same.
    pub fn next_step(&self, directory: &Directory, pace: &Pace) -> Option<(Step, Timestamp)> {
        let open = matches!(self.state, State::Assigned | State::Accepted);
        let waits = self.handling.paused_at.is_some();
        if !open || self.reply_count > 0 || waits || self.came_overdue() {
            return None;
        }
        let step = *Step::ALL.get(usize::try_from(self.handling.step_count).ok()?)?;
        let (working, calendar) = (self.handling.working_days, &directory.calendar);
        let at = match step {
            Step::Near => {
                let day = earlier(calendar, working, self.deadline_at, pace.near_days)?;
                calendar::morning_of(day)?
            }
            Step::Missed => self.deadline_at,
            Step::Escalated => later(calendar, working, self.deadline_at, pace.escalate_days)?.0,
        };
        Some((step, at.saturating_add(self.share_of(pace.spread)).ok()?))
    }

    /// Notes when its next step is to be looked at.
    pub fn plan(&mut self, directory: &Directory, pace: &Pace) {
        self.handling.step_due_at = self.next_step(directory, pace).map(|(_, at)| at);
    }

    /// Whether it was overdue when it came from another system: nobody there can be reminded any more, also
    /// when it is worked on here. What moderation kept until its date had passed was opened after it, and
    /// has its steps.
    fn came_overdue(&self) -> bool {
        let time = self.case_id.uuid().get_timestamp().map(|id| id.to_unix());
        let entered_at = time.and_then(|(seconds, nanos)| {
            Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
        });
        self.opened_at <= self.deadline_at && entered_at.is_some_and(|at| at > self.deadline_at)
    }

    /// Takes the next step if its time has come. None takes place before the case was opened.
    pub fn step(
        &mut self,
        directory: &Directory,
        pace: &Pace,
        now: Timestamp,
    ) -> Option<(Step, Vec<Fact>)> {
        let (step, at) = self.next_step(directory, pace).filter(|(_, at)| *at <= now)?;
        let at = at.max(self.opened_at);
        self.handling.step_count += 1;
        let facts = match step {
            Step::Near => vec![self.fact(What::Neared, at)],
            Step::Missed => vec![self.fact(What::Missed, at)],
            Step::Escalated => {
                let superior =
                    above(&directory.offices, &self.office_id, &self.accused, calendar::day_of(at));
                // One that is watched already stays so; its office above is told all the same.
                let superior = superior.map(str::to_owned);
                self.handling.supervised_at.get_or_insert(at);
                let told = superior.clone().map(What::Escalated);
                let watched = self.fact(What::Supervised("overdue", superior), at);
                [watched].into_iter().chain(told.map(|told| self.fact(told, at))).collect()
            }
        };
        Some((step, facts))
    }

    /// The case's own part of a span of time.
    fn share_of(&self, spread: Duration) -> Duration {
        let number = u64::try_from(self.case_id.uuid().as_u128() % 1_000).unwrap_or_default();
        spread / 1_000 * u32::try_from(number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        case::{Opening, tests::an_opening},
        lists,
        state::Act,
    };

    const PACE: Pace = Pace { near_days: 2, escalate_days: 5, spread: Duration::from_secs(1_800) };

    fn a_case() -> Case {
        let opening = an_opening();
        let (id, at) = (uuid::Uuid::from_u128(77).into(), opening.submitted_at);
        let text = Some(crate::domain::case::Text::default());
        let triage = ["M35".to_owned()];
        Case::open(&opening, id, text, false, lists::shared(), &triage, at).unwrap().0
    }

    #[test]
    fn the_steps_come_two_days_before_at_and_five_days_after_the_deadline() {
        let mut case = a_case();
        let mut told = Vec::new();
        while let Some((step, at)) = case.next_step(lists::shared(), &PACE) {
            told.push((step, calendar::day_of(at).to_string()));
            assert_eq!(case.step(lists::shared(), &PACE, at - 1.microsecond()), None);
            assert_eq!(case.step(lists::shared(), &PACE, at).unwrap().0, step);
        }
        let days = ["2026-10-13", "2026-10-16", "2026-10-23"].map(str::to_owned);
        assert_eq!(told.into_iter().map(|(_, day)| day).collect::<Vec<_>>(), days);
        assert!(case.handling.supervised_at.is_some());
    }

    #[test]
    fn whoever_answers_or_waits_for_the_author_hears_nothing() {
        let mut case = a_case();
        case.act(Act::Accept, case.last_step_at, None).unwrap();
        assert!(case.next_step(lists::shared(), &PACE).is_some());
        case.pause(case.last_step_at).unwrap();
        assert_eq!(case.next_step(lists::shared(), &PACE), None);
        case.resume(lists::shared(), case.last_step_at).unwrap();
        assert!(case.next_step(lists::shared(), &PACE).is_some());
        let reply_id = uuid::Uuid::from_u128(3).into();
        case.act(Act::Reply, case.last_step_at, Some(reply_id)).unwrap();
        assert_eq!(case.next_step(lists::shared(), &PACE), None);
    }

    /// A case that is opened so long after its message was submitted, or written in another system.
    fn opened_after(days: i64, elsewhere: bool) -> Case {
        let submitted_at = an_opening().submitted_at;
        let now = submitted_at + jiff::SignedDuration::from_hours(24 * days);
        let opening = Opening { occurred_at: elsewhere.then_some(submitted_at), ..an_opening() };
        let triage = ["M35".to_owned()];
        let millis = u64::try_from(now.as_millisecond()).unwrap();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid().into();
        let text = Some(crate::domain::case::Text::default());
        Case::open(&opening, id, text, false, lists::shared(), &triage, now).unwrap().0
    }

    #[test]
    fn what_came_overdue_from_another_system_has_no_steps_also_when_it_is_worked_on() {
        let mut case = opened_after(400, true);
        assert_eq!(case.next_step(lists::shared(), &PACE), None);
        case.act(Act::Accept, case.last_step_at, None).unwrap();
        assert_eq!(case.next_step(lists::shared(), &PACE), None);
        case.pause(case.last_step_at).unwrap();
        case.resume(lists::shared(), case.last_step_at).unwrap();
        assert_eq!(case.next_step(lists::shared(), &PACE), None);
        assert!(
            opened_after(3, true).next_step(lists::shared(), &PACE).is_some(),
            "it came in time"
        );
    }

    #[test]
    fn what_moderation_kept_until_its_date_had_passed_has_its_steps_none_before_it_was_opened() {
        let mut case = opened_after(400, false);
        let now = case.opened_at;
        let mut steps = Vec::new();
        while let Some((step, facts)) = case.step(lists::shared(), &PACE, now) {
            assert!(facts.iter().all(|fact| fact.at == now));
            steps.push(step);
        }
        assert_eq!(steps, Step::ALL);
    }

    proptest! {
        /// Two years in which the clock jumps, and replicas look at any moment.
        #[test]
        fn each_step_comes_once_and_none_too_early(jumps in prop::collection::vec(0_i64..400, 1..200)) {
            let directory = lists::shared();
            let mut case = a_case();
            let (mut now, mut steps) = (case.submitted_at, Vec::new());
            for hours in jumps {
                now = now.checked_add(hours.hours()).unwrap();
                while let Some((step, facts)) = case.step(directory, &PACE, now) {
                    prop_assert!(facts.iter().all(|fact| fact.at <= now));
                    steps.push(step);
                }
                prop_assert!(case.next_step(directory, &PACE).is_none_or(|(_, at)| at > now));
            }
            prop_assert_eq!(&steps[..], &Step::ALL[..steps.len()]);
        }
    }
}
