//! Whether host, store and database agree on the time: ages and quarantines are counted with it.

use jiff::{SignedDuration, Timestamp};

use super::Check;
use super::database::Read;
use crate::wire::Parts;

/// More than this is trouble.
const FAR: SignedDuration = SignedDuration::from_mins(5);
/// Less than this is nothing.
const NEAR: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn examine(parts: &Parts<'_>, reads: &[Read], checks: &mut Vec<Check>) {
    const STORE: &str = "file clock";
    let before = parts.clock.now();
    checks.push(match parts.store.clock() {
        Ok(Some(there)) => {
            compare(STORE, "the file system's clock", parts.clock.of_another(there), before, parts.clock.now())
        }
        Ok(None) => Check::skipped(STORE, "it is asked once the directory is bound"),
        Err(error) => Check::warning(STORE, error.to_string(), "mend the cause"),
    });
    const DATABASE: &str = "database clock";
    for read in reads {
        checks.push(match read.snapshot.clock.map(|there| parts.clock.of_another(there)) {
            Some(there) => compare(DATABASE, "the database's clock", there, read.before, read.after),
            None => Check::skipped(DATABASE, "this database has no clock of its own"),
        });
    }
    if reads.is_empty() {
        checks.push(Check::skipped(DATABASE, "the database was not read"));
    }
}

/// `there` was read at some time between `before` and `after` on this machine.
fn compare(name: &'static str, what: &str, there: Timestamp, before: Timestamp, after: Timestamp) -> Check {
    let apart = if there < before {
        before.duration_since(there)
    } else if there > after {
        there.duration_since(after)
    } else {
        SignedDuration::ZERO
    };
    let direction = if there < before { "behind" } else { "ahead of" };
    let saw = format!("{what} is {} seconds {direction} this machine's", apart.as_secs());
    let next = "set the clocks by NTP on every machine";
    if apart > FAR {
        Check::problem(name, saw, next)
    } else if apart > NEAR {
        Check::warning(name, saw, next)
    } else {
        Check::good(name, format!("{what} agrees with this machine's"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn what_the_reading_took_is_no_difference() {
        let at = |secs: i64| Timestamp::from_second(1_800_000_000 + secs).unwrap();
        let status = |there| compare("clock", "it", at(there), at(0), at(1_000)).status;
        assert_eq!(status(0), Status::Good);
        assert_eq!(status(1_000), Status::Good);
        assert_eq!(status(-10), Status::Good);
        assert_eq!(status(-11), Status::Warning);
        assert_eq!(status(1_011), Status::Warning);
        assert_eq!(status(1_300), Status::Warning);
        assert_eq!(status(1_301), Status::Problem);
        assert_eq!(status(-301), Status::Problem);
        assert!(compare("clock", "it", at(-400), at(0), at(0)).saw.contains("400 seconds behind"));
    }
}
