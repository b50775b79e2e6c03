//! Keys that are published as a JSON Web Key Set.
//!
//! They are fetched when the first token comes, again when they are old, and again when a token names a key that is
//! not among them: keys change. Whoever makes up names of keys makes us fetch no more often than twice a minute.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use reqwest::Url;
use serde::Deserialize;
use upsweep_engine::ports::Clock;

use super::keys::{self, Key};

/// After this keys are fetched anew.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);

/// What is there is asked for again after this at the earliest, when a key is missing or the last attempt failed.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The same while there are no keys at all, so that nobody can sign in.
const RETRY_FIRST_AFTER: SignedDuration = SignedDuration::from_secs(3);

const TIMEOUT: Duration = Duration::from_secs(5);
const BYTES_MAX: usize = 1024 * 1024;
const KEYS_MAX: usize = 100;

/// A key set at a URL.
pub(super) struct Published {
    url: Url,
    client: reqwest::Client,
    allowed: Vec<Algorithm>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held by who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Option<Arc<Vec<Key>>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl Published {
    pub(super) fn new(url: &str, allowed: &[Algorithm], clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let url = trusted(url)?;
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("upsweep/", env!("CARGO_PKG_VERSION")));
        // On this host there is neither a proxy in between nor a certificate to check.
        let builder = if url.scheme() == "http" { builder.no_proxy().tls_certs_only([]) } else { builder };
        let client = builder.build().context(
            "jwt_jwks_url cannot be fetched: the system's certificate authorities cannot be used (is the package ca-certificates installed?)",
        )?;
        let (known, fetching) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { url, client, allowed: allowed.to_vec(), clock, known, fetching })
    }

    /// The keys as they are now, or as they were when they could last be fetched; `None` when they never could.
    pub(super) async fn keys(self: &Arc<Self>) -> Option<Arc<Vec<Key>>> {
        let known = self.known();
        let Some(keys) = known.keys else {
            return self.fetched(RETRY_FIRST_AFTER).await;
        };
        if !self.is_past(known.fetched_at, FRESH_FOR) || !self.is_past(known.tried_at, RETRY_AFTER) {
            return Some(keys);
        }
        // Old keys do while somebody fetches new ones.
        let is_fetched = self.fetching.try_lock().is_err();
        if is_fetched { Some(keys) } else { self.fetched(RETRY_AFTER).await }
    }

    /// The keys, fetched anew unless that was tried a moment ago: for a token that names a key that is not there.
    pub(super) async fn newer_keys(self: &Arc<Self>) -> Option<Arc<Vec<Key>>> {
        self.fetched(RETRY_AFTER).await
    }

    /// One fetches, and who waited meanwhile takes what came. In a task of its own: who asked may leave, and neither
    /// the attempt nor what came of it is lost.
    async fn fetched(self: &Arc<Self>, after: SignedDuration) -> Option<Arc<Vec<Key>>> {
        let this = Arc::clone(self);
        tokio::spawn(async move { this.fetch_once(after).await }).await.ok().flatten()
    }

    async fn fetch_once(&self, after: SignedDuration) -> Option<Arc<Vec<Key>>> {
        let _turn = self.fetching.lock().await;
        if !self.is_past(self.known().tried_at, after) {
            return self.known().keys;
        }
        let fetched = self.fetch().await;
        let now = self.clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        match fetched {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "fetched the keys that tokens are verified with");
                *known = Known { keys: Some(Arc::new(keys)), fetched_at: Some(now), tried_at: Some(now) };
            }
            Err(error) => tracing::warn!("the keys of jwt_jwks_url cannot be fetched: {error:#}"),
        }
        known.keys.clone()
    }

    async fn fetch(&self) -> anyhow::Result<Vec<Key>> {
        let mut response = self.client.get(self.url.clone()).send().await.map_err(reqwest::Error::without_url)?;
        if response.status() != reqwest::StatusCode::OK {
            bail!("the answer is {}, not 200", response.status());
        }
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + chunk.len() > BYTES_MAX {
                bail!("the answer is larger than {BYTES_MAX} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        let set: Set = serde_json::from_slice(&body).context("the answer is no key set")?;
        // A set may hold keys of kinds that are not known here, and for other purposes.
        let jwks = set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Key> = jwks.filter_map(|jwk| keys::of_jwk(&jwk, &self.allowed)).collect();
        if keys.is_empty() {
            bail!("the set holds no key to verify tokens with by {:?}", self.allowed);
        }
        Ok(keys)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `span` has passed since then. A clock that was put back makes it so, too.
    fn is_past(&self, since: Option<Timestamp>, span: SignedDuration) -> bool {
        since.is_none_or(|since| {
            let passed = self.clock.now().duration_since(since);
            passed.is_negative() || passed >= span
        })
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// Who can change the answer on its way makes the tokens.
fn trusted(text: &str) -> anyhow::Result<Url> {
    let url: Url =
        text.parse().ok().context("jwt_jwks_url is no URL; write it as https://sign-in.example.org/jwks.json")?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => bail!("jwt_jwks_url must begin with https://; plain http is for this host alone"),
    }
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
