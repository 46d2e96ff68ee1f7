//! The rules of each field.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Channel, Consultation, Contact, Directory, Entrance, Limits, Place, Raw, Words};
use crate::domain::{
    rule::{Breach, Rule},
    text::{self, Bounds, Lines},
};

/// The kind that has a form in two parts.
const COMPLAINT: &str = "complaint";
/// The kind of what people say in a consultation.
const SUGGESTION: &str = "suggestion";
/// RFC 5646, section 4.4.1: buffers of 35 characters hold every tag in use.
const LONGEST_LOCALE: usize = 35;

/// Collects what fields do wrong.
#[derive(Default)]
pub(super) struct Breaches(pub(super) Vec<Breach>);

impl Breaches {
    pub(super) fn add(&mut self, field: &'static str, rule: Rule) {
        self.0.push(Breach::of(field, rule));
    }

    pub(super) fn text(
        &mut self,
        field: &'static str,
        raw: &str,
        lines: Lines,
        min: usize,
        max: usize,
    ) -> String {
        text::clean(raw, lines, Bounds { min, max }).unwrap_or_else(|rule| {
            self.add(field, rule);
            String::new()
        })
    }
}

pub(super) fn office(office_id: &str, directory: &Directory, breaches: &mut Breaches) {
    if office_id.is_empty() {
        breaches.add("message.office_id", Rule::Required);
        return;
    }
    match directory.offices.get(office_id) {
        None => breaches.add("message.office_id", Rule::OfficeUnknown),
        Some(false) => breaches.add("message.office_id", Rule::OfficeClosed),
        Some(true) => {}
    }
}

/// The channel follows from the entrance. Who may use neither column nor hotline can't say that a
/// message came by one; of earlier messages an importer tells what was.
pub(super) fn channel(raw: &Raw, breaches: &mut Breaches) -> Option<Channel> {
    let Some(named) = raw.channel else {
        breaches.add("message.channel", Rule::ValueUnknown);
        return None;
    };
    let own = match &raw.entrance {
        Entrance::Board => None,
        Entrance::Column(column) => {
            if !column.open {
                breaches.add("message.column_id", Rule::ColumnClosed);
            }
            Some(Channel::Column)
        }
        Entrance::Hotline { operator } => {
            if !is_operator(operator) {
                breaches.add("message.operator", Rule::OperatorMalformed);
            }
            Some(Channel::Hotline)
        }
    };
    let reserved = matches!(named, Channel::Column | Channel::Hotline) && raw.occurred_at.is_none();
    match own {
        None if reserved => breaches.add("message.channel", Rule::ChannelReserved),
        Some(own) if named != own && named != Channel::Api => {
            breaches.add("message.channel", Rule::ChannelReserved);
        }
        _ => {}
    }
    Some(own.unwrap_or(named))
}

/// A number of the hotline, and no name: 1 to 20 letters of ASCII, digits and hyphens, with a digit.
fn is_operator(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

pub(super) fn codes(raw: &Raw, directory: &Directory, breaches: &mut Breaches) {
    if raw.kind.is_empty() {
        breaches.add("message.kind", Rule::Required);
    } else if !directory.kinds.contains(&raw.kind) {
        breaches.add("message.kind", Rule::KindUnknown);
    }
    if !raw.domain.is_empty() && !directory.domains.contains(&raw.domain) {
        breaches.add("message.domain", Rule::DomainUnknown);
    } else if let Some(column) = raw.entrance.column()
        && !column.domains.is_empty()
        && !column.domains.contains(&raw.domain)
    {
        let rule = if raw.domain.is_empty() { Rule::Required } else { Rule::DomainNotOfColumn };
        breaches.add("message.domain", rule);
    }
}

/// A message of a consultation is a suggestion to the office that asks, while it asks.
pub(super) fn consultation<'d>(
    raw: &Raw,
    directory: &'d Directory,
    now: Timestamp,
    breaches: &mut Breaches,
) -> Option<(Uuid, &'d Consultation)> {
    const FIELD: &str = "message.consultation_id";
    if raw.consultation_id.is_empty() {
        return None;
    }
    let named: Option<Uuid> = raw.consultation_id.parse().ok();
    let known = named.and_then(|id| Some((id, directory.consultations.get(&id)?)));
    let Some((id, known)) = known else {
        breaches.add(FIELD, Rule::ConsultationUnknown);
        return None;
    };
    if !known.open || now < known.opens_at || now >= known.closes_at {
        breaches.add(FIELD, Rule::ConsultationClosed);
    }
    if raw.kind != SUGGESTION && !raw.kind.is_empty() {
        breaches.add("message.kind", Rule::OnlySuggestions);
    }
    if raw.office() != known.office_id && !raw.office().is_empty() {
        breaches.add("message.office_id", Rule::OfficeNotOfConsultation);
    }
    if !known.domain.is_empty() && !raw.domain.is_empty() && raw.domain != known.domain {
        breaches.add("message.domain", Rule::DomainNotOfConsultation);
    }
    Some((id, known))
}

/// The paths of the words, with and without the message before them.
fn path(prefix: &str, name: &'static str) -> &'static str {
    match (prefix.is_empty(), name) {
        (false, "title") => "message.title",
        (false, "body") => "message.body",
        (false, "demand") => "message.demand",
        (false, "details") => "message.details",
        _ => name,
    }
}

pub(super) fn words(
    raw: &Words,
    kind: &str,
    limits: &Limits,
    prefix: &str,
    breaches: &mut Breaches,
) -> Words {
    let (one, many) = (Lines::One, Lines::Many);
    let mut words = Words {
        title: breaches.text(
            path(prefix, "title"),
            &raw.title,
            one,
            limits.title_min,
            limits.title_max,
        ),
        ..Words::default()
    };
    let blank = |text: &str| text.trim().is_empty();
    let in_parts = !blank(&raw.demand) || !blank(&raw.details);
    if kind == COMPLAINT && (in_parts || blank(&raw.body)) {
        if !blank(&raw.body) {
            breaches.add(path(prefix, "body"), Rule::BodyBesideParts);
        }
        words.demand =
            breaches.text(path(prefix, "demand"), &raw.demand, many, 1, limits.demand_max);
        words.details =
            breaches.text(path(prefix, "details"), &raw.details, many, 1, limits.details_max);
        return words;
    }
    words.body =
        breaches.text(path(prefix, "body"), &raw.body, many, limits.body_min, limits.body_max);
    for (name, text) in [("demand", &raw.demand), ("details", &raw.details)] {
        if !blank(text) {
            breaches.add(path(prefix, name), Rule::OnlyForComplaints);
        }
    }
    words
}

pub(super) fn place(raw: Option<&Place>, limits: &Limits, breaches: &mut Breaches) -> Place {
    let Some(raw) = raw else { return Place::default() };
    let text = breaches.text("message.place.text", &raw.text, Lines::One, 0, limits.place_max);
    if let Some((latitude, longitude)) = raw.location {
        // Not a number is in no range.
        if !(-90.0..=90.0).contains(&latitude) {
            breaches.add("message.place.location.latitude", Rule::LatitudeOutOfRange);
        }
        if !(-180.0..=180.0).contains(&longitude) {
            breaches.add("message.place.location.longitude", Rule::LongitudeOutOfRange);
        }
    }
    Place { text, location: raw.location, public: raw.public }
}

pub(super) fn contact(
    raw: Option<&Contact>,
    limits: &Limits,
    breaches: &mut Breaches,
) -> Option<Contact> {
    let raw = raw?;
    let name = breaches.text("message.author.name", &raw.name, Lines::One, 0, limits.name_max);
    let given = raw.phone.trim();
    let phone = phone(given).unwrap_or_else(|| {
        if !given.is_empty() {
            breaches.add("message.author.phone", Rule::PhoneMalformed);
        }
        String::new()
    });
    let contact = Contact { name, phone };
    (contact != Contact::default()).then_some(contact)
}

/// A mobile number of the mainland in its plain form. It is an address and no prose, so it is kept as
/// it is dialled: digits and signs of full width count as plain ones, blanks and hyphens between
/// digits and the country's own prefix (`+86`, `0086`) are left out. Digits of other scripts are no
/// digits of a phone here.
pub(crate) fn phone(given: &str) -> Option<String> {
    let plain: String = given
        .chars()
        .map(|character| match character {
            '\u{FF01}'..='\u{FF5E}' => {
                char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character)
            }
            other => other,
        })
        .filter(|character| {
            !matches!(character, ' ' | '-' | '\u{3000}' | '\u{A0}' | '\u{2010}'..='\u{2013}')
        })
        .collect();
    let national = ["+86", "0086"].iter().find_map(|prefix| plain.strip_prefix(prefix));
    let number = national.unwrap_or(&plain);
    is_mobile(number).then(|| number.to_owned())
}

/// `^1[3-9]\d{9}$`: mobile numbers of the mainland.
fn is_mobile(phone: &str) -> bool {
    let digits = phone.as_bytes();
    digits.len() == 11
        && digits[0] == b'1'
        && (b'3'..=b'9').contains(&digits[1])
        && digits.iter().all(u8::is_ascii_digit)
}

/// The shape of a BCP 47 tag; whether there are words in that language is asked elsewhere.
pub(super) fn locale(raw: &str, breaches: &mut Breaches) -> String {
    let raw = raw.trim();
    if raw.is_empty() {
        return "zh-CN".to_owned();
    }
    let mut parts = raw.split('-');
    let language = parts.next().unwrap_or_default();
    let well_formed = raw.len() <= LONGEST_LOCALE
        && (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if !well_formed {
        breaches.add("message.locale", Rule::LocaleMalformed);
    }
    raw.to_owned()
}
