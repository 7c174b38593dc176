//! What the settings say about the firewall, beside what the firewall has.

use std::fmt::Display;

use drawbridge_core::{
    config::{Config, Mode},
    firewall::{Configuration, FailedCommit, Firewall, Place},
    inventory::Inventory,
    rulebase::{Named, Rulebase, Unfit, Which},
};

use super::Report;

const BOTTOM: &str = "bottom rule";
const ZONE: &str = "zone";
const PROFILES: &str = "profile group";
const LOGGING: &str = "log forwarding";
const COMMITS: &str = "commits";
pub(super) const DECISION: &str = "decision";

/// What is looked at in what the firewall has, in this order.
pub(super) const CHECKS: &[&str] = &[BOTTOM, ZONE, PROFILES, LOGGING, COMMITS];

/// Everything that a rule of ours refers to is there.
pub(super) fn check(config: &Config, firewall: &Firewall, report: &mut Report) {
    bottom_rule(config, firewall, report);
    for zone in [&config.untrust, &config.trust] {
        is_there(ZONE, zone, Named::Zone(zone.clone()), firewall, report);
    }
    match &config.profile_group {
        None => report.ok(PROFILES, "none is set"),
        Some(group) => is_there(PROFILES, group, Named::ProfileGroup(group.clone()), firewall, report),
    }
    match &config.log_setting {
        None => report.ok(LOGGING, "none is set"),
        Some(profile) => is_there(LOGGING, profile, Named::LogSetting(profile.clone()), firewall, report),
    }
    commits(config, firewall, report);
}

fn is_there(check: &'static str, name: &impl Display, named: Named, firewall: &Firewall, report: &mut Report) {
    match named.check(firewall) {
        Ok(()) => report.ok(check, format!("`{name}`")),
        Err(unfit) => report.fail(check, unfit),
    }
}

fn bottom_rule(config: &Config, firewall: &Firewall, report: &mut Report) {
    let is_there = |held: &Configuration| {
        held.rules.iter().any(|rule| rule.place == Place::Local && rule.name == config.bottom_rule)
    };
    let missing: Vec<_> = [(Which::Candidate, &firewall.candidate), (Which::Running, &firewall.running)]
        .into_iter()
        .filter(|(_, held)| !is_there(held))
        .map(|(which, held)| Unfit::no_bottom_rule(held, &config.bottom_rule, which))
        .collect();
    match missing.first() {
        None => report.ok(BOTTOM, format!("`{}`", config.bottom_rule)),
        Some(missing) => report.fail(BOTTOM, missing),
    }
}

/// A failed commit is news as long as it keeps a run from trying the same again.
fn commits(config: &Config, firewall: &Firewall, report: &mut Report) {
    if let Some(job) = firewall.unfinished_commit {
        report.ok(COMMITS, format!("{job} of ours is under way"));
    }
    let failed: Vec<_> =
        firewall.failed_commits.iter().filter(|failed| failed.age < config.timing.failed_commit).collect();
    for FailedCommit { age, lines, .. } in &failed {
        let says = format!("a commit of ours failed {} min ago", age.as_secs() / 60);
        match lines.as_slice() {
            // What it has no words for, the firewall may have logged.
            [] => report.warn(
                COMMITS,
                format!("{says}, and its job tells no reason: look at Tasks and Monitor > Logs > System"),
            ),
            lines => report.warn(COMMITS, format!("{says}, mend what it says: {}", lines.join(" / "))),
        }
    }
    if firewall.unfinished_commit.is_none() && failed.is_empty() {
        report.ok(COMMITS, "none of ours is under way, none has failed");
    }
}

/// Whether a run could decide. What keeps it from that may have its line already.
pub(super) fn check_together(config: &Config, inventory: &Inventory, firewall: &Firewall, report: &mut Report) {
    let read = Rulebase::read(firewall, config).and_then(|read| read.of_this_account(inventory, config));
    match read {
        Ok(rulebase) => {
            let ours = rulebase.candidate.owned().count();
            let mode = match config.mode {
                Mode::Observe => "; `mode = \"observe\"` changes nothing",
                Mode::AddOnly => "; `mode = \"add-only\"` never removes",
                Mode::Sync => "",
            };
            report.ok(DECISION, format!("a run can decide; ours are {ours} rules{mode}"));
        }
        Err(unfit) if report.has(&unfit.to_string()) => {}
        Err(unfit) => report.fail(DECISION, unfit),
    }
}
