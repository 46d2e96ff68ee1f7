//! `liuyan reset`: removes the board's folder.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::Path,
};

use crate::{error::Error, output};

/// Removes `dir` after asking.
pub(crate) async fn run(dir: &Path, yes: bool) -> Result<(), Error> {
    if !dir.exists() {
        output::line(format_args!("{} does not exist; there is nothing to remove", dir.display()));
        return Ok(());
    }
    if !liuyan_local::is_data_folder(dir) {
        return Err(Error::Usage(format!(
            "{} does not look like a board's folder; it stays as it is",
            dir.display()
        )));
    }
    if liuyan_local::in_use(dir) {
        return Err(Error::Usage(format!(
            "a board runs in {}; stop it first (Ctrl-C where `liuyan up` runs)",
            dir.display()
        )));
    }
    if !yes && !agreed(dir)? {
        output::line("nothing was removed");
        return Ok(());
    }
    liuyan_local::remove(dir).await.map_err(Error::other(format!("removing {}", dir.display())))?;
    output::line(format_args!("{} was removed", dir.display()));
    Ok(())
}

fn agreed(dir: &Path) -> Result<bool, Error> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::Usage("say --yes to remove a board without being asked".to_owned()));
    }
    output::line(format_args!(
        "All messages, cases and keys in {} will be lost. Type yes to go on:",
        dir.display()
    ));
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(Error::other("reading the answer"))?;
    Ok(answer.trim() == "yes")
}
