//! `upsweep config`: what is checked, and how mistakes are told.
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs;

use support::Site;

fn toml(site: &Site, text: &str) {
    fs::write(site.dir.path().join("upsweep.toml"), text).unwrap();
}

#[test]
fn a_configuration_without_mistakes_is_fine() {
    let site = Site::sqlite();
    let said = site.upsweep(&["config", "check"]).expect(0);
    said.has("The configuration is fine.");
    said.has("claim rule 'sessions' finds its columns");
    said.has(site.uploads.to_str().unwrap());
    assert!(!site.uploads.join(".upsweep").exists(), "nothing is written");
}

#[test]
fn every_mistake_of_every_layer_is_named() {
    let mut site = Site::sqlite();
    toml(
        &site,
        "quarantine_day = 3\nmax_share = 7\nrecursive = \"perhaps\"\n\n[[claims]]\nname = \"a\"\nkey = \"{x}\"\n\n[[claims]]\nname = \"b\"\ntable = \"t\"\nkey = \"{x\"\n\n[[databases]]\nname = \"billing\"\n",
    );
    fs::write(site.dir.path().join(".env"), "UPSWEEP_GUARD_FLOR=1\nnot a line\n").unwrap();
    site.set("ORPHANED_FILE_RETENTION_HOURS", "0").set("UPSWEEP_LOG_LEVEL", "loud").set("UPSWEEP_DB_TIMEZONE", "Mars");
    let said = site.upsweep(&["config", "check", "--set", "max_byte=1"]).expect(1);
    for mistake in [
        "'quarantine_day' (upsweep.toml) is no setting of upsweep; did you mean quarantine_days?",
        "max_share = '7' must be between 0 and 1",
        "recursive = 'perhaps' must be true or false",
        "claim rule 'a': give either table or query",
        "claim rule 'b': ",
        "the database 'billing' needs either url or url_env",
        "did you mean UPSWEEP_GUARD_FLOOR?",
        "orphaned_file_retention_hours = '0' must be a whole number from 1 to",
        "log_level = 'loud' must be off, error, warn, info, debug, trace",
        "db_timezone = 'Mars' is no time zone",
        "'max_byte' (the command line)",
        "11 mistakes in the configuration.",
        "warning: .env: line 2 is no NAME=value",
    ] {
        said.has(mistake);
    }
    // Any other command stops at the first and says where to see the others.
    site.upsweep(&["plan"]).expect(1).has("more: upsweep config check");
    let json = site.upsweep(&["config", "check", "--json"]).expect(1).json();
    assert_eq!(json["problems"].as_array().unwrap().len(), 10, "{json}");
}

#[test]
fn what_the_rules_read_is_looked_for_unless_offline() {
    for site in [Some(Site::sqlite()), Site::postgres(), Site::mariadb()].into_iter().flatten() {
        toml(
            &site,
            "[[claims]]\nname = \"good\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\n\n[[claims]]\nname = \"column\"\ntable = \"sessions\"\nkey = \"{audio_file}\"\n\n[[claims]]\nname = \"table\"\ntable = \"session\"\nkey = \"{x}\"\n\n[[claims]]\nname = \"query\"\nquery = \"SELECT audio_filename FROM sessions LIMIT 3\"\nkey = \"{audio_filename}\"\n",
        );
        let said = site.upsweep(&["config", "check"]).expect(1);
        said.has("claim rule 'good' finds its columns");
        said.has("did you mean audio_filename?");
        said.has("claim rule 'table': ");
        said.has("claim rule 'query': ");
        said.has("3 mistakes");
        site.upsweep(&["config", "check", "--offline"]).expect(0).has("were not looked at");
    }
}

#[test]
fn what_cannot_be_reached_is_named_too() {
    let mut site = Site::sqlite();
    fs::remove_dir_all(&site.uploads).unwrap();
    let gone = format!("sqlite:///{}", site.dir.path().join("gone.db").display());
    site.set("DATABASE_URL", &gone);
    let said = site.upsweep(&["config", "check"]).expect(1);
    said.has("gone.db");
    said.has("does not exist");
    said.has("2 mistakes");
    site.env.remove("DATABASE_URL");
    site.upsweep(&["config", "check"]).expect(1).has("no database is configured");
}

#[test]
fn an_archive_that_is_not_there_is_a_mistake() {
    let mut site = Site::sqlite();
    let backup = site.backup();
    site.set("UPSWEEP_ARCHIVE_URL", backup.to_str().unwrap());
    site.upsweep(&["config", "check"]).expect(1).has("mount its disk, or make the directory");
    site.upsweep(&["config", "check", "--offline"]).expect(0);
    fs::write(&backup, "").unwrap();
    site.upsweep(&["config", "check"]).expect(1).has("is no directory");
    fs::remove_file(&backup).unwrap();
    fs::create_dir(&backup).unwrap();
    site.upsweep(&["config", "check"]).expect(0).has(&format!("archive {}: found", backup.display()));
}

#[test]
fn a_database_url_in_the_wrong_place_is_a_mistake_that_is_not_repeated() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_SESSIONS_TABLE", "mysql://app:hunter2@db/app");
    let said = site.upsweep(&["config", "check", "--offline"]).expect(1);
    said.has("sessions_table (UPSWEEP_SESSIONS_TABLE in the environment) holds the URL of a database");
    assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{said:?}");
}

#[test]
fn one_database_under_two_names_is_found() {
    let site = Site::sqlite();
    std::os::unix::fs::symlink("app.db", site.dir.path().join("same.db")).unwrap();
    toml(
        &site,
        "[[databases]]\nname = \"b\"\nurl = \"sqlite:///./same.db\"\n\n[[claims]]\nname = \"s\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\n\n[[claims]]\nname = \"t\"\ndatabase = \"b\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\n",
    );
    site.upsweep(&["config", "check"]).expect(1).has("the databases 'main' and 'b' are one and the same");
}

#[test]
fn a_role_that_could_write_is_worth_a_warning() {
    let Some(site) = Site::postgres() else { return };
    site.upsweep(&["config", "check"]).expect(0).has("warning: the role of the database 'main' could change");
}

#[test]
fn relative_paths_of_the_file_start_from_the_current_directory() {
    let mut site = Site::sqlite();
    site.env.remove("UPLOAD_DIR");
    site.env.remove("DATABASE_URL");
    let elsewhere = site.dir.path().join("etc");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("x.toml"), "upload_dir = \"uploads/audio\"\ndatabase_url = \"sqlite:app.db\"\n").unwrap();
    let said = site.upsweep(&["config", "check", "--config", "etc/x.toml"]).expect(0);
    said.has(&format!("upload directory {}: found", site.uploads.canonicalize().unwrap().display()));
}

#[test]
fn it_is_shown_how_long_data_outlives_its_purpose() {
    let mut site = Site::sqlite();
    site.set("ORPHANED_FILE_RETENTION_HOURS", "36").set("UPSWEEP_QUARANTINE_DAYS", "10");
    let shown = site.upsweep(&["config", "show", "--json"]).expect(0).json();
    let of = |key: &str| {
        let found = shown.as_array().unwrap().iter().find(|line| line["key"] == key).unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("outlives_purpose.orphan"), "276 h");
    assert_eq!(of("outlives_purpose.failed_session"), "408 h (17 d)");
    site.upsweep(&["config", "show"]).expect(0).has("outlives_purpose.orphan");
}

#[test]
fn pages_and_completions_need_no_configuration() {
    let mut site = Site::sqlite();
    site.set("UPSWEEP_QUARANTINE_DAYS", "never");
    site.upsweep(&["man"]).expect(0).has(".TH upsweep 1");
    site.upsweep(&["man", "--out", "share/man1"]).expect(0).has("pages to share/man1");
    assert!(site.dir.path().join("share/man1/upsweep-config-check.1").is_file());
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef upsweep"), ("fish", "complete -c upsweep")] {
        site.upsweep(&["completions", shell]).expect(0).has(word);
    }
    site.upsweep(&["completions", "cmd.exe"]).expect(64);
}
