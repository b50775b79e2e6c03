//! The engine over stores, ledgers and databases in memory: the five laws, and every way a run can end.

mod applying;
mod archiving;
mod crashing;
mod deleting;
mod hiding;
mod purging;
mod recovering;
mod restoring;
mod retrieving;
mod stage;
