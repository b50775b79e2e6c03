//! Databases in the configuration: `DATABASE_URL` and the `[[databases]]` tables.

use anyhow::{Context, bail};
use serde::Deserialize;
use upsweep_plan::claim::ClaimRule;

use super::layers;
use super::problems::Problems;
use super::settings::nearest;

/// The name of the database that `DATABASE_URL` means.
const MAIN: &str = "main";

/// One configured database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    /// How claim rules name it.
    pub(crate) name: String,
    /// Its URL, which may hold a password; `None` when the variable that should hold it is not set. Bringing files
    /// back must be possible all the same.
    pub(crate) url: Option<String>,
    /// Where the URL came from.
    pub(crate) origin: String,
}

/// One `[[databases]]` table, and the file it stands in.
#[derive(Debug)]
pub(super) struct DatabaseTable {
    table: Table,
    file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    url: Option<String>,
    url_env: Option<String>,
}

/// The variables of one layer, and what the layer is called.
pub(super) type Layer<'a> = (&'a [(String, String)], &'a str);

/// Reads the value of `databases`.
pub(super) fn parse(list: toml::Value, file: &str, problems: &mut Problems) -> Vec<DatabaseTable> {
    let tables: Vec<Table> = layers::tables(list, "databases", file, problems);
    tables.into_iter().map(|table| DatabaseTable { table, file: file.to_owned() }).collect()
}

/// Gives each table its URL. `layers` are the variables that count, the strongest first.
pub(super) fn resolve(tables: Vec<DatabaseTable>, layers: &[Layer<'_>], problems: &mut Problems) -> Vec<Database> {
    let mut databases: Vec<Database> = Vec::new();
    for table in tables {
        match database(table, layers) {
            Ok(database) if databases.iter().any(|other| other.name == database.name) => {
                problems.note(anyhow::anyhow!("the database '{}' appears twice; give each its own name", database.name))
            }
            Ok(database) => databases.push(database),
            Err(problem) => problems.note(problem),
        }
    }
    databases
}

fn database(table: DatabaseTable, layers: &[Layer<'_>]) -> anyhow::Result<Database> {
    let DatabaseTable { table: Table { name, url, url_env }, file } = table;
    if name.trim().is_empty() {
        bail!("{file}: a table of [[databases]] has an empty name");
    }
    let (url, origin) = match (url, url_env) {
        (Some(url), None) => (Some(url), file),
        (None, Some(variable)) => {
            look_up(&variable, layers).with_context(|| format!("{file}: the database '{name}'"))?
        }
        _ => bail!("{file}: the database '{name}' needs either url or url_env"),
    };
    Ok(Database { name, url, origin })
}

impl Database {
    /// Its URL.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn url(&self) -> anyhow::Result<&str> {
        let Self { name, url, origin } = self;
        url.as_deref().with_context(|| format!("the database '{name}' has no URL: {origin}; set it, or give a url"))
    }
}

fn look_up(variable: &str, layers: &[Layer<'_>]) -> anyhow::Result<(Option<String>, String)> {
    if layers.is_empty() {
        bail!("url_env = \"{variable}\" cannot be read, because the file says isolated = true; give a url");
    }
    for (variables, layer) in layers {
        let found = variables.iter().rev().find(|(name, value)| name == variable && !value.trim().is_empty());
        if let Some((_, value)) = found {
            return Ok((Some(value.trim().to_owned()), format!("{variable} in the {layer}")));
        }
    }
    Ok((None, format!("{variable} is not set")))
}

/// All databases, the default one first.
pub(super) fn all(url: Option<String>, origin: &str, more: Vec<Database>) -> anyhow::Result<Vec<Database>> {
    let main = url.map(|url| Database { name: MAIN.to_owned(), url: Some(url), origin: origin.to_owned() });
    if main.is_some() && more.iter().any(|database| database.name == MAIN) {
        bail!(
            "[[databases]] holds a database '{MAIN}', but that is the name of database_url ({origin}); give it another name, or leave database_url unset"
        );
    }
    let databases: Vec<Database> = main.into_iter().chain(more).collect();
    for (at, database) in databases.iter().enumerate() {
        if let Some(other) = databases[..at].iter().find(|other| other.url.is_some() && other.url == database.url) {
            bail!(
                "the databases '{}' and '{}' have one and the same URL; keep one of them, and let the claim rules of the other name it",
                other.name,
                database.name
            );
        }
    }
    Ok(databases)
}

/// Checks that every rule reads a database there is, and warns of databases that no rule reads.
pub(super) fn check_rules(databases: &[Database], rules: &[ClaimRule], problems: &mut Problems) -> Vec<String> {
    for rule in rules {
        problems.take(check_rule(databases, rule));
    }
    let is_read =
        |at: usize, name: &str| rules.iter().any(|rule| rule.database.as_deref().map_or(at == 0, |d| d == name));
    let idle = databases.iter().enumerate().filter(|(at, database)| !is_read(*at, &database.name));
    idle.map(|(_, database)| format!("no claim rule reads the database '{}'", database.name)).collect()
}

fn check_rule(databases: &[Database], rule: &ClaimRule) -> anyhow::Result<()> {
    let Some(wanted) = &rule.database else { return Ok(()) };
    // Without any database nothing is read, and bringing files back must still be possible.
    let known: Vec<&str> =
        if databases.is_empty() { vec![MAIN] } else { databases.iter().map(|d| d.name.as_str()).collect() };
    if known.contains(&wanted.as_str()) {
        return Ok(());
    }
    let hint = nearest(wanted, known.iter().copied())
        .map_or_else(|| format!("the databases are {}", known.join(", ")), |name| format!("did you mean {name}?"));
    bail!("claim rule '{}': there is no database '{wanted}'; {hint}", rule.name)
}

#[cfg(test)]
#[path = "databases_tests.rs"]
mod tests;
