//! The layers of the configuration, and which one each value came from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use upsweep_plan::claim::ClaimRule;

use super::databases::{self, Database, DatabaseTable, Layer};
use super::problems::Problems;
use super::settings::{OTHER_NAMES, SETTINGS, by_key, nearest};
use super::{dotenv, rules};

/// Where the layers come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `key = value` from the command line.
    pub(crate) flags: Vec<(String, String)>,
    /// The environment.
    pub(crate) env: Vec<(String, String)>,
    /// The `.env` file to read, if it exists.
    pub(crate) dotenv: Option<PathBuf>,
    /// The TOML file that was asked for; without one `upsweep.toml` is read if it exists.
    pub(crate) file: Option<PathBuf>,
    /// Whether no file is read that was not asked for.
    pub(crate) only_named: bool,
}

impl Sources {
    /// The process's own environment and files.
    pub(crate) fn of_process(flags: Vec<(String, String)>, file: Option<PathBuf>) -> Self {
        // A value that is no text stays recognisable, so that a setting made of it is refused, not forgotten.
        let text = |os: std::ffi::OsString| os.into_string().unwrap_or_else(|os| format!("{}{NOT_TEXT}", os.display()));
        let env = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        Self { flags, env, dotenv: Some(PathBuf::from(".env")), file, only_named: false }
    }
}

/// Marks a value that was not UTF-8; no value can hold a NUL otherwise.
const NOT_TEXT: char = '\0';

/// The values that count, each with its origin.
#[derive(Debug, Default)]
pub(super) struct Values {
    found: BTreeMap<&'static str, (String, String)>,
    pub(super) warnings: Vec<String>,
    /// The files they were read from.
    pub(super) files: Vec<PathBuf>,
}

/// What only the configuration file can hold.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) rules: Vec<ClaimRule>,
    pub(super) databases: Vec<Database>,
}

/// Reads all layers; later ones win. Gives the values, and the tables of the file.
pub(super) fn merge(sources: &Sources, problems: &mut Problems) -> (Values, File) {
    let mut values = Values::default();
    for setting in SETTINGS {
        if let Some(default) = setting.default {
            values.found.insert(setting.key, (default.to_owned(), "default".to_owned()));
        }
    }
    let Toml { rules, databases } = read_toml(sources, &mut values, problems);
    // Asked before the environment is read: only the file itself may say so.
    let is_isolated = problems.take(values.flag("isolated"));
    let mut dotenv = vec![];
    if !is_isolated {
        if let Some(path) = &sources.dotenv {
            dotenv = problems.take(dotenv::read(path, &mut values));
        }
        add_environment(&mut values, &dotenv, "file .env", problems);
        add_environment(&mut values, &sources.env, "environment", problems);
    }
    let both: [Layer<'_>; 2] = [(&sources.env, "environment"), (&dotenv, "file .env")];
    let databases = databases::resolve(databases, if is_isolated { &[] } else { &both }, problems);
    for (key, value) in &sources.flags {
        let known = only_in_the_file(key, "the command line")
            .and_then(|()| by_key(key).ok_or_else(|| unknown_key(key, "the command line")));
        match known {
            Ok(setting) => drop(values.found.insert(setting.key, (value.clone(), "command line".to_owned()))),
            Err(problem) => problems.note(problem),
        }
    }
    (values, File { rules, databases })
}

/// The tables of the file as they stand there.
#[derive(Default)]
struct Toml {
    rules: Vec<ClaimRule>,
    databases: Vec<DatabaseTable>,
}

fn read_toml(sources: &Sources, values: &mut Values, problems: &mut Problems) -> Toml {
    let named = sources.file.clone().or_else(|| {
        let env = sources.env.iter().find(|(name, _)| name == "UPSWEEP_CONFIG");
        env.map(|(_, path)| PathBuf::from(path))
    });
    if named.is_none() && sources.only_named {
        return Toml::default();
    }
    let path = named.clone().unwrap_or_else(|| PathBuf::from("upsweep.toml"));
    let shown = path.display().to_string();
    let mut table = match std::fs::read_to_string(&path) {
        Ok(text) => {
            values.files.push(path.clone());
            problems.take(text.parse::<toml::Table>().with_context(|| format!("{shown} is no valid TOML")))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Toml::default(),
        Err(error) => {
            problems.note(anyhow::Error::new(error).context(format!("cannot read the configuration {shown}")));
            return Toml::default();
        }
    };
    let rules = table.remove("claims").map(|list| rules::parse(list, &shown, problems)).unwrap_or_default();
    let databases = table.remove("databases").map(|list| databases::parse(list, &shown, problems)).unwrap_or_default();
    for (key, value) in table {
        match by_key(&key) {
            Some(setting) => drop(values.found.insert(setting.key, (as_text(&value), shown.clone()))),
            None => problems.note(unknown_key(&key, &shown)),
        }
    }
    Toml { rules, databases }
}

/// The tables of a list such as `[[claims]]`, each read on its own.
pub(super) fn tables<T: DeserializeOwned>(
    list: toml::Value,
    name: &str,
    file: &str,
    problems: &mut Problems,
) -> Vec<T> {
    let toml::Value::Array(items) = list else {
        problems.note(anyhow::anyhow!("{file}: {name} must be tables, each beginning with [[{name}]]"));
        return vec![];
    };
    let read = |item: toml::Value| match item.try_into() {
        Ok(table) => Some(table),
        Err(error) => {
            problems.note(anyhow::Error::new(error).context(format!("{file}: [[{name}]]")));
            None
        }
    };
    items.into_iter().filter_map(read).collect()
}

fn as_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn add_environment(values: &mut Values, env: &[(String, String)], origin: &str, problems: &mut Problems) {
    let get = |name: &str| env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty());
    for setting in SETTINGS {
        let own = setting.env_name();
        let names = setting.classic.iter().copied().chain([own.as_str()]);
        for name in names {
            if let Some(value) = get(name) {
                if value.contains(NOT_TEXT) {
                    problems.note(anyhow::anyhow!(
                        "{name} (in the {origin}) is not UTF-8; give a path that is, for instance by a symbolic link"
                    ));
                    continue;
                }
                values.found.insert(setting.key, (value.to_owned(), format!("{name} in the {origin}")));
            }
        }
    }
    if let Some(json) = get("JSON_LOGS")
        && get("UPSWEEP_LOG_FORMAT").is_none()
        && parse_flag(json) == Some(true)
    {
        values.found.insert("log_format", ("json".to_owned(), format!("JSON_LOGS in the {origin}")));
    }
    for (name, _) in env.iter().filter(|(name, _)| name.starts_with("UPSWEEP_")) {
        problems.take(known_name(name, origin));
    }
}

/// A name that begins with `UPSWEEP_` and means nothing may be a mistyped one.
fn known_name(name: &str, origin: &str) -> anyhow::Result<()> {
    if name == "UPSWEEP_CONFIG" && origin != "environment" {
        bail!("UPSWEEP_CONFIG (in the {origin}) comes too late: set it in the environment, or use --config");
    }
    if let Some(key) = name.strip_prefix("UPSWEEP_") {
        only_in_the_file(&key.to_ascii_lowercase(), &format!("{name} in the {origin}"))?;
    }
    if !SETTINGS.iter().any(|s| s.env_name() == name) && !OTHER_NAMES.contains(&name) {
        let names: Vec<String> = SETTINGS.iter().map(super::settings::Setting::env_name).collect();
        let hint = nearest(name, names.iter().map(String::as_str));
        bail!("{name} ({origin}) is no setting of upsweep{}", did_you_mean(hint));
    }
    Ok(())
}

/// A setting that says whether other layers count cannot come from one of them.
fn only_in_the_file(key: &str, origin: &str) -> anyhow::Result<()> {
    if key == "isolated" {
        bail!("isolated ({origin}) can only be set in the configuration file");
    }
    Ok(())
}

fn unknown_key(key: &str, origin: &str) -> anyhow::Error {
    let hint = nearest(key, SETTINGS.iter().map(|s| s.key).chain(["claims", "databases"]));
    anyhow::anyhow!("'{key}' ({origin}) is no setting of upsweep{}", did_you_mean(hint))
}

fn did_you_mean(hint: Option<&str>) -> String {
    hint.map_or_else(
        || "; see docs/configuration.md for all of them".to_owned(),
        |name| format!("; did you mean {name}?"),
    )
}

fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Values {
    pub(super) fn origin(&self, key: &str) -> &str {
        self.found.get(key).map_or("unset", |(_, origin)| origin)
    }

    pub(super) fn optional(&self, key: &str) -> Option<String> {
        self.found.get(key).map(|(value, _)| value.clone()).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, key: &str) -> anyhow::Result<String> {
        self.optional(key).with_context(|| format!("{key} must not be empty ({})", self.origin(key)))
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let text = self.optional(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn flag(&self, key: &str) -> anyhow::Result<bool> {
        let text = self.text(key)?;
        parse_flag(&text).with_context(|| format!("{key} = '{text}' must be true or false ({})", self.origin(key)))
    }

    pub(super) fn whole(&self, key: &str, range: RangeInclusive<u64>) -> anyhow::Result<u64> {
        let text = self.text(key)?;
        match text.parse::<u64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => bail!(
                "{key} = '{text}' must be a whole number from {} to {} ({})",
                range.start(),
                range.end(),
                self.origin(key)
            ),
        }
    }

    pub(super) fn optional_whole(&self, key: &str) -> anyhow::Result<Option<u64>> {
        self.optional(key).map(|_| self.whole(key, 0..=u64::MAX)).transpose()
    }
}
