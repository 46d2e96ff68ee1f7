//! Which programs are used: the rules of finding and fetching put together.

use std::path::Path;

use crate::account::Account;
use crate::error::Error;
use crate::fetch::{NATS, POSTGRES, POSTGRES_MAJOR};
use crate::find::{self, Program};
use crate::options::Source;
use crate::progress::{Listener, Progress};
use crate::{nats, postgres};

/// A Postgres that can open the data of major version `major`, if there are any, in `data`.
pub(crate) async fn postgres(
    source: Source,
    account: Account,
    major: Option<u32>,
    data: &Path,
    cache: &Path,
    progress: Listener<'_>,
) -> Result<Program, Error> {
    let fits = |at_hand: u32| major.is_none_or(|major| major == at_hand);
    let mut at_hand = Vec::new();
    if source != Source::Fetched {
        let found = found(source, find::all_postgres(account).await)?;
        at_hand.extend(found.iter().map(|program| program.version.to_string()));
        if let Some(program) = found.into_iter().find(|program| fits(program.version.major)) {
            progress(Progress::Found {
                server: postgres::NAME,
                version: program.version.to_string(),
            });
            return Ok(program);
        }
    }
    if source != Source::System && fits(POSTGRES_MAJOR) {
        let folder = account.bring(&POSTGRES.get(cache, progress).await?).await?;
        return runs_here(
            find::ask(account, &POSTGRES.bin(&folder).join("postgres")).await,
            &POSTGRES,
        );
    }
    if source != Source::System {
        at_hand.push(POSTGRES.version.to_owned());
    }
    match major {
        Some(has) if !at_hand.is_empty() => {
            let at_hand = format!("version {}", at_hand.join(" and "));
            Err(Error::WrongMajor { folder: data.to_owned(), has, at_hand })
        }
        _ => Err(Error::NotFound { program: postgres::NAME, floor: "15" }),
    }
}

/// A nats-server.
pub(crate) async fn nats(
    source: Source,
    cache: &Path,
    progress: Listener<'_>,
) -> Result<Program, Error> {
    if source != Source::Fetched
        && let Some(program) = found(source, find::all_nats().await)?.into_iter().next()
    {
        progress(Progress::Found { server: nats::NAME, version: program.version.to_string() });
        return Ok(program);
    }
    if source == Source::System {
        return Err(Error::NotFound { program: nats::NAME, floor: "2.10" });
    }
    let folder = NATS.get(cache, progress).await?;
    runs_here(find::ask(Account::Own, &NATS.bin(&folder).join("nats-server")).await, &NATS)
}

/// One that is too old is an error only for those who want nothing else.
fn found(source: Source, result: Result<Vec<Program>, Error>) -> Result<Vec<Program>, Error> {
    match result {
        Err(Error::TooOld { .. }) if source != Source::System => Ok(Vec::new()),
        other => other,
    }
}

fn runs_here(program: Option<Program>, build: &crate::fetch::Build) -> Result<Program, Error> {
    let cause = || "the fetched programs do not run on this machine".to_owned();
    program.ok_or_else(|| Error::Fetch { name: build.name, version: build.version, cause: cause() })
}
