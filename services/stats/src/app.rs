//! The verbs: one use case, one function, one visible transaction.

pub(crate) mod asking;
pub(crate) mod counting;
pub(crate) mod defining;
pub(crate) mod hearing;

use liuyan_kit::{clock::SharedClock, db::Db};

use crate::{config::Config, domain::indicator::Indicator};

/// Everything that the use cases need.
pub struct App {
    /// The service's database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// The definitions of this release, in their order.
    pub indicators: Vec<Indicator>,
    /// The settings.
    pub config: Config,
}

impl App {
    /// The indicator with this code.
    pub fn indicator(&self, code: &str) -> Option<&Indicator> {
        self.indicators.iter().find(|indicator| indicator.code == code)
    }
}
