//! The configuration: command line over environment (`.env` included) over `upsweep.toml` over defaults.

mod archive;
mod layers;
mod rules;
mod settings;
mod show;

use std::path::PathBuf;

use anyhow::{Context, bail};
use upsweep_plan::action::Action;
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::policy::{Limits, Policy};
use upsweep_plan::variant::{VariantPattern, Variants};

pub(crate) use archive::{ArchiveConfig, resolved};
pub(crate) use layers::Sources;
use layers::Values;
pub(crate) use show::{Shown, markdown_table, show};

/// What a run needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) database_url: Option<String>,
    pub(crate) upload_dir: PathBuf,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) quarantine_days: u32,
    pub(crate) action: Action,
    pub(crate) archive: Option<ArchiveConfig>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    /// Settings that are allowed but unusual.
    pub(crate) warnings: Vec<String>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The classic service allowed no more than these; more is possible, but worth a word.
const CLASSIC_ORPHAN_HOURS_MAX: u64 = 720;
const CLASSIC_FAILED_DAYS_MAX: u64 = 365;

impl Config {
    /// Puts the layers together and checks every value.
    pub(crate) fn load(sources: &Sources) -> anyhow::Result<Self> {
        let (values, rules) = layers::merge(sources)?;
        let mut warnings = values.warnings.clone();
        let orphan_hours = values.whole("orphaned_file_retention_hours", 1..=u64::from(u32::MAX))?;
        let failed_days = values.whole("failed_session_retention_days", 1..=36_500)?;
        if orphan_hours > CLASSIC_ORPHAN_HOURS_MAX {
            warnings.push(format!("orphaned_file_retention_hours = {orphan_hours} is more than 30 days"));
        }
        if failed_days > CLASSIC_FAILED_DAYS_MAX {
            warnings.push(format!("failed_session_retention_days = {failed_days} is more than a year"));
        }
        let claim_rules = match rules {
            rules if rules.is_empty() => vec![ClaimRule::classic(&values.text("sessions_table")?)],
            rules => rules,
        };
        for rule in &claim_rules {
            rule.check()?;
        }
        let upload_dir = PathBuf::from(values.text("upload_dir")?);
        let action = archive::action(&values)?;
        Ok(Self {
            database_url: values.optional("database_url"),
            archive: archive::archive(&values, action, &upload_dir)?,
            action,
            upload_dir,
            policy: Policy {
                orphan_retention_secs: orphan_hours * 3_600,
                failed_retention_secs: failed_days * 86_400,
                recursive: values.flag("recursive")?,
                variants: variants(&values)?,
                claim_rules,
            },
            limits: Limits {
                floor_files: values.whole("guard_floor", 0..=10_000)?,
                max_share: share(&values)?,
                max_files: values.optional_whole("max_files")?,
                max_bytes: max_bytes(&values)?,
            },
            quarantine_days: u32::try_from(values.whole("quarantine_days", 1..=3_650)?)?,
            state_dir: state_dir(&values),
            log_format: log_format(&values)?,
            log_level: values.text("log_level")?,
            warnings,
        })
    }
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

/// Where notes about bound stores are kept, outside them.
fn state_dir(values: &Values) -> Option<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    values
        .optional("state_dir")
        .map(PathBuf::from)
        .or_else(|| env("STATE_DIRECTORY"))
        .or_else(|| env("XDG_STATE_HOME").map(|dir| dir.join("upsweep")))
        .or_else(|| env("HOME").map(|home| home.join(".local/state/upsweep")))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
