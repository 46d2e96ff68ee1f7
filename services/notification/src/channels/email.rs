//! E-mail, by SMTP to a relay of our own.

mod relay;

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::Error as SmtpError,
};
use uuid::Uuid;

use self::relay::Relay;
use super::Ended;
use crate::{
    config,
    domain::{address::Address, delivery::Outcome, letter::Letter},
};

/// Replies by which a relay refuses us, not the mail (RFC 4954, 6): we have the wrong password.
const NOT_OURS: [u16; 5] = [454, 530, 534, 535, 538];
/// How long a relay that has the mail may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Mailer {
    relay: Relay,
    from: Mailbox,
    timeout: Duration,
    taking: Duration,
}

impl Mailer {
    /// Sends as the settings say; `None` if they name no relay.
    ///
    /// # Errors
    /// If the relay or the sender can't be read. The error never shows the relay: it may hold a
    /// password.
    pub fn new(settings: &config::Email) -> anyhow::Result<Option<Self>> {
        if settings.smtp_url.is_empty() {
            return Ok(None);
        }
        let timeout = Duration::from_millis(u64::from(settings.timeout_ms));
        let taking = Duration::from_millis(u64::from(settings.taking_ms));
        let relay = Relay::parse(settings.smtp_url.expose())
            .context("`service.email.smtp_url` names no relay")?;
        let from = settings.from.parse().context("`service.email.from` is no address")?;
        Ok(Some(Self { relay, from, timeout, taking }))
    }

    /// Sends one mail. A repetition carries the same Message-ID, so that the receiver can drop it.
    ///
    /// A relay that cannot be reached has not heard of the mail, so that this does not count. Whatever goes
    /// wrong later is an attempt: the relay may have taken the mail and been too slow to say so.
    pub(crate) async fn send(
        &self,
        delivery_id: Uuid,
        at: Timestamp,
        to: &Address,
        locale: &str,
        letter: &Letter,
    ) -> Ended {
        let Some(message) = self.write(delivery_id, at, to, locale, letter) else {
            return Ended::Made(Outcome::Refused, "address refused".to_owned());
        };
        let reached = tokio::time::timeout(2 * self.timeout, self.relay.reach(self.timeout)).await;
        let mut connection = match reached {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) if refuses_us(&error) => return Ended::Away("relay refuses us"),
            Ok(Err(_)) => return Ended::Away("relay away"),
            Err(_) => return Ended::Away("relay timeout"),
        };
        let bytes = message.formatted();
        let sending = connection.send(message.envelope(), &bytes);
        match tokio::time::timeout(self.taking, sending).await {
            Ok(Ok(_)) => {
                // It has the mail, whatever it says to this.
                let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
                Ended::Made(Outcome::Delivered, String::new())
            }
            Ok(Err(error)) => judge(&error),
            Err(_) => Ended::Made(Outcome::Failed, "relay timeout".to_owned()),
        }
    }

    fn write(
        &self,
        delivery_id: Uuid,
        at: Timestamp,
        to: &Address,
        locale: &str,
        letter: &Letter,
    ) -> Option<Message> {
        let to: Mailbox = to.expose().parse().ok()?;
        let domain = self.from.email.domain();
        // A mail's date has whole seconds (RFC 5322, 3.3).
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{delivery_id}@{domain}>")))
            .subject(letter.subject.clone())
            // RFC 3834: nobody answers a machine by machine.
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("Content-Language", locale));
        if let Some(page) = &letter.unsubscribe {
            // RFC 2369.
            message = message.raw_header(raw("List-Unsubscribe", &format!("<{page}>")));
        }
        message.multipart(MultiPart::alternative_plain_html(letter.text(), letter.html())).ok()
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Whether a relay refuses us and not the mail.
fn refuses_us(error: &SmtpError) -> bool {
    error.status().is_some_and(|code| NOT_OURS.contains(&code.into()))
}

/// What it means that a relay did not take a mail.
fn judge(error: &SmtpError) -> Ended {
    let (outcome, told) = match error.status().map(u16::from) {
        Some(_) if refuses_us(error) => return Ended::Away("relay refuses us"),
        Some(code) if error.is_permanent() => (Outcome::Refused, format!("smtp {code}")),
        Some(code) => (Outcome::Failed, format!("smtp {code}")),
        None if error.is_client() => (Outcome::Refused, "mail refused".to_owned()),
        None => (Outcome::Failed, "connection lost".to_owned()),
    };
    Ended::Made(outcome, told)
}
