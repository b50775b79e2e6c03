//! The actions archive and delete with the real program, on real databases and directories.
//!
//! Needs the feature `test-clock`: a shifted clock skips what it would wait for.
#![cfg(feature = "test-clock")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{Database, Said, Site, as_nobody_beside, said};

/// One test per database; without its server a test says so and passes.
macro_rules! on_each_database {
    ($story:ident) => {
        mod $story {
            use super::support::Site;

            #[test]
            fn on_sqlite() {
                super::$story(Site::sqlite());
            }

            #[test]
            fn on_postgresql() {
                if let Some(site) = Site::postgres() {
                    super::$story(site);
                }
            }

            #[test]
            fn on_mariadb() {
                if let Some(site) = Site::mariadb() {
                    super::$story(site);
                }
            }
        }
    };
}

on_each_database!(archived_freed_and_brought_back);
on_each_database!(deleted_at_once);

/// Ten live sessions with their files, and an action.
fn with(mut site: Site, action: &str) -> Site {
    for n in 0..10 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.set("UPSWEEP_ACTION", action);
    site
}

/// The same with an archive beside the uploads.
fn with_archive(mut site: Site, action: &str) -> Site {
    let backup = backup(&site);
    fs::create_dir(&backup).unwrap();
    site.set("UPSWEEP_ARCHIVE_URL", backup.to_str().unwrap());
    with(site, action)
}

fn backup(site: &Site) -> PathBuf {
    site.dir.path().join("backup")
}

/// Every line of every index in the archive, by operation, each with the folder it is in.
fn index(site: &Site) -> Vec<(PathBuf, Value)> {
    let folders = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let runs = folders(&backup(site)).iter().flat_map(|store| folders(store)).collect::<Vec<_>>();
    let lines = runs.into_iter().flat_map(|run| {
        let text = fs::read_to_string(run.join("index.jsonl")).unwrap_or_default();
        text.lines().map(|line| (run.clone(), serde_json::from_str(line).unwrap())).collect::<Vec<_>>()
    });
    let mut lines: Vec<(PathBuf, Value)> = lines.collect();
    lines.sort_by_key(|(_, line)| line["op"].as_u64());
    lines
}

/// A run today, by a clock that skips what it would wait for.
fn run(site: &Site) -> Said {
    site.upsweep_after_days(0, &["run"])
}

fn archived_freed_and_brought_back(mut site: Site) {
    for compression in ["none", "zstd"] {
        if compression == "none" {
            site = with_archive(site, "archive");
        }
        site.set("UPSWEEP_ARCHIVE_COMPRESSION", compression);
        let name = format!("interview {compression} 100%.m4a");
        let path = site.file(&name, 72.0);
        let content = format!("{name} ").repeat(20_000);
        let modified = path.metadata().unwrap().modified().unwrap();
        fs::write(&path, &content).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let before = path.metadata().unwrap();

        let said = run(&site).expect(0);
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
        site.upsweep_after_days(8, &["purge"]).expect(0).has("Freed 1 hidden file");
        assert_eq!((site.hidden(), site.has(&name)), (0, false));

        let said = site.upsweep_after_days(8, &["restore", &name]).expect(0);
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

fn deleted_at_once(site: Site) {
    let site = with(site, "delete");
    for name in ["a.m4a", "b.m4a", "c.m4a"] {
        site.file(name, 72.0);
    }
    let said = run(&site).expect(0);
    said.has("Hid 3 files");
    said.has("Freed 3 hidden files");
    assert!(!said.out.contains("Undo"), "{}", said.out);
    assert_eq!((site.hidden(), site.files().len()), (0, 10));
    // And by a saved plan.
    site.file("d.m4a", 72.0);
    let plan = site.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    site.upsweep_after_days(0, &["plan", "--out", plan]).expect(0).has("delete them for good");
    site.upsweep_after_days(0, &["apply", plan]).expect(0).has("Freed 1 hidden file");
    assert_eq!((site.hidden(), site.files().len()), (0, 10));
}

#[test]
fn deleting_with_a_backup_leaves_a_copy() {
    let mut site = with_archive(Site::sqlite(), "delete");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true");
    let path = site.file("a.m4a", 72.0);
    let content = fs::read(&path).unwrap();
    let said = run(&site).expect(0);
    said.has("Copied 1 hidden file");
    said.has("Freed 1 hidden file");
    said.has("Undo:");
    let run = said.out.split("restore --run ").nth(1).unwrap().trim().to_owned();
    site.upsweep(&["restore", "--all"]).expect(0);
    assert!(!site.has("a.m4a"), "all means what is hidden");
    site.upsweep(&["restore", "--run", &run]).expect(0).has("from the archive");
    assert_eq!(fs::read(path).unwrap(), content);
}

#[test]
fn a_plan_names_the_action() {
    let mut site = with_archive(Site::sqlite(), "quarantine");
    site.file("a.m4a", 72.0);
    site.upsweep(&["plan"]).expect(0).has("would hide these files; for 7 days");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true");
    site.upsweep(&["plan"]).expect(0).has(&format!("copy them to {}", backup(&site).display()));
    site.set("UPSWEEP_ACTION", "delete");
    site.upsweep(&["plan"]).expect(0).has("again, and delete them for good here");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "false");
    site.upsweep(&["plan"]).expect(0).has("nothing could bring them back");
    assert_eq!((site.files().len(), site.hidden()), (11, 0));
}

#[test]
fn an_archive_must_be_given_and_lie_elsewhere() {
    let mut site = Site::sqlite();
    for (name, value) in [("UPSWEEP_ACTION", "archive"), ("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true")] {
        site.set(name, value);
        site.upsweep(&["plan"]).expect(1).has("needs an archive: set archive_url");
        site.env.remove(name);
    }
    site.set("UPSWEEP_ACTION", "burn");
    site.upsweep(&["plan"]).expect(1).has("must be quarantine, archive or delete");
    site.set("UPSWEEP_ACTION", "archive");
    site.set("UPSWEEP_ARCHIVE_URL", "s3://bucket/audio");
    site.upsweep(&["plan"]).expect(1).has("'s3' is no kind of archive");
    let link = site.dir.path().join("link");
    symlink(&site.uploads, &link).unwrap();
    let up = site.uploads.clone();
    for inside in [up.clone(), up.join("archive"), link.join("not there/yet"), up.join("../audio/x")] {
        site.set("UPSWEEP_ARCHIVE_URL", inside.to_str().unwrap());
        site.upsweep(&["plan"]).expect(1).has("lies in the upload directory");
    }
    symlink(site.dir.path(), site.dir.path().join("above")).unwrap();
    for around in ["uploads", "", "above/uploads"] {
        let around = site.dir.path().join(around);
        site.set("UPSWEEP_ARCHIVE_URL", &format!("file://{}", around.display()));
        site.upsweep(&["plan"]).expect(1).has("holds the upload directory");
    }
    site.set("UPSWEEP_ARCHIVE_URL", backup(&site).to_str().unwrap());
    let shown = site.upsweep(&["config", "show"]).expect(0);
    for key in ["action", "archive_url", "archive_compression", "backup_before_cleanup"] {
        shown.has(key);
    }
}

#[test]
fn an_archive_that_cannot_be_used_keeps_everything_hidden() {
    let site = with_archive(Site::sqlite(), "archive");
    fs::remove_dir(backup(&site)).unwrap();
    site.file("a.m4a", 72.0);
    let said = run(&site).expect(3);
    said.has("Hid 1 file");
    said.has("mount its disk");
    said.has("Not in the archive yet: 1 hidden file");
    assert!(!backup(&site).exists(), "nothing is made in the place of a missing disk");
    site.upsweep_after_days(8, &["purge"]).expect(3);
    site.upsweep_after_days(8, &["run"]).expect(3);
    assert_eq!(site.hidden(), 1);
    let status = site.upsweep(&["status"]).expect(0);
    status.has("Not in the archive yet: 1 hidden file");
    assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 1);
    fs::create_dir(backup(&site)).unwrap();
    let said = site.upsweep_after_days(8, &["purge"]).expect(0);
    said.has("Copied 1 hidden file");
    said.has("Freed 1 hidden file");
    assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 0);
}

#[test]
fn an_archive_that_may_not_be_written_to_is_told() {
    let site = with_archive(Site::sqlite(), "archive");
    site.file("a.m4a", 72.0);
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(backup(&site), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    }
    let said = as_nobody_beside(&site, &["run"], "backup").expect(3);
    said.has("Permission denied");
    assert_eq!((site.hidden(), fs::read_dir(backup(&site)).unwrap().count()), (1, 0));
}

#[test]
fn a_damaged_copy_is_told_and_never_restored() {
    let site = with_archive(Site::sqlite(), "archive");
    site.file("a.m4a", 72.0);
    run(&site).expect(0);
    site.upsweep_after_days(8, &["purge"]).expect(0);
    let (folder, line) = index(&site).pop().unwrap();
    let copy = folder.join(line["copy"].as_str().unwrap());
    let whole = fs::read(&copy).unwrap();
    let mut rotten = whole.clone();
    rotten[3] ^= 1;
    fs::write(&copy, rotten).unwrap();
    site.upsweep(&["restore", "a.m4a"]).expect(3).has("is damaged");
    assert!(!site.has("a.m4a"));
    fs::write(&copy, whole).unwrap();
    site.upsweep(&["restore", "a.m4a"]).expect(0).has("from the archive");
    // In its place it is a conflict, and the copy stays where it is.
    site.upsweep_after_days(0, &["run"]).expect(0);
    site.upsweep_after_days(8, &["purge"]).expect(0);
    site.file("a.m4a", 0.0);
    site.upsweep(&["restore", "a.m4a"]).expect(3).has("conflict: a.m4a: its place is taken");
}

#[test]
fn a_file_with_another_name_frees_no_bytes() {
    let site = with(Site::sqlite(), "delete");
    let path = site.file("a.m4a", 72.0);
    fs::hard_link(&path, site.dir.path().join("kept.m4a")).unwrap();
    let said = run(&site).expect(0);
    said.has("Freed 1 hidden file, 0 B");
    said.has("1 had other names");
    assert_eq!(fs::read(site.dir.path().join("kept.m4a")).unwrap(), b"sound of a.m4a");
}

/// A transaction that claims `name` and is not committed yet.
struct Writer {
    psql: std::process::Child,
    to: std::process::ChildStdin,
}

impl Writer {
    fn begin(site: &Site, name: &str) -> Self {
        let Database::Postgres(server) = &site.database else { unreachable!() };
        let mut psql = Command::new("psql");
        psql.args(["-q", &server.superuser_url("app")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        let mut to = psql.stdin.take().unwrap();
        let row = format!("INSERT INTO sessions VALUES ('late', 'uploading', '{name}', now())");
        writeln!(to, "BEGIN; {row}; SELECT 'ready';").unwrap();
        let mut answer = [0_u8; 20];
        psql.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
        Self { psql, to }
    }

    fn commit(self) {
        let Self { mut psql, mut to } = self;
        writeln!(to, "COMMIT;").unwrap();
        drop(to);
        psql.wait().unwrap();
    }
}

#[test]
fn an_open_transaction_leaves_what_was_to_be_deleted_hidden() {
    let Some(site) = Site::postgres() else { return };
    let site = with(site, "delete");
    site.file("a.m4a", 72.0);
    site.file("b.m4a", 72.0);
    let writer = Writer::begin(&site, "a.m4a");
    let said = run(&site).expect(0);
    said.has("Not freed yet: 2 hidden files");
    said.has("The next run or purge frees them");
    assert_eq!(site.hidden(), 2);
    site.upsweep_after_days(1, &["purge"]).expect(0).has("Not freed yet: 2 hidden files");
    writer.commit();
    let said = site.upsweep_after_days(1, &["purge"]).expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 1 hidden file");
    assert!(site.has("a.m4a"));
}

/// By the real clock: the run waits until the transaction ends, and then sees what it claimed.
#[test]
fn a_claim_that_is_committed_while_deleting_waits_brings_the_file_back() {
    let Some(site) = Site::postgres() else { return };
    let site = with(site, "delete");
    site.file("a.m4a", 72.0);
    site.file("b.m4a", 72.0);
    let writer = Writer::begin(&site, "a.m4a");
    let command = site.command(&["run"]);
    let waiting = std::thread::spawn(move || said(command));
    while site.hidden() < 2 {
        assert!(!waiting.is_finished(), "{:?}", waiting.join());
        std::thread::sleep(Duration::from_millis(20));
    }
    writer.commit();
    let said = waiting.join().unwrap().expect(0);
    said.has("Brought back 1 file");
    said.has("Freed 1 hidden file");
    assert!(site.has("a.m4a") && !site.has("b.m4a"));
}

#[test]
fn kills_while_copying_lose_nothing() {
    const ORPHANS: usize = 15;
    let mut site = with_archive(Site::sqlite(), "archive");
    site.set("UPSWEEP_MAX_SHARE", "100%");
    let content = |n: usize| format!("sound {n} ").repeat(50_000);
    let mut whole = Duration::from_millis(300);
    for round in 0..12_u32 {
        for n in 0..ORPHANS {
            let name = format!("o{round}-{n}.m4a");
            let path = site.file(&name, 72.0);
            let modified = path.metadata().unwrap().modified().unwrap();
            fs::write(&path, content(n)).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        }
        let mut child = site.command(&["run"]);
        let started = std::time::Instant::now();
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if round == 0 {
            assert!(child.wait().unwrap().success());
            whole = started.elapsed();
        } else {
            std::thread::sleep(whole.mul_f64(f64::from(round) / 12.0));
            let _ = child.kill();
            child.wait().unwrap();
        }
        site.upsweep(&["recover"]).expect(0);
        // The index names only whole copies, and what it does not name is still there.
        for (folder, line) in index(&site) {
            let name = line["name"].as_str().unwrap().to_owned();
            let n: usize = name.rsplit('-').next().unwrap().trim_end_matches(".m4a").parse().unwrap();
            assert_eq!(fs::read_to_string(folder.join(line["copy"].as_str().unwrap())).unwrap(), content(n), "{name}");
        }
        site.upsweep(&["run"]).expect(0);
        assert_eq!(site.upsweep(&["status", "--json"]).expect(0).json()["copies_pending"]["files"], 0);
        assert_eq!(index(&site).len(), ORPHANS, "each copy is listed once");
        site.upsweep_after_days(8, &["purge"]).expect(0);
        assert_eq!((site.hidden(), site.files().len()), (0, 10));
        fs::remove_dir_all(backup(&site)).unwrap();
        fs::create_dir(backup(&site)).unwrap();
    }
}

#[test]
fn a_shell_brings_everything_back_from_an_archive() {
    let mut site = with_archive(Site::sqlite(), "delete");
    site.set("UPSWEEP_BACKUP_BEFORE_CLEANUP", "true").set("UPSWEEP_RECURSIVE", "true");
    let names = ["a b.m4a", "100%.mp3", "new\nline\\n.ogg", "sub folder/-x '\"$(id).wav", "ü🎙.flac", "no extension"];
    for (n, name) in names.iter().enumerate() {
        site.set("UPSWEEP_ARCHIVE_COMPRESSION", if n % 2 == 0 { "none" } else { "zstd" });
        site.file(name, 72.0);
        run(&site).expect(0).has("Freed 1 hidden file");
    }
    let documented = include_str!("../../../docs/archives.md");
    let recipe = documented.split("```bash\n").nth(1).unwrap().split("```").next().unwrap();
    let store = fs::read_dir(backup(&site)).unwrap().next().unwrap().unwrap().path();
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
