//! What a call does, and what it says of it.

use std::fs;

use serde_json::json;

use crate::library::stage::{Stage, until};

/// Two orphans, one with its variant, and two failed sessions, one of which has a variant as well.
fn furnished() -> Stage {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    stage.file("orphan_processed.mp3", 48);
    stage.file("other.wav", 300);
    stage.file("young.m4a", 2);
    stage.session("s-9", "failed", "failed.m4a", 8);
    stage.session("s-10", "failed", "failed.m4a", 9);
    stage.file("failed.m4a", 200);
    stage.file("failed_processed.mp3", 200);
    stage.session("s-2", "failed", "again.ogg", 20);
    stage.file("again.ogg", 480);
    stage
}

#[tokio::test]
async fn orphans_go_and_failed_sessions_stay() {
    let stage = furnished();
    let body = stage.post("/orphaned-files").await.expect(200);
    assert_eq!(body["message"], "Orphaned file cleanup completed");
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["message", "result", "success"]);
    let result = &body["result"];
    assert_eq!(result["orphaned_files_deleted"], json!(["orphan.m4a", "orphan_processed.mp3", "other.wav"]));
    assert_eq!(result["orphaned_files_count"], 3);
    assert_eq!((&result["failed_sessions_cleaned"], &result["failed_sessions_count"]), (&json!([]), &json!(0)));
    assert_eq!((&result["errors"], &result["error_count"], &result["dry_run"]), (&json!([]), &json!(0), &json!(false)));
    assert_eq!(stage.names(), ["again.ogg", "failed.m4a", "failed_processed.mp3", "young.m4a"]);
}

#[tokio::test]
async fn failed_sessions_are_named_by_their_ids_and_their_files_are_no_orphans() {
    let stage = furnished();
    let body = stage.post("/failed-sessions").await.expect(200);
    assert_eq!(body["message"], "Failed session cleanup completed");
    let result = &body["result"];
    assert_eq!(result["failed_sessions_cleaned"], json!(["s-10", "s-2", "s-9"]), "each once, in order");
    assert_eq!(result["failed_sessions_count"], 3);
    let files = json!(["again.ogg", "failed.m4a", "failed_processed.mp3"]);
    assert_eq!((&result["failed_session_files_deleted"], &result["failed_session_files_count"]), (&files, &json!(3)));
    assert_eq!((&result["orphaned_files_deleted"], &result["orphaned_files_count"]), (&json!([]), &json!(0)));
    assert_eq!(stage.names(), ["orphan.m4a", "orphan_processed.mp3", "other.wav", "young.m4a"]);
}

#[tokio::test]
async fn a_full_clean_up_is_one_run_whose_sizes_are_those_of_what_it_lists() {
    let stage = furnished();
    fs::write(stage.uploads.join("big.wav"), vec![0; 3 * 1_024 * 1_024]).unwrap();
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options().write(true).open(stage.uploads.join("big.wav")).unwrap().set_times(times).unwrap();
    let body = stage.post("/all").await.expect(200);
    assert_eq!(body["message"], "Full cleanup completed");
    let result = &body["result"];
    assert_eq!((&result["orphaned_files_count"], &result["failed_session_files_count"]), (&json!(4), &json!(3)));
    assert_eq!(result["total_space_freed_mb"], 3.01, "three megabytes and six thousand bytes, rounded");
    assert_eq!(result["space_pending_purge_mb"], 3.01, "hidden, not freed yet");
    assert_eq!(result["action"], "quarantine");
    assert!(result["surveyed_at"].is_string() && result["next_purge_at"].is_string(), "{result}");
    assert!(result["warnings"][0].as_str().unwrap().contains("the store is bound now"), "{result}");
    let run = result["run_id"].as_str().unwrap().to_owned();
    let noted = run.clone();
    let record = stage.service.with_state(move |state| Ok(state.ledger.as_ref().unwrap().run(&noted)?)).await.unwrap();
    let record = record.unwrap();
    assert_eq!(record.outcome.unwrap().hidden.files, 7);
    assert!(record.by.contains("anna (therapist), request "), "{}", record.by);
    let again = stage.post("/all").await.result();
    assert_eq!((&again["orphaned_files_count"], &again["total_space_freed_mb"]), (&json!(0), &json!(0.0)));
    assert_ne!(again["run_id"], json!(run));
    assert_eq!(again["warnings"], json!([]));
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let stage = furnished();
    let before = stage.names();
    for (path, orphans, sessions) in [("/orphaned-files", 3, 0), ("/failed-sessions", 0, 3), ("/all", 3, 3)] {
        let dry = stage.post(&format!("{path}?dry_run=Yes")).await.expect(200);
        assert!(dry["message"].as_str().unwrap().ends_with(" cleanup completed"), "as classic ever said it");
        let result = &dry["result"];
        assert_eq!((&result["dry_run"], &result["run_id"]), (&json!(true), &json!(null)));
        assert_eq!(
            (&result["orphaned_files_count"], &result["failed_sessions_count"]),
            (&json!(orphans), &json!(sessions))
        );
        assert_eq!((stage.names(), stage.is_bound()), (before.clone(), false));
    }
    let dry = stage.post("/all?dry_run=1").await.result();
    let real = stage.post("/all?dry_run=off").await.result();
    for field in [
        "orphaned_files_deleted",
        "failed_sessions_cleaned",
        "failed_session_files_deleted",
        "total_space_freed_mb",
        "space_pending_purge_mb",
        "action",
    ] {
        assert_eq!(dry[field], real[field], "{field}");
    }
    stage.get("/status").await.expect(200);
    stage.file("new.m4a", 72);
    let dry = stage.post("/all?dry_run=1").await.result();
    assert_eq!(dry["orphaned_files_deleted"], json!(["new.m4a"]), "a dry run looks now, however old a status may be");
}

#[tokio::test]
async fn orphans_are_dated_by_their_modification_and_sessions_by_their_creation() {
    let stage = furnished();
    // The files of s-9 and s-10 are 200 hours old, their youngest session 8 days; again.ogg and s-2 both 20 days.
    let cases = [
        ("/orphaned-files?after=100h", json!(["orphan.m4a", "orphan_processed.mp3"]), json!([])),
        ("/orphaned-files?before=100h", json!(["other.wav"]), json!([])),
        ("/failed-sessions?after=195h", json!([]), json!(["s-10", "s-9"])),
        ("/failed-sessions?before=10d", json!([]), json!(["s-2"])),
        ("/all?after=196h", json!(["orphan.m4a", "orphan_processed.mp3"]), json!(["s-10", "s-9"])),
        ("/all?before=10d", json!(["other.wav"]), json!(["s-2"])),
        ("/all?after=300d&before=200d", json!([]), json!([])),
        ("/all?after=10d&before=20d", json!([]), json!([])),
    ];
    for (path, orphans, sessions) in cases {
        let dry = stage.post(&format!("{path}&dry_run=true")).await.result();
        assert_eq!((&dry["orphaned_files_deleted"], &dry["failed_sessions_cleaned"]), (&orphans, &sessions), "{path}");
    }
    let result = stage.post("/all?before=10d").await.result();
    assert_eq!((&result["orphaned_files_count"], &result["failed_sessions_cleaned"]), (&json!(1), &json!(["s-2"])));
    let left = ["failed.m4a", "failed_processed.mp3", "orphan.m4a", "orphan_processed.mp3", "young.m4a"];
    assert_eq!(stage.names(), left);
}

#[tokio::test]
async fn what_is_claimed_again_comes_back_and_one_whose_place_is_taken_is_an_error() {
    let stage = furnished();
    stage.post("/all").await.expect(200);
    stage.session("again-1", "processed", "other.wav", 0);
    stage.session("again-2", "processed", "again.ogg", 0);
    stage.file("again.ogg", 0);
    let dry = stage.post("/all?dry_run=true").await.result();
    assert_eq!(dry["restored_files_count"], 2, "{dry:#}");
    let result = stage.post("/all").await.result();
    assert_eq!((&result["restored_files"], &result["restored_files_count"]), (&json!(["other.wav"]), &json!(1)));
    assert_eq!(result["error_count"], 1, "{result:#}");
    let error = result["errors"][0].as_str().unwrap();
    assert!(error.starts_with("again.ogg: its place is taken"), "{error}");
    assert!(stage.names().contains(&"other.wav".to_owned()));
}

#[tokio::test]
async fn names_that_are_no_text_are_shown_with_escapes_and_others_as_they_are() {
    let stage = Stage::new();
    stage.file(b"caf\xe9.m4a", 48);
    stage.file("back\\slash \u{fc}.m4a", 48);
    let names = json!(["back\\slash \u{fc}.m4a", "caf\\xe9.m4a"]);
    assert_eq!(stage.post("/all?dry_run=on").await.result()["orphaned_files_deleted"], names);
    assert_eq!(stage.post("/all").await.result()["orphaned_files_deleted"], names);
}

#[tokio::test]
async fn what_a_run_frees_of_earlier_ones_is_told_apart() {
    let stage = furnished();
    stage.post("/orphaned-files").await.expect(200);
    stage.let_quarantine_end();
    let result = stage.post("/failed-sessions").await.result();
    assert_eq!(result["files_freed_by_purge"], 3, "{result:#}");
    assert_eq!((&result["orphaned_files_count"], &result["failed_session_files_count"]), (&json!(0), &json!(3)));
}

#[tokio::test]
async fn a_purge_that_a_guard_refuses_is_a_warning_beside_what_was_done() {
    let stage = Stage::empty(&[]);
    stage.file("a.m4a", 48);
    stage.post("/all").await.expect(200);
    stage.let_quarantine_end();
    stage.file("b.m4a", 48);
    let result = stage.post("/all").await.result();
    assert_eq!(result["orphaned_files_deleted"], json!(["b.m4a"]));
    assert_eq!(result["files_freed_by_purge"], 0);
    let warning = result["warnings"][0].as_str().unwrap();
    assert!(warning.contains("not freed (1 of them): G001"), "{warning}");
}

#[tokio::test]
async fn a_call_goes_on_to_its_end_when_its_caller_has_gone() {
    let stage = furnished();
    let call = stage.post("/all");
    {
        let mut call = std::pin::pin!(call);
        // So far that the run has begun, and no further.
        std::future::poll_fn(|context| {
            let _ = call.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    until(|| stage.names() == ["young.m4a"]).await;
}
