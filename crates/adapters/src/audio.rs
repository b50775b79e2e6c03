//! What a recording says about itself: its format and length, from its headers alone.
//!
//! For people to read, in reports and in the dashboard. No decision rests on it: a file that cannot be described is
//! as safe as one that can.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lofty::config::ParseOptions;
use lofty::file::{AudioFile as _, FileType};
use lofty::probe::Probe;

/// What a file's headers tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFacts {
    /// A short lower-case word: `mp3`, `m4a`, `wav`, `ogg`, `flac`, `opus`, `aac`, `aiff`, …
    pub format: String,
    /// The playing time as the headers have it; for MP3 without an index, estimated from the bit rate. `None` where
    /// the headers do not tell, as in a file that was cut off.
    pub duration: Option<Duration>,
}

/// Reads the headers of one recording. `None` when the content, whatever its name, is no audio format known here
/// (WebM is not), or cannot be read.
///
/// Never panics, and reads at most [`MAX_READ_BYTES`] in at most [`MAX_CALLS`] calls, so that a broken or hostile
/// file costs milliseconds.
pub fn probe<R: Read + Seek>(reader: R) -> Option<AudioFacts> {
    let mut budget = Budget { inner: reader, bytes_left: MAX_READ_BYTES, calls_left: MAX_CALLS };
    // The parser is well tested, but it indexes into bytes that strangers uploaded. The reader is never looked at again.
    catch_unwind(AssertUnwindSafe(|| describe(&mut budget))).ok().flatten()
}

/// The most that is read of one file, in bytes.
pub const MAX_READ_BYTES: usize = 1 << 20;

/// The most reads and seeks spent on one file. It ends loops that seek but get nowhere.
pub const MAX_CALLS: usize = 10_000;

/// Parsers hop from header to header, and each hop discards what was read ahead: little is better.
const READ_AHEAD_BYTES: usize = 1024;

fn describe<R: Read + Seek>(budget: &mut Budget<R>) -> Option<AudioFacts> {
    let mut head = [0; 3];
    budget.seek(SeekFrom::Start(0)).ok()?;
    budget.read_exact(&mut head).ok()?;
    budget.seek(SeekFrom::Start(0)).ok()?;

    let options = ParseOptions::new().read_tags(false).read_cover_art(false);
    let reader = BufReader::with_capacity(READ_AHEAD_BYTES, &mut *budget);
    let probe = Probe::new(reader).options(options).guess_file_type().ok()?;
    let file_type = probe.file_type()?;

    let weakly_marked = matches!(file_type, FileType::Mpeg | FileType::Aac);
    if weakly_marked && !starts_like_mpeg(head) {
        return None;
    }
    let format = word(file_type)?.to_owned();
    match probe.read() {
        Ok(file) => {
            let duration = Some(file.properties().duration()).filter(|length| !length.is_zero());
            Some(AudioFacts { format, duration })
        }
        // Eleven set bits make an MPEG frame; only a parser that got through, or was still at it, proves more.
        Err(_) if weakly_marked && !budget.is_spent() => None,
        Err(_) => Some(AudioFacts { format, duration: None }),
    }
}

/// The parser also looks for a frame further in, and finds one in much that is no audio at all.
fn starts_like_mpeg(head: [u8; 3]) -> bool {
    head == *b"ID3" || (head[0] == 0xff && head[1] & 0xe0 == 0xe0)
}

fn word(file_type: FileType) -> Option<&'static str> {
    Some(match file_type {
        FileType::Aac => "aac",
        FileType::Aiff => "aiff",
        FileType::Ape => "ape",
        FileType::Flac => "flac",
        FileType::Mpeg => "mp3",
        FileType::Mp4 => "m4a",
        FileType::Mpc => "mpc",
        FileType::Opus => "opus",
        FileType::Vorbis => "ogg",
        FileType::Speex => "spx",
        FileType::Wav => "wav",
        FileType::WavPack => "wv",
        _ => return None,
    })
}

/// A reader that fails once too much was asked of it.
struct Budget<R> {
    inner: R,
    bytes_left: usize,
    calls_left: usize,
}

impl<R> Budget<R> {
    fn is_spent(&self) -> bool {
        self.bytes_left == 0 || self.calls_left == 0
    }

    fn charge_call(&mut self) -> io::Result<()> {
        if self.is_spent() {
            return Err(io::Error::other("too much of this file was needed to describe it"));
        }
        self.calls_left -= 1;
        Ok(())
    }
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.charge_call()?;
        let most = buffer.len().min(self.bytes_left);
        let count = self.inner.read(&mut buffer[..most])?;
        self.bytes_left -= count;
        Ok(count)
    }
}

impl<R: Seek> Seek for Budget<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.charge_call()?;
        self.inner.seek(to)
    }
}

#[cfg(test)]
#[path = "audio_tests.rs"]
mod tests;
