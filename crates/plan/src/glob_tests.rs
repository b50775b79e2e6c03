use super::*;

fn lit(text: &str) -> Piece {
    Piece::Literal(text.as_bytes().to_vec())
}

#[test]
fn gaps_stay_within_one_component() {
    let any = Glob::new([lit("7."), Piece::Any]);
    assert!(any.matches(b"7.m4a") && any.matches(b"7.") && any.matches(b"7.tar.gz"));
    assert!(!any.matches(b"77.m4a") && !any.matches(b"7") && !any.matches(b"7.a/b"));

    let ext = Glob::new([lit("7"), Piece::AnyExt]);
    assert!(ext.matches(b"7.m4a") && ext.matches(b"7"));
    assert!(!ext.matches(b"77.m4a") && !ext.matches(b"7x"));
}

#[test]
fn a_pattern_knows_the_stems_of_its_names() {
    let stems = |pieces: Vec<Piece>| {
        let glob = Glob::new(pieces);
        let all = ["7", "7x", "7.x", "77", "a"];
        all.into_iter().filter(|stem| glob.matches_with_ext(stem.as_bytes())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(stems(vec![lit("7."), Piece::Any]), "7 7.x");
    assert_eq!(stems(vec![lit("7"), Piece::AnyExt]), "7 7.x");
    assert_eq!(stems(vec![lit("7"), Piece::Any, lit("m4a")]), "7 7x 7.x 77");
    assert_eq!(stems(vec![lit("7"), Piece::Any, lit(".m4a")]), "7 7x 7.x 77");
    assert_eq!(stems(vec![lit("7.x."), Piece::Any]), "7.x");
    assert_eq!(stems(vec![lit("7.x"), Piece::Any]), "7 7.x");
    assert_eq!(stems(vec![Piece::Any, lit(".m4a")]), "7 7x 7.x 77 a");
    assert_eq!(stems(vec![lit("7"), Piece::Any, lit("/b.m4a")]), "");
}

#[test]
fn a_pattern_without_an_end_matches_what_stood_before_it() {
    let before = |pieces: Vec<Piece>| Glob::new(pieces).before(b".PART").collect::<Vec<_>>();
    assert_eq!(before(vec![lit("7.m4a.part")]), [Glob::new([lit("7.m4a")])]);
    assert_eq!(before(vec![lit("7."), Piece::Any, lit(".part")]), [Glob::new([lit("7."), Piece::Any])]);
    assert_eq!(before(vec![lit("7"), Piece::Any, lit("rt")]), [Glob::new([lit("7"), Piece::Any])]);
    assert_eq!(before(vec![lit("7.pa"), Piece::Any]), [Glob::new([lit("7")])]);
    assert_eq!(before(vec![lit("7"), Piece::AnyExt]), []);
    assert_eq!(before(vec![lit("7"), Piece::Any, lit("m4a")]), []);
}

#[test]
fn a_path_names_files_by_its_last_component() {
    let names = |pieces: Vec<Piece>| Glob::new(pieces).file_names();
    let x = vec![Glob::new([lit("x.")])];
    for path in ["x.", "/srv/X.", "C:\\a\\x.", "../x./", "x./.", "%2Fsrv%2Fx."] {
        assert_eq!(names(vec![lit(path)]), x, "{path}");
    }
    let seven = vec![Glob::new([lit("7."), Piece::Any])];
    assert_eq!(names(vec![lit("/srv/7."), Piece::Any]), seven);
    assert_eq!(names(vec![lit("a/7."), Piece::Any, lit("//")]), seven);
    assert_eq!(names(vec![lit("a/b\0/x/7."), Piece::Any]), [vec![Glob::new([lit("b")])], seven].concat());
    assert_eq!(names(vec![lit("a/"), Piece::Any]), [Glob::new([Piece::Any])]);
    assert_eq!(names(vec![lit("/")]), []);
}

#[test]
fn literals_are_folded() {
    let glob = Glob::new([lit("ABC"), Piece::AnyExt]);
    assert_eq!(glob.prefix(), b"abc");
    assert!(glob.matches(&fold(b"aBC.M4A")));
    let fenced = Glob::new([lit("%2Fd%2F"), Piece::Any, lit("\\x\\")]);
    assert!(fenced.matches(&fold(b"d/7/x")) && !fenced.matches(&fold(b"d7x")));
}
