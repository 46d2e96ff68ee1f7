//! What the API says and hears, and how it follows from the contracts. Here alone is it decided how a
//! thing looks in JSON: names in `snake_case`, codes in lower case, times as RFC 3339 says, and what is
//! not there is left out. Events of the feed alone look as they do everywhere (`feed`).

use liuyan_kit::clock;
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

pub(super) mod accounts;
pub(super) mod attachments;
pub(super) mod cases;
pub(super) mod casework;
pub(super) mod common;
pub(super) mod consultations;
mod contract;
pub(super) mod decisions;
pub(super) mod directory;
pub(super) mod feed;
pub(super) mod found;
pub(super) mod log;
pub(super) mod messages;
pub(super) mod precedents;
pub(super) mod states;
pub(super) mod stats;
pub(super) mod suggestions;

/// Makes an enum of JSON words from one of the contracts.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $proto:ty { $($(#[$word:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub(in crate::api) enum $name {
            $($(#[$word])* $variant),+
        }

        impl From<$name> for i32 {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => <$proto>::$variant.into()),+
                }
            }
        }

        impl $crate::api::types::Word for $name {
            fn of(number: i32) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|word| i32::from(*word) == number)
            }
        }
    };
}
use words;

/// A word of the contracts.
pub(super) trait Word: Sized {
    /// The word of a number of the contract; `None` for one that is not known.
    fn of(number: i32) -> Option<Self>;
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(jiff::Timestamp);

impl Time {
    /// The moment that a service told; `None` for none.
    pub(super) fn of(time: Option<&prost_types::Timestamp>) -> Option<Self> {
        time.and_then(clock::from_proto).map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Time {}

/// A text; `None` for an empty one.
pub(super) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T: ToSchema> {
    /// What is on it.
    pub(super) items: Vec<T>,
    /// Brings the next page as `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

impl<T: ToSchema> Page<T> {
    pub(super) fn new<P>(items: Vec<P>, next: String) -> Self
    where
        T: From<P>,
    {
        Self { items: items.into_iter().map(T::from).collect(), next_cursor: some(next) }
    }
}

/// All of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct All<T: ToSchema> {
    /// Everything there is.
    pub(super) items: Vec<T>,
}
