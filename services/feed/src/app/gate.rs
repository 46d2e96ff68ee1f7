//! How many streams are open, and whose.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{config::Config, error::Error};

/// Lets streams in while there is room.
#[derive(Debug)]
pub struct Gate {
    all: usize,
    anonymous: usize,
    per_caller: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_caller: HashMap<Option<String>, usize>,
}

/// A stream's place; free again when it is dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    caller: Option<String>,
}

impl Gate {
    /// A gate with the limits of the configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            all: config.streams,
            anonymous: config.streams_anonymous,
            per_caller: config.streams_per_caller,
            open: Mutex::default(),
        }
    }

    /// Takes a place for `caller`; callers without a token share one lot.
    ///
    /// # Errors
    /// [`Error::StreamLimit`] if there is none.
    pub fn enter(self: &Arc<Self>, caller: Option<String>) -> Result<Pass, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if caller.is_none() { self.anonymous } else { self.per_caller };
        let own = open.by_caller.get(&caller).copied().unwrap_or_default();
        if open.all >= self.all || own >= most {
            return Err(Error::StreamLimit);
        }
        open.all += 1;
        open.by_caller.insert(caller.clone(), own + 1);
        Ok(Pass { gate: Arc::clone(self), caller })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(own) = open.by_caller.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                open.by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_share_and_gives_it_back() {
        let gate = Arc::new(Gate { all: 4, anonymous: 1, per_caller: 2, open: Mutex::default() });
        let agency = |name: &str| gate.enter(Some(name.to_owned()));
        let anonymous = gate.enter(None).unwrap();
        assert!(matches!(gate.enter(None), Err(Error::StreamLimit)));
        let first = agency("a").unwrap();
        let _second = agency("a").unwrap();
        assert!(agency("a").is_err());
        let _third = agency("b").unwrap();
        assert!(agency("b").is_err(), "the house is full");
        drop(first);
        let _fourth = agency("b").unwrap();
        drop(anonymous);
        assert!(gate.enter(None).is_ok());
    }
}
