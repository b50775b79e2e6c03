//! The configuration: command line over environment (`.env` included) over `upsweep.toml` over defaults.

mod archive;
mod databases;
mod dotenv;
mod layers;
mod places;
mod problems;
mod rules;
mod service;
mod settings;
mod show;

use std::path::PathBuf;

use anyhow::{Context, bail};
use upsweep_adapters::claims::url::DatabaseUrl;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::exclude::Exclusion;
use upsweep_plan::policy::{AgeFrom, Limits, Policy};
use upsweep_plan::selection::Selection;
use upsweep_plan::variant::{VariantPattern, Variants};

pub(crate) use archive::{ArchiveConfig, resolved};
pub(crate) use databases::Database;
pub(crate) use layers::Sources;
use layers::{File, Values};
use problems::Problems;
pub(crate) use service::{Missed, Secret, ServiceConfig, TimeTable, TlsFiles, Tokens};
pub(crate) use show::{Shown, markdown_table, masked, show};

/// What a run needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The databases, the default one first.
    pub(crate) databases: Vec<Database>,
    pub(crate) upload_dir: PathBuf,
    pub(crate) policy: Policy,
    /// What this one command is limited to; no setting.
    pub(crate) selection: Selection,
    pub(crate) limits: Limits,
    pub(crate) quarantine_days: u32,
    pub(crate) audit_years: u32,
    pub(crate) archive: Option<ArchiveConfig>,
    pub(crate) state_dir: Option<PathBuf>,
    /// Where the ledger is kept, if not in the store.
    pub(crate) ledger: Option<PathBuf>,
    /// Where hidden files are wanted, if not in the store's own folder.
    pub(crate) quarantine_dir: Option<PathBuf>,
    /// How far back the database's backups reach, in days.
    pub(crate) database_backup_days: Option<u32>,
    /// What `upsweep serve` needs to know besides.
    pub(crate) service: ServiceConfig,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    /// Whether logs may hold the names of files.
    pub(crate) log_file_names: bool,
    /// The files that values were read from.
    pub(crate) files: Vec<PathBuf>,
    /// Settings that are allowed but unusual.
    pub(crate) warnings: Vec<String>,
    /// Every setting as people see it.
    pub(crate) shown: Vec<Shown>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The classic service allowed no more than these; more is possible, but worth a word.
const CLASSIC_ORPHAN_HOURS_MAX: u64 = 720;
const CLASSIC_FAILED_DAYS_MAX: u64 = 365;

impl Config {
    /// Puts the layers together and checks every value.
    pub(crate) fn load(sources: &Sources) -> anyhow::Result<Self> {
        let mut problems = Problems::default();
        let config = Self::gather(sources, &mut problems);
        problems.or(config)
    }

    /// The same, but going on after a mistake, so that each is found. Not to be used where there is one.
    fn gather(sources: &Sources, problems: &mut Problems) -> Self {
        let (values, File { rules, databases }) = layers::merge(sources, problems);
        no_url_elsewhere(&values, problems);
        let (url, origin) = (values.optional("database_url"), values.origin("database_url"));
        let tables = databases.clone();
        let databases = problems.take(databases::all(url, origin, databases));
        let mut warnings = values.warnings.clone();
        let orphan_hours = problems.take(values.whole("orphaned_file_retention_hours", 1..=u64::from(u32::MAX)));
        let failed_days = problems.take(values.whole("failed_session_retention_days", 1..=36_500));
        if orphan_hours > CLASSIC_ORPHAN_HOURS_MAX {
            warnings.push(format!("orphaned_file_retention_hours = {orphan_hours} is more than 30 days"));
        }
        if failed_days > CLASSIC_FAILED_DAYS_MAX {
            warnings.push(format!("failed_session_retention_days = {failed_days} is more than a year"));
        }
        let claim_rules = match rules {
            rules if rules.is_empty() => vec![ClaimRule::classic(&problems.take(values.text("sessions_table")))],
            rules => rules,
        };
        for rule in &claim_rules {
            problems.take(rule.check().map_err(anyhow::Error::from));
        }
        // After a mistake the list of databases may lack some, and rules that name those are not to blame.
        if problems.is_empty() {
            warnings.extend(databases::check_rules(&databases, &claim_rules, problems));
        }
        let upload_dir = problems.take(values.text("upload_dir").map(PathBuf::from));
        let action = problems.take(archive::action(&values));
        let mut config = Self {
            databases,
            archive: problems.take(archive::archive(&values, action, &upload_dir)),
            upload_dir,
            selection: Selection::default(),
            policy: Policy {
                orphan_retention_secs: orphan_hours * 3_600,
                failed_retention_secs: failed_days * 86_400,
                age_from: problems.take(age_from(&values)),
                action,
                recursive: problems.take(values.flag("recursive")),
                exclude: problems.take(exclude(&values)),
                variants: problems.take(variants(&values)),
                db_timezone: problems.take(zone(&values, "db_timezone")),
                claim_rules,
            },
            limits: Limits {
                floor_files: problems.take(values.whole("guard_floor", 0..=10_000)),
                max_share: problems.take(share(&values)),
                max_files: problems.take(values.optional_whole("max_files")),
                max_bytes: problems.take(max_bytes(&values)),
            },
            quarantine_days: u32::try_from(problems.take(values.whole("quarantine_days", 1..=3_650)))
                .unwrap_or_default(),
            audit_years: u32::try_from(problems.take(values.whole("audit_years", 1..=100))).unwrap_or_default(),
            state_dir: places::state_dir(&values),
            ledger: problems.take(places::ledger(&values)),
            quarantine_dir: values.optional("quarantine_dir").map(PathBuf::from),
            database_backup_days: problems.take(backup_days(&values)),
            service: ServiceConfig::gather(&values, problems),
            log_format: problems.take(log_format(&values)),
            log_level: problems.take(log_level(&values)),
            log_file_names: problems.take(values.flag("log_file_names")),
            files: values.files.clone(),
            warnings,
            shown: vec![],
        };
        config.shown = show::shown(&values, &tables, &config);
        config
    }
}

/// What a look at the configuration alone shows.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The configuration, if nothing is wrong with it.
    pub(crate) config: Option<Config>,
    /// Every mistake.
    pub(crate) problems: Vec<String>,
    /// Settings that are allowed but unusual.
    pub(crate) warnings: Vec<String>,
}

/// Reads every layer and checks every value, and does not stop at the first mistake.
pub(crate) fn check(sources: &Sources) -> Checked {
    let mut problems = Problems::default();
    let config = Config::gather(sources, &mut problems);
    for database in &config.databases {
        problems.take(database.url().map(drop));
    }
    let warnings = config.warnings.clone();
    Checked { problems: problems.words(), warnings, config: problems.is_empty().then_some(config) }
}

/// A database's URL in the wrong place would be taken for a name or a path, and then be told with its password.
fn no_url_elsewhere(values: &Values, problems: &mut Problems) {
    // These are URLs themselves, and say what is wrong with one.
    const URLS: [&str; 3] = ["database_url", "archive_url", "ledger_url"];
    for setting in settings::SETTINGS.iter().filter(|setting| !URLS.contains(&setting.key)) {
        let is_server =
            |text: &String| matches!(DatabaseUrl::parse(text), Ok(DatabaseUrl::Postgres(_) | DatabaseUrl::MySql(_)));
        if values.optional(setting.key).as_ref().is_some_and(is_server) {
            problems.note(anyhow::anyhow!(
                "{} ({}) holds the URL of a database; that belongs into database_url",
                setting.key,
                values.origin(setting.key)
            ));
        }
    }
}

/// What may be given as a level.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A level, or a list of levels per module. A bare module name would mean "everything of it", and a mistyped level
/// looks just like one.
fn log_level(values: &Values) -> anyhow::Result<String> {
    let text = values.text("log_level")?;
    let is_level = |level: &str| LEVELS.contains(&level.trim().to_ascii_lowercase().as_str());
    let is_module =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c));
    let is_known = |part: &str| match part.split_once('=') {
        Some((module, level)) => is_module(module.trim()) && is_level(level),
        None => is_level(part),
    };
    if !text.split(',').all(is_known) {
        bail!(
            "log_level = '{text}' must be {}, or a list such as warn,upsweep_engine=debug ({})",
            LEVELS.join(", "),
            values.origin("log_level")
        );
    }
    Ok(text)
}

fn variants(values: &Values) -> anyhow::Result<Variants> {
    let patterns = values
        .list("variants")
        .into_iter()
        .map(|text| VariantPattern::try_from(text).map_err(anyhow::Error::from))
        .collect::<anyhow::Result<_>>()
        .with_context(|| format!("variants ({})", values.origin("variants")))?;
    let in_progress = values.list("in_progress_suffixes");
    for suffix in &in_progress {
        if !suffix.starts_with('.') || suffix.len() < 2 || !suffix.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
            bail!(
                "in_progress_suffixes: '{suffix}' must be a dot and plain letters, as in .part ({})",
                values.origin("in_progress_suffixes")
            );
        }
    }
    Ok(Variants { patterns, in_progress })
}

fn backup_days(values: &Values) -> anyhow::Result<Option<u32>> {
    let days = values.optional("database_backup_days").map(|_| values.whole("database_backup_days", 0..=36_500));
    Ok(days.transpose()?.map(u32::try_from).transpose()?)
}

fn age_from(values: &Values) -> anyhow::Result<AgeFrom> {
    let text = values.text("age_from")?;
    let found = AgeFrom::ALL.into_iter().find(|(_, name)| *name == text);
    found.map(|(age_from, _)| age_from).with_context(|| {
        format!("age_from = '{text}' must be mtime, changed or first-seen ({})", values.origin("age_from"))
    })
}

fn exclude(values: &Values) -> anyhow::Result<Vec<Exclusion>> {
    let patterns = values.list("exclude").into_iter().map(|text| Ok(Exclusion::try_from(text)?));
    patterns.collect::<anyhow::Result<_>>().with_context(|| format!("exclude ({})", values.origin("exclude")))
}

/// The zone's name as the time zone database spells it, so that a plan does not change with its case.
fn zone(values: &Values, key: &str) -> anyhow::Result<String> {
    let text = values.text(key)?;
    let context = |problem: &str| format!("{key} {problem} ({})", values.origin(key));
    if text.starts_with(['+', '-']) || text.to_ascii_uppercase().starts_with("UTC+") {
        bail!(context(&format!(
            "= '{text}' must be a name, since most zones change their clocks; a fixed two hours east is Etc/GMT-2"
        )));
    }
    match upsweep_engine::zone::find(&text) {
        Ok(zone) => Ok(zone.iana_name().unwrap_or("UTC").to_owned()),
        Err(problem) => {
            let names = upsweep_engine::zone::names();
            let hint = settings::nearest(&text, names.iter().map(String::as_str));
            let hint = hint.map_or_else(String::new, |name| format!("; did you mean {name}?"));
            bail!(context(&format!("= {problem}{hint}")))
        }
    }
}

fn share(values: &Values) -> anyhow::Result<f64> {
    let text = values.text("max_share")?;
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.parse::<f64>(),
    };
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => bail!(
            "max_share = '{text}' must be between 0 and 1, or between 0% and 100% ({})",
            values.origin("max_share")
        ),
    }
}

fn max_bytes(values: &Values) -> anyhow::Result<Option<u64>> {
    let Some(text) = values.optional("max_bytes") else { return Ok(None) };
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) => Ok(Some(size.as_u64())),
        Err(_) => bail!("max_bytes = '{text}' must be a size such as 500MB or 2GiB ({})", values.origin("max_bytes")),
    }
}

fn log_format(values: &Values) -> anyhow::Result<LogFormat> {
    Ok(match values.text("log_format")?.as_str() {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => bail!("log_format = '{other}' must be text or json ({})", values.origin("log_format")),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
