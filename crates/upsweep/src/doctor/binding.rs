//! Whether the directory is the one that was bound, and would be missed if it were not.

use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};
use upsweep_engine::binding;
use upsweep_plan::guard::{self, Binding};

use super::Check;
use crate::config::Config;
use crate::wire::Parts;

pub(super) fn examine(parts: &Parts<'_>, config: &Config, checks: &mut Vec<Check>) {
    match binding::examine(parts.store, parts.home) {
        Err(error) => checks.push(Check::problem(
            "binding",
            error.to_string(),
            "mend the cause, or restore the file from a backup",
        )),
        Ok(bond) => {
            checks.push(match (guard::marker(&bond.store.address, &bond.binding), &bond.binding, &bond.marker) {
                (Some(refusal), _, _) => Check::problem("binding", refusal.saw, refusal.next),
                (None, Binding::Bound, Some(marker)) => {
                    let databases: Vec<String> = marker.databases.iter().map(ToString::to_string).collect();
                    Check::good("binding", format!("bound as {} to {}", marker.store_id, databases.join(", ")))
                }
                (None, _, _) => Check::note("binding", "not bound yet: nothing was ever removed from it"),
            });
            if let Some(marker) = &bond.marker {
                checks.push(quarantine(marker.quarantine.as_deref(), parts.store.wanted_quarantine().as_deref()));
                checks.push(match parts.home.noted(&bond.store.address) {
                    Ok(Some(noted)) => {
                        Check::good("note", format!("{} would tell if this disk were missing", noted.location))
                    }
                    Ok(None) => {
                        Check::note("note", "there is no note outside the directory yet; the next run writes one")
                    }
                    Err(problem) => {
                        Check::problem("note", problem, "mend it: without it no run hides or frees anything")
                    }
                });
            }
        }
    }
    checks.push(state_dir(config.state_dir.as_deref()));
}

fn quarantine(marked: Option<&str>, wanted: Option<&str>) -> Check {
    let shown = |place: Option<&str>| place.unwrap_or("the folder .upsweep").to_owned();
    if marked == wanted {
        Check::good("quarantine", format!("hidden files lie in {}", shown(marked)))
    } else {
        Check::warning(
            "quarantine",
            format!("hidden files lie in {}, but are wanted in {}", shown(marked), shown(wanted)),
            "set UPSWEEP_QUARANTINE_DIR back, or bring them back; once nothing is hidden, the next run moves it",
        )
    }
}

fn state_dir(dir: Option<&Path>) -> Check {
    const NAME: &str = "state folder";
    let next = "set UPSWEEP_STATE_DIR to a folder that lasts and that upsweep's user may write to";
    let Some(dir) = dir else {
        return Check::problem(NAME, "there is no folder for the notes outside the directory", next);
    };
    let existing = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match accessat(CWD, existing, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Check::good(NAME, format!("{} can be written to", dir.display())),
        Err(errno) => {
            let cause = std::io::Error::from(errno);
            Check::problem(NAME, format!("{} cannot be written to: {cause}", dir.display()), next)
        }
    }
}
