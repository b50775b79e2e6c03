//! What guards refuse, and who may overrule them.

use serde_json::json;

use crate::scene::{ALL, FAILED, ORPHANS, Scene, assert_problem};
use crate::support::Site;

on_each_database!(a_refusal_says_why_and_an_admin_may_overrule_it);

/// A hundred orphans beside three live files.
fn overrun(site: &Site) {
    for n in 0..3 {
        site.live(&format!("live-{n}.m4a"));
    }
    for n in 0..100 {
        site.file(format!("orphan-{n}.m4a"), 48.0);
    }
}

fn a_refusal_says_why_and_an_admin_may_overrule_it(site: Site) {
    overrun(&site);
    let Some(scene) = Scene::of(site) else { return };
    let (files, rows) = (scene.site.files(), scene.site.database.sessions());

    // Looking is never refused, and says what would be.
    for potential in [scene.status(), scene.post(&format!("{ALL}?dry_run=true"))] {
        assert_eq!(potential["orphaned_files_count"], 100);
        assert_eq!(potential["error_count"], 0);
        let would = potential["would_refuse"].as_array().unwrap_or_else(|| panic!("{potential}"));
        let text = format!("{would:?}");
        assert!(text.contains("G001") && text.contains("G003"), "{text}");
    }

    for path in [ORPHANS, ALL] {
        let problem = assert_problem(&scene.serve.post(path, &scene.callers.therapist), 409);
        assert_eq!(problem["code"], "refused");
        let refusals = problem["refusals"].as_array().unwrap_or_else(|| panic!("{problem}"));
        let mut codes: Vec<&str> = refusals.iter().map(|refusal| refusal["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["G001", "G003"], "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("3 of 103 files") && detail.contains("G003"), "{detail}");
        // A plan that a human can approve.
        assert!(problem["plan_id"].as_str().is_some_and(|plan| !plan.is_empty()), "{problem}");
    }
    // The other clean-up has nothing that anybody objects to.
    scene.post(FAILED);
    assert_eq!((scene.site.files(), scene.site.database.sessions()), (files, rows));

    // Some of the guards are not all of them, and an approval has a reason.
    let admin = &scene.callers.admin;
    let problem = assert_problem(&scene.serve.post(&format!("{ALL}?allow=G001&reason=imports"), admin), 409);
    assert_eq!(problem["refusals"][0]["code"], "G003", "{problem}");
    assert_eq!(scene.site.hidden(), 0);
    let answer = scene.serve.post(&format!("{ALL}?allow=G001,G003&reason=old%20imports"), admin).expect(200);
    let result = crate::scene::result_of(&answer, ALL);
    assert_eq!(result["orphaned_files_count"], 100);
    assert_eq!(scene.site.hidden(), 100);
    assert_eq!(scene.site.files().len(), 3);
    scene.site.upsweep(&["history"]).expect(0).has("old imports");
    // Who, in which role, by which request.
    let audit = scene.site.upsweep(&["audit", "export"]).expect(0).out;
    for part in ["admin-1", "(admin)", answer.header("x-request-id"), "old imports"] {
        assert!(audit.contains(part), "{part}:\n{audit}");
    }
}

#[test]
fn what_nobody_may_overrule_is_not_overruled() {
    let site = Site::sqlite();
    overrun(&site);
    let Some(scene) = Scene::of(site) else { return };
    for guard in ["G002", "G004", "G008", "G009"] {
        let query = format!("{ALL}?allow=G001,G003,{guard}&reason=please");
        let answer = scene.serve.post(&query, &scene.callers.admin);
        let problem = assert_problem(&answer, answer.status);
        assert!([409, 422].contains(&answer.status), "{guard}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(guard), "{problem}");
    }
    assert_eq!(scene.site.hidden(), 0);
}

#[test]
fn a_file_that_cannot_be_moved_is_an_error_among_others() {
    if !rustix::process::geteuid().is_root() {
        return upsweep_testkit::skip("root, to become somebody else");
    }
    let site = Site::sqlite();
    for n in 0..5 {
        site.live(&format!("live-{n}.m4a"));
    }
    site.file("mine.m4a", 48.0);
    site.file("another-s.m4a", 48.0);
    let Some(callers) = crate::tokens::Callers::new() else { return };
    let mut command = crate::support::command_of_nobody(&site, &["serve"], "another-s.m4a");
    crate::serve::Serve::prepare(&mut command, &site);
    let serve = crate::serve::Serve::run(command);
    let answer = serve.post(ALL, &callers.therapist).expect(200);
    let result = crate::scene::result_of(&answer, ALL);
    assert_eq!(result["orphaned_files_deleted"], json!(["mine.m4a"]), "only what went: {result}");
    assert_eq!(result["error_count"], 1);
    assert!(result["errors"][0].as_str().unwrap().contains("another-s.m4a"), "{result}");
    assert!(site.has("another-s.m4a") && !site.has("mine.m4a"));
}
