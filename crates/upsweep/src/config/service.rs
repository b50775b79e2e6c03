//! What `upsweep serve` needs to know: where it listens, whom it believes, when it cleans up by itself.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use super::layers::Values;
use super::problems::Problems;
use super::zone;
use crate::service::cron::Expression;

/// Everything about the service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) tokens: Tokens,
    /// Roles that may use the service.
    pub(crate) allowed_roles: Vec<String>,
    /// A query for a subject's account.
    pub(crate) user_query: Option<String>,
    /// For how long its answer counts.
    pub(crate) user_cache: Duration,
    pub(crate) cleanup_on_startup: bool,
    pub(crate) schedule: TimeTable,
    /// How often hidden files are compared with the claims.
    pub(crate) watch_every: Duration,
    /// How old a survey may be that answers for another one.
    pub(crate) status_max_age: Duration,
    /// How long a request may take that is no clean-up.
    pub(crate) request_timeout: Duration,
    /// Requests per subject and minute.
    pub(crate) rate_limit_per_minute: Option<u32>,
    /// Requests without a good token, per address and minute.
    pub(crate) failed_sign_ins_per_minute: u32,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Origins of web pages that may call the service.
    pub(crate) cors_origins: Vec<String>,
    /// Where the metrics are to be had without a token, if anywhere.
    pub(crate) metrics_listen: Option<SocketAddr>,
}

/// Certificate and key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// How tokens are verified.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) secret: Option<Secret>,
    /// Names of the algorithms that are allowed; empty means those that fit the keys.
    pub(crate) algorithms: Vec<String>,
    pub(crate) public_key_file: Option<PathBuf>,
    pub(crate) jwks_url: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
}

/// Something nobody may see; its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// When the service cleans up by itself.
#[derive(Clone, Debug)]
pub(crate) struct TimeTable {
    /// A cron expression; `None` means never.
    pub(crate) cron: Option<String>,
    /// The classic hour, whether or not it counts.
    pub(crate) hour: u8,
    /// The zone's IANA name; `None` is the host's.
    pub(crate) zone: Option<String>,
    pub(crate) missed: Missed,
}

/// What becomes of clean-ups that were due while the service was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Missed {
    #[default]
    Skip,
    Once,
}

impl ServiceConfig {
    pub(super) fn gather(values: &Values, problems: &mut Problems) -> Self {
        let small = |key: &str, range: RangeInclusive<u64>| {
            Ok::<_, anyhow::Error>(u32::try_from(values.whole(key, range)?).unwrap_or(u32::MAX))
        };
        let secs = |key: &str, range| small(key, range).map(|secs| Duration::from_secs(u64::from(secs)));
        let rate = values.optional("rate_limit_per_minute").map(|_| small("rate_limit_per_minute", 1..=100_000));
        Self {
            listen: problems.take(address(values, "listen")).unwrap_or(DEFAULT_LISTEN),
            tls: problems.take(tls(values)),
            tokens: Tokens {
                secret: values.optional("jwt_secret_key").map(Secret),
                algorithms: values.list("jwt_algorithm"),
                public_key_file: values.optional("jwt_public_key_file").map(PathBuf::from),
                jwks_url: values.optional("jwt_jwks_url"),
                issuer: values.optional("jwt_issuer"),
                audience: values.optional("jwt_audience"),
            },
            allowed_roles: problems.take(roles(values)),
            user_query: values.optional("auth_user_query"),
            user_cache: problems.take(secs("auth_cache_secs", 0..=300)),
            cleanup_on_startup: problems.take(values.flag("auto_cleanup_on_startup")),
            schedule: problems.take(time_table(values)),
            watch_every: problems.take(secs("watch_minutes", 1..=1_440)) * 60,
            status_max_age: problems.take(secs("status_max_age_secs", 0..=3_600)),
            request_timeout: problems.take(secs("request_timeout_secs", 1..=3_600)),
            rate_limit_per_minute: problems.take(rate.transpose()),
            failed_sign_ins_per_minute: problems.take(small("failed_sign_ins_per_minute", 1..=10_000)),
            trusted_proxies: problems.take(proxies(values)),
            cors_origins: problems.take(origins(values)),
            metrics_listen: problems.take(address(values, "metrics_listen")),
        }
    }
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);

fn address(values: &Values, key: &str) -> anyhow::Result<Option<SocketAddr>> {
    let Some(text) = values.optional(key) else { return Ok(None) };
    // A name has several addresses, or none; the one that is meant is better said.
    let text = text.strip_prefix("localhost:").map_or(text.clone(), |port| format!("127.0.0.1:{port}"));
    let parsed = text.parse().ok();
    parsed.map(Some).with_context(|| {
        format!("{key} = '{text}' must be an address and a port, as in 127.0.0.1:8000 ({})", values.origin(key))
    })
}

fn tls(values: &Values) -> anyhow::Result<Option<TlsFiles>> {
    match (values.optional("tls_cert_file"), values.optional("tls_key_file")) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.into(), key: key.into() })),
        (Some(_), None) => bail!("tls_cert_file is set and tls_key_file is not; HTTPS needs both"),
        (None, Some(_)) => bail!("tls_key_file is set and tls_cert_file is not; HTTPS needs both"),
    }
}

fn roles(values: &Values) -> anyhow::Result<Vec<String>> {
    let roles = values.list("allowed_roles");
    if roles.is_empty() {
        bail!("allowed_roles must name a role ({})", values.origin("allowed_roles"));
    }
    // Whatever else may go wrong: what patients must never do, no setting allows.
    if roles.iter().any(|role| role.eq_ignore_ascii_case("patient")) {
        bail!("allowed_roles must not name patient: patients never clean up ({})", values.origin("allowed_roles"));
    }
    Ok(roles)
}

fn proxies(values: &Values) -> anyhow::Result<Vec<IpAddr>> {
    let parsed = values.list("trusted_proxies").into_iter().map(|text| {
        text.parse().ok().with_context(|| {
            format!(
                "trusted_proxies: '{text}' must be an address such as 10.0.0.2 ({})",
                values.origin("trusted_proxies")
            )
        })
    });
    parsed.collect()
}

fn origins(values: &Values) -> anyhow::Result<Vec<String>> {
    let origins = values.list("cors_origins");
    for origin in &origins {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if rest.is_none_or(|host| host.is_empty() || host.contains(['/', '*', ' '])) {
            bail!(
                "cors_origins: '{origin}' must be an origin such as https://app.example.org, without a path ({})",
                values.origin("cors_origins")
            );
        }
    }
    Ok(origins)
}

fn time_table(values: &Values) -> anyhow::Result<TimeTable> {
    let hour = u8::try_from(values.whole("cleanup_schedule_hour", 0..=23)?)?;
    let cron = values.optional("schedule");
    if let Some(cron) = &cron {
        Expression::parse(cron)
            .map_err(|mistake| anyhow::anyhow!("schedule = '{cron}': {mistake} ({})", values.origin("schedule")))?;
    }
    let is_on = match values.optional("schedule_enabled") {
        Some(_) => values.flag("schedule_enabled")?,
        None => cron.is_some(),
    };
    let missed = match values.text("schedule_missed")?.as_str() {
        "skip" => Missed::Skip,
        "once" => Missed::Once,
        other => bail!("schedule_missed = '{other}' must be skip or once ({})", values.origin("schedule_missed")),
    };
    Ok(TimeTable {
        cron: is_on.then(|| cron.unwrap_or_else(|| format!("0 {hour} * * *"))),
        hour,
        zone: values.optional("timezone").map(|_| zone(values, "timezone")).transpose()?,
        missed,
    })
}

impl Default for TimeTable {
    fn default() -> Self {
        Self { cron: None, hour: 3, zone: None, missed: Missed::Skip }
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
