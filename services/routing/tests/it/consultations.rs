//! Consultations: planned, opened, collected, published, and what everybody learns of them.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, ConsultationState, Uptake,
    consultation_service_client::ConsultationServiceClient,
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::helpers::{House, a_message, reason, view};

pub(crate) type Consultations = ConsultationServiceClient<liuyan_kit::grpc::Channel>;

const OFFICE: &str = "130102-g";

pub(crate) fn client(house: &House, token: &str) -> Consultations {
    ConsultationServiceClient::new(house.board.channel_as("routing", token))
}

pub(crate) fn public(house: &House) -> Consultations {
    ConsultationServiceClient::new(house.board.channel("routing"))
}

pub(crate) fn a_plan() -> routing::PutConsultationRequest {
    routing::PutConsultationRequest {
        consultation_id: id::v7(testing::now()).to_string(),
        office_id: OFFICE.to_owned(),
        domain: "6".to_owned(),
        question: "Where are trees to be planted?".to_owned(),
        description: "The city has room for a thousand trees.".to_owned(),
        from_on: "2026-06-03".to_owned(),
        until_on: "2026-06-10".to_owned(),
        ..Default::default()
    }
}

pub(crate) async fn opened(house: &House, plan: routing::PutConsultationRequest) -> Uuid {
    let mut clerk = client(house, &house.clerk(OFFICE));
    let consultation_id = plan.consultation_id.clone();
    clerk.put_consultation(plan).await.unwrap();
    let open = routing::OpenConsultationRequest {
        consultation_id: consultation_id.clone(),
        ..Default::default()
    };
    clerk.open_consultation(open).await.unwrap();
    consultation_id.parse().unwrap()
}

pub(crate) async fn close(house: &House, id: Uuid) -> routing::Consultation {
    let close =
        routing::CloseConsultationRequest { consultation_id: id.to_string(), ..Default::default() };
    let closed = client(house, &house.clerk(OFFICE)).close_consultation(close).await;
    closed.unwrap().into_inner().consultation.unwrap()
}

pub(crate) fn a_result(id: Uuid, numbers: &[&str]) -> routing::PublishConsultationRequest {
    let statement = |uptake: Uptake, what: &str, numbers: &[&str]| routing::Statement {
        uptake: uptake.into(),
        what: what.to_owned(),
        taken_up_by: "The plan for green places".to_owned(),
        numbers: numbers.iter().map(|it| (*it).to_owned()).collect(),
    };
    routing::PublishConsultationRequest {
        consultation_id: id.to_string(),
        summary: "Many wish for trees along the river.".to_owned(),
        statements: vec![
            statement(Uptake::Taken, "Trees along the river", numbers),
            statement(Uptake::Not, "No trees at all: they are wished for", &[]),
        ],
        ..Default::default()
    }
}

pub(crate) async fn published(house: &House, id: Uuid, numbers: &[&str]) -> routing::Consultation {
    close(house, id).await;
    let clerk = house.clerk(OFFICE);
    let result = client(house, &clerk).publish_consultation(a_result(id, numbers)).await;
    result.unwrap().into_inner().consultation.unwrap()
}

/// A consultation with a result that speaks of two of its messages, and one that is open.
pub(crate) async fn busy(house: &House) {
    let id = opened(house, a_plan()).await;
    for number in ["N81", "N82"] {
        house.a_case(&a_message().numbered(number).asked_by(id)).await;
    }
    published(house, id, &["N81", "N82"]).await;
    opened(house, a_plan()).await;
}

pub(crate) async fn get(
    mut as_of: Consultations,
    id: Uuid,
) -> Result<routing::Consultation, tonic::Status> {
    let request = routing::GetConsultationRequest { consultation_id: id.to_string() };
    Ok(as_of.get_consultation(request).await?.into_inner().consultation.unwrap())
}

pub(crate) async fn numbers(house: &House, id: Uuid) -> Vec<String> {
    let request = routing::ListConsultationMessagesRequest {
        consultation_id: id.to_string(),
        ..Default::default()
    };
    let answer = public(house).list_consultation_messages(request).await.unwrap().into_inner();
    answer.cases.into_iter().map(|case| case.number).collect()
}

async fn part(house: &House, message_id: Uuid) -> routing::GetPartResponse {
    let request = routing::GetPartRequest { message_id: message_id.to_string() };
    client(house, &house.author(message_id)).get_part(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_consultation_goes_from_its_question_to_what_was_taken_up() {
    let house = House::open().await;
    let plan = a_plan();
    let id: Uuid = plan.consultation_id.parse().unwrap();
    let clerk = house.clerk(OFFICE);
    let planned = client(&house, &clerk).put_consultation(plan.clone()).await.unwrap();
    let planned = planned.into_inner().consultation.unwrap();
    assert_eq!(planned.state(), ConsultationState::Draft);
    assert_eq!(reason(get(public(&house), id).await), "CONSULTATION_NOT_FOUND", "it is planned");
    assert_eq!(get(client(&house, &clerk), id).await.unwrap().etag, planned.etag);
    opened(&house, plan).await;
    let open = get(public(&house), id).await.unwrap();
    assert!(open.takes_messages && open.etag.is_empty());

    let (loud, quiet) = (a_message().numbered("N1"), a_message().numbered("N2").private());
    let (accusing, other) =
        (a_message().numbered("N3").accusing(&[OFFICE]), a_message().numbered("N4"));
    let case = house.a_case(&loud.clone().asked_by(id)).await;
    assert_eq!(view(&case).consultation_id, id.to_string());
    house.a_case(&quiet.clone().asked_by(id)).await;
    house.a_case(&accusing.clone().asked_by(id)).await;
    house.a_case(&other).await;
    assert_eq!(numbers(&house, id).await, ["N1"]);
    let told = testing::said::<routing::CaseOpened>(house.db()).await;
    assert_eq!(told.iter().filter(|it| it.event.consultation_id == id.to_string()).count(), 3);

    let early = client(&house, &clerk).publish_consultation(a_result(id, &["N1"])).await;
    assert_eq!(reason(early), "CONSULTATION_NOT_OVER");
    assert_eq!(close(&house, id).await.state(), ConsultationState::Closed);
    for wrong in [["N1", "N3"], ["N1", "N4"]] {
        let wrong = client(&house, &clerk).publish_consultation(a_result(id, &wrong)).await;
        assert_eq!(reason(wrong), "REQUEST_INVALID", "neither of others nor of who accuses");
    }
    let result = client(&house, &clerk).publish_consultation(a_result(id, &["N1", "N2"])).await;
    let result = result.unwrap().into_inner().consultation.unwrap();
    assert_eq!(result.state(), ConsultationState::Published);
    assert_eq!(result.statements[0].numbers, ["N1"], "what is private is told to its author alone");
    for message in [&loud, &quiet] {
        let part = part(&house, message.message_id).await;
        assert_eq!(part.statements, [0]);
        assert_eq!(part.consultation.unwrap().question, "Where are trees to be planted?");
    }
    assert!(part(&house, accusing.message_id).await.statements.is_empty());
    assert!(part(&house, other.message_id).await.consultation.is_none());
    let stranger = client(&house, &house.author(other.message_id));
    let request = routing::GetPartRequest { message_id: loud.message_id.to_string() };
    assert_eq!(reason({ stranger }.get_part(request).await), "MESSAGE_NOT_YOURS");

    let corrected = client(&house, &clerk).publish_consultation(a_result(id, &["N2"])).await;
    let corrected = corrected.unwrap().into_inner().consultation.unwrap();
    assert!(corrected.corrected_at.is_some() && corrected.statements[0].numbers.is_empty());
    assert_eq!(testing::said::<routing::ConsultationPut>(house.db()).await.len(), 4);
    assert_eq!(testing::said::<routing::ConsultationPublished>(house.db()).await.len(), 2);
    house.is_whole().await;
}

#[tokio::test]
async fn only_the_office_that_asks_and_editors_change_a_consultation() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let request = || routing::CloseConsultationRequest {
        consultation_id: id.to_string(),
        ..Default::default()
    };
    let mut stranger = client(&house, &house.clerk("130104-g"));
    assert_eq!(reason(stranger.close_consultation(request()).await), "CONSULTATION_NOT_YOURS");
    let theirs = routing::PutConsultationRequest {
        consultation_id: id.to_string(),
        office_id: "130104-g".to_owned(),
        ..a_plan()
    };
    assert_eq!(reason(stranger.put_consultation(theirs).await), "CONSULTATION_NOT_YOURS");
    assert_eq!(reason(stranger.put_consultation(a_plan()).await), "CONSULTATION_NOT_YOURS");
    assert_eq!(reason(public(&house).close_consultation(request()).await), "TOKEN_MISSING");
    let lost = routing::CloseConsultationRequest { etag: "q1".to_owned(), ..request() };
    let mut editor = client(&house, &house.token(&["directory:write"], &[]));
    assert_eq!(reason(editor.close_consultation(lost).await), "ETAG_MISMATCH");
    editor.close_consultation(request()).await.unwrap();
    let late = routing::PutConsultationRequest { consultation_id: id.to_string(), ..a_plan() };
    assert_eq!(reason(editor.put_consultation(late).await), "CONSULTATION_OVER");
    let nobodys = routing::CloseConsultationRequest {
        consultation_id: Uuid::nil().to_string(),
        ..Default::default()
    };
    assert_eq!(reason(editor.close_consultation(nobodys).await), "CONSULTATION_NOT_FOUND");
}

#[tokio::test]
async fn a_consultation_is_over_with_its_last_day_and_lists_say_so() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let planned = client(&house, &house.clerk(OFFICE)).put_consultation(a_plan()).await;
    planned.unwrap();
    let listed = |own: bool, state: ConsultationState, division: &str, token: String| {
        let request = routing::ListConsultationsRequest {
            own,
            state: state.into(),
            division_code: division.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let mut client = client(&house, &token);
        async move {
            let first = client.list_consultations(request.clone()).await.unwrap().into_inner();
            let page_token = first.next_page_token;
            let mut all = first.consultations;
            if !page_token.is_empty() {
                let request = routing::ListConsultationsRequest { page_token, ..request };
                let next = client.list_consultations(request).await.unwrap().into_inner();
                all.extend(next.consultations);
            }
            all.len()
        }
    };
    let any = ConsultationState::Unspecified;
    let (clerk, other) = (house.clerk(OFFICE), house.clerk("130104-g"));
    assert_eq!(listed(false, any, "", clerk.clone()).await, 2, "planned ones of their own, too");
    assert_eq!(listed(false, any, "", other.clone()).await, 1);
    assert_eq!(listed(true, any, "", other.clone()).await, 0);
    assert_eq!(listed(false, any, "130102", other.clone()).await, 1);
    assert_eq!(listed(false, any, "440000", other.clone()).await, 0);
    assert_eq!(listed(false, ConsultationState::Open, "", other.clone()).await, 1);
    house.clock.advance(jiff::SignedDuration::from_hours(24 * 8));
    let over = get(public(&house), id).await.unwrap();
    assert_eq!((over.state(), over.takes_messages), (ConsultationState::Closed, false));
    let other = house.clerk("130104-g");
    assert_eq!(listed(false, ConsultationState::Open, "", other.clone()).await, 0);
    assert_eq!(listed(false, ConsultationState::Closed, "", other).await, 1);
    let clerk = house.clerk(OFFICE);
    client(&house, &clerk).publish_consultation(a_result(id, &[])).await.unwrap();
}

#[tokio::test]
async fn an_erased_message_leaves_the_result() {
    let house = House::open().await;
    let id = opened(&house, a_plan()).await;
    let message = a_message().numbered("N1").asked_by(id);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let clerk = house.clerk(OFFICE);
    house.reply(&clerk, &case_id, "It is in the plan.").await.unwrap();
    published(&house, id, &["N1"]).await;
    house.erase(message.message_id).await;
    testing::eventually("nothing is left of it", crate::helpers::SOON, || async {
        let cited = "select count(*) from consultation_citations";
        (house.count(cited).await == 0).then_some(())
    })
    .await;
    let told = get(public(&house), id).await.unwrap();
    assert_eq!((told.messages, told.statements[0].numbers.len()), (0, 0));
    house.is_whole().await;
}

#[tokio::test]
async fn an_office_that_is_no_more_neither_plans_nor_opens_but_what_it_asked_comes_to_an_end() {
    let house = House::open().await;
    let (planned, id) = (a_plan(), opened(&house, a_plan()).await);
    let mut clerk = client(&house, &house.clerk(OFFICE));
    clerk.put_consultation(planned.clone()).await.unwrap();
    let asked = routing::GetDivisionRequest { code: "130102".to_owned() };
    let found = house.directory().get_division(asked).await.unwrap().into_inner();
    let valid_until = "2026-05-31".to_owned();
    let ended = routing::Division { valid_until, ..found.division.unwrap() };
    let put = routing::PutDivisionRequest { division: Some(ended) };
    house.editor().put_division(put).await.unwrap();
    let open = routing::OpenConsultationRequest {
        consultation_id: planned.consultation_id.clone(),
        ..Default::default()
    };
    let opened = routing::PutConsultationRequest { consultation_id: id.to_string(), ..a_plan() };
    for plan in [a_plan(), planned, opened] {
        let refused = clerk.put_consultation(plan).await.unwrap_err();
        let told = refused.get_details_bad_request().unwrap().field_violations;
        let told: Vec<_> = told.iter().map(|it| (it.field.as_str(), it.reason.as_str())).collect();
        assert_eq!(told, [("office_id", "OFFICE_EXPIRED")]);
    }
    assert_eq!(reason(clerk.open_consultation(open).await), "OFFICE_EXPIRED");
    published(&house, id, &[]).await;
    house.is_whole().await;
}
