//! `liuyan keyring`: makes the rings whose keys wrap what is personal, and moves them to a service like Vault.

use std::{fs, path::PathBuf};

use liuyan_kit::seal::{Keyring, transit};

use crate::{error::Error, output};

/// What to do with a ring. Each prints the ring; what is printed is secret unless it is wrapped.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes a ring with one key.
    Make,
    /// Adds a key at the end of a ring, where it unwraps only: the first step of a rotation.
    Add {
        /// The ring.
        file: PathBuf,
    },
    /// Wraps all keys of a ring by a service that speaks Vault's transit API, those that it has wrapped already
    /// by the newest version of its key.
    Wrap(Wrap),
}

/// Which ring, and which service.
#[derive(Debug, clap::Args)]
pub(crate) struct Wrap {
    /// The ring.
    file: PathBuf,
    /// The service, as https://vault.example:8200.
    #[arg(long, value_name = "URL")]
    address: String,
    /// The name of its key.
    #[arg(long, value_name = "NAME")]
    key: String,
    /// The file with a token that may encrypt and rewrap.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Where transit is mounted.
    #[arg(long, default_value = "transit")]
    mount: String,
    /// Takes a plain http address.
    #[arg(long)]
    allow_http: bool,
}

/// Runs the command.
pub(crate) async fn run(command: Command) -> Result<(), Error> {
    let ring = match command {
        Command::Make => Keyring::generate().to_text().to_string(),
        Command::Add { file } => with_another(&read(&file)?)?,
        Command::Wrap(wrap) => wrapped(wrap).await?,
    };
    output::line(ring.trim_end());
    Ok(())
}

fn read(file: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(file)
        .map_err(|error| Error::Usage(format!("reading {}: {error}", file.display())))
}

/// The ring with a new key behind the others. Wrapped ones stay as they are.
fn with_another(ring: &str) -> Result<String, Error> {
    let number = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next()? == "key").then(|| words.next()?.parse::<u32>().ok())?
    };
    let lines: Vec<&str> = ring.lines().collect();
    let last = lines.iter().rposition(|line| number(line).is_some());
    let highest = lines.iter().filter_map(|line| number(line)).max();
    let (Some(last), Some(next)) = (last, highest.and_then(|highest| highest.checked_add(1)))
    else {
        return Err(Error::Usage("this is no ring: it has no line `key NUMBER …`".to_owned()));
    };
    let fresh = Keyring::generate().to_text();
    let key = fresh.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    let added = format!("key {next} {key}");
    let (before, after) = lines.split_at(last + 1);
    let all: Vec<&str> =
        before.iter().copied().chain([added.as_str()]).chain(after.iter().copied()).collect();
    Ok(all.join("\n"))
}

async fn wrapped(wrap: Wrap) -> Result<String, Error> {
    let ring = read(&wrap.file)?;
    let settings = transit::Settings {
        address: wrap.address,
        mount: wrap.mount,
        key: wrap.key,
        token_file: wrap.token_file,
        timeout_ms: 10_000,
        allow_http: wrap.allow_http,
    };
    let away = |error: liuyan_kit::seal::Error| Error::Unreachable(error.to_string());
    let service = transit::Transit::open(&settings).map_err(away)?;
    let service = service.ok_or_else(|| Error::Usage("--address names no service".to_owned()))?;
    let wrapped = service.wrap_ring(&ring).await.map_err(away)?;
    // Nobody throws a plain ring away for one that the services can't read.
    service.unwrap_ring(&wrapped).await.map_err(away)?;
    Ok(wrapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_added_behind_the_others_and_wraps_nothing_yet() {
        let ring = Keyring::generate();
        let sealed = ring.seal(b"place", b"words");
        let text = format!("# Of the board\n{}", *ring.to_text());
        let more = with_another(&text).unwrap();
        assert_eq!(more.lines().filter(|line| line.starts_with("key ")).count(), 2);
        let more = Keyring::parse(&more).unwrap();
        assert_eq!(
            (more.current(), more.open_sealed(b"place", &sealed).unwrap().as_slice()),
            (1, b"words".as_slice())
        );
        let wrapped = "key 7 vault:v1:x\nindex vault:v1:y\n";
        let more = with_another(wrapped).unwrap();
        assert!(
            more.starts_with("key 7 vault:v1:x\nkey 8 ") && more.ends_with("index vault:v1:y"),
            "{more}"
        );
        assert!(with_another("index x").is_err());
    }
}
