//! What a URL asks of encryption, in the words of libpq, of asyncpg, and of MySQL's clients.

use std::path::PathBuf;

use super::Engine;
use super::server::{Options, last};

/// How to encrypt a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What to try, in order: libpq's `prefer` is encryption first and then none.
    pub attempts: Vec<TlsMode>,
    /// Whose signature a verified certificate needs.
    pub roots: Roots,
}

/// One way to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// In clear text.
    Off,
    /// Encrypted, but with whoever answers: libpq's `require`, MySQL's `REQUIRED`.
    Unverified,
    /// With a certificate that the roots vouch for, whatever host it names.
    VerifyCa,
    /// With a certificate that the roots vouch for and that names the host.
    VerifyFull,
}

/// Why one attempt to connect failed.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What the driver said, and what to check.
    pub(crate) cause: String,
    /// Whether encryption itself failed, so that an attempt without (or with) may do.
    pub(crate) is_tls: bool,
}

/// The failure to tell of: the first that is not about an encryption nobody insisted on.
pub(crate) fn most_telling(refusals: &[Refusal]) -> String {
    let telling = refusals.iter().find(|refusal| !refusal.is_tls).or(refusals.first());
    telling.map_or_else(|| "the URL names no host".to_owned(), |refusal| refusal.cause.clone())
}

/// The certificates that vouch for servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's, compiled in.
    Public,
    /// Those in a PEM file.
    File(PathBuf),
}

/// Collects every spelling of the TLS options.
pub(super) fn from_options(engine: Engine, options: &Options) -> Result<Tls, String> {
    let option = |names: &[&str]| names.iter().find_map(|name| last(options, name)).filter(|value| !value.is_empty());
    let is_on = |names: &[&str]| option(names).is_some_and(|value| !is_no(value));

    if option(&["sslcert", "sslkey", "ssl_cert", "ssl_key", "ssl-cert", "ssl-key"]).is_some() {
        return Err("the database URL asks for a client certificate, which is not supported: use a role with a \
                    password and leave the certificate and key options out"
            .to_owned());
    }
    let root_file = option(&["sslrootcert", "ssl_ca", "ssl-ca", "ssl_ca_certs"]);
    let roots = match root_file {
        None | Some("system") => Roots::Public,
        Some(file) => Roots::File(file.into()),
    };
    let has_own_roots = roots != Roots::Public;
    let attempts = match option(&["sslmode", "ssl_mode", "ssl-mode", "ssl"]) {
        _ if is_on(&["ssl_disabled", "ssl-disabled"]) => vec![TlsMode::Off],
        Some(mode) => attempts(engine, mode)?,
        _ if root_file == Some("system") => vec![TlsMode::VerifyFull],
        None if engine == Engine::Postgres => vec![TlsMode::Unverified, TlsMode::Off],
        // MySQL's clients verify when they are given an authority; PyMySQL and aiomysql also the host.
        None if has_own_roots => vec![TlsMode::VerifyCa],
        None if is_on(&["require_ssl"]) => vec![TlsMode::Unverified],
        None => vec![TlsMode::Unverified, TlsMode::Off],
    };
    // libpq: `require` with a root certificate verifies as `verify-ca` does.
    let floor = match () {
        () if is_on(&["ssl_verify_identity", "ssl_check_hostname", "verify_identity"]) => TlsMode::VerifyFull,
        () if is_on(&["ssl_verify_cert", "verify_ca"]) => TlsMode::VerifyCa,
        () if engine == Engine::Postgres && has_own_roots && attempts == [TlsMode::Unverified] => TlsMode::VerifyCa,
        () => return Ok(Tls { attempts, roots }),
    };
    let raised = attempts.into_iter().filter(|mode| *mode != TlsMode::Off).map(|mode| mode.max(floor)).collect();
    Ok(Tls { attempts: raised, roots }).and_then(refuse_contradiction)
}

fn refuse_contradiction(tls: Tls) -> Result<Tls, String> {
    if tls.attempts.is_empty() {
        return Err("the database URL both disables TLS and asks to verify certificates: keep one".to_owned());
    }
    Ok(tls)
}

fn attempts(engine: Engine, mode: &str) -> Result<Vec<TlsMode>, String> {
    let attempts = match mode.to_ascii_lowercase().replace('_', "-").as_str() {
        "allow" => vec![TlsMode::Off, TlsMode::Unverified],
        "prefer" | "preferred" => vec![TlsMode::Unverified, TlsMode::Off],
        "require" | "required" => vec![TlsMode::Unverified],
        "verify-ca" => vec![TlsMode::VerifyCa],
        "verify-full" | "verify-identity" => vec![TlsMode::VerifyFull],
        // `ssl=true` is Python's default context, which verifies; MySQL's is plain encryption.
        "true" | "1" | "on" | "yes" if engine == Engine::Postgres => vec![TlsMode::VerifyFull],
        "true" | "1" | "on" | "yes" => vec![TlsMode::Unverified],
        no if is_no(no) => vec![TlsMode::Off],
        _ => {
            return Err(match engine {
                Engine::Postgres => {
                    "the database URL's sslmode is not known: use disable, allow, prefer, require, \
                                     verify-ca or verify-full"
                }
                Engine::MySql | Engine::Sqlite => {
                    "the database URL's ssl_mode is not known: use DISABLED, PREFERRED, \
                                                   REQUIRED, VERIFY_CA or VERIFY_IDENTITY"
                }
            }
            .to_owned());
        }
    };
    Ok(attempts)
}

fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "disable" | "disabled" | "false" | "0" | "off" | "no")
}
