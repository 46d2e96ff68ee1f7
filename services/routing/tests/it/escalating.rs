//! Reminders, missed deadlines, and telling those above: once each, whoever looks, and whenever.

use liuyan_kit::testing;
use liuyan_proto::liuyan::routing::v1 as routing;

use crate::helpers::{House, SOON, a_message, an_acceptance, asks, view};

async fn steps(house: &House, expected: i64) {
    testing::eventually("the steps are said", SOON, || async {
        (house.count("select count(*) from steps").await >= expected).then_some(())
    })
    .await;
    assert_eq!(house.count("select count(*) from steps").await, expected);
}

#[tokio::test]
async fn a_case_is_reminded_of_missed_and_told_to_those_above_once_each() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let answered = view(&house.a_case(&a_message()).await).case_id.clone();
    house.reply(&house.clerk("130102-g"), &answered, "It is done.").await.unwrap();
    assert_eq!(house.count("select count(*) from cases where step_due_at is null").await, 1);
    // Due on the 12th, a Friday: the reminder comes on the morning of the 10th.
    house.advance_hours(6 * 24);
    assert_eq!(house.count("select count(*) from steps").await, 0);
    house.advance_hours(24);
    steps(&house, 1).await;
    house.advance_hours(3 * 24);
    steps(&house, 2).await;
    house.advance_hours(10 * 24);
    steps(&house, 3).await;
    let story = house.story(&case_id).await;
    let expected = [
        "deadline-neared r1 public",
        "deadline-missed r1 public",
        "case-supervised r1 public",
        "case-escalated r1 public",
    ];
    assert_eq!(story[2..], expected);
    let said = testing::said::<routing::CaseSupervised>(house.db()).await;
    assert_eq!(
        (said[0].event.cause.as_str(), said[0].event.superior_office_id.as_str()),
        ("overdue", "130102-s")
    );
    let told = testing::said::<routing::CaseEscalated>(house.db()).await;
    assert_eq!((told.len(), told[0].event.superior_office_id.as_str()), (1, "130102-s"));
    house.is_whole().await;
}

#[tokio::test]
async fn after_a_long_sleep_many_replicas_say_each_step_once_and_in_order() {
    let house = House::open().await;
    for _ in 0..6 {
        house.a_case(&a_message()).await;
    }
    let replicas = [house.replica().await, house.replica().await, house.replica().await];
    house.advance_hours(60 * 24);
    let mut looks = Vec::new();
    for replica in replicas {
        looks.push(tokio::spawn(async move { replica.escalate().await.unwrap() }));
    }
    for look in looks {
        look.await.unwrap();
    }
    steps(&house, 18).await;
    let twice = "select count(*) from (
        select subject_id, type from messaging.outbox
        where type in ('liuyan.routing.v1.deadline-neared', 'liuyan.routing.v1.deadline-missed',
                       'liuyan.routing.v1.case-supervised')
        group by subject_id, type having count(*) <> 1) twice";
    assert_eq!(house.count(twice).await, 0);
    house.is_whole().await;
}

#[tokio::test]
async fn while_an_office_waits_for_the_author_no_deadline_is_missed() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    house.cases(&clerk).accept_case(an_acceptance(&case_id)).await.unwrap();
    let pause = asks!(PauseCaseRequest, &case_id, question: "Which building?".to_owned());
    house.cases(&clerk).pause_case(pause).await.unwrap();
    house.advance_hours(30 * 24);
    assert_eq!(house.replica().await.escalate().await.unwrap(), 0);
    let clerk = house.clerk("130102-g");
    let resume = asks!(ResumeCaseRequest, &case_id);
    house.cases(&clerk).resume_case(resume).await.unwrap();
    assert_eq!(house.replica().await.escalate().await.unwrap(), 0);
    house.advance_hours(30 * 24);
    steps(&house, 3).await;
}

#[tokio::test]
async fn what_was_overdue_when_it_came_from_another_system_is_not_reminded_of() {
    let house = House::open().await;
    let case = house.a_case(&a_message().written_at("2019-03-04T09:00:00+08")).await;
    assert_eq!(house.count("select count(*) from cases where step_due_at is not null").await, 0);
    // Nor when it is worked on here.
    let acceptance = an_acceptance(&view(&case).case_id);
    house.cases(&house.clerk("130102-g")).accept_case(acceptance).await.unwrap();
    assert_eq!(house.count("select count(*) from cases where step_due_at is not null").await, 0);
}
