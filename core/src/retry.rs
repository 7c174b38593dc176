//! How long to wait before trying again. Takes time, never asks for it.

use std::time::Duration;

/// Exponential back-off with jitter, the same for the same seed.
#[derive(Clone, Debug)]
pub struct Backoff {
    seed: u64,
    failures: u32,
}

impl Backoff {
    /// The first wait is about this long; each further one doubles it.
    const FIRST: Duration = Duration::from_secs(1);
    /// No wait is longer than this.
    const LONGEST: Duration = Duration::from_secs(30);

    /// Waits drawn from this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, failures: 0 }
    }

    /// How many failures there were since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Something went well: start over.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Something failed: how long to wait now. Between three quarters of the step and the whole of it.
    pub fn wait(&mut self) -> Duration {
        let step = Self::FIRST.saturating_mul(1 << self.failures.min(5)).min(Self::LONGEST);
        self.failures += 1;
        // splitmix64 (Steele, Lea, Flood 2014): one step of it is all the randomness that jitter needs.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut dice = self.seed;
        dice = (dice ^ dice >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        dice = (dice ^ dice >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        dice ^= dice >> 31;
        let millis = step.as_millis() as u64;
        Duration::from_millis(millis - dice % (millis / 4 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_repeat_for_the_same_seed() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..10).map(|_| backoff.wait()).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        for (index, wait) in waits(7).into_iter().enumerate() {
            let step = Duration::from_secs(1 << index).min(Backoff::LONGEST);
            assert!(wait <= step && wait >= step * 3 / 4, "{index}: {wait:?}");
        }
    }
}
