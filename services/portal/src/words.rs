//! The texts of the pages.

use std::sync::LazyLock;

use liuyan_kit::locale::Words;

/// All catalogues: those of the public pages, and those of the desks.
pub static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
        ("zh-CN", include_str!("../locales/desk.zh-CN.ftl")),
        ("en", include_str!("../locales/desk.en.ftl")),
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_every_language() {
        assert_eq!(WORDS.faults(), Vec::<String>::new());
    }
}
