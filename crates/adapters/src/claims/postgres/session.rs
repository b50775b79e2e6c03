//! Connecting to PostgreSQL, and what its errors mean.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use upsweep_engine::ports::ClaimError;

use crate::claims::tls::client_config;
use crate::claims::url::{Host, Refusal, ServerUrl, TlsMode, most_telling};

/// One connection.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) url: &'a ServerUrl,
    /// Where it ended up.
    pub(crate) host: &'a Host,
}

impl<'a> Session<'a> {
    /// Tries every host with every TLS mode that the URL allows.
    pub(crate) async fn open(url: &'a ServerUrl) -> Result<Self, ClaimError> {
        let mut refusals = vec![];
        for host in &url.hosts {
            for mode in modes(url, host) {
                match connect(url, host, mode).await {
                    Ok(client) => return Ok(Self { client, url, host }),
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

    /// The error for a read that did not get to its end.
    pub(crate) fn incomplete(&self, error: &Error) -> ClaimError {
        incomplete(self.url, &chain(error))
    }
}

pub(crate) fn incomplete(url: &ServerUrl, cause: &str) -> ClaimError {
    ClaimError::Incomplete { database: url.masked(), cause: url.scrub(cause) }
}

/// An error and its causes, which the driver keeps to themselves.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Unix sockets carry no TLS, whatever is asked for; neither does libpq there.
fn modes(url: &ServerUrl, host: &Host) -> Vec<TlsMode> {
    match host {
        Host::Unix(..) => vec![TlsMode::Off],
        Host::Tcp(..) => url.tls.attempts.clone(),
    }
}

async fn connect(url: &ServerUrl, host: &Host, mode: TlsMode) -> Result<Client, Refusal> {
    let mut config = Config::new();
    config.application_name("upsweep").connect_timeout(url.connect_timeout);
    config.keepalives_idle(Duration::from_secs(30));
    match host {
        Host::Tcp(name, port) => config.host(name).port(*port),
        Host::Unix(folder, port) => config.host_path(folder).port(*port),
    };
    if let Some(user) = &url.user {
        config.user(user);
    }
    if let Some(password) = &url.password {
        config.password(password);
    }
    if let Some(database) = &url.database {
        config.dbname(database);
    }
    if let Some(options) = &url.options {
        config.options(options);
    }
    let within = url.connect_timeout;
    if mode == TlsMode::Off {
        config.ssl_mode(SslMode::Disable);
        return drive(within, config.connect(NoTls)).await;
    }
    let tls = client_config(mode, &url.tls.roots).map_err(|cause| Refusal { cause, is_tls: false })?;
    config.ssl_mode(SslMode::Require);
    drive(within, config.connect(MakeRustlsConnect::new(tls))).await
}

/// Waits for a connection and lets it run beside us.
async fn drive<S>(
    within: Duration,
    connecting: impl Future<Output = Result<(Client, tokio_postgres::Connection<tokio_postgres::Socket, S>), Error>>,
) -> Result<Client, Refusal>
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    match tokio::time::timeout(within, connecting).await {
        Ok(Ok((client, connection))) => {
            // Its error reaches us through the client as "connection closed".
            tokio::spawn(async move {
                let _ = connection.await;
            });
            Ok(client)
        }
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Refusal {
            cause: format!("no answer within {} s; check host, port and firewall", within.as_secs()),
            is_tls: false,
        }),
    }
}

fn refusal(error: &Error) -> Refusal {
    let code = error.code();
    let text = chain(error);
    // libpq goes on to its other mode for these two only: the handshake, and pg_hba.conf's hostssl/hostnossl.
    let is_tls = text.contains("TLS");
    let is_hba = code == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
    let advice = match code {
        Some(code) if *code == SqlState::INVALID_PASSWORD => "; check the user and the password",
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "; check the database's name",
        Some(_) => "",
        None if is_tls => "; check sslmode and sslrootcert",
        None => "; check that the server runs, and its host and port",
    };
    Refusal { cause: format!("{text}{advice}"), is_tls: is_tls || is_hba }
}
