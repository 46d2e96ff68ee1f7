//! E-mail, by SMTP to a relay of our own.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::Error as SmtpError,
};
use uuid::Uuid;

use super::Ended;
use crate::{
    config,
    domain::{address::Address, delivery::Outcome, letter::Letter},
};

/// Replies by which a relay refuses us, not the mail (RFC 4954, 6): we have the wrong password.
const NOT_OURS: [u16; 5] = [454, 530, 534, 535, 538];

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Mailer {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
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
        let relay = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.smtp_url.expose())
            .map_err(|_| anyhow::anyhow!("`service.email.smtp_url` names no relay"))?
            .timeout(Some(timeout))
            .build();
        let from = settings.from.parse().context("`service.email.from` is no address")?;
        Ok(Some(Self { relay, from, timeout }))
    }

    /// Sends one mail. A repetition carries the same Message-ID, so that the receiver can drop it.
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
        // The transport's own limit is for each command.
        match tokio::time::timeout(2 * self.timeout, self.relay.send(message)).await {
            Ok(Ok(_)) => Ended::Made(Outcome::Delivered, String::new()),
            Ok(Err(error)) => judge(&error),
            Err(_) => Ended::Away("relay timeout"),
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

/// What a refusal means. Whatever is no answer to the mail itself is our relay's fault, and no
/// fault of the receiver.
fn judge(error: &SmtpError) -> Ended {
    let status = error.status().map(u16::from);
    match status {
        Some(code) if NOT_OURS.contains(&code) => Ended::Away("relay refuses us"),
        Some(code) if error.is_permanent() => Ended::Made(Outcome::Refused, format!("smtp {code}")),
        Some(code) => Ended::Made(Outcome::Failed, format!("smtp {code}")),
        None if error.is_client() => Ended::Made(Outcome::Refused, "mail refused".to_owned()),
        None => Ended::Away("relay away"),
    }
}
