//! The document that describes the API.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::{call, get};
use crate::portal::Running;

/// Every route, with what it takes.
const ROUTES: [(&str, &str); 66] = [
    ("get", "/.well-known/jwks.json"),
    ("get", "/.well-known/liuyan-keys.json"),
    ("post", "/api/v1/attachments"),
    ("get", "/api/v1/author-data"),
    ("post", "/api/v1/author-data/erase"),
    ("get", "/api/v1/cases"),
    ("get", "/api/v1/cases/{case}"),
    ("post", "/api/v1/cases/{case}/accept"),
    ("post", "/api/v1/cases/{case}/close"),
    ("post", "/api/v1/cases/{case}/replies/{reply_id}/rating"),
    ("post", "/api/v1/cases/{case}/reply"),
    ("post", "/api/v1/cases/{case}/transfer"),
    ("get", "/api/v1/common-problems"),
    ("get", "/api/v1/common-problems/{common_problem_id}"),
    ("get", "/api/v1/common-problems/{common_problem_id}/cases"),
    ("get", "/api/v1/consultations"),
    ("get", "/api/v1/consultations/{consultation_id}"),
    ("get", "/api/v1/consultations/{consultation_id}/cases"),
    ("get", "/api/v1/divisions"),
    ("get", "/api/v1/divisions/{code}"),
    ("get", "/api/v1/divisions/{code}/hot-problems"),
    ("get", "/api/v1/domains"),
    ("get", "/api/v1/events"),
    ("get", "/api/v1/kinds"),
    ("get", "/api/v1/log/checkpoint"),
    ("get", "/api/v1/log/consistency"),
    ("get", "/api/v1/log/entries"),
    ("get", "/api/v1/log/head"),
    ("get", "/api/v1/log/inclusion"),
    ("get", "/api/v1/log/proofs/{leaf_hash}"),
    ("post", "/api/v1/messages"),
    ("post", "/api/v1/messages/lookup"),
    ("post", "/api/v1/messages/restore"),
    ("get", "/api/v1/messages/{message_id}"),
    ("get", "/api/v1/messages/{message_id}/author-data"),
    ("post", "/api/v1/messages/{message_id}/erase"),
    ("get", "/api/v1/messages/{message_id}/decision"),
    ("get", "/api/v1/messages/{message_id}/receipt"),
    ("post", "/api/v1/messages/{message_id}/resubmit"),
    ("post", "/api/v1/messages/{message_id}/appeal"),
    ("post", "/api/v1/messages/{message_id}/withdraw"),
    ("get", "/api/v1/offices"),
    ("get", "/api/v1/offices/{office_id}"),
    ("post", "/api/v1/cases/{case}/return"),
    ("post", "/api/v1/cases/{case}/pause"),
    ("post", "/api/v1/cases/{case}/resume"),
    ("post", "/api/v1/cases/{case}/extend"),
    ("post", "/api/v1/cases/{case}/helpers"),
    ("post", "/api/v1/cases/{case}/replies/{reply_id}/correction"),
    ("post", "/api/v1/cases/{case}/replies/{reply_id}/follow-up"),
    ("post", "/api/v1/cases/{case}/reopen"),
    ("post", "/api/v1/cases/{case}/supervise"),
    ("post", "/api/v1/cases/{case}/promises/{promise_id}/kept"),
    ("post", "/api/v1/cases/{case}/reply/check"),
    ("get", "/api/v1/cases/{case}/acts"),
    ("get", "/api/v1/offices/{office_id}/figures"),
    ("get", "/api/v1/precedents"),
    ("post", "/api/v1/precedents/{precedent_id}/retire"),
    ("get", "/api/v1/search"),
    ("get", "/api/v1/stats/indicators"),
    ("get", "/api/v1/stats/ranking"),
    ("get", "/api/v1/stats/report.csv"),
    ("get", "/api/v1/stats/series"),
    ("post", "/api/v1/suggestions"),
    ("post", "/api/v1/upload-tokens"),
    ("post", "/oauth2/token"),
];

#[tokio::test]
async fn the_document_names_every_route_and_every_schema_that_it_uses() {
    let portal = Running::start().await;
    let answer = get(&portal, "/api/openapi.json").send().await;
    let document = answer.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let mut named = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            named.insert((method.clone(), path.clone()));
            assert!(operation["responses"].get("default").is_some(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path} says what it does");
            let (parameters, none) = (operation["parameters"].as_array(), Vec::new());
            let in_path = parameters.unwrap_or(&none).iter().filter(|it| it["in"] == "path");
            assert_eq!(in_path.count(), path.matches('{').count(), "{method} {path}");
        }
    }
    let expected: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(named, expected);
    let mut used = Vec::new();
    references(&document, &mut used);
    assert!(used.len() > 40, "{used:?}");
    for reference in used {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is not in the document");
    }
    let server = document["servers"][0]["url"].as_str().unwrap();
    assert!(server.starts_with("http://board-") && !server.ends_with('/'), "{server}");
}

#[tokio::test]
async fn every_route_of_the_document_is_served() {
    let portal = Running::start().await;
    for (method, path) in ROUTES {
        let path = path.replace(['{', '}'], "");
        let method = method.to_uppercase().parse().unwrap();
        let answer = call(&portal, method, &path).send().await;
        let told = answer.text();
        assert_ne!(answer.status.as_u16(), 405, "{path}: {told}");
        assert!(!told.contains("METHOD_NOT_ALLOWED"), "{path}: {told}");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "$ref" => found.push(text.clone()),
                    other => references(other, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
