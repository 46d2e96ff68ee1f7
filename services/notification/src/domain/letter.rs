//! An e-mail's words, as plain text and as simple HTML.

/// An e-mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    /// The body, paragraph by paragraph.
    pub paragraphs: Vec<String>,
    /// What an office wrote, shown apart.
    pub quotation: Option<String>,
    /// What to follow, and its label.
    pub link: (String, String),
    /// Why it was sent, in small.
    pub footer: String,
    /// Where one can say that one wants no more of these; `None` for what was asked for just now.
    pub unsubscribe: Option<String>,
}

impl Letter {
    /// As plain text.
    pub fn text(&self) -> String {
        let mut parts = self.paragraphs.clone();
        parts.extend(self.quotation.as_ref().map(|quotation| {
            let lines = quotation.lines().map(|line| format!("> {line}"));
            lines.collect::<Vec<_>>().join("\n")
        }));
        let (label, target) = &self.link;
        parts.push(format!("{label}\n{target}"));
        parts.push(format!("-- \n{}", self.footer));
        parts.join("\n\n")
    }

    /// As HTML. Every word is escaped: none of it is ours alone.
    pub fn html(&self) -> String {
        let mut html =
            String::from("<!doctype html><html><head><meta charset=\"utf-8\"></head><body>");
        for paragraph in &self.paragraphs {
            html.push_str(&format!("<p>{}</p>", escape(paragraph)));
        }
        if let Some(quotation) = &self.quotation {
            let quotation = escape(quotation).replace('\n', "<br>");
            html.push_str(&format!("<blockquote>{quotation}</blockquote>"));
        }
        let (label, target) = &self.link;
        html.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escape(target), escape(label)));
        html.push_str(&format!("<p><small>{}</small></p></body></html>", escape(&self.footer)));
        html
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// The beginning of a text, cut at a character with a sign that it goes on.
pub fn excerpt(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_letter_becomes_markup() {
        let letter = Letter {
            subject: "s".into(),
            paragraphs: vec!["<b>a</b>".into()],
            quotation: Some("one & \"two\"\n<script>".into()),
            link: ("look".into(), "https://a.example/?a=1&b='2'".into()),
            footer: "f".into(),
            unsubscribe: None,
        };
        let html = letter.html();
        assert!(html.contains("<p>&lt;b&gt;a&lt;/b&gt;</p>"), "{html}");
        assert!(html.contains("one &amp; &quot;two&quot;<br>&lt;script&gt;"), "{html}");
        assert!(html.contains("href=\"https://a.example/?a=1&amp;b=&#39;2&#39;\""), "{html}");
        assert!(letter.text().contains("> one & \"two\"\n> <script>"));
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("éèêë", 2), "éè…");
        assert_eq!(excerpt("éè", 2), "éè");
    }
}
