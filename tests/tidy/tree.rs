//! The checkout, read.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Folders that hold no source of ours.
const NOT_OURS: [&str; 4] = ["target", ".git", ".liuyan", "node_modules"];

/// The folder of the workspace. Asked at run time, so that the checks can be tried on a copy.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap());
    here.parent().unwrap().to_owned()
}

/// The folders of the services.
pub(crate) fn services() -> Vec<PathBuf> {
    let mut services: Vec<PathBuf> = fs::read_dir(root().join("services"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    services.sort();
    assert!(services.len() >= 4, "the services are found: {services:?}");
    services
}

/// A file of Rust.
pub(crate) struct Source {
    /// Its path from the root, with slashes.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

impl Source {
    /// Whether it belongs to a library or program, not to tests beside one.
    pub(crate) fn is_product(&self) -> bool {
        self.path.contains("/src/") && !self.path.ends_with("/tests.rs")
    }

    /// The lines that are product code, with their numbers: neither comments nor the test module at the end.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// All Rust files of the workspace.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(sources.len() > 100, "the sources are found: {}", sources.len());
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_ref()) {
                collect(root, &path, sources);
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            sources.push(Source { path, text });
        }
    }
}

/// Fails with everything that was found.
pub(crate) fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}
