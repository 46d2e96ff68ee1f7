//! The data folder: whose it is, what lies in it.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, at};

/// Bytes of randomness in a password or a name.
const RANDOM_BYTES: usize = 24;
/// The file whose lock says that the folder is in use.
pub(crate) const LOCK: &str = "lock";
/// What is written to see whether the folder can be written.
const PROBE: [u8; 8192] = [0; 8192];

/// A data folder that this process holds. The lock is the kernel's and ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, takes its lock and tries out whether it can be written.
    pub(crate) fn open(path: &Path, mode: u32) -> Result<Self, Error> {
        if !path.is_dir() {
            fs::create_dir_all(path).map_err(at("making", path))?;
            // A folder that was there before keeps its mode: it may be shared for a reason, and secrets have their own.
            let set_mode = fs::set_permissions(path, fs::Permissions::from_mode(mode));
            set_mode.map_err(at("setting the mode of", path))?;
        }
        let path = fs::canonicalize(path).map_err(at("resolving", path))?;
        one_line(&path)?;
        let mut lock = File::options();
        lock.create(true).truncate(false).write(true).mode(0o600);
        let lock = lock.open(path.join(LOCK)).map_err(at("opening the lock in", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::FolderInUse { folder: path }),
            Err(TryLockError::Error(source)) => return Err(at("locking", &path)(source)),
        }
        // Better a sentence now than a server's log later. The bytes matter: an empty file fits on a full disk.
        let probe = path.join("probe");
        let written = File::create(&probe)
            .and_then(|file| (&file).write_all(&PROBE).and_then(|()| file.sync_all()));
        let _ = fs::remove_file(&probe);
        written.map_err(at("writing to", &path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Takes the lock of a folder whose process has ended; nothing if it is still held, or never was a data folder.
    pub(crate) fn abandoned(path: &Path) -> Option<Self> {
        let lock = File::options().write(true).open(path.join(LOCK)).ok()?;
        lock.try_lock().ok()?;
        Some(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Refuses paths that can't stand in a line of text.
pub(crate) fn one_line(path: &Path) -> Result<(), Error> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(()),
        _ => Err(Error::OddPath { folder: path.to_owned() }),
    }
}

/// Random lower-case hexadecimal digits, for passwords and names. They need no escaping anywhere.
pub(crate) fn random_word() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; RANDOM_BYTES];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(at("reading", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that only its owner may read, whole or not at all, and through to the disk.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    // A leftover may have another mode, and the mode below is for new files only.
    let _ = fs::remove_file(&part);
    let write = || {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(at("writing", path))
}

/// Writes the folder itself through to the disk, so that a renaming in it survives a power cut.
pub(crate) fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|dir| dir.sync_all()).map_err(at("syncing", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        write_secret(&path, "one").unwrap();
        write_secret(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn random_words_are_long_and_differ() {
        let (one, two) = (random_word().unwrap(), random_word().unwrap());
        assert_eq!(one.len(), 2 * RANDOM_BYTES);
        assert_ne!(one, two);
    }

    #[test]
    fn a_path_with_a_line_break_is_refused() {
        assert!(matches!(one_line(Path::new("/a\nb")), Err(Error::OddPath { .. })));
        assert!(one_line(Path::new("/留言/板 1")).is_ok());
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let sentence = Folder::open(&path.join("data"), 0o700).unwrap_err().to_string();
        assert!(sentence.contains("file/data failed"), "{sentence}");
    }
}
