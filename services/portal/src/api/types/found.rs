//! Cases that were found by words.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::Serialize;
use utoipa::ToSchema;

use super::{cases::PublicCase, some};

/// A span of an excerpt, in characters (Unicode scalar values).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Highlight {
    /// The first character, from 0.
    start: u32,
    /// The end, exclusive.
    end: u32,
}

/// A case that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Hit {
    case: PublicCase,
    /// A part of its text in which the words stand.
    excerpt: String,
    /// Where in the excerpt.
    highlights: Vec<Highlight>,
}

impl From<routing::SearchHit> for Hit {
    fn from(it: routing::SearchHit) -> Self {
        let span = |it: routing::Highlight| Highlight { start: it.start, end: it.end };
        Self {
            highlights: it.highlights.into_iter().map(span).collect(),
            case: it.case.unwrap_or_default().into(),
            excerpt: it.excerpt,
        }
    }
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Hits {
    /// The cases, the newest first.
    items: Vec<Hit>,
    /// Brings the next page as `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How many there are, up to 1,000.
    total: u32,
}

impl From<routing::SearchCasesResponse> for Hits {
    fn from(it: routing::SearchCasesResponse) -> Self {
        Self {
            items: it.hits.into_iter().map(Hit::from).collect(),
            next_cursor: some(it.next_page_token),
            total: it.total,
        }
    }
}
