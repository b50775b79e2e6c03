//! A PostgreSQL server of the test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::keeper::Keeper;
use crate::template;

/// A running PostgreSQL server with the superuser `postgres`; every connection from 127.0.0.1 is trusted.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    folder: PathBuf,
    bin: PathBuf,
    keeper: Keeper,
}

impl Postgres {
    /// Starts a server; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it is installed and yet does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let bin = find_bin()?;
        let folder = template::server_folder("upsweep-postgres-");
        let data = folder.join("data");
        template::copy("postgres", &data, |fresh| {
            template::give_to(fresh, "postgres");
            let mut initdb = as_server_user(&bin.join("initdb"));
            template::run(
                initdb
                    .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"])
                    .args(["--no-sync", "--wal-segsize=1", "-D"])
                    .arg(fresh),
            );
        });
        Some(Self::run(bin, folder))
    }

    /// Starts a second server that follows this one, as it stands now and from now on.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_standby(&self) -> Self {
        let folder = template::server_folder("upsweep-postgres-");
        template::give_to(&folder, "postgres");
        let mut backup = as_server_user(&self.bin.join("pg_basebackup"));
        backup.args(["-R", "-c", "fast", "--no-sync", "-X", "stream", "-d"]).arg(self.superuser_url(""));
        template::run(backup.arg("-D").arg(folder.join("data")));
        Self::run(self.bin.clone(), folder)
    }

    /// Runs a server on `folder/data`.
    fn run(bin: PathBuf, folder: PathBuf) -> Self {
        let data = folder.join("data");
        template::give_to(&folder, "postgres");
        let mut stop = as_server_user(&bin.join("pg_ctl"));
        stop.args(["stop", "-m", "immediate", "-D"]).arg(&data);
        let keeper = Keeper::of_daemon(&stop, &folder);
        let port = start_somewhere(&bin, &folder, &data);
        Self { port, folder, bin, keeper }
    }

    /// The URL of `db` for `user`, who needs no password.
    #[must_use]
    pub fn url(&self, user: &str, db: &str) -> String {
        format!("postgresql://{user}@127.0.0.1:{}/{db}", self.port)
    }

    /// The URL of `db` for the superuser.
    #[must_use]
    pub fn superuser_url(&self, db: &str) -> String {
        self.url("postgres", db)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's unix socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `sql` in `db` as the superuser and returns its rows, unaligned, without headings.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn exec(&self, db: &str, sql: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d"]).arg(self.superuser_url(db));
        template::run_script(&mut psql, sql)
    }

    /// Creates the empty database `name`.
    pub fn create_database(&self, name: &str) {
        self.exec("postgres", &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")));
    }

    /// Pulls the plug. Later calls that need the server fail.
    pub fn stop(&mut self) {
        self.keeper.end();
    }
}

fn start_somewhere(bin: &Path, folder: &Path, data: &Path) -> u16 {
    // Another process may take the port between our look and the server's bind.
    for _ in 0..5 {
        let port = template::free_port();
        let options =
            format!("-p {port} -k {} -c fsync=off -c autovacuum=off -c listen_addresses=127.0.0.1", folder.display());
        let mut start = as_server_user(&bin.join("pg_ctl"));
        start.args(["start", "-w", "-t", "60", "-D"]).arg(data);
        start.arg("-l").arg(folder.join("log")).arg("-o").arg(options);
        // Not `output()`: the daemon would inherit the pipes, and waiting for their end would never end.
        let status = start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status();
        if status.expect("start pg_ctl").success() {
            return port;
        }
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("PostgreSQL does not start:\n{log}");
}

/// PostgreSQL refuses to run as root.
fn as_server_user(program: &Path) -> Command {
    let mut command = if template::is_root() {
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", "postgres", "--"]).arg(program);
        runuser
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// The folder of the newest installed server's programs; Debian keeps them out of PATH.
fn find_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    bins.sort();
    bins.reverse();
    let initdb = template::find_program("initdb", &bins)?;
    Some(initdb.parent()?.to_path_buf())
}
