//! What authors are told of the result of the consultation to which they wrote.

use liuyan_kit::{messaging::Delivered, testing};
use liuyan_proto::liuyan::routing::v1::{self as routing, Uptake};
use uuid::Uuid;

use crate::{
    consultations::{a_plan, a_result, client, close, opened},
    helpers::{House, Message, SOON, a_message, reason, view},
};

const OFFICE: &str = "130102-g";

type Said = Delivered<routing::ResultTold>;

/// Waits until so much was told, and gives it.
pub(crate) async fn are_told(house: &House, times: usize) -> Vec<Said> {
    testing::eventually("the authors are told", SOON, || async {
        let said = testing::said::<routing::ResultTold>(house.db()).await;
        let left = "select count(*) from consultations
                    where stage = 'published' and told_through < changes";
        (said.len() >= times && house.count(left).await == 0).then_some(said)
    })
    .await
}

async fn publish(house: &House, result: routing::PublishConsultationRequest) {
    client(house, &house.clerk(OFFICE)).publish_consultation(result).await.unwrap();
}

/// What the author of a message was told, in order.
fn told_of(said: &[Said], message: &Message) -> Vec<String> {
    let id = message.message_id.to_string();
    let of = said.iter().filter(|it| it.event.case.as_ref().is_some_and(|it| it.message_id == id));
    of.map(|it| it.event.uptake.clone()).collect()
}

/// A result of which the first statement takes up some messages, and the second does not others.
fn weighing(id: Uuid, taken: &[&str], not: &[&str]) -> routing::PublishConsultationRequest {
    let mut result = a_result(id, taken);
    result.statements[1].numbers = not.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(result.statements[1].uptake(), Uptake::Not);
    result
}

#[tokio::test]
async fn each_author_is_told_once_what_the_result_makes_of_their_message() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let [taken, mixed, silent, gone, other] = ["N1", "N2", "N3", "N4", "N5"].map(|number| {
        let message = a_message().numbered(number);
        match number {
            "N2" => message.private().asked_by(id),
            "N3" => message.accusing(&[OFFICE]).asked_by(id),
            "N5" => message,
            _ => message.asked_by(id),
        }
    });
    for message in [&taken, &mixed, &silent, &gone, &other] {
        house.a_case(message).await;
    }
    house.wish_to_withdraw(gone.message_id).await;
    testing::eventually("it is withdrawn", SOON, || async {
        let waiting = "select count(*) from withdrawals where state = 'waiting'";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
    close(&house, id).await;
    let before = house.case_of(taken.message_id).await;
    publish(&house, weighing(id, &["N1", "N2"], &["N2"])).await;
    let said = are_told(&house, 3).await;
    assert_eq!(told_of(&said, &taken), ["taken"]);
    assert_eq!(told_of(&said, &mixed), ["partly"], "the statements say different things");
    assert_eq!(told_of(&said, &silent), [""], "nothing speaks of it, and its author hears that");
    assert_eq!(said.len(), 3, "neither who withdrew nor whoever wrote of something else");
    assert!(said.iter().all(|it| it.event.consultation_id == id.to_string()));
    assert!(said.iter().all(|it| it.event.office_id == OFFICE));
    assert_eq!(house.case_of(taken.message_id).await, before, "nothing of the case changes");
    let published = testing::said::<routing::ConsultationPublished>(house.db()).await;
    let trace = |traceparent: &Option<String>| traceparent.as_ref().map(|it| it[..35].to_owned());
    let cause = trace(&published[0].traceparent);
    assert!(cause.is_some() && said.iter().all(|it| trace(&it.traceparent) == cause));
    for replica in [house.replica().await, house.replica().await] {
        assert_eq!(replica.tell_results().await.unwrap(), 0, "there is nothing left to tell");
    }
    house.is_whole().await;
}

#[tokio::test]
async fn a_correction_is_told_to_those_alone_of_whose_messages_it_makes_something_else() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let (one, two) = (a_message().numbered("N1"), a_message().numbered("N2"));
    for message in [&one, &two] {
        house.a_case(&message.clone().asked_by(id)).await;
    }
    close(&house, id).await;
    publish(&house, weighing(id, &["N1"], &["N2"])).await;
    are_told(&house, 2).await;
    publish(&house, weighing(id, &["N1"], &[])).await;
    let said = are_told(&house, 3).await;
    assert_eq!((told_of(&said, &one).len(), told_of(&said, &two).len()), (1, 2));
    assert_eq!(told_of(&said, &two), ["not", ""]);
    publish(&house, weighing(id, &["N1"], &[])).await;
    assert_eq!(are_told(&house, 3).await.len(), 3, "the same again is no news");
    house.is_whole().await;
}

#[tokio::test]
async fn whose_case_is_opened_after_the_result_is_told_then() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let (early, late) = (a_message().numbered("N1"), a_message().numbered("N2"));
    house.a_case(&early.clone().asked_by(id)).await;
    close(&house, id).await;
    publish(&house, weighing(id, &["N1"], &[])).await;
    are_told(&house, 1).await;
    let case = house.a_case(&late.clone().asked_by(id)).await;
    let said = are_told(&house, 2).await;
    assert_eq!(told_of(&said, &late), [""]);
    let told = said.last().unwrap().event.case.clone().unwrap();
    assert_eq!((told.case_id, told.revision), (view(&case).case_id.clone(), view(&case).revision));
    house.is_whole().await;
}

#[tokio::test]
async fn any_number_of_replicas_tell_each_author_once() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let messages: Vec<Message> = (0..6).map(|_| a_message().asked_by(id)).collect();
    for message in &messages {
        house.approve(message).await;
    }
    for message in &messages {
        house.case_of(message.message_id).await;
    }
    close(&house, id).await;
    publish(&house, weighing(id, &[], &[])).await;
    let replicas = [house.replica().await, house.replica().await, house.replica().await];
    let rounds = replicas.map(|replica| {
        tokio::spawn(async move { while replica.tell_results().await.unwrap() > 0 {} })
    });
    for round in rounds {
        round.await.unwrap();
    }
    let said = are_told(&house, messages.len()).await;
    assert!(messages.iter().all(|message| told_of(&said, message).len() == 1));
    house.is_whole().await;
}

#[tokio::test]
async fn what_its_author_had_erased_is_cited_by_no_result_and_nobody_is_told_of_it() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let (kept, erased) = (a_message().numbered("N1"), a_message().numbered("N2"));
    for message in [&kept, &erased] {
        let case = house.a_case(&message.clone().asked_by(id)).await;
        house.reply(&house.clerk(OFFICE), &view(&case).case_id, "We think of it").await.unwrap();
    }
    house.erase(erased.message_id).await;
    testing::eventually("it is erased", SOON, || async {
        let waiting = "select count(*) from erasures where state = 'waiting'";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
    close(&house, id).await;
    let citing = weighing(id, &["N1"], &["N2"]);
    let citing = client(&house, &house.clerk(OFFICE)).publish_consultation(citing).await;
    assert_eq!(reason(citing), "REQUEST_INVALID");
    publish(&house, weighing(id, &["N1"], &[])).await;
    let said = are_told(&house, 1).await;
    assert_eq!((told_of(&said, &kept).len(), said.len()), (1, 1));
    house.is_whole().await;
}
