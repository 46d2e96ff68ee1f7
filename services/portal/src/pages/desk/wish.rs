//! What a clerk wants to do with a case, as it was typed.

use liuyan_proto::liuyan::common::v1::Outcome;
use serde::Deserialize;
use uuid::Uuid;

use crate::visit::Visit;

/// Every field of every form of a case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    /// Which button was pressed.
    pub(super) action: String,
    /// The id that makes two sendings one.
    pub(super) request_id: String,
    /// The case as the clerk saw it.
    pub(super) etag: String,
    pub(super) body: String,
    pub(super) reason: String,
    pub(super) office_id: String,
    pub(super) outcome: String,
    /// The words by which an office is looked for.
    pub(super) q: String,
}

impl Wish {
    /// Makes the id anew if it is none, and line ends those of Unix: browsers send others.
    pub(super) fn mend(&mut self, v: &Visit) {
        if self.request_id.parse::<Uuid>().is_err() {
            self.request_id = v.new_id();
        }
        for text in [&mut self.body, &mut self.reason] {
            *text = text.replace("\r\n", "\n");
        }
    }

    /// The outcome that was chosen.
    pub(super) fn outcome(&self) -> Outcome {
        let known = OUTCOMES.iter().find(|(code, ..)| *code == self.outcome);
        known.map_or(Outcome::Unspecified, |(_, outcome, _)| *outcome)
    }

    /// Everything, to be sent once more.
    pub(super) fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("request_id", &self.request_id),
            ("etag", &self.etag),
            ("body", &self.body),
            ("reason", &self.reason),
            ("office_id", &self.office_id),
            ("outcome", &self.outcome),
        ]
    }

    /// What was typed by hand.
    pub(super) fn typed(&self) -> Vec<&str> {
        [self.body.as_str(), self.reason.as_str()]
            .into_iter()
            .filter(|text| !text.trim().is_empty())
            .collect()
    }
}

/// How an office may end a case, with the name of its text.
pub(super) const OUTCOMES: [(&str, Outcome, &str); 6] = [
    ("solved", Outcome::Solved, "outcome-solved"),
    ("partly_solved", Outcome::PartlySolved, "outcome-partly-solved"),
    ("explained", Outcome::Explained, "outcome-explained"),
    ("refused", Outcome::Refused, "outcome-refused"),
    ("impossible", Outcome::Impossible, "outcome-impossible"),
    ("duplicate", Outcome::Duplicate, "outcome-duplicate"),
];
