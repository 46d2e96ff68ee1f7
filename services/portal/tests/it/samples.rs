//! A small board: three divisions, some offices, two kinds, two domains, two public cases.

use liuyan_kit::{
    class::{Class, Classify, Violation},
    clock, testing,
};
use liuyan_portal::WORDS;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Custody, PublicCase, PublicState, Reply, Visibility},
    intake::v1 as intake,
    moderation::v1 as moderation,
    routing::v1 as routing,
    stats::v1 as stats,
};
use prost_types::Timestamp;
use tonic::Status;

use crate::fake::Fake;

/// The public number of the answered case.
pub(crate) const ANSWERED: &str = "ABCD-EFGH-JKMN-P";
/// The public number of the newest case.
pub(crate) const NEWEST: &str = "QRST-VWXY-Z234-5";
/// What should never be more than text.
pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";

/// A refusal as services tell it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Refusal {
    pub(crate) class: Class,
    pub(crate) reason: &'static str,
    pub(crate) violations: Vec<Violation>,
}

impl Classify for Refusal {
    fn class(&self) -> Class {
        self.class
    }

    fn reason(&self) -> &'static str {
        self.reason
    }

    fn violations(&self) -> Vec<Violation> {
        self.violations.clone()
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        self.class.passes().then_some(std::time::Duration::from_secs(7))
    }
}

/// A refusal in Chinese. The texts are the portal's, for want of others.
pub(crate) fn refused(class: Class, reason: &'static str, fields: &[&str]) -> Status {
    let violations = fields.iter().map(|field| Violation::new(*field, "SEARCH_TOO_SHORT"));
    let refusal = Refusal { class, reason, violations: violations.collect() };
    WORDS.status(&refusal, "zh-CN")
}

/// So many days ago.
pub(crate) fn ago(days: i64) -> Option<Timestamp> {
    let time = testing::now() - jiff::SignedDuration::from_hours(24 * days);
    Some(clock::to_proto(time))
}

fn division(code: &str, name: &str, level: routing::Level, parent: &str) -> routing::Division {
    routing::Division {
        code: code.to_owned(),
        name: name.to_owned(),
        level: level.into(),
        parent_code: parent.to_owned(),
        ..routing::Division::default()
    }
}

fn divisions() -> Vec<routing::Division> {
    vec![
        division("330000", "浙江省", routing::Level::Province, ""),
        division("440000", "广东省", routing::Level::Province, ""),
        division("330100", "杭州市", routing::Level::City, "330000"),
        division("330106", "西湖区", routing::Level::County, "330100"),
        // Nobody has an office in the one, and the other is no more.
        division("330127", "淳安县", routing::Level::County, "330100"),
        routing::Division {
            valid_until: "2021-04-08".to_owned(),
            successor_code: "330106".to_owned(),
            ..division("330103", "下城区", routing::Level::County, "330100")
        },
    ]
}

fn office(id: &str, code: &str, title: &str, open: bool) -> routing::Office {
    routing::Office {
        office_id: id.to_owned(),
        division_code: code.to_owned(),
        title: title.to_owned(),
        open,
        ..routing::Office::default()
    }
}

fn offices() -> Vec<routing::Office> {
    vec![
        office("330000-s", "330000", "浙江省委书记", true),
        office("330000-g", "330000", "浙江省省长", true),
        office("330100-g", "330100", "杭州市市长", true),
        office("330106-g", "330106", "西湖区区长", true),
        office("330106-s", "330106", "西湖区委书记", false),
        office("M04", "", "教育部", true),
        office("M05", "", "科学技术部", true),
    ]
}

/// A case that was answered in time.
pub(crate) fn answered() -> PublicCase {
    let custody = |office: &str, from, until| Custody { office_id: office.to_owned(), from, until };
    PublicCase {
        case_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80".to_owned(),
        message_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81".to_owned(),
        number: ANSWERED.to_owned(),
        office_id: "330106-g".to_owned(),
        division_code: "330106".to_owned(),
        kind: "help".to_owned(),
        domain: "7".to_owned(),
        topic: "市政道路及设施".to_owned(),
        title: "文三路北侧人行道路灯不亮".to_owned(),
        body: format!("文三路北侧从路口到公园一段，路灯坏了两周，晚上看不见台阶。\n{SCRIPT}"),
        place: "文三路北侧".to_owned(),
        submitted_at: ago(9),
        deadline_at: ago(1),
        state: CaseState::Replied.into(),
        public_state: PublicState::Replied.into(),
        replies: vec![Reply {
            reply_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f82".to_owned(),
            office_id: "330106-g".to_owned(),
            body: "您好：经现场核查，该段共有六盏路灯因电缆受损不亮，现已更换电缆，全部恢复照明。\
                   感谢您的反映。"
                .to_owned(),
            replied_at: ago(3),
            ..Reply::default()
        }],
        custody: vec![custody("330100-g", ago(9), ago(8)), custody("330106-g", ago(8), None)],
        revision: 4,
        accepted_at: ago(7),
        ..PublicCase::default()
    }
}

/// A complaint that waits, and whose deadline has passed.
pub(crate) fn newest() -> PublicCase {
    PublicCase {
        case_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f90".to_owned(),
        message_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f91".to_owned(),
        number: NEWEST.to_owned(),
        office_id: "330100-g".to_owned(),
        division_code: "330100".to_owned(),
        kind: "complaint".to_owned(),
        title: "小区地下车库长期积水".to_owned(),
        demand: "请督促物业疏通排水沟并修好水泵。".to_owned(),
        details: "每逢下雨，地下车库二层积水十厘米以上，已向物业反映三次没有结果。".to_owned(),
        submitted_at: ago(12),
        deadline_at: ago(2),
        state: CaseState::Assigned.into(),
        public_state: PublicState::AwaitingReply.into(),
        custody: vec![Custody { office_id: "330100-g".to_owned(), from: ago(12), until: None }],
        revision: 1,
        ..PublicCase::default()
    }
}

/// A case as its author and everybody gets it.
pub(crate) fn case(view: PublicCase) -> routing::Case {
    routing::Case {
        view: Some(view),
        visibility: Visibility::Public.into(),
        public: true,
        ..routing::Case::default()
    }
}

/// A message as its author sees it.
pub(crate) fn message(state: intake::MessageState) -> intake::Message {
    let view = answered();
    intake::Message {
        message_id: view.message_id.clone(),
        number: view.number,
        office_id: view.office_id,
        kind: view.kind,
        domain: view.domain,
        visibility: Visibility::Public.into(),
        state: state.into(),
        submitted_at: view.submitted_at,
        text: Some(intake::Text {
            message_id: view.message_id,
            title: view.title,
            body: view.body,
            ..intake::Text::default()
        }),
        ..intake::Message::default()
    }
}

/// Answers for directory, lists and figures.
pub(crate) fn answer(fake: &Fake) {
    directory(fake);
    cases(fake);
    figures(fake);
}

fn directory(fake: &Fake) {
    fake.on("DirectoryService/ListDivisions", |ask: routing::ListDivisionsRequest| {
        let below = divisions().into_iter().filter(|it| it.parent_code == ask.parent_code);
        let divisions = below.collect();
        Ok(routing::ListDivisionsResponse { divisions, next_page_token: String::new() })
    });
    fake.on("DirectoryService/GetDivision", |ask: routing::GetDivisionRequest| {
        let division = divisions().into_iter().find(|it| it.code == ask.code);
        let division = division.ok_or_else(|| refused(Class::NotFound, "DIVISION_NOT_FOUND", &[]));
        let (division, current_code) = (Some(division?), String::new());
        Ok(routing::GetDivisionResponse { division, current_code })
    });
    fake.on("DirectoryService/ListOffices", |ask: routing::ListOfficesRequest| {
        let here = offices().into_iter().filter(|it| it.division_code == ask.division_code);
        Ok(routing::ListOfficesResponse { offices: here.collect(), next_page_token: String::new() })
    });
    fake.on("DirectoryService/GetOffice", |ask: routing::GetOfficeRequest| {
        let office = offices().into_iter().find(|it| it.office_id == ask.office_id);
        let office = office.ok_or_else(|| refused(Class::NotFound, "OFFICE_NOT_FOUND", &[]));
        let (office, current_office_id) = (Some(office?), String::new());
        Ok(routing::GetOfficeResponse { office, current_office_id })
    });
    fake.on("DirectoryService/ListKinds", |_: routing::ListKindsRequest| {
        let kind = |kind: &str, zh: &str, en: &str| routing::Kind {
            kind: kind.to_owned(),
            name_zh: zh.to_owned(),
            name_en: en.to_owned(),
        };
        let kinds = vec![
            kind("enquiry", "咨询", "Enquiry"),
            kind("complaint", "投诉", "Complaint"),
            kind("help", "求助", "Help"),
        ];
        Ok(routing::ListKindsResponse { kinds, version: 1 })
    });
    fake.on("DirectoryService/ListDomains", |_: routing::ListDomainsRequest| {
        let domain = |domain: &str, zh: &str, en: &str, topics: &[&str]| routing::Domain {
            domain: domain.to_owned(),
            name_zh: zh.to_owned(),
            name_en: en.to_owned(),
            topics: topics.iter().map(|it| (*it).to_owned()).collect(),
        };
        let domains = vec![
            domain("7", "城建", "Urban construction", &["供暖", "市政道路及设施"]),
            domain("14", "教育", "Education", &["入学"]),
        ];
        Ok(routing::ListDomainsResponse { domains, version: 1 })
    });
    fake.on("ReviewService/ListGrounds", |_: moderation::ListGroundsRequest| {
        let grounds = vec![moderation::Ground {
            ground: "unreadable".to_owned(),
            name_zh: "内容不清".to_owned(),
            name_en: "Empty or cannot be understood".to_owned(),
            author_can_mend: true,
            senior_only: false,
            explanations: vec![
                moderation::Explanation {
                    title_zh: "常用".to_owned(),
                    text_zh: "留言内容看不明白，请写明地点。".to_owned(),
                    ..moderation::Explanation::default()
                },
                moderation::Explanation {
                    title_zh: "缺少诉求".to_owned(),
                    text_zh: "请补充您的诉求。".to_owned(),
                    ..moderation::Explanation::default()
                },
            ],
        }];
        Ok(moderation::ListGroundsResponse { grounds })
    });
}

fn cases(fake: &Fake) {
    fake.on("CaseService/ListCases", |ask: routing::ListCasesRequest| {
        let mut cases = vec![case(answered())];
        if ask.order() != routing::CaseOrder::Replied {
            cases.insert(0, case(newest()));
        }
        Ok(routing::ListCasesResponse { cases, next_page_token: String::new() })
    });
    fake.on("CaseService/GetCase", |ask: routing::GetCaseRequest| {
        use routing::get_case_request::Name;
        let known = [answered(), newest()].into_iter().find(|view| match &ask.name {
            Some(Name::Number(number)) => view.number == *number,
            Some(Name::MessageId(id)) => view.message_id == *id,
            _ => false,
        });
        let view = known.ok_or_else(|| refused(Class::NotFound, "CASE_NOT_FOUND", &[]))?;
        Ok(routing::GetCaseResponse { case: Some(case(view)) })
    });
    fake.on("CaseService/SearchCases", |ask: routing::SearchCasesRequest| {
        let found = ask.query.contains("路灯");
        let hit = routing::SearchHit {
            case: Some(answered()),
            excerpt: format!("路灯坏了两周 {SCRIPT}"),
            highlights: vec![routing::Highlight { start: 0, end: 2 }],
        };
        Ok(routing::SearchCasesResponse {
            hits: found.then_some(hit).into_iter().collect(),
            next_page_token: if found { "more".to_owned() } else { String::new() },
            total: u32::from(found),
        })
    });
}

/// A value of an indicator: rates of 0.873 of 1,000, counts of 1,234.
fn value(indicator: &str) -> stats::Value {
    let (numerator, denominator, value) = match indicator {
        "reply_rate" | "on_time_rate" => (873, 1_000, Some(0.873)),
        "satisfaction" => (4_200, 1_000, Some(4.2)),
        "rating_coverage" => (312, 1_000, Some(0.312)),
        "median_days" => (35, 10, Some(3.5)),
        _ => (1_234, 0, Some(1_234.0)),
    };
    stats::Value { indicator: indicator.to_owned(), numerator, denominator, value }
}

fn figures(fake: &Fake) {
    fake.on("StatsService/QuerySeries", |ask: stats::QuerySeriesRequest| {
        let keys: &[&str] = match ask.group_by() {
            stats::GroupBy::Unspecified => &[""],
            stats::GroupBy::Month => &["2026-05", "2026-06", "2026-07"],
            stats::GroupBy::Division => &["330000", "440000"],
            stats::GroupBy::Domain => &["7", "14"],
            stats::GroupBy::Kind => &["complaint", "help"],
            _ => &["330000-g", "330106-g"],
        };
        let row = |key: &&str| stats::Row {
            key: (*key).to_owned(),
            values: ask.indicators.iter().map(|indicator| value(indicator)).collect(),
        };
        Ok(stats::QuerySeriesResponse {
            rows: keys.iter().map(row).collect(),
            counted_until: ago(0),
            version: 1,
        })
    });
    fake.on("StatsService/ListIndicators", |_: stats::ListIndicatorsRequest| {
        let indicator = |indicator: &str, name: &str, unit: stats::Unit| stats::Indicator {
            indicator: indicator.to_owned(),
            version: 1,
            name: name.to_owned(),
            description: "说明".to_owned(),
            numerator: "分子".to_owned(),
            denominator: "分母".to_owned(),
            unit: unit.into(),
            higher_is_better: true,
        };
        Ok(stats::ListIndicatorsResponse {
            indicators: vec![
                indicator("received", "收到留言", stats::Unit::Count),
                indicator("reply_rate", "答复率", stats::Unit::Ratio),
                indicator("satisfaction", "满意度", stats::Unit::Mark),
            ],
            version: 1,
        })
    });
    fake.on("StatsService/ListRanking", |ask: stats::ListRankingRequest| {
        let row = |rank, key: &str| stats::RankingRow {
            rank,
            key: key.to_owned(),
            value: Some(value(&ask.indicator)),
            low: Some(0.81),
            high: Some(0.92),
            coverage: None,
        };
        let rows = match ask.group_by() {
            stats::GroupBy::Office => vec![row(1, "330106-g"), row(2, "330000-g")],
            _ => vec![row(1, "330000"), row(2, "440000")],
        };
        Ok(stats::ListRankingResponse { rows, left_out: 3, counted_until: ago(0), version: 1 })
    });
    fake.on("StatsService/ExportReport", |_: stats::ExportReportRequest| {
        Ok(stats::ExportReportResponse {
            csv: b"month,received\r\n2026-07,1234\r\n".to_vec().into(),
        })
    });
}
