use serde_json::{Value, json};
use upsweep_plan::audit::export::{FileVerifier, read_checkpoint};

use crate::http::testing::Site;

#[tokio::test]
async fn only_administrators_read_the_trail() {
    let site = Site::new();
    site.cleaned().await;
    for path in ["records", "export", "verify", "checkpoint"] {
        site.get(&format!("/api/v1/audit/{path}")).await.problem(403, "not_permitted");
    }
}

#[tokio::test]
async fn before_there_is_a_trail_that_is_said() {
    let site = Site::new();
    for path in ["export", "verify", "checkpoint"] {
        site.get_as_admin(&format!("/api/v1/audit/{path}")).await.problem(409, "conflict");
    }
    assert_eq!(site.get_as_admin("/api/v1/audit/records").await.expect(200).json()["items"], json!([]));
}

#[tokio::test]
async fn records_name_who_asked_and_by_which_request() {
    let site = Site::new();
    site.cleaned().await;
    let first = site.get_as_admin("/api/v1/audit/records?limit=2").await.expect(200).json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = format!("/api/v1/audit/records?cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = site.get_as_admin(&next).await.expect(200).json();
    let all: Vec<&Value> = [&first, &rest].into_iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let numbers: Vec<u64> = all.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(
        all.iter().all(|record| record["actor"].as_str().unwrap().starts_with("anna (therapist), request ")),
        "{all:?}"
    );
}

#[tokio::test]
async fn an_export_verifies_and_is_what_the_program_writes() {
    let site = Site::new();
    site.cleaned().await;
    let said = site.get_as_admin("/api/v1/audit/export").await.expect(200);
    assert_eq!(said.header("content-type"), "application/x-ndjson");
    let mut verifier = FileVerifier::new(None);
    said.text.lines().for_each(|line| verifier.line(line.as_bytes()).unwrap());
    let summary = verifier.finish().unwrap();
    assert!(summary.records >= 5, "{summary:?}");
    assert!(said.text.ends_with('\n'));
    let checkpoint = site.get_as_admin("/api/v1/audit/checkpoint").await.expect(200).json();
    assert_eq!(said.text.lines().last().unwrap(), checkpoint["line"]);
    assert_eq!(read_checkpoint(checkpoint["line"].as_str().unwrap()).unwrap().seq, summary.last_seq);
    let verified = site.get_as_admin("/api/v1/audit/verify").await.expect(200).json();
    assert_eq!((&verified["is_whole"], &verified["records"]), (&json!(true), &json!(summary.records)));
    let none = site.get_as_admin("/api/v1/audit/export?since=2200-01-01T00:00:00Z").await.expect(200);
    assert_eq!(none.text.lines().count(), 2, "where it begins and where it ends: {}", none.text);
}

#[tokio::test]
async fn a_long_trail_is_sent_whole() {
    let site = Site::with("\nguard_floor = 10000\n");
    for n in 0..400 {
        site.orphan(&format!("old-{n:03}.m4a"));
    }
    site.cleaned().await;
    let said = site.get_as_admin("/api/v1/audit/export").await.expect(200);
    assert!(said.text.len() > 128 << 10, "{} bytes are too few to prove anything", said.text.len());
    let mut verifier = FileVerifier::new(None);
    said.text.lines().for_each(|line| verifier.line(line.as_bytes()).unwrap());
    verifier.finish().unwrap();
}

#[tokio::test]
async fn a_record_that_was_altered_is_found() {
    let site = Site::new();
    site.cleaned().await;
    let ledger = rusqlite::Connection::open(site.uploads.join(".upsweep/ledger.db")).unwrap();
    ledger.execute_batch("DROP TRIGGER audit_is_final").unwrap();
    let changed = ledger.execute("UPDATE audit SET body = replace(body, 'anna', 'otto') WHERE seq = 2", ());
    assert_eq!(changed.unwrap(), 1);
    drop(ledger);
    let verified = site.get_as_admin("/api/v1/audit/verify").await.expect(200).json();
    assert_eq!(verified["is_whole"], false, "{verified}");
    assert!(verified["finding"].as_str().unwrap().contains("record 2"), "{verified}");
}
