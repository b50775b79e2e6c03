//! Archives: where copies of removed files are kept.

mod index;
pub mod local;
pub mod memory;

use std::path::PathBuf;

/// The directory that `url` names: a path, or a URL that begins with `file://`.
///
/// # Errors
/// A sentence for a human.
pub fn directory(url: &str) -> Result<PathBuf, String> {
    use std::os::unix::ffi::OsStringExt as _;
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(PathBuf::from(url)) };
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(format!("'{scheme}' is no kind of archive upsweep knows; give a directory, or a file:// URL"));
    }
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(format!("{url} names no directory of this machine; write it with three slashes, as file:///srv/a"));
    }
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_url_name_the_same_directory() {
        assert_eq!(directory("/srv/a b").unwrap(), PathBuf::from("/srv/a b"));
        assert_eq!(directory("backups").unwrap(), PathBuf::from("backups"));
        for url in ["file:///srv/a%20b", "FILE://localhost/srv/a%20b"] {
            assert_eq!(directory(url).unwrap(), PathBuf::from("/srv/a b"));
        }
        assert!(directory("s3://bucket/a").unwrap_err().contains("'s3'"));
        assert!(directory("file://srv/a").unwrap_err().contains("three slashes"));
    }
}
