//! Reads a text by the rules. One pass per detector, no backtracking: time grows with the length
//! of the text and with nothing else.

mod contacts;
mod lexicon;
mod numbers;
mod places;
mod quality;

use std::ops::Range;

use super::{
    fold::Folded,
    rules::{Action, BadRules, Detector, Lists, RuleSet},
    text::{Field, Span, Text},
};

/// The most hits of one text that are kept. A person who sees so many needs no more.
pub const MOST_HITS: usize = 100;

/// What one rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// Where.
    pub span: Span,
    /// What it proposes.
    pub action: Action,
    /// How sure it is, 0 to 1.
    pub score: f64,
}

/// Something found in a folded field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    detector: Detector,
    range: Range<usize>,
}

impl Found {
    fn new(detector: Detector, range: Range<usize>) -> Self {
        Self { detector, range }
    }
}

/// What a character may begin or be, looked up before anything else is tried there.
mod mark {
    /// A Han numeral; its value is in the low four bits.
    pub(super) const NUMERAL: u8 = 1 << 4;
    /// The province of a plate.
    pub(super) const PROVINCE: u8 = 1 << 5;
    /// Begins a word before a QQ number or WeChat id.
    pub(super) const CONTACT: u8 = 1 << 6;
}

/// Lists as the detectors use them: words cut into characters once.
#[derive(Debug)]
struct Tables {
    lists: Lists,
    /// Marks of each character of the basic plane.
    marks: Vec<u8>,
    amounts: Vec<Vec<char>>,
    telephone: Vec<Vec<char>>,
    card: Vec<Vec<char>>,
    qq: Vec<Vec<char>>,
    wechat: Vec<Vec<char>>,
    buildings: Vec<Vec<char>>,
    buildings_before_bare_room: Vec<Vec<char>>,
    rooms: Vec<Vec<char>>,
}

impl Tables {
    fn new(lists: &Lists) -> Self {
        let cut = |words: &[String]| words.iter().map(|word| word.chars().collect()).collect();
        let mut marks = vec![0; 1 << 16];
        let mut set = |c: char, mark: u8| {
            if let Some(marks) = marks.get_mut(c as usize) {
                *marks |= mark;
            }
        };
        for (value, forms) in (0..).zip(&lists.numerals) {
            forms.chars().for_each(|c| set(c, mark::NUMERAL | value));
        }
        lists.plate_provinces.chars().for_each(|c| set(c, mark::PROVINCE));
        let announced = lists.qq.iter().chain(&lists.wechat);
        announced.filter_map(|word| word.chars().next()).for_each(|c| set(c, mark::CONTACT));
        Self {
            marks,
            amounts: cut(&lists.amounts),
            telephone: cut(&lists.telephone),
            card: cut(&lists.card),
            qq: cut(&lists.qq),
            wechat: cut(&lists.wechat),
            buildings: cut(&lists.buildings),
            buildings_before_bare_room: cut(&lists.buildings_before_bare_room),
            rooms: cut(&lists.rooms),
            lists: lists.clone(),
        }
    }

    /// Whether a character has a mark.
    fn marked(&self, c: char, mark: u8) -> bool {
        self.marks.get(c as usize).is_some_and(|marks| marks & mark != 0)
    }

    /// The value of a Han numeral.
    fn numeral(&self, c: char) -> Option<u8> {
        self.marked(c, mark::NUMERAL).then(|| self.marks[c as usize] & 0xf)
    }
}

/// A set of rules, ready to read.
#[derive(Debug)]
pub struct Screener {
    set: RuleSet,
    tables: Tables,
    lexicon: lexicon::Lexicon,
}

impl Screener {
    /// Makes a set of rules ready.
    ///
    /// # Errors
    /// If the words can't be built into an automaton.
    pub fn new(set: RuleSet) -> Result<Self, BadRules> {
        let lexicon = lexicon::Lexicon::new(&set.lexicon)?;
        Ok(Self { tables: Tables::new(&set.lists), lexicon, set })
    }

    /// The version of the rules.
    pub fn version(&self) -> u32 {
        self.set.version
    }

    /// The fingerprint of the files that the rules came from.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.set.fingerprint
    }

    /// What the rules find in a text, in the order of the text, at most [`MOST_HITS`].
    pub fn screen(&self, text: &Text) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut link = None;
        let mut contact = false;
        for field in Field::ALL {
            let text = text.field(field);
            if text.is_empty() {
                continue;
            }
            let folded = Folded::new(field, text);
            let links = contacts::links(&folded);
            let mut found = self.find(&folded, &links);
            found.sort_by_key(|found| (found.range.start, found.range.end));
            contact |= found.iter().any(|found| is_contact(found.detector));
            link = link.or_else(|| links.into_iter().next().map(|range| folded.span(range)));
            for found in found {
                self.hit(&mut hits, found.detector, folded.span(found.range));
            }
            if quality::is_unreadable(&folded) {
                self.hit(&mut hits, Detector::Unreadable, folded.whole());
            }
        }
        if let (Some(span), true) = (link, contact) {
            self.hit(&mut hits, Detector::LinkAndContact, span);
        }
        hits
    }

    fn find(&self, folded: &Folded, links: &[Range<usize>]) -> Vec<Found> {
        let mut found = Vec::new();
        numbers::find(folded, &self.tables, links, &mut found);
        contacts::find(folded, &self.tables, &mut found);
        places::find_plates(folded, &self.tables, &mut found);
        places::find_addresses(folded, &self.tables, &mut found);
        self.lexicon.find(folded, &mut found);
        found
    }

    fn hit(&self, hits: &mut Vec<Hit>, detector: Detector, span: Span) {
        let rule = self.set.rules.iter().find(|rule| rule.detector == detector);
        if let (Some(rule), true) = (rule, hits.len() < MOST_HITS) {
            hits.push(Hit { rule: rule.id.clone(), span, action: rule.action, score: rule.score });
        }
    }
}

/// Whether it tells how to reach somebody.
fn is_contact(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::Mobile
            | Detector::Landline
            | Detector::LandlineInContext
            | Detector::Qq
            | Detector::Wechat
    )
}

#[cfg(test)]
mod tests;
