//! Bodies and parameters, read strictly: what is not known is refused, because it would otherwise be
//! lost in silence.

use std::sync::Arc;

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
};
use http::{header, request::Parts};
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    ask::text,
    problem::{Fault, Wrong},
};
use crate::{app::App, error::Error};

/// A JSON body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Fault> {
        let kind = text(request.headers(), &header::CONTENT_TYPE).unwrap_or_default();
        if !is_json(kind) {
            return Err(Fault::ContentType);
        }
        let bytes = read(request, app).await?;
        no_lists(&bytes)?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = checked(&mut json)?;
        json.end().map_err(|_| Fault::invalid("", "JSON_MALFORMED"))?;
        Ok(Self(value))
    }
}

/// The only lists that a body of the API has in it; their entries are objects.
const LISTS: [&str; 2] = ["attachments", "promises"];

/// No other part of a body is a list, and serde would take one for an object whose fields come in
/// their order.
fn no_lists(bytes: &[u8]) -> Result<(), Fault> {
    let value = serde_json::from_slice::<Value>(bytes);
    match value.ok().and_then(|value| list_in(&value, "")) {
        Some(path) => Err(Fault::invalid(&path, "TYPE_WRONG")),
        None => Ok(()),
    }
}

/// Where the first list stands.
fn list_in(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Array(entries) if LISTS.contains(&path) => {
            entries.iter().find_map(|entry| list_in(entry, &format!("{path}[]")))
        }
        Value::Array(_) => Some(path.to_owned()),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            list_in(value, &format!("{path}{dot}{name}"))
        }),
        _ => None,
    }
}

/// Reads a body that is not too long.
pub(super) async fn read(request: Request, app: &App) -> Result<Bytes, Fault> {
    let limit = app.config.api.body_bytes;
    to_bytes(request.into_body(), limit).await.map_err(|_| Error::TooLong.into())
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Parameters of the address.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Fault> {
        let query = parts.uri.query().unwrap_or_default();
        let mut all = Map::new();
        let mut repeated = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // A parameter without a value is one that was left out, as forms send it.
            if value.is_empty() {
                continue;
            }
            if all.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
                repeated.push(Wrong::new(name, "FIELD_REPEATED"));
            }
        }
        if !repeated.is_empty() {
            return Err(Fault::Invalid(repeated));
        }
        checked(Value::Object(all)).map(Self)
    }
}

fn checked<'de, T, D>(from: D) -> Result<T, Fault>
where
    T: DeserializeOwned,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(from).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        Fault::Invalid(vec![wrong(&path, error.inner())])
    })
}

/// What serde says, as programs are told. Its own words are for developers and in English alone.
fn wrong(path: &str, error: &serde_json::Error) -> Wrong {
    if !error.is_data() {
        return Wrong::new("", "JSON_MALFORMED");
    }
    let said = error.to_string();
    let reason = [
        ("unknown field", "FIELD_UNKNOWN"),
        ("missing field", "FIELD_REQUIRED"),
        ("duplicate field", "FIELD_REPEATED"),
        ("unknown variant", "VALUE_UNKNOWN"),
    ];
    let reason = reason.iter().find(|(begin, _)| said.starts_with(begin));
    let reason = reason.map_or("TYPE_WRONG", |(_, reason)| *reason);
    // Of these, the message names the field; the path may end before it.
    let named = matches!(reason, "FIELD_UNKNOWN" | "FIELD_REQUIRED" | "FIELD_REPEATED");
    let name = said.split('`').nth(1).filter(|_| named).unwrap_or_default();
    let last = path.rsplit('.').next().unwrap_or_default();
    let field = match (path, name) {
        (path, "") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) if last == name => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    };
    Wrong::new(field, reason)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        title: String,
        place: Option<Inner>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "what counts is that it is read")]
        text: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Public,
    }

    fn told(text: &str) -> Option<(String, &'static str)> {
        match checked::<Outer, _>(&mut serde_json::Deserializer::from_str(text)) {
            Ok(_) => None,
            Err(Fault::Invalid(wrong)) => Some((wrong[0].field.clone(), wrong[0].reason)),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        for (text, expected) in [
            ("{}", None),
            (r#"{"title":"a","place":{"text":"b"},"kind":"public"}"#, None),
            (r#"{"title":5}"#, Some(("title", "TYPE_WRONG"))),
            (r#"{"titel":"a"}"#, Some(("titel", "FIELD_UNKNOWN"))),
            (r#"{"place":{"text":true}}"#, Some(("place.text", "TYPE_WRONG"))),
            (r#"{"place":{"txt":"a"}}"#, Some(("place.txt", "FIELD_UNKNOWN"))),
            (r#"{"place":{}}"#, Some(("place.text", "FIELD_REQUIRED"))),
            (r#"{"place":"here"}"#, Some(("place", "TYPE_WRONG"))),
            (r#"{"kind":"none"}"#, Some(("kind", "VALUE_UNKNOWN"))),
            (r#"{"title":"a","title":"b"}"#, Some(("title", "FIELD_REPEATED"))),
            (r#"{"title":"#, Some(("", "JSON_MALFORMED"))),
            ("", Some(("", "JSON_MALFORMED"))),
            ("5", Some(("", "TYPE_WRONG"))),
        ] {
            let told = told(text);
            let told = told.as_ref().map(|(field, reason)| (field.as_str(), *reason));
            assert_eq!(told, expected, "{text}");
        }
    }

    #[test]
    fn json_has_many_names() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(is_json(kind), expected, "{kind}");
        }
    }
}
