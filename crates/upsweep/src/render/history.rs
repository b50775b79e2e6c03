//! Past runs for a person.

use comfy_table::{Table, presets};
use upsweep_engine::ports::{RunOutcome, RunRecord};

use super::{one_line, size, time};

pub(crate) fn print(runs: &[RunRecord]) {
    if runs.is_empty() {
        crate::say::say!("No run has changed this store yet.");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["run", "what", "began", "hidden", "copied", "restored", "freed", "problems", "end"]);
    for run in runs {
        let outcome = run.outcome.clone().unwrap_or_default();
        let files = |amount: upsweep_engine::ports::Amount| match amount.files {
            0 => "-".to_owned(),
            n => format!("{n} ({})", size(amount.bytes)),
        };
        table.add_row([
            run.id.clone(),
            run.kind.word().to_owned(),
            time(run.started_at),
            files(outcome.hidden),
            files(outcome.copied),
            files(outcome.restored),
            files(outcome.purged),
            outcome.errors.to_string(),
            end(run, &outcome),
        ]);
    }
    crate::say::say!("{}", table.trim_fmt());
}

fn end(run: &RunRecord, outcome: &RunOutcome) -> String {
    let approved = match &run.approval {
        Some(approval) if approval.codes.is_empty() => format!(" ({})", one_line(&approval.reason)),
        Some(approval) => {
            let codes: Vec<String> = approval.codes.iter().map(ToString::to_string).collect();
            let by = approval.by.as_ref().map(|by| format!(" by {}", one_line(by))).unwrap_or_default();
            format!(" ({} overruled{by}: {})", codes.join(", "), one_line(&approval.reason))
        }
        None => String::new(),
    };
    let end = match (&outcome.failure, run.ended_at, outcome.refused.as_slice()) {
        (Some(failure), _, _) => format!("stopped: {}", one_line(failure)),
        (None, None, _) => "interrupted, or still at work".to_owned(),
        (None, Some(_), []) => "done".to_owned(),
        (None, Some(_), codes) => {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            format!("refused by {}", codes.join(", "))
        }
    };
    end + &approved
}
