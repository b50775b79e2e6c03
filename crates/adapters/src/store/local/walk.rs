//! Listing: names first. Nothing is looked at more closely unless the folder does not say what it is.

use std::mem::MaybeUninit;

use rustix::fs::{self, AtFlags, FileType, RawDir};
use rustix::io::Errno;
use upsweep_plan::listing::{Found, Ignored};

use super::OWN_DIR;
use super::tree::Tree;

/// Room for a few thousand names per call to the system.
const BUFFER_BYTES: usize = 256 * 1024;

/// Gives everything below the root to `sink`. What cannot be read is said, and the rest goes on.
pub(super) fn walk(tree: &Tree, recursive: bool, sink: &mut dyn FnMut(Found<'_>)) {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
    // Folders still to be read, each with its trailing slash; the root is the empty one.
    let mut folders: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        read_folder(tree, &folder, recursive, &mut buffer, &mut folders, sink);
    }
}

fn read_folder(
    tree: &Tree,
    folder: &[u8],
    recursive: bool,
    buffer: &mut [MaybeUninit<u8>],
    folders: &mut Vec<Vec<u8>>,
    sink: &mut dyn FnMut(Found<'_>),
) {
    let path: &[u8] = if folder.is_empty() { b"." } else { folder };
    let named = folder.strip_suffix(b"/").unwrap_or(folder);
    let handle = match tree.open_dir(path) {
        Ok(handle) => handle,
        // It was there a moment ago: removed, or replaced by a link or a mount. Neither is entered.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !folder.is_empty() => {
            return sink(Found::Ignored(named, Ignored::Symlink));
        }
        Err(Errno::XDEV) => return sink(Found::NotEntered(named)),
        Err(errno) => return sink(Found::Unreadable(named, &describe(errno))),
    };
    let mut key = folder.to_vec();
    let mut entries = RawDir::new(&handle, buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) => return sink(Found::Unreadable(named, &describe(errno))),
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." || (folder.is_empty() && name == OWN_DIR.as_bytes()) {
            continue;
        }
        key.truncate(folder.len());
        key.extend_from_slice(name);
        let kind = match entry.file_type() {
            // Some file systems do not say in the listing.
            FileType::Unknown => match fs::statat(&handle, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT) => continue,
                Err(errno) => {
                    sink(Found::Unreadable(&key, &describe(errno)));
                    continue;
                }
            },
            known => known,
        };
        match kind {
            _ if name.starts_with(b".") => sink(Found::Ignored(&key, Ignored::Dotfile)),
            FileType::RegularFile => sink(Found::File(&key)),
            FileType::Directory if recursive => folders.push([key.as_slice(), b"/"].concat()),
            FileType::Directory => sink(Found::NotEntered(&key)),
            FileType::Symlink => sink(Found::Ignored(&key, Ignored::Symlink)),
            _ => sink(Found::Ignored(&key, Ignored::Special)),
        }
    }
}

fn describe(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}
