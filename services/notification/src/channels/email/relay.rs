//! Our relay, and how it is reached: as far as that an attempt costs nothing, because no mail has been spoken
//! of yet.

use std::time::Duration;

use lettre::transport::smtp::{
    Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Tls, TlsParameters},
    extension::ClientId,
};
use url::{Url, form_urlencoded};

/// A relay, as its address names it.
#[derive(Debug, Clone)]
pub(super) struct Relay {
    host: String,
    port: u16,
    tls: Tls,
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl Relay {
    /// Reads `smtp[s]://[user:password@]host[:port][/hello][?tls=required|opportunistic]`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?.to_owned();
        let asked = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value);
        let parameters = || TlsParameters::new(host.clone()).ok();
        let (port, tls) = match (url.scheme(), asked.as_deref()) {
            ("smtp", None) => (SMTP_PORT, Tls::None),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Tls::Required(parameters()?)),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Tls::Opportunistic(parameters()?)),
            ("smtps", _) => (SUBMISSIONS_PORT, Tls::Wrapper(parameters()?)),
            _ => return None,
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let password = url.password().map(plain);
        let credentials = password.map(|word| Credentials::new(plain(url.username()), word));
        Some(Self { port: url.port().unwrap_or(port), host, tls, hello, credentials })
    }

    /// Connects, is greeted and signs in. Each address of the relay has `timeout` to be connected to.
    pub(super) async fn reach(&self, timeout: Duration) -> Result<AsyncSmtpConnection, Error> {
        let wrapper = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(timeout), &self.hello, wrapper, None)
                .await?;
        match &self.tls {
            Tls::Required(parameters) => {
                connection.starttls(parameters.clone(), &self.hello).await?;
            }
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

/// What stands for itself in a part of an address, where a plus is a plus.
fn plain(part: &str) -> String {
    let value = format!("={}", part.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(value.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_port_encryption_and_credentials() {
        for (address, port, tls) in [
            ("smtp://mail.example", 25, "None"),
            ("smtp://127.0.0.1:1025", 1025, "None"),
            ("smtp://mail.example?tls=required", 587, "Required"),
            ("smtp://mail.example:25?tls=opportunistic", 25, "Opportunistic"),
            ("smtps://user:word@mail.example/board.example", 465, "Wrapper"),
        ] {
            let relay = Relay::parse(address).unwrap();
            assert_eq!(relay.port, port, "{address}");
            assert!(format!("{:?}", relay.tls).starts_with(tls), "{address}");
        }
        for wrong in ["", "mail.example", "http://mail.example", "smtp://mail.example?tls=no"] {
            assert!(Relay::parse(wrong).is_none(), "{wrong}");
        }
        let relay = Relay::parse("smtps://a%40b:w%3Aor+d&%25@mail.example/board.example").unwrap();
        assert_eq!(relay.credentials, Some(Credentials::new("a@b".into(), "w:or+d&%".into())));
        assert_eq!(relay.hello.to_string(), "board.example");
        assert!(!format!("{relay:?}").contains("or+d"), "it never shows the password");
    }
}
