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

/// The file of the key that signs receipts, in the folder of the keys.
pub(crate) const RECEIPTS: &str = "receipt.key.pem";
/// The file of the key that signs heads of the transparency log.
pub(crate) const LOG: &str = "log.key.pem";

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

/// The public half of a key of this board that lies in the folder of the keys.
pub(crate) fn public_of(data_dir: &Path, name: &str) -> Result<[u8; 32], Error> {
    let file = folder(data_dir).join(name);
    let pem =
        fs::read_to_string(&file).map_err(Error::other(format!("reading {}", file.display())))?;
    liuyan_intake::keys::public_of_pem(&pem)
        .ok_or_else(|| Error::Usage(format!("{} holds no key", file.display())))
}
