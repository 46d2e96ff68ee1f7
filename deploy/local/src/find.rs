//! Finding servers that are installed on this machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::Error;
use crate::process::{ASK_LIMIT, output};

/// The oldest Postgres that will do: the services' SQL is written for it.
pub(crate) const POSTGRES_FLOOR: Version = Version { major: 15, minor: 0 };
/// The oldest nats-server that will do. Debian 12 ships 2.9.
pub(crate) const NATS_FLOOR: Version = Version { major: 2, minor: 10 };

/// The first two numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
}

/// All usable installations of Postgres, in the order of preference. `path` is that of `postgres`; `initdb` lies beside.
pub(crate) async fn all_postgres(account: Account) -> Result<Vec<Program>, Error> {
    let mut folders = search_path();
    folders.extend(versioned(Path::new("/usr/lib/postgresql"), "", "bin"));
    folders.extend(versioned(Path::new("/usr"), "pgsql-", "bin"));
    folders.extend(versioned(Path::new("/opt/homebrew/opt"), "postgresql@", "bin"));
    folders.extend(versioned(Path::new("/usr/local/opt"), "postgresql@", "bin"));
    if let Ok(said) = output(with_argument("pg_config", "--bindir"), ASK_LIMIT).await {
        folders.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    let paths = folders
        .iter()
        .filter(|folder| folder.join("initdb").is_file())
        .map(|folder| folder.join("postgres"));
    let found = ask_all(account, paths).await;
    good_or_too_old(found, POSTGRES_FLOOR, "15")
}

/// All usable installations of nats-server, in the order of preference.
pub(crate) async fn all_nats() -> Result<Vec<Program>, Error> {
    let mut folders = search_path();
    folders.extend(env::var_os("GOBIN").map(PathBuf::from));
    folders.extend(
        env::var_os("GOPATH").iter().flat_map(env::split_paths).map(|path| path.join("bin")),
    );
    folders.extend(env::home_dir().map(|home| home.join("go/bin")));
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found =
        ask_all(Account::Own, folders.iter().map(|folder| folder.join("nats-server"))).await;
    good_or_too_old(found, NATS_FLOOR, "2.10")
}

/// Asks a program for its version; nothing if it does not run or says something else.
pub(crate) async fn ask(account: Account, path: &Path) -> Option<Program> {
    let mut command = account.command(path);
    command.arg("--version").current_dir("/");
    let said = output(command, ASK_LIMIT).await.ok().filter(|said| said.status.success())?;
    let version = version_in(&String::from_utf8_lossy(&said.stdout))?;
    Some(Program { path: path.to_owned(), version })
}

async fn ask_all(account: Account, paths: impl Iterator<Item = PathBuf>) -> Vec<Program> {
    let mut found: Vec<Program> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in paths {
        // Folders that are links to one another are asked once.
        let Ok(real) = fs::canonicalize(&path) else { continue };
        if path.is_absolute() && real.is_file() && !seen.contains(&real) {
            seen.push(real);
            found.extend(ask(account, &path).await);
        }
    }
    found
}

/// The usable ones; an error if there are only unusable ones, nothing if there is none at all.
fn good_or_too_old(
    found: Vec<Program>,
    floor: Version,
    floor_name: &'static str,
) -> Result<Vec<Program>, Error> {
    let (good, old): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|program| program.version >= floor);
    match old.into_iter().next() {
        Some(old) if good.is_empty() => {
            Err(Error::TooOld { path: old.path, found: old.version.to_string(), floor: floor_name })
        }
        _ => Ok(good),
    }
}

fn search_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

fn with_argument(program: &str, argument: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(argument);
    command
}

/// Folders like `base/prefix17/last`, the newest first.
fn versioned(base: &Path, prefix: &str, last: &str) -> Vec<PathBuf> {
    let names: Vec<OsString> = fs::read_dir(base)
        .map(|list| list.flatten().map(|entry| entry.file_name()).collect())
        .unwrap_or_default();
    let mut numbered: Vec<(u32, OsString)> = names
        .into_iter()
        .filter_map(|name| Some((name.to_str()?.strip_prefix(prefix)?.parse().ok()?, name)))
        .collect();
    numbered.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    numbered.into_iter().map(|(_, name)| base.join(name).join(last)).collect()
}

/// The first thing in `text` that looks like a version, as in `postgres (PostgreSQL) 15.14 (Debian …)` or
/// `nats-server: v2.14.6`.
fn version_in(text: &str) -> Option<Version> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches('v').split('.').map(leading_number);
        let major = numbers.next()??;
        Some(Version { major, minor: numbers.next().flatten().unwrap_or(0) })
    })
}

/// The number a word begins with, as in `18beta1`.
fn leading_number(word: &str) -> Option<u32> {
    let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    word[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32) -> Option<Version> {
        Some(Version { major, minor })
    }

    #[test]
    fn versions_are_read_from_what_the_servers_say() {
        assert_eq!(
            version_in("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            version(15, 14)
        );
        assert_eq!(version_in("postgres (PostgreSQL) 19beta1\n"), version(19, 0));
        assert_eq!(version_in("nats-server: v2.9.10\n"), version(2, 9));
        assert_eq!(version_in("nats-server: v2.14.6\n"), version(2, 14));
        assert_eq!(version_in("command not found"), None);
    }

    #[test]
    fn a_nats_server_below_the_floor_is_refused_with_its_version() {
        let old = Program {
            path: "/usr/bin/nats-server".into(),
            version: Version { major: 2, minor: 9 },
        };
        let new =
            Program { path: "/opt/nats-server".into(), version: Version { major: 2, minor: 10 } };
        let both = good_or_too_old(vec![old.clone(), new.clone()], NATS_FLOOR, "2.10").unwrap();
        assert_eq!(both, [new]);
        let sentence = good_or_too_old(vec![old], NATS_FLOOR, "2.10").unwrap_err().to_string();
        assert!(
            sentence.contains("/usr/bin/nats-server is version 2.9, but 2.10 or newer is needed"),
            "{sentence}"
        );
        assert!(good_or_too_old(vec![], NATS_FLOOR, "2.10").unwrap().is_empty());
    }

    #[test]
    fn the_newest_of_several_installations_comes_first() {
        let base = tempfile::tempdir().unwrap();
        for name in ["9", "17", "15", "common"] {
            fs::create_dir(base.path().join(name)).unwrap();
        }
        let expected: Vec<_> =
            ["17", "15", "9"].map(|name| base.path().join(name).join("bin")).into();
        assert_eq!(versioned(base.path(), "", "bin"), expected);
    }
}
