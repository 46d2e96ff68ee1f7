//! The keys of a board that runs here: one pair for each service that speaks, one for its operator.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use liuyan_kit::auth;

use crate::error::Error;

/// The issuer that stands for whoever may read the board's folder.
pub(crate) const OPERATOR: &str = "operator";

/// What the files of keys that sign receipts begin with, in the folder of the keys.
pub(crate) const RECEIPTS: &str = "receipt";
/// What the files of keys that sign heads of the transparency log begin with.
pub(crate) const LOG: &str = "log";

/// The folder of the keys.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("keys")
}

/// The private key of an issuer.
pub(crate) fn private_file(data_dir: &Path, issuer: &str) -> PathBuf {
    folder(data_dir).join(format!("{issuer}.key.pem"))
}

/// The public key of an issuer.
pub(crate) fn public_file(data_dir: &Path, issuer: &str) -> PathBuf {
    folder(data_dir).join(format!("{issuer}.pub.pem"))
}

/// Makes the key pairs that are missing. Existing ones stay: tokens and receipts outlive a start.
pub(crate) fn ensure(data_dir: &Path, issuers: &[&str]) -> Result<(), Error> {
    let folder = folder(data_dir);
    fs::create_dir_all(&folder).map_err(Error::other(format!("making {}", folder.display())))?;
    for issuer in issuers {
        let (private, public) = (private_file(data_dir, issuer), public_file(data_dir, issuer));
        if private.exists() && public.exists() {
            continue;
        }
        let (private_pem, public_pem) =
            auth::generate_key().map_err(Error::other("a key could not be made"))?;
        // The public half comes last: a pair is complete when it is there.
        write_private(&private, private_pem.as_bytes())?;
        write_private(&public, public_pem.as_bytes())?;
    }
    Ok(())
}

/// Reads a private key.
pub(crate) fn read_private(data_dir: &Path, issuer: &str) -> Result<String, Error> {
    let file = private_file(data_dir, issuer);
    fs::read_to_string(&file).map_err(Error::other(format!("reading {}", file.display())))
}

/// Writes a file that only its owner may read, and waits until it is on the disk.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut out = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?;
        out.write_all(content)?;
        out.sync_all()
    };
    write()
        .map_err(|error: std::io::Error| Error::other(format!("writing {}", file.display()))(error))
}

/// The public halves of all keys of a kind that lie in the folder of the keys, in whichever half: the present
/// one and earlier ones. Their files begin with `kind`, a full stop or a hyphen follows: `receipt.key.pem`,
/// `receipt-2025.pub.pem`.
pub(crate) fn public_of(data_dir: &Path, kind: &str) -> Result<Vec<[u8; 32]>, Error> {
    let folder = folder(data_dir);
    let reading = || Error::other(format!("reading {}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(reading())? {
        let path = entry.map_err(reading())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_kind = name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['.', '-']));
        if !of_kind || path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let pem = fs::read_to_string(&path)
            .map_err(Error::other(format!("reading {}", path.display())))?;
        let key = liuyan_intake::keys::public_of_pem(&pem)
            .or_else(|| liuyan_intake::keys::public_pem(&pem))
            .ok_or_else(|| Error::Usage(format!("{} holds no key", path.display())))?;
        if !found.contains(&key) {
            found.push(key);
        }
    }
    match found.is_empty() {
        true => Err(Error::Usage(format!(
            "{} has no {kind}.key.pem and no {kind}.pub.pem",
            folder.display()
        ))),
        false => Ok(found),
    }
}

/// The public half of the one key of a kind of which a board has no earlier ones.
pub(crate) fn only_public_of(data_dir: &Path, kind: &str) -> Result<[u8; 32], Error> {
    match public_of(data_dir, kind)?[..] {
        [key] => Ok(key),
        _ => Err(Error::Usage(format!(
            "{} has several keys that begin with `{kind}`, and there is one",
            folder(data_dir).display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_keys_count_beside_the_present_one() {
        let board = tempfile::tempdir().unwrap();
        let at = folder(board.path());
        ensure(board.path(), &["receipt", "other"]).unwrap();
        // Both halves of one pair are one key.
        assert_eq!(public_of(board.path(), "receipt").unwrap().len(), 1);
        fs::rename(at.join("other.pub.pem"), at.join("receipt-2025.pub.pem")).unwrap();
        assert_eq!(public_of(board.path(), "receipt").unwrap().len(), 2);
        let none = public_of(board.path(), "rec").unwrap_err().to_string();
        assert!(none.contains("rec.pub.pem"), "{none}");
    }
}
