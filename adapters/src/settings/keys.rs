//! Every setting: its name, its variable, what it means and what holds without it.

use std::fmt;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As in the file: section and name.
    pub name: &'static str,
    /// What it decides, in one line.
    pub meaning: &'static str,
    /// What holds where it is not given.
    pub otherwise: Otherwise,
}

/// What holds where a setting is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Nothing can: it must be given.
    Required,
    /// It does not apply; the text says what that means.
    Unset(&'static str),
    /// This value, as one would write it.
    Default(&'static str),
}

use Otherwise::{Default, Required, Unset};

/// All settings, in the order in which people think of them.
pub const KEYS: &[Key] = &[
    key("mode", "how far a run may go: `observe`, `add-only` or `sync`", Required),
    key(
        "gateways",
        "ids of the instances, interfaces, GWLB endpoints or transit gateways that stand for the firewall",
        Required,
    ),
    key(
        "firewall.hostname",
        "the management interface, as `host` or `host:port`; of a high-availability pair a list of both",
        Required,
    ),
    key(
        "firewall.api_key",
        "the API key; better kept in a secret or a file",
        Unset("one of the three sources of the key must be given"),
    ),
    key(
        "firewall.api_key_secret_arn",
        "the secret of AWS Secrets Manager that holds the API key",
        Unset("see `firewall.api_key`"),
    ),
    key("firewall.api_key_file", "the file that holds the API key", Unset("see `firewall.api_key`")),
    key("firewall.admin", "the account of the API key", Unset("the firewall is asked")),
    key("firewall.vsys", "the virtual system", Default("vsys1")),
    key(
        "firewall.ca_file",
        "PEM file of the authorities that may vouch for the firewall",
        Unset("those of the system"),
    ),
    key(
        "firewall.fingerprint",
        "SHA-256 fingerprint of the one certificate to accept, or a list of them: the units of a pair have one each",
        Unset("no certificate is pinned"),
    ),
    key("firewall.verify", "`false` accepts any certificate, and so any impostor", Default("true")),
    key(
        "firewall.instances",
        "the firewall's own instances, where `gateways` does not name them",
        Unset("those that `gateways` names"),
    ),
    key("policy.owner", "the tag that marks our rules, unique per deployment and firewall", Required),
    key("policy.bottom_rule", "the administrator's rule above which ours stand", Required),
    key("policy.untrust_zone", "the zone of the internet", Required),
    key("policy.trust_zone", "the zone of the instances", Required),
    key("policy.security_profile_group", "the security profile group of our rules", Unset("none")),
    key("policy.log_setting", "the log forwarding profile of new rules", Unset("none")),
    key(
        "policy.applications",
        "`identified` names the application expected on a known port, `any` never does",
        Default("identified"),
    ),
    key("policy.icmp", "`exact`, or `all`: any ICMP permission opens `icmp` and `ping`", Default("exact")),
    key(
        "services",
        "the application expected on a port, as `\"tcp/8443\" = \"ssl\"`; `any` for none",
        Unset("the built-in table alone"),
    ),
    key("interfaces", "`instances`, or `all`: interfaces without an instance count too", Default("instances")),
    key("scope.vpcs", "the VPCs whose interfaces count", Unset("all")),
    key("scope.subnets", "the subnets whose interfaces count", Unset("all")),
    key(
        "scope.instance_tags",
        "only instances with one of these tags count, as `key=value` or `key`",
        Unset("all instances"),
    ),
    key(
        "directions",
        "which permissions become rules: `ingress`, and `egress` for rules from trust to untrust",
        Unset("`ingress` alone"),
    ),
    key(
        "egress_allow_all",
        "`true` writes rules for permissions that let everything out, AWS's default, too",
        Default("false"),
    ),
    key(
        "destination",
        "the address in our rules: `instance`, or `nat`: the original one of NAT rules that lead to the instance",
        Default("instance"),
    ),
    key(
        "never_open",
        "ports and peers that are never opened whatever a group says, as `tcp/22`, `udp/6000-6063` or `203.0.113.0/24`",
        Unset("groups decide"),
    ),
    key("internal_cidrs", "networks that count as inside besides the VPC's own", Unset("none")),
    key("limits.additions", "rules that a run may add", Default("1000")),
    key(
        "limits.additions_percent",
        "the same, in per cent of our rules (above 10 changes)",
        Unset("only the number counts"),
    ),
    key("limits.removals", "rules that a run may remove or shrink", Default("1000")),
    key("limits.removals_percent", "the same, in per cent of our rules (above 10 changes)", Default("50")),
    key("timing.settle", "wait after an event, so that a burst is one look", Default("5s")),
    key("timing.confirm_empty", "wait before believing that nothing is exposed any more", Default("30s")),
    key("timing.poll", "wait between two questions about a commit", Default("3s")),
    key("timing.reserve", "with less time left than this nothing is begun", Default("20s")),
    key("timing.read", "one read may take this long", Default("1m")),
    key("timing.write", "one write may take this long", Default("2m")),
    key("aws.region", "the region of the instances", Unset("`AWS_REGION`, or the profile's")),
    key("aws.endpoint_url", "another endpoint than AWS's own", Unset("AWS's, or `AWS_ENDPOINT_URL`")),
    key("aws.log_size_max", "the largest log file, unpacked, as bytes or `256MiB`", Default("256MiB")),
    key("watch.queue_url", "the SQS queue that `watch` takes messages from", Unset("no queue is asked")),
    key("watch.bucket", "the bucket of a trail that `watch` lists instead", Unset("no bucket is listed")),
    key("watch.prefix", "what stands before `AWSLogs/` in the keys of that trail", Unset("nothing does")),
    key("watch.every", "`watch` looks this often although nothing has happened", Default("5m")),
    key(
        "watch.metrics_addr",
        "where `watch` serves metrics for Prometheus, as `127.0.0.1:9464`",
        Unset("they are not served"),
    ),
];

/// Variables of other names that mean a setting, because that is what people call them.
pub const ALIASES: &[(&str, &str)] = &[
    ("PANOS_HOSTNAME", "firewall.hostname"),
    ("PANOS_API_KEY", "firewall.api_key"),
    ("PANOS_API_KEY_SECRET_ARN", "firewall.api_key_secret_arn"),
];

/// What the names of variables begin with.
pub(super) const PREFIX: &str = "DRAWBRIDGE_";

/// The variable that names the settings file. It is no setting itself.
pub const FILE_VARIABLE: &str = "DRAWBRIDGE_CONFIG";

/// The variable that chooses which log lines to show. It is no setting either.
pub const LOG_VARIABLE: &str = "DRAWBRIDGE_LOG";

const fn key(name: &'static str, meaning: &'static str, otherwise: Otherwise) -> Key {
    Key { name, meaning, otherwise }
}

impl Key {
    /// The key of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The variable that gives it: `DRAWBRIDGE_POLICY_OWNER`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// `required`, `default 5s`.
impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Required => f.write_str("required"),
            Unset(meaning) => write!(f, "otherwise {meaning}"),
            Default(value) => write!(f, "default `{value}`"),
        }
    }
}

/// The candidate that was probably meant: one that ends alike (the section was forgotten), else the one with the fewest
/// letters to change.
pub(super) fn meant<'c>(text: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> Option<&'c str> {
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    candidates.clone().find(|name| last(name) == last(text)).or_else(|| {
        let near = candidates.map(|name| (distance(text, name), name)).min()?;
        (near.0 <= 1 + text.len() / 5).then_some(near.1)
    })
}

/// How many letters to insert, remove or replace to make `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        let mut names: Vec<_> =
            KEYS.iter().map(Key::variable).chain([FILE_VARIABLE.into(), LOG_VARIABLE.into()]).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), KEYS.len() + 2);
        assert!(ALIASES.iter().all(|(_, name)| Key::find(name).is_some()));
    }

    #[test]
    fn slips_find_what_was_meant() {
        let meant = |text| meant(text, KEYS.iter().map(|key| key.name));
        assert_eq!(meant("policy.botom_rule"), Some("policy.bottom_rule"));
        assert_eq!(meant("bottom_rule"), Some("policy.bottom_rule"));
        assert_eq!(meant("gateway"), Some("gateways"));
        assert_eq!(meant("weather"), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "ab"), distance("ab", "")), (3, 2, 2));
    }
}
