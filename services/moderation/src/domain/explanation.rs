//! What authors are usually told on a ground: texts that a moderator may begin with, brought along in
//! `data/explanations.csv`. They are no rules: whoever changes them changes no decision.

use std::sync::LazyLock;

use serde::Deserialize;

/// The texts that this release brings.
const DATA: &str = include_str!("../../data/explanations.csv");

static ALL: LazyLock<Vec<Explanation>> = LazyLock::new(|| parse(DATA).unwrap_or_default());

/// A text that a moderator may begin with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Explanation {
    /// The ground.
    pub ground: String,
    /// What it is about, in Chinese.
    pub title_zh: String,
    /// What it is about, in English.
    pub title_en: String,
    /// The text, in Chinese.
    pub zh: String,
    /// The text, in English.
    pub en: String,
}

/// Those of a ground, in their order.
pub fn of(ground: &str) -> impl Iterator<Item = &'static Explanation> {
    ALL.iter().filter(move |it| it.ground == ground)
}

fn parse(data: &str) -> Result<Vec<Explanation>, csv::Error> {
    csv::Reader::from_reader(data.as_bytes()).deserialize().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ground;

    #[test]
    fn every_ground_has_a_text_in_both_languages_and_no_text_is_too_long() {
        let all = parse(DATA).unwrap();
        let grounds = ground::parse(ground::DATA).unwrap();
        assert!(grounds.iter().all(|ground| of(&ground.code).next().is_some()));
        for it in &all {
            assert!(grounds.iter().any(|ground| ground.code == it.ground), "{it:?}");
            let texts = [&it.title_zh, &it.title_en, &it.zh, &it.en];
            assert!(texts.iter().all(|text| (1..=1000).contains(&text.chars().count())), "{it:?}");
        }
    }
}
