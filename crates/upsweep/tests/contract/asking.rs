//! Parameters that make no sense.

use crate::scene::{ALL, FAILED, ORPHANS, Scene, assert_problem, furnish};
use crate::support::Site;

on_each_database!(bad_parameters_are_named_and_nothing_happens);

fn bad_parameters_are_named_and_nothing_happens(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let files = scene.site.files();
    let bad = [
        ("dry_run=maybe", "dry_run"),
        ("dry_run=", "dry_run"),
        ("dry_run=2", "dry_run"),
        ("after=yesterday", "after"),
        ("before=2026-13-01", "before"),
        ("before=2026-02-30T00:00:00Z", "before"),
        ("after=", "after"),
        ("allow=G001", "reason"),
        ("allow=G001&reason=", "reason"),
        ("allow=G001&reason=%20", "reason"),
        ("allow=G099&reason=x", "G099"),
        ("allow=&reason=x", "allow"),
        ("allow=everything&reason=x", "allow"),
        ("dry_run=true&dry_run=false", "dry_run"),
    ];
    for path in [ORPHANS, FAILED, ALL] {
        for (query, named) in bad {
            let answer = scene.serve.post(&format!("{path}?{query}"), &scene.callers.admin);
            assert_eq!(answer.status, 422, "{query}: {}", answer.text);
            let problem = assert_problem(&answer, 422);
            assert_eq!(problem["code"], "invalid_parameter", "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains(named), "{query}: {problem}");
        }
    }
    assert_eq!(scene.site.files(), files);
    assert!(!scene.site.has(".upsweep"), "nothing was begun");
}

#[test]
fn who_misspells_dry_run_does_not_lose_a_file() {
    let site = Site::sqlite();
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let files = scene.site.files();
    for query in ["dryrun=true", "dry-run=true", "DRY_RUN=true"] {
        let problem = assert_problem(&scene.serve.post(&format!("{ALL}?{query}"), &scene.callers.therapist), 422);
        assert!(problem["detail"].as_str().unwrap().contains("dry_run"), "{problem}");
    }
    assert_eq!(scene.site.files(), files);
}

#[test]
fn other_methods_and_paths_are_answered_in_the_same_form() {
    let site = Site::sqlite();
    let Some(scene) = Scene::of(site) else { return };
    let token = &scene.callers.admin;
    let answer = scene.serve.get(ALL, token);
    assert_problem(&answer, 405);
    assert_eq!(answer.header("allow"), "POST");
    assert_problem(&scene.serve.get("/api/admin/cleanup/everything", token), 404);
    assert_problem(&scene.serve.get("/api/v1/nothing", token), 404);
}
