//! What systemd is told of it, and how a second signal ends it.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::scene::{ALL, Scene, live_many};
use crate::serve::{Serve, until};
use crate::support::{Database, Site};

#[test]
fn systemd_is_told_when_it_is_ready_that_it_lives_and_that_it_ends() {
    let site = Site::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let told = UnixDatagram::bind(&socket).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut buffer = [0; 1_000];
    let mut hear = || {
        let length = told.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let mut command = Serve::command(&site, &[("WATCHDOG_USEC", "20000")]);
    command.env("NOTIFY_SOCKET", &socket).env_remove("WATCHDOG_PID");
    let serve = Serve::run(command);
    let mut words = vec![hear()];
    while !words.last().unwrap().starts_with("READY=1") {
        words.push(hear());
    }
    assert!(words.last().unwrap().contains(&format!("STATUS=answers on {}", serve.url())), "{words:?}");
    for word in [hear(), hear(), hear()] {
        assert_eq!(word, "WATCHDOG=1\n");
    }
    serve.signal(Signal::TERM);
    let mut last = hear();
    while last == "WATCHDOG=1\n" {
        last = hear();
    }
    assert!(last.starts_with("STOPPING=1\nSTATUS="), "{last}");
    assert!(serve.stop().0.success());
}

#[test]
fn a_second_later_signal_ends_a_run_that_waits_at_once() {
    let site = Site::sqlite();
    live_many(&site, 20);
    let Some(mut scene) = Scene::of(site) else { return };
    scene.post(ALL);
    let lease = scene.site.uploads.join(".upsweep/lock");
    let is_held = || std::fs::metadata(&lease).is_ok_and(|file| file.len() > 0);
    until("the first run is over", || (!is_held()).then_some(()));
    let Database::Sqlite(path) = &scene.site.database else { panic!("it is SQLite") };
    // Whoever holds the database holds up the run, and that in turn holds up the end.
    let locked = rusqlite::Connection::open(path).unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let bearer = format!("Bearer {}", scene.callers.admin);
    std::thread::scope(|scope| {
        let headers = [("authorization", bearer.as_str())];
        let serve = &scene.serve;
        // It gets no answer, or that it is not possible.
        let caller = scope.spawn(move || drop(serve.try_to_send("POST", ALL, &headers, "")));
        until("the run has begun", || is_held().then_some(()));
        serve.signal(Signal::TERM);
        let asked = Instant::now();
        // What comes within a second is the same wish, so the later one has to come later.
        until("a second passes", || (asked.elapsed() > Duration::from_millis(1_200)).then_some(()));
        serve.signal(Signal::TERM);
        caller.join().unwrap();
    });
    let status = scene.serve.wait();
    assert_eq!(status.code(), Some(143), "{status}: {}", scene.serve.stderr());
    drop(locked);
    scene.site.upsweep(&["recover"]).expect(0);
}
