//! What a store holds: names first, facts only where they matter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// Proof that a stream of names or claims was read to its end.
///
/// Only this crate makes one, out of a reading whose end was reported without an error. What is not
/// sealed may protect files; it may never condemn one.
#[derive(Debug)]
pub struct Sealed<T>(T);

impl<T> Sealed<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// What was sealed.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was sealed, without the seal.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// The names of the files a store holds, in one block of memory.
#[derive(Debug, Default, Clone)]
pub struct Names {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Names {
    /// Adds a name and returns its index.
    pub fn push(&mut self, key: &[u8]) -> usize {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        self.ends.len() - 1
    }

    /// The name at `index`, which must be below [`Names::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All names, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<'a> FromIterator<&'a Key> for Names {
    fn from_iter<I: IntoIterator<Item = &'a Key>>(keys: I) -> Self {
        let mut names = Self::default();
        for key in keys {
            names.push(key.as_bytes());
        }
        names
    }
}

/// One thing a store says while it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A regular file that may be judged.
    File(&'a [u8]),
    /// Something that is never touched, and why.
    Ignored(&'a [u8], Ignored),
    /// A folder that was not looked into (by configuration, or because it is another file system).
    NotEntered(&'a [u8]),
    /// A part of the store that could not be read: the listing is incomplete.
    Unreadable(&'a [u8], &'a str),
}

/// Why something is never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// Its name begins with a dot.
    Dotfile,
    /// A symbolic link.
    Symlink,
    /// A socket, a pipe or a device.
    Special,
}

/// A listing being made.
#[derive(Debug, Default)]
pub struct ListingBuilder {
    listing: Listing,
    unreadable: Vec<String>,
}

/// What a store held.
#[derive(Debug, Default)]
pub struct Listing {
    /// Regular files.
    pub names: Names,
    /// How many dotfiles were passed over.
    pub dotfiles: u64,
    /// How many symbolic links were passed over.
    pub symlinks: u64,
    /// How many sockets, pipes and devices were passed over.
    pub specials: u64,
    /// Folders that were not looked into.
    pub folders_not_entered: u64,
    /// The first of them, in byte order.
    pub folder_examples: Vec<String>,
}

/// How many examples of anything a report carries.
pub const EXAMPLES_MAX: usize = 20;

impl ListingBuilder {
    /// Takes down one thing.
    pub fn add(&mut self, found: Found<'_>) {
        match found {
            Found::File(key) => drop(self.listing.names.push(key)),
            Found::Ignored(_, Ignored::Dotfile) => self.listing.dotfiles += 1,
            Found::Ignored(_, Ignored::Symlink) => self.listing.symlinks += 1,
            Found::Ignored(_, Ignored::Special) => self.listing.specials += 1,
            Found::NotEntered(key) => {
                self.listing.folders_not_entered += 1;
                keep_smallest(&mut self.listing.folder_examples, crate::key::Escaped(key).to_string(), EXAMPLES_MAX);
            }
            Found::Unreadable(key, cause) => {
                let what = if key.is_empty() { ".".to_owned() } else { crate::key::Escaped(key).to_string() };
                self.unreadable.push(format!("{what}: {cause}"));
            }
        }
    }

    /// Ends the listing.
    ///
    /// # Errors
    /// The parts that could not be read, if any: then nothing may be concluded from what is absent.
    pub fn seal(self) -> Result<Sealed<Listing>, Vec<String>> {
        if self.unreadable.is_empty() { Ok(Sealed::new(self.listing)) } else { Err(self.unreadable) }
    }
}

/// Inserts `item` into a sorted list of at most `max` items without repeats, dropping the largest: the
/// result does not depend on the order of insertion.
pub(crate) fn keep_smallest<T: Ord>(list: &mut Vec<T>, item: T, max: usize) {
    if let Err(at) = list.binary_search(&item)
        && at < max
    {
        list.insert(at, item);
        list.truncate(max);
    }
}

/// A point in time as a file system stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileTime {
    /// Whole seconds since 1970, UTC; may be negative.
    pub secs: i64,
    /// Nanoseconds on top, 0 to 999,999,999.
    pub nanos: u32,
}

impl FileTime {
    /// As a timestamp; `None` for the absurd times some file systems can hold.
    #[must_use]
    pub fn timestamp(self) -> Option<Timestamp> {
        Timestamp::new(self.secs, i32::try_from(self.nanos).ok()?).ok()
    }
}

/// What is known of one file at one moment: enough to tell this file from any other that may later bear
/// its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileFacts {
    /// Device of the file system.
    pub dev: u64,
    /// Inode number; reused as soon as the file is gone, so never enough alone.
    pub ino: u64,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Last change of the content.
    pub mtime: FileTime,
    /// Last change of the inode; a rename moves it too.
    pub ctime: FileTime,
    /// Birth, where the file system records it.
    pub btime: Option<FileTime>,
    /// Names this file has.
    pub links: u64,
}

impl FileFacts {
    /// Whether this is the same file, unchanged, although it was renamed since (which moves ctime).
    #[must_use]
    pub fn is_same_after_rename(&self, before: &Self) -> bool {
        let Self { dev: _, ino, size_bytes, mtime, ctime: _, btime, links: _ } = *self;
        // Device numbers may change between mounts; the store's marker stands for the file system.
        (ino, size_bytes, mtime, btime) == (before.ino, before.size_bytes, before.mtime, before.btime)
    }

    /// Whether this is the same inode, whatever happened to its content.
    #[must_use]
    pub fn is_same_inode(&self, before: &Self) -> bool {
        self.ino == before.ino && self.btime == before.btime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_never_sealed() {
        let mut listing = ListingBuilder::default();
        listing.add(Found::File(b"a.m4a"));
        listing.add(Found::Unreadable(b"private", "permission denied"));
        assert_eq!(listing.seal().unwrap_err(), ["private: permission denied"]);
    }

    #[test]
    fn names_come_back_as_they_went_in() {
        let mut names = Names::default();
        for name in [&b"a"[..], b"\xff\n", b"ccc"] {
            names.push(name);
        }
        assert_eq!(names.iter().collect::<Vec<_>>(), [&b"a"[..], b"\xff\n", b"ccc"]);
    }
}
