use std::collections::BTreeSet;

use super::*;

fn names(tools: &[&Tool]) -> Vec<&'static str> {
    tools.iter().map(|tool| tool.name).collect()
}

/// Directories that hold empty files of these names.
fn dirs_with(programs: &[&[&str]]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let root = tempfile::tempdir().unwrap();
    let mut dirs = vec![root.path().join("does-not-exist")];
    for (number, programs) in programs.iter().enumerate() {
        let dir = root.path().join(number.to_string());
        fs::create_dir(&dir).unwrap();
        for program in *programs {
            fs::write(dir.join(program), "").unwrap();
        }
        dirs.push(dir);
    }
    (root, dirs)
}

#[test]
fn an_empty_machine_lacks_every_tool() {
    assert_eq!(missing(TEST_TOOLS, &[]).len(), TEST_TOOLS.len());
}

#[test]
fn programs_may_lie_in_different_directories() {
    let all: Vec<&str> = TEST_TOOLS.iter().flat_map(|tool| tool.programs).copied().collect();
    let (first, second) = all.split_at(3);
    let (_root, dirs) = dirs_with(&[first, second]);
    assert_eq!(names(&missing(TEST_TOOLS, &dirs)), [""; 0]);
}

#[test]
fn a_tool_with_half_its_programs_is_missing() {
    // A client alone, without the server, as `postgresql-client` installs it.
    let (_root, dirs) = dirs_with(&[&["pg_ctl", "mariadbd", "mariadb-install-db", "cargo-nextest", "cargo-deny"]]);
    assert_eq!(names(&missing(TEST_TOOLS, &dirs)), ["PostgreSQL"]);
}

#[test]
fn a_directory_is_not_a_program() {
    let (root, dirs) = dirs_with(&[&[]]);
    fs::create_dir(root.path().join("0/cargo-nextest")).unwrap();
    assert!(names(&missing(TEST_TOOLS, &dirs)).contains(&"cargo-nextest"));
}

#[test]
fn the_table_is_complete_and_names_each_tool_once() {
    let mut seen = BTreeSet::new();
    for tool in TEST_TOOLS {
        assert!(seen.insert(tool.name), "{} is listed twice", tool.name);
        assert!(!tool.why.is_empty() && !tool.programs.is_empty(), "{} lacks something", tool.name);
    }
}

#[test]
fn advice_says_what_for_and_what_to_type() {
    let text = advice(&missing(TEST_TOOLS, &[]));
    assert!(text.contains("PostgreSQL: tests read claims from a real server"), "{text}");
    assert!(text.contains("on Debian: apt-get install mariadb-server"), "{text}");
    assert!(text.contains("anywhere: cargo install --locked --version 0.9.143 cargo-nextest"), "{text}");
}
