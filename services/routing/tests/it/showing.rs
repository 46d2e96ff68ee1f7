//! What is shown beside single cases: days of lists, model cases, precedents, and how offices are rated.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, DayOf, model_case_service_client::ModelCaseServiceClient,
};

use crate::helpers::{House, SOON, a_message, asks, reason, view};

fn days(from: &str, until: &str, of: DayOf) -> routing::ListCasesRequest {
    routing::ListCasesRequest {
        from_on: from.to_owned(),
        until_on: until.to_owned(),
        day_of: of.into(),
        page_size: 2,
        ..Default::default()
    }
}

async fn listed(house: &House, request: &routing::ListCasesRequest) -> Vec<String> {
    let (mut request, mut numbers) = (request.clone(), Vec::new());
    loop {
        let page = house.public_cases().list_cases(request.clone()).await.unwrap().into_inner();
        numbers.extend(page.cases.iter().map(|case| view(case).number.clone()));
        if page.next_page_token.is_empty() {
            return numbers;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn lists_and_searches_are_of_days_in_china() {
    let house = House::open().await;
    for (number, at) in [
        ("A", "2026-05-31T23:59:59+08"),
        ("B", "2026-06-01T00:00:00+08"),
        ("C", "2026-06-01T23:59:59.999999+08"),
        ("D", "2026-06-02T00:00:00+08"),
    ] {
        let message = a_message().numbered(number).titled("暖气不热").written_at(at);
        let case = house.a_case(&message).await;
        if number != "B" {
            let historical = liuyan_proto::liuyan::common::v1::Historical {
                occurred_at: Some(liuyan_kit::clock::to_proto(
                    "2026-06-02T20:00:00+08".parse().unwrap(),
                )),
            };
            let replied = routing::ReplyToCaseRequest {
                historical: Some(historical).filter(|_| number != "D"),
                ..crate::helpers::a_reply(&view(&case).case_id, "done")
            };
            house.cases(&house.operator()).reply_to_case(replied).await.unwrap();
        }
    }
    let submission = DayOf::Submission;
    for (request, numbers) in [
        (days("2026-06-01", "2026-06-01", submission), &["C", "B"][..]),
        (days("2026-06-01", "", DayOf::Unspecified), &["D", "C", "B"]),
        (days("", "2026-06-01", submission), &["C", "B", "A"]),
        (days("2026-06-02", "2026-06-02", DayOf::Reply), &["C", "A"]),
        (days("2026-06-03", "", DayOf::Reply), &["D"]),
        (days("2027-01-01", "", submission), &[]),
    ] {
        assert_eq!(listed(&house, &request).await, numbers, "{request:?}");
        let search = routing::SearchCasesRequest {
            query: "暖气".to_owned(),
            from_on: request.from_on.clone(),
            until_on: request.until_on.clone(),
            day_of: request.day_of,
            ..Default::default()
        };
        let found = house.public_cases().search_cases(search).await.unwrap().into_inner();
        let found: Vec<String> =
            found.hits.into_iter().map(|hit| hit.case.unwrap().number).collect();
        assert_eq!(found, numbers, "{request:?}");
    }
    for wrong in [
        days("2026-06-31", "", submission),
        days("2026-06-02", "2026-06-01", submission),
        routing::ListCasesRequest { day_of: 9, ..Default::default() },
    ] {
        assert_eq!(reason(house.public_cases().list_cases(wrong).await), "REQUEST_INVALID");
    }
    let first = house.public_cases().list_cases(days("2026-06-01", "", submission)).await.unwrap();
    let page_token = first.into_inner().next_page_token;
    let other = routing::ListCasesRequest { page_token, ..days("2026-05-01", "", submission) };
    assert_eq!(reason(house.public_cases().list_cases(other).await), "REQUEST_INVALID");
}

#[tokio::test]
async fn editors_show_public_answered_cases_in_their_order_until_they_are_hidden() {
    let house = House::open().await;
    let editor = house.token(&["directory:write"], &[]);
    let mut models = ModelCaseServiceClient::new(house.board.channel_as("routing", &editor));
    let clerk = house.clerk("130102-g");
    let (mut cases, mut messages) = (Vec::new(), Vec::new());
    for message in [a_message(), a_message(), a_message(), a_message().private()] {
        cases.push(view(&house.a_case(&message).await).case_id.clone());
        messages.push(message.message_id);
    }
    let put = |case_id: &str, place| routing::PutModelCaseRequest {
        case_id: case_id.to_owned(),
        why: "Solved within a day.".to_owned(),
        place,
    };
    assert_eq!(reason(models.put_model_case(put(&cases[0], 1)).await), "CASE_NO_MODEL");
    for case_id in &cases {
        house.reply(&clerk, case_id, "done").await.unwrap();
    }
    assert_eq!(reason(models.put_model_case(put(&cases[3], 1)).await), "CASE_NOT_FOUND");
    let wrong = routing::PutModelCaseRequest { why: "no".to_owned(), ..put(&cases[0], 10_000) };
    assert_eq!(reason(models.put_model_case(wrong).await), "REQUEST_INVALID");
    for (case_id, place) in [(&cases[0], 2), (&cases[1], 1), (&cases[2], 3), (&cases[2], 0)] {
        models.put_model_case(put(case_id, place)).await.unwrap();
    }
    let mut public = ModelCaseServiceClient::new(house.board.channel("routing"));
    let list = routing::ListModelCasesRequest {
        division_code: "130100".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let first = public.list_model_cases(list.clone()).await.unwrap().into_inner();
    let next = routing::ListModelCasesRequest {
        page_token: first.next_page_token.clone(),
        ..list.clone()
    };
    let rest = public.list_model_cases(next).await.unwrap().into_inner();
    let shown = |page: &routing::ListModelCasesResponse| -> Vec<String> {
        page.model_cases.iter().map(|it| it.case.as_ref().unwrap().case_id.clone()).collect()
    };
    assert_eq!(shown(&first), [cases[2].clone(), cases[1].clone()]);
    assert_eq!((shown(&rest), rest.next_page_token.as_str()), (vec![cases[0].clone()], ""));
    let elsewhere =
        routing::ListModelCasesRequest { division_code: "130200".to_owned(), ..list.clone() };
    assert!(public.list_model_cases(elsewhere).await.unwrap().into_inner().model_cases.is_empty());
    house.is_whole().await;
    let retire = || routing::RetireModelCaseRequest { case_id: cases[1].clone() };
    models.retire_model_case(retire()).await.unwrap();
    assert_eq!(reason(models.retire_model_case(retire()).await), "MODEL_CASE_NOT_FOUND");
    // What is erased is shown no more, and what was written of it is gone.
    house.erase(messages[2]).await;
    testing::eventually("one is left", SOON, || async {
        let page = public.clone().list_model_cases(list.clone()).await.unwrap().into_inner();
        (shown(&page) == [cases[0].clone()]).then_some(())
    })
    .await;
    assert_eq!(house.count("select count(*) from model_cases where why = ''").await, 1);
    house.is_whole().await;
}

#[tokio::test]
async fn supervisors_list_precedents_and_take_them_out_of_force() {
    let house = House::open().await;
    let decided = view(&house.a_case(&a_message()).await).case_id.clone();
    for (by, to) in [("130102-g", "130104-g"), ("130104-g", "130105-g")] {
        let (office_id, rule) = (to.to_owned(), "rule 12".to_owned());
        let back = asks!(ReturnCaseRequest, &decided, office_id: office_id, rule: rule);
        house.cases(&house.clerk(by)).return_case(back).await.unwrap();
    }
    house.transfer(&house.clerk("130100-g"), &decided, "130104-g").await.unwrap();
    let routed = house.a_case(&a_message()).await;
    assert_eq!(routed.assigned_by, "precedent");
    let supervisor = house.official(&["case:read", "case:supervise"], &["130100"], &[]);
    let beside = house.official(&["case:read", "case:supervise"], &["130200"], &[]);
    let list = routing::ListPrecedentsRequest::default();
    let found = house.cases(&supervisor).list_precedents(list.clone()).await.unwrap().into_inner();
    let [precedent] = found.precedents.as_slice() else { panic!("one: {found:?}") };
    assert_eq!((precedent.office_id.as_str(), precedent.cases), ("130102-g", 1));
    // Who accuses somebody is passed on by another rule, whoever gets it in the end.
    let accusing = house.a_case(&a_message().accusing(&["130105-g"])).await;
    let given = view(&accusing).case_id.clone();
    house.transfer(&house.clerk("130100-g"), &given, "130104-g").await.unwrap();
    house.a_case(&a_message()).await;
    let found = house.cases(&supervisor).list_precedents(list.clone()).await.unwrap().into_inner();
    assert_eq!(found.precedents[0].cases, 2);
    assert_eq!(precedent.to_office_id, "130104-g");
    let none = house.cases(&beside).list_precedents(list.clone()).await.unwrap().into_inner();
    assert!(none.precedents.is_empty());
    let retire = || routing::RetirePrecedentRequest {
        request_id: id::v7(testing::now()).to_string(),
        precedent_id: precedent.precedent_id.clone(),
        reason: "It was a single case.".to_owned(),
    };
    let denied = house.cases(&beside).retire_precedent(retire()).await;
    assert_eq!(reason(denied), "PRECEDENT_NOT_FOUND");
    let clerk = house.cases(&house.clerk("130100-g")).retire_precedent(retire()).await;
    assert_eq!(reason(clerk), "SCOPE_MISSING");
    let request = retire();
    let first = house.cases(&supervisor).retire_precedent(request.clone()).await.unwrap();
    let again = house.cases(&supervisor).retire_precedent(request).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    let twice = house.cases(&supervisor).retire_precedent(retire()).await;
    assert_eq!(reason(twice), "PRECEDENT_NOT_FOUND");
    let after = house.a_case(&a_message()).await;
    assert_eq!(after.assigned_by, "office_chosen");
    for (include_retired, count) in [(false, 0), (true, 1)] {
        let list = routing::ListPrecedentsRequest { include_retired, ..list.clone() };
        let found = house.cases(&supervisor).list_precedents(list).await.unwrap().into_inner();
        assert_eq!(found.precedents.len(), count);
    }
    house.is_whole().await;
}

async fn figures(
    house: &House,
    office_id: &str,
    include_below: bool,
) -> routing::GetRatingFiguresResponse {
    let request =
        routing::GetRatingFiguresRequest { office_id: office_id.to_owned(), include_below };
    house.public_cases().get_rating_figures(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn ratings_are_told_with_their_coverage_and_never_one_by_one_nor_before_they_are_final() {
    let house = House::open().await;
    let (city, office, beside) = ("130100-g", "130102-g", "130104-g");
    let none = figures(&house, city, true).await;
    assert!(none.withheld && none.replies == 0 && none.coverage == 0.0);
    // The first three are of another office, and too few to be told; the last two are the worst there are.
    let rated = [(beside, 1), (beside, 1), (beside, 2)].into_iter();
    let rated = rated.chain([5, 5, 5, 5, 5, 1, 1].map(|marks| (office, marks)));
    for (nth, (to, marks)) in (1..).zip(rated) {
        house.advance_minutes(1);
        let message = a_message().to(to);
        let case_id = view(&house.a_case(&message).await).case_id.clone();
        let reply_id = house.reply(&house.clerk(to), &case_id, "done").await.unwrap().reply_id;
        let rest = if marks == 5 { 4 } else { 1 };
        let rating = asks!(
            RateReplyRequest,
            &case_id,
            reply_id: reply_id,
            resolution: marks,
            attitude: rest,
            speed: rest
        );
        house.cases(&house.author(message.message_id)).rate_reply(rating).await.unwrap();
        let told = figures(&house, city, true).await;
        assert_eq!((told.replies, told.rated), (nth, nth));
        assert!(told.withheld && told.counted == 0, "none of {nth} is final");
    }
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.reply(&house.clerk(office), &case_id, "done").await.unwrap();
    // The last of the ten was given now, the one before it a minute ago, and so on.
    house.advance_hours(14 * 24 - 1);
    house.advance_minutes(60 - 9);
    let mut before = None;
    for nth in 1..=10_i64 {
        house.advance_minutes(1);
        testing::eventually("one more is final", SOON, || async {
            let finals = "select count(*) from ratings where final_at is not null";
            (house.count(finals).await == nth).then_some(())
        })
        .await;
        let told = figures(&house, city, true).await;
        assert_eq!((told.withheld, told.counted), if nth < 8 { (true, 0) } else { (false, 5) });
        if nth < 8 {
            assert!(told.labels.is_empty() && told.resolution == 0.0);
        } else {
            let same = Some((told.resolution, told.attitude, told.labels));
            assert!(nth == 8 || same == before, "the {nth}th is not told from what was before it");
            before = same;
        }
    }
    let told = figures(&house, city, true).await;
    assert_eq!((told.replies, told.rated, told.counted), (11, 10, 5));
    assert!((told.coverage - 10.0 / 11.0).abs() < 1e-9);
    assert_eq!((told.resolution, told.attitude, told.speed), (5.0, 4.0, 4.0));
    let labels: Vec<_> = told.labels.iter().map(|it| (it.label.as_str(), it.count)).collect();
    assert_eq!(labels[0], ("very_satisfied", 5));
    assert_eq!(labels.iter().map(|(_, count)| count).sum::<u64>(), 5);
    // What is of many offices is counted at most once a minute.
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.reply(&house.clerk(office), &case_id, "done").await.unwrap();
    assert_eq!(figures(&house, office, false).await.replies, 9);
    assert_eq!(figures(&house, city, true).await.replies, 11);
    house.advance_minutes(1);
    assert_eq!(figures(&house, city, true).await.replies, 12);
    // What all below have beyond one of them is no more than the others' own figures tell.
    let one = figures(&house, office, false).await;
    assert_eq!((told.resolution, told.labels), (one.resolution, one.labels));
    let few = figures(&house, beside, false).await;
    assert_eq!((few.replies, few.rated, few.withheld), (3, 3, true));
    let unknown = routing::GetRatingFiguresRequest::default();
    let unknown = house.public_cases().get_rating_figures(unknown).await;
    assert_eq!(reason(unknown), "OFFICE_NOT_FOUND");
}
