//! `upsweep status`, `history` and `doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Site;
use crate::tale::Tale;

#[test]
fn before_the_first_run() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    Tale::new("status/unbound", site)
        .upsweep(&["status"])
        .upsweep(&["status", "--hidden"])
        .json("status/unbound", &["status", "--json"], 0)
        .upsweep(&["history"])
        .json("history/none", &["history", "--json"], 0)
        .upsweep(&["hold", "list"])
        .upsweep(&["restore", "--all"])
        .upsweep(&["purge"])
        .upsweep(&["recover"])
        .upsweep(&["audit", "verify"])
        .upsweep(&["hold", "add", "orphan.m4a", "--reason", "x"])
        .upsweep(&["explain", "orphan.m4a"])
        .end();
}

#[test]
fn with_hidden_files() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    site.session("s-old", "failed", Some("failed.m4a"), 30);
    site.file("failed.m4a", 720.25);
    site.session("s-gone", "processed", Some("gone.m4a"), 30);
    Tale::new("status/hidden", site)
        .upsweep(&["run"])
        .upsweep(&["status"])
        .upsweep(&["status", "--hidden"])
        .json("status/hidden", &["status", "--json", "--hidden"], 0)
        .upsweep(&["history", "--limit", "1"])
        .json("history/one", &["history", "--json"], 0)
        .end();
}

#[test]
fn without_its_database() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    Tale::new("status/no-database", site)
        .upsweep(&["run"])
        .meanwhile("the database is gone", |site| fs::remove_file(site.dir.path().join("app.db")).unwrap())
        .upsweep(&["status"])
        .json("status/no-database", &["status", "--json"], 1)
        .upsweep(&["plan"])
        .upsweep(&["run"])
        .upsweep(&["restore", "orphan.m4a"])
        .end();
}

#[test]
fn without_its_disk() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    Tale::new("status/no-disk", site)
        .upsweep(&["run"])
        .meanwhile("the disk is not mounted: the directory is empty", |site| {
            fs::rename(&site.uploads, site.dir.path().join("uploads/away")).unwrap();
            fs::create_dir(&site.uploads).unwrap();
        })
        .upsweep(&["status"])
        .upsweep(&["run"])
        .upsweep(&["plan"])
        .upsweep(&["history"])
        .meanwhile("the directory itself is missing", |site| fs::remove_dir(&site.uploads).unwrap())
        .upsweep(&["run"])
        .upsweep(&["doctor"])
        .end();
}

#[test]
fn a_good_site() {
    let site = Site::sqlite().acting("quarantine");
    site.file("orphan.m4a", 72.25);
    Tale::new("doctor/good", site)
        .upsweep(&["doctor"])
        .upsweep(&["run"])
        .upsweep(&["doctor"])
        .json("doctor/good", &["doctor", "--json"], 0)
        .end();
}

#[test]
fn a_bad_site() {
    let mut site = Site::sqlite().acting("quarantine");
    site.set("UPSWEEP_DATABASE_BACKUP_DAYS", "30").set("UPSWEEP_MAX_SHARE", "1");
    let file = site.dir.path().join("upsweep.toml");
    fs::write(&file, "[[claims]]\nname = \"calls\"\ntable = \"calls\"\nkey = \"{x}\"\n\n[[databases]]\nname = \"b\"\nurl = \"postgresql://u:secret@localhost:1/b\"\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    Tale::new("doctor/bad", site)
        .upsweep(&["doctor"])
        .json("doctor/bad", &["doctor", "--json"], 1)
        .meanwhile("there is no upload directory", |site| fs::remove_dir_all(&site.uploads).unwrap())
        .upsweep(&["doctor"])
        .end();
}
