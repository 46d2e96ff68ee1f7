//! What editors change.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    identity::v1::Role,
    routing::v1::{self as routing, Level, ModelState},
};

use crate::{
    portal::Running,
    samples::{ago, refused},
    staff::{clerk, staff},
};

#[tokio::test]
async fn only_editors_come_here() {
    let portal = Running::start().await;
    let pages = ["", "/offices", "/terms", "/competences", "/calendar", "/models", "/model-cases"];
    let mut clerk = clerk(&portal).await;
    for page in pages {
        let page = clerk.get(&format!("/admin{page}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    }
    let page = portal.browser().get("/admin").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    editor.get("/admin").await.shows(&["办理单位", "工作日历", "分派建议模型"]);
}

#[tokio::test]
async fn an_office_ends_on_a_day_with_its_successor() {
    let portal = Running::start().await;
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    editor.get("/admin/offices?q=nobody").await.shows(&["value=\"nobody\"", "没有找到"]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    portal.fake.on("DirectoryService/PutOffice", move |it: routing::PutOfficeRequest| {
        let office = it.office.unwrap();
        if office.successor_id.is_empty() {
            let fields = ["office.successor_id", "office.title"];
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &fields));
        }
        heard.lock().unwrap().push(format!(
            "{} {} {:?} {} {}",
            office.office_id,
            office.open,
            office.level(),
            office.valid_until,
            office.successor_id
        ));
        Ok(routing::PutOfficeResponse { office: Some(office) })
    });
    let at = "/admin/offices/330106-g";
    let page = editor.get(at).await;
    page.shows(&["value=\"西湖区区长\"", "存续末日"]).hides(&["name=\"office_id\""]);
    let fields = [("title", "西湖区区长"), ("level", "county"), ("valid_until", "2026-12-31")];
    let again = editor.submit(&page, at, &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&["value=\"2026-12-31\"", "successor_id-wrong", "called-wrong"]);
    let whole = [&fields[..], &[("successor_id", "330100-g"), ("open", "yes")]].concat();
    let done = editor.submit(&page, at, &whole).await;
    assert_eq!(done.location(), at);
    assert_eq!(*told.lock().unwrap(), ["330106-g true County 2026-12-31 330100-g"]);
    let page = editor.get("/admin/offices/new").await;
    page.shows(&["name=\"office_id\""]);
    assert_eq!(editor.get("/admin/offices/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_year_is_typed_a_line_a_day() {
    let portal = Running::start().await;
    portal.fake.on("DirectoryService/GetCalendar", |it: routing::GetCalendarRequest| {
        let name = "元旦".to_owned();
        let day = routing::CalendarDay { date: format!("{}-01-01", it.year), name, off: true };
        let last_day = "2026-12-31".to_owned();
        Ok(routing::GetCalendarResponse { days: vec![day], last_day, ..Default::default() })
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    portal.fake.on("DirectoryService/PutCalendar", move |it: routing::PutCalendarRequest| {
        if it.year != 2027 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["year", "days.date"]));
        }
        heard.lock().unwrap().extend(it.days);
        Ok(routing::PutCalendarResponse::default())
    });
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    let page = editor.get("/admin/calendar?year=2027").await;
    page.shows(&["2027 年工作日历", "2027-01-01 元旦 休", "2026-12-31"]);
    let days = "2027-02-05 春节 休\r\n\r\n2027-02-20 春节 班\r\n2027-05-01 Labour Day OFF";
    let fields = |year, days| [("year", year), ("days", days), ("source", "通知")];
    let done = editor.submit(&page, "/admin/calendar", &fields("2027", days)).await;
    assert_eq!(done.location(), "/admin/calendar?year=2027");
    let said: Vec<_> = told
        .lock()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it.date, it.name, it.off))
        .collect();
    let expected = ["2027-02-05 春节 true", "2027-02-20 春节 false", "2027-05-01 Labour Day true"];
    assert_eq!(said, expected);
    for (year, wrong) in [("2027", "2027-02-05 春节"), ("2029", days)] {
        let again = editor.submit(&page, "/admin/calendar", &fields(year, wrong)).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.shows(&["2027-02-05 春节", "calendar-wrong"]);
    }
}

#[tokio::test]
async fn terms_and_competences_are_put_and_removed() {
    let portal = Running::start().await;
    portal.fake.on("DirectoryService/ListTerms", |_: routing::ListTermsRequest| {
        let level = Level::County.into();
        let term = routing::Term { level, days: 15, working_days: true, ..Default::default() };
        Ok(routing::ListTermsResponse { terms: vec![term] })
    });
    portal.fake.on("DirectoryService/ListCompetences", |_: routing::ListCompetencesRequest| {
        let competence = routing::Competence {
            division_code: "330106".to_owned(),
            domain: "7".to_owned(),
            office_id: "330106-g".to_owned(),
            ..Default::default()
        };
        let competences = vec![competence];
        Ok(routing::ListCompetencesResponse { competences, ..Default::default() })
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    portal.fake.on("DirectoryService/PutTerm", move |it: routing::PutTermRequest| {
        let term = it.term.clone().unwrap();
        if term.days == 0 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["term.days"]));
        }
        heard.lock().unwrap().push(format!("{} {:?} {}", term.kind, term.level(), term.days));
        Ok(routing::PutTermResponse { term: it.term })
    });
    let heard = Arc::clone(&told);
    portal.fake.on(
        "DirectoryService/RemoveCompetence",
        move |it: routing::RemoveCompetenceRequest| {
            heard.lock().unwrap().push(format!("no {} {}", it.division_code, it.domain));
            Ok(routing::RemoveCompetenceResponse::default())
        },
    );
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    let page = editor.get("/admin/terms").await;
    page.shows(&["15 个工作日", "县级", "全部类型"]);
    let again = editor.submit(&page, "/admin/terms", &[("kind", "help"), ("days", "")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&["term-wrong"]);
    editor
        .submit(&page, "/admin/terms", &[("kind", "help"), ("level", "city"), ("days", "9")])
        .await;
    let page = editor.get("/admin/competences?division=330106").await;
    page.shows(&["西湖区", "西湖区区长"]);
    let fields = [("division_code", "330106"), ("domain", "7")];
    let done = editor.submit(&page, "/admin/competences/remove", &fields).await;
    assert_eq!(done.location(), "/admin/competences?division=330106");
    assert_eq!(*told.lock().unwrap(), ["help City 9", "no 330106 7"]);
}

#[tokio::test]
async fn before_a_model_is_in_force_rules_and_people_decide() {
    let portal = Running::start().await;
    let figures = routing::ModelFigures { accuracy: 0.875, ..Default::default() };
    let model = move |in_force: bool| routing::Model {
        version: 3,
        state: ModelState::Trained.into(),
        in_force,
        examples: 2_000,
        figures: Some(figures),
        trained_at: ago(1),
        ..Default::default()
    };
    let gives = move |portal: &Running, in_force: bool| {
        portal.fake.on("SuggestionService/ListModels", move |_: routing::ListModelsRequest| {
            Ok(routing::ListModelsResponse { models: vec![model(in_force)], ..Default::default() })
        });
    };
    let told = Arc::new(Mutex::new(Vec::new()));
    macro_rules! takes {
        ($method:literal, $ask:ident, $answer:ident, $name:literal) => {
            let heard = Arc::clone(&told);
            portal.fake.on($method, move |it: routing::$ask| {
                heard.lock().unwrap().push(format!("{} {} {}", $name, it.subject, it.version));
                Ok(routing::$answer::default())
            });
        };
    }
    takes!("SuggestionService/PublishModel", PublishModelRequest, PublishModelResponse, "publish");
    takes!("SuggestionService/RollBackModel", RollBackModelRequest, RollBackModelResponse, "back");
    portal.fake.on("SuggestionService/EvaluateModel", move |_: routing::EvaluateModelRequest| {
        let label = routing::LabelFigure { label: "7".to_owned(), f1: 0.5, cases: 12 };
        Ok(routing::EvaluateModelResponse {
            model: Some(model(false)),
            figures: Some(figures),
            labels: vec![label],
        })
    });
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    gives(&portal, false);
    let page = editor.get("/admin/models?subject=office").await;
    page.shows(&["由规则和分派单位决定", "第 3 版", "87.5%", "启用"]).hides(&["value=\"back\""]);
    let at = |action| [("subject", "office"), ("version", "3"), ("action", action)];
    editor.submit(&page, "/admin/models", &at("publish")).await;
    gives(&portal, true);
    let page = editor.get("/admin/models").await;
    page.shows(&["使用中", "value=\"back\""]).hides(&["目前没有启用模型"]);
    let none = [("subject", "domain"), ("action", "back")];
    editor.submit(&page, "/admin/models", &none).await;
    assert_eq!(*told.lock().unwrap(), ["publish 2 3", "back 1 0"]);
    editor.get("/admin/models?evaluate=3").await.shows(&["在训练之后办结的留言上", "50.0%"]);
}
