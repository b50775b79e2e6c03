use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::http::testing::{Site, by, rename};

#[tokio::test]
async fn what_is_hidden_is_listed_in_pages() {
    let site = Site::new();
    assert_eq!(site.get("/api/v1/quarantine").await.expect(200).json()["items"], json!([]), "nothing is bound yet");
    site.cleaned().await;
    let page = site.get("/api/v1/quarantine?limit=3").await.expect(200).json();
    let item = &page["items"][0];
    assert_eq!((&item["state"], &item["reason"]["kind"]), (&json!("quarantined"), &json!("failed_session")));
    assert!(item["until"].as_str() > item["hidden_at"].as_str());
    let rest = format!("/api/v1/quarantine?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(site.get(&rest).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn files_come_back_by_name_and_all_at_once_and_are_held() {
    let site = Site::new();
    site.orphan("na\u{308}me.m4a");
    std::os::unix::fs::symlink("nowhere", site.uploads.join("link")).unwrap();
    site.cleaned().await;
    let keys = json!({"keys": ["upload-broke-off.ogg", "nobody-ever.m4a", {"hex": "ff"}]});
    let run = site.ended(&site.post("/api/v1/quarantine/restore", keys).await.expect(202)).await;
    assert_eq!(run["result"]["restored"]["files"], 1, "{run}");
    assert_eq!(run["report"]["unknown"], json!(["nobody-ever.m4a", {"hex": "ff"}]));
    assert!(site.uploads.join("upload-broke-off.ogg").exists());
    let run = site.ended(&site.post("/api/v1/quarantine/restore", json!({"all": true})).await.expect(202)).await;
    assert_eq!(run["result"]["restored"]["files"], 5, "{run}");
    let holds = site.get("/api/v1/holds").await.expect(200).json();
    assert_eq!(holds["items"].as_array().unwrap().len(), 6, "{holds}");
    assert_eq!(holds["items"][0]["target"], json!({"key": "upload-broke-off.ogg"}));
}

#[tokio::test]
async fn a_name_that_is_no_text_goes_there_and_back() {
    use std::os::unix::ffi::OsStrExt as _;
    let site = Site::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.m4a");
    site.orphan("cafe.m4a");
    rename(site.uploads.join("cafe.m4a"), site.uploads.join(name));
    site.cleaned().await;
    let listed = site.get("/api/v1/quarantine").await.expect(200).json();
    let key = listed["items"].as_array().unwrap().iter().map(|item| &item["key"]).find(|key| key.is_object());
    assert_eq!(key.unwrap(), &json!({"hex": "636166e92e6d3461"}));
    let told = site.get("/api/v1/explain?key=caf%e9.m4a").await.expect(200).json();
    assert_eq!((&told["key"], &told["verdict"]), (key.unwrap(), &json!("hidden")));
    let run = site.ended(&site.post("/api/v1/quarantine/restore", json!({"keys": [key]})).await.expect(202)).await;
    assert_eq!(run["result"]["restored"]["files"], 1, "{run}");
    assert!(site.uploads.join(name).exists());
}

#[tokio::test]
async fn what_comes_back_is_said_in_one_way() {
    let site = Site::new();
    for wrong in [
        json!({}),
        json!({"all": false}),
        json!({"all": null}),
        json!({"keys": []}),
        json!({"keys": ["a"], "all": true}),
        json!({"keys": ["../a"]}),
        json!({"keys": ["a"], "more": 1}),
    ] {
        site.post("/api/v1/quarantine/restore", wrong).await.problem(422, "invalid_parameter");
    }
}

#[tokio::test]
async fn what_is_due_is_freed_on_demand() {
    let site = Site::new();
    site.post("/api/v1/quarantine/purge", json!({})).await.problem(409, "conflict");
    site.cleaned().await;
    let asked = site.send(by("therapist", Method::POST, "/api/v1/quarantine/purge"), Body::empty());
    let run = site.ended(&asked.await.expect(202)).await;
    assert_eq!(
        (&run["kind"], &run["result"]["purged"]["files"]),
        (&json!("purge"), &json!(0)),
        "nothing is due: {run}"
    );
    let body = json!({"approval": {"codes": ["G001"], "reason": "seen"}});
    site.post("/api/v1/quarantine/purge", body).await.problem(403, "not_permitted");
}

#[tokio::test]
async fn a_run_is_undone_as_a_whole() {
    let site = Site::new();
    let run = site.cleaned().await;
    let place = format!("/api/v1/runs/{}/restore", run["id"].as_str().unwrap());
    let back = site.ended(&site.send(by("therapist", Method::POST, &place), Body::empty()).await.expect(202)).await;
    assert_eq!(back["result"]["restored"]["files"], 5, "{back}");
    let items = format!("/api/v1/runs/{}/items", run["id"].as_str().unwrap());
    let items = site.get(&items).await.expect(200).json();
    assert!(items["items"].as_array().unwrap().iter().all(|item| item["state"] == "restored"), "{items}");
}

#[tokio::test]
async fn holds_are_set_listed_and_released_with_words() {
    let site = Site::new();
    let wish = json!({"target": {"prefix": "anna-"}, "reason": "a complaint", "until": "2200-01-01T00:00:00Z"});
    site.post("/api/v1/holds", wish.clone()).await.problem(409, "conflict");
    assert_eq!(site.get("/api/v1/holds").await.expect(200).json()["items"], json!([]));
    site.delete("/api/v1/holds/1?reason=seen").await.problem(404, "not_found");
    site.cleaned().await;
    let said = site.post("/api/v1/holds", wish).await.expect(201);
    let hold = said.json();
    assert_eq!(hold["target"], json!({"prefix": "anna-"}));
    assert_eq!((&hold["reason"], &hold["until"]), (&json!("a complaint"), &json!("2200-01-01T00:00:00Z")));
    assert!(hold["by"].as_str().unwrap().starts_with("anna (therapist), request "));
    let place = said.header("location").to_owned();
    assert_eq!(site.get(&place).await.expect(200).json(), hold);
    for target in [json!({"key": "ben.m4a"}), json!({"owner": "104"})] {
        site.post("/api/v1/holds", json!({"target": target, "reason": "seen"})).await.expect(201);
    }
    let page = site.get("/api/v1/holds?limit=1").await.expect(200).json();
    assert_eq!(page["items"], json!([hold]));
    let rest = format!("/api/v1/holds?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(site.get(&rest).await.expect(200).json()["items"].as_array().unwrap().len(), 2);

    site.delete(&place).await.problem(422, "invalid_parameter");
    site.delete(&format!("{place}?reason=%20")).await.problem(422, "invalid_parameter");
    site.delete(&format!("{place}?reason=settled")).await.expect(204);
    site.delete(&format!("{place}?reason=settled")).await.problem(409, "conflict");
    site.get(&place).await.problem(404, "not_found");
    site.delete("/api/v1/holds/99?reason=settled").await.problem(404, "not_found");
    for wrong in ["x", "-1", "1.0", "99999999999999999999"] {
        site.get(&format!("/api/v1/holds/{wrong}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_hold_is_described_exactly() {
    let site = Site::new();
    site.cleaned().await;
    let over = json!({"target": {"key": "a"}, "reason": "seen", "until": "2001-01-01T00:00:00Z"});
    site.post("/api/v1/holds", over).await.problem(409, "conflict");
    for target in [
        json!({"key": "/a"}),
        json!({"key": "a", "prefix": "b"}),
        json!({"prefix": ""}),
        json!({"owner": ""}),
        json!({"session": "1"}),
        json!({}),
        Value::Null,
    ] {
        let wish = json!({"target": target, "reason": "seen"});
        site.post("/api/v1/holds", wish).await.problem(422, "invalid_parameter");
    }
}
