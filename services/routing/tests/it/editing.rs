use liuyan_kit::testing;
use liuyan_proto::liuyan::routing::v1 as routing;
use liuyan_routing::{Routing, app::loading, domain::lists};
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::helpers::{House, a_message, reason, view};

fn a_division() -> routing::Division {
    routing::Division {
        code: "130198".to_owned(),
        name: "A new district".to_owned(),
        level: routing::Level::County.into(),
        parent_code: "130100".to_owned(),
        ..Default::default()
    }
}

fn an_office() -> routing::Office {
    routing::Office {
        office_id: "130198-water".to_owned(),
        division_code: "130198".to_owned(),
        level: routing::Level::County.into(),
        role: "bureau".to_owned(),
        title: "Water bureau".to_owned(),
        parent_office_id: "130100-g".to_owned(),
        open: true,
        ..Default::default()
    }
}

async fn put_division(
    house: &House,
    division: routing::Division,
) -> Result<routing::Division, Status> {
    let request = routing::PutDivisionRequest { division: Some(division) };
    let answer = house.editor().put_division(request).await?;
    Ok(answer.into_inner().division.unwrap())
}

async fn put_office(house: &House, office: routing::Office) -> Result<routing::Office, Status> {
    let request = routing::PutOfficeRequest { office: Some(office) };
    Ok(house.editor().put_office(request).await?.into_inner().office.unwrap())
}

fn of_office(id: &str) -> routing::GetOfficeRequest {
    routing::GetOfficeRequest { office_id: id.to_owned() }
}

#[tokio::test]
async fn an_editors_office_is_there_at_once_and_gets_cases() {
    let house = House::open().await;
    assert_eq!(put_division(&house, a_division()).await.unwrap(), a_division());
    assert_eq!(put_office(&house, an_office()).await.unwrap(), an_office());
    let found = house.directory().get_office(of_office("130198-water")).await.unwrap();
    assert_eq!(found.into_inner().office.unwrap(), an_office());
    let case = house.a_case(&a_message().to("130198-water")).await;
    assert_eq!(
        (view(&case).office_id.as_str(), view(&case).division_code.as_str()),
        ("130198-water", "130198")
    );
    let in_city =
        routing::ListCasesRequest { division_code: "130100".to_owned(), ..Default::default() };
    let listed = house.public_cases().list_cases(in_city).await.unwrap().into_inner().cases;
    assert_eq!(listed, [case]);

    let said = testing::said::<routing::OfficePut>(house.db()).await;
    let said: Vec<_> = said.iter().filter(|said| said.event.office_id == "130198-water").collect();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].event.division_path, ["130000", "130100", "130198"]);
    // Nothing is said of what stays as it is; something of what changes.
    put_office(&house, an_office()).await.unwrap();
    put_office(&house, routing::Office { open: false, ..an_office() }).await.unwrap();
    let said = testing::said::<routing::OfficePut>(house.db()).await;
    let said: Vec<_> = said.iter().filter(|said| said.event.office_id == "130198-water").collect();
    assert_eq!((said.len(), said[1].event.open), (2, false));
    let whole = loading::damaged(house.db()).await.unwrap();
    assert_eq!(whole, Vec::<String>::new());
    let case = house.a_case(&a_message().to("130198-water")).await;
    assert_eq!(case.assigned_by, "closed_office_passed_over");
}

#[tokio::test]
async fn offices_are_said_again_when_their_division_moves() {
    let house = House::open().await;
    put_division(&house, a_division()).await.unwrap();
    put_office(&house, an_office()).await.unwrap();
    let moved = routing::Division { parent_code: "130200".to_owned(), ..a_division() };
    put_division(&house, moved).await.unwrap();
    let said = testing::said::<routing::OfficePut>(house.db()).await;
    let last = said.last().unwrap();
    assert_eq!(last.event.office_id, "130198-water");
    assert_eq!(last.event.division_path, ["130000", "130200", "130198"]);
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_only_editors_may() {
    let house = House::open().await;
    let told = |result: Result<(), Status>| {
        let violations = result.unwrap_err().get_details_bad_request().unwrap().field_violations;
        assert!(violations.iter().all(|it| !it.description.is_empty()), "{violations:?}");
        violations.into_iter().map(|it| it.field).collect::<Vec<_>>()
    };
    let wrong = put_division(&house, routing::Division::default()).await.map(drop);
    assert_eq!(told(wrong), ["division.code", "division.name", "division.level"]);
    let wrong = put_office(&house, routing::Office::default()).await.map(drop);
    assert_eq!(told(wrong), ["office.office_id", "office.role", "office.title", "office.level"]);
    let nothing = routing::PutOfficeRequest { office: None };
    assert_eq!(told(house.editor().put_office(nothing).await.map(drop)), ["office"]);
    let circle = routing::Office {
        office_id: "130100-g".to_owned(),
        division_code: "130100".to_owned(),
        level: routing::Level::City.into(),
        parent_office_id: "130102-g".to_owned(),
        ..an_office()
    };
    let circle = told(put_office(&house, circle).await.map(drop));
    assert_eq!(circle, ["office.parent_office_id", "office.level"]);

    let request = routing::PutOfficeRequest { office: Some(an_office()) };
    let anybody = house.directory().put_office(request).await;
    assert_eq!(anybody.unwrap_err().code(), tonic::Code::Unauthenticated);
    assert_eq!(
        reason(house.directory().get_office(of_office("130198-water")).await),
        "OFFICE_NOT_FOUND"
    );
}

#[tokio::test]
async fn another_replica_sees_the_change_when_it_looks() {
    let house = House::open().await;
    let replica = house.replica().await;
    assert!(!replica.renew_directory().await.unwrap(), "nothing has changed");
    put_division(&house, a_division()).await.unwrap();
    assert!(replica.directory().division("130198").is_none());
    assert!(replica.renew_directory().await.unwrap());
    assert!(replica.directory().division("130198").is_some());
    assert!(!replica.renew_directory().await.unwrap());
}

#[tokio::test]
async fn a_newer_list_leaves_alone_what_editors_have_put() {
    let house = House::open().await;
    put_division(&house, a_division()).await.unwrap();
    put_office(&house, an_office()).await.unwrap();
    // One of the list, closed by an editor.
    let mut closed = house
        .directory()
        .get_office(of_office("130102-g"))
        .await
        .unwrap()
        .into_inner()
        .office
        .unwrap();
    closed.open = false;
    put_office(&house, closed).await.unwrap();
    let mut newer = lists::embedded().unwrap();
    for (_, version) in &mut newer.versions {
        *version += 1;
    }
    // The list no longer has the city in which the editor's district lies.
    newer.divisions.retain(|division| !division.code.starts_with("1301"));
    newer.offices.retain(|office| !office.office_id.starts_with("1301"));
    let loaded = loading::load(house.db(), newer, testing::now()).await.unwrap();
    let directory = loaded.snapshot.directory;
    assert!(directory.offices.get("130198-water").unwrap().open);
    assert!(!directory.offices.get("130102-g").unwrap().open);
    assert!(!directory.offices.get("130102-s").unwrap().open, "those of the list are closed");
    assert!(directory.division("130100").is_some(), "an editor's district lies in it");
    assert_eq!(loaded.damaged.len(), 0);
    assert_eq!(loading::damaged(house.db()).await.unwrap(), Vec::<String>::new());

    // And one that has it again does not open what the editor has closed.
    let mut newest = lists::embedded().unwrap();
    for (_, version) in &mut newest.versions {
        *version += 2;
    }
    let loaded = loading::load(house.db(), newest, testing::now()).await.unwrap();
    let directory = loaded.snapshot.directory;
    assert!(!directory.offices.get("130102-g").unwrap().open);
    assert!(directory.offices.get("130102-s").unwrap().open);
}

#[tokio::test]
async fn a_change_does_not_hide_that_a_row_was_lost() {
    let house = House::open().await;
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql("delete from offices where office_id = 'M01'")
        .execute(&mut *connection)
        .await
        .unwrap();
    put_division(&house, a_division()).await.unwrap();
    put_office(&house, an_office()).await.unwrap();
    assert_eq!(loading::damaged(house.db()).await.unwrap(), ["offices"]);
}

#[tokio::test]
async fn offices_that_were_said_without_their_divisions_are_said_again() {
    let db = testing::database::<Routing>().await;
    loading::load(&db, lists::embedded().unwrap(), testing::now()).await.unwrap();
    let mut connection = db.read().await.unwrap();
    let older = "update offices set told_path = null where office_id in ('M01', '130102-g')";
    sqlx::raw_sql(older).execute(&mut *connection).await.unwrap();
    let again = loading::load(&db, lists::embedded().unwrap(), testing::now()).await.unwrap();
    assert_eq!(again.said, 2);
    let again = loading::load(&db, lists::embedded().unwrap(), testing::now()).await.unwrap();
    assert_eq!(again.said, 0);
}
