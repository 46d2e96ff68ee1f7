//! Tasks that go on: a panic is logged and the task starts again, more slowly each time.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use rand::RngExt as _;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::Readiness;
use crate::grpc::panic_text;

/// The first wait after a failure; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A task that ran for so long is forgiven its earlier failures.
const FORGIVEN: Duration = Duration::from_secs(60);

/// What a round of work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// Something, and there may be more: at once again.
    More,
    /// All there was: wait.
    Idle,
}

/// When a round of work is due.
#[derive(Debug, Clone)]
pub struct WorkPace {
    /// At the latest after so long.
    pub idle: Duration,
    /// At once when this is signalled.
    pub wake: Option<Arc<Notify>>,
}

/// Waits that grow from one failure to the next.
struct Backoff(Duration);

impl Backoff {
    fn new() -> Self {
        Self(FIRST_WAIT)
    }

    /// Half of it is chance, so that those who failed together do not come back together.
    async fn wait(&mut self) {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST_WAIT);
        let part = rand::rng().random_range(0.5..1.0);
        sleep(wait.mul_f64(part)).await;
    }
}

/// Runs `task` until `stopping`, again and again if it panics or ends.
pub(super) async fn supervise<F, Fut>(
    service: &'static str,
    name: String,
    stopping: CancellationToken,
    task: F,
) where
    F: Fn() -> Fut + Send,
    Fut: Future<Output = ()> + Send,
{
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let running = AssertUnwindSafe(task()).catch_unwind();
        let ended = running.await;
        if stopping.is_cancelled() {
            return;
        }
        match ended {
            Ok(()) => tracing::warn!(service, task = name, "a task ended; it starts again"),
            Err(panic) => {
                let panic = panic_text(&*panic);
                tracing::error!(service, task = name, panic, "a task panicked; it starts again");
            }
        }
        crate::telemetry::count("task_restarts", 1, &[("service", service), ("task", &name)]);
        if started.elapsed() > FORGIVEN {
            backoff = Backoff::new();
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = backoff.wait() => {}
        }
    }
}

/// What an error says, and what the causes behind it say beside that: some repeat their cause themselves.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Works round by round until `stopping`. A round that has begun is finished. As long as rounds fail, a
/// condition says so: no other task ends, and nothing else would tell.
pub(super) async fn work<F, Fut, E>(
    name: &str,
    pace: &WorkPace,
    readiness: &Readiness,
    stopping: &CancellationToken,
    round: &F,
) where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<Worked, E>> + Send,
    E: std::error::Error + Send + 'static,
{
    let condition = format!("works-{name}");
    let mut backoff = Backoff::new();
    let mut trouble = false;
    while !stopping.is_cancelled() {
        let done = round().await;
        if done.is_ok() && std::mem::take(&mut trouble) {
            readiness.set(&condition, Ok(()));
        }
        let pause = match done {
            Ok(Worked::More) => {
                backoff = Backoff::new();
                // A worker that is never idle must let others run, too.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Worked::Idle) => {
                backoff = Backoff::new();
                None
            }
            Err(error) => {
                trouble = true;
                readiness.set(&condition, Err(with_causes(&error)));
                Some(&mut backoff)
            }
        };
        let due = async {
            match (pause, &pace.wake) {
                (Some(backoff), _) => backoff.wait().await,
                (None, Some(wake)) => tokio::select! {
                    () = sleep(pace.idle) => {}
                    () = wake.notified() => {}
                },
                (None, None) => sleep(pace.idle).await,
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = due => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_causes;

    #[derive(Debug, thiserror::Error)]
    #[error("the database failed")]
    struct Failed(#[source] sqlx::Error);

    #[test]
    fn causes_are_told_once() {
        let away = std::io::Error::other("connection refused");
        let told = with_causes(&Failed(sqlx::Error::Io(away)));
        assert_eq!(
            told,
            "the database failed: error communicating with database: connection refused"
        );
    }
}
