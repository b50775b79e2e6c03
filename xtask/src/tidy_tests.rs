use super::*;

fn lines(count: usize) -> String {
    "x\n".repeat(count)
}

#[test]
fn a_rust_file_has_four_hundred_lines_at_most() {
    assert_eq!(complaints_about("a.rs", &lines(400), &[]), [""; 0]);
    assert_eq!(complaints_about("a.md", &lines(401), &[]), [""; 0]);
    let complaints = complaints_about("crates/a/src/a.rs", &lines(401), &[]);
    assert_eq!(complaints, ["crates/a/src/a.rs: 401 lines; split it at a seam (the limit is 400)"]);
}

#[test]
fn a_listed_file_may_be_long_and_must_be() {
    let list = [("a.rs", "a table")];
    assert_eq!(complaints_about("a.rs", &lines(401), &list), [""; 0]);
    assert_eq!(
        complaints_about("a.rs", &lines(400), &list),
        ["a.rs: listed as long, but has only 400 lines; take it off the list"]
    );
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    assert!(has_workspace_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n"));
    assert!(!has_workspace_lints("[package]\nname = \"a\"\n"));
    assert!(!has_workspace_lints("[lints]\n[dependencies]\nworkspace = true\n"));
    let complaints = complaints_about("crates/a/Cargo.toml", "[package]\n", &[]);
    assert_eq!(complaints, ["crates/a/Cargo.toml: add `[lints]` with `workspace = true`"]);
    // The workspace's own manifest is no crate.
    assert_eq!(complaints_about("Cargo.toml", "[workspace]\n", &[]), [""; 0]);
}

#[test]
fn unfinished_work_is_found_with_its_line() {
    let text = format!("fn a() {{\n    {}()\n}}\n// {} later\n", UNFINISHED[1], UNFINISHED[0]);
    let complaints = complaints_about("a.rs", &text, &[]);
    assert_eq!(
        complaints,
        [
            format!("a.rs:2: finish it, or open an issue: {}", UNFINISHED[1]),
            format!("a.rs:4: finish it, or open an issue: {}", UNFINISHED[0]),
        ]
    );
    assert_eq!(complaints_about("CONTRIBUTING.md", &text, &[]), [""; 0]);
}

#[test]
fn paths_of_somebodys_machine_are_found_in_any_text() {
    let home = PRIVATE_PATHS[0];
    for line in [format!("see {home}anna/a"), format!("\"{home}anna\""), format!("{home}anna"), format!("a={home}b")] {
        assert_eq!(complaints_about("a.md", &line, &[]).len(), 1, "{line}");
    }
    for line in [format!("https://example.org{home}page"), format!("/srv{home}b"), format!("$dir{home}b")] {
        assert_eq!(complaints_about("a.md", &line, &[]), [""; 0], "{line}");
    }
}
