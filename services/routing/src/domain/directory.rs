//! Who there is to write to: divisions, offices, code lists, and the calendar.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    calendar::Calendar,
    competence::Competences,
    deadline::{Deadline, Terms, compute},
    offices::{Broken, Offices},
    validity::Validity,
};

/// A level of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The state: ministries.
    State,
    /// A province, autonomous region or municipality.
    Province,
    /// A prefecture-level city.
    City,
    /// A county or district.
    County,
}

impl Level {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Province => "province",
            Self::City => "city",
            Self::County => "county",
        }
    }

    /// The level with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::State, Self::Province, Self::City, Self::County]
            .into_iter()
            .find(|level| level.code() == code)
    }
}

/// An administrative division, by GB/T 2260.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: Level,
    /// The division above; none at the top.
    pub parent_code: Option<String>,
    /// When it is there, and what took its place.
    pub valid: Validity,
}

/// A post or unit that receives messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its id.
    pub office_id: String,
    /// Its division; none for a ministry.
    pub division_code: Option<String>,
    /// Its level.
    pub level: Level,
    /// `party_secretary`, `head_of_government` or `ministry`.
    pub role: String,
    /// Its title, never a person's name.
    pub title: String,
    /// The office above.
    pub parent_office_id: Option<String>,
    /// Whether it takes messages.
    pub open: bool,
    /// When it is there, and which office gets its messages after that.
    pub valid: Validity,
    /// When its division is there, as its directory says; always outside one.
    pub house: Validity,
}

impl Office {
    /// Whether it takes messages on a day.
    pub fn takes(&self, day: Date) -> bool {
        self.open && self.is_there(day)
    }

    /// Whether it and its division are there on a day.
    pub fn is_there(&self, day: Date) -> bool {
        self.valid.holds(day) && self.house.holds(day)
    }
}

/// A kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The code.
    pub kind: String,
    /// In Chinese.
    pub name_zh: String,
    /// In English.
    pub name_en: String,
}

/// A domain with its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The code.
    pub domain: String,
    /// In Chinese.
    pub name_zh: String,
    /// In English.
    pub name_en: String,
    /// The topics, in Chinese.
    pub topics: Vec<String>,
}

/// Where a division lies, so that lists of the divisions above find what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The division itself.
    pub division_code: Option<String>,
    /// The city it is or lies in.
    pub city_code: Option<String>,
    /// The province it is or lies in.
    pub province_code: Option<String>,
}

/// Everything of the directory, as one snapshot.
#[derive(Debug, Clone)]
pub struct Directory {
    divisions: BTreeMap<String, Division>,
    /// The offices.
    pub offices: Offices,
    /// The kinds in the list's order.
    pub kinds: Vec<Kind>,
    /// Version of the kinds.
    pub kinds_version: u32,
    /// The domains in the list's order.
    pub domains: Vec<Domain>,
    /// Version of the domains.
    pub domains_version: u32,
    /// The working days.
    pub calendar: Calendar,
    /// How long offices have.
    pub terms: Terms,
    /// Which office is competent for what.
    pub competences: Competences,
}

/// The parts of a directory.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// The divisions.
    pub divisions: Vec<Division>,
    /// The offices.
    pub offices: Vec<Office>,
    /// The kinds in order.
    pub kinds: Vec<Kind>,
    /// Their version.
    pub kinds_version: u32,
    /// The domains in order.
    pub domains: Vec<Domain>,
    /// Their version.
    pub domains_version: u32,
    /// The working days.
    pub calendar: Calendar,
    /// How long offices have.
    pub terms: Terms,
    /// Which office is competent for what.
    pub competences: Competences,
}

impl Directory {
    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// Names the first thing that does not.
    pub fn new(parts: Parts) -> Result<Self, Broken> {
        let divisions: BTreeMap<String, Division> =
            parts.divisions.into_iter().map(|division| (division.code.clone(), division)).collect();
        for division in divisions.values() {
            let proper = match &division.parent_code {
                None => division.level == Level::Province,
                Some(parent) => divisions.get(parent).is_some_and(|p| p.level < division.level),
            };
            if !proper {
                return Err(Broken::Division(division.code.clone()));
            }
        }
        let housed = parts.offices.into_iter().map(|office| {
            let division = office.division_code.as_ref().and_then(|code| divisions.get(code));
            let house = division.map(|division| division.valid.clone()).unwrap_or_default();
            Office { house, ..office }
        });
        let offices = Offices::new(housed)?;
        let nowhere = offices.iter().find(|office| {
            office.division_code.as_ref().is_some_and(|code| !divisions.contains_key(code))
        });
        if let Some(office) = nowhere {
            return Err(Broken::Nowhere(office.office_id.clone()));
        }
        let mut directory = Self {
            divisions,
            offices,
            kinds: parts.kinds,
            kinds_version: parts.kinds_version,
            domains: parts.domains,
            domains_version: parts.domains_version,
            calendar: parts.calendar,
            terms: parts.terms,
            competences: parts.competences,
        };
        directory.follow_mergers();
        Ok(directory)
    }

    /// The directory with a division added or changed.
    ///
    /// # Errors
    /// Names what would not fit together.
    pub fn with_division(&self, division: Division) -> Result<Self, Broken> {
        let mut parts = self.clone().into_parts();
        parts.divisions.retain(|other| other.code != division.code);
        parts.divisions.push(division);
        Self::new(parts)
    }

    /// The directory with an office added or changed.
    ///
    /// # Errors
    /// Names what would not fit together.
    pub fn with_office(&self, office: Office) -> Result<Self, Broken> {
        let mut parts = self.clone().into_parts();
        parts.offices.retain(|other| other.office_id != office.office_id);
        parts.offices.push(office);
        Self::new(parts)
    }

    fn into_parts(self) -> Parts {
        Parts {
            divisions: self.divisions.into_values().collect(),
            offices: self.offices.into_all().collect(),
            kinds: self.kinds,
            kinds_version: self.kinds_version,
            domains: self.domains,
            domains_version: self.domains_version,
            calendar: self.calendar,
            terms: self.terms,
            competences: self.competences,
        }
    }

    /// A division.
    pub fn division(&self, code: &str) -> Option<&Division> {
        self.divisions.get(code)
    }

    /// All divisions by code.
    pub fn divisions(&self) -> impl Iterator<Item = &Division> {
        self.divisions.values()
    }

    /// Where a division lies.
    pub fn place(&self, division_code: Option<&str>) -> Place {
        let mut place = Place::default();
        let mut next = division_code;
        while let Some(division) = next.and_then(|code| self.divisions.get(code)) {
            place.division_code.get_or_insert_with(|| division.code.clone());
            match division.level {
                Level::City => place.city_code = Some(division.code.clone()),
                Level::Province => place.province_code = Some(division.code.clone()),
                Level::State | Level::County => {}
            }
            next = division.parent_code.as_deref();
        }
        place
    }

    /// Whether the division `code` is `top` or lies in it.
    pub fn lies_in(&self, code: &str, top: &str) -> bool {
        let mut next = Some(code);
        while let Some(code) = next {
            if code == top {
                return true;
            }
            next = self.divisions.get(code).and_then(|division| division.parent_code.as_deref());
        }
        false
    }

    /// A division and those above it, the highest first.
    pub fn path(&self, division_code: Option<&str>) -> Vec<String> {
        let next = |code: &&str| self.divisions.get(*code)?.parent_code.as_deref();
        let mut path: Vec<String> =
            std::iter::successors(division_code, next).map(str::to_owned).collect();
        path.reverse();
        path
    }

    /// The deadline of a message of `kind` for an office, which is of `level`. `None` at the end of
    /// time.
    pub fn deadline(
        &self,
        kind: &str,
        (office_id, level): (&str, Level),
        from: jiff::Timestamp,
    ) -> Option<Deadline> {
        compute(&self.calendar, self.terms.of(kind, level, office_id), from)
    }
}
