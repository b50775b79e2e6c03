//! Tests that found no server say so in a log, and pass. A skipped test proves nothing, so the whole then fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::root;

/// Tells tests where to append a line such as `skipped: no postgres`.
pub(crate) const LOG_VARIABLE: &str = "UPSWEEP_SKIPPED_LOG";

/// The log's absolute path.
pub(crate) fn log_path() -> Result<PathBuf, String> {
    Ok(root::target_dir()?.join("skipped-tests.log"))
}

/// Begins an empty log, so that yesterday's lines do not count.
pub(crate) fn start_log() -> Result<(), String> {
    let path = log_path()?;
    let parent = path.parent().ok_or("the build directory has no parent")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, ""))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Prints what was skipped, and fails when anything was.
pub(crate) fn report() -> Result<(), String> {
    let path = log_path()?;
    // No log is no proof that nothing was skipped.
    let log = fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let lines = count_lines(&log);
    for (line, count) in &lines {
        println!("  {line} ({})", plural(*count, "test"));
    }
    match lines.values().sum() {
        0 => Ok(()),
        count => Err(format!("{} proved nothing: start or install what was missing.", plural(count, "test"))),
    }
}

/// Each different line and how often it occurs, in alphabetical order; blank lines do not count.
fn count_lines(log: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    for line in log.lines().map(str::trim).filter(|line| !line.is_empty()) {
        *lines.entry(line).or_default() += 1;
    }
    lines
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_counted_and_blank_ones_are_not() {
        let lines = count_lines("skipped: no postgres\n\nskipped: no mariadb\r\n skipped: no postgres\n");
        assert_eq!(lines.into_iter().collect::<Vec<_>>(), [("skipped: no mariadb", 1), ("skipped: no postgres", 2)]);
    }

    #[test]
    fn an_empty_log_has_no_lines() {
        assert!(count_lines("").is_empty());
        assert!(count_lines("\n \n").is_empty());
    }

    #[test]
    fn one_test_is_not_tests() {
        assert_eq!((plural(1, "test"), plural(2, "test")), ("1 test".to_owned(), "2 tests".to_owned()));
    }
}
