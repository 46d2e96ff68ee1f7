//! What can't be read without the keyring: the words of authors who appeal.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use liuyan_kit::seal::{self, Keyring};
use uuid::Uuid;

/// Seals and opens.
#[derive(Debug)]
pub struct Vault(Keyring);

impl Vault {
    /// Seals with this keyring.
    pub fn new(keyring: Keyring) -> Self {
        Self(keyring)
    }

    /// Reads the keyring; makes it first if it is missing and may be made.
    ///
    /// # Errors
    /// If there is none, or it can't be read or made.
    pub fn open(path: &Path, may_make: bool) -> anyhow::Result<Self> {
        if may_make && !path.exists() {
            make(path, &Keyring::generate().to_text())
                .with_context(|| format!("can't make {}", path.display()))?;
        }
        Ok(Self(Keyring::open(path)?))
    }

    /// Seals the reason of an appeal.
    pub(crate) fn seal_reason(&self, message_id: Uuid, reason: &str) -> Vec<u8> {
        self.0.seal(&place(message_id), reason.as_bytes())
    }

    /// Opens the reason of an appeal; what was erased is empty.
    ///
    /// # Errors
    /// If the key is missing, or the record belongs elsewhere.
    pub(crate) fn reason(&self, message_id: Uuid, sealed: &[u8]) -> Result<String, seal::Error> {
        if sealed.is_empty() {
            return Ok(String::new());
        }
        let bytes = self.0.open_sealed(&place(message_id), sealed)?;
        String::from_utf8(bytes).map_err(|_| seal::Error::Broken)
    }

    /// By what a request is recognised. It holds an author's words, so that a bare hash would not do.
    pub(crate) fn request_index(&self, rpc: &str, body: &[u8]) -> [u8; 32] {
        self.0.blind_index(&[b"request:", rpc.as_bytes(), b":", body].concat())
    }
}

fn place(message_id: Uuid) -> Vec<u8> {
    [b"appeal:".as_slice(), message_id.as_bytes()].concat()
}

/// Makes a file that is never seen half written and that only its owner reads. Of several replicas that
/// make it at once, one wins and the others read what it made.
fn make(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
