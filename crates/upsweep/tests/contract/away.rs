//! The database is away: the service says so, and touches nothing.

use crate::scene::{
    ALL, CONFIG, FAILED, ORPHANS, STATUS, Scene, assert_problem, furnish, sorted, take_database_away, until_ready,
};
use crate::support::{Database, Site};

on_each_database!(without_its_database_nothing_is_touched_and_the_callers_are_told);

fn without_its_database_nothing_is_touched_and_the_callers_are_told(site: Site) {
    furnish(&site);
    let Some(mut scene) = Scene::with(site, &[("UPSWEEP_STATUS_MAX_AGE_SECS", "0")]) else { return };
    scene.post(FAILED);
    scene.serve.get("/readyz", "").expect(200);
    let files = scene.site.files();
    take_database_away(&mut scene.site);

    let therapist = scene.callers.therapist.clone();
    for query in ["", "?dry_run=true"] {
        for path in [ORPHANS, FAILED, ALL] {
            let answer = scene.serve.post(&format!("{path}{query}"), &therapist);
            let problem = assert_problem(&answer, 503);
            assert_eq!(problem["code"], "database_unavailable", "{problem}");
            assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        }
    }
    // Nobody can overrule that.
    let overruling = format!("{ALL}?allow=G001,G003&reason=x");
    assert_problem(&scene.serve.post(&overruling, &scene.callers.admin), 503);
    assert_problem(&scene.serve.get(STATUS, &therapist), 503);
    scene.serve.get(CONFIG, &therapist).expect(200);
    scene.serve.get("/healthz", "").expect(200);
    until_ready(&scene, 503);
    assert_eq!(scene.site.files(), files);

    if let Database::Sqlite(path) = &scene.site.database {
        std::fs::rename(path.with_extension("away"), path).unwrap();
        until_ready(&scene, 200);
        assert_eq!(sorted(&scene.post(ALL)["orphaned_files_deleted"]), crate::scene::ORPHAN_NAMES);
    }
}

on_each_database!(a_table_that_is_not_there_hides_nothing);

/// What is wrong lies in the application here, and not in the way to it.
fn a_table_that_is_not_there_hides_nothing(site: Site) {
    furnish(&site);
    let Some(scene) = Scene::of(site) else { return };
    let files = scene.site.files();
    scene.site.database.exec("ALTER TABLE sessions RENAME TO visits");
    for path in [ORPHANS, FAILED, ALL, &format!("{ALL}?dry_run=true")] {
        let answer = scene.serve.post(path, &scene.callers.therapist);
        let problem = assert_problem(&answer, answer.status);
        assert!(problem["detail"].as_str().unwrap().contains("sessions"), "what is missing is named: {problem}");
    }
    assert_eq!(scene.site.files(), files);
}
