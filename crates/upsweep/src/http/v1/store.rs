//! The store as it stands: what is bound, hidden, due.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use upsweep_engine::planning::PENDING;
use upsweep_engine::ports::{Op, RunFilter};
use upsweep_plan::lifecycle::{self, CopyState};

use super::input::NoQuery;
use super::text::Time;
use super::view::{Amount, ClaimCounts, Disk, Run, Store};
use crate::http::problem::Problem;
use crate::service::{self, Service};

/// Show the state of the store
///
/// Without a survey: what the newest one of this process saw is told, if there was one.
#[utoipa::path(get, path = "/store", tag = "store", responses((status = 200, description = "Its state", body = Store)))]
pub(super) async fn get_store(State(service): State<Arc<Service>>, _: NoQuery) -> Result<Json<Store>, Problem> {
    let dir = service.config().upload_dir.clone();
    let newest = service.surveys.newest();
    let survey = newest.map(|plan| ClaimCounts::of(plan.created_at, &plan.survey));
    let mut state = service.with_state(read).await?;
    state.disk = disk(&dir);
    state.survey = survey;
    if let Some(run) = state.last_run.take() {
        let job = service.jobs.get(run.id());
        let run = match job {
            Some(job) => run.with_job(&job),
            None => run,
        };
        state.last_run = Some(run.in_list());
    }
    Ok(Json(state))
}

fn read(state: &mut service::State<'_>) -> anyhow::Result<Store> {
    let working = state.home.holder()?;
    let mut store = Store {
        address: state.store.address(),
        is_bound: false,
        marker: state.store.marker()?.map(Into::into),
        disk: None,
        hidden: Amount::default(),
        next_purge_at: None,
        copies_pending: Amount::default(),
        conflicts: 0,
        recovery_pending: 0,
        working: None,
        last_run: None,
        survey: None,
    };
    let run = working.as_ref().and_then(|holder| holder.run.clone());
    store.working = working.map(Into::into);
    let Some(ledger) = &state.ledger else { return Ok(store) };
    let hidden = ledger.ops_in(&[lifecycle::State::Quarantined, lifecycle::State::Archiving])?;
    store.is_bound = true;
    store.hidden = hidden.iter().collect();
    store.next_purge_at = hidden.iter().filter_map(Op::quarantined_until).min().map(Time);
    store.copies_pending = hidden.iter().filter(|op| op.life().copy == CopyState::Owed).collect();
    store.conflicts = ledger.ops_in(&[lifecycle::State::Conflict])?.len() as u64;
    store.recovery_pending = ledger.ops_in(&PENDING)?.len() as u64;
    let last = ledger.runs_page(&RunFilter::default(), None, 1)?.pop();
    store.last_run = last.map(|record| Run::of_record(&record, run.as_deref()));
    Ok(store)
}

/// `None` where the system does not say.
fn disk(dir: &std::path::Path) -> Option<Disk> {
    let rustix::fs::StatVfs { f_frsize, f_blocks, f_bfree, f_bavail, .. } = rustix::fs::statvfs(dir).ok()?;
    Some(Disk {
        total_bytes: f_blocks.saturating_mul(f_frsize),
        free_bytes: f_bfree.saturating_mul(f_frsize),
        available_bytes: f_bavail.saturating_mul(f_frsize),
    })
}
