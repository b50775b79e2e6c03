//! The store, its databases and its claim rules.

use serde::Serialize;
use upsweep_engine::ports;
use upsweep_plan::claim::{self, RowSource, StandingRule};
use upsweep_plan::plan::{DatabaseIdentity, SurveyFacts};
use utoipa::ToSchema;

use super::super::text::{Name, Time};
use super::{Amount, Run};

/// The state of the store.
#[derive(Serialize, ToSchema)]
pub(crate) struct Store {
    /// The upload directory.
    pub(crate) address: String,
    /// Whether a run ever changed it: the first one binds it.
    pub(crate) is_bound: bool,
    /// Its marker.
    pub(crate) marker: Option<Marker>,
    /// The room on its disk.
    pub(crate) disk: Option<Disk>,
    /// What is hidden.
    pub(crate) hidden: Amount,
    /// When the first of it may be freed.
    pub(crate) next_purge_at: Option<Time>,
    /// What must be copied to the archive before it is freed, and is not.
    pub(crate) copies_pending: Amount,
    /// Hidden files whose place is taken: a human decides.
    pub(crate) conflicts: u64,
    /// Files that an interrupted run left half done; the next run finishes them.
    pub(crate) recovery_pending: u64,
    /// Who works on it now.
    pub(crate) working: Option<Holder>,
    pub(crate) last_run: Option<Run>,
    /// What the newest survey of this process saw.
    pub(crate) survey: Option<ClaimCounts>,
}

/// What tells this store from every other.
#[derive(Serialize, ToSchema)]
pub(crate) struct Marker {
    store_id: String,
    ledger_id: String,
    databases: Vec<String>,
    bound_at: Time,
    /// Where hidden files lie, if not below the store.
    quarantine: Option<String>,
}

impl From<ports::Marker> for Marker {
    fn from(marker: ports::Marker) -> Self {
        let ports::Marker { format: _, store_id, ledger_id, databases, bound_at, quarantine } = marker;
        let databases = databases.iter().map(ToString::to_string).collect();
        Self { store_id, ledger_id, databases, bound_at: bound_at.into(), quarantine }
    }
}

/// The room on a disk.
#[derive(Serialize, ToSchema)]
pub(crate) struct Disk {
    pub(crate) total_bytes: u64,
    pub(crate) free_bytes: u64,
    /// Free for the user that upsweep runs as.
    pub(crate) available_bytes: u64,
}

/// Who works on a store.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holder {
    /// The command.
    what: String,
    user: String,
    pid: u32,
    host: String,
    since: Time,
    run_id: Option<String>,
}

impl From<ports::Holder> for Holder {
    fn from(ports::Holder { what, user, pid, host, since, run }: ports::Holder) -> Self {
        Self { what, user, pid, host, since: since.into(), run_id: run }
    }
}

/// A database whose rows claim files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Database {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// Its URL; the password is masked.
    pub(crate) url: Option<String>,
    pub(crate) is_reachable: bool,
    /// Why it is not.
    pub(crate) error: Option<String>,
    /// What tells it from every other.
    pub(crate) identity: Option<Identity>,
    /// A replica may lag behind: plans can be made from it, but nothing is removed.
    pub(crate) is_replica: Option<bool>,
    /// Whether its role could change what it reads, which is more than is needed; unknown where there are no roles.
    pub(crate) role_can_write: Option<bool>,
    /// When it was asked.
    pub(crate) checked_at: Time,
}

/// What tells one database from every other.
#[derive(Serialize, ToSchema)]
pub(crate) struct Identity {
    engine: String,
    server: String,
    database: String,
}

impl From<&DatabaseIdentity> for Identity {
    fn from(DatabaseIdentity { engine, server, database }: &DatabaseIdentity) -> Self {
        Self { engine: engine.clone(), server: server.clone(), database: database.clone() }
    }
}

/// The claim rules, and what they amount to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimRules {
    pub(crate) rules: Vec<ClaimRule>,
    /// What all of them together amounted to at the newest survey.
    pub(crate) counts: Option<ClaimCounts>,
    /// Why there was no survey.
    pub(crate) survey_error: Option<String>,
}

/// How rows name files.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimRule {
    name: String,
    /// The database it reads, if not the first one.
    database: Option<String>,
    table: Option<String>,
    query: Option<String>,
    /// How a row spells its file's name.
    key: String,
    /// The column that identifies a row.
    owner: Option<String>,
    /// What a claim is worth: `live`, `failed`, `expires` or `by_status`.
    standing: String,
}

impl From<&claim::ClaimRule> for ClaimRule {
    fn from(rule: &claim::ClaimRule) -> Self {
        let claim::ClaimRule { name, database, source, key, owner, standing } = rule;
        let (table, query) = match source {
            RowSource::Table(table) => (Some(table.clone()), None),
            RowSource::Query(query) => (None, Some(query.clone())),
        };
        let standing = match standing {
            StandingRule::Live => "live",
            StandingRule::Failed { .. } => "failed",
            StandingRule::Expires { .. } => "expires",
            StandingRule::ByStatus { .. } => "by_status",
        };
        Self {
            name: name.clone(),
            database: database.clone(),
            table,
            query,
            key: key.to_string(),
            owner: owner.clone(),
            standing: standing.to_owned(),
        }
    }
}

/// What the claims amounted to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimCounts {
    surveyed_at: Time,
    /// Files that were judged.
    files: u64,
    /// Files that some claim explains.
    explained_files: u64,
    /// Files that a live claim covers.
    live_files: u64,
    /// Rows that were read.
    rows: u64,
    live_claims: u64,
    failed_claims: u64,
    expiring_claims: u64,
    /// Rows that name no file.
    nameless_rows: u64,
    /// Rows whose names cannot be those of files.
    unaddressable_rows: u64,
    /// Live claims without their file.
    missing: u64,
    /// The first of them.
    missing_examples: Vec<Name>,
    /// Failed or expiring rows that do not say when: their files are kept.
    ended_without_time: u64,
}

impl ClaimCounts {
    pub(crate) fn of(surveyed_at: jiff::Timestamp, survey: &SurveyFacts) -> Self {
        let claims = &survey.claims;
        Self {
            surveyed_at: surveyed_at.into(),
            files: survey.files,
            explained_files: survey.explained_files,
            live_files: survey.live_files,
            rows: survey.rows,
            live_claims: claims.live,
            failed_claims: claims.failed,
            expiring_claims: claims.expiring,
            nameless_rows: claims.nameless,
            unaddressable_rows: claims.unaddressable,
            missing: claims.missing,
            missing_examples: claims.missing_examples.iter().cloned().map(Name).collect(),
            ended_without_time: claims.ended_without_time,
        }
    }
}
