//! What streams and consumers are to be, and in what those on the bus differ from it.

use std::{fmt, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
    context::{ConsumerInfoErrorKind, GetStreamErrorKind},
    stream::{self, DiscardPolicy, RetentionPolicy, StorageType},
};

use super::{ACK_WAIT, Bus, Error, MAX_ACK_PENDING, stream_name};

/// The window in which the bus itself drops repetitions. Nothing depends on it.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The largest event.
const MAX_EVENT_BYTES: i32 = 64 * 1024;

/// A field of a stream or consumer that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as NATS names it.
    pub field: &'static str,
    /// What it is.
    pub found: String,
    /// What it is to be.
    pub wanted: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.field, self.found, self.wanted)
    }
}

/// What became of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// It was as declared.
    Same,
    /// It was not there, and has been made; or, if nothing was to be changed, it is not there.
    Missing,
    /// It differed in these fields, and was changed; or, if nothing was to be changed, it differs.
    Different(Vec<Difference>),
}

impl Bus {
    /// Makes the stream of `source` what it is declared to be; with `look_only`, only says whether it is.
    ///
    /// # Errors
    /// [`Error::Refused`] if the bus does not let us, or a field cannot be changed; [`Error::Away`].
    pub async fn declare_stream(&self, source: &str, look_only: bool) -> Result<Declared, Error> {
        let wanted = self.stream_wanted(source);
        let Some(found) = self.stream_found(&wanted.name).await? else {
            if !look_only {
                let made = self.context.create_stream(wanted.clone()).await;
                made.map_err(|error| Error::refused(&wanted.name, &error))?;
            }
            return Ok(Declared::Missing);
        };
        let differences = of_stream(&wanted, &found.config);
        if differences.is_empty() {
            return Ok(Declared::Same);
        }
        if !look_only {
            let changed = stream::Config {
                subjects: wanted.subjects,
                retention: wanted.retention,
                discard: wanted.discard,
                storage: wanted.storage,
                max_bytes: wanted.max_bytes,
                max_age: wanted.max_age,
                max_message_size: wanted.max_message_size,
                duplicate_window: wanted.duplicate_window,
                deny_delete: wanted.deny_delete,
                deny_purge: wanted.deny_purge,
                num_replicas: wanted.num_replicas,
                ..found.config
            };
            let updated = self.context.update_stream(&changed).await;
            updated.map_err(|error| Error::refused(&changed.name, &error))?;
        }
        Ok(Declared::Different(differences))
    }

    /// The same for the consumer by which `service` hears `source`.
    ///
    /// # Errors
    /// As [`Bus::declare_stream`]; [`Error::NoStream`] if there is nothing to hear.
    pub async fn declare_consumer(
        &self,
        source: &str,
        service: &str,
        look_only: bool,
    ) -> Result<Declared, Error> {
        let stream = stream_name(source);
        let name = format!("{stream}/{service}");
        let handle = self
            .context
            .get_stream_no_info(&stream)
            .await
            .map_err(|error| Error::Away(error.to_string()))?;
        let wanted = consumer_wanted(service);
        match handle.consumer_info(service).await {
            Ok(found) => {
                let differences = of_consumer(&wanted, &found.config);
                if !differences.is_empty() && !look_only {
                    let updated = handle.update_consumer(wanted).await;
                    updated.map_err(|error| Error::refused(&name, &error))?;
                }
                Ok(match differences.is_empty() {
                    true => Declared::Same,
                    false => Declared::Different(differences),
                })
            }
            Err(error) => match error.kind() {
                ConsumerInfoErrorKind::NotFound => {
                    if !look_only {
                        let made = handle.create_consumer(wanted).await;
                        made.map_err(|error| Error::refused(&name, &error))?;
                    }
                    Ok(Declared::Missing)
                }
                ConsumerInfoErrorKind::StreamNotFound => Err(Error::NoStream(stream)),
                _ => Err(Error::Away(error.to_string())),
            },
        }
    }

    /// Changes the stream of `source` if it is as earlier releases declared it: refusing when it is full.
    /// Any other difference is somebody's doing, and for a person to decide.
    pub(super) async fn renew(&self, source: &str) -> Result<(), Error> {
        match self.declare_stream(source, true).await? {
            Declared::Different(differences) if differences.iter().all(is_of_before) => {
                self.declare_stream(source, false).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// What the bus says of a stream; `None` if there is none of that name.
    pub(super) async fn stream_found(&self, name: &str) -> Result<Option<stream::Info>, Error> {
        match self.context.get_stream(name).await {
            Ok(stream) => Ok(Some(stream.cached_info().clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(inner)
                    if inner.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(Error::Away(error.to_string())),
            },
        }
    }

    /// What the stream of a source is to be.
    pub(super) fn stream_wanted(&self, source: &str) -> stream::Config {
        stream::Config {
            name: stream_name(source),
            subjects: vec![format!("liuyan.{source}.>")],
            retention: RetentionPolicy::Limits,
            // What is settled stays on the stream as long as what is not. If a full stream refused, it
            // would refuse until the settled events are old enough, and the whole board would stand still.
            // An event that goes unheard is missed by its consumer, and said again: by age it may go, too.
            discard: DiscardPolicy::Old,
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
}

/// What the consumer of a service is to be.
pub(super) fn consumer_wanted(service: &str) -> pull::Config {
    pull::Config {
        durable_name: Some(service.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
        ..Default::default()
    }
}

fn is_of_before(difference: &Difference) -> bool {
    difference.field == "discard" && difference.found == shown(&DiscardPolicy::New)
}

/// In what a stream differs from its declaration.
pub(super) fn of_stream(wanted: &stream::Config, found: &stream::Config) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |field, found: String, wanted: String| {
        if found != wanted {
            differences.push(Difference { field, found, wanted });
        }
    };
    compare("deny_delete", shown(&found.deny_delete), shown(&wanted.deny_delete));
    compare("deny_purge", shown(&found.deny_purge), shown(&wanted.deny_purge));
    compare("discard", shown(&found.discard), shown(&wanted.discard));
    compare("duplicate_window", shown(&found.duplicate_window), shown(&wanted.duplicate_window));
    compare("max_age", shown(&found.max_age), shown(&wanted.max_age));
    compare("max_bytes", shown(&found.max_bytes), shown(&wanted.max_bytes));
    compare("max_msg_size", shown(&found.max_message_size), shown(&wanted.max_message_size));
    compare("num_replicas", shown(&found.num_replicas), shown(&wanted.num_replicas));
    compare("retention", shown(&found.retention), shown(&wanted.retention));
    compare("storage", shown(&found.storage), shown(&wanted.storage));
    compare("subjects", shown(&found.subjects), shown(&wanted.subjects));
    differences
}

/// In what a consumer differs from its declaration.
pub(super) fn of_consumer(
    wanted: &pull::Config,
    found: &jetstream::consumer::Config,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |field, found: String, wanted: String| {
        if found != wanted {
            differences.push(Difference { field, found, wanted });
        }
    };
    compare("ack_policy", shown(&found.ack_policy), shown(&wanted.ack_policy));
    compare("ack_wait", shown(&found.ack_wait), shown(&wanted.ack_wait));
    compare("filter_subject", shown(&found.filter_subject), shown(&String::new()));
    compare("filter_subjects", shown(&found.filter_subjects), shown(&Vec::<String>::new()));
    compare("max_ack_pending", shown(&found.max_ack_pending), shown(&wanted.max_ack_pending));
    compare("max_deliver", shown(&found.max_deliver), shown(&wanted.max_deliver));
    differences
}

fn shown(value: &dyn fmt::Debug) -> String {
    format!("{value:?}")
}

/// Differences in one line.
pub(super) fn in_words(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
