//! The device's own clock. It tells local time without a zone, so that its times compare only with each other.

use std::time::{Duration, SystemTime};

/// A moment by the device's clock, as if that were UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeviceTime(SystemTime);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl DeviceTime {
    /// As `show system info` tells it: `Tue Feb  3 10:11:12 2026`, sometimes with a zone before the year.
    pub(super) fn parse_clock(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let (month, day, time, year) = match fields.as_slice() {
            [_, month, day, time, year] | [_, month, day, time, _, year] => (month, day, time, year),
            _ => return None,
        };
        let month = MONTHS.iter().position(|name| name == month)? + 1;
        Self::of(&format!("{year}-{month:02}-{day:0>2} {time}"))
    }

    /// As jobs tell it: `2026/02/03 10:11:12`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::of(&text.trim().replace('/', "-"))
    }

    /// As older releases tell when a job ended: `10:11:12`, on the day that it was queued or on the next.
    pub(super) fn parse_end(text: &str, queued: &str) -> Option<Self> {
        if let Some(whole) = Self::parse(text) {
            return Some(whole);
        }
        let (day, _) = queued.trim().split_once(' ')?;
        let (queued, end) = (Self::parse(queued)?, Self::parse(&format!("{day} {}", text.trim()))?);
        if end < queued { end.0.checked_add(DAY).map(Self) } else { Some(end) }
    }

    fn of(text: &str) -> Option<Self> {
        humantime::parse_rfc3339_weak(text).ok().map(Self)
    }

    /// The moment as if the device told UTC.
    pub(super) fn as_if_utc(self) -> SystemTime {
        self.0
    }

    /// The time from then to now. Where the clock has been set back, then may be still to come: nobody can tell how long ago it
    /// was.
    pub(super) fn since(self, then: Self) -> Option<Duration> {
        self.0.duration_since(then.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_several_ways() {
        let moment = DeviceTime::parse("2026/02/03 10:11:12");
        assert!(moment.is_some());
        for text in ["Tue Feb  3 10:11:12 2026", "Tue Feb 3 10:11:12 PST 2026"] {
            assert_eq!(DeviceTime::parse_clock(text), moment, "{text}");
        }
        assert_eq!(DeviceTime::parse_end("10:11:12", "2026/02/03 10:11:00"), moment);
        assert_eq!(DeviceTime::parse_end("10:11:12", "2026/02/02 23:59:00"), moment);
        assert_eq!(DeviceTime::parse_end("2026/02/03 10:11:12", ""), moment);
        for text in ["Still Active", "", "2026/13/03 10:11:12", "Tue"] {
            assert_eq!(DeviceTime::parse_end(text, "2026/02/03 10:11:12"), None, "{text}");
            assert_eq!(DeviceTime::parse_clock(text), None, "{text}");
        }
        let later = DeviceTime::parse("2026/02/04 10:11:12");
        let (later, moment) = (later.unwrap(), moment.unwrap());
        assert_eq!((later.since(moment), later.since(later)), (Some(DAY), Some(Duration::ZERO)));
        assert_eq!(moment.since(later), None);
    }
}
