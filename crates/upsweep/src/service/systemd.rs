//! What systemd is told, where it asks (`Type=notify`). Without systemd nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service answers; `status` is the line that `systemctl status` shows.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A new line for `systemctl status`: what the service is at. No names of files.
pub(crate) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
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

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::process::{Command, Stdio};

    use super::*;

    /// The part of the test below that runs as a process of its own, with an environment of its own.
    #[tokio::test]
    #[ignore = "part of another test"]
    async fn as_a_service() {
        ready("answers on 127.0.0.1:8000");
        status("cleaning up");
        tokio::time::timeout(Duration::from_millis(200), keep_alive()).await.unwrap_err();
        stopping("finishing");
    }

    #[test]
    fn systemd_is_told_when_the_service_is_ready_lives_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("notify");
        let told = UnixDatagram::bind(&socket).unwrap();
        told.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "service::systemd::tests::as_a_service"])
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "20000")
            .env_remove("WATCHDOG_PID")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut words: Vec<String> = Vec::new();
        let mut buffer = [0; 1_000];
        while words.last().is_none_or(|last| !last.starts_with("STOPPING=1")) {
            let length = told.recv(&mut buffer).unwrap();
            words.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(words.first().unwrap(), "READY=1\nSTATUS=answers on 127.0.0.1:8000\n");
        assert_eq!(words[1], "STATUS=cleaning up\n");
        assert_eq!(words.last().unwrap(), "STOPPING=1\nSTATUS=finishing\n");
        assert!(words[2..words.len() - 1].iter().all(|word| word == "WATCHDOG=1\n"), "{words:?}");
        assert!(words.len() > 4, "{words:?}");
    }
}
