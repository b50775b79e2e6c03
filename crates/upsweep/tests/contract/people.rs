//! Who is let in, and who is not.

use serde_json::{Value, json};

use crate::scene::{ALL, CONFIG, FAILED, ORPHANS, STATUS, Scene, assert_problem, furnish};
use crate::serve::{Answer, SECRET, Serve};
use crate::support::Site;
use crate::tokens::{Callers, claims, in_secs, keys, tokens};

on_each_database!(nobody_without_a_good_token_is_let_in);
on_each_database!(not_everybody_with_a_token_may_act);

const CLASSIC: [(&str, &str); 5] =
    [("POST", ORPHANS), ("POST", FAILED), ("POST", ALL), ("GET", STATUS), ("GET", CONFIG)];

/// Enough failed sign-ins for a whole story.
const PATIENT_DOOR: (&str, &str) = ("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "10000");

fn without(field: &str) -> Value {
    let mut claims = claims("admin");
    claims.as_object_mut().unwrap().remove(field);
    json!({ "claims": claims })
}

fn but(field: &str, value: Value) -> Value {
    let mut claims = claims("admin");
    claims[field] = value;
    // PyJWT is not asked to agree.
    json!({ "claims": claims, "forged": true })
}

/// Headers that let nobody in, each with what is wrong.
fn bad_headers() -> Option<Vec<(&'static str, String)>> {
    let keys = keys()?;
    let public = &keys["rsa"]["public"];
    let admin = claims("admin");
    let wrong = [
        ("expired", but("exp", json!(in_secs(-3_600)))),
        ("an expiry that is no time", but("exp", json!("tomorrow"))),
        ("no expiry", without("exp")),
        ("no subject", without("sub")),
        ("an empty subject", but("sub", json!(""))),
        ("no role", without("role")),
        ("a role that is no text", but("role", json!(["admin"]))),
        ("a token for another purpose", but("type", json!("refresh"))),
        ("a purpose that is no text", but("type", json!(null))),
        ("not good yet", but("nbf", json!(in_secs(3_600)))),
        ("another secret", json!({ "claims": admin, "key": SECRET.replace('9', "8") })),
        ("an empty secret", json!({ "claims": admin, "key": "", "forged": true })),
        ("alg none", json!({ "claims": admin, "key": null, "algorithm": "none" })),
        ("another HMAC", json!({ "claims": admin, "algorithm": "HS512" })),
        ("a public key's signature", json!({ "claims": admin, "key": keys["rsa"]["private"], "algorithm": "RS256" })),
        ("a public key as the secret", json!({ "claims": admin, "key": public, "forged": true })),
    ];
    let made = tokens(wrong.clone().map(|(_, order)| order))?;
    let mut headers: Vec<_> =
        wrong.iter().zip(&made).map(|((what, _), token)| (*what, format!("Bearer {token}"))).collect();
    let [good] = tokens([json!({ "claims": admin })])?;
    let (body, signature) = good.rsplit_once('.').unwrap();
    let none = made[12].rsplit_once('.').unwrap().0;
    headers.extend([
        ("no scheme", good.clone()),
        ("another scheme", format!("Basic {good}")),
        ("a scheme alone", "Bearer".to_owned()),
        ("an empty token", "Bearer ".to_owned()),
        ("garbage", "Bearer not-a-token".to_owned()),
        ("two dots", "Bearer ..".to_owned()),
        ("no signature", format!("Bearer {body}.")),
        ("two parts", format!("Bearer {body}")),
        ("none with a signature", format!("Bearer {none}.{signature}")),
        ("two tokens", format!("Bearer {good} {good}")),
        ("a very long one", format!("Bearer {}", "a".repeat(6_000))),
    ]);
    Some(headers)
}

/// What the answer says but for the request's name.
#[track_caller]
fn words(answer: &Answer) -> Value {
    let mut body = assert_problem(answer, 401);
    assert_eq!(answer.header("www-authenticate"), "Bearer", "{answer:?}");
    body["request_id"] = Value::Null;
    body
}

fn nobody_without_a_good_token_is_let_in(site: Site) {
    furnish(&site);
    let Some(headers) = bad_headers() else { return };
    let Some(scene) = Scene::with(site, &[PATIENT_DOOR]) else { return };
    let files = scene.site.files();
    for (method, path) in CLASSIC {
        let none = words(&scene.serve.ask(method, path, ""));
        for (what, header) in &headers {
            let answer = scene.serve.send(method, path, &[("authorization", header)], "");
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            assert_eq!(words(&answer), none, "{what}: the same words for every cause");
        }
    }
    // Where a token is wanted, it is wanted in the header only.
    let admin = &scene.callers.admin;
    words(&scene.serve.get(&format!("{CONFIG}?access_token={admin}&token={admin}"), ""));
    words(&scene.serve.send("GET", CONFIG, &[("cookie", &format!("access_token={admin}; token={admin}"))], ""));
    assert_eq!(scene.site.files(), files);
    assert!(!scene.site.has(".upsweep"), "nothing was begun");
    // They are logged by nobody's name.
    assert!(!scene.serve.stderr().contains(admin.as_str()));
}

#[test]
fn a_token_may_say_its_purpose_or_not() {
    let Some([without_type, of_type]) = tokens([without("type"), json!({ "claims": claims("admin") })]) else { return };
    let site = Site::sqlite();
    let serve = Serve::start(&site);
    for token in [&without_type, &of_type] {
        serve.get(CONFIG, token).expect(200);
        // The scheme's case is of no matter (RFC 9110).
        serve.send("GET", CONFIG, &[("authorization", &format!("bearer {token}"))], "").expect(200);
    }
}

fn not_everybody_with_a_token_may_act(site: Site) {
    furnish(&site);
    let of_role = |role: &str| json!({ "claims": claims(role) });
    let strangers = ["receptionist", "Admin", "administrator", "admin,therapist"].map(of_role);
    let Some(strangers) = tokens(strangers) else { return };
    let Some(scene) = Scene::of(site) else { return };
    let files = scene.site.files();
    let mut all_words = Vec::new();
    for token in strangers.iter().chain([&scene.callers.patient]) {
        for (method, path) in CLASSIC {
            let answer = scene.serve.ask(method, path, token);
            let mut problem = assert_problem(&answer, 403);
            problem["request_id"] = Value::Null;
            all_words.push(problem);
        }
    }
    assert!(all_words.iter().all(|words| *words == all_words[0]), "{all_words:?}");
    // A therapist acts, and overrules nobody.
    let overruling = format!("{ALL}?allow=G001&reason=because");
    let problem = assert_problem(&scene.serve.post(&overruling, &scene.callers.therapist), 403);
    assert_eq!(problem["code"], "not_permitted");
    let overruling = format!("{overruling}&dry_run=true");
    assert_problem(&scene.serve.post(&overruling, &scene.callers.therapist), 403);
    assert_eq!(scene.site.files(), files);
    assert!(!scene.site.has(".upsweep"), "nothing was begun");
}

#[test]
fn the_roles_that_may_act_can_be_set() {
    let Some(callers) = Callers::new() else { return };
    let Some([clerk]) = tokens([json!({ "claims": claims("clerk") })]) else { return };
    let site = Site::sqlite();
    let serve = Serve::with(&site, &[("UPSWEEP_ALLOWED_ROLES", "clerk,admin")]);
    serve.get(CONFIG, &clerk).expect(200);
    serve.get(CONFIG, &callers.admin).expect(200);
    assert_problem(&serve.get(CONFIG, &callers.therapist), 403);
    assert_problem(&serve.get(CONFIG, &callers.patient), 403);
}

#[test]
fn patients_cannot_be_let_in() {
    let site = Site::sqlite();
    let said = crate::support::said(Serve::command(&site, &[("UPSWEEP_ALLOWED_ROLES", "patient,admin")]));
    assert_ne!(said.code, 0);
    said.has("patient");
}

#[test]
fn an_issuer_and_an_audience_count_where_they_are_set() {
    let mut right = claims("admin");
    right["iss"] = json!("https://app.example.org");
    right["aud"] = json!(["upsweep", "app"]);
    let (mut other_issuer, mut other_audience) = (right.clone(), right.clone());
    other_issuer["iss"] = json!("https://evil.example.org");
    other_audience["aud"] = json!("app");
    let orders = [right, other_issuer, other_audience, claims("admin")].map(|claims| json!({ "claims": claims }));
    let Some([right, other_issuer, other_audience, neither]) = tokens(orders) else { return };
    let set = [("UPSWEEP_JWT_ISSUER", "https://app.example.org"), ("UPSWEEP_JWT_AUDIENCE", "upsweep")];
    let site = Site::sqlite();
    let serve = Serve::with(&site, &set);
    serve.get(CONFIG, &right).expect(200);
    for token in [other_issuer, other_audience, neither] {
        words(&serve.get(CONFIG, &token));
    }
    // A token that names an audience is let in where none is asked for: the classic one was.
    drop(serve);
    Serve::start(&site).get(CONFIG, &right).expect(200);
}

#[test]
fn failed_sign_ins_are_limited_and_good_ones_are_not() {
    let Some(callers) = Callers::new() else { return };
    let site = Site::sqlite();
    let serve = Serve::with(&site, &[("UPSWEEP_FAILED_SIGN_INS_PER_MINUTE", "5")]);
    let statuses: Vec<u16> = (0..12).map(|_| serve.get(CONFIG, "guess").status).collect();
    assert_eq!(statuses[..5], [401; 5], "{statuses:?}");
    let limited = serve.get(CONFIG, "guess");
    assert_problem(&limited, 429);
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|secs| (1..=60).contains(&secs)), "{limited:?}");
    // Somebody else at the same address, behind the same proxy, works on.
    for _ in 0..20 {
        serve.get(CONFIG, &callers.therapist).expect(200);
    }
}

#[test]
fn requests_of_a_subject_are_limited_where_that_is_set() {
    let Some(callers) = Callers::new() else { return };
    let site = Site::sqlite();
    let serve = Serve::with(&site, &[("UPSWEEP_RATE_LIMIT_PER_MINUTE", "5")]);
    let statuses: Vec<u16> = (0..12).map(|_| serve.get(CONFIG, &callers.therapist).status).collect();
    assert_eq!(statuses[..5], [200; 5], "{statuses:?}");
    assert_problem(&serve.get(CONFIG, &callers.therapist), 429);
    serve.get(CONFIG, &callers.admin).expect(200);
    serve.get("/healthz", "").expect(200);
}
