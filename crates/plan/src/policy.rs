//! What the operator wants, as plain values.

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::claim::ClaimRule;
use crate::exclude::Exclusion;
use crate::variant::Variants;

/// The rules by which files are judged. A plan carries them whole, so that a later apply can say what
/// changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// An orphan must be older than this to be removed.
    pub orphan_retention_secs: u64,
    /// A session must have failed longer ago than this for its audio to be removed.
    pub failed_retention_secs: u64,
    /// What the age of an orphan counts from.
    pub age_from: AgeFrom,
    /// What becomes of a file that may go.
    pub action: Action,
    /// Whether folders below the top level are looked at.
    pub recursive: bool,
    /// Files and folders that are never judged.
    pub exclude: Vec<Exclusion>,
    /// Which files belong together.
    pub variants: Variants,
    /// The IANA name of the time zone in which the databases' times without a zone are read.
    pub db_timezone: String,
    /// Where claims come from.
    pub claim_rules: Vec<ClaimRule>,
}

/// What the age of an orphan counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgeFrom {
    /// The last change of its content, as its time of modification says.
    #[default]
    Mtime,
    /// The later of the last change of its content and of its inode: copying and renaming count.
    Changed,
    /// The first complete survey that saw this very file.
    FirstSeen,
}

impl AgeFrom {
    /// Every source, with its name in the configuration.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Mtime, "mtime"), (Self::Changed, "changed"), (Self::FirstSeen, "first-seen")];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mtime => "mtime",
            Self::Changed => "changed",
            Self::FirstSeen => "first-seen",
        }
    }
}

impl Policy {
    /// The classic rules: 24 hours, 7 days, top level only, the default table.
    #[must_use]
    pub fn classic() -> Self {
        Self {
            orphan_retention_secs: 24 * 3600,
            failed_retention_secs: 7 * 24 * 3600,
            age_from: AgeFrom::Mtime,
            action: Action::Quarantine,
            recursive: false,
            exclude: vec![],
            variants: Variants::default(),
            db_timezone: "UTC".to_owned(),
            claim_rules: vec![ClaimRule::classic("sessions")],
        }
    }

    /// What differs between the policy of a plan and the one in force now, in words; empty when nothing does.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let Self {
            orphan_retention_secs,
            failed_retention_secs,
            age_from,
            action,
            recursive,
            exclude,
            variants,
            db_timezone,
            claim_rules,
        } = self;
        let mut found = Vec::new();
        let mut compare = |what: &str, then: String, now: String| {
            if then != now {
                found.push(format!("{what} was {then}, is now {now}"));
            }
        };
        let hours = |secs: u64| format!("{} h", secs / 3600);
        let days = |secs: u64| format!("{} d", secs / 86_400);
        compare("orphaned_file_retention_hours", hours(*orphan_retention_secs), hours(now.orphan_retention_secs));
        compare("failed_session_retention_days", days(*failed_retention_secs), days(now.failed_retention_secs));
        compare("age_from", age_from.name().to_owned(), now.age_from.name().to_owned());
        compare("action", action.name().to_owned(), now.action.name().to_owned());
        compare("exclude", json(exclude), json(&now.exclude));
        compare("recursive", recursive.to_string(), now.recursive.to_string());
        compare("the variant patterns", json(variants), json(&now.variants));
        compare("db_timezone", db_timezone.clone(), now.db_timezone.clone());
        for rule in claim_rules {
            match now.claim_rules.iter().find(|r| r.name == rule.name) {
                Some(other) => compare(&format!("claim rule '{}'", rule.name), json(rule), json(other)),
                None => compare(&format!("claim rule '{}'", rule.name), json(rule), "gone".to_owned()),
            }
        }
        for rule in &now.claim_rules {
            if !claim_rules.iter().any(|r| r.name == rule.name) {
                found.push(format!("claim rule '{}' is new", rule.name));
            }
        }
        if found.is_empty() && self != now {
            found.push("the order of the claim rules changed".to_owned());
        }
        found
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("unprintable ({error})"))
}

/// How much a plan may remove before a human must look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Files that may be hidden within seven days although the share guards object.
    pub floor_files: u64,
    /// Largest share of the files that one plan may remove, 0 to 1.
    pub max_share: f64,
    /// Largest number of files that one plan may remove.
    pub max_files: Option<u64>,
    /// Largest number of bytes that one plan may remove.
    pub max_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { floor_files: 20, max_share: 0.5, max_files: None, max_bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_the_rules_is_named() {
        let then = Policy::classic();
        assert!(then.differences(&then).is_empty());
        let now = Policy { orphan_retention_secs: 2 * 3600, recursive: true, claim_rules: vec![], ..then.clone() };
        let said = then.differences(&now).join("; ");
        assert!(said.contains("orphaned_file_retention_hours was 24 h, is now 2 h"), "{said}");
        assert!(said.contains("recursive was false, is now true"), "{said}");
        assert!(said.contains("claim rule 'sessions'"), "{said}");
    }
}
