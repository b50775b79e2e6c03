//! URLs of database servers: `scheme://user:password@host:port,host:port/database?options`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::tls::{self, Tls};
use super::{Engine, decode};

/// Where to find a database on a server, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// The kind of server.
    pub engine: Engine,
    /// The role; the driver's default when the URL names none.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Where to try, in order; never empty.
    pub hosts: Vec<Host>,
    /// The database (PostgreSQL) or schema (MySQL).
    pub database: Option<String>,
    /// How to encrypt.
    pub tls: Tls,
    /// How long to wait for one connection.
    pub connect_timeout: Duration,
    /// PostgreSQL's `options`, such as `-c search_path=app`.
    pub options: Option<String>,
}

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or address, and a port.
    Tcp(String, u16),
    /// A unix socket: PostgreSQL's folder and port, or MySQL's socket itself.
    Unix(PathBuf, u16),
}

/// What a server's URL says between `?` and its end, decoded, in order.
pub(super) type Options = Vec<(String, String)>;

/// Reads what follows `scheme:`.
pub(super) fn parse(engine: Engine, rest: &str) -> Result<ServerUrl, String> {
    let rest = rest.strip_prefix("//").ok_or("the database URL lacks the // after its scheme")?;
    let (user_info, rest) = split_user_info(rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host_list, database) = place.split_once('/').unwrap_or((place, ""));
    let options = parse_query(query)?;
    let option = |names: &[&str]| names.iter().find_map(|name| last(&options, name)).map(str::to_owned);

    let (user, password) = match user_info.map(|info| (info, info.split_once(':'))) {
        Some((_, Some((user, password)))) => (Some(decode(user)?), Some(decode(password)?)),
        Some((user, None)) => (Some(decode(user)?), None),
        None => (None, None),
    };
    let database = Some(decode(database)?).filter(|name| !name.is_empty());
    let timeout = option(&["connect_timeout", "connection_timeout"]).and_then(|secs| secs.parse().ok());
    Ok(ServerUrl {
        engine,
        user: user.filter(|name| !name.is_empty()).or_else(|| option(&["user", "username"])),
        password: password.or_else(|| option(&["password", "passwd"])),
        hosts: hosts(engine, host_list, &options)?,
        database: database.or_else(|| option(&["dbname", "database"])),
        tls: tls::from_options(engine, &options)?,
        connect_timeout: Duration::from_secs(timeout.filter(|&secs| secs > 0).unwrap_or(10)),
        options: option(&["options"]),
    })
}

/// Separates `user:password` from what follows its `@`, also where the password holds characters that
/// should have been percent-encoded: `/`, `?`, `#` or another `@` before the host.
fn split_user_info(rest: &str) -> (Option<&str>, &str) {
    let before_query = rest.split('?').next().unwrap_or_default();
    let Some(first) = before_query.find('@') else {
        let in_query = rest.find('@').filter(|_| !starts_with_host(before_query));
        return in_query.map_or((None, rest), |at| (Some(&rest[..at]), &rest[at + 1..]));
    };
    let authority_end = before_query[first..].find('/').map_or(before_query.len(), |slash| first + slash);
    let at = before_query[..authority_end].rfind('@').unwrap_or(first);
    (Some(&rest[..at]), &rest[at + 1..])
}

/// Whether a URL without an `@` before its query is `host[:port][/database]`, rather than the first half
/// of a password with a `?` in it.
fn starts_with_host(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    authority.split(',').all(|one| split_port(one).is_ok())
}

fn parse_query(query: &str) -> Result<Options, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?.to_ascii_lowercase(), decode(value)?))
        })
        .collect()
}

/// The last value given for an option, as drivers take it.
pub(super) fn last<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn hosts(engine: Engine, host_list: &str, options: &Options) -> Result<Vec<Host>, String> {
    let default_port = match engine {
        Engine::Postgres => 5432,
        Engine::MySql | Engine::Sqlite => 3306,
    };
    let port = match last(options, "port") {
        Some(port) => port.parse().map_err(|_| "the database URL's option port is not a number".to_owned())?,
        None => default_port,
    };
    if engine == Engine::MySql
        && let Some(socket) = last(options, "unix_socket").or_else(|| last(options, "socket"))
    {
        return Ok(vec![Host::Unix(socket.into(), port)]);
    }
    let in_query: Vec<&str> = options.iter().filter(|(n, _)| n == "host").map(|(_, host)| host.as_str()).collect();
    let listed = if in_query.is_empty() { vec![host_list] } else { in_query };
    let mut hosts = vec![];
    for one in listed.iter().flat_map(|list| list.split(',')).filter(|one| !one.is_empty()) {
        let (host, own_port) = split_port(one)?;
        let (host, port) = (decode(host)?, own_port.unwrap_or(port));
        hosts.push(if host.starts_with('/') { Host::Unix(host.into(), port) } else { Host::Tcp(host, port) });
    }
    if hosts.is_empty() {
        hosts.push(Host::Tcp("localhost".to_owned(), port));
    }
    Ok(hosts)
}

/// Splits `host:port`, `[::1]:port` or a host alone.
fn split_port(one: &str) -> Result<(&str, Option<u16>), String> {
    let bad = || {
        "the database URL's port is not a number up to 65535; a ':', '@', '/' or '?' in a user name or \
                  password must be percent-encoded (%3A, %40, %2F, %3F)"
            .to_owned()
    };
    if one.starts_with('/') {
        return Ok((one, None));
    }
    let (host, port) = match one.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(bad)?)),
        None => match one.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (one, None),
        },
    };
    match port {
        None | Some("") => Ok((host, None)),
        Some(port) => port.parse().map(|port| (host, Some(port))).map_err(|_| bad()),
    }
}

impl ServerUrl {
    /// The URL with `***` for its password and without options.
    #[must_use]
    pub fn masked(&self) -> String {
        let scheme = match self.engine {
            Engine::Postgres => "postgresql",
            Engine::MySql | Engine::Sqlite => "mysql",
        };
        let user = match (&self.user, &self.password) {
            (None, None) => String::new(),
            (user, None) => format!("{}@", user.as_deref().unwrap_or_default()),
            (user, Some(_)) => format!("{}:***@", user.as_deref().unwrap_or_default()),
        };
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        let database = self.database.as_deref().unwrap_or_default();
        format!("{scheme}://{user}{}/{database}", hosts.join(","))
    }

    /// Removes the password from what a driver or a server said.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let Some(password) = self.password.as_deref().filter(|password| !password.is_empty()) else {
            return text.to_owned();
        };
        let encoded = percent_encoding::utf8_percent_encode(password, percent_encoding::NON_ALPHANUMERIC).to_string();
        text.replace(password, "***").replace(&encoded, "***")
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path, _) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
