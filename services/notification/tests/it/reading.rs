//! Notices are read by each reader for themselves, and counted right.

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::notification::v1::{
    self as proto, subscription_service_server::SubscriptionService as _,
};

use crate::{
    bench::{Bench, bench, by, clerk, fresh, person},
    tellings::{Matter, OFFICE, a_matter},
};

async fn mark(bench: &Bench, who: &Caller, notice_ids: Vec<String>) -> u32 {
    let request = proto::MarkNoticesReadRequest { notice_ids };
    bench.grpc.mark_notices_read(by(who, request)).await.unwrap().into_inner().unread
}

async fn page(
    bench: &Bench,
    who: &Caller,
    unread_only: bool,
    token: &str,
) -> proto::ListNoticesResponse {
    let request =
        proto::ListNoticesRequest { unread_only, page_size: 2, page_token: token.to_owned() };
    bench.grpc.list_notices(by(who, request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_a_person_has_read_stays_read() {
    let bench = bench().await;
    let matter = a_matter();
    let reader = person(matter.account());
    bench.submitted(&matter).await;
    bench.approved(&matter).await;
    bench.opened(&matter).await;
    bench.accepted(&matter).await;
    let all = bench.notices(&reader).await;
    assert_eq!((all.unread, all.notices.len()), (3, 3));
    let one = all.notices[1].notice_id.clone();
    assert_eq!(mark(&bench, &reader, vec![one.clone(), one.clone()]).await, 2);
    assert_eq!(mark(&bench, &reader, vec![one.clone()]).await, 2);
    let seen = bench.notices(&reader).await.notices;
    let read: Vec<bool> = seen.iter().map(|notice| notice.read).collect();
    assert_eq!(read, [false, true, false]);
    let unread = page(&bench, &reader, true, "").await;
    assert!(unread.notices.iter().all(|notice| notice.notice_id != one));
    assert_eq!(unread.notices.len(), 2);

    assert_eq!(mark(&bench, &reader, Vec::new()).await, 0);
    bench.replied(&matter).await;
    assert_eq!(bench.notices(&reader).await.unread, 1);
    assert_eq!(page(&bench, &reader, true, "").await.notices.len(), 1);

    // Another person's notice is none of mine.
    let stranger = person(fresh());
    assert_eq!(mark(&bench, &stranger, vec![one]).await, 0);
    assert_eq!(bench.notices(&reader).await.unread, 1);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn each_clerk_of_an_office_reads_for_themselves() {
    let bench = bench().await;
    for _ in 0..3 {
        let matter = a_matter();
        bench.submitted(&matter).await;
        bench.assigned(&matter).await;
    }
    let (one, two) = (clerk(fresh(), OFFICE), clerk(fresh(), OFFICE));
    let first = bench.notices(&one).await.notices[0].notice_id.clone();
    assert_eq!(mark(&bench, &one, vec![first]).await, 2);
    assert_eq!(bench.notices(&two).await.unread, 3);
    assert_eq!(mark(&bench, &two, Vec::new()).await, 0);
    assert_eq!(bench.notices(&one).await.unread, 2);
    // Somebody of another office sees and marks nothing here.
    let other = clerk(fresh(), "110000-other");
    assert!(bench.notices(&other).await.notices.is_empty());
    assert_eq!(mark(&bench, &other, Vec::new()).await, 0);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_clerk_sees_their_own_notices_beside_those_of_the_office_page_by_page() {
    let bench = bench().await;
    let account_id = fresh();
    let reader = clerk(account_id, OFFICE);
    for _ in 0..3 {
        let matter = Matter { account_id: Some(account_id), ..a_matter() };
        bench.submitted(&matter).await;
        bench.assigned(&matter).await;
        bench.accepted(&matter).await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = page(&bench, &reader, false, &token).await;
        assert_eq!(page.unread, 6);
        seen.extend(page.notices.into_iter().map(|notice| notice.notice_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 6);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6);
    let token = page(&bench, &reader, false, "").await.next_page_token;
    let request = proto::ListNoticesRequest { page_token: token, ..Default::default() };
    let refused = bench.grpc.list_notices(by(&person(fresh()), request)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn the_count_of_what_is_unread_ends_at_a_hundred() {
    let bench = bench().await;
    let batch: Vec<_> = (0..120).map(|_| a_matter()).collect();
    let heard: Vec<_> =
        batch.iter().map(|matter| bench.event(matter.message_id, &matter.submission())).collect();
    bench.hear(&heard).await;
    for matter in &batch {
        bench.assigned(matter).await;
    }
    let reader = clerk(fresh(), OFFICE);
    assert_eq!(bench.notices(&reader).await.unread, 100);
    assert_eq!(mark(&bench, &reader, Vec::new()).await, 0);
}
