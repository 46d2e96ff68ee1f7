//! Which office gets a case, and who is never to learn of it.
//!
//! Regulations on Petitions (信访工作条例, 2022): a petition is never passed to the one it
//! complains of.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    case::Opening,
    competence::by_competence,
    directory::{Directory, Office},
    offices::Offices,
    routed::Suggested,
    validity::Stead,
};

/// The rule that chose the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The author chose it.
    OfficeChosen,
    /// The chosen one, or one above it, is accused: the nearest office above that has nothing to
    /// do with the accused.
    AccusedOfficePassedOver,
    /// The chosen one takes no messages: the nearest office above that does.
    ClosedOfficePassedOver,
    /// No office above was free of the accused.
    TriageAccused,
    /// The chosen office is not in the directory, or nobody above it takes messages.
    TriageNoOffice,
    /// An office that had it gave it away.
    Transferred,
    /// An office gave it back and named this one.
    Returned,
    /// Two offices gave it back; this is their common superior, who decides.
    Referred,
    /// The common superior of two offices that had given it back decided.
    Decided,
    /// A superior decided so about an earlier message of the same kind.
    Precedent,
    /// A model was sure, where nothing else told it.
    Suggestion,
    /// It is competent for the matter in the division to whose office the author wrote.
    Competence,
    /// The chosen one is no more; this is its successor.
    SuccessorOffice,
    /// The division of the chosen one was merged or renamed; this is the office there.
    SuccessorDivision,
    /// The division has no such office: the level above.
    DivisionWithoutOffice,
    /// The chosen one is no more, or not yet there, and has no successor: the nearest office above.
    ExpiredOfficePassedOver,
}

impl Rule {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OfficeChosen => "office_chosen",
            Self::AccusedOfficePassedOver => "accused_office_passed_over",
            Self::ClosedOfficePassedOver => "closed_office_passed_over",
            Self::TriageAccused => "triage_accused",
            Self::TriageNoOffice => "triage_no_office",
            Self::Transferred => "transferred",
            Self::Returned => "returned",
            Self::Referred => "referred",
            Self::Decided => "decided",
            Self::Precedent => "precedent",
            Self::Suggestion => "suggestion",
            Self::Competence => "competence",
            Self::SuccessorOffice => "successor_office",
            Self::SuccessorDivision => "successor_division",
            Self::DivisionWithoutOffice => "division_without_office",
            Self::ExpiredOfficePassedOver => "expired_office_passed_over",
        }
    }
}

/// Who gets a case, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The office.
    pub office_id: String,
    /// The rule.
    pub rule: Rule,
}

/// Whether an office must never learn of a case: it is accused or lies under an accused one.
/// Whatever else would allow it, this denies it.
pub fn is_kept_from(offices: &Offices, office_id: &str, accused: &[String]) -> bool {
    !accused.is_empty() && offices.is_at_or_under(office_id, accused)
}

/// Whether somebody who acts for a whole division must never learn of a case: an accused office is
/// one of that division, or of one above it.
pub fn is_division_kept_from(directory: &Directory, division: &str, accused: &[String]) -> bool {
    accused.iter().any(|office_id| {
        let office = directory.offices.get(office_id);
        let of_office = office.and_then(|office| office.division_code.as_deref());
        of_office.is_some_and(|top| directory.lies_in(division, top))
    })
}

/// The offices whose accusation keeps a caller away: the caller's own and all above them, and all
/// of the caller's divisions and of those above them.
pub fn kept_away_by(
    directory: &Directory,
    caller_offices: &[String],
    caller_divisions: &[String],
) -> Vec<String> {
    let offices = &directory.offices;
    let mut above: Vec<String> = caller_offices
        .iter()
        .flat_map(|office| offices.upwards(office))
        .map(str::to_owned)
        .collect();
    let houses: BTreeSet<String> =
        caller_divisions.iter().flat_map(|code| directory.path(Some(code))).collect();
    if !houses.is_empty() {
        let of_houses = offices
            .iter()
            .filter(|office| office.division_code.as_ref().is_some_and(|it| houses.contains(it)));
        above.extend(of_houses.map(|office| office.office_id.clone()));
    }
    above.sort_unstable();
    above.dedup();
    above
}

/// Why an office cannot be given a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There is no such office.
    Unknown,
    /// It has it.
    HasIt,
    /// It takes no messages.
    Closed,
    /// It is no more, or not yet there.
    Expired,
    /// It is accused, or lies under an accused one.
    Accused,
    /// It had it before and gave it away: only a superior gives it back.
    HadIt,
    /// There is nobody above who may have it.
    NoSuperior,
}

/// The office that a case may be given to by the one that has it.
///
/// # Errors
/// Why not.
pub fn heir<'d>(
    offices: &'d Offices,
    holder: &str,
    to: &str,
    accused: &[String],
    day: Date,
) -> Result<&'d Office, Unfit> {
    let office = offices.get(to).ok_or(Unfit::Unknown)?;
    if to == holder {
        Err(Unfit::HasIt)
    } else if is_kept_from(offices, to, accused) {
        Err(Unfit::Accused)
    } else if !office.open {
        Err(Unfit::Closed)
    } else if !office.valid.holds(day) {
        Err(Unfit::Expired)
    } else {
        Ok(office)
    }
}

/// Chooses the office of a new case. `triage` are the offices, in order of choice, that get what
/// nobody else may have. `None` only if every one of those is accused too.
///
/// On the way up, offices of an accused office's own division are passed over as well: they sit in
/// the same house.
pub fn assign(
    offices: &Offices,
    addressed: &str,
    accused: &[String],
    triage: &[String],
    day: Date,
) -> Option<Assignment> {
    let kept = is_kept_from(offices, addressed, accused);
    let known = offices.get(addressed);
    if !kept && known.is_some_and(|office| office.takes(day)) {
        return Some(Assignment { office_id: addressed.to_owned(), rule: Rule::OfficeChosen });
    }
    let expired = known.is_some_and(|office| office.open && !office.valid.holds(day));
    let above = above(offices, addressed, accused, day);
    let (found, rule) = match above {
        Some(id) if kept => (Some(id), Rule::AccusedOfficePassedOver),
        Some(id) if expired => (Some(id), Rule::ExpiredOfficePassedOver),
        Some(id) => (Some(id), Rule::ClosedOfficePassedOver),
        None => (
            triage
                .iter()
                .map(String::as_str)
                .find(|id| offices.get(id).is_some() && !is_kept_from(offices, id, accused)),
            if kept { Rule::TriageAccused } else { Rule::TriageNoOffice },
        ),
    };
    found.map(|office_id| Assignment { office_id: office_id.to_owned(), rule })
}

/// The nearest office above that may have a case: it takes messages, and has nothing to do with the
/// accused, also not by sitting in the same house.
pub fn above<'d>(
    offices: &'d Offices,
    office_id: &'d str,
    accused: &[String],
    day: Date,
) -> Option<&'d str> {
    let division = |id: &str| offices.get(id).and_then(|office| office.division_code.as_deref());
    let same_house = |id: &str| {
        division(id).is_some_and(|code| accused.iter().any(|a| division(a) == Some(code)))
    };
    offices.upwards(office_id).skip(1).find(|id| {
        offices.get(id).is_some_and(|office| office.takes(day))
            && !is_kept_from(offices, id, accused)
            && !same_house(id)
    })
}

/// The nearest office strictly above two others that may have a case which both have given back; if
/// there is none, the first of `triage` that is neither of them and may have it.
pub fn superior<'d>(
    offices: &'d Offices,
    (one, other): (&'d str, &'d str),
    accused: &[String],
    triage: &'d [String],
    day: Date,
) -> Option<&'d Office> {
    let over_other: BTreeSet<&str> = offices.upwards(other).skip(1).collect();
    let mut at = one;
    while let Some(id) = above(offices, at, accused, day) {
        if over_other.contains(id) && id != other {
            return offices.get(id);
        }
        at = id;
    }
    let mut others = triage.iter().map(String::as_str);
    let found = others.find(|id| {
        *id != one
            && *id != other
            && !is_kept_from(offices, id, accused)
            && offices.get(id).is_some_and(|office| office.takes(day))
    });
    offices.get(found?)
}

/// Chooses the office of a new case, with all that is known of its message: what a superior decided
/// comes first, also about the domain that a model suggests; then who is competent; an office that a
/// model suggests gets what nobody would have but by [`Rule::TriageNoOffice`].
pub fn choose(
    directory: &Directory,
    opening: &Opening,
    triage: &[String],
    day: Date,
) -> Option<Assignment> {
    let offices = &directory.offices;
    let accused = &directory.with_successors(&opening.accused, day);
    let suggested = |of: fn(&Suggested) -> Option<&String>| opening.suggested.as_ref().and_then(of);
    if let Some(decided) = by_precedent(offices, opening.precedent.as_deref(), accused, day) {
        return Some(decided);
    }
    let by_model = |office: Option<&String>| {
        let found = by_precedent(offices, office.map(String::as_str), accused, day)?;
        Some(Assignment { rule: Rule::Suggestion, ..found })
    };
    if let Some(decided) = by_model(suggested(|it| it.precedent.as_ref())) {
        return Some(decided);
    }
    if let Some(competent) = by_competence(directory, opening, day) {
        return Some(competent);
    }
    let assigned = assign_current(directory, &opening.office_id, accused, triage, day);
    match &assigned {
        Some(Assignment { rule: Rule::TriageNoOffice, .. }) | None => {
            by_model(suggested(|it| it.office_id.as_ref())).or(assigned)
        }
        Some(_) => assigned,
    }
}

/// Where a precedent leads, if the case may go there. Who accuses somebody is never sent where
/// somebody else's message went.
pub fn by_precedent(
    offices: &Offices,
    precedent: Option<&str>,
    accused: &[String],
    day: Date,
) -> Option<Assignment> {
    let office =
        offices.get(precedent?).filter(|office| office.takes(day) && accused.is_empty())?;
    Some(Assignment { office_id: office.office_id.clone(), rule: Rule::Precedent })
}

/// Chooses the office of a new case as [`assign`] does, for what may be written to an office that is no
/// more, or never was: whoever stands for it gets it, and the rule says so.
pub fn assign_current(
    directory: &Directory,
    addressed: &str,
    accused: &[String],
    triage: &[String],
    day: Date,
) -> Option<Assignment> {
    let stands = directory.stands_for(addressed, day);
    let current = stands.map_or(addressed, |(office, _)| office.office_id.as_str());
    let mut chosen = assign(&directory.offices, current, accused, triage, day)?;
    if let (Rule::OfficeChosen, Some((_, stead))) = (chosen.rule, stands) {
        chosen.rule = match stead {
            Stead::Itself => Rule::OfficeChosen,
            Stead::Successor => Rule::SuccessorOffice,
            Stead::DivisionMoved => Rule::SuccessorDivision,
            Stead::LevelAbove => Rule::DivisionWithoutOffice,
        };
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
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
            ("130102-g", &["130103-g"][..], "130102-g", "office_chosen"),
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
        assert_eq!(
            Offices::new([office("b", Some("x"))]).unwrap_err(),
            Broken::Orphan("b".to_owned())
        );
    }

    /// A random forest of up to 40 offices, each under an earlier one or under none, in a few
    /// divisions.
    fn forests() -> impl Strategy<Value = Offices> {
        prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_u8, 0..8_u8, any::<bool>()),
            1..40,
        )
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
    }
}
