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
    !accused.is_empty() && offices.is_at_or_under(office_id, &offices.with_successors(accused))
}

/// Whether an office that is accused is in no directory: nobody can tell who is to be passed over.
fn accuses_a_stranger(offices: &Offices, accused: &[String]) -> bool {
    accused.iter().any(|office_id| offices.get(office_id).is_none())
}

/// Whether somebody who acts for a whole division must never learn of a case: an accused office is
/// one of that division, or of one above it, or of one in whose place such a division came.
pub fn is_division_kept_from(directory: &Directory, division: &str, accused: &[String]) -> bool {
    directory.offices.with_successors(accused).iter().any(|office_id| {
        let office = directory.offices.get(office_id);
        let of_office = office.and_then(|office| office.division_code.as_deref());
        let tops = of_office.map(|code| directory.with_heirs(code)).unwrap_or_default();
        tops.iter().any(|top| directory.lies_in(division, top))
    })
}

/// The offices whose accusation keeps a caller away: the caller's own and all above them, and all
/// of the caller's divisions and of those above them; and all in whose place these came.
pub fn kept_away_by(
    directory: &Directory,
    caller_offices: &[String],
    caller_divisions: &[String],
) -> Vec<String> {
    let offices = &directory.offices;
    let mut above: Vec<&str> =
        caller_offices.iter().flat_map(|office| offices.upwards(office)).collect();
    let mut houses: BTreeSet<String> =
        caller_divisions.iter().flat_map(|code| directory.path(Some(code))).collect();
    if !houses.is_empty() {
        let merged = directory.divisions().map(|division| division.code.as_str());
        let merged = merged.filter(|code| {
            directory.with_heirs(code).into_iter().any(|heir| houses.contains(heir))
        });
        let merged: Vec<String> = merged.map(str::to_owned).collect();
        houses.extend(merged);
        let of_houses = offices
            .iter()
            .filter(|office| office.division_code.as_ref().is_some_and(|it| houses.contains(it)));
        above.extend(of_houses.map(|office| office.office_id.as_str()));
    }
    offices.with_forerunners(above).into_iter().map(str::to_owned).collect()
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
    /// It sits in the house of an accused one, and nobody who stands above it gives it the case.
    BesideAccused,
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
    } else if !office.is_there(day) {
        Err(Unfit::Expired)
    } else {
        Ok(office)
    }
}

/// Chooses the office of a new case. `triage` are the offices, in order of choice, that get what
/// nobody else may have. `None` only if every one of those is accused too.
///
/// On the way up, offices of an accused office's own division are passed over as well: they sit in
/// the same house. Where an accused office is in no directory, the case goes to triage: a person has to
/// find out who was meant.
pub fn assign(
    offices: &Offices,
    addressed: &str,
    accused: &[String],
    triage: &[String],
    day: Date,
) -> Option<Assignment> {
    let kept = accuses_a_stranger(offices, accused) || is_kept_from(offices, addressed, accused);
    let known = offices.get(addressed);
    if !kept && known.is_some_and(|office| office.takes(day)) {
        return Some(Assignment { office_id: addressed.to_owned(), rule: Rule::OfficeChosen });
    }
    let expired = known.is_some_and(|office| office.open && !office.is_there(day));
    let above = above(offices, addressed, accused, day);
    let (found, rule) = match above {
        Some(id) if kept => (Some(id), Rule::AccusedOfficePassedOver),
        Some(id) if expired => (Some(id), Rule::ExpiredOfficePassedOver),
        Some(id) => (Some(id), Rule::ClosedOfficePassedOver),
        None => (
            by_triage(offices, accused, triage, day),
            if kept { Rule::TriageAccused } else { Rule::TriageNoOffice },
        ),
    };
    found.map(|office_id| Assignment { office_id: office_id.to_owned(), rule })
}

/// The first of `triage` that may have a case and takes messages on the day; if none of them does, the
/// first that may have it, so that it is with somebody.
fn by_triage<'t>(
    offices: &Offices,
    accused: &[String],
    triage: &'t [String],
    day: Date,
) -> Option<&'t str> {
    let known = |id: &&str| offices.get(id).is_some() && !is_kept_from(offices, id, accused);
    let takes = |id: &&str| offices.get(id).is_some_and(|office| office.takes(day));
    let fit = || triage.iter().map(String::as_str).filter(known);
    fit().find(takes).or_else(|| fit().next())
}

/// The offices of `triage` as they are on a day: one that takes no messages gives its place to who came in
/// its stead. All of them follow once more, should none of the first be fit.
pub fn triage_on(directory: &Directory, triage: &[String], day: Date) -> Vec<String> {
    let current = |id: &String| {
        let takes = directory.offices.get(id).is_some_and(|office| office.takes(day));
        let stands = directory.in_place_of(id, day).filter(|(office, _)| office.takes(day));
        stands.filter(|_| !takes).map_or_else(|| id.clone(), |(office, _)| office.office_id.clone())
    };
    triage.iter().map(current).chain(triage.iter().cloned()).collect()
}

/// The nearest office above that may have a case: it takes messages, and has nothing to do with the
/// accused, also not by sitting in the same house. None where an accused office is in no directory.
pub fn above<'d>(
    offices: &'d Offices,
    office_id: &'d str,
    accused: &[String],
    day: Date,
) -> Option<&'d str> {
    if accuses_a_stranger(offices, accused) {
        return None;
    }
    let accused = &offices.with_successors(accused);
    offices.upwards(office_id).skip(1).find(|id| {
        offices.get(id).is_some_and(|office| office.takes(day))
            && !is_kept_from(offices, id, accused)
            && !sits_with(offices, id, accused)
    })
}

/// Whether an office sits in the same house as an accused one: it is of the same division.
pub fn is_beside(offices: &Offices, office_id: &str, accused: &[String]) -> bool {
    !accused.is_empty() && sits_with(offices, office_id, &offices.with_successors(accused))
}

fn sits_with(offices: &Offices, office_id: &str, accused: &[String]) -> bool {
    let division = |id: &str| offices.get(id).and_then(|office| office.division_code.as_deref());
    division(office_id).is_some_and(|code| accused.iter().any(|it| division(it) == Some(code)))
}

/// The nearest office strictly above two others that may have a case which both have given back; if
/// there is none, the first of `triage` that is neither of them and may have it.
pub fn superior<'d>(
    offices: &'d Offices,
    (one, other): (&'d str, &'d str),
    accused: &[String],
    triage: &[String],
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
    let accused = &offices.with_successors(&opening.accused);
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
    let stands = directory.in_place_of(addressed, day);
    let current = stands.map_or(addressed, |(office, _)| office.office_id.as_str());
    let triage = triage_on(directory, triage, day);
    let mut chosen = assign(&directory.offices, current, accused, &triage, day)?;
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
mod tests;
