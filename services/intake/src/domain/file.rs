//! Files that people attach to a message: what they may be, and how long.
//!
//! What a file is, its bytes tell; its name and the type that its sender claims are not believed.

use uuid::Uuid;

mod mp4;
mod pdf;
mod picture;

pub use mp4::{Fault, clean as clean_video};
pub use pdf::check as check_pdf;
pub use picture::{Picture, clean as clean_picture};

/// How many bytes [`MediaType::of`] needs.
pub const HEAD: usize = 12;

/// Brands of other kinds of files that have the boxes of an MP4: films of QuickTime, photos of phones.
const OTHERS: [&[u8; 4]; 8] =
    [b"qt  ", b"heic", b"heix", b"mif1", b"msf1", b"avif", b"M4A ", b"crx "];

/// What a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// A photo.
    Jpeg,
    /// A picture.
    Png,
    /// A picture.
    Webp,
    /// A document.
    Pdf,
    /// A video.
    Mp4,
}

impl MediaType {
    /// What begins with these bytes, [`HEAD`] of them or more; `None` for anything else.
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\xFF\xD8\xFF") {
            Some(Self::Jpeg)
        } else if head.starts_with(b"\x89PNG\r\n\x1A\n") {
            Some(Self::Png)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP".as_slice()) {
            Some(Self::Webp)
        } else if head.starts_with(b"%PDF-") {
            Some(Self::Pdf)
        } else if head.get(4..8) == Some(b"ftyp".as_slice())
            && !OTHERS.iter().any(|other| head.get(8..12) == Some(other.as_slice()))
        {
            Some(Self::Mp4)
        } else {
            None
        }
    }

    /// Its name (RFC 6838).
    pub fn word(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Mp4 => "video/mp4",
        }
    }

    /// The type of this name.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png, Self::Webp, Self::Pdf, Self::Mp4]
            .into_iter()
            .find(|it| it.word() == word)
    }

    /// How long such a file may be.
    pub fn limit(self, limits: &Limits) -> u64 {
        match self {
            Self::Jpeg | Self::Png | Self::Webp => limits.image_bytes,
            Self::Pdf => limits.pdf_bytes,
            Self::Mp4 => limits.video_bytes,
        }
    }
}

/// How large files may be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Files of one message.
    pub per_message: usize,
    /// A picture.
    pub image_bytes: u64,
    /// A document.
    pub pdf_bytes: u64,
    /// A video.
    pub video_bytes: u64,
    /// Width and height of a picture.
    pub image_side: u32,
    /// Pixels of a picture.
    pub image_pixels: u64,
    /// Memory that decoding a picture may take.
    pub image_memory_bytes: u64,
}

/// A file that a message names, before it is known whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id, as it came.
    pub attachment_id: String,
    /// Whether the public may see it.
    pub public: bool,
}

/// A file of a message that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub attachment_id: Uuid,
    /// Whether the public may see it.
    pub public: bool,
    /// SHA-256 of its bytes as they are kept.
    pub sha256: [u8; 32],
    /// What it was, if its bytes are gone.
    pub lost: Option<Lost>,
}

/// What is told of a file whose bytes are gone. Only its hash is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// What it was.
    pub media_type: MediaType,
    /// How many bytes it had.
    pub size: u64,
}

/// A file as somebody says that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// SHA-256 of its bytes as they were kept.
    pub sha256: [u8; 32],
    /// Whether the public might see it.
    pub public: bool,
    /// What it was.
    pub lost: Lost,
}

/// The files of a message that comes back: those that were claimed, each with its bytes where they
/// were uploaded again. Where nothing was claimed, the uploads are the claim. Every lost one gets an
/// id from `ids`.
pub fn again(claimed: &[Claimed], uploaded: Vec<File>, ids: impl FnMut() -> Uuid) -> Vec<File> {
    let (mut uploaded, mut ids) = (uploaded, ids);
    if claimed.is_empty() {
        return uploaded;
    }
    let file = |it: &Claimed| {
        let found = uploaded.iter().position(|file| file.sha256 == it.sha256);
        let (attachment_id, lost) = match found {
            Some(at) => (uploaded.swap_remove(at).attachment_id, None),
            None => (ids(), Some(it.lost)),
        };
        File { attachment_id, public: it.public, sha256: it.sha256, lost }
    };
    claimed.iter().map(file).collect()
}

impl File {
    /// Whether the public may see it, as a receipt's content says it.
    pub fn word(&self) -> &'static str {
        if self.public { "public" } else { "private" }
    }
}

/// The files of a message that is to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Who uploaded them.
    pub owner: String,
    /// In the author's order.
    pub list: Vec<File>,
}

/// A file as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub attachment_id: Uuid,
    /// What it is.
    pub media_type: MediaType,
    /// How many bytes it has.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// Whether the public may see it.
    pub public: bool,
    /// Width of a picture; 0 for others.
    pub width: u32,
    /// Height of a picture; 0 for others.
    pub height: u32,
    /// Whether its bytes are gone.
    pub lost: bool,
}

impl Attachment {
    /// The name of its object.
    pub fn object(&self) -> String {
        object(self.attachment_id)
    }
}

/// What the names of all objects begin with.
pub const OBJECTS: &str = "attachments";

/// The name of the object of a file.
pub fn object(attachment_id: Uuid) -> String {
    format!("{OBJECTS}/{attachment_id}")
}

/// The file of which an object has the bytes.
pub fn of_object(name: &str) -> Option<Uuid> {
    name.strip_prefix(OBJECTS)?.strip_prefix('/')?.parse().ok()
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests;
