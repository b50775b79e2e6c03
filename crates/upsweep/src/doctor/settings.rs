//! The configuration: what is unusual in it, who may read its secrets, and whether it fits the backups.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Check;
use crate::config::Config;
use crate::render::count;

pub(super) fn examine(config: &Config, checks: &mut Vec<Check>) {
    for warning in &config.warnings {
        checks.push(Check::warning("settings", warning.clone(), "see: upsweep config show"));
    }
    if config.warnings.is_empty() {
        checks.push(Check::good("settings", "every setting is in its usual range"));
    }
    for path in &config.files {
        checks.extend(secrets(path));
    }
    checks.push(backups(config.quarantine_days, config.database_backup_days));
}

/// A file with a password in it is nobody else's business.
fn secrets(path: &Path) -> Option<Check> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
    if !has_secret(&text) {
        return None;
    }
    let shown = path.display();
    Some(if mode & 0o007 == 0 {
        Check::good("secrets", format!("{shown} holds secrets, and other users cannot read it"))
    } else {
        Check::warning(
            "secrets",
            format!("{shown} holds secrets, and other users can read it"),
            format!("chmod o= {shown}"),
        )
    })
}

/// Whether a text has a URL with a password, or a secret by its name.
fn has_secret(text: &str) -> bool {
    let is_url_with_password = |line: &str| {
        line.split_once("://").is_some_and(|(_, rest)| {
            let authority = rest.split(['/', '?', '"', '\'', ' ']).next().unwrap_or_default();
            authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
        })
    };
    let is_named_so = |line: &str| {
        line.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim().to_ascii_uppercase();
            let is_secret = ["SECRET", "PASSWORD", "TOKEN"].iter().any(|word| name.contains(word));
            is_secret && !value.trim().is_empty()
        })
    };
    let lines = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines().any(is_url_with_password) || lines().any(is_named_so)
}

/// A database that is restored from a backup asks for the files of its time.
fn backups(quarantine_days: u32, backup_days: Option<u32>) -> Check {
    const NAME: &str = "backups";
    let kept = count(u64::from(quarantine_days), "day");
    match backup_days {
        None => Check::note(
            NAME,
            format!(
                "hidden files are kept for {kept}; keep them at least as long as the oldest database backup that you might restore reaches back, or its rows may ask for files that are gone"
            ),
        )
        .next("tell how far that is with UPSWEEP_DATABASE_BACKUP_DAYS"),
        Some(days) if days > quarantine_days => Check::warning(
            NAME,
            format!(
                "database backups reach back {}, but hidden files are freed after {kept}: a restored database may ask for files that are gone",
                count(u64::from(days), "day")
            ),
            format!("set UPSWEEP_QUARANTINE_DAYS to {days} or more"),
        ),
        Some(days) => Check::good(
            NAME,
            format!("hidden files are kept for {kept}, and database backups reach back {}", count(u64::from(days), "day")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn secrets_are_known_by_their_look_and_by_their_name() {
        for text in [
            "DATABASE_URL=postgresql://app:hunter2@db/app",
            "database_url = \"mysql+aiomysql://app:p%40ss@db:3306/app\"",
            "DEBUG=1\nJWT_SECRET_KEY = abc\n",
            "export DB_PASSWORD='x'",
        ] {
            assert!(has_secret(text), "{text}");
        }
        for text in [
            "DATABASE_URL=postgresql://app@db/app",
            "DATABASE_URL=sqlite:////srv/a:b@c/app.db",
            "# JWT_SECRET_KEY=abc",
            "JWT_SECRET_KEY=",
            "LINK=https://host/a:b@c",
        ] {
            assert!(!has_secret(text), "{text}");
        }
    }

    #[test]
    fn hidden_files_outlast_the_backups() {
        assert_eq!(backups(7, None).status, Status::Note);
        assert_eq!(backups(7, Some(7)).status, Status::Good);
        assert_eq!(backups(7, Some(8)).status, Status::Warning);
        assert_eq!(backups(7, Some(0)).status, Status::Good);
    }
}
