//! Subscriptions: made, changed, moved and ended by their owner alone.

use liuyan_proto::liuyan::feed::v1::{
    Clause, CommitCursorRequest, CreateSubscriptionRequest, DeleteSubscriptionRequest, EventFilter,
    GetSubscriptionRequest, ListSubscriptionsRequest, SeekSubscriptionRequest, Subscription,
    UpdateSubscriptionRequest, create_subscription_request::Start,
    feed_service_server::FeedService, seek_subscription_request::Place,
};
use tonic::{Code, Status};

use crate::helpers::{Case, House, by, house, house_with, reason};

impl House {
    pub(crate) async fn subscribe(
        &self,
        who: &str,
        request: CreateSubscriptionRequest,
    ) -> Result<Subscription, Status> {
        let answer = self.grpc.create_subscription(by(who, request)).await?;
        Ok(answer.into_inner().subscription.unwrap())
    }

    /// A subscription of everything from the beginning.
    pub(crate) async fn archive(&self, who: &str) -> Subscription {
        self.subscribe(who, wanted("archive", Start::Earliest(true))).await.unwrap()
    }

    pub(crate) async fn subscription(&self, who: &str, id: &str) -> Result<Subscription, Status> {
        let request = GetSubscriptionRequest { subscription_id: id.into() };
        let answer = self.grpc.get_subscription(by(who, request)).await?;
        Ok(answer.into_inner().subscription.unwrap())
    }

    async fn seek(&self, id: &str, place: Option<Place>) -> Result<Subscription, Status> {
        let request = SeekSubscriptionRequest { subscription_id: id.into(), place };
        let answer = self.grpc.seek_subscription(by("agency", request)).await?;
        Ok(answer.into_inner().subscription.unwrap())
    }

    async fn commit(&self, id: &str, cursor: &str) -> Result<Subscription, Status> {
        let request = CommitCursorRequest { subscription_id: id.into(), cursor: cursor.to_owned() };
        let answer = self.grpc.commit_cursor(by("agency", request)).await?;
        Ok(answer.into_inner().subscription.unwrap())
    }
}

pub(crate) fn wanted(id: &str, start: Start) -> CreateSubscriptionRequest {
    CreateSubscriptionRequest {
        subscription_id: id.into(),
        title: "Records office".into(),
        start: Some(start),
        ..Default::default()
    }
}

/// Puts three events of one case into the log.
pub(crate) async fn three_events(house: &House) -> Case {
    let mut case = Case::new();
    let said = [case.opened(), case.accepted(), case.replied()];
    house.routing.shows(case.view("a"));
    house.hear(&said).await;
    house.append().await;
    case
}

#[tokio::test]
async fn a_subscription_is_made_once_and_seen_by_its_owner_alone() {
    let house = house().await;
    three_events(&house).await;
    let made = house.archive("agency").await;
    assert_eq!((made.position, made.lag_events, made.parked_events), (0, 3, 0));
    assert_eq!(house.archive("agency").await, made, "the same again is the same");
    let other = CreateSubscriptionRequest {
        title: "Another".into(),
        ..wanted("archive", Start::Earliest(true))
    };
    let refused = house.subscribe("agency", other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::AlreadyExists, "SUBSCRIPTION_EXISTS".into())
    );

    let stranger = house.subscription("stranger", "archive").await.unwrap_err();
    assert_eq!(reason(&stranger), "SUBSCRIPTION_NOT_FOUND");
    let latest = house.subscribe("stranger", wanted("archive", Start::Latest(true))).await.unwrap();
    assert_eq!((latest.position, latest.lag_events), (3, 0), "names are each owner's own");
    assert_eq!(house.count("select sum(subscriptions) from subscribers").await, 2);
}

#[tokio::test]
async fn everything_wrong_with_a_subscription_is_told_at_once() {
    let house = house().await;
    let clause = Clause { event_types: vec!["nothing".into()], ..Default::default() };
    let request = CreateSubscriptionRequest {
        subscription_id: "A_1".into(),
        title: "x".repeat(101),
        filter: Some(EventFilter { any_of: vec![clause] }),
        read_mask: Some(prost_types::FieldMask { paths: vec!["secret".into()] }),
        start: Some(Start::Cursor("?".into())),
    };
    let refused = house.subscribe("agency", request).await.unwrap_err();
    let fields = crate::helpers::fields(&refused);
    assert_eq!(
        fields,
        [
            "cursor",
            "subscription_id",
            "title",
            "filter.any_of[0].event_types[0]",
            "read_mask.paths[0]"
        ]
    );
}

#[tokio::test]
async fn an_owner_has_so_many_and_no_more_also_when_all_are_made_at_once() {
    let house = house_with(|config| config.subscriptions_per_owner = 3).await;
    let each =
        (0..8).map(|at| {
            let house = &house;
            async move {
                house.subscribe("agency", wanted(&format!("sub-{at}"), Start::Latest(true))).await
            }
        });
    let made = futures::future::join_all(each).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3);
    let refused = made.iter().find_map(|made| made.as_ref().err()).unwrap();
    assert_eq!(reason(refused), "TOO_MANY_SUBSCRIPTIONS");
    assert_eq!(house.count("select count(*) from subscriptions").await, 3);

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListSubscriptionsRequest { page_size: 2, page_token };
        let page = house.grpc.list_subscriptions(by("agency", request)).await.unwrap().into_inner();
        listed.extend(page.subscriptions.into_iter().map(|it| it.subscription_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed.len(), 3);
    for subscription_id in listed {
        for _ in 0..2 {
            let request = DeleteSubscriptionRequest { subscription_id: subscription_id.clone() };
            house.grpc.delete_subscription(by("agency", request)).await.unwrap();
        }
    }
    assert_eq!(house.count("select count(*) from subscribers").await, 0);
}

#[tokio::test]
async fn a_change_keeps_the_place_and_needs_the_newest_etag() {
    let house = house().await;
    three_events(&house).await;
    let made = house.archive("agency").await;
    let change = |title: &str, etag: &str| UpdateSubscriptionRequest {
        subscription_id: "archive".into(),
        title: title.into(),
        etag: etag.into(),
        ..Default::default()
    };
    let put = house.grpc.update_subscription(by("agency", change("New", &made.etag))).await;
    let put = put.unwrap().into_inner().subscription.unwrap();
    assert_eq!((put.title.as_str(), put.position), ("New", made.position));
    assert_ne!(put.etag, made.etag);
    let late = house.grpc.update_subscription(by("agency", change("Old", &made.etag))).await;
    assert_eq!(reason(&late.unwrap_err()), "ETAG_MISMATCH");
}

#[tokio::test]
async fn a_commit_moves_on_only_and_a_seek_anywhere() {
    let house = house().await;
    three_events(&house).await;
    house.archive("agency").await;
    let cursor =
        |position| liuyan_feed::domain::cursor::Cursor::at(&house.app.head(), position).to_string();
    let moved = house.commit("archive", &cursor(2)).await.unwrap();
    assert_eq!((moved.position, moved.lag_events), (2, 1));
    assert_eq!(house.commit("archive", &cursor(1)).await.unwrap().position, 2);
    let ahead = house.commit("archive", &cursor(9)).await.unwrap_err();
    assert_eq!(reason(&ahead), "CURSOR_AHEAD");
    assert_eq!(reason(&house.commit("archive", "").await.unwrap_err()), "CURSOR_MALFORMED");

    assert_eq!(house.seek("archive", Some(Place::Earliest(true))).await.unwrap().position, 0);
    assert_eq!(house.seek("archive", Some(Place::Latest(true))).await.unwrap().position, 3);
    let back = house.seek("archive", Some(Place::Cursor(cursor(1)))).await.unwrap();
    assert_eq!(back.position, 1);
    let nowhere = house.seek("archive", None).await.unwrap_err();
    assert_eq!(crate::helpers::fields(&nowhere), ["place"]);
    assert_eq!(reason(&house.seek("nothing", None).await.unwrap_err()), "REQUEST_INVALID");
}
