//! How streams end: by plan, by a failure that the reader is told, or because nobody reads.

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, error::Error};

/// Why a stream ends by plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The process is ending.
    Shutdown,
    /// The stream is old; the next one may be at another replica.
    MaxAge,
    /// It has come to the end that was asked for.
    EndCursor,
    /// The log began a new life.
    EpochChanged,
    /// The place of the subscription was moved by hand.
    Seeked,
}

impl Reason {
    /// As it is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Shutdown => "SHUTDOWN",
            Self::MaxAge => "MAX_AGE",
            Self::EndCursor => "END_CURSOR",
            Self::EpochChanged => "FEED_EPOCH_CHANGED",
            Self::Seeked => "SUBSCRIPTION_SEEKED",
        }
    }

    /// Over how many milliseconds readers are told to spread their return.
    fn spread(self, config: &Config) -> u64 {
        match self {
            Self::Shutdown | Self::EpochChanged => config.reconnect_spread_ms,
            Self::MaxAge => config.reconnect_spread_ms / 10,
            Self::EndCursor | Self::Seeked => 0,
        }
    }
}

/// Why a stream's task stops.
pub(super) enum End {
    /// The reader is told.
    Planned(Reason),
    /// The reader is told, and can resume.
    Failed(Error),
    /// There is no reader any more.
    Gone,
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for End {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The ends that come by themselves, whatever the stream does.
pub(super) struct Ends {
    stopping: CancellationToken,
    old_at: Instant,
    expires_at: Option<Instant>,
}

impl Ends {
    /// Those of a stream that begins now; `good_for` tells how long its token is good.
    pub(super) fn new(
        config: &Config,
        stopping: &CancellationToken,
        good_for: Option<Duration>,
    ) -> Self {
        let now = Instant::now();
        let age = Duration::from_secs(config.stream_max_age_s);
        Self {
            stopping: stopping.clone(),
            old_at: now + age.mul_f64(rand::random_range(0.9..1.1)),
            expires_at: good_for.map(|good_for| now + good_for),
        }
    }

    /// Waits for the first.
    pub(super) async fn come(&self) -> End {
        let first = self.expires_at.map_or(self.old_at, |expires| expires.min(self.old_at));
        tokio::select! {
            () = self.stopping.cancelled() => End::Planned(Reason::Shutdown),
            () = tokio::time::sleep_until(first) => match self.check() {
                Err(end) => end,
                Ok(()) => End::Planned(Reason::MaxAge),
            },
        }
    }

    /// Whether one has come.
    pub(super) fn check(&self) -> Result<(), End> {
        let now = Instant::now();
        if self.stopping.is_cancelled() {
            Err(End::Planned(Reason::Shutdown))
        } else if self.expires_at.is_some_and(|expires| now >= expires) {
            Err(End::Failed(Error::CredentialExpired))
        } else if now >= self.old_at {
            Err(End::Planned(Reason::MaxAge))
        } else {
            Ok(())
        }
    }
}

/// Tells the reader why the stream ends.
pub(super) async fn finish<T>(
    end: End,
    config: &Config,
    frames: &mpsc::Sender<Result<T, Error>>,
    goodbye: impl FnOnce(Duration, Reason) -> T,
) {
    let limit = Duration::from_millis(config.goodbye_ms);
    let last = match end {
        End::Planned(reason) => {
            let after = rand::random_range(0..=reason.spread(config));
            Ok(goodbye(Duration::from_millis(after), reason))
        }
        End::Failed(error) => Err(error),
        End::Gone => return,
    };
    // A reader that does not fetch it resumes at its last cursor all the same.
    let _ = frames.send_timeout(last, limit).await;
}
