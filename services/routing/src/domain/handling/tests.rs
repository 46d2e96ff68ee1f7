use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    case::{
        Text,
        tests::{an_opening, at},
    },
    lists,
    state::State,
};

const DAY: jiff::civil::Date = jiff::civil::date(2026, 6, 3);

fn a_case() -> Case {
    let opening = an_opening();
    let triage = ["M35".to_owned()];
    let (id, now) = (Uuid::from_u128(5).into(), opening.submitted_at);
    let text = Some(Text::default());
    Case::open(&opening, id, text, false, lists::shared(), &triage, now).unwrap().0
}

fn way<'a>(held_by: &'a [String], first_returner: Option<&'a str>) -> Way<'a> {
    Way { held_by, first_returner, triage: &[] }
}

#[test]
fn the_second_return_goes_to_the_common_superior_and_there_is_no_third() {
    let directory = lists::shared();
    let mut case = a_case();
    let (deadline, when) = (case.deadline_at, case.last_step_at);
    let held = ["130102-g".to_owned()];
    let unknown = case.give_back("nowhere", way(&held, None), directory, when);
    assert_eq!(unknown, Err(NoReturn::Unfit(Unfit::Unknown)));
    let facts = case.give_back("130104-g", way(&held, None), directory, when).unwrap();
    assert_eq!(facts[0].what, What::Returned("130102-g".to_owned(), false));
    assert_eq!((case.office_id.as_str(), case.assigned_by.as_str()), ("130104-g", "returned"));
    // Whatever the second one names, the city over both districts decides.
    let held = ["130102-g".to_owned(), "130104-g".to_owned()];
    let facts = case.give_back("130102-g", way(&held, Some("130102-g")), directory, when).unwrap();
    assert_eq!(facts[0].what, What::Returned("130104-g".to_owned(), true));
    assert_eq!(case.office_id, "130100-g");
    assert!(case.is_referred());
    let third = case.give_back("130102-g", way(&held, Some("130102-g")), directory, when);
    assert_eq!(third, Err(NoReturn::Refused(Refusal::ReturnedTwice)));
    let office = directory.offices.get("130104-g").unwrap();
    case.transfer(office, directory, when).unwrap();
    assert!(case.is_decided() && !case.is_referred());
    assert_eq!(case.deadline_at, deadline, "the citizen's date stays");
}

#[test]
fn offices_without_a_common_superior_leave_it_to_the_first_that_decides_for_all() {
    let offices = &lists::shared().offices;
    let triage = ["M35".to_owned(), "M11".to_owned()];
    let of = |both, accused: &[String]| {
        superior(offices, both, accused, &triage, DAY).map(|office| office.office_id.clone())
    };
    assert_eq!(of(("130102-g", "110101-g"), &[]).as_deref(), Some("M35"));
    assert_eq!(of(("130102-g", "M35"), &[]).as_deref(), Some("M11"));
    assert_eq!(of(("M11", "M35"), &[]), None);
    assert_eq!(of(("130102-g", "130104-g"), &["130100-s".to_owned()]).as_deref(), Some("130000-g"));
    // One above the other is no judge between them.
    assert_eq!(of(("130100-g", "130102-g"), &[]).as_deref(), Some("130100-s"));
}

#[test]
fn a_wait_moves_the_citizens_date_and_an_extension_does_so_once() {
    let directory = lists::shared();
    let mut case = a_case();
    assert_eq!(case.deadline_at, at("2026-10-15T23:59:59.999999+08"));
    let first = at("2026-10-09T09:00:00+08");
    assert_eq!(case.pause(first), Err(Refusal::AcceptFirst));
    case.act(Act::Accept, first, None).unwrap();
    case.pause(first).unwrap();
    assert_eq!(case.extend(3, directory, first), Err(Refusal::Paused));
    // Friday to Tuesday: Saturday the 10th is worked, Sunday is not.
    case.resume(directory, at("2026-10-13T09:00:00+08")).unwrap();
    assert_eq!(case.deadline_at, at("2026-10-20T23:59:59.999999+08"));
    case.extend(3, directory, at("2026-10-14T09:00:00+08")).unwrap();
    assert_eq!(case.deadline_at, at("2026-10-23T23:59:59.999999+08"));
    let again = case.extend(3, directory, at("2026-10-14T10:00:00+08"));
    assert_eq!(again, Err(Refusal::AlreadyExtended));
    let mut late = a_case();
    let after = late.deadline_at + std::time::Duration::from_secs(1);
    assert_eq!(late.extend(3, directory, after), Err(Refusal::DeadlinePassed));
}

#[test]
fn what_is_worked_on_again_has_not_ended_and_is_not_withdrawn() {
    let mut case = a_case();
    let (when, reply_id) = (case.last_step_at, Uuid::from_u128(8).into());
    assert_eq!(case.ask_on(reply_id, Ground::Unclear, when), Err(Refusal::NotAnswered));
    case.act(Act::Reply, when, Some(reply_id)).unwrap();
    case.ask_on(reply_id, Ground::Unclear, when).unwrap();
    assert_eq!(case.state, State::Accepted);
    assert_eq!(case.act(Act::Withdraw, when, None), Err(Refusal::AlreadyAnswered));
    case.act(Act::Reply, when, Some(reply_id)).unwrap();
    case.act(Act::Close(crate::domain::state::Outcome::Solved), when, None).unwrap();
    case.reopen(Cause::Official, when).unwrap();
    assert_eq!((case.state, case.closed_at), (State::Accepted, None));
}

mod accused {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{
        access::{Sight, Viewer, sight},
        assignment::{
            above, assign, by_precedent, is_division_kept_from, is_kept_from, kept_away_by,
        },
        directory::{Directory, Division, Level, Office, Parts},
        validity::Validity,
    };

    /// How many operations on how many trees; together 100,000.
    const TREES: u32 = 500;
    const OPERATIONS: usize = 200;

    /// A random forest of 40 offices, each under an earlier one or under none, in five divisions or in
    /// none, with one role or the other.
    fn forests() -> impl Strategy<Value = Directory> {
        prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, 0..8_u8), 40).prop_map(
            |made| {
                let offices = made.iter().enumerate().map(|(n, (parent, root, shut))| Office {
                    office_id: format!("o{n}"),
                    division_code: (n % 6 > 0).then(|| format!("d{}", n % 6)),
                    level: Level::County,
                    role: (n / 6 % 2).to_string(),
                    title: String::new(),
                    parent_office_id: (n > 0 && *root > 0).then(|| format!("o{}", parent.index(n))),
                    open: *shut > 0,
                    valid: Validity::default(),
                    house: Validity::default(),
                });
                let offices = offices.collect();
                let divisions = (1..6).map(|n| Division {
                    code: format!("d{n}"),
                    name: String::new(),
                    level: Level::Province,
                    parent_code: None,
                    valid: Validity::default(),
                });
                let divisions = divisions.collect();
                Directory::new(Parts { offices, divisions, ..Parts::default() }).unwrap()
            },
        )
    }

    fn operations() -> impl Strategy<Value = Vec<(u8, usize)>> {
        prop::collection::vec((0..160_u8, 0..40_usize), OPERATIONS)
    }

    /// The directory after an office or a division got a successor, which may be at once or later.
    fn succeeded(directory: &Directory, what: u8, n: usize) -> Directory {
        let ending = |successor: String| Validity {
            from: None,
            until: Some(jiff::civil::date(2026, if n.is_multiple_of(2) { 5 } else { 9 }, 30)),
            successor: Some(successor),
        };
        if what == 0 {
            let office = directory.offices.get(&format!("o{n}")).unwrap().clone();
            let valid = ending(format!("o{}", (n * 7 + 3) % 40));
            directory.with_office(Office { valid, ..office }).unwrap()
        } else {
            let division = directory.division(&format!("d{}", n % 5 + 1)).unwrap().clone();
            let valid = ending(format!("d{}", (n / 5 + n) % 5 + 1));
            directory.with_division(Division { valid, ..division }).unwrap()
        }
    }

    /// Who is accused by now, and all under them, found the long way: until nothing is added any more.
    fn hidden_by(directory: &Directory, accused: &[String]) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = accused.iter().cloned().collect();
        loop {
            let before = all.len();
            for office in directory.offices.iter() {
                if !all.contains(&office.office_id) {
                    continue;
                }
                all.extend(office.valid.successor.clone());
                let (mut code, mut seen) = (office.division_code.clone(), BTreeSet::new());
                while let Some(here) = code.filter(|code| seen.insert(code.clone())) {
                    let there = directory.offices.iter().find(|it| {
                        seen.len() > 1
                            && it.division_code.as_ref() == Some(&here)
                            && it.role == office.role
                    });
                    all.extend(there.map(|it| it.office_id.clone()));
                    code = directory.division(&here).and_then(|it| it.valid.successor.clone());
                }
            }
            if all.len() == before {
                break;
            }
        }
        let hidden = directory.offices.at_or_below(all.iter().map(String::as_str));
        hidden.into_iter().map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(TREES))]

        /// Whatever is done with a case by whomever, and whatever comes in the place of whom meanwhile: the
        /// accused and all under them neither own nor help nor are told of it nor see it, whatever else they
        /// may.
        #[test]
        fn nobody_who_is_accused_or_under_them_ever_has_or_sees_a_case(
            mut directory in forests(),
            accused in prop::collection::vec(0..40_usize, 1..5),
            operations in operations(),
        ) {
            let id = |n: usize| format!("o{n}");
            let accused: Vec<String> = accused.into_iter().map(id).collect();
            let triage: Vec<String> =
                directory.offices.iter().map(|it| it.office_id.clone()).collect();
            let mut case = a_case();
            case.accused.clone_from(&accused);
            case.text = None;
            let mut hidden = hidden_by(&directory, &accused);
            let mut first: Option<String> = None;
            if let Some(given) =
                assign(&directory.offices, &id(operations[0].1), &accused, &triage, DAY)
            {
                case.office_id = given.office_id;
            } else {
                return Ok(());
            }
            for (what, n) in operations {
                let (other, when) = (id(n), case.last_step_at);
                let succession = match what {
                    7 => Some(0),
                    8 => Some(1),
                    _ => None,
                };
                if let Some(what) = succession {
                    directory = succeeded(&directory, what, n);
                }
                let offices = &directory.offices;
                if succession.is_some() {
                    hidden = hidden_by(&directory, &case.accused);
                    // At once, before anything is taken from anybody.
                    for office in offices.iter() {
                        let viewer = Viewer {
                            offices: vec![office.office_id.clone()],
                            reads: true, works: true, any: true, author: true,
                            ..Viewer::default()
                        };
                        let kept = hidden.contains(office.office_id.as_str());
                        let sees = sight(&directory, &case, &viewer);
                        prop_assert_eq!(sees == Sight::Hidden, kept);
                        let away = kept_away_by(&directory, &viewer.offices, &[]);
                        prop_assert_eq!(kept, away.iter().any(|it| case.accused.contains(it)));
                        if let Some(division) = office.division_code.clone() {
                            let away = kept_away_by(&directory, &[], std::slice::from_ref(&division));
                            prop_assert_eq!(
                                is_division_kept_from(&directory, &division, &case.accused),
                                away.iter().any(|it| case.accused.contains(it))
                            );
                        }
                    }
                    case.part(&directory, &triage, when);
                    if hidden.len() == offices.iter().count() {
                        return Ok(());
                    }
                    prop_assert!(case.is_apart(&directory));
                }
                let accused = case.accused.clone();
                match what % 7 {
                    _ if succession.is_some() => {}
                    0 => {
                        if let Some(given) = assign(offices, &other, &accused, &triage, DAY) {
                            prop_assert!(!hidden.contains(given.office_id.as_str()));
                        }
                    }
                    1 => if let Ok(to) = heir(offices, &case.office_id, &other, &accused, DAY) {
                        let _ = case.transfer(to, &directory, when);
                    },
                    2 => {
                        case.handling.return_count = i32::from(first.is_some());
                        let from = case.office_id.clone();
                        let way = Way { held_by: &[], first_returner: first.as_deref(), triage: &triage };
                        if case.give_back(&other, way, &directory, when).is_ok() {
                            first = if first.is_some() { None } else { Some(from) };
                        }
                    }
                    3 => if heir(offices, &case.office_id, &other, &accused, DAY).is_ok() {
                        case.handling.helpers.truncate(3);
                        let _ = case.invite(&other, when);
                    },
                    4 => prop_assert_eq!(by_precedent(offices, Some(&other), &accused, DAY), None),
                    5 => if let Some(told) = above(offices, &case.office_id, &accused, DAY) {
                        prop_assert!(!hidden.contains(told));
                    },
                    _ => {
                        // Also with every right, and with an office that may see it.
                        let viewer = Viewer {
                            offices: vec![other.clone(), case.office_id.clone()],
                            reads: true, works: true, any: true, author: true,
                            ..Viewer::default()
                        };
                        let kept = is_kept_from(offices, &other, &accused);
                        let sees = sight(&directory, &case, &viewer);
                        prop_assert_eq!(sees == Sight::Hidden, kept);
                    }
                }
                prop_assert!(!hidden.contains(case.office_id.as_str()));
                prop_assert!(case.handling.helpers.iter().all(|it| !hidden.contains(it.as_str())));
            }
        }
    }
}
