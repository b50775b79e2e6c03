//! What every JSON form has in common: names in one spelling, and no empty surprises.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::tale::folder;

fn expected() -> Vec<(PathBuf, Value)> {
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let json = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| (path.clone(), serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())).collect()
}

/// Names of fields; a plan's `audio` names files instead.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                found.push(name.clone());
                if name != "audio" {
                    names(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_field_is_spelled_in_snake_case() {
    let all = expected();
    assert!(all.len() > 20, "the expected texts are there");
    for (path, value) in all {
        let mut found = Vec::new();
        names(&value, &mut found);
        for name in found {
            let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(plain, "{}: {name}", path.display());
        }
    }
}
