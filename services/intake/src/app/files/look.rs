//! Looks into a file that has come, and makes it what is kept. All of it is work for a processor and
//! a disk, and runs beside the others.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::spool::Spooled;
use crate::{
    domain::{
        file::{self, Limits, MediaType},
        rule::Rule,
    },
    error::Error,
};

/// What is kept of a file.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) content: Content,
    pub(super) media_type: MediaType,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Where its bytes are.
#[derive(Debug)]
pub(super) enum Content {
    Memory(Bytes),
    Disk(File),
}

/// Looks into it.
///
/// # Errors
/// The rule that it breaks, or [`Error::Spool`].
pub(super) fn look(spooled: Spooled, of: MediaType, limits: &Limits) -> Result<Kept, Error> {
    let broken = |rule: Rule| Error::field(super::upload::FIELD, rule);
    let Spooled { mut file, sha256, bytes: size } = spooled;
    match of {
        MediaType::Jpeg | MediaType::Png | MediaType::Webp => {
            let picture = file::clean_picture(&whole(&mut file, size)?, of, limits);
            let picture = picture.map_err(broken)?;
            Ok(Kept {
                media_type: picture.media_type,
                size: picture.bytes.len() as u64,
                sha256: Sha256::digest(&picture.bytes).into(),
                width: picture.width,
                height: picture.height,
                content: Content::Memory(picture.bytes.into()),
            })
        }
        MediaType::Pdf => {
            let bytes = whole(&mut file, size)?;
            file::check_pdf(&bytes).map_err(broken)?;
            let content = Content::Memory(bytes.into());
            Ok(Kept { content, media_type: of, size, sha256, width: 0, height: 0 })
        }
        MediaType::Mp4 => {
            file::clean_video(&mut file, size).map_err(|fault| match fault {
                file::Fault::Rule(rule) => broken(rule),
                file::Fault::Io(error) => error.into(),
            })?;
            let sha256 = hash(&mut file)?;
            let content = Content::Disk(file);
            Ok(Kept { content, media_type: of, size, sha256, width: 0, height: 0 })
        }
    }
}

/// All of a file that is no longer than a picture or a document may be.
fn whole(file: &mut File, size: u64) -> Result<Vec<u8>, Error> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hash(file: &mut File) -> Result<[u8; 32], Error> {
    file.seek(SeekFrom::Start(0))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&buffer[..read]),
        }
    }
}
