use super::*;

fn same(a: &str, b: &str) {
    assert_eq!(fold(a.as_bytes()), fold(b.as_bytes()), "{a:?} and {b:?}");
}

#[test]
fn near_names_fold_together() {
    same("A.M4A", "a.m4a");
    same("caf\u{e9}.mp3", "cafe\u{301}.mp3");
    same("a%20b.mp3", "a b.mp3");
    same("a%2520b.mp3", "a b.mp3");
    same("a\\b.mp3", "a//b.mp3");
    same("/a/b.mp3", "a/b.mp3");
    same("\u{ff41}.mp3", "a.mp3");
    same("./a.mp3", "a.mp3");
    same("\u{3a3}\u{3c2}.mp3", "\u{3c3}\u{3a3}.mp3");
    same("STRASSE.mp3", "stra\u{df}e.mp3");
    same("stra\u{1e9e}e.mp3", "stra\u{df}e.mp3");
}

#[test]
fn different_names_stay_different() {
    assert_ne!(fold(b"a.mp3"), fold(b"b.mp3"));
    assert_ne!(fold(b"a/b.mp3"), fold(b"ab.mp3"));
    assert_ne!(fold(b"a.mp3"), fold(b"a.m4a"));
}

#[test]
fn the_fast_path_agrees_with_the_slow_one() {
    for name in [&b"abc.m4a"[..], b"0f-_processed.mp3", b"x"] {
        assert!(is_folded(name));
        assert_eq!(fold_slowly(name), name);
    }
}

#[test]
fn a_key_may_hide_a_path() {
    for path in [
        "C:\\audio\\x.m4a",
        "uploads\\x.m4a",
        "\\x.m4a",
        "x.m4a\\",
        "%2Fsrv%2Fx.m4a",
        "%252Fx.m4a",
        "d%2Fx.m4a",
        "d/%2E%2E/x.m4a",
        "%2E/x.m4a",
        "x.m4a%00.jpg",
        "d\u{ff0f}x.m4a",
        " /srv/x.m4a",
        "d/ ../x.m4a",
        "\u{1680}/\u{a0}/x.m4a",
    ] {
        assert!(hides_a_path(path.as_bytes()), "{path}");
    }
    for name in
        ["x.m4a", "d/x.m4a", "100%.m4a", "a%20b.m4a", "caf\u{e9}.m4a", "..x", "d/e%CC%81.m4a", " x.m4a ", "d / x.m4a"]
    {
        assert!(!hides_a_path(name.as_bytes()), "{name}");
    }
}

#[test]
fn only_characters_from_u_2000_on_fold_to_paths() {
    for c in ('\u{80}'..'\u{2000}').map(String::from) {
        assert!(!read(c.as_bytes()).contains(['/', '\\', '.', '\0']), "{c:?}");
        assert!(!c.trim().is_empty() || matches!(c.as_bytes()[0], 0xc2 | 0xe1), "{c:?}");
    }
    assert!(hides_a_path("d\u{2100}x.m4a".as_bytes()), "a/c in one character");
}
