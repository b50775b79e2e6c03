use std::collections::BTreeSet;

use super::*;
use crate::action::Action;
use crate::standing::{Moment, Standing, Worth};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

const NOW: i64 = 1_800_000_000;
const WEEK: i64 = 7 * 86_400;

fn failed(since: Option<i64>) -> Ends {
    Worth::of(Standing::Failed { since: since.map(at) }, false).ends.unwrap()
}

fn expires(when: Option<i64>) -> Ends {
    Worth::of(Standing::Expires { at: when.map(at) }, false).ends.unwrap()
}

fn ended(ends: Ends) -> Marks {
    Marks { ended: Some(EndedMark { ends, owners: BTreeSet::from(["7".to_owned()]) }), ..Marks::default() }
}

fn judged(marks: &Marks) -> ByClaims {
    by_claims(marks, &Policy::classic(), at(NOW))
}

#[test]
fn a_live_claim_wins_over_everything_and_a_hold_over_the_rest() {
    let marks = Marks { live: true, held: true, near: true, ..ended(failed(Some(0))) };
    assert_eq!(judged(&marks), ByClaims::Keep(Keep::Claimed));
    assert_eq!(judged(&Marks { live: false, ..marks }), ByClaims::Keep(Keep::Held));
    assert_eq!(judged(&Marks { held: true, ..Marks::default() }), ByClaims::Keep(Keep::Held));
}

#[test]
fn a_nearly_claimed_file_stays_although_a_session_failed() {
    let marks = Marks { near: true, ..ended(failed(Some(0))) };
    assert_eq!(judged(&marks), ByClaims::Keep(Keep::NearlyClaimed));
    // Two failed sessions with nearly one name do not keep each other's files for ever …
    let marks = Marks { near_ended: true, attached: Some(failed(Some(0))), near: false, ..marks };
    assert!(matches!(judged(&marks), ByClaims::Ended(Reason::FailedSession { .. })));
    // … but the one that failed last decides when they go.
    for (recent, keep) in [
        (failed(Some(NOW)), Keep::FailedRecently),
        (failed(None), Keep::FailedRecently),
        (expires(Some(NOW + 1)), Keep::NotExpired),
        (expires(None), Keep::NotExpired),
    ] {
        let marks = Marks { attached: Some(recent), ..marks.clone() };
        assert_eq!(judged(&marks), ByClaims::Keep(keep));
    }
}

#[test]
fn a_recent_failure_is_the_reason_whichever_claim_names_the_file() {
    let (failed, expires) = (failed(None), expires(None));
    for (one, other) in [(failed, expires), (expires, failed)] {
        let marks = Marks { attached: Some(one), ..ended(other) };
        assert_eq!(judged(&marks), ByClaims::Keep(Keep::FailedRecently));
    }
}

#[test]
fn ended_claims_condemn_only_after_their_time() {
    let failed_for = |age| judged(&ended(failed(Some(NOW - age))));
    assert!(matches!(failed_for(WEEK + 1), ByClaims::Ended(Reason::FailedSession { .. })));
    assert_eq!(failed_for(WEEK), ByClaims::Keep(Keep::FailedRecently));
    assert_eq!(failed_for(-5), ByClaims::Keep(Keep::FailedRecently));
    assert_eq!(judged(&ended(failed(None))), ByClaims::Keep(Keep::FailedRecently));
    let owners = vec!["7".to_owned()];
    let expired = ByClaims::Ended(Reason::Expired { at: at(NOW - 1), owners });
    assert_eq!(judged(&ended(expires(Some(NOW - 1)))), expired);
    assert_eq!(judged(&ended(expires(Some(NOW)))), ByClaims::Keep(Keep::NotExpired));
    assert_eq!(judged(&ended(expires(None))), ByClaims::Keep(Keep::NotExpired));
    let both = |since, at| judged(&ended(failed(Some(since)).and(expires(Some(at)))));
    assert!(matches!(both(NOW - WEEK - 1, NOW - 1), ByClaims::Ended(Reason::FailedSession { .. })));
    assert_eq!(both(NOW - WEEK - 1, NOW + 1), ByClaims::Keep(Keep::NotExpired));
    assert_eq!(both(NOW - WEEK, NOW - 1), ByClaims::Keep(Keep::FailedRecently));
    assert_eq!(failed(Some(5)).failed, Some(Moment::At(at(5))));
}

#[test]
fn what_looks_like_a_missing_file_stays_unless_its_own_claim_ended() {
    let alike = Marks { relinkable: true, ..Marks::default() };
    assert_eq!(judged(&alike), ByClaims::Keep(Keep::Relinkable));
    assert_eq!(judged(&Marks::default()), ByClaims::Unclaimed);
    let marks = Marks { relinkable: true, ..ended(failed(Some(0))) };
    assert!(matches!(judged(&marks), ByClaims::Ended(_)));
}

fn facts(modified: i64, changed: i64) -> FileFacts {
    let time = |secs| crate::listing::FileTime { secs, nanos: 0 };
    FileFacts { dev: 1, ino: 1, size_bytes: 1, mtime: time(modified), ctime: time(changed), btime: None, links: 1 }
}

#[test]
fn a_file_from_the_future_is_kept() {
    let verdict = |secs| by_age(&facts(secs, 0), None, &Policy::classic(), at(NOW));
    assert_eq!(verdict(NOW + 1), Verdict::Keep(Keep::TooYoung));
    assert_eq!(verdict(NOW - 86_400), Verdict::Keep(Keep::TooYoung));
    assert!(matches!(verdict(NOW - 86_401), Verdict::Remove(Reason::Orphan { .. })));
    assert_eq!(verdict(i64::MIN), Verdict::Keep(Keep::TooYoung), "a time no calendar knows is no age");
}

#[test]
fn ages_count_from_what_the_policy_says_and_deleting_is_stricter() {
    let policy = |age_from, action| Policy { age_from, action, ..Policy::classic() };
    let counted = |age_from, first_seen: Option<i64>| {
        let of = |action| counted_from(&facts(10, 20), first_seen.map(at), &policy(age_from, action));
        [Action::Quarantine, Action::Delete { backup: false }].map(of)
    };
    assert_eq!(counted(AgeFrom::Mtime, None), [Some(at(10)), Some(at(20))]);
    assert_eq!(counted(AgeFrom::Changed, None), [Some(at(20)), Some(at(20))]);
    assert_eq!(counted(AgeFrom::FirstSeen, None), [None, None]);
    assert_eq!(counted(AgeFrom::FirstSeen, Some(15)), [Some(at(15)), Some(at(20))]);
    assert_eq!(counted(AgeFrom::FirstSeen, Some(30)), [Some(at(30)), Some(at(30))]);
    assert_eq!(counted(AgeFrom::FirstSeen, Some(5)), [Some(at(10)), Some(at(20))], "modified after it was seen");
}
