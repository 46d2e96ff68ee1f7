//! The journal of erasures. It lies beside the database and not in it, so that an older backup of
//! the database does not bring back what was erased since: at start the journal is replayed.

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use liuyan_kit::{
    id,
    objects::{self, Objects},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// What the names of its objects begin with.
const ROOM: &str = "erasures";

/// One erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    /// When it was asked for.
    pub at: Timestamp,
    /// Whether the messages went, too.
    pub messages_too: bool,
    /// Of which messages.
    pub message_ids: Vec<Uuid>,
}

/// The journal of erasures. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Journal(Option<Objects>);

impl Journal {
    /// Keeps it in `objects`.
    pub(super) fn new(objects: Objects) -> Self {
        Self(Some(objects))
    }

    /// Keeps none: whoever restores a backup has to erase anew by hand.
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    /// Writes an erasure down, before it takes effect: one that is noted twice, or that does not
    /// take effect, does no harm.
    pub(super) async fn note(&self, page: &Page) -> Result<(), Error> {
        let Some(objects) = &self.0 else { return Ok(()) };
        let text = serde_json::to_vec(page).map_err(|_| Error::JournalAway)?;
        let name = format!("{ROOM}/{}.json", id::v7(page.at));
        let content = futures::stream::iter([Ok::<_, objects::Error>(Bytes::from(text))]);
        objects.put(&name, content).await.map_err(away)?;
        Ok(())
    }

    /// The names of its pages.
    pub(super) async fn names(&self) -> Result<Vec<String>, Error> {
        let Some(objects) = &self.0 else { return Ok(Vec::new()) };
        let listed = objects.list(ROOM).map_err(away)?;
        listed.map_ok(|listed| listed.name).try_collect().await.map_err(away)
    }

    /// One of its pages; none if it is gone meanwhile or can't be read, which is told to the log.
    pub(super) async fn page(&self, name: &str) -> Result<Option<Page>, Error> {
        let Some(objects) = &self.0 else { return Ok(None) };
        let object = match objects.get(name).await {
            Ok(object) => object,
            Err(objects::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(away(error)),
        };
        let chunks: Vec<Bytes> = object.content.try_collect().await.map_err(away)?;
        let page = serde_json::from_slice(&chunks.concat());
        Ok(page.map_err(|_| tracing::error!(name, "a page of the journal can't be read")).ok())
    }

    /// Removes a page.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        let Some(objects) = &self.0 else { return Ok(()) };
        objects.delete(name).await.map_err(away)
    }
}

fn away(error: objects::Error) -> Error {
    tracing::warn!(error = &error as &dyn std::error::Error, "the journal of erasures is away");
    Error::JournalAway
}
