//! The account behind a token, where the service is told how to look it up.

use serde_json::json;

use crate::scene::{ALL, CONFIG, Scene, assert_problem, furnish, take_database_away};
use crate::serve::until;
use crate::support::Site;
use crate::tokens::{Callers, claims, tokens};

on_each_database!(an_account_that_is_closed_or_changed_counts_at_once);

const QUERY: (&str, &str) = ("UPSWEEP_AUTH_USER_QUERY", "SELECT role, is_active FROM users WHERE id = :subject");

fn with_users(site: &Site) {
    furnish(site);
    site.database.exec("CREATE TABLE users (id varchar(80) PRIMARY KEY, role varchar(20), is_active boolean)");
    for (id, role, is_active) in
        [("therapist-1", "therapist", true), ("admin-1", "admin", true), ("patient-1", "patient", true)]
    {
        site.database.exec(&format!("INSERT INTO users VALUES ('{id}', '{role}', {is_active})"));
    }
}

fn an_account_that_is_closed_or_changed_counts_at_once(site: Site) {
    with_users(&site);
    let injection = json!({ "claims": { "sub": "x' OR '1'='1", "role": "admin", "exp": claims("x")["exp"] } });
    let stranger = json!({ "claims": { "sub": "stranger", "role": "admin", "exp": claims("x")["exp"] } });
    let Some(unknown) = tokens([injection, stranger]) else { return };
    let Some(mut scene) = Scene::with(site, &[QUERY, ("UPSWEEP_AUTH_CACHE_SECS", "0")]) else { return };
    let rows = scene.site.database.sessions();
    let Callers { therapist, admin, patient } = &scene.callers;
    let users = |sql: &str| scene.site.database.exec(&format!("UPDATE users SET {sql}"));
    scene.serve.get(CONFIG, therapist).expect(200);
    for token in &unknown {
        let unknown = scene.serve.get(CONFIG, token);
        assert_problem(&unknown, 401);
        assert_eq!(unknown.header("www-authenticate"), "Bearer");
    }

    users("is_active = false WHERE id = 'therapist-1'");
    assert_problem(&scene.serve.post(ALL, therapist), 401);
    users("is_active = true WHERE id = 'therapist-1'");
    scene.serve.get(CONFIG, therapist).expect(200);

    // Its role now is what counts, not the token's.
    users("role = 'patient' WHERE id = 'therapist-1'");
    assert_problem(&scene.serve.post(ALL, therapist), 403);
    assert_problem(&scene.serve.get(CONFIG, patient), 403);
    users("role = 'therapist' WHERE id = 'admin-1'");
    assert_problem(&scene.serve.post(&format!("{ALL}?allow=G001&reason=x"), admin), 403);
    users("role = 'admin' WHERE id = 'admin-1'");
    users("is_active = NULL WHERE id = 'therapist-1'");
    assert_problem(&scene.serve.get(CONFIG, therapist), 401);
    assert!(scene.site.has("orphan.m4a"));
    scene.serve.post(ALL, admin).expect(200);
    assert!(!scene.site.has("orphan.m4a"));
    assert_eq!(scene.site.database.sessions(), rows);

    // Nobody's account can be looked up: nobody is let in, and it is not their fault.
    let admin = admin.clone();
    take_database_away(&mut scene.site);
    assert_problem(&scene.serve.get(CONFIG, &admin), 503);
    scene.serve.get("/healthz", "").expect(200);
}

#[test]
fn an_account_is_remembered_for_seconds() {
    let site = Site::sqlite();
    with_users(&site);
    let Some(scene) = Scene::with(site, &[QUERY, ("UPSWEEP_AUTH_CACHE_SECS", "3")]) else { return };
    scene.serve.get(CONFIG, &scene.callers.therapist).expect(200);
    scene.site.database.exec("UPDATE users SET is_active = false");
    scene.serve.get(CONFIG, &scene.callers.therapist).expect(200);
    assert_problem(&scene.serve.get(CONFIG, &scene.callers.admin), 401);
    // Not for long.
    until("the account is looked up again", || {
        (scene.serve.get(CONFIG, &scene.callers.therapist).status == 401).then_some(())
    });
}
