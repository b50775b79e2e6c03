//! Claims: what the rows of a database say about the files of a store.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::fold::hides_a_path;
use crate::glob::{Glob, Piece};
use crate::key::{Escaped, Key, KeyError};
use crate::standing::Standing;
use crate::template::{Expansion, Template};
use crate::timetext;

/// A query over one database, and how its rows name files.
///
/// A rule asks for [`ClaimRule::columns`], and a row is a slice of cells in exactly that order: the
/// column's text, or `None` for NULL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRule {
    /// A short name for reports.
    pub name: String,
    /// The configured name of the database to read; `None` means the first one.
    pub database: Option<String>,
    /// Where the rows come from.
    pub source: RowSource,
    /// How a row spells its file's name.
    pub key: Template,
    /// The column that identifies the row to a human (a session's id).
    pub owner: Option<String>,
    /// What a row's claim is worth.
    pub standing: StandingRule,
}

/// Where a rule's rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowSource {
    /// A whole table, `name` or `schema.name`; adapters quote it.
    Table(String),
    /// A query of the user's, which must return the rule's columns by name.
    Query(String),
}

/// How a rule decides what a row's claim is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingRule {
    /// Every row needs its file.
    Live,
    /// No row needs its file any more; `since` is the column that says since when.
    Failed {
        /// Column holding the time the retention counts from.
        since: String,
    },
    /// A row needs its file until the time in `at`; NULL means for ever.
    Expires {
        /// Column holding the time of expiry.
        at: String,
    },
    /// A status column decides: the listed values mean failed, every other one (and NULL) live.
    ByStatus {
        /// The column holding the status.
        status: String,
        /// Values that mean failed, compared byte by byte.
        failed: Vec<String>,
        /// Column holding the time the retention counts from.
        since: String,
    },
}

/// What a claim points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Exactly this key, and its variants.
    Exact(Key),
    /// Every name the pattern matches: protects, never condemns.
    Pattern {
        /// The pattern.
        name: Glob,
        /// Whether it [reads as another path](hides_a_path).
        hides_a_path: bool,
    },
    /// A name, or a pattern, that is no key: it reaches nothing outside the store, condemns nothing, and protects
    /// what is named like its last component.
    Unaddressable {
        /// The name as the row spells it, with `*` for gaps.
        value: Vec<u8>,
        /// Why it is no key.
        why: KeyError,
        /// The name as a pattern, perhaps without a gap.
        name: Glob,
    },
    /// The row names no file.
    Nameless,
}

impl std::fmt::Display for Target {
    /// The name as the row spells it, escaped, with `*` for gaps.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(key) => key.fmt(f),
            Self::Pattern { name, hides_a_path: _ } => name.fmt(f),
            Self::Unaddressable { value, why: _, name: _ } => Escaped(value).fmt(f),
            Self::Nameless => f.write_str("no file"),
        }
    }
}

/// One row's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it points at.
    pub target: Target,
    /// The row it came from, for reports; empty when the rule names no owner column.
    pub owner: String,
    /// What it is worth.
    pub standing: Standing,
}

/// A mistake in a rule that can be seen without a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A pattern must not condemn.
    #[error(
        "the claim rule '{rule}' condemns with the template '{template}': a wildcard may only protect, so name the file exactly or make the rule live"
    )]
    CondemningWildcard {
        /// The rule's name.
        rule: String,
        /// Its template.
        template: String,
    },
}

impl ClaimRule {
    /// The classic rule: table `sessions` with `id, status, audio_filename, created_at`; a session whose
    /// status is `failed` failed when it was created.
    #[must_use]
    pub fn classic(table: &str) -> Self {
        Self {
            name: "sessions".to_owned(),
            database: None,
            source: RowSource::Table(table.to_owned()),
            key: "{audio_filename}".to_owned().try_into().expect("the classic template parses"),
            owner: Some("id".to_owned()),
            standing: StandingRule::ByStatus {
                status: "status".to_owned(),
                failed: vec!["failed".to_owned()],
                since: "created_at".to_owned(),
            },
        }
    }

    /// Checks what can be checked before asking a database.
    ///
    /// # Errors
    /// [`RuleError`] when the rule could never be obeyed safely.
    pub fn check(&self) -> Result<(), RuleError> {
        let condemns = matches!(self.standing, StandingRule::Failed { .. } | StandingRule::Expires { .. });
        if condemns && !self.key.is_exact() {
            return Err(RuleError::CondemningWildcard { rule: self.name.clone(), template: self.key.to_string() });
        }
        Ok(())
    }

    /// The columns a row must hold, in order, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = self.key.columns();
        let standing = match &self.standing {
            StandingRule::Live => vec![],
            StandingRule::Failed { since } => vec![since],
            StandingRule::Expires { at } => vec![at],
            StandingRule::ByStatus { status, failed: _, since } => vec![status, since],
        };
        for column in self.owner.iter().chain(standing) {
            if !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
        columns
    }

    /// The column that holds a point in time, if the rule reads one.
    #[must_use]
    pub fn time_column(&self) -> Option<&str> {
        match &self.standing {
            StandingRule::Live => None,
            StandingRule::Failed { since: at }
            | StandingRule::ByStatus { since: at, .. }
            | StandingRule::Expires { at } => Some(at),
        }
    }

    /// Prepares the rule for reading many rows, whose times without a zone are UTC.
    #[must_use]
    pub fn reader(&self, recursive: bool) -> RowReader<'_> {
        RowReader { rule: self, columns: self.columns(), recursive, zone: TimeZone::UTC }
    }
}

/// A day on which clocks are put back is longer than others.
const LONGEST_DAY_HOURS: i64 = 25;

/// Turns the rows of one rule into claims.
pub struct RowReader<'a> {
    rule: &'a ClaimRule,
    columns: Vec<&'a str>,
    recursive: bool,
    zone: TimeZone,
}

impl RowReader<'_> {
    /// Reads times without a zone in this one.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// One row's claim. `row` holds the cells of [`ClaimRule::columns`], in that order.
    #[must_use]
    pub fn claim(&self, row: &[Option<&[u8]>]) -> Claim {
        let cell = |column: &str| {
            let at = self.columns.iter().position(|c| *c == column);
            at.and_then(|at| row.get(at).copied().flatten())
        };
        let owner = self.rule.owner.as_deref().and_then(cell).map(|b| String::from_utf8_lossy(b).into_owned());
        Claim {
            target: self.target(self.rule.key.expand(cell)),
            owner: owner.unwrap_or_default(),
            standing: self.standing(cell),
        }
    }

    fn target(&self, expansion: Expansion) -> Target {
        match expansion {
            Expansion::Nameless => Target::Nameless,
            Expansion::Pattern(pieces) => {
                let value: Vec<u8> = pieces.iter().flat_map(Piece::spelled).copied().collect();
                match self.key(&value) {
                    Ok(_) => Target::Pattern { name: Glob::new(pieces), hides_a_path: hides_a_path(&value) },
                    Err(why) => Target::Unaddressable { value, why, name: Glob::new(pieces) },
                }
            }
            Expansion::Exact(value) => match self.key(&value) {
                Ok(key) => Target::Exact(key),
                Err(KeyError::Empty) => Target::Nameless,
                Err(why) => Target::Unaddressable { name: Glob::new([Piece::Literal(value.clone())]), value, why },
            },
        }
    }

    /// The key that `value` is here.
    fn key(&self, value: &[u8]) -> Result<Key, KeyError> {
        let key = Key::parse(value)?;
        if self.recursive || key.is_top_level() { Ok(key) } else { Err(KeyError::BelowTopLevel) }
    }

    fn standing<'a>(&self, cell: impl Fn(&str) -> Option<&'a [u8]>) -> Standing {
        let since = |column: &str| cell(column).and_then(|text| timetext::parse_in(text, &self.zone));
        match &self.rule.standing {
            StandingRule::Live => Standing::Live,
            StandingRule::Failed { since: column } => Standing::Failed { since: since(column) },
            // What expires on a day is needed until that day is over.
            StandingRule::Expires { at } => {
                let whole_day = cell(at).is_some_and(timetext::is_bare_date);
                let hours = if whole_day { LONGEST_DAY_HOURS } else { 0 };
                let end = since(at).and_then(|at| at.checked_add(SignedDuration::from_hours(hours)).ok());
                Standing::Expires { at: end }
            }
            StandingRule::ByStatus { status, failed, since: column } => {
                let is_failed = cell(status).is_some_and(|s| failed.iter().any(|f| f.as_bytes() == s));
                if is_failed { Standing::Failed { since: since(column) } } else { Standing::Live }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [Option<&str>; 4]) -> Vec<Option<&[u8]>> {
        cells.into_iter().map(|c| c.map(str::as_bytes)).collect()
    }

    #[test]
    fn the_classic_rule_reads_sessions() {
        let rule = ClaimRule::classic("sessions");
        assert_eq!(rule.columns(), ["audio_filename", "id", "status", "created_at"]);
        let reader = rule.reader(false);
        let failed = reader.claim(&row([Some("a.m4a"), Some("7"), Some("failed"), Some("2026-01-01 00:00:00")]));
        assert_eq!(failed.owner, "7");
        assert_eq!(failed.standing, Standing::Failed { since: Some("2026-01-01T00:00:00Z".parse().unwrap()) });
        assert_eq!(failed.target, Target::Exact(Key::parse(b"a.m4a").unwrap()));
        let live = |status| reader.claim(&row([Some("a.m4a"), None, status, None])).standing;
        assert_eq!(live(None), Standing::Live);
        assert_eq!(live(Some("FAILED")), Standing::Live, "only the exact word condemns");
    }

    #[test]
    fn a_row_is_needed_until_it_expires() {
        let rule =
            ClaimRule { standing: StandingRule::Expires { at: "until".into() }, ..ClaimRule::classic("exports") };
        assert_eq!(rule.columns(), ["audio_filename", "id", "until"]);
        let expires = |until: Option<&str>| {
            let cells = [Some(&b"a.zip"[..]), Some(b"7"), until.map(str::as_bytes)];
            match rule.reader(false).claim(&cells).standing {
                Standing::Expires { at } => at.map(|at| at.to_string()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(expires(Some("2026-01-01 10:00:00")).as_deref(), Some("2026-01-01T10:00:00Z"));
        assert_eq!(expires(Some("2026-01-01")).as_deref(), Some("2026-01-02T01:00:00Z"), "the whole day counts");
        assert_eq!(expires(None), None);
        assert_eq!(expires(Some("never")), None);
    }

    #[test]
    fn names_that_are_no_keys_stay_inside() {
        let rule = ClaimRule::classic("sessions");
        let why = |name, recursive| match rule.reader(recursive).claim(&row([Some(name), None, None, None])).target {
            Target::Unaddressable { why, .. } => Some(why),
            _ => None,
        };
        assert_eq!(why("../x", true), Some(KeyError::Dots));
        assert_eq!(why("/x", true), Some(KeyError::Absolute));
        assert_eq!(why("a/x", false), Some(KeyError::BelowTopLevel));
        assert_eq!(why("a/x", true), None);
    }

    #[test]
    fn patterns_that_are_no_keys_stay_inside() {
        let mut rule = ClaimRule::classic("sessions");
        rule.key = Template::parse("{audio_filename}.*").unwrap();
        let why = |name, recursive| match rule.reader(recursive).claim(&row([Some(name), None, None, None])).target {
            Target::Unaddressable { value, why, .. } => {
                assert_eq!(value, [name, ".*"].concat().as_bytes());
                Some(why)
            }
            _ => None,
        };
        assert_eq!(why("../x", true), Some(KeyError::Dots));
        assert_eq!(why("/x", true), Some(KeyError::Absolute));
        assert_eq!(why("a//x", true), Some(KeyError::EmptyComponent));
        assert_eq!(why("a\0x", true), Some(KeyError::Nul));
        assert_eq!(why("a/x", false), Some(KeyError::BelowTopLevel));
        assert_eq!(why("a/x", true), None);
        assert_eq!(why("x", false), None);
    }

    #[test]
    fn a_wildcard_never_condemns() {
        let mut rule = ClaimRule::classic("sessions");
        rule.key = Template::parse("{id}.*").unwrap();
        rule.standing = StandingRule::Failed { since: "created_at".into() };
        assert!(rule.check().unwrap_err().to_string().contains("a wildcard may only protect"));
    }
}
