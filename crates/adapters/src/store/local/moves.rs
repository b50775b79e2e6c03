//! The only place where a file of the store moves or is freed.
//!
//! A move pins the file by a handle, compares it with what was planned, renames it to a name that nothing
//! has, compares what arrived with the handle, and undoes the move on any difference.
#![expect(clippy::disallowed_methods, reason = "this module is where files are moved and freed, and it alone")]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{self, AtFlags, RenameFlags};
use rustix::io::{Errno, Result};
use upsweep_engine::ports::{FreeOrder, FreeOutcome, HideOrder, HideOutcome, Place, PutBackOutcome, StoreError};
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileFacts;

use super::facts::{self, Pinned};
use super::{LocalStore, io, manifest, quarantine};

pub(super) fn hide(store: &LocalStore, orders: &[HideOrder]) -> std::result::Result<Vec<HideOutcome>, StoreError> {
    let Some(first) = orders.first() else { return Ok(vec![]) };
    let run = first.place.run.as_str();
    debug_assert!(orders.iter().all(|order| order.place.run == run), "one batch belongs to one run");
    let missing = || StoreError::Io { action: "cannot open", object: run.to_owned(), cause: "it vanished".to_owned() };
    let quarantine = quarantine::of_run(store, run, true)?.ok_or_else(missing)?;
    manifest::append(&quarantine, orders).map_err(|error| StoreError::Io {
        action: "cannot write the manifest of",
        object: format!("quarantine {run}"),
        cause: error.to_string(),
    })?;

    let mut touched: BTreeMap<Vec<u8>, Arc<OwnedFd>> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(orders.len());
    let mut unknown = None;
    for order in orders {
        // The listing never gives such names; a plan that was written by hand may.
        if order.key.is_hidden() {
            outcomes.push(HideOutcome::Failed("names that begin with a dot are never touched".to_owned()));
            continue;
        }
        let outcome = match store.tree.parent(&order.key) {
            Ok(Some(dir)) => {
                let outcome = hide_one(&dir, &quarantine, order);
                touched.entry(order.key.dir().to_vec()).or_insert(dir);
                outcome
            }
            Ok(None) => Ok(HideOutcome::NothingThere),
            Err(errno) => Err(Trouble::NotMoved(errno)),
        };
        outcomes.push(outcome.unwrap_or_else(|trouble| {
            let (Trouble::NotMoved(errno) | Trouble::Unknown(errno)) = trouble;
            if matches!(trouble, Trouble::Unknown(_)) {
                unknown = Some(errno);
            }
            HideOutcome::Failed(describe(errno))
        }));
    }
    // The order matters for a power cut: a file must be durable in the quarantine before it is durably gone.
    fs::fsync(&quarantine).map_err(|errno| io("cannot make durable the quarantine", run.to_owned(), errno))?;
    for dir in touched.values() {
        fs::fsync(dir)
            .map_err(|errno| io("cannot make durable a folder of", store.path.display().to_string(), errno))?;
    }
    match unknown {
        None => Ok(outcomes),
        Some(errno) => {
            Err(io("cannot tell what became of a file on its way into the quarantine", run.to_owned(), errno))
        }
    }
}

/// Why the outcome of a move is not known from the move itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The file stands where it stood.
    NotMoved(Errno),
    /// It may be here or there.
    Unknown(Errno),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Self::NotMoved(errno)
    }
}

fn hide_one(dir: &OwnedFd, quarantine: &OwnedFd, order: &HideOrder) -> std::result::Result<HideOutcome, Trouble> {
    let name = order.key.file_name();
    let Some(pinned) = facts::pin(dir, name)? else {
        // A folder or a link may have taken the name.
        let taken = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        return Ok(if taken { HideOutcome::OtherFound } else { HideOutcome::NothingThere });
    };
    if pinned.facts != order.facts {
        return Ok(HideOutcome::OtherFound);
    }
    let hidden_name = order.place.op.to_string();
    match move_in(dir, name, quarantine, &hidden_name) {
        Ok(()) => verify_hidden(dir, quarantine, order, &hidden_name, &pinned).map_err(Trouble::Unknown),
        Err(errno) => after_failed_move(errno, facts::of_name(quarantine, hidden_name.as_bytes()), &pinned.facts),
    }
}

/// What a failed move did: over a network it may have been done although its answer was lost, and the repetition
/// then found nothing to move. Only the destination tells.
fn after_failed_move(
    errno: Errno,
    arrived: Result<Option<FileFacts>>,
    meant: &FileFacts,
) -> std::result::Result<HideOutcome, Trouble> {
    match arrived {
        Ok(Some(arrived)) if arrived.is_same_after_rename(meant) => Ok(HideOutcome::Hidden(arrived)),
        Ok(Some(_)) if errno != Errno::EXIST => Err(Trouble::Unknown(errno)),
        Ok(None) if errno == Errno::NOENT => Ok(HideOutcome::NothingThere),
        Ok(_) => Err(Trouble::NotMoved(errno)),
        Err(cause) => Err(Trouble::Unknown(cause)),
    }
}

/// Is what arrived what was meant? If another file slipped in between look and move, it goes back.
fn verify_hidden(
    dir: &OwnedFd,
    quarantine: &OwnedFd,
    order: &HideOrder,
    hidden_name: &str,
    pinned: &Pinned,
) -> Result<HideOutcome> {
    let arrived = facts::of_name(quarantine, hidden_name.as_bytes())?;
    if let Some(arrived) = arrived
        && arrived.is_same_after_rename(&pinned.facts)
    {
        return Ok(HideOutcome::Hidden(arrived));
    }
    Ok(match move_out(quarantine, hidden_name, dir, order.key.file_name()) {
        Ok(()) => HideOutcome::OtherFound,
        Err(_) => HideOutcome::Stranded,
    })
}

/// Moves a file into the private folder of its run, to a number that was never used.
fn move_in(dir: &OwnedFd, name: &[u8], quarantine: &OwnedFd, number: &str) -> Result<()> {
    match fs::renameat_with(dir, name, quarantine, number, RenameFlags::NOREPLACE) {
        // File systems without this flag (NFS): nobody else writes to the private folder, so looking is enough.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if fs::statat(quarantine, number, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                return Err(Errno::EXIST);
            }
            fs::renameat(dir, name, quarantine, number)
        }
        other => other,
    }
}

/// Moves a file of Upsweep's own folder to its name, or fails with `EXIST` where something has that name.
pub(super) fn move_out(quarantine: &OwnedFd, number: &str, dir: &OwnedFd, name: &[u8]) -> Result<()> {
    match fs::renameat_with(quarantine, number, dir, name, RenameFlags::NOREPLACE) {
        // A second link never overwrites; the one in the private folder, which nobody replaces, then goes.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::linkat(quarantine, number, dir, name, AtFlags::empty())?;
            fs::unlinkat(quarantine, number, AtFlags::empty())
        }
        other => other,
    }
}

pub(super) fn put_back(
    store: &LocalStore,
    place: &Place,
    key: &Key,
) -> std::result::Result<PutBackOutcome, StoreError> {
    let fail = |errno| io("cannot bring back", store.object(key), errno);
    let Some(folder) = quarantine::of_run(store, &place.run, false)? else { return Ok(PutBackOutcome::HiddenGone) };
    let hidden_name = place.op.to_string();
    if facts::of_name(&folder, hidden_name.as_bytes()).map_err(fail)?.is_none() {
        return Ok(PutBackOutcome::HiddenGone);
    }
    let dir = store.tree.make_parent(key).map_err(fail)?;
    match move_out(&folder, &hidden_name, &dir, key.file_name()) {
        Ok(()) => Ok(PutBackOutcome::Back),
        Err(Errno::EXIST) => Ok(PutBackOutcome::PlaceTaken),
        Err(Errno::NOENT) => Ok(PutBackOutcome::HiddenGone),
        Err(errno) => Err(fail(errno)),
    }
}

pub(super) fn settle(store: &LocalStore, run: &str, keys: &[&Key]) -> std::result::Result<(), StoreError> {
    let mut dirs: BTreeMap<&[u8], &Key> = BTreeMap::new();
    for key in keys {
        dirs.insert(key.dir(), key);
    }
    for key in dirs.values() {
        let fail = |errno| io("cannot make durable the folder of", store.object(key), errno);
        if let Some(dir) = store.tree.parent(key).map_err(fail)? {
            fs::fsync(&*dir).map_err(fail)?;
        }
    }
    if let Some(quarantine) = quarantine::of_run(store, run, false)? {
        fs::fsync(&quarantine).map_err(|errno| io("cannot make durable the quarantine", run.to_owned(), errno))?;
    }
    Ok(())
}

pub(super) fn free(store: &LocalStore, orders: &[FreeOrder]) -> Vec<FreeOutcome> {
    let mut touched: BTreeMap<&str, OwnedFd> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(orders.len());
    for order in orders {
        let run = order.place.run.as_str();
        if !touched.contains_key(run) {
            match quarantine::of_run(store, run, false) {
                Ok(Some(dir)) => drop(touched.insert(run, dir)),
                Ok(None) => {
                    outcomes.push(FreeOutcome::Gone);
                    continue;
                }
                Err(error) => {
                    outcomes.push(FreeOutcome::Failed(error.to_string()));
                    continue;
                }
            }
        }
        outcomes.push(free_one(&touched[run], order).unwrap_or_else(|errno| FreeOutcome::Failed(describe(errno))));
    }
    for (run, dir) in touched {
        if let Err(error) = fs::fsync(&dir) {
            // The bytes may come back after a power cut; the next purge finds and frees them again.
            tracing::warn!(%error, run, "cannot make a purge durable");
        }
    }
    outcomes
}

fn free_one(quarantine: &OwnedFd, order: &FreeOrder) -> Result<FreeOutcome> {
    let name = order.place.op.to_string();
    let Some(pinned) = facts::pin(quarantine, name.as_bytes())? else { return Ok(FreeOutcome::Gone) };
    if !pinned.facts.is_same_after_rename(&order.facts) {
        return Ok(FreeOutcome::Changed);
    }
    match fs::unlinkat(quarantine, name.as_str(), AtFlags::empty()) {
        Ok(()) if pinned.facts.links > 1 => Ok(FreeOutcome::OtherNames),
        Ok(()) => Ok(FreeOutcome::Freed),
        Err(Errno::NOENT) => Ok(FreeOutcome::Gone),
        Err(errno) => Err(errno),
    }
}

/// Removes the manifest and the folder of a run when no file is left in it.
pub(super) fn tidy(store: &LocalStore, run: &str) -> std::result::Result<(), StoreError> {
    let fail = |errno| io("cannot tidy up", format!("quarantine {run}"), errno);
    let Some(parent) = quarantine::folder(store, false)? else { return Ok(()) };
    let Some(dir) = store.sub_dir(&parent, run, false)? else { return Ok(()) };
    for entry in fs::Dir::read_from(&dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && name != manifest::NAME.as_bytes() {
            return Ok(());
        }
    }
    match fs::unlinkat(&dir, manifest::NAME, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(fail(errno)),
    }
    match fs::unlinkat(&parent, run, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(errno) => Err(fail(errno)),
    }
}

/// Puts a file of Upsweep's own in the place of another one.
pub(super) fn replace_own(dir: &OwnedFd, fresh: &str, name: &str) -> Result<()> {
    fs::renameat(dir, fresh, dir, name)
}

/// Removes a file of Upsweep's own.
pub(super) fn remove_own(dir: &OwnedFd, name: &str) -> Result<()> {
    fs::unlinkat(dir, name, AtFlags::empty())
}

fn describe(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}

#[cfg(test)]
mod tests {
    use upsweep_plan::listing::FileTime;

    use super::*;

    #[test]
    fn a_failed_move_is_judged_by_its_destination() {
        let time = FileTime { secs: 1, nanos: 0 };
        let meant = FileFacts { dev: 1, ino: 7, size_bytes: 3, mtime: time, ctime: time, btime: None, links: 1 };
        let other = FileFacts { ino: 8, ..meant };
        let judge = |errno, arrived| after_failed_move(errno, arrived, &meant);
        for errno in [Errno::NOENT, Errno::IO, Errno::EXIST] {
            assert_eq!(judge(errno, Ok(Some(meant))), Ok(HideOutcome::Hidden(meant)), "the answer was lost");
            assert_eq!(judge(errno, Err(Errno::STALE)), Err(Trouble::Unknown(Errno::STALE)));
        }
        assert_eq!(judge(Errno::NOENT, Ok(None)), Ok(HideOutcome::NothingThere));
        assert_eq!(judge(Errno::ACCESS, Ok(None)), Err(Trouble::NotMoved(Errno::ACCESS)));
        assert_eq!(judge(Errno::EXIST, Ok(Some(other))), Err(Trouble::NotMoved(Errno::EXIST)), "not ours to move");
        assert_eq!(judge(Errno::NOENT, Ok(Some(other))), Err(Trouble::Unknown(Errno::NOENT)), "recovery puts it back");
    }
}
