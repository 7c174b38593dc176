//! What is there when a story begins.

use std::collections::BTreeSet;

use super::{
    dice::Dice,
    networks::{self, SecondVpc},
    settings::settings,
    story::Story,
    translations,
};

/// How large a world is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) instances: usize,
    pub(super) groups: usize,
    pub(super) rules: usize,
    /// Another VPC behind the firewall.
    pub(super) second_vpc: Option<SecondVpc>,
    /// Whether instances have IPv6 addresses.
    pub(super) ipv6: bool,
    /// Whether the firewall has NAT rules.
    pub(super) nat: bool,
}

impl Size {
    /// About 10 instances, 5 groups and 20 rules; a few worlds are much larger.
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let times = if dice.one_in(200) { 10 } else { 1 };
        Self {
            instances: dice.between(3, 16) * times,
            groups: dice.between(2, 7) * times,
            rules: dice.between(2, 36) * times,
            second_vpc: SecondVpc::drawn(dice),
            ipv6: dice.one_in(8),
            nat: dice.one_in(8),
        }
    }

    /// Whether the default world has all the networks that it needs.
    pub(super) fn is_plain(self) -> bool {
        self.second_vpc.is_none() && !self.ipv6
    }

    /// The groups of both VPCs.
    pub(super) fn all_groups(self) -> usize {
        if self.second_vpc.is_some() { self.groups + 2 } else { self.groups }
    }

    /// What says in which subnet an instance is, where its address does not.
    pub(super) fn in_subnet(self, instance: usize) -> &'static str {
        match address(instance).starts_with("10.0.2.") {
            _ if self.is_plain() => "",
            true => " in subnet-2",
            false => " in subnet-1",
        }
    }

    /// What says that something is in the first VPC, where there are more.
    pub(super) fn of_first_vpc(self) -> &'static str {
        if self.is_plain() { "" } else { " in vpc-1" }
    }
}

pub(super) const TRAFFIC: &[&str] = &[
    "tcp/443",
    "tcp/80",
    "tcp/22",
    "tcp/8443",
    "tcp/8000-8010",
    "udp/53",
    "tcp/53",
    "udp/5000-5010",
    "icmp",
    "icmp/8",
    "icmpv6",
    "all",
    "ip/47",
    "tcp/3389",
    "tcp/25",
    "tcp/0-65535",
];

const PEERS: &[&str] = &[
    "0.0.0.0/0",
    "0.0.0.0/0",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "203.0.113.7/32",
    "192.0.2.0/25",
    "10.0.0.0/16",
    "172.16.0.0/12",
    "pl-1",
    "pl-6",
    "::/0",
    "2001:db8:7::/48",
];

/// One permission of a group, with one or two peers.
pub(super) fn permission(dice: &mut Dice, groups: usize) -> String {
    let traffic = dice.pick(TRAFFIC);
    let mut peers = BTreeSet::new();
    for _ in 0..=usize::from(dice.one_in(4)) {
        peers.insert(if dice.one_in(10) { group(dice, groups) } else { dice.pick(PEERS).to_owned() });
    }
    let peers: Vec<_> = peers.into_iter().collect();
    format!("{traffic} from {}", peers.join(", "))
}

pub(super) fn group(dice: &mut Dice, groups: usize) -> String {
    format!("sg-{}", dice.between(1, groups))
}

/// One or two groups.
pub(super) fn groups(dice: &mut Dice, groups: usize) -> String {
    let mut drawn = BTreeSet::from([group(dice, groups)]);
    if dice.one_in(3) {
        drawn.insert(group(dice, groups));
    }
    drawn.into_iter().collect::<Vec<_>>().join(", ")
}

/// The address of an instance: those of every tenth subnet stand behind another gateway.
pub(super) fn address(instance: usize) -> String {
    format!("10.0.{}.{}", if instance % 9 == 8 { 2 } else { 1 }, 10 + instance)
}

pub(super) fn setup(dice: &mut Dice, size: Size) -> Story {
    Story {
        cloud: cloud(dice, size),
        firewall: firewall(dice, size),
        settings: settings(dice, size),
        deeds: Vec::new(),
    }
}

fn cloud(dice: &mut Dice, size: Size) -> Vec<String> {
    let mut lines = networks::networks(size);
    lines.push("prefix-list pl-1 203.0.113.0/25, 198.51.100.128/25".to_owned());
    lines.push("prefix-list pl-6 2001:db8:7::/49".to_owned());
    if dice.one_in(3) {
        lines.push(format!("states take {}", dice.pick(&["2s", "30s", "2m"])));
    }
    // Only by wire do lists come in pages.
    if dice.one_in(3) {
        lines.push(format!("page-size {}", dice.between(1, 5)));
    }
    for n in 1..=size.groups {
        let mut traffic = BTreeSet::new();
        let drawn: Vec<_> = (0..dice.between(0, 3)).map(|_| permission(dice, size.groups)).collect();
        let once =
            drawn.into_iter().filter(|permission| traffic.insert(permission.split(' ').next().map(str::to_owned)));
        let once: Vec<_> = once.collect();
        lines.push(format!("sg sg-{n}{}", size.of_first_vpc()));
        if !once.is_empty() {
            lines.push(format!("sg sg-{n} allow {}", once.join("; ")));
        }
    }
    for n in 1..=size.instances {
        let state = if dice.one_in(3) { "stopped" } else { "running" };
        let more = if size.ipv6 && dice.one_in(2) { format!(", {}", networks::ipv6(n)) } else { String::new() };
        let (groups, subnet) = (groups(dice, size.groups), size.in_subnet(n));
        lines.push(format!("instance i-{n} {}{more} {groups}{subnet} {state}", address(n)));
    }
    lines.extend(networks::second(dice, size));
    if dice.one_in(6) {
        lines.push(format!("interface eni-more 10.0.1.250 {} of i-1{}", groups(dice, size.groups), size.in_subnet(1)));
    }
    if dice.one_in(6) {
        lines.push(format!("interface eni-alone 10.0.1.251 {}{}", groups(dice, size.groups), size.in_subnet(1)));
    }
    lines
}

fn firewall(dice: &mut Dice, size: Size) -> Vec<String> {
    let mut lines = vec!["admin alice".to_owned(), "admin bob".to_owned(), "tag theirs".to_owned()];
    lines.extend(["profile-group strict", "profile-group lax", "log-setting fwd"].map(str::to_owned));
    if dice.one_in(6) {
        lines.push("ha pair".to_owned());
    }
    if dice.one_in(4) {
        lines.push(format!("commit takes {}", dice.pick(&["1s", "20s", "70s"])));
    }
    if dice.one_in(8) {
        lines.push("service tcp_8443 tcp/8444".to_owned());
    }
    if dice.one_in(2) {
        lines.push("tag drawbridge".to_owned());
        let mut names = BTreeSet::new();
        for _ in 0..dice.between(0, 4) {
            let name = own_name(dice, size);
            if names.insert(name.clone()) {
                lines.push(format!("rule {name} {}", own_rule(dice, size)));
            }
        }
    }
    lines.extend(translations::rules(dice, size));
    let above = size.rules - size.rules / 8;
    for n in 1..=above {
        lines.push(format!("rule {} {}", rule_name(dice, n, size), rule(dice, size)));
    }
    lines.push("rule clean-up any -> any deny".to_owned());
    for n in above + 1..=size.rules {
        lines.push(format!("rule r-{n} {}", rule(dice, size)));
    }
    lines
}

/// A name of the form that ours have.
pub(super) fn own_name(dice: &mut Dice, size: Size) -> String {
    let number = dice.between(1, 3);
    if dice.one_in(2) {
        format!("{}-{number}", group(dice, size.groups))
    } else {
        format!("i-{}-{number}", dice.between(1, size.instances))
    }
}

/// Most are the administrators' own, some look like ours.
fn rule_name(dice: &mut Dice, n: usize, size: Size) -> String {
    if dice.one_in(30) { format!("i-{}-{}", dice.between(1, size.instances), 10 + n) } else { format!("r-{n}") }
}

/// A rule as ours are, more or less.
fn own_rule(dice: &mut Dice, size: Size) -> String {
    let (app, service) = *dice.one(&[
        ("app ssl", "service application-default"),
        ("app ssh", "service application-default"),
        ("app web-browsing", "service application-default"),
        ("app any", "service tcp/8443"),
    ]);
    let source = dice.pick(&["any", "any", "198.51.100.0/24", "203.0.113.7"]);
    let disabled = if dice.one_in(8) { " disabled" } else { "" };
    let destination = address(dice.between(1, size.instances));
    format!("untrust:{source} -> trust:{destination} {app} {service} allow{disabled} tag drawbridge")
}

/// An administrator's rule.
pub(super) fn rule(dice: &mut Dice, size: Size) -> String {
    let ends = match dice.below(6) {
        0 => "any -> any".to_owned(),
        1 => "untrust:any -> trust:10.0.0.0/8".to_owned(),
        2 => format!("trust:10.0.1.0/24 -> untrust:{}", dice.pick(&["any", "203.0.113.0/24"])),
        3 => format!("untrust:198.51.100.0/24 -> trust:{}", address(dice.between(1, size.instances))),
        _ => format!("untrust:any -> trust:{}", address(dice.between(1, size.instances))),
    };
    let service = dice.pick(&[
        "service tcp/443",
        "service tcp/80,81,8000",
        "service udp/53",
        "app ssl service application-default",
        "app dns,ssl service application-default",
        "app ping",
        "app ftp,telnet",
        "service tcp/1-65535",
        "service tcp/8443",
    ]);
    let action = if dice.one_in(4) { "deny" } else { "allow" };
    let extra = match dice.below(12) {
        0 => " disabled",
        1 => " user alice",
        2 => " tag theirs",
        3 => " description \"somebody's\"",
        _ => "",
    };
    format!("{ends} {service} {action}{extra}")
}
