//! Ends a server when its test ends, however it ends.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell in a process group of its own, which waits on a pipe from the test. The pipe closes when the
/// test drops the keeper, panics, or is killed; then the shell stops the server and removes its folder.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Option<Child>,
}

impl Keeper {
    /// Keeps a server that detaches itself: `stop` is a command line that ends it.
    pub(crate) fn of_daemon(stop: &Command, dir: &Path) -> Self {
        Self::spawn(r#"dir=$1; shift; read -r _; "$@"; rm -rf "$dir""#, stop, dir)
    }

    /// Starts `server` in the foreground of the shell and keeps it.
    pub(crate) fn of_child(server: &Command, dir: &Path) -> Self {
        let script = r#"dir=$1; shift; "$@" & pid=$!; read -r _; kill -9 $pid; wait $pid; rm -rf "$dir""#;
        Self::spawn(script, server, dir)
    }

    fn spawn(script: &str, command: &Command, dir: &Path) -> Self {
        let shell = Command::new("sh")
            .args(["-c", script, "keeper"])
            .arg(dir)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            // A runner that kills a test kills its group; and one that waits for inherited pipes would hang.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start the keeper's shell");
        Self { shell: Some(shell) }
    }

    /// Ends the server now.
    pub(crate) fn end(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            // Nothing can be done about a shell that is gone already.
            let _ = shell.wait();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}
