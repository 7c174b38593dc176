//! Virtual time: how long the world has existed, and which date that is.

use std::time::Duration;

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::datetime, macros::format_description};

/// The date at which every world begins, unless it is served in real time.
pub const EPOCH: OffsetDateTime = datetime!(2026-11-02 08:00:00 UTC);

/// A moment in a world. It moves only when somebody moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    began: OffsetDateTime,
    elapsed: Duration,
}

impl Default for Moment {
    fn default() -> Self {
        Self::beginning_at(EPOCH)
    }
}

impl Moment {
    /// The first moment of a world that begins at `began`.
    pub const fn beginning_at(began: OffsetDateTime) -> Self {
        Self { began, elapsed: Duration::ZERO }
    }

    /// Time since the world began.
    pub const fn elapsed(self) -> Duration {
        self.elapsed
    }

    /// The date and time of this moment, in UTC.
    pub fn date(self) -> OffsetDateTime {
        self.began + self.elapsed
    }

    /// Milliseconds since 1970, as CloudTrail's response elements and EC2's launch times have it.
    pub fn unix_millis(self) -> i128 {
        self.date().unix_timestamp_nanos() / 1_000_000
    }

    /// `2026-11-02T08:00:00Z`, the form of AWS.
    pub fn iso(self) -> String {
        self.formatted(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
    }

    /// `2026/11/02 08:00:00`, the form of PAN-OS.
    pub fn panos(self) -> String {
        self.formatted(format_description!("[year]/[month]/[day] [hour]:[minute]:[second]"))
    }

    /// This moment's date in a form of the caller's choosing.
    pub fn formatted(self, form: &[BorrowedFormatItem<'_>]) -> String {
        self.date().format(form).expect("the forms in use name only parts that a date has")
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self { elapsed: self.elapsed + span, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_world_prints_its_dates_in_the_neighbours_form() {
        let moment = Moment::default() + Duration::from_secs(3661);
        assert_eq!(moment.iso(), "2026-11-02T09:01:01Z");
        assert_eq!(moment.panos(), "2026/11/02 09:01:01");
        assert_eq!(moment.unix_millis(), 1_793_610_061_000);
    }
}
