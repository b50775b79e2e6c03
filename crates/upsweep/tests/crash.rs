//! Fifty kills at random moments: afterwards every file is in place, hidden and restorable, or freed with
//! its journal complete. Half of them hit while files are hidden, half while they are freed.
#![cfg(feature = "test-clock")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use support::Site;
use upsweep_adapters::ledger::sqlite::SqliteLedger;
use upsweep_engine::ports::Ledger;

/// More than one batch of the journal.
const ORPHANS: usize = 1_200;
const LIVE: usize = 1_300;
const KILLS_EACH: u32 = 25;

#[test]
fn kills_while_hiding_lose_nothing() {
    let site = site();
    // A first run binds the store and says how long a whole one takes.
    let whole_run = timed(&site, 0, &["run"]);
    assert_eq!(site.hidden(), ORPHANS);
    timed(&site, 0, &["restore", "--all"]);
    site.release_holds(0);

    let mut random = Random(0x5eed);
    let mut seen = BTreeMap::new();
    let mut interrupted = 0;
    let plan = site.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    for round in 0..KILLS_EACH {
        if round % 2 == 0 {
            kill_after(&site, 0, &["run"], random.below(whole_run));
        } else {
            site.upsweep(&["plan", "--no-audio", "--out", plan]).expect(0);
            kill_after(&site, 0, &["apply", plan], random.below(whole_run));
        }
        interrupted += recovered(&site.upsweep(&["recover", "--json"]).expect(0));
        check(&site, &mut seen);
        site.upsweep(&["restore", "--all"]).expect(0);
        let back = site.files();
        assert_eq!(back.len(), ORPHANS + LIVE + 1, "after restoring everything is in place");
        assert!(back.iter().all(|(path, content)| *content == content_of(path.to_str().unwrap())));
        site.release_holds(0);
    }
    conclude(&site, &seen, interrupted, ["quarantined", "restored", "left-alone"]);
}

#[test]
fn kills_while_freeing_lose_nothing() {
    let site = site();
    let mut random = Random(0xface);
    let mut seen = BTreeMap::new();
    let mut interrupted = 0;
    let mut whole_purge = Duration::ZERO;
    // Time only ever goes forward.
    let mut day = 0;
    for round in 0..KILLS_EACH {
        write_orphans(&site);
        site.upsweep_after_days(day, &["run"]).expect(0);
        day += 8;
        if round == 0 {
            whole_purge = timed(&site, day, &["purge"]);
            write_orphans(&site);
            site.upsweep_after_days(day, &["run"]).expect(0);
            day += 8;
        }
        kill_after(&site, day, &["purge"], random.below(whole_purge));
        interrupted += recovered(&site.upsweep_after_days(day, &["recover", "--json"]).expect(0));
        check(&site, &mut seen);
        site.upsweep_after_days(day, &["restore", "--all"]).expect(0);
        check(&site, &mut seen);
        site.release_holds(day);
    }
    conclude(&site, &seen, interrupted, ["quarantined", "purged", "restored"]);
}

/// What is asked once, after all the kills.
fn conclude(site: &Site, seen: &BTreeMap<String, u32>, interrupted: u64, states: [&str; 3]) {
    // A test that only ever killed before or after the work would prove nothing.
    for state in states {
        assert!(seen.contains_key(state), "never saw {state}: {seen:?}");
    }
    assert!(interrupted > 0, "no kill ever hit between an intent and its outcome");
    // Once is enough: what tears a chain stays in it, and by now it has many thousand links.
    SqliteLedger::open(&site.uploads.join(".upsweep/ledger.db")).unwrap().unwrap().verify().unwrap();
}

fn site() -> Site {
    let mut site = Site::sqlite();
    // SQLite takes 2,500 single inserts badly.
    let rows: Vec<String> =
        (0..LIVE).map(|n| format!("('{n}', 'processed', 'live-{n}.m4a', '2026-01-01 00:00:00')")).collect();
    site.database.exec(&format!("INSERT INTO sessions VALUES {}", rows.join(", ")));
    for n in 0..LIVE {
        site.file(format!("live-{n}.m4a"), 720.0);
    }
    site.file(".gitkeep", 720.0);
    write_orphans(&site);
    site.set("UPSWEEP_LOG_LEVEL", "error");
    site
}

fn write_orphans(site: &Site) {
    for n in 0..ORPHANS {
        let name = format!("orphan-{n}.m4a");
        if !site.has(&name) {
            site.file(name, 72.0);
        }
    }
}

/// How many operations were found between their intent and their outcome.
fn recovered(said: &support::Said) -> u64 {
    said.json()["recovered_operations"].as_u64().unwrap()
}

fn content_of(name: &str) -> Vec<u8> {
    format!("sound of {name}").into_bytes()
}

/// Every operation's state agrees with the disk, and every file that was not freed is there once, whole.
fn check(site: &Site, seen: &mut BTreeMap<String, u32>) {
    let path = site.uploads.join(".upsweep/ledger.db");
    SqliteLedger::open(&path).unwrap().unwrap().verify_journal().unwrap();
    let db = Connection::open(&path).unwrap();
    let newest = "SELECT id, run, key, state FROM ops WHERE state = 'quarantined' OR id IN (SELECT max(id) FROM ops GROUP BY key)";
    let mut statement = db.prepare(newest).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut hidden: BTreeMap<String, u32> = BTreeMap::new();
    let mut freed: BTreeMap<String, u32> = BTreeMap::new();
    while let Some(row) = rows.next().unwrap() {
        let (id, run, key): (i64, String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        let (name, state): (String, String) = (String::from_utf8(key).unwrap(), row.get(3).unwrap());
        *seen.entry(state.clone()).or_default() += 1;
        let place = site.uploads.join(format!(".upsweep/quarantine/{run}/{id}"));
        match state.as_str() {
            "quarantined" => {
                assert_eq!(fs::read(&place).unwrap(), content_of(&name), "{name}");
                *hidden.entry(name).or_default() += 1;
            }
            "purged" => {
                assert!(!place.exists(), "{name}");
                *freed.entry(name).or_default() += 1;
            }
            "restored" | "left-alone" => assert!(!place.exists(), "{name}"),
            other => panic!("{name} is {other} after recovery"),
        }
    }
    for n in 0..ORPHANS {
        let name = format!("orphan-{n}.m4a");
        let in_place = site.has(&name);
        match (in_place, hidden.get(&name)) {
            (true, None) | (false, Some(1)) => {}
            (false, None) => assert!(freed.contains_key(&name), "{name} is nowhere, and nobody freed it"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(site.files().iter().filter(|(path, _)| path.to_str().unwrap().starts_with("live")).count(), LIVE);
}

fn timed(site: &Site, days: i64, args: &[&str]) -> Duration {
    let started = Instant::now();
    site.upsweep_after_days(days, args).expect(0);
    started.elapsed()
}

fn kill_after(site: &Site, days: i64, args: &[&str], delay: Duration) {
    let mut command = site.command(args);
    command.env("UPSWEEP_TEST_CLOCK_OFFSET", (days * 86_400).to_string());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    // It may have ended already: then this round showed an uninterrupted run.
    let _ = child.kill();
    child.wait().unwrap();
}

/// A small generator: the moments differ between rounds, and the machine's own jitter does the rest.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let fraction = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        limit.mul_f64(fraction)
    }
}
