//! `upsweep serve` for a test's site, on a free port, and a plain client of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use ureq::http::Request;

use crate::support::Site;

/// The secret of the site's application, as `openssl rand -hex 32` makes one.
pub const SECRET: &str = "9f2c4b7e1d8a6035f4e9c2b1a7d60e83f5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0";

/// No test waits longer for anything.
const LONGEST: Duration = Duration::from_secs(60);

/// A service at work; dropped, it is asked to end, as by systemd.
pub struct Serve {
    child: Child,
    url: String,
    agent: ureq::Agent,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// What the service answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Serve {
    /// For the site as it is set, with [`SECRET`] unless it has one of its own.
    pub fn start(site: &Site) -> Self {
        Self::with(site, &[])
    }

    /// The same with further variables.
    pub fn with(site: &Site, more: &[(&str, &str)]) -> Self {
        Self::run(Self::command(site, more))
    }

    pub fn command(site: &Site, more: &[(&str, &str)]) -> Command {
        let mut command = site.command(&["serve"]);
        Self::prepare(&mut command, site);
        command.envs(more.iter().copied());
        command
    }

    /// Gives a command what a service needs in tests: a free port, and a secret.
    pub fn prepare(command: &mut Command, site: &Site) {
        command.env("UPSWEEP_LISTEN", "127.0.0.1:0");
        let has_keys = ["JWT_SECRET_KEY", "SECRET_KEY", "UPSWEEP_JWT_PUBLIC_KEY_FILE", "UPSWEEP_JWT_JWKS_URL"];
        if !has_keys.iter().any(|name| site.env.contains_key(*name)) {
            command.env("JWT_SECRET_KEY", SECRET);
        }
    }

    /// Runs a command that is to serve, and returns when it answers.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (to_us, address) = std::sync::mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(url) = listening(&line) {
                    // Nobody listens any more where a test went on.
                    let _ = to_us.send(url);
                }
                *said.lock().unwrap() += &format!("{line}\n");
            }
        });
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.timeout_global(Some(2 * LONGEST)).build().into();
        let mut serve = Self { child, url: String::new(), agent, stderr, reader: Some(reader) };
        match address.recv_timeout(LONGEST) {
            Ok(url) => serve.url = url,
            Err(error) => panic!("it does not say where it listens ({error})"),
        }
        serve.get("/healthz", "").expect(200);
        serve
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it said on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    pub fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, token)
    }

    pub fn post(&self, path: &str, token: &str) -> Answer {
        self.ask("POST", path, token)
    }

    /// With a token, unless it is empty.
    pub fn ask(&self, method: &str, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers: &[_] = if token.is_empty() { &[] } else { &[("authorization", bearer.as_str())] };
        self.send(method, path, headers, "")
    }

    /// With these headers, and a body unless it is empty.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_to_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same where no answer is one of the things that may happen.
    pub fn try_to_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // What may have a body says how long it is, also when it has none.
        let has_none = body.is_empty() && ["GET", "HEAD", "OPTIONS", "DELETE"].contains(&method);
        let mut response = if has_none {
            self.agent.run(request.body(()).unwrap())?
        } else {
            self.agent.run(request.body(body).unwrap())?
        };
        let text = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), text, headers: response.headers().clone() })
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Whether the process is still there.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Whether a signal has stopped it, all of its threads.
    pub fn is_stopped(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().map(Result::unwrap);
        let mut states = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        states.all(|stat| stat.contains(") T "))
    }

    /// Asks it to end, and returns how it did and what it had said.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let status = self.end();
        (status, self.stderr())
    }

    /// Returns when it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let status = until("the service ends", || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    fn end(&mut self) -> ExitStatus {
        if self.is_alive() {
            self.signal(Signal::TERM);
        }
        self.wait()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the service said:\n{}---", self.stderr());
            // A service that hangs must not hang its test too.
            let _ = self.child.kill();
        }
        if self.reader.is_some() {
            self.end();
        }
    }
}

/// The address in the line that says where it listens.
fn listening(line: &str) -> Option<String> {
    let (_, url) = line.split_once("listening on http://")?;
    Some(format!("http://{}", url.split_whitespace().next()?.trim_end_matches(['.', ',', ';'])))
}

/// Looks again and again until there is something to see.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONGEST;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: not within {LONGEST:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
