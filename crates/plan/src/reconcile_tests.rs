use super::*;
use crate::claim::{Claim, Standing, Target};
use crate::listing::FileTime;
use crate::matching::Matcher;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

fn facts(age_secs: i64) -> FileFacts {
    let mtime = FileTime { secs: NOW - age_secs, nanos: 0 };
    FileFacts { dev: 1, ino: 1, size_bytes: 1, mtime, ctime: mtime, btime: None, links: 1 }
}

fn matched(names: &Names, policy: &Policy, failed: &[&Removal]) -> Sealed<Matched> {
    let mut matcher = Matcher::new(names, &policy.variants);
    for removal in failed {
        let standing = Standing::Failed { since: Some(removal.reason.counted_from()) };
        matcher.offer(Claim { target: Target::Exact(removal.key.clone()), owner: "7".into(), standing });
    }
    matcher.seal()
}

#[test]
fn a_deleted_row_keeps_the_whole_group_of_its_young_file() {
    let policy = Policy::classic();
    let since = at(NOW - 30 * DAY);
    let session = Removal {
        key: Key::parse(b"a.m4a").unwrap(),
        reason: Reason::FailedSession { since, owners: vec!["7".into()] },
        age_secs: 30 * DAY.unsigned_abs(),
        facts: facts(60),
    };
    let orphan = Removal {
        key: Key::parse(b"a.wav").unwrap(),
        reason: Reason::Orphan { modified: at(NOW - 2 * DAY) },
        age_secs: 2 * DAY.unsigned_abs(),
        facts: facts(2 * DAY),
    };
    let removals = [session.clone(), orphan.clone()];
    let names: Names = removals.iter().map(|r| &r.key).collect();
    let recheck = |matched: Sealed<Matched>| still_allowed(&removals, &matched, &policy, at(NOW));
    assert_eq!(recheck(matched(&names, &policy, &[&session])), [None, None]);
    assert_eq!(recheck(matched(&names, &policy, &[])), [Some(Keep::TooYoung), Some(Keep::TooYoung)]);
    assert_eq!(recheck(matched(&names, &policy, &[&session, &orphan])), [None, Some(Keep::FailedRecently)]);
}

#[test]
fn a_listed_name_that_is_no_key_is_kept_with_its_group() {
    let policy = Policy::classic();
    let mut names = Names::default();
    for name in ["../a.m4a", "b//c.m4a", "b/c_processed.mp3", "d.m4a"] {
        names.push(name.as_bytes());
    }
    let mut kept = Kept::default();
    let candidates = candidates(&matched(&names, &policy, &[]), &policy, at(NOW), &mut kept, names.len());
    let looks = [Look::File(facts(2 * DAY)); 4];
    let outcome = reconcile(&names, &candidates, &looks, &policy, at(NOW), kept);
    let keys: Vec<String> = outcome.removals.iter().map(|r| r.key.to_string()).collect();
    assert_eq!(keys, ["d.m4a"]);
    assert_eq!(outcome.kept, Kept { unreadable: 2, too_young: 1, ..Kept::default() });
}
