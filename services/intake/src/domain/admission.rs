//! Who comes in when there is not room for all: the rules of admission, without clock and tasks.
//!
//! **A limit that adapts.** So many messages may be under way at a time: waiting for a writer or
//! being committed. The limit follows the latency from admission to commit by additive increase and
//! multiplicative decrease (as TCP does): a tenth of a second in which the mean was above the target
//! takes a fifth off, one in which it was below and the limit was reached adds an eighth of the
//! least. It never falls below what the writers can hold in one commit each: fewer messages would
//! make commits smaller and hardly faster.
//!
//! **Priorities.** A citizen's message may use the whole limit, a partner's bulk three quarters of
//! it, and a reading comes in while less than half is in use. So there is room for citizens however
//! much others bring. Who finds no room waits in a bounded queue, and the highest priority leaves it
//! first. Who finds the queue full takes the place of the youngest of the lowest priority below
//! their own, or is sent away.
//!
//! **Whoever is sent away is told when to come back:** after about as long as it takes until the
//! queue that stands there now is gone, and not all at the same moment.

use std::{collections::VecDeque, time::Duration};

/// How long latencies are collected before the limit changes.
const WINDOW: Duration = Duration::from_millis(100);
/// What is left of the limit after a slow window.
const DECREASE: f64 = 0.8;
/// The part of the least limit that a good window adds.
const INCREASE: f64 = 0.125;
/// The share of the limit beyond which it counts as reached.
const REACHED: f64 = 0.75;
/// The shortest and the longest time after which somebody is told to come back.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(30);
/// Into how many moments those who are sent away are spread.
const SPREAD: u32 = 8;

/// Who goes before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A new message of a citizen.
    Citizen,
    /// One of a partner's many.
    Partner,
    /// Somebody reads.
    Read,
}

impl Priority {
    /// All of them, the highest first.
    const ALL: [Self; 3] = [Self::Citizen, Self::Partner, Self::Read];

    /// The share of the limit that it may use.
    fn share(self) -> f64 {
        match self {
            Self::Citizen => 1.0,
            Self::Partner => 0.75,
            Self::Read => 0.5,
        }
    }
}

/// The bounds of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least limit.
    pub least: usize,
    /// The greatest limit; also the first one.
    pub most: usize,
    /// The mean latency beyond which the limit is lowered.
    pub latency: Duration,
    /// How many may wait.
    pub waiting: usize,
}

/// What becomes of somebody who arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// They are in.
    Admitted,
    /// They wait, and are known by this ticket.
    Waits(u64),
    /// They are sent away, to come back after this time.
    Refused(Duration),
}

/// Somebody who waited and is sent away for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shed {
    /// Their ticket.
    pub ticket: u64,
    /// After how long they may come back.
    pub retry_after: Duration,
}

/// Who is in, who waits, and how many may be in. Times are counted from any fixed moment.
#[derive(Debug)]
pub struct Admission {
    bounds: Bounds,
    limit: f64,
    writes: usize,
    reads: usize,
    waiting: [VecDeque<u64>; 3],
    tickets: u64,
    refusals: u32,
    window: Window,
    /// The latency of late, smoothed.
    latency: Duration,
}

#[derive(Debug, Default)]
struct Window {
    ends: Duration,
    total: Duration,
    count: u32,
    reached: bool,
}

impl Admission {
    /// Nobody is in.
    pub fn new(bounds: Bounds) -> Self {
        let most = bounds.most.max(1);
        let bounds = Bounds { most, least: bounds.least.clamp(1, most), ..bounds };
        Self {
            bounds,
            limit: most as f64,
            writes: 0,
            reads: 0,
            waiting: Default::default(),
            tickets: 0,
            refusals: 0,
            window: Window::default(),
            latency: Duration::ZERO,
        }
    }

    /// How many messages may be under way now.
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Whether somebody who arrived now would be sent away, and until when: so that no work is done
    /// for them.
    pub fn full_for(&mut self, priority: Priority) -> Option<Duration> {
        let others = &self.waiting[priority as usize + 1..];
        let full = self.waiting() >= self.bounds.waiting
            && others.iter().all(VecDeque::is_empty)
            && !self.has_room(priority);
        full.then(|| self.retry_after())
    }

    /// Somebody arrives. Another one may have to go for them.
    pub fn arrive(&mut self, priority: Priority) -> (Arrival, Option<Shed>) {
        let before = Priority::ALL.iter().filter(|other| **other <= priority);
        let nobody_before = before.clone().all(|other| self.waiting[*other as usize].is_empty());
        if nobody_before && self.has_room(priority) {
            self.come_in(priority);
            return (Arrival::Admitted, None);
        }
        self.window.reached = true;
        let mut shed = None;
        if self.waiting() >= self.bounds.waiting {
            let lower = Priority::ALL.iter().rev().filter(|other| **other > priority);
            let youngest = lower.clone().find_map(|other| self.waiting[*other as usize].pop_back());
            match youngest {
                None => return (Arrival::Refused(self.retry_after()), None),
                Some(ticket) => shed = Some(Shed { ticket, retry_after: self.retry_after() }),
            }
        }
        self.tickets += 1;
        self.waiting[priority as usize].push_back(self.tickets);
        (Arrival::Waits(self.tickets), shed)
    }

    /// Somebody who waited goes away. False if they are no longer waiting.
    pub fn give_up(&mut self, priority: Priority, ticket: u64) -> bool {
        let queue = &mut self.waiting[priority as usize];
        let before = queue.len();
        queue.retain(|other| *other != ticket);
        queue.len() < before
    }

    /// Somebody who was in since `since` is done. Gives the tickets of those who are in now.
    pub fn leave(&mut self, priority: Priority, since: Duration, now: Duration) -> Vec<u64> {
        match priority {
            Priority::Read => self.reads = self.reads.saturating_sub(1),
            Priority::Citizen | Priority::Partner => {
                self.writes = self.writes.saturating_sub(1);
                self.learn(now.saturating_sub(since), now);
            }
        }
        let mut admitted = Vec::new();
        for priority in Priority::ALL {
            while self.has_room(priority) {
                let Some(ticket) = self.waiting[priority as usize].pop_front() else { break };
                self.come_in(priority);
                admitted.push(ticket);
            }
        }
        admitted
    }

    fn has_room(&self, priority: Priority) -> bool {
        let taken = match priority {
            Priority::Read => self.writes + self.reads,
            Priority::Citizen | Priority::Partner => self.writes,
        };
        // There is always room for one.
        (taken as f64) < (self.limit * priority.share()).floor().max(1.0)
    }

    fn come_in(&mut self, priority: Priority) {
        match priority {
            Priority::Read => self.reads += 1,
            Priority::Citizen | Priority::Partner => self.writes += 1,
        }
        if self.writes as f64 >= self.limit * REACHED {
            self.window.reached = true;
        }
    }

    /// Takes a latency into account, and at the end of a window changes the limit.
    fn learn(&mut self, latency: Duration, now: Duration) {
        self.latency = (self.latency * 7 + latency) / 8;
        let window = &mut self.window;
        window.total += latency;
        window.count += 1;
        if now < window.ends {
            return;
        }
        let mean = window.total / window.count;
        let least = self.bounds.least as f64;
        if mean > self.bounds.latency {
            self.limit = (self.limit * DECREASE).max(least);
        } else if window.reached {
            self.limit += (least * INCREASE).max(1.0);
            self.limit = self.limit.min(self.bounds.most as f64);
        }
        self.window = Window { ends: now + WINDOW, ..Window::default() };
    }

    fn retry_after(&mut self) -> Duration {
        self.refusals = self.refusals.wrapping_add(1);
        let rounds = 1.0 + self.waiting() as f64 / self.limit;
        let spread = 1.0 + f64::from(self.refusals % SPREAD) / f64::from(SPREAD);
        self.latency.max(SOONEST).mul_f64(rounds * spread).min(LATEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(500);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn admission(least: usize, most: usize, waiting: usize) -> Admission {
        Admission::new(Bounds { least, most, latency: TARGET, waiting })
    }

    fn fill(admission: &mut Admission, priority: Priority, count: usize) {
        for _ in 0..count {
            assert_eq!(admission.arrive(priority), (Arrival::Admitted, None));
        }
    }

    #[test]
    fn whoever_finds_room_comes_in_and_others_wait_in_order() {
        let mut admission = admission(1, 2, 10);
        fill(&mut admission, Priority::Citizen, 2);
        assert_eq!(admission.arrive(Priority::Citizen).0, Arrival::Waits(1));
        assert_eq!(admission.arrive(Priority::Citizen).0, Arrival::Waits(2));
        assert_eq!(admission.leave(Priority::Citizen, ms(0), ms(1)), [1]);
        assert_eq!(admission.leave(Priority::Citizen, ms(0), ms(1)), [2]);
        assert_eq!(admission.waiting(), 0);
    }

    #[test]
    fn there_is_room_for_citizens_however_much_others_bring() {
        let mut admission = admission(4, 8, 100);
        fill(&mut admission, Priority::Partner, 6);
        assert!(matches!(admission.arrive(Priority::Partner).0, Arrival::Waits(_)));
        assert!(matches!(admission.arrive(Priority::Read).0, Arrival::Waits(_)));
        fill(&mut admission, Priority::Citizen, 2);
        assert!(matches!(admission.arrive(Priority::Citizen).0, Arrival::Waits(3)));
        // The citizen came last and is in first; the partner's share is still in use.
        assert_eq!(admission.leave(Priority::Partner, ms(0), ms(1)), [3]);
        assert_eq!(admission.leave(Priority::Partner, ms(0), ms(1)), Vec::<u64>::new());
    }

    #[test]
    fn the_lowest_priority_is_shed_first_and_the_youngest_of_it() {
        let mut admission = admission(1, 1, 3);
        fill(&mut admission, Priority::Citizen, 1);
        assert_eq!(admission.arrive(Priority::Partner).0, Arrival::Waits(1));
        assert_eq!(admission.arrive(Priority::Read).0, Arrival::Waits(2));
        assert_eq!(admission.arrive(Priority::Read).0, Arrival::Waits(3));
        let shed = |(_, shed): (Arrival, Option<Shed>)| shed.map(|shed| shed.ticket);
        assert_eq!(shed(admission.arrive(Priority::Partner)), Some(3));
        assert_eq!(shed(admission.arrive(Priority::Citizen)), Some(2));
        assert_eq!(shed(admission.arrive(Priority::Citizen)), Some(4));
        assert!(matches!(admission.arrive(Priority::Read).0, Arrival::Refused(_)));
        assert!(matches!(admission.arrive(Priority::Partner).0, Arrival::Refused(_)));
        assert_eq!(shed(admission.arrive(Priority::Citizen)), Some(1));
        assert!(matches!(admission.arrive(Priority::Citizen).0, Arrival::Refused(_)));
        assert_eq!(admission.waiting(), 3);
    }

    #[test]
    fn who_gives_up_is_not_waited_for() {
        let mut admission = admission(1, 1, 3);
        fill(&mut admission, Priority::Citizen, 1);
        admission.arrive(Priority::Citizen);
        admission.arrive(Priority::Citizen);
        assert!(admission.give_up(Priority::Citizen, 1));
        assert!(!admission.give_up(Priority::Citizen, 1));
        assert_eq!(admission.leave(Priority::Citizen, ms(0), ms(1)), [2]);
        assert!(!admission.give_up(Priority::Citizen, 2));
    }

    /// Lets `limit` messages come and go, each round with this latency.
    fn rounds(admission: &mut Admission, now: &mut Duration, latency: Duration, rounds: usize) {
        for _ in 0..rounds {
            let count = admission.limit();
            fill(admission, Priority::Citizen, count);
            *now += latency;
            for _ in 0..count {
                admission.leave(Priority::Citizen, *now - latency, *now);
            }
        }
    }

    #[test]
    fn slow_commits_lower_the_limit_and_fast_ones_raise_it_again() {
        let mut admission = admission(64, 1_024, 10);
        let mut now = ms(0);
        rounds(&mut admission, &mut now, ms(2_000), 3);
        let lowered = admission.limit();
        assert!((500..900).contains(&lowered), "{lowered}");
        rounds(&mut admission, &mut now, ms(2_000), 30);
        assert_eq!(admission.limit(), 64);
        rounds(&mut admission, &mut now, ms(110), 20);
        let raised = admission.limit();
        assert!((150..400).contains(&raised), "{raised}");
        rounds(&mut admission, &mut now, ms(110), 200);
        assert_eq!(admission.limit(), 1_024);
    }

    #[test]
    fn a_limit_that_nobody_reaches_stays() {
        let mut admission = admission(10, 100, 10);
        let mut now = ms(0);
        rounds(&mut admission, &mut now, ms(2_000), 30);
        assert_eq!(admission.limit(), 10);
        for _ in 0..100 {
            fill(&mut admission, Priority::Citizen, 1);
            now += ms(110);
            admission.leave(Priority::Citizen, now - ms(110), now);
        }
        assert_eq!(admission.limit(), 10);
    }

    #[test]
    fn who_is_sent_away_comes_back_later_when_more_wait_and_not_all_at_once() {
        let mut admission = admission(1, 1, 0);
        fill(&mut admission, Priority::Citizen, 1);
        let mut told = Vec::new();
        for _ in 0..8 {
            match admission.arrive(Priority::Citizen).0 {
                Arrival::Refused(wait) => told.push(wait),
                other => panic!("{other:?}"),
            }
        }
        assert!(told.iter().all(|wait| (SOONEST..=LATEST).contains(wait)), "{told:?}");
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 8);
        let mut now = ms(0);
        for _ in 0..50 {
            now += ms(60_000);
            admission.leave(Priority::Citizen, ms(0), now);
            admission.arrive(Priority::Citizen);
        }
        assert_eq!(admission.arrive(Priority::Citizen).0, Arrival::Refused(LATEST));
    }

    #[test]
    fn a_clock_that_goes_back_breaks_nothing() {
        let mut admission = admission(1, 2, 2);
        fill(&mut admission, Priority::Citizen, 1);
        admission.leave(Priority::Citizen, ms(1_000), ms(10));
        assert_eq!(admission.limit(), 2);
    }
}
