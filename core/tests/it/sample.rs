//! Small worlds from a few lines of text, for the unit tests beside the code and for the tests in this directory.
#![allow(dead_code, reason = "two test binaries share this module; neither needs all of it")]

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{
    change::{Direction, Spelling},
    config::{AllowAllEgress, Config, Gateway, InterfaceScope, Limits, Mode, RuleDestination, Scope, Timing},
    firewall::{
        Action, Addresses, Applications, Carried, Configuration, DestinationTranslation, Firewall, Matches, Narrowing,
        NatRule, Place, Profiles, RuleFacts, RuleType, ServiceFacts, Services, Status, TouchedBy, Zones,
    },
    inventory::{
        Destination, IcmpTypes, Instance, InstanceState, Interface, Inventory, Peer, Permission, Route, RouteState,
        RouteTable, Subnet, TableRole, Target, Traffic, Vpc,
    },
    never::NeverOpen,
    range::{Range, Set},
    service::{Apps, L4, Service},
    translate::Translation,
    wanted::Atom,
};

/// Our tag.
pub(crate) const OWNER: &str = "bridge";
/// Our account.
pub(crate) const US: &str = "fwsync";

/// The settings that all samples share: the firewall is `i-fw`, its bottom rule `clean-up`.
pub(crate) fn config() -> Config {
    Config {
        owner: OWNER.parse().unwrap(),
        admin: Some(US.parse().unwrap()),
        mode: Mode::Sync,
        bottom_rule: "clean-up".parse().unwrap(),
        untrust: "untrust".parse().unwrap(),
        trust: "trust".parse().unwrap(),
        profile_group: None,
        log_setting: None,
        gateways: BTreeSet::from([Gateway::Instance("i-fw".parse().unwrap())]),
        firewall_instances: BTreeSet::new(),
        internal: Set::default(),
        interfaces: InterfaceScope::Instances,
        scope: Scope::default(),
        directions: BTreeSet::from([Direction::Ingress]),
        allow_all_egress: AllowAllEgress::LeftOut,
        destination: RuleDestination::Instance,
        never_open: NeverOpen::default(),
        translation: Translation::default(),
        limits: Limits::default(),
        timing: Timing::default(),
    }
}

/// Address ranges, separated by commas.
pub(crate) fn ranges<C: FromIterator<drawbridge_core::address::AddressRange>>(text: &str) -> C {
    text.split(',').map(|range| range.parse().unwrap()).collect()
}

/// `tcp/443`, `udp/5000-5010`, `ip/47`, `all`.
pub(crate) fn l4(text: &str) -> L4 {
    let ports = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Range::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    };
    match text.split_once('/') {
        Some(("tcp", text)) => L4::Tcp(ports(text)),
        Some(("udp", text)) => L4::Udp(ports(text)),
        Some(("ip", number)) => L4::Ip(number.parse().unwrap()),
        _ if text == "all" => L4::Any,
        _ => panic!("`{text}` is no service"),
    }
}

/// `ssh@tcp/22`, `tcp/8443`.
pub(crate) fn service(text: &str) -> Service {
    match text.split_once('@') {
        Some((apps, ports)) => Service { apps: Apps::Named(names(apps)), l4: l4(ports) },
        None => Service { apps: Apps::Any, l4: l4(text) },
    }
}

fn names<T: std::str::FromStr + Ord>(text: &str) -> BTreeSet<T> {
    text.split(',').map(|name| name.parse().ok().unwrap()).collect()
}

/// `203.0.113.0/24 -> 10.0.1.10 ssh@tcp/22`.
pub(crate) fn atom(text: &str) -> Atom {
    let words: Vec<_> = text.split_whitespace().collect();
    let [peer, "->", local, said] = words[..] else { panic!("`{text}` is no atom") };
    Atom {
        direction: Direction::Ingress,
        local: local.parse().unwrap(),
        peer: peer.parse().unwrap(),
        service: service(said),
    }
}

/// What a rule of ours says, written as an atom with lists.
pub(crate) fn spelling(text: &str) -> Spelling {
    let words: Vec<_> = text.split_whitespace().collect();
    let [peers, "->", locals, said] = words[..] else { panic!("`{text}` is no spelling") };
    Spelling { direction: Direction::Ingress, locals: ranges(locals), peers: ranges(peers), service: service(said) }
}

/// A configuration: one rule a line, `clean-up` after those without one, and the objects that the rules name.
pub(crate) fn configuration(lines: &str) -> Configuration {
    let mut made = Configuration {
        zones: names("untrust,trust,dmz"),
        tags: BTreeMap::from([(OWNER.parse().unwrap(), TouchedBy::new())]),
        ..Configuration::default()
    };
    let lines: Vec<_> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let bottom = (!lines.iter().any(|line| line.starts_with("clean-up "))).then_some("clean-up any -> any deny");
    for line in lines.into_iter().chain(bottom) {
        let facts = rule(line);
        if let Services::Ports { l4, objects } = &facts.service {
            let tags = if facts.tags.is_empty() { BTreeSet::new() } else { names(OWNER) };
            let object = ServiceFacts { l4: l4.clone(), tags, touched_by: TouchedBy::new() };
            made.services.extend(objects.iter().map(|name| (name.clone(), object.clone())));
        }
        made.rules.push(facts);
    }
    made
}

/// `NAME SOURCES -> DESTINATIONS WORD..`. Words: `allow` (or nothing), `deny`, `disabled`, `ours`, `app-default`,
/// `app:ssh,ssl`, `tcp/443` and the like, `by:alice`, `user`, `fqdn`, `pre`, `post`, `intrazone`, `interzone`, `from:ZONE`,
/// `to:ZONE`.
/// The zones are untrust and trust.
pub(crate) fn rule(line: &str) -> RuleFacts {
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("`{line}` is no rule"));
    let (name, source, arrow, destination) = (next(), next(), next(), next());
    assert_eq!(arrow, "->", "{line}");
    let addresses = |text: &str| if text == "any" { Addresses::any() } else { ranges(text) };
    let mut facts = RuleFacts {
        name: name.parse().unwrap(),
        place: Place::Local,
        rule_type: RuleType::Universal,
        from: Zones::Named(names("untrust")),
        to: Zones::Named(names("trust")),
        source: addresses(source),
        destination: addresses(destination),
        applications: Applications::Any,
        service: Services::Any,
        action: Action::Allow,
        status: Status::Enabled,
        narrowed_by: Vec::new(),
        tags: BTreeSet::new(),
        profiles: Profiles::None,
        description: String::new(),
        touched_by: TouchedBy::new(),
        carried: Carried::default(),
    };
    let mut held = Vec::new();
    for word in words {
        match word.split_once(':').unwrap_or((word, "")) {
            ("allow", _) => facts.action = Action::Allow,
            ("deny", _) => facts.action = Action::Deny,
            ("disabled", _) => facts.status = Status::Disabled,
            ("ours", _) => facts.tags = names(OWNER),
            ("app-default", _) => facts.service = Services::ApplicationDefault,
            ("app", apps) => facts.applications = Applications::Named(names(apps)),
            ("by", admin) => facts.touched_by = names(admin),
            ("user", _) => facts.narrowed_by.push(Narrowing::User),
            ("fqdn", _) => {
                facts.destination = Addresses::Unknown;
                facts.narrowed_by.push(Narrowing::Address("host".to_owned()));
            }
            ("pre", _) => facts.place = Place::Pre,
            ("post", _) => facts.place = Place::Post,
            ("intrazone", _) => facts.rule_type = RuleType::Intrazone,
            ("interzone", _) => facts.rule_type = RuleType::Interzone,
            ("from", zone) => facts.from = zones(zone),
            ("to", zone) => facts.to = zones(zone),
            _ => held.push(l4(word)),
        }
    }
    if !held.is_empty() {
        let stem = if facts.tags.is_empty() { "svc_" } else { "" };
        let objects = held.iter().map(|l4| format!("{stem}{}", l4.to_string().replace(' ', "_")).parse().unwrap());
        facts.service = Services::Ports { objects: objects.collect(), l4: held };
    }
    facts
}

/// `NAME SOURCES -> DESTINATIONS WORD..`: `to ADDRESSES` or `to ADDRESS:PORT`, `none`, `unknown`, `tcp/443` and the like,
/// `from:ZONE`, `some` for a rule that matches nobody knows which. Sources can be `fqdn`.
pub(crate) fn nat_rule(line: &str) -> NatRule {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, source, "->", destination, rest @ ..] = words.as_slice() else { panic!("`{line}` is no NAT rule") };
    let addresses = |text: &str| match text {
        "any" => Addresses::any(),
        "fqdn" => Addresses::Unknown,
        listed => ranges(listed),
    };
    let mut made = NatRule {
        name: name.parse().unwrap(),
        from: Zones::Named(names("untrust")),
        source: addresses(source),
        destination: addresses(destination),
        service: Services::Any,
        matches: Matches::All,
        translation: DestinationTranslation::None,
    };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.split_once(':') {
            Some(("from", zone)) => made.from = zones(zone),
            _ if *word == "none" => made.translation = DestinationTranslation::None,
            _ if *word == "some" => made.matches = Matches::Some,
            _ if *word == "unknown" => made.translation = DestinationTranslation::Unknown,
            _ if *word == "to" => {
                let text = words.next().unwrap();
                let (to, port) = text.split_once(':').map_or((*text, None), |(to, port)| (to, Some(port)));
                let port = port.map(|port| port.parse().unwrap());
                made.translation = DestinationTranslation::Static { to: to.parse().unwrap(), port };
            }
            _ => {
                let object = format!("svc_{}", word.replace('/', "_"));
                made.service = Services::Ports { l4: vec![l4(word)], objects: names(&object) };
            }
        }
    }
    made
}

fn zones(text: &str) -> Zones {
    if text == "any" { Zones::Any } else { Zones::Named(names(text)) }
}

/// A firewall without uncommitted work.
pub(crate) fn quiet(configuration: Configuration) -> Firewall {
    let running = std::sync::Arc::new(configuration);
    Firewall {
        candidate: running.clone(),
        running,
        admin: Some(US.parse().unwrap()),
        pending: Vec::new(),
        unit: None,
        unfinished_commit: None,
        failed_commits: Vec::new(),
    }
}

/// A VPC 10.0.0.0/16 whose subnet `subnet-pub` has its default route to the firewall, with these instances and
/// permissions: `i-1 10.0.1.10 sg-web` and `sg-web tcp/443 0.0.0.0/0`, one a line; `sg-web out:tcp/443 0.0.0.0/0` lets out.
/// The interface of `i-1` is `eni-1`.
pub(crate) fn inventory(lines: &str) -> Inventory {
    let mut made = Inventory {
        account: Some("123456789012".parse().unwrap()),
        region: "eu-west-1".parse().unwrap(),
        vpcs: BTreeMap::from([("vpc-1".parse().unwrap(), Vpc { cidrs: ranges("10.0.0.0/16,2001:db8::/56") })]),
        subnets: BTreeMap::from([("subnet-pub".parse().unwrap(), Subnet { vpc: "vpc-1".parse().unwrap() })]),
        route_tables: BTreeMap::new(),
        interfaces: BTreeMap::new(),
        instances: BTreeMap::from([("i-fw".parse().unwrap(), on())]),
        groups: BTreeMap::new(),
        prefix_lists: BTreeMap::new(),
        endpoints: BTreeSet::new(),
    };
    let routes = ["0.0.0.0/0", "::/0"].map(|range| default_route(range, "i-fw")).to_vec();
    made.route_tables.insert("rtb-1".parse().unwrap(), main_table(routes));
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [subject, second, third] = words[..] else { panic!("`{line}` is neither instance nor permission") };
        if let Ok(instance) = subject.parse() {
            let id = subject.replace("i-", "eni-").parse().unwrap();
            made.instances.insert(instance, on());
            made.interfaces.insert(id, interface(subject, second, third));
        } else {
            let group = made.groups.entry(subject.parse().unwrap()).or_default();
            let (permissions, second) = match second.strip_prefix("out:") {
                Some(second) => (&mut group.egress, second),
                None => (&mut group.ingress, second),
            };
            permissions.push(Permission { traffic: traffic(second), peer: peer(third) });
        }
    }
    // Groups without a permission exist as well.
    let worn: Vec<_> = made.interfaces.values().flat_map(|interface| interface.groups.clone()).collect();
    for group in worn {
        made.groups.entry(group).or_default();
    }
    made
}

/// An instance that runs.
pub(crate) fn on() -> Instance {
    Instance { state: InstanceState::Running, tags: BTreeMap::new() }
}

/// An interface in `subnet-pub`.
pub(crate) fn interface(instance: &str, addresses: &str, groups: &str) -> Interface {
    Interface {
        subnet: "subnet-pub".parse().unwrap(),
        vpc: "vpc-1".parse().unwrap(),
        groups: names(groups),
        addresses: ranges(addresses),
        instance: Some(instance.parse().unwrap()),
    }
}

/// The main table of `vpc-1`.
pub(crate) fn main_table(routes: Vec<Route>) -> RouteTable {
    RouteTable { vpc: "vpc-1".parse().unwrap(), role: TableRole::Main, subnets: BTreeSet::new(), routes }
}

/// A route to an instance.
pub(crate) fn default_route(destination: &str, instance: &str) -> Route {
    Route {
        destination: Destination::Addresses(destination.parse().unwrap()),
        target: Target::Interface { interface: None, instance: Some(instance.parse().unwrap()) },
        state: RouteState::Active,
    }
}

/// As [`l4`], and `icmp`, `icmp/8`.
pub(crate) fn traffic(text: &str) -> Traffic {
    match (text, text.split_once('/')) {
        ("icmp", _) => Traffic::Icmp(IcmpTypes::All),
        (_, Some(("icmp", kind))) => Traffic::Icmp(IcmpTypes::Type(kind.parse().unwrap())),
        _ => match l4(text) {
            L4::Any => Traffic::All,
            L4::Tcp(ports) => Traffic::Tcp(ports),
            L4::Udp(ports) => Traffic::Udp(ports),
            L4::Ip(number) => Traffic::Protocol(number),
        },
    }
}

/// A CIDR, a prefix list or a group.
pub(crate) fn peer(text: &str) -> Peer {
    text.parse()
        .map(Peer::Addresses)
        .ok()
        .or_else(|| text.parse().map(Peer::PrefixList).ok())
        .or_else(|| text.parse().map(Peer::Group).ok())
        .unwrap()
}
