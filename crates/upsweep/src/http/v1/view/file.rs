//! Single files: those a plan would remove, and those that were hidden.

use serde::{Deserialize, Serialize};
use upsweep_engine::ports::Op;
use upsweep_plan::lifecycle::{CopyState, State};
use upsweep_plan::{reconcile, verdict};
use utoipa::ToSchema;

use super::super::text::{Name, Time};

/// Why a file goes, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReasonKind {
    /// Nobody claims it.
    Orphan,
    /// Every session that claims it failed.
    FailedSession,
    /// Every row that claims it expired.
    Expired,
}

impl ReasonKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::FailedSession => "failed_session",
            Self::Expired => "expired",
        }
    }
}

/// Why a file goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Reason {
    kind: ReasonKind,
    /// What its age counts from: the file's time, the latest failure, the latest expiry.
    since: Time,
    /// The rows that claim it, by their identifiers.
    owners: Vec<String>,
    /// When a live row was last seen to claim it.
    claimed_until: Option<Time>,
}

impl From<&verdict::Reason> for Reason {
    fn from(reason: &verdict::Reason) -> Self {
        let since = reason.counted_from().into();
        match reason {
            verdict::Reason::Orphan { since: _, age_from: _, claimed_until } => {
                Self { kind: ReasonKind::Orphan, since, owners: vec![], claimed_until: claimed_until.map(Time) }
            }
            verdict::Reason::FailedSession { since: _, owners } => {
                Self { kind: ReasonKind::FailedSession, since, owners: owners.clone(), claimed_until: None }
            }
            verdict::Reason::Expired { at: _, owners } => {
                Self { kind: ReasonKind::Expired, since, owners: owners.clone(), claimed_until: None }
            }
        }
    }
}

/// A file that a plan would remove.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Removal {
    key: Name,
    reason: Reason,
    /// How old it was when it was judged.
    age_secs: u64,
    size_bytes: u64,
    modified_at: Option<Time>,
}

impl From<&reconcile::Removal> for Removal {
    fn from(reconcile::Removal { key, reason, age_secs, facts }: &reconcile::Removal) -> Self {
        Self {
            key: Name(key.clone()),
            reason: reason.into(),
            age_secs: *age_secs,
            size_bytes: facts.size_bytes,
            modified_at: facts.mtime.timestamp().map(Time),
        }
    }
}

/// A file that a run hid, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    /// Its number.
    id: u64,
    /// The run that hid it.
    run: String,
    key: Name,
    reason: Reason,
    size_bytes: u64,
    /// Where it stands.
    state: ItemState,
    /// When it was hidden.
    hidden_at: Option<Time>,
    /// When its time in the quarantine is over.
    until: Option<Time>,
    /// What becomes of it then.
    action: String,
    /// The copy in the archive.
    copy: ItemCopy,
    /// What was last noted about it.
    note: Option<String>,
    changed_at: Time,
}

/// Where a file stands; words that end in "ing" are intents whose outcome is not known yet.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemState {
    Planned,
    Quarantining,
    Quarantined,
    Restoring,
    Restored,
    Archiving,
    Purging,
    Purged,
    Retrieving,
    Superseded,
    Vanished,
    LeftAlone,
    Conflict,
    Lost,
}

/// The copy of a hidden file.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemCopy {
    /// None was asked for.
    NotAsked,
    /// It must be made before the file is freed.
    Owed,
    /// It was made and verified.
    Kept,
}

impl From<State> for ItemState {
    fn from(state: State) -> Self {
        match state {
            State::Planned => Self::Planned,
            State::Quarantining => Self::Quarantining,
            State::Quarantined => Self::Quarantined,
            State::Restoring => Self::Restoring,
            State::Restored => Self::Restored,
            State::Archiving => Self::Archiving,
            State::Purging => Self::Purging,
            State::Purged => Self::Purged,
            State::Retrieving => Self::Retrieving,
            State::Superseded => Self::Superseded,
            State::Vanished => Self::Vanished,
            State::LeftAlone => Self::LeftAlone,
            State::Conflict => Self::Conflict,
            State::Lost => Self::Lost,
        }
    }
}

impl From<Op> for Item {
    fn from(op: Op) -> Self {
        let (copy, until) = (op.life().copy, op.quarantined_until());
        Self {
            id: op.id.0,
            run: op.run,
            key: Name(op.key),
            reason: (&op.reason).into(),
            size_bytes: op.facts.size_bytes,
            state: op.state.into(),
            hidden_at: op.hidden_at.map(Time),
            until: until.map(Time),
            action: op.action.name().to_owned(),
            copy: match copy {
                CopyState::NotAsked => ItemCopy::NotAsked,
                CopyState::Owed => ItemCopy::Owed,
                CopyState::Kept => ItemCopy::Kept,
            },
            note: op.note,
            changed_at: op.changed_at.into(),
        }
    }
}
