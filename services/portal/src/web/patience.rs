//! For how long a form with files in it is read.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{config::Limits, error::Error};

/// For how long a form with files in it is waited for while it has no place for uploads: all in all no
/// longer than any page. Whoever sends one slowly holds nothing else that others need.
#[derive(Debug)]
pub(crate) struct Patience(Duration);

impl Patience {
    /// The whole of it.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(limits.page())
    }

    /// Waits for a part of the form, with what is left.
    ///
    /// # Errors
    /// [`Error::Late`] when nothing is left; otherwise what the work fails with, by `failed`.
    pub(crate) async fn with<T, E>(
        &mut self,
        work: impl Future<Output = Result<T, E>>,
        failed: impl FnOnce(E) -> Error,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let done = timeout(self.0, work).await.map_err(|_| Error::Late)?;
        self.0 = self.0.saturating_sub(begun.elapsed());
        done.map_err(failed)
    }
}
