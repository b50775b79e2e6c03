use super::super::tests::{message, sources, with_toml};
use super::super::{Config, show};
use super::*;

fn service(env: &[(&str, &str)]) -> ServiceConfig {
    Config::load(&sources(env)).unwrap().service
}

fn said(env: &[(&str, &str)]) -> String {
    message(Config::load(&sources(env)))
}

#[test]
fn without_any_setting_the_service_is_the_classic_one() {
    let service = service(&[]);
    assert_eq!(service.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(service.allowed_roles, ["therapist", "admin"]);
    assert!(!service.cleanup_on_startup && service.schedule.cron.is_none() && service.schedule.hour == 3);
    assert!(service.tokens.secret.is_none() && service.tokens.algorithms.is_empty());
    assert!(service.rate_limit_per_minute.is_none() && service.cors_origins.is_empty() && service.tls.is_none());
    assert_eq!((service.failed_sign_ins_per_minute, service.user_cache.as_secs()), (20, 10));
    assert_eq!(service.watch_every.as_secs(), 300);
}

#[test]
fn an_address_is_one_with_a_port() {
    for (good, meant) in
        [("0.0.0.0:80", "0.0.0.0:80"), ("[::1]:8000", "[::1]:8000"), ("localhost:9000", "127.0.0.1:9000")]
    {
        assert_eq!(service(&[("UPSWEEP_LISTEN", good)]).listen.to_string(), meant);
    }
    for bad in ["8000", ":8000", "127.0.0.1", "app.example.org:80", "127.0.0.1:70000", "localhost:"] {
        for name in ["UPSWEEP_LISTEN", "UPSWEEP_METRICS_LISTEN"] {
            let said = said(&[(name, bad)]);
            assert!(said.contains("must be an address and a port") && said.contains(name), "{bad}: {said}");
        }
    }
}

#[test]
fn patients_are_never_allowed_and_somebody_is() {
    for roles in ["patient", "therapist, Patient", "admin,PATIENT"] {
        assert!(said(&[("UPSWEEP_ALLOWED_ROLES", roles)]).contains("patients never clean up"), "{roles}");
    }
    assert!(said(&[("UPSWEEP_ALLOWED_ROLES", " , ")]).contains("must name a role"));
    assert_eq!(service(&[("UPSWEEP_ALLOWED_ROLES", "operator , admin")]).allowed_roles, ["operator", "admin"]);
}

#[test]
fn https_needs_both_of_its_files() {
    let (cert, key) = (("UPSWEEP_TLS_CERT_FILE", "/c.pem"), ("UPSWEEP_TLS_KEY_FILE", "/k.pem"));
    assert!(said(&[cert]).contains("tls_key_file is not"));
    assert!(said(&[key]).contains("tls_cert_file is not"));
    let both = service(&[cert, key]).tls.unwrap();
    assert_eq!(both, TlsFiles { cert: "/c.pem".into(), key: "/k.pem".into() });
}

#[test]
fn origins_and_proxies_are_exact() {
    let origins = service(&[("UPSWEEP_CORS_ORIGINS", "https://a.example.org, http://localhost:3000")]).cors_origins;
    assert_eq!(origins, ["https://a.example.org", "http://localhost:3000"]);
    for bad in ["*", "a.example.org", "https://a.example.org/", "https://*.example.org", "https://", "ftp://a"] {
        assert!(said(&[("UPSWEEP_CORS_ORIGINS", bad)]).contains("must be an origin"), "{bad}");
    }
    assert_eq!(service(&[("UPSWEEP_TRUSTED_PROXIES", "10.0.0.2,::1")]).trusted_proxies.len(), 2);
    for bad in ["10.0.0.0/8", "proxy", "*"] {
        assert!(said(&[("UPSWEEP_TRUSTED_PROXIES", bad)]).contains("must be an address"), "{bad}");
    }
}

#[test]
fn the_schedule_is_off_until_somebody_asks_for_it() {
    let cron = |env: &[(&str, &str)]| service(env).schedule.cron;
    let (hour, on, off) =
        (("CLEANUP_SCHEDULE_HOUR", "4"), ("UPSWEEP_SCHEDULE_ENABLED", "true"), ("UPSWEEP_SCHEDULE_ENABLED", "false"));
    let own = ("UPSWEEP_SCHEDULE", "30 2 * * 1-5");
    assert_eq!(cron(&[hour]), None, "existing files carry the hour already");
    assert_eq!(cron(&[hour, on]).as_deref(), Some("0 4 * * *"));
    assert_eq!(cron(&[on]).as_deref(), Some("0 3 * * *"));
    assert_eq!(cron(&[own]).as_deref(), Some("30 2 * * 1-5"));
    assert_eq!(cron(&[hour, own, on]).as_deref(), Some("30 2 * * 1-5"));
    assert_eq!(cron(&[own, off]), None);
    assert!(said(&[("UPSWEEP_SCHEDULE_ENABLED", "maybe")]).contains("must be true or false"));
    assert!(said(&[("UPSWEEP_SCHEDULE_MISSED", "all")]).contains("must be skip or once"));
    let zone = |name| [("UPSWEEP_TIMEZONE", name)];
    assert_eq!(service(&zone("europe/berlin")).schedule.zone.as_deref(), Some("Europe/Berlin"));
    assert!(said(&zone("Europe/Berln")).contains("did you mean Europe/Berlin?"));
    assert_eq!(service(&[("UPSWEEP_SCHEDULE_MISSED", "once")]).schedule.missed, Missed::Once);
}

#[test]
fn the_more_exact_name_of_the_secret_wins() {
    let secret = |env: &[(&str, &str)]| service(env).tokens.secret.map(|secret| secret.reveal().to_owned());
    let (general, exact, own) =
        (("SECRET_KEY", "general"), ("JWT_SECRET_KEY", "exact"), ("UPSWEEP_JWT_SECRET_KEY", "own"));
    assert_eq!(secret(&[general]).as_deref(), Some("general"));
    assert_eq!(secret(&[exact, general]).as_deref(), Some("exact"));
    assert_eq!(secret(&[general, exact]).as_deref(), Some("exact"));
    assert_eq!(secret(&[own, general, exact]).as_deref(), Some("own"));
    assert_eq!(secret(&[("JWT_SECRET_KEY", "")]), None);
}

#[test]
fn nobody_is_shown_the_secret() {
    let env = [("SECRET_KEY", "hunter2-hunter2"), ("UPSWEEP_LISTEN", "nonsense")];
    assert!(!said(&env).contains("hunter2"));
    let shown = show(&sources(&env[..1])).unwrap();
    let one = shown.iter().find(|one| one.key == "jwt_secret_key").unwrap();
    assert_eq!((one.value.as_deref(), one.origin.as_str()), (Some("***"), "SECRET_KEY in the environment"));
    assert!(!serde_json::to_string(&shown).unwrap().contains("hunter2"));
    let config = Config::load(&sources(&env[..1])).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let file = with_toml("jwt_secret_key = \"hunter2-hunter2\"\njwt_jwks_url = 7", &[]).unwrap();
    assert!(!format!("{file:?}").contains("hunter2"));
}
