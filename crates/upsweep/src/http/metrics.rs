//! Metrics, as OpenMetrics text. What tells of the store is summed up from the ledger at each scrape: it survives
//! restarts, and counts what other processes and cron did. Only requests and durations are counted in this process.
//! No label ever holds a name of a file or of a person.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use upsweep_engine::ports::{RunKind, Totals};
use upsweep_plan::guard;

/// What the text is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    requests: Family<RequestLabels, Counter>,
    durations: Family<KindLabels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: String,
}

/// From a tenth of a second, a hundred files, to two hours, a network share with millions.
const DURATION_BUCKETS_SECS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 7_200.0];

/// What is so at the time of a scrape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// The last survey that came to its end in this process.
    pub(crate) survey: Option<Surveyed>,
    /// The file system of the uploads.
    pub(crate) usage: Option<Usage>,
    /// When the service cleans up by itself next.
    pub(crate) next_scheduled: Option<Timestamp>,
    /// Whether this process is at a clean-up.
    pub(crate) is_running: bool,
}

/// What a survey found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surveyed {
    pub(crate) at: Timestamp,
    /// Files that no row claims and whose time is over.
    pub(crate) orphans: u64,
    /// Files of failed sessions whose time is over.
    pub(crate) of_failed_sessions: u64,
    /// Claims that live and have no file.
    pub(crate) missing: u64,
}

/// A file system, as `statvfs` tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) size_bytes: u64,
    /// What users other than root may still take.
    pub(crate) free_bytes: u64,
    /// Zero where the file system does not count files.
    pub(crate) files: u64,
    pub(crate) free_files: u64,
}

impl Usage {
    /// # Errors
    /// When there is no such folder, or it does not answer.
    pub(crate) fn of(folder: &Path) -> std::io::Result<Self> {
        let space = rustix::fs::statvfs(folder)?;
        Ok(Self {
            size_bytes: space.f_blocks.saturating_mul(space.f_frsize),
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
            files: space.f_files,
            free_files: space.f_favail,
        })
    }
}

impl Default for Counted {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS_SECS);
        Self { requests: Family::default(), durations: Family::new_with_constructor(histogram) }
    }
}

impl Metrics {
    /// Counts a request; `route` is a pattern of the router, never a path.
    pub(crate) fn request(&self, route: &str, method: &'static str, status: u16) {
        let labels = RequestLabels { route: route.to_owned(), method, status };
        self.0.requests.get_or_create(&labels).inc();
    }

    /// Notes how long a run of this process took.
    pub(crate) fn run_took(&self, kind: RunKind, span: Duration) {
        self.0.durations.get_or_create(&KindLabels { kind: kind.word() }).observe(span.as_secs_f64());
    }

    /// The text for a scrape. `totals` is `None` where there is no ledger yet or it cannot be read; what it would tell
    /// is then left out, which is not the same as zero.
    pub(crate) fn render(&self, totals: Option<&Totals>, live: &Live) -> String {
        let mut registry = Registry::with_prefix("upsweep");
        registry.register("build", "The version of upsweep", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        gauge(&mut registry, "ledger_up", "Whether there is a ledger and it can be read", u64::from(totals.is_some()));
        if let Some(totals) = totals {
            told_by_ledger(&mut registry, totals);
        }
        live_now(&mut registry, live);
        let Counted { requests, durations } = &*self.0;
        let help = "How long the runs of this process took, by kind";
        registry.register_with_unit("run_duration", help, Unit::Seconds, durations.clone());
        registry.register("http_requests", "Requests to this process, by route, method and status", requests.clone());
        let mut written = String::new();
        // A string takes everything, so there is no error to tell of.
        let _ = text::encode(&mut written, &registry);
        written
    }
}

fn told_by_ledger(registry: &mut Registry, totals: &Totals) {
    let Totals {
        runs,
        hidden,
        purged,
        restored,
        copied,
        errors,
        failures,
        stopped,
        refusals,
        last_success,
        quarantined,
    } = totals;
    counter(registry, "runs", "Runs that ended, by whomever they were started", *runs);
    counter(registry, "run_failures", "Runs that failed before they were done", failures.saturating_sub(*stopped));
    counter(registry, "run_stops", "Runs that somebody stopped", *stopped);
    counter(registry, "files_removed", "Files hidden from the upload directory", hidden.files);
    bytes_counter(registry, "hidden", "Size of the files hidden from the upload directory", hidden.bytes);
    counter(registry, "files_freed", "Hidden files whose bytes were freed", purged.files);
    bytes_counter(registry, "freed", "Bytes freed for good", purged.bytes);
    counter(registry, "files_restored", "Files brought back", restored.files);
    bytes_counter(registry, "restored", "Size of the files brought back", restored.bytes);
    counter(registry, "files_archived", "Files copied to the archive", copied.files);
    bytes_counter(registry, "archived", "Size of the files copied to the archive", copied.bytes);
    counter(registry, "errors", "Single files that a run could not deal with", *errors);
    let family = Family::<CodeLabels, Counter>::default();
    // Those that never refused are there too, with zero: a first refusal is then an increase.
    for code in guard::Code::ALL {
        let times = refusals.get(&code).copied().unwrap_or_default();
        family.get_or_create(&CodeLabels { code: code.to_string() }).inc_by(times);
    }
    registry.register("refusals", "How often a guard refused, by its code", family);
    gauge(registry, "quarantine_files", "Files in the quarantine", quarantined.files);
    bytes_gauge(registry, "quarantine", "Size of the files in the quarantine", quarantined.bytes);
    if let Some(at) = last_success {
        time(registry, "last_success_timestamp", "When the last run ended that went well throughout", *at);
    }
}

fn live_now(registry: &mut Registry, live: &Live) {
    let Live { survey, usage, next_scheduled, is_running } = live;
    gauge(registry, "running", "Whether this process is at a clean-up", u64::from(*is_running));
    if let Some(at) = next_scheduled {
        time(registry, "next_scheduled_timestamp", "When the service cleans up by itself next", *at);
    }
    if let Some(Surveyed { at, orphans, of_failed_sessions, missing }) = survey {
        time(registry, "survey_timestamp", "When the survey was made that the next three tell of", *at);
        gauge(registry, "orphan_files", "Files that no row claims and whose time is over", *orphans);
        gauge(registry, "failed_session_files", "Files of failed sessions whose time is over", *of_failed_sessions);
        gauge(registry, "missing_files", "Files that rows claim and that are not there", *missing);
    }
    if let Some(Usage { size_bytes, free_bytes, files, free_files }) = usage {
        bytes_gauge(registry, "store_size", "Size of the file system that holds the uploads", *size_bytes);
        bytes_gauge(registry, "store_free", "What is free on it for users other than root", *free_bytes);
        gauge(registry, "store_inodes", "How many files it can hold; 0 where it does not count", *files);
        gauge(registry, "store_free_inodes", "How many more files it can hold", *free_files);
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn bytes_counter(registry: &mut Registry, name: &str, help: &str, bytes: u64) {
    registry.register_with_unit(name, help, Unit::Bytes, ConstCounter::new(bytes));
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn bytes_gauge(registry: &mut Registry, name: &str, help: &str, bytes: u64) {
    registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(bytes));
}

/// Unix time, in seconds.
fn time(registry: &mut Registry, name: &str, help: &str, at: Timestamp) {
    registry.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(at.as_second()));
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
