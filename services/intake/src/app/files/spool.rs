//! Where a file lies while it comes: on disk, without a name. Nothing is left of it whatever happens.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    path::Path,
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::error::Error;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;

/// A file that comes.
#[derive(Debug)]
pub(super) struct Spool {
    file: tokio::fs::File,
    hash: Sha256,
    bytes: u64,
}

/// A file that has come.
#[derive(Debug)]
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) sha256: [u8; 32],
    pub(super) bytes: u64,
}

impl Spool {
    /// An empty one in a folder, or where the system keeps such files.
    ///
    /// # Errors
    /// [`Error::Spool`].
    pub(super) async fn open(folder: &Path) -> Result<Self, Error> {
        let folder = folder.to_owned();
        let open = move || {
            if folder.as_os_str().is_empty() {
                tempfile::tempfile()
            } else {
                tempfile::tempfile_in(folder)
            }
        };
        let file = tokio::task::spawn_blocking(open).await.map_err(|_| Error::WriterDied)??;
        Ok(Self { file: tokio::fs::File::from_std(file), hash: Sha256::new(), bytes: 0 })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`Error::Spool`], if the disk is full for instance.
    pub(super) async fn add(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
        self.file.write_all(chunk).await?;
        Ok(())
    }

    /// All of it has come.
    ///
    /// # Errors
    /// [`Error::Spool`].
    pub(super) async fn end(mut self) -> Result<Spooled, Error> {
        // What was written last may have failed in the background.
        self.file.flush().await?;
        let file = self.file.into_std().await;
        Ok(Spooled { file, sha256: self.hash.finalize().into(), bytes: self.bytes })
    }
}

/// What a file holds, from its first byte, piece by piece.
///
/// # Errors
/// [`Error::Spool`].
pub(super) fn read(mut file: File) -> Result<impl Stream<Item = Result<Bytes, Error>>, Error> {
    file.seek(SeekFrom::Start(0))?;
    let file = tokio::fs::File::from_std(file);
    Ok(stream::try_unfold(file, |mut file| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), file)))
    }))
}
