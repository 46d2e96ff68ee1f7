//! Mail goes out, once, with the right words, and not where it is not wanted.

use std::time::Duration;

use jiff::SignedDuration;
use liuyan_notification::address::Channel;
use liuyan_proto::liuyan::notification::v1::{
    self as proto, DeliveryState, EndpointDisabled,
    subscription_service_server::SubscriptionService as _,
};

use crate::{
    bench::{Bench, author, bench, bench_with, by, fresh, person},
    sinks::Slowness,
    tellings::{Matter, a_matter},
};

/// A message of an account with an address.
async fn reachable(bench: &Bench, locale: &str) -> Matter {
    let matter = a_matter();
    bench.peers.reach(matter.account(), "reader@example.org", locale);
    bench.submitted(&matter).await;
    matter
}

async fn states(bench: &Bench) -> Vec<(DeliveryState, String)> {
    let deliveries = bench.deliveries().await.into_iter();
    deliveries.map(|delivery| (delivery.state(), delivery.last_error)).collect()
}

#[tokio::test]
async fn an_account_is_mailed_at_its_own_address_in_its_language() {
    let bench = bench().await;
    let matter = reachable(&bench, "en-GB").await;
    bench.replied(&matter).await;
    bench.send().await;
    let mail = bench.mail.mails().remove(0);
    assert_eq!(mail.to, "reader@example.org");
    assert_eq!(mail.header("Subject").unwrap(), format!("Message {} was answered", matter.number));
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(mail.header("List-Unsubscribe").unwrap(), "<http://127.0.0.1:8080/mine>");
    assert!(mail.header("Message-ID").unwrap().ends_with("@localhost>"));
    let parts = mail.parts();
    assert_eq!(parts.len(), 2);
    let link = format!("http://127.0.0.1:8080/m/{}", matter.number);
    for part in &parts {
        assert!(part.contains("Office 110000-secretary has answered"), "{part}");
        assert!(part.contains(&link), "{part}");
    }
    assert!(parts[0].contains("> The lamp is <repaired>."), "{}", parts[0]);
    assert!(parts[1].contains("The lamp is &lt;repaired&gt;."), "{}", parts[1]);
    assert!(parts[0].contains('…'), "a long reply is cut");
    assert_eq!(bench.peers.purposes().last().unwrap(), "notification");
    assert_eq!(states(&bench).await, [(DeliveryState::Delivered, String::new())]);

    // Neither the address nor the reply is anywhere in the database.
    for table in ["events", "endpoints", "deliveries", "attempts", "holders", "notices"] {
        let query = format!("select count(*) from {table} as it where it::text ~ 'example|lamp'");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(&mut *bench.db.read().await.unwrap())
            .await
            .unwrap();
        assert_eq!(found, 0, "{table}");
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_private_reply_is_not_shown_in_a_mail() {
    let bench = bench().await;
    let mut matter = a_matter();
    matter.public = false;
    bench.peers.reach(matter.account(), "reader@example.org", "zh-CN");
    bench.submitted(&matter).await;
    bench.replied(&matter).await;
    bench.peers.view(matter.case_id, Some(matter.view()));
    bench.send().await;
    let parts = bench.mail.mails().remove(0).parts();
    assert!(!parts[0].contains("lamp"), "{}", parts[0]);
    assert!(parts[0].contains("http://127.0.0.1:8080/mine"), "{}", parts[0]);
}

#[tokio::test]
async fn an_author_without_an_account_is_mailed_at_the_address_of_the_message() {
    let bench = bench().await;
    let mut matter = a_matter();
    matter.account_id = None;
    bench.submitted(&matter).await;
    let message_id = matter.message_id.to_string();
    bench
        .mailed(&author(matter.message_id), |request| {
            request.message_id = message_id;
            request.event_types = vec!["case-opened".to_owned()];
        })
        .await;
    bench.approved(&matter).await;
    bench.opened(&matter).await;
    let other = a_matter();
    bench.submitted(&other).await;
    bench.opened(&other).await;
    bench.send().await;
    let mails = bench.mail.mails();
    let titles: Vec<_> = mails.iter().skip(1).map(|mail| mail.header("Subject").unwrap()).collect();
    assert_eq!(titles, [format!("Work on message {} has begun", matter.number)]);
}

#[tokio::test]
async fn a_person_who_wants_no_mail_gets_none() {
    let bench = bench().await;
    let matter = reachable(&bench, "en").await;
    let reader = person(matter.account());
    let get = || bench.grpc.get_preferences(by(&reader, proto::GetPreferencesRequest {}));
    let usual = get().await.unwrap().into_inner().preferences.unwrap();
    assert_eq!(usual, proto::Preferences { email: true, muted_event_types: vec![] });
    let prefer = async |preferences: proto::Preferences| {
        let request = proto::UpdatePreferencesRequest { preferences: Some(preferences) };
        bench.grpc.update_preferences(by(&reader, request)).await
    };
    let muted =
        proto::Preferences { email: true, muted_event_types: vec!["case-accepted".to_owned()] };
    prefer(muted.clone()).await.unwrap();
    assert_eq!(get().await.unwrap().into_inner().preferences.unwrap(), muted);
    bench.accepted(&matter).await;
    bench.opened(&matter).await;
    assert_eq!(bench.deliveries().await.len(), 1);

    // Also what waits already is not sent any more.
    prefer(proto::Preferences::default()).await.unwrap();
    bench.send().await;
    assert!(bench.mail.mails().is_empty());
    assert_eq!(states(&bench).await, [(DeliveryState::Dropped, "not wanted".to_owned())]);
    assert_eq!(bench.told(&reader).await, ["case-accepted", "case-opened"]);

    let wrong = proto::Preferences { email: true, muted_event_types: vec!["x".to_owned()] };
    assert_eq!(prefer(wrong).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn without_a_relay_mail_is_dropped_and_says_so() {
    let bench = bench_with(|config| config.email.smtp_url = "".into()).await;
    let matter = reachable(&bench, "en").await;
    bench.opened(&matter).await;
    bench.send().await;
    assert_eq!(states(&bench).await, [(DeliveryState::Dropped, "channel off".to_owned())]);
    assert_eq!(bench.told(&person(matter.account())).await, ["case-opened"]);
}

#[tokio::test]
async fn an_account_without_an_address_is_not_mailed() {
    let bench = bench().await;
    let matter = a_matter();
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    bench.send().await;
    assert_eq!(states(&bench).await, [(DeliveryState::Dropped, "no address".to_owned())]);
}

#[tokio::test]
async fn a_refused_mail_is_given_up_and_a_postponed_one_is_tried_again() {
    let bench = bench().await;
    let matter = reachable(&bench, "en").await;
    bench.mail.refuse(&["550 5.1.1 nobody here"]);
    bench.opened(&matter).await;
    bench.send().await;
    assert_eq!(states(&bench).await, [(DeliveryState::Dead, "smtp 550".to_owned())]);

    bench.mail.refuse(&["451 4.3.0 later"]);
    bench.after(SignedDuration::from_mins(5));
    bench.accepted(&matter).await;
    bench.send().await;
    let waiting = bench.deliveries().await.remove(0);
    assert_eq!((waiting.state(), waiting.attempts), (DeliveryState::Waiting, 1));
    assert_eq!(waiting.last_error, "smtp 451");
    bench.after(SignedDuration::from_mins(5));
    bench.send().await;
    let arrived = bench.deliveries().await.remove(0);
    assert_eq!((arrived.state(), arrived.attempts), (DeliveryState::Delivered, 2));
    assert_eq!(bench.mail.mails().len(), 1);
    assert_eq!(bench.mail.sessions(), 3);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_relay_that_is_away_or_refuses_us_counts_against_nobody() {
    let bench = bench_with(|config| {
        // Nobody listens there.
        config.email.smtp_url = "smtp://127.0.0.1:9".into();
    })
    .await;
    let matter = reachable(&bench, "en").await;
    bench.opened(&matter).await;
    for _ in 0..20 {
        bench.send().await;
        bench.after(SignedDuration::from_hours(24));
    }
    let waiting = bench.deliveries().await.remove(0);
    assert_eq!((waiting.state(), waiting.attempts), (DeliveryState::Waiting, 0));
    assert_eq!(waiting.last_error, "relay away");
    assert_eq!(bench.count("select count(*) from endpoints where state = 'disabled'").await, 0);
}

#[tokio::test]
async fn a_relay_that_does_not_say_that_it_took_a_mail_is_not_sent_it_without_end() {
    let bench = bench_with(|config| {
        config.email.taking_ms = 300;
        config.sending.retry_seconds.truncate(2);
    })
    .await;
    for (slowness, told) in [
        (Slowness::Taking(Duration::from_secs(3_600)), "relay timeout"),
        (Slowness::HangingUp, "connection lost"),
    ] {
        bench.mail.slow(slowness);
        let sent = bench.mail.mails().len();
        let matter = reachable(&bench, "en").await;
        bench.opened(&matter).await;
        bench.send().await;
        let waiting = bench.deliveries().await.remove(0);
        assert_eq!((waiting.state(), waiting.attempts), (DeliveryState::Waiting, 1));
        assert_eq!(waiting.last_error, told);
        for _ in 0..6 {
            bench.after(SignedDuration::from_hours(1));
            bench.send().await;
        }
        let dead = bench.deliveries().await.remove(0);
        assert_eq!((dead.state(), dead.attempts), (DeliveryState::Dead, 3));
        let ids = bench.mail.mails().split_off(sent);
        let ids: Vec<_> = ids.iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
        assert_eq!(ids, vec![ids[0].clone(); 3], "its receiver can drop the repetitions");
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_relay_that_thinks_for_long_before_it_takes_a_mail_is_waited_for() {
    let bench = bench_with(|config| config.email.timeout_ms = 1_000).await;
    for slowness in [Slowness::Taking, Slowness::Parting] {
        bench.mail.slow(slowness(Duration::from_millis(2_500)));
        let matter = reachable(&bench, "en").await;
        bench.opened(&matter).await;
        bench.send().await;
        let sent = bench.deliveries().await.remove(0);
        assert_eq!((sent.state(), sent.attempts), (DeliveryState::Delivered, 1));
    }
    assert_eq!(bench.mail.mails().len(), 2);
}

#[tokio::test]
async fn a_relay_that_greets_nobody_counts_against_nobody() {
    let bench = bench_with(|config| config.email.timeout_ms = 100).await;
    bench.mail.slow(Slowness::Silent);
    let matter = reachable(&bench, "en").await;
    bench.opened(&matter).await;
    bench.send().await;
    let waiting = bench.deliveries().await.remove(0);
    assert_eq!((waiting.state(), waiting.attempts), (DeliveryState::Waiting, 0));
    assert_eq!(waiting.last_error, "relay timeout");
}

#[tokio::test]
async fn what_waits_for_another_attempt_is_not_late_and_what_nobody_sends_is() {
    let bench = bench().await;
    let matter = reachable(&bench, "en").await;
    bench.mail.refuse(&["451 4.3.0 later", "451 4.3.0 later"]);
    bench.opened(&matter).await;
    bench.send().await;
    bench.after(SignedDuration::from_secs(10));
    bench.send().await;
    bench.after(SignedDuration::from_secs(40));
    assert_eq!(bench.app.waiting(Channel::Email).await.unwrap(), (1, 0));
    // It was to be tried again after a minute, give or take a fifth.
    bench.after(SignedDuration::from_secs(120));
    let (waiting, late) = bench.app.waiting(Channel::Email).await.unwrap();
    assert!(waiting == 1 && (85..=115).contains(&late), "{waiting} {late}");
    bench.send().await;
    assert_eq!(bench.app.waiting(Channel::Email).await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_stops_no_other() {
    let bench = bench().await;
    let (broken, sound) = (reachable(&bench, "en").await, reachable(&bench, "en").await);
    bench.opened(&broken).await;
    let mut connection = bench.db.read().await.unwrap();
    sqlx::raw_sql("update events set kind = 'strange' where kind = 'case-opened'")
        .execute(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    bench.accepted(&sound).await;
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 1);
    let postponed = "select count(*) from deliveries
                     where state = 'waiting' and attempts = 0 and last_error = 'defect'";
    assert_eq!(bench.count(postponed).await, 1);
}

#[tokio::test]
async fn mail_waits_for_identity_and_routing() {
    let bench = bench().await;
    let matter = reachable(&bench, "en").await;
    bench.peers.away(true);
    bench.replied(&matter).await;
    bench.send().await;
    assert_eq!(states(&bench).await, [(DeliveryState::Waiting, "identity away".to_owned())]);
    bench.peers.away(false);
    bench.send().await;
    assert!(bench.mail.mails().is_empty(), "not before the pause is over");
    bench.after(SignedDuration::from_secs(31));
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 1);
}

#[tokio::test]
async fn an_address_that_fails_for_days_is_switched_off_and_its_holder_told() {
    let bench = bench().await;
    let matter = reachable(&bench, "en").await;
    for day in 0..6 {
        bench.mail.refuse(&["550 5.1.1 nobody here"]);
        let other = Matter { account_id: matter.account_id, ..a_matter() };
        bench.submitted(&other).await;
        bench.opened(&other).await;
        bench.send().await;
        let said = liuyan_kit::testing::said::<EndpointDisabled>(&bench.db).await.len();
        assert_eq!(said, usize::from(day == 5), "on day {day}");
        bench.after(SignedDuration::from_hours(24));
    }
    let told = bench.notices(&person(matter.account())).await.notices;
    let told = told.iter().find(|notice| notice.number.is_empty()).unwrap();
    assert_eq!(told.event_type, "liuyan.notification.v1.endpoint-disabled");
    assert_eq!(told.title, "An address is no longer told");
    bench.accepted(&matter).await;
    assert_eq!(bench.deliveries().await.len(), 6, "nothing more is sent there");

    // Whoever asks for mail again gets it.
    let preferences = Some(proto::Preferences { email: true, ..Default::default() });
    let request = proto::UpdatePreferencesRequest { preferences };
    bench.grpc.update_preferences(by(&person(matter.account()), request)).await.unwrap();
    bench.replied(&matter).await;
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 1);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_endpoint_of_nobody_is_not_found() {
    let bench = bench().await;
    let request = proto::DeleteEndpointRequest { endpoint_id: fresh().to_string() };
    let refused = bench.grpc.delete_endpoint(by(&person(fresh()), request)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
}
