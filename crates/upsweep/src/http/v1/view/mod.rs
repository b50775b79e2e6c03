//! What answers look like: values of their own, so that the engine may change without the API.

mod explanation;
mod file;
mod plan;
mod run;
mod store;

use serde::{Deserialize, Serialize};
use upsweep_engine::ports;
use upsweep_plan::{guard, hold};
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::text::{self, Name, Prefix, Time, Words};

pub(crate) use explanation::Explanation;
pub(crate) use file::{Item, Reason, ReasonKind, Removal};
pub(crate) use plan::PlanHead;
pub(crate) use run::{Run, RunKind, RunState};
pub(crate) use store::{ClaimCounts, ClaimRules, Database, Disk, Store};

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// Of one more than fit on a page, if there are so many: then another page follows.
    pub(crate) fn of<F>(mut found: Vec<F>, limit: usize, cursor: impl Fn(&F) -> String, view: impl Fn(F) -> T) -> Self {
        let is_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| is_more).map(cursor);
        Self { items: found.into_iter().map(view).collect(), next_cursor }
    }
}

/// A number of files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Amount {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl From<ports::Amount> for Amount {
    fn from(ports::Amount { files, bytes }: ports::Amount) -> Self {
        Self { files, bytes }
    }
}

impl<'a> FromIterator<&'a ports::Op> for Amount {
    fn from_iter<I: IntoIterator<Item = &'a ports::Op>>(ops: I) -> Self {
        ops.into_iter().fold(Self::default(), |sum, op| Self {
            files: sum.files + 1,
            bytes: sum.bytes.saturating_add(op.facts.size_bytes),
        })
    }
}

/// The guards that a human may overrule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum Approvable {
    G001,
    G003,
    G005,
    G006,
    G007,
    G010,
}

impl From<Approvable> for guard::Code {
    fn from(code: Approvable) -> Self {
        match code {
            Approvable::G001 => Self::G001,
            Approvable::G003 => Self::G003,
            Approvable::G005 => Self::G005,
            Approvable::G006 => Self::G006,
            Approvable::G007 => Self::G007,
            Approvable::G010 => Self::G010,
        }
    }
}

/// Guards that somebody overrules, and why. For administrators only.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approving {
    /// Which.
    pub(crate) codes: Codes,
    /// Why; it is kept in the history and in the audit trail.
    pub(crate) reason: Words,
}

/// At least one guard.
#[derive(Clone, Debug)]
pub(crate) struct Codes(pub(crate) Vec<Approvable>);

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let codes = Vec::deserialize(deserializer)?;
        match codes.len() {
            1..=20 => Ok(Self(codes)),
            _ => Err(serde::de::Error::custom("codes must name 1 to 20 guards, as in [\"G001\"]")),
        }
    }
}

impl ToSchema for Codes {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        text::register::<Approvable>(schemas);
    }
}

impl PartialSchema for Codes {
    fn schema() -> RefOr<Schema> {
        let items = text::reference::<Approvable>();
        ArrayBuilder::new().items(items).min_items(Some(1)).max_items(Some(20)).build().into()
    }
}

impl From<Approving> for ports::Approval {
    fn from(Approving { codes, reason }: Approving) -> Self {
        Self { codes: codes.0.into_iter().map(Into::into).collect(), reason: reason.0, by: None }
    }
}

/// Guards that were overruled, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Approval {
    codes: Vec<String>,
    reason: String,
    /// Who overruled them, where it is not the one who runs.
    by: Option<String>,
}

impl From<&ports::Approval> for Approval {
    fn from(ports::Approval { codes, reason, by }: &ports::Approval) -> Self {
        Self { codes: words(codes), reason: reason.clone(), by: by.clone() }
    }
}

/// The codes of guards.
pub(crate) fn words<'a>(codes: impl IntoIterator<Item = &'a guard::Code>) -> Vec<String> {
    codes.into_iter().map(ToString::to_string).collect()
}

/// A guard's objection.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// Which guard: `G001` to `G010`.
    code: String,
    /// Whether an administrator may overrule it.
    is_approvable: bool,
    /// What it saw.
    saw: String,
    /// The likely cause.
    likely: String,
    /// What to do next.
    next: String,
}

impl From<&guard::Refusal> for Refusal {
    fn from(guard::Refusal { code, saw, likely, next }: &guard::Refusal) -> Self {
        let is_approvable = code.is_approvable();
        Self { code: code.to_string(), is_approvable, saw: saw.clone(), likely: likely.clone(), next: next.clone() }
    }
}

/// What a hold keeps.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldTarget {
    /// One file.
    Key(Name),
    /// Every file whose name begins so.
    Prefix(Prefix),
    /// Every file of this session, or of the row of another rule that has this identifier.
    Owner(Owner),
}

impl ToSchema for HoldTarget {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        text::register::<Name>(schemas);
        text::register::<Prefix>(schemas);
        text::register::<Owner>(schemas);
    }
}

impl PartialSchema for HoldTarget {
    fn schema() -> RefOr<Schema> {
        let all = [
            ("key", text::reference::<Name>()),
            ("prefix", text::reference::<Prefix>()),
            ("owner", text::reference::<Owner>()),
        ];
        let about = "What a hold keeps: the file `key`, every file whose name begins with `prefix`, or every file of \
                     the session (or the row of another rule) `owner`.";
        let one_of = OneOfBuilder::new().description(Some(about));
        all.into_iter().fold(one_of, |one_of, (name, of)| one_of.item(text::closed(vec![(name, of, true)]))).into()
    }
}

/// The identifier of a row.
#[derive(Clone, Debug)]
pub(crate) struct Owner(String);

const OWNER_MAX: usize = 1_000;

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.chars().count() {
            1..=OWNER_MAX => Ok(Self(text)),
            _ => Err(serde::de::Error::custom(format!("an owner has 1 to {OWNER_MAX} characters"))),
        }
    }
}

impl ToSchema for Owner {}

impl PartialSchema for Owner {
    fn schema() -> RefOr<Schema> {
        text::text(1, OWNER_MAX, None).into()
    }
}

impl From<HoldTarget> for hold::HoldTarget {
    fn from(target: HoldTarget) -> Self {
        match target {
            HoldTarget::Key(Name(key)) => Self::Key(key),
            HoldTarget::Prefix(Prefix(prefix)) => Self::Prefix(prefix),
            HoldTarget::Owner(Owner(owner)) => Self::Owner(owner),
        }
    }
}

/// A hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Hold {
    id: u64,
    target: HeldTarget,
    /// Who set it.
    by: String,
    /// Why.
    reason: String,
    since: Time,
    /// When it ends by itself; without, when somebody releases it.
    until: Option<Time>,
}

/// What a hold keeps, as it is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeldTarget {
    /// One file.
    Key(Name),
    /// Every file whose name begins so.
    Prefix(Prefix),
    /// Every file of this session or row.
    Owner(String),
}

impl From<hold::Hold> for Hold {
    fn from(hold::Hold { id, target, by, why, since, until }: hold::Hold) -> Self {
        let target = match target {
            hold::HoldTarget::Key(key) => HeldTarget::Key(Name(key)),
            hold::HoldTarget::Prefix(prefix) => HeldTarget::Prefix(Prefix(prefix)),
            hold::HoldTarget::Owner(owner) => HeldTarget::Owner(owner),
        };
        Self { id, target, by, reason: why, since: since.into(), until: until.map(Time) }
    }
}
