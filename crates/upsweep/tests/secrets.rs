//! A password is in nothing that the program says, logs or keeps, wherever it came from.
#![allow(clippy::disallowed_methods, reason = "a person moves files by hand")]

mod support;

use std::fs;
use std::path::Path;

use support::{Database, Said, Site, said};

const SECRET: &str = "hunter2";
/// Nobody listens there.
const DEAD: &str = "postgresql://app:hunter2@127.0.0.1:1/app";

/// Commands that read the configuration, as people and scripts give them.
const COMMANDS: [&[&str]; 19] = [
    &["plan"],
    &["plan", "--json"],
    &["plan", "--csv"],
    &["run"],
    &["run", "--json"],
    &["status"],
    &["status", "--json"],
    &["explain", "live-0.m4a"],
    &["restore", "--all"],
    &["restore", "--claimed"],
    &["purge"],
    &["recover"],
    &["rebind", "--reason", "x"],
    &["doctor"],
    &["doctor", "--json"],
    &["history", "--json"],
    &["audit", "export"],
    &["config", "show"],
    &["config", "check", "--json"],
];

#[track_caller]
fn keeps_quiet(said: &Said) {
    for text in [&said.out, &said.err] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

/// Nothing below the folder holds the password.
fn holds_none(folder: &Path) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            holds_none(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

/// The URL of a role that has a password.
fn with_password(site: &Site) -> String {
    let user = format!("reader:{SECRET}");
    match &site.database {
        Database::Postgres(server) => {
            server.exec("app", "CREATE ROLE reader LOGIN PASSWORD 'hunter2'; GRANT SELECT ON sessions TO reader");
            server.url(&user, "app")
        }
        Database::MariaDb(server) => {
            server.exec("app", "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'hunter2'");
            server.exec("app", "GRANT SELECT ON app.* TO reader@'127.0.0.1'");
            server.url(&user, "app")
        }
        Database::Sqlite(_) => unreachable!("a file has no password"),
    }
}

fn loud(site: &mut Site) {
    site.set("UPSWEEP_LOG_LEVEL", "trace").set("JSON_LOGS", "true").set("UPSWEEP_LOG_FILE_NAMES", "true");
}

#[test]
fn a_server_that_answers_is_not_told_of_in_full() {
    let servers = [Site::postgres(), Site::mariadb()];
    for mut site in servers.into_iter().flatten() {
        for n in 0..5 {
            site.live(&format!("live-{n}.m4a"));
        }
        site.file("orphan.m4a", 48.0);
        let url = with_password(&site);
        site.set("DATABASE_URL", &url);
        loud(&mut site);
        for command in COMMANDS {
            keeps_quiet(&site.upsweep(command));
        }
        assert!(site.upsweep(&["history"]).expect(0).out.contains("done"), "the runs did their work");
        holds_none(&site.uploads);
        holds_none(&site.dir.path().join("state"));
    }
}

#[test]
fn an_error_does_not_repeat_it_wherever_it_was_given() {
    let unreachable = |prepare: &dyn Fn(&mut Site), flags: &[&str]| {
        let mut site = Site::sqlite();
        site.live("live-0.m4a");
        loud(&mut site);
        prepare(&mut site);
        for command in COMMANDS {
            keeps_quiet(&site.upsweep(&[flags, command].concat()));
        }
    };
    let toml = |site: &Site, text: &str| fs::write(site.dir.path().join("upsweep.toml"), text).unwrap();
    unreachable(
        &|site| {
            site.set("DATABASE_URL", DEAD);
        },
        &[],
    );
    unreachable(&|_| {}, &["--database-url", DEAD]);
    let set = format!("database_url={DEAD}");
    unreachable(&|_| {}, &["--set", &set]);
    unreachable(
        &|site| {
            site.env.remove("DATABASE_URL");
            fs::write(site.dir.path().join(".env"), format!("DATABASE_URL={DEAD}\n")).unwrap();
        },
        &[],
    );
    unreachable(&|site| toml(site, &format!("[[databases]]\nname = \"b\"\nurl = \"{DEAD}\"\n")), &[]);
    unreachable(
        &|site| {
            toml(
                site,
                "[[databases]]\nname = \"b\"\nurl_env = \"BILLING\"\n[[claims]]\nname = \"r\"\ndatabase = \"b\"\ntable = \"t\"\nkey = \"{f}\"\n",
            );
            site.set("BILLING", DEAD);
        },
        &[],
    );
    // In the wrong place, or without its quotes: the error would quote it.
    for name in [
        "UPLOAD_DIR",
        "UPSWEEP_LEDGER_URL",
        "UPSWEEP_ARCHIVE_URL",
        "UPSWEEP_QUARANTINE_DIR",
        "UPSWEEP_STATE_DIR",
        "UPSWEEP_MAX_BYTES",
        "UPSWEEP_SESSIONS_TABLE",
        "UPSWEEP_DB_TIMEZONE",
        "UPSWEEP_CONFIG",
    ] {
        unreachable(
            &|site| {
                site.set(name, DEAD);
            },
            &[],
        );
    }
    unreachable(&|site| toml(site, &format!("database_url = {DEAD}\n")), &[]);
    unreachable(&|_| {}, &["--set", DEAD]);
    unreachable(
        &|site| {
            site.set("DATABASE_URL", "postgresql://app:hunter2 @127.0.0.1:x/app");
        },
        &[],
    );
}

#[test]
fn a_command_to_type_next_does_not_repeat_it() {
    let Some(site) = Site::postgres() else { return };
    site.live("live.m4a");
    site.file("orphan.m4a", 48.0);
    let mut command = site.command(&["--database-url", &with_password(&site), "plan"]);
    command.env_remove("DATABASE_URL");
    let said = said(command).expect(0);
    keeps_quiet(&said);
    said.has("Next: ");
    said.has(":***@");
}
