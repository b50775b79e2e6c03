use super::*;
use crate::claim::{Claim, Target};
use crate::listing::FileTime;
use crate::matching::Matcher;
use crate::policy::AgeFrom;
use crate::recheck::still_allowed;
use crate::standing::Standing;

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
        matcher.offer(0, Claim { target: Target::Exact(removal.key.clone()), owner: "7".into(), standing });
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
        reason: Reason::Orphan { since: at(NOW - 2 * DAY), age_from: AgeFrom::Mtime, claimed_until: None },
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
    let sifted = sift(&names, names.len(), &Names::default(), &matched(&names, &policy, &[]), &policy, at(NOW));
    let looks = [Look::File(facts(2 * DAY), None); 4];
    let outcome = reconcile(&names, sifted, &looks, &policy, at(NOW));
    let keys: Vec<String> = outcome.removals.iter().map(|r| r.key.to_string()).collect();
    assert_eq!(keys, ["d.m4a"]);
    assert_eq!(outcome.kept, Kept { unreadable: 2, too_young: 1, ..Kept::default() });
}

/// The verdicts on old files that nobody claims, but for what is said here.
fn fates(files: &[&str], excluded: &[&str], missing: &[&str], failed: &[&str]) -> Vec<Fate> {
    let policy = Policy::classic();
    let list = |list: &[&str]| {
        let mut names = Names::default();
        for name in list {
            names.push(name.as_bytes());
        }
        names
    };
    let names = list(files);
    let mut matcher = Matcher::new(&names, &policy.variants).of_whole_store(None);
    let ended = Standing::Failed { since: Some(at(NOW - 30 * DAY)) };
    for (list, standing) in [(missing, Standing::Live), (failed, ended)] {
        for name in list {
            let target = Target::Exact(Key::parse(name.as_bytes()).unwrap());
            matcher.offer(0, Claim { target, owner: String::new(), standing });
        }
    }
    let sifted = sift(&names, names.len(), &list(excluded), &matcher.seal(), &policy, at(NOW));
    let looks = vec![Look::File(facts(2 * DAY), None); sifted.candidates.len()];
    reconcile(&names, sifted, &looks, &policy, at(NOW)).fates
}

#[test]
fn what_belongs_to_an_excluded_file_stays() {
    let files = ["a.m4a", "a_processed.mp3", "b.m4a"];
    let ignored = Fate::Keep(Keep::Ignored);
    assert_eq!(fates(&files, &[], &[], &[]), [Fate::Remove; 3]);
    assert_eq!(fates(&files, &["a.log"], &[], &[]), [ignored, ignored, Fate::Remove]);
    assert_eq!(fates(&files, &["a.log"], &[], &["a.m4a", "b.m4a"]), [ignored, ignored, Fate::Remove]);
}

#[test]
fn what_belongs_to_a_file_like_a_missing_one_stays() {
    let files = ["first-talk.wav", "first-talk_processed.mp3", "b.m4a"];
    let alike = Fate::Keep(Keep::Relinkable);
    assert_eq!(fates(&files, &[], &["first talk.m4a"], &[]), [alike, alike, Fate::Remove]);
    let of_failed = fates(&files, &[], &["first talk.m4a"], &["first-talk.wav"]);
    assert_eq!(of_failed, [Fate::Remove, Fate::Remove, Fate::Remove], "their own session failed");
}
