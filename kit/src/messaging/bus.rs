//! The bus: NATS JetStream, as transport. The only room that names `async-nats`.

use std::time::Duration;

use async_nats::{
    Client, ConnectOptions, Event as ClientEvent,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
        context::GetStreamErrorKind,
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, future::join_all};
use jiff::Timestamp;
use rand::RngExt as _;

use super::{Envelope, bundle};
use crate::config;

mod declared;
mod message;

pub use declared::{Declared, Difference};
pub use message::Delivery;
use message::message;

/// How long one publication or question to the bus may take; after that its outcome is unknown.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How often a silent connection is tried.
const PING: Duration = Duration::from_secs(10);
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
    #[error(
        "{name} is not as declared: {differences}; `liuyan streams declare` mends it, or start with the old settings"
    )]
    Drift {
        /// Stream or consumer.
        name: String,
        /// The fields that differ: what they are, and what they are to be.
        differences: String,
    },
    /// The consumer is not there, and this identity may not declare it.
    #[error("the consumer {0} does not exist")]
    NoConsumer(String),
    /// The bus does not let us declare something, or not change it so.
    #[error("the bus refuses {name}: {cause}")]
    Refused {
        /// Stream or consumer.
        name: String,
        /// What it said.
        cause: String,
    },
    /// A question to the bus failed; it may succeed later.
    #[error("nats did not answer: {0}")]
    Away(String),
}

impl Error {
    fn refused(name: &str, cause: &dyn std::fmt::Display) -> Self {
        Self::Refused { name: name.to_owned(), cause: cause.to_string() }
    }
}

/// What a consumer has not settled yet, in messages of the bus; a message holds up to some hundred events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Those that were not delivered yet.
    pub undelivered: u64,
    /// Those that were delivered and not acknowledged.
    pub unsettled: u64,
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
        let state = match self.stream_state(source).await {
            Err(Error::Drift { .. }) if self.settings.declare => {
                self.renew(source).await?;
                self.stream_state(source).await?
            }
            state => state?,
        };
        if let Some(state) = state {
            return Ok(state);
        }
        let wanted = self.stream_wanted(source);
        if !self.settings.declare {
            return Err(Error::NoStream(wanted.name));
        }
        let name = wanted.name.clone();
        self.context.create_stream(wanted).await.map_err(|error| Error::Away(error.to_string()))?;
        tracing::info!(stream = name, "the stream was made");
        self.stream_state(source)
            .await?
            .ok_or_else(|| Error::Away(format!("{} vanished", stream_name(source))))
    }

    /// The state of the stream of `source`; `None` if there is no such stream.
    ///
    /// # Errors
    /// [`Error::Drift`] if it is not as declared.
    pub async fn stream_state(&self, source: &str) -> Result<Option<StreamState>, Error> {
        let wanted = self.stream_wanted(source);
        let Some(info) = self.stream_found(&wanted.name).await? else { return Ok(None) };
        let differences = declared::of_stream(&wanted, &info.config);
        if !differences.is_empty() {
            let differences = declared::in_words(&differences);
            return Err(Error::Drift { name: wanted.name, differences });
        }
        let created = Timestamp::from_nanosecond(info.created.unix_timestamp_nanos());
        Ok(Some(StreamState {
            created_at: crate::clock::micros(created.unwrap_or(Timestamp::UNIX_EPOCH)),
            last_sequence: info.state.last_sequence,
        }))
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
        let wanted = declared::consumer_wanted(service);
        let consumer = match stream.get_consumer::<pull::Config>(service).await {
            Ok(consumer) => consumer,
            Err(_) if !self.settings.declare => {
                return Err(Error::NoConsumer(format!("{name}/{service}")));
            }
            // Creating is idempotent; whoever may not create is told so by the server.
            Err(_) => stream.create_consumer(wanted.clone()).await.map_err(|error| away(&error))?,
        };
        let differences = declared::of_consumer(&wanted, &consumer.cached_info().config);
        if !differences.is_empty() {
            let differences = declared::in_words(&differences);
            return Err(Error::Drift { name: format!("{name}/{service}"), differences });
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

    /// How far the consumer `service` is behind `source`.
    ///
    /// # Errors
    /// [`Error::Away`].
    pub async fn lag(&self, source: &str, service: &str) -> Result<Lag, Error> {
        let stream = self
            .context
            .get_stream_no_info(stream_name(source))
            .await
            .map_err(|error| Error::Away(error.to_string()))?;
        let info =
            stream.consumer_info(service).await.map_err(|error| Error::Away(error.to_string()))?;
        Ok(Lag { undelivered: info.num_pending, unsettled: info.num_ack_pending as u64 })
    }

    /// How many messages of `source` the consumer `service` has not yet settled.
    ///
    /// # Errors
    /// [`Error::Away`].
    pub async fn pending(&self, source: &str, service: &str) -> Result<u64, Error> {
        let Lag { undelivered, unsettled } = self.lag(source, service).await?;
        Ok(undelivered + unsettled)
    }

    /// Waits for the connection, for services that do not declare themselves and want to see at their start
    /// whether what they find is as declared. Gives up after `limit`: they work without the bus, too.
    pub async fn wait_to_look(&self, limit: Duration) {
        let connected = async {
            while !self.settings.declare && !self.connected() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(limit, connected).await;
    }

    /// Refuses a stream of `source`, or a consumer of `service`, that is not as declared, for services that
    /// do not declare themselves. A bus that is away, and what is missing, are no reason: whoever needs them
    /// waits.
    ///
    /// # Errors
    /// [`Error::Drift`].
    pub async fn refuse_drift(&self, source: &str, service: Option<&str>) -> Result<(), Error> {
        if self.settings.declare || !self.connected() {
            return Ok(());
        }
        let looked = match service {
            Some(service) => self.declare_consumer(source, service, true).await,
            None => self.declare_stream(source, true).await,
        };
        match looked {
            Ok(Declared::Different(differences)) => {
                let consumer = service.map(|service| format!("/{service}")).unwrap_or_default();
                let name = format!("{}{consumer}", stream_name(source));
                Err(Error::Drift { name, differences: declared::in_words(&differences) })
            }
            _ => Ok(()),
        }
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
