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
