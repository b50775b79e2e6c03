use super::*;

pub(super) fn sources(env: &[(&str, &str)]) -> Sources {
    let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Sources { env, ..Sources::default() }
}

pub(super) fn with_toml(toml: &str, env: &[(&str, &str)]) -> anyhow::Result<Config> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("upsweep.toml");
    std::fs::write(&path, toml).unwrap();
    Config::load(&Sources { file: Some(path), ..sources(env) })
}

pub(super) fn message(result: anyhow::Result<Config>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn the_defaults_are_the_classic_ones() {
    let config = Config::load(&sources(&[])).unwrap();
    assert_eq!(config.policy, Policy::classic());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.upload_dir, PathBuf::from("uploads/audio"));
    assert_eq!((config.quarantine_days, config.audit_years), (7, 6));
}

#[test]
fn classic_names_keep_working_and_foreign_ones_are_ignored() {
    let config = Config::load(&sources(&[
        ("DATABASE_URL", "sqlite:///./app.db"),
        ("UPLOAD_DIR", "/srv/audio"),
        ("FAILED_SESSION_RETENTION_DAYS", "30"),
        ("ORPHANED_FILE_RETENTION_HOURS", "48"),
        ("JSON_LOGS", "true"),
        ("HOST", "0.0.0.0"),
        ("PORT", "1"),
    ]))
    .unwrap();
    assert_eq!(config.databases[0].url().unwrap(), "sqlite:///./app.db");
    assert_eq!(config.policy.failed_retention_secs, 30 * 86_400);
    assert_eq!(config.policy.orphan_retention_secs, 48 * 3_600);
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn flags_win_over_environment_over_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("upsweep.toml");
    std::fs::write(&path, "quarantine_days = 10\nguard_floor = 5\nmax_share = 0.25\n").unwrap();
    let sources = Sources {
        file: Some(path),
        flags: vec![("quarantine_days".into(), "30".into())],
        ..sources(&[("UPSWEEP_QUARANTINE_DAYS", "20"), ("UPSWEEP_GUARD_FLOOR", "6")])
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!((config.quarantine_days, config.limits.floor_files), (30, 6));
    assert!((config.limits.max_share - 0.25).abs() < 1e-9);
}

#[test]
fn mistakes_are_named_with_their_place_and_a_way_out() {
    let env = |name, value| message(Config::load(&sources(&[(name, value)])));
    assert!(env("UPSWEEP_QUARANTINE_DAY", "3").contains("did you mean UPSWEEP_QUARANTINE_DAYS?"));
    let range = env("ORPHANED_FILE_RETENTION_HOURS", "0");
    assert!(
        range.contains("from 1 to") && range.contains("ORPHANED_FILE_RETENTION_HOURS in the environment"),
        "{range}"
    );
    assert!(env("UPSWEEP_MAX_SHARE", "2").contains("between 0 and 1"));
    assert!(env("UPSWEEP_VARIANTS", "x.mp3").contains("{stem}"));
    assert!(message(with_toml("recursiv = true", &[])).contains("did you mean recursive?"));
    assert!(message(with_toml("recursive = ", &[])).contains("no valid TOML"));
}

#[test]
fn time_zones_have_names() {
    let zone = |name| Config::load(&sources(&[("UPSWEEP_DB_TIMEZONE", name)]));
    assert_eq!(zone("europe/berlin").unwrap().policy.db_timezone, "Europe/Berlin");
    assert_eq!(zone("utc").unwrap().policy.db_timezone, "UTC");
    let near = message(zone("Europe/Berln"));
    assert!(near.contains("did you mean Europe/Berlin?") && near.contains("UPSWEEP_DB_TIMEZONE"), "{near}");
    assert!(message(zone("Middle-earth")).contains("give an IANA name"));
    for offset in ["+02:00", "-5", "UTC+2"] {
        assert!(message(zone(offset)).contains("Etc/GMT-2"), "{offset}");
    }
}

#[test]
fn an_isolated_file_stands_alone_and_only_a_file_may_say_so() {
    let config =
        with_toml("isolated = true\nquarantine_days = 9", &[("UPSWEEP_QUARANTINE_DAYS", "20"), ("UPSWEEP_X", "")]);
    assert_eq!(config.unwrap().quarantine_days, 9);
    let refused = message(Config::load(&sources(&[("UPSWEEP_ISOLATED", "true")])));
    assert!(refused.contains("can only be set in the configuration file"), "{refused}");
    let flags = vec![("isolated".to_owned(), "true".to_owned())];
    assert!(message(Config::load(&Sources { flags, ..sources(&[]) })).contains("can only be set"));
}

#[test]
fn claim_rules_come_from_the_file() {
    let config = with_toml(
        r#"
        [[claims]]
        name = "sessions"
        query = "SELECT id, status, audio_filename, created_at FROM sessions"
        key = "{id}{ext(audio_filename)}"
        owner = "id"
        status = "status"
        since = "created_at"

        [[claims]]
        name = "exports"
        table = "exports"
        key = "{file}"
        "#,
        &[],
    )
    .unwrap();
    let names: Vec<&str> = config.policy.claim_rules.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["sessions", "exports"]);
    let message = |rule: &str| message(with_toml(&format!("[[claims]]\nname = \"x\"\n{rule}"), &[]));
    assert!(message("key = \"{f}\"").contains("give either table or query"));
    assert!(message("table = \"t\"\nkey = \"{f}\"\nstanding = \"failed\"").contains("needs since"));
    assert!(
        message("table = \"t\"\nkey = \"{f}.*\"\nstanding = \"failed\"\nsince = \"c\"").contains("may only protect")
    );
    assert!(message("table = \"t\"\nkey = \"{f\"").contains("unmatched brace"));
}

#[test]
fn the_documented_table_is_the_real_one() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md")).unwrap();
    assert!(
        docs.contains(&markdown_table()),
        "docs/configuration.md is out of date; put the output of this in its place: cargo run -- config table"
    );
}

#[test]
fn shown_settings_name_their_origin_and_hide_secrets() {
    let sources = sources(&[("DATABASE_URL", "postgresql://app:hunter2@localhost/app"), ("UPLOAD_DIR", "/srv/a")]);
    let shown = serde_json::to_string(&show(&sources).unwrap()).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("UPLOAD_DIR in the environment"), "{shown}");
}
