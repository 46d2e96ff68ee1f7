//! Verbs: one use case, one function, one visible transaction.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{auth::Signer, clock::SharedClock, db::Db, id, telemetry};
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        draft::{Draft, Raw},
        message::{Message, NewMessage, Receipt, Text},
        number::{AccessCode, Number},
        receipt::{self, Facts},
        rule::Rule,
    },
    error::Error,
    keys::Keys,
    store::{messages, requests, shown},
};

mod access;
mod batch;
mod directory;
mod limiter;
mod says;
pub mod vault;
mod wishes;
mod writer;

pub use access::Opened;
use vault::Vault;
pub use wishes::Encode;
use writer::{Submission, Writer, Written};

/// How many texts are read at a time.
pub const MOST_TEXTS: usize = 256;
/// How often a message gets another public number if its number is taken. Two of five million
/// numbers of 60 bits meet once in 90,000 years of four million messages a year.
const NUMBER_TRIES: usize = 3;

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
    writer: Writer,
    directory: directory::Cache,
    limiter: limiter::Limiter,
}

impl App {
    /// Starts the writers. The directory is empty until [`App::refresh_directory`].
    pub fn start(
        config: Config,
        db: Db,
        clock: SharedClock,
        keys: Keys,
        vault: Vault,
        signer: Signer,
    ) -> Self {
        let vault = Arc::new(vault);
        Self(Arc::new(Inner {
            writer: Writer::start(&config.writer, &db, &clock, &vault),
            limiter: limiter::Limiter::new(&config.look_up),
            directory: directory::Cache::default(),
            config,
            db,
            clock,
            keys,
            vault,
            signer,
        }))
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

    /// Reads the directory anew.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_directory(&self) -> Result<(), Error> {
        self.0.directory.refresh(&self.0.db).await
    }

    /// Takes a message, once for each request id; it belongs to the account of an author who is
    /// signed in. The answer comes after the commit. With `patient`, a full queue is waited for.
    ///
    /// # Errors
    /// Every rule that is broken, at once; or why it can't be taken now.
    pub async fn submit(
        &self,
        once: Result<Once, Rule>,
        account_id: Option<Uuid>,
        raw: &Raw,
        patient: bool,
    ) -> Result<Accepted, Error> {
        let app = &self.0;
        let now = app.clock.now();
        let checked = app.directory.check(&app.db, raw, &app.config.limits, now).await;
        let once = match once {
            Ok(once) => once,
            Err(rule) => return Err(with_request_id(checked, rule)),
        };
        let draft = match checked {
            Ok(draft) => draft,
            // What was taken before stays taken, also if the rules or the directory have changed.
            Err(error) => return self.recall(&once).await?.ok_or(error),
        };
        // Whoever commits it commits others' messages too; its cause is this call.
        let traceparent = telemetry::current_traceparent();
        for _ in 0..NUMBER_TRIES {
            let (message, access_code) =
                self.prepare(draft.clone(), account_id, app.clock.now())?;
            let receipt = message.receipt.clone();
            let request = request(&once, &receipt);
            let submission = Submission { request, message, traceparent: traceparent.clone() };
            match app.writer.write(submission, patient).await {
                Ok(Written::New) => return Ok(Accepted { receipt, access_code }),
                Ok(Written::Before(message_id)) => return self.accepted(message_id).await,
                Err(Error::NumberTaken) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::NumberTaken)
    }

    /// Gives a message its id, number, code and receipt.
    fn prepare(
        &self,
        draft: Draft,
        account_id: Option<Uuid>,
        now: Timestamp,
    ) -> Result<(NewMessage, AccessCode), Error> {
        let (config, keys) = (&self.0.config, &self.0.keys);
        let message_id = id::v7(now);
        let number = Number::from_bits(rand::random());
        let salt: [u8; 32] = rand::random();
        let content_hash = receipt::content_hash(&salt, &receipt::content(&draft));
        let facts = Facts {
            board: &config.board,
            message_id,
            number,
            office_id: &draft.office_id,
            submitted_at: now,
            occurred_at: draft.occurred_at,
            content_hash,
        };
        let statement = receipt::statement(&facts).into_bytes();
        let (key_id, signature) = keys.sign(&statement);
        let access_key_id = keys.access_key_id().to_owned();
        let access_code =
            keys.access_code(&access_key_id, message_id).ok_or(Error::Lost("an access key"))?;
        let access_hash = keys
            .access_hash(&access_key_id, message_id, access_code)
            .ok_or(Error::Lost("an access key"))?;
        let receipt = Receipt {
            message_id,
            number: number.to_string(),
            office_id: draft.office_id.clone(),
            submitted_at: now,
            occurred_at: draft.occurred_at,
            content_hash,
            salt,
            statement,
            key_id,
            signature,
        };
        let message = NewMessage { number, draft, account_id, access_key_id, access_hash, receipt };
        Ok((message, access_code))
    }

    /// The answer that a submission was given before, if it was.
    async fn recall(&self, once: &Once) -> Result<Option<Accepted>, Error> {
        let key = (once.caller.clone(), once.request_id);
        let found = requests::find_requests(&mut *self.0.db.read().await?, &[key]).await?;
        match found.into_iter().next() {
            None => Ok(None),
            Some(request) if request.body_hash != once.body_hash => Err(Error::RequestIdReused),
            Some(request) => self.accepted(request.message_id).await.map(Some),
        }
    }

    /// The answer to the submission of a message, the same for ever.
    async fn accepted(&self, message_id: Uuid) -> Result<Accepted, Error> {
        let mut connection = self.0.db.read().await?;
        let receipt = messages::receipt(&mut connection, message_id)
            .await?
            .ok_or(Error::Lost("a receipt"))?;
        let access_code = messages::access_key_id(&mut connection, message_id)
            .await?
            .and_then(|key_id| self.0.keys.access_code(&key_id, message_id))
            .ok_or(Error::Lost("an access key"))?;
        Ok(Accepted { receipt, access_code })
    }

    /// The newest texts of messages, in the order asked; those that are not there are left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn texts(&self, message_ids: &[Uuid]) -> Result<Vec<Text>, Error> {
        let mut texts = messages::texts(&mut *self.0.db.read().await?, message_ids).await?;
        let place = |text: &Text| message_ids.iter().position(|id| *id == text.message_id);
        texts.sort_by_key(place);
        Ok(texts)
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn message(&self, message_id: Uuid) -> Result<Message, Error> {
        shown::message(&mut *self.0.db.read().await?, message_id)
            .await?
            .ok_or(Error::MessageNotFound)
    }

    /// The receipt of a message, as it was given.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn receipt(&self, message_id: Uuid) -> Result<Receipt, Error> {
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

fn request(once: &Once, receipt: &Receipt) -> requests::NewRequest {
    requests::NewRequest {
        caller: once.caller.clone(),
        request_id: once.request_id,
        body_hash: once.body_hash,
        message_id: receipt.message_id,
        created_at: receipt.submitted_at,
    }
}

/// Everything that is wrong, with the request id at the front.
fn with_request_id(checked: Result<Draft, Error>, rule: Rule) -> Error {
    match (Error::field("request_id", rule), checked) {
        (Error::Fields(mut all), Err(Error::Fields(others))) => {
            all.extend(others);
            Error::Fields(all)
        }
        (_, Err(other)) => other,
        (missing, Ok(_)) => missing,
    }
}
