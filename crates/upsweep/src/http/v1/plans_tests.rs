use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use upsweep_plan::audit::export::FileVerifier;

use crate::http::testing::{Site, by, rename};

async fn planned(site: &Site, selection: Value) -> Value {
    let said = site.post("/api/v1/plans", selection).await.expect(201);
    let plan = said.json();
    assert_eq!(said.header("location"), format!("/api/v1/plans/{}", plan["id"].as_str().unwrap()));
    plan
}

fn at(plan: &Value, rest: &str) -> String {
    format!("/api/v1/plans/{}{rest}", plan["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_plan_tells_what_would_go_and_changes_nothing() {
    let site = Site::new();
    let plan = planned(&site, json!({})).await;
    assert_eq!(plan["removals"]["files"], 5, "{plan}");
    assert_eq!(plan["by_reason"]["failed_session"]["files"], 2);
    assert_eq!(plan["would_refuse"], json!([]));
    assert!(plan["by"].as_str().unwrap().starts_with("anna (therapist), request "));
    assert!(plan["kept"]["claimed"].as_u64().unwrap() > 0);
    assert!(site.uploads.join("nobody-knows-me.flac").exists());
    assert!(!site.uploads.join(".upsweep").exists(), "a plan must not bind the store");
    assert_eq!(site.get(&at(&plan, "")).await.expect(200).json(), plan);
    let listed = site.get("/api/v1/plans").await.expect(200).json();
    assert_eq!(listed["items"], json!([plan]));
}

#[tokio::test]
async fn a_selection_narrows_a_plan() {
    let site = Site::new();
    let failed = planned(&site, json!({"only": ["failed_session"]})).await;
    assert_eq!(failed["removals"]["files"], 2);
    let named = planned(&site, json!({"prefixes": ["upload-"], "limit": 10})).await;
    assert_eq!(named["removals"]["files"], 1);
    assert_eq!(named["selection"]["prefixes"], json!(["upload-"]));
    let none = planned(&site, json!({"modified_before": "2001-01-01T00:00:00Z"})).await;
    assert_eq!(none["removals"]["files"], 0);
    let everything = site.send(by("therapist", Method::POST, "/api/v1/plans"), Body::empty());
    assert_eq!(everything.await.expect(201).json()["removals"]["files"], 5, "the body may be left out");
    assert_eq!(planned(&site, Value::Null).await["removals"]["files"], 5, "or be null");
}

#[tokio::test]
async fn its_files_come_in_pages() {
    let site = Site::new();
    let plan = planned(&site, json!({})).await;
    let (mut names, mut cursor) = (vec![], String::new());
    loop {
        let page = site.get(&at(&plan, &format!("/items?limit=2{cursor}"))).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|item| item["key"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected = [
        "dora-failed-long-ago.m4a",
        "dora-failed-long-ago_processed.mp3",
        "nobody-knows-me.flac",
        "nobody-knows-me_processed.mp3",
        "upload-broke-off.ogg",
    ];
    assert_eq!(names, expected);
    let failed = site.get(&at(&plan, "/items?reason=failed_session&limit=1")).await.expect(200).json();
    assert_eq!(failed["items"][0]["reason"]["owners"], json!(["104"]));
    let rest = format!("/items?reason=failed_session&cursor={}", failed["next_cursor"].as_str().unwrap());
    let rest = site.get(&at(&plan, &rest)).await.expect(200).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    site.get(&at(&plan, "/items?cursor=900")).await.expect(200);
}

#[tokio::test]
async fn what_is_dropped_or_never_was_is_not_found() {
    let site = Site::new();
    let plan = planned(&site, json!({})).await;
    site.delete(&at(&plan, "")).await.expect(204);
    site.delete(&at(&plan, "")).await.problem(404, "not_found");
    site.get(&at(&plan, "")).await.problem(404, "not_found");
    site.get(&at(&plan, "/items")).await.problem(404, "not_found");
    site.post(&at(&plan, "/apply"), json!({})).await.problem(404, "not_found");
    let approval = json!({"codes": ["G003"], "reason": "seen"});
    site.post_as("admin", &at(&plan, "/approval"), approval).await.problem(404, "not_found");
    site.get("/api/v1/plans/..%2F..%2Fetc").await.problem(404, "not_found");
}

#[tokio::test]
async fn applying_a_plan_does_exactly_that() {
    let site = Site::new();
    let plan = planned(&site, json!({"only": ["failed_session"]})).await;
    let started = site.post(&at(&plan, "/apply"), json!({})).await.expect(202);
    let run = site.ended(&started).await;
    assert_eq!((&run["kind"], &run["outcome"]), (&json!("apply"), &json!("done")), "{run}");
    assert_eq!(run["result"]["hidden"]["files"], 2);
    assert_eq!(run["result"]["plan"], plan["hash"]);
    assert!(site.uploads.join("nobody-knows-me.flac").exists());
    assert!(!site.uploads.join("dora-failed-long-ago.m4a").exists());
}

#[tokio::test]
async fn what_guards_refuse_waits_for_an_administrator() {
    let site = Site::refused();
    let plan = planned(&site, json!({})).await;
    let refused: Vec<&str> =
        plan["would_refuse"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    assert_eq!(refused, ["G003"]);
    let problem = site.post(&at(&plan, "/apply"), json!({})).await.problem(409, "refused");
    assert_eq!(problem["refusals"][0]["code"], "G003");
    let approval = json!({"codes": ["G003"], "reason": "the old client is gone"});
    site.post(&at(&plan, "/approval"), approval.clone()).await.problem(403, "not_permitted");
    let other = json!({"codes": ["G003", "G001"], "reason": "seen"});
    let problem = site.post_as("admin", &at(&plan, "/approval"), other).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("G001"));
    let wrong = json!({"codes": ["G008"], "reason": "seen"});
    site.post_as("admin", &at(&plan, "/approval"), wrong).await.problem(422, "invalid_parameter");

    let approved = site.post_as("admin", &at(&plan, "/approval"), approval).await.expect(201).json();
    assert_eq!(approved["approval"]["codes"], json!(["G003"]));
    assert!(approved["approval"]["by"].as_str().unwrap().starts_with("anna (admin), request "));
    assert_eq!(site.get(&at(&plan, "")).await.json()["approval"], approved["approval"]);
    let run = site.ended(&site.post(&at(&plan, "/apply"), json!({})).await.expect(202)).await;
    assert_eq!(run["outcome"], "done", "{run}");
    assert_eq!(run["result"]["overruled"], json!(["G003"]));
    assert_eq!(run["approval"]["reason"], "the old client is gone");
}

#[tokio::test]
async fn an_administrator_may_overrule_in_the_same_breath() {
    let site = Site::refused();
    let plan = planned(&site, json!({})).await;
    let body = json!({"approval": {"codes": ["G003"], "reason": "seen"}});
    site.post(&at(&plan, "/apply"), body.clone()).await.problem(403, "not_permitted");
    let run = site.ended(&site.post_as("admin", &at(&plan, "/apply"), body).await.expect(202)).await;
    assert_eq!(run["outcome"], "done", "{run}");
}

#[tokio::test]
async fn without_its_database_there_is_no_plan() {
    let site = Site::new();
    rename(site.dir.path().join("app.db"), site.dir.path().join("away.db"));
    let said = site.post("/api/v1/plans", json!({})).await;
    assert_eq!(said.header("retry-after"), "5");
    said.problem(503, "database_unavailable");
}

/// Every record of the exported trail with that name, once there is one; the whole trail verifies.
async fn told(site: &Site, event: &str) -> Vec<Value> {
    for _ in 0..3_000 {
        let said = site.get_as_admin("/api/v1/audit/export").await.expect(200);
        let mut verifier = FileVerifier::new(None);
        said.text.lines().for_each(|line| verifier.line(line.as_bytes()).unwrap());
        verifier.finish().unwrap();
        let records = said.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found: Vec<Value> = records.filter(|record| record["event"] == event).collect();
        if !found.is_empty() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the trail does not tell {event} within half a minute");
}

fn begins(value: &Value, words: &str) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(words))
}

async fn overruled_by_the_boss_and_applied_by_tina(site: &Site) {
    let plan = planned(site, json!({})).await;
    let approval = json!({"codes": ["G003"], "reason": "the old client is gone"});
    site.post_as("admin:boss", &at(&plan, "/approval"), approval).await.expect(201);
    let run = site.ended(&site.post_as("therapist:tina", &at(&plan, "/apply"), json!({})).await.expect(202)).await;
    assert_eq!(run["outcome"], "done", "{run}");
    assert!(begins(&run["by"], "tina (therapist), request "), "{run}");
    assert!(begins(&run["approval"]["by"], "boss (admin), request "), "{run}");

    let approved = told(site, "plan-approved").await;
    assert_eq!(approved.len(), 1, "{approved:?}");
    assert!(begins(&approved[0]["actor"], "boss (admin), request "), "{approved:?}");
    assert_eq!((&approved[0]["subject"], &approved[0]["details"]["plan"]), (&plan["id"], &plan["hash"]));
    let begun = told(site, "run-begun").await;
    let begun = begun.iter().find(|record| record["run"] == run["id"]).unwrap();
    assert!(begins(&begun["actor"], "tina (therapist), request "), "{begun}");
    assert_eq!(begun["details"]["allowed"], "G003");
    assert!(begins(&begun["details"]["allowed_by"], "boss (admin), request "), "{begun}");
}

#[tokio::test]
async fn the_trail_names_who_overruled_and_who_ran_where_that_run_bound_the_store() {
    overruled_by_the_boss_and_applied_by_tina(&Site::refused()).await;
}

#[tokio::test]
async fn the_trail_names_who_overruled_and_who_ran_on_a_store_that_was_bound_before() {
    let site = Site::new();
    site.cleaned().await;
    for n in 0..30 {
        site.orphan(&format!("old-{n:02}.m4a"));
    }
    overruled_by_the_boss_and_applied_by_tina(&site).await;
}

#[tokio::test]
async fn a_plan_from_before_the_store_was_bound_moves_into_the_ledger() {
    let site = Site::refused();
    let (first, second) = (planned(&site, json!({})).await, planned(&site, json!({})).await);
    let narrow = json!({"kind": "run", "selection": {"only": ["failed_session"]}});
    site.ended(&site.post("/api/v1/runs", narrow).await.expect(202)).await;
    let approval = json!({"codes": ["G003"], "reason": "seen"});
    let approved = site.post_as("admin:boss", &at(&first, "/approval"), approval).await.expect(201).json();
    assert!(begins(&told(&site, "plan-approved").await[0]["actor"], "boss (admin), request "));
    site.send(by("therapist:tina", Method::DELETE, &at(&second, "")), Body::empty()).await.expect(204);
    let dropped = told(&site, "plan-dropped").await;
    assert!(begins(&dropped[0]["actor"], "tina (therapist), request "), "{dropped:?}");
    assert_eq!((dropped.len(), &dropped[0]["subject"]), (1, &second["id"]));
    let site = Site::renewed(site);
    let listed = site.get("/api/v1/plans").await.expect(200).json();
    assert_eq!(listed["items"], json!([approved]), "every process finds it");
}
