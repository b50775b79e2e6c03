use super::*;
use crate::template::{Expansion, Template};

fn names(list: &[&str]) -> Names {
    let mut names = Names::default();
    for name in list {
        names.push(name.as_bytes());
    }
    names
}

fn live(name: &str) -> Claim {
    let target = match Key::parse(name.as_bytes()) {
        Ok(key) => Target::Exact(key),
        Err(why) => Target::Unaddressable { value: name.as_bytes().to_vec(), why },
    };
    Claim { target, owner: "7".into(), standing: Standing::Live }
}

fn failed(name: &str) -> Claim {
    Claim { standing: Standing::Failed { since: Some(Timestamp::UNIX_EPOCH) }, ..live(name) }
}

fn pattern(template: &str, id: &str) -> Claim {
    let Expansion::Pattern(glob) = Template::parse(template).unwrap().expand(|_| Some(id.as_bytes())) else { panic!() };
    Claim { target: Target::Pattern(glob), owner: id.into(), standing: Standing::Live }
}

/// One letter per file: L live, N near, F failed, A attached, - nothing.
fn marks(files: &[&str], claims: Vec<Claim>) -> String {
    let (names, variants) = (names(files), Variants::default());
    let mut matcher = Matcher::new(&names, &variants);
    for claim in claims {
        matcher.offer(claim);
    }
    let sealed = matcher.seal();
    (0..files.len())
        .map(|index| match sealed.get().marks(index) {
            Marks { live: true, .. } => 'L',
            Marks { near: true, .. } => 'N',
            Marks { failed: Some(_), .. } => 'F',
            Marks { near_failed: true, .. } => 'N',
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
fn patterns_protect_files_variants_and_parts() {
    let files = ["7.m4a", "7_processed.mp3", "7.m4a.part", "7_processed.mp3.tmp", "77.m4a", "7"];
    assert_eq!(marks(&files, vec![pattern("{id}.*", "7")]), "LLLL--");
}

#[test]
fn claims_without_files_are_missing() {
    let (names, variants) = (names(&["a.m4a", "7.m4a"]), Variants::default());
    let mut matcher = Matcher::new(&names, &variants);
    for name in ["b.m4a", "a.m4a", "gone.m4a"] {
        matcher.offer(live(name));
    }
    let tally = matcher.seal().get().tally.clone();
    assert_eq!(tally.missing, 2);
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
