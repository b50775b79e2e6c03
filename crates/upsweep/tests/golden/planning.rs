//! `upsweep demo` and `upsweep plan`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Site;
use crate::tale::Tale;

/// Ten sessions with their files, and rules that reach everything a plan can tell of.
fn rich() -> Site {
    let site = Site::sqlite().acting("quarantine");
    let rules = r#"
exclude = "*.log"

[[claims]]
name = "sessions"
table = "sessions"
key = "{audio_filename}"
owner = "id"
status = "status"
since = "created_at"

[[claims]]
name = "exports"
table = "exports"
key = "{file}"
owner = "id"
expires = "expires_at"
"#;
    fs::write(site.dir.path().join("upsweep.toml"), rules).unwrap();
    site.database.exec("CREATE TABLE exports (id TEXT, file TEXT, expires_at TEXT)");
    let (long_ago, far_ahead) = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(960), "2099-01-01 00:00:00");
    let long_ago = long_ago.strftime("%Y-%m-%d %H:%M:%S");
    site.database.exec(&format!("INSERT INTO exports VALUES ('e-1', 'over.zip', '{long_ago}')"));
    site.database.exec(&format!("INSERT INTO exports VALUES ('e-2', 'still.zip', '{far_ahead}')"));
    site.database.exec("INSERT INTO sessions VALUES ('s-undated', 'failed', 'undated.m4a', 'some day')");
    for (id, status, name, days) in [
        ("s-old-1", "failed", "failed-old.m4a", 30),
        ("s-old-2", "failed", "failed-old.m4a", 20),
        ("s-new", "failed", "failed-new.m4a", 2),
        ("s-near", "processed", "Near.M4A", 30),
        ("s-lost", "processed", "first talk.m4a", 30),
        ("s-gone", "processed", "gone.m4a", 30),
        ("s-path", "processed", "../etc/passwd", 30),
    ] {
        site.session(id, status, Some(name), days);
    }
    for (name, hours) in [
        ("orphan.m4a", 200.25),
        ("orphan_processed.mp3", 200.25),
        ("failed-old.m4a", 720.25),
        ("over.zip", 960.25),
        ("still.zip", 960.25),
        ("failed-new.m4a", 48.25),
        ("near.m4a", 720.25),
        ("first-talk.wav", 720.25),
        ("undated.m4a", 720.25),
        ("young.m4a", 1.25),
        ("noted.log", 720.25),
        ("2019/deep.m4a", 720.25),
        ("2020/deep.m4a", 720.25),
    ] {
        site.file(name, hours);
    }
    let linked = site.file("linked.m4a", 72.25);
    fs::hard_link(linked, site.dir.path().join("another name.m4a")).unwrap();
    site
}

#[test]
fn everything_a_plan_can_tell() {
    Tale::new("plan/everything", rich())
        .upsweep(&["plan"])
        .upsweep(&["plan", "--csv"])
        .json("plan/everything", &["plan", "--json"], 0)
        .upsweep(&["plan", "--only", "expired,failed"])
        .upsweep(&["plan", "--limit", "1", "--no-audio"])
        .upsweep(&["run", "--only", "failed"])
        .upsweep(&["hold", "add", "linked.m4a", "--reason", "a complaint"])
        .upsweep(&["plan"])
        .meanwhile("a row claims failed-old.m4a again", |site| {
            site.session("s-back", "processed", Some("failed-old.m4a"), 0);
        })
        .upsweep(&["plan"])
        .end();
}

#[test]
fn nothing_to_do() {
    let site = Site::sqlite();
    site.live("a.m4a");
    Tale::new("plan/nothing", site)
        .upsweep(&["plan"])
        .upsweep(&["plan", "--detailed-exitcode"])
        .upsweep(&["plan", "--csv"])
        .json("plan/nothing", &["plan", "--json"], 0)
        .end();
}

#[test]
fn an_empty_directory() {
    Tale::new("plan/empty", Site::sqlite()).upsweep(&["plan"]).upsweep(&["run"]).upsweep(&["status"]).end();
}

#[test]
fn more_than_a_page() {
    let mut site = Site::sqlite().acting("quarantine");
    site.set("UPSWEEP_GUARD_FLOOR", "100");
    for n in 0..27 {
        site.file(format!("orphan-{n:02}.m4a"), 72.25);
    }
    Tale::new("plan/long", site).upsweep(&["plan"]).upsweep(&["plan", "--all"]).end();
}

#[test]
fn saved_and_applied() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    Tale::new("plan/saved", site)
        .upsweep(&["plan", "--out", "plan.json", "--detailed-exitcode"])
        .upsweep(&["apply", "plan.json"])
        .upsweep(&["apply", "plan.json"])
        .end();
}

/// Thirty files, and rows that name them otherwise.
fn unexplained() -> Site {
    let site = Site::sqlite();
    for n in 0..30 {
        site.session(&format!("s-{n:02}"), "processed", Some(&format!("talk {n}.m4a")), 30);
        site.file(format!("s-{n:02}.m4a"), 72.25);
    }
    site
}

#[test]
fn refused() {
    Tale::new("plan/refused", unexplained())
        .upsweep(&["plan"])
        .upsweep(&["plan", "--out", "plan.json"])
        .json("plan/refused", &["plan", "--json", "--no-audio", "--limit", "21"], 0)
        .upsweep(&["status"])
        .upsweep(&["run"])
        .json("run/refused", &["run", "--json"], 10)
        .upsweep(&["apply", "plan.json"])
        .upsweep(&["run", "--allow", "G001,G003", "--reason", "all of them are copies"])
        .upsweep(&["history"])
        .json("history/refused", &["history", "--json"], 0)
        .end();
}

#[test]
fn overruled() {
    let site = Site::sqlite().acting("quarantine");
    for n in 0..30 {
        site.file(format!("orphan-{n:02}.m4a"), 72.25);
    }
    let mut tale = Tale::new("plan/overruled", site);
    tale.upsweep(&["plan", "--out", "plan.json", "--prefix", "orphan"]).upsweep(&["plan", "--prefix", "orphan"]);
    tale.json("plan/overruled", &["plan", "--json", "--no-audio", "--limit", "21"], 0);
    tale.upsweep(&["run", "--prefix", "orphan"]);
    let said = tale.said(&["apply", "plan.json"]);
    // What it prints for that case works as it is printed.
    let command = said.out.split("If these files may really go: ").nth(1).unwrap().lines().next().unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).map(|word| word.trim_matches('"')).collect();
    tale.upsweep(&words).upsweep(&["history"]).end();
}

#[test]
fn an_incomplete_survey() {
    let mut site = Site::sqlite().acting("quarantine");
    site.set("UPSWEEP_RECURSIVE", "true");
    site.file("orphan.m4a", 72.25);
    site.file("2019/deep.m4a", 72.25);
    fs::set_permissions(site.uploads.join("2019"), fs::Permissions::from_mode(0o000)).unwrap();
    Tale::new("plan/incomplete", site)
        .as_nobody()
        .upsweep(&["plan"])
        .json("plan/incomplete", &["plan", "--json"], 3)
        .upsweep(&["run"])
        .upsweep(&["status"])
        .upsweep(&["explain", "orphan.m4a"])
        .end();
}

#[test]
fn a_database_that_is_busy() {
    let site = Site::sqlite().acting("quarantine");
    let locked = rusqlite::Connection::open(site.dir.path().join("app.db")).unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    Tale::new("plan/busy", site).upsweep(&["plan"]).end();
}

#[test]
fn each_action() {
    let mut site = Site::sqlite().archiving("quarantine");
    site.file("orphan.m4a", 72.25);
    let mut tale = Tale::new("plan/actions", {
        site.set("UPSWEEP_QUARANTINE_DAYS", "1");
        site
    });
    // What is deleted at once must not have come here lately, however old it says it is.
    tale.upsweep(&["plan", "--set", "action=delete"]).after_days(3);
    for (action, backup) in [("quarantine", "false"), ("archive", "false"), ("delete", "false"), ("delete", "true")] {
        let (action, backup) = (format!("action={action}"), format!("backup_before_cleanup={backup}"));
        tale.upsweep(&["plan", "--set", &action, "--set", &backup]);
    }
    tale.upsweep(&["run", "--dry-run", "--only", "orphans"]).end();
}

#[test]
fn the_example() {
    let site = Site::sqlite();
    let dir = site.dir.path().join("example");
    let dir = dir.to_str().unwrap();
    let mut tale = Tale::new("demo/example", site);
    tale.upsweep(&["demo", "--dir", dir]);
    // Each command that it prints works as it is printed.
    for command in
        ["plan --out example/plan.json", "apply example/plan.json", "status", "restore --all", "run", "history"]
    {
        let config = format!("{dir}/upsweep.toml");
        let words: Vec<&str> = ["--config", &config].into_iter().chain(command.split(' ')).collect();
        tale.upsweep(&words);
    }
    tale.upsweep(&["demo", "--dir", dir]).end();
}
