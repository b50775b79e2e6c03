//! One clean-up at a time: who comes second is told whose run it waits for.

use std::process::Stdio;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::scene::{ALL, FAILED, ORPHANS, Scene, assert_problem, live_many, orphans_many, result_of};
use crate::serve::{Serve, until};
use crate::support::Site;

#[test]
fn a_run_of_the_command_line_is_named_too() {
    let site = Site::sqlite();
    live_many(&site, 200);
    orphans_many(&site, 1_500);
    let Some(scene) = Scene::of(site) else { return };
    let mut run = scene.site.command(&["run", "--allow", "G003", "--reason", "many"]);
    let mut run = run.stdout(Stdio::null()).spawn().unwrap();
    until("something is hidden", || (scene.site.hidden() > 0).then_some(()));
    kill_process(Pid::from_child(&run), Signal::STOP).unwrap();
    let answer = scene.serve.post(ALL, &scene.callers.therapist);
    kill_process(Pid::from_child(&run), Signal::CONT).unwrap();
    assert!(run.wait().unwrap().success());
    let problem = assert_problem(&answer, 409);
    let id = problem["run_id"].as_str().unwrap_or_else(|| panic!("{problem}"));
    scene.site.upsweep(&["history"]).expect(0).has(id);
    assert_eq!(scene.site.hidden(), 1_500);
}

on_each_database!(a_clean_up_that_is_running_is_named_to_who_comes_second);

/// A service that is stopped until this is dropped, as when the test fails.
struct Stopped<'a>(&'a Serve);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

fn a_clean_up_that_is_running_is_named_to_who_comes_second(site: Site) {
    live_many(&site, 200);
    orphans_many(&site, 1_500);
    let Some(first) = Scene::of(site) else { return };
    let second = Serve::start(&first.site);
    let path = format!("{ALL}?allow=G003&reason=many");
    let (run, answered): (Value, Value) = thread::scope(|scope| {
        let caller = scope.spawn(|| first.serve.post(&path, &first.callers.admin));
        // It is stopped in the middle of its work, as a machine under load may stop anybody.
        until("something is hidden", || (first.site.hidden() > 0).then_some(()));
        first.serve.signal(Signal::STOP);
        let stopped = Stopped(&first.serve);
        until("it has stopped", || first.serve.is_stopped().then_some(()));
        let hidden = first.site.hidden();
        assert!(hidden < 1_500, "it was stopped too late to tell anything");

        let therapist = &first.callers.therapist;
        let runs = [ORPHANS, FAILED, ALL].map(|path| {
            let answer = second.post(path, therapist);
            let problem = assert_problem(&answer, 409);
            assert_eq!(problem["code"], "busy", "{problem}");
            assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
            problem["run_id"].clone()
        });
        assert!(runs[0].is_string() && runs.iter().all(|run| *run == runs[0]), "{runs:?}");
        assert_eq!(first.site.hidden(), hidden);
        // Looking goes on.
        second.post(&format!("{ALL}?dry_run=true"), therapist).expect(200);
        second.get(crate::scene::STATUS, therapist).expect(200);
        second.get("/healthz", "").expect(200);

        drop(stopped);
        let answer = caller.join().unwrap().expect(200);
        (runs[0].clone(), result_of(&answer, &path))
    });
    assert_eq!(answered["run_id"], run);
    assert_eq!(answered["orphaned_files_count"], 1_500);
    assert_eq!(first.site.hidden(), 1_500);
    second.post(ALL, &first.callers.therapist).expect(200);
}
