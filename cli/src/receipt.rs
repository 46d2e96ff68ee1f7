//! `liuyan receipt`: what a citizen holds is checked, with nothing of the board but its public key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use liuyan_intake::domain::{
    log::head::Head,
    receipt::{self, Facts, file::Kept},
};
use serde::Serialize;

use crate::{args::Output, error::Error, output};

mod inclusion;
mod keyring;

use keyring::Keyring;

/// What to do with a receipt.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Checks that the board signed a receipt, without asking the board.
    #[command(
        after_help = "FILE is a receipt as the pages give it, as text or JSON.\nThe board's keys are published at /.well-known/liuyan-keys.json.\n\nExamples:\n  liuyan receipt verify receipt.txt --key liuyan-keys.json\n  liuyan receipt verify receipt.txt --key 0b7c…  --log=http://board.example.org:50051\n  liuyan receipt verify receipt.txt --key liuyan-keys.json --proof proof.txt\n  liuyan receipt verify receipt.txt --key new.pem --key old.pem\n  liuyan receipt verify receipt.txt --log --head kept-checkpoint.txt\n\nExit codes: 0 it is genuine, 1 it is not (or not in the log), 2 wrong usage, 3 the board cannot be reached."
    )]
    Verify(Verify),
}

/// How to check a receipt.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The receipt.
    file: PathBuf,
    /// The board's public key: a PEM file, the published JSON file, or 64 hexadecimal digits. May be
    /// named several times: a receipt that was signed before the board changed its key needs the earlier
    /// one. That of the board in the data folder if left out.
    #[arg(long, value_name = "FILE|KEY")]
    key: Vec<String>,
    /// Also asks the board for a proof that its log has the receipt: the board in the data folder,
    /// or the gRPC address of another one's intake.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true)]
    log: Option<Option<String>>,
    /// Also checks a proof of the log that was saved, without asking the board.
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    proof: Option<PathBuf>,
    /// The public key of the log, `name+id+key`. If left out: that of the published JSON file, or of
    /// the board in the data folder, or what the board says.
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// Also checks that the log continues a signed head that was kept, as /api/v1/log/checkpoint gives
    /// it: nothing was taken back or changed since then.
    #[arg(long, value_name = "FILE", requires = "log")]
    head: Option<PathBuf>,
}

/// What a genuine receipt states, and where the log has it.
#[derive(Debug, Serialize)]
struct Genuine {
    board: String,
    message_id: String,
    number: String,
    office_id: String,
    submitted_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    content_hash: String,
    key_id: String,
    leaf_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Logged>,
}

/// Where the log has it.
#[derive(Debug, Serialize)]
struct Logged {
    index: u64,
    tree_size: u64,
    root_hash: String,
    /// Whether the log's key was known before, and not told by the board just now.
    key_known: bool,
    /// The size of the head that was kept and that the log continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    continues: Option<u64>,
}

/// What was found of the log.
struct Found {
    index: u64,
    head: Head,
    key_known: bool,
    continues: Option<u64>,
}

/// Does what was asked.
pub(crate) async fn run(dir: &Path, command: Command, output: Output) -> Result<(), Error> {
    let Command::Verify(options) = command;
    let bytes = fs::read(&options.file).map_err(|error| {
        Error::Usage(format!("{} cannot be read: {error}", options.file.display()))
    })?;
    let keyring = Keyring::open(dir, &options)?;
    let kept = Kept::parse(&bytes).map_err(check)?;
    let facts = kept.facts().map_err(check)?;
    signed(&kept, &keyring)?;
    let log = match (&options.log, &options.proof) {
        (Some(address), _) => {
            let head = options.head.as_deref();
            let leaf = kept.leaf_hash();
            Some(inclusion::ask(dir, address.as_deref(), &leaf, &keyring, head).await?)
        }
        (None, Some(file)) => Some(inclusion::saved(file, &kept.leaf_hash(), &keyring)?),
        (None, None) => None,
    };
    tell(&genuine(&kept, &facts, log), output);
    Ok(())
}

fn check(fault: impl std::fmt::Display) -> Error {
    Error::Check(fault.to_string())
}

fn signed(kept: &Kept, keyring: &Keyring) -> Result<(), Error> {
    let Some(key) = keyring.receipt_key(&kept.key_id) else {
        return Err(Error::Check(format!(
            "the receipt names the key {}, and the key that is known is {}: it is of another board, \
             or of a time with another key",
            kept.key_id,
            keyring.key_ids()
        )));
    };
    if receipt::verify(&kept.statement, &kept.signature, &key) {
        Ok(())
    } else {
        Err(Error::Check(
            "the signature is not that of the board: the receipt was changed or made up".to_owned(),
        ))
    }
}

fn genuine(kept: &Kept, facts: &Facts<'_>, log: Option<Found>) -> Genuine {
    Genuine {
        board: facts.board.to_owned(),
        message_id: facts.message_id.to_string(),
        number: facts.number.to_string(),
        office_id: facts.office_id.to_owned(),
        submitted_at: facts.submitted_at,
        occurred_at: facts.occurred_at,
        content_hash: hex::encode(facts.content_hash),
        key_id: kept.key_id.clone(),
        leaf_hash: hex::encode(kept.leaf_hash()),
        log: log.map(|found| Logged {
            index: found.index,
            tree_size: found.head.size,
            root_hash: hex::encode(found.head.root_hash),
            key_known: found.key_known,
            continues: found.continues,
        }),
    }
}

fn tell(genuine: &Genuine, output: Output) {
    if output == Output::Json {
        return output::json(genuine);
    }
    output::line(format_args!(
        "genuine: the board {} signed that it received message {} for office {} at {}",
        genuine.board, genuine.number, genuine.office_id, genuine.submitted_at
    ));
    if let Some(at) = genuine.occurred_at {
        output::line(format_args!("it was written in another system at {at}"));
    }
    let Some(log) = &genuine.log else { return };
    output::line(format_args!(
        "in the log: entry {} of {}, under the signed root {}",
        log.index, log.tree_size, log.root_hash
    ));
    if let Some(size) = log.continues {
        output::line(format_args!("the log continues the head of {size} entries that was kept"));
    }
    if !log.key_known {
        output::line(
            "the log's key was told by the board just now: compare it with a published one",
        );
    }
}
