//! Common problems: one answer for many, and each author alone.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::{
    common::v1::CaseState,
    routing::v1::{
        self as routing, CommonProblemState,
        common_problem_service_client::CommonProblemServiceClient,
        model_case_service_client::ModelCaseServiceClient,
    },
};
use tonic::Status;
use uuid::Uuid;

use crate::helpers::{House, Message, SOON, a_message, asks, reason, view};

type Problems = CommonProblemServiceClient<liuyan_kit::grpc::Channel>;

const ANSWER: &str = "The main pipe of the street is being replaced; the water is back on Friday.";

fn request_id() -> String {
    id::v7(testing::now()).to_string()
}

fn problems(house: &House, token: &str) -> Problems {
    CommonProblemServiceClient::new(house.board.channel_as("routing", token))
}

fn in_public(house: &House) -> Problems {
    CommonProblemServiceClient::new(house.board.channel("routing"))
}

fn supervisor(house: &House) -> String {
    house.official(&["case:read", "case:supervise"], &["130100"], &[])
}

fn a_grouping(case_ids: &[String]) -> routing::GroupCasesRequest {
    routing::GroupCasesRequest {
        request_id: request_id(),
        title: "No water in the old street".to_owned(),
        lead_office_id: "130102-g".to_owned(),
        case_ids: case_ids.to_vec(),
        reason: "The same pipe.".to_owned(),
        ..Default::default()
    }
}

fn more(problem_id: &str, case_ids: &[String]) -> routing::GroupCasesRequest {
    let (common_problem_id, title) = (problem_id.to_owned(), String::new());
    routing::GroupCasesRequest { common_problem_id, title, ..a_grouping(case_ids) }
}

async fn group(
    house: &House,
    token: &str,
    request: routing::GroupCasesRequest,
) -> Result<routing::CommonProblem, Status> {
    let answer = problems(house, token).group_cases(request).await?;
    Ok(answer.into_inner().common_problem.unwrap())
}

fn an_answer(problem_id: &str) -> routing::AnswerCommonProblemRequest {
    routing::AnswerCommonProblemRequest {
        request_id: request_id(),
        common_problem_id: problem_id.to_owned(),
        body: ANSWER.to_owned(),
        ..Default::default()
    }
}

async fn answer(
    house: &House,
    token: &str,
    problem_id: &str,
) -> Result<routing::CommonProblem, Status> {
    let answer = problems(house, token).answer_common_problem(an_answer(problem_id)).await?;
    Ok(answer.into_inner().common_problem.unwrap())
}

async fn object(house: &House, message_id: Uuid, case_id: &str) -> Result<(), Status> {
    let author = house.author(message_id);
    let (request_id, case_id) = (request_id(), case_id.to_owned());
    let request = routing::ObjectToGroupingRequest { request_id, case_id };
    problems(house, &author).object_to_grouping(request).await?;
    Ok(())
}

async fn get(problems: &mut Problems, id: &str) -> Result<routing::CommonProblem, Status> {
    let request = routing::GetCommonProblemRequest { common_problem_id: id.to_owned() };
    Ok(problems.get_common_problem(request).await?.into_inner().common_problem.unwrap())
}

/// A common problem that was answered and one that waits, with cases in them and one that left, and a
/// model case.
pub(crate) async fn busy(house: &House) {
    let (token, lead) = (supervisor(house), house.clerk("130102-g"));
    let (_, case_ids) = three(house).await;
    let answered = group(house, &token, a_grouping(&case_ids)).await.unwrap();
    let remove = asks!(UngroupCaseRequest, &case_ids[0], reason: "Another pipe.".to_owned());
    problems(house, &lead).ungroup_case(remove).await.unwrap();
    answer(house, &lead, &answered.common_problem_id).await.unwrap();
    let (_, waiting) = three(house).await;
    group(house, &token, a_grouping(&waiting)).await.unwrap();
    let editor = house.board.channel_as("routing", &house.token(&["directory:write"], &[]));
    let why = "Solved within a day.".to_owned();
    let put = routing::PutModelCaseRequest { case_id: case_ids[1].clone(), why, place: 1 };
    ModelCaseServiceClient::new(editor).put_model_case(put).await.unwrap();
}

/// Cases of two offices, two public ones and a private one.
async fn three(house: &House) -> (Vec<Message>, Vec<String>) {
    let messages =
        vec![a_message(), a_message().to("130104-g"), a_message().to("130104-g").private()];
    let mut case_ids = Vec::new();
    for message in &messages {
        case_ids.push(view(&house.a_case(message).await).case_id.clone());
    }
    (messages, case_ids)
}

#[tokio::test]
async fn one_answer_goes_into_the_history_of_each_and_each_keeps_its_clock_and_its_office() {
    let house = House::open().await;
    let (messages, case_ids) = three(&house).await;
    let before = house.case_of(messages[1].message_id).await;
    let lead = house.clerk("130102-g");
    // Whose cases they are, they alone group; the office that leads is theirs, too.
    let denied = group(&house, &lead, a_grouping(&case_ids)).await;
    assert!(["CASE_NOT_YOURS", "CASE_NOT_FOUND"].contains(&reason(denied).as_str()));
    let request = a_grouping(&case_ids);
    let made = group(&house, &supervisor(&house), request.clone()).await.unwrap();
    assert_eq!((made.cases, made.state()), (3, CommonProblemState::Open));
    assert_eq!(group(&house, &supervisor(&house), request).await.unwrap(), made, "asked again");
    let id = made.common_problem_id.clone();
    assert_eq!(
        get(&mut in_public(&house), &id).await.unwrap().cases,
        2,
        "of a private one none is told"
    );
    assert_eq!(get(&mut problems(&house, &lead), &id).await.unwrap().cases, 3);

    // Meanwhile nobody is answered alone; the office that leads reads them all.
    let alone = house.reply(&house.clerk("130104-g"), &case_ids[1], "Done here.").await;
    assert_eq!(reason(alone), "CASE_IN_COMMON_PROBLEM");
    assert!(house.get(&lead, messages[2].message_id).await.is_ok());
    let of_problem =
        routing::ListCasesRequest { common_problem_id: id.clone(), ..Default::default() };
    for (token, cases) in [(lead.clone(), 3), (house.clerk("130201-g"), 2)] {
        let listed = house.cases(&token).list_cases(of_problem.clone()).await.unwrap();
        assert_eq!(listed.into_inner().cases.len(), cases);
    }
    let other = answer(&house, &house.clerk("130104-g"), &id).await;
    assert_eq!(reason(other), "COMMON_PROBLEM_NOT_YOURS");
    let stale = routing::AnswerCommonProblemRequest { etag: "p0".to_owned(), ..an_answer(&id) };
    let stale = problems(&house, &lead).answer_common_problem(stale).await;
    assert_eq!(reason(stale), "ETAG_MISMATCH");
    let act = an_answer(&id);
    let request_id = act.request_id.clone();
    let answered = problems(&house, &lead).answer_common_problem(act).await.unwrap().into_inner();
    let answered = answered.common_problem.unwrap();
    assert_eq!((answered.state(), answered.cases), (CommonProblemState::Answered, 3));
    for (message, case_id) in messages.iter().zip(&case_ids) {
        let case = house.case_of(message.message_id).await;
        let reply = view(&case).replies.last().unwrap();
        assert_eq!((reply.office_id.as_str(), reply.body.as_str()), ("130102-g", ANSWER));
        assert_eq!(view(&case).common_problem_id, id);
        let said = house.story(case_id).await;
        assert!(said.iter().any(|it| it.starts_with("case-grouped")), "{said:?}");
    }
    let after = house.case_of(messages[1].message_id).await;
    assert_eq!(view(&after).deadline_at, view(&before).deadline_at);
    assert_eq!(view(&after).office_id, "130104-g");
    let said = testing::said::<routing::CaseReplied>(house.db()).await;
    assert!(said.iter().all(|it| it.event.common_problem_id == id) && said.len() == 3);
    let cause = |case: &routing::CaseRef| case.causation_id == request_id;
    assert!(said.iter().all(|it| it.event.case.as_ref().is_some_and(cause)), "all by one act");
    assert_eq!(reason(answer(&house, &lead, &id).await), "COMMON_PROBLEM_NOT_OPEN");
    let mut browsing = in_public(&house);
    let listed = browsing.list_common_problems(routing::ListCommonProblemsRequest::default()).await;
    let listed = listed.unwrap().into_inner().common_problems;
    assert_eq!((listed.len(), listed[0].body.as_str(), listed[0].etag.as_str()), (1, ANSWER, ""));
    // Each author rates alone.
    let reply_id = view(&after).replies[0].reply_id.clone();
    let rating = asks!(
        RateReplyRequest,
        &case_ids[1],
        reply_id: reply_id,
        resolution: 5,
        attitude: 5,
        speed: 5
    );
    house.cases(&house.author(messages[1].message_id)).rate_reply(rating).await.unwrap();
    assert_eq!(get(&mut in_public(&house), &id).await.unwrap().rated, 1);
    house.is_whole().await;
}

#[tokio::test]
async fn an_author_who_objects_is_worked_on_alone_again() {
    let house = House::open().await;
    let (messages, case_ids) = three(&house).await;
    let made = group(&house, &supervisor(&house), a_grouping(&case_ids)).await.unwrap();
    let id = made.common_problem_id;
    // Before the answer.
    object(&house, messages[0].message_id, &case_ids[0]).await.unwrap();
    let again = object(&house, messages[0].message_id, &case_ids[0]).await;
    assert_eq!(reason(again), "CASE_IN_NO_COMMON_PROBLEM");
    let stranger = object(&house, messages[0].message_id, &case_ids[1]).await;
    assert_eq!(reason(stranger), "MESSAGE_NOT_YOURS");
    let lead = house.clerk("130102-g");
    answer(&house, &lead, &id).await.unwrap();
    let alone = house.case_of(messages[0].message_id).await;
    assert!(view(&alone).replies.is_empty());
    // After it: the reply stays in the history, and the case is open again.
    object(&house, messages[1].message_id, &case_ids[1]).await.unwrap();
    let again = house.case_of(messages[1].message_id).await;
    assert_eq!((view(&again).state(), view(&again).replies.len()), (CaseState::Accepted, 1));
    assert_eq!(view(&again).common_problem_id, "");
    let own = house.reply(&house.clerk("130104-g"), &case_ids[1], "Your own tap is mended.").await;
    own.unwrap();
    let seen = get(&mut problems(&house, &lead), &id).await.unwrap();
    assert_eq!((seen.cases, seen.objected), (1, 2));
    let reopened = testing::said::<routing::CaseReopened>(house.db()).await;
    assert_eq!(reopened[0].event.cause, "objected");
    house.is_whole().await;
}

#[tokio::test]
async fn an_author_objects_until_fourteen_days_after_the_answer_and_asks_on_later() {
    let house = House::open().await;
    let (messages, case_ids) = three(&house).await;
    let made = group(&house, &supervisor(&house), a_grouping(&case_ids)).await.unwrap();
    house.advance_hours(30 * 24);
    object(&house, messages[0].message_id, &case_ids[0]).await.unwrap();
    let id = made.common_problem_id;
    answer(&house, &house.clerk("130102-g"), &id).await.unwrap();
    // Until when, its author is told, and nobody else.
    let until = async |token: &str, at: usize| {
        house.get(token, messages[at].message_id).await.unwrap().objectable_until
    };
    let author = |at: usize| house.author(messages[at].message_id);
    let told = until(&author(1), 1).await.unwrap();
    let answered = get(&mut in_public(&house), &id).await.unwrap().answered_at.unwrap();
    assert_eq!(told.seconds - answered.seconds, 14 * 86_400);
    for token in [house.clerk("130102-g"), author(2)] {
        assert_eq!(until(&token, 1).await, None);
    }
    assert_eq!(until(&author(0), 0).await, None, "it is in no common problem any more");
    house.advance_hours(14 * 24);
    object(&house, messages[1].message_id, &case_ids[1]).await.unwrap();
    house.advance_minutes(1);
    let before = house.case_of(messages[2].message_id).await;
    let late = object(&house, messages[2].message_id, &case_ids[2]).await;
    assert_eq!(reason(late), "OBJECTION_LATE");
    assert_eq!(house.case_of(messages[2].message_id).await, before, "nothing was done");
    let lead = house.clerk("130102-g");
    let seen = get(&mut problems(&house, &lead), &id).await.unwrap();
    assert_eq!((seen.cases, seen.objected), (1, 2));
    // Nobody is left with an answer that is not theirs: who asks on is answered alone.
    let reply_id = view(&before).replies[0].reply_id.clone();
    let ground = "not_answered".to_owned();
    let on = asks!(AskFollowUpRequest, &case_ids[2], reply_id: reply_id, ground: ground);
    house.cases(&house.author(messages[2].message_id)).ask_follow_up(on).await.unwrap();
    house.reply(&house.clerk("130104-g"), &case_ids[2], "Yours is another pipe.").await.unwrap();
    let alone = house.case_of(messages[2].message_id).await;
    assert_eq!(view(&alone).replies.len(), 2);
    house.is_whole().await;
}

#[tokio::test]
async fn what_accuses_what_is_answered_and_what_is_in_one_is_in_no_common_problem() {
    let house = House::open().await;
    let supervisor = supervisor(&house);
    let accusing = house.a_case(&a_message().accusing(&["130105-g"])).await;
    let accusing = view(&accusing).case_id.clone();
    let (_, case_ids) = three(&house).await;
    let refused = group(&house, &supervisor, a_grouping(&[accusing, case_ids[0].clone()])).await;
    assert_eq!(reason(refused), "CASE_ACCUSES");
    let hidden = house.a_case(&a_message().to("130104-g").accusing(&["130104-g"])).await;
    let hidden = view(&hidden).case_id.clone();
    let of_office = house.token(&["case:work"], &["130104-g"]);
    let refused = group(&house, &of_office, a_grouping(&[hidden, case_ids[1].clone()])).await;
    assert_eq!(reason(refused), "CASE_NOT_FOUND", "the accused never learn of it");
    let made = group(&house, &supervisor, a_grouping(&case_ids[..2])).await.unwrap();
    let id = made.common_problem_id;
    let twice = group(&house, &supervisor, more(&id, &case_ids[..1])).await;
    assert_eq!(reason(twice), "CASE_IN_COMMON_PROBLEM");
    let other = group(&house, &supervisor, a_grouping(&case_ids)).await;
    assert_eq!(reason(other), "CASE_IN_COMMON_PROBLEM");
    let beside = house.official(&["case:read", "case:supervise"], &["130200"], &[]);
    let beyond = group(&house, &beside, more(&id, &case_ids[2..])).await;
    assert_eq!(reason(beyond), "CASE_NOT_FOUND");
    for wrong in [
        routing::GroupCasesRequest { title: "x".to_owned(), ..a_grouping(&case_ids) },
        routing::GroupCasesRequest { reason: String::new(), ..a_grouping(&case_ids) },
        a_grouping(&case_ids[..1]),
        a_grouping(&["x".to_owned(), case_ids[2].clone()]),
    ] {
        assert_eq!(reason(group(&house, &supervisor, wrong).await), "REQUEST_INVALID");
    }
    let away = routing::GroupCasesRequest {
        lead_office_id: "110101-g".to_owned(),
        ..a_grouping(&[
            case_ids[2].clone(),
            view(&house.a_case(&a_message()).await).case_id.clone(),
        ])
    };
    assert_eq!(reason(group(&house, &supervisor, away).await), "COMMON_PROBLEM_NOT_YOURS");
    house.reply(&house.clerk("130104-g"), &case_ids[2], "Done.").await.unwrap();
    let late = group(&house, &supervisor, more(&id, &case_ids[2..])).await;
    assert_eq!(reason(late), "CASE_ALREADY_ANSWERED");
    house.is_whole().await;
}

#[tokio::test]
async fn withdrawal_and_erasure_leave_it_and_without_cases_it_is_dissolved() {
    let house = House::open().await;
    let (messages, case_ids) = three(&house).await;
    let made = group(&house, &supervisor(&house), a_grouping(&case_ids)).await.unwrap();
    let id = made.common_problem_id;
    house.wish_to_withdraw(messages[0].message_id).await;
    let remove = asks!(UngroupCaseRequest, &case_ids[2], reason: "Another pipe.".to_owned());
    let left = problems(&house, &house.clerk("130104-g")).ungroup_case(remove).await.unwrap();
    assert!(left.into_inner().common_problem.unwrap().cases <= 2);
    house.erase(messages[1].message_id).await;
    let lead = house.clerk("130102-g");
    let dissolved = testing::eventually("all have left", SOON, || async {
        let seen = get(&mut problems(&house, &lead), &id).await.ok()?;
        (seen.cases == 0).then_some(seen)
    })
    .await;
    assert_eq!(dissolved.state(), CommonProblemState::Dissolved);
    let gone = get(&mut in_public(&house), &id).await;
    assert_eq!(reason(gone), "COMMON_PROBLEM_NOT_FOUND");
    let causes: Vec<String> = testing::said::<routing::CaseUngrouped>(house.db())
        .await
        .into_iter()
        .map(|it| it.event.cause)
        .collect();
    assert_eq!(causes.len(), 3);
    assert_eq!(reason(answer(&house, &lead, &id).await), "COMMON_PROBLEM_NOT_OPEN");
    house.is_whole().await;
}

/// Whatever people do in whatever order, no case is in two, and all counts add up.
#[tokio::test]
async fn counts_add_up_whatever_people_do() {
    let house = House::open().await;
    let token = supervisor(&house);
    let (lead, mut messages, mut case_ids) = (house.clerk("130102-g"), vec![], vec![]);
    for _ in 0..8 {
        let message = a_message();
        case_ids.push(view(&house.a_case(&message).await).case_id.clone());
        messages.push(message);
    }
    let (mut made, mut chance) = (Vec::<String>::new(), 7_u64);
    for _ in 0..60 {
        // A fixed sequence without pattern: Knuth's multiplier.
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let roll = usize::try_from(chance >> 33).unwrap();
        let (at, next) = (roll % 8, (roll / 8) % 8);
        let known = made.get(roll % 3).cloned();
        match (roll / 64) % 5 {
            0 => {
                let two = [case_ids[at].clone(), case_ids[next].clone()];
                if let Ok(problem) = group(&house, &token, a_grouping(&two)).await {
                    made.push(problem.common_problem_id);
                }
            }
            1 => drop(
                group(&house, &token, more(&known.unwrap_or_default(), &case_ids[at..=at])).await,
            ),
            2 => drop(object(&house, messages[at].message_id, &case_ids[at]).await),
            3 => {
                let remove = asks!(UngroupCaseRequest, &case_ids[at], reason: "no".to_owned());
                drop(problems(&house, &token).ungroup_case(remove).await);
            }
            _ => {
                if let Some(id) = known.filter(|_| roll % 5 == 0) {
                    drop(answer(&house, &lead, &id).await);
                }
            }
        }
        let twice = "select count(*) from (select case_id from common_cases where left_at is null
                     group by case_id having count(*) > 1) doubled";
        assert_eq!(house.count(twice).await, 0);
    }
    assert!(
        !made.is_empty()
            && house.count("select count(*) from common_cases where left_at is not null").await > 0
    );
    house.is_whole().await;
}
