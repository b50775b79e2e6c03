//! The Python that `cargo xtask test` makes in the build directory, with the packages of `xtask/requirements.txt`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skip;

/// A Python with PyJWT and schemathesis.
#[derive(Debug)]
pub struct Python {
    bin: PathBuf,
}

impl Python {
    /// `None`, with a note that a test was skipped, where it was not made: `cargo xtask test` does.
    #[must_use]
    pub fn find() -> Option<Self> {
        let exe = std::env::current_exe().unwrap_or_default();
        let mut bins = exe.ancestors().map(|folder| folder.join("tools/python/bin"));
        let bin = bins.find(|bin| bin.join("python").is_file());
        if bin.is_none() {
            skip("no Python with PyJWT and schemathesis");
        }
        Some(Self { bin: bin? })
    }

    /// One of its programs: `python`, `schemathesis`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Runs `script`, gives it `input`, and returns what it wrote to standard output.
    ///
    /// # Panics
    /// When it cannot be started or fails.
    #[must_use]
    pub fn run(&self, script: &Path, input: &str) -> String {
        let mut python = Command::new(self.program("python"));
        python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut python = python.spawn().expect("start Python");
        // Small enough for the pipe, so that nobody waits for anybody.
        python.stdin.take().expect("its standard input").write_all(input.as_bytes()).expect("write to Python");
        let output = python.wait_with_output().expect("wait for Python");
        assert!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("Python writes UTF-8")
    }
}
