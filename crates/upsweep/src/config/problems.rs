//! Mistakes in the configuration, gathered so that all of them can be told at once.

use crate::secrets;

/// What is wrong, in the order in which it was found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<anyhow::Error>);

impl Problems {
    pub(super) fn note(&mut self, problem: anyhow::Error) {
        self.0.push(problem);
    }

    /// The value, or one that nobody will use because of its mistake.
    pub(super) fn take<T: Default>(&mut self, outcome: anyhow::Result<T>) -> T {
        outcome.unwrap_or_else(|problem| {
            self.note(problem);
            T::default()
        })
    }

    /// `value` if nothing is wrong; else the first mistake, and how many more there are.
    pub(super) fn or<T>(mut self, value: T) -> anyhow::Result<T> {
        match self.0.len() {
            0 => Ok(value),
            1 => Err(self.0.remove(0)),
            n => Err(anyhow::anyhow!("{:#} (and {} more: upsweep config check)", self.0[0], n - 1)),
        }
    }

    /// Each of them in words.
    pub(super) fn words(&self) -> Vec<String> {
        self.0.iter().map(|problem| secrets::masked(&format!("{problem:#}"))).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
