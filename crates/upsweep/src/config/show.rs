//! The configuration as people see it: values with their origins, and the table of all settings.

use std::fmt::Write as _;

use serde::Serialize;
use upsweep_adapters::claims::url::DatabaseUrl;

use super::layers::{Sources, Values};
use super::settings::{SECRETS, SETTINGS, Setting};
use super::{Config, Database};
use crate::secrets;

/// One setting with its value.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    pub(crate) origin: String,
}

/// Every setting with its value and where the value came from; secrets are masked.
pub(crate) fn show(sources: &Sources) -> anyhow::Result<Vec<Shown>> {
    // Values that make no sense are errors here as everywhere.
    Ok(Config::load(sources)?.shown)
}

/// The same of values that were put together already.
pub(super) fn shown(values: &Values, databases: &[Database], config: &Config) -> Vec<Shown> {
    let setting = |setting: &Setting| {
        let value = values.optional(setting.key);
        Shown {
            key: setting.key.to_owned(),
            value: match setting.key {
                "database_url" => value.as_deref().map(masked),
                key if SECRETS.contains(&key) => value.map(|_| "***".to_owned()),
                // A URL in the wrong place still has its password.
                _ => value.as_deref().map(secrets::masked),
            },
            origin: values.origin(setting.key).to_owned(),
        }
    };
    let database = |Database { name, url, origin }: &Database| Shown {
        key: format!("databases.{name}"),
        value: url.as_deref().map(masked),
        origin: origin.clone(),
    };
    SETTINGS.iter().map(setting).chain(databases.iter().map(database)).chain(outlived(config)).collect()
}

/// How long personal data outlives its purpose: until the next run after this, its file may still be there.
fn outlived(config: &Config) -> [Shown; 2] {
    let sum = |key: &str, what: &str, retention_secs: u64| {
        let hours = retention_secs / 3_600 + u64::from(config.quarantine_days) * 24;
        let days = if hours.is_multiple_of(24) { format!(" ({} d)", hours / 24) } else { String::new() };
        Shown {
            key: format!("outlives_purpose.{key}"),
            value: Some(format!("{hours} h{days}")),
            origin: format!("{what} + quarantine_days, then freed by the next run"),
        }
    };
    [
        sum("orphan", "orphaned_file_retention_hours", config.policy.orphan_retention_secs),
        sum("failed_session", "failed_session_retention_days", config.policy.failed_retention_secs),
    ]
}

/// A database's URL without its password.
pub(crate) fn masked(url: &str) -> String {
    DatabaseUrl::parse(url).map_or_else(|_| "***".to_owned(), |url| url.masked())
}

/// The table of all settings, as it stands in `docs/configuration.md`.
pub(crate) fn markdown_table() -> String {
    let mut table = "| key | environment | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for Setting { key, classic, default, help } in SETTINGS {
        let own = if *key == "isolated" { None } else { Some(format!("UPSWEEP_{}", key.to_ascii_uppercase())) };
        let names: Vec<String> =
            classic.iter().map(|n| (*n).to_owned()).chain(own).map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { vec!["-".to_owned()] } else { names };
        let default = default.map_or_else(|| "unset".to_owned(), |value| format!("`{value}`"));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{key}` | {} | {default} | {help} |", names.join(", "));
    }
    table
}
