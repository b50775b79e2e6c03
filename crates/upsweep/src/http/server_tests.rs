use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::get;
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::config::{Config, Sources, TlsFiles};
use crate::http::tls::tests::made;

fn config(listen: &str) -> ServiceConfig {
    let env = [("UPSWEEP_LISTEN".to_owned(), listen.to_owned())].into_iter().collect();
    Config::load(&Sources { env, ..Sources::default() }).unwrap().service
}

struct Running {
    at: Listening,
    shutdown: CancellationToken,
    ended: JoinHandle<anyhow::Result<()>>,
}

async fn running(app: Router, config: ServiceConfig) -> Running {
    let (ready, is_ready) = oneshot::channel();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let ended = tokio::spawn(async move {
        let metrics = Router::new().route("/metrics", get(|| async { "numbers" }));
        serve(app, metrics, &config, |at| ready.send(at.clone()).unwrap(), token).await
    });
    Running { at: is_ready.await.unwrap(), shutdown, ended }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.ended).await;
        ended.unwrap().unwrap().unwrap();
    }
}

/// A client that trusts this certificate only, if any.
fn client(trusted: Option<&TlsFiles>) -> reqwest::Client {
    // Whichever test comes first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(20));
    let trusted = trusted.map(|files| reqwest::Certificate::from_pem(&std::fs::read(&files.cert).unwrap()).unwrap());
    builder.tls_certs_only(trusted).build().unwrap()
}

async fn got(client: &reqwest::Client, url: &str) -> reqwest::Result<String> {
    client.get(url).send().await?.error_for_status()?.text().await
}

fn who() -> Router {
    Router::new().route("/who", get(|ConnectInfo(who): ConnectInfo<SocketAddr>| async move { who.ip().to_string() }))
}

#[tokio::test]
async fn it_tells_where_it_listens_and_who_calls() {
    let server = running(who(), config("127.0.0.1:0")).await;
    assert_ne!(server.at.service.port(), 0);
    assert_eq!(server.at.metrics, None);
    let answer = got(&client(None), &format!("{}/who", server.at.url())).await;
    assert_eq!(answer.unwrap(), "127.0.0.1");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_and_later_ones_find_nobody() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), go_on.clone());
    let slowly = get(move || async move {
        tell.notify_one();
        wait.notified().await;
        "done"
    });
    let server = running(Router::new().route("/", slowly), config("127.0.0.1:0")).await;
    let url = server.at.url();
    let request = tokio::spawn({
        let url = url.clone();
        async move { got(&client(None), &url).await }
    });
    begun.notified().await;
    server.shutdown.cancel();
    // Once nobody listens any more, the shutdown is under way.
    let nobody_listens = async {
        while tokio::net::TcpStream::connect(server.at.service).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), nobody_listens).await.expect("it stops listening");
    go_on.notify_one();
    assert_eq!(request.await.unwrap().unwrap(), "done");
    assert!(got(&client(None), &url).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn metrics_have_a_listener_of_their_own_where_one_is_wanted() {
    let apart = ServiceConfig { metrics_listen: Some("127.0.0.1:0".parse().unwrap()), ..config("127.0.0.1:0") };
    let server = running(who(), apart).await;
    let (client, metrics) = (client(None), format!("http://{}", server.at.metrics.unwrap()));
    assert_eq!(got(&client, &format!("{metrics}/metrics")).await.unwrap(), "numbers");
    assert!(got(&client, &format!("{metrics}/who")).await.is_err());
    assert!(got(&client, &format!("{}/metrics", server.at.url())).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_told_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let fails = async |config: ServiceConfig| {
        let served = serve(who(), Router::new(), &config, |_| panic!("it is not ready"), CancellationToken::new());
        format!("{:#}", served.await.unwrap_err())
    };
    let said = fails(config(&address)).await;
    assert!(said.contains("is in use") && said.contains("UPSWEEP_LISTEN") && said.contains(&address), "{said}");
    let metrics = ServiceConfig { metrics_listen: Some(address.parse().unwrap()), ..config("127.0.0.1:0") };
    let said = fails(metrics).await;
    assert!(said.contains("UPSWEEP_METRICS_LISTEN"), "{said}");
    // A range for documentation, which no host has.
    let said = fails(config("192.0.2.1:0")).await;
    assert!(said.contains("no address 192.0.2.1"), "{said}");
}

#[tokio::test]
async fn https_works_and_a_renewed_certificate_is_taken_up_at_a_sighup() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (made(dir.path(), "old"), made(dir.path(), "new"));
    let used = TlsFiles { cert: dir.path().join("used.pem"), key: dir.path().join("used.key") };
    let install = |files: &TlsFiles| {
        std::fs::copy(&files.cert, &used.cert).unwrap();
        std::fs::copy(&files.key, &used.key).unwrap();
    };
    install(&old);
    let server = running(who(), ServiceConfig { tls: Some(used.clone()), ..config("127.0.0.1:0") }).await;
    let url = format!("{}/who", server.at.url());
    assert!(url.starts_with("https://"));
    assert_eq!(got(&client(Some(&old)), &url).await.unwrap(), "127.0.0.1");
    assert!(got(&client(Some(&new)), &url).await.is_err());
    assert!(got(&client(None), &url.replace("https", "http")).await.is_err(), "no plain HTTP beside it");

    install(&new);
    // By now the first answer has come, so the listener for the signal is there.
    kill_process(getpid(), Signal::HUP).unwrap();
    let mut tries = 0;
    while got(&client(Some(&new)), &url).await.is_err() {
        tries += 1;
        assert!(tries < 2_000, "the new certificate was never taken up");
    }
    // Files that make no sense change nothing.
    std::fs::write(&used.cert, "half a certificate").unwrap();
    kill_process(getpid(), Signal::HUP).unwrap();
    for _ in 0..20 {
        assert_eq!(got(&client(Some(&new)), &url).await.unwrap(), "127.0.0.1");
    }
    server.stop().await;
}

#[tokio::test]
async fn tls_files_of_no_use_are_told_before_anybody_is_answered() {
    let files = TlsFiles { cert: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
    let config = ServiceConfig { tls: Some(files), ..config("127.0.0.1:0") };
    let served = serve(who(), Router::new(), &config, |_| panic!("it is not ready"), CancellationToken::new());
    let said = format!("{:#}", served.await.unwrap_err());
    assert!(said.contains("tls_cert_file /nowhere/cert.pem"), "{said}");
}
