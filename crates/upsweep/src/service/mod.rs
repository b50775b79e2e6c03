//! What `upsweep serve` does besides answering requests.

pub(crate) mod cron;
pub(crate) mod schedule;
pub(crate) mod signals;
pub(crate) mod slots;
pub(crate) mod systemd;
pub(crate) mod timer;
