//! A directory as an archive: `<root>/<store id>/<run>/`, with the copies and `index.jsonl` in it. Folders are for
//! their owner alone, and so are files. The layout is documented in `docs/archives.md`.
#![expect(clippy::disallowed_methods, reason = "publishes drafts without replacing anything, and removes drafts")]

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, Access, Advice, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use upsweep_engine::ports::{Archive, ArchiveError, Compression, CopyName, IndexLine, Published};

use super::index;

/// The list of a run's copies.
const INDEX: &str = "index.jsonl";

/// How hard to compress: what the format's authors recommend.
const LEVEL: i32 = 3;

/// A directory as an archive.
#[derive(Debug)]
pub struct LocalArchive {
    path: PathBuf,
    compression: Compression,
}

impl LocalArchive {
    /// The archive in the directory `path`, which need not be there until it is used.
    #[must_use]
    pub fn new(path: &Path, compression: Compression) -> Self {
        let path = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
        Self { path, compression }
    }

    fn unavailable(&self, cause: impl ToString) -> ArchiveError {
        ArchiveError::Unavailable { archive: self.address(), cause: cause.to_string() }
    }

    /// What an error means: some end all copying, others are about one object.
    fn fail(&self, action: &'static str, object: impl ToString) -> impl Fn(std::io::Error) -> ArchiveError {
        use std::io::ErrorKind as E;
        let (archive, object) = (self.address(), object.to_string());
        move |error| match error.kind() {
            E::StorageFull | E::QuotaExceeded | E::ReadOnlyFilesystem => {
                ArchiveError::Unavailable { archive: archive.clone(), cause: format!("{action} {object}: {error}") }
            }
            _ => ArchiveError::Io { action, object: object.clone(), cause: error.to_string() },
        }
    }

    fn root(&self) -> Result<OwnedFd, ArchiveError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fs::open(&self.path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => self.unavailable("it is not there; mount its disk, or make the directory"),
            errno => self.unavailable(std::io::Error::from(errno)),
        })
    }

    /// The folder of a run; `None` where it is not there and need not be made.
    fn folder(&self, store: &str, run: &str, make: bool) -> Result<Option<OwnedFd>, ArchiveError> {
        let mut folder = self.root()?;
        for name in [store, run] {
            let fail = self.fail("cannot open the folder", name);
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
                return Err(fail(std::io::ErrorKind::InvalidInput.into()));
            }
            if make {
                match fs::mkdirat(&folder, name, Mode::RWXU) {
                    Ok(()) => fs::fsync(&folder).map_err(|errno| fail(errno.into()))?,
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(self.fail("cannot make the folder", name)(errno.into())),
                }
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder = match fs::openat(&folder, name, flags, Mode::empty()) {
                Ok(folder) => folder,
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(errno) => return Err(fail(errno.into())),
            };
        }
        Ok(Some(folder))
    }

    fn made_folder(&self, name: &CopyName) -> Result<OwnedFd, ArchiveError> {
        let gone = || self.fail("cannot open the folder", &name.run)(std::io::ErrorKind::NotFound.into());
        self.folder(&name.store, &name.run, true)?.ok_or_else(gone)
    }
}

/// What a copy holds.
fn decompressed(file: File, compression: Compression) -> std::io::Result<Box<dyn Read>> {
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    })
}

/// A name that nobody takes for a copy's.
fn draft_name(name: &CopyName) -> String {
    format!(".draft-{}", name.file)
}

fn remove_if_there(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    match fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Writes what `content` gives, compressed as asked, and makes it durable.
fn write(file: File, content: &mut dyn Read, compression: Compression) -> std::io::Result<()> {
    let file = match compression {
        Compression::None => {
            let mut file = file;
            std::io::copy(content, &mut file)?;
            file
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(file, LEVEL)?;
            encoder.include_checksum(true)?;
            std::io::copy(content, &mut encoder)?;
            encoder.finish()?
        }
    };
    file.sync_all()
}

impl Archive for LocalArchive {
    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn compression(&self) -> Compression {
        self.compression
    }

    fn check(&self) -> Result<(), ArchiveError> {
        let root = self.root()?;
        fs::accessat(&root, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|errno| self.unavailable(std::io::Error::from(errno)))
    }

    fn draft(&self, name: &CopyName, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let folder = self.made_folder(name)?;
        let fail = self.fail("cannot write", name);
        let draft = draft_name(name);
        remove_if_there(&folder, &draft).map_err(|errno| fail(errno.into()))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&folder, &draft, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| fail(errno.into()))?;
        write(File::from(file), content, name.compression).map_err(fail)
    }

    fn read_draft(&self, name: &CopyName) -> Result<Box<dyn Read>, ArchiveError> {
        let folder = self.made_folder(name)?;
        let fail = self.fail("cannot read back", name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let draft = fs::openat(&folder, draft_name(name), flags, Mode::empty()).map_err(|errno| fail(errno.into()))?;
        // It was just written: ask for what the disk has, where the system lets go of what it remembers.
        let _ = fs::fadvise(&draft, 0, None, Advice::DontNeed);
        decompressed(File::from(draft), name.compression).map_err(fail)
    }

    fn publish(&self, name: &CopyName) -> Result<Published, ArchiveError> {
        let folder = self.made_folder(name)?;
        let draft = draft_name(name);
        let moved = match fs::renameat_with(&folder, &draft, &folder, &name.file, RenameFlags::NOREPLACE) {
            // File systems without this flag: a second link never overwrites.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                fs::linkat(&folder, &draft, &folder, &name.file, AtFlags::empty())
                    .and_then(|()| remove_if_there(&folder, &draft))
            }
            other => other,
        };
        match moved {
            Ok(()) => Ok(Published::Done),
            Err(Errno::EXIST) => Ok(Published::NameTaken),
            Err(errno) => Err(self.fail("cannot keep", name)(errno.into())),
        }
    }

    fn discard(&self, name: &CopyName) -> Result<(), ArchiveError> {
        let Some(folder) = self.folder(&name.store, &name.run, false)? else { return Ok(()) };
        remove_if_there(&folder, &draft_name(name))
            .map_err(|errno| self.fail("cannot remove the draft of", name)(errno.into()))
    }

    fn read(&self, name: &CopyName) -> Result<Option<Box<dyn Read>>, ArchiveError> {
        let Some(folder) = self.folder(&name.store, &name.run, false)? else { return Ok(None) };
        let fail = self.fail("cannot read", name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match fs::openat(&folder, name.file.as_str(), flags, Mode::empty()) {
            Ok(copy) => decompressed(File::from(copy), name.compression).map(Some).map_err(fail),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(fail(errno.into())),
        }
    }

    fn index(&self, store: &str, run: &str, lines: &[IndexLine]) -> Result<(), ArchiveError> {
        let fail = self.fail("cannot write", format!("{store}/{run}/{INDEX}"));
        let folder = self.folder(store, run, true)?.ok_or_else(|| fail(std::io::ErrorKind::NotFound.into()))?;
        // What a line names must be durable before the line is.
        fs::fsync(&folder).map_err(|errno| fail(errno.into()))?;
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&folder, INDEX, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| fail(errno.into()))?;
        append(&mut File::from(file), lines).map_err(&fail)?;
        fs::fsync(&folder).map_err(|errno| fail(errno.into()))
    }
}

/// Adds the lines that are not there yet. A line that a crash cut short is ended, so that it spoils no other.
fn append(file: &mut File, lines: &[IndexLine]) -> std::io::Result<()> {
    let mut before = Vec::new();
    file.read_to_end(&mut before)?;
    let known: HashSet<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    let mut text = if before.is_empty() || before.ends_with(b"\n") { String::new() } else { "\n".to_owned() };
    for line in lines {
        let json = index::json(line)?;
        if !known.contains(json.as_bytes()) {
            text.push_str(&json);
            text.push('\n');
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
