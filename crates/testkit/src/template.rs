//! Data folders initialised once and copied for every start, and the odds and ends of starting servers.
#![expect(
    clippy::disallowed_methods,
    reason = "publishes and clears templates of its own, in the folder for test data"
)]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Copies the template `name` to `to`. The first caller on this machine makes it with `make`, which is
/// given an existing empty folder under the system's temporary folder.
pub(crate) fn copy(name: &str, to: &Path, make: impl FnOnce(&Path)) {
    let home = build_folder().join("testkit");
    fs::create_dir_all(&home).expect("create the template folder");
    let lock = File::create(home.join(format!("{name}.lock"))).expect("create the template lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("lock the template");
    let template = home.join(name);
    if !template.exists() {
        let fresh = TempDir::with_prefix("upsweep-template-").expect("create a temporary folder");
        make(fresh.path());
        // Copied aside first: a template that exists is complete.
        let partial = home.join(format!("{name}.partial"));
        let _ = fs::remove_dir_all(&partial);
        copy_tree(fresh.path(), &partial);
        fs::rename(&partial, &template).expect("publish the template");
    }
    drop(lock);
    copy_tree(&template, to);
}

/// Copies a folder with owners and modes; `to` must not exist.
fn copy_tree(from: &Path, to: &Path) {
    run(Command::new("cp").args(["-a", "--reflink=auto", "-T"]).arg(from).arg(to));
}

/// The build's folder, so that `cargo clean` also removes templates; elsewhere the temporary folder.
fn build_folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let target = exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.map_or_else(std::env::temp_dir, |target| target.join("tmp"))
}

/// A folder for one server's data.
pub(crate) fn server_folder(prefix: &str) -> PathBuf {
    // Kept: the server's keeper removes it, also when this process can no longer.
    tempfile::Builder::new().prefix(prefix).tempdir_in(fast_folder()).expect("create a temporary folder").keep()
}

/// Memory where there is plenty of it: a server's thousand files take ten times as long on a disk.
fn fast_folder() -> PathBuf {
    const PLENTY_BYTES: u64 = 4 << 30;
    let memory = Path::new("/dev/shm");
    let free_bytes = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    if free_bytes >= PLENTY_BYTES { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a free port");
    listener.local_addr().expect("know the bound port").port()
}

/// Gives the folder `path` itself to `user` when we are root, who may not run database servers.
pub(crate) fn give_to(path: &Path, user: &str) {
    if is_root() {
        run(Command::new("chown").arg(user).arg(path));
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where the program `name` is, looking in PATH and in `more` folders.
pub(crate) fn find_program(name: &str, more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).collect::<Vec<_>>();
    more.iter().chain(&folders).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a command that must succeed and returns what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let program = command.get_program().to_os_string();
    let output = command.output().unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
    assert!(
        output.status.success(),
        "{} {:?} failed: {}{}",
        program.display(),
        command.get_args().map(OsStr::to_string_lossy).collect::<Vec<_>>(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a client with `script` on its standard input; it must succeed.
pub(crate) fn run_script(command: &mut Command, script: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("create a script file");
    fs::write(file.path(), script).expect("write the script");
    run(command.stdin(File::open(file.path()).expect("open the script")))
}
