//! The lists of a set of rules as the detectors use them: words cut into characters once.

use crate::domain::{fold::Variants, rules::Lists};

/// What a character may begin or be, looked up before anything else is tried there.
pub(super) mod mark {
    /// A Han numeral; its value is in the low four bits.
    pub(crate) const NUMERAL: u16 = 1 << 4;
    /// The province of a plate, or another beginning of one.
    pub(crate) const PROVINCE: u16 = 1 << 5;
    /// Begins a word before a QQ number or WeChat id.
    pub(crate) const CONTACT: u16 = 1 << 6;
    /// Begins a word before a name.
    pub(crate) const NAMED: u16 = 1 << 7;
    /// A surname of one character.
    pub(crate) const SURNAME: u16 = 1 << 8;
    /// One of the most frequent characters.
    pub(crate) const COMMON: u16 = 1 << 9;
    /// Begins a word after the number of a building.
    pub(crate) const BUILDING: u16 = 1 << 10;
    /// Begins the title of an official.
    pub(crate) const TITLE: u16 = 1 << 11;
}

/// A list of words.
pub(super) type Words = Vec<Vec<char>>;

/// Lists as the detectors use them.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) lists: Lists,
    pub(super) variants: Variants,
    /// Marks of each character of the basic plane.
    marks: Vec<u16>,
    pub(super) amounts: Words,
    pub(super) money: Words,
    pub(super) orders: Words,
    pub(super) telephone: Words,
    pub(super) telephone_letters: Words,
    pub(super) extensions: Words,
    pub(super) card: Words,
    pub(super) identity: Words,
    pub(super) qq: Words,
    pub(super) wechat: Words,
    pub(super) ats: Words,
    pub(super) dots: Words,
    pub(super) plate_endings: Words,
    pub(super) not_embassies: Words,
    pub(super) buildings: Words,
    pub(super) buildings_before_bare_room: Words,
    pub(super) wide_buildings: Words,
    pub(super) rooms: Words,
    pub(super) groups: Words,
    pub(super) names: Words,
    pub(super) long_surnames: Words,
    pub(super) not_names: Words,
    pub(super) name_ends: Words,
    pub(super) titles: Words,
    pub(super) titles_after: Words,
    pub(super) accusers: Words,
    pub(super) respects: Words,
    pub(super) posts: Words,
    pub(super) told: Words,
    pub(super) crimes: Words,
    pub(super) parties: Words,
    pub(super) violence: Words,
    pub(super) leagues: Words,
    pub(super) outright: Words,
    pub(super) generally: Words,
    pub(super) authorities: Words,
    pub(super) telephones_of: Words,
    pub(super) addresses: Words,
    pub(super) mojibake: Words,
}

impl Tables {
    pub(super) fn new(lists: &Lists) -> Self {
        let cut =
            |words: &[String]| -> Words { words.iter().map(|w| w.chars().collect()).collect() };
        Self {
            variants: Variants::new(&lists.variants),
            marks: marks(lists),
            amounts: cut(&lists.amounts),
            money: cut(&lists.money),
            orders: cut(&lists.orders),
            telephone: cut(&lists.telephone),
            telephone_letters: cut(&lists.telephone_letters),
            extensions: cut(&lists.extensions),
            card: cut(&lists.card),
            identity: cut(&lists.identity),
            qq: cut(&lists.qq),
            wechat: cut(&lists.wechat),
            ats: cut(&lists.ats),
            dots: cut(&lists.dots),
            plate_endings: cut(&lists.plate_endings),
            not_embassies: cut(&lists.not_embassies),
            buildings: cut(&lists.buildings),
            buildings_before_bare_room: cut(&lists.buildings_before_bare_room),
            wide_buildings: cut(&lists.wide_buildings),
            rooms: cut(&lists.rooms),
            groups: cut(&lists.groups),
            names: cut(&lists.names),
            long_surnames: cut(&lists.long_surnames),
            not_names: cut(&lists.not_names),
            name_ends: cut(&lists.name_ends),
            accusers: cut(&lists.accusers),
            respects: cut(&lists.respects),
            posts: cut(&lists.posts),
            told: cut(&lists.told),
            crimes: cut(&lists.crimes),
            parties: cut(&lists.parties),
            violence: cut(&lists.violence),
            leagues: cut(&lists.leagues),
            outright: cut(&lists.outright),
            generally: cut(&lists.generally),
            authorities: cut(&lists.authorities),
            telephones_of: cut(&lists.telephones_of),
            addresses: cut(&lists.addresses),
            titles: cut(&lists.titles),
            titles_after: match lists.titles_after.as_slice() {
                [] => cut(&lists.titles),
                some => cut(some),
            },
            mojibake: cut(&lists.mojibake),
            lists: lists.clone(),
        }
    }

    /// Whether a character has a mark.
    pub(super) fn marked(&self, c: char, mark: u16) -> bool {
        self.marks.get(c as usize).is_some_and(|marks| marks & mark != 0)
    }

    /// The value of a Han numeral.
    pub(super) fn numeral(&self, c: char) -> Option<u8> {
        let marks = self.marks.get(c as usize).filter(|marks| *marks & mark::NUMERAL != 0)?;
        u8::try_from(marks & 0xf).ok()
    }
}

fn marks(lists: &Lists) -> Vec<u16> {
    let mut marks = vec![0; 1 << 16];
    let mut set = |c: char, mark: u16| {
        if let Some(marks) = marks.get_mut(c as usize) {
            *marks |= mark;
        }
    };
    for (value, forms) in (0..).zip(&lists.numerals) {
        forms.chars().for_each(|c| set(c, mark::NUMERAL | value));
    }
    lists.plate_provinces.chars().for_each(|c| set(c, mark::PROVINCE));
    lists.surnames.chars().for_each(|c| set(c, mark::SURNAME));
    lists.common.chars().for_each(|c| set(c, mark::COMMON));
    let mut first = |words: &[String], mark: u16| {
        words.iter().filter_map(|word| word.chars().next()).for_each(|c| set(c, mark));
    };
    first(&lists.qq, mark::CONTACT);
    first(&lists.wechat, mark::CONTACT);
    first(&lists.names, mark::NAMED);
    first(&lists.buildings, mark::BUILDING);
    first(&lists.titles, mark::TITLE);
    marks
}
