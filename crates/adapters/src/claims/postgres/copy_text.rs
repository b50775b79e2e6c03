//! PostgreSQL's text format of COPY, read back exactly.

/// Collects the bytes of a COPY and hands out its rows.
#[derive(Debug, Default)]
pub(super) struct CopyRows {
    pending: Vec<u8>,
    text: Vec<u8>,
    cells: Vec<Option<std::ops::Range<usize>>>,
}

/// Something that PostgreSQL does not write.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a row that is no COPY text: {0}")]
pub(super) struct Malformed(&'static str);

impl CopyRows {
    /// Takes the next piece of the stream and calls `row` for every row it completes.
    pub(super) fn push(&mut self, piece: &[u8], mut row: impl FnMut(&[Option<&[u8]>])) -> Result<(), Malformed> {
        self.pending.extend_from_slice(piece);
        let pending = std::mem::take(&mut self.pending);
        let mut lines = pending.split(|&byte| byte == b'\n');
        let rest = lines.next_back().unwrap_or_default();
        for line in lines {
            self.read(line)?;
            let cells: Vec<_> = self.cells.iter().map(|cell| cell.clone().map(|range| &self.text[range])).collect();
            row(&cells);
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Checks that the stream ended with a row's end.
    pub(super) fn finish(self) -> Result<(), Malformed> {
        if self.pending.is_empty() { Ok(()) } else { Err(Malformed("the last row is cut off")) }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.text.clear();
        self.cells.clear();
        for field in line.split(|&byte| byte == b'\t') {
            let start = self.text.len();
            if field == br"\N" {
                self.cells.push(None);
                continue;
            }
            unescape(field, &mut self.text)?;
            self.cells.push(Some(start..self.text.len()));
        }
        Ok(())
    }
}

/// Appends a field's value to `text`.
fn unescape(field: &[u8], text: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut bytes = field.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        text.push(match bytes.next() {
            Some(b'\\') => b'\\',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(_) => return Err(Malformed("an unknown escape")),
            None => return Err(Malformed("a backslash at the end of a field")),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the manual describes what the server writes.
    fn escape(row: &[Option<Vec<u8>>]) -> Vec<u8> {
        let field = |cell: &Option<Vec<u8>>| match cell {
            None => br"\N".to_vec(),
            Some(value) => value
                .iter()
                .flat_map(|&byte| match byte {
                    b'\\' => br"\\".to_vec(),
                    0x08 => br"\b".to_vec(),
                    0x0c => br"\f".to_vec(),
                    b'\n' => br"\n".to_vec(),
                    b'\r' => br"\r".to_vec(),
                    b'\t' => br"\t".to_vec(),
                    0x0b => br"\v".to_vec(),
                    other => vec![other],
                })
                .collect(),
        };
        let mut line = row.iter().map(field).collect::<Vec<_>>().join(&b'\t');
        line.push(b'\n');
        line
    }

    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![Just(b'\\'), Just(b'N'), Just(b'n'), Just(b'\t'), Just(b'\n'), Just(0x0b), any::<u8>()]
    }

    proptest! {
        #[test]
        fn every_row_comes_back(
            rows in prop::collection::vec(
                prop::collection::vec(prop::option::of(prop::collection::vec(byte(), 0..8)), 3),
                0..6,
            ),
            piece_len in 1usize..9,
        ) {
            let wire: Vec<u8> = rows.iter().flat_map(|row| escape(row)).collect();
            let mut back: Vec<Vec<Option<Vec<u8>>>> = vec![];
            let mut copy = CopyRows::default();
            for piece in wire.chunks(piece_len) {
                copy.push(piece, |cells| back.push(cells.iter().map(|c| c.map(<[u8]>::to_vec)).collect())).unwrap();
            }
            copy.finish().unwrap();
            prop_assert_eq!(back, rows);
        }
    }

    #[test]
    fn what_the_server_never_writes_is_an_error() {
        let read = |wire: &[u8]| {
            let mut copy = CopyRows::default();
            copy.push(wire, |_| {}).and_then(|()| copy.finish())
        };
        assert!(read(b"a\\N\n").is_err());
        assert!(read(b"a\\\n").is_err());
        assert!(read(b"a\\x41\n").is_err());
        assert!(read(b"a").is_err());
        assert!(read(b"\\N\t\n").is_ok());
    }
}
