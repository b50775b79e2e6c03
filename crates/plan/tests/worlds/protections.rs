//! What keeps files besides rows, and what limits a plan.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use upsweep_plan::hold::{HoldTarget, Prefix};
use upsweep_plan::key::Key;
use upsweep_plan::selection::Selection;
use upsweep_plan::verdict::Reason;

use super::at;
use super::names::{claimed_names, ids};
use super::times::moments;

/// Holds as people set them: in their own spelling, and on what need not be there.
pub(crate) fn holds() -> impl Strategy<Value = Vec<HoldTarget>> {
    let key = claimed_names().prop_filter_map("no key", |name| Key::parse(&name).ok());
    let beginnings: Vec<&[u8]> =
        vec![b"a_", b"A.", b"d/", b"D/", b"%61", b" b", b"t_", b"1-", "\u{e9}".as_bytes(), b"e", b"d\\"];
    let prefix = select(beginnings).prop_map(|name| HoldTarget::Prefix(Prefix::parse(name).unwrap()));
    let owner = ids().prop_map(|id| HoldTarget::Owner(String::from_utf8(id).unwrap()));
    let hold = prop_oneof![2 => key.prop_map(HoldTarget::Key), 1 => prefix, 2 => owner];
    prop_oneof![2 => Just(vec![]), 1 => vec(hold, 1..3)]
}

/// Patterns for what is none of our business.
pub(super) fn exclusions() -> impl Strategy<Value = Vec<&'static str>> {
    let patterns = vec!["*.mp3", "d", "D/a*", "d/*", "b*", "*processed*", "a.m4a", "*.part", "\u{c9}*", "1*2*"];
    prop_oneof![2 => Just(vec![]), 1 => vec(select(patterns), 1..3)]
}

/// What a plan is limited to.
pub(crate) fn selections() -> impl Strategy<Value = Selection> {
    let time = || option::weighted(0.2, prop_oneof![moments().prop_map(at), Just(Timestamp::UNIX_EPOCH)]);
    let only = prop_oneof![2 => Just(vec![]), 1 => subsequence(Reason::KINDS.to_vec(), 1..3)];
    let prefixes = prop_oneof![2 => Just(vec![]), 1 => vec(select(vec!["a", "A", "d/", "b", "t_"]), 1..3)];
    let numbers = (option::weighted(0.3, 1..40_u64), option::weighted(0.4, 0..6_u64));
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    let created = (time(), time());
    let dated = (time(), time());
    (only, prefixes, time(), time(), created, dated, numbers).prop_map(
        move |(only, prefixes, modified_after, modified_before, created, dated, (size, limit))| {
            let (only, prefixes) = (owned(only), owned(prefixes));
            let ((created_after, created_before), (dated_after, dated_before)) = (created, dated);
            let (min_size_bytes, limit) = (size, limit);
            Selection {
                only,
                prefixes,
                modified_after,
                modified_before,
                created_after,
                created_before,
                dated_after,
                dated_before,
                min_size_bytes,
                limit,
            }
        },
    )
}
