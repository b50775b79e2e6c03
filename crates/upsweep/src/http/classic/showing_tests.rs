//! What is shown without anything being done.

use serde_json::json;

use crate::library::stage::Stage;

#[tokio::test]
async fn the_status_says_what_a_full_clean_up_would_do_and_changes_nothing() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    stage.session("s-1", "failed", "failed.m4a", 8);
    stage.file("failed.m4a", 200);
    let body = stage.get("/status").await.expect(200);
    assert_eq!(body["message"], "Cleanup status retrieved");
    let potential = &body["potential_cleanup"];
    assert_eq!(potential["orphaned_files_deleted"], json!(["orphan.m4a"]));
    assert_eq!(potential["failed_sessions_cleaned"], json!(["s-1"]));
    assert_eq!((&potential["dry_run"], &potential["would_refuse"]), (&json!(true), &json!([])));
    assert!(potential["surveyed_at"].is_string() && potential.get("hidden").is_none(), "{potential:#}");
    assert_eq!((stage.names().len(), stage.is_bound()), (2, false));
    let dry = stage.post("/all?dry_run=true").await.result();
    for (field, value) in dry.as_object().unwrap() {
        if field != "surveyed_at" {
            assert_eq!(&potential[field], value, "{field}");
        }
    }
}

#[tokio::test]
async fn many_share_one_survey_until_something_is_done() {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    let first = stage.get("/status").await.expect(200);
    stage.file("later.m4a", 48);
    for _ in 0..20 {
        assert_eq!(stage.get("/status").await.body, first);
    }
    let result = stage.post("/all").await.result();
    assert_eq!(result["orphaned_files_count"], 2);
    let after = stage.get("/status").await.expect(200);
    let potential = &after["potential_cleanup"];
    assert_ne!(potential["surveyed_at"], first["potential_cleanup"]["surveyed_at"]);
    assert_eq!(
        (&potential["orphaned_files_count"], &potential["hidden"]),
        (&json!(0), &json!({"files": 2, "mb": 0.0}))
    );
    assert!(potential["next_purge_at"].is_string());
}

#[tokio::test]
async fn the_configuration_is_flat_and_holds_no_secret() {
    let secret = "a-secret-that-nobody-should-ever-see-anywhere";
    let stage = Stage::set(&[
        ("failed_session_retention_days", "14"),
        ("orphaned_file_retention_hours", "48"),
        ("auto_cleanup_on_startup", "true"),
        ("cleanup_schedule_hour", "5"),
        ("quarantine_days", "30"),
        ("jwt_secret_key", secret),
    ]);
    stage.sql("DROP TABLE sessions");
    let answer = stage.get("/config").await;
    assert_eq!(answer.status, 200);
    let body = answer.body;
    let expected = json!({
        "failed_session_retention_days": 14,
        "orphaned_file_retention_hours": 48,
        "upload_dir": stage.uploads.display().to_string(),
        "auto_cleanup_on_startup": true,
        "cleanup_schedule_hour": 5,
        "schedule": null,
        "action": "quarantine",
        "quarantine_days": 30,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&body[field], value, "{field}");
    }
    assert!(body.get("success").is_none(), "flat, without an envelope");
    let text = body.to_string();
    assert!(!text.contains(secret) && !text.contains("app.db"), "{text}");
}
