//! Names as files, rows and URLs spell them: few, and nearly the same.

use proptest::prelude::*;
use proptest::sample::select;

/// A file's name without its folder, in some spelling.
pub(super) fn file_names() -> impl Strategy<Value = Vec<u8>> {
    let stems: Vec<&[u8]> = vec![
        b"a",
        b"A",
        b"b",
        b"ss",
        "\u{df}".as_bytes(),
        "\u{e9}".as_bytes(),
        "e\u{301}".as_bytes(),
        b"%61",
        b"%2561",
        b"a%2Eb",
        b"a%2Eb",
        b"a_processed",
        b"t_a",
        b"\xff",
        b"-a",
        b"a_",
        b"1-12",
        b"1_12",
        b"11-2",
        b"112",
    ];
    let stem = prop_oneof![3 => Just(&b"a"[..]), 4 => select(stems)];
    let ext = select(vec![".m4a", ".m4a", ".M4A", ".mp3", "_processed.mp3", "_processed.mp3", "_PROCESSED.mp3", ""]);
    let part = prop_oneof![5 => Just(""), 2 => select(vec![".tmp", ".part", ".PART"])];
    let blanks = prop_oneof![12 => Just(("", "")), 1 => select(vec![(" ", ""), ("", " "), ("\u{a0}", "\t")])];
    let parts = |(stem, ext, part, (before, after)): (&[u8], &str, &str, (&str, &str))| {
        [before.as_bytes(), stem, ext.as_bytes(), part.as_bytes(), after.as_bytes()].concat()
    };
    (stem, ext, part, blanks).prop_map(parts)
}

/// A name as a row may hold it: a key or not.
pub(super) fn claimed_names() -> impl Strategy<Value = Vec<u8>> {
    let odd = select(vec![
        "../",
        "/",
        "./",
        "d//",
        "/srv/d/",
        "d/../",
        "d\\",
        "d%2F",
        "x\0",
        "C:\\d\\",
        "%2F",
        "%2E%2E/",
        "x%00",
        "D\u{ff0f}",
        " /srv/",
        " ../",
        "d/ /",
    ]);
    let dir = prop_oneof![8 => Just(""), 3 => select(vec!["d/", "D/"]), 2 => odd];
    let end = prop_oneof![12 => Just(""), 1 => select(vec!["/", "\0.jpg", "\\", "%00.jpg"])];
    (dir, file_names(), end).prop_map(|(dir, name, end)| [dir.as_bytes(), &name, end.as_bytes()].concat())
}

pub(super) fn urls() -> impl Strategy<Value = Vec<u8>> {
    let tails = vec!["", "?q=a.m4a", "#x", "/", "//?q=a.m4a/"];
    let url = (select(vec!["https://h/a/", "https://h/d%2F", "", "C:\\d\\"]), file_names(), select(tails));
    url.prop_map(|(host, name, tail)| {
        let tail = if host.ends_with(['/', 'F']) { tail } else { tail.split('?').next().unwrap() };
        [host.as_bytes(), &name, tail.as_bytes()].concat()
    })
}

/// A row's identifier, which a template may begin with.
pub(super) fn ids() -> impl Strategy<Value = Vec<u8>> {
    let ids: Vec<&[u8]> = vec![
        b"a",
        b"a",
        b"A",
        b"b",
        "\u{e9}".as_bytes(),
        b"a_processed",
        b"a.b",
        b"a.m4a",
        b"t",
        b"t_",
        b"t_a",
        b"1-12",
    ];
    let odd: Vec<&[u8]> = vec![
        b"/srv/a",
        b"d/a",
        b"D/a",
        b"d//a",
        b"../a_processed",
        b"a/./a",
        b"x\0a",
        b"a\0",
        b"d/",
        b"d/../a",
        b"D\\a",
        b" a",
        b"%2Fd%2Fa",
    ];
    prop_oneof![1 => Just(&b""[..]), 9 => select(ids), 2 => select(odd)].prop_map(<[u8]>::to_vec)
}
