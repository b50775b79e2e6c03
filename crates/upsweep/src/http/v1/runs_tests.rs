use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use upsweep_engine::ports::Holder;

use crate::http::testing::{Said, Site, by, rename};
use crate::wire;

async fn keyed(site: &Site, key: &str, body: Value) -> Said {
    let request = by("therapist", Method::POST, "/api/v1/runs").header("content-type", "application/json");
    site.send(request.header("idempotency-key", key), body.to_string()).await
}

#[tokio::test]
async fn a_run_is_started_told_and_listed() {
    let site = Site::new();
    let started = site.post("/api/v1/runs", json!({"kind": "run"})).await.expect(202);
    let begun = started.json();
    assert_eq!(started.header("location"), format!("/api/v1/runs/{}", begun["id"].as_str().unwrap()));
    assert_eq!(begun["is_here"], true);
    let run = site.ended(&started).await;
    assert_eq!((&run["outcome"], &run["result"]["hidden"]["files"]), (&json!("done"), &json!(5)), "{run}");
    assert_eq!(run["report"]["still_hidden"], 5);
    assert!(run["by"].as_str().unwrap().starts_with("anna (therapist), request "), "{run}");
    let listed = site.get("/api/v1/runs").await.expect(200).json();
    assert_eq!(listed["items"][0]["id"], run["id"]);
    assert_eq!(listed["items"][0]["report"], Value::Null, "lists stay small");

    let items = site.get(&format!("{}/items?limit=3", started.header("location"))).await.expect(200).json();
    assert_eq!(items["items"].as_array().unwrap().len(), 3);
    assert_eq!(items["items"][0]["state"], "quarantined");
    let rest = format!("{}/items?cursor={}", started.header("location"), items["next_cursor"].as_str().unwrap());
    assert_eq!(site.get(&rest).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn runs_come_in_pages_newest_first_and_are_filtered() {
    let site = Site::new();
    site.cleaned().await;
    for _ in 0..3 {
        site.ended(&site.post("/api/v1/runs", json!({"kind": "recover"})).await.expect(202)).await;
    }
    let first = site.get("/api/v1/runs?limit=2").await.expect(200).json();
    let next = format!("/api/v1/runs?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = site.get(&next).await.expect(200).json();
    let all: Vec<&Value> = [&first, &second].into_iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    assert_eq!(all.len(), 4);
    assert!(all.windows(2).all(|two| two[0]["started_at"].as_str() >= two[1]["started_at"].as_str()));
    assert_eq!(second["next_cursor"], Value::Null);
    let kinds = site.get("/api/v1/runs?kind=run").await.expect(200).json();
    assert_eq!(kinds["items"].as_array().unwrap().len(), 1);
    let none = site.get("/api/v1/runs?until=2001-01-01T00:00:00Z").await.expect(200).json();
    assert_eq!(none["items"], json!([]));
    site.get("/api/v1/runs?cursor=no_id").await.problem(422, "invalid_parameter");
}

#[tokio::test]
async fn every_kind_of_run_can_be_asked_for() {
    let site = Site::new();
    site.cleaned().await;
    for (kind, recorded) in [("purge", "purge"), ("recover", "recover"), ("restore_claimed", "restore")] {
        let run = site.ended(&site.post("/api/v1/runs", json!({"kind": kind})).await.expect(202)).await;
        assert_eq!((&run["kind"], &run["outcome"]), (&json!(recorded), &json!("done")), "{run}");
    }
    let narrow = json!({"kind": "run", "selection": {"only": ["orphan"], "prefixes": ["zz"]}});
    let run = site.ended(&site.post("/api/v1/runs", narrow).await.expect(202)).await;
    assert_eq!(run["result"]["hidden"]["files"], 0);
}

#[tokio::test]
async fn a_request_that_is_repeated_finds_its_run() {
    let site = Site::new();
    let first = keyed(&site, "tonight", json!({"kind": "run"})).await.expect(202);
    assert!(first.headers.get("idempotency-replayed").is_none());
    site.ended(&first).await;
    for _ in 0..2 {
        let again = keyed(&site, "tonight", json!({"kind": "run"})).await.expect(202);
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    keyed(&site, "tonight", json!({"kind": "purge"})).await.problem(422, "key_reused");
    let other = keyed(&site, "tomorrow", json!({"kind": "run"})).await.expect(202);
    assert_ne!(other.header("location"), first.header("location"));
    site.ended(&other).await;
    let again = keyed(&site, "tomorrow", json!({"kind": "run"})).await.expect(202);
    assert_eq!(again.header("location"), other.header("location"), "now the ledger remembers");
    for wrong in ["", "a b", &"x".repeat(256)] {
        keyed(&site, wrong, json!({"kind": "run"})).await.problem(422, "invalid_parameter");
    }
}

#[tokio::test]
async fn a_key_whose_run_could_not_begin_may_begin_it_later() {
    let site = Site::new();
    site.cleaned().await;
    let lease = held(&site, Some("20261101-030000-7f3a9c"));
    let problem = keyed(&site, "tonight", json!({"kind": "purge"})).await.problem(409, "busy");
    assert_eq!(problem["run_id"], "20261101-030000-7f3a9c");
    drop(lease);
    let begun = keyed(&site, "tonight", json!({"kind": "purge"})).await.expect(202);
    assert!(begun.headers.get("idempotency-replayed").is_none());
    site.ended(&begun).await;
    assert_eq!(keyed(&site, "tonight", json!({"kind": "purge"})).await.header("idempotency-replayed"), "true");
}

fn held(site: &Site, run: Option<&str>) -> Box<dyn upsweep_engine::ports::Lease> {
    let holder = Holder { run: run.map(str::to_owned), ..wire::holder("run") };
    wire::with_home(site.service.config(), |_, home| Ok(home.acquire(&holder)?)).unwrap()
}

#[tokio::test]
async fn while_another_process_works_the_answer_names_its_run() {
    let site = Site::new();
    site.cleaned().await;
    let _lease = held(&site, Some("20261101-030000-7f3a9c"));
    let said = site.post("/api/v1/runs", json!({"kind": "run"})).await;
    assert_eq!(said.header("retry-after"), "5");
    assert_eq!(said.problem(409, "busy")["run_id"], "20261101-030000-7f3a9c");
    let store = site.get("/api/v1/store").await.expect(200).json();
    assert_eq!(store["working"]["run_id"], "20261101-030000-7f3a9c");
}

#[tokio::test]
async fn refusals_are_told_by_the_run_and_at_once_where_nothing_began() {
    let site = Site::refused();
    let said = site.post("/api/v1/runs", json!({"kind": "run"})).await;
    // A store that is not bound is surveyed before its lease is taken: who asks may hear of the run, or of its end.
    if said.status == 202 {
        let run = site.ended(&said).await;
        assert_eq!((&run["outcome"], &run["problem"]["code"]), (&json!("refused"), &json!("refused")), "{run}");
        assert_eq!(run["report"]["refusals"][0]["code"], "G003");
    } else {
        assert_eq!(said.problem(409, "refused")["refusals"][0]["code"], "G003");
    }
    let unbound = site.post("/api/v1/runs", json!({"kind": "purge"})).await.problem(409, "conflict");
    assert!(unbound["detail"].as_str().unwrap().contains("nothing to purge"), "{unbound}");
    let body = json!({"kind": "run", "approval": {"codes": ["G003"], "reason": "seen"}});
    site.post("/api/v1/runs", body.clone()).await.problem(403, "not_permitted");
    let run = site.ended(&site.post_as("admin", "/api/v1/runs", body).await.expect(202)).await;
    assert_eq!(run["outcome"], "done", "{run}");
}

#[tokio::test]
async fn without_the_database_nothing_is_begun_but_files_still_come_back() {
    let site = Site::new();
    let run = site.cleaned().await;
    rename(site.dir.path().join("app.db"), site.dir.path().join("away.db"));
    let elsewhere = Site::renewed(site);
    elsewhere.post("/api/v1/runs", json!({"kind": "run"})).await.problem(503, "database_unavailable");
    let place = format!("/api/v1/runs/{}/restore", run["id"].as_str().unwrap());
    let back =
        elsewhere.ended(&elsewhere.send(by("therapist", Method::POST, &place), Body::empty()).await.expect(202)).await;
    assert_eq!((&back["outcome"], &back["result"]["restored"]["files"]), (&json!("done"), &json!(5)), "{back}");
    assert!(elsewhere.uploads.join("nobody-knows-me.flac").exists());
}

#[tokio::test]
async fn a_run_that_works_can_be_asked_to_stop_once_it_has_ended_it_cannot() {
    // A query that takes a while, so that there is something to stop.
    let slow = "\n[[claims]]\nname = \"slow\"\nquery = \"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000000) SELECT 'live-' || x AS name FROM c WHERE x % 1000000 = 0\"\nkey = \"{name}\"\nstanding = \"live\"\n\n[[claims]]\nname = \"sessions\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\nstanding = \"live\"\n";
    let site = Site::with(slow);
    let started = site.post("/api/v1/runs", json!({"kind": "run"})).await.expect(202);
    let place = format!("{}/cancel", started.header("location"));
    site.send(by("therapist", Method::POST, &place), Body::empty()).await.expect(202);
    let run = site.ended(&started).await;
    assert_eq!(run["outcome"], "stopped", "{run}");
    site.send(by("therapist", Method::POST, &place), Body::empty()).await.problem(409, "conflict");
}

#[tokio::test]
async fn what_ended_or_never_was_cannot_be_stopped_or_restored() {
    let site = Site::new();
    let run = site.cleaned().await;
    let renewed = Site::renewed(site);
    let place = |rest: &str| format!("/api/v1/runs/{}{rest}", run["id"].as_str().unwrap());
    let send = |path: String| renewed.send(by("therapist", Method::POST, &path), Body::empty());
    send(place("/cancel")).await.problem(409, "conflict");
    let told = renewed.get(&place("")).await.expect(200).json();
    assert_eq!((&told["is_here"], &told["outcome"]), (&json!(false), &json!("done")));
    for path in ["/api/v1/runs/20260101-000000-000000", "/api/v1/runs/%00", "/api/v1/runs/%ff"] {
        renewed.get(path).await.problem(404, "not_found");
        renewed.get(&format!("{path}/items")).await.problem(404, "not_found");
        send(format!("{path}/cancel")).await.problem(404, "not_found");
        send(format!("{path}/restore")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_run_whose_process_ended_first_was_interrupted() {
    let site = Site::new();
    site.cleaned().await;
    wire::with_home(site.service.config(), |store, home| {
        let mut ledger = wire::ledger_of(store, home)?.unwrap();
        let mut record = ledger.runs(1)?.pop().unwrap();
        (record.id, record.ended_at, record.outcome) = ("20261101-030000-7f3a9c".to_owned(), None, None);
        Ok(ledger.begin_run(&record)?)
    })
    .unwrap();
    let run = site.get("/api/v1/runs/20261101-030000-7f3a9c").await.expect(200).json();
    assert_eq!(run["state"], "interrupted", "{run}");
    let _lease = held(&site, Some("20261101-030000-7f3a9c"));
    let run = site.get("/api/v1/runs/20261101-030000-7f3a9c").await.expect(200).json();
    assert_eq!((&run["state"], &run["is_here"]), (&json!("running"), &json!(false)), "another process has it");
    let path = "/api/v1/runs/20261101-030000-7f3a9c/cancel";
    let problem = site.send(by("therapist", Method::POST, path), Body::empty()).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("another process"));
}
