//! Whether a chain of records is whole.

use jiff::Timestamp;

use super::{Checkpoint, Head, Record, Start};

/// Checks records one after another and keeps none of them.
#[derive(Debug)]
pub struct Verifier {
    ledger: String,
    head: Head,
    checkpoint: Option<Checkpoint>,
    /// The records so far: their number, the first one's number and time, and the last one's time.
    records: u64,
    first: Option<(u64, Timestamp)>,
    last_at: Option<Timestamp>,
}

/// What a whole chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The ledger's id.
    pub ledger: String,
    /// How many records there are.
    pub records: u64,
    /// The first one's number and time.
    pub first: Option<(u64, Timestamp)>,
    /// The last one's number, or that of the record before the first where there is none.
    pub last_seq: u64,
    /// The last one's hash.
    pub last_hash: String,
    /// The last one's time.
    pub last_at: Option<Timestamp>,
}

/// The first thing that is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A record that was changed.
    #[error("record {seq} of {at} was altered: its content does not fit its hash")]
    Altered {
        /// Its number, as it says itself.
        seq: u64,
        /// Its time, as it says itself.
        at: Timestamp,
    },
    /// A line that is no record.
    #[error(
        "record {} cannot be read, so it was altered ({cause}){}",
        .after.saturating_add(1),
        .after_at.map_or(String::new(), |at| format!("; the last whole one is record {after} of {at}"))
    )]
    Unreadable {
        /// The number of the last record that was whole.
        after: u64,
        /// Its time; `None` when the very first line cannot be read.
        after_at: Option<Timestamp>,
        /// What is wrong with the line.
        cause: String,
    },
    /// Records are left out.
    #[error("{} missing: after record {after} comes record {found} of {at}", missing(*.after, *.found))]
    Missing {
        /// The last one that was whole.
        after: u64,
        /// The next one.
        found: u64,
        /// Its time.
        at: Timestamp,
    },
    /// A record stands where it does not belong.
    #[error("record {found} of {at} stands where record {expected} belongs: records were moved or repeated")]
    Reordered {
        /// The number that comes next.
        expected: u64,
        /// The number found instead.
        found: u64,
        /// The time of what was found.
        at: Timestamp,
    },
    /// A record does not continue the one before it, although both fit their own hashes.
    #[error(
        "record {seq} of {at} does not continue record {}: one of the two was replaced, and its hash made to fit",
        .seq.saturating_sub(1)
    )]
    Unlinked {
        /// Its number.
        seq: u64,
        /// Its time.
        at: Timestamp,
    },
    /// The oldest records are gone, and no anchor says that they were pruned.
    #[error("the head was cut off: {}", head_cut(*.expected, *.found))]
    HeadCut {
        /// The number that should come first.
        expected: u64,
        /// The number and time of what does.
        found: (u64, Option<Timestamp>),
    },
    /// The newest records are gone.
    #[error(
        "the tail was cut off: it ends with record {last}, but {} knows record {checkpoint}: {} missing",
        .at.map_or("the ledger's own counter".to_owned(), |at| format!("the checkpoint of {at}")),
        missing(*.last, .checkpoint.saturating_add(1))
    )]
    TailCut {
        /// The last record there is.
        last: u64,
        /// The number that the checkpoint names.
        checkpoint: u64,
        /// The checkpoint's time; `None` when it is no checkpoint, but the ledger's own counter.
        at: Option<Timestamp>,
    },
    /// The chain is whole in itself, but it is not the one of which the checkpoint was taken.
    #[error(
        "record {seq} is not the one that the checkpoint of {at} knows: the trail was written anew up to there, or further"
    )]
    Rewritten {
        /// The number that the checkpoint names.
        seq: u64,
        /// The checkpoint's time.
        at: Timestamp,
    },
    /// It is another ledger's.
    #[error("these are records of another ledger: {found}, not {expected}")]
    Foreign {
        /// The ledger that was asked for.
        expected: String,
        /// What was found.
        found: String,
    },
}

fn missing(after: u64, found: u64) -> String {
    match (after.saturating_add(1), found.saturating_sub(1)) {
        (first, last) if first >= last => format!("record {first} is"),
        (first, last) => format!("records {first} to {last} are"),
    }
}

fn head_cut(expected: u64, (seq, at): (u64, Option<Timestamp>)) -> String {
    match at {
        Some(at) => format!("it should begin with record {expected}, but begins with record {seq} of {at}"),
        None => format!("it begins with record {expected}, so the checkpoint of record {seq} cannot be compared"),
    }
}

impl Finding {
    /// The number of the first record that is not as it should be.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Altered { seq, .. } | Self::Unlinked { seq, .. } | Self::Rewritten { seq, .. } => *seq,
            Self::Unreadable { after, .. } | Self::Missing { after, .. } => after.saturating_add(1),
            Self::Reordered { expected, .. } | Self::HeadCut { expected, .. } => *expected,
            Self::TailCut { last, .. } => last.saturating_add(1),
            Self::Foreign { .. } => 1,
        }
    }
}

impl Verifier {
    /// Begins with what the first record must continue; `checkpoint` is one that was kept elsewhere.
    ///
    /// # Errors
    /// [`Finding::Foreign`], [`Finding::HeadCut`] or [`Finding::Rewritten`] when start and checkpoint do not go
    /// together.
    pub fn new(start: Start, checkpoint: Option<Checkpoint>) -> Result<Self, Finding> {
        let Start { ledger, seq, hash } = start;
        if seq == 0 && hash != Start::of_ledger(&ledger).hash {
            return Err(Finding::Foreign { expected: ledger, found: "its beginning has another id".to_owned() });
        }
        if let Some(Checkpoint { ledger: known, seq: point, hash: sum, at }) = &checkpoint {
            if *known != ledger {
                return Err(Finding::Foreign { expected: known.clone(), found: ledger });
            }
            if *point < seq {
                return Err(Finding::HeadCut { expected: seq.saturating_add(1), found: (*point, None) });
            }
            if *point == seq && *sum != hash {
                return Err(Finding::Rewritten { seq, at: *at });
            }
        }
        Ok(Self { ledger, head: Head { seq, hash }, checkpoint, records: 0, first: None, last_at: None })
    }

    /// Checks the next line.
    ///
    /// # Errors
    /// The first [`Finding`] about it; nothing after it can be relied on.
    pub fn line(&mut self, line: &str) -> Result<Record, Finding> {
        let record = Record::read(line).map_err(|cause| Finding::Unreadable {
            after: self.head.seq,
            after_at: self.last_at,
            cause,
        })?;
        self.record(&record)?;
        Ok(record)
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// The first [`Finding`] about it; nothing after it can be relied on.
    pub fn record(&mut self, record: &Record) -> Result<(), Finding> {
        let (seq, at) = (record.seq, record.at);
        if !record.is_intact() {
            return Err(Finding::Altered { seq, at });
        }
        let expected = self.head.seq.saturating_add(1);
        if seq < expected {
            return Err(Finding::Reordered { expected, found: seq, at });
        }
        if seq > expected {
            return Err(match self.first {
                None => Finding::HeadCut { expected, found: (seq, Some(at)) },
                Some(_) => Finding::Missing { after: self.head.seq, found: seq, at },
            });
        }
        if record.previous != self.head.hash {
            return Err(match seq {
                1 => Finding::Foreign {
                    expected: self.ledger.clone(),
                    found: "the first record continues another id".to_owned(),
                },
                _ => Finding::Unlinked { seq, at },
            });
        }
        if let Some(point) = self.checkpoint.as_ref().filter(|point| point.seq == seq)
            && (&point.hash, point.at) != (&record.hash, record.at)
        {
            return Err(Finding::Rewritten { seq, at: point.at });
        }
        self.head = record.head();
        self.records += 1;
        self.first = self.first.or(Some((seq, at)));
        self.last_at = Some(at);
        Ok(())
    }

    /// Ends the check.
    ///
    /// # Errors
    /// [`Finding::TailCut`] when the checkpoint knows more records.
    pub fn finish(self) -> Result<Summary, Finding> {
        let Self { ledger, head, checkpoint, records, first, last_at } = self;
        match checkpoint {
            Some(point) if point.seq > head.seq => {
                Err(Finding::TailCut { last: head.seq, checkpoint: point.seq, at: Some(point.at) })
            }
            _ => Ok(Summary { ledger, records, first, last_seq: head.seq, last_hash: head.hash, last_at }),
        }
    }
}

/// Checks a whole chain, or a part of it, from `start`; `checkpoint` is one that was kept elsewhere. Without one a
/// tail that was cut off cannot be noticed.
///
/// # Errors
/// The first [`Finding`].
pub fn verify<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    start: Start,
    checkpoint: Option<Checkpoint>,
) -> Result<Summary, Finding> {
    let mut verifier = Verifier::new(start, checkpoint)?;
    records.into_iter().try_for_each(|record| verifier.record(record))?;
    verifier.finish()
}
