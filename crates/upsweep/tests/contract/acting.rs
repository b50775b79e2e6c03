//! The three clean-ups, as their callers know them.

use serde_json::{Value, json};

use crate::scene::{
    ALL, FAILED, FAILED_NAMES, MIB, ORPHAN_NAMES, ORPHANS, Scene, assert_empty, furnish, sized, sorted,
};
use crate::support::Site;

on_each_database!(orphans_go_and_nothing_else);
on_each_database!(failed_sessions_lose_their_files_and_keep_their_rows);
on_each_database!(all_is_both);
on_each_database!(a_dry_run_tells_the_same_and_changes_nothing);

fn mb(result: &Value) -> f64 {
    result["total_space_freed_mb"].as_f64().unwrap()
}

fn orphans_go_and_nothing_else(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let (mut files, rows) = (scene.site.files(), scene.site.database.sessions());

    let result = scene.post(ORPHANS);
    assert_eq!(sorted(&result["orphaned_files_deleted"]), ORPHAN_NAMES);
    assert_eq!(result["failed_sessions_cleaned"], json!([]));
    assert_eq!(mb(&result), 1.75);
    assert_eq!(result["dry_run"], false, "the default");
    assert_eq!(result["errors"], json!([]));

    files.retain(|path, _| !ORPHAN_NAMES.contains(&path.to_str().unwrap()));
    assert_eq!(scene.site.files(), files);
    assert_eq!(scene.site.database.sessions(), rows);
    assert_eq!(scene.site.hidden(), 2, "hidden, and not yet freed");
    assert_empty(&scene.post(ORPHANS));
    assert_eq!(scene.site.files(), files);
}

fn failed_sessions_lose_their_files_and_keep_their_rows(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let (mut files, rows) = (scene.site.files(), scene.site.database.sessions());

    let result = scene.post(FAILED);
    // A session without a file, or whose file a live one claims too, has nothing to lose.
    assert_eq!(result["failed_sessions_cleaned"], json!(["f-old"]));
    assert_eq!(result["orphaned_files_deleted"], json!([]));
    assert_eq!(mb(&result), 2.5);

    files.retain(|path, _| !FAILED_NAMES.contains(&path.to_str().unwrap()));
    assert_eq!(scene.site.files(), files);
    assert_eq!(scene.site.database.sessions(), rows, "rows are the application's");
    assert_empty(&scene.post(FAILED));
}

fn all_is_both(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let (mut files, rows) = (scene.site.files(), scene.site.database.sessions());

    let result = scene.post(ALL);
    assert_eq!(sorted(&result["orphaned_files_deleted"]), ORPHAN_NAMES);
    assert_eq!(result["failed_sessions_cleaned"], json!(["f-old"]));
    assert_eq!(mb(&result), 4.25);
    assert_eq!(result["action"], "quarantine", "{result}");
    assert_eq!(result["space_pending_purge_mb"].as_f64(), Some(4.25), "the bytes follow: {result}");
    assert!(result["run_id"].as_str().is_some_and(|run| !run.is_empty()), "{result}");

    files.retain(|path, _| ![ORPHAN_NAMES, FAILED_NAMES].concat().contains(&path.to_str().unwrap()));
    assert_eq!(scene.site.files(), files);
    assert_eq!(scene.site.database.sessions(), rows);
    assert_empty(&scene.post(ALL));
    // Everything is undone by the run's name.
    let run = result["run_id"].as_str().unwrap();
    scene.site.upsweep(&["restore", "--run", run]).expect(0).has("Brought back 4 files");
}

fn a_dry_run_tells_the_same_and_changes_nothing(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let (files, rows) = (scene.site.files(), scene.site.database.sessions());
    for yes in ["true", "1", "yes"] {
        let result = scene.post(&format!("{ALL}?dry_run={yes}"));
        assert_eq!(result["dry_run"], true);
        assert_eq!(sorted(&result["orphaned_files_deleted"]), ORPHAN_NAMES);
        assert_eq!(result["failed_sessions_cleaned"], json!(["f-old"]));
        assert_eq!(mb(&result), 4.25);
    }
    let orphans = scene.post(&format!("{ORPHANS}?dry_run=true"));
    assert_eq!((orphans["orphaned_files_count"].clone(), mb(&orphans)), (json!(2), 1.75));
    let failed = scene.post(&format!("{FAILED}?dry_run=true"));
    assert_eq!((failed["failed_sessions_count"].clone(), mb(&failed)), (json!(1), 2.5));
    assert_eq!((scene.site.files(), scene.site.database.sessions()), (files, rows));
    assert!(!scene.site.has(".upsweep"), "a dry run leaves nothing behind");
}

#[test]
fn every_spelling_of_no_acts() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    for (n, no) in ["false", "0", "no"].into_iter().enumerate() {
        let name = format!("more-{n}.m4a");
        scene.site.file(&name, 48.0);
        let result = scene.post(&format!("{ORPHANS}?dry_run={no}"));
        assert_eq!(result["dry_run"], false);
        assert!(sorted(&result["orphaned_files_deleted"]).contains(&name));
        assert!(!scene.site.has(&name));
    }
}

#[test]
fn clients_that_write_capitals_are_understood() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    // As Python's clients write a flag.
    assert_eq!(scene.post(&format!("{ORPHANS}?dry_run=True"))["dry_run"], true);
    assert!(scene.site.has("orphan.m4a"));
    assert_eq!(scene.post(&format!("{ORPHANS}?dry_run=False"))["dry_run"], false);
    assert!(!scene.site.has("orphan.m4a"));
}

#[cfg(feature = "test-clock")]
#[test]
fn what_an_earlier_run_hid_is_not_counted_again_when_it_is_freed() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(callers) = crate::tokens::Callers::in_days(8) else { return };
    site.upsweep(&["run"]).expect(0).has("Hid 4 files");
    sized(&site, "later.m4a", MIB / 2, 48.0);
    let serve = crate::serve::Serve::with(&site, &[("UPSWEEP_TEST_CLOCK_OFFSET", "691200")]);
    let answer = serve.post(ORPHANS, &callers.therapist).expect(200);
    let result = crate::scene::result_of(&answer, ORPHANS);
    let names = sorted(&result["orphaned_files_deleted"]);
    assert!(names.contains(&"later.m4a".to_owned()) && !names.contains(&"orphan.m4a".to_owned()), "{result}");
    assert!(mb(&result) < 0.6, "half a MiB and the young one's bytes, without what was freed: {result}");
    assert_eq!(hidden_of_before(&site), 0, "a week later the first four are freed");
}

#[cfg(feature = "test-clock")]
/// How many hidden files are as large as one of the first four.
fn hidden_of_before(site: &Site) -> usize {
    let runs = std::fs::read_dir(site.uploads.join(".upsweep/quarantine")).unwrap().map(Result::unwrap);
    let files = runs.flat_map(|run| std::fs::read_dir(run.path()).unwrap().map(Result::unwrap));
    files.filter(|file| [MIB * 3 / 2, MIB / 4, MIB * 2].contains(&file.metadata().unwrap().len())).count()
}

#[cfg(feature = "test-clock")]
#[test]
fn deleting_at_once_says_that_nothing_is_pending() {
    let site = Site::sqlite().later(30);
    furnish(&site);
    let Some(callers) = crate::tokens::Callers::in_days(30) else { return };
    let serve = crate::serve::Serve::with(&site, &[("UPSWEEP_ACTION", "delete")]);
    let answer = serve.post(ALL, &callers.therapist).expect(200);
    let result = crate::scene::result_of(&answer, ALL);
    // A month later the young ones are old.
    assert_eq!(sorted(&result["orphaned_files_deleted"]), ["orphan-young.m4a", "orphan.m4a", "orphan_processed.mp3"]);
    assert_eq!(sorted(&result["failed_sessions_cleaned"]), ["f-old", "f-young"]);
    assert_eq!((mb(&result), &result["action"]), (4.25, &json!("delete")), "{result}");
    assert_eq!(result["space_pending_purge_mb"].as_f64(), Some(0.0), "{result}");
    assert_eq!(site.hidden(), 0);
    assert_eq!(site.files().len(), 11, "the live ones");
}
