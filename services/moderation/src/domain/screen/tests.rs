use std::sync::LazyLock;

use super::*;
use crate::domain::text::length;

/// id, text, and what must be found: `rule=words` separated by `;`, nothing for nothing.
const VECTORS: &str = include_str!("../../../tests/data/vectors.csv");

static SCREENER: LazyLock<Screener> =
    LazyLock::new(|| Screener::new(RuleSet::current().unwrap()).unwrap());

fn screener() -> &'static Screener {
    &SCREENER
}

fn clusters(text: &str, span: Span) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let (start, end) = (span.start as usize, span.end as usize);
    text.graphemes(true).skip(start).take(end - start).collect()
}

fn found(screener: &Screener, body: &str) -> String {
    let text = Text { body: body.to_owned(), ..Text::default() };
    let hits = screener.screen(&text).into_iter();
    let hits: Vec<_> =
        hits.map(|hit| format!("{}={}", hit.rule, clusters(body, hit.span))).collect();
    hits.join(";")
}

#[test]
fn the_rules_find_what_the_vectors_say_and_nothing_else() {
    let screener = screener();
    let mut wrong = Vec::new();
    let mut read = 0;
    for row in csv::Reader::from_reader(VECTORS.as_bytes()).records() {
        let row = row.unwrap();
        let found = found(screener, &row[1]);
        if found != row[2] {
            wrong.push(format!("{}: {} -> {found} (not {})", &row[0], &row[1], &row[2]));
        }
        read += 1;
    }
    assert!(read > 100, "{read} vectors");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_vector() {
    for rule in &RuleSet::current().unwrap().rules {
        // These compare messages, which no single text shows.
        if matches!(rule.detector, Detector::NearDuplicate | Detector::Flooding) {
            continue;
        }
        assert!(VECTORS.contains(&format!("{}=", rule.id)), "{}", rule.id);
    }
}

#[test]
fn a_link_is_a_reason_only_with_a_contact_anywhere_in_the_message() {
    let screener = screener();
    let mut text = Text {
        title: "13800138000".into(),
        body: "abc https://example.com/?id=123 abc".into(),
        ..Text::default()
    };
    let rules: Vec<_> = screener.screen(&text).into_iter().map(|hit| hit.rule).collect();
    assert_eq!(rules, ["mobile", "link-and-contact"]);
    text.title.clear();
    assert!(screener.screen(&text).is_empty());
}

#[test]
fn hits_are_bounded_and_inside_the_text() {
    let body = "13800138000, ".repeat(1_000);
    let text = Text { body: body.clone(), ..Text::default() };
    let hits = screener().screen(&text);
    assert_eq!(hits.len(), MOST_HITS);
    assert!(hits.iter().all(|hit| text.contains(hit.span) && hit.span.end <= length(&body)));
}

#[test]
fn a_long_run_of_anything_is_read_in_time_that_grows_with_its_length() {
    let screener = screener();
    for unit in [
        "1", "1-", "一", "妈", "操 ", "@", "a@", "3栋", "京", "微信", "(at)", "李某", "\u{202e}",
        "138.", "0",
    ] {
        let read = |length: usize| {
            let text = Text { body: unit.repeat(length), ..Text::default() };
            // The quickest of several: others use this machine, too.
            let once = || {
                let begun = std::time::Instant::now();
                screener.screen(&text);
                begun.elapsed()
            };
            (0..5).map(|_| once()).min().unwrap()
        };
        let (short, long) = (read(2_000), read(20_000));
        let most = short.max(std::time::Duration::from_millis(2)) * 60;
        assert!(long < most, "{unit:?}: {short:?}, {long:?}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_built_of_the_rules_own_words_can_be_read(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "138", "0013", "8000", "-", ".", "转", "0571", "62", "110101", "18800101", "x", "某", "李",
                "局长", "举报", "操", "你", "妈", "*", "\u{200b}", "\u{202e}", "\u{202c}", "\n", "栋", "单元",
                "室", "组", "号", "京", "A", "使", "wj", "微信", ":", "@", "(at)", "qq.com", "点", "一", "零",
                "我叫", "自杀", "免费", "👍🏽", "e\u{301}", "ｘ", "①",
            ]),
            0..60,
        )
    ) {
        let text = Text { body: parts.concat(), title: parts.concat(), ..Text::default() };
        for hit in screener().screen(&text) {
            proptest::prop_assert!(text.contains(hit.span), "{hit:?}");
        }
    }

    #[test]
    fn any_text_can_be_read(body in "(\\PC|[0-9o x@.\\-()\u{200b}\u{301}\u{1f44d}]){0,200}") {
        let text = Text { body, ..Text::default() };
        for hit in screener().screen(&text) {
            proptest::prop_assert!(text.contains(hit.span), "{hit:?}");
        }
    }
}
