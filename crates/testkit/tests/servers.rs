//! Servers end with their tests, and skips are noted.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use upsweep_testkit::{MariaDb, Postgres, skip};

/// Names the helper that a process of its own is to run; elsewhere helpers do nothing.
const HELPER: &str = "UPSWEEP_TEST_HELPER";

fn is_helper(name: &str) -> bool {
    std::env::var(HELPER).is_ok_and(|wanted| wanted == name)
}

/// Runs one of the helpers below in a process of its own and returns what it wrote.
fn run_helper(name: &str, log: &Path) -> String {
    let exe = std::env::current_exe().unwrap();
    let mut helper = Command::new(exe);
    helper.args(["--exact", name, "--nocapture"]).env("UPSWEEP_SKIPPED_LOG", log).env(HELPER, name);
    let output = helper.output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn helper_start_and_die() {
    if !is_helper("helper_start_and_die") {
        return;
    }
    let postgres = Postgres::start();
    let mariadb = MariaDb::start();
    if let (Some(postgres), Some(mariadb)) = (&postgres, &mariadb) {
        eprintln!("at {} {}", postgres.port(), postgres.socket_folder().display());
        eprintln!("at {} {}", mariadb.port(), mariadb.socket().parent().unwrap().display());
    } else {
        skip("no postgres or no mariadb");
    }
    std::process::abort();
}

#[test]
fn helper_skip() {
    if !is_helper("helper_skip") {
        return;
    }
    skip("no such server");
    skip("no other server");
}

#[test]
fn a_killed_test_leaves_no_server() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let said = run_helper("helper_start_and_die", log.path());
    if said.contains("skipped:") {
        return skip("no postgres or no mariadb");
    }
    let servers: Vec<(u16, &Path)> = said
        .lines()
        .filter_map(|line| line.strip_prefix("at ")?.split_once(' '))
        .map(|(port, folder)| (port.parse().unwrap(), Path::new(folder)))
        .collect();
    assert_eq!(servers.len(), 2, "{said}");
    let deadline = Instant::now() + Duration::from_secs(30);
    for (port, folder) in servers {
        while TcpStream::connect(("127.0.0.1", port)).is_ok() || folder.exists() {
            assert!(Instant::now() < deadline, "{port} or {} is still there", folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn skips_are_noted() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let said = run_helper("helper_skip", log.path());
    assert!(said.contains("skipped: no such server"), "{said}");
    let noted = std::fs::read_to_string(log.path()).unwrap();
    assert_eq!(noted, "skipped: no such server\nskipped: no other server\n");
}
