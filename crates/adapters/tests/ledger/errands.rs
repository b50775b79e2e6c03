//! What a service keeps between its calls, in every ledger.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use upsweep_adapters::home::memory::MemoryHome;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::{
    Approval, Claimed, Home as _, KeptPlan, Ledger, PLANS_MAX, PlanApproval, REPEATABLE_FOR, RepeatableRequest,
};
use upsweep_plan::action::Action;
use upsweep_plan::guard::Code;
use upsweep_plan::plan::{self, Plan, StoreRef};
use upsweep_plan::policy::Policy;
use upsweep_plan::reconcile::Removal;

use crate::desk::{Desk, at, everywhere, new_op};

everywhere!(
    a_plan_is_kept_to_the_last_detail,
    the_last_plan_kept_comes_first,
    expired_plans_go_when_another_is_kept,
    beyond_the_most_the_first_kept_goes,
    a_plan_kept_again_takes_its_own_place,
    a_plan_is_dropped_once,
    an_approval_is_kept_and_in_the_trail,
    a_request_is_claimed_once_while_it_may_be_repeated,
    a_key_serves_one_request_only,
    a_claim_that_was_not_new_prolongs_nothing,
    the_schedule_goes_forward_only,
);

/// A plan made at that second, with a file that goes.
pub(crate) fn kept(id: &str, secs: i64) -> KeptPlan {
    let created_at = at(secs) + SignedDuration::from_nanos(123_456_789);
    let op = new_op(b"sub/\xff\n'\"\\");
    let plan = Plan {
        format: plan::FORMAT,
        id: id.to_owned(),
        created_at,
        expires_at: created_at + plan::VALID_FOR,
        store: StoreRef { address: "/srv/ü".to_owned(), id: None },
        databases: vec![],
        policy: Policy { action: Action::Archive, ..Policy::classic() },
        selection: upsweep_plan::selection::Selection::default(),
        quarantine_secs: u64::MAX,
        survey: plan::SurveyFacts::default(),
        incomplete: vec!["it's \"over\"\n".to_owned()],
        removals: vec![Removal { key: op.key, reason: op.reason, facts: op.facts, age_secs: 7 }],
        totals: Default::default(),
        audio: Default::default(),
        audio_millis: 0,
        kept: Default::default(),
        restores: vec![],
        held: vec![],
        relinks: vec![],
        near_misses: vec![],
        errors: vec![],
        refusals: vec![],
        hash: String::new(),
    };
    KeptPlan { plan: plan.sealed(), by: "dr. ü\n".to_owned(), approval: None }
}

fn approval(of: &KeptPlan, reason: &str, secs: i64) -> PlanApproval {
    let approval = Approval { codes: BTreeSet::from([Code::G003, Code::G001]), reason: reason.to_owned(), by: None };
    PlanApproval { plan: of.plan.hash.clone(), approval, by: "berta".to_owned(), at: at(secs) }
}

fn ids(ledger: &dyn Ledger) -> Vec<String> {
    ledger.plan_heads().unwrap().into_iter().map(|head| head.outline.id).collect()
}

fn a_plan_is_kept_to_the_last_detail(mut desk: Desk) {
    assert_eq!(desk.ledger.kept_plan("p1").unwrap(), None);
    assert_eq!(desk.ledger.plan_heads().unwrap(), []);
    let plain = kept("p1", 0);
    let approved = KeptPlan { approval: Some(approval(&kept("p2", 1), "seen", 3)), ..kept("p2", 1) };
    desk.ledger.keep_plan(&plain).unwrap();
    desk.ledger.keep_plan(&approved).unwrap();
    let desk = desk.reopened();
    assert_eq!(desk.ledger.kept_plan("p1").unwrap(), Some(plain.clone()));
    assert_eq!(desk.ledger.kept_plan("p2").unwrap(), Some(approved.clone()));
    assert_eq!(desk.ledger.kept_plan("p3").unwrap(), None);
    assert_eq!(desk.ledger.plan_heads().unwrap(), [approved.head(), plain.head()]);
}

fn the_last_plan_kept_comes_first(mut desk: Desk) {
    // Whatever their clocks said: a plan that was just kept is never the oldest.
    for (id, secs) in [("b", 5), ("a", 5), ("back", -100)] {
        desk.ledger.keep_plan(&kept(id, secs)).unwrap();
    }
    assert_eq!(ids(&*desk.reopened().ledger), ["back", "a", "b"]);
}

fn expired_plans_go_when_another_is_kept(mut desk: Desk) {
    let day = plan::VALID_FOR.as_secs();
    desk.ledger.keep_plan(&kept("first", 0)).unwrap();
    desk.ledger.keep_plan(&kept("second", 1)).unwrap();
    desk.ledger.keep_plan(&kept("third", day - 1)).unwrap();
    assert_eq!(ids(&*desk.ledger), ["third", "second", "first"]);
    assert!(desk.ledger.kept_plan("first").unwrap().is_some(), "who asks is told that it has expired");
    desk.ledger.keep_plan(&kept("fourth", day)).unwrap();
    assert_eq!(ids(&*desk.reopened().ledger), ["fourth", "third", "second"], "at that very moment it has");
}

fn beyond_the_most_the_first_kept_goes(mut desk: Desk) {
    for n in 0..PLANS_MAX + 2 {
        desk.ledger.keep_plan(&kept(&format!("p{n}"), 0)).unwrap();
    }
    let left = ids(&*desk.ledger);
    assert_eq!((left.len(), left.last().map(String::as_str)), (PLANS_MAX, Some("p2")));
    assert_eq!(left[0], format!("p{}", PLANS_MAX + 1));
}

fn a_plan_kept_again_takes_its_own_place(mut desk: Desk) {
    desk.ledger.keep_plan(&kept("p1", 0)).unwrap();
    desk.ledger.keep_plan(&kept("p2", 0)).unwrap();
    let seen = approval(&kept("p1", 0), "seen", 1);
    assert!(desk.ledger.approve_plan("p1", &seen).unwrap());
    let anew = kept("p1", 7);
    desk.ledger.keep_plan(&anew).unwrap();
    let mut desk = desk.reopened();
    assert!(!desk.ledger.approve_plan("p1", &seen).unwrap(), "what was approved was another plan of that name");
    assert_eq!(desk.events(), ["plan-approved"], "what did not happen is not told");
    assert_eq!(seen.of(&anew.plan), None);
    assert_eq!(ids(&*desk.ledger), ["p1", "p2"]);
    assert_eq!(desk.ledger.kept_plan("p1").unwrap(), Some(anew), "nobody approved this one");
}

fn a_plan_is_dropped_once(mut desk: Desk) {
    desk.ledger.keep_plan(&kept("p1", 0)).unwrap();
    desk.ledger.keep_plan(&kept("p2", 0)).unwrap();
    desk.ledger.set_actor("the service");
    assert!(!desk.ledger.drop_plan("p3", "anna", at(1)).unwrap());
    assert!(desk.ledger.drop_plan("p1", "berta", at(2)).unwrap());
    let mut desk = desk.reopened();
    assert!(!desk.ledger.drop_plan("p1", "anna", at(3)).unwrap());
    assert_eq!(ids(&*desk.ledger), ["p2"]);
    let [dropped] = &desk.trail()[..] else { panic!("one record: {:?}", desk.trail()) };
    let told = (dropped.event.as_str(), dropped.actor.as_str(), dropped.subject.as_deref(), dropped.at);
    assert_eq!(told, ("plan-dropped", "berta", Some("p1"), at(2)), "who dropped it, not who wrote it down");
    assert_eq!(dropped.details["plan"], kept("p1", 0).plan.hash);
    desk.ledger.verify().unwrap();
}

fn an_approval_is_kept_and_in_the_trail(mut desk: Desk) {
    assert!(!desk.ledger.approve_plan("p1", &approval(&kept("p1", 0), "nobody", 1)).unwrap());
    assert_eq!(desk.events(), [""; 0], "what did not happen is not told");
    let plan = kept("p1", 0);
    desk.ledger.keep_plan(&plan).unwrap();
    assert_eq!(desk.events(), [""; 0], "a plan changes nothing");
    desk.ledger.set_actor("the service");
    assert!(desk.ledger.approve_plan("p1", &approval(&plan, "seen", 1)).unwrap());
    let again = PlanApproval {
        approval: Approval { codes: BTreeSet::from([Code::G010]), reason: "seen\nagain".to_owned(), by: None },
        ..approval(&plan, "", 2)
    };
    assert!(desk.ledger.approve_plan("p1", &again).unwrap());
    let desk = desk.reopened();
    assert_eq!(desk.ledger.kept_plan("p1").unwrap().unwrap().approval, Some(again));
    let trail = desk.trail();
    let told: Vec<_> = trail.iter().map(|r| (r.event.as_str(), r.actor.as_str(), r.subject.as_deref(), r.at)).collect();
    let line = |secs| ("plan-approved", "berta", Some("p1"), at(secs));
    assert_eq!(told, [line(1), line(2)], "who approved, not who wrote it down");
    let words = |n: usize, word: &str| trail[n].details[word].clone();
    assert_eq!((words(0, "allowed"), words(0, "allowed_why")), ("G001 G003".to_owned(), "seen".to_owned()));
    assert_eq!((words(1, "allowed"), words(1, "plan")), ("G010".to_owned(), plan.plan.hash));
    desk.ledger.verify().unwrap();
}

fn request(key: &str, run: &str, secs: i64) -> RepeatableRequest {
    RepeatableRequest { key: key.to_owned(), fingerprint: "asked".to_owned(), run: run.to_owned(), at: at(secs) }
}

fn a_request_is_claimed_once_while_it_may_be_repeated(mut desk: Desk) {
    let long = REPEATABLE_FOR.as_secs();
    assert_eq!(desk.ledger.claim_request(&request("k", "run-1", 0)).unwrap(), Claimed::New);
    assert_eq!(desk.ledger.claim_request(&request("l", "run-2", 0)).unwrap(), Claimed::New, "another's");
    desk = desk.reopened();
    // A clock that goes back must not start it twice.
    for secs in [0, 1, long, -1, -long, -2 * long] {
        let before = Claimed::Before { run: "run-1".to_owned() };
        assert_eq!(desk.ledger.claim_request(&request("k", "run-3", secs)).unwrap(), before, "{secs}");
    }
    assert_eq!(desk.ledger.claim_request(&request("k", "run-4", long + 1)).unwrap(), Claimed::New);
    let before = Claimed::Before { run: "run-4".to_owned() };
    assert_eq!(desk.ledger.claim_request(&request("k", "run-5", long + 2)).unwrap(), before);
}

fn a_key_serves_one_request_only(mut desk: Desk) {
    desk.ledger.claim_request(&request("k", "run-1", 0)).unwrap();
    let other = RepeatableRequest { fingerprint: "something else".to_owned(), ..request("k", "run-2", 1) };
    assert_eq!(desk.ledger.claim_request(&other).unwrap(), Claimed::ForOther);
    let before = Claimed::Before { run: "run-1".to_owned() };
    assert_eq!(desk.ledger.claim_request(&request("k", "run-3", 2)).unwrap(), before, "and it stays the first one's");
}

fn a_claim_that_was_not_new_prolongs_nothing(mut desk: Desk) {
    let long = REPEATABLE_FOR.as_secs();
    desk.ledger.claim_request(&request("k", "run-1", 0)).unwrap();
    desk.ledger.claim_request(&request("k", "run-2", long)).unwrap();
    assert_eq!(desk.ledger.claim_request(&request("k", "run-3", long + 1)).unwrap(), Claimed::New);
}

fn the_schedule_goes_forward_only(mut desk: Desk) {
    assert_eq!(desk.ledger.last_slot().unwrap(), None);
    for (secs, is_new) in [(-500, true), (-500, false), (-600, false), (10, true), (9, false), (10, false), (11, true)]
    {
        assert_eq!(desk.ledger.claim_slot(at(secs)).unwrap(), is_new, "{secs}");
        desk = desk.reopened();
    }
    assert_eq!(desk.ledger.last_slot().unwrap(), Some(at(11)));
}

/// How many of eight who have the same ledger open, and try at once, say yes.
fn winners(
    open: &(dyn Fn() -> Box<dyn Ledger> + Sync),
    attempt: &(dyn Fn(&mut dyn Ledger, usize) -> bool + Sync),
) -> usize {
    let start = std::sync::Barrier::new(8);
    let try_at_once = |n| {
        let mut ledger = open();
        start.wait();
        attempt(&mut *ledger, n)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || try_at_once(n))).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    })
}

fn of_many_at_once_one_is_first(open: &(dyn Fn() -> Box<dyn Ledger> + Sync)) {
    for round in 0..10 {
        let claimed = winners(open, &|ledger, n| {
            let request = request(&format!("k{round}"), &format!("run-{n}"), 0);
            ledger.claim_request(&request).unwrap() == Claimed::New
        });
        assert_eq!(claimed, 1, "request {round}");
        let claimed = winners(open, &|ledger, _| ledger.claim_slot(at(round)).unwrap());
        assert_eq!(claimed, 1, "slot {round}");
    }
}

#[test]
fn of_many_connections_to_a_file_one_is_first() {
    let desk = Desk::sqlite();
    let path = desk.path();
    of_many_at_once_one_is_first(&|| Box::new(SqliteLedger::open(&path).unwrap().unwrap()));
}

#[test]
fn of_many_who_share_memory_one_is_first() {
    let home = MemoryHome::default();
    home.create_ledger().unwrap();
    of_many_at_once_one_is_first(&|| home.ledger().unwrap().unwrap());
    // What one of them keeps, the others find.
    let (mut one, other) = (home.ledger().unwrap().unwrap(), home.ledger().unwrap().unwrap());
    one.keep_plan(&kept("p1", 0)).unwrap();
    assert_eq!(other.kept_plan("p1").unwrap(), Some(kept("p1", 0)));
}
