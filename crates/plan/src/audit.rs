//! The audit trail: records in a chain of hashes, so that none can be altered, dropped or moved unnoticed.
//!
//! A record is one line of JSON. Its hash is taken over that line without the hash itself, and it names the hash of
//! the record before it; the first names the hash of its ledger's id. [`verify`] checks such a chain, and [`export`]
//! a file of it.

pub mod export;
mod verify;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use verify::{Finding, Summary, Verifier, verify};

/// What happened, before it is part of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// The run that did it, if one did.
    pub run: Option<String>,
    /// Who did it, and where.
    pub actor: String,
    /// What happened, as a word such as `freed` or `hold-set`.
    pub event: String,
    /// What it happened to: a file's name with escapes, a run, the number of a hold.
    pub subject: Option<String>,
    /// What else is worth knowing.
    pub details: BTreeMap<String, String>,
}

/// One record of the trail. Its fields stand in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, from 1 and without gaps.
    pub seq: u64,
    /// When, to the microsecond.
    pub at: Timestamp,
    /// The run that did it, if one did.
    pub run: Option<String>,
    /// Who did it, and where.
    pub actor: String,
    /// What happened.
    pub event: String,
    /// What it happened to.
    pub subject: Option<String>,
    /// What else is worth knowing.
    pub details: BTreeMap<String, String>,
    /// The hash of the record before it.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

/// Where a chain, or a part of it, begins: the hash that its first record names, and the number of the record that
/// has it (0: none, the ledger's own beginning).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The ledger's id.
    pub ledger: String,
    /// The number of the last record before the first one here.
    pub seq: u64,
    /// That record's hash.
    pub hash: String,
}

impl Start {
    /// The beginning of a ledger's whole trail.
    #[must_use]
    pub fn of_ledger(ledger: &str) -> Self {
        Self { ledger: ledger.to_owned(), seq: 0, hash: blake3::hash(ledger.as_bytes()).to_hex().to_string() }
    }

    /// The end of the chain so far, for the next record.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash.clone() }
    }
}

/// The end of a chain, which the next record continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record's number.
    pub seq: u64,
    /// The last record's hash.
    pub hash: String,
}

/// The state of a trail at one moment. Kept elsewhere it proves later that nothing before it was altered or cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The ledger's id.
    pub ledger: String,
    /// The number of its last record.
    pub seq: u64,
    /// That record's hash.
    pub hash: String,
    /// That record's time.
    pub at: Timestamp,
}

impl Record {
    /// The record that continues the chain after `head`. Its time is cut to microseconds, as ledgers keep it.
    #[must_use]
    pub fn after(head: &Head, at: Timestamp, what: NewRecord) -> Self {
        let NewRecord { run, actor, event, subject, details } = what;
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let mut record = Self {
            seq: head.seq.saturating_add(1),
            at,
            run,
            actor,
            event,
            subject,
            details,
            previous: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = hash_of(&record.body());
        record
    }

    /// Reads a line, which must be to the last byte as [`Record::line`] writes it: no other spelling of the same
    /// thing passes, so no byte can be altered unnoticed. Whether the hash fits is another question.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if record.line() == line { Ok(record) } else { Err("it is not spelled as upsweep writes it".to_owned()) }
    }

    /// The record as one line of JSON, without a newline.
    #[must_use]
    pub fn line(&self) -> String {
        with_hash(&self.body(), &self.hash)
    }

    /// The line without the hash, which is taken over it.
    #[must_use]
    pub fn body(&self) -> String {
        let Self { seq, at, run, actor, event, subject, details, previous, hash: _ } = self;
        let body = Body { seq: *seq, at: *at, run, actor, event, subject, details, previous };
        serde_json::to_string(&body).expect("a record has only text keys, so it always serialises")
    }

    /// Whether its hash is the one of its content.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.hash == hash_of(&self.body())
    }

    /// The chain's end with this record.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash.clone() }
    }

    /// The state of a ledger's trail that ends with this record.
    #[must_use]
    pub fn checkpoint(&self, ledger: &str) -> Checkpoint {
        Checkpoint { ledger: ledger.to_owned(), seq: self.seq, hash: self.hash.clone(), at: self.at }
    }
}

/// The line of a record whose body and hash are stored apart.
#[must_use]
pub fn with_hash(body: &str, hash: &str) -> String {
    let open = body.strip_suffix('}').unwrap_or(body);
    let hash = serde_json::to_string(hash).unwrap_or_default();
    format!("{open},\"hash\":{hash}}}")
}

#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    at: Timestamp,
    run: &'a Option<String>,
    actor: &'a str,
    event: &'a str,
    subject: &'a Option<String>,
    details: &'a BTreeMap<String, String>,
    previous: &'a str,
}

fn hash_of(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
