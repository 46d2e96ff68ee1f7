//! Orders, inboxes and filters of lists.

use liuyan_proto::liuyan::routing::v1::{self as routing, CaseOrder};
use sqlx::Row as _;

use crate::helpers::{House, Message, a_message, asks, reason, view};

/// Cases of one office and its neighbours, each a day after the one before, in this order:
/// a complaint (seven days), an enquiry (five), a private one, one next door, one of long ago.
async fn cases(house: &House) -> Vec<String> {
    let mut ids = Vec::new();
    for message in [
        a_message().about("complaint", "6"),
        a_message().about("enquiry", "7"),
        a_message().about("help", "7").private(),
        a_message().to("130104-g"),
        a_message().written_at("2019-03-04T09:00:00+08"),
    ] {
        ids.push(view(&house.a_case(&message).await).case_id.clone());
        house.advance_hours(24);
    }
    ids
}

fn wanted(order: CaseOrder) -> routing::ListCasesRequest {
    routing::ListCasesRequest { order: order.into(), ..Default::default() }
}

async fn listed(house: &House, token: &str, request: routing::ListCasesRequest) -> Vec<String> {
    let page = house.cases(token).list_cases(request).await.unwrap().into_inner();
    page.cases.iter().map(|case| view(case).case_id.clone()).collect()
}

#[tokio::test]
async fn each_order_has_its_pages() {
    let house = House::open().await;
    let made = cases(&house).await;
    let clerk = house.clerk("130100-g");
    house.reply(&clerk, &made[1], "one").await.unwrap();
    house.advance_minutes(1);
    house.reply(&clerk, &made[0], "two").await.unwrap();
    house.advance_minutes(1);
    house.reply(&clerk, &made[3], "three").await.unwrap();
    house.advance_minutes(1);
    house.reply(&clerk, &made[1], "four, and so answered last").await.unwrap();
    for (order, unanswered, expected) in [
        (CaseOrder::Unspecified, false, &[3, 2, 1, 0, 4][..]),
        (CaseOrder::Newest, false, &[3, 2, 1, 0, 4]),
        (CaseOrder::Newest, true, &[2, 4]),
        (CaseOrder::Deadline, false, &[4, 1, 0, 2, 3]),
        (CaseOrder::Deadline, true, &[4, 2]),
        (CaseOrder::Replied, false, &[1, 3, 0]),
        (CaseOrder::Replied, true, &[]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|n| made[*n].as_str()).collect();
        let mut request = routing::ListCasesRequest { unanswered, page_size: 2, ..wanted(order) };
        let mut seen = Vec::new();
        loop {
            let page = house.cases(&clerk).list_cases(request.clone()).await.unwrap().into_inner();
            seen.extend(page.cases.iter().map(|case| view(case).case_id.clone()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, expected, "{order:?} {unanswered}");
    }
}

#[tokio::test]
async fn a_token_of_a_page_is_bound_to_everything_that_was_asked() {
    let house = House::open().await;
    cases(&house).await;
    let mut client = house.cases(&house.clerk("130100-g"));
    let first = routing::ListCasesRequest { page_size: 1, ..wanted(CaseOrder::Newest) };
    let page_token = client.list_cases(first.clone()).await.unwrap().into_inner().next_page_token;
    let next = routing::ListCasesRequest { page_token, ..first };
    client.list_cases(next.clone()).await.unwrap();
    for other in [
        routing::ListCasesRequest { order: CaseOrder::Deadline.into(), ..next.clone() },
        routing::ListCasesRequest { unanswered: true, ..next.clone() },
        routing::ListCasesRequest { own: true, ..next.clone() },
        routing::ListCasesRequest { domain: "7".to_owned(), ..next.clone() },
        routing::ListCasesRequest { kind: "help".to_owned(), ..next.clone() },
        routing::ListCasesRequest { office_id: "130102-g".to_owned(), ..next.clone() },
        routing::ListCasesRequest { division_code: "130100".to_owned(), ..next },
    ] {
        assert_eq!(reason(client.list_cases(other.clone()).await), "REQUEST_INVALID", "{other:?}");
    }
    for wrong in [
        routing::ListCasesRequest { order: 99, ..Default::default() },
        routing::ListCasesRequest { kind: "x".to_owned(), ..Default::default() },
        routing::ListCasesRequest { domain: "\0".to_owned(), ..Default::default() },
    ] {
        assert_eq!(reason(client.list_cases(wrong.clone()).await), "REQUEST_INVALID", "{wrong:?}");
    }
}

#[tokio::test]
async fn an_inbox_has_what_is_the_callers_to_see_and_nothing_else() {
    let house = House::open().await;
    let made = cases(&house).await;
    let own = routing::ListCasesRequest { own: true, ..Default::default() };
    let read = ["case:read"];
    let everything = ["case:any", "case:work"];
    for (token, expected) in [
        (house.clerk("130102-g"), &[2, 1, 0, 4][..]),
        (house.clerk("130104-g"), &[3]),
        (house.clerk("130100-g"), &[3, 2, 1, 0, 4]),
        (house.clerk("110101-g"), &[]),
        (house.official(&read, &["130104"], &[]), &[3]),
        (house.official(&read, &["130104"], &["130102-g"]), &[3, 2, 1, 0, 4]),
        (house.official(&read, &["130000"], &[]), &[3, 2, 1, 0, 4]),
        (house.official(&["unrelated"], &["130000"], &["130102-g"]), &[]),
        (house.official(&everything, &["130104"], &[]), &[3]),
        (house.official(&everything, &[], &[]), &[3, 2, 1, 0, 4]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|n| made[*n].as_str()).collect();
        assert_eq!(listed(&house, &token, own.clone()).await, expected);
    }
    let nobody = house.public_cases().list_cases(own).await.unwrap().into_inner();
    assert_eq!(nobody.cases, []);
}

#[tokio::test]
async fn lists_are_told_apart_by_domain_and_kind() {
    let house = House::open().await;
    let made = cases(&house).await;
    let clerk = house.clerk("130100-g");
    let of = |domain: &str, kind: &str| routing::ListCasesRequest {
        domain: domain.to_owned(),
        kind: kind.to_owned(),
        ..Default::default()
    };
    for (request, expected) in [
        (of("6", ""), &[0][..]),
        (of("7", ""), &[3, 2, 1, 4]),
        (of("", "enquiry"), &[1]),
        (of("7", "help"), &[3, 2, 4]),
        (of("6", "help"), &[]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|n| made[*n].as_str()).collect();
        assert_eq!(listed(&house, &clerk, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn a_case_tells_when_it_was_accepted_and_when_it_ended() {
    let house = House::open().await;
    let message: Message = a_message();
    let case = house.a_case(&message).await;
    assert_eq!((view(&case).accepted_at, view(&case).closed_at), (None, None));
    let clerk = house.clerk("130102-g");
    house.advance_minutes(5);
    let replied = house.reply(&clerk, &view(&case).case_id, "done").await.unwrap().case.unwrap();
    assert_eq!(view(&replied).accepted_at, view(&replied).replies[0].replied_at);
    house.advance_minutes(5);
    let closing = routing::CloseCaseRequest {
        case_id: view(&case).case_id.clone(),
        request_id: message.message_id.to_string(),
        outcome: 1,
        ..Default::default()
    };
    let closed = house.cases(&clerk).close_case(closing).await.unwrap().into_inner().case.unwrap();
    assert_eq!(view(&closed).closed_at, view(&closed).custody[0].until);
    assert_eq!(view(&closed).accepted_at, view(&replied).accepted_at);
}

#[tokio::test]
async fn an_inbox_has_what_its_office_helps_with_and_leads_in_each_order_and_page() {
    let house = House::open().await;
    let made = cases(&house).await;
    let (helper, clerk) = ("130105-g", house.clerk("130102-g"));
    let (office_id, because) = (helper.to_owned(), "They know the pipes.".to_owned());
    for case_id in [&made[0], &made[2]] {
        let help = asks!(InviteHelperRequest, case_id, office_id: office_id.clone(), reason: because.clone());
        house.cases(&clerk).invite_helper(help).await.unwrap();
    }
    let theirs = view(&house.a_case(&a_message().to(helper)).await).case_id.clone();
    let set = "update cases set problem_id = case_id, lead_office_id = '130105-g'
               where office_id = '130104-g'";
    let write = house
        .db()
        .write(move |tx| Box::pin(async move { sqlx::raw_sql(set).execute(tx).await.map(drop) }));
    write.await.unwrap();
    house.reply(&clerk, &made[2], "one").await.unwrap();
    house.advance_minutes(1);
    house.reply(&clerk, &made[0], "two").await.unwrap();
    for (order, unanswered, expected) in [
        (CaseOrder::Newest, false, &[&theirs, &made[3], &made[2], &made[0]][..]),
        (CaseOrder::Deadline, false, &[&made[0], &made[2], &made[3], &theirs]),
        (CaseOrder::Deadline, true, &[&made[3], &theirs]),
        (CaseOrder::Replied, false, &[&made[0], &made[2]]),
    ] {
        let own =
            routing::ListCasesRequest { own: true, unanswered, page_size: 1, ..wanted(order) };
        let (mut request, mut seen) = (own, Vec::new());
        let token = house.clerk(helper);
        loop {
            let page = house.cases(&token).list_cases(request.clone()).await.unwrap().into_inner();
            seen.extend(page.cases.iter().map(|case| view(case).case_id.clone()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{order:?} {unanswered}");
    }
}

/// How many rows each scan of cases in a plan has read, also those that it threw away.
fn rows_read(plan: &[String]) -> u64 {
    let number = |line: &str, after: &str| -> Option<f64> {
        let (_, rest) = line.split_once(after)?;
        rest.split([' ', ')']).next()?.parse().ok()
    };
    let (mut read, mut loops) = (0.0, 1.0);
    for line in plan {
        if line.contains("Scan") {
            loops = number(line, "loops=").unwrap_or(1.0);
            read += number(line, "(actual rows=").unwrap_or(0.0) * loops;
        } else if line.contains("Rows Removed by") {
            read += number(line, ": ").unwrap_or(0.0) * loops;
        }
    }
    read as u64
}

#[tokio::test]
async fn a_page_of_an_inbox_reads_the_cases_of_its_office_and_not_all_there_are() {
    let house = House::open().await;
    let message = a_message();
    house.a_case(&message).await;
    let many = "create temporary table many as
                    select gen_random_uuid() as id, n, 'x' || n % 200 as office from generate_series(1, 20000) n;
                insert into openings select (jsonb_populate_record(o, jsonb_build_object('message_id', m.id))).*
                    from openings o, many m;
                insert into cases select (jsonb_populate_record(c, jsonb_build_object(
                        'case_id', m.id, 'message_id', m.id, 'number', m.n, 'office_id', m.office,
                        'helper_office_ids', case when n % 100 = 0 then array['x' || n % 77] else '{}' end,
                        'deadline_at', c.deadline_at + make_interval(mins => m.n),
                        'submitted_at', c.submitted_at + make_interval(mins => m.n)))).*
                    from cases c, many m;
                drop table many;";
    let write = house
        .db()
        .write(move |tx| Box::pin(async move { sqlx::raw_sql(many).execute(tx).await.map(drop) }));
    write.await.unwrap();
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql("analyze cases").execute(&mut *connection).await.unwrap();
    for query in [
        include_str!("../../src/queries/inbox_newest.sql"),
        include_str!("../../src/queries/inbox_deadline.sql"),
        include_str!("../../src/queries/inbox_replied.sql"),
    ] {
        let values = "'{x3,x4}', '{}', null, null, null, null, null, null, null, false, null, null, 21, false,
                      null, null, null, null, null";
        let explained = format!(
            "set plan_cache_mode = force_custom_plan; deallocate all; prepare page as {query};
             explain (analyze, costs off, timing off) execute page({values})"
        );
        let plan = sqlx::raw_sql(sqlx::AssertSqlSafe(explained)).fetch_all(&mut *connection);
        let plan: Vec<String> = plan.await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(rows_read(&plan) < 500, "{plan:#?}");
    }
}
