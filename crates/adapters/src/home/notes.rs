//! Notes about bound stores, one small file each, outside the stores.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use upsweep_engine::ports::Noted;

#[derive(Serialize, Deserialize)]
struct Note {
    address: String,
    store_id: String,
}

fn path_of(dir: &Path, address: &str) -> PathBuf {
    let name = blake3::hash(address.as_bytes()).to_hex();
    dir.join("stores").join(format!("{}.json", &name[..32]))
}

pub(super) fn read(dir: &Path, address: &str) -> Result<Option<Noted>, String> {
    let path = path_of(dir, address);
    let damaged = |cause: String| {
        format!(
            "the note {} about the store {address} cannot be read: {cause}; mend it, or set UPSWEEP_STATE_DIR to another folder that lasts",
            path.display()
        )
    };
    match fs::read(&path) {
        Ok(json) => {
            let note: Note = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
            let location = path.display().to_string();
            Ok((note.address == address).then_some(Noted { store_id: note.store_id, location }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(damaged(error.to_string())),
    }
}

/// Writes a note under a fresh name first, so that a crash never leaves half of one.
#[expect(clippy::disallowed_methods, reason = "replaces Upsweep's own note, and nothing else")]
pub(super) fn write(dir: &Path, address: &str, store_id: &str) -> Result<(), String> {
    let path = path_of(dir, address);
    let fail = |error: std::io::Error| {
        format!(
            "cannot note the store {address} in {}: {error}; make that folder writable, or set UPSWEEP_STATE_DIR to another one that lasts",
            path.display()
        )
    };
    let folder = dir.join("stores");
    fs::create_dir_all(&folder).map_err(fail)?;
    let note = Note { address: address.to_owned(), store_id: store_id.to_owned() };
    let json = serde_json::to_vec_pretty(&note).map_err(|error| error.to_string())?;
    let fresh = path.with_extension(format!("{store_id}.new"));
    let mut file = fs::File::create(&fresh).map_err(fail)?;
    file.write_all(&json).and_then(|()| file.sync_all()).map_err(fail)?;
    fs::rename(&fresh, &path).map_err(fail)?;
    fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(fail)
}
