//! The firewall: the key, the way to it, the certificate, the release, and what the account of the key may do.

use std::time::SystemTime;

use aws_config::SdkConfig;
use drawbridge_core::{
    command::{Failure, Trouble},
    firewall::{Firewall, Pending},
    id::AdminName,
};
use tokio::time::Instant;

use super::{Report, clock, told};
use crate::{
    deployment,
    live::of_firewall,
    panos::{
        checkup::UnitCheckup,
        client::{Committed, Panos},
        https::Https,
        tls::Tls,
    },
    secret::KeySource,
    settings::Settings,
};

const KEY: &str = "API key";
const REACHED: &str = "firewall reached";
const CERTIFICATE: &str = "certificate";
const RELEASE: &str = "PAN-OS release";
const ACTIVE: &str = "active unit";
const ACCOUNT: &str = "account";
const RIGHT: &str = "right";
const TRANSACTIONS: &str = "multi-config";
const LOCKS: &str = "locks";
const PENDING: &str = "uncommitted work";
const CONFIGURATION: &str = "configuration";

/// What is asked of the firewall, in this order.
pub(super) const CHECKS: &[&str] = &[
    KEY,
    REACHED,
    CERTIFICATE,
    RELEASE,
    clock::FIREWALL,
    ACTIVE,
    ACCOUNT,
    RIGHT,
    CONFIGURATION,
    LOCKS,
    PENDING,
    TRANSACTIONS,
];

/// What the firewall has, if it can be seen.
pub(super) async fn check(settings: &Settings, sdk: &SdkConfig, report: &mut Report) -> Option<Firewall> {
    let key = match deployment::stored(&settings.firewall.key, async || sdk.clone()).await {
        Ok(key) => key,
        Err(why) => {
            report.fail(KEY, why);
            return None;
        }
    };
    let kept = match settings.firewall.key {
        KeySource::Given(_) => "given in the settings",
        KeySource::File(_) => "read from `firewall.api_key_file`",
        KeySource::Secret(_) => "read from Secrets Manager",
    };
    let mut firewall = match deployment::firewall_with(settings, key) {
        Ok(firewall) => firewall,
        Err(why) => {
            report.fail(CERTIFICATE, why);
            return None;
        }
    };
    let limit = settings.config.timing.read;
    let units = of_firewall(Instant::now() + limit, async { Ok(firewall.check_units().await) }).await;
    let units = match units {
        Ok(units) => units,
        Err(failure) => {
            report.fail(REACHED, failure.what);
            return None;
        }
    };
    let way = Way { settings, kept, another_is_active: units.iter().any(|unit| unit.active.is_ok()) };
    units.iter().for_each(|unit| way.to(unit, report));
    if !some_unit_is_active(&units, report) {
        return None;
    }
    let until = Instant::now() + settings.config.timing.write;
    match of_firewall(until, async { Ok(rights(settings, &mut firewall, report).await) }).await {
        Ok(seen) => seen,
        Err(failure) => {
            report.fail(REACHED, failure.what);
            None
        }
    }
}

/// How the first question gets to a unit: to the host, through TLS, past the key.
struct Way<'s> {
    settings: &'s Settings,
    kept: &'static str,
    /// What is wrong with a unit of a pair is a warning as long as the other one is active.
    another_is_active: bool,
}

impl Way<'_> {
    fn to(&self, unit: &UnitCheckup, report: &mut Report) {
        match &unit.greeting {
            Ok(greeting) => {
                self.as_far_as(RELEASE, unit, report);
                report.ok(RELEASE, &greeting.version);
                clock::check_firewall(greeting.clock, SystemTime::now(), report);
            }
            Err(failure) => {
                let stopped = stopped_at(&failure.what);
                self.as_far_as(stopped, unit, report);
                let says = format!("`{}`: {}", unit.name, told(failure));
                if self.another_is_active { report.warn(stopped, says) } else { report.fail(stopped, says) }
            }
        }
    }

    /// What lies on the way before this check is well.
    fn as_far_as(&self, check: &str, unit: &UnitCheckup, report: &mut Report) {
        if check == REACHED {
            return;
        }
        report.ok(REACHED, format!("`{}`", unit.name));
        if check == CERTIFICATE {
            return;
        }
        certificate(self.settings, report);
        if check != KEY {
            report.ok(KEY, format!("{}, and accepted", self.kept));
        }
    }
}

/// Which check the first question did not pass.
fn stopped_at(what: &Trouble) -> &'static str {
    if *what == Trouble::Certificate {
        CERTIFICATE
    } else if *what == Trouble::KeyRefused {
        KEY
    } else if matches!(what, Trouble::RoleLacks(_)) {
        RIGHT
    } else if matches!(what, Trouble::TooOld(_)) {
        RELEASE
    } else {
        REACHED
    }
}

fn certificate(settings: &Settings, report: &mut Report) {
    if settings.firewall.units.are_plain() {
        return report.ok(CERTIFICATE, "none: plain http on loopback");
    }
    match settings.firewall.tls {
        Tls::SystemRoots => report.ok(CERTIFICATE, "verified by the system's authorities"),
        Tls::CaFile(_) => report.ok(CERTIFICATE, "verified by `firewall.ca_file`"),
        Tls::Fingerprints(_) => report.ok(CERTIFICATE, "the one that `firewall.fingerprint` names"),
        Tls::Unverified => report.warn(
            CERTIFICATE,
            "not verified (`firewall.verify = false`), so that anybody on the way can read the API key: set `firewall.fingerprint` or `firewall.ca_file`",
        ),
    }
}

fn some_unit_is_active(units: &[UnitCheckup], report: &mut Report) -> bool {
    let active: Vec<_> = units.iter().filter(|unit| unit.active.is_ok()).collect();
    let answering = || units.iter().filter(|unit| unit.greeting.is_ok());
    match (active.first(), units.len()) {
        (Some(_), 1) => report.ok(ACTIVE, "it may be written to"),
        (Some(unit), _) => {
            report.ok(ACTIVE, format!("`{}` may be written to", unit.name));
            // A passive one is as it should be.
            let is_odd = |failure: &&Failure| !matches!(failure.what, Trouble::Passive(_));
            for unit in answering() {
                if let Some(failure) = unit.active.as_ref().err().filter(is_odd) {
                    report.warn(ACTIVE, format!("`{}`: {}", unit.name, told(failure)));
                }
            }
        }
        // Those that do not answer have their line already.
        (None, _) => {
            for unit in answering() {
                if let Err(failure) = &unit.active {
                    report.fail(ACTIVE, format!("`{}`: {}", unit.name, told(failure)));
                }
            }
        }
    }
    !active.is_empty()
}

/// What the account may do; and what it has seen, if it may look.
async fn rights(settings: &Settings, firewall: &mut Panos<Https>, report: &mut Report) -> Option<Firewall> {
    report.ok(RIGHT, "`op`");
    let us = account(settings, firewall, report).await;
    if let Err(failure) = firewall.may_read().await {
        if matches!(failure.what, Trouble::RoleLacks(_)) {
            report.fail(RIGHT, format!("`config`: {}", told(&failure)));
        } else {
            report.fail(CONFIGURATION, told(&failure));
        }
        return None;
    }
    let seen = match firewall.observe().await {
        Ok(seen) => seen,
        Err(failure) => {
            report.fail(CONFIGURATION, told(&failure));
            return None;
        }
    };
    let rules = seen.candidate.rules.len();
    report.ok(CONFIGURATION, format!("{rules} security rules in `{}`", settings.firewall.vsys.as_str()));
    locks(firewall, us.as_ref(), report).await;
    pending(&seen.pending, us.as_ref(), report);
    may_write(firewall, report).await;
    match &us {
        Some(us) => may_commit(firewall, &seen, us, report).await,
        None => report.warn(RIGHT, "`commit`: not asked, because it is not known whose changes that would commit"),
    }
    Some(seen)
}

async fn account(settings: &Settings, firewall: &mut Panos<Https>, report: &mut Report) -> Option<AdminName> {
    let told_by_firewall = match firewall.asks_as().await {
        Ok(name) => name,
        Err(failure) => {
            report.fail(ACCOUNT, told(&failure));
            return settings.config.admin.clone();
        }
    };
    match (&settings.config.admin, told_by_firewall) {
        (Some(set), Some(asks)) if *set != asks => {
            report
                .fail(ACCOUNT, format!("the API key is `{asks}`'s, not `{set}`'s: correct or remove `firewall.admin`"));
            Some(asks)
        }
        (_, Some(asks)) => {
            report.ok(ACCOUNT, format!("`{asks}`"));
            Some(asks)
        }
        (Some(set), None) => {
            report.ok(ACCOUNT, format!("`{set}`, as set"));
            Some(set.clone())
        }
        (None, None) => {
            report.fail(ACCOUNT, Trouble::UnknownAdmin);
            None
        }
    }
}

async fn locks(firewall: &mut Panos<Https>, us: Option<&AdminName>, report: &mut Report) {
    match firewall.locks_of_others(us).await {
        Ok(held) if held.is_empty() => report.ok(LOCKS, "none"),
        Ok(held) => held.iter().for_each(|lock| {
            report.warn(LOCKS, format!("{lock}: nothing is written or committed until it is released"));
        }),
        Err(failure) => report.fail(LOCKS, told(&failure)),
    }
}

fn pending(pending: &[Pending], us: Option<&AdminName>, report: &mut Report) {
    const SHOWN: usize = 10;
    let foreign: Vec<_> = pending.iter().filter(|pending| Some(&pending.admin) != us).collect();
    if foreign.is_empty() {
        return report.ok(PENDING, "none of others");
    }
    for pending in foreign.iter().take(SHOWN) {
        report.warn(PENDING, format!("`{}` has not committed work on {}: it is left alone, also where it is on rules of ours, until they commit or revert it", pending.admin, pending.node));
    }
    if let Some(more) = foreign.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        report.warn(PENDING, format!("and {more} more: ask for them to be committed or reverted"));
    }
}

async fn may_write(firewall: &mut Panos<Https>, report: &mut Report) {
    match firewall.may_write().await {
        Ok(()) => {
            report.ok(RIGHT, "`config`");
            report.ok(TRANSACTIONS, "taken");
        }
        // The lock has its line already.
        Err(Failure { what: Trouble::Locked(_), .. }) => {
            report.warn(RIGHT, "`config`: an administrator's lock keeps the question from being answered")
        }
        Err(Failure { what: what @ Trouble::Busy(_), .. }) => later("config", &what, report),
        Err(failure @ Failure { what: Trouble::TooOld(_), .. }) => report.fail(TRANSACTIONS, told(&failure)),
        Err(failure) => report.fail(RIGHT, format!("`config`: {}", told(&failure))),
    }
}

async fn may_commit(firewall: &mut Panos<Https>, seen: &Firewall, us: &AdminName, report: &mut Report) {
    const UNASKED: &str = "`commit`: not asked, because there is work of ours that is not committed yet";
    if seen.unfinished_commit.is_some() {
        return report.ok(RIGHT, UNASKED);
    }
    match firewall.may_commit(us).await {
        Ok(None) => report.ok(RIGHT, UNASKED),
        Ok(Some(Committed::Nothing)) => report.ok(RIGHT, "`commit`"),
        Ok(Some(Committed::Job(job))) => report.warn(
            RIGHT,
            format!("`commit`: a run of ours has changed something in this very moment, and {job} commits it: the next run looks whether it is well"),
        ),
        Err(Failure { what: what @ (Trouble::Locked(_) | Trouble::Busy(_)), .. }) => later("commit", &what, report),
        Err(failure) => report.fail(RIGHT, format!("`commit`: {}", told(&failure))),
    }
}

/// A right that could not be asked about now.
fn later(right: &str, what: &Trouble, report: &mut Report) {
    let what = what.to_string();
    report.warn(RIGHT, format!("`{right}`: {}; ask again later", what.trim_end_matches('.')));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Verdict, panos::checkup::Greeting};

    #[test]
    fn a_unit_that_does_not_say_what_it_is_is_told_beside_the_active_one() {
        let unit = |name: &str, active| {
            let greeting = Greeting { version: "10.2.9".to_owned(), clock: None };
            UnitCheckup { name: name.to_owned(), greeting: Ok(greeting), active }
        };
        let told = |other| {
            let mut report = Report::default();
            assert!(some_unit_is_active(&[unit("fw-a", Err(other)), unit("fw-b", Ok(()))], &mut report));
            let found = report.findings.into_iter().map(|finding| (finding.verdict, finding.says));
            found.collect::<Vec<_>>()
        };
        let active = (Verdict::Ok, "`fw-b` may be written to".to_owned());
        assert_eq!(told(Trouble::Passive("passive".to_owned()).permanent()), std::slice::from_ref(&active));
        let [first, second] = &told(Trouble::NotPanos("a page".to_owned()).permanent())[..] else {
            panic!("two lines")
        };
        assert_eq!((first, second.0), (&active, Verdict::Warning));
        assert!(second.1.starts_with("`fw-a`: "), "{}", second.1);
    }
}
