//! The tree of offices: who is above whom.
//!
//! It decides who may see what, so it must be a tree. In one division the party secretary's office
//! is above the head of government's, and that of the head of government above both offices of
//! each division below: whoever leads a division stands above everything in and under it.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::Office;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Broken {
    /// An office is under itself.
    #[error("office {0} lies under itself")]
    Cycle(String),
    /// An office's parent does not exist.
    #[error("office {0} has a parent that does not exist")]
    Orphan(String),
    /// An office's division does not exist.
    #[error("office {0} has a division that does not exist")]
    Nowhere(String),
    /// A division's parent does not exist or is not above it.
    #[error("division {0} has no proper parent")]
    Division(String),
    /// A list cannot be read.
    #[error("the list {0} cannot be read: {1}")]
    List(&'static str, String),
}

/// Offices by id, with the offices below each.
#[derive(Debug, Clone, Default)]
pub struct Offices {
    by_id: BTreeMap<String, Office>,
    below: BTreeMap<String, Vec<String>>,
    /// The offices that come directly in the place of each, on whatever day.
    heirs: BTreeMap<String, Vec<String>>,
    /// The other way round: in whose place each comes directly.
    forerunners: BTreeMap<String, Vec<String>>,
}

impl Offices {
    /// Checks that the offices form a tree (or several).
    ///
    /// # Errors
    /// Names the first office that lies under itself or has an unknown parent.
    pub fn new(offices: impl IntoIterator<Item = Office>) -> Result<Self, Broken> {
        let by_id: BTreeMap<String, Office> =
            offices.into_iter().map(|office| (office.office_id.clone(), office)).collect();
        let mut below: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for office in by_id.values() {
            if let Some(parent) = &office.parent_office_id {
                if !by_id.contains_key(parent) {
                    return Err(Broken::Orphan(office.office_id.clone()));
                }
                below.entry(parent.clone()).or_default().push(office.office_id.clone());
            }
        }
        let mut offices =
            Self { by_id, below, heirs: BTreeMap::new(), forerunners: BTreeMap::new() };
        let successions: Vec<(String, String)> = offices
            .iter()
            .filter_map(|it| Some((it.office_id.clone(), it.valid.successor.clone()?)))
            .collect();
        for (office_id, heir) in successions {
            offices.succeed(&office_id, &heir);
        }
        // Every office of a tree is reached from a root; what is not reached lies on a circle.
        let roots = offices.iter().filter(|office| office.parent_office_id.is_none());
        let roots: Vec<&str> = roots.map(|office| office.office_id.as_str()).collect();
        let reached = offices.at_or_below(roots);
        match offices.by_id.keys().find(|id| !reached.contains(id.as_str())) {
            Some(id) => Err(Broken::Cycle(id.clone())),
            None => Ok(offices),
        }
    }

    /// Says that `heir` comes in the place of an office.
    pub(super) fn succeed(&mut self, office_id: &str, heir: &str) {
        let heirs = self.heirs.entry(office_id.to_owned()).or_default();
        if !heirs.iter().any(|known| known == heir) {
            heirs.push(heir.to_owned());
            self.forerunners.entry(heir.to_owned()).or_default().push(office_id.to_owned());
        }
    }

    /// The offices named, and all that come in their place, on whatever day and however many steps on:
    /// what is complained of does not get rid of it by a new name. Those named come first.
    pub fn with_successors(&self, office_ids: &[String]) -> Vec<String> {
        let mut all = office_ids.to_vec();
        let mut at = 0;
        while let Some(id) = all.get(at) {
            let heirs = self.heirs.get(id).into_iter().flatten();
            let new: Vec<String> = heirs.filter(|heir| !all.contains(*heir)).cloned().collect();
            all.extend(new);
            at += 1;
        }
        all
    }

    /// The offices named, and all in whose place these come: the other way round.
    pub fn with_forerunners<'a>(
        &'a self,
        office_ids: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<&'a str> {
        reached(&self.forerunners, office_ids)
    }

    /// The offices that come in the place of others in whose place they did not come before, each with
    /// all of those.
    pub fn new_heirs(&self, before: &Self) -> Vec<(String, Vec<String>)> {
        let of = |offices: &Self, heir: &str| -> BTreeSet<String> {
            let mut found = offices.with_forerunners([heir]);
            found.remove(heir);
            found.into_iter().map(str::to_owned).collect()
        };
        let all = self.forerunners.keys().map(|heir| (heir, of(self, heir)));
        all.filter(|(heir, forerunners)| !forerunners.is_subset(&of(before, heir)))
            .map(|(heir, forerunners)| (heir.clone(), forerunners.into_iter().collect()))
            .collect()
    }

    /// An office.
    pub fn get(&self, office_id: &str) -> Option<&Office> {
        self.by_id.get(office_id)
    }

    /// All offices by id.
    pub fn iter(&self) -> impl Iterator<Item = &Office> {
        self.by_id.values()
    }

    /// All offices, taken out.
    pub fn into_all(self) -> impl Iterator<Item = Office> {
        self.by_id.into_values()
    }

    /// The offices after `office_id` in the order of their ids; all if it is empty.
    pub fn after(&self, office_id: &str) -> impl Iterator<Item = &Office> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (Excluded(office_id.to_owned()), Unbounded);
        self.by_id.range::<String, _>(range).map(|(_, office)| office)
    }

    /// The office itself and those above it, from below. An office that is not in the directory
    /// stands alone.
    pub fn upwards<'a>(&'a self, office_id: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(office_id), move |id| {
            self.by_id.get(*id).and_then(|office| office.parent_office_id.as_deref())
        })
    }

    /// The offices named and all below them.
    pub fn at_or_below<'a>(
        &'a self,
        office_ids: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<&'a str> {
        reached(&self.below, office_ids)
    }

    /// Whether `office_id` is one of `others` or lies under one of them.
    pub fn is_at_or_under<S: AsRef<str>>(&self, office_id: &str, others: &[S]) -> bool {
        self.upwards(office_id).any(|id| others.iter().any(|other| other.as_ref() == id))
    }
}

/// The offices named, and all that `ways` lead to from them.
fn reached<'a>(
    ways: &'a BTreeMap<String, Vec<String>>,
    office_ids: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = office_ids.into_iter().collect();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(ways.get(id).into_iter().flatten().map(String::as_str));
        }
    }
    found
}
