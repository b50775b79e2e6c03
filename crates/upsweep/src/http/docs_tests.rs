use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;

use super::*;
use crate::http::testing::{Site, by};
use crate::library::stage::Stage;

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// Path, method, operation.
fn all(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().clone();
        let path = path.clone();
        operations.into_iter().map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation))
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn the_document_names_exactly_the_methods_of_each_path() {
    let site = Site::new();
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{id}", "1");
        let said = site.send(by("admin", Method::PATCH, &concrete), Body::empty()).await.expect(405);
        let allowed: BTreeSet<&str> = said.header("allow").split(',').filter(|method| *method != "HEAD").collect();
        let documented: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        assert_eq!(allowed, documented.iter().map(String::as_str).collect(), "{path}");
    }
    // And nothing is routed past the document: the only routes without a description are the pages of /docs and the
    // way there.
    let sources = [
        include_str!("v1/mod.rs"),
        include_str!("classic/mod.rs"),
        include_str!("classic/status.rs"),
        include_str!("health.rs"),
        include_str!("scrape.rs"),
        include_str!("docs.rs"),
        include_str!("app.rs"),
    ];
    let bare: Vec<&str> = sources.iter().flat_map(|source| source.matches(".route(")).collect();
    assert_eq!(bare.len(), 4);
}

#[test]
fn every_protected_operation_declares_its_sign_in_and_its_problems() {
    let document = document();
    let operations = all(&document);
    assert!(operations.len() > 35, "{}", operations.len());
    let mut ids = BTreeSet::new();
    for (path, method, operation) in &operations {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: its operationId is taken");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{name}");
        let is_protected = path.starts_with("/api/") || path == "/metrics";
        assert_eq!(operation["security"] == serde_json::json!([{"bearerAuth": []}]), is_protected, "{name}");
        let responses = operation["responses"].as_object().unwrap();
        let common: &[&str] = if is_protected { &["401", "403", "413", "429", "500", "503"] } else { &["413", "500"] };
        for status in common {
            assert!(responses.contains_key(*status), "{name}: {status}");
        }
        let is_classic = path.starts_with("/api/admin/");
        let is_clean_up = is_classic && method == "POST";
        assert_eq!(responses.contains_key("504"), !is_classic, "{name}");
        assert_eq!(responses.contains_key("422"), path.starts_with("/api/v1/") || is_clean_up, "{name}");
        assert_eq!(responses.contains_key("400"), operation["requestBody"].is_object() || is_clean_up, "{name}");
        assert_eq!(responses.contains_key("404"), path.contains('{'), "{name}");
        assert_eq!(responses.contains_key("415"), operation["requestBody"].is_object(), "{name}");
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = response["content"].as_object().unwrap();
            let is_health = path == "/readyz" && status == "503";
            let expected = if is_health { "application/json" } else { "application/problem+json" };
            assert_eq!(content.keys().collect::<Vec<_>>(), [expected], "{name}: {status}");
            assert_eq!(response["headers"]["WWW-Authenticate"].is_object(), status == "401", "{name}: {status}");
            let may_wait = ["409", "429", "503"].contains(&status.as_str()) && !is_health;
            assert_eq!(response["headers"]["Retry-After"].is_object(), may_wait, "{name}: {status}");
        }
        assert!(responses.values().all(|response| response["headers"]["X-Request-Id"].is_object()), "{name}");
    }
}

#[test]
fn a_header_is_there_or_not_but_never_null() {
    let document = document();
    let mut headers = 0;
    for (path, _, operation) in all(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "header") {
            assert_eq!(parameter["required"], false, "{path}: {parameter}");
            assert!(!parameter["schema"].to_string().contains("null"), "{path}: {parameter}");
            headers += 1;
        }
    }
    assert_eq!(headers, 6);
}

/// Fails unless an answer has every member that its schema requires, and none that the schema does not know.
#[track_caller]
fn fits(document: &Value, schema: &Value, answer: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        return fits(document, &document["components"]["schemas"][name], answer, place);
    }
    if let Some(either) = schema["oneOf"].as_array() {
        let of = either.iter().find(|of| of["type"] != "null").unwrap();
        return fits(document, of, answer, place);
    }
    let (Some(members), Some(properties)) = (answer.as_object(), schema["properties"].as_object()) else {
        assert!(!answer.is_object(), "{place}: the schema names no members: {schema}");
        return;
    };
    for (name, value) in members {
        let of = properties.get(name).unwrap_or_else(|| panic!("{place}: {name} is not described"));
        fits(document, of, value, &format!("{place}.{name}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{place}: {name} is described, and not there");
    }
}

#[tokio::test]
async fn the_classic_contract_is_described() {
    let document = document();
    let stage = Stage::new();
    stage.file("orphan.m4a", 48);
    for (method, path) in
        [("post", "orphaned-files"), ("post", "failed-sessions"), ("post", "all"), ("get", "status"), ("get", "config")]
    {
        let operation = &document["paths"][format!("/api/admin/cleanup/{path}")][method];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let answer = stage.ask(&method.to_uppercase(), &format!("/{path}"), Some("admin")).await;
        assert_eq!(answer.status, 200, "{path}: {:#}", answer.body);
        fits(&document, schema, &answer.body, path);
    }
    // What is no success has the form of a problem.
    let problem = &document["components"]["schemas"]["Problem"];
    for (query, status) in [("dry_run=perhaps", 422), ("allow=G001", 422)] {
        let answer = stage.ask("POST", &format!("/all?{query}"), Some("admin")).await.expect(status);
        fits(&document, problem, &answer, query);
    }
    for name in ["refusals", "plan_id", "run_id", "result"] {
        assert!(problem["properties"][name].is_object(), "{name}");
    }
}

#[test]
fn the_events_of_a_run_are_described() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert!(schemas["Event"].is_object() && schemas["What"]["oneOf"].is_array(), "{schemas}");
    let about = document["paths"]["/api/v1/runs/{id}/events"]["get"]["description"].as_str().unwrap();
    assert!(about.contains("`Event`") && about.contains("`What`"), "{about}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let references = text.match_indices("#/components/schemas/").map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        &rest[..rest.find('"').unwrap()]
    });
    let missing: BTreeSet<&str> =
        references.filter(|name| document["components"]["schemas"].get(*name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearerAuth"]["scheme"], "bearer");
}

#[tokio::test]
async fn anybody_may_read_the_document_and_its_pages_under_a_strict_policy() {
    let site = Site::new();
    let get = |path: &'static str| Request::builder().uri(path);
    let said = site.send(get("/openapi.json"), Body::empty()).await.expect(200);
    assert_eq!(said.json(), document());
    let said = site.send(get("/docs"), Body::empty()).await.expect(303);
    assert_eq!(said.header("location"), "docs/");
    let page = site.send(get("/docs/"), Body::empty()).await.expect(200);
    let policy = page.header("content-security-policy").to_owned();
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
    assert!(!scripts.contains("unsafe"), "{policy}");
    // Every script of the page is a file of its own, which that policy allows.
    for script in page.text.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').unwrap();
        assert!(tag.contains("src=\"./") && rest.trim_start().starts_with("</script>"), "{script}");
    }
    assert!(!page.text.contains("<style") && !page.text.contains("https://"), "{}", page.text);
    let script = site.send(get("/docs/swagger-initializer.js"), Body::empty()).await.expect(200);
    assert!(script.text.contains("../openapi.json"), "{}", script.text);
    site.send(get("/docs/swagger-ui-bundle.js"), Body::empty()).await.expect(200);
    site.send(get("/docs/../../etc/passwd"), Body::empty()).await.problem(404, "not_found");
}
