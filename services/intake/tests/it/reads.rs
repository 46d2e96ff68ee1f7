//! Reading texts, messages and receipts.

use liuyan_proto::liuyan::intake::v1::{
    BatchGetTextRequest, GetMessageRequest, GetReceiptRequest, NewMessage, Place,
    intake_service_server::IntakeService as _,
};
use tonic::Code;
use uuid::Uuid;

use crate::helpers::{
    Desk, a_message, a_submission, a_submission_of, as_caller, author_of, caller, reason,
    violations,
};
use crate::wishes::{a_mended_text, resubmit, return_it};

fn ask(message_ids: Vec<String>) -> BatchGetTextRequest {
    BatchGetTextRequest { message_ids, purpose: "screening".to_owned(), revisions: Vec::new() }
}

#[tokio::test]
async fn each_text_comes_in_the_revision_asked() {
    let desk = Desk::open().await;
    let (mended, other) = (desk.submitted().await, desk.submitted().await);
    return_it(&desk, mended, 1).await;
    resubmit(&desk, a_mended_text(mended)).await.unwrap();
    let reader = caller("moderation", &["text:read"]);
    let (mended, other) = (mended.to_string(), other.to_string());
    // The newest counts for whoever asks for none; a later one than there is, is not there.
    for (revisions, found) in [
        (vec![], vec![(&mended, 2), (&other, 1)]),
        (vec![1], vec![(&mended, 1), (&other, 1)]),
        (vec![2, 2], vec![(&mended, 2)]),
        (vec![0, 0], vec![(&mended, 2), (&other, 1)]),
        (vec![3, 1], vec![(&other, 1)]),
        (vec![u32::MAX, 1], vec![(&other, 1)]),
    ] {
        let request = BatchGetTextRequest {
            revisions: revisions.clone(),
            ..ask(vec![mended.clone(), other.clone()])
        };
        let answer = desk.grpc.batch_get_text(as_caller(&reader, request)).await.unwrap();
        let texts = answer.into_inner().texts;
        let given: Vec<_> = texts.iter().map(|text| (&text.message_id, text.revision)).collect();
        assert_eq!(given, found, "{revisions:?}");
    }
    let request = BatchGetTextRequest { revisions: vec![1, 1], ..ask(vec![mended.clone()]) };
    let refused = desk.grpc.batch_get_text(as_caller(&reader, request)).await.unwrap_err();
    assert_eq!(violations(&refused), [("revisions".to_owned(), "TOO_MANY_ENTRIES".to_owned())]);
}

#[tokio::test]
async fn texts_come_in_the_order_asked_without_those_that_are_not_there() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let place = Place { text: format!("Gate {n}"), location: None, public: n % 2 == 0 };
        let message =
            NewMessage { title: format!("Lamp {n} is out"), place: Some(place), ..a_message() };
        let taken = desk.submit(a_submission_of(message)).await.unwrap();
        ids.push(taken.receipt.unwrap().message_id);
    }
    ids.reverse();
    ids.insert(2, Uuid::nil().to_string());
    let reader = caller("moderation", &["text:read"]);
    let response = desk.grpc.batch_get_text(as_caller(&reader, ask(ids))).await.unwrap();
    let texts = response.into_inner().texts;
    let titles: Vec<_> = texts.iter().map(|text| text.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Lamp 4 is out", "Lamp 3 is out", "Lamp 2 is out", "Lamp 1 is out", "Lamp 0 is out"]
    );
    assert_eq!(
        (texts[0].place.as_str(), texts[0].place_public, texts[0].revision),
        ("Gate 4", true, 1)
    );
    assert!(!texts[1].place_public);
}

#[tokio::test]
async fn a_reading_is_bounded_and_has_a_purpose() {
    let desk = Desk::open().await;
    let reader = caller("moderation", &["text:read"]);
    let mut request = ask(vec![Uuid::nil().to_string(); 257]);
    request.purpose.clear();
    let refused = desk.grpc.batch_get_text(as_caller(&reader, request)).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [
            ("purpose".to_owned(), "FIELD_REQUIRED".to_owned()),
            ("message_ids".to_owned(), "TOO_MANY_ENTRIES".to_owned()),
        ]
    );
    let refused =
        desk.grpc.batch_get_text(as_caller(&reader, ask(vec!["7".to_owned()]))).await.unwrap_err();
    assert_eq!(violations(&refused), [("message_ids".to_owned(), "UUID_MALFORMED".to_owned())]);
}

#[tokio::test]
async fn a_message_is_for_its_author_and_operators_alone() {
    let desk = Desk::open().await;
    let (mine, theirs) = (desk.submitted().await, desk.submitted().await);
    let get = |who, id: Uuid| {
        desk.grpc.get_message(as_caller(&who, GetMessageRequest { message_id: id.to_string() }))
    };
    let message = get(author_of(mine), mine).await.unwrap().into_inner().message.unwrap();
    assert_eq!(message.text.unwrap().title, a_message().title);
    let refused = get(author_of(mine), theirs).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "OTHER_MESSAGE")
    );
    let operator = caller("operator", &["message:read"]);
    get(operator.clone(), theirs).await.unwrap();
    let refused = get(operator, Uuid::nil()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "MESSAGE_NOT_FOUND"));
}

#[tokio::test]
async fn a_receipt_is_given_again_byte_for_byte() {
    let desk = Desk::open().await;
    let given = desk.submit(a_submission()).await.unwrap().receipt.unwrap();
    let id: Uuid = given.message_id.parse().unwrap();
    let request = GetReceiptRequest { message_id: given.message_id.clone() };
    let again = desk.grpc.get_receipt(as_caller(&author_of(id), request)).await.unwrap();
    assert_eq!(again.into_inner().receipt.unwrap(), given);
}
