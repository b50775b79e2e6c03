//! Archives to try things on.

use std::path::PathBuf;

use tempfile::TempDir;
use upsweep_adapters::archive::local::LocalArchive;
use upsweep_adapters::archive::memory::MemoryArchive;
use upsweep_engine::ports::{Archive, Compression, CopyName, IndexLine, OpId};
use upsweep_plan::key::Key;
use upsweep_plan::listing::FileTime;
use upsweep_plan::verdict::Reason;

/// One archive under test.
pub(crate) enum Rig {
    Local { dir: TempDir, archive: LocalArchive },
    Memory(MemoryArchive),
}

impl Rig {
    pub(crate) fn local(compression: Compression) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("backup")).unwrap();
        let archive = LocalArchive::new(&dir.path().join("backup"), compression);
        Self::Local { dir, archive }
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryArchive::default())
    }

    pub(crate) fn archive(&self) -> &dyn Archive {
        match self {
            Self::Local { archive, .. } => archive,
            Self::Memory(archive) => archive,
        }
    }

    /// The root of a local archive.
    pub(crate) fn root(&self) -> PathBuf {
        match self {
            Self::Local { dir, .. } => dir.path().join("backup"),
            Self::Memory(_) => panic!("an archive in memory has no path"),
        }
    }

    pub(crate) fn name(&self, op: u64) -> CopyName {
        let compression = self.archive().compression();
        let file = format!("{op}.m4a{}", compression.extension());
        CopyName { store: "store-1".to_owned(), run: "run-1".to_owned(), file, compression }
    }

    pub(crate) fn draft(&self, op: u64, content: &[u8]) -> CopyName {
        let name = self.name(op);
        self.archive().draft(&name, &mut &content[..]).unwrap();
        name
    }

    pub(crate) fn read(&self, name: &CopyName) -> Option<Vec<u8>> {
        let mut held = Vec::new();
        self.archive().read(name).unwrap()?.read_to_end(&mut held).unwrap();
        Some(held)
    }

    pub(crate) fn read_draft(&self, name: &CopyName) -> Vec<u8> {
        let mut held = Vec::new();
        self.archive().read_draft(name).unwrap().read_to_end(&mut held).unwrap();
        held
    }

    /// How many lines the index of a run has.
    pub(crate) fn lines(&self, run: &str) -> usize {
        match self {
            Self::Local { .. } => {
                let path = self.root().join("store-1").join(run).join("index.jsonl");
                std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
            }
            Self::Memory(archive) => archive.lines().len(),
        }
    }
}

pub(crate) fn line(op: u64, name: &[u8]) -> IndexLine {
    IndexLine {
        op: OpId(op),
        file: format!("{op}.m4a"),
        key: Key::parse(name).unwrap(),
        size_bytes: 9,
        mtime: FileTime { secs: -1, nanos: 999_999_999 },
        mode: 0o640,
        blake3: "00ff".to_owned(),
        compression: Compression::None,
        reason: Reason::FailedSession { since: jiff::Timestamp::UNIX_EPOCH, owners: vec!["it's \"7\"\n".to_owned()] },
        hidden_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Makes one test per archive out of each case, a function of `&Rig`.
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        mod plain_directory {
            $(#[test] fn $case() {
                super::$case(&crate::rig::Rig::local(upsweep_engine::ports::Compression::None));
            })*
        }
        mod compressed_directory {
            $(#[test] fn $case() {
                super::$case(&crate::rig::Rig::local(upsweep_engine::ports::Compression::Zstd));
            })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case(&crate::rig::Rig::memory()); })*
        }
    };
}
pub(crate) use everywhere;
