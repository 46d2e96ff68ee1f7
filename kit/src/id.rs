//! Ids: UUIDv7 for what happens, UUIDv5 for what has a name already.

use jiff::Timestamp;
use uuid::{ContextV7, Uuid};

/// The namespace of ids that are made from names.
const NAMES: Uuid = Uuid::from_u128(0x6f1c_2d0e_8f57_5b1a_9c34_4c69_7579_616e);

/// Keeps the ids of one process in order within a millisecond.
static CONTEXT: std::sync::LazyLock<std::sync::Mutex<ContextV7>> =
    std::sync::LazyLock::new(|| std::sync::Mutex::new(ContextV7::new()));

/// A new id that sorts by `now`. Two ids of one process never come out of order as long as the
/// clock does not go back.
pub fn v7(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let context = CONTEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Uuid::new_v7(uuid::Timestamp::from_unix(&*context, seconds, nanos))
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
    fn ids_of_one_process_sort_by_time() {
        let now = Timestamp::from_millisecond(1_732_000_000_000).unwrap();
        let ids: Vec<_> = (0..1_000).map(|_| v7(now)).collect();
        assert!(ids.is_sorted());
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
