//! Addresses to which something is sent. They are personal data: nothing here shows one whole.

use std::fmt;

use url::{Host, Url};

use super::network;

/// The longest e-mail address (RFC 5321, 4.5.3.1.3) and the longest URL that is taken.
const LONGEST_EMAIL: usize = 254;
const LONGEST_URL: usize = 2048;

/// A way to tell somebody, beside the board's own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// E-mail.
    Email,
    /// A call over HTTP.
    Webhook,
}

impl Channel {
    /// Its name, as tables and metrics keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }

    /// The channel of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Email, Self::Webhook].into_iter().find(|channel| channel.as_str() == name)
    }
}

/// Why a text is no address to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no e-mail address.
    EmailMalformed,
    /// It is no URL that can be called.
    UrlMalformed,
    /// It is not https.
    UrlInsecure,
    /// It is an address inside of a network.
    UrlInternal,
}

/// An address to which something is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address([redacted])")
    }
}

impl Address {
    /// An e-mail address. The rules are those of the sender beneath, narrowed to what people have:
    /// one line of visible ASCII, one `@`, a domain with a dot.
    ///
    /// # Errors
    /// [`Fault::EmailMalformed`].
    pub fn email(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let (local, domain) = text.rsplit_once('@').ok_or(Fault::EmailMalformed)?;
        let label = |label: &str| {
            let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
            !label.is_empty() && label.bytes().all(inner)
        };
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && !local.bytes().any(|byte| b"@\"(),:;<>[\\]".contains(&byte));
        let domain_fits = domain.contains('.') && domain.split('.').all(label);
        if text.len() <= LONGEST_EMAIL && visible && local_fits && domain_fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Fault::EmailMalformed)
        }
    }

    /// A URL to call. Names are looked up when it is called, and checked again then.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn webhook(text: &str, insecure: bool, internal: bool) -> Result<Self, Fault> {
        let url = Url::parse(text.trim()).map_err(|_| Fault::UrlMalformed)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && url.as_str().len() <= LONGEST_URL;
        match url.scheme() {
            _ if !plain => return Err(Fault::UrlMalformed),
            "https" => {}
            "http" if insecure => {}
            "http" => return Err(Fault::UrlInsecure),
            _ => return Err(Fault::UrlMalformed),
        }
        if !internal && literal(&url).is_some_and(network::is_internal) {
            return Err(Fault::UrlInternal);
        }
        Ok(Self(url.into()))
    }

    /// One that was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address itself, to be sent to or sealed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// By what two spellings of one address are known to be the same.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The address, shortened so that its owner recognises it and nobody else learns it.
    pub fn hint(&self, channel: Channel) -> String {
        match channel {
            Channel::Email => {
                let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
                let first: String = local.chars().take(1).collect();
                format!("{first}***@{domain}")
            }
            Channel::Webhook => {
                let host = Url::parse(&self.0).ok();
                let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
                format!("{host}/…")
            }
        }
    }
}

/// The address that a URL names by number.
pub fn literal(url: &Url) -> Option<std::net::IpAddr> {
    match url.host()? {
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_is_one_visible_line_with_a_domain() {
        for right in ["a@b.cn", " first.last+tag@mail.example.org "] {
            assert!(Address::email(right).is_ok(), "{right}");
        }
        let long = format!("{}@b.cn", "a".repeat(65));
        for wrong in [
            "",
            "a",
            "@b.cn",
            "a@",
            "a@b",
            "a@b..cn",
            "a b@c.cn",
            "a@b.cn\r\nBcc: x@y.cn",
            "<a@b.cn>",
            "a@[127.0.0.1]",
            "a,b@c.cn",
            "a@b@c.cn",
            "é@b.cn",
            &long,
        ] {
            assert_eq!(Address::email(wrong), Err(Fault::EmailMalformed), "{wrong}");
        }
    }

    #[test]
    fn a_webhook_is_an_https_url_to_the_outside() {
        let parse = |text| Address::webhook(text, false, false);
        assert!(parse("https://hooks.example.org/liuyan?x=1").is_ok());
        for (text, fault) in [
            ("hooks.example.org", Fault::UrlMalformed),
            ("ftp://hooks.example.org/", Fault::UrlMalformed),
            ("https://user:word@hooks.example.org/", Fault::UrlMalformed),
            ("https://hooks.example.org/#part", Fault::UrlMalformed),
            ("http://hooks.example.org/", Fault::UrlInsecure),
            ("https://127.0.0.1/", Fault::UrlInternal),
            ("https://2130706433/", Fault::UrlInternal),
            ("https://0x7f.1/", Fault::UrlInternal),
            ("https://[::ffff:10.0.0.1]/", Fault::UrlInternal),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
        assert!(Address::webhook("http://127.0.0.1:9/", true, true).is_ok());
    }

    #[test]
    fn a_hint_does_not_give_the_address_away() {
        let email = Address::email("somebody@example.org").unwrap();
        assert_eq!(email.hint(Channel::Email), "s***@example.org");
        let hook = Address::webhook("https://example.org/secret?token=1", false, false).unwrap();
        assert_eq!(hook.hint(Channel::Webhook), "example.org/…");
        assert_eq!(format!("{email:?}"), "Address([redacted])");
    }
}
