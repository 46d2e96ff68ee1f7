//! The guard: a small process that stops the servers when this one is gone, in whatever way.
//!
//! Only a process that is not ours can act after our SIGKILL, and only a pipe tells it reliably: its end is seen the
//! moment the kernel has closed our side. `PR_SET_PDEATHSIG` is no replacement, because it follows the *thread* that
//! started the server and exists on Linux only. See `guard.sh` for what the guard does.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::error::{Error, at};
use crate::process::until;

/// The guard gives a server 15 seconds and then kills it, so it ends within this.
const END_LIMIT: Duration = Duration::from_secs(25);

const SCRIPT: &str = include_str!("guard.sh");

/// A running guard. Dropping it closes the pipe, and the guard goes to work.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    pipe: ChildStdin,
}

impl Guard {
    /// Starts a guard that in the end removes `folder`, if one is given.
    pub(crate) fn start(folder: Option<&Path>) -> Result<Self, Error> {
        let shell = Path::new("/bin/sh");
        // A process group of its own: neither Ctrl-C nor the killing of our group ends it before its work is done.
        // It holds none of our streams, so that whoever reads our output to its end does not wait for the guard.
        let mut child = Command::new(shell)
            .args(["-c", SCRIPT, "liuyan-guard"])
            .arg(folder.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Run { program: shell.to_owned(), source })?;
        match child.stdin.take() {
            Some(pipe) => Ok(Self { child, pipe }),
            None => Err(Error::Run {
                program: shell.to_owned(),
                source: std::io::ErrorKind::BrokenPipe.into(),
            }),
        }
    }

    /// Puts a process under guard. A later one of the same kind takes its place.
    pub(crate) fn watch(&self, kind: &str, pid: u32, mark: &Path) -> Result<(), Error> {
        // One write, so that the guard never reads half a line. `folder::open` has made sure that a path is one line.
        let line = format!("{kind} {pid} {}\n", mark.display());
        (&self.pipe).write_all(line.as_bytes()).map_err(at("telling the guard of", mark))
    }

    /// Lets the guard do what is left to do and waits for its end.
    pub(crate) async fn dismiss(self) {
        let Self { mut child, pipe } = self;
        drop(pipe);
        until(END_LIMIT, || !matches!(child.try_wait(), Ok(None))).await;
    }
}
