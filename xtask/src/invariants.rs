//! ARCHITECTURE.md names the tests that hold each invariant: those tests must exist.

use std::collections::HashSet;

/// The heading above the table.
const HEADING: &str = "## Invariants";

/// What is wrong with the table in `document`, given the text of every Rust file.
pub(crate) fn complaints<'a>(document: &str, sources: impl Iterator<Item = &'a str>) -> Vec<String> {
    let named = named_tests(document);
    if named.is_empty() {
        return vec![format!("ARCHITECTURE.md: no test is named under '{HEADING}'")];
    }
    let existing: HashSet<&str> = sources.flat_map(functions).collect();
    let missing = named.iter().filter(|test| !existing.contains(last_part(test)));
    missing.map(|test| format!("ARCHITECTURE.md: there is no test `{test}`")).collect()
}

/// The backticked names in the last column of the table.
fn named_tests(document: &str) -> Vec<&str> {
    let table = document.split_once(HEADING).map_or("", |(_, rest)| rest);
    let table = table.split_once("\n## ").map_or(table, |(table, _)| table);
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let tests = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once('|'));
    tests.flat_map(|(_, column)| column.split('`').skip(1).step_by(2)).collect()
}

fn last_part(test: &str) -> &str {
    test.rsplit("::").next().unwrap_or(test)
}

/// The names of all functions in a source text.
fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.split("fn ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        (end > 0).then(|| &rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# x\n## Invariants, and so on\n| what | held by |\n| --- | --- |\n| a | `one::two`, `three` |\n\n## Next\n| b | `four` |\n";

    #[test]
    fn a_named_test_must_exist() {
        let complaints = complaints(DOCUMENT, ["#[test]\nfn two() {}"].into_iter());
        assert_eq!(complaints, ["ARCHITECTURE.md: there is no test `three`"]);
    }

    #[test]
    fn an_empty_table_is_no_proof() {
        assert_eq!(complaints("# x\n", [].into_iter()).len(), 1);
    }
}
