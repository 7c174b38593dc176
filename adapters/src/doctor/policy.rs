//! What the settings say about the firewall, beside what the firewall has.

use drawbridge_core::{
    config::{Config, Mode},
    firewall::{Configuration, Firewall, Place},
    inventory::Inventory,
    rulebase::{Rulebase, Unfit, Which},
};

use super::Report;

const BOTTOM: &str = "bottom rule";
const ZONE: &str = "zone";
const PROFILES: &str = "profile group";
const LOGGING: &str = "log forwarding";
const DECISION: &str = "decision";
const COMMITS: &str = "commits";

/// Everything that a rule of ours refers to is there.
pub(super) fn check(config: &Config, firewall: &Firewall, report: &mut Report) {
    bottom_rule(config, firewall, report);
    let candidate = &firewall.candidate;
    for zone in [&config.untrust, &config.trust] {
        match candidate.zones.contains(zone) {
            true => report.ok(ZONE, format!("`{zone}`")),
            false => report.fail(ZONE, Unfit::NoZone(zone.clone())),
        }
    }
    match &config.profile_group {
        None => report.ok(PROFILES, "none is set"),
        Some(group) if candidate.profile_groups.contains(group) => report.ok(PROFILES, format!("`{group}`")),
        Some(group) => report.fail(PROFILES, Unfit::NoProfileGroup(group.clone())),
    }
    match &config.log_setting {
        None => report.ok(LOGGING, "none is set"),
        Some(profile) if candidate.log_settings.contains(profile) => report.ok(LOGGING, format!("`{profile}`")),
        Some(profile) => report.fail(LOGGING, Unfit::NoLogSetting(profile.clone())),
    }
    commits(firewall, report);
}

fn bottom_rule(config: &Config, firewall: &Firewall, report: &mut Report) {
    let is_there = |held: &Configuration| {
        held.rules.iter().any(|rule| rule.place == Place::Local && rule.name == config.bottom_rule)
    };
    let missing: Vec<_> = [(Which::Candidate, &firewall.candidate), (Which::Running, &firewall.running)]
        .into_iter()
        .filter(|(_, held)| !is_there(held))
        .map(|(which, _)| Unfit::NoBottomRule(config.bottom_rule.clone(), which))
        .collect();
    match missing.first() {
        None => report.ok(BOTTOM, format!("`{}`", config.bottom_rule)),
        Some(missing) => report.fail(BOTTOM, missing),
    }
}

fn commits(firewall: &Firewall, report: &mut Report) {
    if let Some(job) = firewall.unfinished_commit {
        report.ok(COMMITS, format!("{job} of ours is under way"));
    }
    for failed in &firewall.failed_commits {
        let minutes = failed.age.as_secs() / 60;
        report.warn(
            COMMITS,
            format!(
                "a commit of ours failed {minutes} min ago: look at the job's details, or at the outcome of that run"
            ),
        );
    }
    if firewall.unfinished_commit.is_none() && firewall.failed_commits.is_empty() {
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
            report.ok(DECISION, format!("a run can decide; {ours} rules are ours{mode}"));
        }
        Err(unfit) if report.has(&unfit.to_string()) => {}
        Err(unfit) => report.fail(DECISION, unfit),
    }
}
