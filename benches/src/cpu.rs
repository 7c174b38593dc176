//! Time on the processor instead of time on the wall: machines that are shared make everything else look slow by turns.

use std::{
    fs,
    time::{Duration, Instant},
};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// The time that the measuring thread has had of a processor, as Linux counts it; elsewhere the time on the wall. It moves
/// on with the scheduler's ticks (some milliseconds): only what is repeated for longer than many of them is measured well.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime;

/// When something began, on whichever clock there is.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// On the processor.
    Cpu(Duration),
    /// On the wall.
    Wall(Instant),
}

/// What the thread has had so far.
fn spent() -> Option<Duration> {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    counted.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

impl Measurement for CpuTime {
    type Intermediate = Begin;
    type Value = Duration;

    fn start(&self) -> Begin {
        spent().map_or_else(|| Begin::Wall(Instant::now()), Begin::Cpu)
    }

    fn end(&self, begin: Begin) -> Duration {
        match begin {
            // Criterion takes nothing for an error.
            Begin::Cpu(begin) => spent().unwrap_or(begin).saturating_sub(begin).max(Duration::from_nanos(1)),
            Begin::Wall(begin) => begin.elapsed(),
        }
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
