use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::stage::Stage;
use super::*;

const SECRET: &str = "Zb2c0b8f9a7d4e15a3c6f8e7d1b2a3c4d5";

fn furnished() -> Stage {
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    stage.session("s-1", "failed", "failed.m4a", 8);
    stage.file("failed.m4a", 200);
    stage
}

fn embedded(stage: &Stage, settings: &[(&str, &str)]) -> AudioCleanupService {
    AudioCleanupService::new(stage.config(settings)).unwrap()
}

#[tokio::test]
async fn the_classic_methods_do_what_their_routes_do() {
    let stage = furnished();
    let service = embedded(&stage, &[]);
    let status = service.get_cleanup_status().await.unwrap();
    assert_eq!((status.orphaned_files_count, status.failed_sessions_count, status.dry_run), (1, 1, true));
    let orphans = service.cleanup_orphaned_files(true).await.unwrap();
    assert_eq!((orphans.orphaned_files_deleted, orphans.failed_sessions_count), (vec!["orphan.m4a".to_owned()], 0));
    assert_eq!(stage.names().len(), 2);
    let sessions = service.cleanup_failed_sessions(false).await.unwrap();
    assert_eq!((sessions.failed_sessions_cleaned, sessions.orphaned_files_count), (vec!["s-1".to_owned()], 0));
    let all = service.run_full_cleanup(false).await.unwrap();
    assert_eq!((all.orphaned_files_count, all.failed_sessions_count), (1, 0));
    assert_eq!(stage.names(), [""; 0]);
    assert_eq!(service.get_cleanup_status().await.unwrap().hidden.unwrap().files, 2);
    service.shut_down().await;
    assert!(matches!(service.run_full_cleanup(false).await, Err(CleanupError::Stopped(_))));
}

#[tokio::test]
async fn the_typed_result_is_the_very_object_of_the_answer() {
    let stage = furnished();
    let typed = embedded(&stage, &[]).run_full_cleanup(true).await.unwrap();
    let mut answered = stage.post("/all?dry_run=true").await.result();
    let mut typed_json = serde_json::to_value(&typed).unwrap();
    for value in [&mut answered, &mut typed_json] {
        value["surveyed_at"].take();
    }
    assert_eq!(typed_json, answered);
    let back: CleanupResult = serde_json::from_value(serde_json::to_value(&typed).unwrap()).unwrap();
    assert_eq!(back, typed);
}

#[tokio::test]
async fn the_start_up_clean_up_runs_only_where_it_is_switched_on() {
    let stage = furnished();
    assert_eq!(run_startup_cleanup(&embedded(&stage, &[])).await.unwrap(), None);
    assert_eq!(stage.names().len(), 2);
    let result = run_startup_cleanup(&embedded(&stage, &[("auto_cleanup_on_startup", "true")])).await.unwrap();
    assert_eq!(result.unwrap().orphaned_files_count, 1);
    let nightly = run_scheduled_cleanup(&embedded(&stage, &[])).await.unwrap();
    assert_eq!(nightly.orphaned_files_count, 0);
}

#[tokio::test]
async fn refusals_and_failures_are_typed() {
    let stage = Stage::empty(&[]);
    (0..30).for_each(|n| stage.file(format!("orphan-{n}.m4a"), 72));
    match run_scheduled_cleanup(&embedded(&stage, &[])).await {
        Err(CleanupError::Refused { refusals, plan_id: Some(_), .. }) => {
            assert_eq!(refusals.iter().map(|refusal| &*refusal.code).collect::<Vec<_>>(), ["G001", "G003"]);
        }
        other => panic!("{other:?}"),
    }
    let away = embedded(&stage, &[("database_url", "postgresql://nobody@127.0.0.1:1/app")]);
    assert!(matches!(away.run_full_cleanup(false).await, Err(CleanupError::DatabaseUnavailable(_))));
    let wrong = stage.config(&[("quarantine_days", "0"), ("cleanup_schedule_hour", "24")]);
    match AudioCleanupService::new(wrong).err().unwrap() {
        CleanupError::Config(words) => {
            assert!(words.contains("quarantine_days") && words.contains("cleanup_schedule_hour"), "{words}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configuration_shows_no_passwords() {
    let config =
        CleanupConfig::new("postgresql://app:hunter2@db/app", "uploads").with_setting("jwt_secret_key", SECRET);
    let shown = format!("{config:?}");
    assert!(shown.contains("jwt_secret_key") && !shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");
}

async fn ask(router: &Router, header: Option<(&str, String)>) -> (StatusCode, Value) {
    let mut request = Request::builder().uri("/api/admin/cleanup/config");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn the_routes_let_in_who_has_a_token_of_the_application() {
    let stage = Stage::new();
    let service = embedded(&stage, &[("jwt_secret_key", SECRET)]);
    let app = Router::new().merge(cleanup_router(&service, CleanupAuth::Tokens).unwrap());
    let exp = service.service.now().as_second() + 60;
    let token = |role: &str, secret: &str| {
        let claims = json!({"sub": "anna", "role": role, "exp": exp, "type": "access"});
        let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()));
        Some(("authorization", format!("Bearer {}", token.unwrap())))
    };
    assert_eq!(ask(&app, token("therapist", SECRET)).await.0, StatusCode::OK);
    assert_eq!(ask(&app, token("patient", SECRET)).await.0, StatusCode::FORBIDDEN);
    let (status, body) = ask(&app, token("admin", "another-secret-of-at-least-32-bytes")).await;
    assert_eq!((status, &body["success"]), (StatusCode::UNAUTHORIZED, &json!(false)));
    assert_eq!(ask(&app, None).await.0, StatusCode::UNAUTHORIZED);
    let without = cleanup_router(&embedded(&stage, &[]), CleanupAuth::Tokens);
    assert!(matches!(without, Err(CleanupError::Config(words)) if words.contains("JWT_SECRET_KEY")));
}

#[tokio::test]
async fn the_routes_let_in_whom_the_application_knows() {
    let stage = Stage::new();
    let auth = CleanupAuth::application(|request| {
        let role = request.headers.get("x-role")?.to_str().ok()?.to_owned();
        Some(CleanupUser { subject: "anna".to_owned(), role })
    });
    let app = Router::new().merge(cleanup_router(&embedded(&stage, &[]), auth).unwrap());
    let role = |role: &str| Some(("x-role", role.to_owned()));
    assert_eq!(ask(&app, role("therapist")).await.0, StatusCode::OK);
    assert_eq!(ask(&app, role("patient")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(&app, None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_the_application_does_not_know_stays_its_own_affair() {
    let stage = Stage::new();
    let auth = CleanupAuth::application(|_| None);
    let own = Router::new().route("/own", axum::routing::get(async || "ours"));
    let app = own.merge(cleanup_router(&embedded(&stage, &[]), auth).unwrap());
    let get = |path: &str| app.clone().oneshot(Request::builder().uri(path).body(Body::empty()).unwrap());
    let unknown = get("/nope").await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(unknown.headers().get("x-request-id").is_none(), "{unknown:?}");
    assert_eq!(get("/own").await.unwrap().status(), StatusCode::OK);
}
