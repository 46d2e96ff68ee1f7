//! What rules are called, and what an author is usually told.

use liuyan_proto::liuyan::moderation::v1::{Ground, Hit, ReviewText};

use super::marks;
use crate::visit::Visit;

/// A rule in words; its id if the release does not know it.
pub(super) fn rule(v: &Visit, id: &str) -> String {
    let name = match id {
        "mobile" => "rule-mobile",
        "landline" | "landline-in-context" => "rule-landline",
        "identity-number" | "identity-number-unchecked" | "identity-number-15" => "rule-identity",
        "bank-card" => "rule-bank-card",
        "plate" => "rule-plate",
        "email" => "rule-email",
        "qq" => "rule-qq",
        "wechat" => "rule-wechat",
        "address" => "rule-address",
        "profanity" => "rule-profanity",
        "insult" => "rule-insult",
        "sexual" => "rule-sexual",
        "advertising-word" | "advertising" => "rule-advertising",
        "danger" => "rule-danger",
        "accusation" => "rule-accusation",
        "personal-name" => "rule-personal-name",
        "near-duplicate" => "rule-near-duplicate",
        "flooding" => "rule-flooding",
        "link-and-contact" => "rule-link",
        "unreadable" => "rule-unreadable",
        other => return other.to_owned(),
    };
    v.t(name)
}

/// What the rules say of a text as a whole: the rule in words, and the number of a message that it is
/// like; each once.
pub(super) fn whole(v: &Visit, hits: &[Hit], text: &ReviewText) -> Vec<(String, String)> {
    let mut said: Vec<(String, String)> = Vec::new();
    for hit in hits.iter().filter(|hit| marks::is_about_whole(hit, text)) {
        let it = (rule(v, &hit.rule), hit.like.clone());
        if !said.contains(&it) {
            said.push(it);
        }
    }
    said
}

/// The text that a moderator chose to begin with, in the language that authors write in: `template` is a
/// ground and a number, such as `unreadable:1`; without one, the first text of the ground.
pub(super) fn explanation(grounds: &[Ground], ground: &str, template: &str) -> String {
    let (code, number) = match template.split_once(':') {
        Some((code, number)) => (code, number.parse().unwrap_or(0)),
        None => (ground, 0),
    };
    let known = grounds.iter().find(|it| it.ground == code);
    let text = known.and_then(|it| it.explanations.get(number));
    text.map(|it| it.text_zh.clone()).unwrap_or_default()
}

/// Whether this is what an author is usually told on some ground: then it may be replaced.
pub(super) fn is_usual(text: &str, grounds: &[Ground]) -> bool {
    let text = text.trim();
    text.is_empty()
        || grounds.iter().flat_map(|ground| &ground.explanations).any(|it| it.text_zh == text)
}
