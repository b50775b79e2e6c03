//! What becomes of a removed file after it was hidden.

use serde::{Deserialize, Serialize};

/// What becomes of a removed file. Each operation keeps the one it was hidden with, whatever the
/// configuration says later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Action {
    /// It stays hidden for a while, then it is freed.
    #[default]
    Quarantine,
    /// The same, and before it is freed there is a verified copy in the archive.
    Archive,
    /// It is freed by the run that hid it, once nobody can be in the middle of claiming it.
    Delete {
        /// Whether there must be a verified copy in the archive before.
        backup: bool,
    },
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] =
        [Self::Quarantine, Self::Archive, Self::Delete { backup: false }, Self::Delete { backup: true }];

    /// The name used in the ledger and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Archive => "archive",
            Self::Delete { backup: false } => "delete",
            Self::Delete { backup: true } => "backup-and-delete",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether nothing may be freed before there is a verified copy in the archive.
    #[must_use]
    pub fn needs_copy(self) -> bool {
        match self {
            Self::Quarantine | Self::Delete { backup: false } => false,
            Self::Archive | Self::Delete { backup: true } => true,
        }
    }

    /// Whether the run that hides a file frees it as well: the stated exception to law 5.
    #[must_use]
    pub fn frees_at_once(self) -> bool {
        match self {
            Self::Quarantine | Self::Archive => false,
            Self::Delete { backup: _ } => true,
        }
    }

    /// The same with a copy made before anything is freed.
    #[must_use]
    pub fn with_backup(self) -> Self {
        match self {
            Self::Quarantine | Self::Archive => Self::Archive,
            Self::Delete { backup: _ } => Self::Delete { backup: true },
        }
    }
}

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.name()
    }
}

impl TryFrom<String> for Action {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| format!("'{name}' is no action"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_actions() {
        for action in Action::ALL {
            let json = serde_json::to_string(&action).unwrap();
            assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), action);
            assert!(action.with_backup().needs_copy());
            assert_eq!(action.with_backup().frees_at_once(), action.frees_at_once());
        }
        assert!(serde_json::from_str::<Action>("\"burn\"").is_err());
    }
}
