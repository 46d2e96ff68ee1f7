//! Consultations.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, Word, some, words};

words! {
    /// Where a consultation stands.
    ConsultationState of routing::ConsultationState {
        /// It is public; it takes messages on its days.
        Open,
        /// It is over, and the result is to come.
        Closed,
        /// Its result is public.
        Published,
    }
}

words! {
    /// Whether what people suggested was taken up.
    Uptake of routing::Uptake {
        /// It was.
        Taken,
        /// A part of it was.
        Partly,
        /// It was not.
        Not,
    }
}

/// What became of some of the suggestions.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Statement {
    #[serde(skip_serializing_if = "Option::is_none")]
    uptake: Option<Uptake>,
    /// What was suggested, and what the office says of it.
    what: String,
    /// By what it was taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_up_by: Option<String>,
    /// The numbers of the public messages of which it speaks.
    numbers: Vec<String>,
}

impl From<routing::Statement> for Statement {
    fn from(it: routing::Statement) -> Self {
        Self {
            uptake: Uptake::of(it.uptake),
            what: it.what,
            taken_up_by: some(it.taken_up_by),
            numbers: it.numbers,
        }
    }
}

/// An office asks the public one question for some time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Consultation {
    /// Its id, a UUID.
    consultation_id: String,
    /// The office that asks.
    office_id: String,
    /// The division whose people are asked; the whole country if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    division_code: Option<String>,
    /// The domain of which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// What is asked.
    question: String,
    /// What people should know to answer.
    description: String,
    /// The first day on which messages are taken, in China.
    from_on: String,
    /// The last one.
    until_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<ConsultationState>,
    /// Whether it takes messages now.
    takes_messages: bool,
    /// How many messages of it are public.
    messages: u32,
    /// What came out, in sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// What was taken up and what was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Statement>,
    /// When the result was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<Time>,
    /// When the result was corrected last.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_at: Option<Time>,
}

impl From<routing::Consultation> for Consultation {
    fn from(it: routing::Consultation) -> Self {
        Self {
            state: ConsultationState::of(it.state),
            published_at: Time::of(it.published_at.as_ref()),
            corrected_at: Time::of(it.corrected_at.as_ref()),
            consultation_id: it.consultation_id,
            office_id: it.office_id,
            division_code: some(it.division_code),
            domain: some(it.domain),
            question: it.question,
            description: it.description,
            from_on: it.from_on,
            until_on: it.until_on,
            takes_messages: it.takes_messages,
            messages: it.messages,
            summary: some(it.summary),
            statements: it.statements.into_iter().map(Statement::from).collect(),
        }
    }
}
