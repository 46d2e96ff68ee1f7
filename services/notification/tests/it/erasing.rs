//! An account that is gone leaves nothing behind.

use std::{sync::Arc, time::Duration};

use liuyan_kit::testing::eventually;
use liuyan_notification::address::Channel;
use liuyan_proto::liuyan::notification::v1::{
    self as proto, subscription_service_server::SubscriptionService as _,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{Bench, author, bench, by, clerk, fresh, person, reason},
    tellings::{Matter, OFFICE, a_matter},
};

/// Whatever names an account or its messages' holders, apart from the mark that it is gone.
async fn left_of(bench: &Bench, matter: &Matter) -> Vec<String> {
    let account = matter.account().to_string();
    let holder = format!("message/{}", matter.message_id);
    let mut left = Vec::new();
    for table in
        ["messages", "events", "notices", "readers", "notice_reads", "endpoints", "requests"]
    {
        let query = format!(
            "select it::text from {table} as it where it::text like '%' || $1 || '%'
                or it::text like '%' || $2 || '%'"
        );
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(&account)
            .bind(&holder)
            .fetch_all(&mut *bench.db.read().await.unwrap())
            .await
            .unwrap();
        left.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    left
}

#[tokio::test]
async fn everything_of_an_account_is_removed() {
    let bench = bench().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "gone@example.org", "en");
    bench.submitted(&matter).await;
    let reader = clerk(matter.account(), OFFICE);
    bench.mailed(&reader, |_| {}).await;
    let message_id = matter.message_id.to_string();
    bench.mailed(&author(matter.message_id), |request| request.message_id = message_id).await;
    let preferences = Some(proto::Preferences { email: true, ..Default::default() });
    let request = proto::UpdatePreferencesRequest { preferences };
    bench.grpc.update_preferences(by(&reader, request)).await.unwrap();
    bench.opened(&matter).await;
    bench.assigned(&matter).await;
    bench.send().await;
    bench.accepted(&matter).await;
    let other = a_matter();
    bench.submitted(&other).await;
    bench.opened(&other).await;
    let first = bench.notices(&reader).await.notices[0].notice_id.clone();
    let read = proto::MarkNoticesReadRequest { notice_ids: vec![first] };
    bench.grpc.mark_notices_read(by(&reader, read)).await.unwrap();
    assert!(!left_of(&bench, &matter).await.is_empty());
    let mails = bench.mail.mails().len();

    bench.erased(matter.account()).await;
    assert_eq!(left_of(&bench, &matter).await, Vec::<String>::new());
    assert!(bench.breaches().await.is_empty());
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), mails, "what waited is not sent");

    // What comes late is not kept.
    bench.replied(&matter).await;
    let late = Matter { account_id: matter.account_id, ..a_matter() };
    bench.opened(&late).await;
    bench.submitted(&late).await;
    bench.send().await;
    assert_eq!(left_of(&bench, &late).await, Vec::<String>::new());
    assert!(bench.notices(&person(matter.account())).await.notices.is_empty());
    for refused in [
        bench.register(&reader, |_| {}).await.map(drop).unwrap_err(),
        bench
            .grpc
            .mark_notices_read(by(&reader, proto::MarkNoticesReadRequest::default()))
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!(reason(&refused), "ACCOUNT_GONE");
    }
    // Others keep what is theirs.
    assert_eq!(bench.told(&person(other.account())).await, ["case-opened"]);
    assert_eq!(bench.told(&clerk(fresh(), OFFICE)).await, ["case-assigned"]);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_account_that_nobody_heard_of_is_marked_as_gone() {
    let bench = bench().await;
    let matter = a_matter();
    bench.erased(matter.account()).await;
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    assert_eq!(left_of(&bench, &matter).await, Vec::<String>::new());
    assert_eq!(bench.count("select count(*) from holders where erased_at is not null").await, 1);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn what_is_being_sent_while_its_account_goes_is_not_recorded() {
    let bench = bench().await;
    let matter = a_matter();
    bench.submitted(&matter).await;
    bench.hooked().await;
    let held = bench.hook.hold_back().await;
    bench.replied(&matter).await;
    let app = Arc::clone(&bench.app);
    let sending = tokio::spawn(async move {
        app.deliver(Channel::Webhook, &CancellationToken::new()).await.map(drop)
    });
    let called = || async { (!bench.hook.calls().is_empty()).then_some(()) };
    eventually("the call has arrived", Duration::from_secs(10), called).await;
    bench.erased(matter.account()).await;
    drop(held);
    sending.await.unwrap().unwrap();
    assert_eq!(left_of(&bench, &matter).await, Vec::<String>::new());
    assert!(bench.breaches().await.is_empty());
}
