use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;

use super::*;
use crate::http::testing::{Site, by};

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
    for (path, item) in
        document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.starts_with("/api/admin"))
    {
        let concrete = path.replace("{id}", "1");
        let said = site.send(by("admin", Method::PATCH, &concrete), Body::empty()).await.expect(405);
        let allowed: BTreeSet<&str> = said.header("allow").split(',').filter(|method| *method != "HEAD").collect();
        let documented: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        assert_eq!(allowed, documented.iter().map(String::as_str).collect(), "{path}");
    }
    // And nothing is routed past the document: the only routes without a description are the pages of /docs.
    let sources = [include_str!("v1/mod.rs"), include_str!("health.rs"), include_str!("docs.rs")];
    let bare: Vec<&str> = sources.iter().flat_map(|source| source.matches(concat!(".rou", "te(\"/"))).collect();
    assert_eq!(bare.len(), 3);
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
        let is_protected = path.starts_with("/api/");
        assert_eq!(operation["security"] == serde_json::json!([{"bearerAuth": []}]), is_protected, "{name}");
        let responses = operation["responses"].as_object().unwrap();
        let expected: &[&str] = if is_protected { &["401", "403", "409", "422", "500", "503"] } else { &["500"] };
        for status in expected {
            assert!(responses.contains_key(*status), "{name}: {status}");
        }
        assert_eq!(responses.contains_key("404"), path.contains('{'), "{name}");
        assert_eq!(responses.contains_key("415"), operation["requestBody"].is_object(), "{name}");
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = response["content"].as_object().unwrap();
            let is_health = path == "/readyz" && status == "503";
            let expected = if is_health { "application/json" } else { "application/problem+json" };
            assert_eq!(content.keys().collect::<Vec<_>>(), [expected], "{name}: {status}");
        }
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

#[test]
fn the_classic_contract_is_described() {
    let document = document();
    for (path, method) in
        [("orphaned-files", "post"), ("failed-sessions", "post"), ("all", "post"), ("status", "get"), ("config", "get")]
    {
        assert!(document["paths"][format!("/api/admin/cleanup/{path}")][method].is_object(), "{path}");
    }
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
