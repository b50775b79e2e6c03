//! The example of an application that embeds the clean-up, as a process of its own.
#![allow(clippy::disallowed_methods, reason = "the application under test writes its own files, and knows the time")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use support::Site;

const SECRET: &str = "Zb2c0b8f9a7d4e15a3c6f8e7d1b2a3c4d5";

/// The example, which a whole test run has built beside this test; where only this test was built, it is built now.
fn example() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    let built = path.with_file_name("examples").join("embed");
    if !built.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "upsweep", "--example", "embed"]);
        if cfg!(feature = "test-clock") {
            build.arg("--all-features");
        }
        assert!(build.status().unwrap().success());
    }
    built
}

/// Stopped with the test, whatever becomes of it.
struct Application {
    process: Child,
    address: String,
}

impl Application {
    fn start(site: &Site) -> Self {
        let mut command = Command::new(example());
        command.arg("127.0.0.1:0").env_clear().envs(&site.env).current_dir(site.dir.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, address }
    }

    /// The status and the body.
    fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let sign_in = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let lines = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{sign_in}Connection: close\r\n");
        write!(connection, "{lines}Content-Length: 0\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn token(role: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": "anna", "role": role, "type": "access", "exp": now + 600});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within half a minute: {what}");
}

#[test]
fn an_application_cleans_up_at_its_start_and_when_it_is_asked_and_ends_in_order() {
    let mut site = Site::sqlite().acting("quarantine");
    site.set("JWT_SECRET_KEY", SECRET).set("AUTO_CLEANUP_ON_STARTUP", "true");
    site.file("before.m4a", 72.0);
    let mut application = Application::start(&site);
    assert_eq!(application.ask("GET", "/", None), (200, "the application's own page\n".to_owned()));
    until("the clean-up at the start", || !site.has("before.m4a"));

    assert_eq!(application.ask("POST", "/api/admin/cleanup/all", None).0, 401);
    assert_eq!(application.ask("POST", "/api/admin/cleanup/all", Some(&token("patient"))).0, 403);
    site.file("after.m4a", 72.0);
    let asked = || application.ask("POST", "/api/admin/cleanup/all", Some(&token("therapist")));
    let mut answer = asked();
    // The one at the start may still be at work for a moment after it has hidden its file.
    until("the end of the clean-up at the start", || {
        if answer.0 == 409 {
            answer = asked();
        }
        answer.0 != 409
    });
    assert_eq!(answer.0, 200, "{}", answer.1);
    let body: Value = serde_json::from_str(&answer.1).unwrap();
    assert_eq!(body["message"], "Full cleanup completed");
    assert_eq!(body["result"]["orphaned_files_deleted"], json!(["after.m4a"]));
    assert_eq!(site.hidden(), 2);

    kill_process(Pid::from_child(&application.process), Signal::TERM).unwrap();
    let mut ended = None;
    until("its end", || {
        ended = application.process.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0));
}
