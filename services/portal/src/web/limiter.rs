//! How many forms one address may send.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

/// How many addresses are remembered.
const MOST: usize = 65_536;
/// The length of the time that is counted, in milliseconds.
const WINDOW_MS: i64 = 60_000;

/// Lets so many through within a minute: each address has a bucket that fills evenly.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_minute: u32,
    /// When each bucket will be full again, in milliseconds.
    full_at: Mutex<HashMap<IpAddr, i64>>,
}

impl Limiter {
    /// With 0, everybody passes.
    pub(crate) fn per_minute(per_minute: u32) -> Self {
        Self { per_minute, full_at: Mutex::default() }
    }

    /// Whether `client` may pass now.
    pub(crate) fn passes(&self, client: IpAddr, now: Timestamp) -> bool {
        if self.per_minute == 0 {
            return true;
        }
        let (now, cost) = (now.as_millisecond(), WINDOW_MS / i64::from(self.per_minute).max(1));
        let mut known = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, full_at| *full_at > now);
            if known.len() >= MOST {
                known.clear();
            }
        }
        let full_at = known.entry(network(client)).or_insert(now);
        let next = (*full_at).max(now) + cost;
        if next - now > WINDOW_MS {
            return false;
        }
        *full_at = next;
        true
    }
}

/// One household has a whole /64 of IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn so_many_pass_within_a_minute_and_more_after_a_while() {
        let limiter = Limiter::per_minute(6);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let begin = Timestamp::UNIX_EPOCH;
        let passed = (0..10).filter(|_| limiter.passes(one, begin)).count();
        assert_eq!(passed, 6);
        assert!(limiter.passes(other, begin));
        assert!(!limiter.passes(one, begin + SignedDuration::from_secs(9)));
        assert!(limiter.passes(one, begin + SignedDuration::from_secs(10)));
    }

    #[test]
    fn one_household_is_one_address() {
        let limiter = Limiter::per_minute(1);
        let (one, other) = ("2001:db8::1", "2001:db8::2");
        assert!(limiter.passes(one.parse().unwrap(), Timestamp::UNIX_EPOCH));
        assert!(!limiter.passes(other.parse().unwrap(), Timestamp::UNIX_EPOCH));
    }
}
