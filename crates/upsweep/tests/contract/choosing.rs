//! What the additions to the classic parameters choose.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::scene::{ALL, FAILED, ORPHANS, Scene, furnish, sorted};
use crate::support::Site;

on_each_database!(after_and_before_choose_by_the_age_of_the_file_or_of_the_session);

/// So many hours ago, as a query says it.
fn hours_ago(hours: i64) -> String {
    let then = Timestamp::now() - SignedDuration::from_hours(hours);
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn after_and_before_choose_by_the_age_of_the_file_or_of_the_session(site: Site) {
    furnish(&site);
    for (name, age_hours) in [("a.m4a", 100.0), ("b.m4a", 200.0), ("c.m4a", 300.0)] {
        site.file(name, age_hours);
    }
    for (id, name, age_days) in [("s-20", "s20.m4a", 20), ("s-40", "s40.m4a", 40), ("s-80", "s80.m4a", 80)] {
        site.session(id, "failed", Some(name), age_days);
        // Its file is of another age, which is of no matter.
        site.file(name, 240.0);
    }
    let Some(scene) = Scene::of(site) else { return };
    let dry = |path: &str, query: String| scene.post(&format!("{path}?dry_run=true&{query}"));

    let orphans = |query| sorted(&dry(ORPHANS, query)["orphaned_files_deleted"]);
    assert_eq!(orphans(format!("after={}", hours_ago(250))), ["a.m4a", "b.m4a", "orphan.m4a", "orphan_processed.mp3"]);
    assert_eq!(orphans(format!("before={}", hours_ago(150))), ["b.m4a", "c.m4a"]);
    assert_eq!(orphans(format!("after={}&before={}", hours_ago(250), hours_ago(150))), ["b.m4a"]);

    let failed = |query| sorted(&dry(FAILED, query)["failed_sessions_cleaned"]);
    assert_eq!(failed(format!("after={}", hours_ago(50 * 24))), ["f-old", "s-20", "s-40"]);
    assert_eq!(failed(format!("before={}", hours_ago(30 * 24))), ["s-40", "s-80"]);
    assert_eq!(failed(format!("after={}&before={}", hours_ago(50 * 24), hours_ago(30 * 24))), ["s-40"]);

    // And what is chosen is what goes.
    let mut files = scene.site.files();
    let result = scene.post(&format!("{ALL}?before={}", hours_ago(250)));
    assert_eq!(result["orphaned_files_deleted"], json!(["c.m4a"]));
    assert_eq!(sorted(&result["failed_sessions_cleaned"]), ["s-20", "s-40", "s-80"]);
    files.retain(|path, _| !["c.m4a", "s20.m4a", "s40.m4a", "s80.m4a"].contains(&path.to_str().unwrap()));
    assert_eq!(scene.site.files(), files);
}
