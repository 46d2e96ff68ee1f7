//! Divisions, offices, code lists.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Word, some, words};

words! {
    /// A level of administration.
    Level of routing::Level {
        /// Ministries.
        State,
        /// Provinces, autonomous regions, municipalities.
        Province,
        /// Prefecture-level cities.
        City,
        /// Counties and districts.
        County,
    }
}

/// An administrative division.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Division {
    /// Its GB/T 2260 code.
    code: String,
    /// Its name.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    /// The division above; absent at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_code: Option<String>,
    /// Its last day in China, as YYYY-MM-DD; absent if no end is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    /// What took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    successor_code: Option<String>,
}

impl From<routing::Division> for Division {
    fn from(it: routing::Division) -> Self {
        Self {
            level: Level::of(it.level),
            code: it.code,
            name: it.name,
            parent_code: some(it.parent_code),
            valid_until: some(it.valid_until),
            successor_code: some(it.successor_code),
        }
    }
}

/// A post or unit that receives messages.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Office {
    /// Its id.
    office_id: String,
    /// Its division; absent for a ministry.
    #[serde(skip_serializing_if = "Option::is_none")]
    division_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    /// Its role, e.g. `head_of_government`.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Its title.
    title: String,
    /// The office above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_office_id: Option<String>,
    /// Whether it takes messages, as long as it is there.
    open: bool,
    /// Its last day in China, as YYYY-MM-DD; absent if no end is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    /// The office to which its messages go after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    successor_id: Option<String>,
}

impl From<routing::Office> for Office {
    fn from(it: routing::Office) -> Self {
        Self {
            level: Level::of(it.level),
            successor_id: some(it.successor_id),
            valid_until: some(it.valid_until),
            office_id: it.office_id,
            division_code: some(it.division_code),
            role: some(it.role),
            title: it.title,
            parent_office_id: some(it.parent_office_id),
            open: it.open,
        }
    }
}

/// A kind of message.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Kind {
    /// Its code.
    kind: String,
    /// Its name in Chinese.
    name_zh: String,
    /// Its name in English.
    name_en: String,
}

impl From<routing::Kind> for Kind {
    fn from(it: routing::Kind) -> Self {
        Self { kind: it.kind, name_zh: it.name_zh, name_en: it.name_en }
    }
}

/// A domain with its topics.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Domain {
    /// Its code.
    domain: String,
    /// Its name in Chinese.
    name_zh: String,
    /// Its name in English.
    name_en: String,
    /// Its topics, in Chinese.
    topics: Vec<String>,
}

impl From<routing::Domain> for Domain {
    fn from(it: routing::Domain) -> Self {
        Self { domain: it.domain, name_zh: it.name_zh, name_en: it.name_en, topics: it.topics }
    }
}
