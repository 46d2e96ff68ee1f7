//! The lists of `data/`, as they are built in.
//!
//! They are facts with a version: see `data/README.md` for where each comes from.

use std::str::FromStr;

use jiff::civil::Date;
use serde::Deserialize;

use super::{
    calendar::{Calendar, Exception},
    competence::{Competences, Matter},
    deadline::{MAX_DAYS, Scope, Term, Terms},
    directory::{Directory, Division, Domain, Kind, Level, Office, Parts},
    offices::Broken,
    validity::Validity,
};

const DIVISIONS: &str = include_str!("../../data/divisions.csv");
const OFFICES: &str = include_str!("../../data/offices.csv");
const MINISTRIES: &str = include_str!("../../data/ministries.csv");
const HOLIDAYS: &str = include_str!("../../data/holidays.csv");
const KINDS: &str = include_str!("../../data/kinds.csv");
const DOMAINS: &str = include_str!("../../data/domains.csv");
const DEADLINES: &str = include_str!("../../data/deadlines.csv");
const LISTS: &str = include_str!("../../data/lists.csv");

/// A list of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Divisions.
    Divisions,
    /// Offices and ministries.
    Offices,
    /// Exceptions of the calendar.
    Calendar,
    /// Kinds of messages.
    Kinds,
    /// Domains with their topics.
    Domains,
    /// Terms by kind, level and office.
    Deadlines,
    /// Which office is competent for what. None is built in: editors put them.
    Competences,
}

impl List {
    /// All lists; those that others refer to come first.
    pub const ALL: [Self; 7] = [
        Self::Divisions,
        Self::Offices,
        Self::Calendar,
        Self::Kinds,
        Self::Domains,
        Self::Deadlines,
        Self::Competences,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Divisions => "divisions",
            Self::Offices => "offices",
            Self::Calendar => "calendar",
            Self::Kinds => "kinds",
            Self::Domains => "domains",
            Self::Deadlines => "deadlines",
            Self::Competences => "competences",
        }
    }
}

/// A day of the calendar's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// The day.
    pub day: Date,
    /// The holiday's name.
    pub name: String,
    /// True for a day off, false for a make-up working day.
    pub off: bool,
    /// The year whose announcement contains it.
    pub schedule_year: i16,
}

/// A line of the list of terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermLine {
    /// What it is for.
    pub scope: Scope,
    /// How long.
    pub term: Term,
}

/// All lists, as lines.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// The version of each list, from 1.
    pub versions: Vec<(String, u32)>,
    /// Divisions.
    pub divisions: Vec<Division>,
    /// Offices and ministries.
    pub offices: Vec<Office>,
    /// Exceptions of the calendar.
    pub holidays: Vec<Holiday>,
    /// Kinds in order.
    pub kinds: Vec<Kind>,
    /// Domains in order.
    pub domains: Vec<Domain>,
    /// Terms.
    pub terms: Vec<TermLine>,
    /// The announcements from which editors put years of the calendar.
    pub calendar_sources: Vec<(i16, String)>,
    /// Who is competent for what.
    pub competences: Vec<(Matter, String)>,
}

impl Lists {
    /// The version of a list; 0 if there is none.
    pub fn version(&self, list: List) -> u32 {
        self.versions
            .iter()
            .find(|(name, _)| name == list.name())
            .map_or(0, |(_, version)| *version)
    }

    /// The lists as one directory.
    ///
    /// # Errors
    /// If they do not fit together.
    pub fn directory(self) -> Result<Directory, Broken> {
        let days = self.holidays.iter().map(|holiday| {
            let exception = Exception { name: holiday.name.clone(), off: holiday.off };
            (holiday.day, exception, holiday.schedule_year)
        });
        let calendar = Calendar::new(self.version(List::Calendar), days);
        let calendar = calendar.put_from(self.calendar_sources.iter().cloned());
        let terms = Terms::new(self.terms.iter().map(|line| (line.scope.clone(), line.term)));
        Directory::new(Parts {
            kinds_version: self.version(List::Kinds),
            domains_version: self.version(List::Domains),
            divisions: self.divisions,
            offices: self.offices,
            kinds: self.kinds,
            domains: self.domains,
            calendar,
            terms,
            competences: Competences::new(self.competences),
        })
    }
}

#[derive(Deserialize)]
struct DivisionLine {
    code: String,
    name: String,
    level: String,
    parent_code: Option<String>,
}

#[derive(Deserialize)]
struct OfficeLine {
    office_id: String,
    division_code: String,
    level: String,
    role: String,
    title: String,
}

#[derive(Deserialize)]
struct MinistryLine {
    office_id: String,
    name: String,
}

#[derive(Deserialize)]
struct HolidayLine {
    date: String,
    name: String,
    is_off_day: u8,
    schedule_year: i16,
}

#[derive(Deserialize)]
struct KindLine {
    kind: String,
    name_zh: String,
    name_en: String,
}

#[derive(Deserialize)]
struct DomainLine {
    domain: String,
    name_zh: String,
    name_en: String,
    topics_zh: String,
}

#[derive(Deserialize)]
struct DeadlineLine {
    kind: String,
    level: Option<String>,
    days: u32,
    unit: String,
}

#[derive(Deserialize)]
struct VersionLine {
    list: String,
    version: u32,
}

/// The lists that are built in.
///
/// # Errors
/// Names the list that cannot be read.
pub fn embedded() -> Result<Lists, Broken> {
    let divisions = lines("divisions", DIVISIONS, |line: DivisionLine| {
        let level = Level::of_code(&line.level)?;
        let parent_code = line.parent_code.filter(|code| !code.is_empty());
        let (code, name, valid) = (line.code, line.name, Validity::default());
        Some(Division { code, name, level, parent_code, valid })
    })?;
    let holidays = lines("calendar", HOLIDAYS, |line: HolidayLine| {
        Some(Holiday {
            day: Date::from_str(&line.date).ok()?,
            name: line.name,
            off: line.is_off_day == 1,
            schedule_year: line.schedule_year,
        })
    })?;
    let terms = lines("deadlines", DEADLINES, |line: DeadlineLine| {
        let level = line.level.filter(|level| !level.is_empty());
        let level = level.map(|level| Level::of_code(&level).ok_or(())).transpose().ok()?;
        let working = match line.unit.as_str() {
            "working_days" => true,
            "days" => false,
            _ => return None,
        };
        let term = Term { days: line.days, working };
        let scope = Scope { office_id: String::new(), kind: line.kind, level };
        (1..=MAX_DAYS).contains(&line.days).then_some(TermLine { scope, term })
    })?;
    Ok(Lists {
        versions: lines("lists", LISTS, |line: VersionLine| Some((line.list, line.version)))?,
        offices: offices(&divisions)?,
        divisions,
        holidays,
        kinds: lines("kinds", KINDS, |line: KindLine| {
            Some(Kind { kind: line.kind, name_zh: line.name_zh, name_en: line.name_en })
        })?,
        domains: lines("domains", DOMAINS, |line: DomainLine| {
            let topics = line.topics_zh.split(';').filter(|topic| !topic.is_empty());
            let topics = topics.map(str::to_owned).collect();
            let DomainLine { domain, name_zh, name_en, .. } = line;
            Some(Domain { domain, name_zh, name_en, topics })
        })?,
        terms,
        calendar_sources: Vec::new(),
        competences: Vec::new(),
    })
}

/// Offices and ministries with the office above each: in a division the party secretary above the
/// head of government, and the head of government of the division above over the secretary.
fn offices(divisions: &[Division]) -> Result<Vec<Office>, Broken> {
    let above: std::collections::BTreeMap<&str, Option<&str>> = divisions
        .iter()
        .map(|division| (division.code.as_str(), division.parent_code.as_deref()))
        .collect();
    let mut offices = lines("offices", OFFICES, |line: OfficeLine| {
        let parent_office_id = match line.role.as_str() {
            "head_of_government" => Some(format!("{}-s", line.division_code)),
            "party_secretary" => {
                above.get(line.division_code.as_str())?.map(|code| format!("{code}-g"))
            }
            _ => return None,
        };
        Some(Office {
            level: Level::of_code(&line.level)?,
            office_id: line.office_id,
            division_code: Some(line.division_code),
            role: line.role,
            title: line.title,
            parent_office_id,
            open: true,
            valid: Validity::default(),
            house: Validity::default(),
        })
    })?;
    offices.extend(lines("offices", MINISTRIES, |line: MinistryLine| {
        Some(Office {
            office_id: line.office_id,
            division_code: None,
            level: Level::State,
            role: "ministry".to_owned(),
            title: line.name,
            parent_office_id: None,
            open: true,
            valid: Validity::default(),
            house: Validity::default(),
        })
    })?);
    Ok(offices)
}

fn lines<L, T>(
    name: &'static str,
    text: &str,
    read: impl Fn(L) -> Option<T>,
) -> Result<Vec<T>, Broken>
where
    L: for<'de> Deserialize<'de>,
{
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .enumerate()
        .map(|(number, line)| {
            let line = line.map_err(|error| Broken::List(name, error.to_string()))?;
            read(line).ok_or_else(|| Broken::List(name, format!("line {}", number + 2)))
        })
        .collect()
}

/// The embedded directory, read once for all tests.
#[cfg(test)]
pub(crate) fn shared() -> &'static Directory {
    static SHARED: std::sync::LazyLock<Directory> =
        std::sync::LazyLock::new(|| embedded().unwrap().directory().unwrap());
    &SHARED
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_lists_fit_together() {
        let lists = embedded().unwrap();
        assert_eq!(lists.divisions.len(), 3_368);
        assert_eq!(lists.offices.len(), 6_678 + 58);
        assert_eq!(lists.holidays.len(), 678);
        assert_eq!(lists.kinds.len(), 5);
        assert_eq!(lists.domains.len(), 14);
        assert!(List::ALL.iter().all(|list| lists.version(*list) > 0));
        let directory = lists.directory().unwrap();
        let upwards: Vec<_> = directory.offices.upwards("130102-g").collect();
        assert_eq!(
            upwards,
            ["130102-g", "130102-s", "130100-g", "130100-s", "130000-g", "130000-s"]
        );
        // Districts of a municipality lie directly under it: there is no placeholder between.
        let upwards: Vec<_> = directory.offices.upwards("110101-s").collect();
        assert_eq!(upwards, ["110101-s", "110000-g", "110000-s"]);
        let place = directory.place(Some("110101"));
        assert_eq!((place.city_code, place.province_code), (None, Some("110000".to_owned())));
        assert!(directory.lies_in("130102", "130000") && !directory.lies_in("130000", "130102"));
    }

    /// Whoever changes a list has to raise its version: this test names the line to change.
    #[test]
    fn each_list_is_the_one_that_its_version_names() {
        let of = |texts: &[&str]| hex::encode(Sha256::digest(texts.concat()));
        let is: String = [
            (List::Divisions, of(&[DIVISIONS])),
            (List::Offices, of(&[OFFICES, MINISTRIES])),
            (List::Calendar, of(&[HOLIDAYS])),
            (List::Kinds, of(&[KINDS])),
            (List::Domains, of(&[DOMAINS])),
            (List::Deadlines, of(&[DEADLINES])),
            (List::Competences, of(&[])),
        ]
        .iter()
        .map(|(list, hash)| {
            format!("{},{},{hash}\n", list.name(), embedded().unwrap().version(*list))
        })
        .collect();
        assert_eq!(LISTS, format!("list,version,sha256\n{is}"));
    }
}
