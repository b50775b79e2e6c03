//! What systemd is told, where it asks (`Type=notify`). Without systemd nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service answers; `status` is the line that `systemctl status` shows.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The service ends, and finishes what it is at.
pub(crate) fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// Tells systemd that the service lives, twice as often as it asks to (`WatchdogSec`), for as long as it is polled: to
/// the very end, since finishing takes its time too. Returns at once where nobody asks.
///
/// It runs among the tasks that answer requests, so that it falls silent when those do not get their turn any more.
pub(crate) async fn keep_alive() {
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((every / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell systemd how the service is");
    }
}
