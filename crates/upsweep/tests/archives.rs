//! Archives with the real program: copied, freed, and brought back; on real databases and directories.
//!
//! Needs the feature `test-clock`: a shifted clock skips what it would wait for.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

#[macro_use]
mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{Site, as_nobody_beside};

/// After how many days every file here has lain unchanged for long enough to be deleted at once.
const LATER: i64 = 3;

on_each_database!(archived_freed_and_brought_back);

/// Writes a file of half a megabyte that is three days old.
fn write_old(site: &Site, name: &str, content: &str) {
    let path = site.file(name, 72.0);
    let modified = path.metadata().unwrap().modified().unwrap();
    fs::write(&path, content).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
}

/// Starts the program and kills it after a while.
fn kill_after(site: &Site, args: &[&str], delay: Duration) {
    let mut command = site.command(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    // It may have ended already: then this round showed an uninterrupted run.
    let _ = child.kill();
    child.wait().unwrap();
}

/// How many operations were found between their intent and their outcome.
fn recovered(site: &Site) -> u64 {
    site.upsweep(&["recover", "--json"]).expect(0).json()["recovered_operations"].as_u64().unwrap()
}

#[test]
fn kills_while_files_come_back_from_the_archive_tear_nothing() {
    const FILES: usize = 12;
    let mut site = Site::sqlite().archiving("delete").later(LATER);
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true").set("UPSWEEP_MAX_SHARE", "100%");
    let content = |n: usize| format!("sound {n} ").repeat(50_000);
    let mut whole = Duration::ZERO;
    let mut interrupted = 0;
    for round in 0..10_u32 {
        for n in 0..FILES {
            write_old(&site, &format!("o{n}.m4a"), &content(n));
        }
        let run_id = site.upsweep(&["run"]).expect(0).out.split("restore --run ").nth(1).unwrap().trim().to_owned();
        assert_eq!(site.files().len(), 10);
        let restore = ["restore", "--run", &run_id];
        if round == 0 {
            let started = std::time::Instant::now();
            site.upsweep(&restore).expect(0);
            whole = started.elapsed();
        } else {
            kill_after(&site, &restore, whole.mul_f64(f64::from(round) / 10.0));
            interrupted += recovered(&site);
        }
        let there = (0..FILES).filter(|n| site.has(&format!("o{n}.m4a"))).count();
        let incoming = fs::read_dir(site.uploads.join(".upsweep/incoming")).map_or(0, Iterator::count);
        assert_eq!((incoming, site.files().len()), (0, 10 + there));
        site.upsweep(&restore).expect(0);
        for n in 0..FILES {
            assert_eq!(fs::read_to_string(site.uploads.join(format!("o{n}.m4a"))).unwrap(), content(n));
        }
        site.release_holds(LATER);
    }
    assert!(interrupted > 0, "no kill ever hit between an intent and its outcome");
}

/// Every line of every index in the archive, by operation, each with the folder it is in.
fn index(site: &Site) -> Vec<(PathBuf, Value)> {
    let folders = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let runs = folders(&site.backup()).iter().flat_map(|store| folders(store)).collect::<Vec<_>>();
    let lines = runs.into_iter().flat_map(|run| {
        let text = fs::read_to_string(run.join("index.jsonl")).unwrap_or_default();
        text.lines().map(|line| (run.clone(), serde_json::from_str(line).unwrap())).collect::<Vec<_>>()
    });
    let mut lines: Vec<(PathBuf, Value)> = lines.collect();
    lines.sort_by_key(|(_, line)| line["op"].as_u64());
    lines
}

fn archived_freed_and_brought_back(mut site: Site) {
    for (compression, day) in [("none", 0), ("zstd", 8)] {
        site = site.later(day);
        if compression == "none" {
            site = site.archiving("archive");
        }
        site.set("UPSWEEP_ARCHIVE_COMPRESSION", compression);
        let name = format!("interview {compression} 100%.m4a");
        let (path, content) = (site.uploads.join(&name), format!("{name} ").repeat(20_000));
        write_old(&site, &name, &content);
        let before = path.metadata().unwrap();

        let said = site.upsweep(&["run"]).expect(0);
        said.has("Hid 1 file");
        said.has("Copied 1 hidden file");
        let (folder, line) = index(&site).pop().unwrap();
        let copy = folder.join(line["copy"].as_str().unwrap());
        assert_eq!(copy.extension().unwrap(), if compression == "zstd" { "zst" } else { "m4a" });
        assert_eq!(copy.metadata().unwrap().mode() & 0o777, 0o600);
        if compression == "none" {
            assert_eq!(fs::read_to_string(&copy).unwrap(), content);
        } else {
            assert!(copy.metadata().unwrap().len() < before.len() / 10);
        }
        site = site.later(day + 8);
        site.upsweep(&["purge"]).expect(0).has("Freed 1 hidden file");
        assert_eq!((site.hidden(), site.has(&name)), (0, false));

        let said = site.upsweep(&["restore", &name]).expect(0);
        said.has("Brought back 1 file");
        said.has("from the archive");
        let after = path.metadata().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        assert_eq!((after.mtime(), after.mtime_nsec()), (before.mtime(), before.mtime_nsec()));
        assert_eq!(after.mode(), before.mode());
        site.live(&name);
    }
    assert_eq!(index(&site).len(), 2);
}

#[test]
fn an_archive_that_cannot_be_used_keeps_everything_hidden() {
    let site = Site::sqlite().archiving("archive");
    fs::remove_dir(site.backup()).unwrap();
    site.file("a.m4a", 72.0);
    let said = site.upsweep(&["run"]).expect(3);
    said.has("Hid 1 file");
    said.has("mount its disk");
    said.has("Not in the archive yet: 1 hidden file");
    assert!(!site.backup().exists(), "nothing is made in the place of a missing disk");
    site.upsweep_after_days(8, &["purge"]).expect(3);
    site.upsweep_after_days(8, &["run"]).expect(3);
    assert_eq!(site.hidden(), 1);
    let status = site.upsweep(&["status"]).expect(0);
    status.has("Not in the archive yet: 1 hidden file");
    assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 1);
    fs::create_dir(site.backup()).unwrap();
    let said = site.upsweep_after_days(8, &["purge"]).expect(0);
    said.has("Copied 1 hidden file");
    said.has("Freed 1 hidden file");
    assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 0);
}

#[test]
fn an_archive_that_may_not_be_written_to_is_told() {
    let site = Site::sqlite().archiving("archive");
    site.file("a.m4a", 72.0);
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(site.backup(), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    }
    let said = as_nobody_beside(&site, &["run"], "backup").expect(3);
    said.has("Permission denied");
    assert_eq!((site.hidden(), fs::read_dir(site.backup()).unwrap().count()), (1, 0));
}

#[test]
fn a_damaged_copy_is_told_and_never_restored() {
    let site = Site::sqlite().archiving("archive");
    site.file("a.m4a", 72.0);
    site.upsweep(&["run"]).expect(0);
    let site = site.later(8);
    site.upsweep(&["purge"]).expect(0);
    let (folder, line) = index(&site).pop().unwrap();
    let copy = folder.join(line["copy"].as_str().unwrap());
    let whole = fs::read(&copy).unwrap();
    let mut rotten = whole.clone();
    rotten[3] ^= 1;
    fs::write(&copy, rotten).unwrap();
    site.upsweep(&["restore", "a.m4a"]).expect(3).has("is damaged");
    assert!(!site.has("a.m4a"));
    fs::write(&copy, whole).unwrap();
    // Another archive does not have it, and the message says which one does.
    let other = site.dir.path().join("other");
    fs::create_dir(&other).unwrap();
    let said = site.upsweep(&["--set", &format!("archive_url={}", other.display()), "restore", "a.m4a"]).expect(3);
    said.has(&format!("it was copied to {}", site.backup().display()));
    site.upsweep(&["restore", "a.m4a"]).expect(0).has("from the archive");
    // In its place it is a conflict, and the copy stays where it is.
    site.release_holds(8);
    site.upsweep(&["run"]).expect(0).has("Hid 1 file");
    let site = site.later(16);
    site.upsweep(&["purge"]).expect(0).has("Freed 1 hidden file");
    site.file("a.m4a", 0.0);
    site.upsweep(&["restore", "a.m4a"]).expect(3).has("conflict: a.m4a: its place is taken");
}

#[test]
fn kills_while_copying_lose_nothing() {
    const ORPHANS: usize = 15;
    let mut site = Site::sqlite().archiving("archive");
    site.set("UPSWEEP_MAX_SHARE", "100%");
    let content = |n: usize| format!("sound {n} ").repeat(50_000);
    let mut whole = Duration::ZERO;
    let mut interrupted = 0;
    // Time only ever goes forward.
    let mut day = 0;
    for round in 0..12_u32 {
        for n in 0..ORPHANS {
            write_old(&site, &format!("o{round}-{n}.m4a"), &content(n));
        }
        if round == 0 {
            let started = std::time::Instant::now();
            site.upsweep(&["run"]).expect(0);
            whole = started.elapsed();
        } else {
            kill_after(&site, &["run"], whole.mul_f64(f64::from(round) / 12.0));
        }
        interrupted += recovered(&site);
        // The index names only whole copies, and what it does not name is still there.
        for (folder, line) in index(&site) {
            let name = line["name"].as_str().unwrap().to_owned();
            let n: usize = name.rsplit('-').next().unwrap().trim_end_matches(".m4a").parse().unwrap();
            assert_eq!(fs::read_to_string(folder.join(line["copy"].as_str().unwrap())).unwrap(), content(n), "{name}");
        }
        site.upsweep(&["run"]).expect(0);
        assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 0);
        assert_eq!(index(&site).len(), ORPHANS, "each copy is listed once");
        day += 8;
        site = site.later(day);
        site.upsweep(&["purge"]).expect(0);
        assert_eq!((site.hidden(), site.files().len()), (0, 10));
        fs::remove_dir_all(site.backup()).unwrap();
        fs::create_dir(site.backup()).unwrap();
    }
    assert!(interrupted > 0, "no kill ever hit between an intent and its outcome");
}

#[test]
fn a_shell_brings_everything_back_from_an_archive() {
    let mut site = Site::sqlite().archiving("delete").later(LATER);
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true").set("UPSWEEP_RECURSIVE", "true");
    let names = ["a b.m4a", "100%.mp3", "new\nline\\n.ogg", "sub folder/-x '\"$(id).wav", "ü🎙.flac", "no extension"];
    for (n, name) in names.iter().enumerate() {
        site.set("UPSWEEP_ARCHIVE_COMPRESSION", if n % 2 == 0 { "none" } else { "zstd" });
        site.file(name, 72.0);
        site.upsweep(&["run"]).expect(0).has("Freed 1 hidden file");
    }
    let documented = include_str!("../../../docs/archives.md");
    let recipe = documented.split("```bash\n").nth(1).unwrap().split("```").next().unwrap();
    let store = fs::read_dir(site.backup()).unwrap().next().unwrap().unwrap().path();
    let bring_back_to = site.dir.path().join("brought back");
    fs::create_dir(&bring_back_to).unwrap();
    let quoted = |path: &Path| format!("'{}'", path.display());
    let settings = format!("archive={}\nuploads={}\n", quoted(&store), quoted(&bring_back_to));
    let (own, rest) = recipe.split_once("\n\n").unwrap();
    assert!(own.lines().count() == 2 && own.starts_with("archive=") && own.contains("\nuploads="), "{own}");
    let script = format!("set -e\n{settings}{rest}");
    let done = Command::new("bash").arg("-c").arg(&script).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for name in names {
        let path = bring_back_to.join(name);
        assert_eq!(fs::read(&path).unwrap(), format!("sound of {name}").into_bytes(), "{name}");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o644);
        let age = path.metadata().unwrap().modified().unwrap().elapsed().unwrap();
        assert!(age > Duration::from_secs(71 * 3_600), "{name} has its time back");
    }
    let again = Command::new("bash").arg("-c").arg(&script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stderr).matches("there already").count(), names.len());
}
