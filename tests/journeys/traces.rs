//! One trace, from the form to the statistics.

use std::collections::BTreeSet;

use crate::{
    board::{Board, eventually},
    otlp::{Receiver, Span},
};

/// The trace that the browser begins.
const TRACE: &str = "5b8aa5a2d2c872e8321cf37308d69df2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_form_to_the_statistics() {
    let (receiver, endpoint) = Receiver::start().await;
    let board = Board::start(&[("LIUYAN_OTLP_ENDPOINT", &endpoint)]);

    send_the_form(&board.at.http).await;

    let spans = eventually("the message is counted, in its own trace", || async {
        let spans = receiver.trace(TRACE);
        settles(&spans, "stats", "routing").then_some(spans)
    })
    .await;
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    let there = |what: &str, holds: &dyn Fn(&Span) -> bool| {
        assert!(spans.iter().any(holds), "{what} is in the trace; there are {names:?}");
    };
    there("HTTP: the form", &|span| span.attribute("http.request.method") == "POST");
    there("gRPC: the message", &|span| {
        span.name == "liuyan.intake.v1.IntakeService/SubmitMessage"
            && span.attribute("rpc.system") == "grpc"
    });
    // Moderation and routing ask for the texts of many messages at once; what they do with one of them is its own.
    there("moderation reads it", &|span| span.name == "review.screen");
    there("routing opens its case", &|span| span.name == "case.open");
    there("SQL: a transaction", &|span| span.attribute("db.system.name") == "postgresql");
    for (service, source) in [
        ("moderation", "intake"),
        ("routing", "moderation"),
        ("stats", "intake"),
        ("stats", "moderation"),
        ("stats", "routing"),
        ("feed", "routing"),
        ("notification", "routing"),
    ] {
        assert!(settles(&spans, service, source), "{service} hears {source} in the trace");
    }
}

/// Whether a service heard another over NATS in this trace.
fn settles(spans: &BTreeSet<Span>, service: &str, source: &str) -> bool {
    spans.iter().any(|span| {
        span.attribute("messaging.system") == "nats"
            && span.attribute("service") == service
            && span.attribute("source") == source
    })
}

/// Leaves a message as a browser would: opens the form, fills it in, sends it.
async fn send_the_form(http: &str) {
    // Needed even where nothing is encrypted; a second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let browser = reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let address = format!("{http}/new?office=330100-g");
    let form = browser.get(&address).send().await.unwrap().text().await.unwrap();
    let hidden = |name: &str| {
        let (_, rest) = form.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let filled = [
        ("_token", hidden("_token")),
        ("d1", "330000".to_owned()),
        ("d2", "330100".to_owned()),
        ("office_id", "330100-g".to_owned()),
        ("kind", "suggestion".to_owned()),
        ("title", "A bench at the bus stop".to_owned()),
        ("body", "The stop in front of the library has no bench.".to_owned()),
        ("visibility", "public".to_owned()),
        ("action", "submit".to_owned()),
    ];
    let answer = browser
        .post(format!("{http}/new"))
        .header("origin", http)
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .form(&filled)
        .send()
        .await
        .unwrap();
    let (status, to) = (answer.status(), answer.headers().get("location").cloned());
    assert!(status.is_redirection(), "{status}: {}", answer.text().await.unwrap());
    assert!(to.unwrap().to_str().unwrap().starts_with("/receipt"), "a receipt is given");
}
