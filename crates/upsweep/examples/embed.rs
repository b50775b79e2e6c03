//! An application that has the clean-up inside it: its own routes, the classic ones, a clean-up at the start, one each
//! night, and an orderly end.
//!
//! ```text
//! export DATABASE_URL=sqlite:///./app.db UPLOAD_DIR=uploads/audio
//! export JWT_SECRET_KEY="$(openssl rand -hex 32)"
//! cargo run --example embed -- 127.0.0.1:8080
//! ```
#![allow(clippy::disallowed_methods, reason = "an application reads its own clock")]
#![allow(clippy::print_stdout, reason = "where it listens, for whoever starts it")]

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use upsweep::{
    AudioCleanupService, CleanupAuth, CleanupConfig, cleanup_router, run_scheduled_cleanup, run_startup_cleanup,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let cleanup = AudioCleanupService::new(CleanupConfig::from_env())?;
    let app = Router::new()
        .route("/", get(async || "the application's own page\n"))
        .merge(cleanup_router(&cleanup, CleanupAuth::Tokens)?);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    // Neither delays the first answer, and neither ends the application when it fails: both have logged it then.
    let starting = cleanup.clone();
    tokio::spawn(async move { run_startup_cleanup(&starting).await });
    let nightly = tokio::spawn(every_night(cleanup.clone()));

    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(until_asked_to_stop(cleanup)?).await?;
    nightly.abort();
    Ok(())
}

/// A clean-up at the classic hour, whatever became of the one before.
async fn every_night(cleanup: AudioCleanupService) {
    let hour = cleanup.settings().cleanup_schedule_hour;
    loop {
        tokio::time::sleep(until_hour(hour, Timestamp::now(), &TimeZone::system())).await;
        // It has logged what it did, or why not.
        let _ = run_scheduled_cleanup(&cleanup).await;
    }
}

/// How long it is from `now` to the next time that clocks show this hour.
fn until_hour(hour: u8, now: Timestamp, zone: &TimeZone) -> Duration {
    let an_hour = Duration::from_secs(3_600);
    let today = zone.to_datetime(now).date();
    let at = |day: jiff::civil::Date| zone.to_timestamp(day.at(i8::try_from(hour).unwrap_or(3), 0, 0, 0)).ok();
    let next = [Some(today), today.tomorrow().ok()].into_iter().flatten().filter_map(at).find(|at| *at > now);
    next.and_then(|next| Duration::try_from(next.duration_since(now)).ok()).unwrap_or(an_hour)
}

/// Returns when somebody stops the application and the clean-up, too, has come to an end where nothing is half done.
fn until_asked_to_stop(cleanup: AudioCleanupService) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        cleanup.shut_down().await;
    })
}
