//! Cookies: sealed, so that a visitor's browser keeps what the portal does not.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use liuyan_kit::seal::Keyring;
use serde::{Serialize, de::DeserializeOwned};

use crate::config::Config;

/// The longest value of one cookie; browsers refuse more than 4,096 bytes with name and attributes.
const LONGEST: usize = 3_600;
/// Into how many cookies one value may be divided.
const PARTS: usize = 3;

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Until it is closed.
    Browser,
    /// For so many seconds.
    Seconds(i64),
}

/// Seals and opens cookies.
#[derive(Debug)]
pub(crate) struct Cookies {
    ring: Keyring,
    secure: bool,
}

impl Cookies {
    /// Reads the key file; makes it first if it is missing and may be made.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let path = &config.cookie_key_file;
        if config.generate_keys && !path.exists() {
            make(path).with_context(|| format!("{} cannot be made", path.display()))?;
        }
        Ok(Self { ring: Keyring::open(path)?, secure: config.is_https() })
    }

    /// A secret word of its own for each `what`; it stays the same when keys are rotated.
    pub(crate) fn mark(&self, what: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.ring.blind_index(what))
    }

    /// The cookies of a request, and what is to become of them.
    pub(crate) fn jar(&self, headers: &HeaderMap) -> Jar {
        let mut came = Vec::new();
        for header in headers.get_all(header::COOKIE) {
            let Ok(text) = header.to_str() else { continue };
            came.extend(
                Cookie::split_parse(text.to_owned())
                    .flatten()
                    .take(60)
                    .map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())),
            );
        }
        Jar { came, changed: Mutex::default() }
    }

    /// With https the browser itself sees to it that nobody else sets our cookies (RFC 6265bis,
    /// 4.1.3.2).
    fn full_name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn cookie(&self, name: String, value: String, life: Life) -> Cookie<'static> {
        let mut cookie = Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .build();
        if let Life::Seconds(seconds) = life {
            cookie.set_max_age(cookie::time::Duration::seconds(seconds));
        }
        cookie
    }
}

/// Makes the key file, readable by its owner alone. Of several replicas that make it at once, one
/// wins and the others read what it made.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(Keyring::generate().to_text().as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The cookies of one request, and what is to become of them.
#[derive(Debug)]
pub(crate) struct Jar {
    came: Vec<(String, String)>,
    /// By name, the last change of each.
    changed: Mutex<Vec<Cookie<'static>>>,
}

impl Jar {
    fn changed(&self) -> MutexGuard<'_, Vec<Cookie<'static>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value that is not sealed, as the browser will have it after this answer.
    pub(crate) fn plain(&self, cookies: &Cookies, name: &str) -> Option<String> {
        let name = cookies.full_name(name);
        if let Some(changed) = self.changed().iter().find(|it| it.name() == name) {
            return (!changed.value().is_empty()).then(|| changed.value().to_owned());
        }
        self.came.iter().find(|(it, _)| *it == name).map(|(_, value)| value.clone())
    }

    /// Sets a value that is not sealed.
    pub(crate) fn set_plain(&self, cookies: &Cookies, name: &str, value: &str, life: Life) {
        self.put(cookies.cookie(cookies.full_name(name), value.to_owned(), life));
    }

    /// A sealed value; `None` if there is none, or it can't be opened.
    pub(crate) fn sealed<T: DeserializeOwned>(&self, cookies: &Cookies, name: &str) -> Option<T> {
        let mut text = String::new();
        for part in 0..PARTS {
            let Some(value) = self.plain(cookies, &part_name(name, part)) else { break };
            text.push_str(&value);
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = cookies.ring.open_sealed(name.as_bytes(), &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Seals a value and sets it. A value that no browser would keep is told in the log and not set.
    pub(crate) fn set_sealed<T: Serialize>(
        &self,
        cookies: &Cookies,
        name: &str,
        value: &T,
        life: Life,
    ) {
        let Ok(plain) = serde_json::to_vec(value) else { return };
        let text = URL_SAFE_NO_PAD.encode(cookies.ring.seal(name.as_bytes(), &plain));
        if text.len() > LONGEST * PARTS {
            tracing::warn!(name, length = text.len(), "a cookie is too long to be kept");
            return;
        }
        for part in 0..PARTS {
            let begin = (part * LONGEST).min(text.len());
            let value = &text[begin..(begin + LONGEST).min(text.len())];
            let part_name = part_name(name, part);
            if !value.is_empty() {
                self.set_plain(cookies, &part_name, value, life);
            } else if self.plain(cookies, &part_name).is_some() {
                self.remove_one(cookies, &part_name);
            }
        }
    }

    /// Removes a value.
    pub(crate) fn remove(&self, cookies: &Cookies, name: &str) {
        for part in 0..PARTS {
            let part = part_name(name, part);
            if self.plain(cookies, &part).is_some() {
                self.remove_one(cookies, &part);
            }
        }
    }

    fn remove_one(&self, cookies: &Cookies, name: &str) {
        let name = cookies.full_name(name);
        self.put(cookies.cookie(name, String::new(), Life::Seconds(0)));
    }

    fn put(&self, cookie: Cookie<'static>) {
        let mut changed = self.changed();
        changed.retain(|it| it.name() != cookie.name());
        changed.push(cookie);
    }

    /// Writes what has changed into the headers of the answer. Gives whether anything has.
    pub(crate) fn write(&self, headers: &mut HeaderMap) -> bool {
        let changed = self.changed();
        for cookie in changed.iter() {
            if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        !changed.is_empty()
    }
}

/// The first part bears the name itself.
fn part_name(name: &str, part: usize) -> String {
    if part == 0 { name.to_owned() } else { format!("{name}-{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies() -> Cookies {
        Cookies { ring: Keyring::generate(), secure: true }
    }

    fn returned(jar: &Jar) -> HeaderMap {
        let pairs: Vec<String> = jar
            .changed()
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::try_from(pairs.join("; ")).unwrap());
        headers
    }

    #[test]
    fn a_sealed_value_comes_back_however_long_it_is() {
        let cookies = cookies();
        for length in [0, 10, 2_600, 2_700, 7_000] {
            let jar = cookies.jar(&HeaderMap::new());
            let value = "x".repeat(length);
            jar.set_sealed(&cookies, "session", &value, Life::Browser);
            let back = cookies.jar(&returned(&jar));
            assert_eq!(back.sealed::<String>(&cookies, "session"), Some(value));
            assert_eq!(back.sealed::<String>(&cookies, "other"), None);
        }
    }

    #[test]
    fn a_cookie_of_another_name_or_key_is_none() {
        let (one, other) = (cookies(), cookies());
        let jar = one.jar(&HeaderMap::new());
        jar.set_sealed(&one, "session", &"me", Life::Browser);
        let headers = returned(&jar);
        assert_eq!(other.jar(&headers).sealed::<String>(&other, "session"), None);
        let text = headers[header::COOKIE].to_str().unwrap().replace("session", "form");
        let mut renamed = HeaderMap::new();
        renamed.insert(header::COOKIE, HeaderValue::try_from(text).unwrap());
        assert_eq!(one.jar(&renamed).sealed::<String>(&one, "form"), None);
    }

    #[test]
    fn cookies_are_for_us_alone() {
        let cookies = cookies();
        let jar = cookies.jar(&HeaderMap::new());
        jar.set_sealed(&cookies, "session", &"me", Life::Seconds(60));
        let mut headers = HeaderMap::new();
        jar.write(&mut headers);
        let text = headers[header::SET_COOKIE].to_str().unwrap();
        assert!(text.starts_with("__Host-session="), "{text}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }
}
