//! What an editor may put into the directory.

use jiff::civil::Date;

use super::{
    directory::{Directory, Division, Level, Office},
    validity::Validity,
};

/// The longest name or title, in characters.
const LONGEST_NAME: usize = 60;
const SHORTEST_NAME: usize = 2;
/// The lengths of an office's id and of its role.
const ID_LENGTHS: std::ops::RangeInclusive<usize> = 3..=32;
const ROLE_LENGTHS: std::ops::RangeInclusive<usize> = 1..=40;
/// How long a division's code is.
const CODE_LENGTH: usize = 6;
/// How long a date is: YYYY-MM-DD.
const DATE_LENGTH: usize = 10;
/// How many successions follow one another at most.
const MOST_SUCCESSORS: usize = 16;

/// A level, or the reason why there is none.
pub type GivenLevel = Result<Level, &'static str>;

/// A division as an editor wants it.
#[derive(Debug, Clone)]
pub struct DivisionDraft {
    /// The code.
    pub code: String,
    /// The name.
    pub name: String,
    /// The level.
    pub level: GivenLevel,
    /// The division above; empty at the top.
    pub parent_code: String,
    /// When it is there.
    pub valid: ValidityDraft,
}

/// When something is there, as an editor wants it: dates as YYYY-MM-DD, each empty if there is none.
#[derive(Debug, Clone, Default)]
pub struct ValidityDraft {
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// What takes its place.
    pub successor: String,
}

/// An office as an editor wants it.
#[derive(Debug, Clone)]
pub struct OfficeDraft {
    /// The id.
    pub office_id: String,
    /// The division; empty for a ministry.
    pub division_code: String,
    /// The level.
    pub level: GivenLevel,
    /// The role.
    pub role: String,
    /// The title.
    pub title: String,
    /// The office above; empty at the top.
    pub parent_office_id: String,
    /// Whether it takes messages.
    pub open: bool,
    /// When it is there.
    pub valid: ValidityDraft,
}

/// Something that is wrong with a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: &'static str,
    /// The reason.
    pub reason: &'static str,
    /// How long the text is, if that is the reason.
    pub has: Option<usize>,
}

impl Fault {
    /// The shortest and the longest name.
    pub const NAME_LENGTHS: (usize, usize) = (SHORTEST_NAME, LONGEST_NAME);

    pub(super) fn new(field: &'static str, reason: &'static str) -> Self {
        Self { field, reason, has: None }
    }
}

fn name_fault(field: &'static str, name: &str) -> Option<Fault> {
    let has = name.trim().chars().count();
    if name.is_empty() {
        Some(Fault::new(field, "FIELD_REQUIRED"))
    } else if name.contains(char::is_control) {
        Some(Fault::new(field, "TEXT_MALFORMED"))
    } else if !(SHORTEST_NAME..=LONGEST_NAME).contains(&has) {
        Some(Fault { has: Some(has), ..Fault::new(field, "NAME_LENGTH") })
    } else {
        None
    }
}

fn code_fault(field: &'static str, code: &str) -> Option<Fault> {
    if code.is_empty() {
        Some(Fault::new(field, "FIELD_REQUIRED"))
    } else if code.len() != CODE_LENGTH || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Fault::new(field, "CODE_MALFORMED"))
    } else {
        None
    }
}

/// What is wrong with the days, and the validity if nothing is. The fields are those of the first
/// and the last day and of the successor; `next_of` gives the successor of something known.
fn valid(
    draft: &ValidityDraft,
    fields: [&'static str; 3],
    unknown: &'static str,
    (own, next_of): (&str, impl Fn(&str) -> Option<Option<String>>),
) -> Result<Validity, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut date = |field, text: &str| match text {
        "" => None,
        text => {
            let date = text.parse::<Date>().ok().filter(|_| text.len() == DATE_LENGTH);
            if date.is_none() {
                faults.push(Fault::new(field, "DATE_MALFORMED"));
            }
            date
        }
    };
    let (from, until) = (date(fields[0], &draft.from), date(fields[1], &draft.until));
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        faults.push(Fault::new(fields[1], "DATES_ORDER"));
    }
    let successor = some(&draft.successor);
    if let Some(first) = &successor {
        let mut next = Some(first.clone());
        let mut steps = 0;
        while let Some(id) = next {
            steps += 1;
            next = match next_of(&id) {
                None => {
                    faults.push(Fault::new(fields[2], unknown));
                    None
                }
                Some(_) if id == own || steps > MOST_SUCCESSORS => {
                    faults.push(Fault::new(fields[2], "SUCCESSOR_CIRCLE"));
                    None
                }
                Some(next) => next,
            };
        }
        if draft.until.is_empty() {
            faults.push(Fault::new(fields[2], "SUCCESSOR_WITHOUT_END"));
        }
    }
    if faults.is_empty() { Ok(Validity { from, until, successor }) } else { Err(faults) }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The division that a draft describes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn division(directory: &Directory, draft: &DivisionDraft) -> Result<Division, Vec<Fault>> {
    let mut faults = Vec::new();
    faults.extend(code_fault("division.code", &draft.code));
    faults.extend(name_fault("division.name", &draft.name));
    let parent = directory.division(&draft.parent_code);
    if !draft.parent_code.is_empty() && parent.is_none() {
        faults.push(Fault::new("division.parent_code", "DIVISION_NOT_FOUND"));
    }
    match draft.level {
        Err(reason) => faults.push(Fault::new("division.level", reason)),
        Ok(level) => {
            let under_parent = match parent {
                // At the top are the provinces. A code without a division is told above.
                None => (level == Level::Province) == draft.parent_code.is_empty(),
                Some(parent) => parent.level < level,
            };
            // Below each division lie lower ones alone, so nothing can ever lie below itself.
            let over_children = directory
                .divisions()
                .filter(|below| below.parent_code.as_ref() == Some(&draft.code))
                .all(|below| level < below.level);
            let over_offices = directory
                .offices
                .iter()
                .filter(|office| office.division_code.as_ref() == Some(&draft.code))
                .all(|office| level <= office.level);
            if level == Level::State || !under_parent || !over_children || !over_offices {
                faults.push(Fault::new("division.level", "LEVEL_ORDER"));
            }
        }
    }
    let fields = ["division.valid_from", "division.valid_until", "division.successor_code"];
    let next_of = |code: &str| directory.division(code).map(|it| it.valid.successor.clone());
    let valid = valid(&draft.valid, fields, "DIVISION_NOT_FOUND", (&draft.code, next_of));
    match (draft.level, valid) {
        (Ok(level), Ok(valid)) if faults.is_empty() => Ok(Division {
            code: draft.code.clone(),
            name: draft.name.trim().to_owned(),
            level,
            parent_code: some(&draft.parent_code),
            valid,
        }),
        (_, valid) => {
            faults.extend(valid.err().unwrap_or_default());
            Err(faults)
        }
    }
}

/// The office that a draft describes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn office(directory: &Directory, draft: &OfficeDraft) -> Result<Office, Vec<Fault>> {
    let mut faults = shape(draft);
    let division = directory.division(&draft.division_code);
    if !draft.division_code.is_empty() && division.is_none() {
        faults.push(Fault::new("office.division_code", "DIVISION_NOT_FOUND"));
    }
    let parent = directory.offices.get(&draft.parent_office_id);
    if parent.is_some() {
        if directory.offices.upwards(&draft.parent_office_id).any(|id| id == draft.office_id) {
            faults.push(Fault::new("office.parent_office_id", "UNDER_ITSELF"));
        }
    } else if !draft.parent_office_id.is_empty() {
        faults.push(Fault::new("office.parent_office_id", "OFFICE_NOT_FOUND"));
    }
    match draft.level {
        Err(reason) => faults.push(Fault::new("office.level", reason)),
        Ok(level) => {
            // An office is never above its division, and nowhere is where the state's are.
            let in_division = match division {
                Some(division) => division.level <= level,
                None => (level == Level::State) == draft.division_code.is_empty(),
            };
            let under_parent = parent.is_none_or(|parent| parent.level <= level);
            let over_others = directory
                .offices
                .iter()
                .filter(|below| below.parent_office_id.as_ref() == Some(&draft.office_id))
                .all(|below| level <= below.level);
            if !in_division || !under_parent || !over_others {
                faults.push(Fault::new("office.level", "LEVEL_ORDER"));
            }
        }
    }
    let fields = ["office.valid_from", "office.valid_until", "office.successor_id"];
    let next_of = |id: &str| directory.offices.get(id).map(|it| it.valid.successor.clone());
    let valid = valid(&draft.valid, fields, "OFFICE_NOT_FOUND", (&draft.office_id, next_of));
    match (draft.level, valid) {
        (Ok(level), Ok(valid)) if faults.is_empty() => Ok(Office {
            office_id: draft.office_id.clone(),
            division_code: some(&draft.division_code),
            level,
            role: draft.role.clone(),
            title: draft.title.trim().to_owned(),
            parent_office_id: some(&draft.parent_office_id),
            open: draft.open,
            valid,
            house: Validity::default(),
        }),
        (_, valid) => {
            faults.extend(valid.err().unwrap_or_default());
            Err(faults)
        }
    }
}

/// What is wrong with a draft of an office by itself.
fn shape(draft: &OfficeDraft) -> Vec<Fault> {
    let mut faults = Vec::new();
    let of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let of_role = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    for (field, text, lengths, proper, reason) in [
        (
            "office.office_id",
            &draft.office_id,
            ID_LENGTHS,
            &of_id as &dyn Fn(u8) -> bool,
            "OFFICE_ID_MALFORMED",
        ),
        ("office.role", &draft.role, ROLE_LENGTHS, &of_role, "ROLE_MALFORMED"),
    ] {
        if text.is_empty() {
            faults.push(Fault::new(field, "FIELD_REQUIRED"));
        } else if !lengths.contains(&text.len()) || !text.bytes().all(proper) {
            faults.push(Fault::new(field, reason));
        }
    }
    faults.extend(name_fault("office.title", &draft.title));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lists;

    fn a_division() -> DivisionDraft {
        DivisionDraft {
            code: "130198".to_owned(),
            name: "A new district".to_owned(),
            level: Ok(Level::County),
            parent_code: "130100".to_owned(),
            valid: ValidityDraft::default(),
        }
    }

    fn an_office() -> OfficeDraft {
        OfficeDraft {
            office_id: "130100-water".to_owned(),
            division_code: "130100".to_owned(),
            level: Ok(Level::City),
            role: "bureau".to_owned(),
            title: " Water bureau ".to_owned(),
            parent_office_id: "130100-g".to_owned(),
            open: true,
            valid: ValidityDraft::default(),
        }
    }

    fn told(faults: &[Fault]) -> Vec<(&'static str, &'static str)> {
        faults.iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    #[test]
    fn what_fits_is_taken() {
        let directory = lists::shared();
        assert_eq!(division(directory, &a_division()).unwrap().parent_code.unwrap(), "130100");
        assert_eq!(office(directory, &an_office()).unwrap().title, "Water bureau");
        // What is there already may be put again.
        let known = directory.offices.get("130102-g").unwrap();
        let draft = OfficeDraft {
            office_id: known.office_id.clone(),
            division_code: "130102".to_owned(),
            level: Ok(known.level),
            role: known.role.clone(),
            title: known.title.clone(),
            parent_office_id: "130102-s".to_owned(),
            open: false,
            valid: ValidityDraft::default(),
        };
        assert_eq!(office(directory, &draft), Ok(Office { open: false, ..known.clone() }));
        let ministry = OfficeDraft {
            office_id: "M99".to_owned(),
            division_code: String::new(),
            level: Ok(Level::State),
            parent_office_id: String::new(),
            ..an_office()
        };
        assert!(office(directory, &ministry).is_ok());
    }

    #[test]
    fn everything_wrong_with_a_division_is_told() {
        let directory = lists::shared();
        let wrong = DivisionDraft {
            code: "13".to_owned(),
            name: "x".to_owned(),
            level: Err("FIELD_REQUIRED"),
            parent_code: "999999".to_owned(),
            ..a_division()
        };
        let expected = [
            ("division.code", "CODE_MALFORMED"),
            ("division.name", "NAME_LENGTH"),
            ("division.parent_code", "DIVISION_NOT_FOUND"),
            ("division.level", "FIELD_REQUIRED"),
        ];
        assert_eq!(told(&division(directory, &wrong).unwrap_err()), expected);
        let order = [("division.level", "LEVEL_ORDER")];
        for (code, level, parent) in [
            // Below a county, at the top, above the province, over its own districts.
            ("130198", Level::County, "130102"),
            ("130198", Level::County, ""),
            ("130198", Level::Province, "130000"),
            ("130198", Level::State, ""),
            ("130100", Level::County, "130000"),
            ("130100", Level::City, "130100"),
        ] {
            let draft = DivisionDraft {
                code: code.to_owned(),
                level: Ok(level),
                parent_code: parent.to_owned(),
                ..a_division()
            };
            let faults = division(directory, &draft).unwrap_err();
            assert_eq!(told(&faults), order, "{code} {parent}");
        }
    }

    #[test]
    fn a_successor_is_known_and_not_its_own_and_days_are_in_order() {
        let directory = lists::shared();
        let draft = |from: &str, until: &str, successor: &str| OfficeDraft {
            valid: ValidityDraft {
                from: from.to_owned(),
                until: until.to_owned(),
                successor: successor.to_owned(),
            },
            ..an_office()
        };
        let put = office(directory, &draft("2026-01-01", "2026-06-30", "130102-g")).unwrap();
        assert_eq!(put.valid.successor.as_deref(), Some("130102-g"));
        for (from, until, successor, field, reason) in [
            ("2026-1-1", "", "", "office.valid_from", "DATE_MALFORMED"),
            ("", "2026-02-30", "", "office.valid_until", "DATE_MALFORMED"),
            ("2026-07-01", "2026-06-30", "", "office.valid_until", "DATES_ORDER"),
            ("", "2026-06-30", "nobody", "office.successor_id", "OFFICE_NOT_FOUND"),
            ("", "", "130102-g", "office.successor_id", "SUCCESSOR_WITHOUT_END"),
        ] {
            let faults = office(directory, &draft(from, until, successor)).unwrap_err();
            assert_eq!(told(&faults), [(field, reason)], "{from} {until} {successor}");
        }
        // By way of others, too.
        let first = Office { office_id: "130100-one".to_owned(), ..put };
        let valid = Validity { successor: Some("130100-water".to_owned()), ..first.valid.clone() };
        let known = directory.with_office(Office { valid, ..first }).unwrap();
        let water = office(directory, &an_office()).unwrap();
        let known = known.with_office(water).unwrap();
        let faults = office(&known, &draft("", "2026-06-30", "130100-one")).unwrap_err();
        assert_eq!(told(&faults), [("office.successor_id", "SUCCESSOR_CIRCLE")]);
    }

    #[test]
    fn everything_wrong_with_an_office_is_told() {
        let directory = lists::shared();
        let wrong = OfficeDraft {
            office_id: "a b".to_owned(),
            division_code: "999999".to_owned(),
            level: Err("VALUE_UNKNOWN"),
            role: "A".to_owned(),
            title: "t".repeat(61),
            parent_office_id: "nobody".to_owned(),
            ..an_office()
        };
        let expected = [
            ("office.office_id", "OFFICE_ID_MALFORMED"),
            ("office.role", "ROLE_MALFORMED"),
            ("office.title", "NAME_LENGTH"),
            ("office.division_code", "DIVISION_NOT_FOUND"),
            ("office.parent_office_id", "OFFICE_NOT_FOUND"),
            ("office.level", "VALUE_UNKNOWN"),
        ];
        assert_eq!(told(&office(directory, &wrong).unwrap_err()), expected);
        // No office lies under itself, at once or by way of others.
        for parent in ["130100-g", "130102-g"] {
            let draft = OfficeDraft {
                office_id: "130100-g".to_owned(),
                parent_office_id: parent.to_owned(),
                ..an_office()
            };
            let faults = office(directory, &draft).unwrap_err();
            let circle = ("office.parent_office_id", "UNDER_ITSELF");
            assert!(told(&faults).contains(&circle), "{parent}");
        }
        let above = OfficeDraft { level: Ok(Level::Province), ..an_office() };
        let order = [("office.level", "LEVEL_ORDER")];
        assert_eq!(told(&office(directory, &above).unwrap_err()), order);
    }
}
