//! Looking at, and removing, a data folder from outside.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::account::Account;
use crate::error::{Error, at};
use crate::folder::LOCK;

/// Whether `data_dir` is a data folder, or was one when a start was interrupted.
pub fn is_data_folder(data_dir: &Path) -> bool {
    data_dir.join(LOCK).is_file()
}

/// Whether a process holds `data_dir`.
pub fn in_use(data_dir: &Path) -> bool {
    let lock = File::options().write(true).open(data_dir.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Removes a data folder and everything that lies elsewhere for it.
///
/// # Errors
/// [`Error::FolderInUse`] while a process holds it; the file system's otherwise.
pub async fn remove(data_dir: &Path) -> Result<(), Error> {
    let path = fs::canonicalize(data_dir).map_err(at("resolving", data_dir))?;
    if in_use(&path) {
        return Err(Error::FolderInUse { folder: path });
    }
    let home = Account::choose().await?.home(&path).await?;
    if home != path && home.exists() {
        fs::remove_dir_all(&home).map_err(at("removing", &home))?;
    }
    fs::remove_dir_all(&path).map_err(at("removing", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_in_use_is_not_removed_and_a_free_one_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("board");
        assert!(!is_data_folder(&path));
        let held = crate::folder::Folder::open(&path, 0o700).unwrap();
        assert!(is_data_folder(&path) && in_use(&path));
        assert!(matches!(remove(&path).await, Err(Error::FolderInUse { .. })));
        drop(held);
        assert!(!in_use(&path));
        remove(&path).await.unwrap();
        assert!(!path.exists());
    }
}
