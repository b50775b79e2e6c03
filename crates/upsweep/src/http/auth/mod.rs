//! Who may use the service: tokens of the application, roles, and the account behind a token.
//!
//! Every refusal of a token sounds the same to its sender; the cause goes to the log, without the token and without
//! whom it names.

mod accounts;
mod address;
mod algorithms;
mod bearer;
mod jwks;
mod keys;
mod limits;
mod mint;
mod secret;
#[cfg(test)]
mod testing;
mod token;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::MonotonicClock;
use upsweep_adapters::accounts::AccountError;
use upsweep_engine::ports::Clock;

use self::accounts::KnownAccounts;
use self::limits::Limiter;
use self::token::{NotVerified, Verified, Verifier};
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::clock::SystemClock;
use crate::config::Config;

pub(crate) use mint::{Wish, mint};

/// The role that may overrule guards.
const ADMIN: &str = "admin";

/// Who calls, as an extension of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Whom the application's token names.
    pub(crate) subject: String,
    /// As what: one of the allowed roles.
    pub(crate) role: String,
}

impl Caller {
    pub(crate) fn is_admin(&self) -> bool {
        self.role == ADMIN
    }

    /// Who this is, for the history and the audit trail.
    pub(crate) fn by(&self, request: &RequestId) -> String {
        let Self { subject, role } = self;
        let is_plain = |c: char| c.is_alphanumeric() || "@._+-:|".contains(c);
        // A subject that could be taken for more than a name is quoted, and what cannot be seen in it is spelled out.
        let subject = if subject.chars().all(is_plain) { subject.clone() } else { format!("{subject:?}") };
        format!("{subject} ({role}), request {}", request.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

/// What stands before every protected path.
pub(crate) struct Gate {
    verifier: Verifier,
    accounts: Option<KnownAccounts>,
    allowed_roles: Vec<String>,
    trusted_proxies: Vec<IpAddr>,
    failed_sign_ins: Limiter<IpAddr, MonotonicClock>,
    requests: Option<Limiter<String, MonotonicClock>>,
}

/// Why somebody may not pass.
enum Refusal {
    /// Nobody we know; the words are for the log alone.
    Unknown(&'static str),
    Problem(Problem),
}

impl Gate {
    /// Built once at the start; every mistake of the configuration is an error here. `insecure_dev` accepts a secret
    /// that can be guessed, and nothing else.
    pub(crate) fn new(config: &Config, insecure_dev: bool) -> anyhow::Result<Self> {
        Self::with_clock(config, insecure_dev, Arc::new(SystemClock::new()))
    }

    fn with_clock(config: &Config, insecure_dev: bool, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        use_one_provider();
        let service = &config.service;
        Ok(Self {
            verifier: Verifier::new(&service.tokens, insecure_dev, Arc::clone(&clock))?,
            accounts: KnownAccounts::of(config, clock)?,
            allowed_roles: service.allowed_roles.clone(),
            trusted_proxies: service.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            failed_sign_ins: Limiter::per_minute(service.failed_sign_ins_per_minute, MonotonicClock),
            requests: service.rate_limit_per_minute.map(|limit| Limiter::per_minute(limit, MonotonicClock)),
        })
    }

    /// Lets a caller in, or says why not.
    pub(crate) async fn admit(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Caller, Problem> {
        let cause = match self.examine(headers).await {
            Ok(caller) => return Ok(caller),
            Err(Refusal::Problem(problem)) => return Err(problem),
            Err(Refusal::Unknown(cause)) => cause,
        };
        let address = address::of_client(headers, peer, &self.trusted_proxies);
        match self.failed_sign_ins.take(&address::counted(address)) {
            Ok(()) => {
                tracing::info!(%address, "sign-in refused: {cause}");
                Err(Problem::unauthenticated())
            }
            Err(secs) => {
                tracing::debug!(%address, "sign-in refused, once more: {cause}");
                Err(Problem::new(Code::RateLimited, "too many failed sign-ins from this address; wait, then sign in")
                    .retry_after(secs))
            }
        }
    }

    async fn examine(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = bearer::token(headers).map_err(Refusal::Unknown)?;
        let Verified { subject, role } = self.verifier.verify(token).await.map_err(|why| match why {
            NotVerified::Refused(cause) => Refusal::Unknown(cause),
            NotVerified::NoKeys => Refusal::Problem(
                Problem::new(Code::KeysUnavailable, "the keys that tokens are verified with cannot be fetched now")
                    .retry_after(30),
            ),
        })?;
        if let Some(requests) = &self.requests {
            requests.take(&subject).map_err(|secs| {
                let words = "too many requests in one minute; wait, then go on";
                Refusal::Problem(Problem::new(Code::RateLimited, words).retry_after(secs))
            })?;
        }
        let role = match &self.accounts {
            Some(accounts) => role_now(accounts, &subject).await?.unwrap_or(role),
            None => role,
        };
        if !self.allowed_roles.contains(&role) {
            tracing::info!("not permitted: the caller's role is none of allowed_roles");
            return Err(Refusal::Problem(Problem::not_permitted()));
        }
        Ok(Caller { subject, role })
    }
}

/// The role that the account has now, if the query tells one.
async fn role_now(accounts: &KnownAccounts, subject: &str) -> Result<Option<String>, Refusal> {
    match accounts.of_subject(subject).await {
        Ok(None) => Err(Refusal::Unknown("there is no such account")),
        Ok(Some(account)) if !account.is_active => Err(Refusal::Unknown("the account is not active")),
        Ok(Some(account)) => Ok(account.role),
        Err(error @ AccountError::Several) => {
            tracing::error!("{error}");
            Err(Refusal::Unknown("several accounts are none"))
        }
        Err(error @ (AccountError::Query(_) | AccountError::Unavailable(_))) => {
            tracing::error!("accounts cannot be looked up: {error}");
            let words = "accounts cannot be looked up now; try again, and if it stays, tell the operator";
            Err(Refusal::Problem(Problem::new(Code::DatabaseUnavailable, words).retry_after(30)))
        }
    }
}

/// Both libraries stop the program where two providers of cryptography are built in and none was chosen, which may
/// happen through a dependency that we never see. An application that has chosen keeps its choice.
fn use_one_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Middleware for protected routers: only who is let in goes on, as a [`Caller`].
pub(crate) async fn required(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    match gate.admit(request.headers(), peer).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod gate_tests;
