//! The upload directory is not there.

use serde_json::Value;

use crate::scene::{ALL, FAILED, ORPHANS, Scene, assert_empty, assert_problem, furnish, until_ready};
use crate::support::Site;

on_each_database!(a_directory_that_never_was_is_empty_and_a_warning);
on_each_database!(a_directory_that_once_was_is_missed);

/// Whether it warns of something, wherever it does.
fn warns(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    let says = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let warning = |(name, value): (&String, &Value)| {
        (name.contains("warning") && (says(value) || value.as_array().is_some_and(|list| list.iter().any(says))))
            || warns(value)
    };
    object.iter().any(warning)
}

/// As the classic service answered before the first upload made the directory.
fn a_directory_that_never_was_is_empty_and_a_warning(site: Site) {
    site.session("f-lost", "failed", Some("lost.m4a"), 8);
    std::fs::remove_dir(&site.uploads).unwrap();
    let Some(scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "0")]) else { return };
    for path in [ORPHANS, FAILED, ALL, &format!("{ALL}?dry_run=true")] {
        let result = scene.post(path);
        assert_empty(&result);
        let answer = scene.serve.post(path, &scene.callers.therapist).expect(200);
        assert!(warns(&answer.json()), "{}", answer.text);
    }
    assert_empty(&scene.status());
    assert!(!scene.site.uploads.exists(), "it is the application's to make");
    until_ready(&scene, 503);
    scene.serve.get("/healthz", "").expect(200);

    // The first upload makes it.
    furnish(&scene.site);
    until_ready(&scene, 200);
    assert_eq!(scene.post(ALL)["orphaned_files_count"], 2);
}

/// A disk that is not mounted.
fn a_directory_that_once_was_is_missed(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "0")]) else { return };
    scene.post(FAILED);
    let files = scene.site.files();
    let mounted = scene.site.dir.path().join("mounted");
    std::fs::rename(&scene.site.uploads, &mounted).unwrap();
    // Whether the place is gone or an empty one.
    for is_there in [false, true] {
        if is_there {
            std::fs::create_dir(&scene.site.uploads).unwrap();
        }
        for path in [ORPHANS, FAILED, ALL] {
            let problem = assert_problem(&scene.serve.post(path, &scene.callers.therapist), 409);
            assert_eq!(problem["code"], "refused", "{problem}");
            assert_eq!(problem["refusals"][0]["code"], "G002", "{problem}");
        }
        let overruling = format!("{ALL}?allow=G001,G003&reason=x");
        assert_problem(&scene.serve.post(&overruling, &scene.callers.admin), 409);
        until_ready(&scene, 503);
    }
    assert_eq!(std::fs::read_dir(&scene.site.uploads).unwrap().count(), 0, "nothing was begun in the wrong place");
    std::fs::remove_dir(&scene.site.uploads).unwrap();
    std::fs::rename(&mounted, &scene.site.uploads).unwrap();
    assert_eq!(scene.site.files(), files);
    until_ready(&scene, 200);
    assert_eq!(scene.post(ALL)["orphaned_files_count"], 2);
}
