//! From when to when something of the directory is there, and what took its place: divisions are merged
//! and renamed, offices dissolved, and what is written to the old name still has to arrive.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    assignment::above,
    directory::{Directory, Division, Office},
};

/// How many successions are followed. Editors can put no circle; this bounds the walk all the same.
const LONGEST_CHAIN: usize = 32;

/// When something is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    /// The first day; none if it always was.
    pub from: Option<Date>,
    /// The last day; none if no end is known.
    pub until: Option<Date>,
    /// What took its place: a division's code, or an office's id.
    pub successor: Option<String>,
}

impl Validity {
    /// Whether it is there on a day.
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && !self.has_ended(day)
    }

    /// Whether it has been there before a day, and is no more.
    pub fn has_ended(&self, day: Date) -> bool {
        self.until.is_some_and(|until| until < day)
    }
}

/// How an office came to stand for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stead {
    /// It is the one that was asked for.
    Itself,
    /// It is the successor of that one.
    Successor,
    /// That one's division became part of another, or has another name; this is the office there.
    DivisionMoved,
    /// The division has no such office, or it takes no messages; this is the office of a level above.
    LevelAbove,
}

impl Directory {
    /// The division that stands in the place of another on a day: itself, unless it has ended and has
    /// a successor.
    pub fn current_division(&self, code: &str, day: Date) -> Option<&Division> {
        let mut division = self.division(code)?;
        for _ in 0..LONGEST_CHAIN {
            let successor = division.valid.successor.as_deref();
            match successor.filter(|_| division.valid.has_ended(day)) {
                Some(next) => division = self.division(next)?,
                None => break,
            }
        }
        Some(division)
    }

    /// A division and all that come in its place, on whatever day.
    pub(super) fn with_heirs<'d>(&'d self, code: &'d str) -> Vec<&'d str> {
        let mut all = vec![code];
        let next = |code: &str| self.division(code)?.valid.successor.as_deref();
        while let Some(heir) = all.last().and_then(|code| next(code))
            && !all.contains(&heir)
        {
            all.push(heir);
        }
        all
    }

    /// Has the offices of divisions that are merged or renamed come in the place of those of the same
    /// role, from when that is known on: nobody can wait for the day.
    pub(super) fn follow_mergers(&mut self) {
        let ending: BTreeSet<&str> = self
            .divisions()
            .filter(|division| division.valid.successor.is_some())
            .map(|division| division.code.as_str())
            .collect();
        let mut successions = Vec::new();
        for office in self.offices.iter() {
            let code = office.division_code.as_deref().filter(|code| ending.contains(code));
            for heir in code.into_iter().flat_map(|code| self.with_heirs(code).split_off(1)) {
                let there = self.of_role(heir, &office.role);
                successions
                    .extend(there.map(|it| (office.office_id.clone(), it.office_id.clone())));
            }
        }
        for (office_id, heir) in successions {
            self.offices.succeed(&office_id, &heir);
        }
    }

    /// The office that gets what is written to `office_id` on a day, and how it came to that: itself, the
    /// one that came in its place, or the nearest above that takes messages. None if there is none.
    pub fn stands_for(&self, office_id: &str, day: Date) -> Option<(&Office, Stead)> {
        let (office, stead) = self.in_place_of(office_id, day)?;
        if office.takes(day) {
            return Some((office, stead));
        }
        let above = above(&self.offices, &office.office_id, &[], day)?;
        Some((self.offices.get(above)?, Stead::LevelAbove))
    }

    /// The office that came in the place of `office_id` by a day, or itself, though it may take no
    /// messages. None if there is no such office and none that could stand for it.
    pub fn in_place_of(&self, office_id: &str, day: Date) -> Option<(&Office, Stead)> {
        let Some(mut office) = self.offices.get(office_id) else {
            return Some((self.above_missing(office_id, day)?, Stead::LevelAbove));
        };
        let mut stead = Stead::Itself;
        for _ in 0..LONGEST_CHAIN {
            let Some((next, how)) = self.next_of(office, day) else { break };
            if stead == Stead::Itself {
                stead = how;
            }
            office = next;
        }
        Some((office, stead))
    }

    fn next_of(&self, office: &Office, day: Date) -> Option<(&Office, Stead)> {
        if office.valid.has_ended(day) {
            let successor = office.valid.successor.as_deref();
            if let Some(next) = successor.and_then(|id| self.offices.get(id)) {
                return Some((next, Stead::Successor));
            }
        }
        let code = office.division_code.as_deref()?;
        let current = self.current_division(code, day).filter(|current| current.code != code)?;
        let of_role = self.of_role(&current.code, &office.role)?;
        Some((of_role, Stead::DivisionMoved))
    }

    fn of_role(&self, division_code: &str, role: &str) -> Option<&Office> {
        self.offices
            .iter()
            .find(|it| it.division_code.as_deref() == Some(division_code) && it.role == role)
    }

    /// The head of government of the nearest level above a division that has no such office. An
    /// office's id begins with the code of its division.
    fn above_missing(&self, office_id: &str, day: Date) -> Option<&Office> {
        let code = office_id.get(..6)?;
        let division = self.current_division(code, day)?;
        let path = self.path(Some(&division.code));
        let mut upwards = path.iter().rev();
        upwards.find_map(|code| {
            self.of_role(code, "head_of_government").filter(|office| office.takes(day))
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::lists;

    fn ended(successor: Option<&str>) -> Validity {
        let until = Some(date(2026, 3, 31));
        Validity { from: None, until, successor: successor.map(str::to_owned) }
    }

    fn stands(directory: &Directory, id: &str, day: Date) -> Option<(String, Stead)> {
        directory.stands_for(id, day).map(|(office, stead)| (office.office_id.clone(), stead))
    }

    #[test]
    fn a_day_is_in_from_the_first_to_the_last() {
        let valid = Validity {
            from: Some(date(2026, 1, 1)),
            until: Some(date(2026, 1, 31)),
            successor: None,
        };
        let holds = |month, day| valid.holds(date(2026, month, day));
        assert_eq!([holds(1, 1), holds(1, 31), holds(2, 1)], [true, true, false]);
        assert!(!valid.holds(date(2025, 12, 31)) && !valid.has_ended(date(2025, 12, 31)));
        assert!(Validity::default().holds(date(1, 1, 1)));
    }

    #[test]
    fn what_is_written_to_what_was_dissolved_or_merged_arrives() {
        let shared = lists::shared();
        let (before, after) = (date(2026, 3, 31), date(2026, 4, 1));
        let office = shared.offices.get("130102-g").unwrap().clone();
        let gone = Office { valid: ended(Some("130104-g")), ..office };
        let directory = shared.with_office(gone).unwrap();
        let itself = Some(("130102-g".to_owned(), Stead::Itself));
        assert_eq!(stands(&directory, "130102-g", before), itself);
        let next = Some(("130104-g".to_owned(), Stead::Successor));
        assert_eq!(stands(&directory, "130102-g", after), next);
        let accused = directory.offices.with_successors(&["130102-g".to_owned()]);
        assert_eq!(accused, ["130102-g", "130104-g"]);

        let division = shared.division("130102").unwrap().clone();
        let merged = Division { valid: ended(Some("130104")), ..division };
        let directory = shared.with_division(merged).unwrap();
        let there = Some(("130104-s".to_owned(), Stead::DivisionMoved));
        assert_eq!(stands(&directory, "130102-s", after), there);
        assert_eq!(directory.current_division("130102", after).unwrap().code, "130104");
        assert_eq!(directory.current_division("130102", before).unwrap().code, "130102");
        let accused = directory.offices.with_successors(&["130102-s".to_owned()]);
        assert_eq!(accused, ["130102-s", "130104-s"]);
        assert_eq!(
            directory.offices.new_heirs(&shared.offices),
            ["g", "s"].map(|of| (format!("130104-{of}"), vec![format!("130102-{of}")]))
        );
        assert_eq!(directory.offices.new_heirs(&directory.offices), []);
    }

    #[test]
    fn what_is_written_to_a_division_without_an_office_goes_to_the_level_above() {
        let directory = lists::shared();
        let day = date(2026, 6, 1);
        let above = Some(("130102-g".to_owned(), Stead::LevelAbove));
        assert_eq!(stands(directory, "130102-water", day), above);
        assert_eq!(stands(directory, "999999-g", day), None);
        assert_eq!(stands(directory, "M", day), None);
    }

    #[test]
    fn what_is_written_to_an_office_of_a_division_that_is_no_more_goes_to_the_level_above() {
        let shared = lists::shared();
        let (before, after) = (date(2026, 3, 31), date(2026, 4, 1));
        let division = shared.division("130102").unwrap().clone();
        let gone = Division { valid: ended(None), ..division };
        let directory = shared.with_division(gone).unwrap();
        let itself = Some(("130102-g".to_owned(), Stead::Itself));
        assert_eq!(stands(&directory, "130102-g", before), itself);
        let above = Some(("130100-g".to_owned(), Stead::LevelAbove));
        assert_eq!(stands(&directory, "130102-g", after), above);
        assert!(!directory.offices.get("130102-g").unwrap().takes(after));
        // Nor is it there when the division that came in the place of its own has no such office.
        let office = shared.offices.get("130102-g").unwrap().clone();
        let of_water = Office {
            office_id: "130102-water".to_owned(),
            role: "water".to_owned(),
            parent_office_id: Some("130102-g".to_owned()),
            ..office
        };
        let merged =
            Division { valid: ended(Some("130104")), ..shared.division("130102").unwrap().clone() };
        let directory = shared.with_office(of_water).unwrap().with_division(merged).unwrap();
        assert_eq!(stands(&directory, "130102-water", after), above);
        let there = Some(("130104-g".to_owned(), Stead::DivisionMoved));
        assert_eq!(stands(&directory, "130102-g", after), there);
    }

    #[test]
    fn a_circle_of_successors_ends() {
        let shared = lists::shared();
        let mut directory = shared.clone();
        for (id, next) in [("130102-g", "130104-g"), ("130104-g", "130102-g")] {
            let office = directory.offices.get(id).unwrap().clone();
            let valid = ended(Some(next));
            directory = directory.with_office(Office { valid, ..office }).unwrap();
        }
        assert!(directory.stands_for("130102-g", date(2026, 6, 1)).is_some());
        let both = directory.offices.with_successors(&["130102-g".to_owned()]);
        assert_eq!(both, ["130102-g", "130104-g"]);
    }
}
