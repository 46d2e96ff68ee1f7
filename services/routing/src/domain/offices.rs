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
        let offices = Self { by_id, below };
        // Every office of a tree is reached from a root; what is not reached lies on a circle.
        let roots = offices.iter().filter(|office| office.parent_office_id.is_none());
        let roots: Vec<&str> = roots.map(|office| office.office_id.as_str()).collect();
        let reached = offices.at_or_below(roots);
        match offices.by_id.keys().find(|id| !reached.contains(id.as_str())) {
            Some(id) => Err(Broken::Cycle(id.clone())),
            None => Ok(offices),
        }
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
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = office_ids.into_iter().collect();
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.below.get(id).into_iter().flatten().map(String::as_str));
            }
        }
        found
    }

    /// Whether `office_id` is one of `others` or lies under one of them.
    pub fn is_at_or_under<S: AsRef<str>>(&self, office_id: &str, others: &[S]) -> bool {
        self.upwards(office_id).any(|id| others.iter().any(|other| other.as_ref() == id))
    }
}
