//! The machine that the command runs on.

use std::{fs, path::Path, thread};

use nix::sys::statvfs::statvfs;

use super::{Finding, Findings, State};

/// Below this share of free room a disk fills within days.
const LITTLE: f64 = 0.10;
/// Below this share Postgres may stop at any moment.
const NONE: f64 = 0.02;
/// Each connection, stream and file is a descriptor.
const DESCRIPTORS: u64 = 4_096;

/// Looks at processors, open files and, where a board lies, the room on its disk.
pub(super) fn examine(board: Option<&Path>) -> Vec<Finding> {
    let mut findings = Findings::of("machine");
    let processors = thread::available_parallelism().map_or(1, usize::from);
    findings.add("processors", State::Ok, format!("{processors} may be used"), "");
    if let Some(limit) = open_files() {
        let state = if limit < DESCRIPTORS { State::Warning } else { State::Ok };
        let advice =
            "Raise the limit of open files (ulimit -n, LimitNOFILE): every connection is one.";
        findings.add("open files", state, format!("{limit} for one process"), advice);
    }
    if let Some(dir) = board {
        room(&mut findings, dir);
    }
    findings.found
}

/// How many files a process may open, where the system tells.
fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn room(findings: &mut Findings<'_>, dir: &Path) {
    let advice =
        "Make room on the disk of the board's folder; messages are refused when it is full.";
    match statvfs(dir) {
        Ok(disk) => {
            let (all, free) = (disk.blocks() as f64, disk.blocks_available() as f64);
            let share = if all > 0.0 { free / all } else { 0.0 };
            let state = match share {
                share if share < NONE => State::Failed,
                share if share < LITTLE => State::Warning,
                _ => State::Ok,
            };
            let gigabytes = free * disk.fragment_size() as f64 / 1e9;
            let detail = format!("{gigabytes:.1} GB free, {:.0} %", share * 100.0);
            findings.add("disk", state, detail, advice);
        }
        Err(error) => findings.add("disk", State::Failed, error.to_string(), advice),
    }
}
