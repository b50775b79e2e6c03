//! Two services on one store, and many callers at once.

use std::collections::BTreeMap;
use std::thread;

use serde_json::Value;

use crate::scene::{ALL, Scene, assert_empty, assert_problem, hidden_contents, live_many, result_of};
use crate::serve::{Answer, Serve};
use crate::support::Site;

on_each_database!(fifty_callers_of_two_services_are_all_told_the_truth);

const CALLERS: usize = 50;
const BEFORE: usize = 40;
const MEANWHILE: usize = 60;

fn fifty_callers_of_two_services_are_all_told_the_truth(site: Site) {
    live_many(&site, 200);
    site.file(orphan(0), 48.0);
    let Some(scene) = Scene::of(site) else { return };
    let other = Serve::start(&scene.site);
    // The store is bound, as after any first day.
    let first = scene.post(ALL);
    for n in 1..BEFORE {
        scene.site.file(orphan(n), 48.0);
    }
    let rows = scene.site.database.sessions();
    let live = live_files(&scene.site);

    let answers: Vec<Answer> = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in BEFORE..BEFORE + MEANWHILE {
                scene.site.file(orphan(n), 48.0);
            }
        });
        let ask = |n: usize| [&scene.serve, &other][n % 2].post(ALL, &scene.callers.therapist);
        let callers: Vec<_> = (0..CALLERS).map(|n| scope.spawn(move || ask(n))).collect();
        let answers = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        writer.join().unwrap();
        answers
    });

    let mut gone: BTreeMap<String, u32> = BTreeMap::new();
    let mut runs: Vec<String> = Vec::new();
    let mut waited_for: Vec<String> = Vec::new();
    let mut tell = |result: &Value| {
        for name in result["orphaned_files_deleted"].as_array().unwrap() {
            *gone.entry(name.as_str().unwrap().to_owned()).or_default() += 1;
        }
        runs.push(result["run_id"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned());
    };
    tell(&first);
    for answer in &answers {
        if answer.status == 200 {
            tell(&result_of(answer, ALL));
        } else {
            let problem = assert_problem(answer, 409);
            assert_eq!(problem["code"], "busy", "{problem}");
            let run = problem["run_id"].as_str().unwrap_or_else(|| panic!("whose run is it: {problem}"));
            waited_for.push(run.to_owned());
        }
    }
    assert!(answers.iter().any(|answer| answer.status == 200), "somebody's run must have been the one");
    // What came last is left to the next run.
    tell(&scene.post(ALL));
    assert_empty(&result_of(&other.post(ALL, &scene.callers.therapist).expect(200), ALL));

    let all: BTreeMap<String, u32> = (0..BEFORE + MEANWHILE).map(|n| (orphan(n), 1)).collect();
    assert_eq!(gone, all, "every file is in exactly one answer");
    assert_eq!(live_files(&scene.site), live);
    assert_eq!(scene.site.database.sessions(), rows);
    let mut contents: Vec<String> = all.keys().map(|name| format!("sound of {name}")).collect();
    contents.sort();
    assert_eq!(hidden_contents(&scene.site), contents, "hidden once each");
    assert_eq!(hidings(&scene.site), all, "and once in the ledger");
    scene.site.upsweep(&["audit", "verify"]).expect(0);
    let known = run_ids(&scene.site);
    for run in runs.iter().chain(&waited_for) {
        assert!(known.contains(run), "{run} is no run of {known:?}");
    }
    let distinct: std::collections::BTreeSet<&String> = runs.iter().collect();
    assert_eq!(distinct.len(), runs.len(), "each answer is of a run of its own");
}

fn orphan(n: usize) -> String {
    format!("orphan-{n}.m4a")
}

fn live_files(site: &Site) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    site.files().into_iter().filter(|(name, _)| name.to_str().unwrap().starts_with("many-")).collect()
}

/// How often each file was hidden, as the ledger knows.
fn hidings(site: &Site) -> BTreeMap<String, u32> {
    let db = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
    let mut statement = db.prepare("SELECT key, count(*) FROM ops WHERE state = 'quarantined' GROUP BY key").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))).unwrap();
    rows.map(Result::unwrap).map(|(key, count)| (String::from_utf8(key).unwrap(), count)).collect()
}

fn run_ids(site: &Site) -> Vec<String> {
    let db = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
    let mut statement = db.prepare("SELECT id FROM runs").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
