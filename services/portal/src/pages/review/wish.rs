//! What a moderator wants, as it was chosen and typed.

use liuyan_proto::liuyan::moderation::v1::{ReviewText, Span};
use url::form_urlencoded;
use uuid::Uuid;

use super::marks::{self, distinct, find, span_of};
use crate::visit::Visit;

/// The most values of one field that are read.
const MOST: usize = 300;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    /// Publish as it is.
    Publish,
    /// Publish without what was chosen.
    Redacted,
    /// Send back to the author.
    Return,
    /// Do not publish.
    Decline,
    /// The decision stands, against which the author appealed.
    Uphold,
}

/// Every field of the form.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// Which button was pressed.
    pub(super) action: String,
    pub(super) request_id: String,
    pub(super) etag: String,
    pub(super) decision: String,
    /// Spans to leave out, as codes. What the rules propose is among them at first.
    pub(super) redact: Vec<String>,
    /// Spans that a refusal is about, as codes: a moderator has chosen each of them.
    pub(super) about: Vec<String>,
    /// Further words to leave out, or that a refusal is about, one in a line.
    pub(super) words: String,
    /// Whether the whole text is meant.
    pub(super) whole: bool,
    pub(super) ground: String,
    /// The usual text to begin with.
    pub(super) template: String,
    pub(super) explanation: String,
    /// Offices that the message accuses.
    pub(super) accused: Vec<String>,
    /// The words by which an office is looked for.
    pub(super) q: String,
}

impl Wish {
    /// Reads a form, in which some fields come more than once.
    pub(super) fn read(v: &Visit, form: &[u8]) -> Self {
        let mut wish = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let value = value.replace("\r\n", "\n");
            match name.as_ref() {
                "action" => wish.action = value,
                "request_id" => wish.request_id = value,
                "etag" => wish.etag = value,
                "decision" => wish.decision = value,
                "redact" if wish.redact.len() < MOST => wish.redact.push(value),
                "about" if wish.about.len() < MOST => wish.about.push(value),
                "words" => wish.words = value,
                "whole" => wish.whole = true,
                "ground" => wish.ground = value,
                "template" => wish.template = value,
                "explanation" => wish.explanation = value,
                "accused" if wish.accused.len() < MOST && !wish.accused.contains(&value) => {
                    wish.accused.push(value);
                }
                "q" => wish.q = value,
                _ => {}
            }
        }
        if wish.request_id.parse::<Uuid>().is_err() {
            wish.request_id = v.new_id();
        }
        wish
    }

    pub(super) fn decided(&self) -> Option<Decided> {
        match self.decision.as_str() {
            "publish" => Some(Decided::Publish),
            "redacted" => Some(Decided::Redacted),
            "return" => Some(Decided::Return),
            "decline" => Some(Decided::Decline),
            "uphold" => Some(Decided::Uphold),
            _ => None,
        }
    }

    /// The further words, each once.
    fn lines(&self) -> Vec<&str> {
        let mut lines: Vec<&str> =
            self.words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.dedup();
        lines
    }

    /// All spans to leave out that were chosen or whose words were typed.
    pub(super) fn spans(&self, text: &ReviewText) -> Vec<Span> {
        self.named(&self.redact, text)
    }

    /// The spans that a refusal is about: what the rules propose to leave out is none of them by itself.
    pub(super) fn meant(&self, text: &ReviewText) -> Vec<Span> {
        if self.whole { marks::whole(text) } else { self.named(&self.about, text) }
    }

    fn named(&self, codes: &[String], text: &ReviewText) -> Vec<Span> {
        let chosen = codes.iter().filter_map(|code| span_of(code));
        let typed = self.lines().into_iter().flat_map(|line| find(text, line));
        distinct(chosen.chain(typed).collect())
    }

    /// The first of the typed words that stand nowhere in the text.
    pub(super) fn missing(&self, text: &ReviewText) -> Option<&str> {
        self.lines().into_iter().find(|line| find(text, line).is_empty())
    }
}
