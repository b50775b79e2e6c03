//! An auditor's walk: what was done on a real site, told in records, and every way to lie about it.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "whoever tampers writes where they please")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use support::{BINARY, Said, Site, said};

/// A site with a past: a run with an approval, a restore, a hold that was released, and a purge.
fn site() -> Site {
    let site = Site::sqlite();
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    for name in ["a.m4a", "b.m4a", "=1+1\n.m4a"] {
        site.file(name, 72.0);
    }
    site.upsweep(&["run", "--allow", "G003", "--reason", "the house moved"]).expect(0).has("Hid 3 files");
    site.upsweep(&["restore", "a.m4a"]).expect(0);
    site.upsweep(&["hold", "add", "--session", "=cmd", "--reason=-2+3"]).expect(0);
    site.upsweep(&["hold", "release", "1", "--reason", "not needed"]).expect(0);
    site.upsweep_after_days(8, &["purge"]).expect(0).has("Freed 2 hidden files");
    site
}

/// A site, its export, and a checkpoint that was kept elsewhere.
struct Walk {
    site: Site,
    file: PathBuf,
    kept: PathBuf,
}

impl Walk {
    fn new() -> Self {
        let site = site();
        let (file, kept) = (site.dir.path().join("audit.jsonl"), site.dir.path().join("kept.json"));
        site.upsweep(&["audit", "export", "--out", file.to_str().unwrap()]).expect(0).has("audit verify");
        site.upsweep(&["audit", "checkpoint", "--out", kept.to_str().unwrap()]).expect(0).has("Keep it where");
        Self { site, file, kept }
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.file).unwrap().lines().map(str::to_owned).collect()
    }

    fn records(&self) -> Vec<Value> {
        let lines = self.lines();
        let records = &lines[1..lines.len() - 1];
        records.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks these bytes with nothing else at hand: no store, no database, no configuration.
    fn verify(&self, bytes: &[u8], with_checkpoint: bool) -> Said {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("given.jsonl");
        fs::write(&file, bytes).unwrap();
        let mut command = Command::new(BINARY);
        command.env_clear().current_dir(dir.path()).args(["audit", "verify", "given.jsonl"]);
        if with_checkpoint {
            command.arg("--checkpoint").arg(&self.kept);
        }
        said(command)
    }

    fn verify_lines(&self, lines: &[String], with_checkpoint: bool) -> Said {
        self.verify((lines.join("\n") + "\n").as_bytes(), with_checkpoint)
    }
}

#[test]
fn the_trail_tells_what_was_done_by_whom_and_why() {
    let walk = Walk::new();
    let records = walk.records();
    let events: Vec<&str> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
    let expected = [
        &["store-bound", "run-begun", "hidden", "hidden", "hidden", "run-ended"][..],
        &["run-begun", "hold-set", "put-back", "run-ended"],
        &["hold-set", "hold-released"],
        &["run-begun", "freed", "freed", "run-ended"],
    ];
    assert_eq!(events, expected.concat());
    let uid = format!("uid {}", rustix::process::geteuid().as_raw());
    for record in &records {
        assert!(record["actor"].as_str().unwrap().contains(&uid), "{record}");
    }
    assert_eq!(records[1]["details"]["allowed"], "G003");
    assert_eq!(records[1]["details"]["allowed_why"], "the house moved");
    assert_eq!((&records[3]["subject"], &records[3]["details"]["reason_kind"]), (&"a.m4a".into(), &"orphan".into()));
    assert_eq!(records[2]["subject"], r"=1+1\u{a}.m4a", "a name cannot break a line");
    assert_eq!(records[5]["details"]["hidden_files"], "3");
    assert_eq!(records[11]["details"]["why"], "not needed");
    assert_eq!((&records[13]["run"], &records[13]["details"]["of_run"]), (&records[12]["run"], &records[1]["run"]));
    assert_eq!(records[15]["details"]["freed_files"], "2");
}

#[test]
fn a_whole_trail_is_found_whole() {
    let walk = Walk::new();
    let bytes = fs::read(&walk.file).unwrap();
    let said = walk.verify(&bytes, false).expect(0);
    said.has("is whole: 16 records, 1 to 16");
    said.has("a tail that was cut off");
    said.has("cannot be noticed");
    walk.verify(&bytes, true).expect(0).has("agrees with the checkpoint that was kept");
    let kept = walk.kept.to_str().unwrap();
    walk.site.upsweep(&["audit", "verify"]).expect(0).has("The audit trail of the ledger is whole: 16 records");
    walk.site.upsweep(&["audit", "verify", "--checkpoint", kept]).expect(0).has("nothing up to record 16");
    // An earlier export is as good as a checkpoint.
    let file = walk.file.to_str().unwrap();
    walk.site.upsweep(&["audit", "verify", "--checkpoint", file]).expect(0).has("nothing up to record 16");
    // What was recorded since makes an old checkpoint no worse.
    walk.site.upsweep_after_days(9, &["purge"]).expect(0);
    walk.site.upsweep(&["audit", "verify", "--checkpoint", kept]).expect(0).has("18 records");
    assert_eq!(walk.site.upsweep(&["audit", "checkpoint"]).expect(0).out.lines().count(), 1);
}

#[test]
fn any_altered_byte_is_found() {
    let walk = Walk::new();
    let bytes = fs::read(&walk.file).unwrap();
    let mut lines = vec![1];
    for byte in &bytes {
        lines.push(lines.last().unwrap() + usize::from(*byte == b'\n'));
    }
    // Every 53rd byte, and by turns another way to alter it.
    for (n, place) in (0..bytes.len() - 1).step_by(53).enumerate() {
        let mut altered = bytes.clone();
        altered[place] = [altered[place] ^ 1, altered[place] ^ 0x20, b'0', b'"', b' ', b'\n', 0xff][n % 7];
        if altered[place] == bytes[place] {
            continue;
        }
        let said = walk.verify(&altered, n % 2 == 0).expect(1);
        let record = lines[place] - 1;
        match record {
            0 => said.has("the first line"),
            // Altered in its number, the checkpoint looks like one of a longer trail.
            17 => assert!(["record 17 ", "the last line", "the tail was cut"].iter().any(|w| said.err.contains(w))),
            record => said.has(&format!("record {record} ")),
        }
    }
}

#[test]
fn a_cut_tail_is_found() {
    let walk = Walk::new();
    let lines = walk.lines();
    let (records, last) = lines.split_at(17);
    for left in [1, 5, 16] {
        let with_last = [&records[..left], last].concat();
        walk.verify_lines(&with_last, false)
            .expect(1)
            .has(&format!("the tail was cut off: it ends with record {}", left - 1));
        walk.verify_lines(&records[..left], false).expect(1).has("the line with the checkpoint is missing");
    }
    // Who can cut the tail can also write a checkpoint that fits, but not the one that was kept elsewhere.
    let record: Value = serde_json::from_str(&records[5]).unwrap();
    let start: Value = serde_json::from_str(&records[0]).unwrap();
    let point = |key: &str| record[key].to_string();
    let forged = format!(
        r#"{{"checkpoint":{{"ledger":{},"seq":{},"hash":{},"at":{}}}}}"#,
        start["start"]["ledger"],
        point("seq"),
        point("hash"),
        point("at")
    );
    let forged = [&records[..6], &[forged]].concat();
    walk.verify_lines(&forged, false).expect(0).has("cannot be noticed");
    let said = walk.verify_lines(&forged, true).expect(1);
    said.has("the tail was cut off: it ends with record 5");
    said.has("records 6 to 16 are missing");
}

#[test]
fn a_cut_head_and_moved_lines_are_found() {
    let walk = Walk::new();
    let lines = walk.lines();
    let without = |range: std::ops::Range<usize>| {
        let mut left = lines.clone();
        left.drain(range);
        left
    };
    walk.verify_lines(&without(0..1), false).expect(1).has("the first line");
    walk.verify_lines(&without(1..4), false).expect(1).has("the head was cut off: it should begin with record 1");
    walk.verify_lines(&without(6..8), false).expect(1).has("records 6 to 7 are missing: after record 5 comes record 8");
    for (a, b) in [(1, 2), (5, 6), (15, 16), (3, 12)] {
        let mut moved = lines.clone();
        moved.swap(a, b);
        walk.verify_lines(&moved, false).expect(1).has(&format!("record {b} of "));
    }
    let mut repeated = lines.clone();
    repeated.insert(4, lines[3].clone());
    walk.verify_lines(&repeated, false).expect(1).has("record 3 of ");
    walk.verify(b"", false).expect(1).has("the file is empty");
    let other = Walk::new();
    fs::copy(&other.kept, &walk.kept).unwrap();
    walk.verify_lines(&lines, true).expect(1).has("records of another ledger");
}

#[test]
fn a_ledger_that_was_tampered_with_is_found() {
    let walk = Walk::new();
    let db = rusqlite::Connection::open(walk.site.uploads.join(".upsweep/ledger.db")).unwrap();
    let error = db.execute("UPDATE audit SET body = replace(body, 'freed', 'saved')", []).unwrap_err();
    assert!(error.to_string().contains("the audit trail is final"), "{error}");
    db.execute_batch("DROP TRIGGER audit_is_final; UPDATE audit SET body = replace(body, 'freed', 'saved')").unwrap();
    walk.site.upsweep(&["audit", "verify"]).expect(1).has("record 14 of ");
    // It is exported as it is, and found there as well.
    let file = walk.file.to_str().unwrap();
    walk.site.upsweep(&["audit", "export", "--out", file]).expect(0);
    walk.verify(&fs::read(&walk.file).unwrap(), false).expect(1).has("was altered");
    // It is the journal that a run relies on, and that is whole.
    walk.site.upsweep_after_days(8, &["run"]).expect(0);
}

#[test]
fn a_part_of_the_trail_verifies_as_well() {
    let walk = Walk::new();
    let since = walk.records()[12]["at"].as_str().unwrap().to_owned();
    let file = walk.file.to_str().unwrap();
    walk.site.upsweep(&["audit", "export", "--since", &since, "--out", file]).expect(0);
    assert_eq!(walk.records().len(), 4);
    let said = walk.verify(&fs::read(&walk.file).unwrap(), true).expect(0);
    said.has("4 records, 13 to 16");
    said.has("Records before 13 are not in it");
    let to_come = walk.site.upsweep(&["audit", "export", "--since", "2999-01-01"]).expect(0);
    assert_eq!(to_come.out.lines().count(), 2);
    walk.verify(to_come.out.as_bytes(), true).expect(0).has("it has no records");
    walk.site.upsweep(&["audit", "export", "--since", "yesterday"]).expect(64).has("--since yesterday");
}

#[test]
fn a_spreadsheet_takes_no_word_for_a_formula() {
    let walk = Walk::new();
    let table = walk.site.upsweep(&["audit", "export", "--format", "csv"]).expect(0).out;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 16);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    assert_eq!((&rows[13][4], &rows[13][5]), ("freed", r"'=1+1\u{a}.m4a"));
    let hold = rows.iter().find(|row| &row[4] == "hold-set" && row[6].contains("=cmd")).expect("the hold of a session");
    assert!(hold[6].starts_with('{') && hold[6].contains("-2+3"), "{}", &hold[6]);
}

#[test]
fn old_records_are_pruned_and_the_rest_verifies() {
    let mut walk = Walk::new();
    walk.site.set("UPSWEEP_AUDIT_YEARS", "1");
    walk.site.upsweep_after_days(365, &["purge"]).expect(0);
    walk.site.upsweep(&["audit", "verify"]).expect(0).has("18 records, 1 to 18");
    // The last run but one lies eight days after the others.
    walk.site.upsweep_after_days(367, &["purge"]).expect(0);
    let said = walk.site.upsweep(&["audit", "verify", "--checkpoint", walk.kept.to_str().unwrap()]).expect(0);
    said.has("9 records, 13 to 21");
    said.has("pruned for their age");
    let file = walk.file.to_str().unwrap();
    walk.site.upsweep(&["audit", "export", "--out", file]).expect(0);
    walk.verify(&fs::read(&walk.file).unwrap(), true).expect(0).has("13 to 21");
    assert_eq!(walk.records().last().unwrap()["event"], "audit-pruned");
    // A year later the checkpoint is older than everything that is left, and proves nothing any more.
    walk.site.upsweep_after_days(800, &["purge"]).expect(0);
    let said = walk.site.upsweep(&["audit", "verify", "--checkpoint", walk.kept.to_str().unwrap()]).expect(1);
    said.has("the checkpoint of record 16 cannot be compared");
}
