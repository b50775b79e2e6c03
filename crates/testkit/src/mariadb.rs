//! A MariaDB server of the test's own.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::keeper::Keeper;
use crate::template;

/// A running MariaDB server whose `root` needs no password from 127.0.0.1.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    folder: PathBuf,
    keeper: Keeper,
}

/// Small files start fast.
const SIZES: [&str; 2] = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M"];

impl MariaDb {
    /// Starts a server; `None` where MariaDB is not installed.
    ///
    /// # Panics
    /// When it is installed and yet does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with more options for `mariadbd`; `None` where MariaDB is not installed.
    ///
    /// # Panics
    /// When it is installed and yet does not start.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Option<Self> {
        let sbin = [PathBuf::from("/usr/sbin")];
        let server = template::find_program("mariadbd", &sbin)?;
        let install = template::find_program("mariadb-install-db", &sbin)?;
        let folder = template::server_folder("upsweep-mariadb-");
        let data = folder.join("data");
        template::copy("mariadb", &data, |fresh| {
            let mut command = Command::new(&install);
            command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
            command.args(SIZES).args(user_option()).arg(option("--datadir=", fresh));
            template::run(&mut command);
        });
        template::give_to(&folder, "nobody");

        for _ in 0..5 {
            let port = template::free_port();
            let mut command = Command::new(&server);
            command.args([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0",
            ]);
            command.args(SIZES).args(user_option()).args(options).arg(format!("--port={port}"));
            command.arg(option("--datadir=", &data)).arg(option("--socket=", &folder.join("socket")));
            // One that starts clears away what it takes for leftovers, which may be those of another one at work.
            command.arg(option("--log-error=", &folder.join("log"))).arg(option("--tmpdir=", &data));
            let keeper = Keeper::of_child(&command, &folder);
            let mut this = Self { port, folder: folder.clone(), keeper };
            if this.wait_until_it_answers() {
                return Some(this);
            }
            if !log_of(&folder).contains("Bind on TCP/IP port") {
                let log = log_of(&folder);
                this.stop();
                panic!("MariaDB does not start:\n{log}");
            }
            std::mem::forget(this.keeper); // its folder is used again
        }
        panic!("MariaDB found no free port");
    }

    fn wait_until_it_answers(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            // Our own server has made its socket by the time it takes connections.
            if self.socket().exists() && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            if log_of(&self.folder).contains("Aborting") {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// The URL of `db` for `user`, who needs no password.
    #[must_use]
    pub fn url(&self, user: &str, db: &str) -> String {
        format!("mysql://{user}@127.0.0.1:{}/{db}", self.port)
    }

    /// The URL of `db` for `root`.
    #[must_use]
    pub fn superuser_url(&self, db: &str) -> String {
        self.url("root", db)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Runs `sql` in `db` as `root` and returns its rows, tab-separated, without headings.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn exec(&self, db: &str, sql: &str) -> String {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-h127.0.0.1", "-uroot", "-N", "-B", "--default-character-set=utf8mb4"]);
        client.arg(format!("-P{}", self.port)).arg(db);
        template::run_script(&mut client, sql)
    }

    /// Creates the empty database `name`.
    pub fn create_database(&self, name: &str) {
        let name = name.replace('`', "``");
        self.exec("mysql", &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"));
    }

    /// Pulls the plug. Later calls that need the server fail.
    pub fn stop(&mut self) {
        self.keeper.end();
    }
}

fn option(name: &str, value: &Path) -> String {
    format!("{name}{}", value.display())
}

/// MariaDB refuses to run as root unless told whom to become.
fn user_option() -> Option<&'static str> {
    template::is_root().then_some("--user=nobody")
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}
