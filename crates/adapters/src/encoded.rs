//! Names of files as one word of plain text, from which the bytes can be had again.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use upsweep_plan::key::Key;

/// What would break a line, a column, a quoted string, or the decoding.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ').add(b'\\').add(b'"').add(b'\'');

/// The name with everything else than plain letters as `%` and two hexadecimal digits.
pub(crate) fn encoded(key: &Key) -> String {
    bytes(key.as_bytes())
}

fn bytes(name: &[u8]) -> String {
    percent_encode(name, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_fits_on_one_line() {
        let name = b"a\tb\nc%d \xff\\'.mp3";
        let line = bytes(name);
        assert_eq!(line, "a%09b%0Ac%25d%20%FF%5C%27.mp3");
        assert_eq!(percent_encoding::percent_decode_str(&line).collect::<Vec<u8>>(), name);
    }
}
