//! An archive in memory, for tests of the engine: the same promises, and every way to break them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use upsweep_engine::ports::{Archive, ArchiveError, Compression, CopyName, IndexLine, Published};

/// An archive in memory. It notes what compression was asked for, and compresses nothing.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    drafts: BTreeMap<CopyName, Vec<u8>>,
    copies: BTreeMap<CopyName, Vec<u8>>,
    index: BTreeMap<(String, String), Vec<IndexLine>>,
    trouble: Trouble,
}

/// What is wrong with an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It is not there.
    Missing,
    /// There is no room for anything more.
    Full,
    /// What is written is not what was given.
    Rotten,
    /// Single files cannot be written.
    Refusing,
    /// Its index cannot be written.
    Unlisted,
}

impl MemoryArchive {
    /// What is wrong with it from now on.
    pub fn set_trouble(&self, trouble: Trouble) {
        self.state().trouble = trouble;
    }

    /// Every copy with what it holds.
    pub fn copies(&self) -> BTreeMap<CopyName, Vec<u8>> {
        self.state().copies.clone()
    }

    /// The drafts that were not published.
    pub fn drafts(&self) -> usize {
        self.state().drafts.len()
    }

    /// Every line of every index.
    pub fn lines(&self) -> Vec<IndexLine> {
        self.state().index.values().flatten().cloned().collect()
    }

    /// Changes every copy with this, as a bad disk or a person would.
    pub fn change_copies(&self, change: impl Fn(&mut Vec<u8>)) {
        self.state().copies.values_mut().for_each(change);
    }

    /// Puts something in the place of a copy.
    pub fn put(&self, name: &CopyName, content: &[u8]) {
        self.state().copies.insert(name.clone(), content.to_vec());
    }

    /// Loses every copy.
    pub fn lose_copies(&self) {
        self.state().copies.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn available(&self) -> Result<(), ArchiveError> {
        let archive = "memory".to_owned();
        match self.trouble {
            Trouble::None | Trouble::Rotten | Trouble::Full | Trouble::Refusing | Trouble::Unlisted => Ok(()),
            Trouble::Missing => Err(ArchiveError::Unavailable { archive, cause: "it is not there".to_owned() }),
        }
    }
}

fn io(action: &'static str, object: impl ToString, cause: impl ToString) -> ArchiveError {
    ArchiveError::Io { action, object: object.to_string(), cause: cause.to_string() }
}

impl Archive for MemoryArchive {
    fn address(&self) -> String {
        "memory".to_owned()
    }

    fn compression(&self) -> Compression {
        Compression::None
    }

    fn check(&self) -> Result<(), ArchiveError> {
        self.state().available()
    }

    fn draft(&self, name: &CopyName, content: &mut dyn Read) -> Result<(), ArchiveError> {
        self.state().available()?;
        let mut held = Vec::new();
        content.read_to_end(&mut held).map_err(|error| io("cannot write", name, error))?;
        let mut state = self.state();
        match state.trouble {
            Trouble::Full => {
                held.truncate(held.len() / 2);
                state.drafts.insert(name.clone(), held);
                let cause = "no space left on device".to_owned();
                return Err(ArchiveError::Unavailable { archive: "memory".to_owned(), cause });
            }
            Trouble::Refusing => return Err(io("cannot write", name, "permission denied")),
            Trouble::Rotten => held.iter_mut().for_each(|byte| *byte ^= 1),
            Trouble::None | Trouble::Missing | Trouble::Unlisted => {}
        }
        state.drafts.insert(name.clone(), held);
        Ok(())
    }

    fn read_draft(&self, name: &CopyName) -> Result<Box<dyn Read>, ArchiveError> {
        match self.state().drafts.get(name) {
            Some(held) => Ok(Box::new(Cursor::new(held.clone()))),
            None => Err(io("cannot read back", name, "not found")),
        }
    }

    fn publish(&self, name: &CopyName) -> Result<Published, ArchiveError> {
        let mut state = self.state();
        if !state.drafts.contains_key(name) {
            return Err(io("cannot keep", name, "not found"));
        }
        if state.copies.contains_key(name) {
            return Ok(Published::NameTaken);
        }
        if let Some(held) = state.drafts.remove(name) {
            state.copies.insert(name.clone(), held);
        }
        Ok(Published::Done)
    }

    fn discard(&self, name: &CopyName) -> Result<(), ArchiveError> {
        self.state().drafts.remove(name);
        Ok(())
    }

    fn read(&self, name: &CopyName) -> Result<Option<Box<dyn Read>>, ArchiveError> {
        let state = self.state();
        state.available()?;
        Ok(state.copies.get(name).map(|held| Box::new(Cursor::new(held.clone())) as Box<dyn Read>))
    }

    fn index(&self, store: &str, run: &str, lines: &[IndexLine]) -> Result<(), ArchiveError> {
        let mut state = self.state();
        state.available()?;
        if state.trouble == Trouble::Unlisted {
            return Err(io("cannot write", format!("{store}/{run}/index.jsonl"), "permission denied"));
        }
        let index = state.index.entry((store.to_owned(), run.to_owned())).or_default();
        for line in lines {
            if !index.contains(line) {
                index.push(line.clone());
            }
        }
        Ok(())
    }
}
