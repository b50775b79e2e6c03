//! House rules that neither the compiler nor clippy checks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{invariants, links};

/// Longer files hold more than one story.
const MAX_LINES: usize = 400;

/// Rust files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Not part of the project, whatever lies there.
const FOREIGN: &[&str] = &[".git", ".env", ".idea", ".vscode", "target"];

/// Marks of unfinished work. Split, so that this file does not complain about itself.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("todo", "!"), concat!("unimplemented", "!")];

/// Beginnings of paths that exist on one person's machine only.
const PRIVATE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/tmp/", "bash"),
];

/// Checks every file below the current directory, which must be the repository's root.
pub(crate) fn check() -> Result<(), String> {
    let mut paths = Vec::new();
    list(Path::new("."), &mut paths).map_err(|error| format!("cannot list the repository: {error}"))?;
    paths.sort();

    let mut complaints = Vec::new();
    let mut texts = Vec::new();
    for path in &paths {
        let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path.strip_prefix(".").unwrap_or(path).to_string_lossy().replace('\\', "/");
        // Recordings and other binaries have no lines to check.
        if let Ok(text) = String::from_utf8(bytes) {
            complaints.extend(complaints_about(&name, &text, LONG_FILES));
            texts.push((name, text));
        }
    }
    let document = texts.iter().find(|(name, _)| name == "ARCHITECTURE.md").map_or("", |(_, text)| text.as_str());
    let sources = texts.iter().filter(|(name, _)| name.ends_with(".rs")).map(|(_, text)| text.as_str());
    complaints.extend(invariants::complaints(document, sources));
    let pages = texts.iter().map(|(name, _)| name).filter(|name| name.ends_with(".md"));
    complaints.extend(pages.flat_map(|name| links::complaints(name, &texts)));
    let gone = LONG_FILES.iter().filter(|(name, _)| !Path::new(name).is_file());
    complaints.extend(gone.map(|(name, _)| format!("{name}: listed as long, but there is no such file")));

    for complaint in &complaints {
        println!("  {complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("{count} to put right, out of {} files.", paths.len())),
    }
}

fn list(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if FOREIGN.iter().any(|foreign| entry.file_name() == *foreign) {
            continue;
        }
        let file_type = entry.file_type()?;
        if file_type.is_dir() {
            list(&entry.path(), paths)?;
        } else if file_type.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// What is wrong with one file, `name` being its path from the root.
fn complaints_about(name: &str, text: &str, long_files: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    if name.ends_with(".rs") {
        complaints.extend(complaint_about_length(name, text.lines().count(), long_files));
    }
    if name.ends_with("/Cargo.toml") && !has_workspace_lints(text) {
        complaints.push(format!("{name}: add `[lints]` with `workspace = true`"));
    }
    for (index, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", index + 1);
        let unfinished = UNFINISHED.iter().filter(|mark| name.ends_with(".rs") && line.contains(**mark));
        complaints.extend(unfinished.map(|mark| format!("{at}: finish it, or open an issue: {mark}")));
        let private = PRIVATE_PATHS.iter().filter(|path| has_path(line, path));
        complaints.extend(private.map(|path| format!("{at}: a path of somebody's own machine: {path}…")));
    }
    complaints
}

fn complaint_about_length(name: &str, lines: usize, long_files: &[(&str, &str)]) -> Option<String> {
    let listed = long_files.iter().any(|(long, _)| *long == name);
    match (lines > MAX_LINES, listed) {
        (true, false) => Some(format!("{name}: {lines} lines; split it at a seam (the limit is {MAX_LINES})")),
        (false, true) => Some(format!("{name}: listed as long, but has only {lines} lines; take it off the list")),
        (true, true) | (false, false) => None,
    }
}

fn has_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == "workspace = true")
}

/// Whether `path` begins a path in `line`, rather than lying inside a longer one such as an address.
fn has_path(line: &str, path: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "._-/}".contains(before);
    line.match_indices(path).any(|(at, _)| !line[..at].chars().next_back().is_some_and(inside))
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
