//! The wall clock, and names made of it. The only place that reads the time, and that waits.

use jiff::{SignedDuration, Timestamp};
use upsweep_engine::ports::{Clock, Ids};

/// The machine's clock.
pub(crate) struct SystemClock {
    #[cfg(feature = "test-clock")]
    shift: shifted::Shift,
}

impl SystemClock {
    /// The machine's clock; with the feature `test-clock`, shifted by `UPSWEEP_TEST_CLOCK_OFFSET` seconds.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "test-clock")]
            shift: shifted::Shift::of_environment(),
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
        let said = said + self.shift.so_far();
        said
    }

    fn wait(&self, span: SignedDuration) {
        #[cfg(feature = "test-clock")]
        if self.shift.skip(span) {
            return;
        }
        std::thread::sleep(span.unsigned_abs());
    }
}

/// A clock that tests can shift. Where it is shifted, if only by nothing, it does not wait either: it shifts itself.
#[cfg(feature = "test-clock")]
mod shifted {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::SignedDuration;

    pub(super) struct Shift {
        /// By how many milliseconds, if at all.
        millis: Option<AtomicI64>,
    }

    impl Shift {
        pub(super) fn of_environment() -> Self {
            let secs = std::env::var("UPSWEEP_TEST_CLOCK_OFFSET").ok().and_then(|secs| secs.parse::<i64>().ok());
            Self { millis: secs.map(|secs| AtomicI64::new(secs.saturating_mul(1_000))) }
        }

        pub(super) fn so_far(&self) -> SignedDuration {
            SignedDuration::from_millis(self.millis.as_ref().map_or(0, |millis| millis.load(Ordering::Relaxed)))
        }

        /// Skips `span` instead of waiting for it; `false` where the clock is the real one.
        pub(super) fn skip(&self, span: SignedDuration) -> bool {
            let Some(millis) = &self.millis else { return false };
            let whole = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).saturating_add(1);
            millis.fetch_add(whole, Ordering::Relaxed);
            true
        }
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
