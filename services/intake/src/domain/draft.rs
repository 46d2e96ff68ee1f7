//! A message as its author wrote it, before and after it was checked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    column::Column,
    file::{Files, Named},
    rule::{Breach, Rule},
    text::Lines,
};

mod check;

use check::Breaches;
pub(crate) use check::phone;

/// How long the fields may be, in characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The title, at least.
    pub title_min: usize,
    /// The title, at most.
    pub title_max: usize,
    /// The body, at least.
    pub body_min: usize,
    /// The body, at most.
    pub body_max: usize,
    /// A complaint's demand, at most.
    pub demand_max: usize,
    /// A complaint's details, at most.
    pub details_max: usize,
    /// The topic, at most.
    pub topic_max: usize,
    /// The place in words, at most.
    pub place_max: usize,
    /// The remark for the office, at most.
    pub remark_max: usize,
    /// The author's name, at most.
    pub name_max: usize,
}

/// Who may read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody, once it is approved.
    Public,
    /// Its author and the office.
    Private,
}

impl Visibility {
    /// Its word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// The entrance by which a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The board's own pages.
    Web,
    /// A phone application.
    App,
    /// A WeChat account.
    Wechat,
    /// A mini program.
    MiniProgram,
    /// A hotline's operator.
    Hotline,
    /// A partner's column.
    Column,
    /// Another program.
    Api,
}

impl Channel {
    /// Its word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::Wechat => "wechat",
            Self::MiniProgram => "mini_program",
            Self::Hotline => "hotline",
            Self::Column => "column",
            Self::Api => "api",
        }
    }
}

/// By whose entrance a message comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Entrance {
    /// The board's own.
    #[default]
    Board,
    /// A partner's column.
    Column(Arc<Column>),
    /// Somebody enters it for a citizen who called or came.
    Hotline {
        /// The number by which the hotline knows its operator.
        operator: String,
    },
}

impl Entrance {
    /// The column, if it is one.
    pub fn column(&self) -> Option<&Arc<Column>> {
        match self {
            Self::Column(column) => Some(column),
            Self::Board | Self::Hotline { .. } => None,
        }
    }

    /// Who may read a message that comes by it. This is the one place that obeys `collated`: every
    /// other service sees a private message and treats it as one.
    pub fn visibility(&self, wanted: Visibility) -> Visibility {
        if self.column().is_some_and(|column| column.collated) {
            return Visibility::Private;
        }
        wanted
    }
}

/// The words of a message, as they came or as they were cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// The title.
    pub title: String,
    /// The body; empty for a complaint in two parts.
    pub body: String,
    /// A complaint's demand.
    pub demand: String,
    /// A complaint's details.
    pub details: String,
}

/// Where the matter is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// In words; may be empty.
    pub text: String,
    /// Latitude and longitude in degrees (WGS 84).
    pub location: Option<(f64, f64)>,
    /// Whether the public may see it.
    pub public: bool,
}

/// Who writes. Never shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contact {
    /// The name; may be empty.
    pub name: String,
    /// The mobile number; may be empty.
    pub phone: String,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contact(…)")
    }
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// The office's id.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain; may be empty.
    pub domain: String,
    /// The topic; may be empty.
    pub topic: String,
    /// The words.
    pub words: Words,
    /// Where the matter is.
    pub place: Option<Place>,
    /// A remark for the office alone; may be empty.
    pub remark: String,
    /// Who may read it; `None` if the value is not known.
    pub visibility: Option<Visibility>,
    /// Who writes.
    pub contact: Option<Contact>,
    /// The channel as the caller names it; `None` if the value is not known.
    pub channel: Option<Channel>,
    /// By whose entrance it comes.
    pub entrance: Entrance,
    /// The consultation to which it belongs; empty if it belongs to none.
    pub consultation_id: String,
    /// The author's language; may be empty.
    pub locale: String,
    /// When it was written in another system. `Some(None)` if that is no time.
    pub occurred_at: Option<Option<Timestamp>>,
    /// The files that it names.
    pub files: Vec<Named>,
    /// Who uploaded them, if the caller could have.
    pub uploader: Result<String, Rule>,
}

impl Raw {
    /// The office that is named, or else the one of the column.
    pub fn office(&self) -> &str {
        match self.entrance.column() {
            Some(column) if self.office_id.is_empty() => &column.default_office_id,
            _ => &self.office_id,
        }
    }
}

/// A message that keeps every rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The office's id.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain, or empty.
    pub domain: String,
    /// The topic, or empty.
    pub topic: String,
    /// The words.
    pub words: Words,
    /// Where the matter is; empty if not said.
    pub place: Place,
    /// A remark for the office alone, or empty.
    pub remark: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// Who writes; `None` if neither name nor phone was given.
    pub contact: Option<Contact>,
    /// The channel.
    pub channel: Channel,
    /// By whose entrance it comes.
    pub entrance: Entrance,
    /// The consultation to which it belongs.
    pub consultation_id: Option<Uuid>,
    /// The author's language.
    pub locale: String,
    /// When it was written in another system.
    pub occurred_at: Option<Timestamp>,
    /// Its files. Whether they are there, [`Draft::parse`] does not know; see [`super::file`].
    pub files: Files,
}

/// What intake knows of a consultation: an office asks the public for suggestions for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consultation {
    /// The office that asks.
    pub office_id: String,
    /// The domain of which it is; may be empty.
    pub domain: String,
    /// Whether it takes messages between the two times that follow.
    pub open: bool,
    /// From when on it takes messages.
    pub opens_at: Timestamp,
    /// Until when, exclusive.
    pub closes_at: Timestamp,
}

/// What intake knows of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The offices, and whether each takes messages now.
    pub offices: HashMap<String, bool>,
    /// Codes of the kinds.
    pub kinds: HashSet<String>,
    /// Codes of the domains.
    pub domains: HashSet<String>,
    /// The consultations.
    pub consultations: HashMap<Uuid, Consultation>,
    /// Whether enough of it has arrived to judge a message by.
    pub loaded: bool,
}

impl Draft {
    /// Checks every rule.
    ///
    /// # Errors
    /// Everything that is wrong, at once, with paths as in `SubmitMessageRequest`.
    pub fn parse(
        raw: &Raw,
        limits: &Limits,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Self, Vec<Breach>> {
        let mut breaches = Breaches::default();
        check::office(raw.office(), directory, &mut breaches);
        check::codes(raw, directory, &mut breaches);
        let channel = check::channel(raw, &mut breaches);
        let consultation = check::consultation(raw, directory, now, &mut breaches);
        let topic = breaches.text("message.topic", &raw.topic, Lines::One, 0, limits.topic_max);
        let words = check::words(&raw.words, &raw.kind, limits, "message.", &mut breaches);
        let place = check::place(raw.place.as_ref(), limits, &mut breaches);
        let remark =
            breaches.text("message.remark", &raw.remark, Lines::Many, 0, limits.remark_max);
        let contact = check::contact(raw.contact.as_ref(), limits, &mut breaches);
        if raw.visibility.is_none() {
            breaches.add("message.visibility", Rule::ValueUnknown);
        }
        let locale = check::locale(&raw.locale, &mut breaches);
        let occurred_at = match raw.occurred_at {
            Some(None) => {
                breaches.add("historical.occurred_at", Rule::TimeMalformed);
                None
            }
            Some(Some(at)) if at > now => {
                breaches.add("historical.occurred_at", Rule::InTheFuture);
                None
            }
            Some(at) => at,
            None => None,
        };
        let visibility = raw.visibility.map(|wanted| raw.entrance.visibility(wanted));
        match (breaches.0.is_empty(), visibility, channel) {
            (true, Some(visibility), Some(channel)) => Ok(Self {
                office_id: raw.office().to_owned(),
                kind: raw.kind.clone(),
                domain: match consultation {
                    Some((_, of)) if raw.domain.is_empty() => of.domain.clone(),
                    _ => raw.domain.clone(),
                },
                topic,
                words,
                place,
                remark,
                visibility,
                contact,
                channel,
                entrance: raw.entrance.clone(),
                consultation_id: consultation.map(|(id, _)| id),
                locale,
                occurred_at,
                files: Files::default(),
            }),
            _ => Err(breaches.0),
        }
    }
}

/// Checks the words of a message that comes back.
///
/// # Errors
/// Everything that is wrong, with paths as in `ResubmitMessageRequest`.
pub fn mend(raw: &Words, kind: &str, limits: &Limits) -> Result<Words, Vec<Breach>> {
    let mut breaches = Breaches::default();
    let words = check::words(raw, kind, limits, "", &mut breaches);
    if breaches.0.is_empty() { Ok(words) } else { Err(breaches.0) }
}

#[cfg(test)]
mod tests;
