//! What stats says, from the domain's words to the bus's.

use liuyan_kit::{id, messaging::Outgoing};
use liuyan_proto::liuyan::stats::v1 as stats;

use crate::domain::indicator::Indicator;

/// The definitions of the indicators changed.
pub(crate) fn indicators_published(version: u32, indicators: &[Indicator]) -> Outgoing {
    let indicators = indicators.iter().map(|indicator| indicator.code.clone()).collect();
    let event = stats::IndicatorsPublished { version, indicators };
    Outgoing::new(id::of_name("list", "indicators"), &event)
}
