//! Copying hidden files to the archive: drafted, read back, published, listed, and only then recorded.
//!
//! A file whose copy failed stays hidden and owes it; nothing frees it before, and the next run tries again.

use std::collections::BTreeMap;

use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::{Event, State};

use crate::error::EngineError;
use crate::hashed::{Digest, Hashed, digest};
use crate::logs;
use crate::ports::{
    Amount, Archive, ArchiveError, CopyName, CopyRecord, Entry, HiddenFile, IndexLine, Lease, Ledger, Op, Published,
    Stage, StoreError,
};
use crate::restore::{Restored, restore};
use crate::world::World;

/// How many files share one durable journal write: after a crash, these are copied again.
const BATCH_COPIES: usize = 32;

/// What copying did.
#[derive(Clone, Debug, Default)]
pub struct Archived {
    /// Files copied, and their bytes before any compression.
    pub copied: Amount,
    /// Files that could not be copied, with the cause; they stay hidden.
    pub failed: Vec<(Key, String)>,
    /// Why nothing (more) could be copied.
    pub unavailable: Option<String>,
    /// Files that changed while they were hidden: somebody still writes to them, so they were brought back.
    pub grown: Vec<Key>,
    /// What bringing those back did.
    pub restored: Restored,
}

impl Archived {
    /// How many problems there were.
    #[must_use]
    pub fn problems(&self) -> u64 {
        let Self { copied: _, failed, unavailable, grown: _, restored } = self;
        failed.len() as u64 + u64::from(unavailable.is_some()) + restored.problems()
    }
}

/// Copies every hidden file that must have a copy and has none, those of earlier runs included.
///
/// # Errors
/// [`EngineError`] when the ledger or the store fails, or somebody asked to stop; what was begun is in the journal.
/// What ails the archive is no error: it is told in `archived`.
pub fn copy_owed(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    store: &str,
    archived: &mut Archived,
) -> Result<(), EngineError> {
    let owed: Vec<Op> = ledger.ops_in(&[State::Quarantined])?.into_iter().filter(Op::owes_copy).collect();
    if owed.is_empty() {
        return Ok(());
    }
    let Some(archive) = world.archive else {
        archived.unavailable = Some(NO_ARCHIVE.to_owned());
        return Ok(());
    };
    if let Err(error) = archive.check() {
        archived.unavailable = Some(error.to_string());
        return Ok(());
    }
    world.progress.begin(Stage::Archiving, Some(owed.len() as u64));
    for batch in owed.chunks(BATCH_COPIES) {
        world.go_on()?;
        copy_batch(world, ledger, lease, archive, store, batch, archived)?;
        if archived.unavailable.is_some() {
            break;
        }
    }
    world.progress.end();
    // The last batch may have been cut short.
    world.go_on()
}

pub(crate) const NO_ARCHIVE: &str = "no archive is configured; set archive_url to the one that was in use";

/// Why one file has no copy.
enum Trouble {
    /// It is not what was hidden any more.
    Changed,
    /// It is not in the quarantine any more.
    Gone,
    /// It alone could not be copied; the cause.
    Failed(String),
    /// Nothing can be copied now; the cause.
    Unavailable(String),
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Unavailable { .. } => Self::Unavailable(error.to_string()),
            ArchiveError::Io { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn copy_batch(
    world: &World<'_>,
    ledger: &mut dyn Ledger,
    lease: &dyn Lease,
    archive: &dyn Archive,
    store: &str,
    batch: &[Op],
    archived: &mut Archived,
) -> Result<(), EngineError> {
    let intents: Vec<Entry> = batch.iter().map(|op| Entry::plain(op.id, Event::IntendCopy)).collect();
    ledger.record(&intents, world.now())?;
    let mut entries = Vec::with_capacity(batch.len());
    let mut grown = Vec::new();
    let mut verified: BTreeMap<&str, Vec<(&Op, IndexLine)>> = BTreeMap::new();
    for op in batch {
        if archived.unavailable.is_some() {
            entries.push(Entry::plain(op.id, Event::NotCopied));
            continue;
        }
        // A batch of long recordings takes its time; those that are not begun yet can wait.
        if world.stop.is_asked() {
            let note = Some("the run was asked to stop".to_owned());
            entries.push(Entry { note, ..Entry::plain(op.id, Event::NotCopied) });
            continue;
        }
        let trouble = match copy_one(world, archive, store, op) {
            Ok(line) => {
                verified.entry(&op.run).or_default().push((op, line));
                world.progress.advance(1);
                continue;
            }
            Err(trouble) => trouble,
        };
        // What is left of a draft is nobody's copy; the next attempt replaces it if it cannot be removed now.
        let _ = archive.discard(&CopyName::new(store, op, archive.compression()));
        let (event, note) = match trouble {
            Trouble::Changed => {
                archived.grown.push(op.key.clone());
                grown.push(op.clone());
                (Event::NotCopied, "it changed while it was hidden: somebody still writes to it".to_owned())
            }
            Trouble::Gone => {
                let cause = "somebody else took it out of the quarantine".to_owned();
                archived.failed.push((op.key.clone(), cause.clone()));
                (Event::HiddenGone, cause)
            }
            Trouble::Failed(cause) => {
                archived.failed.push((op.key.clone(), cause.clone()));
                (Event::NotCopied, cause)
            }
            Trouble::Unavailable(cause) => {
                archived.unavailable = Some(cause.clone());
                (Event::NotCopied, cause)
            }
        };
        entries.push(Entry { note: Some(note), ..Entry::plain(op.id, event) });
    }
    for (run, copies) in verified {
        entries.extend(list(world, archive, store, run, copies, archived));
    }
    ledger.record(&entries, world.now())?;
    restore(world, ledger, lease, &grown, &mut archived.restored)
}

/// Lists the verified copies of one run in its index, and gives what to record.
fn list(
    world: &World<'_>,
    archive: &dyn Archive,
    store: &str,
    run: &str,
    copies: Vec<(&Op, IndexLine)>,
    archived: &mut Archived,
) -> Vec<Entry> {
    let (ops, lines): (Vec<&Op>, Vec<IndexLine>) = copies.into_iter().unzip();
    let listed = archive.index(store, run, &lines).map_err(Trouble::from);
    let cause = match listed {
        Ok(()) => None,
        Err(Trouble::Unavailable(cause)) => Some(archived.unavailable.insert(cause).clone()),
        Err(Trouble::Failed(cause)) => {
            archived.failed.extend(ops.iter().map(|op| (op.key.clone(), cause.clone())));
            Some(cause)
        }
        Err(Trouble::Changed | Trouble::Gone) => unreachable!("an archive knows nothing of the hidden file"),
    };
    let entry = |(op, line): (&Op, IndexLine)| match &cause {
        Some(cause) => Entry { note: Some(cause.clone()), ..Entry::plain(op.id, Event::NotCopied) },
        None => {
            let IndexLine { file, blake3, mode, compression, size_bytes, .. } = line;
            archived.copied.add(size_bytes);
            logs::file(op.id, &op.key, "copied");
            let record = CopyRecord { archive: archive.address(), file, compression, blake3, mode, at: world.now() };
            Entry { copy: Some(record), ..Entry::plain(op.id, Event::Copied) }
        }
    };
    ops.into_iter().zip(lines).map(entry).collect()
}

/// Makes one verified copy, or finds the one that an interrupted run had made.
fn copy_one(world: &World<'_>, archive: &dyn Archive, store: &str, op: &Op) -> Result<IndexLine, Trouble> {
    let name = CopyName::new(store, op, archive.compression());
    let place = op.place();
    let (Some(meant), Some(hidden_at)) = (op.hidden_facts, op.hidden_at) else {
        return Err(Trouble::Failed("it is not known what was hidden".to_owned()));
    };
    let before = world.store.look_hidden(&place)?.ok_or(Trouble::Gone)?;
    if !before.is_same_after_rename(&meant) {
        return Err(Trouble::Changed);
    }
    let HiddenFile { content, mode } = world.store.open_hidden(&place)?;
    let mut source = Hashed::new(content);
    archive.draft(&name, &mut source)?;
    let copied = source.finish().map_err(Trouble::Failed)?;
    let after = world.store.look_hidden(&place)?.ok_or(Trouble::Gone)?;
    if !after.is_same_after_rename(&meant) || copied.bytes != meant.size_bytes {
        return Err(Trouble::Changed);
    }
    if after != before {
        return Err(Trouble::Failed("it was touched while it was copied; the next run tries again".to_owned()));
    }
    compare(&copied, digest(archive.read_draft(&name)?, copied.bytes), "what the archive gives back")?;
    match archive.publish(&name)? {
        Published::Done => {}
        Published::NameTaken => {
            let there = archive.read(&name)?.ok_or_else(|| Trouble::Failed(format!("cannot look at {name}")))?;
            let what = format!("{name}, which the archive has already and which is never replaced (move it away),");
            compare(&copied, digest(there, copied.bytes), &what)?;
            archive.discard(&name)?;
        }
    }
    Ok(IndexLine {
        op: op.id,
        file: name.file,
        key: op.key.clone(),
        size_bytes: copied.bytes,
        mtime: meant.mtime,
        mode,
        blake3: copied.blake3,
        compression: name.compression,
        reason: op.reason.clone(),
        hidden_at,
    })
}

fn compare(meant: &Digest, found: Result<Digest, String>, what: &str) -> Result<(), Trouble> {
    match found {
        Ok(found) if found == *meant => Ok(()),
        Ok(_) => Err(Trouble::Failed(format!("{what} is not what was hidden"))),
        Err(cause) => Err(Trouble::Failed(format!("{what} cannot be read: {cause}"))),
    }
}
