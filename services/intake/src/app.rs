//! Verbs: one use case, one function, one visible transaction.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Instant,
};

use jiff::Timestamp;
use liuyan_kit::{auth::Signer, clock::SharedClock, db::Db, objects::Objects};
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        message::{Message, Receipt, Text},
        number::AccessCode,
    },
    error::Error,
    keys::Keys,
    store::{attachments, messages, requests, shown},
};

mod access;
mod admission;
mod batch;
mod columns;
mod directory;
mod entrances;
mod erasing;
mod exporting;
mod files;
mod gate;
mod journal;
mod limiter;
pub mod log;
mod restoring;
mod retention;
mod rewrapping;
mod says;
pub mod sequencer;
mod submit;
pub mod vault;
mod wishes;
mod writer;

pub use access::Opened;
pub use columns::{ColumnChange, EncodeColumn};
pub use erasing::{Erased, Erasure};
pub use exporting::Document;
pub use files::{Swept, UploadToken};
use journal::Journal;
pub use restoring::Restored;
pub use rewrapping::Round;
pub use submit::Incoming;
use vault::Vault;
pub use wishes::Encode;
use writer::Writer;

/// How many texts are read at a time.
pub const MOST_TEXTS: usize = 256;

/// A request that is to take effect once, as its caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Whose id it is.
    pub caller: String,
    /// The id that the caller made.
    pub request_id: Uuid,
    /// Keyed hash of what is asked.
    pub body_hash: [u8; 32],
}

/// A message that is safe.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The proof.
    pub receipt: Receipt,
    /// The secret that, with the number, gives access.
    pub access_code: AccessCode,
}

/// Intake's use cases. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.0.config).finish_non_exhaustive()
    }
}

struct Inner {
    config: Config,
    db: Db,
    clock: SharedClock,
    keys: Keys,
    vault: Arc<Vault>,
    signer: Signer,
    journal: Journal,
    writer: Writer,
    admission: admission::Admission,
    gate: gate::Gate,
    directory: directory::Cache,
    limiter: limiter::Limiter,
    files: files::Files,
    /// When this process last signed a head of the log.
    signed: Mutex<Option<Instant>>,
}

impl App {
    /// Starts the writers. The directory is empty until [`App::refresh_directory`]. Without a place
    /// for objects, no files are taken, and erasures are in no journal.
    ///
    /// # Errors
    /// If the machine gives the writers no thread.
    pub fn start(
        config: Config,
        db: Db,
        clock: SharedClock,
        keys: Keys,
        vault: Vault,
        signer: Signer,
        objects: Option<Objects>,
    ) -> io::Result<Self> {
        let vault = Arc::new(vault);
        Ok(Self(Arc::new(Inner {
            writer: Writer::start(&config.writer, &db, &clock, &vault)?,
            admission: admission::Admission::new(&config.admission, &config.writer),
            gate: gate::Gate::new(&config.rates, &clock),
            limiter: limiter::Limiter::new(&config.look_up),
            journal: objects.clone().map_or_else(Journal::nowhere, Journal::new),
            files: files::Files::new(config.attachments.clone(), objects),
            directory: directory::Cache::default(),
            signed: Mutex::default(),
            config,
            db,
            clock,
            keys,
            vault,
            signer,
        })))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A keyed hash of what a request asks. The plain hash would let the author's phone be found
    /// by trying.
    pub fn body_hash(&self, rpc: &str, body: &[u8]) -> [u8; 32] {
        self.0.vault.body_hash(rpc, body)
    }

    /// By what an author is found by phone.
    pub fn index_of_phone(&self, phone: &str) -> [u8; 32] {
        self.0.vault.index_of_phone(phone)
    }

    /// Reads the directory anew.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_directory(&self) -> Result<(), Error> {
        self.0.directory.refresh(&self.0.db).await
    }

    /// Texts of messages, each in the revision asked, where 0 is the one that counts, in the order asked;
    /// those that are not there are left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn texts(&self, asked: &[(Uuid, u32)]) -> Result<Vec<Text>, Error> {
        let _in = self.reading().await?;
        let mut connection = self.0.db.read().await?;
        let mut texts = messages::texts(&mut connection, asked).await?;
        let ids: Vec<Uuid> = texts.iter().map(|text| text.message_id).collect();
        for (message_id, file) in attachments::of_messages(&mut connection, &ids).await? {
            for text in texts.iter_mut().filter(|text| text.message_id == message_id) {
                text.attachments.push(file.clone());
            }
        }
        Ok(texts)
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn message(&self, message_id: Uuid) -> Result<Message, Error> {
        let _in = self.reading().await?;
        shown::message(&mut *self.0.db.read().await?, message_id)
            .await?
            .ok_or(Error::MessageNotFound)
    }

    /// The receipt of a message, as it was given.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn receipt(&self, message_id: Uuid) -> Result<Receipt, Error> {
        let _in = self.reading().await?;
        messages::receipt(&mut *self.0.db.read().await?, message_id)
            .await?
            .ok_or(Error::MessageNotFound)
    }

    /// Forgets requests that nobody will repeat any more. Gives how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_requests(&self) -> Result<u64, Error> {
        let days = i64::from(self.0.config.request_memory_days.max(1));
        let now = self.0.clock.now();
        let before = now.saturating_sub(jiff::SignedDuration::from_hours(24 * days)).unwrap_or(now);
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move { Ok(requests::prune_requests(tx, before).await?) })
            })
            .await
    }
}
