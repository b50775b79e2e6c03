//! The life of one object: the only function that says what may follow what.
//!
//! It is asked before a transition is written to the journal, and again for every entry when a journal is
//! read, so that a damaged or forged journal is noticed and never guessed at.

use serde::{Deserialize, Serialize};

/// Where an object stands. States that end in *-ing* have a durable intent whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Chosen by a plan; nothing was done.
    Planned,
    /// About to be hidden.
    Quarantining,
    /// Hidden in the quarantine.
    Quarantined,
    /// About to be brought back.
    Restoring,
    /// Back in its place.
    Restored,
    /// Hidden, and about to be copied to the archive.
    Archiving,
    /// About to be freed.
    Purging,
    /// Freed. If there is a copy in the archive, it can come back from there.
    Purged,
    /// Freed, and about to be brought back from the archive.
    Retrieving,
    /// Another file stands under its name, so nothing was done.
    Superseded,
    /// It was gone already, and it is not in the quarantine either.
    Vanished,
    /// It could not be moved and stands where it stood.
    LeftAlone,
    /// Its place is taken: both files are kept, and a human decides.
    Conflict,
    /// The quarantine lost it to somebody else.
    Lost,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It will be hidden.
    IntendHide,
    /// It was hidden, and what arrived is what was meant.
    Hidden,
    /// Another file stood under its name.
    FoundOther,
    /// Nothing stood under its name.
    FoundNothing,
    /// The store refused, or recovery found that nothing had moved.
    NotMoved,
    /// It will be brought back.
    IntendRestore,
    /// It is back.
    PutBack,
    /// Its place is taken.
    PlaceTaken,
    /// It will be copied to the archive.
    IntendCopy,
    /// The archive holds a copy that was read back and found equal.
    Copied,
    /// There is no such copy yet; it is hidden as before.
    NotCopied,
    /// It will be freed.
    IntendPurge,
    /// Its bytes are freed.
    Freed,
    /// It was found where the last intent found it: nothing was done.
    StillHidden,
    /// The hidden file is gone although nobody freed it.
    HiddenGone,
    /// It will be brought back from the archive.
    IntendRetrieve,
    /// It is back, from the archive.
    Retrieved,
    /// It is not: its place is taken, or its copy could not be had. The copy stays where it is.
    NotRetrieved,
}

/// Whether there is a copy in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyState {
    /// None was asked for.
    NotAsked,
    /// It must be made before anything is freed.
    Owed,
    /// It was made, read back, and found equal.
    Kept,
}

/// Where an object stands in full: what may follow depends on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Life {
    /// Where the object is.
    pub state: State,
    /// Whether the archive has it.
    pub copy: CopyState,
}

impl Life {
    /// The beginning: chosen by a plan, nothing done.
    #[must_use]
    pub fn planned(needs_copy: bool) -> Self {
        Self { state: State::Planned, copy: if needs_copy { CopyState::Owed } else { CopyState::NotAsked } }
    }
}

/// A transition that must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an object that is {} (copy: {:?}) cannot go through {}: the journal is damaged, or this is a bug",
    .from.state.name(), .from.copy, .event.name()
)]
pub struct IllegalTransition {
    /// Where it stood.
    pub from: Life,
    /// What was said to have happened.
    pub event: Event,
}

/// What follows when `event` happens to an object that stands at `from`.
///
/// # Errors
/// [`IllegalTransition`] for everything that is not part of an object's life.
pub fn next(from: Life, event: Event) -> Result<Life, IllegalTransition> {
    use CopyState as C;
    use Event as E;
    use State as S;
    let Life { state, copy } = from;
    let to = |state| Life { state, copy };
    Ok(match (state, event) {
        (S::Planned, E::IntendHide) => to(S::Quarantining),
        (S::Quarantining, E::Hidden) => to(S::Quarantined),
        (S::Quarantining, E::FoundOther) => to(S::Superseded),
        (S::Quarantining, E::FoundNothing) => to(S::Vanished),
        (S::Quarantining, E::NotMoved) => to(S::LeftAlone),
        (S::Quarantining, E::PlaceTaken) => to(S::Conflict),
        (S::Quarantined | S::Conflict, E::IntendRestore) => to(S::Restoring),
        (S::Restoring, E::PutBack) => to(S::Restored),
        (S::Restoring, E::PlaceTaken) => to(S::Conflict),
        (S::Restoring | S::Purging, E::StillHidden) => to(S::Quarantined),
        (S::Quarantined | S::Restoring | S::Archiving | S::Purging | S::Conflict, E::HiddenGone) => to(S::Lost),
        (S::Quarantined, E::IntendCopy) if copy == C::Owed => to(S::Archiving),
        (S::Archiving, E::Copied) => Life { state: S::Quarantined, copy: C::Kept },
        (S::Archiving, E::NotCopied) => to(S::Quarantined),
        // What must be copied first is not freed before.
        (S::Quarantined, E::IntendPurge) if copy != C::Owed => to(S::Purging),
        // "Already gone" is an outcome: the intent was durable, and the bytes are gone.
        (S::Purging, E::Freed) => to(S::Purged),
        (S::Purged, E::IntendRetrieve) if copy == C::Kept => to(S::Retrieving),
        (S::Retrieving, E::Retrieved) => to(S::Restored),
        (S::Retrieving, E::NotRetrieved) => to(S::Purged),
        _ => return Err(IllegalTransition { from, event }),
    })
}

impl State {
    /// Whether an intent is durable whose outcome is not: recovery must look.
    #[must_use]
    pub fn is_pending(self) -> bool {
        match self {
            Self::Quarantining | Self::Restoring | Self::Archiving | Self::Purging | Self::Retrieving => true,
            Self::Planned
            | Self::Quarantined
            | Self::Restored
            | Self::Purged
            | Self::Superseded
            | Self::Vanished
            | Self::LeftAlone
            | Self::Conflict
            | Self::Lost => false,
        }
    }

    /// The states whose outcome is not known yet.
    pub const PENDING: [Self; 5] =
        [Self::Quarantining, Self::Restoring, Self::Archiving, Self::Purging, Self::Retrieving];

    /// Every state.
    pub const ALL: [Self; 14] = [
        Self::Planned,
        Self::Quarantining,
        Self::Quarantined,
        Self::Restoring,
        Self::Restored,
        Self::Archiving,
        Self::Purging,
        Self::Purged,
        Self::Retrieving,
        Self::Superseded,
        Self::Vanished,
        Self::LeftAlone,
        Self::Conflict,
        Self::Lost,
    ];

    /// The name used in the journal and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Quarantining => "quarantining",
            Self::Quarantined => "quarantined",
            Self::Restoring => "restoring",
            Self::Restored => "restored",
            Self::Archiving => "archiving",
            Self::Purging => "purging",
            Self::Purged => "purged",
            Self::Retrieving => "retrieving",
            Self::Superseded => "superseded",
            Self::Vanished => "vanished",
            Self::LeftAlone => "left-alone",
            Self::Conflict => "conflict",
            Self::Lost => "lost",
        }
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 18] = [
        Self::IntendHide,
        Self::Hidden,
        Self::FoundOther,
        Self::FoundNothing,
        Self::NotMoved,
        Self::IntendRestore,
        Self::PutBack,
        Self::PlaceTaken,
        Self::IntendCopy,
        Self::Copied,
        Self::NotCopied,
        Self::IntendPurge,
        Self::Freed,
        Self::StillHidden,
        Self::HiddenGone,
        Self::IntendRetrieve,
        Self::Retrieved,
        Self::NotRetrieved,
    ];

    /// Whether it only says what is about to happen.
    #[must_use]
    pub fn is_intent(self) -> bool {
        match self {
            Self::IntendHide | Self::IntendRestore | Self::IntendCopy | Self::IntendPurge | Self::IntendRetrieve => {
                true
            }
            Self::Hidden
            | Self::FoundOther
            | Self::FoundNothing
            | Self::NotMoved
            | Self::PutBack
            | Self::PlaceTaken
            | Self::Copied
            | Self::NotCopied
            | Self::Freed
            | Self::StillHidden
            | Self::HiddenGone
            | Self::Retrieved
            | Self::NotRetrieved => false,
        }
    }

    /// The name used in the journal and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IntendHide => "intend-hide",
            Self::Hidden => "hidden",
            Self::FoundOther => "found-other",
            Self::FoundNothing => "found-nothing",
            Self::NotMoved => "not-moved",
            Self::IntendRestore => "intend-restore",
            Self::PutBack => "put-back",
            Self::PlaceTaken => "place-taken",
            Self::IntendCopy => "intend-copy",
            Self::Copied => "copied",
            Self::NotCopied => "not-copied",
            Self::IntendPurge => "intend-purge",
            Self::Freed => "freed",
            Self::StillHidden => "still-hidden",
            Self::HiddenGone => "hidden-gone",
            Self::IntendRetrieve => "intend-retrieve",
            Self::Retrieved => "retrieved",
            Self::NotRetrieved => "not-retrieved",
        }
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
