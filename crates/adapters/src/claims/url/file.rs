//! URLs of SQLite files, whose slashes mean different things to different drivers.

use std::fmt;
use std::path::{Path, PathBuf};

use upsweep_engine::ports::ClaimError;

use super::decode;

/// The files an SQLite URL may mean, most likely first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUrl {
    /// What drivers would open, relative ones against the current folder.
    pub candidates: Vec<PathBuf>,
}

/// Reads what follows `sqlite:`. `sqlalchemy` says that the scheme named a driver (`sqlite+aiosqlite`),
/// so that only SQLAlchemy's reading is meant.
pub(super) fn parse(rest: &str, sqlalchemy: bool) -> Result<FileUrl, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.contains(":memory:") || query.contains("mode=memory") || path.trim_matches('/').is_empty() {
        return Err("the database URL means an SQLite database in memory, which no other process can read: name the \
                    application's file, as in sqlite:////var/lib/app/app.db"
            .to_owned());
    }
    let mut readings: Vec<String> = match path.strip_prefix("///") {
        Some(absolute) if absolute.starts_with('/') => vec![format!("/{}", absolute.trim_start_matches('/'))],
        // SQLAlchemy reads sqlite:///x as the relative x, most others as the absolute /x.
        Some(relative) if sqlalchemy || relative.starts_with("file:") => vec![relative.to_owned()],
        Some(either) => vec![either.to_owned(), format!("/{either}")],
        None => vec![path.strip_prefix("//").unwrap_or(path).to_owned()],
    };
    for reading in &mut readings {
        // SQLAlchemy hands SQLite's own URIs through: sqlite:///file:app.db?mode=ro&uri=true
        if let Some(inner) = reading.strip_prefix("file:") {
            let path = inner.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(inner);
            *reading = path.to_owned();
        }
    }
    // Some drivers decode the path, others do not.
    let mut candidates: Vec<PathBuf> = vec![];
    for reading in &readings {
        for path in [reading.clone(), decode(reading)?] {
            if !candidates.contains(&path.clone().into()) {
                candidates.push(path.into());
            }
        }
    }
    Ok(FileUrl { candidates })
}

impl FileUrl {
    /// The one file that is there.
    ///
    /// # Errors
    /// [`ClaimError::Connect`] when none or several of the candidates exist; it names them.
    pub fn locate(&self) -> Result<PathBuf, ClaimError> {
        let mut found: Vec<PathBuf> = vec![];
        let mut refused = None;
        for candidate in &self.candidates {
            match candidate.canonicalize() {
                Ok(path) if found.contains(&path) => {}
                Ok(path) => found.push(path),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => refused = Some(format!("{}: {error}", absolute(candidate))),
            }
        }
        let named =
            |paths: &[PathBuf], and: &str| paths.iter().map(|path| absolute(path)).collect::<Vec<_>>().join(and);
        let cause = match (found.as_slice(), refused) {
            ([file], None) if file.is_file() => return Ok(file.clone()),
            ([other], None) => format!("{} is not a file", other.display()),
            (_, Some(refused)) => refused,
            ([], None) => format!(
                "there is no file {}; check the path, and the folder that a relative path starts from",
                named(&self.candidates, " and no file ")
            ),
            (several, None) => format!(
                "it could mean {}, and both exist: write sqlite:////absolute/path with four slashes",
                named(several, " or ")
            ),
        };
        Err(ClaimError::Connect { database: self.to_string(), cause })
    }
}

/// A path for messages, from the root where the current folder is known.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

impl fmt::Display for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.candidates.first().map(|path| path.display().to_string());
        write!(f, "sqlite:{}", first.unwrap_or_default())
    }
}
