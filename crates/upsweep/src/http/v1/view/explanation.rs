//! Everything that is known about one name.

use serde::Serialize;
use upsweep_engine::explain::{self, NotJudged, Reach, Verdict};
use upsweep_plan::mend;
use upsweep_plan::standing::Standing;
use upsweep_plan::verdict::Keep;
use utoipa::ToSchema;

use super::super::text::{Name, Time};
use super::{Hold, Item, Reason};

/// Everything that is known about one name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    key: Name,
    at: Time,
    /// What would happen to it.
    verdict: VerdictKind,
    /// Why it stays, or is not judged, as a word.
    why: Option<String>,
    /// Why it may go.
    reason: Option<Reason>,
    /// Whether it is hidden and a row claims it again: the next run brings it back.
    is_needed: bool,
    /// When its time in the quarantine is over.
    until: Option<Time>,
    /// The file as it stands there.
    file: Option<FileSeen>,
    /// Every rule that was asked, and what it answered.
    rules: Vec<RuleAnswer>,
    /// The other files of its group: it is kept or removed with them.
    group: Vec<Mate>,
    /// The holds that concern it.
    holds: Vec<Hold>,
    /// The configured exclusion that covers it.
    excluded_by: Option<String>,
    /// The missing file that it looks like, or the file that looks like it.
    mends: Vec<Mend>,
    /// What earlier runs did with files of this name, the oldest first.
    items: Vec<Item>,
    /// Why the survey did not complete; then nothing would be removed.
    incomplete: Vec<String>,
}

/// What would happen to a name.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictKind {
    /// The file stays.
    Keep,
    /// The file may go.
    Remove,
    /// The file is hidden.
    Hidden,
    /// The file is hidden, and its place is taken by another one.
    Conflict,
    /// A live row claims the name, and there is no such file.
    Missing,
    /// Something of that name is never judged.
    NotJudged,
    /// Nothing of that name is there, and no live row claims it.
    Nothing,
    /// Nobody knows: the survey did not complete.
    Unknown,
}

/// A file as it stands there.
#[derive(Serialize, ToSchema)]
pub(crate) struct FileSeen {
    size_bytes: u64,
    modified_at: Option<Time>,
    /// What an orphan's age counts from here: mtime, changed or first-seen.
    age_from: String,
    counted_from: Option<Time>,
    /// When it would be old enough to go as an orphan.
    old_at: Option<Time>,
    first_seen: Option<Time>,
}

/// What one rule answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleAnswer {
    rule: String,
    database: Option<String>,
    /// How many rows it gave.
    rows: u64,
    /// How many of them concern the name.
    concerned: u64,
    /// The first of those.
    claims: Vec<Concern>,
}

/// A row that concerns a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Concern {
    /// The row's identifier.
    owner: String,
    /// The name as the row spells it, with `*` for gaps.
    spelled: String,
    /// `live`, `failed` or `expires`.
    standing: String,
    /// Since when it failed, or when it expires.
    at: Option<Time>,
    /// How it reaches the name.
    reach: String,
}

/// Another file of the group.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mate {
    key: Name,
    /// Why it stays; nothing when it may go or is gone.
    kept: Option<String>,
}

/// What would bring a file and the row that misses it together again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mend {
    file: Name,
    missing: Name,
    owner: String,
    /// A shell command that would give the file the missing name.
    rename: String,
    /// A statement that would make the row name the file.
    sql: Option<String>,
}

impl From<explain::Explanation> for Explanation {
    fn from(told: explain::Explanation) -> Self {
        let explain::Explanation {
            key,
            at,
            verdict,
            file,
            rules,
            group,
            holds,
            excluded_by,
            mends,
            operations,
            incomplete,
        } = told;
        let mut view = Self {
            key: Name(key),
            at: at.into(),
            verdict: VerdictKind::Unknown,
            why: None,
            reason: None,
            is_needed: false,
            until: None,
            file: file.map(Into::into),
            rules: rules.into_iter().map(Into::into).collect(),
            group: group.into_iter().map(Into::into).collect(),
            holds: holds.into_iter().map(Into::into).collect(),
            excluded_by,
            mends: mends.into_iter().map(Into::into).collect(),
            items: operations.into_iter().map(Into::into).collect(),
            incomplete,
        };
        view.judge(verdict);
        view
    }
}

impl Explanation {
    fn judge(&mut self, verdict: Verdict) {
        self.verdict = match verdict {
            Verdict::Keep { why } => {
                self.why = Some(kept(why));
                VerdictKind::Keep
            }
            Verdict::Remove { reason } => {
                self.reason = Some((&reason).into());
                VerdictKind::Remove
            }
            Verdict::Hidden { op: _, is_needed, until } => {
                (self.is_needed, self.until) = (is_needed, until.map(Time));
                VerdictKind::Hidden
            }
            Verdict::Conflict { op: _ } => VerdictKind::Conflict,
            Verdict::Missing => VerdictKind::Missing,
            Verdict::NotJudged { why } => {
                let word = match why {
                    NotJudged::Dotfile => "dotfile",
                    NotJudged::BelowTopLevel => "below_top_level",
                    NotJudged::Excluded => "excluded",
                };
                self.why = Some(word.to_owned());
                VerdictKind::NotJudged
            }
            Verdict::Nothing => VerdictKind::Nothing,
            Verdict::Unknown => VerdictKind::Unknown,
        };
    }
}

fn kept(why: Keep) -> String {
    let word = match why {
        Keep::Claimed => "claimed",
        Keep::Held => "held",
        Keep::NearlyClaimed => "nearly_claimed",
        Keep::TooYoung => "too_young",
        Keep::FailedRecently => "failed_recently",
        Keep::NotExpired => "not_expired",
        Keep::Relinkable => "relinkable",
        Keep::Ignored => "ignored",
        Keep::OutsideSelection => "outside_selection",
        Keep::Unreadable => "unreadable",
    };
    word.to_owned()
}

impl From<explain::Seen> for FileSeen {
    fn from(explain::Seen { facts, age_from, counted_from, old_at, first_seen }: explain::Seen) -> Self {
        Self {
            size_bytes: facts.size_bytes,
            modified_at: facts.mtime.timestamp().map(Time),
            age_from: age_from.name().to_owned(),
            counted_from: counted_from.map(Time),
            old_at: old_at.map(Time),
            first_seen: first_seen.map(Time),
        }
    }
}

impl From<explain::Answer> for RuleAnswer {
    fn from(explain::Answer { rule, database, rows, concerned, claims }: explain::Answer) -> Self {
        Self { rule, database, rows, concerned, claims: claims.into_iter().map(Into::into).collect() }
    }
}

impl From<explain::Concern> for Concern {
    fn from(explain::Concern { owner, spelled, standing, reach }: explain::Concern) -> Self {
        let (standing, at) = match standing {
            Standing::Live => ("live", None),
            Standing::Failed { since } => ("failed", since),
            Standing::Expires { at } => ("expires", at),
        };
        let reach = match reach {
            Reach::Names => "names",
            Reach::NamesOriginal => "names_original",
            Reach::NamesFinished => "names_finished",
            Reach::NamesVariant => "names_variant",
            Reach::Matches => "matches",
            Reach::NearlyNames => "nearly_names",
        };
        Self { owner, spelled, standing: standing.to_owned(), at: at.map(Time), reach: reach.to_owned() }
    }
}

impl From<explain::Mate> for Mate {
    fn from(explain::Mate { key, kept: why }: explain::Mate) -> Self {
        Self { key: Name(key), kept: why.map(kept) }
    }
}

impl From<mend::Mend> for Mend {
    fn from(mend::Mend { file, relink, rename, sql }: mend::Mend) -> Self {
        Self { file: Name(file), missing: Name(relink.claimed), owner: relink.owner, rename, sql }
    }
}
