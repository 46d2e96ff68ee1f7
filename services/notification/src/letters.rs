//! The words of notices and e-mails, from the catalogues in `locales/`.

use jiff::Timestamp;
use liuyan_kit::locale::Words;
use url::Url;
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        day,
        event::Kind,
        letter::{Letter, excerpt},
    },
};

/// What a notice or e-mail is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// What happened.
    pub(crate) kind: Kind,
    /// Whether it is addressed to an office.
    pub(crate) to_office: bool,
    /// The public number.
    pub(crate) number: String,
    /// The title of the office that has the case, if it is known.
    pub(crate) office: Option<String>,
    /// By when the citizen is to have an answer.
    pub(crate) deadline_at: Option<Timestamp>,
    /// What became of what the author suggested; empty if that is not told.
    pub(crate) uptake: String,
}

/// Writes.
#[derive(Debug)]
pub struct Letters {
    words: Words,
    message: Url,
    mine: Url,
    verify: Url,
    excerpt_characters: usize,
}

impl Letters {
    /// Writes with links to the pages that the settings name.
    pub fn new(config: &Config) -> Self {
        Self {
            words: words(),
            message: config.page("/m/"),
            mine: config.page("/mine"),
            verify: config.page("/verify"),
            excerpt_characters: config.excerpt_characters,
        }
    }

    /// Title and body of a notice.
    pub(crate) fn notice(&self, locale: &str, subject: &Subject) -> (String, String) {
        let name = match (subject.kind, subject.to_office) {
            (Kind::EndpointDisabled, _) => subject.kind.name().to_owned(),
            (kind, true) => format!("office-{}", kind.name()),
            (kind, false) => format!("author-{}", kind.name()),
        };
        let office = subject.office.clone();
        let office = office.unwrap_or_else(|| self.words.text(locale, "office-unnamed", &[]));
        let deadline = subject.deadline_at.map(|at| day::of(at).to_string()).unwrap_or_default();
        let arguments = [
            ("number", subject.number.clone()),
            ("office", office),
            ("deadline", deadline),
            ("uptake", subject.uptake.clone()),
        ];
        let text = |part: &str| self.words.text(locale, &format!("{name}-{part}"), &arguments);
        (text("title"), text("body"))
    }

    /// An e-mail that tells the same as a notice. `public` says whether everybody may see the case;
    /// `reply` is what an office answered there.
    pub(crate) fn letter(
        &self,
        locale: &str,
        subject: &Subject,
        public: bool,
        reply: Option<&str>,
    ) -> Letter {
        let (title, body) = self.notice(locale, subject);
        let mut target = self.mine.clone();
        if public && !subject.number.is_empty() {
            target = self.message.clone();
            if let Ok(mut path) = target.path_segments_mut() {
                path.pop_if_empty().push(&subject.number);
            }
        }
        Letter {
            subject: title,
            paragraphs: vec![self.words.text(locale, "mail-greeting", &[]), body],
            quotation: reply.map(|reply| excerpt(reply, self.excerpt_characters)),
            link: (self.words.text(locale, "mail-look", &[]), target.into()),
            footer: self.words.text(locale, "mail-why", &[]),
            unsubscribe: Some(self.mine.to_string()),
        }
    }

    /// The e-mail that brings a code.
    pub(crate) fn verification(&self, locale: &str, endpoint_id: Uuid, code: &str) -> Letter {
        let mut target = self.verify.clone();
        target
            .query_pairs_mut()
            .append_pair("endpoint", &endpoint_id.to_string())
            .append_pair("code", code);
        let arguments = [("code", code.to_owned())];
        Letter {
            subject: self.words.text(locale, "verify-title", &[]),
            paragraphs: vec![
                self.words.text(locale, "mail-greeting", &[]),
                self.words.text(locale, "verify-body", &arguments),
            ],
            quotation: None,
            link: (self.words.text(locale, "verify-look", &[]), target.into()),
            footer: self.words.text(locale, "verify-why", &[]),
            unsubscribe: None,
        }
    }
}

/// The service's own words.
pub(crate) fn words() -> Words {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
    ])
}

#[cfg(test)]
mod tests {
    use liuyan_kit::locale::LOCALES;

    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        assert_eq!(words().faults(), Vec::<String>::new());
    }

    #[test]
    fn everything_that_somebody_is_told_has_its_words() {
        let words = words();
        for kind in Kind::ALL {
            let told = [
                ("author-", kind.tells_author()),
                ("office-", kind.tells_office(true)),
                ("", kind == Kind::EndpointDisabled),
            ];
            for (audience, _) in told.into_iter().filter(|(_, told)| *told) {
                for part in ["title", "body"] {
                    let name = format!("{audience}{}-{part}", kind.name());
                    for locale in LOCALES {
                        assert_ne!(words.text(locale, &name, &[]), name);
                    }
                }
            }
        }
    }
}
