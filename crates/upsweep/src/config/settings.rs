//! The table of every setting: the one place where a setting is made known.

/// One setting.
pub(super) struct Setting {
    /// The TOML key; in the environment `UPSWEEP_` and the key in capitals.
    pub(super) key: &'static str,
    /// The classic service's names for it, in the environment.
    pub(super) classic: &'static [&'static str],
    /// What it is when nobody says otherwise; `None` means unset.
    pub(super) default: Option<&'static str>,
    /// What it means.
    pub(super) help: &'static str,
}

/// Settings whose values are shown to nobody.
pub(super) const SECRETS: &[&str] = &["jwt_secret_key"];

const fn setting(key: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { key, classic: &[], default, help }
}

const fn classic(
    key: &'static str,
    names: &'static [&'static str],
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { key, classic: names, default, help }
}

/// Every setting.
pub(super) const SETTINGS: &[Setting] = &[
    classic(
        "database_url",
        &["DATABASE_URL"],
        None,
        "the application's database: postgresql://, mysql://, mariadb:// or sqlite:, SQLAlchemy's spellings included",
    ),
    classic("upload_dir", &["UPLOAD_DIR"], Some("uploads/audio"), "the directory that holds the uploads"),
    classic(
        "orphaned_file_retention_hours",
        &["ORPHANED_FILE_RETENTION_HOURS"],
        Some("24"),
        "how old a file that nobody claims must be, in hours; 1 or more",
    ),
    classic(
        "failed_session_retention_days",
        &["FAILED_SESSION_RETENTION_DAYS"],
        Some("7"),
        "how long ago a session must have failed, in days; 1 to 36500",
    ),
    setting("sessions_table", Some("sessions"), "the table of the default claim rule, as name or schema.name"),
    setting(
        "db_timezone",
        Some("UTC"),
        "the time zone, by its IANA name, of the databases' times that say none, as in Europe/Berlin",
    ),
    setting("recursive", Some("false"), "whether folders below the top level are looked at"),
    setting(
        "exclude",
        None,
        "files and folders that are never judged, separated by commas: *.log is a name at any depth, old/2019 a path",
    ),
    setting(
        "age_from",
        Some("mtime"),
        "what the age of an orphan counts from: mtime, changed (the later of mtime and ctime), or first-seen (by a complete survey)",
    ),
    setting(
        "variants",
        Some("{stem}_processed.mp3"),
        "patterns of derived files that belong to their original, separated by commas",
    ),
    setting(
        "in_progress_suffixes",
        Some(".tmp,.part"),
        "suffixes of files that are still being written, separated by commas",
    ),
    setting(
        "action",
        Some("quarantine"),
        "what becomes of removed files: quarantine (hidden, freed later), archive (the same, and copied before) or delete (freed by the run that hides them)",
    ),
    setting(
        "archive_url",
        None,
        "where copies go: a directory or a file:// URL, outside of the uploads; needed for archive and backup_before_cleanup",
    ),
    setting("archive_compression", Some("none"), "how copies are compressed: none or zstd"),
    setting(
        "backup_before_cleanup",
        Some("false"),
        "true means that nothing is freed without a verified copy: quarantine becomes archive, and delete copies first",
    ),
    setting("quarantine_days", Some("7"), "how long hidden files stay before they may be freed, in days; 1 to 3650"),
    setting("audit_years", Some("6"), "how long records of the audit trail are kept, in years; 1 to 100"),
    setting(
        "guard_floor",
        Some("20"),
        "files that may be hidden within seven days although G001, G003's share, G005, G006 or G010 object; 0 to 10000",
    ),
    setting("max_share", Some("0.5"), "largest share of all files that one plan may remove (G003), as 0.5 or 50%"),
    setting("max_files", None, "largest number of files that one plan may remove (G003)"),
    setting("max_bytes", None, "largest size that one plan may remove (G003), as 500MB or 2GiB"),
    setting(
        "state_dir",
        None,
        "where notes about bound stores are kept, outside them; default: systemd's state directory, or ~/.local/state/upsweep",
    ),
    setting(
        "ledger_url",
        None,
        "where the ledger is kept, as sqlite:///var/lib/upsweep/ledger.db or a path; default: .upsweep/ledger.db in the upload directory",
    ),
    setting(
        "quarantine_dir",
        None,
        "a folder for hidden files, on the upload directory's file system and not visible in it; default: in .upsweep",
    ),
    setting("listen", Some("127.0.0.1:8000"), "the address and port on which upsweep serve listens"),
    classic(
        "jwt_secret_key",
        &["SECRET_KEY", "JWT_SECRET_KEY"],
        None,
        "the secret that the application signs its tokens with (HS256, HS384, HS512); at least 32 bytes",
    ),
    classic(
        "jwt_algorithm",
        &["JWT_ALGORITHM"],
        None,
        "the only algorithms that tokens may be signed with, separated by commas; default: HS256 with a secret, RS256, ES256 and EdDSA with public keys",
    ),
    setting("jwt_public_key_file", None, "a PEM file with the public key that tokens are verified with"),
    setting(
        "jwt_jwks_url",
        None,
        "where the public keys are published that tokens are verified with (a JSON Web Key Set); https, or http on this host",
    ),
    setting("jwt_issuer", None, "what a token's iss must be, if anything"),
    setting("jwt_audience", None, "what a token's aud must name, if anything"),
    setting(
        "allowed_roles",
        Some("therapist,admin"),
        "the roles that may use the service, separated by commas; only admin overrules guards",
    ),
    setting(
        "auth_user_query",
        None,
        "a query on the default database that gives one row with the columns role and is_active (or one of them) for :subject; who has no such row is refused",
    ),
    setting("auth_cache_secs", Some("10"), "for how many seconds the answer to auth_user_query counts; 0 to 300"),
    classic(
        "auto_cleanup_on_startup",
        &["AUTO_CLEANUP_ON_STARTUP"],
        Some("false"),
        "whether upsweep serve cleans up once when it has started",
    ),
    classic(
        "cleanup_schedule_hour",
        &["CLEANUP_SCHEDULE_HOUR"],
        Some("3"),
        "the hour of the day at which upsweep serve cleans up, if schedule_enabled is true; 0 to 23",
    ),
    setting(
        "schedule_enabled",
        None,
        "whether upsweep serve cleans up by itself; default: true where schedule is set, and false elsewhere",
    ),
    setting(
        "schedule",
        None,
        "when upsweep serve cleans up, as a cron expression: 0 3 * * *; default: every day at cleanup_schedule_hour",
    ),
    setting("timezone", None, "the time zone of the schedule, by its IANA name; default: the host's"),
    setting(
        "schedule_missed",
        Some("skip"),
        "what becomes of clean-ups that were due while the service was down: skip, or once (one of them is made up for)",
    ),
    setting(
        "watch_minutes",
        Some("5"),
        "how often upsweep serve looks whether a hidden file is claimed again, in minutes; 1 to 1440",
    ),
    setting(
        "status_max_age_secs",
        Some("30"),
        "how old a survey may be that answers for another one, in seconds; 0 to 3600",
    ),
    setting(
        "request_timeout_secs",
        Some("30"),
        "how long a request may take that is no clean-up, in seconds; 1 to 3600",
    ),
    setting("rate_limit_per_minute", None, "how many requests each subject may make in a minute; 1 to 100000"),
    setting(
        "failed_sign_ins_per_minute",
        Some("20"),
        "how many requests with no or a bad token each address may make in a minute; 1 to 10000",
    ),
    setting(
        "trusted_proxies",
        None,
        "addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas",
    ),
    setting(
        "cors_origins",
        None,
        "origins of web pages that may call the service, separated by commas, as in https://app.example.org",
    ),
    setting("metrics_listen", None, "an address and port of its own for /metrics, which then needs no token there"),
    setting("tls_cert_file", None, "a PEM file with the certificate chain, to serve HTTPS without a proxy"),
    setting("tls_key_file", None, "a PEM file with the certificate's private key"),
    setting(
        "database_backup_days",
        None,
        "how many days the oldest database backup that may be restored reaches back; upsweep doctor compares it with quarantine_days",
    ),
    setting(
        "isolated",
        Some("false"),
        "in the file only: true means that the environment and .env are not read at all",
    ),
    setting("log_format", Some("text"), "text or json; JSON_LOGS=true means json"),
    setting(
        "log_level",
        Some("warn"),
        "off, error, warn, info, debug or trace, or a list per module, as in warn,upsweep_engine=debug",
    ),
    setting(
        "log_file_names",
        Some("false"),
        "whether logs may hold the names of files; then each one moved is an info line",
    ),
];

/// Names that begin with `UPSWEEP_` and are no settings.
pub(super) const OTHER_NAMES: &[&str] = &["UPSWEEP_CONFIG", "UPSWEEP_TEST_CLOCK_OFFSET"];

/// The setting with this TOML key.
pub(super) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// Its own name in the environment.
    pub(super) fn env_name(&self) -> String {
        format!("UPSWEEP_{}", self.key.to_ascii_uppercase())
    }
}

/// The known name that is nearest to a mistyped one.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .min()
        .filter(|(far, _)| *far <= 4 && *far * 2 <= typed.chars().count())
        .map(|(_, name)| name)
}
