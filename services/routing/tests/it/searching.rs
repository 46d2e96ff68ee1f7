use liuyan_kit::{clock::to_proto, testing};
use liuyan_proto::liuyan::{common::v1::CaseState, routing::v1 as routing};
use liuyan_routing::domain::search::WAY;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::helpers::{House, SOON, a_message, reason, view};

fn words(query: &str) -> routing::SearchCasesRequest {
    routing::SearchCasesRequest { query: query.to_owned(), ..Default::default() }
}

async fn search(
    house: &House,
    request: routing::SearchCasesRequest,
) -> routing::SearchCasesResponse {
    house.public_cases().search_cases(request).await.unwrap().into_inner()
}

fn ids(found: &routing::SearchCasesResponse) -> Vec<String> {
    found.hits.iter().map(|hit| hit.case.as_ref().unwrap().case_id.clone()).collect()
}

#[tokio::test]
async fn public_cases_are_found_by_every_word_the_newest_first() {
    let house = House::open().await;
    let mut made = Vec::new();
    for message in [
        a_message().titled("长安街5号楼暖气不热"),
        a_message().titled("小区 WiFi 与暖气").to("130104-g").about("enquiry", "6"),
        a_message().titled("公交车少").to("110101-g"),
        a_message().titled("暖气管漏水").private(),
        a_message().titled("暖气费被多收").to("130102-g").accusing(&["130100-s"]),
    ] {
        made.push(view(&house.a_case(&message).await).case_id.clone());
        house.advance_hours(1);
    }
    house.reply(&house.clerk("110101-g"), &made[2], "已与暖气公司无关，增开2路车。").await.unwrap();
    let within = |division: &str| routing::SearchCasesRequest {
        division_code: division.to_owned(),
        ..words("暖气")
    };
    for (request, expected) in [
        (words("暖气"), &[2, 1, 0][..]),
        (words("暖气 公交"), &[2]),
        (words("暖气wifi"), &[1]),
        (words("WIFI"), &[1]),
        (words("5号楼"), &[0]),
        (words("暖 气"), &[2, 1, 0]),
        (words("2路"), &[2]),
        (words("供暖"), &[]),
        (words("暖气管"), &[]),
        (within("130000"), &[1, 0]),
        (within("130102"), &[0]),
        (within("110000"), &[2]),
        (routing::SearchCasesRequest { office_id: "130104-g".to_owned(), ..words("暖气") }, &[1]),
        (routing::SearchCasesRequest { office_id: "'\0".to_owned(), ..words("暖气") }, &[]),
        (routing::SearchCasesRequest { domain: "6".to_owned(), ..words("暖气") }, &[1]),
        (routing::SearchCasesRequest { kind: "help".to_owned(), ..words("暖气") }, &[2, 0]),
        (routing::SearchCasesRequest { state: CaseState::Replied.into(), ..words("暖气") }, &[2]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|n| made[*n].as_str()).collect();
        let found = search(&house, request.clone()).await;
        assert_eq!(ids(&found), expected, "{request:?}");
        assert_eq!(found.total as usize, expected.len());
    }
    // Whoever may see more finds no more.
    let found = house.cases(&house.operator()).search_cases(words("漏水")).await.unwrap();
    assert_eq!(found.into_inner().hits, []);
    assert_eq!(house.count("select count(*) from case_words").await, 3);

    let found = search(&house, words("暖气 2路")).await;
    let hit = &found.hits[0];
    assert_eq!(hit.excerpt, "已与暖气公司无关，增开2路车。");
    let marked: Vec<String> = hit
        .highlights
        .iter()
        .map(|span| {
            let length = (span.end - span.start) as usize;
            hit.excerpt.chars().skip(span.start as usize).take(length).collect()
        })
        .collect();
    assert_eq!(marked, ["暖气", "2路"]);
}

#[tokio::test]
async fn what_is_hidden_or_redacted_is_found_no_more_and_what_moves_is_found_where_it_is() {
    let house = House::open().await;
    let (gone, changed, moved) = (
        a_message().titled("噪声扰民"),
        a_message().titled("噪声扰民"),
        a_message().titled("噪声扰民"),
    );
    for message in [&gone, &changed, &moved] {
        house.a_case(message).await;
    }
    let clerk = house.clerk("130102-g");
    let case_id = |case: &routing::Case| view(case).case_id.clone();
    let answered = case_id(&house.case_of(changed.message_id).await);
    house.reply(&clerk, &answered, "已整改").await.unwrap();
    house.moderation.publish(changed.message_id, "夜间施工");
    house.redact(changed.message_id).await;
    house.wish_to_withdraw(gone.message_id).await;
    let moving = case_id(&house.case_of(moved.message_id).await);
    house.transfer(&clerk, &moving, "130200-g").await.unwrap();
    testing::eventually("only one is left with these words", SOON, || async {
        (ids(&search(&house, words("噪声")).await) == [moving.clone()]).then_some(())
    })
    .await;
    assert_eq!(ids(&search(&house, words("施工 整改")).await), [answered]);
    let in_new =
        routing::SearchCasesRequest { division_code: "130200".to_owned(), ..words("噪声") };
    assert_eq!(ids(&search(&house, in_new).await), [moving]);
    let in_old =
        routing::SearchCasesRequest { division_code: "130100".to_owned(), ..words("噪声") };
    assert_eq!(ids(&search(&house, in_old).await), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_query_is_told_with_a_sentence() {
    let house = House::open().await;
    for (query, expected) in
        [("", "QUERY_LENGTH"), (" 暖 ", "QUERY_LENGTH"), ("!!!", "QUERY_EMPTY")]
    {
        let status = house.public_cases().search_cases(words(query)).await.unwrap_err();
        let told = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].field.as_str(), told[0].reason.as_str()), ("query", expected));
        assert!(told[0].description.chars().count() > 5, "{told:?}");
    }
    let long = words(&"暖".repeat(101));
    let wrong = routing::SearchCasesRequest {
        kind: "x".to_owned(),
        page_size: -1,
        page_token: "x".to_owned(),
        ..long
    };
    let status = house.public_cases().search_cases(wrong).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), 4);
    let nowhere =
        routing::SearchCasesRequest { division_code: "999999".to_owned(), ..words("暖气") };
    assert_eq!(reason(house.public_cases().search_cases(nowhere).await), "DIVISION_NOT_FOUND");
}

/// Puts many public cases into the database, one a minute, of which every third is about heating,
/// the 1,500 oldest are about noise, and 30 are about a lost dog.
async fn many_cases(house: &House) {
    let message = a_message().titled("底稿");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let fill = format!(
        "insert into openings
         select (jsonb_populate_record(o, jsonb_build_object(
             'message_id', gen_random_uuid(), 'number', 'x' || n))).*
         from openings o, generate_series(1, 6000) n where o.message_id = '{message_id}';
         insert into cases
         select (jsonb_populate_record(c, jsonb_build_object(
             'case_id', gen_random_uuid(), 'message_id', o.message_id, 'number', o.number,
             'submitted_at', c.submitted_at - interval '1 minute' * substr(o.number, 2)::int,
             'title', o.number))).*
         from cases c, openings o where c.case_id = '{case_id}' and o.number ~ '^x[0-9]+$';
         insert into case_words (case_id, submitted_at, way, words)
         select case_id, submitted_at, {WAY}, array_to_tsvector(array_remove(array[
             '@office/130102-g', '@division/130102', '@division/130100', '@division/130000',
             case when n % 3 = 0 then '供暖' end, case when n > 4500 then '噪声' end,
             case when n % 200 = 0 then '寻犬' end, case when n % 4 > 0 then '@sample/1' end,
             'x' || n], null)
             || array(select 'f' || n * i % 5000 from generate_series(1, 40) i))
         from (select *, substr(number, 2)::int as n from cases where number ~ '^x[0-9]+$') made;
         -- What was just inserted waits in a list beside the index.
         select gin_clean_pending_list('case_words_by_word');
         analyze;",
        message_id = message.message_id,
    );
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(fill)).execute(&mut *connection).await.unwrap();
}

#[tokio::test]
async fn pages_join_without_gaps_for_frequent_old_and_rare_words() {
    let house = House::open().await;
    many_cases(&house).await;
    pages_join(&house).await;
    // With so many cases a frequent word is counted in a sample first.
    let mut connection = house.db().read().await.unwrap();
    let many = "update pg_class set reltuples = 60000 where oid = 'case_words'::regclass";
    sqlx::raw_sql(many).execute(&mut *connection).await.unwrap();
    drop(connection);
    pages_join(&house).await;
}

async fn pages_join(house: &House) {
    for (query, filter, expected) in [
        ("供暖", "", 2_000),
        ("供暖", "130100", 2_000),
        ("噪声", "", 1_500),
        ("寻犬", "130000", 30),
        ("寻犬 噪声", "", 8),
        ("寻犬 供暖", "", 10),
    ] {
        let mut request = routing::SearchCasesRequest {
            page_size: 100,
            division_code: filter.to_owned(),
            ..words(query)
        };
        let mut seen: Vec<(i64, Uuid)> = Vec::new();
        loop {
            let page = search(house, request.clone()).await;
            assert_eq!(page.total, expected.min(1_000), "{query}");
            seen.extend(page.hits.iter().map(|hit| {
                let case = hit.case.as_ref().unwrap();
                (case.submitted_at.unwrap().seconds, case.case_id.parse().unwrap())
            }));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen.len(), expected as usize, "{query}");
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{query}: the newest first");
    }
    let mut first = routing::SearchCasesRequest { page_size: 1, ..words("供暖") };
    first.page_token = search(house, first.clone()).await.next_page_token;
    for other in [
        routing::SearchCasesRequest { query: "噪声".to_owned(), ..first.clone() },
        routing::SearchCasesRequest { division_code: "130100".to_owned(), ..first.clone() },
        routing::SearchCasesRequest { office_id: "130102-g".to_owned(), ..first.clone() },
        routing::SearchCasesRequest { state: CaseState::Closed.into(), ..first.clone() },
        routing::SearchCasesRequest { domain: "7".to_owned(), ..first.clone() },
        routing::SearchCasesRequest { kind: "help".to_owned(), ..first },
    ] {
        let refused = house.public_cases().search_cases(other.clone()).await;
        assert_eq!(reason(refused), "REQUEST_INVALID", "{other:?}");
    }
}

#[tokio::test]
async fn words_of_rare_things_take_the_index() {
    let house = House::open().await;
    many_cases(&house).await;
    let mut connection = house.db().read().await.unwrap();
    for file in [
        include_str!("../../src/queries/search_matches.sql"),
        include_str!("../../src/queries/search_sorted.sql"),
    ] {
        let query = file
            .replace("$1::text", "'''寻犬'' & ''@division/130100'''")
            .replace("limit $3", "limit 1001")
            .replace("limit $5", "limit 21");
        let query = (2..=9).fold(query, |query, nth| query.replace(&format!("${nth}"), "null"));
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {query}")))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains("case_words_by_word"), "{plan}");
    }
}

#[tokio::test]
async fn cases_of_a_database_older_than_search_get_their_words() {
    let house = House::open().await;
    let message = a_message().titled("噪声扰民");
    let case = house.a_case(&message).await;
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql("delete from case_words").execute(&mut *connection).await.unwrap();
    assert_eq!(ids(&search(&house, words("噪声")).await), Vec::<String>::new());
    let replica = house.replica().await;
    assert_eq!(replica.index_cases().await.unwrap(), 1);
    assert_eq!(replica.index_cases().await.unwrap(), 0);
    let found = search(&house, words("噪声")).await;
    assert_eq!(ids(&found), [view(&case).case_id.clone()]);
    let at = "2026-06-03T10:00:00+08".parse().unwrap();
    assert_eq!(found.hits[0].case.as_ref().unwrap().submitted_at, Some(to_proto(at)));
    sqlx::raw_sql("update case_words set way = 0").execute(&mut *connection).await.unwrap();
    assert_eq!(replica.index_cases().await.unwrap(), 1);
}
