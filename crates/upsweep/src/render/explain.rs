//! Everything about one name, for a person.

use upsweep_engine::explain::{Answer, Concern, Explanation, Mate, NotJudged, Reach, Seen, Verdict};
use upsweep_engine::ports::Op;
use upsweep_plan::key::Escaped;
use upsweep_plan::lifecycle::State;
use upsweep_plan::mend::Mend;
use upsweep_plan::standing::Standing;
use upsweep_plan::verdict::{Keep, Reason};

use super::{Invocation, age, count, size, time};
use crate::config::Config;

pub(crate) fn print(told: &Explanation, config: &Config, invocation: &Invocation) {
    crate::say::say!("{}: {}", told.key, headline(told));
    print_file(told);
    print_rules(told);
    print_group(told);
    print_holds(told);
    for op in &told.operations {
        print_operation(op);
    }
    for reason in &told.incomplete {
        crate::say::say!("The survey did not complete: {reason}");
    }
    crate::say::say!("What would change this:");
    for way in ways(told, config, invocation) {
        crate::say::say!("  {way}");
    }
}

fn headline(told: &Explanation) -> String {
    match &told.verdict {
        Verdict::Keep { why } => match why {
            Keep::Claimed => "it stays: a live row claims it, or a file of its group".to_owned(),
            Keep::Held => "it stays: somebody holds it, or a file of its group".to_owned(),
            Keep::NearlyClaimed => "it stays: a row's name is nearly its own".to_owned(),
            Keep::TooYoung => "it stays: nobody claims it, but it, or a file of its group, is too young".to_owned(),
            Keep::FailedRecently => "it stays: its session failed, but not long enough ago".to_owned(),
            Keep::NotExpired => "it stays: its row has not expired".to_owned(),
            Keep::Relinkable => "it stays: nobody claims it, but it looks like a file that is missing".to_owned(),
            Keep::Ignored => "it stays: a file of its group is excluded by the configuration".to_owned(),
            Keep::OutsideSelection => "it may go, but not with this selection".to_owned(),
            Keep::Unreadable => "it stays: it could not be looked at".to_owned(),
        },
        Verdict::Remove { reason } => match reason {
            Reason::Orphan { claimed_until: Some(at), .. } => {
                format!("it may go: nobody claims it; a live row did, last seen {}", time(*at))
            }
            Reason::Orphan { .. } => "it may go: nobody claims it".to_owned(),
            Reason::FailedSession { since, .. } => {
                format!("it may go: every session that claims it failed, the last {}", time(*since))
            }
            Reason::Expired { at, .. } => {
                format!("it may go: every row that claims it expired, the last {}", time(*at))
            }
        },
        Verdict::Hidden { is_needed: true, .. } => "it is hidden, and a row claims it again".to_owned(),
        Verdict::Hidden { until, .. } => match until {
            Some(until) => format!("it is hidden; it may be freed after {}", time(*until)),
            None => "it is hidden".to_owned(),
        },
        Verdict::Conflict { .. } => "it is hidden, and another file took its place: both are kept".to_owned(),
        Verdict::Missing => "a live row claims it, and there is no such file".to_owned(),
        Verdict::NotJudged { why } => match why {
            NotJudged::Dotfile => "it is never touched: its name, or a folder's, begins with a dot".to_owned(),
            NotJudged::BelowTopLevel => "it is not looked at: it lies below the top level".to_owned(),
            NotJudged::Excluded => "it is not looked at: the configuration excludes it".to_owned(),
        },
        Verdict::Nothing => "there is no regular file of that name, and no live row claims it".to_owned(),
        Verdict::Unknown => "nobody knows: the survey did not complete, so nothing would be removed".to_owned(),
    }
}

fn print_file(told: &Explanation) {
    let Some(Seen { facts, age_from, counted_from, old_at: _, first_seen }) = &told.file else { return };
    let modified = facts.mtime.timestamp().map_or_else(|| "at an unknown time".to_owned(), time);
    let links = if facts.links > 1 { format!(", {} names (hard links)", facts.links) } else { String::new() };
    crate::say::say!("  file:  {}, last modified {modified}{links}", size(facts.size_bytes));
    let seen = first_seen.map_or_else(String::new, |at| format!("; first seen unclaimed {}", time(at)));
    let counted = counted_from.map_or_else(|| "not known".to_owned(), |at| age(at, told.at));
    crate::say::say!("  age:   {counted}, counted from {}{seen}", age_from.name());
}

fn print_rules(told: &Explanation) {
    for Answer { rule, database, rows, concerned, claims } in &told.rules {
        let of = database.as_ref().map_or_else(String::new, |name| format!(" of database '{name}'"));
        let what = match concerned {
            0 => "none concerns it".to_owned(),
            1 => "1 concerns it".to_owned(),
            n => format!("{n} concern it"),
        };
        crate::say::say!("  rule '{rule}'{of}: {}, {what}", count(*rows, "row"));
        for Concern { owner, spelled, standing, reach } in claims {
            let row = if owner.is_empty() { "a row".to_owned() } else { format!("row {}", Escaped(owner.as_bytes())) };
            crate::say::say!("    {row} ({}) {} {spelled}", standing_words(*standing), reach_words(*reach));
        }
        if *concerned > claims.len() as u64 {
            crate::say::say!("    … and {} more", concerned - claims.len() as u64);
        }
    }
}

fn standing_words(standing: Standing) -> String {
    match standing {
        Standing::Live => "live".to_owned(),
        Standing::Failed { since: Some(at) } => format!("failed {}", time(at)),
        Standing::Failed { since: None } => "failed at an unknown time".to_owned(),
        Standing::Expires { at: Some(at) } => format!("expires {}", time(at)),
        Standing::Expires { at: None } => "never expires".to_owned(),
    }
}

fn reach_words(reach: Reach) -> &'static str {
    match reach {
        Reach::Names => "names it:",
        Reach::NamesOriginal => "names what it was made of:",
        Reach::NamesFinished => "names it, and it is still being written:",
        Reach::NamesVariant => "names a variant of it:",
        Reach::Matches => "matches it:",
        Reach::NearlyNames => "names it nearly:",
    }
}

fn print_group(told: &Explanation) {
    for Mate { key, kept } in &told.group {
        let fate = kept.map_or("may go", Keep::words);
        crate::say::say!("  belongs together with {key} ({fate})");
    }
}

fn print_holds(told: &Explanation) {
    for hold in &told.holds {
        let until = hold.until.map_or_else(|| "until it is released".to_owned(), |at| format!("until {}", time(at)));
        crate::say::say!(
            "  hold {}: {} {until}, by {}: {}",
            hold.id,
            hold.target,
            Escaped(hold.by.as_bytes()),
            Escaped(hold.why.as_bytes())
        );
    }
    if let Some(pattern) = &told.excluded_by {
        crate::say::say!("  excluded by '{pattern}'");
    }
}

fn print_operation(op: &Op) {
    let now = if op.state == State::Conflict { "in conflict".to_owned() } else { op.state.name().replace('-', " ") };
    let note = op.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    crate::say::say!(
        "  run {} planned it as {}; now it is {now}, since {}{note}",
        op.run,
        op.reason.word(),
        time(op.changed_at)
    );
}

/// What would change the verdict, each as one sentence with the command where there is one.
fn ways(told: &Explanation, config: &Config, invocation: &Invocation) -> Vec<String> {
    let key = super::invocation::quoted(&told.key.to_string());
    let hold =
        || format!("keep it whatever the rows say: {}", invocation.line(&format!("hold add {key} --reason \"…\"")));
    let retention = count(config.policy.failed_retention_secs / 86_400, "day");
    match &told.verdict {
        Verdict::Keep { why } => match why {
            Keep::Claimed => {
                vec!["when no live row claims it or a file of its group any more, its age decides".to_owned(), hold()]
            }
            Keep::Held => told
                .holds
                .iter()
                .map(|hold| {
                    format!("release it: {}", invocation.line(&format!("hold release {} --reason \"…\"", hold.id)))
                })
                .collect(),
            Keep::NearlyClaimed => {
                vec!["name the file as its row does, or correct the row: then it is claimed, or nobody's".to_owned()]
            }
            Keep::TooYoung => vec![match told.file.as_ref().and_then(|file| file.old_at) {
                Some(at) if at > told.at => format!("time: it is old enough after {}", time(at)),
                Some(_) => "time: a file of its group must get old enough as well".to_owned(),
                None => "a later survey: its age is not known yet".to_owned(),
            }],
            Keep::FailedRecently => vec![format!(
                "time: every failure must be more than {retention} ago; one at an unknown time never is, so give its row a time"
            )],
            Keep::NotExpired => vec!["time: every row must have expired; one without a time never does".to_owned()],
            Keep::Relinkable => told.mends.iter().flat_map(mend).collect(),
            Keep::Ignored => vec!["take the pattern out of exclude, in the configuration".to_owned()],
            Keep::OutsideSelection => vec!["another selection, or none".to_owned()],
            Keep::Unreadable => {
                vec!["mend what keeps it from being looked at; see the errors of: upsweep plan".to_owned()]
            }
        },
        Verdict::Remove { .. } => vec![
            format!("the next run hides it: {}", invocation.line(&invocation.selecting("run"))),
            "a live row that claims it, before it is freed".to_owned(),
            hold(),
        ],
        Verdict::Hidden { is_needed: true, .. } => {
            vec![format!("the next run brings it back: {}", invocation.line("run"))]
        }
        Verdict::Hidden { .. } => vec![
            format!("bring it back: {}", invocation.line(&format!("restore {key}"))),
            "a live row that claims it brings it back by itself".to_owned(),
            hold(),
        ],
        Verdict::Conflict { .. } => {
            vec![format!("move the other file away, then: {}", invocation.line(&format!("restore {key}")))]
        }
        Verdict::Missing => {
            let mut ways: Vec<String> = told.mends.iter().flat_map(mend).collect();
            ways.push("a file of that name, from a backup; or a row that does not claim it".to_owned());
            ways
        }
        Verdict::NotJudged { why } => vec![match why {
            NotJudged::Dotfile => "another name".to_owned(),
            NotJudged::BelowTopLevel => "recursive = true in the configuration".to_owned(),
            NotJudged::Excluded => "take the pattern out of exclude, in the configuration".to_owned(),
        }],
        Verdict::Nothing => vec!["a file of that name, or a row that claims it".to_owned()],
        Verdict::Unknown => vec!["mend what kept the survey from completing, then ask again".to_owned()],
    }
}

fn mend(mend: &Mend) -> Vec<String> {
    let Mend { file, relink, rename, sql } = mend;
    let mut ways = vec![format!("{file} {} ({}): {rename}", relink.likeness.words(), relink.claimed)];
    ways.extend(sql.as_ref().map(|sql| format!("or in the database: {sql}")));
    ways
}
