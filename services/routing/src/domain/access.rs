//! Who may see and who may work on a case. Deny beats allow: an office that is accused, or lies
//! under an accused one, never learns that the case is there.

use super::{assignment::is_kept_from, case::Case, offices::Offices};

/// What is known of a caller, as far as one case is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The offices for which they act.
    pub offices: Vec<String>,
    /// Whether they may read their offices' cases.
    pub reads: bool,
    /// Whether they may work on their offices' cases.
    pub works: bool,
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

/// How much of a case a caller sees.
pub fn sight(offices: &Offices, case: &Case, viewer: &Viewer) -> Sight {
    if viewer.offices.iter().any(|office| is_kept_from(offices, office, &case.accused)) {
        return Sight::Hidden;
    }
    if viewer.author || viewer.any || (viewer.reads && is_theirs(offices, case, viewer)) {
        Sight::Whole
    } else if case.is_public() {
        Sight::Public
    } else {
        Sight::Hidden
    }
}

/// Whether a caller may work on a case.
///
/// # Errors
/// Why not; [`Barred::Hidden`] is to look as if there were no such case.
pub fn may_work(offices: &Offices, case: &Case, viewer: &Viewer) -> Result<(), Barred> {
    if sight(offices, case, viewer) == Sight::Hidden {
        return Err(Barred::Hidden);
    }
    if viewer.works && (viewer.any || is_theirs(offices, case, viewer)) {
        Ok(())
    } else {
        Err(Barred::NotTheirs)
    }
}

fn is_theirs(offices: &Offices, case: &Case, viewer: &Viewer) -> bool {
    offices.is_at_or_under(&case.office_id, &viewer.offices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        case::{Opening, Text, Visibility, tests::an_opening},
        lists,
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
        let offices = &lists::shared().offices;
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
            assert_eq!(sight(offices, &public, &viewer), of_public, "{viewer:?}");
            assert_eq!(sight(offices, &private, &viewer), of_private, "{viewer:?}");
            assert_eq!(may_work(offices, &public, &viewer).is_ok(), works, "{viewer:?}");
        }
    }

    #[test]
    fn the_accused_see_nothing_whatever_else_they_may() {
        let offices = &lists::shared().offices;
        let case = a_case(Visibility::Public, &["130100-g"]);
        assert_eq!(case.office_id, "130000-g");
        for office in ["130100-g", "130102-s", "130102-g"] {
            for any in [false, true] {
                let mut viewer = Viewer { any, ..clerk(office) };
                viewer.offices.push("130000-g".to_owned());
                assert_eq!(sight(offices, &case, &viewer), Sight::Hidden, "{office}");
                assert_eq!(may_work(offices, &case, &viewer), Err(Barred::Hidden), "{office}");
            }
        }
        assert_eq!(sight(offices, &case, &clerk("130000-g")), Sight::Whole);
    }
}
