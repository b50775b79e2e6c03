//! `upsweep config`.

use std::fs;

use crate::support::Site;
use crate::tale::Tale;

/// A site whose settings name no place of this machine, so that the table's columns are the same everywhere.
fn relative() -> Site {
    let mut site = Site::sqlite();
    site.set("DATABASE_URL", "postgresql://app:secret@db.example:5432/app");
    site.set("UPLOAD_DIR", "uploads/audio").set("UPSWEEP_STATE_DIR", "state");
    site
}

#[test]
fn every_setting() {
    let mut tale = Tale::new("config/show", relative());
    tale.upsweep(&["config", "show"])
        .upsweep(&["config", "show", "--set", "action=archive", "--set", "archive_url=backup"])
        .json("config/show", &["config", "show", "--json"], 0)
        .end();
    Tale::new("config/table", relative()).upsweep(&["config", "table"]).end();
}

#[test]
fn checked() {
    let site = Site::sqlite();
    site.live("a.m4a");
    Tale::new("config/good", site)
        .upsweep(&["config", "check"])
        .upsweep(&["config", "check", "--offline"])
        .json("config/good", &["config", "check", "--json"], 0)
        .end();
}

#[test]
fn mistakes() {
    let mut site = Site::sqlite();
    let text = "quarantine_day = 3\nmax_share = 7\nrecursive = \"perhaps\"\n\n[[claims]]\nname = \"a\"\nkey = \"{x}\"\n\n[[claims]]\nname = \"b\"\ntable = \"t\"\nkey = \"{x\"\n\n[[databases]]\nname = \"billing\"\n";
    fs::write(site.dir.path().join("upsweep.toml"), text).unwrap();
    fs::write(site.dir.path().join(".env"), "UPSWEEP_GUARD_FLOR=1\nnot a line\n").unwrap();
    site.set("ORPHANED_FILE_RETENTION_HOURS", "0").set("UPSWEEP_LOG_LEVEL", "loud").set("UPSWEEP_DB_TIMEZONE", "Mars");
    Tale::new("config/mistakes", site)
        .upsweep(&["config", "check"])
        .json("config/mistakes", &["config", "check", "--json"], 1)
        .upsweep(&["plan"])
        .upsweep(&["config", "show"])
        .end();
}

#[test]
fn unusual_values() {
    let mut site = Site::sqlite();
    site.live("a.m4a");
    site.set("ORPHANED_FILE_RETENTION_HOURS", "1").set("UPSWEEP_QUARANTINE_DAYS", "1").set("UPSWEEP_MAX_SHARE", "1");
    Tale::new("config/unusual", site).upsweep(&["config", "check"]).upsweep(&["plan"]).end();
}
