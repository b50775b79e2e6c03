//! The engine over stores, ledgers and databases in memory: the five laws, and every way a run can end.

mod adopting;
mod ages;
mod applying;
mod archiving;
mod baselines;
mod clocks;
mod crashing;
mod cutting;
mod databases;
mod deleting;
mod doubts;
mod excluding;
mod held;
mod hiding;
mod holding;
mod keeping;
mod naming;
mod purging;
mod rebinding;
mod recovering;
mod remembering;
mod restoring;
mod retrieving;
mod stage;
mod stopping;
mod watching;
