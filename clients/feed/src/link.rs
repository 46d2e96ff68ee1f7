//! One stream, watched: what comes, and when it has gone silent.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Status, Streaming};

use crate::{backoff::Backoff, error::Error, step::What, trouble::Trouble};

/// The heartbeat of the board if nobody says, and before it has told.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so many heartbeats without a frame a stream counts as dead.
const SILENT_BEATS: u32 = 3;

/// A stream that is open.
#[derive(Debug)]
pub(crate) struct Link<R> {
    frames: Streaming<R>,
    silence: Duration,
    renew_at: Option<Instant>,
}

/// What came.
pub(crate) enum Came<R> {
    Frame(Box<R>),
    /// Nothing, for longer than there should be.
    Silence(Duration),
    /// The time for another token.
    RenewalTime,
    /// The end.
    End,
    Failure(Status),
}

impl<R> Link<R> {
    pub(crate) fn new(
        frames: Streaming<R>,
        heartbeat: Option<Duration>,
        renew_at: Option<Instant>,
    ) -> Self {
        let silence = heartbeat.unwrap_or(HEARTBEAT) * SILENT_BEATS;
        Self { frames, silence, renew_at }
    }

    /// The board has told how often a frame comes.
    pub(crate) fn beats(&mut self, heartbeat: Option<prost_types::Duration>) {
        if let Some(Ok(heartbeat)) = heartbeat.map(Duration::try_from)
            && !heartbeat.is_zero()
        {
            self.silence = heartbeat * SILENT_BEATS;
        }
    }

    /// Waits for what comes. `may_renew` is false while a pause would cost repetitions.
    pub(crate) async fn come(&mut self, may_renew: bool) -> Came<R> {
        let renew_at = self.renew_at.filter(|_| may_renew);
        let renewal = async {
            match renew_at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            came = timeout(self.silence, self.frames.message()) => match came {
                Ok(Ok(Some(frame))) => Came::Frame(Box::new(frame)),
                Ok(Ok(None)) => Came::End,
                Ok(Err(status)) => Came::Failure(status),
                Err(_) => Came::Silence(self.silence),
            },
            () = renewal => Came::RenewalTime,
        }
    }
}

/// When to try again, and when not any more.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    backoff: Backoff,
    until: Option<Instant>,
    tries: Option<u32>,
}

impl Pace {
    pub(crate) fn new(tries: Option<u32>) -> Self {
        Self { tries, ..Self::default() }
    }

    /// Waits for as long as was agreed on.
    pub(crate) async fn wait(&mut self) {
        if let Some(until) = self.until {
            sleep_until(until).await;
            self.until = None;
        }
    }

    /// The stream works.
    pub(crate) fn works(&mut self) {
        self.backoff.reset();
    }

    /// A planned pause.
    pub(crate) fn pause(&mut self, pause: Duration) {
        self.until = Some(Instant::now() + pause);
    }

    /// A failure that passes.
    pub(crate) fn broken(&mut self, why: String, asked: Option<Duration>) -> Result<What, Error> {
        if self.tries.is_some_and(|tries| self.backoff.failures() + 1 >= tries) {
            return Err(Error::Unreachable(why));
        }
        let again_after = self.backoff.next(asked);
        self.pause(again_after);
        Ok(What::Broken { why, again_after })
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Unreachable(why) => Self::Passes(why, None),
            Error::Refused(refusal) if Self::passes(refusal.code) => {
                Self::Passes(refusal.to_string(), None)
            }
            error => Self::Final(error),
        }
    }
}
