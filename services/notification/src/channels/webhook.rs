//! Calls over HTTP, signed as Standard Webhooks says, to addresses outside only.

use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect::Policy,
};
use tokio::net::lookup_host;
use url::Url;

use super::Ended;
use crate::{
    config,
    domain::{
        address::{self, Address},
        delivery::Outcome,
        network, signature,
    },
};

/// Connections that are kept to one receiver.
const IDLE_CONNECTIONS: usize = 16;
/// What the receiver sees as ours.
const AGENT: &str = concat!("liuyan/", env!("CARGO_PKG_VERSION"));

/// Calls receivers.
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client,
    answer_bytes: usize,
    allow_insecure: bool,
    allow_internal: bool,
}

/// What is called with.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The same for every repetition, so that the receiver can drop it.
    pub(crate) id: String,
    /// When the attempt is made.
    pub(crate) at: Timestamp,
    /// The signing secret.
    pub(crate) secret: Vec<u8>,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

impl Caller {
    /// Calls as the settings say.
    ///
    /// # Errors
    /// If this machine has no roots of trust.
    pub fn new(settings: &config::Webhook) -> anyhow::Result<Self> {
        // Fails only if somebody in this process was first, with the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let milliseconds = |count: u32| Duration::from_millis(u64::from(count));
        let client = Client::builder()
            .user_agent(AGENT)
            // A redirection would lead past the check of the address.
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!settings.allow_insecure)
            .timeout(milliseconds(settings.timeout_ms))
            .connect_timeout(milliseconds(settings.connect_ms))
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .dns_resolver(Arc::new(OutsideOnly { allow_internal: settings.allow_internal }))
            .build()?;
        Ok(Self {
            client,
            answer_bytes: settings.answer_bytes,
            allow_insecure: settings.allow_insecure,
            allow_internal: settings.allow_internal,
        })
    }

    /// Reads a URL that may be called.
    pub(crate) fn parse(&self, text: &str) -> Result<Address, address::Fault> {
        Address::webhook(text, self.allow_insecure, self.allow_internal)
    }

    /// Calls once.
    pub(crate) async fn send(&self, to: &Address, call: Call) -> Ended {
        let Ok(url) = Url::parse(to.expose()) else {
            return Ended::Made(Outcome::Refused, "address refused".to_owned());
        };
        // Names are checked where they are looked up; an address by number is never looked up.
        if !self.allow_internal && address::literal(&url).is_some_and(network::is_internal) {
            return Ended::Made(Outcome::Refused, "internal address".to_owned());
        }
        let signature = signature::sign(&call.secret, &call.id, call.at, &call.body);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &call.id)
            .header("webhook-timestamp", call.at.as_second().to_string())
            .header("webhook-signature", signature)
            .body(call.body);
        match request.send().await {
            Ok(answer) => {
                let ended = judge(answer.status());
                self.drain(answer).await;
                ended
            }
            Err(error) => failed(&error),
        }
    }

    /// Reads a short answer to its end, so that the connection can be used again. It is not looked
    /// at, and a long one is cut off with its connection.
    async fn drain(&self, mut answer: Response) {
        let mut left = self.answer_bytes;
        while let Ok(Some(chunk)) = answer.chunk().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}

fn judge(status: StatusCode) -> Ended {
    let told = format!("http {}", status.as_u16());
    match status {
        status if status.is_success() => Ended::Made(Outcome::Delivered, String::new()),
        StatusCode::GONE => Ended::Made(Outcome::Refused, told),
        _ => Ended::Made(Outcome::Failed, told),
    }
}

/// Why no answer came. The error's own text holds the address and is not told.
fn failed(error: &reqwest::Error) -> Ended {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if current.is::<Internal>() {
            return Ended::Made(Outcome::Refused, "internal address".to_owned());
        }
        cause = current.source();
    }
    let told = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "no connection"
    } else {
        "connection lost"
    };
    Ended::Made(Outcome::Failed, told.to_owned())
}

/// A name stands for an address that is not outside.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for an internal address")]
struct Internal;

/// Looks names up and lets only addresses outside pass. What it gives is what is connected to: there
/// is no second look-up that could give another one.
#[derive(Debug)]
struct OutsideOnly {
    allow_internal: bool,
}

impl Resolve for OutsideOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_internal = self.allow_internal;
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            // One internal address among others is enough to refuse the name.
            if !allow_internal && found.iter().any(|address| network::is_internal(address.ip())) {
                return Err(Internal.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(allow_internal: bool) -> Caller {
        Caller::new(&config::Webhook {
            timeout_ms: 2_000,
            connect_ms: 2_000,
            answer_bytes: 1_024,
            in_flight: 1,
            allow_insecure: true,
            allow_internal,
        })
        .unwrap()
    }

    fn call() -> Call {
        let (id, at) = ("1".to_owned(), Timestamp::UNIX_EPOCH);
        Call { id, at, secret: vec![1], body: b"{}".to_vec() }
    }

    #[tokio::test]
    async fn no_name_and_no_number_leads_inside() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let address = Address::stored(format!("http://{host}:{port}/"));
            let ended = caller(false).send(&address, call()).await;
            assert_eq!(
                ended,
                Ended::Made(Outcome::Refused, "internal address".to_owned()),
                "{host}"
            );
        }
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "nothing was connected to");
    }

    #[tokio::test]
    async fn nobody_behind_an_address_is_a_failure_and_not_a_refusal() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let address = Address::stored(format!("http://localhost:{port}/"));
        let ended = caller(true).send(&address, call()).await;
        assert_eq!(ended, Ended::Made(Outcome::Failed, "no connection".to_owned()));
    }
}
