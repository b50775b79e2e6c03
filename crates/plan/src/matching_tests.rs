use jiff::Timestamp;

use super::*;
use crate::claim::{ClaimRule, StandingRule};
use crate::hold::Prefix;
use crate::standing::Moment;
use crate::template::Template;

fn names(list: &[&str]) -> Names {
    let mut names = Names::default();
    for name in list {
        names.push(name.as_bytes());
    }
    names
}

/// A live claim, read with a template from a row with one column.
fn read(template: &str, cell: &str) -> Claim {
    let mut rule = ClaimRule::classic("sessions");
    (rule.key, rule.owner, rule.standing) = (Template::parse(template).unwrap(), None, StandingRule::Live);
    Claim { owner: "7".into(), ..rule.reader(true).claim(&[Some(cell.as_bytes())]) }
}

fn live(name: &str) -> Claim {
    read("{name}", name)
}

fn failed(name: &str) -> Claim {
    Claim { standing: Standing::Failed { since: Some(Timestamp::UNIX_EPOCH) }, ..live(name) }
}

fn pattern(template: &str, id: &str) -> Claim {
    read(template, id)
}

/// One letter per file: L live, N near, F failed, A attached, - nothing.
fn marks(files: &[&str], claims: Vec<Claim>) -> String {
    let (names, variants) = (names(files), Variants::default());
    let mut matcher = Matcher::new(&names, &variants);
    for claim in claims {
        matcher.offer(0, claim);
    }
    let sealed = matcher.seal();
    (0..files.len())
        .map(|index| match sealed.get().marks(index) {
            Marks { live: true, .. } => 'L',
            Marks { near: true, .. } => 'N',
            Marks { ended: Some(_), .. } => 'F',
            Marks { near_ended: true, .. } => 'N',
            Marks { attached: Some(_), .. } => 'A',
            _ => '-',
        })
        .collect()
}

#[test]
fn a_live_claim_covers_its_whole_group() {
    let files = ["a.m4a", "a_processed.mp3", "a.m4a.part", "a_processed.mp3.tmp", "a.mp3", "b.m4a"];
    assert_eq!(marks(&files, vec![live("a.m4a")]), "LLLL--");
    assert_eq!(marks(&files, vec![live("a_processed.mp3")]), "LLLLL-");
}

#[test]
fn a_failed_claim_condemns_only_exact_names() {
    let files = ["a.m4a", "a_processed.mp3", "A.m4a", "a.m4a.part", "b.m4a"];
    assert_eq!(marks(&files, vec![failed("a.m4a")]), "FFNA-");
    assert_eq!(marks(&files, vec![failed("a_processed.mp3")]), "NFNN-");
}

#[test]
fn an_upload_that_is_renamed_before_its_row_stays() {
    let files = ["a.m4a", "a_processed.mp3", "a.m4a.part", "a.mp3"];
    assert_eq!(marks(&files, vec![live("a.m4a.part")]), "LLL-");
    assert_eq!(marks(&files, vec![failed("a.m4a.part")]), "NNF-");
    assert_eq!(marks(&files, vec![failed("a.m4a.part"), failed("a.m4a")]), "FFF-");
}

#[test]
fn a_nearly_named_live_file_is_not_condemned_with_a_failed_session() {
    let files = ["a.m4a", "a_processed.mp3"];
    for name in ["A.m4a", "%61.m4a", "../a.m4a"] {
        for claims in [vec![live(name), failed("a.m4a")], vec![failed("a.m4a"), live(name)]] {
            assert_eq!(marks(&files, claims), "NN", "{name}");
        }
    }
    assert_eq!(marks(&files, vec![failed("A.m4a"), failed("a.m4a")]), "FF");
    assert_eq!(marks(&files, vec![failed("../a.m4a"), failed("a.m4a")]), "NN", "a name that is no key may mean any");
}

#[test]
fn near_names_are_protected() {
    let files = ["Caf\u{e9}.MP3", "a b.m4a", "x.m4a"];
    let claims = vec![live("cafe\u{301}.mp3"), live("a%20b.m4a")];
    assert_eq!(marks(&files, claims), "NN-");
}

#[test]
fn names_that_are_no_keys_protect_their_last_component() {
    let files = ["x.m4a", "x_processed.mp3", "d/x.m4a", "y.m4a"];
    for name in ["../x.m4a", "/srv/uploads/x.m4a", "C:\\audio\\X.m4a/", "a//x.m4a", "x.m4a\0.jpg"] {
        assert_eq!(marks(&files, vec![live(name)]), "NNN-", "{name:?}");
    }
}

#[test]
fn a_key_that_hides_a_path_protects_its_last_component() {
    let files = ["x.m4a", "x_processed.mp3", "d/x.m4a", "d/x.m4a.part", "y.m4a"];
    let keys = ["C:\\audio\\X.m4a", "uploads\\x.m4a", "%2Fsrv%2Fx.m4a", "\\x.m4a", "a/%2E%2E/x.m4a", "x.m4a%00.jpg"];
    for name in keys {
        assert!(matches!(live(name).target, Target::Exact(_)), "{name}");
        assert_eq!(marks(&files, vec![live(name)]), "NNNN-", "{name}");
        assert_eq!(marks(&files, vec![failed(name)]), "NNNN-", "{name}");
        assert_eq!(marks(&files, vec![failed(name), failed("x.m4a")]), "FFNN-", "{name}: it only delays");
        let exact = marks(&[name], vec![failed(name)]);
        assert_eq!(exact, "F", "{name}");
    }
    for id in ["C:\\audio\\X", "%2Fsrv%2Fx"] {
        let failed = Claim { standing: Standing::Failed { since: None }, ..pattern("{id}.*", id) };
        for claims in [vec![pattern("{id}.*", id)], vec![failed]] {
            assert_eq!(marks(&files, claims), "NNNN-", "{id}");
        }
    }
}

#[test]
fn patterns_that_are_no_keys_protect_what_is_named_like_their_last_component() {
    let files = ["7.m4a", "7_processed.mp3", "d/7.m4a", "d/7.m4a.part", "77.m4a", "d/8.m4a"];
    for id in ["/srv/7", "../7", "a/./7", "a//7", "x\u{0}/7", "a\\..\\/../7"] {
        let protected = marks(&files, vec![pattern("{id}.*", id)]);
        assert_eq!(protected, "NNNN--", "{id:?}");
        let failed = Claim { standing: Standing::Failed { since: None }, ..pattern("{id}.*", id) };
        assert_eq!(marks(&files, vec![failed]), "NNNN--", "{id:?}");
    }
    assert_eq!(marks(&files, vec![pattern("/srv/{id}/*", "7")]), "NNNNNN");
    assert_eq!(marks(&files, vec![pattern("d/{id}.*", "7")]), "--LL--");
}

#[test]
fn one_file_name_in_many_folders_is_found_at_once() {
    let files: Vec<String> = (0..100).map(|n| format!("{n}/audio.m4a")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let claims = || (0..5).map(|n| live(&format!("/srv/{n}/audio.m4a")));
    assert_eq!(marks(&files, claims().collect()), "N".repeat(100));
    assert_eq!(marks(&files, vec![pattern("/srv/{id}/audio.*", "7")]), "N".repeat(100));
}

#[test]
fn patterns_protect_files_variants_and_parts() {
    let files = ["7.m4a", "7_processed.mp3", "7.m4a.part", "7_processed.mp3.tmp", "77.m4a", "8"];
    for template in ["{id}.*", "{id}.m*", "{id}.*.part"] {
        assert_eq!(marks(&files, vec![pattern(template, "7")]), "LLLL--", "{template}");
    }
    for template in ["{id}*m4a", "{id}*.m4a", "{id}*"] {
        assert_eq!(marks(&files, vec![pattern(template, "7")]), "LLLLL-", "{template}");
    }
    let files = ["7x/a", "7x/a_processed.mp3", "7x/a.m4a_processed.mp3"];
    assert_eq!(marks(&files, vec![pattern("{id}*/a", "7")]), "LL-");
    assert_eq!(marks(&files, vec![pattern("{id}*/a.m4a", "7")]), "-L-");
    assert_eq!(marks(&["7", "7.m4a"], vec![pattern("{id}.*", "7")]), "LL", "7.part becomes 7");
}

#[test]
fn a_pattern_of_a_variants_name_covers_the_original() {
    let files = ["a.m4a", "a.m4a.part", "a_processed.mp3", "a_processed.mp3.tmp", "b.m4a", "ab.m4a"];
    for template in ["{id}_p*", "{id}_processed.*", "{id}_processed.mp3.*"] {
        assert_eq!(marks(&files, vec![pattern(template, "a")]), "LLLL--", "{template}");
        let failed = Claim { standing: Standing::Failed { since: None }, ..pattern(template, "a") };
        assert_eq!(marks(&files, vec![failed]), "NNNN--", "{template}");
    }
}

#[test]
fn a_pattern_in_many_rows_counts_with_its_strongest_row() {
    let files: Vec<String> = (0..100).map(|n| format!("7{n:02}.m4a")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let at = |secs| Standing::Failed { since: Some(Timestamp::from_second(secs).unwrap()) };
    let attached = |standings: &[Standing]| {
        let (names, variants) = (names(&files), Variants::default());
        let mut matcher = Matcher::new(&names, &variants);
        for standing in standings {
            matcher.offer(0, Claim { standing: *standing, ..pattern("{id}*", "7") });
        }
        let sealed = matcher.seal();
        let marks = sealed.get().marks(99);
        (marks.live, marks.attached.and_then(|ends| ends.failed))
    };
    assert_eq!(attached(&[at(5), at(9), at(7)]), (false, Some(Moment::from(Timestamp::from_second(9).ok()))));
    assert_eq!(attached(&[at(5), Standing::Failed { since: None }, at(7)]), (false, Some(Moment::Unknown)));
    assert!(attached(&[at(5), Standing::Live, at(7)]).0);
}

#[test]
fn claims_without_files_are_missing() {
    let (names, variants) = (names(&["a.m4a", "7.m4a"]), Variants::default());
    let expected = Fingerprints::of([&b"gone.m4a"[..], b"a.m4a"]);
    let mut matcher = Matcher::new(&names, &variants).of_whole_store(Some(&expected));
    for name in ["b.m4a", "a.m4a", "gone.m4a"] {
        matcher.offer(0, live(name));
    }
    let tally = matcher.seal().get().tally.clone();
    assert_eq!((tally.missing, tally.missing_expected), (2, 1));
    let missing: Vec<String> = tally.missing_examples.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["b.m4a", "gone.m4a"]);
    assert_eq!(tally.files_named_after_owner, 1, "7.m4a is named after row 7");
}

#[test]
fn paths_of_another_system_and_urls_protect_their_last_component() {
    for name in [r"uploads\a.m4a", r"C:\uploads\A.m4a", "https://h/up/a.m4a?sig=1", "https://h/up/a.m4a#t=3"] {
        assert_eq!(marks(&["a.m4a", "b.m4a"], vec![live(name)]), "N-", "{name}");
    }
    assert_eq!(marks(&["a.m4a"], vec![failed(r"uploads\a.m4a")]), "N", "named, so nobody's orphan");
}

#[test]
fn claims_that_expire_condemn_like_failed_ones() {
    let expires = |name: &str| Claim { standing: Standing::Expires { at: None }, ..live(name) };
    assert_eq!(marks(&["a.m4a", "a_processed.mp3", "A.m4a", "a.m4a.part", "b.m4a"], vec![expires("a.m4a")]), "FFNA-");
    let (names, variants) = (names(&["a.m4a"]), Variants::default());
    let mut matcher = Matcher::new(&names, &variants);
    matcher.offer(0, expires("a.m4a"));
    matcher.offer(0, failed("a.m4a"));
    let marks = matcher.seal().get().marks(0);
    let ends = Ends { failed: Some(Moment::At(Timestamp::UNIX_EPOCH)), expires: Some(Moment::Unknown) };
    assert_eq!(marks.ended.unwrap().ends, ends);
}

/// One letter per file: H held, - not.
fn held(files: &[&str], target: &HoldTarget, claims: Vec<Claim>) -> String {
    let (names, variants) = (names(files), Variants::default());
    let mut matcher = Matcher::new(&names, &variants);
    matcher.hold(target);
    claims.into_iter().for_each(|claim| matcher.offer(0, claim));
    let sealed = matcher.seal();
    (0..files.len()).map(|index| if sealed.get().marks(index).held { 'H' } else { '-' }).collect()
}

#[test]
fn a_hold_keeps_the_whole_group_of_what_it_names() {
    let files = ["a.m4a", "A.m4a", "a_processed.mp3", "a.m4a.part", "a.wav", "ab.m4a", "d/a.m4a"];
    let key = |name: &str| HoldTarget::Key(Key::parse(name.as_bytes()).unwrap());
    assert_eq!(held(&files, &key("a.m4a"), vec![]), "HHHHH--");
    assert_eq!(held(&files, &key("a_processed.mp3"), vec![]), "HHHHH--");
    assert_eq!(held(&files, &key("gone.m4a"), vec![]), "-------");
    assert_eq!(held(&files, &key("a_processed.ogg"), vec![]), "HHHHH--", "the group of what may belong to it");
    let prefix = |name: &str| HoldTarget::Prefix(Prefix::parse(name.as_bytes()).unwrap());
    assert_eq!(held(&files, &prefix("ab"), vec![]), "-----H-");
    assert_eq!(held(&files, &prefix("D/"), vec![]), "------H");
    assert_eq!(held(&files, &prefix("a_p"), vec![]), "HHHHH--", "the original of a held variant");
}

#[test]
fn a_held_session_keeps_whatever_its_rows_reach() {
    let files = ["a.m4a", "A.m4a", "a_processed.mp3", "a.m4a.part", "a.wav", "b.m4a", "b.wav"];
    let session = HoldTarget::Owner("7".into());
    assert_eq!(held(&files, &session, vec![failed("a.m4a")]), "HHHHH--", "and the rest of the group");
    assert_eq!(held(&files, &session, vec![failed("a.ogg")]), "HHHHH--", "even when the file itself is gone");
    let gap = || Claim { standing: Standing::Failed { since: None }, ..pattern("{id}*4a", "b") };
    assert_eq!(held(&files, &session, vec![gap()]), "-----HH");
    assert_eq!(held(&files, &session, vec![failed("../b.m4a")]), "-----HH");
    let of = |owner: &str| vec![Claim { owner: owner.into(), ..gap() }];
    assert_eq!(held(&files, &session, of("8")), "-------");
    assert_eq!(held(&files, &HoldTarget::Owner("C-7".into()), of(" c-7")), "-----HH", "whoever spells it");
}

#[test]
fn what_looks_like_a_missing_file_is_noticed_in_a_whole_store_only() {
    let files = names(&["first talk.wav", "7.m4a", "b.m4a", "b.wav"]);
    let variants = Variants::default();
    let alike = |matcher: Matcher<'_>| -> Vec<Option<Likeness>> {
        let mut matcher = matcher;
        matcher.offer(0, Claim { owner: String::new(), ..live("First-Talk.m4a") });
        matcher.offer(2, live("gone.m4a"));
        matcher.offer(0, live("b.m4a"));
        matcher.offer(0, Claim { owner: "8".into(), ..failed("c.m4a") });
        let sealed = matcher.seal();
        (0..files.len()).map(|index| sealed.get().relink(index).map(|relink| relink.likeness)).collect()
    };
    let whole = alike(Matcher::new(&files, &variants).of_whole_store(None));
    assert_eq!(whole, [Some(Likeness::SameLetters), Some(Likeness::NamedAfterRow), None, None]);
    assert_eq!(alike(Matcher::new(&files, &variants)), [None; 4], "among some names everything seems to be missing");
}

#[test]
fn what_is_read_again_adds_marks_and_is_not_counted() {
    let files = names(&["a.m4a"]);
    let variants = Variants::default();
    let mut matcher = Matcher::new(&files, &variants).of_whole_store(None);
    matcher.offer(0, live("gone.m4a"));
    matcher.count_no_more();
    matcher.offer(0, live("gone.m4a"));
    matcher.offer(0, live("a.m4a"));
    let sealed = matcher.seal();
    assert!(sealed.get().is_live(0));
    assert_eq!((sealed.get().tally.live, sealed.get().tally.missing), (1, 1));
}
