use super::*;
use crate::domain::text::length;

/// id, text, and what must be found: `rule=words` separated by `;`, nothing for nothing.
const VECTORS: &str = include_str!("../../../tests/data/vectors.csv");

fn screener() -> Screener {
    Screener::new(RuleSet::current().unwrap()).unwrap()
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
        let found = found(&screener, &row[1]);
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

proptest::proptest! {
    #[test]
    fn any_text_can_be_read(body in "(\\PC|[0-9o x@.\\-()\u{200b}\u{301}\u{1f44d}]){0,200}") {
        let text = Text { body, ..Text::default() };
        for hit in screener().screen(&text) {
            proptest::prop_assert!(text.contains(hit.span), "{hit:?}");
        }
    }
}
