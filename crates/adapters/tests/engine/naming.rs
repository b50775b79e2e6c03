//! A run whose id is known beforehand: the lease tells it, and the history has it.

use std::sync::{Arc, Mutex};

use upsweep_engine::error::EngineError;
use upsweep_engine::ports::{Home as _, LedgerError};
use upsweep_engine::runs::{self, Report, Request, Selection};
use upsweep_plan::guard::Code;

use crate::stage::{Stage, key, request};

fn named(id: &str) -> Request {
    Request { run: Some(id.to_owned()), ..request(&[]) }
}

/// Does `what`, and gives what the lease told meanwhile: whenever a database was read.
fn told_meanwhile<R>(stage: &mut Stage, what: impl FnOnce(&mut Stage) -> R) -> (R, Vec<Option<String>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    for read in 1..9 {
        let (home, told) = (stage.home.clone(), Arc::clone(&told));
        stage.claims.before(read, move |_| {
            let holder = home.holder().unwrap();
            told.lock().unwrap().push(holder.and_then(|holder| holder.run));
        });
    }
    let done = what(stage);
    stage.claims.meanwhile.clear();
    let told = std::mem::take(&mut *told.lock().unwrap());
    (done, told)
}

fn run(stage: &mut Stage, id: &str) -> Result<Report, EngineError> {
    stage.with(|world| runs::run(world, &named(id)))
}

#[test]
fn the_lease_and_the_history_have_the_id_that_was_given() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    let (report, told) = told_meanwhile(&mut stage, |stage| run(stage, "first").unwrap());
    assert_eq!(report.run.as_deref(), Some("first"));
    assert!(report.bound.is_some(), "{report:?}");
    assert!(told[1..].iter().all(|run| run.as_deref() == Some("first")), "but for the survey before it: {told:?}");
    assert_eq!(stage.op("a.m4a").run, "first");

    stage.claims.live("a.m4a");
    let (report, told) = told_meanwhile(&mut stage, |stage| run(stage, "second").unwrap());
    assert_eq!((report.run.as_deref(), report.restored.back.len()), (Some("second"), 1));
    assert!(!told.is_empty() && told.iter().all(|run| run.as_deref() == Some("second")), "{told:?}");
    assert_eq!(stage.home.holder().unwrap(), None);

    stage.claims.forget("a.m4a");
    let plan = stage.plan();
    let report = stage.with(|world| runs::apply_saved(world, plan, &named("third"))).unwrap();
    assert_eq!((report.run.as_deref(), report.applied.hidden.files), (Some("third"), 1));
    let back = Selection::Keys(vec![key("a.m4a")]);
    let (report, _) = stage.with(|world| runs::restore_by_hand(world, &back, &named("fourth"))).unwrap();
    assert_eq!(report.run.as_deref(), Some("fourth"));
    let history: Vec<String> = stage.ledger().runs(9).unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(history.len(), 4);
    assert!(["first", "second", "third", "fourth"].iter().all(|id| history.contains(&(*id).to_owned())));
}

#[test]
fn without_an_id_the_lease_names_none() {
    let mut stage = Stage::new();
    stage.run();
    let (_, told) = told_meanwhile(&mut stage, |stage| stage.run());
    assert!(!told.is_empty() && told.iter().all(Option::is_none), "{told:?}");
}

#[test]
fn an_id_serves_one_run_only() {
    let mut stage = Stage::new();
    stage.orphan("a.m4a");
    run(&mut stage, "first").unwrap();
    let history = stage.ledger().runs(9).unwrap();
    stage.orphan("b.m4a");
    let error = run(&mut stage, "first").unwrap_err();
    assert!(matches!(error, EngineError::Ledger(LedgerError::Storage { .. })), "{error:?}");
    assert!(error.to_string().contains("there is a run first already"), "{error}");
    assert!(stage.has("b.m4a"), "nothing happened");
    assert_eq!(stage.ledger().runs(9).unwrap(), history);
    assert_eq!(stage.home.holder().unwrap(), None);
    stage.ledger().verify().unwrap();
}

#[test]
fn what_is_refused_before_the_store_is_bound_has_no_run() {
    let mut stage = Stage::new();
    (0..30).for_each(|n| stage.orphan(&format!("o{n}.m4a")));
    let report = run(&mut stage, "first").unwrap();
    assert!(report.is_refused() && report.run.is_none(), "{report:?}");
    assert!(stage.home.ledger().unwrap().is_none());
    // So the id is still free.
    let allowed = Request { approval: request(&[Code::G001, Code::G003]).approval, ..named("first") };
    let report = stage.with(|world| runs::run(world, &allowed)).unwrap();
    assert_eq!((report.run.as_deref(), report.applied.hidden.files), (Some("first"), 30));
    // A refusal on a bound store is a run.
    (30..99).for_each(|n| stage.orphan(&format!("o{n}.m4a")));
    let report = run(&mut stage, "second").unwrap();
    assert!(report.is_refused() && report.run.as_deref() == Some("second"), "{report:?}");
}
