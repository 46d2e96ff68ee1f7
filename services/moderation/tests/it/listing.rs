//! Lists of reviews and of grounds.

use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};
use sqlx::Row as _;

use crate::helpers::{Bench, HELD, a_message, bench, by, fields};

async fn page(bench: &Bench, size: i32, token: &str) -> proto::ListReviewsResponse {
    let request = proto::ListReviewsRequest {
        page_size: size,
        page_token: token.into(),
        ..proto::ListReviewsRequest::default()
    };
    bench.grpc.list_reviews(by("ann", request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let bench = bench().await;
    // Three of each second, so that times alone do not order them.
    let messages: Vec<_> = (0..9)
        .map(|at| {
            let mut message = a_message(HELD);
            message.event.submitted_at.as_mut().unwrap().seconds += at / 3;
            message
        })
        .collect();
    let mut ids = bench.submit_all(&messages).await;
    bench.screen().await;
    ids.sort_by_key(|id| {
        let message = messages.iter().find(|it| it.event.message_id == id.to_string()).unwrap();
        (message.event.submitted_at.unwrap().seconds, *id)
    });
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let answer = page(&bench, 4, &token).await;
        assert!(answer.reviews.iter().all(|review| review.text.is_none()));
        assert_eq!(answer.total, 9, "of all pages");
        seen.extend(answer.reviews.into_iter().map(|review| review.message_id));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ids.iter().map(uuid::Uuid::to_string).collect::<Vec<_>>());
}

#[tokio::test]
async fn reviews_are_counted_up_to_ten_thousand() {
    let bench = bench().await;
    bench.held().await;
    assert_eq!(page(&bench, 1, "").await.total, 1);
    let many =
        "insert into reviews (message_id, number, office_id, kind, domain, topic, visibility,
                    author_id, submitted_at, revision, state, due_at)
                select gen_random_uuid(), '', '', '', '', '', 'public', '', now(), 1, 'held', now()
                from generate_series(1, 10050)";
    let write = bench
        .db
        .write(move |tx| Box::pin(async move { sqlx::raw_sql(many).execute(tx).await.map(drop) }));
    write.await.unwrap();
    assert_eq!(page(&bench, 1, "").await.total, 10_000);
}

#[tokio::test]
async fn a_page_reads_no_more_of_a_large_table_than_it_shows() {
    let bench = bench().await;
    let many = "insert into reviews (message_id, number, office_id, kind, domain, topic, visibility,
                    author_id, submitted_at, revision, state, due_at, decided_by, decided_at,
                    withdrawn_at, decide_by)
                select gen_random_uuid(), '', '', '', '', '', 'public', '', now(), 1, state, now(),
                       'rules', now(), case state when 'withdrawn' then now() end,
                       now() - make_interval(mins => at * 7919 % 20000)
                from generate_series(1, 20000) as at, unnest(array['approved', 'withdrawn']) as state;
                analyze reviews";
    let write = bench
        .db
        .write(move |tx| Box::pin(async move { sqlx::raw_sql(many).execute(tx).await.map(drop) }));
    write.await.unwrap();
    let page = include_str!("../../src/queries/list_reviews.sql");
    let mut connection = bench.db.read().await.unwrap();
    let run = async |connection: &mut sqlx::PgConnection, sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
    };
    run(&mut connection, "set plan_cache_mode = force_generic_plan".into()).await;
    run(&mut connection, format!("prepare page as {page}")).await;
    for begin in ["null", "now() - interval '5 days'"] {
        let explained = format!(
            "explain (analyze, costs off, timing off, summary off)
             execute page('{{approved,withdrawn}}', 'ann', '{{}}', null, null, null, null, null, null,
                          now(), 'ann', null, {begin}, '{}', 51)",
            uuid::Uuid::nil()
        );
        let plan: Vec<String> =
            run(&mut connection, explained).await.iter().map(|row| row.get(0)).collect();
        let scans: Vec<&String> = plan.iter().filter(|it| it.contains(" on reviews ")).collect();
        let read = |scan: &str| -> Option<u32> {
            let (_, rows) = scan.split_once("(actual rows=")?;
            rows.split([' ', '.']).next()?.parse().ok()
        };
        assert_eq!(scans.len(), 1, "{plan:#?}");
        assert!(scans[0].contains("Index Scan using reviews_by_time_to_decide"), "{plan:#?}");
        assert_eq!(read(scans[0]), Some(51), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_token_of_another_list_is_refused() {
    let bench = bench().await;
    for _ in 0..3 {
        bench.held().await;
    }
    let token = page(&bench, 2, "").await.next_page_token;
    assert!(!token.is_empty());
    for (state, size, token) in [
        (0, 3, token.clone()),
        (3, 2, token.clone()),
        (0, 2, format!("x{token}")),
        (9, 2, String::new()),
        (0, -1, String::new()),
    ] {
        let request = proto::ListReviewsRequest {
            state,
            page_size: size,
            page_token: token,
            ..proto::ListReviewsRequest::default()
        };
        let refused = bench.grpc.list_reviews(by("ann", request)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        assert_eq!(fields(&refused).len(), 1);
    }
}

#[tokio::test]
async fn the_grounds_are_listed_in_their_order() {
    let bench = bench().await;
    let answer = bench.grpc.list_grounds(by("anyone", proto::ListGroundsRequest {})).await;
    let grounds = answer.unwrap().into_inner().grounds;
    assert_eq!(grounds.len(), 17);
    assert_eq!(grounds[0].ground, "personal_data_of_others");
    assert!(grounds[0].author_can_mend && !grounds[0].senior_only);
    let texts = grounds.iter().flat_map(|ground| &ground.explanations);
    assert!(texts.clone().count() > 17 && texts.clone().all(|it| !it.text_zh.is_empty()));
}
