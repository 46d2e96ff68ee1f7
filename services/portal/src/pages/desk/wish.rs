//! What an official wants to do with a case, as it was typed.

use liuyan_proto::liuyan::{common::v1::Outcome, routing::v1::PromiseDraft};
use url::form_urlencoded;
use uuid::Uuid;

use crate::visit::Visit;

/// The most promises of one reply.
pub(super) const MOST_PROMISES: usize = 5;

/// A promise as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    /// By the end of which day, as browsers write it.
    pub(super) due: String,
    pub(super) what: String,
}

impl Draft {
    fn is_empty(&self) -> bool {
        self.due.trim().is_empty() && self.what.trim().is_empty()
    }
}

/// Every field of every form of a case.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Which button was pressed.
    pub(super) action: String,
    /// The id that makes two sendings one.
    pub(super) request_id: String,
    /// The case as the official saw it.
    pub(super) etag: String,
    pub(super) body: String,
    pub(super) reason: String,
    /// What the author is asked.
    pub(super) question: String,
    /// By how many days the deadline is to move.
    pub(super) days: String,
    pub(super) office_id: String,
    pub(super) outcome: String,
    /// What a reply promises; without the rows that were left empty.
    pub(super) promises: Vec<Draft>,
    /// The words by which an office is looked for.
    pub(super) q: String,
}

impl Wish {
    /// Reads a form or the query of an address. The id is made anew if it is none, and line ends are
    /// those of Unix: browsers send others.
    pub(super) fn read(v: &Visit, form: &[u8]) -> Self {
        let mut wish = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let value = value.replace("\r\n", "\n");
            match name.as_ref() {
                "action" => wish.action = value,
                "request_id" => wish.request_id = value,
                "etag" => wish.etag = value,
                "body" => wish.body = value,
                "reason" => wish.reason = value,
                "question" => wish.question = value,
                "days" => wish.days = value,
                "office_id" => wish.office_id = value,
                "outcome" => wish.outcome = value,
                "q" => wish.q = value,
                // Each row sends its day first.
                "due" if wish.promises.len() < MOST_PROMISES => {
                    wish.promises.push(Draft { due: value, what: String::new() });
                }
                "what" => {
                    if let Some(row) = wish.promises.last_mut() {
                        row.what = value;
                    }
                }
                _ => {}
            }
        }
        wish.promises.retain(|row| !row.is_empty());
        if wish.request_id.parse::<Uuid>().is_err() {
            wish.request_id = v.new_id();
        }
        wish
    }

    /// The outcome that was chosen.
    pub(super) fn outcome(&self) -> Outcome {
        let known = OUTCOMES.iter().find(|(code, ..)| *code == self.outcome);
        known.map_or(Outcome::Unspecified, |(_, outcome, _)| *outcome)
    }

    /// The number of days that was typed; 0, which nobody may ask for, if it is no number.
    pub(super) fn days(&self) -> u32 {
        self.days.trim().parse().unwrap_or(0)
    }

    /// What a reply promises.
    pub(super) fn promises(&self) -> Vec<PromiseDraft> {
        let draft = |row: &Draft| PromiseDraft {
            due_on: row.due.trim().to_owned(),
            what: row.what.trim().to_owned(),
        };
        self.promises.iter().map(draft).collect()
    }

    /// Everything, to be sent once more.
    pub(super) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = vec![("reason", self.reason.as_str())];
        pairs.extend(self.pairs_without_reason());
        pairs
    }

    /// The same for a form that has a field for the reason.
    pub(super) fn pairs_without_reason(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = vec![
            ("request_id", self.request_id.as_str()),
            ("etag", &self.etag),
            ("body", &self.body),
            ("question", &self.question),
            ("days", &self.days),
            ("office_id", &self.office_id),
            ("outcome", &self.outcome),
        ];
        for row in &self.promises {
            pairs.extend([("due", row.due.as_str()), ("what", &row.what)]);
        }
        pairs
    }

    /// What was typed by hand.
    pub(super) fn typed(&self) -> Vec<&str> {
        [self.body.as_str(), &self.reason, &self.question]
            .into_iter()
            .chain(self.promises.iter().map(|row| row.what.as_str()))
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
