//! Which files a human asks back, and where each of them is.

use std::collections::BTreeSet;

use upsweep_plan::key::Key;
use upsweep_plan::lifecycle::State;

use crate::error::EngineError;
use crate::ports::{Ledger, Op};
use crate::retrieve::retrievable;

/// Which files to bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that are hidden.
    All,
    /// Those that one run hid; what was freed since comes from the archive, where there is a copy.
    Run(String),
    /// Those with these names; what is not hidden comes from the archive, where there is a copy.
    Keys(Vec<Key>),
}

/// What a selection means.
pub(crate) struct Selected {
    /// Operations whose files are hidden, or in conflict.
    pub(crate) hidden: Vec<Op>,
    /// Operations whose files were freed and are in the archive.
    pub(crate) archived: Vec<Op>,
    /// Names that are neither.
    pub(crate) unknown: Vec<Key>,
}

impl Selected {
    /// Looks it up.
    pub(crate) fn read(ledger: &dyn Ledger, selection: &Selection) -> Result<Self, EngineError> {
        const HIDDEN: [State; 2] = [State::Quarantined, State::Conflict];
        let is_hidden = |op: &Op| HIDDEN.contains(&op.state);
        Ok(match selection {
            Selection::All => Self { hidden: ledger.ops_in(&HIDDEN)?, archived: vec![], unknown: vec![] },
            Selection::Run(run) => {
                if ledger.run(run)?.is_none() {
                    return Err(EngineError::NoSuchRun(run.clone()));
                }
                let (hidden, rest): (Vec<Op>, Vec<Op>) = ledger.ops_of(run)?.into_iter().partition(is_hidden);
                Self { hidden, archived: retrievable(rest), unknown: vec![] }
            }
            Selection::Keys(keys) => {
                let named = |ops: Vec<Op>| ops.into_iter().filter(|op| keys.contains(&op.key)).collect::<Vec<Op>>();
                let hidden = named(ledger.ops_in(&HIDDEN)?);
                let mut known: BTreeSet<Key> = hidden.iter().map(|op| op.key.clone()).collect();
                let mut archived = retrievable(named(ledger.ops_in(&[State::Purged])?));
                // A file that is still hidden is the newer one of its name.
                archived.retain(|op| !known.contains(&op.key));
                known.extend(archived.iter().map(|op| op.key.clone()));
                let unknown = keys.iter().filter(|key| !known.contains(*key)).cloned().collect();
                Self { hidden, archived, unknown }
            }
        })
    }
}
