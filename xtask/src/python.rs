//! A Python of the tests' own, in the build directory, with the packages that `xtask/requirements.txt` pins.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{root, tools};

/// What is installed, from the repository's root.
const REQUIREMENTS: &str = "xtask/requirements.txt";

/// Copied here last of all: where it is the same as the above, everything was installed.
const STAMP: &str = "requirements.txt";

const NEEDED: &str = "tokens are made by PyJWT, and schemathesis tries the service's API";

/// Makes the virtual environment, unless it is there as it should be. The current directory must be the root.
pub(crate) fn provide() -> Result<(), String> {
    let dir = root::target_dir()?.join("tools/python");
    let wanted = fs::read_to_string(REQUIREMENTS).map_err(|error| format!("cannot read {REQUIREMENTS}: {error}"))?;
    if !is_made(&dir, &wanted) {
        provide_venv()?;
        make(&dir, &wanted)?;
    }
    println!("  found    Python packages of {REQUIREMENTS} ({NEEDED})");
    Ok(())
}

/// Whether `dir` holds a working Python with just these packages.
fn is_made(dir: &Path, wanted: &str) -> bool {
    let answers = || {
        let python = Command::new(dir.join("bin/python")).args(["-c", "import jwt, schemathesis"]).output();
        python.is_ok_and(|said| said.status.success())
    };
    // It answers no more after the system's Python went to another version.
    fs::read_to_string(dir.join(STAMP)).is_ok_and(|made| made == wanted) && answers()
}

/// Debian has `venv` in a package of its own.
fn provide_venv() -> Result<(), String> {
    let has_venv =
        || Command::new("python3").args(["-c", "import ensurepip, venv"]).output().is_ok_and(|it| it.status.success());
    if has_venv() {
        return Ok(());
    }
    tools::apt_get_install(&["python3-venv"]).map_err(|reason| format!("{reason}\n{}", advice()))?;
    if has_venv() { Ok(()) } else { Err(advice()) }
}

fn advice() -> String {
    format!(
        "Please install Python 3.10 or newer with its modules venv and ensurepip, then run this again: {NEEDED}\n      \
         on Debian: apt-get install python3-venv"
    )
}

fn make(dir: &Path, wanted: &str) -> Result<(), String> {
    let text = dir.to_str().ok_or_else(|| format!("{} is not written in UTF-8", dir.display()))?;
    tools::run(&["python3", "-m", "venv", "--clear", text])?;
    let python = format!("{text}/bin/python");
    let install = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--requirement", REQUIREMENTS];
    tools::run(&[&[python.as_str()], install.as_slice()].concat())?;
    fs::write(dir.join(STAMP), wanted).map_err(|error| format!("cannot write {text}/{STAMP}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// An environment whose Python ends with this code.
    fn environment(exit_code: u8) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let python = dir.path().join("bin/python");
        fs::write(&python, format!("#!/bin/sh\nexit {exit_code}\n")).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join(STAMP), "a==1\n").unwrap();
        dir
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        assert!(is_made(environment(0).path(), "a==1\n"));
    }

    #[test]
    fn other_pins_a_broken_python_and_none_at_all_are_made_anew() {
        assert!(!is_made(environment(0).path(), "a==2\n"));
        assert!(!is_made(environment(1).path(), "a==1\n"));
        assert!(!is_made(Path::new("/nowhere"), "a==1\n"));
    }

    #[test]
    fn every_package_is_pinned() {
        let text = include_str!("../requirements.txt");
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(line.contains("=="), "{line}");
        }
        assert!(text.contains("PyJWT==") && text.contains("schemathesis==4."));
    }
}
