//! A plan as CSV: one line per file. The audit trail as CSV: one line per record.

use upsweep_plan::audit::Record;
use upsweep_plan::plan::Plan;
use upsweep_plan::reconcile::Removal;
use upsweep_plan::verdict::Reason;

pub(crate) fn plan(plan: &Plan) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    let written = write(plan, &mut out).map_err(std::io::Error::from).and_then(|()| out.flush());
    super::unless_closed(written)
}

fn write<W: std::io::Write>(plan: &Plan, out: &mut csv::Writer<W>) -> csv::Result<()> {
    out.write_record(["file", "reason", "since", "age_secs", "size_bytes", "format", "duration_secs", "sessions"])?;
    for Removal { key, reason, age_secs, facts } in &plan.removals {
        let name = key.to_string();
        let audio = plan.audio.get(&name);
        let sessions = match reason {
            Reason::Orphan { .. } => String::new(),
            Reason::FailedSession { owners, .. } | Reason::Expired { owners, .. } => owners.join(" "),
        };
        let since = reason.counted_from();
        out.write_record([
            harmless(&name),
            reason.word().to_owned(),
            since.to_string(),
            age_secs.to_string(),
            facts.size_bytes.to_string(),
            audio.map(|a| a.format.clone()).unwrap_or_default(),
            audio
                .and_then(|a| a.duration_millis)
                .map(|ms| format!("{}.{}", ms / 1_000, ms / 100 % 10))
                .unwrap_or_default(),
            harmless(&sessions),
        ])?;
    }
    Ok(())
}

/// The audit trail as a table. A spreadsheet alters what it loads, so this form cannot be verified.
pub(crate) struct Trail<W: std::io::Write>(csv::Writer<W>);

impl<W: std::io::Write> Trail<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(csv::Writer::from_writer(out))
    }

    pub(crate) fn head(&mut self) -> std::io::Result<()> {
        Ok(self.0.write_record(["seq", "at", "run", "actor", "event", "subject", "details", "previous", "hash"])?)
    }

    /// One record. A line that cannot be read was altered: it is shown as it is.
    pub(crate) fn record(&mut self, line: &str) -> std::io::Result<()> {
        let Ok(record) = Record::read(line) else {
            return Ok(self.0.write_record(["", "", "", "", "(cannot be read)", "", &harmless(line), "", ""])?);
        };
        let Record { seq, at, run, actor, event, subject, details, previous, hash } = record;
        let details = serde_json::to_string(&details)?;
        Ok(self.0.write_record([
            seq.to_string(),
            at.to_string(),
            harmless(&run.unwrap_or_default()),
            harmless(&actor),
            harmless(&event),
            harmless(&subject.unwrap_or_default()),
            harmless(&details),
            harmless(&previous),
            harmless(&hash),
        ])?)
    }

    pub(crate) fn end(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// A spreadsheet must not take a file's name for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
