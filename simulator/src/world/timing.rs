//! The time of a world: virtual while a story is told, real while it is served.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::World;
use crate::clock::Moment;

/// What time it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clock {
    /// It moves when it is told to.
    Virtual(Moment),
    /// It began so long ago.
    Real(Moment, Instant),
}

impl World {
    /// Lets the clock go by itself from here on, beginning at that date.
    pub fn run_in_real_time(&mut self, date: OffsetDateTime) {
        self.clock = Clock::Real(Moment::beginning_at(date), Instant::now());
    }

    /// The moment that it is.
    pub fn now(&self) -> Moment {
        match self.clock {
            Clock::Virtual(now) => now,
            Clock::Real(began, since) => began + since.elapsed(),
        }
    }

    /// Lets time pass. In real time it passes anyway.
    pub fn advance(&mut self, span: Duration) {
        if let Clock::Virtual(now) = self.clock {
            self.set_clock(now + span);
        }
    }

    pub(super) fn set_clock(&mut self, now: Moment) {
        if let Clock::Virtual(_) = self.clock {
            self.clock = Clock::Virtual(now);
        }
        self.cloud.tick(now);
        self.firewall.settle(now);
    }
}
