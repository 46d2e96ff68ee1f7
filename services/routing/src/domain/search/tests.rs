use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    case::{Case, Reply, Text, tests::an_opening},
    lists, view,
};

fn a_view(title: &str, body: &str, replies: &[&str]) -> View {
    let text = Text { title: title.to_owned(), body: body.to_owned(), ..Text::default() };
    let now: Timestamp = "2026-09-30T10:01:00+08".parse().unwrap();
    let id = Uuid::from_u128(2).into();
    let case = Case::open(&an_opening(), id, Some(text), false, lists::shared(), &[], now);
    let replies = replies.iter().map(|body| Reply {
        reply_id: Uuid::from_u128(3).into(),
        office_id: "130102-g".to_owned(),
        body: (*body).to_owned(),
        replied_at: now,
        corrected_at: None,
        overridden: false,
        promises: vec![],
    });
    view::assemble(&case.unwrap().0, replies.collect(), vec![], vec![])
}

/// Whether a text has all that a query asks for, as the database decides it.
fn found(query: &str, text: &str) -> bool {
    let has: BTreeSet<String> = words(text).into_iter().collect();
    Query::parse(query).unwrap().terms().iter().all(|term| match term {
        Term::Whole(word) => has.contains(word),
        Term::Beginning(start) => has.iter().any(|word| word.starts_with(start)),
    })
}

#[test]
fn words_of_two_characters_are_found_anywhere_and_others_whole() {
    let text = "长安街5号楼暖气不热，WiFi也断了；ＡＢＣ公司";
    for query in [
        "暖气",
        "气不",
        "暖气 wifi",
        "WIFI",
        "5号楼",
        "号楼",
        "abc",
        "ＡＢＣ公司",
        "楼",
        "热",
        "暖 气",
        "不 wifi",
    ] {
        assert!(found(query, text), "{query}");
    }
    for query in ["热暖", "供暖", "wif", "暖气 供水", "6号楼", "安 楼", "冷"] {
        assert!(!found(query, text), "{query}");
    }
}

#[test]
fn what_has_neither_letter_nor_digit_is_no_query() {
    for query in ["", "  ", "!!", "，。", "--"] {
        assert_eq!(Query::parse(query), None, "{query:?}");
    }
}

#[test]
fn an_excerpt_shows_the_first_place_and_marks_every_word() {
    let query = Query::parse("暖气 5号").unwrap();
    let marked = |view: &View| {
        let excerpt = query.excerpt(view);
        let chars: Vec<char> = excerpt.text.chars().collect();
        let words: Vec<String> =
            excerpt.highlights.iter().map(|span| chars[span.clone()].iter().collect()).collect();
        (excerpt.text, words)
    };
    let short = a_view("5号楼暖气", "暖气", &[]);
    assert_eq!(marked(&short), ("5号楼暖气".to_owned(), vec!["5号".to_owned(), "暖气".to_owned()]));

    let long = format!("{}暖气\n{}5号", "甲".repeat(100), "乙".repeat(30));
    let (text, words) = marked(&a_view("无", &long, &[]));
    assert_eq!(words, ["暖气", "5号"]);
    assert!(text.starts_with('…') && !text.ends_with('…') && !text.contains('\n'), "{text}");
    assert_eq!(text.chars().count(), 81);

    let (text, words) = marked(&a_view("无", "无", &["无", "已恢复暖气。"]));
    assert_eq!((text.as_str(), words.len()), ("已恢复暖气。", 1));
}

#[test]
fn pairs_are_marked_where_the_whole_word_stands_nowhere() {
    let excerpt = Query::parse("供暖费").unwrap().excerpt(&a_view("供暖与暖费", "", &[]));
    assert_eq!(excerpt.highlights, [0..2, 3..5]);
    let excerpt = Query::parse("供暖费").unwrap().excerpt(&a_view("暖费供暖费", "", &[]));
    assert_eq!(excerpt.highlights.first(), Some(&(2..5)));
    assert_eq!(excerpt.highlights.len(), 1);
}

#[test]
fn a_case_lies_in_its_office_and_all_divisions_above() {
    let place = lists::shared().place(Some("130102"));
    let words = words_of(&a_view("暖气", "", &["供水"]), &place);
    for word in [
        place::office("130102-g"),
        place::division("130102"),
        place::division("130100"),
        place::division("130000"),
        place::kind("help"),
        place::domain("7"),
        "暖气".to_owned(),
        "供水".to_owned(),
    ] {
        assert!(words.contains(&word), "{word}");
    }
}

#[test]
fn the_words_of_one_case_have_a_limit() {
    let all: String = ('\u{4e00}'..='\u{9fff}').flat_map(|c| [c, '\u{4e00}', c]).collect();
    let many: Vec<String> = (0..30).map(|n| all.replace('\u{4e00}', &format!("{n}x"))).collect();
    let replies: Vec<&str> = many.iter().map(String::as_str).collect();
    let words = words_of(&a_view("t", &all, &replies), &Place::default());
    assert!(words.iter().map(String::len).sum::<usize>() < 1_000_000);
}

proptest! {
    #[test]
    fn every_piece_of_a_text_finds_it_and_marks_what_it_should(
        text in "[a-c0-1甲乙丙丁 ，]{2,120}",
        from in 0..100_usize,
        length in 1..8_usize,
    ) {
        let chars: Vec<char> = text.chars().collect();
        let piece: String = chars.iter().skip(from).take(length).collect();
        // A piece must not cut a word of letters in two.
        let cuts = |at: usize| {
            at > 0 && at < chars.len()
                && chars[at].is_ascii_alphanumeric() && chars[at - 1].is_ascii_alphanumeric()
        };
        prop_assume!(!cuts(from) && !cuts(from + length));
        // Single characters that stand apart are taken for one word.
        prop_assume!(!piece.contains(' '));
        if let Some(query) = Query::parse(&piece) {
            prop_assert!(found(&piece, &text), "{:?}", query);
            let excerpt = query.excerpt(&a_view(&text, "", &[]));
            prop_assert!(!excerpt.highlights.is_empty());
            let length = excerpt.text.chars().count();
            prop_assert!(length <= EXCERPT + 2);
            let mut end = 0;
            for span in excerpt.highlights {
                prop_assert!(span.start >= end && span.start < span.end && span.end <= length);
                end = span.end;
            }
        }
    }
}
