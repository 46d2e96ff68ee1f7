//! Common problems.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, Word, some, words};

words! {
    /// Where a common problem stands.
    CommonProblemState of routing::CommonProblemState {
        /// It has no answer yet.
        Open,
        /// It is answered.
        Answered,
        /// All its cases left before there was an answer.
        Dissolved,
    }
}

/// Many messages about one thing, with one office that leads and one answer.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CommonProblem {
    /// Its id, a UUID.
    common_problem_id: String,
    /// What it is about, in the words of officials.
    title: String,
    /// The office that leads and answers.
    lead_office_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<CommonProblemState>,
    /// The answer; absent before there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Time>,
    /// When it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
    /// How many cases are in it: to everybody the public ones alone.
    cases: u32,
    /// How many of these are rated by their authors since the answer.
    rated: u32,
    /// How many authors had theirs taken out again; to the offices that work on it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    objected: Option<u32>,
    /// Changes with each change of it; to the offices that work on it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

impl From<routing::CommonProblem> for CommonProblem {
    fn from(it: routing::CommonProblem) -> Self {
        Self {
            state: CommonProblemState::of(it.state),
            created_at: Time::of(it.created_at.as_ref()),
            answered_at: Time::of(it.answered_at.as_ref()),
            // Whoever gets an etag works on it.
            objected: (!it.etag.is_empty()).then_some(it.objected),
            etag: some(it.etag),
            common_problem_id: it.common_problem_id,
            title: it.title,
            lead_office_id: it.lead_office_id,
            body: some(it.body),
            cases: it.cases,
            rated: it.rated,
        }
    }
}

impl CommonProblem {
    /// It without what only those see who bring a token.
    pub(in crate::api) fn for_everybody(mut self) -> Self {
        self.objected = None;
        self.etag = None;
        self
    }
}
