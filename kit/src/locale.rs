//! What people read: texts by name, in the house's languages, and errors as gRPC tells them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt as _};
use unic_langid::LanguageIdentifier;

use crate::class::{Class, Classify, Violation};

/// The language that everything is written in.
pub const FIRST: &str = "zh-CN";
/// The house's languages.
pub const LOCALES: &[&str] = &[FIRST, "en"];
/// The domain of all reasons (`google.rpc.ErrorInfo`).
pub const DOMAIN: &str = "liuyan";

/// Texts for kit's own reasons.
const OWN: &[(&str, &str)] =
    &[("zh-CN", include_str!("../locales/zh-CN.ftl")), ("en", include_str!("../locales/en.ftl"))];

/// Chooses one of [`LOCALES`] by an `Accept-Language` (RFC 9110, 12.5.4).
pub fn negotiate(accepted: Option<&str>) -> &'static str {
    let mut best = (FIRST, 0.0_f32);
    for range in accepted.unwrap_or_default().split(',').take(20) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if weight > best.1
            && let Some(locale) = LOCALES.iter().find(|locale| same_language(locale, tag))
        {
            best = (locale, weight);
        }
    }
    best.0
}

fn same_language(one: &str, other: &str) -> bool {
    let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    language(one) == language(other)
}

/// The texts of a service, and kit's.
pub struct Words {
    bundles: BTreeMap<String, FluentBundle<FluentResource>>,
    names: BTreeMap<String, BTreeSet<String>>,
    faults: Vec<String>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("locales", &self.bundles.keys()).finish_non_exhaustive()
    }
}

impl Words {
    /// Reads texts in Fluent's format, by locale. What cannot be read is left out, and is told by
    /// [`Words::faults`].
    pub fn new(catalogues: &[(&str, &str)]) -> Self {
        let mut words =
            Self { bundles: BTreeMap::new(), names: BTreeMap::new(), faults: Vec::new() };
        for (locale, text) in OWN.iter().chain(catalogues) {
            words.add(locale, text);
        }
        words
    }

    fn add(&mut self, locale: &str, text: &str) {
        let resource = match FluentResource::try_new(text.to_owned()) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                self.faults.extend(errors.iter().map(|error| format!("{locale}: {error}")));
                resource
            }
        };
        let names = self.names.entry(locale.to_owned()).or_default();
        names.extend(text.lines().filter_map(|line| {
            let (name, _) = line.split_once('=')?;
            name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.trim().into())
        }));
        let bundle = self.bundles.entry(locale.to_owned()).or_insert_with(|| {
            let language = locale.parse::<LanguageIdentifier>().unwrap_or_default();
            let mut bundle = FluentBundle::new_concurrent(vec![language]);
            // The marks around values are for mixed directions of writing, and show up in pages.
            bundle.set_use_isolating(false);
            bundle
        });
        bundle.add_resource_overriding(resource);
    }

    /// What is wrong with the catalogues: what cannot be read, and texts that one of the languages
    /// lacks. A test of each service asserts that this is empty.
    pub fn faults(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.names.values().flatten().collect();
        let lacking = self.names.iter().flat_map(|(locale, names)| {
            all.iter()
                .filter(|name| !names.contains(**name))
                .map(move |name| format!("{locale}: {name} is missing"))
        });
        self.faults.iter().cloned().chain(lacking).collect()
    }

    /// The text `name` in `locale`; in the first language if that one lacks it; the name itself if
    /// there is no such text.
    pub fn text(&self, locale: &str, name: &str, arguments: &[(&str, String)]) -> String {
        let mut values = FluentArgs::new();
        for (argument, value) in arguments {
            values.set(*argument, fluent_value(value));
        }
        for locale in [locale, FIRST] {
            let Some(bundle) = self.bundles.get(locale) else { continue };
            let Some(pattern) = bundle.get_message(name).and_then(|it| it.value()) else {
                continue;
            };
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(&values), &mut errors);
            if !errors.is_empty() {
                tracing::warn!(locale, name, ?errors, "a text lacks a value");
            }
            return text.into_owned();
        }
        tracing::warn!(locale, name, "a text is missing");
        name.to_owned()
    }

    /// An error as gRPC tells it: code, reason, every violation, when to try again, and a text for
    /// the caller. A defect of ours is logged here, once, and its text stays here.
    pub fn status<E: Classify + ?Sized>(&self, error: &E, locale: &str) -> Status {
        let class = error.class();
        if class == Class::Internal {
            tracing::error!(error = %chain(error), reason = error.reason(), "a defect");
        } else {
            tracing::debug!(error = %chain(error), reason = error.reason(), "refused");
        }
        let (reason, arguments) = match class {
            Class::Internal => ("INTERNAL", Vec::new()),
            _ => (error.reason(), error.arguments()),
        };
        let name = kebab(reason);
        let metadata = error.metadata().into_iter().map(|(name, value)| (name.to_owned(), value));
        let mut details = ErrorDetails::with_error_info(
            reason,
            DOMAIN,
            metadata.collect::<std::collections::HashMap<_, _>>(),
        );
        let violations = error.violations();
        if !violations.is_empty() {
            let told: Vec<_> = violations.iter().map(|it| self.violation(it, locale)).collect();
            details.set_bad_request(told);
        }
        if let Some(delay) = error.retry_after() {
            details.set_retry_info(Some(delay));
        }
        details.set_localized_message(locale, self.text(locale, &name, &arguments));
        // The message is for developers (AIP-193): always in English.
        let message = self.text("en", &name, &arguments);
        Status::with_error_details(class.code(), message, details)
    }

    fn violation(&self, violation: &Violation, locale: &str) -> FieldViolation {
        let name = kebab(violation.reason);
        FieldViolation {
            field: violation.field.clone(),
            description: self.text("en", &name, &violation.arguments),
            reason: violation.reason.to_owned(),
            localized_message: Some(LocalizedMessage {
                locale: locale.to_owned(),
                message: self.text(locale, &name, &violation.arguments),
            }),
        }
    }
}

/// Counts become numbers, so that texts can choose by them; codes with leading zeros do not.
fn fluent_value(value: &str) -> FluentValue<'_> {
    match value.parse::<i32>() {
        Ok(number) if number.to_string() == value => FluentValue::from(number),
        _ => FluentValue::from(value),
    }
}

/// `CASE_CLOSED` gives `case-closed`.
fn kebab(reason: &str) -> String {
    reason.to_ascii_lowercase().replace('_', "-")
}

/// An error with its causes.
fn chain<E: std::error::Error + ?Sized>(error: &E) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_is_chosen() {
        for (accepted, chosen) in [
            (None, "zh-CN"),
            (Some("en"), "en"),
            (Some("fr, en-GB;q=0.8, zh;q=0.5"), "en"),
            (Some("zh-TW,en;q=0.9"), "zh-CN"),
            (Some("en;q=0"), "zh-CN"),
            (Some(";;q=,"), "zh-CN"),
        ] {
            assert_eq!(negotiate(accepted), chosen, "{accepted:?}");
        }
    }

    #[test]
    fn every_text_is_there_in_every_language() {
        assert_eq!(Words::new(&[]).faults(), Vec::<String>::new());
    }

    #[test]
    fn a_text_that_one_language_lacks_is_told() {
        let words = Words::new(&[("en", "only-english = Only English\n")]);
        assert_eq!(words.faults(), ["zh-CN: only-english is missing"]);
    }
}
