//! What the audit trail tells of a ledger's own doings: the same words in every ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use upsweep_engine::ports::{Amount, Approval, Entry, LedgerError, PlanApproval, RunOutcome, RunRecord};
use upsweep_plan::audit::NewRecord;
use upsweep_plan::guard::Code;
use upsweep_plan::hold::Hold;
use upsweep_plan::key::Key;
use upsweep_plan::verdict::Reason;

/// Who writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    /// The run that works, if one does.
    pub(crate) run: Option<String>,
    /// Who, and where.
    pub(crate) actor: String,
}

impl Writer {
    fn record(&self, event: &str, subject: Option<String>, details: BTreeMap<String, String>) -> NewRecord {
        NewRecord { run: self.run.clone(), actor: self.actor.clone(), event: event.to_owned(), subject, details }
    }
}

fn details<const N: usize>(pairs: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn codes<'a>(codes: impl IntoIterator<Item = &'a Code>) -> Option<String> {
    let words: Vec<String> = codes.into_iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

pub(super) fn run_begun(run: &RunRecord) -> NewRecord {
    let RunRecord { id, kind, started_at: _, ended_at: _, by, approval, outcome: _ } = run;
    let (allowed, reason, allowed_by) = match approval {
        Some(Approval { codes: allowed, reason, by }) => (codes(allowed), Some(reason.clone()), by.clone()),
        None => (None, None, None),
    };
    let writer = Writer { run: Some(id.clone()), actor: by.clone() };
    let kind = Some(kind.word().to_owned());
    let details = details([("kind", kind), ("allowed", allowed), ("allowed_why", reason), ("allowed_by", allowed_by)]);
    writer.record("run-begun", Some(id.clone()), details)
}

/// Why a run does not begin.
pub(super) fn run_known(ledger: &str, id: &str) -> LedgerError {
    LedgerError::Storage { ledger: ledger.to_owned(), cause: format!("there is a run {id} already") }
}

pub(super) fn run_ended(writer: &Writer, id: &str, outcome: &RunOutcome) -> NewRecord {
    let RunOutcome { plan, refused, overruled, hidden, copied, restored, purged, skipped, errors, failure, stopped } =
        outcome;
    let number = |number: u64| (number > 0).then(|| number.to_string());
    let files = |amount: &Amount| number(amount.files);
    let bytes = |amount: &Amount| number(amount.bytes);
    let details = details([
        ("plan", plan.clone()),
        ("refused", codes(refused)),
        ("overruled", codes(overruled)),
        ("hidden_files", files(hidden)),
        ("hidden_bytes", bytes(hidden)),
        ("copied_files", files(copied)),
        ("copied_bytes", bytes(copied)),
        ("restored_files", files(restored)),
        ("restored_bytes", bytes(restored)),
        ("freed_files", files(purged)),
        ("freed_bytes", bytes(purged)),
        ("skipped", number(*skipped)),
        ("errors", number(*errors)),
        ("failure", failure.clone()),
        ("stopped", stopped.then(|| "true".to_owned())),
    ]);
    let writer = Writer { run: Some(id.to_owned()), ..writer.clone() };
    writer.record("run-ended", Some(id.to_owned()), details)
}

/// The object that an operation is about, as far as a record tells of it.
pub(super) struct Object<'a> {
    pub(super) key: &'a Key,
    /// The run that hid it, or was about to.
    pub(super) run: &'a str,
    pub(super) reason: &'a Reason,
    pub(super) size_bytes: u64,
}

/// What happened to an object; `None` for an intent. A new kind of event is told, unless it is said here not to be.
pub(super) fn happened(writer: &Writer, object: &Object<'_>, entry: &Entry) -> Option<NewRecord> {
    let Entry { op, event, hidden_facts: _, copy, note } = entry;
    if event.is_intent() {
        return None;
    }
    let Object { key, run, reason, size_bytes } = object;
    let mut details = details([
        ("op", Some(op.to_string())),
        ("of_run", Some((*run).to_owned())),
        ("size_bytes", Some(size_bytes.to_string())),
        ("copy", copy.as_ref().map(|copy| copy.file.clone())),
        ("copy_blake3", copy.as_ref().map(|copy| copy.blake3.clone())),
        ("note", note.clone()),
    ]);
    details.extend(words_of(reason));
    Some(writer.record(event.name(), Some(key.to_string()), details))
}

/// Every field of a reason, whatever reasons there are.
fn words_of(reason: &Reason) -> BTreeMap<String, String> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(reason) else {
        return BTreeMap::from([("kind".to_owned(), reason.kind().to_owned())]);
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    fields.into_iter().map(|(name, value)| (format!("reason_{name}"), text(value))).collect()
}

pub(super) fn hold_set(writer: &Writer, hold: &Hold) -> NewRecord {
    let Hold { id, target, by, why, since: _, until } = hold;
    let writer = Writer { actor: by.clone(), ..writer.clone() };
    let until = until.map(|until| until.to_string());
    let details = details([("target", Some(target.to_string())), ("why", Some(why.clone())), ("until", until)]);
    writer.record("hold-set", Some(id.to_string()), details)
}

pub(super) fn hold_released(writer: &Writer, hold: &Hold, by: &str, why: &str) -> NewRecord {
    let writer = Writer { actor: by.to_owned(), ..writer.clone() };
    let details = details([("target", Some(hold.target.to_string())), ("why", Some(why.to_owned()))]);
    writer.record("hold-released", Some(hold.id.to_string()), details)
}

pub(super) fn plan_approved(writer: &Writer, id: &str, approval: &PlanApproval) -> NewRecord {
    let PlanApproval { plan: hash, approval: Approval { codes: allowed, reason, by: _ }, by, at: _ } = approval;
    let writer = Writer { actor: by.clone(), ..writer.clone() };
    let details =
        details([("plan", Some(hash.clone())), ("allowed", codes(allowed)), ("allowed_why", Some(reason.clone()))]);
    writer.record("plan-approved", Some(id.to_owned()), details)
}

pub(super) fn plan_dropped(writer: &Writer, id: &str, hash: &str, by: &str) -> NewRecord {
    let writer = Writer { actor: by.to_owned(), ..writer.clone() };
    writer.record("plan-dropped", Some(id.to_owned()), details([("plan", Some(hash.to_owned()))]))
}

pub(super) fn pruned(writer: &Writer, records: u64, last: u64, before: Timestamp) -> NewRecord {
    let details = details([
        ("records", Some(records.to_string())),
        ("last_record", Some(last.to_string())),
        ("before", Some(before.to_string())),
    ]);
    writer.record("audit-pruned", None, details)
}

#[cfg(test)]
mod tests {
    use upsweep_plan::lifecycle::Event;

    #[test]
    fn every_kind_of_record_is_explained_to_the_auditor() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md")).unwrap();
        let of_files = Event::ALL.into_iter().filter(|event| !event.is_intent()).map(Event::name);
        let others = [
            "store-bound",
            "store-rebound",
            "run-begun",
            "run-ended",
            "hold-set",
            "hold-released",
            "plan-approved",
            "plan-dropped",
            "audit-pruned",
        ];
        for event in of_files.chain(others) {
            assert!(docs.contains(&format!("`{event}`")), "docs/audit.md does not explain {event}");
        }
    }
}
