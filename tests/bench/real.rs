//! Real messages, which are never part of the project: they are read from a folder beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Where they are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Folder {
    /// The folder with the open data sets; nothing can be measured without.
    #[arg(long, env = "LIUYAN_REAL_DATA")]
    data: Option<PathBuf>,
}

impl Folder {
    /// The named columns of a file of the folder, row by row.
    ///
    /// # Errors
    /// If no folder is given, or the file lacks a column.
    pub(crate) fn rows<const N: usize>(
        &self,
        file: &str,
        columns: [&str; N],
    ) -> anyhow::Result<Vec<[String; N]>> {
        let Some(folder) = &self.data else {
            bail!("not measured: no folder with {file} is given (--data or LIUYAN_REAL_DATA)");
        };
        read(&folder.join(file), columns).with_context(|| file.to_owned())
    }
}

fn read<const N: usize>(path: &Path, columns: [&str; N]) -> anyhow::Result<Vec<[String; N]>> {
    let mut reader = csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let found = header.iter().position(|name| name == column);
        *place = found.with_context(|| format!("there is no column {column}"))?;
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row?;
        rows.push(places.map(|place| row.get(place).unwrap_or_default().to_owned()));
    }
    Ok(rows)
}
