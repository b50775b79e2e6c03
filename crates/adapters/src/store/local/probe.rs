//! What the file system below a store can do, tried on a scratch folder, and what can be seen of it without trying.
//!
//! Nothing here judges, and nothing but the scratch folder is touched.
#![expect(clippy::disallowed_methods, reason = "it moves and removes what it made in its own scratch folder")]

use std::os::fd::OwnedFd;

use rustix::fs::{self, Access, AtFlags, Mode, OFlags, RenameFlags, ResolveFlags, StatxFlags};
use rustix::io::{Errno, Result};

use super::{LocalStore, OWN_DIR};

/// What trying things out showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Where they were tried, for a human.
    pub scratch: String,
    /// Whether a rename that must not replace is refused where something has the name; `None` where the file system
    /// does not know such renames.
    pub renames_without_replacing: Option<bool>,
    /// Whether a link on the way is refused when a folder is opened beneath another.
    pub opens_beneath: bool,
    /// Whether it tells when a file was born.
    pub tells_birth: bool,
    /// Whether `A` opens what was made as `a`.
    pub folds_case: bool,
}

/// What can be seen of the root and of the disk below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Whether its names can be read; the cause if not.
    pub readable: std::result::Result<(), String>,
    /// Whether files can be moved out of it; the cause if not.
    pub writable: std::result::Result<(), String>,
    /// Whether only a file's owner may move it.
    pub is_sticky: bool,
    /// Whether new files and folders take its group.
    pub is_setgid: bool,
    /// Whether it was made immutable, or append-only.
    pub is_frozen: bool,
    /// The user this program runs as.
    pub user: u32,
    /// Files of the top level that were looked at.
    pub sampled: u64,
    /// Those among them of other users.
    pub foreign: u64,
    /// Bytes free for this user.
    pub free_bytes: u64,
    /// Files that can still be made; `None` where the file system has no such limit.
    pub free_files: Option<u64>,
    /// The device, as major and minor number.
    pub device: (u32, u32),
}

/// How many names are looked at.
const SAMPLE: usize = 2_000;

/// Looks at the root of `store` and changes nothing.
///
/// # Errors
/// The system's word for it, when not even that is possible.
pub fn look(store: &LocalStore) -> std::io::Result<Ground> {
    let root = store.tree.root();
    let access = |wanted| fs::accessat(root, ".", wanted, AtFlags::EACCESS).map_err(said);
    let stat = fs::statx(root, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    let mode = Mode::from_raw_mode(stat.stx_mode.into());
    let space = fs::fstatvfs(root)?;
    let user = rustix::process::geteuid().as_raw();
    let (sampled, foreign) = sample(root, user).unwrap_or_default();
    // As the system's own header has them; read from the attributes, because a flag needs no right to be read there.
    const IMMUTABLE_OR_APPEND: u64 = 0x10 | 0x20;
    Ok(Ground {
        readable: access(Access::READ_OK | Access::EXEC_OK),
        writable: access(Access::WRITE_OK | Access::EXEC_OK),
        is_sticky: mode.contains(Mode::SVTX),
        is_setgid: mode.contains(Mode::SGID),
        is_frozen: stat.stx_attributes.bits() & IMMUTABLE_OR_APPEND != 0,
        user,
        sampled,
        foreign: if stat.stx_uid == user || user == 0 { 0 } else { foreign },
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        free_files: (space.f_files > 0).then_some(space.f_favail),
        device: (stat.stx_dev_major, stat.stx_dev_minor),
    })
}

/// Files of the top level, and those among them that are another user's.
fn sample(root: &OwnedFd, user: u32) -> Result<(u64, u64)> {
    let (mut sampled, mut foreign) = (0, 0);
    for entry in fs::Dir::read_from(root)?.take(SAMPLE) {
        let entry = entry?;
        let Ok(stat) = fs::statat(root, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if fs::FileType::from_raw_mode(stat.st_mode) == fs::FileType::RegularFile {
            sampled += 1;
            foreign += u64::from(stat.st_uid != user);
        }
    }
    Ok((sampled, foreign))
}

/// Tries things out in a scratch folder: inside Upsweep's own where there is one, else in a dot folder of the root.
/// It is removed afterwards.
///
/// # Errors
/// The system's word for it, when the scratch folder cannot be made or used.
pub fn try_out(store: &LocalStore) -> std::io::Result<Abilities> {
    let own = store.own_dir(false).map_err(std::io::Error::other)?;
    let (parent, name) = match &own {
        Some(own) => (own, format!("scratch-{}", std::process::id())),
        None => (store.tree.root(), format!("{OWN_DIR}-scratch-{}", std::process::id())),
    };
    let shown = match own {
        Some(_) => format!("{}/{OWN_DIR}/{name}", store.path.display()),
        None => format!("{}/{name}", store.path.display()),
    };
    fs::mkdirat(parent, name.as_str(), Mode::RWXU)?;
    let tried = in_scratch(parent, &name, shown);
    // Whatever was seen, nothing stays behind; each of these may be missing.
    if let Ok(scratch) = fs::openat(parent, name.as_str(), OFlags::PATH | OFlags::NOFOLLOW, Mode::empty()) {
        for made in [SMALL, CAPITAL, LINK] {
            let _ = fs::unlinkat(&scratch, made, AtFlags::empty());
        }
    }
    fs::unlinkat(parent, name.as_str(), AtFlags::REMOVEDIR)?;
    Ok(tried?)
}

const SMALL: &str = "a";
const CAPITAL: &str = "A";
const LINK: &str = "link";

fn in_scratch(parent: &OwnedFd, name: &str, scratch: String) -> Result<Abilities> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = fs::openat(parent, name, flags, Mode::empty())?;
    let make = |name: &str| {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        fs::openat(&dir, name, flags, Mode::RUSR | Mode::WUSR).map(drop)
    };
    make(SMALL)?;
    let folds_case = fs::statat(&dir, CAPITAL, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    let stat = fs::statx(&dir, SMALL, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
    let tells_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    fs::symlinkat(".", &dir, LINK)?;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let opens_beneath = fs::openat2(&dir, LINK, flags - OFlags::NOFOLLOW, Mode::empty(), beneath).is_err();
    // The link's name is taken: only a rename that replaces could have it.
    let renames_without_replacing = match fs::renameat_with(&dir, SMALL, &dir, LINK, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => Some(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => None,
        Ok(()) => Some(false),
        Err(errno) => return Err(errno),
    };
    Ok(Abilities { scratch, renames_without_replacing, opens_beneath, tells_birth, folds_case })
}

fn said(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}
