//! The example: a directory of real audio and an SQLite database, in every state a clean-up meets.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rusqlite::Connection;
use upsweep_engine::ports::Clock as _;

use crate::clock::SystemClock;

/// Where the example is.
pub(crate) struct Made {
    pub(crate) dir: PathBuf,
    pub(crate) uploads: PathBuf,
    pub(crate) config: PathBuf,
}

/// One row of the example's table `sessions`.
struct Session {
    id: &'static str,
    status: &'static str,
    file: Option<&'static str>,
    age_days: i64,
}

/// One file of the example.
struct Sound {
    name: &'static str,
    bytes: &'static [u8],
    age_hours: u64,
}

const M4A: &[u8] = include_bytes!("../assets/demo/greeting.m4a");
const MP3: &[u8] = include_bytes!("../assets/demo/note.mp3");
const OGG: &[u8] = include_bytes!("../assets/demo/chime.ogg");
const FLAC: &[u8] = include_bytes!("../assets/demo/chord.flac");
const WAV: &[u8] = include_bytes!("../assets/demo/ping.wav");

const SESSIONS: &[Session] = &[
    Session { id: "101", status: "processed", file: Some("anna-monday.m4a"), age_days: 30 },
    Session { id: "102", status: "processed", file: Some("ben-tuesday.wav"), age_days: 12 },
    Session { id: "103", status: "uploading", file: Some("carla-today.ogg"), age_days: 0 },
    Session { id: "104", status: "failed", file: Some("dora-failed-long-ago.m4a"), age_days: 20 },
    Session { id: "105", status: "failed", file: Some("emil-failed-yesterday.flac"), age_days: 1 },
    Session { id: "106", status: "failed", file: Some("shared-recording.mp3"), age_days: 25 },
    Session { id: "107", status: "processed", file: Some("shared-recording.mp3"), age_days: 24 },
    Session { id: "108", status: "processed", file: Some("Frieda Interview.m4a"), age_days: 9 },
    Session { id: "109", status: "processed", file: Some("georg-lost.m4a"), age_days: 9 },
    Session { id: "110", status: "failed", file: Some("../../etc/passwd"), age_days: 40 },
    Session { id: "111", status: "created", file: None, age_days: 3 },
];

const SOUNDS: &[Sound] = &[
    Sound { name: "anna-monday.m4a", bytes: M4A, age_hours: 720 },
    Sound { name: "anna-monday_processed.mp3", bytes: MP3, age_hours: 719 },
    Sound { name: "ben-tuesday.wav", bytes: WAV, age_hours: 288 },
    Sound { name: "carla-today.ogg", bytes: OGG, age_hours: 0 },
    Sound { name: "dora-failed-long-ago.m4a", bytes: M4A, age_hours: 480 },
    Sound { name: "dora-failed-long-ago_processed.mp3", bytes: MP3, age_hours: 479 },
    Sound { name: "emil-failed-yesterday.flac", bytes: FLAC, age_hours: 24 },
    Sound { name: "shared-recording.mp3", bytes: MP3, age_hours: 600 },
    // The row says "Frieda Interview.m4a": nearly the same name, so nearly claimed.
    Sound { name: "frieda%20interview.m4a", bytes: M4A, age_hours: 216 },
    Sound { name: "upload-broke-off.ogg", bytes: OGG, age_hours: 75 },
    Sound { name: "nobody-knows-me.flac", bytes: FLAC, age_hours: 1_000 },
    Sound { name: "nobody-knows-me_processed.mp3", bytes: MP3, age_hours: 999 },
    Sound { name: "arriving-right-now.m4a", bytes: M4A, age_hours: 1 },
];

/// Makes the example in `dir`, which must be new or empty, or in a new folder for temporary files.
pub(crate) fn make(dir: Option<&Path>) -> anyhow::Result<Made> {
    let dir = match dir {
        Some(dir) => empty_dir(dir)?,
        None => tempfile::Builder::new().prefix("upsweep-demo-").tempdir().context("cannot make a folder")?.keep(),
    };
    let dir = dir.canonicalize().with_context(|| format!("cannot open {}", dir.display()))?;
    let uploads = dir.join("uploads/audio");
    fs::create_dir_all(&uploads).with_context(|| format!("cannot make {}", uploads.display()))?;
    let now = SystemClock::new().now();
    for sound in SOUNDS {
        write_sound(&uploads, sound, SystemTime::try_from(now)?)?;
    }
    fs::write(uploads.join(".gitkeep"), b"").context("cannot write .gitkeep")?;
    let database = dir.join("app.db");
    write_sessions(&database, now).with_context(|| format!("cannot fill {}", database.display()))?;
    let config = dir.join("upsweep.toml");
    write_config(&config, &dir, &uploads, &database)?;
    Ok(Made { dir, uploads, config })
}

fn empty_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    if entries.next().is_some() {
        bail!("{} is not empty; name a new folder for the example", dir.display());
    }
    Ok(dir.to_owned())
}

fn write_sound(uploads: &Path, sound: &Sound, now: SystemTime) -> anyhow::Result<()> {
    let path = uploads.join(sound.name);
    let context = || format!("cannot write {}", path.display());
    fs::write(&path, sound.bytes).with_context(context)?;
    // A minute more, so that "24 hours ago" is older than 24 hours.
    let modified = now - Duration::from_secs(sound.age_hours * 3_600 + 60);
    let file = File::options().write(true).open(&path).with_context(context)?;
    file.set_times(FileTimes::new().set_modified(modified)).with_context(context)
}

fn write_sessions(path: &Path, now: jiff::Timestamp) -> anyhow::Result<()> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, status TEXT NOT NULL, audio_filename TEXT, created_at TEXT NOT NULL)",
    )?;
    for Session { id, status, file, age_days } in SESSIONS {
        let created = now - jiff::SignedDuration::from_hours(age_days * 24);
        let created = created.strftime("%Y-%m-%d %H:%M:%S").to_string();
        db.execute("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4)", (id, status, file, created))?;
    }
    Ok(())
}

fn write_config(path: &Path, dir: &Path, uploads: &Path, database: &Path) -> anyhow::Result<()> {
    let text = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let url = toml::Value::String(format!("sqlite:///{}", database.display())).to_string();
    let config = format!(
        "# The example of upsweep demo: no variable of yours reaches into it.\nisolated = true\ndatabase_url = {url}\nupload_dir = {}\nstate_dir = {}\n",
        text(uploads),
        text(&dir.join("state"))
    );
    fs::write(path, config).with_context(|| format!("cannot write {}", path.display()))
}
