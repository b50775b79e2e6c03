//! What holds for every home: one ledger, one run at a time, and notes that are kept.

use std::sync::atomic::{AtomicBool, Ordering};

use upsweep_engine::ports::{Holder, LeaseError, RunKind, RunRecord};

use crate::rig::{Rig, everywhere, holder};

everywhere!(
    asking_makes_nothing,
    the_ledger_is_made_once_and_kept,
    a_second_run_is_refused_and_told_who_works,
    the_next_holder_leaves_nothing_of_the_last,
    of_many_at_once_one_gets_the_lease,
    a_lease_tells_which_run_works,
    a_lease_ends_even_with_a_panic,
    who_asks_does_not_look_like_who_works,
    a_lease_is_no_ledger_and_no_note,
    notes_tell_addresses_apart,
    a_note_can_be_renewed,
);

const ADDRESSES: [&str; 6] = ["/srv/audio", "/srv/audio/", "/srv/Audio", "/srv/audio\n", "s3://audio", ""];

fn asking_makes_nothing(rig: &Rig) {
    for _ in 0..2 {
        for home in [rig.home(), rig.elsewhere()] {
            assert_eq!(home.holder().unwrap(), None);
            assert!(home.ledger().unwrap().is_none());
            assert_eq!(home.noted("/srv/audio").unwrap(), None);
        }
    }
}

fn the_ledger_is_made_once_and_kept(rig: &Rig) {
    let run = RunRecord {
        id: "run-1".to_owned(),
        kind: RunKind::Run,
        started_at: holder("run").since,
        ended_at: None,
        by: "process 7 on host".to_owned(),
        approval: None,
        outcome: None,
    };
    let mut made = rig.home().create_ledger().unwrap();
    let id = made.id().to_owned();
    assert!(!id.is_empty());
    made.begin_run(&run).unwrap();
    drop(made);
    let opened = [rig.home(), rig.elsewhere()].map(|home| home.ledger().unwrap().expect("it was made"));
    let made_again = [rig.elsewhere(), rig.home()].map(|home| home.create_ledger().unwrap());
    for ledger in opened.into_iter().chain(made_again) {
        assert_eq!(ledger.id(), id);
        assert_eq!(ledger.runs(9).unwrap(), std::slice::from_ref(&run), "and nothing in it is lost");
    }
}

fn a_second_run_is_refused_and_told_who_works(rig: &Rig) {
    let (first, second) = (rig.home(), rig.elsewhere());
    assert_eq!(second.holder().unwrap(), None);
    let lease = first.acquire(&holder("run --night")).unwrap();
    for home in [&first, &second] {
        assert_eq!(home.holder().unwrap(), Some(holder("run --night")));
        let Err(error) = home.acquire(&holder("purge")) else { panic!("two at once") };
        assert!(matches!(&error, LeaseError::Held(Some(who)) if *who == holder("run --night")), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("'upsweep run --night' (process 4711 on host-1"), "{said}");
        assert!(said.contains("try again"), "{said}");
    }
    assert_eq!(first.holder().unwrap(), Some(holder("run --night")), "a refusal changes nothing");
    drop(lease);
    assert_eq!(first.holder().unwrap(), None);
    assert_eq!(second.holder().unwrap(), None, "a name that is left over holds nothing");
}

fn a_lease_tells_which_run_works(rig: &Rig) {
    let (first, second) = (rig.home(), rig.elsewhere());
    for run in [Some("run-1"), None, Some("run-2")] {
        let holder = Holder { run: run.map(str::to_owned), ..holder("run") };
        let lease = first.acquire(&holder).unwrap();
        assert_eq!(second.holder().unwrap(), Some(holder.clone()));
        let Err(LeaseError::Held(Some(who))) = second.acquire(&crate::rig::holder("purge")) else {
            panic!("two at once")
        };
        assert_eq!(who.run.as_deref(), run, "who is refused learns it as well");
        drop(lease);
    }
}

fn the_next_holder_leaves_nothing_of_the_last(rig: &Rig) {
    let (first, second) = (rig.home(), rig.elsewhere());
    for what in ["restore --run 2024-01-01 --to elsewhere", "a", "run --night"] {
        let lease = second.acquire(&holder(what)).unwrap();
        assert_eq!(first.holder().unwrap(), Some(holder(what)));
        let Err(LeaseError::Held(Some(who))) = first.acquire(&holder("purge")) else { panic!("two at once") };
        assert_eq!(who, holder(what));
        drop(lease);
    }
}

fn of_many_at_once_one_gets_the_lease(rig: &Rig) {
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = |n: u32| rig.elsewhere().acquire(&holder(&format!("run {n}")));
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || run(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(LeaseError::Held(_)))).count();
    assert_eq!((outcomes.iter().filter(|outcome| outcome.is_ok()).count(), refused), (1, 7));
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(rig.home().holder().unwrap(), Some(holder(&format!("run {winner}"))));
    drop(outcomes);
    assert_eq!(rig.home().holder().unwrap(), None);
}

fn a_lease_ends_even_with_a_panic(rig: &Rig) {
    let lease = rig.home().acquire(&holder("run")).unwrap();
    let run = std::thread::spawn(move || {
        let _lease = lease;
        std::panic::resume_unwind(Box::new("a defect"));
    });
    assert!(run.join().is_err());
    assert_eq!(rig.home().holder().unwrap(), None);
    drop(rig.elsewhere().acquire(&holder("purge")).unwrap());
}

fn who_asks_does_not_look_like_who_works(rig: &Rig) {
    let is_over = AtomicBool::new(false);
    let refused: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let home = rig.elsewhere();
            while !is_over.load(Ordering::Relaxed) {
                home.holder().unwrap();
            }
        });
        let home = rig.home();
        let refused = (0..2_000).filter_map(|_| home.acquire(&holder("run")).err());
        let refused = refused.map(|error| error.to_string()).collect();
        is_over.store(true, Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, [""; 0]);
}

fn a_lease_is_no_ledger_and_no_note(rig: &Rig) {
    let home = rig.home();
    let lease = home.acquire(&holder("run")).unwrap();
    assert!(home.ledger().unwrap().is_none());
    assert_eq!(home.noted("/srv/audio").unwrap(), None);
    // Who works makes the ledger and the note, and both outlast the lease.
    let id = home.create_ledger().unwrap().id().to_owned();
    home.note("/srv/audio", "store-1").unwrap();
    assert_eq!(home.holder().unwrap(), Some(holder("run")));
    drop(lease);
    assert_eq!(rig.elsewhere().ledger().unwrap().unwrap().id(), id);
    assert_eq!(rig.elsewhere().noted("/srv/audio").unwrap().unwrap().store_id, "store-1");
}

fn notes_tell_addresses_apart(rig: &Rig) {
    for (at, address) in ADDRESSES.iter().enumerate() {
        assert_eq!(rig.home().noted(address).unwrap(), None, "{address:?}");
        rig.home().note(address, &format!("store-{at}")).unwrap();
    }
    for (at, address) in ADDRESSES.iter().enumerate() {
        for home in [rig.home(), rig.elsewhere()] {
            let noted = home.noted(address).unwrap().expect("it was noted");
            assert_eq!(noted.store_id, format!("store-{at}"));
            assert!(!noted.location.is_empty());
        }
    }
}

fn a_note_can_be_renewed(rig: &Rig) {
    for address in &ADDRESSES[..2] {
        rig.home().note(address, "store-old").unwrap();
    }
    for store_id in ["store-new", "store-new", "store-newest"] {
        rig.elsewhere().note(ADDRESSES[0], store_id).unwrap();
        assert_eq!(rig.home().noted(ADDRESSES[0]).unwrap().unwrap().store_id, store_id);
    }
    assert_eq!(rig.home().noted(ADDRESSES[1]).unwrap().unwrap().store_id, "store-old");
}
