//! Where the repository and its build directory are.

use std::env;
use std::path::{Path, PathBuf};

/// Makes the repository's root the current directory, from wherever the task was called.
pub(crate) fn enter() -> Result<(), String> {
    // Cargo sets the variable when it runs this program; the built-in value serves a program started by hand.
    let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&manifest_dir).parent().ok_or("the task runner lies outside the repository")?;
    env::set_current_dir(root).map_err(|error| format!("cannot enter {}: {error}", root.display()))
}

/// The build directory, absolute. The current directory must be the root.
pub(crate) fn target_dir() -> Result<PathBuf, String> {
    let dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::path::absolute(&dir).map_err(|error| format!("cannot find {}: {error}", dir.display()))
}
