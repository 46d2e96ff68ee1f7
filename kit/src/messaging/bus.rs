//! The bus: NATS JetStream, as transport. The only room that names `async-nats`.

use std::{collections::BTreeSet, time::Duration};

use async_nats::{
    Client, ConnectOptions, Event as ClientEvent,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
        context::GetStreamErrorKind,
        stream::{self, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, future::join_all};
use jiff::Timestamp;
use rand::RngExt as _;

use super::{Envelope, bundle};
use crate::config;

mod message;

pub use message::Delivery;
use message::message;

/// How long one publication or question to the bus may take; after that its outcome is unknown.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How often a silent connection is tried.
const PING: Duration = Duration::from_secs(10);
/// The window in which the bus itself drops repetitions. Nothing depends on it.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The largest event.
const MAX_EVENT_BYTES: i32 = 64 * 1024;
/// How long a delivered event may stay unacknowledged before it is delivered again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How many messages may be delivered and unacknowledged; several batches, so that the next one is
/// here when the last is done.
const MAX_ACK_PENDING: i64 = 2_048;
/// A silent message stream is known to be dead after twice this time.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long the server keeps a request for messages open.
const PULL_EXPIRES: Duration = Duration::from_secs(15);
/// The oldest server that has all that is used here.
const OLDEST_SERVER: (i64, i64) = (2, 10);

/// What goes wrong with the bus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or refuses us.
    #[error("nats cannot be reached")]
    Connect(#[source] async_nats::ConnectError),
    /// Its keys cannot be read.
    #[error("the nkey seed {path} cannot be read")]
    Seed {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is older than this code can use.
    #[error("nats-server 2.10 or newer is needed, this one is {0}")]
    TooOld(String),
    /// The stream is not there, and this identity may not declare it.
    #[error("the stream {0} does not exist")]
    NoStream(String),
    /// The stream or consumer is not what the code declares.
    #[error("{name} differs from its declaration in {fields}; mend it, or start with the old one")]
    Drift {
        /// Stream or consumer.
        name: String,
        /// The fields that differ.
        fields: String,
    },
    /// A question to the bus failed; it may succeed later.
    #[error("nats did not answer: {0}")]
    Away(String),
}

/// A connection to the bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    context: jetstream::Context,
    settings: config::Nats,
}

/// What a stream looks like now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// When it was created.
    pub created_at: Timestamp,
    /// The sequence of its last event.
    pub last_sequence: u64,
}

/// What the bus answered to a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its place in the stream.
    pub sequence: u64,
    /// True if the bus knew the message id and gave the place of the first one.
    pub repeated: bool,
}

/// The name of a service's stream: `INTAKE`.
fn stream_name(source: &str) -> String {
    source.to_uppercase()
}

/// The subject by which a relay is woken: core NATS, where loss does no harm.
fn wake_subject(source: &str) -> String {
    format!("liuyan.wake.{source}")
}

impl Bus {
    /// Connects as `service`. Goes on trying for ever if the bus is away: a service starts without
    /// it and takes it up when it comes.
    ///
    /// # Errors
    /// Only if the settings are wrong.
    pub async fn connect(settings: &config::Nats, service: &'static str) -> Result<Self, Error> {
        let mut options = ConnectOptions::new()
            .name(service)
            .retry_on_initial_connect()
            .connection_timeout(ANSWER_LIMIT)
            .request_timeout(Some(ANSWER_LIMIT))
            .ping_interval(PING)
            .custom_inbox_prefix(format!("_INBOX_{service}"))
            .reconnect_delay_callback(|attempt| {
                let ceiling = (50_u64 << attempt.min(6)).min(2_000);
                Duration::from_millis(rand::rng().random_range(ceiling / 2..=ceiling))
            })
            .event_callback(move |event| async move {
                match event {
                    ClientEvent::Connected => tracing::info!(service, "connected to nats"),
                    ClientEvent::SlowConsumer(_) | ClientEvent::Disconnected => {
                        tracing::warn!(service, %event, "nats");
                    }
                    event => tracing::debug!(service, %event, "nats"),
                }
            });
        if let Some((user, password)) = credentials(settings) {
            options = options.user_and_password(user, password);
        }
        if !settings.token.is_empty() {
            options = options.token(settings.token.expose().to_owned());
        }
        if let Some(path) = &settings.ca_file {
            options = options.add_root_certificates(path.clone()).require_tls(true);
        }
        if let Some(path) = &settings.nkey_seed_file {
            let seed = std::fs::read_to_string(path)
                .map_err(|source| Error::Seed { path: path.display().to_string(), source })?;
            options = options.nkey(seed.trim().to_owned());
        }
        let client = options.connect(settings.url.expose()).await.map_err(Error::Connect)?;
        let context = jetstream::context::ContextBuilder::new()
            .timeout(ANSWER_LIMIT)
            .ack_timeout(ANSWER_LIMIT)
            .max_ack_inflight(4_096)
            .build(client.clone());
        Ok(Self { client, context, settings: settings.clone() })
    }

    /// Whether the connection stands.
    pub fn connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Refuses a server that lacks what is used here. Asked once the connection stands.
    ///
    /// # Errors
    /// [`Error::TooOld`].
    pub fn check_server(&self) -> Result<(), Error> {
        let version = self.client.server_info().version;
        let mut parts = version.split('.').map(|part| part.parse::<i64>().unwrap_or_default());
        let found = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if found < OLDEST_SERVER { Err(Error::TooOld(version)) } else { Ok(()) }
    }

    /// Makes sure that the stream of `source` is there and as declared, and tells its state.
    ///
    /// # Errors
    /// [`Error::Drift`] if it differs, [`Error::NoStream`] if it is missing and may not be made.
    pub async fn declare(&self, source: &str) -> Result<StreamState, Error> {
        if let Some(state) = self.stream_state(source).await? {
            return Ok(state);
        }
        let wanted = self.declaration(source);
        if !self.settings.declare {
            return Err(Error::NoStream(wanted.name));
        }
        tracing::info!(stream = wanted.name, "declaring the stream");
        self.context.create_stream(wanted).await.map_err(|error| Error::Away(error.to_string()))?;
        self.stream_state(source)
            .await?
            .ok_or_else(|| Error::Away(format!("{} vanished", stream_name(source))))
    }

    /// The state of the stream of `source`; `None` if there is no such stream.
    ///
    /// # Errors
    /// [`Error::Drift`] if it is not as declared.
    pub async fn stream_state(&self, source: &str) -> Result<Option<StreamState>, Error> {
        let wanted = self.declaration(source);
        let stream = match self.context.get_stream(&wanted.name).await {
            Ok(stream) => stream,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(inner)
                    if inner.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND =>
                {
                    return Ok(None);
                }
                _ => return Err(Error::Away(error.to_string())),
            },
        };
        let info = stream.cached_info();
        let drifted = drift(&wanted, &info.config);
        if !drifted.is_empty() {
            return Err(Error::Drift { name: wanted.name, fields: drifted });
        }
        let created = Timestamp::from_nanosecond(info.created.unix_timestamp_nanos());
        Ok(Some(StreamState {
            created_at: crate::clock::micros(created.unwrap_or(Timestamp::UNIX_EPOCH)),
            last_sequence: info.state.last_sequence,
        }))
    }

    fn declaration(&self, source: &str) -> stream::Config {
        stream::Config {
            name: stream_name(source),
            subjects: vec![format!("liuyan.{source}.>")],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            max_bytes: self.settings.stream_max_bytes,
            max_age: Duration::from_secs(u64::from(self.settings.stream_max_age_days) * 86_400),
            max_message_size: MAX_EVENT_BYTES,
            duplicate_window: DUPLICATE_WINDOW,
            deny_delete: true,
            deny_purge: true,
            num_replicas: self.settings.replicas,
            ..Default::default()
        }
    }

    /// Publishes events and waits for every answer: bundled, the bundles side by side. Gives, for each
    /// event, what was answered to the message that held it; `None` where the outcome is unknown.
    pub async fn publish(
        &self,
        source: &str,
        events: &[(Envelope, i32)],
    ) -> Vec<Option<Acknowledged>> {
        let bundles = bundle::divide(events);
        let mut answers = Vec::with_capacity(bundles.len());
        for places in &bundles {
            let bundled: Vec<&(Envelope, i32)> =
                places.iter().map(|place| &events[*place]).collect();
            let (kind, headers, body) = message(source, &bundled);
            let sent = self.context.publish_with_headers(kind, headers, body).await;
            answers.push(async move { sent?.await });
        }
        let mut outcomes = vec![None; events.len()];
        for (places, answer) in bundles.iter().zip(join_all(answers).await) {
            match answer {
                Ok(answer) => {
                    let acknowledged =
                        Acknowledged { sequence: answer.sequence, repeated: answer.duplicate };
                    for place in places {
                        outcomes[*place] = Some(acknowledged);
                    }
                }
                Err(error) => {
                    tracing::debug!(source, %error, "a publication has no known outcome");
                }
            }
        }
        outcomes
    }

    /// Wakes the relay of `source`, wherever it runs.
    pub async fn wake(&self, source: &str) {
        if self.connected() {
            // Loss is harmless: the relay also polls.
            let _ = self.client.publish(wake_subject(source), Bytes::new()).await;
        }
    }

    /// Wake-ups for the relay of `source`.
    ///
    /// # Errors
    /// [`Error::Away`] if the client has gone.
    pub async fn wakes(&self, source: &str) -> Result<impl Stream<Item = ()> + use<>, Error> {
        let subscription = self
            .client
            .subscribe(wake_subject(source))
            .await
            .map_err(|error| Error::Away(error.to_string()))?;
        Ok(subscription.map(|_| ()))
    }

    /// The events of `source` for the consumer `service`, from where it stopped. The stream ends
    /// when the consumer is gone; whoever reads it then asks anew.
    ///
    /// # Errors
    /// [`Error::NoStream`] before the source has declared it, [`Error::Drift`], [`Error::Away`].
    pub async fn events(
        &self,
        source: &str,
        service: &str,
        batch: usize,
    ) -> Result<impl Stream<Item = Result<Delivery, Error>> + use<>, Error> {
        let name = stream_name(source);
        let away = |error: &dyn std::fmt::Display| Error::Away(error.to_string());
        let stream = self.context.get_stream(&name).await.map_err(|error| match error.kind() {
            GetStreamErrorKind::JetStream(inner)
                if inner.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND =>
            {
                Error::NoStream(name.clone())
            }
            _ => away(&error),
        })?;
        let wanted = pull::Config {
            durable_name: Some(service.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: MAX_ACK_PENDING,
            ..Default::default()
        };
        let consumer = match stream.get_consumer::<pull::Config>(service).await {
            Ok(consumer) => consumer,
            // Creating is idempotent; whoever may not create is told so by the server.
            Err(_) => stream.create_consumer(wanted.clone()).await.map_err(|error| away(&error))?,
        };
        let drifted = consumer_drift(&wanted, &consumer.cached_info().config);
        if !drifted.is_empty() {
            return Err(Error::Drift { name: format!("{name}/{service}"), fields: drifted });
        }
        let messages = consumer
            .stream()
            .max_messages_per_batch(batch)
            .heartbeat(HEARTBEAT)
            .expires(PULL_EXPIRES)
            .messages()
            .await
            .map_err(|error| away(&error))?;
        Ok(messages.map(|message| match message {
            Ok(message) => Ok(Delivery { message }),
            Err(error) => Err(Error::Away(error.to_string())),
        }))
    }

    /// How many events of `source` the consumer `service` has not yet settled.
    ///
    /// # Errors
    /// [`Error::Away`].
    pub async fn pending(&self, source: &str, service: &str) -> Result<u64, Error> {
        let stream = self
            .context
            .get_stream_no_info(stream_name(source))
            .await
            .map_err(|error| Error::Away(error.to_string()))?;
        let info =
            stream.consumer_info(service).await.map_err(|error| Error::Away(error.to_string()))?;
        Ok(info.num_pending + info.num_ack_pending as u64)
    }

    /// Events of `source` as they come, for a person who looks on; nothing is remembered. With
    /// `from_start`, those that the bus still holds come first.
    ///
    /// # Errors
    /// [`Error::Away`].
    pub async fn tail(
        &self,
        source: &str,
        from_start: bool,
    ) -> Result<impl Stream<Item = Result<Delivery, Error>> + use<>, Error> {
        let away = |error: &dyn std::fmt::Display| Error::Away(error.to_string());
        let stream =
            self.context.get_stream(stream_name(source)).await.map_err(|error| away(&error))?;
        let consumer = stream
            .create_consumer(pull::Config {
                deliver_policy: if from_start { DeliverPolicy::All } else { DeliverPolicy::New },
                ack_policy: AckPolicy::None,
                inactive_threshold: Duration::from_secs(60),
                ..Default::default()
            })
            .await
            .map_err(|error| away(&error))?;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(messages.map(|message| match message {
            Ok(message) => Ok(Delivery { message }),
            Err(error) => Err(Error::Away(error.to_string())),
        }))
    }
}

/// User and password: from the settings, or from the address, where async-nats does not look.
fn credentials(settings: &config::Nats) -> Option<(String, String)> {
    if !settings.user.is_empty() {
        return Some((settings.user.clone(), settings.password.expose().to_owned()));
    }
    let first = settings.url.expose().split(',').next().unwrap_or_default();
    let url = url::Url::parse(first.trim()).ok()?;
    let password = url.password()?.to_owned();
    Some((url.username().to_owned(), password))
}

/// The fields in which a stream differs from its declaration.
fn drift(wanted: &stream::Config, found: &stream::Config) -> String {
    let same = [
        ("subjects", wanted.subjects == found.subjects),
        ("retention", wanted.retention == found.retention),
        ("discard", wanted.discard == found.discard),
        ("storage", wanted.storage == found.storage),
        ("max_bytes", wanted.max_bytes == found.max_bytes),
        ("max_age", wanted.max_age == found.max_age),
        ("max_msg_size", wanted.max_message_size == found.max_message_size),
        ("duplicate_window", wanted.duplicate_window == found.duplicate_window),
        ("deny_delete", wanted.deny_delete == found.deny_delete),
        ("deny_purge", wanted.deny_purge == found.deny_purge),
        ("num_replicas", wanted.num_replicas == found.num_replicas),
    ];
    differing(&same)
}

fn consumer_drift(wanted: &pull::Config, found: &jetstream::consumer::Config) -> String {
    let same = [
        ("ack_policy", found.ack_policy == wanted.ack_policy),
        ("ack_wait", found.ack_wait == wanted.ack_wait),
        ("max_deliver", found.max_deliver == wanted.max_deliver),
        ("max_ack_pending", found.max_ack_pending == wanted.max_ack_pending),
        ("filter_subject", found.filter_subject.is_empty() && found.filter_subjects.is_empty()),
    ];
    differing(&same)
}

fn differing(same: &[(&str, bool)]) -> String {
    let fields: BTreeSet<&str> =
        same.iter().filter(|(_, same)| !same).map(|(field, _)| *field).collect();
    fields.into_iter().collect::<Vec<_>>().join(", ")
}
