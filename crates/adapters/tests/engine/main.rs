//! The engine over stores, ledgers and databases in memory: the five laws, and every way a run can end.

mod applying;
mod held;
mod hiding;
mod purging;
mod recovering;
mod restoring;
mod stage;
