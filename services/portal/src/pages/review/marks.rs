//! Spans of a text, as moderation counts them: in grapheme clusters (UAX #29), so that an emoji with
//! its skin tone is one, and so is a letter with its accents.

use liuyan_proto::liuyan::moderation::v1::{Action, Hit, ReviewText, Span, TextField};
use unicode_segmentation::UnicodeSegmentation as _;

/// What stands in the public text for each cluster that is left out.
const REDACTED: &str = "\u{25a0}";

/// The parts of a text in the order in which they are read: their code, and the name of their label.
pub(crate) const FIELDS: [(TextField, &str, &str); 5] = [
    (TextField::Title, "title", "review-field-title"),
    (TextField::Demand, "demand", "message-demand"),
    (TextField::Details, "details", "message-details"),
    (TextField::Body, "body", "review-field-body"),
    (TextField::Place, "place", "message-place"),
];

/// One part of a text.
pub(crate) fn field_of(text: &ReviewText, field: TextField) -> &str {
    match field {
        TextField::Title => &text.title,
        TextField::Body => &text.body,
        TextField::Demand => &text.demand,
        TextField::Details => &text.details,
        TextField::Place => &text.place,
        TextField::Unspecified => "",
    }
}

/// A span as forms carry it: `body:3:14`.
pub(super) fn code_of(span: &Span) -> String {
    let known = FIELDS.iter().find(|(field, ..)| *field == span.field());
    let name = known.map_or("", |(_, name, _)| name);
    format!("{name}:{}:{}", span.start, span.end)
}

/// The span of a code.
pub(super) fn span_of(code: &str) -> Option<Span> {
    let mut parts = code.split(':');
    let name = parts.next()?;
    let (field, ..) = FIELDS.iter().find(|(_, known, _)| *known == name)?;
    let (start, end) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let whole = parts.next().is_none() && start < end;
    whole.then_some(Span { field: (*field).into(), start, end })
}

/// A stretch of a text in which nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// The numbers of the notes on it.
    pub(super) notes: Vec<usize>,
}

/// A text in pieces, each with the notes whose spans cover it. What lies outside of the text is left
/// out.
pub(super) fn pieces(text: &str, spans: &[(u32, u32, usize)]) -> Vec<Piece> {
    let clusters: Vec<&str> = text.graphemes(true).collect();
    let place = |at: u32| (at as usize).min(clusters.len());
    let mut edges = vec![0, clusters.len()];
    edges.extend(spans.iter().flat_map(|(start, end, _)| [place(*start), place(*end)]));
    edges.sort_unstable();
    edges.dedup();
    edges
        .windows(2)
        .filter_map(|edge| {
            let &[from, to] = edge else { return None };
            let covers =
                |(start, end, _): &&(u32, u32, usize)| place(*start) <= from && to <= place(*end);
            let notes = spans.iter().filter(covers).map(|(.., note)| *note).collect();
            Some(Piece { text: clusters[from..to].concat(), notes })
        })
        .collect()
}

/// The text of a span; empty if it lies outside.
pub(crate) fn excerpt(text: &str, span: &Span) -> String {
    let length = span.end.saturating_sub(span.start) as usize;
    text.graphemes(true).skip(span.start as usize).take(length).collect()
}

/// A text as the public will read it, with a mark for each cluster that lies in a span.
pub(super) fn public(text: &str, field: TextField, redactions: &[Span]) -> String {
    let own: Vec<&Span> = redactions.iter().filter(|span| span.field() == field).collect();
    (0_u32..)
        .zip(text.graphemes(true))
        .map(|(at, cluster)| {
            let hidden = own.iter().any(|span| span.start <= at && at < span.end);
            if hidden { REDACTED } else { cluster }
        })
        .collect()
}

/// Where words stand in a text, each place once.
pub(super) fn find(text: &ReviewText, words: &str) -> Vec<Span> {
    let wanted: Vec<&str> = words.graphemes(true).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (field, ..) in FIELDS {
        let clusters: Vec<&str> = field_of(text, field).graphemes(true).collect();
        let mut at = 0;
        while at + wanted.len() <= clusters.len() {
            if clusters[at..at + wanted.len()] != wanted[..] {
                at += 1;
                continue;
            }
            let end = at + wanted.len();
            let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
            found.push(Span { field: field.into(), start: number(at), end: number(end) });
            at = end;
        }
    }
    found
}

/// Spans in order, those that overlap as one.
pub(super) fn distinct(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.field, span.start, span.end));
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if last.field == span.field && span.start < last.end => {
                last.end = last.end.max(span.end);
            }
            _ => apart.push(span),
        }
    }
    apart
}

/// Whether a hit is about a part of a text from end to end, such as its likeness to another: a mark
/// over everything would hide those that say more.
pub(super) fn is_about_whole(hit: &Hit, text: &ReviewText) -> bool {
    let Some(span) = hit.span else { return false };
    let length = field_of(text, span.field()).graphemes(true).count();
    hit.action() != Action::Redact && span.start == 0 && span.end as usize >= length
}

/// Spans over all that is written.
pub(super) fn whole(text: &ReviewText) -> Vec<Span> {
    let spans = FIELDS.iter().filter_map(|(field, ..)| {
        let end = field_of(text, *field).graphemes(true).count();
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        (end > 0).then_some(Span { field: (*field).into(), start: 0, end })
    });
    spans.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "请👩🏽‍🔧打 é电话13900000000谢谢";

    fn text() -> ReviewText {
        ReviewText { title: "电话".into(), body: TEXT.into(), ..ReviewText::default() }
    }

    fn told(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| match piece.notes.as_slice() {
                [] => piece.text.clone(),
                notes => format!("[{}|{notes:?}]", piece.text),
            })
            .collect()
    }

    #[test]
    fn a_hit_from_end_to_end_is_about_the_whole_unless_it_is_to_be_left_out() {
        let hit = |start, end, action: Action| Hit {
            span: Some(Span { field: TextField::Title.into(), start, end }),
            action: action.into(),
            ..Hit::default()
        };
        assert!(is_about_whole(&hit(0, 2, Action::Note), &text()));
        assert!(is_about_whole(&hit(0, 2, Action::Hold), &text()));
        assert!(!is_about_whole(&hit(0, 1, Action::Hold), &text()));
        assert!(!is_about_whole(&hit(1, 2, Action::Hold), &text()));
        assert!(!is_about_whole(&hit(0, 2, Action::Redact), &text()));
        assert!(!is_about_whole(&Hit::default(), &text()));
    }

    #[test]
    fn an_emoji_of_many_signs_is_one_place() {
        assert_eq!(told(&pieces(TEXT, &[])), TEXT);
        assert_eq!(told(&pieces(TEXT, &[(1, 2, 1)])), "请[👩🏽‍🔧|[1]]打 é电话13900000000谢谢");
        assert_eq!(told(&pieces(TEXT, &[(7, 18, 1)])), "请👩🏽‍🔧打 é电话[13900000000|[1]]谢谢");
        assert_eq!(told(&pieces(TEXT, &[(18, 99, 2)])), "请👩🏽‍🔧打 é电话13900000000[谢谢|[2]]");
        assert_eq!(told(&pieces("", &[(0, 3, 1)])), "");
    }

    #[test]
    fn marks_may_overlap() {
        let spans = [(0, 4, 1), (2, 6, 2)];
        assert_eq!(told(&pieces("一二三四五六七", &spans)), "[一二|[1]][三四|[1, 2]][五六|[2]]七");
    }

    #[test]
    fn the_public_text_hides_whole_characters() {
        let spans = [span_of("body:1:2").unwrap(), span_of("body:7:18").unwrap()];
        let shown = public(TEXT, TextField::Body, &spans);
        assert_eq!(shown, "请■打 é电话■■■■■■■■■■■谢谢");
        assert_eq!(public("电话", TextField::Title, &spans), "电话");
    }

    #[test]
    fn words_are_found_in_every_part() {
        let found: Vec<String> = find(&text(), "电话").iter().map(code_of).collect();
        assert_eq!(found, ["title:0:2", "body:5:7"]);
        let found: Vec<String> = find(&text(), "👩🏽‍🔧").iter().map(code_of).collect();
        assert_eq!(found, ["body:1:2"]);
        assert!(find(&text(), "👩").is_empty(), "half a character is none");
        assert!(find(&text(), "").is_empty());
    }

    #[test]
    fn a_code_names_one_span() {
        for code in ["title:0:2", "place:10:11", "demand:0:1"] {
            assert_eq!(span_of(code).as_ref().map(code_of).as_deref(), Some(code));
        }
        for code in
            ["", "body", "body:1", "body:2:2", "body:3:1", "head:1:2", "body:1:2:3", "body:-1:2"]
        {
            assert_eq!(span_of(code), None, "{code}");
        }
    }
}
