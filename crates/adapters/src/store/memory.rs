//! A store in memory, for tests of the engine: the same promises, no disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use upsweep_engine::ports::{
    Capabilities, FreeOrder, FreeOutcome, HiddenFile, HideOrder, HideOutcome, Lying, Marker, Place, PutBackOutcome,
    ReadSeek, Store, StoreError,
};
use upsweep_plan::key::Key;
use upsweep_plan::listing::{FileFacts, FileTime, Found, Ignored};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    visible: BTreeMap<Key, MemoryFile>,
    hidden: BTreeMap<Place, MemoryFile>,
    incoming: BTreeMap<Place, MemoryFile>,
    marker: Option<Marker>,
    /// The names under which files were to be hidden.
    noted: BTreeMap<Place, Key>,
    wanted_quarantine: Option<String>,
    has_stuck_marker: bool,
    unreadable: Vec<String>,
    immovable: Vec<Key>,
    ignores_preconditions: bool,
    clock: Option<Timestamp>,
    next_ino: u64,
    ticks: u32,
}

/// A file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFile {
    /// Its facts.
    pub facts: FileFacts,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

impl MemoryStore {
    /// Writes a file, as an application would: a new inode with this modification time in seconds.
    pub fn write(&self, key: &Key, content: &[u8], mtime_secs: i64) {
        let mut state = self.state();
        let facts = state.new_facts(content, FileTime { secs: mtime_secs, nanos: 0 });
        state.visible.insert(key.clone(), MemoryFile { facts, content: content.to_vec(), mode: 0o644 });
    }

    /// Appends to a file where it is, hidden or not, as somebody with an open handle would.
    pub fn append_to_hidden(&self, place: &Place, more: &[u8]) {
        if let Some(file) = self.state().hidden.get_mut(place) {
            file.content.extend_from_slice(more);
            file.facts.size_bytes = file.content.len() as u64;
        }
    }

    /// Changes every hidden file, as somebody with open handles would.
    pub fn change_hidden(&self, change: impl Fn(&mut MemoryFile)) {
        self.state().hidden.values_mut().for_each(change);
    }

    /// Gives a hidden file another name elsewhere, as a hard link would.
    pub fn link_hidden(&self, place: &Place) {
        if let Some(file) = self.state().hidden.get_mut(place) {
            file.facts.links += 1;
        }
    }

    /// How many files were taken in and not put in their places.
    pub fn incoming_files(&self) -> usize {
        self.state().incoming.len()
    }

    /// A file's facts and content.
    pub fn file(&self, key: &Key) -> Option<MemoryFile> {
        self.state().visible.get(key).cloned()
    }

    /// Removes a file, as an application would.
    pub fn remove(&self, key: &Key) {
        self.state().visible.remove(key);
    }

    /// A file's content.
    pub fn content(&self, key: &Key) -> Option<Vec<u8>> {
        self.state().visible.get(key).map(|file| file.content.clone())
    }

    /// How many files are hidden.
    pub fn hidden_files(&self) -> usize {
        self.state().hidden.len()
    }

    /// Makes a folder unreadable.
    pub fn make_unreadable(&self, folder: &str) {
        self.state().unreadable.push(folder.to_owned());
    }

    /// Makes a file immovable.
    pub fn make_immovable(&self, key: &Key) {
        self.state().immovable.push(key.clone());
    }

    /// From now on it says that it ignores preconditions.
    pub fn ignore_preconditions(&self) {
        self.state().ignores_preconditions = true;
    }

    /// Sets its own clock, which stands still. It has none before.
    pub fn set_clock(&self, now: Timestamp) {
        self.state().clock = Some(now);
    }

    /// Sets where the configuration wants the quarantine.
    pub fn want_quarantine(&self, place: Option<&str>) {
        self.state().wanted_quarantine = place.map(str::to_owned);
    }

    /// From now on its marker cannot be replaced, or can again.
    pub fn stick_marker(&self, is_stuck: bool) {
        self.state().has_stuck_marker = is_stuck;
    }

    /// Loses the note of what lies at a place.
    pub fn forget_name(&self, place: &Place) {
        self.state().noted.remove(place);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A change time later than any before.
    fn tick(&mut self) -> FileTime {
        self.ticks += 1;
        FileTime { secs: 1_000, nanos: self.ticks }
    }

    /// The facts of a file that is made now.
    fn new_facts(&mut self, content: &[u8], mtime: FileTime) -> FileFacts {
        self.next_ino += 1;
        let ctime = self.tick();
        let (ino, size_bytes) = (self.next_ino, content.len() as u64);
        FileFacts { dev: 1, ino, size_bytes, mtime, ctime, btime: Some(ctime), links: 1 }
    }

    fn hide_one(&mut self, order: &HideOrder) -> HideOutcome {
        if self.immovable.contains(&order.key) {
            return HideOutcome::Failed("operation not permitted".to_owned());
        }
        match self.visible.get(&order.key) {
            None => HideOutcome::NothingThere,
            Some(file) if file.facts != order.facts => HideOutcome::OtherFound,
            Some(_) if self.hidden.contains_key(&order.place) => HideOutcome::Failed("file exists".to_owned()),
            Some(_) => {
                let ctime = self.tick();
                let Some(mut file) = self.visible.remove(&order.key) else { return HideOutcome::NothingThere };
                file.facts.ctime = ctime;
                let facts = file.facts;
                self.hidden.insert(order.place.clone(), file);
                HideOutcome::Hidden(facts)
            }
        }
    }

    fn free_one(&mut self, order: &FreeOrder) -> FreeOutcome {
        match self.hidden.get(&order.place) {
            None => FreeOutcome::Gone,
            Some(file) if !file.facts.is_same_after_rename(&order.facts) => FreeOutcome::Changed,
            Some(file) => {
                let has_other_names = file.facts.links > 1;
                self.hidden.remove(&order.place);
                if has_other_names { FreeOutcome::OtherNames } else { FreeOutcome::Freed }
            }
        }
    }
}

impl Store for MemoryStore {
    fn address(&self) -> String {
        "memory".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { honours_preconditions: !self.state().ignores_preconditions }
    }

    fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state();
        Ok(state.marker.as_ref().and(state.clock))
    }

    fn list(&self, recursive: bool, sink: &mut dyn FnMut(Found<'_>)) -> Result<(), StoreError> {
        let state = self.state();
        // As a walk would: a folder that is passed over or not entered stands for everything in it.
        let mut said: BTreeMap<&[u8], Found<'_>> = BTreeMap::new();
        for key in state.visible.keys() {
            let name = key.as_bytes();
            let ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            let starts = std::iter::once(0).chain(ends.clone().map(|at| at + 1));
            let dotted = starts.zip(ends.chain([name.len()])).find(|(start, _)| name[*start] == b'.');
            let found = match dotted {
                Some((start, end)) if recursive || start == 0 => Found::Ignored(&name[..end], Ignored::Dotfile),
                _ if recursive || key.is_top_level() => Found::File(name),
                _ => Found::NotEntered(&name[..name.iter().position(|&b| b == b'/').unwrap_or(0)]),
            };
            let (Found::Ignored(name, _) | Found::File(name) | Found::NotEntered(name) | Found::Unreadable(name, _)) =
                found;
            said.insert(name, found);
        }
        said.into_values().for_each(&mut *sink);
        for folder in &state.unreadable {
            sink(Found::Unreadable(folder.as_bytes(), "permission denied"));
        }
        Ok(())
    }

    fn look(&self, key: &Key) -> Result<Option<FileFacts>, StoreError> {
        Ok(self.state().visible.get(key).map(|file| file.facts))
    }

    fn open(&self, key: &Key) -> Result<Box<dyn ReadSeek>, StoreError> {
        match self.content(key) {
            Some(content) => Ok(Box::new(Cursor::new(content))),
            None => Err(StoreError::Io { action: "cannot read", object: key.to_string(), cause: "not found".into() }),
        }
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        Ok(self.state().marker.clone())
    }

    fn bind(&self, marker: &Marker) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.marker.is_some() {
            let cause = "it exists".to_owned();
            return Err(StoreError::Io { action: "cannot write", object: "the marker".to_owned(), cause });
        }
        state.marker = Some(marker.clone());
        Ok(())
    }

    fn replace_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.marker.as_ref().is_none_or(|old| old.store_id != marker.store_id) {
            let cause = "it is not there, or another store's".to_owned();
            return Err(StoreError::Io { action: "cannot replace", object: "the marker".to_owned(), cause });
        }
        if state.has_stuck_marker {
            let cause = "it was told to stick".to_owned();
            return Err(StoreError::Io { action: "cannot replace", object: "the marker".to_owned(), cause });
        }
        state.marker = Some(marker.clone());
        Ok(())
    }

    fn wanted_quarantine(&self) -> Option<String> {
        self.state().wanted_quarantine.clone()
    }

    fn quarantines(&self) -> Result<Vec<String>, StoreError> {
        let runs: BTreeSet<String> = self.state().hidden.keys().map(|place| place.run.clone()).collect();
        Ok(runs.into_iter().collect())
    }

    fn lying_in(&self, run: &str) -> Result<Vec<Lying>, StoreError> {
        let state = self.state();
        let lying = state.hidden.iter().filter(|(place, _)| place.run == run);
        Ok(lying
            .map(|(place, file)| Lying {
                place: place.clone(),
                key: state.noted.get(place).cloned(),
                size_bytes: file.facts.size_bytes,
            })
            .collect())
    }

    fn hide(&self, orders: &[HideOrder]) -> Result<Vec<HideOutcome>, StoreError> {
        let mut state = self.state();
        state.noted.extend(orders.iter().map(|order| (order.place.clone(), order.key.clone())));
        Ok(orders.iter().map(|order| state.hide_one(order)).collect())
    }

    fn settle(&self, _run: &str, _keys: &[&Key]) -> Result<(), StoreError> {
        Ok(())
    }

    fn look_hidden(&self, place: &Place) -> Result<Option<FileFacts>, StoreError> {
        Ok(self.state().hidden.get(place).map(|file| file.facts))
    }

    fn open_hidden(&self, place: &Place) -> Result<HiddenFile, StoreError> {
        match self.state().hidden.get(place) {
            Some(file) => Ok(HiddenFile { content: Box::new(Cursor::new(file.content.clone())), mode: file.mode }),
            None => {
                let object = format!("{}/{}", place.run, place.op);
                Err(StoreError::Io { action: "cannot read the hidden file", object, cause: "not found".to_owned() })
            }
        }
    }

    fn put_back(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        let mut state = self.state();
        if !state.hidden.contains_key(place) {
            return Ok(PutBackOutcome::HiddenGone);
        }
        if state.visible.contains_key(key) {
            return Ok(PutBackOutcome::PlaceTaken);
        }
        let ctime = state.tick();
        if let Some(mut file) = state.hidden.remove(place) {
            file.facts.ctime = ctime;
            state.visible.insert(key.clone(), file);
        }
        Ok(PutBackOutcome::Back)
    }

    fn free(&self, orders: &[FreeOrder]) -> Vec<FreeOutcome> {
        let mut state = self.state();
        orders.iter().map(|order| state.free_one(order)).collect()
    }

    fn take_in(&self, place: &Place, content: &mut dyn Read, mtime: FileTime, mode: u32) -> Result<(), StoreError> {
        self.state().incoming.remove(place);
        let mut held = Vec::new();
        let read = content.read_to_end(&mut held);
        let mut state = self.state();
        let facts = state.new_facts(&held, mtime);
        // Whether whole or torn, it is there.
        state.incoming.insert(place.clone(), MemoryFile { facts, content: held, mode: mode & 0o777 });
        let object = format!("{}-{}", place.run, place.op);
        let fail =
            |error: std::io::Error| StoreError::Io { action: "cannot take in", object, cause: error.to_string() };
        read.map(drop).map_err(fail)
    }

    fn put_in_place(&self, place: &Place, key: &Key) -> Result<PutBackOutcome, StoreError> {
        let mut state = self.state();
        if state.visible.contains_key(key) && state.incoming.contains_key(place) {
            return Ok(PutBackOutcome::PlaceTaken);
        }
        let Some(file) = state.incoming.remove(place) else { return Ok(PutBackOutcome::HiddenGone) };
        state.visible.insert(key.clone(), file);
        Ok(PutBackOutcome::Back)
    }

    fn drop_taken_in(&self, place: &Place) -> Result<(), StoreError> {
        self.state().incoming.remove(place);
        Ok(())
    }

    fn tidy(&self, _run: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
