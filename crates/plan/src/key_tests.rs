use proptest::prelude::*;

use super::*;

#[test]
fn keys_never_lead_outside_the_store() {
    for (bytes, why) in [
        (&b""[..], KeyError::Empty),
        (b"a\0b", KeyError::Nul),
        (b"/etc/passwd", KeyError::Absolute),
        (b"../x", KeyError::Dots),
        (b"a/../../x", KeyError::Dots),
        (b"./x", KeyError::Dots),
        (b"a//x", KeyError::EmptyComponent),
        (b"a/", KeyError::EmptyComponent),
    ] {
        assert_eq!(Key::parse(bytes), Err(why), "{}", Escaped(bytes));
    }
    for fine in [&b"x"[..], b"...", b"..x", b"a/b", b"-rf", b"a b", b"\xff", b"a\nb"] {
        assert!(Key::parse(fine).is_ok(), "{}", Escaped(fine));
    }
}

#[test]
fn hostile_names_are_shown_harmlessly() {
    let shown = |b: &[u8]| Escaped(b).to_string();
    assert_eq!(shown(b"a\x1b[31m\n"), "a\\u{1b}[31m\\u{a}");
    assert_eq!(shown("abc\u{202e}3pm.exe".as_bytes()), "abc\\u{202e}3pm.exe");
    assert_eq!(shown(b"\xff.mp3"), "\\xff.mp3");
    assert_eq!(shown("größe 🎵.mp3".as_bytes()), "größe 🎵.mp3");
}

#[test]
fn stems_follow_pathlib() {
    for (name, stem, ext) in
        [("a.m4a", "a", ".m4a"), ("a.tar.gz", "a.tar", ".gz"), (".env", ".env", ""), ("a.", "a.", ""), ("a", "a", "")]
    {
        assert_eq!(split_ext(name.as_bytes()), (stem.as_bytes(), ext.as_bytes()));
    }
}

proptest! {
    #[test]
    fn json_keeps_every_byte(bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        if let Ok(key) = Key::parse(&bytes) {
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        }
    }
}
