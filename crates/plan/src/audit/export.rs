//! A trail in a file: a line that says where it begins, one line a record, and a last line with the checkpoint.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Finding, Start, Summary, Verifier};

/// The form of the file, in its first line.
pub const FORM: &str = "upsweep-audit-1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    form: String,
    start: Start,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastLine {
    checkpoint: Checkpoint,
}

/// The first line of a file, without a newline.
#[must_use]
pub fn first_line(start: Start) -> String {
    text(&FirstLine { form: FORM.to_owned(), start })
}

/// The last line of a file, without a newline. It is also the whole content of a checkpoint kept elsewhere.
#[must_use]
pub fn last_line(checkpoint: Checkpoint) -> String {
    text(&LastLine { checkpoint })
}

/// Reads a checkpoint that [`last_line`] wrote, with or without the newline after it.
///
/// # Errors
/// What is wrong with it.
pub fn read_checkpoint(line: &str) -> Result<Checkpoint, String> {
    exactly::<LastLine>(line.strip_suffix('\n').unwrap_or(line)).map(|last| last.checkpoint)
}

fn text<T: Serialize>(line: &T) -> String {
    serde_json::to_string(line).expect("it has only text keys, so it always serialises")
}

/// Reads a line that must be to the last byte as it was written.
fn exactly<T: Serialize + for<'de> Deserialize<'de>>(line: &str) -> Result<T, String> {
    let value: T = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if text(&value) == line { Ok(value) } else { Err("it is not spelled as upsweep writes it".to_owned()) }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFinding {
    /// Its first line says nothing that could be relied on.
    #[error("the first line, which says where the trail begins, is missing or was altered: {0}")]
    FirstLine(String),
    /// It ends without a checkpoint.
    #[error("the tail was cut off: after record {last} the line with the checkpoint is missing")]
    NoLastLine {
        /// The last record there is.
        last: u64,
    },
    /// The last line is a checkpoint, but not of what stands before it.
    #[error("the last line, the checkpoint, does not agree with record {last} before it: it was altered")]
    LastLine {
        /// The last record there is.
        last: u64,
    },
    /// Something follows the line that should be the last.
    #[error("lines follow the checkpoint, which should be the last line: they were added or moved")]
    AfterLastLine,
    /// Its records.
    #[error(transparent)]
    Chain(#[from] Finding),
}

/// Checks a file line by line and keeps none of them.
pub struct FileVerifier {
    kept_elsewhere: Option<Checkpoint>,
    state: State,
}

enum State {
    Begins,
    InRecords(Box<Verifier>),
    Ended(Box<Verifier>, Checkpoint),
}

impl FileVerifier {
    /// Begins; `kept_elsewhere` is a checkpoint that whoever altered the file could not alter.
    #[must_use]
    pub fn new(kept_elsewhere: Option<Checkpoint>) -> Self {
        Self { kept_elsewhere, state: State::Begins }
    }

    /// Checks the next line, given without its newline.
    ///
    /// # Errors
    /// The first [`FileFinding`]; nothing after it can be relied on.
    pub fn line(&mut self, line: &[u8]) -> Result<(), FileFinding> {
        // No line that was written here looks like that, so what is no text is found to be altered.
        let line = std::str::from_utf8(line).unwrap_or("no UTF-8");
        self.state = match std::mem::replace(&mut self.state, State::Begins) {
            State::Begins => {
                let FirstLine { form, start } = exactly(line).map_err(FileFinding::FirstLine)?;
                if form != FORM {
                    return Err(FileFinding::FirstLine(format!("its form is {form}, not {FORM}")));
                }
                if start.seq == 0 && start != Start::of_ledger(&start.ledger) {
                    return Err(FileFinding::FirstLine("ledger and hash do not go together".to_owned()));
                }
                State::InRecords(Box::new(Verifier::new(start, self.kept_elsewhere.clone())?))
            }
            State::InRecords(mut verifier) => match read_checkpoint(line) {
                Ok(checkpoint) => State::Ended(verifier, checkpoint),
                Err(_) => {
                    verifier.line(line)?;
                    State::InRecords(verifier)
                }
            },
            State::Ended(..) => return Err(FileFinding::AfterLastLine),
        };
        Ok(())
    }

    /// Ends the check: the file's own checkpoint and the one kept elsewhere must both fit.
    ///
    /// # Errors
    /// The first [`FileFinding`].
    pub fn finish(self) -> Result<Summary, FileFinding> {
        match self.state {
            State::Begins => Err(FileFinding::FirstLine("the file is empty".to_owned())),
            // What was kept elsewhere says more: how much is missing.
            State::InRecords(verifier) => {
                let summary = verifier.finish()?;
                Err(FileFinding::NoLastLine { last: summary.last_seq })
            }
            State::Ended(verifier, Checkpoint { ledger, seq, hash, at }) => {
                let summary = verifier.finish()?;
                if ledger == summary.ledger && seq > summary.last_seq {
                    return Err(Finding::TailCut { last: summary.last_seq, checkpoint: seq, at: Some(at) }.into());
                }
                // Of a part without records the start is the end, and says nothing of the time.
                let times_differ = summary.last_at.is_some_and(|last| last != at);
                let end = (&summary.ledger, summary.last_seq, &summary.last_hash);
                if (&ledger, seq, &hash) != end || times_differ {
                    return Err(FileFinding::LastLine { last: summary.last_seq });
                }
                Ok(summary)
            }
        }
    }
}
