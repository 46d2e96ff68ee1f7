//! A column: a partner's own entrance.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    draft::Directory,
    page,
    rule::{Breach, Rule},
    state::State,
    text::{self, Bounds, Lines},
};

/// The most messages a day, and a minute.
const MOST_A_DAY: u32 = 1_000_000;
const MOST_A_MINUTE: u32 = 100_000;
/// How long a name may be.
const NAME: Bounds = Bounds { min: 2, max: 50 };
/// The most domains and origins of one column.
const MOST_DOMAINS: usize = 100;
const MOST_ORIGINS: usize = 20;
/// The longest origin, and the longest name of an agency.
const LONGEST: usize = 200;
/// Seconds of a day, and how far Asia/Shanghai is ahead of UTC.
const DAY: i64 = 86_400;
const AHEAD: i64 = 8 * 3_600;

/// A partner's entrance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its id.
    pub column_id: String,
    /// What its events are about.
    pub subject_id: Uuid,
    /// Its name, as readers see it.
    pub name: String,
    /// The agency that submits by it.
    pub agency_id: String,
    /// The office where none is named; may be empty.
    pub default_office_id: String,
    /// Codes of the domains that it takes; all if empty.
    pub domains: Vec<String>,
    /// The web origins that may show its form.
    pub origins: Vec<String>,
    /// How many messages a day.
    pub daily_quota: u32,
    /// How many messages a minute.
    pub minute_quota: u32,
    /// Whether its messages are published as a whole.
    pub collated: bool,
    /// Whether it takes messages.
    pub open: bool,
    /// How often it was made or changed.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What somebody says a column is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawColumn {
    /// Its id.
    pub column_id: String,
    /// Its name.
    pub name: String,
    /// The agency.
    pub agency_id: String,
    /// The office where none is named.
    pub default_office_id: String,
    /// Codes of the domains.
    pub domains: Vec<String>,
    /// The origins.
    pub origins: Vec<String>,
    /// How many messages a day.
    pub daily_quota: u32,
    /// How many messages a minute.
    pub minute_quota: u32,
    /// Whether its messages are published as a whole.
    pub collated: bool,
    /// Whether it takes messages.
    pub open: bool,
}

impl Column {
    /// Names this state of it.
    pub fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// As somebody would say it.
    fn said(&self) -> RawColumn {
        RawColumn {
            column_id: self.column_id.clone(),
            name: self.name.clone(),
            agency_id: self.agency_id.clone(),
            default_office_id: self.default_office_id.clone(),
            domains: self.domains.clone(),
            origins: self.origins.clone(),
            daily_quota: self.daily_quota,
            minute_quota: self.minute_quota,
            collated: self.collated,
            open: self.open,
        }
    }

    /// A new column.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn make(
        raw: &RawColumn,
        directory: &Directory,
        subject_id: Uuid,
        now: Timestamp,
    ) -> Result<Self, Vec<Breach>> {
        let name = check(raw, directory)?;
        let raw = raw.clone();
        Ok(Self {
            column_id: raw.column_id,
            subject_id,
            name,
            agency_id: raw.agency_id,
            default_office_id: raw.default_office_id,
            domains: raw.domains,
            origins: raw.origins,
            daily_quota: raw.daily_quota,
            minute_quota: raw.minute_quota,
            collated: raw.collated,
            open: raw.open,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// The column with those fields of `raw` that `paths` name.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn changed(
        &self,
        raw: RawColumn,
        paths: &[String],
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Self, Vec<Breach>> {
        let mut wanted = self.said();
        let mut breaches = Vec::new();
        if paths.is_empty() {
            breaches.push(Breach::of("update_mask", Rule::Required));
        }
        for path in paths {
            match path.as_str() {
                "name" => wanted.name.clone_from(&raw.name),
                "agency_id" => wanted.agency_id.clone_from(&raw.agency_id),
                "default_office_id" => wanted.default_office_id.clone_from(&raw.default_office_id),
                "domains" => wanted.domains.clone_from(&raw.domains),
                "origins" => wanted.origins.clone_from(&raw.origins),
                "daily_quota" => wanted.daily_quota = raw.daily_quota,
                "minute_quota" => wanted.minute_quota = raw.minute_quota,
                "collated" => wanted.collated = raw.collated,
                "open" => wanted.open = raw.open,
                _ => breaches.push(Breach::of("update_mask", Rule::PathUnknown)),
            }
        }
        match check(&wanted, directory) {
            Err(more) => breaches.extend(more),
            Ok(name) if breaches.is_empty() => {
                return Ok(Self {
                    name,
                    agency_id: wanted.agency_id,
                    default_office_id: wanted.default_office_id,
                    domains: wanted.domains,
                    origins: wanted.origins,
                    daily_quota: wanted.daily_quota,
                    minute_quota: wanted.minute_quota,
                    collated: wanted.collated,
                    open: wanted.open,
                    version: self.version + 1,
                    updated_at: now,
                    ..self.clone()
                });
            }
            Ok(_) => {}
        }
        Err(breaches)
    }
}

/// Checks every field; gives the name as it is kept.
fn check(raw: &RawColumn, directory: &Directory) -> Result<String, Vec<Breach>> {
    let mut breaches = Vec::new();
    let mut wrong = |field, rule| breaches.push(Breach::of(field, rule));
    if !is_id(&raw.column_id) {
        wrong("column.column_id", Rule::ColumnIdMalformed);
    }
    let name = text::clean(&raw.name, Lines::One, NAME).unwrap_or_else(|rule| {
        wrong("column.name", rule);
        String::new()
    });
    let agency = &raw.agency_id;
    if agency.is_empty() {
        wrong("column.agency_id", Rule::Required);
    } else if agency.len() > LONGEST || !agency.bytes().all(|byte| byte.is_ascii_graphic()) {
        wrong("column.agency_id", Rule::ValueUnknown);
    }
    let office = &raw.default_office_id;
    if !office.is_empty() && !directory.offices.contains_key(office) {
        wrong("column.default_office_id", Rule::OfficeUnknown);
    }
    if raw.domains.len() > MOST_DOMAINS {
        wrong("column.domains", Rule::TooMany { max: MOST_DOMAINS });
    } else if raw.domains.iter().any(|code| !directory.domains.contains(code)) {
        wrong("column.domains", Rule::DomainUnknown);
    }
    if raw.origins.len() > MOST_ORIGINS {
        wrong("column.origins", Rule::TooMany { max: MOST_ORIGINS });
    } else if !raw.origins.iter().all(|origin| is_origin(origin)) {
        wrong("column.origins", Rule::OriginMalformed);
    }
    for (field, quota, most) in [
        ("column.daily_quota", raw.daily_quota, MOST_A_DAY),
        ("column.minute_quota", raw.minute_quota, MOST_A_MINUTE),
    ] {
        if !(1..=most).contains(&quota) {
            wrong(field, Rule::NumberOutOfBounds { min: 1, max: most });
        }
    }
    if breaches.is_empty() { Ok(name) } else { Err(breaches) }
}

/// 3 to 40 of a–z, 0–9 and hyphen.
pub fn is_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=40).contains(&text.len()) && text.bytes().all(known)
}

/// Scheme, host and perhaps a port, as a browser says it in the header `origin`; without TLS only on
/// one's own machine.
fn is_origin(text: &str) -> bool {
    let (host, local) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (host, false),
        (None, Some(host)) => (host, true),
        (None, None) => return false,
    };
    let name = host.split(':').next().unwrap_or_default();
    let port = host.strip_prefix(name).unwrap_or_default();
    let letters =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !name.is_empty()
        && text.len() <= LONGEST
        && name.bytes().all(letters)
        && (port.is_empty() || port[1..].parse::<u16>().is_ok_and(|port| port > 0))
        && (!local || matches!(name, "localhost" | "127.0.0.1"))
}

/// How long it is until the next day begins in Asia/Shanghai, when every quota is whole again.
pub fn until_tomorrow(now: Timestamp) -> Duration {
    let today = (now.as_second() + AHEAD).rem_euclid(DAY);
    Duration::from_secs(u64::try_from(DAY - today).unwrap_or_default())
}

/// All columns, to be found by their ids and by their agencies.
#[derive(Debug, Clone, Default)]
pub struct Columns(Vec<Arc<Column>>);

impl Columns {
    /// These columns.
    pub fn of(columns: Vec<Column>) -> Self {
        Self(columns.into_iter().map(Arc::new).collect())
    }

    /// The one with this id.
    pub fn by_id(&self, column_id: &str) -> Option<&Arc<Column>> {
        self.0.iter().find(|column| column.column_id == column_id)
    }

    /// The one of this agency.
    pub fn of_agency(&self, agency_id: &str) -> Option<&Arc<Column>> {
        self.0.iter().find(|column| column.agency_id == agency_id)
    }
}

/// How a column's message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The message.
    pub message_id: Uuid,
    /// The column's number of its last change.
    pub change: i64,
    /// When that was.
    pub changed_at: Timestamp,
    /// Its public number.
    pub number: String,
    /// Where it stands.
    pub state: State,
    /// Why it was returned or declined.
    pub ground: String,
    /// Its case.
    pub case_id: Option<Uuid>,
    /// The date by which an answer is due.
    pub deadline_at: Option<Timestamp>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Whether everybody may read it, once it is approved.
    pub public: bool,
}

/// The token from which the changes of a column go on. It never ends.
pub fn follow_token(column_id: &str, change: i64) -> String {
    let mut bytes = change.to_be_bytes().to_vec();
    bytes.extend(page::checksum(&[b"column ", column_id.as_bytes(), b" "], &bytes));
    hex::encode(bytes)
}

/// Reads such a token; `None` if it is none, or one of another column.
pub fn read_follow_token(column_id: &str, token: &str) -> Option<i64> {
    let mut bytes = [0; 8 + page::CHECK];
    hex::decode_to_slice(token, &mut bytes).ok()?;
    let (change, check) = bytes.split_at(8);
    if check != page::checksum(&[b"column ", column_id.as_bytes(), b" "], change) {
        return None;
    }
    Some(i64::from_be_bytes(change.try_into().ok()?)).filter(|change| *change >= 0)
}

/// The token of a page of columns that goes on after this name and id.
pub fn list_token(name: &str, column_id: &str) -> String {
    hex::encode(format!("{name}\n{column_id}"))
}

/// Reads such a token.
pub fn read_list_token(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    let (name, column_id) = text.split_once('\n')?;
    is_id(column_id).then(|| (name.to_owned(), column_id.to_owned()))
}

#[cfg(test)]
mod tests;
