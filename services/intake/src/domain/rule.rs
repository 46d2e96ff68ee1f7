//! What a field can do wrong. Every rule has a name that programs can rely on; the words for
//! people are in the catalogues.

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// It has to be there.
    Required,
    /// It has fewer characters than it needs.
    TooShort {
        /// What it needs.
        min: usize,
        /// What it has.
        length: usize,
    },
    /// It has more characters than it may.
    TooLong {
        /// What it may have.
        max: usize,
        /// What it has.
        length: usize,
    },
    /// It has a control character, or one that reverses the direction of writing.
    ForbiddenCharacter(char),
    /// There are more entries than may be.
    TooMany {
        /// How many may be.
        max: usize,
    },
    /// It is no UUID.
    UuidMalformed,
    /// It is no mobile number of the mainland.
    PhoneMalformed,
    /// It is no BCP 47 tag.
    LocaleMalformed,
    /// It is no point in time.
    TimeMalformed,
    /// It is no public number; its check character would tell most slips of the pen.
    NumberMalformed,
    /// It is no access code.
    AccessCodeMalformed,
    /// It is not from −90 to 90.
    LatitudeOutOfRange,
    /// It is not from −180 to 180.
    LongitudeOutOfRange,
    /// It lies in the future.
    InTheFuture,
    /// This release does not know the value.
    ValueUnknown,
    /// The directory has no such office.
    OfficeUnknown,
    /// The office takes no messages now.
    OfficeClosed,
    /// The list of kinds has no such code.
    KindUnknown,
    /// The list of domains has no such code.
    DomainUnknown,
    /// Only a complaint has this part.
    OnlyForComplaints,
    /// A complaint has either a body or demand and details, not both.
    BodyBesideParts,
    /// A page has no fewer than no messages.
    PageSizeNegative,
    /// It is no token of a page of this list.
    PageTokenInvalid,
    /// It is not the id of a column.
    ColumnIdMalformed,
    /// There is no such column.
    ColumnUnknown,
    /// The column takes no messages now.
    ColumnClosed,
    /// The column takes no messages of this domain.
    DomainNotOfColumn,
    /// The entrance is that of columns or of the hotline, and not the caller's to name.
    ChannelReserved,
    /// It is not the number of an operator.
    OperatorMalformed,
    /// It is not the origin of web pages.
    OriginMalformed,
    /// The number is less or more than it may be.
    NumberOutOfBounds {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// The mask names a field that can't be changed.
    PathUnknown,
    /// It has not 32 bytes.
    HashMalformed,
    /// No signed tree is so large.
    TreeTooLarge {
        /// The size of the newest signed tree.
        max: u64,
    },
    /// The earlier tree is larger than the later one.
    TreesSwapped,
    /// The board never made such a receipt, or not all of it is there.
    ReceiptMalformed,
    /// This board has signed no receipts with this key.
    ReceiptKeyUnknown,
    /// The signature is not that of the statement.
    SignatureWrong,
    /// The message is not the one that the receipt was given for.
    ContentDiffers,
}

impl Rule {
    /// Its name for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Required => "FIELD_REQUIRED",
            Self::TooShort { .. } => "FIELD_TOO_SHORT",
            Self::TooLong { .. } => "FIELD_TOO_LONG",
            Self::ForbiddenCharacter(_) => "FORBIDDEN_CHARACTER",
            Self::TooMany { .. } => "TOO_MANY_ENTRIES",
            Self::UuidMalformed => "UUID_MALFORMED",
            Self::PhoneMalformed => "PHONE_MALFORMED",
            Self::LocaleMalformed => "LOCALE_MALFORMED",
            Self::TimeMalformed => "TIME_MALFORMED",
            Self::NumberMalformed => "NUMBER_MALFORMED",
            Self::AccessCodeMalformed => "ACCESS_CODE_MALFORMED",
            Self::LatitudeOutOfRange => "LATITUDE_OUT_OF_RANGE",
            Self::LongitudeOutOfRange => "LONGITUDE_OUT_OF_RANGE",
            Self::InTheFuture => "TIME_IN_THE_FUTURE",
            Self::ValueUnknown => "VALUE_UNKNOWN",
            Self::OfficeUnknown => "OFFICE_UNKNOWN",
            Self::OfficeClosed => "OFFICE_CLOSED",
            Self::KindUnknown => "KIND_UNKNOWN",
            Self::DomainUnknown => "DOMAIN_UNKNOWN",
            Self::OnlyForComplaints => "ONLY_FOR_COMPLAINTS",
            Self::BodyBesideParts => "BODY_BESIDE_PARTS",
            Self::PageSizeNegative => "PAGE_SIZE_NEGATIVE",
            Self::PageTokenInvalid => "PAGE_TOKEN_INVALID",
            Self::ColumnIdMalformed => "COLUMN_ID_MALFORMED",
            Self::ColumnUnknown => "COLUMN_UNKNOWN",
            Self::ColumnClosed => "COLUMN_CLOSED",
            Self::DomainNotOfColumn => "DOMAIN_NOT_OF_COLUMN",
            Self::ChannelReserved => "CHANNEL_RESERVED",
            Self::OperatorMalformed => "OPERATOR_MALFORMED",
            Self::OriginMalformed => "ORIGIN_MALFORMED",
            Self::NumberOutOfBounds { .. } => "NUMBER_OUT_OF_BOUNDS",
            Self::PathUnknown => "PATH_UNKNOWN",
            Self::HashMalformed => "HASH_MALFORMED",
            Self::TreeTooLarge { .. } => "TREE_TOO_LARGE",
            Self::TreesSwapped => "TREES_SWAPPED",
            Self::ReceiptMalformed => "RECEIPT_MALFORMED",
            Self::ReceiptKeyUnknown => "RECEIPT_KEY_UNKNOWN",
            Self::SignatureWrong => "SIGNATURE_WRONG",
            Self::ContentDiffers => "CONTENT_DIFFERS",
        }
    }

    /// The figures that its text names.
    pub fn arguments(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooShort { min, length } => {
                vec![("min", min.to_string()), ("length", length.to_string())]
            }
            Self::TooLong { max, length } => {
                vec![("max", max.to_string()), ("length", length.to_string())]
            }
            Self::TooMany { max } => vec![("max", max.to_string())],
            Self::NumberOutOfBounds { min, max } => {
                vec![("min", min.to_string()), ("max", max.to_string())]
            }
            Self::TreeTooLarge { max } => vec![("max", max.to_string())],
            Self::ForbiddenCharacter(character) => {
                vec![("character", format!("U+{:04X}", u32::from(*character)))]
            }
            _ => Vec::new(),
        }
    }

    /// True if the rule may judge the same submission otherwise at another time, because it
    /// depends on the directory.
    pub fn depends_on_directory(&self) -> bool {
        matches!(
            self,
            Self::OfficeUnknown | Self::OfficeClosed | Self::KindUnknown | Self::DomainUnknown
        )
    }
}

/// A field and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The field's path in the request: `message.title`.
    pub field: &'static str,
    /// The rule.
    pub rule: Rule,
}

impl Breach {
    /// A field breaks a rule.
    pub fn of(field: &'static str, rule: Rule) -> Self {
        Self { field, rule }
    }
}
