//! Who may see and who may work on a case. Deny beats allow: an office that is accused, or lies
//! under an accused one, never learns that the case is there.

use super::{
    assignment::{is_division_kept_from, is_kept_from},
    case::Case,
    directory::Directory,
    state::Outcome,
};

/// What is known of a caller, as far as one case is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The offices for which they act.
    pub offices: Vec<String>,
    /// The divisions for whose offices they act, with those below them.
    pub divisions: Vec<String>,
    /// Whether they may read their offices' cases.
    pub reads: bool,
    /// Whether they may work on their offices' cases.
    pub works: bool,
    /// Whether they may watch their offices' cases.
    pub supervises: bool,
    /// Whether that goes for the cases of all offices.
    pub any: bool,
    /// Whether they wrote the message.
    pub author: bool,
}

/// How much of a case somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Not even that it is there.
    Hidden,
    /// What everybody sees.
    Public,
    /// What its office and its author see.
    Whole,
}

/// Why somebody may not work on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// They may not even know of it.
    Hidden,
    /// It is not theirs.
    NotTheirs,
}

/// Whether a caller acts for the accused or somebody under it, and so must never learn of a case,
/// whatever they may or might before.
pub fn is_kept_away(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    let (offices, accused) = (&directory.offices, &case.accused);
    viewer.offices.iter().any(|office| is_kept_from(offices, office, accused))
        || viewer.divisions.iter().any(|it| is_division_kept_from(directory, it, accused))
}

/// How much of a case a caller sees.
pub fn sight(directory: &Directory, case: &Case, viewer: &Viewer) -> Sight {
    if is_kept_away(directory, case, viewer) {
        return Sight::Hidden;
    }
    let theirs = || is_theirs(directory, case, viewer) || helps(directory, case, viewer);
    if viewer.author || viewer.any || (viewer.reads && theirs()) {
        Sight::Whole
    } else if case.is_public() {
        Sight::Public
    } else {
        Sight::Hidden
    }
}

/// Whether a caller who looks at a case is to read its original text: an official who sees it whole,
/// of what no text is kept here.
pub fn needs_original(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    case.text.is_none() && sees_files(directory, case, viewer)
}

/// Whether a caller may see the files of a case, public or not: an official who sees it whole. The
/// author has theirs from intake, and what is withdrawn nobody handles any more.
pub fn sees_files(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    !viewer.author
        && case.state.outcome() != Some(Outcome::Withdrawn)
        && sight(directory, case, viewer) == Sight::Whole
}

/// Whether a caller may work on a case.
///
/// # Errors
/// Why not; [`Barred::Hidden`] is to look as if there were no such case.
pub fn may_work(directory: &Directory, case: &Case, viewer: &Viewer) -> Result<(), Barred> {
    if sight(directory, case, viewer) == Sight::Hidden {
        return Err(Barred::Hidden);
    }
    if viewer.works && (viewer.any || is_theirs(directory, case, viewer)) {
        Ok(())
    } else {
        Err(Barred::NotTheirs)
    }
}

/// Whether a caller may watch a case or have it worked on again, by the office of a supervisor.
///
/// # Errors
/// Why not; [`Barred::Hidden`] is to look as if there were no such case.
pub fn may_supervise(directory: &Directory, case: &Case, viewer: &Viewer) -> Result<(), Barred> {
    if sight(directory, case, viewer) == Sight::Hidden {
        return Err(Barred::Hidden);
    }
    if viewer.supervises && (viewer.any || is_theirs(directory, case, viewer)) {
        Ok(())
    } else {
        Err(Barred::NotTheirs)
    }
}

/// Whether a caller acts for somebody who stands above the office that has a case.
pub fn is_above(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    let above: Vec<String> =
        directory.offices.upwards(&case.office_id).skip(1).map(str::to_owned).collect();
    viewer.any
        || viewer.offices.iter().any(|office| above.contains(office))
        || is_among(directory, &case.office_id, &[], &viewer.divisions)
}

/// Whether a caller acts for an office that helps with a case or leads its common problem, or for one
/// above such.
fn helps(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    let mut helpers = case.handling.helpers.iter().chain(&case.handling.lead_office_id);
    helpers.any(|it| is_among(directory, it, &viewer.offices, &viewer.divisions))
}

fn is_theirs(directory: &Directory, case: &Case, viewer: &Viewer) -> bool {
    is_among(directory, &case.office_id, &viewer.offices, &viewer.divisions)
}

/// Whether an office is one of `offices` or under one of them, or lies in one of `divisions` or
/// below it.
pub fn is_among(
    directory: &Directory,
    office_id: &str,
    offices: &[String],
    divisions: &[String],
) -> bool {
    let division = || directory.offices.get(office_id)?.division_code.as_deref();
    directory.offices.is_at_or_under(office_id, offices)
        || (!divisions.is_empty()
            && division()
                .is_some_and(|code| divisions.iter().any(|it| directory.lies_in(code, it))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        case::{Opening, Text, Visibility, tests::an_opening},
        lists,
        state::State,
    };

    fn a_case(visibility: Visibility, accused: &[&str]) -> Case {
        let accused = accused.iter().map(|id| (*id).to_owned()).collect();
        let opening = Opening { visibility, accused, ..an_opening() };
        let now = opening.submitted_at;
        let id = uuid::Uuid::from_u128(9).into();
        let triage = ["M35".to_owned()];
        let text = Some(Text::default());
        Case::open(&opening, id, text, false, lists::shared(), &triage, now).unwrap().0
    }

    fn clerk(office: &str) -> Viewer {
        Viewer { offices: vec![office.to_owned()], reads: true, works: true, ..Viewer::default() }
    }

    #[test]
    fn an_office_and_those_above_it_see_and_work_and_nobody_else() {
        let directory = lists::shared();
        let public = a_case(Visibility::Public, &[]);
        let private = a_case(Visibility::Private, &[]);
        for (viewer, of_public, of_private, works) in [
            (clerk("130102-g"), Sight::Whole, Sight::Whole, true),
            (clerk("130100-g"), Sight::Whole, Sight::Whole, true),
            (clerk("130000-s"), Sight::Whole, Sight::Whole, true),
            (clerk("130103-g"), Sight::Public, Sight::Hidden, false),
            (clerk("M35"), Sight::Public, Sight::Hidden, false),
            (Viewer { works: false, ..clerk("130102-g") }, Sight::Whole, Sight::Whole, false),
            (
                Viewer { reads: false, works: false, ..clerk("130102-g") },
                Sight::Public,
                Sight::Hidden,
                false,
            ),
            (Viewer { author: true, ..Viewer::default() }, Sight::Whole, Sight::Whole, false),
            (
                Viewer { any: true, works: true, ..Viewer::default() },
                Sight::Whole,
                Sight::Whole,
                true,
            ),
            (Viewer::default(), Sight::Public, Sight::Hidden, false),
        ] {
            assert_eq!(sight(directory, &public, &viewer), of_public, "{viewer:?}");
            assert_eq!(sight(directory, &private, &viewer), of_private, "{viewer:?}");
            assert_eq!(may_work(directory, &public, &viewer).is_ok(), works, "{viewer:?}");
        }
    }

    #[test]
    fn the_accused_see_nothing_whatever_else_they_may() {
        let directory = lists::shared();
        let case = a_case(Visibility::Public, &["130100-g"]);
        assert_eq!(case.office_id, "130000-g");
        for office in ["130100-g", "130102-s", "130102-g"] {
            for any in [false, true] {
                let mut viewer = Viewer { any, ..clerk(office) };
                viewer.offices.push("130000-g".to_owned());
                assert_eq!(sight(directory, &case, &viewer), Sight::Hidden, "{office}");
                assert_eq!(may_work(directory, &case, &viewer), Err(Barred::Hidden), "{office}");
            }
        }
        assert_eq!(sight(directory, &case, &clerk("130000-g")), Sight::Whole);
    }

    #[test]
    fn only_officials_who_see_it_whole_read_what_is_kept_elsewhere() {
        let directory = lists::shared();
        let public = a_case(Visibility::Public, &[]);
        let private = Case { text: None, ..a_case(Visibility::Private, &[]) };
        let outcome = |outcome| Case { state: State::Closed(outcome), ..private.clone() };
        let author = Viewer { author: true, ..clerk("130102-g") };
        let none = Viewer { reads: false, works: false, ..clerk("130102-g") };
        let any = Viewer { any: true, ..Viewer::default() };
        for (case, viewer, expected) in [
            (&private, &clerk("130102-g"), true),
            (&private, &any, true),
            (&private, &clerk("130103-g"), false),
            (&private, &none, false),
            (&private, &author, false),
            (&private, &Viewer::default(), false),
            (&public, &clerk("130102-g"), false),
            (&outcome(Outcome::Solved), &clerk("130102-g"), true),
            (&outcome(Outcome::Withdrawn), &clerk("130102-g"), false),
            (
                &Case { accused: vec!["130102-g".to_owned()], ..private.clone() },
                &clerk("130102-g"),
                false,
            ),
        ] {
            assert_eq!(needs_original(directory, case, viewer), expected, "{case:?} {viewer:?}");
        }
    }

    fn of_division(code: &str) -> Viewer {
        Viewer { divisions: vec![code.to_owned()], reads: true, works: true, ..Viewer::default() }
    }

    #[test]
    fn who_acts_for_a_division_sees_what_lies_in_it_and_below() {
        let directory = lists::shared();
        let private = a_case(Visibility::Private, &[]);
        for (code, expected) in [
            ("130102", Sight::Whole),
            ("130100", Sight::Whole),
            ("130000", Sight::Whole),
            ("130103", Sight::Hidden),
            ("110000", Sight::Hidden),
        ] {
            let viewer = of_division(code);
            assert_eq!(sight(directory, &private, &viewer), expected, "{code}");
            let works = may_work(directory, &private, &viewer).is_ok();
            assert_eq!(works, expected == Sight::Whole, "{code}");
        }
        let nobody = Viewer { reads: false, works: false, ..of_division("130102") };
        assert_eq!(sight(directory, &private, &nobody), Sight::Hidden);
    }

    #[test]
    fn whoever_acts_for_the_division_of_the_accused_or_one_below_sees_nothing() {
        let directory = lists::shared();
        let case = a_case(Visibility::Public, &["130100-g"]);
        for (code, expected) in [
            ("130100", Sight::Hidden),
            ("130102", Sight::Hidden),
            ("130000", Sight::Whole),
            ("130200", Sight::Hidden),
        ] {
            let viewer = of_division(code);
            assert_eq!(sight(directory, &case, &viewer), expected, "{code}");
        }
        // Whatever else they may.
        let mut viewer = Viewer { any: true, author: true, ..of_division("130102") };
        viewer.divisions.push("130000".to_owned());
        viewer.offices.push("130000-g".to_owned());
        assert_eq!(sight(directory, &case, &viewer), Sight::Hidden);
        assert_eq!(may_work(directory, &case, &viewer), Err(Barred::Hidden));
    }

    mod random {
        use proptest::prelude::*;

        use super::*;
        use crate::domain::assignment::kept_away_by;

        fn some_of(ids: Vec<String>) -> impl Strategy<Value = Vec<String>> {
            prop::collection::vec(prop::sample::select(ids), 0..3)
        }

        fn offices() -> Vec<String> {
            lists::shared().offices.iter().take(400).map(|it| it.office_id.clone()).collect()
        }

        fn divisions() -> Vec<String> {
            lists::shared().divisions().take(200).map(|it| it.code.clone()).collect()
        }

        proptest! {
            /// A list leaves out by its filter exactly what a look at one case hides.
            #[test]
            fn lists_and_single_looks_keep_the_same_away(
                own in some_of(offices()),
                of in some_of(divisions()),
                accused in some_of(offices()),
            ) {
                let directory = lists::shared();
                let mut case = a_case(Visibility::Private, &[]);
                case.accused = accused;
                let away = kept_away_by(directory, &own, &of);
                let viewer = Viewer { offices: own, divisions: of, any: true, ..Viewer::default() };
                let hidden = sight(directory, &case, &viewer) == Sight::Hidden;
                prop_assert_eq!(hidden, case.accused.iter().any(|it| away.contains(it)));
            }
        }
    }
}
