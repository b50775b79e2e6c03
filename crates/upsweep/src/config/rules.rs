//! Claim rules in the configuration: `[[claims]]` tables.

use anyhow::{Context, bail};
use serde::Deserialize;
use upsweep_plan::claim::{ClaimRule, RowSource, StandingRule};
use upsweep_plan::template::Template;

use super::layers;
use super::problems::Problems;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: String,
    database: Option<String>,
    table: Option<String>,
    query: Option<String>,
    key: String,
    owner: Option<String>,
    standing: Option<String>,
    status: Option<String>,
    failed: Option<Vec<String>>,
    since: Option<String>,
    expires: Option<String>,
}

/// Reads the value of `claims`.
pub(super) fn parse(list: toml::Value, file: &str, problems: &mut Problems) -> Vec<ClaimRule> {
    let mut rules: Vec<ClaimRule> = Vec::new();
    for table in layers::tables::<RuleTable>(list, "claims", file, problems) {
        let name = table.name.clone();
        if rules.iter().any(|rule| rule.name == name) {
            problems.note(anyhow::anyhow!("{file}: claim rule '{name}' appears twice; give each its own name"));
            continue;
        }
        match rule(table).with_context(|| format!("{file}: claim rule '{name}'")) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.note(problem),
        }
    }
    rules
}

fn rule(table: RuleTable) -> anyhow::Result<ClaimRule> {
    let RuleTable { name, database, table, query, key, owner, standing, status, failed, since, expires } = table;
    let source = match (table, query) {
        (Some(table), None) => RowSource::Table(table),
        (None, Some(query)) => RowSource::Query(query),
        _ => bail!("give either table or query"),
    };
    let standing = match expires {
        Some(at) if standing.is_none() && status.is_none() && failed.is_none() && since.is_none() => {
            StandingRule::Expires { at }
        }
        Some(_) => bail!("expires stands alone: a row that expires needs no standing, status, failed or since"),
        None => standing_rule(standing.as_deref(), status, failed, since)?,
    };
    Ok(ClaimRule { name, database, source, key: Template::parse(&key)?, owner, standing })
}

fn standing_rule(
    standing: Option<&str>,
    status: Option<String>,
    failed: Option<Vec<String>>,
    since: Option<String>,
) -> anyhow::Result<StandingRule> {
    Ok(match (standing, status, since) {
        (None | Some("live"), None, None) => {
            if failed.is_some() {
                bail!("failed needs status, the column that holds the status");
            }
            StandingRule::Live
        }
        (Some("failed"), None, Some(since)) => StandingRule::Failed { since },
        (Some("failed"), None, None) => {
            bail!("standing = \"failed\" needs since, the column the retention counts from")
        }
        (None, Some(status), Some(since)) => {
            StandingRule::ByStatus { status, failed: failed.unwrap_or_else(|| vec!["failed".to_owned()]), since }
        }
        (None, Some(_), None) => bail!("status needs since, the column the retention counts from"),
        (Some("live") | None, None, Some(_)) => {
            bail!("since means nothing for live claims; remove it, or add standing = \"failed\" or status")
        }
        (Some("live" | "failed"), Some(_), _) => bail!("give either standing or status"),
        (Some(other), _, _) => bail!("standing = '{other}' must be live or failed"),
    })
}
