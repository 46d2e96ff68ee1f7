//! What is counted of messages and their cases.

macro_rules! measures {
    ($($(#[$doc:meta])* $name:ident => $code:literal),+ $(,)?) => {
        /// A number that is kept for each cell; everything that is published is made of these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Measure {
            $($(#[$doc])* $name,)+
        }

        impl Measure {
            /// All of them, in the order in which they are stored.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name, which is also that of its column.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

measures! {
    /// Messages that were stored.
    Received => "received",
    /// Public messages that were approved.
    Published => "published",
    /// Messages that were declined and not approved afterwards.
    Declined => "declined",
    /// Messages that went back to their authors at least once.
    Returned => "returned",
    /// Messages that their authors withdrew, before or after approval.
    Withdrawn => "withdrawn",
    /// Cases.
    Opened => "opened",
    /// Times that a case was given to another office.
    Transfers => "transfers",
    /// Cases with a reply.
    Replied => "replied",
    /// Cases whose first reply came by the deadline.
    OnTime => "on_time",
    /// Cases without a reply that were open when their deadline passed.
    Overdue => "overdue",
    /// Cases that ended; also the sum of the seven below.
    Closed => "closed",
    /// Ended: what was asked has been done.
    Solved => "solved",
    /// Ended: a part of it has been done.
    PartlySolved => "partly_solved",
    /// Ended: explained.
    Explained => "explained",
    /// Ended: refused by law.
    Refused => "refused",
    /// Ended: it cannot be done.
    Impossible => "impossible",
    /// Ended: handled in another case.
    Duplicate => "duplicate",
    /// Ended: withdrawn by the author.
    Retracted => "retracted",
    /// Cases with a final rating.
    Rated => "rated",
    /// The marks of final ratings, three for each rated case.
    Marks => "marks",
    /// Appeals against decisions not to publish.
    Appealed => "appealed",
    /// Appeals after which the decision stood.
    Upheld => "upheld",
    /// Appeals after which another decision took its place.
    Overturned => "overturned",
    /// Messages on which a person decided.
    Reviewed => "reviewed",
}

/// What is told in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// From submission to the first reply.
    Reply,
    /// From submission to the first decision of a moderator.
    Review,
}

impl Measure {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The measure with this name.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.code() == code)
    }
}

/// The longest time to a reply that is told in days; longer ones count as this.
pub const MOST_DAYS: u32 = 400;

/// The numbers of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures {
    counts: [i64; Measure::COUNT],
    /// Replies after 0 days, 1 day …; without zeros at the end.
    days: Vec<i64>,
    /// First decisions of moderators, likewise.
    review_days: Vec<i64>,
}

impl Measures {
    /// Numbers as they were stored; too many are left out, and missing ones are zero.
    pub fn stored(stored: &[i64]) -> Self {
        let mut measures = Self::default();
        for (count, stored) in measures.counts.iter_mut().zip(stored) {
            *count = *stored;
        }
        measures
    }

    /// One number.
    pub fn get(&self, measure: Measure) -> i64 {
        self.counts[measure as usize]
    }

    /// All numbers, in their order.
    pub fn counts(&self) -> &[i64] {
        &self.counts
    }

    /// A histogram of days.
    pub fn days(&self, wait: Wait) -> &[i64] {
        match wait {
            Wait::Reply => &self.days,
            Wait::Review => &self.review_days,
        }
    }

    /// Adds to one number.
    pub fn add(&mut self, measure: Measure, amount: i64) {
        self.counts[measure as usize] += amount;
    }

    /// Adds what waited for `days` days.
    pub fn add_days(&mut self, wait: Wait, days: usize, messages: i64) {
        let histogram = match wait {
            Wait::Reply => &mut self.days,
            Wait::Review => &mut self.review_days,
        };
        if histogram.len() <= days {
            histogram.resize(days + 1, 0);
        }
        histogram[days] += messages;
        while histogram.last() == Some(&0) {
            histogram.pop();
        }
    }

    /// Adds other numbers `times` times; -1 takes them away.
    pub fn add_all(&mut self, other: &Self, times: i64) {
        for (count, other) in self.counts.iter_mut().zip(other.counts) {
            *count += other * times;
        }
        for wait in [Wait::Reply, Wait::Review] {
            for (days, messages) in other.days(wait).iter().enumerate() {
                if *messages != 0 {
                    self.add_days(wait, days, messages * times);
                }
            }
        }
    }

    /// Whether all numbers are zero.
    pub fn is_zero(&self) -> bool {
        self.days.is_empty()
            && self.review_days.is_empty()
            && self.counts.iter().all(|count| *count == 0)
    }

    /// The least number of days for which `percent` of the messages waited at most (the nearest rank,
    /// so that the value is one that occurred); `None` without messages.
    pub fn quantile(&self, wait: Wait, percent: u8) -> Option<i64> {
        let histogram = self.days(wait);
        let total: i64 = histogram.iter().sum();
        let needed = (total * i64::from(percent) + 99) / 100;
        let mut seen = 0;
        let reached = |replies: &i64| {
            seen += replies;
            seen >= needed
        };
        let days = histogram.iter().position(reached)?;
        i64::try_from(days).ok().filter(|_| total > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(days: &[usize]) -> Measures {
        let mut measures = Measures::default();
        for days in days {
            measures.add_days(Wait::Reply, *days, 1);
            measures.add_days(Wait::Review, *days + 1, 1);
        }
        measures
    }

    #[test]
    fn the_median_is_exact_in_whole_days() {
        for (days, median, p90) in [
            (&[][..], None, None),
            (&[0], Some(0), Some(0)),
            (&[7], Some(7), Some(7)),
            (&[1, 3], Some(1), Some(3)),
            (&[1, 3, 30], Some(3), Some(30)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 40], Some(5), Some(9)),
        ] {
            let measures = replies(days);
            let quantile = |percent| measures.quantile(Wait::Reply, percent);
            assert_eq!((quantile(50), quantile(90)), (median, p90), "{days:?}");
            let review = measures.quantile(Wait::Review, 50);
            assert_eq!(review, median.map(|days: i64| days + 1), "{days:?}");
        }
    }

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut measures = replies(&[3, 9]);
        measures.add(Measure::Received, 2);
        let other = measures.clone();
        measures.add_all(&other, -1);
        assert!(measures.is_zero());
        assert_eq!(measures, Measures::default());
    }

    #[test]
    fn every_measure_is_found_by_its_name() {
        for (place, measure) in Measure::ALL.iter().enumerate() {
            assert_eq!(*measure as usize, place);
            assert_eq!(Measure::of(measure.code()), Some(*measure));
        }
        assert_eq!(Measure::of("day"), None);
    }
}
