use proptest::prelude::*;

use super::*;
use crate::domain::{
    directory::{Level, Office, Parts},
    lists,
    offices::Broken,
    validity::Validity,
};

const DAY: Date = jiff::civil::date(2026, 6, 3);

fn office(id: &str, parent: Option<&str>) -> Office {
    Office {
        office_id: id.to_owned(),
        division_code: None,
        level: Level::County,
        role: String::new(),
        title: String::new(),
        parent_office_id: parent.map(str::to_owned),
        open: true,
        valid: Validity::default(),
        house: Validity::default(),
    }
}

/// The office without its division, for a directory that has none.
fn nowhere(office: Office) -> Office {
    Office { division_code: None, ..office }
}

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn chosen(addressed: &str, accused: &[&str]) -> Option<(String, &'static str)> {
    let directory = lists::shared();
    assign(&directory.offices, addressed, &names(accused), &names(&["M35", "M11"]), DAY)
        .map(|assignment| (assignment.office_id, assignment.rule.code()))
}

#[test]
fn the_addressed_office_gets_it_unless_it_has_to_do_with_the_accused() {
    let passed = "accused_office_passed_over";
    for (addressed, accused, office, rule) in [
        ("130102-g", &[][..], "130102-g", "office_chosen"),
        ("130102-g", &["130104-g"][..], "130102-g", "office_chosen"),
        // Past the secretary of the same district, to the city.
        ("130102-g", &["130102-g"][..], "130100-g", passed),
        ("130102-s", &["130102-s"][..], "130100-g", passed),
        ("130102-g", &["130102-s"][..], "130100-g", passed),
        // What lies under the accused is passed over with it.
        ("130102-s", &["130100-g"][..], "130000-g", passed),
        ("130102-s", &["130100-s"][..], "130000-g", passed),
        ("130102-s", &["130102-s", "130100-s"][..], "130000-g", passed),
        // Nobody above: the petition office of the state, or the next in line.
        ("130000-g", &["130000-g"][..], "M35", "triage_accused"),
        ("130102-g", &["130000-s"][..], "M35", "triage_accused"),
        ("M10", &["M10"][..], "M35", "triage_accused"),
        ("M35", &["M35"][..], "M11", "triage_accused"),
        ("nowhere", &[][..], "M35", "triage_no_office"),
        ("nowhere", &["nowhere"][..], "M35", "triage_accused"),
        // Whoever was meant, nobody gets it by itself.
        ("130102-g", &["zzz"][..], "M35", "triage_accused"),
        ("130102-g", &["130104-g", "zzz"][..], "M35", "triage_accused"),
    ] {
        let expected = Some((office.to_owned(), rule));
        assert_eq!(chosen(addressed, accused), expected, "{addressed} {accused:?}");
    }
    assert_eq!(chosen("M35", &["M35", "M11"]), None);
}

#[test]
fn a_closed_office_is_passed_over() {
    let mut below = office("b", Some("a"));
    below.open = false;
    let offices = Offices::new([office("a", None), below]).unwrap();
    let assignment = assign(&offices, "b", &[], &[], DAY).unwrap();
    assert_eq!(
        (assignment.office_id.as_str(), assignment.rule.code()),
        ("a", "closed_office_passed_over")
    );
}

#[test]
fn a_circle_of_offices_is_refused() {
    let circle = [office("a", None), office("b", Some("c")), office("c", Some("b"))];
    assert_eq!(Offices::new(circle).unwrap_err(), Broken::Cycle("b".to_owned()));
    assert_eq!(Offices::new([office("b", Some("x"))]).unwrap_err(), Broken::Orphan("b".to_owned()));
}

/// A random forest of up to 40 offices, each under an earlier one or under none, in a few
/// divisions.
fn forests() -> impl Strategy<Value = Offices> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, 0..8_u8, any::<bool>()), 1..40)
        .prop_map(|offices| {
            let made = offices.iter().enumerate().map(|(n, (parent, root, division, open))| {
                let mut made = office(&format!("o{n}"), None);
                if n > 0 && *root > 0 {
                    made.parent_office_id = Some(format!("o{}", parent.index(n)));
                }
                made.division_code = (*division > 0).then(|| division.to_string());
                made.open = *open;
                made
            });
            Offices::new(made).unwrap()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_accused_and_all_under_them_never_own_and_are_always_kept_away(
        offices in forests(),
        addressed in 0..45_usize,
        accused in prop::collection::vec(0..45_usize, 0..6),
        triage in prop::collection::vec(0..45_usize, 0..3),
    ) {
        let id = |n: &usize| format!("o{n}");
        let accused: Vec<String> = accused.iter().map(id).collect();
        let triage: Vec<String> = triage.iter().map(id).collect();
        // "Under", found the other way round: from the accused downwards.
        let hidden = offices.at_or_below(accused.iter().map(String::as_str));
        let assignment = assign(&offices, &id(&addressed), &accused, &triage, DAY);
        if let Some(assignment) = &assignment {
            prop_assert!(!hidden.contains(assignment.office_id.as_str()));
            let takes = |id: &String| offices.get(id).is_some_and(|office| office.takes(DAY));
            let fit = |id: &String| takes(id) && !hidden.contains(id.as_str());
            prop_assert!(takes(&assignment.office_id) || !triage.iter().any(fit), "{assignment:?}");
            prop_assert!(offices.get(&assignment.office_id).is_some());
        } else {
            prop_assert!(triage.iter().all(|t| hidden.contains(t.as_str()) || offices.get(t).is_none()));
        }
        for office in offices.iter() {
            let office_id = office.office_id.clone();
            let kept = is_kept_from(&offices, &office_id, &accused);
            prop_assert_eq!(kept, hidden.contains(office_id.as_str()));
            let given = heir(&offices, &id(&addressed), &office_id, &accused, DAY);
            prop_assert!(!kept || given.is_err());
            let parts = Parts { offices: offices.iter().cloned().map(nowhere).collect(), ..Parts::default() };
            let away = kept_away_by(&Directory::new(parts).unwrap(), &[office_id], &[]);
            prop_assert_eq!(kept, away.iter().any(|above| accused.contains(above)));
        }
    }

    #[test]
    fn triage_is_who_takes_messages_on_the_day_or_came_in_the_place_of_one_that_does_not(
        stood in prop::collection::vec((any::<bool>(), any::<bool>(), any::<prop::sample::Index>()), 1..12),
        triage in prop::collection::vec(0..12_usize, 1..4),
        accused in prop::collection::vec(0..12_usize, 0..2),
    ) {
        let id = |n: usize| format!("o{n}");
        let made = stood.iter().enumerate().map(|(n, (open, ended, after))| {
            let mut made = office(&id(n), None);
            made.open = *open;
            if *ended {
                made.valid.until = Some(DAY.yesterday().unwrap());
                let later = stood.len() - n - 1;
                made.valid.successor = (later > 0).then(|| id(n + 1 + after.index(later)));
            }
            made
        });
        let parts = Parts { offices: made.collect(), ..Parts::default() };
        let directory = Directory::new(parts).unwrap();
        let offices = &directory.offices;
        let triage: Vec<String> = triage.into_iter().map(id).collect();
        let accused: Vec<String> = accused.into_iter().map(id).collect();
        // The last of the chain, found office by office.
        let last = |first: &String| {
            let mut at = offices.get(first)?;
            while let Some(next) = at.valid.successor.as_deref() {
                at = offices.get(next)?;
            }
            Some(at)
        };
        let fit = |at: Option<&Office>| {
            at.is_some_and(|at| at.takes(DAY) && !is_kept_from(offices, &at.office_id, &accused))
        };
        let could = triage.iter().any(|one| fit(offices.get(one)) || fit(last(one)));
        let found = assign_current(&directory, "nowhere", &accused, &triage, DAY);
        prop_assert_eq!(fit(found.as_ref().and_then(|it| offices.get(&it.office_id))), could);
        let known = |one: &String| offices.get(one).is_some() && !is_kept_from(offices, one, &accused);
        prop_assert_eq!(found.is_some(), could || triage.iter().any(known));
    }
}
