//! Sessions, and what a refresh token that is presented means.
//!
//! Each refresh makes the next generation of tokens. A token of the present generation is good. One
//! of the generation before it is good for a short grace after the refresh, because two clicks at
//! once send it twice: it gets a sibling of the token that the first click got. Whichever sibling
//! is used first makes the next generation, and the other one is then as used as any. Everything
//! older was used twice by two different people, and which of them is the thief nobody knows: the
//! session ends.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The most tokens of one generation: two clicks, not a hundred.
const MOST_SIBLINGS: u32 = 16;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub session_id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// When it ends if it is not refreshed.
    pub idle_ends_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// Which tokens are the present ones.
    pub generation: u32,
    /// Since when.
    pub rotated_at: Timestamp,
    /// How many they are.
    pub siblings: u32,
    /// Whether it was ended.
    pub ended: bool,
}

/// What a token of a session means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is a present one: the next generation.
    Current,
    /// It is the one before, still within the grace: a sibling of the present one.
    Graced,
    /// It was used before: the session ends.
    Reused,
    /// The session has ended, by itself or not.
    Over,
}

impl Session {
    /// What a token of `generation` means that comes at `now`.
    pub fn judge(&self, generation: u32, now: Timestamp, grace: SignedDuration) -> Presented {
        if self.is_over(now) {
            Presented::Over
        } else if generation == self.generation {
            Presented::Current
        } else if generation.checked_add(1) == Some(self.generation)
            && now.duration_since(self.rotated_at) < grace
            && self.siblings < MOST_SIBLINGS
        {
            Presented::Graced
        } else {
            Presented::Reused
        }
    }

    /// Whether it has ended, by itself or not.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ended || now >= self.idle_ends_at || now >= self.ends_at
    }
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its holder wished it.
    SignedOut,
    /// A refresh token was used twice.
    Reused,
    /// The password was changed in another session.
    PasswordChanged,
    /// An administrator set another password, or said that the account can't sign in.
    AccountPut,
    /// The account is gone.
    Erased,
    /// The account has too many younger ones.
    Superseded,
}

impl End {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reused => "reused",
            Self::PasswordChanged => "password_changed",
            Self::AccountPut => "account_put",
            Self::Erased => "erased",
            Self::Superseded => "superseded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: SignedDuration = SignedDuration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn a_session() -> Session {
        Session {
            session_id: Uuid::nil(),
            account_id: Uuid::nil(),
            idle_ends_at: at(2_000),
            ends_at: at(10_000),
            generation: 3,
            rotated_at: at(1_000),
            siblings: 1,
            ended: false,
        }
    }

    #[test]
    fn only_the_present_token_and_for_a_moment_the_one_before_are_good() {
        let session = a_session();
        for (generation, second, meaning) in [
            (3, 1_000, Presented::Current),
            (3, 1_999, Presented::Current),
            (3, 2_000, Presented::Over),
            (2, 1_000, Presented::Graced),
            (2, 1_009, Presented::Graced),
            (2, 1_010, Presented::Reused),
            (1, 1_000, Presented::Reused),
            (4, 1_000, Presented::Reused),
            (1, 2_000, Presented::Over),
        ] {
            assert_eq!(
                session.judge(generation, at(second), GRACE),
                meaning,
                "{generation} {second}"
            );
        }
    }

    #[test]
    fn an_ended_session_stays_ended() {
        let session = Session { ended: true, ..a_session() };
        assert_eq!(session.judge(3, at(1_000), GRACE), Presented::Over);
        let session = Session { idle_ends_at: at(20_000), ..a_session() };
        assert_eq!(session.judge(3, at(10_000), GRACE), Presented::Over);
    }

    #[test]
    fn the_grace_is_for_two_clicks_and_not_for_a_hundred() {
        let session = Session { siblings: MOST_SIBLINGS, ..a_session() };
        assert_eq!(session.judge(2, at(1_000), GRACE), Presented::Reused);
        assert_eq!(session.judge(3, at(1_000), GRACE), Presented::Current);
    }
}
