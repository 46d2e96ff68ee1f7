//! The vault: what is known of a person is sealed before it is stored, by a key of their own. When
//! it is destroyed, nothing of them can be read any more, in backups neither.

use std::{
    fs,
    io::{self, Write as _},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use liuyan_kit::seal::{self, DataKey, Keyring};
use uuid::Uuid;

use super::Call;
use crate::{
    domain::account::{Account, Contact},
    error::Error,
    store::accounts::Stored,
};

/// Seals what is known of people.
#[derive(Debug)]
pub struct Vault(Keyring);

impl Vault {
    /// Reads the keyring; makes it if it is missing and may be made. Of several replicas that make
    /// it at once, one wins and the others read what it made.
    ///
    /// # Errors
    /// If there is none, or it can't be read.
    pub fn open(path: &Path, may_make: bool) -> anyhow::Result<Self> {
        if may_make && !path.exists() {
            make_file(path, &Keyring::generate().to_text())
                .with_context(|| format!("can't make {}", path.display()))?;
        }
        Ok(Self(Keyring::open(path)?))
    }

    /// A new key for an account, bare and wrapped.
    pub(crate) fn new_key(&self, account_id: Uuid) -> (DataKey, Vec<u8>) {
        let key = DataKey::generate();
        let wrapped = self.0.wrap(&place("account", account_id), &key);
        (key, wrapped)
    }

    /// The key of an account.
    pub(crate) fn open_key(
        &self,
        account_id: Uuid,
        wrapped: &[u8],
    ) -> Result<DataKey, seal::Error> {
        self.0.unwrap(&place("account", account_id), wrapped)
    }

    /// An account, unsealed.
    pub(crate) fn open_account(&self, stored: &Stored) -> Result<Account, Error> {
        let id = stored.account_id;
        let key = self.open_key(id, &stored.wrapped_key)?;
        Ok(Account {
            account_id: id,
            name: stored.name.clone(),
            display_name: open_text(&key, "display-name", id, &stored.display_name)?,
            email: open_email(&key, stored)?,
            roles: stored.roles.clone(),
            places: stored.places.clone(),
            locale: stored.locale.clone(),
            active: stored.active,
            created_at: stored.created_at,
        })
    }

    /// Where somebody can be reached, and nothing else of them.
    pub(crate) fn open_contact(&self, stored: &Stored) -> Result<Contact, Error> {
        let key = self.open_key(stored.account_id, &stored.wrapped_key)?;
        let email = open_email(&key, stored)?;
        Ok(Contact { account_id: stored.account_id, email, locale: stored.locale.clone() })
    }

    /// Under what wrong tries of a name are counted: without the name being readable, and for names
    /// that nobody has just as well.
    pub(crate) fn name_tries(&self, name_key: &str) -> String {
        let index = self.0.blind_index(&[b"tries:", name_key.as_bytes()].concat());
        format!("name/{}", hex::encode(index))
    }

    /// Under what wrong tries of a name from one network are counted; neither is readable. It begins
    /// with what those of the name are counted under.
    pub(crate) fn own_tries(&self, name_key: &str, network: Option<IpAddr>) -> String {
        let name = self.name_tries(name_key);
        let network = network.map(|network| network.to_string()).unwrap_or_default();
        let both = [b"tries-from:", network.as_bytes(), b":", name_key.as_bytes()].concat();
        format!("{name}/{}", hex::encode(self.0.blind_index(&both)))
    }

    /// Under what wrong tries from a network are counted, whatever the name.
    pub(crate) fn network_tries(&self, kind: &str, network: IpAddr) -> String {
        let index = self.0.blind_index(format!("tries-of-{kind}:{network}").as_bytes());
        format!("{kind}/{}", hex::encode(index))
    }

    /// A keyed hash of what a request asks.
    pub(crate) fn body_hash(&self, rpc: &str, body: &[u8]) -> [u8; 32] {
        self.0.blind_index(&[b"request:", rpc.as_bytes(), b":", body].concat())
    }

    /// Seals an answer that is kept: by the key of an account, or by the keyring.
    pub(crate) fn seal_answer(&self, key: Option<&DataKey>, call: &Call, answer: &[u8]) -> Vec<u8> {
        match key {
            Some(key) => key.seal(&answer_place(call), answer),
            None => self.0.seal(&answer_place(call), answer),
        }
    }

    /// Unseals an answer that was kept.
    pub(crate) fn open_answer(
        &self,
        key: Option<&DataKey>,
        call: &Call,
        sealed: &[u8],
    ) -> Result<Vec<u8>, seal::Error> {
        match key {
            Some(key) => key.open(&answer_place(call), sealed),
            None => self.0.open_sealed(&answer_place(call), sealed),
        }
    }

    /// The token of the page after `last`, good for the same list and size alone. It is sealed
    /// because names stand in it, and tokens stand in addresses.
    pub(crate) fn seal_page(&self, list: &str, size: u32, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.0.seal(&page_place(list, size), last.as_bytes()))
    }

    /// What the page before ended with. The first page has no token.
    pub(crate) fn open_page(&self, list: &str, size: u32, token: &str) -> Result<String, Error> {
        if token.is_empty() {
            return Ok(String::new());
        }
        let read = || {
            let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
            let last = self.0.open_sealed(&page_place(list, size), &sealed).ok()?;
            String::from_utf8(last).ok()
        };
        read().ok_or_else(|| Error::invalid("page_token", "PAGE_TOKEN_INVALID"))
    }
}

/// Seals a text of an account.
pub(crate) fn seal_text(key: &DataKey, what: &str, account_id: Uuid, text: &str) -> Vec<u8> {
    key.seal(&place(what, account_id), text.as_bytes())
}

fn open_text(key: &DataKey, what: &str, account_id: Uuid, sealed: &[u8]) -> Result<String, Error> {
    String::from_utf8(key.open(&place(what, account_id), sealed)?).map_err(Error::bad)
}

fn open_email(key: &DataKey, stored: &Stored) -> Result<Option<String>, Error> {
    let sealed = stored.email.as_deref();
    sealed.map(|sealed| open_text(key, "email", stored.account_id, sealed)).transpose()
}

/// Binds what is sealed to where it is kept: moved to another row it can't be opened.
fn place(what: &str, id: Uuid) -> Vec<u8> {
    format!("identity/{what}/{id}").into_bytes()
}

fn answer_place(call: &Call) -> Vec<u8> {
    format!("identity/answer/{}/{}", call.request_id, call.caller).into_bytes()
}

fn page_place(list: &str, size: u32) -> Vec<u8> {
    format!("identity/page/{list}/{size}").into_bytes()
}

/// Makes a file that is never seen half written.
fn make_file(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
