//! An endpoint is told nothing before it is proved to be its holder's, and nobody can be bothered
//! through it.

use jiff::SignedDuration;
use liuyan_proto::liuyan::notification::v1::{
    self as proto, DeliveryState, EndpointChannel, EndpointState,
    subscription_service_server::SubscriptionService as _,
};

use crate::{
    bench::{
        Bench, agency, author, bench, bench_with, by, code_in, fresh, person, reason, violations,
    },
    tellings::{Matter, a_matter},
};

async fn endpoints(bench: &Bench, who: &liuyan_kit::auth::Caller) -> Vec<proto::Endpoint> {
    let request = proto::ListEndpointsRequest::default();
    bench.grpc.list_endpoints(by(who, request)).await.unwrap().into_inner().endpoints
}

async fn delete(
    bench: &Bench,
    who: &liuyan_kit::auth::Caller,
    endpoint_id: &str,
) -> Result<(), tonic::Status> {
    let request = proto::DeleteEndpointRequest { endpoint_id: endpoint_id.to_owned() };
    bench.grpc.delete_endpoint(by(who, request)).await.map(drop)
}

#[tokio::test]
async fn an_endpoint_is_told_nothing_before_it_is_verified() {
    let bench = bench().await;
    let reader = person(fresh());
    let made = bench.register(&reader, |_| {}).await.unwrap();
    let endpoint = made.endpoint.unwrap();
    assert_eq!(endpoint.state(), EndpointState::Pending);
    assert_eq!(endpoint.address_hint, "r***@example.org");
    assert_eq!(made.signing_secret, "");
    let account_id: uuid::Uuid = reader.subject.parse().unwrap();
    let matter = Matter { account_id: Some(account_id), ..a_matter() };
    bench.submitted(&matter).await;
    bench.approved(&matter).await;
    bench.send().await;
    let mails = bench.mail.mails();
    assert_eq!(mails.len(), 1, "the code and nothing else");
    let mail = &mails[0];
    assert_eq!(mail.header("Subject").unwrap(), "Please confirm your address");
    assert_eq!(mail.header("List-Unsubscribe"), None);
    let text = &mail.parts()[0];
    let link = format!("http://127.0.0.1:8080/verify?endpoint={}&code=", endpoint.endpoint_id);
    assert!(text.contains(&link), "{text}");
    let code = code_in(text);
    assert_eq!(code.len(), 26);
    let stored = "select count(*) from endpoints as it where it::text ~ 'reader|example'";
    assert_eq!(bench.count(stored).await, 0);

    bench.verify(&endpoint.endpoint_id, &code.to_lowercase()).await.unwrap();
    bench.verify(&endpoint.endpoint_id, &code).await.unwrap();
    assert_eq!(endpoints(&bench, &reader).await[0].state(), EndpointState::Active);
    bench.opened(&matter).await;
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 2);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_wrong_or_old_code_proves_nothing_and_can_be_tried_a_few_times_only() {
    let bench = bench().await;
    let endpoint = bench.register(&person(fresh()), |_| {}).await.unwrap().endpoint.unwrap();
    bench.send().await;
    let code = code_in(&bench.mail.mails()[0].parts()[0]);
    let other = if code.starts_with('A') { 'B' } else { 'A' };
    let wrong = format!("{other}{}", &code[1..]);
    let nobody = fresh().to_string();
    for refused in [
        bench.verify(&endpoint.endpoint_id, &wrong).await.unwrap_err(),
        bench.verify(&endpoint.endpoint_id, "").await.unwrap_err(),
        bench.verify(&nobody, &code).await.unwrap_err(),
    ] {
        assert_eq!(reason(&refused), "VERIFICATION_FAILED");
    }
    for _ in 0..8 {
        bench.verify(&endpoint.endpoint_id, "AAAA").await.unwrap_err();
    }
    let refused = bench.verify(&endpoint.endpoint_id, &code).await.unwrap_err();
    assert_eq!(reason(&refused), "VERIFICATION_FAILED", "after ten wrong ones");

    let late = bench.register(&person(fresh()), |_| {}).await.unwrap().endpoint.unwrap();
    bench.send().await;
    let code = code_in(&bench.mail.mails()[1].parts()[0]);
    bench.after(SignedDuration::from_hours(24));
    let refused = bench.verify(&late.endpoint_id, &code).await.unwrap_err();
    assert_eq!(reason(&refused), "VERIFICATION_FAILED", "after a day");
}

#[tokio::test]
async fn a_code_that_can_no_longer_be_used_is_not_sent() {
    let bench = bench().await;
    bench.register(&person(fresh()), |_| {}).await.unwrap();
    bench.after(SignedDuration::from_hours(24));
    bench.send().await;
    assert!(bench.mail.mails().is_empty());
    let dropped = "select count(*) from deliveries where last_error = 'code expired'";
    assert_eq!(bench.count(dropped).await, 1);
}

#[tokio::test]
async fn the_same_request_makes_one_endpoint_and_tells_the_same_secret() {
    let bench = bench().await;
    let request = proto::CreateEndpointRequest {
        channel: EndpointChannel::Webhook.into(),
        address: format!("http://{}/", bench.hook.address),
        request_id: fresh().to_string(),
        ..Default::default()
    };
    let again = |request: &proto::CreateEndpointRequest| {
        bench.grpc.create_endpoint(by(&agency(), request.clone()))
    };
    let first = again(&request).await.unwrap().into_inner();
    let second = again(&request).await.unwrap().into_inner();
    assert_eq!(first, second);
    assert!(first.signing_secret.starts_with("whsec_"));
    assert_eq!(bench.count("select count(*) from endpoints").await, 1);
    let mut other = request.clone();
    other.address.push('x');
    assert_eq!(reason(&again(&other).await.unwrap_err()), "REQUEST_ID_REUSED");
    let mut same_address = request;
    same_address.request_id = fresh().to_string();
    assert_eq!(reason(&again(&same_address).await.unwrap_err()), "ENDPOINT_EXISTS");
    bench.send().await;
    assert_eq!(bench.hook.codes().len(), 1);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_registration_is_told_at_once() {
    let bench = bench_with(|config| {
        config.webhook.allow_insecure = false;
        config.webhook.allow_internal = false;
    })
    .await;
    let refused = bench
        .register(&person(fresh()), |request| {
            request.address = "nowhere".to_owned();
            request.event_types = vec!["case-assigned".to_owned(), "case-replied".to_owned()];
            request.division_codes = vec!["11".to_owned()];
            request.request_id = "1".to_owned();
        })
        .await
        .unwrap_err();
    let expected = [
        ("address", "EMAIL_MALFORMED"),
        ("event_types[0]", "VALUE_UNKNOWN"),
        ("division_codes", "DIVISIONS_NOT_FOR_YOU"),
        ("division_codes[0]", "DIVISION_MALFORMED"),
        ("request_id", "UUID_MALFORMED"),
    ];
    let expected = expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())).into();
    assert_eq!(violations(&refused), expected);

    for (url, reason) in [
        ("http://hooks.example.org/", "URL_INSECURE"),
        ("https://10.0.0.1/", "URL_INTERNAL"),
        ("https://[::1]/", "URL_INTERNAL"),
        ("https://169.254.169.254/latest", "URL_INTERNAL"),
        ("file:///etc/passwd", "URL_MALFORMED"),
    ] {
        let refused = bench
            .register(&agency(), |request| {
                request.channel = EndpointChannel::Webhook.into();
                request.address = url.to_owned();
            })
            .await
            .unwrap_err();
        let expected = [("address".to_owned(), reason.to_owned())].into();
        assert_eq!(violations(&refused), expected, "{url}");
    }
}

#[tokio::test]
async fn people_are_mailed_and_agencies_called() {
    let bench = bench().await;
    for (who, channel) in
        [(person(fresh()), EndpointChannel::Webhook), (agency(), EndpointChannel::Email)]
    {
        let wrong = |request: &mut proto::CreateEndpointRequest| request.channel = channel.into();
        let refused = bench.register(&who, wrong).await.unwrap_err();
        let expected = [("channel".to_owned(), "CHANNEL_NOT_FOR_YOU".to_owned())].into();
        assert_eq!(violations(&refused), expected);
    }
    let mut stranger = person(fresh());
    stranger.issuer = "elsewhere".to_owned();
    let refused = bench.register(&stranger, |_| {}).await.unwrap_err();
    assert_eq!(reason(&refused), "NOBODY_TO_TELL", "another issuer's subjects are no accounts");
}

#[tokio::test]
async fn only_its_author_registers_for_a_message() {
    let bench = bench().await;
    let (mine, other) = (fresh(), fresh());
    let for_message = |id: uuid::Uuid| {
        move |request: &mut proto::CreateEndpointRequest| request.message_id = id.to_string()
    };
    bench.register(&author(mine), for_message(mine)).await.unwrap();
    let refused = bench.register(&author(mine), for_message(other)).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_THE_AUTHOR");
    let request = proto::ListEndpointsRequest { message_id: mine.to_string() };
    let listed = bench.grpc.list_endpoints(by(&author(mine), request.clone())).await.unwrap();
    assert_eq!(listed.into_inner().endpoints.len(), 1);
    let refused = bench.grpc.list_endpoints(by(&author(other), request)).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_THE_AUTHOR");
}

#[tokio::test]
async fn a_removed_endpoint_is_gone_with_what_waits_for_it() {
    let bench = bench().await;
    let account_id = fresh();
    let reader = person(account_id);
    let endpoint_id = bench.mailed(&reader, |_| {}).await;
    let matter = Matter { account_id: Some(account_id), ..a_matter() };
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    let refused = delete(&bench, &person(fresh()), &endpoint_id).await.unwrap_err();
    assert_eq!(reason(&refused), "ENDPOINT_NOT_FOUND");
    delete(&bench, &reader, &endpoint_id).await.unwrap();
    let refused = delete(&bench, &reader, &endpoint_id).await.unwrap_err();
    assert_eq!(reason(&refused), "ENDPOINT_NOT_FOUND");
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 1, "only the code from before");
    let deliveries = bench.deliveries().await;
    let gone = deliveries.iter().find(|delivery| delivery.endpoint_id == endpoint_id).unwrap();
    assert_eq!((gone.state(), gone.last_error.as_str()), (DeliveryState::Dropped, "endpoint gone"));
    assert!(endpoints(&bench, &reader).await.is_empty());
    let kept =
        "select count(*) from endpoints where address is not null or address_index is not null";
    assert_eq!(bench.count(kept).await, 0);

    // It can be registered again.
    bench.mailed(&reader, |_| {}).await;
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn nobody_registers_without_end() {
    let bench = bench_with(|config| {
        config.endpoints.most = 2;
        config.endpoints.most_a_day = 3;
        config.endpoints.most_pending_of_address = 2;
    })
    .await;
    let reader = person(fresh());
    let at = |address: &str| {
        let address = address.to_owned();
        move |request: &mut proto::CreateEndpointRequest| request.address = address
    };
    let first = bench.register(&reader, at("a@example.org")).await.unwrap().endpoint.unwrap();
    bench.register(&reader, at("b@example.org")).await.unwrap();
    let refused = bench.register(&reader, at("c@example.org")).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_ENDPOINTS");
    delete(&bench, &reader, &first.endpoint_id).await.unwrap();
    let third = bench.register(&reader, at("c@example.org")).await.unwrap().endpoint.unwrap();
    delete(&bench, &reader, &third.endpoint_id).await.unwrap();
    let refused = bench.register(&reader, at("d@example.org")).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_REGISTRATIONS", "removing does not help today");
    bench.after(SignedDuration::from_hours(24));
    bench.register(&reader, at("d@example.org")).await.unwrap();

    bench.register(&person(fresh()), at("victim@example.org")).await.unwrap();
    bench.register(&person(fresh()), at("Victim@example.org")).await.unwrap();
    let refused = bench.register(&person(fresh()), at("victim@example.org")).await.unwrap_err();
    assert_eq!(reason(&refused), "TOO_MANY_REGISTRATIONS", "nor do many holders");
    assert!(bench.breaches().await.is_empty());
}
