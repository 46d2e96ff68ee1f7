//! Rankings of divisions and offices.

use liuyan_proto::liuyan::{
    routing::v1 as routing,
    stats::v1::{
        GroupBy, ListRankingRequest, ListRankingResponse, Slice, stats_service_server::StatsService,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::helpers::{Bench, anonymous, bench, case, division, rated, replied};

/// Cases of an office, so many of them replied, so many of those rated with a mark.
async fn cases(
    bench: &Bench,
    office: &str,
    first: u128,
    opened: u128,
    replies: u128,
    ratings: u128,
) {
    for number in first..first + opened {
        let id = bench.a_case(number, office).await;
        let told =
            routing::CaseRef { office_id: office.into(), ..case(id, "2026-07-05T00:00:00Z") };
        if number - first < replies {
            bench.say_case(id, &replied(told.clone())).await;
        }
        if number - first < ratings {
            bench.say_case(id, &rated(told, 4)).await;
        }
    }
}

async fn a_board() -> Bench {
    let bench = bench().await;
    bench.directory().await;
    cases(&bench, "350102-s", 0, 10, 9, 3).await;
    cases(&bench, "350100-g", 100, 12, 6, 0).await;
    cases(&bench, "350200-g", 200, 10, 5, 2).await;
    cases(&bench, "110101-s", 300, 9, 9, 0).await;
    cases(&bench, "m-01", 400, 10, 0, 0).await;
    bench.count().await;
    bench
}

fn request(indicator: &str, group_by: GroupBy, slice: Slice) -> ListRankingRequest {
    ListRankingRequest {
        indicator: indicator.into(),
        slice: Some(slice),
        group_by: group_by.into(),
        min_n: 0,
        page_size: 0,
    }
}

async fn ask(bench: &Bench, request: ListRankingRequest) -> Result<ListRankingResponse, Status> {
    Ok(bench.grpc.list_ranking(anonymous(request)).await?.into_inner())
}

fn places(ranking: &ListRankingResponse) -> Vec<(u32, &str)> {
    ranking.rows.iter().map(|row| (row.rank, row.key.as_str())).collect()
}

#[tokio::test]
async fn offices_are_ranked_with_their_interval_and_those_with_few_cases_left_out() {
    let bench = a_board().await;
    let asked = request("reply_rate", GroupBy::Office, Slice::default());
    let ranking = ask(&bench, asked.clone()).await.unwrap();
    let expected = [(1, "350102-s"), (2, "350100-g"), (2, "350200-g"), (4, "m-01")];
    assert_eq!(places(&ranking), expected);
    assert_eq!(ranking.left_out, 1);
    let (low, high) = (ranking.rows[0].low.unwrap(), ranking.rows[0].high.unwrap());
    assert!((low - 0.595_850).abs() < 1e-5 && (high - 0.982_124).abs() < 1e-5, "{low} {high}");
    let all = ask(&bench, ListRankingRequest { min_n: 1, ..asked.clone() }).await.unwrap();
    assert_eq!((places(&all)[0], all.left_out), ((1, "110101-s"), 0));
    let two = ask(&bench, ListRankingRequest { page_size: 2, ..asked }).await.unwrap();
    assert_eq!((two.rows.len(), two.left_out), (2, 1));
}

#[tokio::test]
async fn divisions_are_ranked_below_the_slice_alone() {
    let bench = a_board().await;
    let asked = request("reply_rate", GroupBy::Division, division("350000"));
    let ranking = ask(&bench, asked).await.unwrap();
    assert_eq!(places(&ranking), [(1, "350100"), (2, "350200")]);
    let provinces = request("median_days", GroupBy::Division, Slice::default());
    let ranking = ask(&bench, ListRankingRequest { min_n: 5, ..provinces }).await.unwrap();
    assert_eq!(places(&ranking), [(1, "110000"), (1, "350000")]);
    assert_eq!(ranking.rows[0].value.as_ref().unwrap().value, Some(4.0));
    assert_eq!(ranking.rows[0].low, None);
}

#[tokio::test]
async fn satisfaction_shows_its_coverage_and_asks_for_rated_cases() {
    let bench = a_board().await;
    let asked = request("satisfaction", GroupBy::Office, Slice::default());
    let ranking = ask(&bench, ListRankingRequest { min_n: 3, ..asked }).await.unwrap();
    assert_eq!(places(&ranking), [(1, "350102-s")]);
    assert_eq!(ranking.left_out, 4);
    let row = &ranking.rows[0];
    assert_eq!((row.value.as_ref().unwrap().value, row.coverage), (Some(4.0), Some(3.0 / 9.0)));
}

#[tokio::test]
async fn what_cannot_be_ranked_is_refused() {
    let bench = bench().await;
    let office = Slice { office_id: "m-01".into(), ..Slice::default() };
    let asked = ListRankingRequest { page_size: -1, ..request("received", GroupBy::Month, office) };
    let refused = ask(&bench, asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    let told: Vec<_> = violations.iter().map(|it| it.reason.as_str()).collect();
    let expected =
        ["INDICATOR_NOT_RANKED", "GROUP_NOT_RANKED", "OFFICE_NOT_DIVIDED", "PAGE_SIZE_NEGATIVE"];
    assert_eq!(told, expected);
}
