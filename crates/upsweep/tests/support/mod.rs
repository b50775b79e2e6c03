//! A small application for tests: an upload directory, a database with sessions, and the real program.
#![allow(unreachable_pub, reason = "shared by the test files, each of which is a crate of its own")]
#![allow(dead_code, reason = "each test file uses what it needs")]
#![allow(clippy::disallowed_methods, reason = "the application under test writes, renames and removes its own files")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use upsweep_testkit::{MariaDb, Postgres};

/// One test per database; without its server a test says so and passes.
#[allow(unused_macros, reason = "each test file uses what it needs")]
macro_rules! on_each_database {
    ($story:ident) => {
        mod $story {
            use crate::support::Site;

            #[test]
            fn on_sqlite() {
                super::$story(Site::sqlite());
            }

            #[test]
            fn on_postgresql() {
                if let Some(site) = Site::postgres() {
                    super::$story(site);
                }
            }

            #[test]
            fn on_mariadb() {
                if let Some(site) = Site::mariadb() {
                    super::$story(site);
                }
            }
        }
    };
}

pub const BINARY: &str = env!("CARGO_BIN_EXE_upsweep");

/// The application's database.
pub enum Database {
    Sqlite(PathBuf),
    Postgres(Postgres),
    MariaDb(MariaDb),
}

impl Database {
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:///{}", path.display()),
            Self::Postgres(server) => server.superuser_url("app"),
            Self::MariaDb(server) => server.superuser_url("app"),
        }
    }

    pub fn exec(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(path) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
                String::new()
            }
            Self::Postgres(server) => server.exec("app", sql),
            Self::MariaDb(server) => server.exec("app", sql),
        }
    }

    /// Every row of the table, as text.
    pub fn sessions(&self) -> String {
        let sql = "SELECT id, status, audio_filename, created_at FROM sessions ORDER BY id";
        match self {
            Self::Sqlite(path) => {
                let db = rusqlite::Connection::open(path).unwrap();
                let mut statement = db.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| {
                    Ok((0..4).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect::<Vec<_>>().join("|"))
                });
                rows.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("\n")
            }
            other => other.exec(sql),
        }
    }
}

/// An application with its uploads.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub uploads: PathBuf,
    pub database: Database,
    pub env: BTreeMap<String, String>,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn has(&self, text: &str) {
        assert!(self.out.contains(text) || self.err.contains(text), "no '{text}' in\n{}\n{}", self.out, self.err);
    }
}

impl Site {
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(dir.path().join("app.db"));
        Self::with(
            dir,
            database,
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, status TEXT, audio_filename TEXT, created_at TEXT)",
        )
    }

    /// `None` (and a word about it) without a server.
    pub fn postgres() -> Option<Self> {
        let server = Postgres::start().or_else(|| without("postgres"))?;
        server.create_database("app");
        let table = "CREATE TYPE session_status AS ENUM ('uploading', 'processed', 'failed'); CREATE TABLE sessions (id varchar(40) PRIMARY KEY, status session_status, audio_filename text, created_at timestamp)";
        Some(Self::with(tempfile::tempdir().unwrap(), Database::Postgres(server), table))
    }

    /// `None` (and a word about it) without a server.
    pub fn mariadb() -> Option<Self> {
        let server = MariaDb::start().or_else(|| without("mariadb"))?;
        server.create_database("app");
        let table = "CREATE TABLE sessions (id varchar(40) PRIMARY KEY, status ENUM('uploading', 'processed', 'failed'), audio_filename varchar(255), created_at datetime) ENGINE=InnoDB";
        Some(Self::with(tempfile::tempdir().unwrap(), Database::MariaDb(server), table))
    }

    fn with(dir: tempfile::TempDir, database: Database, table: &str) -> Self {
        let uploads = dir.path().join("uploads/audio");
        fs::create_dir_all(&uploads).unwrap();
        database.exec(table);
        let text = |path: &Path| path.display().to_string();
        let env = BTreeMap::from([
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), text(dir.path())),
            ("DATABASE_URL".to_owned(), database.url()),
            ("UPLOAD_DIR".to_owned(), text(&uploads)),
            ("UPSWEEP_STATE_DIR".to_owned(), text(&dir.path().join("state"))),
        ]);
        Self { dir, uploads, database, env }
    }

    /// Sets a variable for every later call.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Everything from here on is done so many days later, by a clock that skips what it would wait for.
    ///
    /// What is deleted at once must have lain unchanged for a while, and no test can set the time of a change.
    pub fn later(mut self, days: i64) -> Self {
        self.set("UPSWEEP_TEST_CLOCK_OFFSET", &(days * 86_400).to_string());
        self
    }

    /// Releases every hold, as who brought files back and wants them judged again.
    pub fn release_holds(&self, days: i64) {
        let holds = self.upsweep_after_days(days, &["hold", "list", "--json"]).expect(0).json();
        if !holds.as_array().unwrap().is_empty() {
            self.upsweep_after_days(days, &["hold", "release", "--all", "--reason", "seen"]).expect(0);
        }
    }

    /// With ten live sessions and their files, and an action.
    pub fn acting(mut self, action: &str) -> Self {
        for n in 0..10 {
            self.live(&format!("live-{n}.m4a"));
        }
        self.set("UPSWEEP_ACTION", action);
        self
    }

    /// The same with an archive beside the uploads.
    pub fn archiving(mut self, action: &str) -> Self {
        let backup = self.backup();
        fs::create_dir(&backup).unwrap();
        self.set("UPSWEEP_ARCHIVE_URL", backup.to_str().unwrap());
        self.acting(action)
    }

    /// The directory of that archive.
    pub fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    /// Writes a file that was last modified so many hours ago.
    pub fn file(&self, name: impl AsRef<OsStr>, age_hours: f64) -> PathBuf {
        let path = self.uploads.join(name.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, [b"sound of ", name.as_ref().as_bytes()].concat()).unwrap();
        let modified = SystemTime::now() - Duration::from_secs_f64(age_hours * 3_600.0);
        File::options().write(true).open(&path).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
        path
    }

    /// A month-old session that needs its file, and that file.
    pub fn live(&self, name: &str) {
        self.session(&format!("of {name}"), "processed", Some(name), 30);
        self.file(name, 720.0);
    }

    /// Inserts a session that was created so many days ago.
    pub fn session(&self, id: &str, status: &str, name: Option<&str>, age_days: i64) {
        let created = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(age_days * 24);
        let created = created.strftime("%Y-%m-%d %H:%M:%S");
        let name = name.map(|name| match self.database {
            // MySQL's strings know a backslash.
            Database::MariaDb(_) => name.replace('\\', "\\\\"),
            Database::Sqlite(_) | Database::Postgres(_) => name.to_owned(),
        });
        let name = name.map_or_else(|| "NULL".to_owned(), |name| format!("'{}'", name.replace('\'', "''")));
        self.database.exec(&format!("INSERT INTO sessions VALUES ('{id}', '{status}', {name}, '{created}')"));
    }

    pub fn has(&self, name: &str) -> bool {
        self.uploads.join(name).symlink_metadata().is_ok()
    }

    /// Every visible file below the uploads with its content, in order.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.uploads.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if kind.is_dir() && entry.file_name() != ".upsweep" {
                    folders.push(path);
                } else if kind.is_file() {
                    found.insert(path.strip_prefix(&self.uploads).unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// How many files are hidden in the quarantine.
    pub fn hidden(&self) -> usize {
        let runs = fs::read_dir(self.uploads.join(".upsweep/quarantine")).into_iter().flatten().map(Result::unwrap);
        let files = |run: fs::DirEntry| fs::read_dir(run.path()).unwrap().map(Result::unwrap);
        runs.flat_map(files).filter(|file| file.file_name() != "MANIFEST").count()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).env_clear().envs(&self.env).current_dir(self.dir.path());
        command
    }

    pub fn upsweep(&self, args: &[&str]) -> Said {
        said(self.command(args))
    }

    /// The same, this many days after today.
    pub fn upsweep_after_days(&self, days: i64, args: &[&str]) -> Said {
        let mut command = self.command(args);
        command.env("UPSWEEP_TEST_CLOCK_OFFSET", (days * 86_400).to_string());
        said(command)
    }

    /// The names a plan would remove.
    pub fn planned(&self) -> Vec<String> {
        let plan = self.upsweep(&["plan", "--json"]).expect(0).json();
        let removals = plan["removals"].as_array().unwrap();
        removals.iter().map(|r| r["key"].as_str().unwrap().to_owned()).collect()
    }
}

/// A test without its server proves nothing, and says so.
fn without<T>(server: &str) -> Option<T> {
    upsweep_testkit::skip(&format!("no {server}"));
    None
}

pub fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn as_nobody(site: &Site, args: &[&str]) -> Said {
    as_nobody_beside(site, args, "")
}

/// Runs the program as an unprivileged user who owns everything of the site but `foreign`, in a sticky
/// directory of somebody else's. Without root it is the present user.
pub fn as_nobody_beside(site: &Site, args: &[&str], foreign: &str) -> Said {
    said(command_of_nobody(site, args, foreign))
}

/// The command that [`as_nobody_beside`] runs.
pub fn command_of_nobody(site: &Site, args: &[&str], foreign: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return site.command(args);
    }
    const NOBODY: u32 = 65_534;
    let program = site.dir.path().join("upsweep-for-all");
    if !program.exists() {
        fs::copy(BINARY, &program).unwrap();
    }
    own(site.dir.path(), NOBODY, foreign);
    std::os::unix::fs::chown(&site.uploads, Some(0), None).unwrap();
    fs::set_permissions(&site.uploads, fs::Permissions::from_mode(0o1777)).unwrap();
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(args);
    command.env_clear().envs(&site.env).current_dir(site.dir.path());
    command
}

fn own(path: &std::path::Path, owner: u32, foreign: &str) {
    if !foreign.is_empty() && path.ends_with(foreign) {
        return;
    }
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), owner, foreign);
        }
    }
}
