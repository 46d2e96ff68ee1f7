//! Calls go out, signed, once, again when they fail, and never where they should not.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use liuyan_kit::testing::{eventually, said};
use liuyan_notification::address::Channel;
use liuyan_proto::liuyan::{
    common::v1::Outcome,
    notification::v1::{
        self as proto, DeliveryState, EndpointDisabled, EndpointState,
        subscription_service_server::SubscriptionService as _,
    },
};
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{Bench, agency, bench, bench_with, by, fresh, operator, person, reason, short},
    tellings::{Matter, a_matter},
};

/// A public case that was answered.
async fn answered(bench: &Bench) -> Matter {
    let matter = Matter { account_id: None, ..a_matter() };
    bench.submitted(&matter).await;
    bench.replied(&matter).await;
    matter
}

async fn only(bench: &Bench) -> proto::Delivery {
    let mut deliveries = bench.deliveries().await;
    assert_eq!(deliveries.len(), 1);
    deliveries.remove(0)
}

async fn redeliver(
    bench: &Bench,
    who: &liuyan_kit::auth::Caller,
    delivery_id: &str,
    request_id: &str,
) -> Result<proto::Delivery, tonic::Status> {
    let request = proto::RedeliverDeliveryRequest {
        delivery_id: delivery_id.to_owned(),
        request_id: request_id.to_owned(),
    };
    let answer = bench.grpc.redeliver_delivery(by(who, request)).await?;
    Ok(answer.into_inner().delivery.unwrap())
}

#[tokio::test]
async fn an_agency_is_called_with_the_public_view_and_can_check_who_calls() {
    let bench = bench().await;
    let (_, secret) = bench.hooked().await;
    let matter = answered(&bench).await;
    bench.send().await;
    let calls = bench.hook.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    let webhook = Webhook::new(&secret).unwrap();
    webhook.verify(&call.body, &call.headers).unwrap();
    let other = Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert!(other.verify(&call.body, &call.headers).is_err());

    let json = call.json();
    assert_eq!(json["id"], call.header("webhook-id"));
    assert_eq!(json["type"], "liuyan.routing.v1.case-replied");
    assert_eq!(json["source"], "routing");
    assert_eq!(json["subject"], format!("cases/{}", matter.case_id));
    assert_eq!(json["data"], bench.peers.recorded(&json["id"]), "the event as the feed gives it");
    assert_eq!(json["data"]["case"]["state"], "CASE_STATE_REPLIED");
    assert_eq!(json["data"]["case"]["title"], "The street lamp");
    assert_eq!(json["cursor"], format!("c{}", json["data"]["position"].as_str().unwrap()));
    assert_eq!(only(&bench).await.state(), DeliveryState::Delivered);
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1, "once");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_agency_is_called_only_with_what_it_asked_for_and_what_is_public() {
    let bench = bench().await;
    bench
        .hooked_with(|request| {
            request.event_types = vec!["case-replied".to_owned(), "case-closed".to_owned()];
            request.division_codes = vec!["110000".to_owned()];
        })
        .await;
    let wanted = answered(&bench).await;
    bench.accepted(&wanted).await;
    let mut elsewhere = a_matter();
    elsewhere.division_code = "330106".to_owned();
    bench.submitted(&elsewhere).await;
    bench.replied(&elsewhere).await;
    let mut private = a_matter();
    private.public = false;
    bench.submitted(&private).await;
    bench.replied(&private).await;
    bench.send().await;
    let calls = bench.hook.calls();
    let subjects: Vec<_> = calls.iter().map(|call| call.json()["subject"].clone()).collect();
    assert_eq!(subjects, [format!("cases/{}", wanted.case_id)]);
}

#[tokio::test]
async fn a_case_that_is_taken_back_before_the_call_is_not_shown() {
    let bench = bench().await;
    bench.hooked().await;
    let matter = answered(&bench).await;
    bench.peers.view(matter.case_id, None);
    bench.send().await;
    assert!(bench.hook.calls().is_empty());
    let dropped = only(&bench).await;
    assert_eq!(
        (dropped.state(), dropped.last_error.as_str()),
        (DeliveryState::Dropped, "not public")
    );
}

#[tokio::test]
async fn a_failed_call_is_tried_again_later_and_later_and_then_given_up() {
    let bench = bench().await;
    bench.hooked().await;
    bench.hook.answer(503);
    answered(&bench).await;
    let waits = [5, 60, 300, 1_800, 7_200, 18_000, 36_000];
    for (tries, wait) in waits.into_iter().enumerate() {
        bench.send().await;
        assert_eq!(bench.hook.calls().len(), tries + 1);
        let waiting = only(&bench).await;
        assert_eq!(waiting.state(), DeliveryState::Waiting);
        assert_eq!(waiting.last_error, "http 503");
        // A fifth less is too early; a fifth more is late enough.
        bench.after(SignedDuration::from_millis(wait * 790));
        bench.send().await;
        assert_eq!(bench.hook.calls().len(), tries + 1, "too early for try {}", tries + 2);
        bench.after(SignedDuration::from_millis(wait * 420));
    }
    bench.send().await;
    let dead = only(&bench).await;
    assert_eq!((dead.state(), dead.attempts), (DeliveryState::Dead, 8));
    assert_eq!(dead.next_attempt_at, None);
    bench.after(SignedDuration::from_hours(100));
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 8);
    let ids: HashSet<String> =
        bench.hook.calls().iter().map(|call| call.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "every repetition carries the same id");
    assert_eq!(bench.count("select count(*) from attempts where outcome = 'failed'").await, 8);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_dead_delivery_is_seen_and_can_be_tried_anew() {
    let bench = bench_with(|config| config.sending.retry_seconds = Vec::new()).await;
    bench.hooked().await;
    bench.hook.answer(500);
    answered(&bench).await;
    bench.send().await;
    let request =
        proto::ListDeliveriesRequest { state: DeliveryState::Dead.into(), ..Default::default() };
    let listed = bench.grpc.list_deliveries(by(&agency(), request)).await.unwrap().into_inner();
    let dead = listed.deliveries[0].delivery_id.clone();
    assert_eq!(listed.deliveries.len(), 1);

    let stranger = liuyan_kit::auth::Caller { subject: "another".into(), ..agency() };
    let refused = redeliver(&bench, &stranger, &dead, &fresh().to_string()).await.unwrap_err();
    assert_eq!(reason(&refused), "DELIVERY_NOT_FOUND");
    let id = fresh().to_string();
    let revived = redeliver(&bench, &agency(), &dead, &id).await.unwrap();
    assert_eq!(revived.state(), DeliveryState::Waiting);
    redeliver(&bench, &agency(), &dead, &id).await.unwrap();
    let refused = redeliver(&bench, &agency(), &dead, &fresh().to_string()).await.unwrap_err();
    assert_eq!(reason(&refused), "DELIVERY_NOT_GIVEN_UP");

    bench.hook.answer(204);
    bench.send().await;
    let arrived = only(&bench).await;
    assert_eq!((arrived.state(), arrived.attempts), (DeliveryState::Delivered, 2));
    let refused = redeliver(&bench, &operator(), &dead, &fresh().to_string()).await.unwrap_err();
    assert_eq!(reason(&refused), "DELIVERY_NOT_GIVEN_UP");
    let refused = redeliver(&bench, &agency(), &fresh().to_string(), &id).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn gone_is_final_and_a_redirection_is_not_followed() {
    let bench = bench().await;
    bench.hooked().await;
    bench.hook.answer(410);
    answered(&bench).await;
    bench.send().await;
    let dead = only(&bench).await;
    assert_eq!((dead.state(), dead.last_error.as_str()), (DeliveryState::Dead, "http 410"));

    bench.hook.answer(307);
    bench.after(SignedDuration::from_mins(1));
    answered(&bench).await;
    bench.send().await;
    assert!(bench.hook.calls().iter().all(|call| call.path != "/elsewhere"));
    assert_eq!(bench.deliveries().await[0].last_error, "http 307");
}

#[tokio::test]
async fn a_call_waits_for_routing() {
    let bench = bench().await;
    bench.hooked().await;
    answered(&bench).await;
    bench.peers.away(true);
    bench.send().await;
    let waiting = only(&bench).await;
    assert_eq!((waiting.attempts, waiting.last_error.as_str()), (0, "routing away"));
    bench.peers.away(false);
    bench.after(SignedDuration::from_secs(31));
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1);
}

#[tokio::test]
async fn a_call_waits_for_the_feed_to_record_its_event() {
    let bench = bench().await;
    bench.hooked().await;
    bench.peers.feed_is_late(true);
    let matter = answered(&bench).await;
    bench.send().await;
    let waiting = only(&bench).await;
    assert_eq!((waiting.attempts, waiting.last_error.as_str()), (0, "not recorded yet"));
    bench.after(SignedDuration::from_millis(250));
    bench.peers.feed_is_late(false);
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1);

    // What happened a while ago is not asked for all the time.
    bench.peers.feed_is_late(true);
    bench.accepted(&matter).await;
    bench.after(SignedDuration::from_secs(11));
    bench.send().await;
    bench.peers.feed_is_late(false);
    bench.after(SignedDuration::from_secs(29));
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1);
    bench.after(SignedDuration::from_secs(1));
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 2);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn what_the_feed_never_records_is_not_told_and_a_rating_that_it_has_not_is() {
    let bench = bench().await;
    bench.hooked().await;
    let matter = Matter { account_id: None, ..a_matter() };
    bench.submitted(&matter).await;
    let replied = bench.replied(&matter).await;
    bench.peers.withholds(replied.event_id);
    bench.send().await;
    assert!(bench.hook.calls().is_empty());
    let dropped = only(&bench).await;
    assert_eq!(
        (dropped.state(), dropped.last_error.as_str()),
        (DeliveryState::Dropped, "not public")
    );

    let rated = bench.rated(&matter).await;
    bench.peers.withholds(rated.event_id);
    bench.send().await;
    let json = bench.hook.calls()[0].json();
    assert_eq!(json["type"], "liuyan.routing.v1.case-rated");
    assert_eq!(json["data"]["id"], json["id"]);
    assert_eq!(json["data"]["type"], json["type"]);
    assert_eq!(json["data"]["subject"], json["subject"]);
    assert_eq!(json["data"]["case"]["title"], "The street lamp");
    assert!(json["data"].get("position").is_none() && json.get("cursor").is_none());
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_repeats_the_same_id_after_the_lease() {
    let bench = bench().await;
    bench.hooked().await;
    answered(&bench).await;
    let held = bench.hook.hold_back().await;
    let app = Arc::clone(&bench.app);
    let crashing = tokio::spawn(async move {
        app.deliver(Channel::Webhook, &CancellationToken::new()).await.map(drop)
    });
    let called = || async { (!bench.hook.calls().is_empty()).then_some(()) };
    eventually("the call has arrived", Duration::from_secs(10), called).await;
    crashing.abort();
    let _ = crashing.await;
    drop(held);

    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1, "the lease holds");
    bench.after(SignedDuration::from_secs(121));
    bench.send().await;
    let calls = bench.hook.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    assert_eq!(only(&bench).await.state(), DeliveryState::Delivered);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_send_each_delivery_once() {
    let bench = bench().await;
    bench.hooked().await;
    bench.hooked().await;
    for _ in 0..20 {
        answered(&bench).await;
    }
    let stopping = CancellationToken::new();
    let workers = (0..4).map(|_| bench.app.deliver(Channel::Webhook, &stopping));
    for worker in futures::future::join_all(workers).await {
        worker.unwrap();
    }
    let calls = bench.hook.calls();
    assert_eq!(calls.len(), 40);
    let different: HashSet<_> = calls
        .iter()
        .map(|call| (call.path.clone(), call.header("webhook-id").to_owned()))
        .collect();
    assert_eq!(different.len(), 40);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn what_waits_for_a_failing_endpoint_keeps_nobody_else_waiting() {
    let bench = bench_with(|config| config.webhook.in_flight = 1).await;
    bench.hooked().await;
    bench.hook.answer(500);
    for _ in 0..10 {
        answered(&bench).await;
    }
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 1, "one failure holds the others back");
    bench.hook.answer(200);
    bench.after(SignedDuration::from_secs(31));
    bench.send().await;
    assert_eq!(bench.hook.calls().len(), 11);
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_switched_off() {
    let bench = bench().await;
    let (endpoint_id, _) = bench.hooked().await;
    bench.hook.answer(500);
    for _ in 0..5 {
        answered(&bench).await;
        bench.send().await;
        assert!(said::<EndpointDisabled>(&bench.db).await.is_empty());
        bench.after(SignedDuration::from_hours(24));
    }
    // A success in between begins the count anew.
    bench.hook.answer(200);
    bench.send().await;
    bench.hook.answer(500);
    for _ in 0..5 {
        answered(&bench).await;
        bench.send().await;
        assert!(said::<EndpointDisabled>(&bench.db).await.is_empty());
        bench.after(SignedDuration::from_hours(24));
    }
    bench.send().await;
    let said = said::<EndpointDisabled>(&bench.db).await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].event.endpoint_id, endpoint_id);
    let list = proto::ListEndpointsRequest::default();
    let listed = bench.grpc.list_endpoints(by(&agency(), list)).await.unwrap().into_inner();
    assert_eq!(listed.endpoints[0].state(), EndpointState::Disabled);
    assert!(listed.endpoints[0].failing_since.is_some());

    let before = bench.deliveries().await.len();
    answered(&bench).await;
    assert_eq!(bench.deliveries().await.len(), before, "nothing more is meant for it");
    bench.after(SignedDuration::from_hours(24));
    bench.send().await;
    let waiting = "select count(*) from deliveries where state = 'waiting'";
    assert_eq!(bench.count(waiting).await, 0, "what waited is dropped");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_code_goes_before_what_has_waited_longer() {
    let bench = bench_with(|config| config.webhook.in_flight = 1).await;
    bench.hooked().await;
    for _ in 0..3 {
        answered(&bench).await;
    }
    bench.after(SignedDuration::from_secs(1));
    let url = format!("http://{}/new", bench.hook.address);
    bench
        .register(&agency(), |request| {
            request.channel = proto::EndpointChannel::Webhook.into();
            request.address = url;
        })
        .await
        .unwrap();
    let held = bench.hook.hold_back().await;
    let app = Arc::clone(&bench.app);
    let sending = tokio::spawn(async move {
        app.deliver(Channel::Webhook, &CancellationToken::new()).await.map(drop)
    });
    let first = || async { (bench.hook.codes().len() == 2).then_some(()) };
    eventually("the code has arrived", Duration::from_secs(10), first).await;
    assert!(bench.hook.calls().is_empty());
    drop(held);
    sending.await.unwrap().unwrap();
    assert_eq!(bench.hook.calls().len(), 3);
}

#[tokio::test]
async fn deliveries_are_listed_to_whom_they_belong_page_by_page() {
    let bench = bench().await;
    let (endpoint_id, _) = bench.hooked().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "reader@example.org", "en");
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    bench.accepted(&matter).await;
    bench.closed(&matter, Outcome::Solved).await;
    let list = async |who: &liuyan_kit::auth::Caller, endpoint_id: &str, token: &str| {
        let request = proto::ListDeliveriesRequest {
            endpoint_id: endpoint_id.to_owned(),
            page_size: 2,
            page_token: token.to_owned(),
            ..Default::default()
        };
        bench.grpc.list_deliveries(by(who, request)).await.map(tonic::Response::into_inner)
    };
    let pages = async |who: &liuyan_kit::auth::Caller, endpoint_id: &str| {
        let (mut types, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(who, endpoint_id, &token).await.unwrap();
            types.extend(page.deliveries.iter().map(|delivery| short(&delivery.event_type)));
            token = page.next_page_token;
            if token.is_empty() {
                types.sort();
                return types;
            }
        }
    };
    let cases = ["case-accepted", "case-closed", "case-opened"];
    assert_eq!(pages(&person(matter.account()), "").await, cases);
    assert_eq!(pages(&agency(), "").await, [&cases[..], &["verify"]].concat());
    assert_eq!(pages(&person(matter.account()), &endpoint_id).await, [""; 0]);
    assert_eq!(pages(&operator(), "").await.len(), 7);
    assert_eq!(pages(&operator(), &endpoint_id).await.len(), 4);
    let token = list(&operator(), "", "").await.unwrap().next_page_token;
    let refused = list(&operator(), &endpoint_id, &token).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}
