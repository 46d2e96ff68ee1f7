//! The fields of spans, as they stand in lines of the log.
//!
//! They are made at the beginning of every span, though most spans never see a line. So they are written
//! as text at once, and more of them are put behind; `tracing_subscriber::fmt::format::JsonFields` would
//! read the text again, sort it, and write all of it anew.

use std::fmt::{self, Debug};

use tracing::{
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, FormattedFields, format::Writer},
};

/// Fields as the text of a JSON object. Of a field that is recorded twice, whoever reads the object
/// takes the later value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SpanFields;

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        writer.write_char('{')?;
        append(&mut writer, true, |visitor| fields.record(visitor))
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let text = &mut current.fields;
        if text.pop() != Some('}') {
            text.clear();
            text.push('{');
        }
        let first = text.ends_with('{');
        append(text, first, |visitor| fields.record(visitor))
    }
}

/// Writes the rest of an object, and its end.
fn append(
    writer: &mut dyn fmt::Write,
    first: bool,
    record: impl FnOnce(&mut dyn Visit),
) -> fmt::Result {
    let mut object = Object { writer, first, written: Ok(()) };
    record(&mut object);
    object.written?;
    writer.write_char('}')
}

struct Object<'w> {
    writer: &'w mut dyn fmt::Write,
    first: bool,
    written: fmt::Result,
}

impl Object<'_> {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.written.is_ok() {
            let comma = if self.first { "" } else { "," };
            self.first = false;
            // Names are Rust's own and need no escape.
            let name = field.name().trim_start_matches("r#");
            self.written = self.writer.write_fmt(format_args!("{comma}\"{name}\":{value}"));
        }
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        // A text is always JSON.
        let quoted = serde_json::to_string(text).unwrap_or_default();
        self.put(field, format_args!("{quoted}"));
    }
}

impl Visit for Object<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.put(field, format_args!("{value:?}"));
        } else {
            self.put(field, format_args!("null"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_has_the_fields_of_its_span_also_those_that_came_later() {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(lines.clone())
            .json()
            .with_span_list(false)
            .fmt_fields(SpanFields);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!(
                "call",
                otel.name = "a \"name\"\n",
                number = -7_i64,
                share = 0.5_f64,
                flag = true,
                what = ?Some(1),
                later = tracing::field::Empty,
                twice = 1_u64,
            );
            span.record("later", "here");
            span.record("twice", 2_u64);
            let _in = span.enter();
            tracing::info!("said");
            let empty = tracing::info_span!("empty", later = tracing::field::Empty);
            empty.record("later", 3_u64);
            empty.in_scope(|| tracing::info!("said"));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let spans: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["span"].clone())
            .collect();
        let first = json!({
            "name": "call", "otel.name": "a \"name\"\n", "number": -7, "share": 0.5, "flag": true,
            "what": "Some(1)", "later": "here", "twice": 2,
        });
        assert_eq!(spans, [first, json!({ "name": "empty", "later": 3 })]);
    }
}
