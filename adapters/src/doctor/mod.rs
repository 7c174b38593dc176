//! Whether a deployment can do its work: everything that must be so is looked at, each with what to do where it is not.
//! Nothing is changed by it: AWS is asked with dry runs, and what is written to the firewall alters nothing.

mod clock;
mod cloud;
mod device;
mod events;
mod gateways;
mod policy;
mod scope;

use std::{fmt, path::Path};

use drawbridge_core::command::{Failure, Trouble};

use crate::{
    deployment,
    live::NotReady,
    settings::{Settings, Source},
};

/// How much is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing.
    Ok,
    /// Drawbridge works, but not as well as it could, or somebody else is in its way.
    Warning,
    /// It cannot do its work.
    Failure,
}

/// `ok`, `warning`, `failure`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in two or three words.
    pub check: &'static str,
    /// How much is wrong with it.
    pub verdict: Verdict,
    /// What was found, and the remedy where something is wrong.
    pub says: String,
}

/// Everything that was looked at, in the order in which one thing rests on another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A line each.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of it.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, says: impl fmt::Display) {
        let says = says.to_string();
        tracing::info!(%verdict, "{check}: {says}");
        self.findings.push(Finding { check, verdict, says });
    }

    fn ok(&mut self, check: &'static str, says: impl fmt::Display) {
        self.add(check, Verdict::Ok, says);
    }

    fn warn(&mut self, check: &'static str, says: impl fmt::Display) {
        self.add(check, Verdict::Warning, says);
    }

    fn fail(&mut self, check: &'static str, says: impl fmt::Display) {
        self.add(check, Verdict::Failure, says);
    }

    /// Whether something is said already.
    fn has(&self, says: &str) -> bool {
        self.findings.iter().any(|finding| finding.says == says)
    }

    /// Names those of the checks that nothing was found out about, because something that they rest on failed.
    fn tell_skipped(&mut self, checks: &[&'static str]) {
        let is_skipped = |check: &&&str| self.findings.iter().all(|finding| finding.check != **check);
        let skipped: Vec<_> = checks.iter().filter(is_skipped).copied().collect();
        if !skipped.is_empty() {
            self.warn(SKIPPED, format!("{}: put right what has failed, and ask again", skipped.join(", ")));
        }
    }
}

/// What could not be looked at has a line of its own: nobody shall think that it is well.
const SKIPPED: &str = "not looked at";

/// Examines a deployment.
pub async fn examine(file: Option<&Path>, source: Option<Source>) -> Report {
    let mut report = Report::default();
    let mut settings = match deployment::settings(file, Settings::read) {
        Ok(settings) => settings,
        Err(NotReady(why)) => {
            // The first line only says that there are more.
            let lines: Vec<_> = why.lines().collect();
            let problems = if lines.len() > 1 { &lines[1..] } else { &lines };
            problems.iter().for_each(|problem| report.fail("settings", problem.trim()));
            return report;
        }
    };
    if source.is_some() {
        settings.watch.source = source;
    }
    report.ok("settings", "complete");
    let sdk = deployment::sdk(&settings).await;
    let inventory = cloud::check(&settings, &sdk, &mut report).await;
    let firewall = device::check(&settings, &sdk, &mut report).await;
    if let Some(firewall) = &firewall {
        policy::check(&settings.config, firewall, &mut report);
    }
    if let Some(inventory) = &inventory {
        gateways::check(&settings.config, inventory, &mut report);
        scope::check(&settings.config, inventory, &mut report);
    }
    if let (Some(inventory), Some(firewall)) = (&inventory, &firewall) {
        policy::check_together(&settings.config, inventory, firewall, &mut report);
    }
    let account = inventory.as_ref().and_then(|inventory| inventory.account.clone());
    events::check(&settings, &sdk, account, &mut report).await;
    report.tell_skipped(&resting_on(inventory.is_none(), firewall.is_none()));
    report
}

/// What cannot be looked at, or not all of it, where one side or the other was not seen.
fn resting_on(aws_unseen: bool, firewall_unseen: bool) -> Vec<&'static str> {
    let aws = cloud::CHECKS.iter().chain(&[gateways::GATEWAY]).filter(|_| aws_unseen);
    let firewall = device::CHECKS.iter().chain(policy::CHECKS).filter(|_| firewall_unseen);
    let both = [policy::DECISION].into_iter().filter(|_| aws_unseen || firewall_unseen);
    aws.chain(firewall).copied().chain(both).collect()
}

/// What went wrong, with what to do about a right that is lacking.
fn told(failure: &Failure) -> String {
    let what = failure.what.to_string();
    match failure.what.remedy().filter(|_| matches!(failure.what, Trouble::RoleLacks(_))) {
        Some(remedy) => format!("{}: {remedy}", what.trim_end_matches('.')),
        None => what,
    }
}
