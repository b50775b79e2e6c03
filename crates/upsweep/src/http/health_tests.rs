use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::http::testing::{Said, Site, rename};

async fn get(site: &Site, path: &str) -> Said {
    site.send(Request::builder().uri(path), Body::empty()).await
}

/// The names of what is not in order.
async fn amiss(site: &Site) -> Vec<String> {
    let said = get(site, "/readyz").await.expect(503);
    let json = said.json();
    assert_eq!(json["status"], "not_ready");
    assert!(!said.text.contains(site.dir.path().to_str().unwrap()), "paths are nobody's business: {json}");
    let bad = json["checks"].as_array().unwrap().iter().filter(|check| check["is_good"] == Value::Bool(false));
    bad.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_service_that_could_work_is_alive_and_ready() {
    let site = Site::new();
    assert_eq!(get(&site, "/healthz").await.expect(200).json()["status"], "alive");
    let ready = get(&site, "/readyz").await.expect(200).json();
    let names: Vec<&Value> = ready["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert_eq!(json!(names), json!(["serving", "store", "ledger", "database:main"]));
    site.cleaned().await;
    get(&site.renewed(), "/readyz").await.expect(200);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let site = Site::new();
    rename(site.dir.path().join("app.db"), site.dir.path().join("away.db"));
    assert_eq!(amiss(&site).await, ["database:main"]);
    rename(site.dir.path().join("away.db"), site.dir.path().join("app.db"));
    rename(&site.uploads, site.dir.path().join("unmounted"));
    let site = site.renewed();
    assert_eq!(amiss(&site).await, ["store", "ledger"]);
    get(&site, "/healthz").await.expect(200);
}

#[tokio::test]
async fn another_store_in_its_place_is_noticed() {
    let site = Site::new();
    site.cleaned().await;
    rename(site.uploads.join(".upsweep/store.json"), site.dir.path().join("marker"));
    assert_eq!(amiss(&site.renewed()).await, ["store", "ledger"]);
}

#[tokio::test]
async fn a_damaged_ledger_is_noticed() {
    let site = Site::new();
    site.cleaned().await;
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let path = site.uploads.join(".upsweep").join(name);
        if path.exists() {
            std::fs::write(path, "no database at all, and long enough to be noticed").unwrap();
        }
    }
    assert_eq!(amiss(&site.renewed()).await, ["ledger"]);
}

#[tokio::test]
async fn who_shuts_down_is_not_ready_any_more() {
    let site = Site::new();
    site.service.shutdown.cancel();
    assert_eq!(amiss(&site).await, ["serving"]);
}
