//! Points in time as people read them: to the second, in UTC.

use jiff::Timestamp;

/// `2026-11-10 12:00:00 UTC`; what is less than a second is cut off.
#[must_use]
pub fn spelled(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_second() {
        assert_eq!(spelled("2026-11-10T12:00:00.9Z".parse().unwrap()), "2026-11-10 12:00:00 UTC");
    }
}
