//! The client's own record of what was acknowledged, on the disk before it is believed.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// One acknowledgement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The request that was acknowledged.
    pub(crate) request_id: Uuid,
    /// The message that it made.
    pub(crate) message_id: Uuid,
    /// Its public number.
    pub(crate) number: String,
    /// The hash of its text, hexadecimal.
    pub(crate) content_hash: String,
    /// The office's reply, once that was acknowledged too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply_id: Option<Uuid>,
}

/// The folder of all journals of a board.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("imports")
}

/// The journal of one file.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    entries: HashMap<Uuid, Entry>,
}

impl Journal {
    /// Opens the journal of the file whose hash this is.
    pub(super) fn open(data_dir: &Path, name: &str, sha: &str) -> Result<Self, Error> {
        let folder = folder(data_dir);
        fs::create_dir_all(&folder)
            .map_err(Error::other(format!("making {}", folder.display())))?;
        let path = folder.join(format!("{name}-{}.jsonl", &sha[..16]));
        let (known, whole) = if path.exists() { read(&path)? } else { (Vec::new(), 0) };
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            // A line that a crash cut short was never believed.
            file.set_len(whole)?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(|error: std::io::Error| {
            Error::other(format!("opening {}", path.display()))(error)
        })?;
        let entries = known.into_iter().map(|entry| (entry.request_id, entry)).collect();
        Ok(Self { file, path, entries })
    }

    /// What is known of a request.
    pub(super) fn get(&self, request_id: &Uuid) -> Option<&Entry> {
        self.entries.get(request_id)
    }

    /// Writes acknowledgements down and returns when they are on the disk.
    pub(super) fn append(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry).map_err(Error::other("the journal"))?;
            lines.push(b'\n');
        }
        self.file
            .write_all(&lines)
            .and_then(|()| self.file.sync_data())
            .map_err(Error::other(format!("writing {}", self.path.display())))?;
        self.entries.extend(entries.into_iter().map(|entry| (entry.request_id, entry)));
        Ok(())
    }
}

/// The whole entries of a journal, and how many bytes they take.
fn read(path: &Path) -> Result<(Vec<Entry>, u64), Error> {
    let reading = format!("reading {}", path.display());
    let file = File::open(path).map_err(Error::other(reading.clone()))?;
    let mut reader = BufReader::new(file);
    let (mut entries, mut whole, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(Error::other(reading.clone()))?;
        if length == 0 || line.last() != Some(&b'\n') {
            return Ok((entries, whole));
        }
        entries.push(serde_json::from_slice(&line).map_err(Error::other(reading.clone()))?);
        whole += length as u64;
    }
}

/// Everything that was ever acknowledged to an import into this board.
pub(crate) fn entries(data_dir: &Path) -> Result<Vec<Entry>, Error> {
    let mut entries: HashMap<Uuid, Entry> = HashMap::new();
    let Ok(files) = fs::read_dir(folder(data_dir)) else { return Ok(Vec::new()) };
    for file in files.flatten() {
        let path = file.path();
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".jsonl") && !name.ends_with(".refused.jsonl") {
            for entry in read(&path)?.0 {
                entries.insert(entry.request_id, entry);
            }
        }
    }
    Ok(entries.into_values().collect())
}
