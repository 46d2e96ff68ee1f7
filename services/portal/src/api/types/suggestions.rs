//! What texts tell: where one belongs, what was answered to others, and what many write of.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, Word, found::Hit, some, words};

words! {
    /// By what something was told.
    RoutedBy of routing::RoutedBy {
        /// By what its author chose, the directory, and what superiors decided.
        Rules,
        /// By a model, which is sure.
        Model,
        /// By nobody: a person decides.
        Triage,
    }
}

/// A text to be told where it belongs. Nothing of it is kept.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Draft {
    /// The title, up to 200 characters.
    pub(in crate::api) title: String,
    /// What it says, up to 4,000 characters; of a complaint, demand and details together.
    #[schema(required = true)]
    pub(in crate::api) body: String,
    /// Code of the kind, if it is chosen.
    pub(in crate::api) kind: String,
    /// Code of the domain, if it is chosen.
    pub(in crate::api) domain: String,
    /// The topic, if it is chosen.
    pub(in crate::api) topic: String,
    /// The office that it is written to, if it is chosen.
    pub(in crate::api) office_id: String,
    /// Like cases of this division and those below it alone; of all if left out.
    pub(in crate::api) division: String,
}

/// A place in a text, in characters (Unicode scalar values).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Span {
    /// Whether it is in the title; else in the body.
    in_title: bool,
    /// The first character, from 0.
    start: u32,
    /// The end, exclusive.
    end: u32,
}

/// A word that spoke for a domain.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Said {
    /// The word, in lower case and half width.
    word: String,
    /// Its share of all that spoke for the domain, 0 to 1.
    share: f64,
    /// Where it stands.
    spans: Vec<Span>,
}

/// A domain that a text may be of.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Candidate {
    /// Code of the domain.
    domain: String,
    /// How probable it is, 0 to 1.
    probability: f64,
}

/// A public, answered case that speaks of the same.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Similar {
    #[serde(flatten)]
    hit: Hit,
    /// How near it is, 0 to 1.
    nearness: f64,
}

/// Where a text belongs, and what was answered to others who wrote of the same.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Suggestion {
    /// Code of the domain: the chosen one, or the most probable; absent if there is no model and none is
    /// chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// How probable that is, 0 to 1; 1 for a chosen one.
    domain_probability: f64,
    /// By what the domain was told. With `triage`, it is the most probable one and not sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_by: Option<RoutedBy>,
    /// The office that would get it; absent if a person decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    office_id: Option<String>,
    /// How probable that is, 0 to 1; 1 by rules.
    office_probability: f64,
    /// By what the office was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    office_by: Option<RoutedBy>,
    /// The rule that would choose the office, as in a case.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_by: Option<String>,
    /// The words that spoke for the domain, the loudest first.
    words: Vec<Said>,
    /// Up to three domains, the most probable first.
    candidates: Vec<Candidate>,
    /// The version of the model that told the domain; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<u32>,
    /// Public, answered cases that speak of the same, the nearest first; up to five.
    similar: Vec<Similar>,
}

impl Suggestion {
    pub(in crate::api) fn new(
        route: routing::SuggestRouteResponse,
        similar: routing::FindSimilarResponse,
    ) -> Self {
        let span =
            |it: routing::RouteSpan| Span { in_title: it.in_title, start: it.start, end: it.end };
        let said = |it: routing::RouteWord| Said {
            spans: it.spans.into_iter().map(span).collect(),
            word: it.word,
            share: it.share,
        };
        let candidate = |it: routing::RouteCandidate| Candidate {
            domain: it.domain,
            probability: it.probability,
        };
        let near =
            |it: routing::SimilarCase| Some(Similar { hit: it.hit?.into(), nearness: it.nearness });
        Self {
            domain_by: RoutedBy::of(route.domain_by),
            office_by: RoutedBy::of(route.office_by),
            domain: some(route.domain),
            domain_probability: route.domain_probability,
            office_id: some(route.office_id),
            office_probability: route.office_probability,
            assigned_by: some(route.assigned_by),
            words: route.words.into_iter().map(said).collect(),
            candidates: route.candidates.into_iter().map(candidate).collect(),
            model_version: Some(route.model_version).filter(|version| *version > 0),
            similar: similar.cases.into_iter().filter_map(near).collect(),
        }
    }
}

/// Public messages of at least three cases that speak of the same thing.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct HotProblem {
    /// The title of the message that is nearest to all others.
    title: String,
    /// The public number of that message.
    number: String,
    /// How many cases there are, in the division.
    cases: u32,
    /// How many of them were submitted in the later half of the time that was looked at.
    lately: u32,
    /// When the first was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_at: Option<Time>,
    /// When the last was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<Time>,
    /// The place that most of them name; absent if no two name the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The ids of the newest cases, up to 20.
    case_ids: Vec<String>,
}

impl From<routing::HotProblem> for HotProblem {
    fn from(it: routing::HotProblem) -> Self {
        Self {
            first_at: Time::of(it.first_at.as_ref()),
            last_at: Time::of(it.last_at.as_ref()),
            title: it.title,
            number: it.number,
            cases: it.cases,
            lately: it.lately,
            place: some(it.place),
            case_ids: it.case_ids,
        }
    }
}

/// What many people of a division write of, the most written of first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Hottest {
    /// The problems.
    items: Vec<HotProblem>,
    /// Brings the next page as `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How many of the newest public messages were compared, those of the whole province.
    compared: u32,
    /// False if these were too few to say anything.
    enough: bool,
    /// Since when messages were compared, if there are more in these days than can be; absent if all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared_from: Option<Time>,
}

impl From<routing::ListHotProblemsResponse> for Hottest {
    fn from(it: routing::ListHotProblemsResponse) -> Self {
        Self {
            compared_from: Time::of(it.compared_from.as_ref()),
            items: it.problems.into_iter().map(HotProblem::from).collect(),
            next_cursor: some(it.next_page_token),
            compared: it.compared,
            enough: it.enough,
        }
    }
}
