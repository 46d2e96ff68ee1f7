//! Ids: UUIDv7 for what happens, UUIDv5 for what has a name already.

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

/// The namespace of ids that are made from names.
const NAMES: Uuid = Uuid::from_u128(0x6f1c_2d0e_8f57_5b1a_9c34_4c69_7579_616e);

/// A new id that sorts by `now`, to the millisecond. It never remembers an earlier time: a clock
/// that was ahead and has been put right leaves no trace in later ids.
pub fn v7(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos))
}

/// Thirty-two bytes that nobody can guess, for passwords and salts.
pub fn secret() -> [u8; 32] {
    rand::random()
}

/// The id of something that has a name: the same for the same `kind` and `name`, for ever.
pub fn of_name(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMES, format!("{kind}/{name}").as_bytes())
}

/// Makes a newtype over [`Uuid`] for the ids of one thing, so that they are not mixed up.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $vis:vis $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        $vis struct $name(::uuid::Uuid);

        impl $name {
            /// The bare UUID.
            $vis fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl From<::uuid::Uuid> for $name {
            fn from(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ::uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

pub use crate::id;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_forget_a_clock_that_was_ahead() {
        let at = |millis: i64| v7(Timestamp::from_millisecond(1_732_000_000_000 + millis).unwrap());
        let ids: Vec<_> = (0..1_000).map(at).collect();
        assert!(ids.is_sorted());
        let ahead = at(86_400_000);
        assert!(at(1_000) < ahead);
    }

    #[test]
    fn a_name_has_one_id_for_ever() {
        assert_eq!(
            of_name("office", "110000-s").to_string(),
            of_name("office", "110000-s").to_string()
        );
        assert_ne!(of_name("office", "1"), of_name("list", "1"));
    }
}
