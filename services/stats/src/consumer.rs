//! What stats hears, from the bus's words to the domain's. Each source is kept apart, so it does not
//! matter which of them comes first: a verdict or a case of a message that intake has not told of
//! yet waits in its own table and is counted as soon as it has.

mod cases;
mod decisions;
mod submissions;

pub use cases::of_routing;
pub use decisions::of_moderation;
pub use submissions::of_intake;

use jiff::Timestamp;
use liuyan_kit::{
    clock::from_proto,
    messaging::{Delivered, Fault},
};
use liuyan_proto::liuyan::common::v1 as common;
use uuid::Uuid;

use crate::app::hearing::{Refused, Told};

/// A field of an event that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0} of the event can't be read")]
struct Unreadable(&'static str);

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::reject(error)
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Database(error) => error.into(),
            Refused::Unknown(error) => Self::reject(error),
        }
    }
}

fn told<E>(delivered: &Delivered<E>) -> Told {
    Told { at: delivered.at, traceparent: delivered.traceparent.clone() }
}

fn id(text: &str, field: &'static str) -> Result<Uuid, Unreadable> {
    text.parse().map_err(|_| Unreadable(field))
}

/// A time that may be left out, but not be wrong.
fn time(
    time: Option<&prost_types::Timestamp>,
    field: &'static str,
) -> Result<Option<Timestamp>, Unreadable> {
    time.map(|time| from_proto(time).ok_or(Unreadable(field))).transpose()
}

/// A visibility that this release does not know is kept from everybody.
fn is_private(visibility: i32) -> bool {
    let public = [common::Visibility::Unspecified as i32, common::Visibility::Public as i32];
    !public.contains(&visibility)
}
