//! Under which user Postgres runs.
//!
//! Postgres refuses root. Two ways out, in this order:
//!
//! 1. A user namespace in which root has another number (`unshare --user --map-user`). To the rest of the machine the
//!    process is still root's, so it reads root's home, its files belong to root, and nothing has to be copied or given
//!    away. It holds no capabilities there, so it can do less than root.
//! 2. Where the kernel or a container's filter forbids namespaces, the user `nobody` or `postgres`. That user can't
//!    reach folders under root's home, so data and fetched programs go to [`SHELTER`] if need be.
//!
//! nats-server does not mind root and always runs as the user that starts it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::error::{Error, at};
use crate::process::{ASK_LIMIT, output};

/// Where data and programs go that a lesser user must reach.
const SHELTER: &str = "/var/lib/liuyan";
/// The script behind which a server waits until the guard knows it. If we die before, `read` fails and it ends.
const GATE: &str = r#"read -r word && [ "$word" = go ] && exec "$@" </dev/null"#;
/// Users that exist nearly everywhere. Both `initdb` and Postgres look up the name of their own number, so a number
/// without a name won't do.
const LESSER_USERS: [&str; 2] = ["nobody", "postgres"];

/// The user under which Postgres runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// The one that runs this process; it is not root.
    Own,
    /// Root, under another number inside a user namespace.
    Namespace { uid: u32, gid: u32 },
    /// Another user.
    Lesser { uid: u32, gid: u32 },
}

impl Account {
    /// Finds the account for this process.
    pub(crate) async fn choose() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        let lesser = Self::lesser()?;
        let Self::Lesser { uid, gid } = lesser else { return Ok(lesser) };
        let namespace = Self::Namespace { uid, gid };
        // Trying is the only reliable test: kernels, containers and security modules each have their own switch.
        match output(namespace.command(Path::new("true")), ASK_LIMIT).await {
            Ok(done) if done.status.success() => Ok(namespace),
            _ => Ok(lesser),
        }
    }

    /// The lesser user, for machines without user namespaces.
    pub(crate) fn lesser() -> Result<Self, Error> {
        let user = LESSER_USERS.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.filter(|user| !user.uid.is_root()).ok_or(Error::Root)?;
        Ok(Self::Lesser { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    /// A command that runs `program` under this account.
    pub(crate) fn command(self, program: &Path) -> Command {
        self.wrapped(None, program)
    }

    /// The same behind the gate: it waits for the word `go` on its standard input. See `process::Launch`.
    pub(crate) fn gated(self, program: &Path) -> Command {
        self.wrapped(Some(GATE), program)
    }

    fn wrapped(self, gate: Option<&str>, program: &Path) -> Command {
        let mut words: Vec<String> = Vec::new();
        if let Some(gate) = gate {
            words.extend(["/bin/sh", "-c", gate, "liuyan-gate"].map(str::to_owned));
        }
        if let Self::Namespace { uid, gid } = self {
            words.extend(["unshare".to_owned(), "--user".to_owned()]);
            words.extend([
                format!("--map-user={uid}"),
                format!("--map-group={gid}"),
                "--".to_owned(),
            ]);
        }
        let mut command = match words.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        if let Self::Lesser { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// The mode of the data folder: a lesser user must be able to pass through it to its own part.
    pub(crate) fn folder_mode(self) -> u32 {
        if matches!(self, Self::Lesser { .. }) { 0o711 } else { 0o700 }
    }

    /// Gives a file or folder to this account, if that is another user.
    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Lesser { uid, gid } => {
                chown(path, Some(uid), Some(gid)).map_err(at("giving away", path))
            }
            Self::Own | Self::Namespace { .. } => Ok(()),
        }
    }

    /// The folder in which Postgres keeps its data for `data_dir`: that one, or one in the shelter if this account
    /// can't pass through to it.
    pub(crate) async fn home(self, data_dir: &Path) -> Result<PathBuf, Error> {
        if self.reaches(data_dir).await {
            return Ok(data_dir.to_owned());
        }
        let home = Path::new(SHELTER).join("data").join(one_word(data_dir));
        make_passable(&home)?;
        Ok(home)
    }

    /// A folder of fetched programs this account can use: the given one, or a copy of it in the shelter.
    pub(crate) async fn bring(self, folder: &Path) -> Result<PathBuf, Error> {
        if self.reaches(folder).await {
            return Ok(folder.to_owned());
        }
        let shelter = Path::new(SHELTER).join("cache");
        make_passable(&shelter)?;
        let name = folder.file_name().unwrap_or_default();
        let copy = shelter.join(name);
        if !copy.exists() {
            let part = shelter.join(format!("{}.part-{}", name.display(), std::process::id()));
            copy_folder(folder, &part)?;
            if let Err(source) = fs::rename(&part, &copy) {
                // Another process may have been faster, which is as good.
                let _ = fs::remove_dir_all(&part);
                if !copy.exists() {
                    return Err(at("renaming", &part)(source));
                }
            }
        }
        Ok(copy)
    }

    /// Whether this account can pass through a folder.
    async fn reaches(self, folder: &Path) -> bool {
        if self == Self::Own {
            return true;
        }
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", r#"test -x "$1""#, "sh"]).arg(folder).current_dir("/");
        matches!(output(command, ASK_LIMIT).await, Ok(done) if done.status.success())
    }
}

/// `/root/a-b/c` as one path component, different for different paths.
fn one_word(path: &Path) -> String {
    path.to_string_lossy().trim_matches('/').replace('-', "--").replace('/', "-")
}

/// Makes a folder, and lets everyone pass through what was made.
fn make_passable(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_passable(parent)?;
    }
    fs::create_dir(folder).map_err(at("making", folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).map_err(at("opening up", folder))
}

/// Copies a folder with everything in it; all may read the copy.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(at("making", to))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(at("opening up", to))?;
    for entry in fs::read_dir(from).map_err(at("reading", from))? {
        let entry = entry.map_err(at("reading", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // Links are followed: the copy must not point back into a closed folder.
        let data = fs::metadata(&source).map_err(at("reading", &source))?;
        if data.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(at("copying", &source))?;
            let mode = if data.mode() & 0o111 == 0 { 0o644 } else { 0o755 };
            fs::set_permissions(&target, fs::Permissions::from_mode(mode))
                .map_err(at("opening up", &target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_folders_have_different_words() {
        assert_eq!(one_word(Path::new("/root/.local/share")), "root-.local-share");
        assert_ne!(one_word(Path::new("/root/a-b")), one_word(Path::new("/root/a/b")));
    }

    #[test]
    fn a_server_whose_parent_is_gone_before_the_word_never_runs() {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        for (word, runs) in [("", false), ("g", false), ("go\n", true)] {
            let mut command = Account::Own.gated(Path::new("touch"));
            let mut child =
                command.arg(&trace).stdin(std::process::Stdio::piped()).spawn().unwrap();
            let mut gate = child.stdin.take().unwrap();
            std::io::Write::write_all(&mut gate, word.as_bytes()).unwrap();
            drop(gate);
            child.wait().unwrap();
            assert_eq!(trace.exists(), runs, "{word:?}");
        }
    }

    #[test]
    fn a_namespace_is_entered_by_the_process_itself() {
        let command = Account::Namespace { uid: 7, gid: 8 }.command(Path::new("/bin/postgres"));
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(command.get_program(), "unshare");
        // No --fork: the process id we know must be that of the server.
        assert_eq!(words, ["--user", "--map-user=7", "--map-group=8", "--", "/bin/postgres"]);
    }
}
