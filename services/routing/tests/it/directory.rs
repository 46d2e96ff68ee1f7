use std::collections::BTreeSet;

use liuyan_kit::testing;
use liuyan_proto::liuyan::routing::v1 as routing;
use liuyan_routing::{Routing, app::loading, domain::lists};

use crate::helpers::{House, reason};

const OFFICES: usize = 6_678 + 58;

#[tokio::test]
async fn the_directory_is_loaded_once_and_said_once() {
    let db = testing::database::<Routing>().await;
    let lists = lists::embedded().unwrap();
    let loaded = loading::load(&db, lists.clone(), testing::now()).await.unwrap();
    assert_eq!(loaded.said, OFFICES + 3);
    assert_eq!(loaded.damaged, BTreeSet::new());
    let said = testing::said::<routing::OfficePut>(&db).await;
    assert_eq!(said.len(), OFFICES);
    let office = said.iter().find(|it| it.event.office_id == "130102-s").unwrap();
    assert_eq!(office.event.parent_office_id, "130100-g");
    assert!(office.event.open && office.version == 1);
    assert_eq!(office.event.division_path, ["130000", "130100", "130102"]);
    let published = testing::said::<routing::CodeListPublished>(&db).await;
    let lists_said: Vec<_> = published.iter().map(|it| it.event.list.as_str()).collect();
    assert_eq!(lists_said, ["kinds", "domains"]);
    assert_eq!(published[0].event.codes[0], "enquiry");
    let calendar = testing::said::<routing::CalendarPut>(&db).await;
    assert_eq!(calendar[0].event.last_day, "2026-12-31");

    let again = loading::load(&db, lists, testing::now()).await.unwrap();
    assert_eq!(again.said, 0);
    assert_eq!(again.snapshot.directory.offices.iter().count(), OFFICES);
}

#[tokio::test]
async fn two_that_start_together_load_it_once() {
    let db = testing::database::<Routing>().await;
    let lists = lists::embedded().unwrap();
    let (one, other) = tokio::join!(
        loading::load(&db, lists.clone(), testing::now()),
        loading::load(&db, lists, testing::now())
    );
    assert_eq!(one.unwrap().said + other.unwrap().said, OFFICES + 3);
}

#[tokio::test]
async fn a_newer_list_says_only_what_changed() {
    let db = testing::database::<Routing>().await;
    let mut lists = lists::embedded().unwrap();
    loading::load(&db, lists.clone(), testing::now()).await.unwrap();
    for (list, version) in &mut lists.versions {
        if list == "offices" || list == "kinds" {
            *version += 1;
        }
    }
    let gone = lists.offices.pop().unwrap();
    lists.offices[0].title.push('!');
    let older = lists::embedded().unwrap();
    let loaded = loading::load(&db, lists, testing::now()).await.unwrap();
    assert_eq!(loaded.said, 3, "a closed office, a changed one, and the kinds");
    assert!(!loaded.snapshot.directory.offices.get(&gone.office_id).unwrap().open);
    assert_eq!(loaded.damaged, BTreeSet::new());
    let left_alone = loading::load(&db, older, testing::now()).await.unwrap();
    assert_eq!((left_alone.said, left_alone.snapshot.directory.kinds_version), (0, 3));
}

#[tokio::test]
async fn a_circle_in_a_newer_list_changes_nothing() {
    let db = testing::database::<Routing>().await;
    let mut lists = lists::embedded().unwrap();
    let top = lists.offices.iter().position(|office| office.office_id == "110000-s").unwrap();
    lists.offices[top].parent_office_id = Some("110101-g".to_owned());
    assert!(loading::load(&db, lists, testing::now()).await.is_err());
    let rows: i64 = sqlx::query_scalar("select count(*) from offices")
        .fetch_one(&mut *db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_lost_row_of_any_list_is_noticed() {
    let db = testing::database::<Routing>().await;
    loading::load(&db, lists::embedded().unwrap(), testing::now()).await.unwrap();
    for (table, list) in [
        ("divisions", "divisions"),
        ("offices", "offices"),
        ("holidays", "calendar"),
        ("kinds", "kinds"),
        ("domains", "domains"),
        ("deadlines", "deadlines"),
        ("directory_lists", "calendar"),
    ] {
        let mut connection = db.read().await.unwrap();
        let lose = format!(
            "begin; delete from {table} where ctid = (select ctid from {table} {} limit 1)",
            if table == "directory_lists" { "where list = 'calendar'" } else { "" }
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(lose)).execute(&mut *connection).await.unwrap();
        let damaged = liuyan_routing::store::directory::damaged(&mut connection).await.unwrap();
        assert_eq!(damaged, [list], "{table}");
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
    }
    assert_eq!(loading::damaged(&db).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_directory_is_served_page_by_page() {
    let house = House::open().await;
    let mut client = house.directory();
    let mut request = routing::ListOfficesRequest {
        division_code: "130000".to_owned(),
        include_below: true,
        page_size: 150,
        ..Default::default()
    };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = client.list_offices(request.clone()).await.unwrap().into_inner();
        seen.extend(page.offices.into_iter().map(|office| office.office_id));
        pages += 1;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert!(pages > 2 && seen.is_sorted());
    assert!(seen.contains(&"130102-g".to_owned()) && seen.iter().all(|id| id.starts_with("13")));

    let ministries = routing::ListOfficesRequest::default();
    assert_eq!(client.list_offices(ministries).await.unwrap().into_inner().offices.len(), 58);
    let provinces = routing::ListDivisionsRequest::default();
    assert_eq!(client.list_divisions(provinces).await.unwrap().into_inner().divisions.len(), 34);
    let districts =
        routing::ListDivisionsRequest { parent_code: "110000".to_owned(), ..Default::default() };
    let districts = client.list_divisions(districts).await.unwrap().into_inner().divisions;
    assert_eq!(districts.len(), 16, "no placeholder in between");
    let kinds = client.list_kinds(routing::ListKindsRequest {}).await.unwrap().into_inner();
    assert_eq!((kinds.kinds.len(), kinds.version), (5, 2));
    assert_eq!(kinds.kinds[0].name_en, "Enquiry");
    let domains = client.list_domains(routing::ListDomainsRequest {}).await.unwrap().into_inner();
    assert_eq!(domains.domains[0].topics.len(), 14);
    let calendar = client.get_calendar(routing::GetCalendarRequest { year: 2026 }).await.unwrap();
    assert_eq!(calendar.into_inner().days.iter().filter(|day| !day.off).count(), 6);
    let missing = routing::GetOfficeRequest { office_id: "x".to_owned() };
    assert_eq!(reason(client.get_office(missing).await), "OFFICE_NOT_FOUND");
}

#[tokio::test]
async fn a_deadline_is_explained_day_by_day() {
    let house = House::open().await;
    let mut client = house.directory();
    let request = routing::ComputeDeadlineRequest {
        kind: "enquiry".to_owned(),
        office_id: "130102-g".to_owned(),
        submitted_at: Some(liuyan_kit::clock::to_proto("2026-09-30T09:00:00+08".parse().unwrap())),
        ..Default::default()
    };
    let deadline = client.compute_deadline(request.clone()).await.unwrap().into_inner();
    assert_eq!(deadline.deadline_on, "2026-10-13");
    assert_eq!((deadline.days, deadline.working_days, deadline.calendar_known), (5, true, true));
    assert_eq!(deadline.steps.len(), 14);
    assert_eq!(deadline.steps[10].reason, "make_up_day");
    let wrong = routing::ComputeDeadlineRequest { kind: "x".to_owned(), ..request };
    assert_eq!(reason(client.compute_deadline(wrong).await), "REQUEST_INVALID");
}

#[tokio::test]
async fn lists_that_were_whole_before_the_tables_changed_are_whole_after_it_and_others_are_not() {
    let db = testing::bare_database().await;
    let before = include_str!("../../migrations/0001_routing.sql");
    let change = include_str!("../../migrations/0002_search_transfers_editors.sql");
    let validity = include_str!("../../migrations/0010_directory.sql");
    let rows = "insert into kinds (kind, place, name_zh) values ('a', 1, 'A'), ('b', 2, 'B');
         insert into divisions (code, name, level) values ('1', 'A', 'province'), ('2', 'B', 'province');
         insert into offices (office_id, level, role, title, open) values ('x', 'state', 'r', 't', true);
         insert into directory_lists (list, version, rows, sha256, loaded_at)
         select list, 1, rows, sha256, now() from directory_contents;
         delete from divisions where code = '2';";
    let mut connection = db.read().await.unwrap();
    let upgraded = format!("begin; {before} {rows} {change} commit; begin; {validity} commit;");
    sqlx::raw_sql(sqlx::AssertSqlSafe(upgraded)).execute(&mut *connection).await.unwrap();
    let damaged = liuyan_routing::store::directory::damaged(&mut connection).await.unwrap();
    assert_eq!(damaged, ["divisions"]);
}
