//! A delivery: when it is tried, what becomes of it.

use jiff::{SignedDuration, Timestamp};

use super::{event::Kind, wish::Preferences};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its time.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
    /// It is not to be sent.
    Dropped,
}

impl State {
    /// Its name, as tables keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Dead, Self::Dropped]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// Whether somebody may have it tried anew.
    pub const fn can_be_revived(self) -> bool {
        matches!(self, Self::Dead | Self::Dropped)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Delivered,
    /// It did not; it may another time.
    Failed,
    /// It did not, and never will.
    Refused,
}

impl Outcome {
    /// Its name, as tables and metrics keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// A delivery, as far as attempts change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub state: State,
    /// How often it was tried in this series.
    pub tries: u32,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Where it stands then.
    pub progress: Progress,
    /// When it is tried again, if it is.
    pub due_at: Option<Timestamp>,
}

/// What becomes of a delivery after an attempt. An arrival counts whoever brought it; a failure only
/// if whoever met it still held the delivery (`held`). What has ended stays as it is: there is one
/// success at most.
pub fn after(
    progress: Progress,
    outcome: Outcome,
    held: bool,
    now: Timestamp,
    waits: &[u32],
    jitter: f64,
) -> Option<Next> {
    if progress.state != State::Waiting || (outcome != Outcome::Delivered && !held) {
        return None;
    }
    let tries = progress.tries + 1;
    let state = match outcome {
        Outcome::Delivered => State::Delivered,
        Outcome::Refused => State::Dead,
        Outcome::Failed => match wait(waits, tries, jitter) {
            Some(wait) => {
                let progress = Progress { state: State::Waiting, tries };
                return Some(Next { progress, due_at: Some(now + wait) });
            }
            None => State::Dead,
        },
    };
    Some(Next { progress: Progress { state, tries }, due_at: None })
}

/// How long to wait after `tries` attempts, give or take a fifth as `jitter` (0 to 1) says; `None`
/// when there are to be no more.
pub fn wait(waits: &[u32], tries: u32, jitter: f64) -> Option<SignedDuration> {
    let at = usize::try_from(tries.checked_sub(1)?).ok()?;
    let seconds = f64::from(*waits.get(at)?) * (0.8 + 0.4 * jitter);
    Some(SignedDuration::from_millis((seconds * 1_000.0) as i64))
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It waits to be verified.
    Pending,
    /// It is told what it asked for.
    Active,
    /// It failed for too long.
    Disabled,
    /// It is gone.
    Deleted,
}

impl EndpointState {
    /// Its name, as tables keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Disabled, Self::Deleted]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// Why something is not to be sent, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// No relay is configured.
    ChannelOff,
    /// The endpoint was removed, or is verified already, or never was.
    EndpointGone,
    /// The endpoint is switched off.
    EndpointDisabled,
    /// The code can no longer be used.
    CodeExpired,
    /// The person no longer wants it.
    NotWanted,
    /// The account has no address, or is gone.
    NoAddress,
    /// The case is not public any more.
    NotPublic,
}

impl DropReason {
    /// Its name, as tables keep it and people see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChannelOff => "channel off",
            Self::EndpointGone => "endpoint gone",
            Self::EndpointDisabled => "endpoint disabled",
            Self::CodeExpired => "code expired",
            Self::NotWanted => "not wanted",
            Self::NoAddress => "no address",
            Self::NotPublic => "not public",
        }
    }
}

/// What decides whether a delivery that is due is still to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What it tells.
    pub kind: Kind,
    /// Where the endpoint stands.
    pub endpoint: EndpointState,
    /// Whether its channel is off.
    pub channel_off: bool,
    /// Until when its code is good.
    pub code_expires_at: Option<Timestamp>,
    /// The person's preferences, where they count.
    pub preferences: Option<&'a Preferences>,
}

impl Standing<'_> {
    /// Why it is not to be sent, if it is not.
    pub fn drop(&self, now: Timestamp) -> Option<DropReason> {
        let expired = self.code_expires_at.is_none_or(|end| end <= now);
        match (self.kind, self.endpoint) {
            (Kind::EndpointVerify, EndpointState::Pending) if expired => {
                Some(DropReason::CodeExpired)
            }
            (Kind::EndpointVerify, EndpointState::Pending) | (_, EndpointState::Active)
                if self.channel_off =>
            {
                Some(DropReason::ChannelOff)
            }
            (Kind::EndpointVerify, EndpointState::Pending) => None,
            (Kind::EndpointVerify, _) | (_, EndpointState::Pending | EndpointState::Deleted) => {
                Some(DropReason::EndpointGone)
            }
            (_, EndpointState::Disabled) => Some(DropReason::EndpointDisabled),
            (kind, EndpointState::Active) => {
                let wanted = self.preferences.is_none_or(|chosen| chosen.wants(kind));
                (!wanted).then_some(DropReason::NotWanted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: [u32; 3] = [5, 60, 300];

    #[test]
    fn waits_grow_vary_by_a_fifth_and_end() {
        let seconds = |tries, jitter| wait(&WAITS, tries, jitter).map(|wait| wait.as_millis());
        assert_eq!(seconds(1, 0.5), Some(5_000));
        assert_eq!(seconds(1, 0.0), Some(4_000));
        assert_eq!(seconds(2, 1.0), Some(72_000));
        assert_eq!(seconds(3, 0.5), Some(300_000));
        assert_eq!(seconds(4, 0.5), None);
        assert_eq!(seconds(0, 0.5), None);
    }

    #[test]
    fn a_delivery_ends_once() {
        let now = Timestamp::UNIX_EPOCH;
        let go = |state, tries, outcome, held| {
            after(Progress { state, tries }, outcome, held, now, &WAITS, 0.5)
                .map(|next| (next.progress.state, next.progress.tries, next.due_at.is_some()))
        };
        use Outcome::{Delivered, Failed, Refused};
        assert_eq!(go(State::Waiting, 0, Failed, true), Some((State::Waiting, 1, true)));
        assert_eq!(go(State::Waiting, 3, Failed, true), Some((State::Dead, 4, false)));
        assert_eq!(go(State::Waiting, 0, Refused, true), Some((State::Dead, 1, false)));
        assert_eq!(go(State::Waiting, 0, Failed, false), None);
        assert_eq!(go(State::Waiting, 0, Delivered, false), Some((State::Delivered, 1, false)));
        for ended in [State::Delivered, State::Dead, State::Dropped] {
            for outcome in [Delivered, Failed, Refused] {
                assert_eq!(go(ended, 1, outcome, true), None);
            }
        }
    }

    #[test]
    fn what_is_no_longer_wanted_is_not_sent() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_hours(1);
        let off = Preferences { email: false, ..Preferences::default() };
        let standing = |kind, endpoint, channel_off, preferences| Standing {
            kind,
            endpoint,
            channel_off,
            code_expires_at: Some(later),
            preferences,
        };
        use EndpointState::{Active, Deleted, Disabled, Pending};
        for (kind, endpoint, channel_off, preferences, expected) in [
            (Kind::CaseReplied, Active, false, None, None),
            (Kind::CaseReplied, Active, true, None, Some(DropReason::ChannelOff)),
            (Kind::CaseReplied, Active, false, Some(&off), Some(DropReason::NotWanted)),
            (Kind::CaseReplied, Pending, false, None, Some(DropReason::EndpointGone)),
            (Kind::CaseReplied, Deleted, true, None, Some(DropReason::EndpointGone)),
            (Kind::CaseReplied, Disabled, false, None, Some(DropReason::EndpointDisabled)),
            (Kind::EndpointVerify, Pending, false, None, None),
            (Kind::EndpointVerify, Pending, true, None, Some(DropReason::ChannelOff)),
            (Kind::EndpointVerify, Active, false, None, Some(DropReason::EndpointGone)),
        ] {
            let drop = standing(kind, endpoint, channel_off, preferences).drop(now);
            assert_eq!(drop, expected, "{kind:?} {endpoint:?}");
        }
        let code = standing(Kind::EndpointVerify, Pending, false, None);
        assert_eq!(code.drop(later), Some(DropReason::CodeExpired));
    }
}
