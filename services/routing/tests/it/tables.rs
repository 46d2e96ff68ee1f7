//! What editors put into the calendar, the terms and the competences, and what is no more.

use liuyan_kit::{clock::to_proto, testing};
use liuyan_proto::liuyan::routing::v1 as routing;

use crate::helpers::{House, a_message, asks, reason, rule, view};

fn a_day(date: &str, off: bool) -> routing::CalendarDay {
    routing::CalendarDay { date: date.to_owned(), name: "春节".to_owned(), off }
}

fn an_announcement() -> routing::PutCalendarRequest {
    let days =
        vec![a_day("2027-02-05", true), a_day("2027-02-08", true), a_day("2027-02-20", false)];
    routing::PutCalendarRequest { year: 2027, days, source: "A notice of 2026".to_owned() }
}

/// Puts a year, and who is competent for what nobody writes about in these tests.
pub(crate) async fn edit(house: &House) {
    house.editor().put_calendar(an_announcement()).await.unwrap();
    let competence = routing::Competence {
        division_code: "130104".to_owned(),
        domain: "6".to_owned(),
        kind: "thanks".to_owned(),
        office_id: "130104-g".to_owned(),
        ..Default::default()
    };
    let put = routing::PutCompetenceRequest { competence: Some(competence) };
    house.editor().put_competence(put).await.unwrap();
}

fn a_deadline(submitted_at: &str) -> routing::ComputeDeadlineRequest {
    routing::ComputeDeadlineRequest {
        kind: "enquiry".to_owned(),
        office_id: "130102-g".to_owned(),
        submitted_at: Some(to_proto(submitted_at.parse().unwrap())),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_deadline_across_a_year_without_a_calendar_says_so_until_an_editor_puts_it() {
    let house = House::open().await;
    let mut directory = house.directory();
    let across = a_deadline("2026-12-30T10:00:00+08");
    let guessed = directory.compute_deadline(across.clone()).await.unwrap().into_inner();
    assert!(!guessed.calendar_known);
    assert_eq!(guessed.calendar_last_day, "2026-12-31");
    let strict = routing::ComputeDeadlineRequest { known_only: true, ..across.clone() };
    assert_eq!(reason(directory.compute_deadline(strict.clone()).await), "CALENDAR_ENDS");
    let denied = directory.put_calendar(an_announcement()).await;
    assert_eq!(reason(denied), "TOKEN_MISSING");

    let gap = routing::PutCalendarRequest { year: 2028, ..an_announcement() };
    assert_eq!(reason(house.editor().put_calendar(gap).await), "REQUEST_INVALID");
    let first = routing::GetCalendarRequest { year: 2026 };
    let first = directory.get_calendar(first).await.unwrap().into_inner().version;
    let put = house.editor().put_calendar(an_announcement()).await.unwrap().into_inner();
    assert_eq!((put.last_day.as_str(), put.version), ("2027-12-31", first + 1));
    let known = directory.compute_deadline(strict).await.unwrap().into_inner();
    assert!(known.calendar_known);
    let february = a_deadline("2027-02-04T10:00:00+08");
    let february = directory.compute_deadline(february).await.unwrap().into_inner();
    assert_eq!(february.deadline_on, "2027-02-15", "two days off are passed over");
    let said = testing::said::<routing::CalendarPut>(house.db()).await;
    assert_eq!(said.last().unwrap().event.last_day, "2027-12-31");
    assert_eq!(said.last().unwrap().event.version, first + 1);
    let year = routing::GetCalendarRequest { year: 2027 };
    let year = directory.get_calendar(year).await.unwrap().into_inner();
    assert_eq!((year.days.len(), year.source.as_str()), (3, "A notice of 2026"));
    house.is_whole().await;

    // Another replica sees it, and a start with the built-in list leaves it there.
    let lists = liuyan_routing::domain::lists::embedded().unwrap();
    let raised = lists.versions.iter().map(|(list, version)| (list.clone(), version + 1)).collect();
    let newer = liuyan_routing::domain::lists::Lists { versions: raised, ..lists };
    let loaded =
        liuyan_routing::app::loading::load(house.db(), newer, testing::now()).await.unwrap();
    assert!(loaded.damaged.is_empty());
    let last = loaded.snapshot.directory.calendar.last_day().unwrap();
    assert_eq!(last.to_string(), "2027-12-31");
    house.is_whole().await;
}

#[tokio::test]
async fn waits_and_an_extension_are_explained_with_their_days() {
    let house = House::open().await;
    let at = |text: &str| Some(to_proto(text.parse().unwrap()));
    let wait = routing::DeadlineWait {
        from: at("2026-06-02T09:00:00+08"),
        until: at("2026-06-04T09:00:00+08"),
    };
    let request = routing::ComputeDeadlineRequest {
        waits: vec![wait],
        extension_days: 2,
        ..a_deadline("2026-06-01T10:00:00+08")
    };
    let answer = house.directory().compute_deadline(request.clone()).await.unwrap().into_inner();
    let moves: Vec<_> = answer
        .moves
        .iter()
        .map(|it| (it.reason.as_str(), it.days, it.deadline_on.as_str()))
        .collect();
    assert_eq!(moves, [("wait", 2, "2026-06-10"), ("extension", 2, "2026-06-12")]);
    assert_eq!(answer.deadline_on, "2026-06-12");
    assert_eq!(answer.steps.last().unwrap().date, "2026-06-08");
    // Of what was before the submission nothing counts, of what overlaps each day once.
    let waits = [
        ("2026-04-01T09:00:00+08", "2026-06-03T09:00:00+08"),
        ("2026-06-02T09:00:00+08", "2026-06-04T09:00:00+08"),
    ];
    let wait = |(from, until)| routing::DeadlineWait { from: at(from), until: at(until) };
    let waits = waits.map(wait).to_vec();
    let early = routing::ComputeDeadlineRequest { waits, ..request.clone() };
    let early = house.directory().compute_deadline(early).await.unwrap().into_inner();
    let moves: Vec<_> = early.moves.iter().map(|it| (it.reason.as_str(), it.days)).collect();
    assert_eq!(moves, [("wait", 3), ("extension", 2)]);
    let waits = vec![wait(("2026-06-04T09:00:00+08", "2026-06-02T09:00:00+08"))];
    let reversed = routing::ComputeDeadlineRequest { waits, ..request.clone() };
    let reversed = house.directory().compute_deadline(reversed).await;
    assert_eq!(rule(&reversed.unwrap_err()), "WAIT_ORDER");
    let long = routing::ComputeDeadlineRequest { extension_days: 31, ..request };
    assert_eq!(reason(house.directory().compute_deadline(long).await), "REQUEST_INVALID");
}

#[tokio::test]
async fn terms_of_an_office_are_in_force_for_the_next_messages() {
    let house = House::open().await;
    let term = routing::Term {
        kind: "help".to_owned(),
        office_id: "130102-g".to_owned(),
        days: 3,
        working_days: false,
        ..Default::default()
    };
    let before = house.a_case(&a_message()).await;
    let put = |term: &routing::Term| routing::PutTermRequest { term: Some(term.clone()) };
    house.editor().put_term(put(&term)).await.unwrap();
    let after = house.a_case(&a_message()).await;
    let due = |case: &routing::Case| view(case).deadline_at.unwrap().seconds / 86_400;
    // The third of June is a Wednesday: seven working days, or three days.
    assert_eq!(due(&before) - due(&after), 6);
    let beside = house.a_case(&a_message().to("130104-g")).await;
    assert_eq!(due(&beside), due(&before));
    let listed = house.directory().list_terms(routing::ListTermsRequest {}).await.unwrap();
    assert_eq!(listed.into_inner().terms.last(), Some(&term));
    for wrong in [
        routing::Term { days: 0, ..term.clone() },
        routing::Term { days: 367, ..term.clone() },
        routing::Term { office_id: "nobody".to_owned(), ..term.clone() },
        routing::Term { kind: "nothing".to_owned(), ..term.clone() },
        routing::Term { level: 3, ..term.clone() },
        routing::Term { level: 9, ..term.clone() },
    ] {
        assert_eq!(reason(house.editor().put_term(put(&wrong)).await), "REQUEST_INVALID");
    }
    house.is_whole().await;
    let remove = || routing::RemoveTermRequest {
        kind: "help".to_owned(),
        office_id: "130102-g".to_owned(),
        ..Default::default()
    };
    house.editor().remove_term(remove()).await.unwrap();
    assert_eq!(reason(house.editor().remove_term(remove()).await), "TERM_NOT_FOUND");
    assert_eq!(due(&house.a_case(&a_message()).await), due(&before));
    house.is_whole().await;
}

#[tokio::test]
async fn the_competent_office_gets_what_is_written_to_another_of_its_division() {
    let house = House::open().await;
    let office = routing::Office {
        office_id: "130102-water".to_owned(),
        division_code: "130102".to_owned(),
        level: routing::Level::County.into(),
        role: "bureau".to_owned(),
        title: "Water bureau".to_owned(),
        parent_office_id: "130102-g".to_owned(),
        open: true,
        ..Default::default()
    };
    let put = routing::PutOfficeRequest { office: Some(office.clone()) };
    house.editor().put_office(put).await.unwrap();
    let competence = routing::Competence {
        division_code: "130102".to_owned(),
        domain: "7".to_owned(),
        kind: "help".to_owned(),
        office_id: "130102-water".to_owned(),
        ..Default::default()
    };
    let put =
        |it: &routing::Competence| routing::PutCompetenceRequest { competence: Some(it.clone()) };
    house.editor().put_competence(put(&competence)).await.unwrap();
    let listed = house
        .directory()
        .list_competences(routing::ListCompetencesRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.into_inner().competences, std::slice::from_ref(&competence));
    let of = |case: &routing::Case| (view(case).office_id.clone(), case.assigned_by.clone());
    let told = |office: &str, rule: &str| (office.to_owned(), rule.to_owned());
    let case = house.a_case(&a_message()).await;
    assert_eq!(of(&case), told("130102-water", "competence"));
    let enquiry = house.a_case(&a_message().about("enquiry", "7")).await;
    assert_eq!(of(&enquiry), told("130102-g", "office_chosen"));
    let itself = house.a_case(&a_message().to("130102-water")).await;
    assert_eq!(of(&itself), told("130102-water", "office_chosen"));
    // Who accuses somebody goes where nobody else's message went.
    let accuses = house.a_case(&a_message().accusing(&["130102-water"])).await;
    assert_eq!(of(&accuses).1, "office_chosen");
    for wrong in [
        routing::Competence { domain: "nothing".to_owned(), ..competence.clone() },
        routing::Competence { topic: "nothing".to_owned(), ..competence.clone() },
        routing::Competence { office_id: "nobody".to_owned(), ..competence.clone() },
        routing::Competence { division_code: "999999".to_owned(), ..competence.clone() },
    ] {
        assert_eq!(reason(house.editor().put_competence(put(&wrong)).await), "REQUEST_INVALID");
    }
    expire(&house, "130105-g", "").await;
    for (office, wrong) in [
        ("130105-g", "OFFICE_EXPIRED"),
        ("130104-g", "OFFICE_OF_OTHER_DIVISION"),
        ("130200-g", "OFFICE_OF_OTHER_DIVISION"),
    ] {
        let of = routing::Competence { office_id: office.to_owned(), ..competence.clone() };
        let refused = house.editor().put_competence(put(&of)).await.unwrap_err();
        assert_eq!(rule(&refused), wrong, "{office}");
    }
    house.is_whole().await;
    let remove = || routing::RemoveCompetenceRequest {
        division_code: "130102".to_owned(),
        domain: "7".to_owned(),
        kind: "help".to_owned(),
        ..Default::default()
    };
    house.editor().remove_competence(remove()).await.unwrap();
    assert_eq!(reason(house.editor().remove_competence(remove()).await), "COMPETENCE_NOT_FOUND");
    assert_eq!(of(&house.a_case(&a_message()).await).1, "office_chosen");
    house.is_whole().await;
}

async fn expire(house: &House, id: &str, successor: &str) {
    let asked = routing::GetOfficeRequest { office_id: id.to_owned() };
    let office = house.directory().get_office(asked).await.unwrap().into_inner().office.unwrap();
    let office = routing::Office {
        valid_until: "2026-05-31".to_owned(),
        successor_id: successor.to_owned(),
        ..office
    };
    let put = routing::PutOfficeRequest { office: Some(office) };
    house.editor().put_office(put).await.unwrap();
}

#[tokio::test]
async fn what_is_written_to_an_office_that_is_no_more_goes_to_its_successor_and_says_so() {
    let house = House::open().await;
    expire(&house, "130102-g", "130104-g").await;
    let of = |case: &routing::Case| (view(case).office_id.clone(), case.assigned_by.clone());
    let told = |office: &str, rule: &str| (office.to_owned(), rule.to_owned());
    let case = house.a_case(&a_message()).await;
    assert_eq!(of(&case), told("130104-g", "successor_office"));
    expire(&house, "130105-g", "").await;
    let case = house.a_case(&a_message().to("130105-g")).await;
    assert_eq!(of(&case), told("130105-s", "expired_office_passed_over"));
    // A case is not given to what is no more.
    let case_id = view(&case).case_id.clone();
    let given = house.transfer(&house.clerk("130105-s"), &case_id, "130102-g").await;
    assert_eq!(reason(given), "OFFICE_EXPIRED");
    // Of what is complained of, no new name rids it.
    let accused = house.a_case(&a_message().to("130104-g").accusing(&["130102-g"])).await;
    assert_eq!(of(&accused).1, "accused_office_passed_over");
    let asked = routing::GetOfficeRequest { office_id: "130102-g".to_owned() };
    let found = house.directory().get_office(asked).await.unwrap().into_inner();
    assert_eq!(found.current_office_id, "130104-g");
    let offices = |include_expired| routing::ListOfficesRequest {
        division_code: "130102".to_owned(),
        include_expired,
        ..Default::default()
    };
    for (all, count) in [(false, 1), (true, 2)] {
        let listed = house.directory().list_offices(offices(all)).await.unwrap().into_inner();
        assert_eq!(listed.offices.len(), count);
    }
    house.is_whole().await;
}

#[tokio::test]
async fn what_is_written_to_a_merged_division_or_to_one_without_an_office_arrives() {
    let house = House::open().await;
    let asked = routing::GetDivisionRequest { code: "130102".to_owned() };
    let found = house.directory().get_division(asked.clone()).await.unwrap().into_inner();
    let merged = routing::Division {
        valid_until: "2026-05-31".to_owned(),
        successor_code: "130104".to_owned(),
        ..found.division.unwrap()
    };
    let put = routing::PutDivisionRequest { division: Some(merged.clone()) };
    house.editor().put_division(put).await.unwrap();
    let case = house.a_case(&a_message()).await;
    assert_eq!(view(&case).office_id, "130104-g");
    assert_eq!(case.assigned_by, "successor_division");
    let found = house.directory().get_division(asked).await.unwrap().into_inner();
    assert_eq!(found.current_code, "130104");
    is_no_more(&house, "130102-g", "130104-g").await;
    let circle = routing::Division { successor_code: "130102".to_owned(), ..merged };
    let put = routing::PutDivisionRequest { division: Some(circle) };
    assert_eq!(reason(house.editor().put_division(put).await), "REQUEST_INVALID");

    let bare = routing::Division {
        code: "130199".to_owned(),
        name: "A new district".to_owned(),
        level: routing::Level::County.into(),
        parent_code: "130100".to_owned(),
        ..Default::default()
    };
    let put = routing::PutDivisionRequest { division: Some(bare) };
    house.editor().put_division(put).await.unwrap();
    let case = house.a_case(&a_message().to("130199-g")).await;
    assert_eq!(view(&case).office_id, "130100-g");
    assert_eq!(case.assigned_by, "division_without_office");
    house.is_whole().await;
}

/// Nobody gives anything to an office that is no more; what is written to it another gets today.
async fn is_no_more(house: &House, id: &str, current: &str) {
    let case = house.a_case(&a_message().to("130100-g")).await;
    let (case_id, city) = (view(&case).case_id.clone(), house.clerk("130100-g"));
    let named = || id.to_owned();
    let said = || "For a reason.".to_owned();
    let given = house.transfer(&city, &case_id, id).await;
    assert_eq!(reason(given), "OFFICE_EXPIRED");
    let back = asks!(ReturnCaseRequest, &case_id, office_id: named(), rule: said());
    assert_eq!(reason(house.cases(&city).return_case(back).await), "OFFICE_EXPIRED");
    let helper = asks!(InviteHelperRequest, &case_id, office_id: named(), reason: said());
    assert_eq!(reason(house.cases(&city).invite_helper(helper).await), "OFFICE_EXPIRED");
    let competence = routing::Competence {
        division_code: id.split('-').next().unwrap().to_owned(),
        domain: "7".to_owned(),
        office_id: named(),
        ..Default::default()
    };
    let put = routing::PutCompetenceRequest { competence: Some(competence) };
    let refused = house.editor().put_competence(put).await.unwrap_err();
    assert_eq!(rule(&refused), "OFFICE_EXPIRED");
    let asked = routing::GetOfficeRequest { office_id: named() };
    let found = house.directory().get_office(asked).await.unwrap().into_inner();
    assert_eq!(found.current_office_id, current);
}

#[tokio::test]
async fn what_is_written_to_a_division_that_is_no_more_goes_to_the_office_above_and_says_so() {
    let house = House::open().await;
    // A bureau that the other division has not, and a division that ends without a successor.
    let asked = routing::GetOfficeRequest { office_id: "130102-g".to_owned() };
    let office = house.directory().get_office(asked).await.unwrap().into_inner().office.unwrap();
    let bureau = routing::Office {
        office_id: "130102-water".to_owned(),
        role: "bureau".to_owned(),
        parent_office_id: "130102-g".to_owned(),
        ..office
    };
    let put = routing::PutOfficeRequest { office: Some(bureau) };
    house.editor().put_office(put).await.unwrap();
    let end = async |code: &str, successor: &str| {
        let asked = routing::GetDivisionRequest { code: code.to_owned() };
        let found = house.directory().get_division(asked).await.unwrap().into_inner();
        let ended = routing::Division {
            valid_until: "2026-05-31".to_owned(),
            successor_code: successor.to_owned(),
            ..found.division.unwrap()
        };
        let put = routing::PutDivisionRequest { division: Some(ended) };
        house.editor().put_division(put).await.unwrap();
    };
    end("130102", "130104").await;
    end("130105", "").await;
    for id in ["130102-water", "130105-g"] {
        let case = house.a_case(&a_message().to(id).about("enquiry", "")).await;
        assert_eq!(view(&case).office_id, "130100-g");
        assert_eq!(case.assigned_by, "expired_office_passed_over");
        is_no_more(&house, id, "130100-g").await;
    }
    // An office that ended without a successor: the one above gets its messages.
    expire(&house, "130107-g", "").await;
    let asked = routing::GetOfficeRequest { office_id: "130107-g".to_owned() };
    let found = house.directory().get_office(asked).await.unwrap().into_inner();
    assert_eq!(found.current_office_id, "130107-s");
    house.is_whole().await;
}
