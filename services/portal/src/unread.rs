//! How many notices wait for whoever is signed in: the number beside their name.

use std::time::Duration;

use liuyan_kit::clock::SharedClock;
use liuyan_proto::liuyan::notification::v1::ListNoticesRequest;
use tokio::time::timeout;

use crate::{backend::Backends, cache::Cache, config::Limits, session::Session};

/// No page waits longer for it than this.
const LONGEST_WAIT: Duration = Duration::from_millis(300);

/// Numbers of unread notices by account, kept for a moment.
#[derive(Debug)]
pub(crate) struct Unread {
    backend: Backends,
    known: Cache<String, u32>,
}

impl Unread {
    pub(crate) fn new(backend: Backends, clock: SharedClock, limits: &Limits) -> Self {
        Self { backend, known: Cache::new(clock, limits.lists(), limits) }
    }

    /// The number; 0 while nobody can tell.
    pub(crate) async fn of(&self, session: &Session, locale: &'static str) -> u32 {
        let (backend, token) = (self.backend.clone(), session.access.clone());
        let ask = self.known.get(session.account_id.clone(), || async move {
            let ask = ListNoticesRequest { unread_only: true, page_size: 1, ..Default::default() };
            let request = backend.request(ask, locale, Some(&token));
            let mut client = backend.subscriptions();
            let answer = client.list_notices(request);
            // A service that is away or slow is not asked again for every page.
            Ok(match timeout(LONGEST_WAIT, answer).await {
                Ok(Ok(answer)) => answer.into_inner().unread,
                Ok(Err(_)) | Err(_) => 0,
            })
        });
        ask.await.map_or(0, |known| *known)
    }

    /// The number as a service has just told it.
    pub(crate) fn set(&self, account_id: &str, unread: u32) {
        self.known.set(account_id.to_owned(), unread);
    }
}
