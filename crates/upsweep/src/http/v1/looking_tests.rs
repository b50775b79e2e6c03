use serde_json::{Value, json};

use crate::http::testing::{Site, rename};

#[tokio::test]
async fn the_store_tells_how_it_stands() {
    let site = Site::new();
    let fresh = site.get("/api/v1/store").await.expect(200).json();
    assert_eq!((&fresh["is_bound"], &fresh["marker"], &fresh["last_run"]), (&json!(false), &Value::Null, &Value::Null));
    assert!(fresh["disk"]["total_bytes"].as_u64() > fresh["disk"]["free_bytes"].as_u64());
    let run = site.cleaned().await;
    let store = site.get("/api/v1/store").await.expect(200).json();
    assert_eq!((&store["is_bound"], &store["hidden"]["files"]), (&json!(true), &json!(5)));
    assert_eq!((&store["last_run"]["id"], &store["last_run"]["outcome"]), (&run["id"], &json!("done")));
    assert!(store["next_purge_at"].is_string() && store["marker"]["store_id"].is_string());
    assert_eq!(store["working"], Value::Null);
}

#[tokio::test]
async fn a_store_that_is_not_the_one_it_was_is_refused_everywhere() {
    let site = Site::new();
    site.cleaned().await;
    rename(site.uploads.join(".upsweep/store.json"), site.dir.path().join("marker"));
    for path in ["store", "runs", "quarantine", "holds", "history"] {
        let problem = site.get(&format!("/api/v1/{path}")).await.problem(409, "refused");
        assert_eq!(problem["refusals"][0]["code"], "G002", "{path}");
    }
}

#[tokio::test]
async fn databases_and_rules_are_told_without_passwords() {
    let more = "\n[[databases]]\nname = \"other\"\nurl = \"postgresql://reader:geheim@127.0.0.1:1/app\"\n\n[[claims]]\nname = \"sessions\"\ntable = \"sessions\"\nkey = \"{audio_filename}\"\nowner = \"id\"\nstanding = \"live\"\n";
    let site = Site::with(more);
    let said = site.get("/api/v1/databases").await.expect(200);
    assert!(!said.text.contains("geheim"), "{}", said.text);
    let databases = said.json();
    let [main, other] = &databases["items"].as_array().unwrap()[..] else { panic!("{databases}") };
    assert_eq!((&main["is_reachable"], &main["identity"]["engine"]), (&json!(true), &json!("sqlite")), "{main}");
    assert_eq!((&other["is_reachable"], other["error"].is_string()), (&json!(false), true));
    let rules = site.get("/api/v1/claim-rules").await.expect(200);
    assert!(!rules.text.contains("geheim"), "{}", rules.text);
    let rules = rules.json();
    assert_eq!((&rules["rules"][0]["table"], &rules["counts"]), (&json!("sessions"), &Value::Null));
    assert!(rules["survey_error"].is_string(), "{rules}");
}

#[tokio::test]
async fn rules_come_with_their_counts() {
    let site = Site::new();
    let rules = site.get("/api/v1/claim-rules").await.expect(200).json();
    assert_eq!(rules["counts"]["rows"], 11, "{rules}");
    assert_eq!(rules["counts"]["missing_examples"][0], "Frieda Interview.m4a");
    let store = site.get("/api/v1/store").await.expect(200).json();
    assert_eq!(store["survey"], rules["counts"], "the store tells of the same survey");
}

#[tokio::test]
async fn one_file_is_explained() {
    let site = Site::new();
    let explained = |key: &'static str| {
        let site = &site;
        async move { site.get(&format!("/api/v1/explain?key={key}")).await.expect(200).json() }
    };
    let kept = explained("anna-monday.m4a").await;
    assert_eq!((&kept["verdict"], &kept["why"]), (&json!("keep"), &json!("claimed")));
    assert_eq!(kept["rules"][0]["claims"][0]["owner"], "101");
    assert_eq!(kept["group"][0]["key"], "anna-monday_processed.mp3");
    let gone = explained("dora-failed-long-ago.m4a").await;
    assert_eq!((&gone["verdict"], &gone["reason"]["kind"]), (&json!("remove"), &json!("failed_session")));
    assert_eq!(explained("georg-lost.m4a").await["verdict"], "missing");
    assert_eq!(explained("never%20heard%20of").await["verdict"], "nothing");
    assert_eq!(explained(".gitkeep").await["why"], "dotfile");
    for wrong in ["key=..%2Fx", "key=", "", "key=a&key=b", "kee=a"] {
        site.get(&format!("/api/v1/explain?{wrong}")).await.problem(422, "invalid_parameter");
    }
}

#[tokio::test]
async fn history_is_summed_up() {
    let site = Site::new();
    assert_eq!(site.get("/api/v1/history").await.expect(200).json()["runs"], 0);
    site.cleaned().await;
    let sums = site.get("/api/v1/history").await.expect(200).json();
    assert_eq!(
        (&sums["runs"], &sums["hidden"]["files"], &sums["quarantined"]["files"]),
        (&json!(1), &json!(5), &json!(5))
    );
    let series = site.get("/api/v1/history/series?bucket=week").await.expect(200).json();
    let buckets = series["buckets"].as_array().unwrap();
    assert_eq!((buckets.len(), &buckets[29]["hidden"]["files"], &buckets[0]["runs"]), (30, &json!(5), &json!(0)));
    let none = site.get("/api/v1/history/series?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z").await;
    assert_eq!(none.expect(200).json()["buckets"], json!([]));
    let offset = site.get("/api/v1/history/series?from=2026-01-01T00:00:00+01:00&until=2026-01-05T00:00:00Z").await;
    assert!(offset.expect(200).json()["buckets"].as_array().unwrap().len() >= 4, "a plus sign may stand there bare");
    site.get("/api/v1/history/series?bucket=hour").await.problem(422, "invalid_parameter");
}

#[tokio::test]
async fn the_configuration_is_for_administrators_and_without_secrets() {
    let site = Site::with("jwt_secret_key = \"geheim-geheim-geheim-geheim-geheim\"\nquarantine_days = 9\n");
    site.get("/api/v1/config").await.problem(403, "not_permitted");
    let said = site.get_as_admin("/api/v1/config").await.expect(200);
    assert!(!said.text.contains("geheim"), "{}", said.text);
    let config = said.json();
    let settings = config["settings"].as_array().unwrap();
    let setting = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap();
    assert_eq!(setting("quarantine_days")["value"], "9");
    assert!(setting("quarantine_days")["origin"].as_str().unwrap().ends_with("upsweep.toml"));
    assert_eq!(setting("jwt_secret_key")["value"], "***");
    assert_eq!(setting("orphaned_file_retention_hours")["origin"], "default");
    assert!(config["files"][0].as_str().unwrap().ends_with("upsweep.toml"));
}
