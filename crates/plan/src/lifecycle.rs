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
    /// About to be freed.
    Purging,
    /// Freed.
    Purged,
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
    /// It will be freed.
    IntendPurge,
    /// Its bytes are freed.
    Freed,
    /// It was found where the last intent found it: nothing was done.
    StillHidden,
    /// The hidden file is gone although nobody freed it.
    HiddenGone,
}

/// A transition that must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object that is {from:?} cannot go through {event:?}: the journal is damaged, or this is a bug")]
pub struct IllegalTransition {
    /// Where it stood.
    pub from: State,
    /// What was said to have happened.
    pub event: Event,
}

/// What follows when `event` happens to an object in state `from`.
///
/// # Errors
/// [`IllegalTransition`] for everything that is not part of an object's life.
pub fn next(from: State, event: Event) -> Result<State, IllegalTransition> {
    use Event as E;
    use State as S;
    Ok(match (from, event) {
        (S::Planned, E::IntendHide) => S::Quarantining,
        (S::Quarantining, E::Hidden) => S::Quarantined,
        (S::Quarantining, E::FoundOther) => S::Superseded,
        (S::Quarantining, E::FoundNothing) => S::Vanished,
        (S::Quarantining, E::NotMoved) => S::LeftAlone,
        (S::Quarantining, E::PlaceTaken) => S::Conflict,
        (S::Quarantined | S::Conflict, E::IntendRestore) => S::Restoring,
        (S::Restoring, E::PutBack) => S::Restored,
        (S::Restoring, E::PlaceTaken) => S::Conflict,
        (S::Restoring | S::Purging, E::StillHidden) => S::Quarantined,
        (S::Quarantined | S::Restoring | S::Purging | S::Conflict, E::HiddenGone) => S::Lost,
        (S::Quarantined, E::IntendPurge) => S::Purging,
        // "Already gone" is an outcome: the intent was durable, and the bytes are gone.
        (S::Purging, E::Freed) => S::Purged,
        (from, event) => return Err(IllegalTransition { from, event }),
    })
}

impl State {
    /// Whether an intent is durable whose outcome is not: recovery must look.
    #[must_use]
    pub fn is_pending(self) -> bool {
        match self {
            Self::Quarantining | Self::Restoring | Self::Purging => true,
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

    /// Every state.
    pub const ALL: [Self; 12] = [
        Self::Planned,
        Self::Quarantining,
        Self::Quarantined,
        Self::Restoring,
        Self::Restored,
        Self::Purging,
        Self::Purged,
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
            Self::Purging => "purging",
            Self::Purged => "purged",
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
    pub const ALL: [Self; 12] = [
        Self::IntendHide,
        Self::Hidden,
        Self::FoundOther,
        Self::FoundNothing,
        Self::NotMoved,
        Self::IntendRestore,
        Self::PutBack,
        Self::PlaceTaken,
        Self::IntendPurge,
        Self::Freed,
        Self::StillHidden,
        Self::HiddenGone,
    ];

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
            Self::IntendPurge => "intend-purge",
            Self::Freed => "freed",
            Self::StillHidden => "still-hidden",
            Self::HiddenGone => "hidden-gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path of up to `depth` events from the start.
    fn paths(depth: usize) -> Vec<Vec<State>> {
        let mut all = vec![vec![State::Planned]];
        let mut frontier = all.clone();
        for _ in 0..depth {
            let mut longer = Vec::new();
            for path in &frontier {
                for event in Event::ALL {
                    if let Ok(state) = next(*path.last().unwrap(), event) {
                        longer.push([path.as_slice(), &[state]].concat());
                    }
                }
            }
            all.extend(longer.iter().cloned());
            frontier = longer;
        }
        all
    }

    #[test]
    fn nothing_is_freed_that_was_not_hidden_and_meant_to_be_freed() {
        for path in paths(8) {
            for (at, state) in path.iter().enumerate() {
                if *state == State::Purged {
                    assert_eq!(path[at - 1], State::Purging);
                    assert_eq!(path[at - 2], State::Quarantined);
                    assert_eq!(path.len(), at + 1, "nothing follows a purge");
                }
            }
        }
    }

    #[test]
    fn every_change_of_the_store_has_its_intent_before_it() {
        for path in paths(7) {
            for pair in path.windows(2) {
                let moved = matches!(pair[1], State::Restored | State::Purged | State::Superseded | State::LeftAlone);
                assert!(!moved || pair[0].is_pending(), "{pair:?}");
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_names_are_distinct() {
        let reached: Vec<State> = paths(6).into_iter().flatten().collect();
        for state in State::ALL {
            assert!(reached.contains(&state), "{state:?}");
            assert_eq!(State::ALL.iter().filter(|s| s.name() == state.name()).count(), 1);
        }
        for event in Event::ALL {
            assert_eq!(Event::ALL.iter().filter(|e| e.name() == event.name()).count(), 1);
        }
    }
}
