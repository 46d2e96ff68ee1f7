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
    /// There is no such consultation.
    ConsultationUnknown,
    /// The consultation takes no messages now.
    ConsultationClosed,
    /// A consultation takes suggestions alone.
    OnlySuggestions,
    /// Another office asks in the consultation.
    OfficeNotOfConsultation,
    /// The consultation is of another domain.
    DomainNotOfConsultation,
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
    /// An upload begins with what it is, and then come its bytes.
    PartsOutOfOrder,
    /// A part of an upload is longer than it may be.
    ChunkTooLarge {
        /// What it may have, in bytes.
        max: usize,
    },
    /// It is no upload token, or its time is over.
    UploadTokenInvalid,
    /// There is no byte in it.
    FileEmpty,
    /// It is of no type that is taken.
    FileTypeUnknown,
    /// It is longer than a file of its type may be.
    FileTooLarge {
        /// What it may have, in bytes.
        max: u64,
    },
    /// It can't be read as a picture, or is not whole.
    PictureBroken,
    /// It has more pixels than it may.
    PictureTooLarge {
        /// How wide and how high it may be.
        side: u32,
        /// How many pixels it may have.
        pixels: u64,
    },
    /// It is no whole PDF, or something comes after it.
    PdfBroken,
    /// It is locked by a password.
    PdfLocked,
    /// It has programs, actions or other files in it.
    PdfActive,
    /// It is no whole MP4, or something comes after it.
    VideoBroken,
    /// It has a track that is neither picture, sound nor subtitles.
    VideoMeasures,
    /// There is no such file, or it belongs to somebody else or to another message.
    FileUnknown,
    /// It is named twice.
    FileRepeated,
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
            Self::ConsultationUnknown => "CONSULTATION_UNKNOWN",
            Self::ConsultationClosed => "CONSULTATION_CLOSED",
            Self::OnlySuggestions => "ONLY_SUGGESTIONS",
            Self::OfficeNotOfConsultation => "OFFICE_NOT_OF_CONSULTATION",
            Self::DomainNotOfConsultation => "DOMAIN_NOT_OF_CONSULTATION",
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
            Self::PartsOutOfOrder => "PARTS_OUT_OF_ORDER",
            Self::ChunkTooLarge { .. } => "CHUNK_TOO_LARGE",
            Self::UploadTokenInvalid => "UPLOAD_TOKEN_INVALID",
            Self::FileEmpty => "FILE_EMPTY",
            Self::FileTypeUnknown => "FILE_TYPE_UNKNOWN",
            Self::FileTooLarge { .. } => "FILE_TOO_LARGE",
            Self::PictureBroken => "PICTURE_BROKEN",
            Self::PictureTooLarge { .. } => "PICTURE_TOO_LARGE",
            Self::PdfBroken => "PDF_BROKEN",
            Self::PdfLocked => "PDF_LOCKED",
            Self::PdfActive => "PDF_ACTIVE",
            Self::VideoBroken => "VIDEO_BROKEN",
            Self::VideoMeasures => "VIDEO_MEASURES",
            Self::FileUnknown => "FILE_UNKNOWN",
            Self::FileRepeated => "FILE_REPEATED",
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
            Self::ChunkTooLarge { max } => vec![("max", max.to_string())],
            Self::FileTooLarge { max } => vec![("max", mebibytes(*max))],
            Self::PictureTooLarge { side, pixels } => {
                vec![("side", side.to_string()), ("pixels", (pixels / 1_000_000).to_string())]
            }
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
            Self::OfficeUnknown
                | Self::OfficeClosed
                | Self::KindUnknown
                | Self::DomainUnknown
                | Self::ConsultationUnknown
                | Self::ConsultationClosed
        )
    }
}

/// A size in MiB, with one digit after the point if it needs one.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        digit => format!("{}.{digit}", tenths / 10),
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
