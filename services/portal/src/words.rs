//! The texts of the pages.

use std::sync::LazyLock;

use liuyan_kit::locale::Words;

/// All catalogues: those of the public pages, of the desks and of the API.
pub static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
        ("zh-CN", include_str!("../locales/desk.zh-CN.ftl")),
        ("en", include_str!("../locales/desk.en.ftl")),
        ("zh-CN", include_str!("../locales/api.zh-CN.ftl")),
        ("en", include_str!("../locales/api.en.ftl")),
    ])
});

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// All files below `folder` with their texts.
    fn files(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.display().to_string(), text));
            }
        }
    }

    fn of_crate(folder: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
        assert!(found.len() > 10, "the files are found");
        found
    }

    #[test]
    fn every_text_is_there_in_every_language() {
        assert_eq!(WORDS.faults(), Vec::<String>::new());
    }

    #[test]
    fn every_text_that_a_page_names_is_there() {
        let mut named = 0;
        for (path, text) in of_crate("templates").into_iter().chain(of_crate("src")) {
            for call in ["v.t(\"", "v.t1(\"", "v.t2(\"", "v.notify(\""] {
                for rest in text.split(call).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    named += 1;
                    assert_ne!(WORDS.text("en", name, &[]), name, "{path} names {name}");
                }
            }
        }
        assert!(named > 200, "the names are found: {named}");
    }

    #[test]
    fn templates_hold_no_words_no_styles_and_no_scripts() {
        for (path, text) in of_crate("templates") {
            let chinese = |c: char| ('\u{3001}'..='\u{9fff}').contains(&c);
            assert!(!text.contains(chinese), "{path} holds words");
            for part in ["style=", "<script", "<style", "onclick", "|safe }}</"] {
                assert!(!text.contains(part), "{path} holds {part}");
            }
            let raw = text.matches("|safe").count();
            let aria = text.matches("f.aria(").count();
            assert_eq!(raw, aria, "{path}: nothing but f.aria goes unescaped");
        }
    }
}
