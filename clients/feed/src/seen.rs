//! Which events were given lately: what comes again is recognised by its id.

use std::collections::{HashSet, VecDeque};

/// The ids of the newest events, and of no more than so many.
#[derive(Debug)]
pub(crate) struct Seen {
    order: VecDeque<String>,
    ids: HashSet<String>,
    most: usize,
}

impl Seen {
    pub(crate) fn new(most: usize, ids: impl IntoIterator<Item = String>) -> Self {
        let mut seen = Self { order: VecDeque::new(), ids: HashSet::new(), most };
        ids.into_iter().for_each(|id| seen.add(id));
        seen
    }

    pub(crate) fn holds(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Adds one, and forgets the oldest if there are too many.
    pub(crate) fn add(&mut self, id: String) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }

    /// All of them, the oldest first.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.order.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_bounded_and_forgets_the_oldest() {
        let mut seen = Seen::new(2, ["a".to_owned(), "b".to_owned()]);
        seen.add("b".to_owned());
        assert!(seen.holds("a"), "a repetition takes no room");
        seen.add("c".to_owned());
        assert!(!seen.holds("a") && seen.holds("b") && seen.holds("c"));
        assert_eq!(seen.ids(), ["b", "c"]);
    }
}
