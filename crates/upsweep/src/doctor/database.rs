//! Whether the database can be read to its end, and is the right one.

use jiff::Timestamp;
use upsweep_engine::ports::{ClaimSource, Clock as _, Snapshot};
use upsweep_plan::claim::ClaimRule;

use super::Check;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::render::count;
use crate::wire::{self, Parts};

/// One complete reading.
pub(super) struct Read {
    /// What the database said of itself.
    pub(super) snapshot: Snapshot,
    /// This machine's time before it began.
    pub(super) before: Timestamp,
    /// And after it ended.
    pub(super) after: Timestamp,
}

/// Looks at the databases, and gives what each said of itself that could be read.
pub(super) fn examine(config: &Config, parts: Option<&Parts<'_>>, checks: &mut Vec<Check>) -> Vec<Read> {
    let sources = match wire::claims(config) {
        Ok(sources) => sources,
        Err(error) => {
            checks.push(Check::problem("database", format!("{error:#}"), "set DATABASE_URL"));
            return vec![];
        }
    };
    let mut reads = Vec::new();
    for (nth, (name, mut claims)) in sources.into_iter().enumerate() {
        let is_its = |rule: &&ClaimRule| rule.database.as_ref().map_or(nth == 0, |database| *database == name);
        let rules: Vec<ClaimRule> = config.policy.claim_rules.iter().filter(is_its).cloned().collect();
        reads.extend(one(&mut *claims, &rules, parts, checks));
    }
    reads
}

/// Looks at one database.
fn one(
    claims: &mut dyn ClaimSource,
    own_rules: &[ClaimRule],
    parts: Option<&Parts<'_>>,
    checks: &mut Vec<Check>,
) -> Option<Read> {
    let next = "check DATABASE_URL, and that the server runs and lets upsweep in";
    let identity = match claims.identity() {
        Ok(identity) => identity,
        Err(error) => {
            checks.push(Check::problem("database", error.to_string(), next));
            checks.push(Check::skipped("claim rules", "the database cannot be reached"));
            return None;
        }
    };
    let bound = parts.and_then(|parts| parts.store.marker().ok().flatten()).map(|marker| marker.databases);
    checks.push(match bound {
        Some(bound) if !bound.contains(&identity) => Check::problem(
            "database",
            format!("this is {identity}, but the directory is bound to another (G004)"),
            "correct DATABASE_URL; after a real migration: upsweep rebind --reason \"…\"",
        ),
        _ => Check::good("database", format!("{identity} can be reached")),
    });
    let clock = SystemClock::new();
    let before = clock.now();
    let snapshot = rules(claims, own_rules, checks)?;
    let after = clock.now();
    if snapshot.is_replica {
        checks.push(Check::warning(
            "replica",
            "this is a replica, which may lag behind: plans can be made from it, but nothing is removed (G004)",
            "set DATABASE_URL to the primary",
        ));
    }
    checks.push(match snapshot.role_can_write {
        Some(true) => Check::warning(
            "role",
            "the role could change the tables that it reads; upsweep never does",
            "give it a role that may do nothing but SELECT",
        ),
        Some(false) => Check::good("role", "the role may only read"),
        None => Check::note("role", "this database has no roles; upsweep opens it for reading only"),
    });
    Some(Read { snapshot, before, after })
}

/// Reads every rule out of one snapshot; where that fails, each alone, so that every mistake is told.
fn rules(claims: &mut dyn ClaimSource, rules: &[ClaimRule], checks: &mut Vec<Check>) -> Option<Snapshot> {
    match claims.read(rules, &mut |_, _| {}) {
        Ok(snapshot) => {
            for (rule, rows) in rules.iter().zip(&snapshot.rows) {
                let saw = format!("'{}' gives {}", rule.name, count(*rows, "row"));
                checks.push(match rows {
                    0 => Check::note("claim rule", saw).next("if that is a surprise, check the rule's table or query"),
                    _ => Check::good("claim rule", saw),
                });
            }
            Some(snapshot)
        }
        Err(whole) => {
            let next = "correct the rule, or let upsweep's role see every row; see docs/configuration.md";
            let mut told = false;
            for rule in rules {
                checks.push(match claims.read(std::slice::from_ref(rule), &mut |_, _| {}) {
                    Ok(_) => Check::good("claim rule", format!("'{}' can be read to its end", rule.name)),
                    Err(error) => {
                        told = true;
                        let (error, name) = (error.to_string(), format!("'{}'", rule.name));
                        let saw = if error.contains(&name) { error } else { format!("{name}: {error}") };
                        Check::problem("claim rule", saw, next)
                    }
                });
            }
            if !told {
                checks.push(Check::problem("claim rules", whole.to_string(), next));
            }
            None
        }
    }
}
