//! What holds for every store: nothing but the file that is meant ever moves or goes.

use upsweep_engine::ports::{
    FreeOrder, FreeOutcome, HideOrder, HideOutcome, Lying, Marker, Place, PutBackOutcome, Store as _,
};
use upsweep_plan::listing::{FileFacts, FileTime};

use crate::rig::{Rig, everywhere, hostile_names, key, marker, place};

everywhere!(
    every_detail_of_the_evidence_counts,
    what_is_gone_is_an_outcome,
    a_file_that_was_replaced_stays,
    hostile_names_come_back_as_they_were,
    hidden_files_are_neither_listed_nor_looked_at,
    of_two_orders_for_one_file_one_hides_it,
    a_batch_gives_one_outcome_per_order_in_order,
    an_empty_batch_does_nothing,
    a_place_is_never_used_twice,
    nothing_is_put_back_over_another_file,
    nothing_comes_back_from_nowhere,
    what_came_back_can_be_hidden_again,
    only_an_unchanged_hidden_file_is_freed,
    a_freed_file_is_gone_and_so_are_its_orders,
    freeing_gives_one_outcome_per_order_in_order,
    a_folder_that_was_removed_is_made_anew,
    a_store_is_bound_once,
    a_marker_is_replaced_by_one_of_the_same_store,
    what_lies_in_the_quarantine_is_told_with_its_name,
    only_a_bound_store_has_a_clock,
    preconditions_are_honoured,
    reading_gives_the_bytes,
);

fn every_detail_of_the_evidence_counts(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let order = rig.order(b"a.m4a", 1);
    let is = order.facts;
    let later = |t: FileTime| FileTime { nanos: t.nanos ^ 1, ..t };
    let others = [
        FileFacts { dev: is.dev + 1, ..is },
        FileFacts { ino: is.ino + 1, ..is },
        FileFacts { size_bytes: is.size_bytes + 1, ..is },
        FileFacts { mtime: later(is.mtime), ..is },
        FileFacts { ctime: later(is.ctime), ..is },
        FileFacts { btime: is.btime.map_or(Some(is.ctime), |_| None), ..is },
        FileFacts { links: is.links + 1, ..is },
    ];
    for facts in others {
        assert_eq!(rig.hide(HideOrder { facts, ..order.clone() }), HideOutcome::OtherFound, "{facts:?}");
        assert_eq!(rig.facts(b"a.m4a"), is, "untouched");
        assert_eq!(rig.hidden(1), None);
    }
    assert!(matches!(rig.hide(order), HideOutcome::Hidden(_)), "the one that is meant does go");
}

fn what_is_gone_is_an_outcome(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    rig.write(b"sub/b.m4a", b"recording");
    let orders = [rig.order(b"a.m4a", 1), rig.order(b"sub/b.m4a", 2)];
    rig.remove(b"a.m4a");
    rig.remove(b"sub/b.m4a");
    assert_eq!(rig.hide_all(&orders), [HideOutcome::NothingThere, HideOutcome::NothingThere]);
    assert_eq!((rig.hidden(1), rig.hidden(2)), (None, None));
}

fn a_file_that_was_replaced_stays(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let order = rig.order(b"a.m4a", 1);
    // The same name, length and time, and on many file systems the same inode number.
    rig.write(b"a.m4a", b"important");
    let stands = rig.facts(b"a.m4a");
    assert_eq!(rig.hide(order), HideOutcome::OtherFound);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"important");
    assert_eq!(rig.facts(b"a.m4a"), stands);
}

fn hostile_names_come_back_as_they_were(rig: &Rig) {
    let names = hostile_names();
    for (op, name) in (1..).zip(&names) {
        rig.write(name, format!("content {op}").as_bytes());
    }
    let before: Vec<FileFacts> = names.iter().map(|name| rig.facts(name)).collect();
    let orders: Vec<HideOrder> = (1..).zip(&names).map(|(op, name)| rig.order(name, op)).collect();
    for ((op, outcome), before) in (1..).zip(rig.hide_all(&orders)).zip(&before) {
        let HideOutcome::Hidden(facts) = outcome else { panic!("{op}: {outcome:?}") };
        assert!(facts.is_same_after_rename(before), "{facts:?} {before:?}");
        assert_eq!(rig.hidden(op), Some(facts), "what is said is what is there");
    }
    for ((op, name), before) in (1..).zip(&names).zip(&before) {
        assert_eq!(rig.content(name), None);
        assert_eq!(rig.put_back(op, name), PutBackOutcome::Back);
        assert_eq!(rig.content(name).unwrap(), format!("content {op}").as_bytes());
        let after = rig.facts(name);
        assert_eq!((after.mtime, after.ino, after.size_bytes), (before.mtime, before.ino, before.size_bytes));
        assert_eq!(rig.hidden(op), None);
    }
}

fn hidden_files_are_neither_listed_nor_looked_at(rig: &Rig) {
    rig.write(b"a.m4a", b"1");
    rig.write(b"b.m4a", b"2");
    rig.hide_now(b"a.m4a", 1);
    assert_eq!(rig.list(true), [crate::rig::file("b.m4a")]);
    assert_eq!(rig.list(false), [crate::rig::file("b.m4a")]);
    assert_eq!(rig.store().look(&key(b"a.m4a")).unwrap(), None);
    assert!(rig.store().open(&key(b"a.m4a")).is_err());
}

fn of_two_orders_for_one_file_one_hides_it(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let outcomes = rig.hide_all(&[rig.order(b"a.m4a", 1), rig.order(b"a.m4a", 2)]);
    assert!(matches!(outcomes[..], [HideOutcome::Hidden(_), HideOutcome::NothingThere]), "{outcomes:?}");
    assert!(rig.hidden(1).is_some());
    assert_eq!(rig.hidden(2), None);
}

fn a_batch_gives_one_outcome_per_order_in_order(rig: &Rig) {
    for name in ["a.m4a", "changed.m4a", "gone.m4a", "sub/deep/b.m4a", "z.m4a"] {
        rig.write(name.as_bytes(), name.as_bytes());
    }
    let names: [&[u8]; 5] = [b"z.m4a", b"changed.m4a", b"sub/deep/b.m4a", b"gone.m4a", b"a.m4a"];
    let orders: Vec<HideOrder> = (1..).zip(names).map(|(op, name)| rig.order(name, op)).collect();
    rig.write(b"changed.m4a", b"CHANGED.m4a");
    rig.remove(b"gone.m4a");
    let outcomes = rig.hide_all(&orders);
    use HideOutcome::{Hidden, NothingThere, OtherFound};
    assert!(matches!(outcomes[..], [Hidden(_), OtherFound, Hidden(_), NothingThere, Hidden(_)]), "{outcomes:?}");
    assert_eq!(rig.content(b"changed.m4a").unwrap(), b"CHANGED.m4a");
    for (op, name) in [(1, &b"z.m4a"[..]), (3, b"sub/deep/b.m4a"), (5, b"a.m4a")] {
        assert_eq!(rig.put_back(op, name), PutBackOutcome::Back);
        assert_eq!(rig.content(name).unwrap(), name, "each number holds its own file");
    }
}

fn an_empty_batch_does_nothing(rig: &Rig) {
    assert_eq!(rig.hide_all(&[]), []);
    assert_eq!(rig.store().free(&[]), []);
}

fn a_place_is_never_used_twice(rig: &Rig) {
    rig.write(b"a.m4a", b"first");
    rig.write(b"b.m4a", b"second");
    rig.hide_now(b"a.m4a", 1);
    let outcome = rig.hide(rig.order(b"b.m4a", 1));
    assert!(matches!(outcome, HideOutcome::Failed(_)), "{outcome:?}");
    assert_eq!(rig.content(b"b.m4a").unwrap(), b"second");
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"first");
}

fn nothing_is_put_back_over_another_file(rig: &Rig) {
    rig.write(b"a.m4a", b"old\0\xff");
    let hidden = rig.hide_now(b"a.m4a", 1);
    rig.write(b"a.m4a", b"new\n");
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::PlaceTaken);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"new\n");
    assert!(rig.hidden(1).unwrap().is_same_after_rename(&hidden), "still hidden");
    rig.remove(b"a.m4a");
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"old\0\xff");
}

fn nothing_comes_back_from_nowhere(rig: &Rig) {
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::HiddenGone, "no quarantine at all");
    rig.write(b"a.m4a", b"1");
    rig.write(b"b.m4a", b"2");
    rig.hide_now(b"a.m4a", 1);
    assert_eq!(rig.put_back(2, b"c.m4a"), PutBackOutcome::HiddenGone, "another number");
    assert_eq!(rig.put_back(2, b"b.m4a"), PutBackOutcome::HiddenGone, "gone is said before taken");
    let other = Place { run: "run-2".to_owned(), ..place(1) };
    assert_eq!(rig.store().put_back(&other, &key(b"a.m4a")).unwrap(), PutBackOutcome::HiddenGone, "another run");
    assert_eq!(rig.store().look_hidden(&other).unwrap(), None);
    assert_eq!(rig.content(b"a.m4a"), None);
    assert_eq!(rig.content(b"c.m4a"), None);
}

fn what_came_back_can_be_hidden_again(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let order = rig.order(b"a.m4a", 1);
    rig.hide_now(b"a.m4a", 1);
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
    let again = HideOrder { place: place(2), ..order };
    assert_eq!(rig.hide(again), HideOutcome::OtherFound, "the old evidence does not fit: it was moved since");
    rig.hide_now(b"a.m4a", 3);
}

fn only_an_unchanged_hidden_file_is_freed(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let hidden = rig.hide_now(b"a.m4a", 1);
    rig.append_to_hidden(1, b" goes on");
    assert_eq!(rig.free(1, hidden), FreeOutcome::Changed);
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a.m4a").unwrap(), b"recording goes on");
    let hidden = rig.hide_now(b"a.m4a", 2);
    let others = [
        FileFacts { ino: hidden.ino + 1, ..hidden },
        FileFacts { size_bytes: hidden.size_bytes - 1, ..hidden },
        FileFacts { mtime: FileTime { secs: hidden.mtime.secs - 1, ..hidden.mtime }, ..hidden },
        FileFacts { btime: hidden.btime.map_or(Some(hidden.ctime), |_| None), ..hidden },
    ];
    for facts in others {
        assert_eq!(rig.free(2, facts), FreeOutcome::Changed, "{facts:?}");
    }
    assert_eq!(rig.free(2, hidden), FreeOutcome::Freed);
}

fn a_freed_file_is_gone_and_so_are_its_orders(rig: &Rig) {
    rig.write(b"a.m4a", b"recording");
    let hidden = rig.hide_now(b"a.m4a", 1);
    assert_eq!(rig.free(1, hidden), FreeOutcome::Freed);
    assert_eq!(rig.hidden(1), None);
    assert_eq!(rig.free(1, hidden), FreeOutcome::Gone);
    assert_eq!(rig.put_back(1, b"a.m4a"), PutBackOutcome::HiddenGone);
    assert_eq!(rig.content(b"a.m4a"), None);
}

fn freeing_gives_one_outcome_per_order_in_order(rig: &Rig) {
    let mut orders = vec![];
    for (op, name) in (1..).zip(["a", "b", "c", "d"]) {
        rig.write(name.as_bytes(), name.as_bytes());
        orders.push(FreeOrder { place: place(op), facts: rig.hide_now(name.as_bytes(), op) });
    }
    rig.append_to_hidden(2, b"!");
    assert_eq!(rig.put_back(3, b"c"), PutBackOutcome::Back);
    orders.push(FreeOrder { place: Place { run: "run-0".to_owned(), ..place(1) }, facts: orders[0].facts });
    use FreeOutcome::{Changed, Freed, Gone};
    assert_eq!(rig.store().free(&orders), [Freed, Changed, Gone, Freed, Gone]);
    assert_eq!(rig.content(b"c").unwrap(), b"c");
    assert!(rig.hidden(2).is_some());
}

fn a_folder_that_was_removed_is_made_anew(rig: &Rig) {
    rig.write(b"a/b/c.m4a", b"deep");
    rig.hide_now(b"a/b/c.m4a", 1);
    if let Rig::Local { .. } = rig {
        #[expect(clippy::disallowed_methods, reason = "an application removes its own folders")]
        std::fs::remove_dir(rig.path(b"a/b")).and_then(|()| std::fs::remove_dir(rig.path(b"a"))).unwrap();
    }
    assert_eq!(rig.put_back(1, b"a/b/c.m4a"), PutBackOutcome::Back);
    assert_eq!(rig.content(b"a/b/c.m4a").unwrap(), b"deep");
}

fn a_store_is_bound_once(rig: &Rig) {
    assert_eq!(rig.store().marker().unwrap(), None);
    rig.store().bind(&marker("first")).unwrap();
    assert_eq!(rig.store().marker().unwrap(), Some(marker("first")));
    for again in ["second", "first"] {
        assert!(rig.store().bind(&marker(again)).is_err());
        assert_eq!(rig.store().marker().unwrap(), Some(marker("first")));
    }
}

fn a_marker_is_replaced_by_one_of_the_same_store(rig: &Rig) {
    assert!(rig.store().replace_marker(&marker("first")).is_err(), "there is none");
    assert_eq!(rig.store().marker().unwrap(), None);
    rig.store().bind(&marker("first")).unwrap();
    assert!(rig.store().replace_marker(&marker("second")).is_err(), "it is another store's");
    assert_eq!(rig.store().marker().unwrap(), Some(marker("first")));
    for ledger_id in ["ledger-2", "ledger-3", "ledger-3"] {
        let next = Marker { ledger_id: ledger_id.to_owned(), ..marker("first") };
        rig.store().replace_marker(&next).unwrap();
        assert_eq!(rig.store().marker().unwrap(), Some(next));
    }
}

fn what_lies_in_the_quarantine_is_told_with_its_name(rig: &Rig) {
    assert_eq!(rig.store().quarantines().unwrap(), [""; 0]);
    assert_eq!(rig.store().lying_in("run-1").unwrap(), []);
    for (op, name) in (1..).zip(hostile_names()) {
        rig.write(&name, &name);
        rig.hide_now(&name, op);
    }
    rig.write(b"other", b"x");
    let other = Place { run: "run-2".to_owned(), ..place(1) };
    rig.hide(HideOrder { place: other.clone(), ..rig.order(b"other", 1) });
    rig.put_back(3, &hostile_names()[2]);
    let mut runs = rig.store().quarantines().unwrap();
    runs.sort();
    assert_eq!(runs, ["run-1", "run-2"]);
    let lying = Lying { place: other, key: Some(key(b"other")), size_bytes: 1 };
    assert_eq!(rig.store().lying_in("run-2").unwrap(), [lying]);
    let mut lying = rig.store().lying_in("run-1").unwrap();
    lying.sort_by(|a, b| a.place.cmp(&b.place));
    let expected = (1..).zip(hostile_names()).filter(|(op, _)| *op != 3).map(|(op, name)| Lying {
        place: place(op),
        key: Some(key(&name)),
        size_bytes: name.len() as u64,
    });
    assert_eq!(lying, expected.collect::<Vec<_>>());
}

fn only_a_bound_store_has_a_clock(rig: &Rig) {
    rig.write(b"before", b"");
    rig.set_clock();
    assert_eq!(rig.store().clock().unwrap(), None, "nothing in it is ours to touch");
    assert_eq!(rig.list(true), [crate::rig::file("before")]);
    rig.store().bind(&marker("first")).unwrap();
    let (earliest, told, latest) = rig.clock_between();
    assert!(earliest <= told && told <= latest, "{earliest} {told} {latest}");
}

fn preconditions_are_honoured(rig: &Rig) {
    assert!(rig.store().capabilities().honours_preconditions);
    if let Rig::Memory(store) = rig {
        store.ignore_preconditions();
        assert!(!store.capabilities().honours_preconditions, "as a test asked for it");
    }
}

fn reading_gives_the_bytes(rig: &Rig) {
    rig.write(b"a.m4a", b"0123456789");
    let mut file = rig.store().open(&key(b"a.m4a")).unwrap();
    let mut tail = vec![];
    file.seek(std::io::SeekFrom::Start(7)).unwrap();
    file.read_to_end(&mut tail).unwrap();
    assert_eq!(tail, b"789");
    assert!(rig.store().open(&key(b"b.m4a")).is_err());
    assert_eq!(rig.store().address(), rig.store().address());
}
