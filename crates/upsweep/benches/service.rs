//! How quickly the service answers: one clean-up of a hundred files, and everything else while a large one works.
//!
//! `cargo bench -p upsweep --bench service`; figures of a machine are in docs/benchmarks.md. Nothing here fails because
//! it is slow: it prints what it measured, beside what was aimed at.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fs::{File, FileTimes};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use reqwest::{Client, Method};
use rusqlite::Connection;

const BINARY: &str = env!("CARGO_BIN_EXE_upsweep");
const SECRET: &str = "a-secret-for-benchmarks-0123456789abcdef";

fn main() {
    // `cargo test --benches` and nextest call this to list tests; there are none.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(async {
        hundred_files().await;
        busy().await;
    });
}

async fn hundred_files() {
    let site = Site::new(1_000, 100);
    let mut took = vec![];
    for round in 0..5 {
        if round > 0 {
            site.add_orphans(&format!("round{round}"), 100);
        }
        let began = Instant::now();
        let answer = site.call(Method::POST, "all").await;
        took.push(began.elapsed());
        assert_eq!(answer["result"]["orphaned_files_count"], 100, "{answer}");
        let loop_took = raw_renames(100);
        let ratio = took[round].as_secs_f64() / loop_took.as_secs_f64();
        println!(
            "100 of 1,100 files by POST …/all: {:>7.1} ms ({ratio:.0} x a loop of bare renames)",
            millis(took[round])
        );
    }
    took.sort();
    println!("median {:.1} ms; aimed at: under 1,000 ms\n", millis(took[took.len() / 2]));
}

async fn busy() {
    const CALLS: usize = 1_000;
    const CALLERS: usize = 10;
    let site = Site::new(110_000, 100_000);
    let quiet = site.hammer(CALLS / 10, CALLERS).await;
    println!("{:<34} {}", "config, nothing else going on:", quiet.config);
    println!("{:<34} {}", "status, nothing else going on:", quiet.status);
    let cleaning = tokio::spawn(site.post_all());
    // The first batch is on its way before anybody asks.
    while !site.path.join("uploads/.upsweep/quarantine").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    let mut busy = site.hammer(CALLS, CALLERS).await;
    // Until its end, so that every stage of it is among them.
    while !cleaning.is_finished() {
        busy.extend(site.hammer(CALLS, CALLERS).await);
    }
    let took = began.elapsed();
    let answer = cleaning.await.unwrap();
    assert_eq!(answer["result"]["orphaned_files_count"], 100_000, "{answer}");
    println!("{:<34} {}", "config, while 100,000 files go:", busy.config);
    println!("{:<34} {}", "status, while 100,000 files go:", busy.status);
    println!("the clean-up ended {:.1} s later; {CALLERS} callers, and every answer was 200", took.as_secs_f64());
    println!("config's 99th percentile: {:.1} ms; aimed at: under 50 ms", millis(busy.config.at(0.99)));
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

/// How long single calls took, in order.
struct Latencies(Vec<Duration>);

impl Latencies {
    fn at(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let index = (self.0.len() as f64 * share) as usize;
        self.0[index.min(self.0.len() - 1)]
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [half, most, worst] = [0.5, 0.99, 1.0].map(|share| millis(self.at(share)));
        write!(f, "p50 {half:>6.1} ms, p99 {most:>6.1} ms, longest {worst:>6.1} ms, {} calls", self.0.len())
    }
}

struct Hammered {
    config: Latencies,
    status: Latencies,
}

impl Hammered {
    fn extend(&mut self, more: Self) {
        for (all, more) in [(&mut self.config, more.config), (&mut self.status, more.status)] {
            all.0.extend(more.0);
            all.0.sort();
        }
    }
}

/// A store, its database and its service.
struct Site {
    path: PathBuf,
    server: Child,
    base: String,
    token: String,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Site {
    fn new(live: usize, orphans: usize) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = dir.path().to_owned();
        std::fs::create_dir(path.join("uploads")).unwrap();
        let mut db = Connection::open(path.join("app.db")).unwrap();
        db.execute_batch(
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, status TEXT, audio_filename TEXT, created_at TEXT)",
        )
        .unwrap();
        let all = db.transaction().unwrap();
        for n in 0..live {
            let name = format!("live-{n:08}.m4a");
            old_file(&path.join("uploads").join(&name));
            all.execute("INSERT INTO sessions VALUES (?1, 'done', ?2, '2025-01-01 00:00:00')", (n.to_string(), name))
                .unwrap();
        }
        all.commit().unwrap();
        let (server, base) = serve(&path);
        let token = token(&path);
        let client = Client::builder().build().unwrap();
        let site = Self { path, server, base, token, client, _dir: dir };
        site.add_orphans("orphan", orphans);
        site
    }

    fn add_orphans(&self, stem: &str, count: usize) {
        (0..count).for_each(|n| old_file(&self.path.join("uploads").join(format!("{stem}-{n:08}.m4a"))));
    }

    fn call(&self, method: Method, what: &str) -> impl Future<Output = serde_json::Value> + use<> {
        let url = format!("{}/api/admin/cleanup/{what}", self.base);
        let request = self.client.request(method, url).bearer_auth(&self.token);
        async move {
            let response = request.send().await.unwrap();
            let status = response.status();
            let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
            assert!(status.is_success(), "{status}: {body}");
            body
        }
    }

    fn post_all(&self) -> impl Future<Output = serde_json::Value> + use<> {
        self.call(Method::POST, "all")
    }

    async fn hammer(&self, calls: usize, callers: usize) -> Hammered {
        let caller = |_| {
            let calls: Vec<_> = (0..calls / callers)
                .map(|_| (self.call(Method::GET, "config"), self.call(Method::GET, "status")))
                .collect();
            tokio::spawn(async move {
                let (mut configs, mut statuses) = (vec![], vec![]);
                for (config, status) in calls {
                    let began = Instant::now();
                    config.await;
                    configs.push(began.elapsed());
                    let began = Instant::now();
                    status.await;
                    statuses.push(began.elapsed());
                }
                (configs, statuses)
            })
        };
        let callers: Vec<_> = (0..callers).map(caller).collect();
        let (mut config, mut status) = (vec![], vec![]);
        for caller in callers {
            let (configs, statuses) = caller.await.unwrap();
            config.extend(configs);
            status.extend(statuses);
        }
        config.sort();
        status.sort();
        Hammered { config: Latencies(config), status: Latencies(status) }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn environment<'a>(command: &'a mut Command, path: &Path) -> &'a mut Command {
    command
        .current_dir(path)
        .env_clear()
        .env("DATABASE_URL", format!("sqlite:///{}", path.join("app.db").display()))
        .env("UPLOAD_DIR", path.join("uploads"))
        .env("UPSWEEP_STATE_DIR", path.join("state"))
        .env("UPSWEEP_LISTEN", "127.0.0.1:0")
        .env("JWT_SECRET_KEY", SECRET)
}

fn serve(path: &Path) -> (Child, String) {
    let mut server = environment(&mut Command::new(BINARY), path).arg("serve").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    let base = lines.find_map(|line| Some(line.split_once("listening on ")?.1.to_owned())).expect("it listens");
    std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));
    (server, base)
}

fn token(path: &Path) -> String {
    let made = environment(&mut Command::new(BINARY), path)
        .args(["token", "--role", "admin", "--minutes", "60"])
        .output()
        .unwrap();
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the files under test are old as seen from now")]
fn old_file(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.write_all(b"not much").unwrap();
    file.set_times(FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(40 * 86_400))).unwrap();
}

/// The least that hiding so many files can cost.
#[expect(clippy::disallowed_methods, reason = "what the product is compared with")]
fn raw_renames(count: usize) -> Duration {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    [&from, &to].iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
    (0..count).for_each(|n| old_file(&from.join(n.to_string())));
    let began = Instant::now();
    (0..count).for_each(|n| std::fs::rename(from.join(n.to_string()), to.join(n.to_string())).unwrap());
    began.elapsed()
}
