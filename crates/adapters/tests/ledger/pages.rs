//! Pages and sums, in every ledger.

use std::collections::BTreeMap;

use upsweep_engine::ports::{Amount, Ledger, OpFilter, OpId, RunFilter, RunKind, RunOutcome, RunRecord, Totals};
use upsweep_plan::guard::Code;
use upsweep_plan::lifecycle::{Event, State};

use crate::desk::{Desk, at, everywhere, run_record};

everywhere!(
    pages_of_runs_neither_repeat_nor_skip,
    a_page_of_runs_is_as_long_as_asked,
    before_a_run_that_never_was_nothing_began,
    runs_are_filtered,
    pages_of_operations_neither_repeat_nor_skip,
    operations_are_filtered,
    an_empty_ledger_sums_up_to_nothing,
    totals_are_what_the_runs_say,
    the_quarantine_is_summed_up,
);

fn ids(runs: &[RunRecord]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

fn page(ledger: &dyn Ledger, before: Option<&str>, limit: usize) -> Vec<RunRecord> {
    ledger.runs_page(&RunFilter::default(), before, limit).unwrap()
}

fn pages_of_runs_neither_repeat_nor_skip(mut desk: Desk) {
    // Of each three, all begin in the same microsecond; their ids are in no order.
    for n in 0..30 {
        desk.begin(&format!("run-{:02}", n * 7 % 30), n / 3);
    }
    let all = desk.ledger.runs(99).unwrap();
    assert_eq!(all.len(), 30);
    for limit in [1, 2, 3, 4, 7, 29, 30, 31] {
        let (mut seen, mut before) = (Vec::new(), None::<String>);
        loop {
            let found = page(&*desk.ledger, before.as_deref(), limit);
            // Others begin while somebody turns the pages: they come before the first one.
            desk.begin(&format!("new-{limit}-{}", seen.len()), 100);
            let Some(last) = found.last() else { break };
            assert!(found.len() <= limit);
            before = Some(last.id.clone());
            seen.extend(found);
        }
        let seen: Vec<_> = seen.into_iter().filter(|run| !run.id.starts_with("new-")).collect();
        assert_eq!(ids(&seen), ids(&all), "{limit} at a time");
        assert_eq!(seen, all);
    }
}

fn a_page_of_runs_is_as_long_as_asked(mut desk: Desk) {
    for (id, secs) in [("b", 5), ("a", 5), ("old", -100), ("new", 9)] {
        desk.begin(id, secs);
    }
    let desk = desk.reopened();
    let ledger = &*desk.ledger;
    assert_eq!(ids(&page(ledger, None, usize::MAX)), ["new", "b", "a", "old"]);
    assert_eq!(ids(&page(ledger, None, 2)), ["new", "b"]);
    assert_eq!(ids(&page(ledger, Some("b"), 9)), ["a", "old"]);
    assert_eq!(ids(&page(ledger, Some("old"), 9)), [""; 0]);
    assert_eq!(ids(&page(ledger, None, 0)), [""; 0]);
}

fn before_a_run_that_never_was_nothing_began(mut desk: Desk) {
    desk.begin("b", 5);
    for never in ["a", "c", "", "' OR 1 = 1"] {
        assert_eq!(page(&*desk.ledger, Some(never), 9), [], "{never}");
    }
}

fn runs_are_filtered(mut desk: Desk) {
    for (kind, secs) in [(RunKind::Run, 1), (RunKind::Purge, 2), (RunKind::Run, 3), (RunKind::Restore, 4)] {
        desk.ledger.begin_run(&RunRecord { kind, ..run_record(&format!("r{secs}"), secs) }).unwrap();
    }
    let found = |filter: RunFilter, before, limit| {
        let runs = desk.ledger.runs_page(&filter, before, limit).unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let kinds = |kinds: &[RunKind]| RunFilter { kinds: kinds.to_vec(), ..RunFilter::default() };
    assert_eq!(found(kinds(&[RunKind::Run]), None, 9), ["r3", "r1"]);
    assert_eq!(found(kinds(&[RunKind::Run]), None, 1), ["r3"], "counted after the filter");
    assert_eq!(found(kinds(&[RunKind::Run, RunKind::Purge]), Some("r3"), 9), ["r2", "r1"]);
    assert_eq!(found(kinds(&[RunKind::Run]), Some("r2"), 9), ["r1"], "the one before need not fit");
    assert_eq!(found(kinds(&[RunKind::Adopt]), None, 9), [""; 0]);
    let span =
        |from: Option<i64>, until: Option<i64>| RunFilter { from: from.map(at), until: until.map(at), kinds: vec![] };
    assert_eq!(found(span(Some(2), None), None, 9), ["r4", "r3", "r2"], "at this time or later");
    assert_eq!(found(span(None, Some(2)), None, 9), ["r1"], "before this time");
    assert_eq!(found(span(Some(2), Some(4)), Some("r3"), 9), ["r2"]);
    let all = RunFilter { kinds: vec![RunKind::Run], ..span(Some(2), Some(4)) };
    assert_eq!(found(all, None, 9), ["r3"]);
}

/// Two runs, and operations of both in three states; their numbers with run and state.
fn several(desk: &mut Desk) -> Vec<(OpId, &'static str, State)> {
    desk.begin("run-1", 0);
    desk.begin("run-2", 0);
    let mut all = Vec::new();
    for n in 0..24 {
        let run = if n % 2 == 0 { "run-1" } else { "run-2" };
        let id = desk.intend(run, &[b"a"], 1)[0];
        let (way, state): (&[Event], State) = match n % 3 {
            0 => (&[Event::Hidden], State::Quarantined),
            1 => (&[Event::FoundOther], State::LeftAlone),
            _ => (&[], State::Quarantining),
        };
        desk.record(id, way, 2);
        all.push((id, run, state));
    }
    all
}

fn filters() -> Vec<OpFilter> {
    let run = |run: &str| Some(run.to_owned());
    let mut filters = Vec::new();
    for run in [None, run("run-1"), run("run-2"), run("never")] {
        for states in [
            vec![],
            vec![State::Quarantined],
            vec![State::Quarantining, State::Quarantined],
            vec![State::Quarantined, State::Quarantined],
            vec![State::Lost],
            State::ALL.to_vec(),
        ] {
            filters.push(OpFilter { run: run.clone(), states });
        }
    }
    filters
}

fn fits(filter: &OpFilter, (_, run, state): &(OpId, &str, State)) -> bool {
    filter.run.as_ref().is_none_or(|wanted| wanted == run)
        && (filter.states.is_empty() || filter.states.contains(state))
}

fn pages_of_operations_neither_repeat_nor_skip(mut desk: Desk) {
    let all = several(&mut desk);
    for filter in filters() {
        let wanted: Vec<OpId> = all.iter().filter(|op| fits(&filter, op)).map(|op| op.0).collect();
        for limit in [1, 2, 5, 23, 99] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let found = desk.ledger.ops_page(&filter, after, limit).unwrap();
                assert!(found.len() <= limit);
                let Some(last) = found.last() else { break };
                after = Some(last.id);
                seen.extend(found.into_iter().map(|op| op.id));
            }
            assert_eq!(seen, wanted, "{limit} at a time of {filter:?}");
        }
    }
}

fn operations_are_filtered(mut desk: Desk) {
    let all = several(&mut desk);
    let desk = desk.reopened();
    for filter in filters() {
        let wanted: Vec<_> = all.iter().filter(|op| fits(&filter, op)).map(|op| desk.op(op.0)).collect();
        assert_eq!(desk.ledger.ops_page(&filter, None, usize::MAX).unwrap(), wanted, "{filter:?}");
        assert_eq!(desk.ledger.ops_page(&filter, Some(OpId(0)), 99).unwrap(), wanted);
        assert_eq!(desk.ledger.ops_page(&filter, Some(OpId(u64::MAX)), 99).unwrap(), [], "after all there are");
        assert_eq!(desk.ledger.ops_page(&filter, None, 0).unwrap(), []);
    }
}

fn an_empty_ledger_sums_up_to_nothing(mut desk: Desk) {
    assert_eq!(desk.ledger.totals().unwrap(), Totals::default());
    desk.begin("run-1", 0);
    assert_eq!(desk.ledger.totals().unwrap(), Totals::default(), "a run that works has not ended");
}

fn totals_are_what_the_runs_say(mut desk: Desk) {
    let amount = |files, bytes| Amount { files, bytes };
    let failed = |stopped| Some(if stopped { "asked to" } else { "no disk" }.to_owned());
    let outcomes = [
        RunOutcome { hidden: amount(1, 10), copied: amount(2, 20), ..RunOutcome::default() },
        RunOutcome { hidden: amount(3, u64::MAX), restored: amount(4, 40), skipped: 9, ..RunOutcome::default() },
        RunOutcome { purged: amount(5, 50), errors: 2, ..RunOutcome::default() },
        RunOutcome { refused: vec![Code::G001, Code::G003], ..RunOutcome::default() },
        RunOutcome { refused: vec![Code::G003], overruled: vec![Code::G010], errors: 1, ..RunOutcome::default() },
        RunOutcome { hidden: amount(1, 1), failure: failed(false), ..RunOutcome::default() },
        RunOutcome { hidden: amount(1, 1), failure: failed(true), stopped: true, ..RunOutcome::default() },
    ];
    // The second one ends first: what counts is when a run ended.
    for (n, outcome) in (0..).zip(&outcomes) {
        let id = format!("run-{n}");
        desk.begin(&id, n);
        desk.ledger.end_run(&id, at(if n == 1 { 50 } else { 60 + n }), outcome).unwrap();
    }
    desk.begin("works", 99);
    let meant = Totals {
        runs: 7,
        hidden: amount(6, u64::MAX),
        purged: amount(5, 50),
        restored: amount(4, 40),
        copied: amount(2, 20),
        errors: 3,
        failures: 2,
        stopped: 1,
        refusals: BTreeMap::from([(Code::G001, 1), (Code::G003, 2)]),
        last_success: Some(at(60)),
        quarantined: Amount::default(),
    };
    assert_eq!(desk.ledger.totals().unwrap(), meant);
    assert_eq!(desk.reopened().ledger.totals().unwrap(), meant);
}

fn the_quarantine_is_summed_up(mut desk: Desk) {
    desk.begin("run-1", 0);
    let ids = desk.intend("run-1", &[b"a", b"b", b"c", b"d"], 0);
    desk.record(ids[0], &[Event::Hidden], 1);
    desk.record(ids[1], &[Event::Hidden, Event::IntendRestore, Event::PutBack], 1);
    desk.record(ids[2], &[Event::Hidden, Event::IntendPurge, Event::Freed], 1);
    assert_eq!(desk.ledger.totals().unwrap().quarantined, Amount { files: 1, bytes: u64::MAX });
    desk.record(ids[3], &[Event::Hidden], 2);
    assert_eq!(desk.reopened().ledger.totals().unwrap().quarantined, Amount { files: 2, bytes: u64::MAX });
}
