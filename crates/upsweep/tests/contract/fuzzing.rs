//! What a tester that never tires finds by the service's own description: nothing, and no recording is lost to it.

use std::path::Path;
use std::process::Command;

use crate::scene::{Scene, furnish};
use crate::support::Site;
use upsweep_testkit::Python;

#[test]
fn schemathesis_finds_nothing_and_no_recording_is_lost() {
    let Some(python) = Python::find() else { return };
    let site = Site::sqlite();
    furnish(&site);
    let live: Vec<_> = live_files(&site);
    let rows = site.database.sessions();
    let Some(scene) = Scene::with(site, &[("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "10000")]) else { return };
    // A store with a past has more to be asked for.
    scene.post(crate::scene::ALL);

    let folder = scene.site.dir.path().join("schemathesis");
    std::fs::create_dir(&folder).unwrap();
    let mut tester = Command::new(python.program("schemathesis"));
    tester.arg("--config-file").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/schemathesis.toml"));
    tester.args(["--no-color", "run", &format!("{}/openapi.json", scene.serve.url()), "--checks", "all"]);
    tester.args(["--header", &format!("Authorization: Bearer {}", scene.callers.admin)]);
    tester.args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8", "--seed", "20261101"]);
    tester.args(["--workers", "2", "--request-timeout", "30", "--suppress-health-check", "all", "--no-shrink"]);
    tester.args(["--generation-database", "none", "--warnings", "off"]);
    let output = tester.current_dir(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("passed") || said.contains("No issues found"), "it must have tried something: {said}");

    assert_eq!(live_files(&scene.site), live);
    assert_eq!(scene.site.database.sessions(), rows);
    scene.serve.get("/healthz", "").expect(200);
    scene.site.upsweep(&["audit", "verify"]).expect(0);
}

fn live_files(site: &Site) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    site.files().into_iter().filter(|(name, _)| name.to_str().unwrap().starts_with("live-")).collect()
}
