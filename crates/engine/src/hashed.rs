//! Reading with a hash of everything that was read.

use std::io::{self, Read};

/// What was read: how much, and its BLAKE3 hash in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) bytes: u64,
    pub(crate) blake3: String,
}

/// Passes on what it reads, and hashes it.
pub(crate) struct Hashed<R> {
    inner: R,
    hasher: blake3::Hasher,
    bytes: u64,
    /// The first error of the reader itself, to be told from one of the writer's.
    error: Option<String>,
}

impl<R: Read> Hashed<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: blake3::Hasher::new(), bytes: 0, error: None }
    }

    /// What was read, or why reading ended early.
    pub(crate) fn finish(self) -> Result<Digest, String> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Digest { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() }),
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.hasher.update(&buffer[..count]);
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.error.get_or_insert_with(|| error.to_string());
                }
                Err(error)
            }
        }
    }
}

/// Reads to the end, but not past `limit` bytes and one more: a damaged copy must not fill the memory or the time.
pub(crate) fn digest(content: impl Read, limit: u64) -> Result<Digest, String> {
    let mut hashed = Hashed::new(content.take(limit.saturating_add(1)));
    io::copy(&mut hashed, &mut io::sink()).map_err(|error| error.to_string())?;
    hashed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_hashed_and_bounded() {
        let whole = digest(&b"recording"[..], 9).unwrap();
        assert_eq!((whole.bytes, whole.blake3.as_str()), (9, blake3::hash(b"recording").to_hex().as_str()));
        assert_eq!(digest(io::repeat(7), 100).unwrap().bytes, 101);
    }

    /// Gives a little, then fails.
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("the disk is bad"));
            }
            buffer[0] = 1;
            Ok(1)
        }
    }

    #[test]
    fn an_error_is_no_end() {
        assert_eq!(digest(Broken(false), 9).unwrap_err(), "the disk is bad");
        let mut hashed = Hashed::new(Broken(false));
        assert!(io::copy(&mut hashed, &mut io::sink()).is_err());
        assert_eq!(hashed.finish().unwrap_err(), "the disk is bad");
    }
}
