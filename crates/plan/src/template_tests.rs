use super::*;
use crate::glob::Glob;

fn expand(template: &str, row: &[(&str, Option<&str>)]) -> Expansion {
    Template::parse(template).unwrap().expand(|column| {
        let cell = row.iter().find(|(name, _)| *name == column).unwrap_or_else(|| panic!("asked for {column}"));
        cell.1.map(str::as_bytes)
    })
}

fn pattern(template: &str, row: &[(&str, Option<&str>)]) -> Glob {
    let Expansion::Pattern(pieces) = expand(template, row) else { panic!("{template} has no gap") };
    Glob::new(pieces)
}

fn exact(text: &str) -> Expansion {
    Expansion::Exact(text.as_bytes().to_vec())
}

#[test]
fn the_usual_templates_spell_names() {
    assert_eq!(expand("{audio_filename}", &[("audio_filename", Some("a.m4a"))]), exact("a.m4a"));
    assert_eq!(expand("{id}{ext(name)}", &[("id", Some("7")), ("name", Some("My Voice.M4A"))]), exact("7.M4A"),);
    assert_eq!(expand("up/{stem(n)}.mp3", &[("n", Some("C:\\fakepath\\x.wav"))]), exact("up/x.mp3"));
    assert_eq!(expand("{basename(url)}", &[("url", Some("https://h/x/a%20b.m4a?sig=1/2#t"))]), exact("a b.m4a"),);
    assert_eq!(expand("{basename(p)}", &[("p", Some("/srv/uploads/a.m4a"))]), exact("a.m4a"));
}

#[test]
fn slashes_behind_the_last_component_do_not_hide_it() {
    for path in ["https://h/a/x.m4a/", "https://h/a/x.m4a//?q=1/", "s3://b/x.m4a/#t", "/srv/x.m4a//", "C:\\a\\x.m4a\\"]
    {
        assert_eq!(expand("{basename(p)}", &[("p", Some(path))]), exact("x.m4a"), "{path}");
        assert_eq!(expand("{id}{ext(p)}", &[("id", Some("7")), ("p", Some(path))]), exact("7.m4a"), "{path}");
    }
    assert_eq!(expand("{basename(p)}", &[("p", Some("//"))]), Expansion::Nameless);
}

#[test]
fn a_missing_part_widens_and_all_missing_claims_nothing() {
    assert_eq!(expand("{audio_filename}", &[("audio_filename", None)]), Expansion::Nameless);
    assert_eq!(expand("{audio_filename}", &[("audio_filename", Some(""))]), Expansion::Nameless);
    assert_eq!(expand("audio/{n}", &[("n", None)]), Expansion::Nameless);
    let glob = pattern("{id}{ext(n)}", &[("id", Some("7")), ("n", None)]);
    assert!(glob.matches(b"7.m4a") && glob.matches(b"7") && !glob.matches(b"77.m4a"));
    // The client's name had no extension; the application may well have given the file one.
    let glob = pattern("{id}{ext(n)}", &[("id", Some("7")), ("n", Some("Voice 3"))]);
    assert!(glob.matches(b"7.m4a") && glob.matches(b"7") && !glob.matches(b"77.m4a"));
    let glob = pattern("{id}.*", &[("id", Some("7"))]);
    assert!(glob.matches(b"7.m4a") && !glob.matches(b"77.m4a"));
}

#[test]
fn mistakes_are_named() {
    let message = |text| Template::parse(text).unwrap_err().to_string();
    assert_eq!(message("{id"), "the template '{id' has an unmatched brace");
    assert_eq!(message("id}"), "the template 'id}' has an unmatched brace");
    assert!(message("{upper(id)}").contains("use basename, stem or ext"));
    assert!(message("x.mp3").contains("names no column"));
    assert!(message("*{id}").contains("begins with '*'"));
}

#[test]
fn columns_are_listed_once() {
    let template = Template::parse("{id}/{id}{ext(n)}").unwrap();
    assert_eq!(template.columns(), ["id", "n"]);
    assert!(template.is_exact());
    assert!(!Template::parse("{id}.*").unwrap().is_exact());
}
