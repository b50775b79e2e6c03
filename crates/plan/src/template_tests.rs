use super::*;

fn expand(template: &str, row: &[(&str, Option<&str>)]) -> Expansion {
    Template::parse(template).unwrap().expand(|column| {
        let cell = row.iter().find(|(name, _)| *name == column).unwrap_or_else(|| panic!("asked for {column}"));
        cell.1.map(str::as_bytes)
    })
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
fn a_missing_part_widens_and_all_missing_claims_nothing() {
    assert_eq!(expand("{audio_filename}", &[("audio_filename", None)]), Expansion::Nameless);
    assert_eq!(expand("{audio_filename}", &[("audio_filename", Some(""))]), Expansion::Nameless);
    assert_eq!(expand("audio/{n}", &[("n", None)]), Expansion::Nameless);
    let Expansion::Pattern(glob) = expand("{id}{ext(n)}", &[("id", Some("7")), ("n", None)]) else { panic!() };
    assert!(glob.matches(b"7.m4a") && glob.matches(b"7") && !glob.matches(b"77.m4a"));
    // The client's name had no extension; the application may well have given the file one.
    let Expansion::Pattern(glob) = expand("{id}{ext(n)}", &[("id", Some("7")), ("n", Some("Voice 3"))]) else {
        panic!()
    };
    assert!(glob.matches(b"7.m4a") && glob.matches(b"7") && !glob.matches(b"77.m4a"));
    assert_eq!(expand("{basename(url)}", &[("url", Some("https://h/"))]), Expansion::Nameless);
    let Expansion::Pattern(glob) = expand("{id}.*", &[("id", Some("7"))]) else { panic!() };
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
    assert_eq!(template.columns().collect::<Vec<_>>(), ["id", "n"]);
    assert!(template.is_exact());
    assert!(!Template::parse("{id}.*").unwrap().is_exact());
}
