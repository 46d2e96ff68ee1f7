//! Forms that come too late: nothing that was typed is lost.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use url::form_urlencoded;

use crate::{
    error::Error,
    page::{Keep, page_with},
    visit::Visit,
};

/// Fields of our forms in which people write; they are shown to whoever has to send
/// them once more.
const WRITTEN: [&str; 16] = [
    "title",
    "body",
    "demand",
    "details",
    "place",
    "remark",
    "reason",
    "explanation",
    "words",
    "address",
    "question",
    "what",
    "summary",
    "description",
    "taken_up_by",
    "numbers",
];
/// Forms in which a secret is typed are not kept: they lead back to their page.
const SECRET: &str = "password";
/// Nor are those that sign in or out, or show an access code.
const NOT_KEPT: [&str; 3] = ["/sign-in", "/sign-out", "/mine"];

/// A form that came too late, to be sent once more: its session had ended, its author has to show the
/// access code anew, or its page was open for too long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Again {
    /// Where it goes; empty for none.
    pub(crate) path: String,
    /// Its fields, as browsers encode them.
    pub(crate) form: String,
}

impl Again {
    /// Keeps a form without what made it ours.
    pub(crate) fn of(path: &str, form: &[u8]) -> Option<Self> {
        let ends = NOT_KEPT.contains(&path);
        let mut kept = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(form) {
            if name.contains(SECRET) {
                return None;
            }
            if name != "_token" {
                kept.append_pair(&name, &value);
            }
        }
        (!ends).then(|| Self { path: path.to_owned(), form: kept.finish() })
    }

    /// One that a page of ours has carried on.
    pub(crate) fn back(v: &Visit, path: &str, form: String) -> Self {
        own_path(v, path).map(|path| Self { path, form }).unwrap_or_default()
    }

    /// Whether there is one.
    pub(crate) fn is_some(&self) -> bool {
        !self.path.is_empty()
    }

    /// All fields.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.form.as_bytes()).into_owned().collect()
    }

    /// What was typed, to be read and copied.
    pub(crate) fn texts(&self) -> Vec<String> {
        let written = |(name, value): &(String, String)| {
            WRITTEN.contains(&name.as_str()) && !value.trim().is_empty()
        };
        self.pairs().into_iter().filter(written).map(|(_, value)| value).collect()
    }
}

#[derive(Template)]
#[template(path = "again.html")]
struct SendAgain {
    v: Visit,
    lead: String,
    again: Again,
}

/// The page on which what was typed is sent once more.
pub(crate) fn confirm(
    v: Visit,
    lead: String,
    again: Again,
    status: StatusCode,
) -> Result<Response, Error> {
    page_with(&SendAgain { v, lead, again }, status, Keep::Never)
}

/// The page for a form of a page that was open for too long. `None` if the form is one that is not
/// kept.
pub(crate) fn stale(v: &Visit) -> Option<Response> {
    let again = Again::of(v.path(), v.typed()?)?;
    confirm(v.clone(), v.t("again-stale"), again, StatusCode::FORBIDDEN).ok()
}

/// A path of this site, safe to lead to; `None` for anything else. Browsers read addresses in more
/// ways than one, so that what counts is what the address comes to.
pub(crate) fn own_path(v: &Visit, asked: &str) -> Option<String> {
    path_on(&v.app().config.public_url, asked)
}

fn path_on(base: &url::Url, asked: &str) -> Option<String> {
    let plain = |c: char| c != '\\' && !c.is_control();
    if !asked.starts_with('/') || !asked.chars().all(plain) {
        return None;
    }
    let url = base.join(asked).ok().filter(|url| url.origin() == base.origin())?;
    let path = url.path();
    if path.starts_with("//") || matches!(path, "/sign-in" | "/sign-out") {
        return None;
    }
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        let base = url::Url::parse("https://board.example/").unwrap();
        for (asked, expected) in [
            ("/desk", Some("/desk")),
            ("/search?q=路灯&page=2", Some("/search?q=%E8%B7%AF%E7%81%AF&page=2")),
            ("/desk/../account", Some("/account")),
            ("", None),
            ("desk", None),
            ("https://evil.example/", None),
            ("//evil.example/", None),
            ("///evil.example/", None),
            ("/\\evil.example/", None),
            ("/\t/evil.example/", None),
            ("/.//evil.example/", None),
            ("/desk/..//evil.example/", None),
            ("/%09/evil.example", Some("/%09/evil.example")),
            ("/sign-out", None),
            ("/sign-in?next=/sign-in", None),
        ] {
            assert_eq!(path_on(&base, asked).as_deref(), expected, "{asked}");
        }
    }

    #[test]
    fn an_interrupted_form_keeps_what_was_typed_and_no_secret() {
        let form = "_token=x&etag=7&body=%E6%82%A8%E5%A5%BD&reason=";
        let again = Again::of("/desk/cases/1/reply", form.as_bytes()).unwrap();
        assert_eq!(again.texts(), ["您好"]);
        assert!(!again.form.contains("_token"), "{}", again.form);
        assert_eq!(again.pairs().len(), 3);
        assert_eq!(Again::of("/account/password", b"password=secret"), None);
        assert_eq!(Again::of("/sign-out", b"a=b"), None);
        assert_eq!(Again::of("/mine", b"number=a&code=b"), None);
    }
}
