use super::*;
use crate::grpc::words;

#[test]
fn every_text_is_there_in_every_language() {
    assert_eq!(words().faults(), Vec::<String>::new());
}

#[test]
fn every_reason_has_a_text() {
    let rules = [
        Rule::Required,
        Rule::TooShort { min: 5, length: 1 },
        Rule::TooLong { max: 5, length: 6 },
        Rule::ForbiddenCharacter('\u{202E}'),
        Rule::TooMany { max: 256 },
        Rule::UuidMalformed,
        Rule::PhoneMalformed,
        Rule::LocaleMalformed,
        Rule::TimeMalformed,
        Rule::NumberMalformed,
        Rule::AccessCodeMalformed,
        Rule::LatitudeOutOfRange,
        Rule::LongitudeOutOfRange,
        Rule::InTheFuture,
        Rule::ValueUnknown,
        Rule::OfficeUnknown,
        Rule::OfficeClosed,
        Rule::KindUnknown,
        Rule::DomainUnknown,
        Rule::OnlyForComplaints,
        Rule::BodyBesideParts,
        Rule::PageSizeNegative,
        Rule::PageTokenInvalid,
        Rule::ColumnIdMalformed,
        Rule::ColumnUnknown,
        Rule::ColumnClosed,
        Rule::DomainNotOfColumn,
        Rule::ChannelReserved,
        Rule::OperatorMalformed,
        Rule::OriginMalformed,
        Rule::NumberOutOfBounds { min: 1, max: 2 },
        Rule::PathUnknown,
        Rule::HashMalformed,
        Rule::TreeTooLarge { max: 7 },
        Rule::TreesSwapped,
        Rule::ReceiptMalformed,
        Rule::ReceiptKeyUnknown,
        Rule::SignatureWrong,
        Rule::ContentDiffers,
        Rule::PartsOutOfOrder,
        Rule::ChunkTooLarge { max: 1_048_576 },
        Rule::UploadTokenInvalid,
        Rule::FileEmpty,
        Rule::FileTypeUnknown,
        Rule::FileTooLarge { max: 5_242_880 },
        Rule::PictureBroken,
        Rule::PictureTooLarge { side: 12_000, pixels: 50_000_000 },
        Rule::PdfBroken,
        Rule::PdfLocked,
        Rule::PdfActive,
        Rule::VideoBroken,
        Rule::VideoMeasures,
        Rule::FileUnknown,
        Rule::FileRepeated,
    ];
    let errors = [
        Error::Fields(Vec::new()),
        Error::DirectoryNotLoaded,
        Error::ImportNotAllowed,
        Error::ManageNotAllowed,
        Error::JournalAway,
        Error::TokenExpired,
        Error::AccountNeeded,
        Error::OtherMessage,
        Error::MessageNotFound,
        Error::NumberOrCodeWrong,
        Error::LookUpsExhausted(SOON),
        Error::RequestIdReused,
        Error::Obstacle(Obstacle::Erased),
        Error::Obstacle(Obstacle::Withdrawn),
        Error::Obstacle(Obstacle::Declined),
        Error::Obstacle(Obstacle::WithdrawalRefused),
        Error::Obstacle(Obstacle::WithdrawalUnderWay),
        Error::Obstacle(Obstacle::NotReturned),
        Error::QueueFull(SOON),
        Error::Limited(Limit::Author, SOON),
        Error::Limited(Limit::Address, SOON),
        Error::Limited(Limit::Agency, SOON),
        Error::Limited(Limit::Column, SOON),
        Error::Limited(Limit::ColumnDay, SOON),
        Error::OnBehalfNotAllowed,
        Error::ColumnNotYours,
        Error::ColumnNotFound,
        Error::ColumnExists,
        Error::AgencyHasColumn,
        Error::ColumnChanged,
        Error::Stopping,
        Error::WriterDied,
        Error::EntryNotFound,
        Error::EntryWaiting,
        Error::LogNotSigned,
        Error::LogBroken,
        Error::ReceiptTaken,
        Error::from(sqlx::Error::PoolTimedOut),
        Error::UploadsBusy,
        Error::UploadTokensExhausted,
        Error::UploadQuota(SOON),
        Error::UploadTooSlow,
        Error::UploadBroken,
        Error::FilesTaken,
        Error::AttachmentNotFound,
        Error::NoPlaceForFiles,
    ];
    let told = rules
        .iter()
        .map(|rule| (rule.reason(), rule.arguments()))
        .chain(errors.iter().map(|error| (error.reason(), error.arguments())));
    for (reason, arguments) in told {
        let name = reason.to_ascii_lowercase().replace('_', "-");
        let text = words().text("en", &name, &arguments);
        assert_ne!(text, name);
        assert!(!text.contains("{$"), "{text}");
    }
}
