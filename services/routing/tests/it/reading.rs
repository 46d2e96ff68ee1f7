use liuyan_proto::liuyan::{common::v1::CaseState, routing::v1 as routing};

use crate::helpers::{House, a_message, reason, view};

/// Messages of one house: three public ones in Shijiazhuang, of three days, one private, and one in
/// Beijing.
async fn five_cases(house: &House) -> Vec<routing::Case> {
    let mut cases = Vec::new();
    for message in [
        a_message().to("130102-g"),
        a_message().to("130102-s"),
        a_message().to("130100-g"),
        a_message().to("130102-g").private(),
        a_message().to("110101-g"),
    ] {
        cases.push(house.a_case(&message).await);
        house.advance_hours(24);
    }
    cases
}

fn ids(cases: &[routing::Case]) -> Vec<&str> {
    cases.iter().map(|case| view(case).case_id.as_str()).collect()
}

#[tokio::test]
async fn lists_show_the_newest_first_and_to_each_what_they_may_see() {
    let house = House::open().await;
    let made = five_cases(&house).await;
    let made = ids(&made);
    house.reply(&house.clerk("130102-g"), made[0], "done").await.unwrap();
    let everybody = house.token(&["unrelated"], &[]);
    let own = house.clerk("130102-g");
    let above = house.clerk("130000-g");
    let beside = house.clerk("130103-g");
    let operator = house.operator();
    let office =
        |id: &str| routing::ListCasesRequest { office_id: id.to_owned(), ..Default::default() };
    let division = |code: &str| routing::ListCasesRequest {
        division_code: code.to_owned(),
        ..Default::default()
    };
    let state =
        |state: CaseState| routing::ListCasesRequest { state: state.into(), ..Default::default() };
    for (token, request, expected) in [
        (&everybody, division(""), &[4, 2, 1, 0][..]),
        (&beside, division(""), &[4, 2, 1, 0]),
        (&own, division(""), &[4, 3, 2, 1, 0]),
        (&above, division(""), &[4, 3, 2, 1, 0]),
        (&operator, division(""), &[4, 3, 2, 1, 0]),
        (&everybody, division("130000"), &[2, 1, 0]),
        (&everybody, division("130100"), &[2, 1, 0]),
        (&everybody, division("130102"), &[1, 0]),
        (&own, division("130102"), &[3, 1, 0]),
        (&everybody, division("110000"), &[4]),
        (&everybody, office("130102-g"), &[0]),
        (&own, office("130102-g"), &[3, 0]),
        (&everybody, office("130103-g"), &[]),
        (&everybody, state(CaseState::Replied), &[0]),
        (&operator, state(CaseState::Assigned), &[4, 3, 2, 1]),
    ] {
        let page = house.cases(token).list_cases(request.clone()).await.unwrap().into_inner();
        let expected: Vec<&str> = expected.iter().map(|n| made[*n]).collect();
        assert_eq!(ids(&page.cases), expected, "{request:?}");
        assert_eq!(page.next_page_token, "");
    }
    let nowhere = house.cases(&everybody).list_cases(division("999999")).await;
    assert_eq!(reason(nowhere), "DIVISION_NOT_FOUND");
}

#[tokio::test]
async fn pages_join_without_gaps_and_their_tokens_are_bound_to_the_list() {
    let house = House::open().await;
    let made = five_cases(&house).await;
    let mut cases = house.cases(&house.operator());
    let mut request = routing::ListCasesRequest { page_size: 2, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = cases.list_cases(request.clone()).await.unwrap().into_inner();
        assert!(page.cases.len() <= 2);
        seen.extend(page.cases);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let expected: Vec<&str> = ids(&made).into_iter().rev().collect();
    assert_eq!(ids(&seen), expected);

    for (wrong, field) in [
        (
            routing::ListCasesRequest { office_id: "130102-g".to_owned(), ..request.clone() },
            "token",
        ),
        (routing::ListCasesRequest { page_token: "x".to_owned(), ..request.clone() }, "token"),
        (routing::ListCasesRequest { page_size: -1, ..request.clone() }, "size"),
        (routing::ListCasesRequest { state: 99, ..request.clone() }, "state"),
    ] {
        assert_eq!(reason(cases.list_cases(wrong).await), "REQUEST_INVALID", "{field}");
    }
}

#[tokio::test]
async fn a_case_is_found_by_each_of_its_names() {
    use routing::get_case_request::Name;
    let house = House::open().await;
    let message = a_message();
    let case = house.a_case(&message).await;
    for name in [
        Name::CaseId(view(&case).case_id.clone()),
        Name::MessageId(message.message_id.to_string()),
        Name::Number(view(&case).number.clone()),
    ] {
        let request = routing::GetCaseRequest { name: Some(name) };
        let found = house.public_cases().get_case(request).await.unwrap().into_inner().case;
        assert_eq!(found.as_ref(), Some(&case));
    }
    for (name, expected) in [
        (None, "REQUEST_INVALID"),
        (Some(Name::CaseId("x".to_owned())), "REQUEST_INVALID"),
        (Some(Name::CaseId(message.message_id.to_string())), "CASE_NOT_FOUND"),
        (Some(Name::Number("nothing".to_owned())), "CASE_NOT_FOUND"),
    ] {
        let found = house.public_cases().get_case(routing::GetCaseRequest { name }).await;
        assert_eq!(reason(found), expected);
    }
}

#[tokio::test]
async fn public_views_come_in_the_order_asked_without_those_that_are_not_public() {
    let house = House::open().await;
    let made = five_cases(&house).await;
    let made = ids(&made);
    let case_ids: Vec<String> = [4, 3, 0, 4].iter().map(|n| made[*n].to_owned()).collect();
    let request = routing::BatchGetPublicCaseRequest { case_ids };
    let viewer = house.token(&["case:view"], &[]);
    let views = house.cases(&viewer).batch_get_public_case(request.clone()).await.unwrap();
    let views = views.into_inner().cases;
    let seen: Vec<&str> = views.iter().map(|view| view.case_id.as_str()).collect();
    assert_eq!(seen, [made[4], made[0], made[4]]);
    let refused = house.cases(&house.clerk("130102-g")).batch_get_public_case(request).await;
    assert_eq!(reason(refused), "SCOPE_MISSING");
    let many = routing::BatchGetPublicCaseRequest { case_ids: vec![made[0].to_owned(); 257] };
    assert_eq!(reason(house.cases(&viewer).batch_get_public_case(many).await), "REQUEST_INVALID");
}
