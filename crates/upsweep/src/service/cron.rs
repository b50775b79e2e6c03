//! Cron expressions, as times on a wall clock that is never changed. The only file that knows the library which reads
//! them; what becomes of a time that a night skips or repeats is decided in [`super::schedule`].

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

/// A cron expression of five fields.
#[derive(Clone, Debug)]
pub(crate) struct Expression(Cron);

/// The fields, each with what may stand in it.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last one"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];

const NICKNAMES: [&str; 6] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"];

impl Expression {
    /// # Errors
    /// Words for a human: which field is wrong, and what may stand there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains('@') {
            if !NICKNAMES.iter().any(|known| known.eq_ignore_ascii_case(text)) {
                return Err(format!("there is no such nickname; the nicknames are {}", NICKNAMES.join(", ")));
            }
        } else {
            check_fields(text)?;
        }
        let cron = parser().parse(text).map_err(|error| error.to_string())?;
        let expression = Self(cron);
        // February may need eight years until it has a 29th. What has not come by then never comes.
        match expression.next(date(2000, 1, 1).at(0, 0, 0, 0), true) {
            Some(_) => Ok(expression),
            None => Err("no such day ever comes: look at the day of the month and the month".to_owned()),
        }
    }

    /// The first time on the wall that it names, after `at`, or from `at` on; `None` when there is none.
    pub(crate) fn next(&self, at: DateTime, from_it_on: bool) -> Option<DateTime> {
        self.0.find_next_occurrence(&Wall(at), from_it_on).ok().map(|Wall(found)| found)
    }

    /// Whether it names every hour of the day, and so means "again and again", not "at this time".
    pub(crate) fn is_for_every_hour(&self) -> bool {
        self.0.pattern.hours.values().len() == 24
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// The library says what is wrong, but not where. So each field is tried among stars.
fn check_fields(text: &str) -> Result<(), String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let hint = if fields.len() == 6 { " (seconds are not among them)" } else { "" };
        let names = FIELDS.map(|(name, _)| name).join(", ");
        return Err(format!("it has {} fields and must have five: {names}{hint}", fields.len()));
    }
    for (at, (name, allowed)) in FIELDS.into_iter().enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[at] = fields[at];
        if parser().parse(&alone.join(" ")).is_err() {
            return Err(format!(
                "the {name} '{}' makes no sense: give {allowed}; *, lists (1,2), ranges (1-5) and steps (*/2) work too",
                fields[at]
            ));
        }
    }
    Ok(())
}

/// A time on the wall, as the library wants it. It knows no zone, so nothing here is skipped or repeated.
#[derive(Clone, Copy)]
struct Wall(DateTime);

/// The library's own support for jiff is for another version of it.
impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        let Self(at) = self;
        // The parts are checked by jiff; of them only the year can be negative.
        let small = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(at.year()), small(at.month()), small(at.day())),
            CivilTime::from_parts_unchecked(small(at.hour()), small(at.minute()), small(at.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(days.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let small = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (small(civil.month())?, small(civil.day())?);
        let (hour, minute, second) = (small(civil.hour())?, small(civil.minute())?, small(civil.second())?);
        let at = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)?;
        Ok(Resolution::Single(Self(at)))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Expression::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"))
    }

    #[test]
    fn a_mistake_is_told_with_its_field() {
        assert!(wrong("61 3 * * *").contains("minute '61'"));
        assert!(wrong("0 24 * * *").contains("hour '24' makes no sense: give 0 to 23"));
        assert!(wrong("0 3 0 * *").contains("day of the month '0'"));
        assert!(wrong("0 3 * 13 *").contains("month '13'"));
        assert!(wrong("0 3 * * 8").contains("day of the week '8'"));
        assert!(wrong("0 3 * * monday-ish").contains("day of the week"));
        assert!(wrong("0 5-1 * * *").contains("hour '5-1'"));
        assert!(wrong("*/0 * * * *").contains("minute '*/0'"));
    }

    #[test]
    fn five_fields_are_wanted_and_no_seconds() {
        assert!(wrong("0 0 3 * * *").contains("six") || wrong("0 0 3 * * *").contains("6 fields"));
        assert!(wrong("0 0 3 * * *").contains("seconds are not among them"));
        assert!(wrong("3").contains("1 fields"));
        assert!(wrong("").contains("0 fields"));
        assert!(wrong("@nightly").contains("@daily"));
        assert!(wrong("@daily 3").contains("no such nickname"));
    }

    #[test]
    fn a_day_that_never_comes_is_a_mistake_and_a_rare_one_is_none() {
        assert!(wrong("0 3 30 2 *").contains("ever comes"));
        assert!(Expression::parse("0 3 29 2 *").is_ok());
    }

    #[test]
    fn names_nicknames_and_lists_work() {
        let next = |text: &str| {
            let at = Expression::parse(text).unwrap().next(date(2026, 7, 1).at(12, 0, 0, 0), false);
            at.unwrap().to_string()
        };
        assert_eq!(next("0 3 * * *"), "2026-07-02T03:00:00");
        assert_eq!(next("@daily"), "2026-07-02T00:00:00");
        assert_eq!(next("30 1,22 * * mon-fri"), "2026-07-01T22:30:00");
        assert_eq!(next("0 3 L * *"), "2026-07-31T03:00:00");
        // As in every cron: when both days are named, either will do.
        assert_eq!(next("0 3 13 * FRI"), "2026-07-03T03:00:00");
    }

    #[test]
    fn the_boundary_counts_only_where_it_is_asked_for() {
        let (daily, at) = (Expression::parse("0 3 * * *").unwrap(), date(2026, 7, 1).at(3, 0, 0, 0));
        assert_eq!(daily.next(at, true), Some(at));
        assert_eq!(daily.next(at, false).unwrap().to_string(), "2026-07-02T03:00:00");
        let fraction = date(2026, 7, 1).at(2, 59, 59, 999_999_999);
        assert_eq!(daily.next(fraction, false), Some(at));
    }

    #[test]
    fn every_hour_is_every_hour_however_it_is_written() {
        let is = |text: &str| Expression::parse(text).unwrap().is_for_every_hour();
        assert!(is("*/15 * * * *") && is("0 0-23 * * *") && is("@hourly") && is("5 */1 * * *"));
        assert!(!is("*/15 2 * * *") && !is("0 */2 * * *"));
    }
}
