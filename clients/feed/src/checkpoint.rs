//! The file in which a reader keeps how far it has come.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The layout of the file that this crate writes.
const VERSION: u32 = 1;

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The layout of the file.
    pub version: u32,
    /// Everything up to here is done. Empty before the first commit.
    pub cursor: String,
    /// The position that the cursor stands for.
    pub position: u64,
    /// The life of the log that the cursor is of; empty if it was not told yet.
    pub epoch: String,
    /// Nothing recorded at or before this second (since 1970) follows the cursor; 0 if unknown.
    pub cursor_seconds: i64,
    /// Ids of the newest events that are done, the oldest first; also of some after the cursor.
    pub event_ids: Vec<String>,
}

/// The file, held by this process alone.
///
/// It is written as a whole beside itself, forced to the disk, and put in its place by renaming: after
/// a crash it is the old one or the new one.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    /// Gives the hold back when it is dropped, in whatever way the process ends.
    _hold: File,
}

impl Checkpoint {
    /// Opens the checkpoint at `path`, or begins one, and holds it against other processes by a lock on
    /// a file beside it, `path` with `.lock` behind it.
    ///
    /// # Errors
    /// [`Error::CheckpointHeld`], [`Error::CheckpointDamaged`], or [`Error::Checkpoint`].
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Kept), Error> {
        let path = path.into();
        let failed = |source| Error::Checkpoint { path: path.clone(), source };
        let hold = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(beside(&path, ".lock"))
            .map_err(failed)?;
        match hold.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::CheckpointHeld(path)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let kept = Self::read(&path)?;
        Ok((Self { path, _hold: hold }, kept))
    }

    /// Reads what a checkpoint holds without holding it; nothing is done yet if there is no file.
    ///
    /// # Errors
    /// [`Error::CheckpointDamaged`] or [`Error::Checkpoint`].
    pub fn read(path: &Path) -> Result<Kept, Error> {
        let damaged = |why: String| Error::CheckpointDamaged { path: path.to_owned(), why };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::default()),
            Err(source) => return Err(Error::Checkpoint { path: path.to_owned(), source }),
        };
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if kept.version != VERSION {
            return Err(damaged(format!("its layout is {}, not {VERSION}", kept.version)));
        }
        Ok(kept)
    }

    /// Puts `kept` in the place of what the file holds. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Checkpoint`]; the file then holds what it held before.
    pub fn write(&self, kept: Kept) -> Result<(), Error> {
        let kept = Kept { version: VERSION, ..kept };
        self.put(&kept).map_err(|source| Error::Checkpoint { path: self.path.clone(), source })
    }

    fn put(&self, kept: &Kept) -> io::Result<()> {
        let part = beside(&self.path, ".part");
        let mut file = File::create(&part)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        fs::rename(&part, &self.path)?;
        // The name is in the folder: without this a power cut may bring back the older file.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place.json");
        let (checkpoint, kept) = Checkpoint::open(&path).unwrap();
        assert_eq!(kept, Kept::default());
        let kept = Kept { cursor: "c".to_owned(), position: 7, ..Kept::default() };
        checkpoint.write(kept.clone()).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), Kept { version: VERSION, ..kept });
    }

    #[test]
    fn a_second_reader_is_turned_away_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place.json");
        let first = Checkpoint::open(&path).unwrap();
        assert!(matches!(Checkpoint::open(&path), Err(Error::CheckpointHeld(_))));
        drop(first);
        Checkpoint::open(&path).unwrap();
    }

    #[test]
    fn a_damaged_file_is_told_and_not_taken_for_a_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place.json");
        fs::write(&path, b"{\"version\":1,").unwrap();
        assert!(matches!(Checkpoint::open(&path), Err(Error::CheckpointDamaged { .. })));
    }
}
