//! Files, as programs send and see them.

use liuyan_proto::liuyan::intake::v1 as intake;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

/// Allows a few uploads.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UploadToken {
    /// The token; whoever holds it can upload, and can send the files with a message.
    upload_token: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// How many files it allows.
    files: u32,
    /// How many bytes it allows, all files together.
    bytes: u64,
}

impl From<intake::IssueUploadTokenResponse> for UploadToken {
    fn from(it: intake::IssueUploadTokenResponse) -> Self {
        Self {
            expires_at: Time::of(it.expires_at.as_ref()),
            upload_token: it.upload_token,
            files: it.files,
            bytes: it.bytes,
        }
    }
}

/// A file of a message to be left.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AttachedFile {
    /// Its id, as the upload told it.
    attachment_id: String,
    /// Whether the public may see it once the message is public.
    #[serde(default)]
    public: bool,
}

impl From<AttachedFile> for intake::AttachedFile {
    fn from(it: AttachedFile) -> Self {
        Self { attachment_id: it.attachment_id, public: it.public }
    }
}

/// A file as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Attachment {
    /// Its id, a UUID.
    attachment_id: String,
    /// Its type, as its bytes tell.
    media_type: String,
    /// How long it is, in bytes.
    size: u64,
    /// SHA-256 of its bytes as they are kept, in hexadecimal digits.
    sha256: String,
    /// Whether the public may see it once the message is public.
    public: bool,
    /// Width of a picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Height of a picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// True if its bytes are lost: its message came back from the receipt, and they did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
}

/// A file as it went with a message that is brought back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LostFile {
    /// Its type.
    media_type: String,
    /// How long it was, in bytes.
    size: u64,
    /// SHA-256 of its bytes as they were kept, in hexadecimal digits.
    sha256: String,
    /// Whether the public might see it.
    #[serde(default)]
    public: bool,
}

impl From<LostFile> for intake::Attachment {
    fn from(it: LostFile) -> Self {
        Self {
            media_type: it.media_type,
            size: it.size,
            // What are no digits is no hash, and intake says so.
            sha256: hex::decode(it.sha256).unwrap_or_default().into(),
            public: it.public,
            ..Self::default()
        }
    }
}

impl From<intake::Attachment> for Attachment {
    fn from(it: intake::Attachment) -> Self {
        Self {
            attachment_id: it.attachment_id,
            media_type: it.media_type,
            size: it.size,
            sha256: hex::encode(it.sha256),
            public: it.public,
            width: (it.width > 0).then_some(it.width),
            height: (it.height > 0).then_some(it.height),
            lost: it.lost,
        }
    }
}
