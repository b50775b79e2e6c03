//! Connecting to MySQL or MariaDB, and what their errors mean.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, Error, IoError, OptsBuilder, SslOpts};
use upsweep_engine::ports::ClaimError;
use upsweep_plan::claim::ClaimRule;

use crate::claims::names::problem;
use crate::claims::url::{Host, Refusal, Roots, ServerUrl, Tls, TlsMode, most_telling};

/// One connection.
pub(crate) struct Session<'a> {
    pub(crate) conn: Conn,
    pub(crate) url: &'a ServerUrl,
    /// The schema that names without one mean.
    pub(crate) schema: String,
    pub(crate) is_mariadb: bool,
}

/// One gibibyte: the most a server can send.
const MAX_PACKET_BYTES: usize = 1 << 30;

impl<'a> Session<'a> {
    /// Tries every host with every TLS mode that the URL allows, and prepares the session for reading.
    pub(crate) async fn open(url: &'a ServerUrl) -> Result<Self, ClaimError> {
        let Some(schema) = url.database.clone() else {
            let masked = url.masked();
            return Err(ClaimError::Url(format!(
                "the database URL {masked} names no database: add /name after the host"
            )));
        };
        let mut refusals = vec![];
        for host in &url.hosts {
            for mode in modes(url, host) {
                match connect(url, host, mode).await {
                    Ok(conn) => {
                        let mut session = Self { conn, url, schema, is_mariadb: false };
                        session.set_up().await?;
                        return Ok(session);
                    }
                    Err(refusal) => refusals.push(refusal),
                }
                if refusals.last().is_some_and(|refusal| !refusal.is_tls) {
                    break;
                }
            }
        }
        let cause = most_telling(&refusals);
        Err(ClaimError::Connect { database: url.masked(), cause: url.scrub(&cause) })
    }

    /// Undoes every server default that could shorten, cut or change what we read.
    async fn set_up(&mut self) -> Result<(), ClaimError> {
        let version: Option<String> = self.first("SELECT VERSION()").await?;
        self.is_mariadb = version.is_some_and(|version| version.contains("MariaDB"));
        // DEFAULT would be the global value, which may be a limit too. CHAR columns must not come padded,
        // GROUP_CONCAT not cut, times in no zone but UTC; and whoever reads us slowly is still reading.
        let settings = "SET NAMES utf8mb4; \
             SET SESSION sql_select_limit = 18446744073709551615, sql_big_selects = 1, time_zone = '+00:00', \
             net_write_timeout = 3600, net_read_timeout = 3600, lock_wait_timeout = 60, \
             group_concat_max_len = 1073741824, \
             sql_mode = REPLACE(@@SESSION.sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', '')";
        for statement in settings.split("; ") {
            self.run(statement).await?;
        }
        self.run(if self.is_mariadb {
            "SET SESSION max_statement_time = 0"
        } else {
            "SET SESSION max_execution_time = 0"
        })
        .await?;
        // In a cluster, wait until this node has what the others committed. Not every server knows these.
        let wait = if self.is_mariadb { "wsrep_sync_wait = 1" } else { "group_replication_consistency = 'BEFORE'" };
        let _ = self.conn.query_drop(format!("SET SESSION {wait}")).await;
        Ok(())
    }

    /// Runs a statement of ours.
    pub(crate) async fn run(&mut self, statement: &str) -> Result<(), ClaimError> {
        let done = self.conn.query_drop(statement).await;
        done.map_err(|error| incomplete(self.url, &error.to_string()))
    }

    /// The first cell of the first row of a query of ours.
    pub(crate) async fn first<T>(&mut self, query: &str) -> Result<Option<T>, ClaimError>
    where
        T: mysql_async::prelude::FromValue + Send + 'static,
    {
        let row: Result<Option<Option<T>>, _> = self.conn.query_first(query).await;
        row.map(Option::flatten).map_err(|error| incomplete(self.url, &error.to_string()))
    }

    /// What went wrong with a rule's statement: a mistake in the rule, a missing right, or the connection.
    pub(crate) fn explain(&self, rule: &ClaimRule, error: &Error) -> ClaimError {
        let said = self.url.scrub(&error.to_string());
        match error {
            Error::Server(server) if server.state == "42000" && matches!(server.code, 1044 | 1142 | 1143 | 1370) => {
                problem(rule, format!("{said}; as an administrator: GRANT SELECT ON … TO the role"))
            }
            // SQLSTATE class 42 is a mistake in the statement, class 21 and 22 one in its values.
            Error::Server(server) if ["42", "21", "22"].iter().any(|class| server.state.starts_with(class)) => {
                problem(rule, format!("{said}; correct the rule's table or query"))
            }
            _ => incomplete(self.url, &said),
        }
    }
}

pub(crate) fn incomplete(url: &ServerUrl, cause: &str) -> ClaimError {
    ClaimError::Incomplete { database: url.masked(), cause: url.scrub(cause) }
}

fn modes(url: &ServerUrl, host: &Host) -> Vec<TlsMode> {
    match host {
        Host::Unix(..) => vec![TlsMode::Off],
        Host::Tcp(..) => url.tls.attempts.clone(),
    }
}

async fn connect(url: &ServerUrl, host: &Host, mode: TlsMode) -> Result<Conn, Refusal> {
    let opts = OptsBuilder::default()
        .user(url.user.clone())
        .pass(url.password.clone())
        .db_name(url.database.clone())
        .prefer_socket(false)
        .max_allowed_packet(Some(MAX_PACKET_BYTES))
        .wait_timeout(Some(28_800))
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .ssl_opts(ssl(mode, &url.tls));
    let opts = match host {
        Host::Tcp(name, port) => opts.ip_or_hostname(name).tcp_port(*port),
        Host::Unix(path, _) => opts.socket(Some(path.to_string_lossy())),
    };
    match tokio::time::timeout(url.connect_timeout, Conn::new(opts)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => {
            let secs = url.connect_timeout.as_secs();
            Err(Refusal { cause: format!("no answer within {secs} s; check host, port and firewall"), is_tls: false })
        }
    }
}

fn ssl(mode: TlsMode, tls: &Tls) -> Option<SslOpts> {
    // The driver takes the process's default provider and offers no way to give it one. An application
    // that has already chosen keeps its choice.
    if mode != TlsMode::Off {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    let ssl = match &tls.roots {
        Roots::Public => SslOpts::default(),
        Roots::File(path) => {
            SslOpts::default().with_root_certs(vec![path.clone().into()]).with_disable_built_in_roots(true)
        }
    };
    match mode {
        TlsMode::Off => None,
        TlsMode::Unverified => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
        TlsMode::VerifyCa => Some(ssl.with_danger_skip_domain_validation(true)),
        TlsMode::VerifyFull => Some(ssl),
    }
}

fn refusal(error: &Error) -> Refusal {
    // A failed handshake comes as an input/output error with the TLS library's own inside.
    let is_handshake = |error: &std::io::Error| error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    const TLS: &str = "; check ssl_mode and ssl_ca (VERIFY_CA, too, checks the host's name here)";
    let (is_tls, advice) = match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => (true, TLS),
        Error::Io(IoError::Io(error)) if is_handshake(error) => (true, TLS),
        Error::Server(server) if server.code == 1045 => (false, "; check the user and the password"),
        Error::Server(server) if matches!(server.code, 1044 | 1049) => (false, "; check the database's name"),
        Error::Io(_) => (false, "; check that the server runs, and its host and port"),
        _ => (false, ""),
    };
    Refusal { cause: format!("{error}{advice}"), is_tls }
}
