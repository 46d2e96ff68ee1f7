//! Who is told.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A person with an account.
    Account(Uuid),
    /// The author of one message, who need not have an account.
    Message(Uuid),
    /// An office: its clerks.
    Office(String),
    /// An agency that follows public cases.
    Agency(String),
}

impl Holder {
    /// The account, if it is one.
    pub const fn account(&self) -> Option<Uuid> {
        match self {
            Self::Account(id) => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account/{id}"),
            Self::Message(id) => write!(f, "message/{id}"),
            Self::Office(id) => write!(f, "office/{id}"),
            Self::Agency(id) => write!(f, "agency/{id}"),
        }
    }
}

/// A text that names no holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names no holder")]
pub struct NoHolder;

impl FromStr for Holder {
    type Err = NoHolder;

    fn from_str(text: &str) -> Result<Self, NoHolder> {
        let uuid = |id: &str| id.parse().map_err(|_| NoHolder);
        match text.split_once('/') {
            Some(("account", id)) => uuid(id).map(Self::Account),
            Some(("message", id)) => uuid(id).map(Self::Message),
            Some(("office", id)) if !id.is_empty() => Ok(Self::Office(id.to_owned())),
            Some(("agency", id)) if !id.is_empty() => Ok(Self::Agency(id.to_owned())),
            _ => Err(NoHolder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_as_it_is_written() {
        for holder in [
            Holder::Account(Uuid::from_u128(1)),
            Holder::Message(Uuid::from_u128(2)),
            Holder::Office("110000-x/y".to_owned()),
            Holder::Agency("a/b".to_owned()),
        ] {
            assert_eq!(holder.to_string().parse(), Ok(holder));
        }
        for wrong in ["", "account", "account/x", "office/", "person/1"] {
            assert_eq!(wrong.parse::<Holder>(), Err(NoHolder), "{wrong}");
        }
    }
}
