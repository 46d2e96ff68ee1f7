//! Where the board is, and as whom it is asked.

use std::{sync::Arc, time::Duration};

use liuyan_proto::liuyan::{
    feed::v1::{GetFeedRequest, GetFeedResponse, feed_service_client::FeedServiceClient},
    identity::v1::{IssueTokenRequest, identity_service_client::IdentityServiceClient},
};
use tokio::{sync::Mutex, time::Instant};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use crate::error::Error;

/// How long one call that is no stream may take.
const CALL_LIMIT: Duration = Duration::from_secs(40);
/// How often a connection is tried that may be dead, and how long an answer may take.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_LIMIT: Duration = Duration::from_secs(10);
/// The largest frame that is taken: a batch of 1 MiB, or one event that is larger by itself.
const LARGEST_FRAME: usize = 16 << 20;

/// As whom the board is asked.
#[derive(Clone, Default)]
pub enum Credentials {
    /// As nobody: what is public can be followed, without subscriptions.
    #[default]
    Nobody,
    /// With a token that somebody else renews.
    Token(String),
    /// As an agency: a token is got from identity, and another one before it expires.
    Agency {
        /// The address of identity, e.g. `https://identity.example.org`.
        identity: String,
        /// Who the agency is.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Token(_) => "Token(…)",
            Self::Agency { .. } => "Agency(…)",
        })
    }
}

/// Where the board is, and how to reach it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address of the feed, e.g. `https://feed.example.org` or `http://127.0.0.1:4000`.
    pub endpoint: String,
    /// As whom.
    pub credentials: Credentials,
    /// How long connecting may take; 5 s at first.
    pub connect_limit: Duration,
}

impl Settings {
    /// A feed that is followed as nobody.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            credentials: Credentials::Nobody,
            connect_limit: Duration::from_secs(5),
        }
    }

    /// The same, as somebody.
    #[must_use]
    pub fn with(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }
}

/// A feed of which we know the address. Cheap to clone; connections are made when they are needed.
#[derive(Debug, Clone)]
pub struct Feed {
    endpoint: Endpoint,
    tokens: Arc<Tokens>,
}

impl Feed {
    /// A feed at an address. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Usage`] if the address is none.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let identity = match &settings.credentials {
            Credentials::Agency { identity, .. } => {
                Some(endpoint(identity, settings.connect_limit)?)
            }
            Credentials::Nobody | Credentials::Token(_) => None,
        };
        let endpoint = endpoint(&settings.endpoint, settings.connect_limit)?;
        let credentials = settings.credentials.clone();
        let tokens = Tokens { credentials, identity, held: Mutex::default() };
        Ok(Self { endpoint, tokens: Arc::new(tokens) })
    }

    /// What the feed holds, and how far back it reaches.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Refused`].
    pub async fn get(&self) -> Result<GetFeedResponse, Error> {
        let mut client = self.client().await?;
        let request = self.request(GetFeedRequest {}).await?;
        Ok(client.get_feed(request).await?.into_inner())
    }

    /// A client of the generated kind over a new connection, for calls that this crate does not wrap.
    /// Requests made by [`Feed::request`] carry the token.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn client(&self) -> Result<FeedServiceClient<Channel>, Error> {
        let channel = self.endpoint.connect().await;
        let channel = channel.map_err(|error| Error::Unreachable(causes(&error)))?;
        Ok(FeedServiceClient::new(channel).max_decoding_message_size(LARGEST_FRAME))
    }

    /// A request with the token, and with the limit for calls.
    ///
    /// # Errors
    /// If identity gives no token.
    pub async fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        let mut request = self.stream_request(message).await?.0;
        request.set_timeout(CALL_LIMIT);
        Ok(request)
    }

    /// A request with the token and without a limit, for streams.
    ///
    /// # Errors
    /// If identity gives no token.
    pub async fn lasting_request<T>(&self, message: T) -> Result<Request<T>, Error> {
        Ok(self.stream_request(message).await?.0)
    }

    /// A request with the token for a stream, and when the token wants to be renewed.
    pub(crate) async fn stream_request<T>(
        &self,
        message: T,
    ) -> Result<(Request<T>, Option<Instant>), Error> {
        let mut request = Request::new(message);
        let mut renew_at = None;
        if let Some(held) = self.tokens.get().await? {
            request.metadata_mut().insert("authorization", held.header);
            renew_at = held.renew_at;
        }
        Ok((request, renew_at))
    }

    /// Forgets the token; true if there can be another one.
    pub(crate) async fn renew(&self) -> bool {
        *self.tokens.held.lock().await = None;
        matches!(self.tokens.credentials, Credentials::Agency { .. })
    }
}

fn endpoint(address: &str, connect_limit: Duration) -> Result<Endpoint, Error> {
    let wrong = |error: tonic::transport::Error| {
        Error::Usage(format!("{address} is no address: {}", causes(&error)))
    };
    let mut endpoint = Endpoint::from_shared(address.to_owned()).map_err(wrong)?;
    if address.starts_with("https:") {
        endpoint =
            endpoint.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(wrong)?;
    }
    Ok(endpoint
        .connect_timeout(connect_limit)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_LIMIT)
        .tcp_nodelay(true))
}

/// An error with what caused it: the transport's own text says no more than that it failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.ends_with(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    text
}

/// A token that is in use.
#[derive(Debug, Clone)]
struct Held {
    header: MetadataValue<Ascii>,
    renew_at: Option<Instant>,
}

/// The token of whoever asks.
#[derive(Debug)]
struct Tokens {
    credentials: Credentials,
    identity: Option<Endpoint>,
    held: Mutex<Option<Held>>,
}

impl Tokens {
    async fn get(&self) -> Result<Option<Held>, Error> {
        match (&self.credentials, &self.identity) {
            (Credentials::Token(token), _) => {
                Ok(Some(Held { header: bearer(token)?, renew_at: None }))
            }
            (Credentials::Agency { client_id, client_secret, .. }, Some(identity)) => {
                // The lock is held meanwhile, so that many streams ask for one token.
                let mut held = self.held.lock().await;
                let now = Instant::now();
                if let Some(held) = held.as_ref()
                    && held.renew_at.is_some_and(|renew_at| now < renew_at)
                {
                    return Ok(Some(held.clone()));
                }
                let issued = issue(identity, client_id, client_secret).await?;
                Ok(Some(held.insert(issued).clone()))
            }
            _ => Ok(None),
        }
    }
}

async fn issue(identity: &Endpoint, id: &str, secret: &str) -> Result<Held, Error> {
    let channel = identity.connect().await;
    let channel = channel.map_err(|error| Error::Unreachable(causes(&error)))?;
    let mut request = Request::new(IssueTokenRequest {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
        scope: String::new(),
    });
    request.set_timeout(CALL_LIMIT);
    let issued = IdentityServiceClient::new(channel).issue_token(request).await?.into_inner();
    // With a fifth of its life left there is time for some tries at another one.
    let good_for = Duration::from_secs(u64::from(issued.expires_in_seconds)).mul_f64(0.8);
    Ok(Held { header: bearer(&issued.access_token)?, renew_at: Some(Instant::now() + good_for) })
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>, Error> {
    let mut header: MetadataValue<Ascii> = format!("Bearer {token}")
        .parse()
        .map_err(|_| Error::Usage("the token cannot be sent".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}
