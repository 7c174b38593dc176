//! Whether clocks agree.

use std::time::{Duration, SystemTime};

use super::Report;

/// So much nobody minds.
const SKEW: Duration = Duration::from_secs(60);

/// AWS refuses requests that are signed with a time so far from its own (IAM user guide, `create-signed-request`).
const REFUSED: Duration = Duration::from_secs(5 * 60);

/// Zones are so far from UTC at most, and differ in such steps.
const ZONE_MAX: Duration = Duration::from_secs(15 * 60 * 60);
const ZONE_STEP: u64 = 15 * 60;

pub(super) const AWS: &str = "clock and AWS";
pub(super) const FIREWALL: &str = "clock of firewall";

/// This machine's clock beside that of AWS.
pub(super) fn check_aws(theirs: SystemTime, ours: SystemTime, report: &mut Report) {
    let skew = distance(theirs, ours);
    let says = format!("this machine's clock differs from AWS's by {} s", skew.as_secs());
    match skew {
        _ if skew >= REFUSED => {
            report.fail(AWS, format!("{says}, and AWS refuses what is signed so: set the clock (NTP)"))
        }
        _ if skew > SKEW => report.warn(AWS, format!("{says}: set the clock (NTP)")),
        _ => report.ok(AWS, says),
    }
}

/// The firewall's clock, which shows the time of some zone without saying which.
pub(super) fn check_firewall(shown: Option<SystemTime>, ours: SystemTime, report: &mut Report) {
    let Some(shown) = shown else {
        return report.warn(
            FIREWALL,
            "`show system info` tells no time that can be read: a commit that failed is tried again at once",
        );
    };
    let difference = distance(shown, ours);
    if difference > ZONE_MAX {
        let hours = difference.as_secs() / 3600;
        return report.warn(FIREWALL, format!("the firewall's clock differs from this machine's by {hours} h: set it (Device > Setup > Services > NTP)"));
    }
    let beyond = difference.as_secs() % ZONE_STEP;
    let skew = beyond.min(ZONE_STEP - beyond);
    let says = format!("the firewall's clock differs from this machine's by {skew} s, zones apart");
    if skew > SKEW.as_secs() {
        report.warn(FIREWALL, format!("{says}: set it (Device > Setup > Services > NTP)"));
    } else {
        report.ok(FIREWALL, says);
    }
}

fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|earlier| earlier.duration())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{self, Failure, Ok, Warning};

    fn verdict(check: impl Fn(SystemTime, SystemTime, &mut Report), seconds: u64) -> Verdict {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_770_113_472);
        let [mut ahead, mut behind] = [Report::default(), Report::default()];
        check(now + Duration::from_secs(seconds), now, &mut ahead);
        check(now - Duration::from_secs(seconds), now, &mut behind);
        assert_eq!(ahead.verdict(), behind.verdict());
        ahead.verdict()
    }

    #[test]
    fn aws_minds_five_minutes() {
        assert_eq!([0, 60, 61, 299, 300].map(|s| verdict(check_aws, s)), [Ok, Ok, Warning, Warning, Failure]);
    }

    #[test]
    fn a_zone_is_no_skew() {
        let firewall = |shown, ours, report: &mut Report| check_firewall(Some(shown), ours, report);
        let hours = |h: u64, s: u64| h * 3600 + s;
        let skews = [0, 59, 61, hours(1, 5), hours(5, 30 * 60), hours(8, 45 * 60 + 120), hours(16, 0), hours(24, 0)];
        let expected = [Ok, Ok, Warning, Ok, Ok, Warning, Warning, Warning];
        assert_eq!(skews.map(|s| verdict(firewall, s)), expected);
        let mut untold = Report::default();
        check_firewall(None, SystemTime::UNIX_EPOCH, &mut untold);
        assert_eq!(untold.verdict(), Warning);
    }
}
