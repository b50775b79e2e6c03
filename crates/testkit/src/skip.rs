//! Tests that cannot run here say so, loudly enough for the task runner.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Notes that a test is skipped because of `why` (`no postgres`).
///
/// The line goes to standard error and, where `UPSWEEP_SKIPPED_LOG` names a file, to the end of that file, so
/// that whoever wants every test to run can fail on it: a test runner shows skipped tests as passed.
///
/// # Panics
/// When the log cannot be written: a skip must not go unnoticed.
pub fn skip(why: &str) {
    let line = format!("skipped: {why}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("UPSWEEP_SKIPPED_LOG") {
        let mut file = OpenOptions::new().append(true).create(true).open(log).expect("open UPSWEEP_SKIPPED_LOG");
        file.write_all(line.as_bytes()).expect("write UPSWEEP_SKIPPED_LOG");
    }
}
