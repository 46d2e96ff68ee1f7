//! An object that cannot be read holds up nothing but what it is needed for.

use std::sync::Arc;

use jiff::SignedDuration;
use liuyan_kit::clock::ManualClock;
use liuyan_proto::liuyan::feed::v1::ListEventsRequest;

use crate::helpers::{Case, House, house_with, now};

/// A feed whose stretches are of two events and become objects at once.
async fn small() -> House {
    house_with(|config| {
        config.stretch_events = 2;
        config.export_after_days = 0;
        config.recent_events = 0;
    })
    .await
}

/// Cases with one event each, which are one stretch.
async fn two_cases(house: &House) -> (Case, Case) {
    let (mut one, mut other) = (Case::new(), Case::new());
    let said = [one.opened(), other.opened()];
    house.routing.shows(one.view("one"));
    house.routing.shows(other.view("other"));
    house.hear(&said).await;
    house.append().await;
    (one, other)
}

/// The object of the stretch that begins at a position: its name, and what it holds.
async fn object_of(house: &House, first: i64) -> (String, Vec<u8>) {
    let wanted = format!("log/{first:012}-");
    house.packed().await.into_iter().find(|(name, _)| name.starts_with(&wanted)).unwrap()
}

#[tokio::test]
async fn a_damaged_object_holds_up_neither_later_stretches_nor_other_cases() {
    let mut house = small().await;
    let clock = ManualClock::at(now());
    house.app.clock = Arc::clone(&clock) as _;
    let (mut broken, _) = two_cases(&house).await;
    let (mut sound, _) = two_cases(&house).await;
    clock.advance(SignedDuration::from_secs(1));
    house.export().await;
    let (name, whole) = object_of(&house, 1).await;
    house.damage(&name, Some(b"nothing of the kind")).await;

    // Both are taken back. The one whose events cannot be read waits, the other goes on.
    house.routing.hides(&broken);
    house.routing.hides(&sound);
    house.hear(&[broken.withdrawn(), sound.withdrawn()]).await;
    house.append().await;
    assert_eq!(house.count("select count(*) from log").await, 5);
    assert_eq!(house.count("select count(*) from pending").await, 1);
    let told = house.app.troubles.told().unwrap();
    assert!(told.starts_with(&format!("the case {}: ", broken.id)), "{told}");

    // It is mended, and lost before what was taken back is out of it.
    house.damage(&name, Some(&whole)).await;
    house.append().await;
    assert_eq!(house.app.troubles.told(), None);
    house.damage(&name, None).await;
    clock.advance(SignedDuration::from_secs(1));
    house.export().await;
    let done = "select count(*) from stretches where rewritten = 0 and object is not null";
    assert_eq!(house.count(done).await, 2, "the second was written anew, the third has become one");
    let told = house.app.troubles.told().unwrap();
    assert!(told.starts_with("the stretch from 1 on: "), "{told}");

    // Its readers are told, and it rests; then it is tried again.
    assert!(house.list(ListEventsRequest::default()).await.is_err());
    house.damage(&name, Some(&whole)).await;
    house.export().await;
    assert!(house.app.troubles.told().is_some(), "it rests");
    clock.advance(SignedDuration::from_mins(6));
    house.export().await;
    assert_eq!(house.app.troubles.told(), None);
    assert_eq!(house.count("select count(*) from stretches where rewritten > 0").await, 0);
}
