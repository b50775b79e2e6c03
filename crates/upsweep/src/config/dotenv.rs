//! The `.env` file of an application, which other readers understand as well.

use std::cell::Cell;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::layers::Values;
use super::settings::{OTHER_NAMES, SETTINGS};

/// A line that is no `NAME=value` is none of ours, as long as it hides no setting: those are passed over with a
/// word. The lines' content is never told, because it may be a secret.
pub(super) fn read(path: &Path, values: &mut Values) -> anyhow::Result<Vec<(String, String)>> {
    let shown = path.display();
    if !path.is_file() {
        return Ok(vec![]);
    }
    values.files.push(path.to_owned());
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = line_of(&bytes, error.valid_up_to());
        anyhow::anyhow!("cannot read {shown}: line {line} is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pairs = Vec::new();
    let handed_out = Cell::new(0);
    let mut begins = 0;
    for line in dotenvy::Iter::new(LineByLine { rest: text.as_bytes(), handed_out: &handed_out }) {
        let ends = handed_out.get();
        match line {
            Ok(pair) => pairs.push(pair),
            Err(dotenvy::Error::LineParse(..)) => {
                let at = begins + first_with_words(&text[begins..ends]);
                let number = line_of(text.as_bytes(), at);
                if hides_a_setting(&text[at..ends]) {
                    bail!(
                        "{shown}: line {number} cannot be read, and holds a setting of upsweep: write NAME=value, and put a value with blanks in quotes"
                    );
                }
                values.warnings.push(format!("{shown}: line {number} is no NAME=value; it was passed over"));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        }
        begins = ends;
    }
    Ok(pairs)
}

/// Hands out no more than a line at a time, so that whoever asks for more has done with the line before.
struct LineByLine<'a> {
    rest: &'a [u8],
    /// How many bytes were handed out.
    handed_out: &'a Cell<usize>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let given = line.min(buffer.len());
        let (now, later) = self.rest.split_at(given);
        buffer[..given].copy_from_slice(now);
        self.rest = later;
        self.handed_out.set(self.handed_out.get() + given);
        Ok(given)
    }
}

/// Where the first line begins that is neither blank nor a comment.
fn first_with_words(text: &str) -> usize {
    let is_silent = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    text.split_inclusive('\n').take_while(is_silent).map(str::len).sum()
}

/// The number, from 1, of the line that holds this byte.
fn line_of(text: &[u8], at: usize) -> usize {
    1 + text[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Whether a setting of ours may stand in what was passed over.
fn hides_a_setting(text: &str) -> bool {
    let names = SETTINGS.iter().flat_map(|setting| setting.classic.iter().copied()).chain(OTHER_NAMES.iter().copied());
    text.contains("UPSWEEP_") || text.contains("JSON_LOGS") || names.into_iter().any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> (anyhow::Result<Vec<(String, String)>>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        let mut values = Values::default();
        let pairs = read(&path, &mut values);
        // Whatever is in it, whoever looks for readable secrets must know that it was read.
        assert_eq!(values.files, [path]);
        (pairs, values.warnings)
    }

    #[test]
    fn lines_that_cannot_be_read_are_named_by_their_number() {
        let (pairs, warnings) =
            of(b"\xef\xbb\xbfA=1\n\n# words\nsecret words\nB=2\n  secret words  \n# more\nC=secret words\n");
        let names: Vec<String> = pairs.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B"]);
        let lines = ["line 4 is no", "line 6 is no", "line 8 is no"];
        assert!(
            warnings.len() == 3 && lines.iter().zip(&warnings).all(|(line, said)| said.contains(line)),
            "{warnings:?}"
        );
        assert!(!warnings.join(" ").contains("secret"));
    }

    #[test]
    fn a_setting_is_never_passed_over() {
        for (text, line) in [
            ("A=1\nUPLOAD_DIR=/srv/my audio\n", "line 2"),
            ("A=1\nB=\"open\nUPSWEEP_QUARANTINE_DAYS=30\n", "line 2"),
            ("UPSWEEP_QUARANTINE_DAYS 30\n", "line 1"),
        ] {
            let said = format!("{:#}", of(text.as_bytes()).0.unwrap_err());
            assert!(said.contains(line) && said.contains("holds a setting"), "{said}");
        }
        let said = format!("{:#}", of(b"A=1\nB=\xff\n").0.unwrap_err());
        assert!(said.contains("line 2 is not UTF-8"), "{said}");
    }
}
