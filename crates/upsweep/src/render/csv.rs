//! A plan as CSV: one line per file.

use anyhow::Context;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::Removal;
use upsweep_plan::verdict::Reason;

pub(crate) fn plan(plan: &Plan) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    write(plan, &mut out).and_then(|()| Ok(out.flush()?)).context("cannot write to standard output")
}

fn write<W: std::io::Write>(plan: &Plan, out: &mut csv::Writer<W>) -> csv::Result<()> {
    out.write_record(["file", "reason", "since", "age_secs", "size_bytes", "format", "duration_secs", "sessions"])?;
    for Removal { key, reason, facts } in &plan.removals {
        let name = key.to_string();
        let audio = plan.audio.get(&name);
        let sessions = match reason {
            Reason::Orphan { .. } => String::new(),
            Reason::FailedSession { owners, .. } => owners.join(" "),
        };
        let since = reason.counted_from();
        out.write_record([
            harmless(&name),
            reason.word().to_owned(),
            since.to_string(),
            (plan.created_at.as_second() - since.as_second()).to_string(),
            facts.size_bytes.to_string(),
            audio.map(|a| a.format.clone()).unwrap_or_default(),
            audio.and_then(|a| a.duration_secs).map(|s| format!("{s:.1}")).unwrap_or_default(),
            harmless(&sessions),
        ])?;
    }
    Ok(())
}

/// A spreadsheet must not take a file's name for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
