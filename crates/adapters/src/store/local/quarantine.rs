//! Where hidden files lie: in Upsweep's own folder, or in a folder beside the store, on the same file system.
//!
//! The marker says which; the configuration only says where they are wanted. In a folder beside it each store has
//! one of its own, named after it, so that stores may share it.

use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError};

use rustix::fs::{self, AtFlags, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use upsweep_engine::ports::{Lying, OpId, Place, StoreError};

use super::{LocalStore, OWN_DIR, facts, io, manifest, marker};

/// The folder in Upsweep's own.
const NAME: &str = "quarantine";

/// Where a bound store's hidden files lie.
#[derive(Debug)]
pub(super) enum Seat {
    /// In Upsweep's own folder.
    Inside,
    /// In the folder of this store in a folder of somebody's choice.
    Beside(OwnedFd),
}

/// Looks whether hidden files may lie in `wanted`, and gives its path with every link on the way resolved; `None`
/// for the folder where they lie anyway.
pub(super) fn checked(store: &LocalStore, wanted: &Path) -> Result<Option<PathBuf>, StoreError> {
    let shown = std::path::absolute(wanted).unwrap_or_else(|_| wanted.to_owned());
    let wrong = |problem: String| StoreError::Quarantine { place: shown.display().to_string(), problem };
    let (Some(parent), Some(name)) = (shown.parent(), shown.file_name()) else {
        return Err(wrong("is the root of the file system; set quarantine_dir to a folder".to_owned()));
    };
    let parent = parent.canonicalize().map_err(|error| {
        wrong(format!("cannot be reached ({error}): the folder above it must exist; set quarantine_dir to another"))
    })?;
    let place = parent.join(name);
    if place.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
        return Err(wrong("is no folder; set quarantine_dir to one, or to a name that nothing has".to_owned()));
    }
    if store.path.starts_with(&place) {
        return Err(wrong("has the upload directory in it; set quarantine_dir to a folder beside it".to_owned()));
    }
    if let Ok(below) = place.strip_prefix(&store.path) {
        if below == Path::new(OWN_DIR).join(NAME) {
            return Ok(None);
        }
        let is_dotted = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
        if below.starts_with(OWN_DIR) || !below.components().any(is_dotted) {
            return Err(wrong(
                "is a visible part of the upload directory, or of .upsweep; set quarantine_dir to a folder beside the upload directory, or below one whose name begins with a dot"
                    .to_owned(),
            ));
        }
    }
    let nearest = if place.is_dir() { &place } else { &parent };
    let there = mount(nearest).map_err(|errno| wrong(format!("cannot be looked at: {}", said(errno))))?;
    let here = mount(&store.path).map_err(|errno| io("cannot look at", store.path.display().to_string(), errno))?;
    if there != here {
        return Err(wrong(format!(
            "is on another file system than {}, so files cannot be moved there by a rename; set quarantine_dir to a folder on the same one",
            store.path.display()
        )));
    }
    Ok(Some(place))
}

/// What must be the same for a rename from one folder to another: the file system and where it is mounted.
fn mount(path: &Path) -> rustix::io::Result<((u32, u32), u64)> {
    let stat = fs::statx(fs::CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?;
    Ok(((stat.stx_dev_major, stat.stx_dev_minor), stat.stx_mnt_id))
}

/// Makes the folder of the store `store_id` in `place`, durably.
pub(super) fn make(store: &LocalStore, place: &str, store_id: &str) -> Result<(), StoreError> {
    let (parent, name) = above(place)?;
    let object = || format!("the quarantine {place}");
    let missing = || io("cannot open", object(), Errno::NOENT);
    let folder = store.sub_dir(&parent, name, true)?.ok_or_else(missing)?;
    store.sub_dir(&folder, store_id, true)?.ok_or_else(missing).map(drop)
}

/// The folder above `place`, and the name of `place` in it.
fn above(place: &str) -> Result<(OwnedFd, &str), StoreError> {
    let wrong = |problem: &str| StoreError::Quarantine { place: place.to_owned(), problem: problem.to_owned() };
    let (parent, name) = place.rsplit_once('/').ok_or_else(|| wrong("is no path from the root"))?;
    let parent = if parent.is_empty() { "/" } else { parent };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open(parent, flags, Mode::empty()).map(|parent| (parent, name)).map_err(|errno| not_there(place, errno))
}

fn not_there(place: &str, errno: Errno) -> StoreError {
    StoreError::Quarantine {
        place: place.to_owned(),
        problem: format!(
            "cannot be opened ({}), but the store's hidden files lie there; put it back, or mount its disk",
            said(errno)
        ),
    }
}

fn said(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}

/// Forgets where hidden files lie: the marker changed.
pub(super) fn ask_again(store: &LocalStore) {
    *store.seat.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn seat(store: &LocalStore) -> Result<Option<Arc<Seat>>, StoreError> {
    let mut known = store.seat.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_none() {
        let seat = match marker::read(store)? {
            // Nothing can be hidden in a folder beside the store before it has a name.
            None if store.wanted.is_some() => return Ok(None),
            None => return Ok(Some(Arc::new(Seat::Inside))),
            Some(marker) => match &marker.quarantine {
                None => Seat::Inside,
                Some(place) => Seat::Beside(beside(place, &marker.store_id)?),
            },
        };
        *known = Some(Arc::new(seat));
    }
    Ok(known.clone())
}

/// It was made before the marker named it: if it is not there now, hidden files are missed, and none is made anew.
fn beside(place: &str, store_id: &str) -> Result<OwnedFd, StoreError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (parent, name) = above(place)?;
    fs::openat(&parent, name, flags, Mode::empty())
        .and_then(|folder| fs::openat(&folder, store_id, flags, Mode::empty()))
        .map_err(|errno| not_there(place, errno))
}

/// The folder that has one folder for each run.
pub(super) fn folder(store: &LocalStore, make: bool) -> Result<Option<OwnedFd>, StoreError> {
    match seat(store)?.as_deref() {
        None if make => Err(StoreError::Quarantine {
            place: store.wanted.as_ref().map(|place| place.display().to_string()).unwrap_or_default(),
            problem: "belongs to no store yet: the upload directory is not bound".to_owned(),
        }),
        None => Ok(None),
        Some(Seat::Inside) => match store.own_dir(make)? {
            Some(own) => store.sub_dir(&own, NAME, make),
            None => Ok(None),
        },
        Some(Seat::Beside(folder)) => folder.try_clone().map(Some).map_err(|error| StoreError::Quarantine {
            place: "beside the store".to_owned(),
            problem: error.to_string(),
        }),
    }
}

/// The folder of one run.
pub(super) fn of_run(store: &LocalStore, run: &str, make: bool) -> Result<Option<OwnedFd>, StoreError> {
    match folder(store, make)? {
        Some(folder) => store.sub_dir(&folder, run, make),
        None => Ok(None),
    }
}

pub(super) fn runs(store: &LocalStore) -> Result<Vec<String>, StoreError> {
    let fail = |errno| io("cannot list the quarantine of", store.path.display().to_string(), errno);
    let Some(folder) = folder(store, false)? else { return Ok(vec![]) };
    let mut runs = Vec::new();
    for entry in fs::Dir::read_from(&folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let is_folder = matches!(entry.file_type(), fs::FileType::Directory | fs::FileType::Unknown);
        match entry.file_name().to_str() {
            Ok(name) if is_folder && !name.starts_with('.') => runs.push(name.to_owned()),
            _ => {}
        }
    }
    Ok(runs)
}

pub(super) fn lying_in(store: &LocalStore, run: &str) -> Result<Vec<Lying>, StoreError> {
    let object = || format!("the quarantine of run {run}");
    let fail = |errno| io("cannot list", object(), errno);
    let Some(dir) = of_run(store, run, false)? else { return Ok(vec![]) };
    let mut names = manifest::read(&dir).map_err(|error| StoreError::Io {
        action: "cannot read the manifest of",
        object: object(),
        cause: error.to_string(),
    })?;
    let mut lying = Vec::new();
    for entry in fs::Dir::read_from(&dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // Anything but a number was not put there by Upsweep.
        let number = entry.file_name().to_str().ok().and_then(|name| name.parse::<u64>().ok());
        let Some(op) = number.filter(|number| number.to_string().as_bytes() == entry.file_name().to_bytes()) else {
            continue;
        };
        if let Some(facts) = facts::of_name(&dir, entry.file_name().to_bytes()).map_err(fail)? {
            let place = Place { run: run.to_owned(), op: OpId(op) };
            lying.push(Lying { place, key: names.remove(&op).flatten(), size_bytes: facts.size_bytes });
        }
    }
    Ok(lying)
}
