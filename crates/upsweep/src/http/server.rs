//! The listeners: one for the service, plain or with TLS, and one for metrics, if that is wanted apart.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsAcceptor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::tls;
use crate::config::ServiceConfig;

/// How long requests may take to finish after the service was asked to end. A clean-up stops after its batch.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// How long a new connection may take until its first request has arrived.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(20);

/// How long an open connection may take for the next one. Longer than proxies keep idle ones (nginx: 60 s), so that
/// none sends a request into a connection that is just being closed.
const NEXT_REQUEST_WITHIN: Duration = Duration::from_secs(75);

/// Where the service really listens: a port 0 has become another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listening {
    pub(crate) service: SocketAddr,
    pub(crate) is_tls: bool,
    /// Always plain HTTP.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Listening {
    /// The address as people type it.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.service)
    }
}

/// Answers with `app`, and on its own listener, if one is configured, with `metrics`; until `shutdown`, and then until
/// the requests that had begun are answered, for at most [`GRACE`]. Streams must end with `shutdown` by themselves.
/// `on_ready` is called once, when connections are taken.
///
/// # Errors
/// When an address cannot be listened on, or the TLS files are of no use.
pub(crate) async fn serve(
    app: Router,
    metrics: Router,
    config: &ServiceConfig,
    on_ready: impl FnOnce(&Listening),
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let certificates = config.tls.as_ref().map(tls::load).transpose()?;
    let listener = listen(config.listen, "listen").await?;
    let for_metrics = match config.metrics_listen {
        Some(address) => Some(listen(address, "metrics_listen").await?),
        None => None,
    };
    on_ready(&Listening {
        service: listener.local_addr()?,
        is_tls: certificates.is_some(),
        metrics: for_metrics.as_ref().map(TcpListener::local_addr).transpose()?,
    });
    let _renewal = config.tls.clone().zip(certificates.clone()).map(|(files, certificates)| {
        AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = tls::keep_fresh(files, certificates).await {
                tracing::error!(%error, "TLS certificates are not read again: restart the service after a renewal");
            }
        }))
    });
    let service = answer(listener, certificates, app, &shutdown);
    match for_metrics {
        None => service.await?,
        Some(listener) => {
            tokio::try_join!(service, answer(listener, None, metrics, &shutdown))?;
        }
    }
    Ok(())
}

/// Listens; what is in the way is said together with a way out.
async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let name = format!("UPSWEEP_{}", setting.to_ascii_uppercase());
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({setting})")).map_err(
        |error| {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            match kind {
                Some(ErrorKind::AddrInUse) => error.context(format!(
                    "port {} is in use: stop what uses it (ss -ltnp shows what does), or set {name} to another one",
                    address.port()
                )),
                Some(ErrorKind::AddrNotAvailable) => error.context(format!(
                    "this host has no address {}: set {name} to one that it has, or to 0.0.0.0 for all of them",
                    address.ip()
                )),
                Some(ErrorKind::PermissionDenied) => error.context(format!(
                    "port {} needs rights that this user lacks: set {name} to one above 1023",
                    address.port()
                )),
                _ => error,
            }
        },
    )
}

async fn answer(
    listener: TcpListener,
    certificates: Option<axum_server::tls_rustls::RustlsConfig>,
    app: Router,
    shutdown: &CancellationToken,
) -> std::io::Result<()> {
    let handle = Handle::new();
    let _stop = AbortOnDropHandle::new(tokio::spawn({
        let (handle, shutdown) = (handle.clone(), shutdown.clone());
        async move {
            shutdown.cancelled().await;
            handle.graceful_shutdown(Some(GRACE));
        }
    }));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = careful(axum_server::Server::from_listener(listener)).handle(handle);
    match certificates {
        Some(certificates) => server.acceptor(RustlsAcceptor::new(certificates)).serve(app).await,
        None => server.serve(app).await,
    }
}

/// Nobody holds a connection by sending nothing, or little.
fn careful(mut server: axum_server::Server<SocketAddr>) -> axum_server::Server<SocketAddr> {
    let http = server.http_builder();
    http.http1().header_read_timeout(NEXT_REQUEST_WITHIN);
    http.http2().keep_alive_interval(Duration::from_secs(30)).keep_alive_timeout(Duration::from_secs(20));
    server.first_request_timeout(FIRST_REQUEST_WITHIN).accept_error_handler(|_, error| {
        tracing::debug!(%error, "a connection was not taken");
    })
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
