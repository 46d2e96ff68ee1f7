//! Whether a service can do its work, and if not, why.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::Serialize;

/// The named conditions of one service. Cheap to clone.
///
/// Some are required: without them the service cannot answer anybody, and is to get no requests.
/// The others only tell what is wrong: a service that lost the bus still takes requests in.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<RwLock<BTreeMap<String, Condition>>>);

#[derive(Debug, Clone)]
struct Condition {
    required: bool,
    state: Result<(), String>,
}

/// What `/readyz` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every required condition holds.
    pub ready: bool,
    /// All conditions, by name.
    pub conditions: Vec<ConditionReport>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionReport {
    /// Its name: `hears-intake`.
    pub name: String,
    /// Whether the service is of no use without it.
    pub required: bool,
    /// Whether it holds.
    pub holds: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Readiness {
    /// Adds a condition without which the service is not ready. It does not hold yet.
    pub fn require(&self, name: &str) {
        let condition = Condition { required: true, state: Err("not yet".to_owned()) };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), condition);
    }

    /// Says whether a condition holds, and if not, why. It is not a required one unless
    /// [`Readiness::require`] made it so.
    pub fn set(&self, name: &str, state: Result<(), String>) {
        let mut conditions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let condition = conditions
            .entry(name.to_owned())
            .or_insert_with(|| Condition { required: false, state: Err("not yet".to_owned()) });
        if condition.state != state {
            match &state {
                Ok(()) => tracing::info!(condition = name, "holds"),
                Err(reason) => tracing::warn!(condition = name, reason, "does not hold"),
            }
            condition.state = state;
        }
    }

    /// How things stand.
    pub fn report(&self) -> Report {
        let conditions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Report {
            ready: conditions.values().all(|it| !it.required || it.state.is_ok()),
            conditions: conditions
                .iter()
                .map(|(name, condition)| ConditionReport {
                    name: name.clone(),
                    required: condition.required,
                    holds: condition.state.is_ok(),
                    reason: condition.state.clone().err(),
                })
                .collect(),
        }
    }
}
