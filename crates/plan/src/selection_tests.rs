use super::*;
use crate::key::Key;
use crate::listing::{FileFacts, FileTime};
use crate::policy::AgeFrom;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

/// A removal of `size` bytes, last modified at `since`.
fn removal(key: &str, since: i64, size: u64, session: Option<&str>) -> Removal {
    let time = FileTime { secs: since, nanos: 0 };
    let reason = match session {
        Some(owner) => Reason::FailedSession { since: at(since + 100), owners: vec![owner.to_owned()] },
        None => Reason::Orphan { since: at(since), age_from: AgeFrom::Mtime, claimed_until: None },
    };
    let facts = FileFacts { dev: 1, ino: 1, size_bytes: size, mtime: time, ctime: time, btime: None, links: 1 };
    Removal { key: Key::parse(key.as_bytes()).unwrap(), reason, age_secs: 1, facts }
}

fn all() -> Vec<Removal> {
    vec![
        removal("a.m4a", 30, 10, None),
        removal("a_processed.mp3", 35, 1, None),
        removal("b.m4a", 10, 5, None),
        removal("c.m4a", 20, 20, Some("7")),
        removal("c_processed.mp3", 20, 2, Some("7")),
    ]
}

fn selected(selection: &Selection) -> String {
    let (chosen, left) = selection.part(all(), &Policy::classic());
    assert_eq!(chosen.len() + left.len(), 5, "none is lost");
    assert!(chosen.is_sorted_by(|a, b| a.key < b.key) && left.is_sorted_by(|a, b| a.key < b.key));
    chosen.iter().map(|r| r.key.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_limit_selects_and_groups_stay_whole() {
    let none = Selection::default;
    let cases = [
        (none(), "a.m4a a_processed.mp3 b.m4a c.m4a c_processed.mp3"),
        (Selection { only: vec!["failed_session".into()], ..none() }, "c.m4a c_processed.mp3"),
        (Selection { only: vec!["orphan".into(), "expired".into()], ..none() }, "a.m4a a_processed.mp3 b.m4a"),
        (Selection { prefixes: vec!["b".into(), "c".into()], ..none() }, "b.m4a c.m4a c_processed.mp3"),
        (Selection { prefixes: vec!["a_".into()], ..none() }, ""),
        (Selection { modified_after: Some(at(31)), ..none() }, ""),
        (Selection { modified_after: Some(at(30)), ..none() }, "a.m4a a_processed.mp3"),
        (Selection { modified_before: Some(at(30)), ..none() }, "b.m4a c.m4a c_processed.mp3"),
        (Selection { created_after: Some(at(120)), ..none() }, "c.m4a c_processed.mp3"),
        (Selection { created_after: Some(at(121)), ..none() }, ""),
        (Selection { created_before: Some(at(121)), ..none() }, "c.m4a c_processed.mp3"),
        (Selection { created_before: Some(at(120)), ..none() }, ""),
        (Selection { dated_after: Some(at(30)), ..none() }, "a.m4a a_processed.mp3 c.m4a c_processed.mp3"),
        (Selection { dated_after: Some(at(121)), ..none() }, ""),
        (Selection { dated_before: Some(at(36)), ..none() }, "a.m4a a_processed.mp3 b.m4a"),
        (Selection { dated_after: Some(at(10)), dated_before: Some(at(30)), ..none() }, "b.m4a"),
        (Selection { min_size_bytes: Some(11), ..none() }, "a.m4a a_processed.mp3 c.m4a c_processed.mp3"),
        (Selection { limit: Some(0), ..none() }, ""),
        (Selection { limit: Some(1), ..none() }, "b.m4a"),
        (Selection { limit: Some(2), ..none() }, "b.m4a"),
        (Selection { limit: Some(3), ..none() }, "a.m4a a_processed.mp3 b.m4a"),
    ];
    for (selection, expected) in cases {
        assert_eq!(selected(&selection), expected, "{selection:?}");
    }
}

#[test]
fn a_plan_that_is_not_limited_by_each_ones_own_clock_reads_as_it_always_did() {
    let json = serde_json::to_string(&Selection::default()).unwrap();
    assert!(!json.contains("dated"), "{json}");
    let dated = Selection { dated_after: Some(at(1)), dated_before: Some(at(2)), ..Selection::default() };
    assert_eq!(serde_json::from_str::<Selection>(&serde_json::to_string(&dated).unwrap()).unwrap(), dated);
    assert!(!dated.is_everything());
}
