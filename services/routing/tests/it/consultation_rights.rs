//! Who may do what with a consultation, and who sees what of it.

use liuyan_proto::liuyan::routing::v1::{self as routing, ConsultationState};
use tonic::Status;
use uuid::Uuid;

use crate::{
    consultations::{a_plan, a_result, client, close, get, numbers, opened, public},
    helpers::{House, a_message, reason, view},
};

const OFFICE: &str = "130102-g";

/// All four ways in which somebody may try to change a consultation that is there.
async fn tries(house: &House, token: &str, id: Uuid) -> Vec<Result<(), Status>> {
    let mut theirs = client(house, token);
    let consultation_id = id.to_string();
    let put = routing::PutConsultationRequest {
        consultation_id: consultation_id.clone(),
        description: "Something else altogether is asked here.".to_owned(),
        ..a_plan()
    };
    let open = routing::OpenConsultationRequest {
        consultation_id: consultation_id.clone(),
        ..Default::default()
    };
    let close = routing::CloseConsultationRequest { consultation_id, ..Default::default() };
    vec![
        theirs.put_consultation(put).await.map(drop),
        theirs.open_consultation(open).await.map(drop),
        theirs.close_consultation(close).await.map(drop),
        theirs.publish_consultation(a_result(id, &[])).await.map(drop),
    ]
}

#[tokio::test]
async fn nobody_but_the_office_that_asks_those_above_it_and_editors_plans_changes_or_publishes() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let before = get(public(&house), id).await.unwrap();
    let beside = house.official(&["case:work"], &["130200"], &[]);
    let below = house.official(&["case:work"], &["130104"], &[]);
    for (token, why) in [
        (house.clerk("130104-g"), "CONSULTATION_NOT_YOURS"),
        (beside, "CONSULTATION_NOT_YOURS"),
        (below, "CONSULTATION_NOT_YOURS"),
        (house.token(&["case:read"], &[OFFICE]), "SCOPE_MISSING"),
        (house.author(Uuid::from_u128(7)), "SCOPE_MISSING"),
    ] {
        for tried in tries(&house, &token, id).await {
            assert_eq!(reason(tried), why);
        }
        let plan = client(&house, &token).put_consultation(a_plan()).await;
        assert_eq!(reason(plan), why, "nor plans one in the name of that office");
    }
    for tried in [
        public(&house).put_consultation(a_plan()).await.map(drop),
        public(&house).publish_consultation(a_result(id, &[])).await.map(drop),
    ] {
        assert_eq!(reason(tried), "TOKEN_MISSING");
    }
    assert_eq!(get(public(&house), id).await.unwrap(), before, "nothing was done");
    assert_eq!(house.count("select count(*) from consultations").await, 1);
    let above = house.official(&["case:work"], &["130100"], &[]);
    client(&house, &above).put_consultation(a_plan()).await.unwrap();
    let mut editor = client(&house, &house.token(&["directory:write"], &[]));
    let end =
        routing::CloseConsultationRequest { consultation_id: id.to_string(), ..Default::default() };
    editor.close_consultation(end).await.unwrap();
    let done = client(&house, &above).publish_consultation(a_result(id, &[])).await.unwrap();
    let done = done.into_inner().consultation.unwrap();
    assert_eq!(done.state(), ConsultationState::Published);
    house.is_whole().await;
}

#[tokio::test]
async fn an_office_asks_the_people_of_its_own_division_of_those_above_and_below_and_no_others() {
    let house = House::open().await;
    let asks = |division: &str| routing::PutConsultationRequest {
        division_code: division.to_owned(),
        ..a_plan()
    };
    let mut clerk = client(&house, &house.clerk(OFFICE));
    for beside in ["130104", "130200", "440000"] {
        let refused = clerk.put_consultation(asks(beside)).await;
        assert_eq!(reason(refused), "REQUEST_INVALID", "{beside}");
    }
    for near in ["130102", "130100", "130000"] {
        clerk.put_consultation(asks(near)).await.unwrap();
    }
    let mut city = client(&house, &house.clerk("130100-g"));
    let below =
        routing::PutConsultationRequest { office_id: "130100-g".to_owned(), ..asks("130104") };
    city.put_consultation(below).await.unwrap();
}

#[tokio::test]
async fn the_accused_and_strangers_see_of_a_consultation_what_is_public_and_no_more() {
    let house = House::open().await;
    let planned = a_plan();
    let draft: Uuid = planned.consultation_id.parse().unwrap();
    client(&house, &house.clerk(OFFICE)).put_consultation(planned).await.unwrap();
    let id = opened(&house, a_plan()).await;
    let (loud, quiet) = (a_message().numbered("N1"), a_message().numbered("N2").private());
    let accusing = a_message().numbered("N3").accusing(&[OFFICE]);
    for message in [&loud, &quiet, &accusing] {
        house.a_case(&message.clone().asked_by(id)).await;
    }
    let stranger = house.clerk("130104-g");
    assert_eq!(reason(get(client(&house, &stranger), draft).await), "CONSULTATION_NOT_FOUND");
    let of_draft = routing::ListConsultationMessagesRequest {
        consultation_id: draft.to_string(),
        ..Default::default()
    };
    let listed = client(&house, &stranger).list_consultation_messages(of_draft).await;
    assert_eq!(reason(listed), "CONSULTATION_NOT_FOUND");

    // The office that asks is accused by one of the messages: of that it is told nothing.
    let accused = house.clerk(OFFICE);
    assert_eq!(numbers(&house, id).await, ["N1"]);
    let own = routing::ListConsultationMessagesRequest {
        consultation_id: id.to_string(),
        ..Default::default()
    };
    let seen = client(&house, &accused).list_consultation_messages(own).await.unwrap();
    let seen: Vec<String> = seen.into_inner().cases.into_iter().map(|it| it.number).collect();
    assert_eq!(seen, ["N1"]);
    assert_eq!(get(client(&house, &accused), id).await.unwrap().messages, 1);
    let hidden = house.get(&accused, accusing.message_id).await;
    assert_eq!(reason(hidden), "CASE_NOT_FOUND");
    close(&house, id).await;
    let mut asking = client(&house, &accused);
    let told = asking.publish_consultation(a_result(id, &["N3"])).await.unwrap_err();
    let nobodys = asking.publish_consultation(a_result(id, &["N9"])).await.unwrap_err();
    assert_eq!(told.details(), nobodys.details(), "it is told as what is not there");
    asking.publish_consultation(a_result(id, &["N1", "N2"])).await.unwrap();

    // Whose message it is, they alone ask for their part.
    let part = |message_id: Uuid| routing::GetPartRequest { message_id: message_id.to_string() };
    for (token, why) in [
        (house.author(loud.message_id), "MESSAGE_NOT_YOURS"),
        (accused, "SCOPE_MISSING"),
        (house.operator(), "SCOPE_MISSING"),
    ] {
        let asked = client(&house, &token).get_part(part(quiet.message_id)).await;
        assert_eq!(reason(asked), why);
    }
    let asked = public(&house).get_part(part(quiet.message_id)).await;
    assert_eq!(reason(asked), "TOKEN_MISSING");
    let told = get(client(&house, &stranger), id).await.unwrap();
    assert_eq!((told.messages, told.statements[0].numbers.clone()), (1, vec!["N1".to_owned()]));
    assert!(told.etag.is_empty());
    let public_one = house.get_in_public(loud.message_id).await.unwrap();
    assert_eq!(view(&public_one).consultation_id, id.to_string());
}
