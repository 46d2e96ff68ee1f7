//! What a reader wants: an OR of ANDs over the facts of an event.

use std::collections::HashSet;

use super::{Facts, Holder};

/// How many clauses a filter may have.
pub const MOST_CLAUSES: usize = 32;
/// How many values a clause may have, all its lists together.
pub const MOST_VALUES: usize = 200;

/// How many values a [`Coarse`] filter may have in a list.
const MOST_COARSE: usize = 64;

/// The type of event by which the feed takes a case back.
pub const CASE_HIDDEN: &str = "liuyan.feed.v1.case-hidden";

/// Chooses events: those that fulfil at least one clause. Without a clause it chooses all. Of restricted
/// events it chooses none that its audience may not see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Clause>, Audience);

/// Who reads, as far as restricted events are concerned. By default everybody: somebody who may see none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    offices: Vec<String>,
    /// Whether the reader acts for one office and nothing else.
    single: bool,
}

impl Audience {
    /// Somebody who acts for these offices and divisions and may read their cases.
    pub fn of(mut offices: Vec<String>, divisions: &[String]) -> Self {
        offices.sort_unstable();
        offices.dedup();
        let single = offices.len() == 1 && divisions.is_empty();
        Self { offices, single }
    }

    /// The offices of whose cases restricted events are seen.
    pub fn offices(&self) -> &[String] {
        &self.offices
    }

    /// Whether the event may be seen at all. A restricted one by whoever acts for the office that has the case
    /// after it, or that the case leaves by it. If the case accuses an office, whoever acts for others too might
    /// act for the accused, and is kept away: the office that handles it never is the accused one, nor under it.
    pub fn sees(&self, facts: &Facts) -> bool {
        let acts_for = |holder: &Holder| self.offices.contains(&holder.office_id);
        !facts.restricted
            || ((acts_for(&facts.holder) || facts.former.as_ref().is_some_and(acts_for))
                && (self.single || !facts.accuses))
    }
}

/// What a database can leave out for a filter before it is asked: it lets through all that the filter chooses,
/// and may let through more. [`CASE_HIDDEN`] passes always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coarse {
    /// Offices of which one has the case, or had it; `None` for any.
    pub offices: Option<Vec<String>>,
    /// Patterns of SQL's `like` of which one fits the division of one of these offices; `None` for any.
    pub divisions: Option<Vec<String>>,
}

/// Conditions that must all be fulfilled. An empty one is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clause {
    /// Types of events.
    pub event_types: Vec<TypePattern>,
    /// Offices.
    pub office_ids: HashSet<String>,
    /// Divisions.
    pub divisions: Vec<DivisionPattern>,
    /// Codes of domains.
    pub domains: HashSet<String>,
    /// Codes of kinds.
    pub kinds: HashSet<String>,
    /// Numbers of states.
    pub states: HashSet<i32>,
}

/// A type of event, or all types with a common beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypePattern {
    /// This type.
    Exact(String),
    /// All types that begin so.
    Prefix(String),
}

/// A division, or a division with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DivisionPattern {
    /// This division.
    Exact(String),
    /// All divisions whose codes begin so.
    Below(String),
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has more clauses than [`MOST_CLAUSES`].
    TooManyClauses,
    /// A clause has more values than [`MOST_VALUES`].
    TooManyValues,
    /// There is no such type of event.
    UnknownType,
    /// A code of a division has six digits.
    DivisionMalformed,
    /// There is no such state.
    UnknownState,
    /// A value is empty.
    Empty,
}

impl Filter {
    /// A filter of these clauses.
    ///
    /// # Errors
    /// [`Fault::TooManyClauses`].
    pub fn new(clauses: Vec<Clause>) -> Result<Self, Fault> {
        if clauses.len() > MOST_CLAUSES {
            Err(Fault::TooManyClauses)
        } else {
            Ok(Self(clauses, Audience::default()))
        }
    }

    /// The same filter for another audience.
    #[must_use]
    pub fn seen_by(self, audience: Audience) -> Self {
        Self(self.0, audience)
    }

    /// For whom it chooses.
    pub fn audience(&self) -> &Audience {
        &self.1
    }

    /// True if it chooses every event that its audience may see.
    pub fn chooses_all(&self) -> bool {
        self.0.is_empty()
    }

    /// What can be left out before the filter is asked. Long lists are dearer for the database than the events
    /// that they spare, and are not in it.
    pub fn coarse(&self) -> Coarse {
        let offices = self.of_every_clause(|clause| clause.office_ids.iter().cloned().collect());
        let divisions = self
            .of_every_clause(|clause| clause.divisions.iter().map(DivisionPattern::like).collect());
        Coarse { offices, divisions }
    }

    /// The values of all clauses together, if each has some and they are few.
    fn of_every_clause(&self, values: impl Fn(&Clause) -> Vec<String>) -> Option<Vec<String>> {
        let each: Vec<_> = self.0.iter().map(values).collect();
        let together: usize = each.iter().map(Vec::len).sum();
        let spares = (1..=MOST_COARSE).contains(&together) && !each.iter().any(Vec::is_empty);
        spares.then(|| each.concat())
    }

    /// Whether the event is wanted.
    pub fn chooses(&self, facts: &Facts) -> bool {
        self.1.sees(facts)
            && (self.0.is_empty() || self.0.iter().any(|clause| clause.chooses(facts)))
    }
}

impl Filter {
    /// Whether the case that an event left so is wanted, whatever the type of that event. Only the office
    /// that has it counts.
    pub fn chooses_case(&self, facts: &Facts) -> bool {
        let wanted = |clause: &Clause| clause.fits(&facts.holder) && clause.fits_case(facts);
        self.1.sees(facts) && (self.0.is_empty() || self.0.iter().any(wanted))
    }
}

impl Clause {
    /// Checks the number of values.
    ///
    /// # Errors
    /// [`Fault::TooManyValues`].
    pub fn check_size(values: usize) -> Result<(), Fault> {
        if values > MOST_VALUES { Err(Fault::TooManyValues) } else { Ok(()) }
    }

    /// Whether the event fulfils every condition. Office and division are those after the event, or
    /// those that the case leaves by it: whoever follows an office learns that a case is gone.
    ///
    /// A case that is taken back is told to everybody who did not shut the type out: the case may
    /// have been theirs before it went to another office, and the event says nothing but ids.
    fn chooses(&self, facts: &Facts) -> bool {
        let wanted = self.event_types.is_empty()
            || self.event_types.iter().any(|pattern| pattern.fits(&facts.event_type));
        if facts.event_type == CASE_HIDDEN {
            return wanted;
        }
        wanted
            && (self.fits(&facts.holder) || facts.former.as_ref().is_some_and(|it| self.fits(it)))
            && self.fits_case(facts)
    }
}

impl Clause {
    fn fits_case(&self, facts: &Facts) -> bool {
        among(&self.domains, &facts.domain)
            && among(&self.kinds, &facts.kind)
            && (self.states.is_empty() || self.states.contains(&facts.state))
    }

    fn fits(&self, holder: &Holder) -> bool {
        among(&self.office_ids, &holder.office_id)
            && (self.divisions.is_empty()
                || self.divisions.iter().any(|pattern| pattern.fits(&holder.division_code)))
    }
}

fn among(values: &HashSet<String>, value: &str) -> bool {
    values.is_empty() || values.contains(value)
}

impl TypePattern {
    /// Reads a full type, which must be `known`, or a beginning and `*`.
    ///
    /// # Errors
    /// [`Fault::UnknownType`], so that a slip of the pen is not answered by silence for ever.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, Fault> {
        match text.strip_suffix('*') {
            Some(prefix) if !prefix.contains('*') => Ok(Self::Prefix(prefix.to_owned())),
            None if known.contains(&text) => Ok(Self::Exact(text.to_owned())),
            _ => Err(Fault::UnknownType),
        }
    }

    fn fits(&self, event_type: &str) -> bool {
        match self {
            Self::Exact(exact) => event_type == exact,
            Self::Prefix(prefix) => event_type.starts_with(prefix.as_str()),
        }
    }
}

impl DivisionPattern {
    /// Reads a code of GB/T 2260. Its six digits are three pairs, for province, city and county;
    /// `00` stands for "the whole of it". So the codes below 110000 begin with 11, those below
    /// 110100 with 1101, and below 110101 there is nothing but itself.
    ///
    /// # Errors
    /// [`Fault::DivisionMalformed`] if it has not six digits.
    pub fn parse(code: &str, below: bool) -> Result<Self, Fault> {
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::DivisionMalformed);
        }
        if !below {
            return Ok(Self::Exact(code.to_owned()));
        }
        let prefix = match (&code[2..4], &code[4..]) {
            ("00", "00") => &code[..2],
            (_, "00") => &code[..4],
            _ => code,
        };
        Ok(Self::Below(prefix.to_owned()))
    }

    fn fits(&self, code: &str) -> bool {
        match self {
            Self::Exact(exact) => code == exact,
            Self::Below(prefix) => code.starts_with(prefix.as_str()),
        }
    }

    /// As a pattern of SQL's `like`; codes are digits, so nothing in them is special there.
    fn like(&self) -> String {
        match self {
            Self::Exact(exact) => exact.clone(),
            Self::Below(prefix) => format!("{prefix}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const REPLIED: &str = "liuyan.routing.v1.case-replied";
    const KNOWN: &[&str] = &[REPLIED, "liuyan.routing.v1.case-opened", CASE_HIDDEN];

    fn holder(office_id: &str, division_code: &str) -> Holder {
        Holder { office_id: office_id.to_owned(), division_code: division_code.to_owned() }
    }

    fn facts() -> Facts {
        Facts {
            position: 1,
            recorded_at: Timestamp::UNIX_EPOCH,
            event_type: REPLIED.to_owned(),
            holder: holder("110100-s", "110100"),
            former: None,
            kind: "complaint".to_owned(),
            domain: "housing".to_owned(),
            state: 3,
            restricted: false,
            accuses: false,
            payload_bytes: 0,
        }
    }

    fn set(values: &[&str]) -> HashSet<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn types(values: &[&str]) -> Vec<TypePattern> {
        values.iter().map(|value| TypePattern::parse(value, KNOWN).unwrap()).collect()
    }

    fn divisions(codes: &[&str], below: bool) -> Vec<DivisionPattern> {
        codes.iter().map(|code| DivisionPattern::parse(code, below).unwrap()).collect()
    }

    #[test]
    fn what_is_left_out_beforehand_is_what_no_clause_can_choose() {
        let office = Clause { office_ids: set(&["o"]), ..Clause::default() };
        let below = Clause { divisions: divisions(&["330100"], true), ..Clause::default() };
        let one = Clause { divisions: divisions(&["110101"], false), ..Clause::default() };
        let both = Clause { office_ids: set(&["p"]), ..below.clone() };
        let many = (0..=MOST_COARSE).map(|at| at.to_string()).collect();
        let many = Clause { office_ids: many, ..Clause::default() };
        let coarse = |offices: &[&str], divisions: &[&str]| {
            let some = |values: &[&str]| {
                let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
                (!values.is_empty()).then_some(values)
            };
            Coarse { offices: some(offices), divisions: some(divisions) }
        };
        let table: [(&[Clause], Coarse); 7] = [
            (&[], coarse(&[], &[])),
            (&[office.clone(), office.clone()], coarse(&["o", "o"], &[])),
            (&[below, one.clone()], coarse(&[], &["3301%", "110101"])),
            (&[office.clone(), one], coarse(&[], &[])),
            (&[office, both.clone()], coarse(&["o", "p"], &[])),
            (&[both.clone(), both], coarse(&["p", "p"], &["3301%", "3301%"])),
            (&[many.clone(), many], coarse(&[], &[])),
        ];
        for (clauses, coarse) in table {
            assert_eq!(Filter::new(clauses.to_vec()).unwrap().coarse(), coarse, "{clauses:?}");
        }
    }

    #[test]
    fn a_clause_is_fulfilled_by_all_its_conditions() {
        let clause = Clause::default;
        let table = [
            ("nothing", clause(), true),
            ("type", Clause { event_types: types(&[REPLIED]), ..clause() }, true),
            ("other type", Clause { event_types: types(&[KNOWN[1]]), ..clause() }, false),
            ("prefix", Clause { event_types: types(&["liuyan.routing.*"]), ..clause() }, true),
            ("other prefix", Clause { event_types: types(&["liuyan.feed.*"]), ..clause() }, false),
            ("star", Clause { event_types: types(&["*"]), ..clause() }, true),
            ("office", Clause { office_ids: set(&["x", "110100-s"]), ..clause() }, true),
            ("other office", Clause { office_ids: set(&["110100"]), ..clause() }, false),
            ("division", Clause { divisions: divisions(&["110100"], false), ..clause() }, true),
            ("parent", Clause { divisions: divisions(&["110000"], false), ..clause() }, false),
            ("below", Clause { divisions: divisions(&["110000"], true), ..clause() }, true),
            ("itself", Clause { divisions: divisions(&["110100"], true), ..clause() }, true),
            ("child", Clause { divisions: divisions(&["110101"], true), ..clause() }, false),
            ("elsewhere", Clause { divisions: divisions(&["120000"], true), ..clause() }, false),
            ("domain", Clause { domains: set(&["housing"]), ..clause() }, true),
            ("other domain", Clause { domains: set(&["traffic"]), ..clause() }, false),
            ("kind", Clause { kinds: set(&["complaint"]), ..clause() }, true),
            ("other kind", Clause { kinds: set(&["thanks"]), ..clause() }, false),
            ("state", Clause { states: HashSet::from([1, 3]), ..clause() }, true),
            ("other state", Clause { states: HashSet::from([1]), ..clause() }, false),
            (
                "one of two",
                Clause { kinds: set(&["complaint"]), domains: set(&["traffic"]), ..clause() },
                false,
            ),
        ];
        for (name, clause, expected) in table {
            assert_eq!(Filter::new(vec![clause]).unwrap().chooses(&facts()), expected, "{name}");
        }
    }

    #[test]
    fn one_fulfilled_clause_is_enough_and_none_chooses_all() {
        let other = Clause { kinds: set(&["thanks"]), ..Clause::default() };
        let fits = Clause { kinds: set(&["complaint"]), ..Clause::default() };
        assert!(Filter::default().chooses(&facts()));
        assert!(Filter::new(vec![other.clone(), fits]).unwrap().chooses(&facts()));
        assert!(!Filter::new(vec![other.clone(), other]).unwrap().chooses(&facts()));
    }

    #[test]
    fn a_case_taken_back_reaches_everybody_who_wants_the_type() {
        let hidden = Facts { event_type: CASE_HIDDEN.to_owned(), ..facts() };
        let elsewhere = Clause { divisions: divisions(&["120000"], true), ..Clause::default() };
        assert!(Filter::new(vec![elsewhere.clone()]).unwrap().chooses(&hidden));
        let replies = Clause { event_types: types(&[REPLIED]), ..elsewhere };
        assert!(!Filter::new(vec![replies]).unwrap().chooses(&hidden));
    }

    #[test]
    fn the_event_by_which_a_case_leaves_reaches_those_who_followed_it() {
        let moved = Facts { former: Some(holder("120000-s", "120000")), ..facts() };
        let office = |id: &str| Clause { office_ids: set(&[id]), ..Clause::default() };
        let division =
            |code: &str| Clause { divisions: divisions(&[code], true), ..Clause::default() };
        let both = Clause { divisions: divisions(&["110000"], true), ..office("120000-s") };
        for (clause, expected) in [
            (office("120000-s"), true),
            (office("110100-s"), true),
            (office("130000-s"), false),
            (division("120000"), true),
            (division("110000"), true),
            (division("130000"), false),
            (both, false),
        ] {
            let filter = Filter::new(vec![clause.clone()]).unwrap();
            assert_eq!(filter.chooses(&moved), expected, "{clause:?}");
        }
    }

    #[test]
    fn a_ministry_is_in_no_division() {
        let ministry = Facts { holder: holder("ministry", ""), ..facts() };
        let clause = Clause { divisions: divisions(&["110000"], true), ..Clause::default() };
        assert!(!Filter::new(vec![clause]).unwrap().chooses(&ministry));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in ["", "case-replied", "liuyan.*.case", "**"] {
            assert_eq!(TypePattern::parse(text, KNOWN), Err(Fault::UnknownType), "{text}");
        }
        for code in ["", "11", "11000", "1100000", "11000a", "一一"] {
            let parsed = DivisionPattern::parse(code, true);
            assert_eq!(parsed, Err(Fault::DivisionMalformed), "{code}");
        }
        assert!(Filter::new(vec![Clause::default(); MOST_CLAUSES]).is_ok());
        let too_many = Filter::new(vec![Clause::default(); MOST_CLAUSES + 1]);
        assert_eq!(too_many, Err(Fault::TooManyClauses));
        assert_eq!(Clause::check_size(MOST_VALUES), Ok(()));
        assert_eq!(Clause::check_size(MOST_VALUES + 1), Err(Fault::TooManyValues));
    }

    #[test]
    fn a_restricted_event_is_for_its_office_alone_and_deny_beats_allow() {
        let restricted = Facts { restricted: true, ..facts() };
        let accusing = Facts { accuses: true, ..restricted.clone() };
        let left = Facts {
            holder: holder("120000-s", "120000"),
            former: Some(holder("110100-s", "110100")),
            ..restricted.clone()
        };
        let own = || vec!["110100-s".to_owned()];
        let two = || vec!["110100-s".to_owned(), "110000-s".to_owned()];
        let table = [
            (Audience::default(), [false; 3]),
            (Audience::of(vec!["310000-s".to_owned()], &[]), [false; 3]),
            (Audience::of(Vec::new(), &["110100".to_owned()]), [false; 3]),
            (Audience::of(own(), &[]), [true; 3]),
            (Audience::of([own(), own()].concat(), &[]), [true; 3]),
            (Audience::of(two(), &[]), [true, false, true]),
            (Audience::of(own(), &["110000".to_owned()]), [true, false, true]),
        ];
        for (audience, expected) in table {
            let filter = Filter::default().seen_by(audience.clone());
            let seen = [&restricted, &accusing, &left].map(|facts| filter.chooses(facts));
            assert_eq!(seen, expected, "{audience:?}");
            assert!(filter.chooses(&facts()), "what is public is for everybody");
            assert_eq!(filter.chooses_case(&accusing), expected[1]);
        }
    }
}
