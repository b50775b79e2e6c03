//! The wall clock, and names made of it. The only place that reads the time.

use jiff::Timestamp;
use upsweep_engine::ports::{Clock, Ids};

/// The machine's clock.
pub(crate) struct SystemClock {
    #[cfg(feature = "test-clock")]
    offset: jiff::SignedDuration,
}

impl SystemClock {
    /// The machine's clock; with the feature `test-clock`, shifted by `UPSWEEP_TEST_CLOCK_OFFSET` seconds.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "test-clock")]
            offset: std::env::var("UPSWEEP_TEST_CLOCK_OFFSET")
                .ok()
                .and_then(|secs| secs.parse().ok())
                .map_or(jiff::SignedDuration::ZERO, jiff::SignedDuration::from_secs),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this module is where the clock is read")]
    fn now(&self) -> Timestamp {
        self.of_another(Timestamp::now())
    }

    fn of_another(&self, said: Timestamp) -> Timestamp {
        #[cfg(feature = "test-clock")]
        let said = said + self.offset;
        said
    }
}

/// Names such as `20261101-030000-7f3a9c`: the time in UTC, and six random hexadecimal digits.
pub(crate) struct TimedIds;

impl Ids for TimedIds {
    fn fresh(&self, now: Timestamp) -> String {
        let mut random = [0_u8; 3];
        // Without randomness from the system nothing here may go on: names must not repeat.
        getrandom::fill(&mut random).expect("the system gives random bytes");
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digits}", now.strftime("%Y%m%d-%H%M%S"))
    }
}
