//! The command line itself: help, mistakes, pages and completions, colours.

use std::fs;

use crate::support::Site;
use crate::tale::Tale;

/// Every command, as a user names it.
const COMMANDS: [&str; 28] = [
    "",
    "demo",
    "plan",
    "apply",
    "run",
    "status",
    "explain",
    "restore",
    "purge",
    "recover",
    "rebind",
    "adopt",
    "doctor",
    "history",
    "hold",
    "hold add",
    "hold list",
    "hold release",
    "audit",
    "audit export",
    "audit checkpoint",
    "audit verify",
    "token",
    "config",
    "config show",
    "config check",
    "config table",
    "completions",
];

#[test]
fn help_of_every_command() {
    let mut tale = Tale::new("help/every-command", Site::sqlite());
    for command in COMMANDS.into_iter().chain(["man"]) {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        tale.upsweep(&words);
    }
    tale.upsweep(&["--version"]).end();
}

#[test]
fn mistakes_on_the_command_line() {
    let site = Site::sqlite();
    site.live("a.m4a");
    let mut tale = Tale::new("errors/command-line", site);
    for line in [
        "",
        "pln",
        "plan --jsn",
        "plan --json --csv",
        "run --allow G001",
        "run --reason x",
        "run --allow G011 --reason x",
        "run --allow G002 --reason x",
        "run --only orphan",
        "plan --modified-after noon",
        "plan --min-size big",
        "plan --limit -1",
        "restore",
        "restore --all --run x",
        "rebind",
        "hold release x --reason y",
        "history --limit 0",
        "completions cmd.exe",
        "plan --set quarantine_day=3",
        "plan --set quarantine_days",
        "plan --set quarantine_days=never",
        "plan --config gone.toml",
        "plan --upload-dir gone",
        "plan --database-url sqlite:gone.db",
        "plan --database-url oracle://x",
        "plan --set sessions_table=session",
        "restore --run x --set action=quarantine",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        tale.upsweep(&words);
    }
    tale.upsweep(&["run", "--allow", "G001", "--reason", " "]).end();
}

#[test]
fn pages_and_completions() {
    let mut tale = Tale::new("man/pages", Site::sqlite());
    tale.upsweep(&["man", "--out", "man1"]);
    let folder = tale.site.dir.path().join("man1");
    let mut pages: Vec<String> =
        fs::read_dir(folder).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    tale.keep("man/names.txt", &(pages.join("\n") + "\n"));
    // Of the script only what it completes: its form is that of another project.
    let script = tale.site.upsweep(&["completions", "bash"]).expect(0).out;
    let words: Vec<&str> = script.lines().map(str::trim).filter(|line| line.starts_with("opts=")).collect();
    tale.keep("completions/bash.txt", &(words.join("\n") + "\n"));
    tale.end();
}

#[test]
fn with_colours() {
    let mut site = Site::sqlite();
    for n in 0..30 {
        site.file(format!("orphan-{n:02}.m4a"), 72.25);
    }
    site.set("CLICOLOR_FORCE", "1").set("TERM", "xterm-256color");
    let mut tale = Tale::new("colours/forced", site);
    tale.upsweep(&["run"]).upsweep(&["doctor", "--set", "max_share=1"]).upsweep(&["apply", "gone.json"]);
    tale.site.set("NO_COLOR", "1");
    tale.upsweep(&["run"]);
    tale.site.env.remove("CLICOLOR_FORCE");
    tale.upsweep(&["run"]).end();
}
