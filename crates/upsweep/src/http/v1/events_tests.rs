use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::http::testing::{Site, by, said};

/// The events of a stream: id, name, data.
fn events(text: &str) -> Vec<(u64, String, Value)> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {block}")).trim().to_owned()
    };
    let event = |block: &str| {
        let data = serde_json::from_str(&field(block, "data:")).unwrap();
        (field(block, "id:").parse().unwrap(), field(block, "event:"), data)
    };
    text.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':')).map(event).collect()
}

#[tokio::test]
async fn a_listener_hears_a_run_from_its_beginning_to_its_end() {
    let site = Site::new();
    let started = site.post("/api/v1/runs", json!({"kind": "run"})).await.expect(202);
    let place = format!("{}/events", started.header("location"));
    let heard = site.get(&place).await.expect(200);
    assert_eq!(heard.header("content-type"), "text/event-stream");
    assert_eq!(heard.header("x-accel-buffering"), "no", "a proxy must not collect events");
    let all = events(&heard.text);
    let ids: Vec<u64> = all.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!((&*all[0].1, &all[0].2["stage"]), ("stage", &json!("listing")));
    let (last, name, data) = all.last().unwrap();
    assert_eq!((&**name, &data["outcome"], &data["id"]), ("ended", &json!("done"), &json!(last)));

    let later = site.send(by("therapist", Method::GET, &place).header("last-event-id", "2"), Body::empty()).await;
    assert_eq!(events(&later.expect(200).text)[0].0, 3);
    let later = site.get(&format!("{place}?last_event_id=3")).await.expect(200);
    assert_eq!(events(&later.text)[0].0, 4);
    let over = site.send(by("therapist", Method::GET, &place).header("last-event-id", last.to_string()), Body::empty());
    over.await.expect(204);
    for wrong in ["x", "-1", "1.0", "9007199254740992"] {
        let asked = site.send(by("therapist", Method::GET, &place).header("last-event-id", wrong), Body::empty());
        asked.await.problem(422, "invalid_parameter");
    }
    site.get("/api/v1/runs/20260101-000000-000000/events").await.problem(404, "not_found");
}

#[tokio::test]
async fn of_a_run_of_another_process_its_end_is_heard() {
    let site = Site::new();
    let run = site.cleaned().await;
    let elsewhere = site.renewed();
    let place = format!("/api/v1/runs/{}/events", run["id"].as_str().unwrap());
    let all = events(&elsewhere.get(&place).await.expect(200).text);
    let [(1, name, data)] = &all[..] else { panic!("{all:?}") };
    assert_eq!((&**name, &data["outcome"]), ("ended", &json!("done")));
    assert_eq!(data["at"], run["ended_at"]);
    elsewhere.get(&format!("{place}?last_event_id=1")).await.expect(204);
}

#[tokio::test]
async fn a_stream_ends_when_the_service_does() {
    use upsweep_engine::ports::Holder;
    let site = Site::new();
    let run = site.cleaned().await;
    let id = run["id"].as_str().unwrap().replace("2026", "2025").replace("2027", "2025");
    let (by_id, holder) = (id.clone(), Holder { run: Some(id.clone()), ..crate::wire::holder("run") });
    let _lease = crate::wire::with_home(site.service.config(), move |store, home| {
        let mut ledger = crate::wire::ledger_of(store, home)?.unwrap();
        let mut record = ledger.runs(1)?.pop().unwrap();
        (record.id, record.ended_at, record.outcome) = (by_id, None, None);
        ledger.begin_run(&record)?;
        Ok(home.acquire(&holder)?)
    })
    .unwrap();
    let heard = site.open(by("therapist", Method::GET, &format!("/api/v1/runs/{id}/events")), Body::empty()).await;
    assert_eq!(heard.status(), 200);
    let service = std::sync::Arc::clone(&site.service);
    let (heard, ()) = tokio::join!(said(heard), async move { service.shutdown.cancel() });
    assert_eq!(heard.text, "", "nothing ended but the service");
}
