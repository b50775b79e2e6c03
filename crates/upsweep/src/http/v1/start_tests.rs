use axum::http::HeaderMap;

use super::{REPLAYED, Wish, begin_again};
use crate::http::auth::Caller;
use crate::http::request_id::RequestId;
use crate::http::testing::{Site, said};
use crate::http::v1::input::Asking;
use crate::service::job::Task;

fn asking() -> Asking {
    let caller = Caller { subject: "anna".to_owned(), role: "therapist".to_owned() };
    Asking {
        caller,
        request: RequestId::of(&HeaderMap::new()),
        key: Some("tonight".to_owned()),
        path: "/api/v1/runs".to_owned(),
    }
}

#[tokio::test]
async fn who_is_slower_to_begin_a_run_again_is_told_of_the_one_that_began() {
    let site = Site::new();
    // Another process begins it after this one has looked for it, and before it has the store.
    let begun = site.cleaned().await;
    let id = begun["id"].as_str().unwrap().to_owned();
    let site = Site::renewed(site);
    let wish = Wish { task: Task::Recover, approval: None, raw: b"" };
    let response = begin_again(&site.service, &asking(), wish, id.clone()).await.unwrap();
    let replayed = said(response).await.expect(202);
    assert_eq!(replayed.header(REPLAYED.as_str()), "true");
    let (first, told) = (replayed.json(), site.get(&format!("/api/v1/runs/{id}")).await.expect(200).json());
    for run in [first, told] {
        assert_eq!((&run["id"], &run["kind"], &run["outcome"]), (&begun["id"], &begun["kind"], &begun["outcome"]));
        assert_eq!((&run["is_here"], &run["problem"]), (&false.into(), &serde_json::Value::Null), "{run}");
    }
}
