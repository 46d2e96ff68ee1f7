//! What rules and grounds are called, and what an author is usually told.

use liuyan_kit::locale::FIRST;

use crate::{visit::Visit, words::WORDS};

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
        "advertising-word" => "rule-advertising",
        "link-and-contact" => "rule-link",
        "unreadable" => "rule-unreadable",
        other => return other.to_owned(),
    };
    v.t(name)
}

/// What an author is told on a ground if the moderator writes nothing else, in the language that
/// authors write in.
pub(super) fn explanation(ground: &str) -> String {
    let name = match ground {
        "personal_data_of_others" => "tell-personal-data-of-others",
        "own_personal_data" => "tell-own-personal-data",
        "abuse" => "tell-abuse",
        "advertising" => "tell-advertising",
        "spam" => "tell-spam",
        "duplicate" => "tell-duplicate",
        "unreadable" => "tell-unreadable",
        "several_matters" => "tell-several-matters",
        "wrong_board" => "tell-wrong-board",
        "out_of_remit" => "tell-out-of-remit",
        "already_decided" => "tell-already-decided",
        "formal_application" => "tell-formal-application",
        "impersonation" => "tell-impersonation",
        "unverified_accusation" => "tell-unverified-accusation",
        "malware" => "tell-malware",
        "unlawful" => "tell-unlawful",
        "author_request" => "tell-author-request",
        _ => return String::new(),
    };
    WORDS.text(FIRST, name, &[])
}

/// Whether this is what an author is usually told on some ground: then it may be replaced.
pub(super) fn is_usual(text: &str, grounds: &[String]) -> bool {
    let text = text.trim();
    text.is_empty() || grounds.iter().any(|ground| explanation(ground) == text)
}
