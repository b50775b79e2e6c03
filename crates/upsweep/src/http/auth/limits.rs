//! How often somebody may do something in a minute.

use std::hash::Hash;
use std::num::NonZeroU32;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

/// How many keys are remembered at once.
const KEYS_MAX: usize = 50_000;

/// A limit per key and minute.
pub(super) struct Limiter<K: Hash + Eq + Clone, C: Clock> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    keys_max: usize,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limiter<K, C> {
    /// So many at once, and as many again in each minute after.
    pub(super) fn per_minute(limit: u32, clock: C) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Self { limiter, clock, keys_max: KEYS_MAX }
    }

    /// Counts one more; beyond the limit, says after how many seconds to come again.
    pub(super) fn take(&self, key: &K) -> Result<(), u64> {
        // Who floods us from everywhere must not fill the memory: then nobody is told more than to wait.
        if self.limiter.len() >= self.keys_max {
            self.limiter.retain_recent();
            if self.limiter.len() >= self.keys_max {
                return Err(60);
            }
        }
        self.limiter.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn beyond_the_limit_each_key_waits_for_itself() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::per_minute(3, clock.clone());
        for _ in 0..3 {
            assert_eq!(limiter.take(&"a"), Ok(()));
        }
        let secs = limiter.take(&"a").unwrap_err();
        assert!((20..=21).contains(&secs), "{secs}");
        assert_eq!(limiter.take(&"b"), Ok(()), "another one has nothing to do with it");
        clock.advance(Duration::from_secs(secs));
        assert_eq!(limiter.take(&"a"), Ok(()), "what was said to be enough is enough");
    }

    #[test]
    fn the_memory_is_bounded_and_free_again_after_a_while() {
        let clock = FakeRelativeClock::default();
        let mut limiter = Limiter::per_minute(3, clock.clone());
        limiter.keys_max = 100;
        for key in 0..100 {
            assert_eq!(limiter.take(&key), Ok(()));
        }
        assert_eq!(limiter.take(&100), Err(60));
        assert_eq!(limiter.limiter.len(), 100);
        clock.advance(Duration::from_secs(61));
        assert_eq!(limiter.take(&100), Ok(()));
        assert_eq!(limiter.limiter.len(), 1);
    }
}
