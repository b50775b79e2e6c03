use std::collections::{BTreeMap, BTreeSet};

use upsweep_engine::ports::Amount;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn amount(files: u64, bytes: u64) -> Amount {
    Amount { files, bytes }
}

fn totals() -> Totals {
    Totals {
        runs: 12,
        hidden: amount(40, 4_000),
        purged: amount(30, 3_000),
        restored: amount(2, 200),
        copied: amount(1, 100),
        errors: 3,
        failures: 2,
        stopped: 1,
        refusals: [(guard::Code::G003, 5)].into(),
        last_success: Some(at("2026-07-01T03:00:10Z")),
        quarantined: amount(8, 800),
    }
}

fn live() -> Live {
    Live {
        survey: Some(Surveyed { at: at("2026-07-01T12:00:00Z"), orphans: 7, of_failed_sessions: 6, missing: 5 }),
        usage: Some(Usage { size_bytes: 1 << 40, free_bytes: 1 << 39, files: 1_000, free_files: 900 }),
        next_scheduled: Some(at("2026-07-02T03:00:00Z")),
        is_running: true,
    }
}

fn full() -> String {
    let metrics = Metrics::default();
    metrics.request("/files/{name}", "GET", 200);
    metrics.run_took(RunKind::Run, Duration::from_millis(1_500));
    metrics.render(Some(&totals()), &live())
}

/// A family of metrics: its type, and its samples with their labels.
#[derive(Debug, Default)]
struct FamilyRead {
    kind: String,
    samples: BTreeMap<String, f64>,
}

/// Reads the text as strictly as its specification allows: each family is described once, before its samples, and its
/// samples end as those of its type do.
fn read(text: &str) -> BTreeMap<String, FamilyRead> {
    let mut families: BTreeMap<String, FamilyRead> = BTreeMap::new();
    let mut current = String::new();
    let text = text.strip_suffix("# EOF\n").expect("it ends with EOF");
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let (what, rest) = described.split_once(' ').unwrap();
            let (name, value) = rest.split_once(' ').unwrap();
            match what {
                "HELP" => {
                    assert!(value.ends_with('.') && !value.ends_with(".."), "{line}");
                    current = name.to_owned();
                    assert!(families.insert(current.clone(), FamilyRead::default()).is_none(), "{name} comes twice");
                }
                "TYPE" => families.get_mut(name).unwrap().kind = value.to_owned(),
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            assert_eq!(name, current, "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let family = families.get_mut(&current).unwrap();
            let suffixes: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("{other}"),
            };
            let suffix = name.strip_prefix(&current).unwrap();
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{line}");
            assert!(family.samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(), "{line} comes twice");
        }
    }
    families
}

/// The names as Prometheus stores and people query them.
fn queried(families: &BTreeMap<String, FamilyRead>) -> BTreeSet<String> {
    let name = |(name, family): (&String, &FamilyRead)| match family.kind.as_str() {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name.clone(),
    };
    families.iter().map(name).collect()
}

#[test]
fn the_text_is_strict_openmetrics_and_says_what_the_ledger_says() {
    let families = read(&full());
    let value = |sample: &str| {
        let found = families.values().find_map(|family| family.samples.get(sample));
        *found.unwrap_or_else(|| panic!("no {sample}"))
    };
    for (sample, expected) in [
        ("upsweep_files_removed_total", 40.0),
        ("upsweep_hidden_bytes_total", 4_000.0),
        ("upsweep_files_freed_total", 30.0),
        ("upsweep_freed_bytes_total", 3_000.0),
        ("upsweep_files_restored_total", 2.0),
        ("upsweep_restored_bytes_total", 200.0),
        ("upsweep_files_archived_total", 1.0),
        ("upsweep_archived_bytes_total", 100.0),
        ("upsweep_errors_total", 3.0),
        ("upsweep_runs_total", 12.0),
        ("upsweep_run_failures_total", 1.0),
        ("upsweep_run_stops_total", 1.0),
        ("upsweep_refusals_total{code=\"G003\"}", 5.0),
        ("upsweep_refusals_total{code=\"G010\"}", 0.0),
        ("upsweep_quarantine_files", 8.0),
        ("upsweep_quarantine_bytes", 800.0),
        ("upsweep_last_success_timestamp_seconds", 1_782_874_810.0),
        ("upsweep_survey_timestamp_seconds", 1_782_907_200.0),
        ("upsweep_orphan_files", 7.0),
        ("upsweep_failed_session_files", 6.0),
        ("upsweep_missing_files", 5.0),
        ("upsweep_store_free_bytes", 549_755_813_888.0),
        ("upsweep_store_free_inodes", 900.0),
        ("upsweep_next_scheduled_timestamp_seconds", 1_782_961_200.0),
        ("upsweep_run_duration_seconds_sum{kind=\"run\"}", 1.5),
        ("upsweep_run_duration_seconds_bucket{le=\"2.5\",kind=\"run\"}", 1.0),
        ("upsweep_http_requests_total{route=\"/files/{name}\",method=\"GET\",status=\"200\"}", 1.0),
    ] {
        assert!((value(sample) - expected).abs() < 1e-9, "{sample} is {}", value(sample));
    }
}

#[test]
fn what_is_not_known_is_left_out_and_is_not_zero() {
    let families = read(&Metrics::default().render(None, &Live::default()));
    assert!(families["upsweep_ledger_up"].samples["upsweep_ledger_up"].abs() < 1e-9);
    for absent in ["upsweep_files_removed", "upsweep_orphan_files", "upsweep_store_size_bytes"] {
        assert!(!families.contains_key(absent), "{absent}");
    }
}

#[test]
fn the_documented_metrics_are_the_real_ones() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md")).unwrap();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `upsweep_")?.split_once('`'));
    let documented: BTreeSet<String> = rows.map(|(name, _)| format!("upsweep_{name}")).collect();
    assert_eq!(documented, queried(&read(&full())));
    // What the rules ask for exists, too.
    for word in docs.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let base = word.strip_suffix("_sum").or_else(|| word.strip_suffix("_count")).unwrap_or(word);
        let base = base.strip_suffix("_bucket").unwrap_or(base);
        assert!(!word.starts_with("upsweep_") || documented.contains(base), "{word}");
    }
}

#[test]
fn the_room_of_a_file_system_is_told() {
    let Usage { size_bytes, free_bytes, files: _, free_files: _ } = Usage::of(Path::new("/")).unwrap();
    assert!(size_bytes > 0 && free_bytes <= size_bytes);
    assert!(Usage::of(Path::new("/nowhere")).is_err());
}
