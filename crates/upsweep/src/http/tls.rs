//! HTTPS without a proxy: certificate and key from two PEM files, read again when they may have been renewed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::TlsFiles;

/// Certificates are renewed weeks before they end, so this is soon enough even where nobody sends a SIGHUP.
const READ_AGAIN_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Reads both files.
///
/// # Errors
/// When one cannot be read, or the two do not fit together; in words for a human, without any of their content.
pub(crate) fn load(files: &TlsFiles) -> anyhow::Result<RustlsConfig> {
    Ok(RustlsConfig::from_config(Arc::new(server_config(files)?)))
}

/// Reads both files again for connections to come. What is in use stays in use if that fails.
///
/// # Errors
/// As [`load`].
pub(crate) fn reload(files: &TlsFiles, config: &RustlsConfig) -> anyhow::Result<()> {
    config.reload_from_config(Arc::new(server_config(files)?));
    Ok(())
}

/// Reads the files again at each SIGHUP and every few hours, for as long as it is polled.
///
/// # Errors
/// When the system does not let it listen for the signal.
pub(crate) async fn keep_fresh(files: TlsFiles, config: RustlsConfig) -> std::io::Result<()> {
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = hang_up.recv() => {}
            () = tokio::time::sleep(READ_AGAIN_EVERY) => {}
        }
        match reload(&files, &config) {
            Ok(()) => tracing::info!("read the TLS certificate again"),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the TLS certificate stays as it was");
            }
        }
    }
}

fn server_config(files: &TlsFiles) -> anyhow::Result<ServerConfig> {
    let TlsFiles { cert, key } = files;
    let chain = certificates(cert).with_context(|| format!("tls_cert_file {}", cert.display()))?;
    let secret = private_key(key).with_context(|| format!("tls_key_file {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(|| {
            format!("tls_cert_file {} and tls_key_file {} do not belong together", cert.display(), key.display())
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = std::fs::read(path).context("cannot be read")?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => bail!("holds no certificate in PEM form (BEGIN CERTIFICATE)"),
    }
}

/// What is wrong with a key is not said in detail: the parser's words may hold a part of it.
fn private_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let pem = std::fs::read(path).context("cannot be read")?;
    let key = PrivateKeyDer::from_pem_slice(&pem).ok();
    key.context("holds no private key in PEM form without a password (BEGIN PRIVATE KEY)")
}

#[cfg(test)]
#[path = "tls_tests.rs"]
pub(crate) mod tests;
