//! Rows kept in memory until their file is closed.

use crate::claims::CellSink;

/// The cells of one rule's rows, end to end.
#[derive(Debug)]
pub(super) struct Spool {
    columns: usize,
    rows: u64,
    bytes: Vec<u8>,
    /// Where each cell ends in `bytes`; `None` for NULL.
    ends: Vec<Option<usize>>,
}

impl Spool {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, rows: 0, bytes: vec![], ends: vec![] }
    }

    pub(super) fn push(&mut self, cell: Option<&[u8]>) {
        self.bytes.extend_from_slice(cell.unwrap_or_default());
        self.ends.push(cell.map(|_| self.bytes.len()));
    }

    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Gives out every row, in the order they came.
    pub(super) fn replay(&self, sink: &mut CellSink<'_>) {
        let mut ends = self.ends.iter();
        let mut start = 0;
        for _ in 0..self.rows {
            let cells: Vec<Option<&[u8]>> = ends
                .by_ref()
                .take(self.columns)
                .map(|end| {
                    let end = (*end)?;
                    let cell = &self.bytes[start..end];
                    start = end;
                    Some(cell)
                })
                .collect();
            sink(&cells);
        }
    }
}
