//! Holds, in every ledger.

use upsweep_engine::ports::{NewHold, Release};
use upsweep_plan::hold::{HoldTarget, Prefix};
use upsweep_plan::key::Key;

use crate::desk::{Desk, at, everywhere};

everywhere!(
    a_hold_is_kept_to_the_last_detail,
    a_hold_ends_by_itself,
    a_hold_is_released_once,
    numbers_of_holds_are_never_used_twice,
    holds_are_in_the_trail,
);

fn new_hold(target: HoldTarget) -> NewHold {
    NewHold { target, by: "anna (uid 7)".into(), why: "a complaint".into(), since: at(1), until: None }
}

fn owner(id: &str) -> NewHold {
    new_hold(HoldTarget::Owner(id.to_owned()))
}

fn a_hold_is_kept_to_the_last_detail(mut desk: Desk) {
    let targets = [
        HoldTarget::Key(Key::parse(b"a\xff\n.m4a").unwrap()),
        HoldTarget::Prefix(Prefix::parse(b"2026/\xff").unwrap()),
        HoldTarget::Owner("ü\n".to_owned()),
    ];
    let mut wanted: Vec<NewHold> = targets.into_iter().map(new_hold).collect();
    wanted[1].until = Some(at(100) + jiff::SignedDuration::from_nanos(1_999));
    let set = desk.ledger.add_holds(&wanted).unwrap();
    let numbered: Vec<_> = (1..).zip(wanted).map(|(id, hold)| hold.numbered(id)).collect();
    assert_eq!(set, numbered);
    assert_eq!(desk.reopened().ledger.holds(at(2)).unwrap(), numbered);
}

fn a_hold_ends_by_itself(mut desk: Desk) {
    desk.ledger.add_holds(&[NewHold { until: Some(at(100)), ..owner("7") }]).unwrap();
    assert_eq!(desk.ledger.holds(at(99)).unwrap().len(), 1);
    assert_eq!(desk.ledger.holds(at(100)).unwrap(), []);
    assert_eq!(desk.ledger.holds(at(50)).unwrap().len(), 1, "a clock that was wrong gives nothing up");
    let released = desk.ledger.release_holds(&[1], "berta", "over", at(200)).unwrap();
    assert!(matches!(released[..], [Release::Released(_)]), "{released:?}");
}

fn a_hold_is_released_once(mut desk: Desk) {
    let set = desk.ledger.add_holds(&[owner("7"), owner("8"), owner("9")]).unwrap();
    let already = || Release::Already { by: "berta".to_owned(), at: at(5) };
    let released = |n: usize| Release::Released(set[n].clone());
    let done = desk.ledger.release_holds(&[3, 1, 1], "berta", "settled", at(5)).unwrap();
    assert_eq!(done, [released(2), released(0), already()], "in the order given");
    assert_eq!(desk.ledger.holds(at(6)).unwrap(), set[1..2]);
    let mut desk = desk.reopened();
    let done = desk.ledger.release_holds(&[1, 0, 4, u64::MAX], "carl", "again", at(7)).unwrap();
    assert_eq!(done, [already(), Release::Unknown, Release::Unknown, Release::Unknown]);
    assert_eq!(desk.ledger.release_holds(&[], "carl", "again", at(7)).unwrap(), []);
    assert_eq!(desk.ledger.holds(at(8)).unwrap(), set[1..2]);
    let told = ["hold-set", "hold-set", "hold-set", "hold-released", "hold-released"];
    assert_eq!(desk.events(), told, "what did not happen is not told");
    desk.ledger.verify().unwrap();
}

fn numbers_of_holds_are_never_used_twice(mut desk: Desk) {
    desk.ledger.add_holds(&[owner("7")]).unwrap();
    desk.ledger.release_holds(&[1], "berta", "settled", at(5)).unwrap();
    let mut desk = desk.reopened();
    assert_eq!(desk.ledger.add_holds(&[owner("8")]).unwrap()[0].id, 2);
    assert_eq!(desk.ledger.add_holds(&[]).unwrap(), []);
}

fn holds_are_in_the_trail(mut desk: Desk) {
    desk.ledger.add_holds(&[NewHold { until: Some(at(9)), ..owner("7\n") }]).unwrap();
    desk.ledger.release_holds(&[1], "berta (uid 8)", "settled", at(5)).unwrap();
    let [set, released] = &desk.trail()[..] else { panic!("two records") };
    assert_eq!((set.at, set.actor.as_str(), set.subject.as_deref()), (at(1), "anna (uid 7)", Some("1")));
    assert_eq!(set.details["target"], r"files of session 7\u{a}");
    assert_eq!((&*set.details["why"], &*set.details["until"]), ("a complaint", &*at(9).to_string()));
    assert_eq!(
        (released.at, released.actor.as_str(), released.subject.as_deref()),
        (at(5), "berta (uid 8)", Some("1"))
    );
    assert_eq!(released.details["why"], "settled");
    desk.ledger.verify().unwrap();
}
