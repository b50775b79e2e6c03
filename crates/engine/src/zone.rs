//! The time zone in which databases' times without a zone are read.

use jiff::tz::{self, TimeZone};

/// The zone with this IANA name. UTC is known everywhere; every other one comes from the system's time zone
/// database.
///
/// # Errors
/// Words for a human: what is wrong with the name, or with the system.
pub fn find(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("UTC") {
        return Ok(TimeZone::UTC);
    }
    if tz::db().available().next().is_none() {
        return Err(format!(
            "'{name}' is not known, because this system has no time zone database: install the package tzdata"
        ));
    }
    TimeZone::get(name).map_err(|_| format!("'{name}' is no time zone; give an IANA name such as Europe/Berlin or UTC"))
}

/// Every name the system knows.
#[must_use]
pub fn names() -> Vec<String> {
    tz::db().available().map(|name| name.to_string()).collect()
}
