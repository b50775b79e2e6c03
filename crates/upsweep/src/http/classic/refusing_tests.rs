//! What is not done, and why: each with its status and the words for it.
#![allow(clippy::disallowed_methods, reason = "the application under test removes and renames its own files")]

use std::fs;
use std::sync::Arc;

use serde_json::json;
use upsweep_engine::error::EngineError;

use crate::http::problem::{Code, Problem};
use crate::library::stage::{Stage, until};
use crate::wire;

/// A hundred orphans beside three files that somebody claims.
fn mostly_orphans() -> Stage {
    let stage = Stage::empty(&[]);
    for n in 0..3 {
        stage.session(&format!("s-{n}"), "processed", &format!("live-{n}.m4a"), 30);
        stage.file(format!("live-{n}.m4a"), 720);
    }
    (0..100).for_each(|n| stage.file(format!("orphan-{n}.m4a"), 72));
    stage
}

#[tokio::test]
async fn a_guards_refusal_hides_nothing_and_its_plan_waits_for_an_admin() {
    let stage = mostly_orphans();
    let body = stage.post("/orphaned-files").await.expect(409);
    assert_eq!((&body["code"], &body["status"]), (&json!("refused"), &json!(409)));
    for field in ["type", "title", "detail", "request_id"] {
        assert!(body[field].is_string(), "{field}: {body:#}");
    }
    let codes: Vec<_> = body["refusals"].as_array().unwrap().iter().map(|refusal| refusal["code"].clone()).collect();
    assert_eq!(codes, ["G001", "G003"]);
    assert_eq!(stage.names().len(), 100);
    assert!(!stage.is_bound(), "a refused first run does not bind the store");
    let plan = stage.service.kept_plan(body["plan_id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!((plan.plan.removals.len(), plan.approval), (100, None));
    assert!(plan.by.starts_with("anna (therapist), request "), "{}", plan.by);

    let dry = stage.post("/all?dry_run=true").await.result();
    assert_eq!(dry["orphaned_files_count"], 100);
    let codes: Vec<_> = dry["would_refuse"].as_array().unwrap().iter().map(|refusal| &refusal["code"]).collect();
    assert_eq!(codes, ["G001", "G003"]);

    let allow = "allow=G001,G003&reason=old%20imports";
    stage.post(&format!("/all?{allow}")).await.expect(403);
    stage.post(&format!("/all?{allow}&dry_run=true")).await.expect(403);
    stage.post_as("admin", "/all?allow=G001&reason=half").await.expect(409);
    assert_eq!(stage.names().len(), 100);
    let dry = stage.post_as("admin", &format!("/all?dry_run=1&{allow}")).await.result();
    assert_eq!(dry["would_refuse"], json!([]));
    let result = stage.post_as("admin", &format!("/all?{allow}")).await.result();
    assert_eq!((&result["orphaned_files_count"], stage.names().len()), (&json!(100), 0));
}

#[tokio::test]
async fn a_refused_plan_of_a_bound_store_is_kept_where_every_process_finds_it() {
    let stage = Stage::new();
    stage.post("/all").await.expect(200);
    (0..30).for_each(|n| stage.file(format!("orphan-{n}.m4a"), 72));
    let body = stage.post("/all").await.expect(409);
    assert_eq!(body["result"]["orphaned_files_count"], 0, "{body:#}");
    assert_eq!(body["run_id"], body["result"]["run_id"]);
    let kept = stage.another_service().service.kept_plan(body["plan_id"].as_str().unwrap()).await.unwrap();
    assert_eq!(kept.unwrap().plan.removals.len(), 30);
}

#[tokio::test]
async fn a_refused_plan_is_kept_although_its_caller_has_gone() {
    let stage = mostly_orphans();
    {
        let mut call = std::pin::pin!(stage.post("/all"));
        // So far that the run is asked for, and no further.
        std::future::poll_fn(|context| {
            let _ = call.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    until_kept(&stage).await;
}

async fn until_kept(stage: &Stage) {
    for _ in 0..3_000 {
        if !stage.service.plan_heads().await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the refused plan was not kept within half a minute");
}

#[tokio::test]
async fn bad_parameters_name_themselves_and_nothing_is_done() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    let cases = [
        ("dry_run=maybe", "dry_run", "maybe"),
        ("dryrun=true", "dryrun", "true"),
        ("after=yesterday", "after", "yesterday"),
        ("allow=G002&reason=x", "allow", "G002"),
        ("allow=G001", "reason", ""),
    ];
    for path in ["/orphaned-files", "/failed-sessions", "/all"] {
        for (query, parameter, value) in cases {
            let body = stage.post_as("admin", &format!("{path}?{query}")).await.expect(422);
            assert_eq!(
                (&body["code"], &body["parameter"], &body["value"]),
                (&json!("invalid_parameter"), &json!(parameter), &json!(value))
            );
        }
    }
    assert_eq!((stage.names(), stage.is_bound()), (vec!["orphan.m4a".to_owned()], false));
}

#[tokio::test]
async fn nobody_gets_anything_without_having_signed_in() {
    let stage = Stage::new();
    let paths = [("POST", "/orphaned-files"), ("POST", "/failed-sessions"), ("POST", "/all?allow=G002")];
    for (method, path) in paths.into_iter().chain([("GET", "/status"), ("GET", "/config")]) {
        let body = stage.ask(method, path, None).await.expect(401);
        assert_eq!(body["code"], "unauthenticated");
    }
    stage.ask("GET", "/all", Some("admin")).await.expect(405);
    stage.ask("POST", "/status", Some("admin")).await.expect(405);
}

#[tokio::test]
async fn a_second_call_is_told_which_run_is_working() {
    let stage = Arc::new(Stage::new());
    stage.file("orphan.m4a", 48);
    let mut database = stage.database();
    let lock = database.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let first = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.post("/all").await.result() }
    });
    until(|| stage.service.jobs.current().is_some()).await;
    let body = stage.post("/all").await.expect(409);
    assert_eq!(body["code"], "busy");
    lock.rollback().unwrap();
    let result = first.await.unwrap();
    assert_eq!(body["run_id"], result["run_id"]);
    assert_eq!(result["orphaned_files_count"], 1);
}

#[tokio::test]
async fn a_run_of_another_process_is_named_as_well() {
    let stage = Arc::new(Stage::new());
    stage.post("/all").await.expect(200);
    let asking = Arc::clone(&stage);
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        wire::with_home(asking.service.config(), |_, home| {
            let holder = upsweep_engine::ports::Holder { run: Some("run-elsewhere".to_owned()), ..wire::holder("run") };
            let _lease = home.acquire(&holder)?;
            let body = handle.block_on(asking.post("/all")).expect(409);
            assert_eq!((&body["code"], &body["run_id"]), (&json!("busy"), &json!("run-elsewhere")));
            handle.block_on(asking.get("/status")).expect(200);
            Ok(())
        })
        .unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_the_database_nothing_is_done_and_only_the_configuration_is_told() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    fs::write(stage.path("gone.txt"), "").unwrap();
    stage.sql("ALTER TABLE sessions RENAME TO elsewhere");
    stage.post("/all").await.expect(500);
    stage.sql("ALTER TABLE elsewhere RENAME TO sessions");
    let stage = Stage::set(&[("database_url", "postgresql://nobody@127.0.0.1:1/app")]);
    stage.file("orphan.m4a", 48);
    for answer in [stage.post("/all").await, stage.post("/all?dry_run=1").await, stage.get("/status").await] {
        let body = answer.expect(503);
        assert_eq!(body["code"], "database_unavailable");
    }
    assert_eq!(stage.get("/config").await.status, 200);
    assert_eq!(stage.names(), ["orphan.m4a"]);
}

#[tokio::test]
async fn before_the_first_upload_there_is_nothing_to_clean_and_that_is_no_error() {
    let stage = Stage::empty(&[]);
    fs::remove_dir(&stage.uploads).unwrap();
    for path in ["/orphaned-files", "/failed-sessions", "/all", "/all?dry_run=true"] {
        let result = stage.post(path).await.result();
        assert_eq!((&result["orphaned_files_count"], &result["run_id"]), (&json!(0), &json!(null)));
        assert!(result["warnings"][0].as_str().unwrap().contains("does not exist"), "{result:#}");
    }
    let status = stage.get("/status").await.expect(200);
    assert!(status["potential_cleanup"]["warnings"][0].as_str().unwrap().contains("does not exist"));
    assert!(!stage.uploads.exists(), "nobody made it");
}

#[tokio::test]
async fn a_directory_that_was_there_once_and_is_gone_is_refused() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    stage.post("/all").await.expect(200);
    fs::rename(&stage.uploads, stage.path("unmounted")).unwrap();
    for there in [false, true] {
        if there {
            fs::create_dir(&stage.uploads).unwrap();
            stage.file("orphan.m4a", 48);
        }
        let body = stage.post("/all").await.expect(409);
        assert_eq!(body["refusals"][0]["code"], "G002", "{body:#}");
        let dry = stage.post("/all?dry_run=true").await.result();
        assert_eq!(dry["would_refuse"][0]["code"], "G002", "{dry:#}");
        // The survey from before the disk went away is not what is there now.
        stage.service.surveys.invalidate();
        let status = stage.get("/status").await.expect(200);
        assert_eq!(status["potential_cleanup"]["would_refuse"][0]["code"], "G002");
    }
}

#[tokio::test]
async fn an_upload_directory_that_is_none_is_an_error_with_clear_words() {
    let stage = Stage::empty(&[]);
    fs::remove_dir(&stage.uploads).unwrap();
    fs::write(&stage.uploads, "no directory").unwrap();
    for answer in [stage.post("/all").await, stage.post("/all?dry_run=1").await, stage.get("/status").await] {
        assert!(answer.status.is_server_error(), "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains("upload directory") && detail.contains("uploads"), "{detail}");
    }
}

#[tokio::test]
async fn who_comes_while_the_service_ends_is_told_so() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    stage.service.wind_up(std::future::pending()).await;
    let body = stage.post("/all").await.expect(503);
    assert_eq!(body["code"], "shutting_down");
    assert_eq!(stage.names(), ["orphan.m4a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_calls_to_two_services_at_once_each_file_is_in_one_answer() {
    let stage = Arc::new(Stage::new());
    (0..8).for_each(|n| stage.file(format!("orphan-{n}.m4a"), 48));
    let other = Arc::new(stage.another_service());
    let calls: Vec<_> = (0..50)
        .map(|n| {
            let stage = Arc::clone(if n % 2 == 0 { &stage } else { &other });
            tokio::spawn(async move { stage.post("/all").await })
        })
        .collect();
    let mut files = vec![];
    for call in calls {
        let answer = call.await.unwrap();
        match answer.status.as_u16() {
            409 => assert_eq!(answer.body["code"], "busy", "{:#}", answer.body),
            _ => files.extend(answer.result()["orphaned_files_deleted"].as_array().unwrap().clone()),
        }
    }
    files.sort_by_key(ToString::to_string);
    assert_eq!(files, (0..8).map(|n| json!(format!("orphan-{n}.m4a"))).collect::<Vec<_>>());
}

#[test]
fn who_binds_the_store_at_the_same_moment_works_on_it() {
    let error = EngineError::BoundMeanwhile { address: "uploads".to_owned() };
    assert_eq!(Problem::of_engine(&error).code(), Code::Busy);
}
