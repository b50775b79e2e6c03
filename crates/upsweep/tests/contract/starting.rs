//! How the service starts: what it refuses, what it says, what it does by itself.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::scene::{ALL, CONFIG, Scene, assert_empty, assert_problem, furnish, take_database_away};
use crate::serve::{SECRET, Serve, until};
use crate::support::{Database, Site, said};
use crate::tokens::{Callers, claims, claims_of, in_secs, tokens};

on_each_database!(a_clean_up_at_start_needs_no_caller);
on_each_database!(a_clean_up_at_start_that_fails_leaves_the_server_alive);

const AT_START: (&str, &str) = ("AUTO_CLEANUP_ON_STARTUP", "true");

#[test]
fn a_short_secret_is_refused_with_the_command_that_makes_a_good_one() {
    let mut site = Site::sqlite();
    for short in [&SECRET[..31], "secret"] {
        for name in ["JWT_SECRET_KEY", "SECRET_KEY"] {
            site.env.remove("JWT_SECRET_KEY");
            site.env.remove("SECRET_KEY");
            site.set(name, short);
            let said = said(Serve::command(&site, &[]));
            assert_ne!(said.code, 0, "{said:?}");
            said.has("at least 32");
            said.has("openssl rand");
            assert!(!said.err.contains(short) || short == "secret", "it is still a secret: {}", said.err);
        }
    }
    // The developer's own way.
    let Some([token]) = tokens([json!({ "claims": claims("admin"), "key": "secret" })]) else { return };
    let mut command = Serve::command(&site, &[]);
    command.arg("--insecure-dev");
    let serve = Serve::run(command);
    serve.get(CONFIG, &token).expect(200);
    assert!(serve.stderr().contains("at least 32"), "{}", serve.stderr());
    drop(serve);
    site.set("SECRET_KEY", &SECRET[..32]);
    Serve::start(&site).get("/readyz", "").expect(200);
}

#[test]
fn no_secret_at_all_is_refused() {
    let site = Site::sqlite();
    let mut command = site.command(&["serve"]);
    command.env("UPSWEEP_LISTEN", "127.0.0.1:0");
    let said = said(command);
    assert_ne!(said.code, 0);
    said.has("JWT_SECRET_KEY");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let site = Site::sqlite();
    let first = Serve::start(&site);
    let address = first.url().strip_prefix("http://").unwrap().to_owned();
    let said = said(Serve::command(&site, &[("UPSWEEP_LISTEN", address.as_str())]));
    assert_ne!(said.code, 0);
    said.has(&address);
}

#[test]
fn a_token_for_trying_is_good_for_a_short_while() {
    let mut site = Site::sqlite();
    furnish(&site);
    site.set("JWT_SECRET_KEY", SECRET);
    let made = |role: &str| site.upsweep(&["token", "--role", role]).expect(0).out.trim().to_owned();
    let (therapist, patient) = (made("therapist"), made("patient"));
    let Some(claims) = claims_of(&therapist) else { return };
    assert_eq!(claims["role"], "therapist");
    assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()), "{claims}");
    assert!((in_secs(0)..in_secs(86_400)).contains(&claims["exp"].as_i64().unwrap()), "{claims}");
    let Some(scene) = Scene::of(site) else { return };
    scene.serve.post(ALL, &therapist).expect(200);
    assert_problem(&scene.serve.post(ALL, &patient), 403);
}

fn a_clean_up_at_start_needs_no_caller(site: Site) {
    furnish(&site);
    let rows = site.database.sessions();
    let Some(scene) = Scene::with(site, &[AT_START]) else { return };
    until("the orphans are gone", || (scene.site.hidden() == 4).then_some(()));
    assert!(!scene.site.has("orphan.m4a") && !scene.site.has("failed.m4a"));
    until("nothing is left to be done", || {
        let answer = scene.serve.post(ALL, &scene.callers.therapist);
        (answer.status == 200).then(|| assert_empty(&answer.json()["result"]))
    });
    assert_eq!(scene.site.database.sessions(), rows);
    scene.site.upsweep(&["audit", "export"]).expect(0).has("start-up");
}

#[test]
fn nothing_is_cleaned_up_at_start_unless_that_is_wanted() {
    let site = Site::sqlite();
    furnish(&site);
    let files = site.files();
    let (status, _) = Serve::start(&site).stop();
    assert!(status.success(), "{status}");
    assert_eq!(site.files(), files);
    assert!(!site.has(".upsweep"));
}

fn a_clean_up_at_start_that_fails_leaves_the_server_alive(mut site: Site) {
    furnish(&site);
    let files = site.files();
    let Some(callers) = Callers::new() else { return };
    take_database_away(&mut site);
    let mut serve = Serve::with(&site, &[AT_START]);
    until("the failure is told", || {
        let said = serve.stderr().to_lowercase();
        (said.contains("start-up") || said.contains("startup")).then_some(())
    });
    assert!(serve.is_alive());
    serve.get("/healthz", "").expect(200);
    serve.get(CONFIG, &callers.therapist).expect(200);
    assert_eq!(site.files(), files);
    if let Database::Sqlite(path) = &site.database {
        std::fs::rename(path.with_extension("away"), path).unwrap();
        serve.post(ALL, &callers.therapist).expect(200);
        assert_eq!(site.hidden(), 4);
    }
}

#[test]
fn a_clean_up_at_start_does_not_delay_the_server() {
    let Some(site) = Site::postgres() else { return };
    furnish(&site);
    let Database::Postgres(server) = &site.database else { unreachable!("it is one") };
    let mut migration = Command::new("psql");
    migration.args(["-q", &server.superuser_url("app")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut migration = migration.spawn().unwrap();
    let mut to_it = migration.stdin.take().unwrap();
    let lock = b"BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE; SELECT 'ready';\n";
    std::io::Write::write_all(&mut to_it, lock).unwrap();
    std::io::Read::read(migration.stdout.as_mut().unwrap(), &mut [0; 20]).unwrap();

    // It answers, although nothing can be read yet.
    let serve = Serve::with(&site, &[AT_START]);
    serve.get("/healthz", "").expect(200);
    assert_eq!(site.hidden(), 0);
    std::io::Write::write_all(&mut to_it, b"COMMIT;\n").unwrap();
    drop(to_it);
    migration.wait().unwrap();
    until("the orphans are gone", || (site.hidden() == 4).then_some(()));
}

#[test]
fn systemd_is_told_when_it_answers_and_when_it_ends() {
    let site = Site::sqlite();
    let path = site.dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let heard = |word: &str| {
        let mut buffer = [0; 1_000];
        loop {
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{word}: {error}"));
            if String::from_utf8_lossy(&buffer[..length]).contains(word) {
                return;
            }
        }
    };
    let serve = Serve::with(&site, &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    heard("READY=1");
    let (status, _) = serve.stop();
    assert!(status.success());
    heard("STOPPING=1");
}
