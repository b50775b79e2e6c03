//! `upsweep hold` and `upsweep audit`.

use std::fs;

use crate::support::Site;
use crate::tale::Tale;

#[test]
fn holds() {
    let site = Site::sqlite().acting("quarantine");
    for name in ["a.m4a", "b.m4a", "2026-c.m4a"] {
        site.file(name, 72.25);
    }
    Tale::new("hold/life", site)
        .upsweep(&["run", "--prefix", "b"])
        .upsweep(&["hold", "list"])
        .json("hold/none", &["hold", "list", "--json"], 0)
        .upsweep(&["hold", "add", "a.m4a", "--reason", "a complaint"])
        .upsweep(&[
            "hold",
            "add",
            "--prefix",
            "2026-",
            "--session",
            "of live-1.m4a",
            "--until",
            "2d",
            "--reason",
            "the audit",
        ])
        .json("hold/added", &["hold", "add", "b.m4a", "--until", "12h", "--reason", "a question", "--json"], 0)
        .upsweep(&["hold", "list"])
        .json("hold/list", &["hold", "list", "--json"], 0)
        .upsweep(&["plan"])
        .upsweep(&["status"])
        .upsweep(&["hold", "release", "1", "7", "--reason", "it is settled"])
        .upsweep(&["hold", "release", "1", "--reason", "it is settled"])
        .upsweep(&["hold", "add", "a.m4a", "--reason", " "])
        .upsweep(&["hold", "add", "a.m4a", "--until", "yesterday", "--reason", "x"])
        .upsweep(&["hold", "add", "a.m4a", "--until", "2020-01-01", "--reason", "x"])
        .upsweep(&["hold", "add", "--reason", "x"])
        .upsweep(&["hold", "add", "/etc/passwd", "--reason", "x"])
        .after_days(3)
        .upsweep(&["hold", "list"])
        .upsweep(&["run"])
        .end();
}

#[test]
fn the_audit_trail() {
    let site = Site::sqlite().acting("quarantine");
    site.file("a.m4a", 72.25);
    Tale::new("audit/trail", site)
        .upsweep(&["run"])
        .upsweep(&["audit", "checkpoint"])
        .upsweep(&["audit", "checkpoint", "--out", "kept.json"])
        .upsweep(&["hold", "add", "live-1.m4a", "--reason", "a complaint"])
        .upsweep(&["audit", "verify"])
        .upsweep(&["audit", "verify", "--checkpoint", "kept.json"])
        .upsweep(&["audit", "export", "--format", "csv"])
        .upsweep(&["audit", "export"])
        .upsweep(&["audit", "export", "--out", "trail.jsonl"])
        .upsweep(&["audit", "verify", "trail.jsonl"])
        .upsweep(&["audit", "verify", "trail.jsonl", "--checkpoint", "kept.json"])
        .meanwhile("somebody alters the export", |site| {
            let path = site.dir.path().join("trail.jsonl");
            fs::write(&path, fs::read_to_string(&path).unwrap().replace("a complaint", "a mistake")).unwrap();
        })
        .upsweep(&["audit", "verify", "trail.jsonl"])
        .upsweep(&["audit", "verify", "nothing.jsonl"])
        .upsweep(&["audit", "export", "--since", "tomorrow"])
        .upsweep(&["audit", "verify", "--checkpoint", "upsweep.toml"])
        .end();
}
