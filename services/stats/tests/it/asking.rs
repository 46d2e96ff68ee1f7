//! Questions about figures, and what they are refused for.

use liuyan_proto::liuyan::{
    intake::v1::MessageSubmitted,
    routing::v1 as routing,
    stats::v1::{
        ExportReportRequest, GetIndicatorRequest, GroupBy, ListIndicatorsRequest, Slice, Unit,
        stats_service_server::StatsService,
    },
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::helpers::{
    Bench, anonymous, approved, bench, bench_with, case, config, declined, division, message,
    opened, query, replied, rows, submitted,
};

/// Messages of all sorts: public ones of four offices and a ministry, two private ones, one that
/// accuses, one that was declined as an accusation, and one that nobody has looked at.
async fn a_board(bench: &Bench) {
    bench.directory().await;
    let offices = ["350102-s", "350102-s", "350100-g", "350000-g", "110101-s", "m-01"];
    for (number, office) in offices.iter().enumerate() {
        bench.a_case(number as u128, office).await;
    }
    for (number, visibility, accused) in [(10, 2, false), (11, 2, false), (12, 1, true)] {
        let id = message(number);
        bench.say(id, &MessageSubmitted { visibility, ..submitted(id) }).await;
        let accused_office_ids = if accused { vec!["350102-s".into()] } else { Vec::new() };
        let told = routing::CaseRef {
            visibility,
            accused_office_ids,
            office_id: "350100-g".into(),
            ..case(id, "2026-07-02T00:00:00Z")
        };
        bench.say_case(id, &opened(told.clone())).await;
        bench.say_case(id, &replied(told)).await;
    }
    let accusing = message(13);
    bench.say(accusing, &submitted(accusing)).await;
    bench.say(accusing, &declined(accusing, "unverified_accusation")).await;
    bench.say(message(14), &submitted(message(14))).await;
    bench.count().await;
}

#[tokio::test]
async fn nobody_is_singled_out() {
    let bench = bench().await;
    a_board(&bench).await;
    let all = Slice::default();
    let offices = bench.by("received", GroupBy::Office, all.clone()).await;
    let expected =
        [("", 5), ("110101-s", 1), ("350000-g", 1), ("350100-g", 1), ("350102-s", 2), ("m-01", 1)];
    assert_eq!(offices, rows(&expected), "five are counted for no office");
    assert_eq!(bench.by("replied", GroupBy::Office, all.clone()).await[0], ("".into(), 3));
    let provinces = bench.by("received", GroupBy::Division, all.clone()).await;
    assert_eq!(provinces, rows(&[("", 3), ("110000", 1), ("350000", 7)]));
    let fujian = bench.by("received", GroupBy::Division, division("350000")).await;
    assert_eq!(fujian, rows(&[("350000", 4), ("350100", 3)]));
    let fuzhou = bench.by("received", GroupBy::Unspecified, division("350100")).await;
    assert_eq!(fuzhou, rows(&[("", 3)]), "the private ones are not told below the province");
    let domains = bench.by("received", GroupBy::Domain, all).await;
    assert_eq!(domains, rows(&[("", 5), ("7", 6)]));
    let narrowed = Slice { domain: "7".into(), ..division("350000") };
    assert_eq!(bench.by("replied", GroupBy::Unspecified, narrowed).await, rows(&[("", 0)]));
}

#[tokio::test]
async fn the_parts_add_up_to_the_whole_at_every_level() {
    let bench = bench().await;
    a_board(&bench).await;
    let groups =
        [GroupBy::Division, GroupBy::Office, GroupBy::Month, GroupBy::Kind, GroupBy::Domain];
    for code in ["", "350000", "350100", "350102", "110000", "990000"] {
        for kind in ["", "help", "thanks"] {
            let slice = Slice { kind: kind.into(), ..division(code) };
            for indicator in ["received", "published", "replied", "declined"] {
                let whole = bench.by(indicator, GroupBy::Unspecified, slice.clone()).await;
                for group_by in groups {
                    let parts = bench.by(indicator, group_by, slice.clone()).await;
                    let sum: i64 = parts.iter().map(|(_, number)| number).sum();
                    assert_eq!(sum, whole[0].1, "{indicator} of {code:?} {kind:?} by {group_by:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_question_is_narrowed_by_office_month_and_kind() {
    let bench = bench().await;
    a_board(&bench).await;
    let office = |id: &str| Slice { office_id: id.into(), ..Slice::default() };
    let received = |slice| bench.by("received", GroupBy::Unspecified, slice);
    assert_eq!(received(office("350102-s")).await, rows(&[("", 2)]));
    let inside = Slice { division_code: "350000".into(), ..office("350102-s") };
    assert_eq!(received(inside).await, rows(&[("", 2)]));
    let outside = Slice { division_code: "110000".into(), ..office("350102-s") };
    assert_eq!(received(outside).await, rows(&[("", 0)]));
    let months = |from: &str, to: &str| Slice {
        from_month: from.into(),
        to_month: to.into(),
        ..Slice::default()
    };
    assert_eq!(received(months("2026-07", "2026-07")).await, rows(&[("", 11)]));
    assert_eq!(received(months("2026-08", "")).await, rows(&[("", 0)]));
    assert_eq!(received(months("", "2026-06")).await, rows(&[("", 0)]));
    let by_office = bench.by("received", GroupBy::Office, office("350102-s")).await;
    assert_eq!(by_office, rows(&[("350102-s", 2)]));
    let by_month = bench.by("received", GroupBy::Month, office("350102-s")).await;
    assert_eq!(by_month, rows(&[("2026-07", 2)]));
}

#[tokio::test]
async fn the_median_of_a_part_is_that_of_its_own_cases() {
    let bench = bench().await;
    bench.directory().await;
    for (number, office, day) in
        [(1, "350102-s", 2), (2, "350102-s", 4), (3, "350102-s", 31), (4, "350200-g", 9)]
    {
        let id = bench.a_case(number, office).await;
        let told = routing::CaseRef {
            office_id: office.into(),
            ..case(id, &format!("2026-07-{day:02}T00:30:00Z"))
        };
        bench.say_case(id, &replied(told)).await;
    }
    bench.count().await;
    let by = |group_by, slice| bench.by("median_days", group_by, slice);
    let expected = rows(&[("350102-s", 3), ("350200-g", 8)]);
    assert_eq!(by(GroupBy::Office, Slice::default()).await, expected);
    assert_eq!(
        by(GroupBy::Division, division("350000")).await,
        rows(&[("350100", 3), ("350200", 8)])
    );
    assert_eq!(by(GroupBy::Unspecified, Slice::default()).await, rows(&[("", 3)]));
    let narrowed = Slice { domain: "7".into(), ..Slice::default() };
    assert_eq!(by(GroupBy::Kind, narrowed).await, rows(&[("help", 3)]));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_question_is_told_at_once() {
    let bench = bench().await;
    let slice = Slice {
        division_code: "35".into(),
        office_id: "a b".into(),
        domain: "'; drop".into(),
        from_month: "2026-13".into(),
        ..Slice::default()
    };
    let mut question = query(&["received", "nonsense"], GroupBy::Ground, slice);
    question.indicators.extend((0..20).map(|_| "received".to_owned()));
    let refused = bench.try_ask(question).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let told = refused.get_error_details();
    let told = told.bad_request().unwrap().field_violations.clone();
    let told: Vec<_> = told.iter().map(|it| (it.field.as_str(), it.reason.as_str())).collect();
    let expected = [
        ("indicators", "TOO_MANY_ENTRIES"),
        ("indicators[1]", "INDICATOR_UNKNOWN"),
        ("slice.division_code", "DIVISION_MALFORMED"),
        ("slice.office_id", "CODE_MALFORMED"),
        ("slice.domain", "CODE_MALFORMED"),
        ("slice.from_month", "MONTH_MALFORMED"),
        ("group_by", "GROUP_NEEDS_DECLINED"),
    ];
    assert_eq!(told, expected);
    for (question, reason) in [
        (query(&[], GroupBy::Month, Slice::default()), "FIELD_REQUIRED"),
        (query(&["declined"], GroupBy::Outcome, Slice::default()), "GROUP_NEEDS_CLOSED"),
        (
            query(
                &["received"],
                GroupBy::Month,
                Slice {
                    from_month: "2026-08".into(),
                    to_month: "2026-07".into(),
                    ..Slice::default()
                },
            ),
            "MONTHS_REVERSED",
        ),
        (
            query(
                &["received"],
                GroupBy::Division,
                Slice { office_id: "m-01".into(), ..Slice::default() },
            ),
            "OFFICE_NOT_DIVIDED",
        ),
    ] {
        let refused = bench.try_ask(question).await.unwrap_err();
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].reason, reason);
    }
    let mut unknown = query(&["received"], GroupBy::Month, Slice::default());
    unknown.group_by = 99;
    assert_eq!(bench.try_ask(unknown).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_answer_with_too_many_rows_is_refused_and_not_cut() {
    let bench = bench_with(liuyan_stats::Config { rows: 3, ..config() }).await;
    a_board(&bench).await;
    let question = query(&["received"], GroupBy::Office, Slice::default());
    let refused = bench.try_ask(question).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert!(details.localized_message().unwrap().message.contains("6 rows"));
}

#[tokio::test]
async fn definitions_are_told_in_the_callers_language() {
    let bench = bench().await;
    let list = bench.grpc.list_indicators(anonymous(ListIndicatorsRequest {})).await.unwrap();
    let list = list.into_inner();
    assert_eq!((list.version, list.indicators.len()), (2, 18));
    let ask = |code: &str| GetIndicatorRequest { indicator: code.into() };
    let one = bench.grpc.get_indicator(anonymous(ask("reply_rate"))).await.unwrap();
    let one = one.into_inner().indicator.unwrap();
    assert_eq!((one.name.as_str(), one.unit()), ("Reply rate", Unit::Ratio));
    assert!(!one.denominator.is_empty() && one.higher_is_better);
    let none = bench.grpc.get_indicator(anonymous(ask("nonsense"))).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
}

#[tokio::test]
async fn a_report_has_the_rows_of_its_question() {
    let bench = bench().await;
    bench.directory().await;
    let id = bench.a_case(1, "350102-s").await;
    let strange = MessageSubmitted { domain: "=cmd".into(), ..submitted(message(2)) };
    bench.say(message(2), &strange).await;
    bench.say(message(2), &approved(message(2))).await;
    bench.say_case(id, &replied(case(id, "2026-07-05T00:00:00Z"))).await;
    bench.count().await;
    let question = query(&["received", "reply_rate"], GroupBy::Domain, Slice::default());
    let request = ExportReportRequest { query: Some(question) };
    let report = bench.grpc.export_report(anonymous(request)).await.unwrap().into_inner();
    assert_eq!(
        String::from_utf8(report.csv.to_vec()).unwrap(),
        "domain,received_numerator,received_denominator,received,reply_rate_numerator,\
         reply_rate_denominator,reply_rate,counted_until,definitions\r\n\
         7,1,0,1,1,1,1,2026-07-01T08:00:00Z,2\r\n\
         '=cmd,1,0,1,0,0,,2026-07-01T08:00:00Z,2\r\n"
    );
    let refused = bench.grpc.export_report(anonymous(ExportReportRequest { query: None })).await;
    let details = refused.unwrap_err().get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "query.indicators");
}
