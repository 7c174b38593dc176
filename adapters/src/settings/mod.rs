//! Settings: a TOML file and the environment, read once into what the core decides by and the adapters connect with.
//!
//! Every setting can come from either, and the environment wins. All that is wrong is said at once.

mod given;
mod keys;
mod reader;
mod value;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use drawbridge_core::{
    change::Direction,
    config::{
        AllowAllEgress, Config, Contradiction, InterfaceScope, Limit, Limits, Mode, RuleDestination, Scope, Timing,
    },
    id::Region,
    never::Never,
    translate::{Applications, IcmpRule, Translation},
};
use reqwest::Url;

use crate::{
    panos::{
        client::Account,
        https::{Host, Units, is_in_the_clear},
        tls::{Fingerprint, Tls},
        xpath::Vsys,
    },
    secret::KeySource,
};

pub use given::SettingsFile;
pub use keys::{ALIASES, FILE_VARIABLE, KEYS, Key, LOG_VARIABLE, Otherwise};
use reader::Reader;
pub(crate) use value::{address, positive_duration, within};
use value::{application, base_url, choice, count, duration, gateway, instance_tag, owner, parsed, port, size};
pub use watch::{NotAQueue, QueueUrl, Source, WatchSettings};

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What decides.
    pub config: Config,
    /// How to reach the firewall.
    pub firewall: FirewallSettings,
    /// How to reach AWS.
    pub aws: AwsSettings,
    /// How `watch` hears of events, and how often it looks without any.
    pub watch: WatchSettings,
}

/// How to reach the firewall. How long to wait for it is in [`Config::timing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallSettings {
    /// Its management interface, or those of a pair.
    pub units: Units,
    /// Where its API key comes from.
    pub key: KeySource,
    /// The virtual system whose rules we keep.
    pub vsys: Vsys,
    /// How its certificate is verified.
    pub tls: Tls,
}

/// What is set for a firewall that nobody asks because its configuration is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// What decides.
    pub config: Config,
    /// The virtual system whose rules we keep.
    pub vsys: Vsys,
    /// How to reach AWS, if that is asked.
    pub aws: AwsSettings,
}

/// How to reach AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSettings {
    /// The region, unless the SDK's own sources shall say.
    pub region: Option<Region>,
    /// Another endpoint than AWS's own; the SDK's `AWS_ENDPOINT_URL` says the same.
    pub endpoint_url: Option<String>,
    /// The largest log file, unpacked.
    pub log_size_max: u64,
}

impl AwsSettings {
    /// Whether whoever stands between can read and change what AWS is asked and answers, as the endpoint is set.
    pub fn is_in_the_clear(&self) -> bool {
        let url = self.endpoint_url.as_deref().and_then(|url| url.parse::<Url>().ok());
        url.is_some_and(|url| is_in_the_clear(&url))
    }
}

/// Every setting with its variable, its meaning and what holds without it.
pub fn listing() -> String {
    let entry = |key: &Key| format!("{} ({})\n    {}; {}\n", key.name, key.variable(), key.meaning, key.otherwise);
    KEYS.iter().map(entry).collect()
}

/// One thing that is wrong, on one line: which setting, where it came from, what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Settings that cannot be used: everything that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid(pub Vec<Problem>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl Settings {
    /// Whose rules they are, and where they stand.
    pub fn account(&self) -> Account {
        Account { vsys: self.firewall.vsys.clone(), admin: self.config.admin.clone(), owner: self.config.owner.clone() }
    }

    /// Reads file and environment.
    ///
    /// # Errors
    /// Everything that is missing, misspelt, unreadable or contradictory, at once.
    pub fn read(file: Option<SettingsFile<'_>>, environment: &BTreeMap<String, String>) -> Result<Self, Invalid> {
        read(file, environment, Reader::settings)
    }
}

impl FileSettings {
    /// Reads file and environment. How to reach the firewall may be left out; what is given of it must make sense.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn read(file: Option<SettingsFile<'_>>, environment: &BTreeMap<String, String>) -> Result<Self, Invalid> {
        read(file, environment, Reader::file_settings)
    }
}

fn read<T>(
    file: Option<SettingsFile<'_>>,
    environment: &BTreeMap<String, String>,
    ask: fn(&mut Reader) -> Option<T>,
) -> Result<T, Invalid> {
    let mut reader = Reader::new(file, environment)?;
    match (ask(&mut reader), reader.problems()) {
        (Some(settings), problems) if problems.is_empty() => Ok(settings),
        (_, problems) => Err(Invalid(problems)),
    }
}

const MODES: &[(&str, Mode)] = &[("observe", Mode::Observe), ("add-only", Mode::AddOnly), ("sync", Mode::Sync)];
const APPLICATIONS: &[(&str, Applications)] = &[("identified", Applications::Identified), ("any", Applications::Any)];
const ICMP: &[(&str, IcmpRule)] = &[("exact", IcmpRule::Exact), ("all", IcmpRule::All)];
const INTERFACES: &[(&str, InterfaceScope)] = &[("instances", InterfaceScope::Instances), ("all", InterfaceScope::All)];
const DIRECTIONS: &[(&str, Direction)] = &[("ingress", Direction::Ingress), ("egress", Direction::Egress)];
const ALLOW_ALL_EGRESS: &[(&str, AllowAllEgress)] =
    &[("true", AllowAllEgress::Written), ("false", AllowAllEgress::LeftOut)];
const DESTINATIONS: &[(&str, RuleDestination)] =
    &[("instance", RuleDestination::Instance), ("nat", RuleDestination::Nat)];
const BOOLEANS: &[(&str, bool)] = &[("true", true), ("false", false)];

impl Reader {
    fn settings(&mut self) -> Option<Settings> {
        let (config, firewall, aws, watch) = (self.config(), self.firewall(), self.aws(), self.watch());
        Some(Settings { config: config?, firewall: firewall?, aws: aws?, watch: watch? })
    }

    fn file_settings(&mut self) -> Option<FileSettings> {
        let config = self.config();
        let units = if self.has("firewall.hostname") { self.units() } else { None };
        let (key, tls) = (self.key(), self.tls());
        let vsys = self.one("firewall.vsys", parsed);
        let aws = self.aws();
        let _ = (units, key?, tls?, self.watch()?);
        Some(FileSettings { config: config?, vsys: vsys?, aws: aws? })
    }

    fn config(&mut self) -> Option<Config> {
        let owner = self.one("policy.owner", owner);
        let admin = self.maybe("firewall.admin", parsed);
        let mode = self.one("mode", choice(MODES));
        let bottom_rule = self.one("policy.bottom_rule", parsed);
        let untrust = self.one("policy.untrust_zone", parsed);
        let trust = self.one("policy.trust_zone", parsed);
        let profile_group = self.maybe("policy.security_profile_group", parsed);
        let log_setting = self.maybe("policy.log_setting", parsed);
        let gateways = self.list("gateways", gateway);
        let gateways = gateways.map(|gateways| gateways.into_iter().collect());
        let contradictions = [
            gateways.as_ref().and_then(Contradiction::of_gateways),
            bottom_rule.as_ref().and_then(Contradiction::of_bottom_rule),
        ];
        contradictions.into_iter().flatten().for_each(|found| self.note(found.to_string()));
        let firewall_instances = self.list("firewall.instances", parsed);
        let never_open: Option<Vec<Never>> = self.list("never_open", parsed);
        let internal = self.list("internal_cidrs", parsed);
        let interfaces = self.one("interfaces", choice(INTERFACES));
        let scope = self.scope();
        let directions = self.directions();
        let allow_all_egress = self.one("egress_allow_all", choice(ALLOW_ALL_EGRESS));
        let destination = self.one("destination", choice(DESTINATIONS));
        let (translation, limits, timing) = (self.translation(), self.limits(), self.timing());
        Some(Config {
            owner: owner?,
            admin: admin?,
            mode: mode?,
            bottom_rule: bottom_rule?,
            untrust: untrust?,
            trust: trust?,
            profile_group: profile_group?,
            log_setting: log_setting?,
            gateways: gateways?,
            firewall_instances: firewall_instances?.into_iter().collect(),
            internal: internal?.into_iter().collect(),
            interfaces: interfaces?,
            scope: scope?,
            directions: directions?,
            allow_all_egress: allow_all_egress?,
            destination: destination?,
            never_open: never_open?.into_iter().collect(),
            translation: translation?,
            limits: limits?,
            timing: timing?,
        })
    }

    fn scope(&mut self) -> Option<Scope> {
        let vpcs = self.list("scope.vpcs", parsed);
        let subnets = self.list("scope.subnets", parsed);
        let instance_tags = self.list("scope.instance_tags", instance_tag);
        Some(Scope {
            vpcs: vpcs?.into_iter().collect(),
            subnets: subnets?.into_iter().collect(),
            instance_tags: instance_tags?.into_iter().collect(),
        })
    }

    /// Without any direction nothing would be wanted, and everything of ours would be removed.
    fn directions(&mut self) -> Option<BTreeSet<Direction>> {
        let given: BTreeSet<_> = self.list("directions", choice(DIRECTIONS))?.into_iter().collect();
        if given.is_empty() { Some(BTreeSet::from([Direction::Ingress])) } else { Some(given) }
    }

    fn translation(&mut self) -> Option<Translation> {
        let applications = self.one("policy.applications", choice(APPLICATIONS));
        let icmp = self.one("policy.icmp", choice(ICMP));
        let services = self.pairs("services", port, application);
        let mut table = Translation::default().table;
        for (port, application) in services? {
            match application {
                Some(name) => table.insert(port, name),
                None => table.remove(&port),
            };
        }
        Some(Translation { applications: applications?, icmp: icmp?, table })
    }

    fn limits(&mut self) -> Option<Limits> {
        let mut limit = |number, percent| (self.one(number, count), self.maybe(percent, count));
        let additions = limit("limits.additions", "limits.additions_percent");
        let removals = limit("limits.removals", "limits.removals_percent");
        Some(Limits {
            additions: Limit { number: additions.0?, percent: additions.1? },
            removals: Limit { number: removals.0?, percent: removals.1? },
        })
    }

    fn timing(&mut self) -> Option<Timing> {
        let settle = self.one("timing.settle", duration);
        let confirm_empty = self.one("timing.confirm_empty", duration);
        let poll = self.one("timing.poll", positive_duration);
        let reserve = self.one("timing.reserve", duration);
        let read = self.one("timing.read", positive_duration);
        let write = self.one("timing.write", positive_duration);
        Some(Timing {
            settle: settle?,
            confirm_empty: confirm_empty?,
            poll: poll?,
            reserve: reserve?,
            read: read?,
            write: write?,
            ..Timing::default()
        })
    }

    fn firewall(&mut self) -> Option<FirewallSettings> {
        let units = self.units();
        let (key, tls) = (self.required_key(), self.tls());
        let vsys = self.one("firewall.vsys", parsed);
        Some(FirewallSettings { units: units?, key: key?, vsys: vsys?, tls: tls? })
    }

    fn units(&mut self) -> Option<Units> {
        let hosts: Vec<Host> = self.list("firewall.hostname", parsed)?;
        Units::of(hosts).map_err(|wrong| self.note(format!("`firewall.hostname`: {wrong}"))).ok()
    }

    fn required_key(&mut self) -> Option<KeySource> {
        let source = self.key()?;
        if source.is_none() {
            self.note(
                "no API key is given: set one of `firewall.api_key_secret_arn`, `firewall.api_key_file` and \
                 `firewall.api_key` (`PANOS_API_KEY`)",
            );
        }
        source
    }

    fn key(&mut self) -> Option<Option<KeySource>> {
        self.at_most_one(&["firewall.api_key", "firewall.api_key_secret_arn", "firewall.api_key_file"])?;
        let key = self.maybe("firewall.api_key", |text| parsed(text).map(KeySource::Given));
        let secret = self.maybe("firewall.api_key_secret_arn", |text| parsed(text).map(KeySource::Secret));
        let file = self.maybe("firewall.api_key_file", |text| Ok(KeySource::File(text.into())));
        Some(key?.or(secret?).or(file?))
    }

    fn tls(&mut self) -> Option<Tls> {
        let ca_file = self.maybe("firewall.ca_file", |text| Ok(Tls::CaFile(text.into())));
        let fingerprints: Option<Vec<Fingerprint>> = self.list("firewall.fingerprint", parsed);
        let verify = self.one("firewall.verify", choice(BOOLEANS))?;
        let sources = ["firewall.ca_file", "firewall.fingerprint", "firewall.verify"];
        self.at_most_one(if verify { &sources[..2] } else { &sources })?;
        let pinned = Some(fingerprints?).filter(|pinned| !pinned.is_empty()).map(Tls::Fingerprints);
        if verify { Some(ca_file?.or(pinned).unwrap_or(Tls::SystemRoots)) } else { Some(Tls::Unverified) }
    }

    fn aws(&mut self) -> Option<AwsSettings> {
        let region = self.maybe("aws.region", parsed);
        let endpoint_url = self.maybe("aws.endpoint_url", base_url);
        let log_size_max = self.one("aws.log_size_max", size);
        Some(AwsSettings { region: region?, endpoint_url: endpoint_url?, log_size_max: log_size_max? })
    }
}

#[cfg(test)]
mod tests;
