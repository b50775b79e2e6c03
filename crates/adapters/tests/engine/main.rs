//! The engine over stores, ledgers and databases in memory: the five laws, and every way a run can end.

mod adopting;
mod applying;
mod archiving;
mod crashing;
mod databases;
mod deleting;
mod held;
mod hiding;
mod keeping;
mod purging;
mod rebinding;
mod recovering;
mod remembering;
mod restoring;
mod retrieving;
mod stage;
