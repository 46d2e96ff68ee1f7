use liuyan_kit::testing;
use liuyan_proto::liuyan::common::v1::{CaseState, Outcome};

use crate::helpers::{House, SOON, a_message, an_acceptance, reason, view};

async fn settled(house: &House) {
    testing::eventually("the wish is settled", SOON, || async {
        let waiting = "select count(*) from withdrawals where state = 'waiting'";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn before_the_first_reply_the_case_ends_and_is_public_no_more() {
    let house = House::open().await;
    let message = a_message();
    let opened = house.a_case(&message).await;
    let accept = an_acceptance(&view(&opened).case_id);
    house.cases(&house.clerk("130102-g")).accept_case(accept).await.unwrap();
    house.advance_hours(5);
    house.wish_to_withdraw(message.message_id).await;
    settled(&house).await;
    let case = house.get(&house.author(message.message_id), message.message_id).await.unwrap();
    assert_eq!(view(&case).state(), CaseState::Closed);
    assert_eq!(view(&case).outcome(), Outcome::Withdrawn);
    assert!(!case.public);
    assert_eq!(view(&case).title, "", "its text is kept no longer");
    assert!(view(&case).custody[0].until.is_some());
    assert_eq!(reason(house.get_in_public(message.message_id).await), "CASE_NOT_FOUND");
    let story = house.story(&view(&opened).case_id).await;
    assert_eq!(
        story,
        [
            "case-opened r1 public",
            "case-assigned r1 public",
            "case-accepted r2 public",
            "case-closed r3 hidden"
        ]
    );
    let answers = "select count(*) from requests where response <> ''";
    assert_eq!(house.count(answers).await, 0, "nor is it in an answer that was kept");
    house.is_whole().await;
}

#[tokio::test]
async fn after_the_first_reply_it_is_refused() {
    let house = House::open().await;
    let message = a_message();
    let case = house.a_case(&message).await;
    house.reply(&house.clerk("130102-g"), &view(&case).case_id, "done").await.unwrap();
    house.wish_to_withdraw(message.message_id).await;
    settled(&house).await;
    let after = house.get_in_public(message.message_id).await.unwrap();
    assert_eq!(view(&after).state(), CaseState::Replied);
    let story = house.story(&view(&case).case_id).await;
    assert_eq!(story.last().unwrap(), "withdrawal-refused r3 public");
    assert_eq!(house.count("select count(*) from withdrawals where state = 'refused'").await, 1);
}

#[tokio::test]
async fn a_wish_before_the_approval_closes_the_case_as_it_opens() {
    let house = House::open().await;
    let message = a_message();
    house.wish_to_withdraw(message.message_id).await;
    house.approve(&message).await;
    let case = house.case_of(message.message_id).await;
    assert_eq!((view(&case).outcome(), case.public), (Outcome::Withdrawn, false));
    let story = house.story(&view(&case).case_id).await;
    assert_eq!(story, ["case-opened r1 hidden", "case-closed r2 hidden"]);
    assert_eq!(reason(house.get_in_public(message.message_id).await), "CASE_NOT_FOUND");
    assert_eq!(house.count("select count(*) from withdrawals where state = 'withdrawn'").await, 1);
}

#[tokio::test]
async fn a_wish_between_approval_and_opening_closes_the_case_as_it_opens() {
    let house = House::open().await;
    house.moderation.set_away(true);
    let message = a_message();
    house.approve(&message).await;
    house.wish_to_withdraw(message.message_id).await;
    house.moderation.set_away(false);
    let case = house.case_of(message.message_id).await;
    settled(&house).await;
    let case = house.get(&house.operator(), view(&case).message_id.parse().unwrap()).await.unwrap();
    assert_eq!((view(&case).outcome(), case.public), (Outcome::Withdrawn, false));
    assert_eq!(house.story(&view(&case).case_id).await.last().unwrap(), "case-closed r2 hidden");
}

#[tokio::test]
async fn a_tombstone_stays_when_moderation_withdraws_the_message() {
    let house = House::open().await;
    let message = a_message();
    house.wish_to_withdraw(message.message_id).await;
    house.moderation_withdraws(message.message_id).await;
    house.a_case(&a_message()).await;
    assert_eq!(house.count("select count(*) from withdrawals where state = 'waiting'").await, 1);
    assert_eq!(house.count("select count(*) from cases").await, 1);
}

#[tokio::test]
async fn what_waits_for_no_opening_is_looked_at_ever_more_rarely_and_settled_should_it_come() {
    let house = House::open().await;
    let message = a_message();
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    let put_off = |times: i64| {
        let house = &house;
        async move {
            let fewest = "select min(attempts)::bigint from (select attempts from withdrawals
                              union all select attempts from erasures) as waiting";
            testing::eventually("both are put off", SOON, || async {
                (house.count(fewest).await == times).then_some(())
            })
            .await;
        }
    };
    put_off(1).await;
    house.advance_minutes(1);
    put_off(2).await;
    for times in 3..12 {
        house.advance_hours(1);
        put_off(times).await;
    }
    house.advance_hours(24);
    put_off(12).await;
    house.approve(&message).await;
    let case = house.case_of(message.message_id).await;
    assert_eq!((view(&case).outcome(), case.public), (Outcome::Withdrawn, false));
    testing::eventually("all is settled", SOON, || async {
        let left = "select (select count(*) from withdrawals where state = 'waiting')
                         + (select count(*) from erasures where state = 'waiting')";
        (house.count(left).await == 0).then_some(())
    })
    .await;
    house.is_whole().await;
}

#[tokio::test]
async fn in_every_order_each_approved_message_has_one_case() {
    let house = House::open().await;
    for order in [["approve", "wish"], ["wish", "approve"]] {
        for public in [true, false] {
            let message = if public { a_message() } else { a_message().private() };
            for step in order {
                match step {
                    "approve" => house.approve(&message).await,
                    _ => house.wish_to_withdraw(message.message_id).await,
                }
            }
            house.case_of(message.message_id).await;
        }
    }
    settled(&house).await;
    let open = "select count(*) from openings o full join cases c using (message_id)
                where (o.state = 'done') is distinct from (c.case_id is not null)";
    assert_eq!(house.count(open).await, 0);
    let closed =
        "select count(*) from cases where outcome = 'withdrawn' and not public and not has_text";
    assert_eq!(house.count(closed).await, 4);
}
