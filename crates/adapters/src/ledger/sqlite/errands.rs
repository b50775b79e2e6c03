//! What a service keeps between its calls, in SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use upsweep_engine::ports::{
    Claimed, Errands, KeptPlan, LedgerError, Outline, PLANS_MAX, PlanApproval, PlanHead, REPEATABLE_FOR,
    RepeatableRequest,
};
use upsweep_plan::plan::{self, Plan, PlanError};

use super::SqliteLedger;
use super::audit::Scribe;
use super::rows::{get, json, micros, optional, parse, time};
use crate::ledger::telling;

impl Errands for SqliteLedger {
    fn keep_plan(&mut self, plan: &KeptPlan) -> Result<(), LedgerError> {
        let KeptPlan { plan, by, approval } = plan;
        let fail = self.fail();
        // Outside the transaction: a plan may be long.
        let body = pack(plan).map_err(|cause| self.unpacked(&plan.id, &cause))?;
        let created_at = micros(plan.created_at);
        let tx = self.begin()?;
        tx.execute("DELETE FROM plans WHERE expires_at <= ?1 OR id = ?2", params![created_at, plan.id])
            .map_err(&fail)?;
        let (expires_at, approval) = (micros(plan.expires_at), approval.as_ref().map(json));
        let outline = json(&Outline::of(plan));
        tx.execute(
            "INSERT INTO plans (id, created_at, expires_at, by, hash, format, outline_json, approval_json, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![plan.id, created_at, expires_at, by, plan.hash, plan.format, outline, approval, body],
        )
        .map_err(&fail)?;
        let beyond = "DELETE FROM plans WHERE seq NOT IN (SELECT seq FROM plans ORDER BY seq DESC LIMIT ?1)";
        tx.execute(beyond, [PLANS_MAX as i64]).map_err(&fail)?;
        tx.commit().map_err(fail)
    }

    fn kept_plan(&self, id: &str) -> Result<Option<KeptPlan>, LedgerError> {
        let sql = "SELECT id, by, approval_json, body FROM plans WHERE id = ?1";
        let found = self.db.query_row(sql, [id], |row| Ok(plan_from(row))).optional().map_err(self.fail())?;
        found.transpose().map(Option::flatten).map_err(|problem| self.damaged(problem))
    }

    fn plan_heads(&self) -> Result<Vec<PlanHead>, LedgerError> {
        // Not the bodies: a plan may be long.
        let sql = "SELECT id, by, approval_json, outline_json FROM plans WHERE format = ?1 ORDER BY seq DESC";
        let mut statement = self.db.prepare_cached(sql).map_err(self.fail())?;
        let mut rows = statement.query([plan::FORMAT]).map_err(self.fail())?;
        let mut heads = Vec::new();
        while let Some(row) = rows.next().map_err(self.fail())? {
            heads.push(head_from(row).map_err(|problem| self.damaged(problem))?);
        }
        Ok(heads)
    }

    fn drop_plan(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool, LedgerError> {
        let (fail, ledger, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let tx = self.begin()?;
        let sql = "DELETE FROM plans WHERE id = ?1 RETURNING hash";
        let hash: Option<String> = tx.query_row(sql, [id], |row| row.get(0)).optional().map_err(&fail)?;
        let Some(hash) = hash else { return Ok(false) };
        let told = telling::plan_dropped(&writer, id, &hash, by);
        Scribe::begin(&tx, &ledger).and_then(|mut scribe| scribe.write(at, told)).map_err(&fail)?;
        tx.commit().map_err(fail)?;
        Ok(true)
    }

    fn approve_plan(&mut self, id: &str, approval: &PlanApproval) -> Result<bool, LedgerError> {
        let (fail, ledger, writer) = (self.fail(), self.id.clone(), self.writer.clone());
        let tx = self.begin()?;
        let sql = "UPDATE plans SET approval_json = ?3 WHERE id = ?1 AND hash = ?2";
        if tx.execute(sql, params![id, approval.plan, json(approval)]).map_err(&fail)? == 0 {
            return Ok(false);
        }
        let told = telling::plan_approved(&writer, id, approval);
        Scribe::begin(&tx, &ledger).and_then(|mut scribe| scribe.write(approval.at, told)).map_err(&fail)?;
        tx.commit().map_err(fail)?;
        Ok(true)
    }

    fn claim_request(&mut self, request: &RepeatableRequest) -> Result<Claimed, LedgerError> {
        let RepeatableRequest { key, fingerprint, run, at } = request;
        let fail = self.fail();
        // Before anybody looks: of two that look at once, both would find nothing.
        let tx = self.begin()?;
        let old = at.checked_sub(REPEATABLE_FOR).unwrap_or(Timestamp::MIN);
        tx.execute("DELETE FROM requests WHERE at < ?1", [micros(old)]).map_err(&fail)?;
        let claimed = claimed(&tx, key, fingerprint).map_err(&fail)?;
        if claimed == Claimed::New {
            let sql = "INSERT INTO requests (key, fingerprint, run, at) VALUES (?1, ?2, ?3, ?4)";
            tx.execute(sql, params![key, fingerprint, run, micros(*at)]).map_err(&fail)?;
        }
        tx.commit().map_err(fail)?;
        Ok(claimed)
    }

    fn claim_slot(&mut self, slot: Timestamp) -> Result<bool, LedgerError> {
        let fail = self.fail();
        let tx = self.begin()?;
        let sql =
            "INSERT INTO schedule (one, slot) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET slot = ?1 WHERE slot < ?1";
        let rows = tx.execute(sql, [micros(slot)]).map_err(&fail)?;
        tx.commit().map_err(fail)?;
        Ok(rows > 0)
    }

    fn last_slot(&self) -> Result<Option<Timestamp>, LedgerError> {
        let slot: Option<i64> =
            self.db.query_row("SELECT slot FROM schedule", [], |row| row.get(0)).optional().map_err(self.fail())?;
        slot.map(time).transpose().map_err(|problem| self.damaged(format!("the schedule: {problem}")))
    }
}

impl SqliteLedger {
    fn unpacked(&self, id: &str, cause: &std::io::Error) -> LedgerError {
        LedgerError::Storage {
            ledger: self.path.display().to_string(),
            cause: format!("cannot compress plan {id}: {cause}"),
        }
    }
}

fn claimed(db: &Connection, key: &str, fingerprint: &str) -> rusqlite::Result<Claimed> {
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let before = db.query_row("SELECT fingerprint, run FROM requests WHERE key = ?1", [key], read).optional()?;
    Ok(match before {
        None => Claimed::New,
        Some((asked, run)) if asked == fingerprint => Claimed::Before { run },
        Some(_) => Claimed::ForOther,
    })
}

/// The fastest level: the names in a plan are much alike.
const LEVEL: i32 = 1;

fn pack(plan: &Plan) -> std::io::Result<Vec<u8>> {
    let mut packed = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(&mut packed, plan)?;
    packed.finish()
}

/// `None` for a plan in another version's form, which nobody can carry out any more.
fn plan_from(row: &Row<'_>) -> Result<Option<KeptPlan>, String> {
    let id: String = get(row, 0)?;
    let context = |problem: String| format!("plan {id}: {problem}");
    let body = zstd::decode_all(get::<Vec<u8>>(row, 3)?.as_slice()).map_err(|error| context(error.to_string()))?;
    let plan = match Plan::read(&body) {
        Err(PlanError::Format { found: _ }) => return Ok(None),
        read => read.map_err(|error| context(error.to_string()))?,
    };
    Ok(Some(KeptPlan { plan, by: get(row, 1)?, approval: optional(get(row, 2)?).map_err(context)? }))
}

fn head_from(row: &Row<'_>) -> Result<PlanHead, String> {
    let id: String = get(row, 0)?;
    let context = |problem: String| format!("the head of plan {id}: {problem}");
    Ok(PlanHead {
        outline: parse(&get::<String>(row, 3)?).map_err(context)?,
        by: get(row, 1)?,
        approval: optional(get(row, 2)?).map_err(context)?,
    })
}
