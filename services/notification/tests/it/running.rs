//! The service as it runs, with its host: guard, workers, relay and all.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    clock::SystemClock,
    id,
    messaging::Envelope,
    testing::{Board, eventually, now, token},
};
use liuyan_notification::{Ears, Notification, Terms};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::MessageSubmitted,
        moderation::v1::MessageApproved,
        notification::v1::{
            CreateEndpointRequest, ListDeliveriesRequest, ListNoticesRequest,
            subscription_service_client::SubscriptionServiceClient,
        },
    },
};

use crate::{
    bench::fresh,
    peers::Peers,
    sinks::MailServer,
    tellings::{Matter, a_matter},
};

fn said<E: Event>(matter: &Matter, event: &E) -> Envelope {
    Envelope {
        event_id: id::v7(now()),
        subject_id: matter.message_id,
        version: 1,
        kind: E::TYPE.into(),
        at: now(),
        traceparent: None,
        payload: event.encode_to_vec().into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_guards_hears_and_mails() {
    let (peers, mail) = (Peers::default(), MailServer::start().await);
    let keys = tempfile::tempdir().unwrap();
    let address = peers.serve().await;
    let keyring = keys.path().join("notification").join("keyring");
    let settings = toml::toml! {
        [service]
        generate_keys = true
        [service.sending]
        idle_ms = 20
    };
    let mut settings = settings;
    let service = settings["service"].as_table_mut().unwrap();
    service.insert("keyring_file".into(), keyring.display().to_string().into());
    let relay = format!("smtp://{}", mail.address);
    service
        .insert("email".into(), toml::Table::from_iter([("smtp_url".into(), relay.into())]).into());
    let board = Board::new()
        .with_stub("routing", address)
        .with_stub("identity", address)
        .with_stub("feed", address)
        .with_settings::<Notification>(settings)
        .start()
        .await;
    assert!(keyring.exists());

    let matter = a_matter();
    peers.reach(matter.account(), "reader@example.org", "en");
    let ears = Ears {
        clock: Arc::new(SystemClock),
        terms: Terms { historical_after: jiff::SignedDuration::from_hours(24), email_off: false },
        wakes: [Arc::default(), Arc::default()],
    };
    let db = board.database("notification");
    let submitted = said::<MessageSubmitted>(&matter, &matter.submission());
    ears.of_intake().deliver(db, now(), &[submitted]).await.unwrap();
    let approved =
        MessageApproved { message_id: matter.message_id.to_string(), ..Default::default() };
    let approved = said(&matter, &approved);
    ears.of_moderation().deliver(db, now(), &[approved]).await.unwrap();
    let arrived = || async { mail.mails().pop() };
    let mailed = eventually("it is mailed", Duration::from_secs(20), arrived).await;
    assert_eq!(mailed.to, "reader@example.org");

    let mut anyone = SubscriptionServiceClient::new(board.channel("notification"));
    let refused = anyone.list_notices(ListNoticesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let wrong = token("x", &["webhook:manage"], &[]);
    let mut agency = SubscriptionServiceClient::new(board.channel_as("notification", &wrong));
    let refused = agency.list_notices(ListNoticesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    // The issuer of tests is not identity: its subjects are no accounts.
    let request = CreateEndpointRequest { request_id: fresh().to_string(), ..Default::default() };
    let refused = agency.create_endpoint(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let operator = token("operator", &["delivery:manage"], &[]);
    let mut operator = SubscriptionServiceClient::new(board.channel_as("notification", &operator));
    let request = ListDeliveriesRequest::default();
    let listed = operator.list_deliveries(request).await.unwrap().into_inner();
    assert_eq!(listed.deliveries.len(), 1);
    let metrics = liuyan_kit::telemetry::render().unwrap();
    for name in ["deliveries_attempted_total", "deliveries_waiting", "events_waiting"] {
        assert!(metrics.contains(name), "{name}");
    }
    board.stop().await;
}
