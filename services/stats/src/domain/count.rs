//! What one message adds to the figures.

use jiff::Timestamp;

use super::{
    fact::{Fact, Outcome},
    measure::{MOST_DAYS, Measure, Measures, Wait},
    month::{Month, days_between},
};

/// The version of the rules in this file. A release that changes them raises it, and everything is
/// counted again.
pub const RULES: i32 = 2;

/// The ground of a message that accuses somebody by name. Such a message is not counted where the
/// accused would see it: a count of one, in an office's own figures, would tell.
const ACCUSATION: &str = "unverified_accusation";

/// Where a message counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// For its office, all divisions above it and the nation, by domain.
    Office,
    /// For its province and the nation, without office, domain and division below.
    Province,
    /// For the nation alone.
    Nation,
}

impl Scope {
    /// Its name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Province => "province",
            Self::Nation => "nation",
        }
    }

    /// The scope with this name.
    pub fn of(code: &str) -> Option<Self> {
        [Self::Office, Self::Province, Self::Nation].into_iter().find(|scope| scope.code() == code)
    }
}

/// What one message adds, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Where it counts.
    pub scope: Scope,
    /// In which month it was submitted.
    pub month: Month,
    /// Its office; empty where it counts for the nation alone.
    pub office_id: String,
    /// The divisions of that office, the highest first.
    pub path: Vec<String>,
    /// Its domain; empty where it is not told.
    pub domain: String,
    /// Its kind.
    pub kind: String,
    /// Why it was declined.
    pub ground: Option<String>,
    /// Days to the first reply.
    pub days: Option<u32>,
    /// Days to the first decision of a moderator.
    pub review_days: Option<u32>,
    /// Its numbers, without the days.
    pub counts: Measures,
}

impl Contribution {
    /// Its numbers, with the days.
    pub fn measures(&self) -> Measures {
        let mut measures = self.counts.clone();
        if let Some(days) = self.days {
            measures.add_days(Wait::Reply, days as usize, 1);
        }
        if let Some(days) = self.review_days {
            measures.add_days(Wait::Review, days as usize, 1);
        }
        measures
    }
}

/// What a message adds, with the deadlines before `as_of` taken as passed. `path` gives the
/// divisions of an office.
pub fn contribution(
    fact: &Fact,
    as_of: Timestamp,
    path: impl FnOnce(&str) -> Vec<String>,
) -> Contribution {
    let Fact { submission, decision, case } = fact;
    let view = case.as_ref().map(|case| &case.view);
    let private = view.map_or(submission.private, |view| view.private);
    let approved = decision.approved || case.is_some();
    let ground = decision.declined_ground.clone().filter(|_| !approved);
    let accused = decision.accused
        || view.is_some_and(|view| view.accused)
        || ground.as_deref() == Some(ACCUSATION);
    let scope = match (accused, private) {
        (true, _) => Scope::Nation,
        (false, true) => Scope::Province,
        // Before moderation has looked at it, nobody knows whether it accuses its office.
        (false, false) if approved || ground.is_some() => Scope::Office,
        (false, false) => Scope::Province,
    };
    let office = view.map_or(&submission.office_id, |view| &view.office_id);
    let office_id = if scope == Scope::Nation { String::new() } else { office.clone() };
    let domain = view.map_or(&submission.domain, |view| &view.domain);
    let first_reply_at = case.as_ref().and_then(|case| case.first_reply_at);
    let days_until = |at: Timestamp| days_between(submission.submitted_at, at).min(MOST_DAYS);
    let days = first_reply_at.map(days_until);
    let review_days = decision.reviewed_at.map(days_until);

    let mut counts = Measures::default();
    let mut count = |measure, yes: bool| counts.add(measure, i64::from(yes));
    count(Measure::Received, true);
    count(Measure::Published, approved && !private && !accused);
    count(Measure::Declined, ground.is_some());
    count(Measure::Returned, decision.returned);
    let retracted = case.as_ref().and_then(|case| case.ended).map(|(_, outcome)| outcome);
    count(Measure::Withdrawn, decision.withdrawn || retracted == Some(Outcome::Withdrawn));
    count(Measure::Reviewed, review_days.is_some());
    counts.add(Measure::Appealed, decision.appealed.into());
    counts.add(Measure::Upheld, decision.upheld.into());
    counts.add(Measure::Overturned, decision.overturned.into());
    add_case(&mut counts, fact, as_of);
    Contribution {
        scope,
        month: Month::of(submission.submitted_at),
        path: if office_id.is_empty() { Vec::new() } else { path(&office_id) },
        office_id,
        domain: if scope == Scope::Office { domain.clone() } else { String::new() },
        kind: view.map_or(&submission.kind, |view| &view.kind).clone(),
        ground,
        days,
        review_days,
        counts,
    }
}

/// What the case of a message adds.
fn add_case(counts: &mut Measures, fact: &Fact, as_of: Timestamp) {
    let Some(case) = &fact.case else { return };
    counts.add(Measure::Opened, 1);
    counts.add(Measure::Transfers, i64::from(case.transfers));
    match case.first_reply_at {
        Some(first) => {
            counts.add(Measure::Replied, 1);
            counts.add(Measure::OnTime, i64::from(first <= case.deadline_at));
        }
        // Whoever ends a case before its deadline owes no reply any more.
        None => {
            let was_open = case.ended.is_none_or(|(at, _)| at > case.deadline_at);
            let overdue = case.deadline_at < as_of && was_open;
            counts.add(Measure::Overdue, i64::from(overdue));
        }
    }
    if let Some((_, outcome)) = case.ended {
        counts.add(Measure::Closed, 1);
        counts.add(of_outcome(outcome), 1);
    }
    if let (Some(marks), Some(_)) = (case.marks, case.first_reply_at) {
        counts.add(Measure::Rated, 1);
        counts.add(Measure::Marks, i64::from(marks));
    }
}

/// The measure of an outcome.
pub fn of_outcome(outcome: Outcome) -> Measure {
    match outcome {
        Outcome::Solved => Measure::Solved,
        Outcome::PartlySolved => Measure::PartlySolved,
        Outcome::Explained => Measure::Explained,
        Outcome::Refused => Measure::Refused,
        Outcome::Impossible => Measure::Impossible,
        Outcome::Duplicate => Measure::Duplicate,
        Outcome::Withdrawn => Measure::Retracted,
    }
}

#[cfg(test)]
mod tests;
