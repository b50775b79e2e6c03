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

/// Numbers, each with the least and the most that is allowed, and what an error says is allowed.
const NUMBERS: [(&str, &str, &str, &str); 16] = [
    ("orphaned_file_retention_hours", "1", "4294967295", "a whole number from 1 to 4294967295"),
    ("failed_session_retention_days", "1", "36500", "a whole number from 1 to 36500"),
    ("quarantine_days", "1", "3650", "a whole number from 1 to 3650"),
    ("audit_years", "1", "100", "a whole number from 1 to 100"),
    ("guard_floor", "0", "10000", "a whole number from 0 to 10000"),
    ("max_share", "0", "1", "between 0 and 1, or between 0% and 100%"),
    ("max_files", "0", "18446744073709551615", "a whole number from 0 to 18446744073709551615"),
    ("max_bytes", "0", "18446744073709551615", "a size such as 500MB or 2GiB"),
    ("database_backup_days", "0", "36500", "a whole number from 0 to 36500"),
    ("auth_cache_secs", "0", "300", "a whole number from 0 to 300"),
    ("cleanup_schedule_hour", "0", "23", "a whole number from 0 to 23"),
    ("watch_minutes", "1", "1440", "a whole number from 1 to 1440"),
    ("status_max_age_secs", "0", "3600", "a whole number from 0 to 3600"),
    ("request_timeout_secs", "1", "3600", "a whole number from 1 to 3600"),
    ("rate_limit_per_minute", "1", "100000", "a whole number from 1 to 100000"),
    ("failed_sign_ins_per_minute", "1", "10000", "a whole number from 1 to 10000"),
];

/// Every other setting.
const NO_NUMBERS: [&str; 39] = [
    "database_url",
    "upload_dir",
    "sessions_table",
    "db_timezone",
    "recursive",
    "exclude",
    "age_from",
    "variants",
    "in_progress_suffixes",
    "action",
    "archive_url",
    "archive_compression",
    "backup_before_cleanup",
    "state_dir",
    "ledger_url",
    "quarantine_dir",
    "isolated",
    "log_format",
    "log_level",
    "log_file_names",
    "listen",
    "jwt_secret_key",
    "jwt_algorithm",
    "jwt_public_key_file",
    "jwt_jwks_url",
    "jwt_issuer",
    "jwt_audience",
    "allowed_roles",
    "auth_user_query",
    "auto_cleanup_on_startup",
    "schedule_enabled",
    "schedule",
    "timezone",
    "schedule_missed",
    "trusted_proxies",
    "cors_origins",
    "metrics_listen",
    "tls_cert_file",
    "tls_key_file",
];

#[test]
fn a_number_out_of_its_range_is_an_error_that_tells_the_range() {
    let all: std::collections::BTreeSet<&str> = settings::SETTINGS.iter().map(|setting| setting.key).collect();
    let listed = NUMBERS.iter().map(|(key, ..)| *key).chain(NO_NUMBERS).collect();
    assert_eq!(all, listed, "a new setting: is it a number?");
    for (key, least, most, allowed) in NUMBERS {
        let load = |value: &str| {
            let flags = vec![(key.to_owned(), value.to_owned())];
            Config::load(&Sources { flags, ..sources(&[]) })
        };
        for good in [least, most] {
            assert!(load(good).is_ok(), "{key} = {good}: {}", message(load(good)));
        }
        let below = if least == "1" { "0" } else { "-1" };
        for bad in [below, &format!("{most}1"), "-7", "seven", "1e400", "nan", "1 2"] {
            let said = message(load(bad));
            assert!(said.contains(&format!("{key} = '{bad}' must be {allowed}")), "{key} = {bad}: {said}");
            assert!(said.contains("(command line)"), "{said}");
        }
    }
}

#[test]
fn retentions_above_the_classic_ceilings_are_allowed_with_a_warning() {
    let warnings = |hours: &str, days: &str| {
        let env = [("ORPHANED_FILE_RETENTION_HOURS", hours), ("FAILED_SESSION_RETENTION_DAYS", days)];
        Config::load(&sources(&env)).unwrap().warnings
    };
    assert!(warnings("720", "365").is_empty());
    assert_eq!(warnings("721", "365"), ["orphaned_file_retention_hours = 721 is more than 30 days"]);
    assert_eq!(warnings("720", "366"), ["failed_session_retention_days = 366 is more than a year"]);
}

#[test]
fn the_example_environment_has_every_setting_and_each_line_of_it_works() {
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example")).unwrap();
    let pairs: Vec<(&str, &str)> = example
        .lines()
        .filter(|line| !line.starts_with("# "))
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .collect();
    for setting in settings::SETTINGS.iter().filter(|setting| setting.key != "isolated") {
        let own = setting.env_name();
        let is_there = pairs.iter().any(|(name, _)| *name == own || setting.classic.contains(name));
        // The classic way to say it is JSON_LOGS; both are shown.
        assert!(is_there, ".env.example does not mention {own}");
    }
    for (name, value) in pairs {
        // Some settings need another one.
        let others = [
            ("UPSWEEP_ARCHIVE_URL", "/mnt/backup"),
            ("UPSWEEP_TLS_CERT_FILE", "/etc/cert.pem"),
            ("UPSWEEP_TLS_KEY_FILE", "/etc/key.pem"),
        ];
        Config::load(&sources(&[&others[..], &[(name, value)]].concat()))
            .unwrap_or_else(|error| panic!("{name}={value}: {error:#}"));
    }
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
fn every_variable_in_the_documents_exists() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let pages = [root.to_owned(), root.join("docs")].into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let is_for_users = |page: &std::path::PathBuf| {
        page.extension().is_some_and(|ext| ext == "md") && !page.ends_with("CONTRIBUTING.md")
    };
    let pages = pages.map(|page| page.unwrap().path()).filter(is_for_users);
    let known: Vec<String> = settings::SETTINGS.iter().map(settings::Setting::env_name).collect();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for after in text.split("UPSWEEP_").skip(1) {
            let end = after.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(after.len());
            let name = format!("UPSWEEP_{}", &after[..end]);
            let is_known = known.contains(&name) || settings::OTHER_NAMES.contains(&name.as_str());
            assert!(is_known || end == 0, "{}: {name}", page.display());
        }
    }
}

#[test]
fn shown_settings_name_their_origin_and_hide_secrets() {
    let sources = sources(&[("DATABASE_URL", "postgresql://app:hunter2@localhost/app"), ("UPLOAD_DIR", "/srv/a")]);
    let shown = serde_json::to_string(&show(&sources).unwrap()).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("UPLOAD_DIR in the environment"), "{shown}");
}

#[test]
fn a_mistaken_schedule_is_told_with_its_field_whether_or_not_it_is_switched_on() {
    for on in ["true", "false"] {
        let load = |cron| Config::load(&sources(&[("UPSWEEP_SCHEDULE", cron), ("UPSWEEP_SCHEDULE_ENABLED", on)]));
        let said = message(load("0 25 * * *"));
        assert!(said.contains("hour '25'") && said.contains("UPSWEEP_SCHEDULE in the environment"), "{said}");
        assert_eq!(load("@daily").unwrap().service.schedule.cron.is_some(), on == "true");
    }
}
