//! Worlds by the dice: small universes, so that everything meets everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use drawbridge_core::{
    address::AddressRange,
    change::Direction,
    config::{Config, Gateway, InterfaceScope},
    event::Cause,
    firewall::{
        Addresses, Configuration, Effect, Firewall, Narrowing, Node, Pending, Place, RuleFacts, ServiceFacts, Services,
        Status, TouchedBy, Zones,
    },
    id::{GroupId, InterfaceId, OwnedName, RuleName},
    inventory::{
        Destination, Group, IcmpTypes, Instance, InstanceState, Interface, Inventory, Peer, Permission, Route,
        RouteState, RouteTable, Subnet, TableRole, Target, Traffic, Vpc,
    },
    never::Never,
    plan::plan,
    range::{Range, Set},
    rulebase::{Rulebase, owned_name},
    translate::{Applications, IcmpRule, Translation},
};
use proptest::{
    collection::{btree_set, vec},
    prelude::*,
    sample::{Index, select},
};

use crate::sample;

/// Everything that a decision is made of.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) inventory: Inventory,
    pub(crate) firewall: Firewall,
    pub(crate) causes: Vec<Cause>,
}

/// A failing world is to be read by a person: a line for each thing that decides.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { translation, interfaces, gateways, internal, untrust, directions, .. } = &self.config;
        writeln!(f, "{:?} {:?} {interfaces:?} {gateways:?}", translation.applications, translation.icmp)?;
        writeln!(f, "{directions:?} from and to {untrust}")?;
        writeln!(f, "internal {:?}, causes {:?}", internal.ranges(), self.causes)?;
        for (id, table) in &self.inventory.route_tables {
            writeln!(f, "{id} {} {:?} {:?}", table.vpc, table.role, table.subnets)?;
            table.routes.iter().try_for_each(|route| writeln!(f, "    {route:?}"))?;
        }
        for (id, interface) in &self.inventory.interfaces {
            let addresses: Vec<_> = interface.addresses.iter().map(ToString::to_string).collect();
            let state = interface.instance.as_ref().map(|id| (id, self.inventory.instances.get(id).map(|i| i.state)));
            writeln!(f, "{id} {} {} {addresses:?} {:?} {state:?}", interface.vpc, interface.subnet, interface.groups)?;
        }
        for (id, group) in &self.inventory.groups {
            group.ingress.iter().try_for_each(|permission| writeln!(f, "{id} {permission}"))?;
            group.egress.iter().try_for_each(|permission| writeln!(f, "{id} out: {permission}"))?;
        }
        writeln!(f, "lists {:?}", self.inventory.prefix_lists)?;
        for (which, configuration) in [("candidate", &self.firewall.candidate), ("running", &self.firewall.running)] {
            writeln!(f, "{which}: services {:?}", configuration.services)?;
            for rule in configuration.rules.iter().chain(&configuration.default_rules) {
                let listed = |addresses: &Addresses| match addresses {
                    Addresses::Known { listed, .. } => listed.iter().map(ToString::to_string).collect(),
                    Addresses::Unknown => vec!["unknown".to_owned()],
                };
                let RuleFacts {
                    name, place, rule_type, from, to, action, status, narrowed_by, tags, touched_by, ..
                } = rule;
                let (source, destination) = (listed(&rule.source), listed(&rule.destination));
                write!(
                    f,
                    "    {name} {source:?} -> {destination:?} {:?} {:?} {action:?} ",
                    rule.applications, rule.service
                )?;
                writeln!(
                    f,
                    "{place:?} {rule_type:?} {from:?} {to:?} {status:?} {narrowed_by:?} {tags:?} {touched_by:?}"
                )?;
            }
        }
        writeln!(f, "pending {:?}", self.firewall.pending)
    }
}

impl World {
    pub(crate) fn rulebase(&self) -> Rulebase<'_> {
        Rulebase::read(&self.firewall, &self.config).unwrap()
    }
}

/// How much there is in a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    interfaces: (usize, usize),
    groups: usize,
    /// Of administrators.
    rules: (usize, usize),
}

impl Size {
    /// Where everything meets everything.
    pub(crate) const SMALL: Self = Self { interfaces: (1, 6), groups: 3, rules: (0, 7) };
    /// About what a small account has: ten instances, five groups and twenty rules.
    pub(crate) const USUAL: Self = Self { interfaces: (8, 12), groups: 5, rules: (12, 28) };

    fn groups(self) -> &'static [&'static str] {
        &GROUPS[..self.groups]
    }

    /// Some have two interfaces.
    fn instances(self) -> &'static [&'static str] {
        &INSTANCES[..self.interfaces.1 - 2]
    }

    fn locals(self) -> &'static [&'static str] {
        &LOCALS[..self.interfaces.1 + 2]
    }
}

/// Strategies that name one of a few texts.
fn one_of<T: std::str::FromStr + fmt::Debug>(texts: &'static [&'static str]) -> impl Strategy<Value = T> + Clone {
    select(texts).prop_map(|text| text.parse().ok().unwrap())
}

const GROUPS: &[&str] = &["sg-a", "sg-b", "sg-c", "sg-d", "sg-e"];
const INSTANCES: &[&str] = &["i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8", "i-9", "i-10"];
const LOCALS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.16/28",
    "2001:db8::1",
    "2001:db8::2",
    "10.0.0.6",
    "10.0.0.7",
    "10.0.0.8",
    "10.0.0.9",
    "10.0.0.10",
    "10.0.0.11",
];
const PEERS: &[&str] = &[
    "0.0.0.0/0",
    "::/0",
    "8.0.0.0/30",
    "8.0.0.0/31",
    "8.0.0.2/31",
    "8.0.0.1",
    "8.0.0.0/24",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "192.168.0.0/16",
    "2001:db8:f::/126",
    "2001:db8:f::1",
];

fn peers() -> impl Strategy<Value = AddressRange> + Clone {
    one_of(PEERS)
}

// -- the cloud

fn traffic() -> impl Strategy<Value = Traffic> {
    let ports = select(&[(22, 22), (443, 443), (80, 80), (20, 25), (8443, 8443), (0, 65535), (0, 0), (440, 450)][..])
        .prop_map(|(first, last)| Range::new(first, last).unwrap());
    let types = select(
        &[
            IcmpTypes::All,
            IcmpTypes::Type(8),
            IcmpTypes::TypeAndCode(8, 0),
            IcmpTypes::Type(0),
            IcmpTypes::TypeAndCode(3, 1),
        ][..],
    );
    prop_oneof![
        8 => ports.clone().prop_map(Traffic::Tcp),
        3 => ports.prop_map(Traffic::Udp),
        1 => Just(Traffic::Udp(Range::single(53))),
        2 => types.clone().prop_map(Traffic::Icmp),
        1 => types.prop_map(Traffic::Icmpv6),
        1 => Just(Traffic::All),
        1 => select(&[1, 6, 17, 47, 58, 132][..]).prop_map(Traffic::Protocol),
        1 => Just(Traffic::Unknown("tlsp?".to_owned())),
    ]
}

fn permission(size: Size) -> impl Strategy<Value = Permission> {
    let peer = prop_oneof![
        40 => peers().prop_map(Peer::Addresses),
        6 => Just(Peer::PrefixList("pl-1".parse().unwrap())),
        1 => Just(Peer::PrefixList("pl-2".parse().unwrap())),
        3 => one_of(size.groups()).prop_map(Peer::Group),
    ];
    (traffic(), peer).prop_map(|(traffic, peer)| Permission { traffic, peer })
}

fn route() -> impl Strategy<Value = Route> {
    let destination = prop_oneof![
        6 => one_of(&["0.0.0.0/0", "::/0"]).prop_map(Destination::Addresses),
        3 => one_of(&["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]).prop_map(Destination::Addresses),
        1 => one_of(&["10.0.0.0/16", "8.0.0.0/24"]).prop_map(Destination::Addresses),
        1 => one_of(&["pl-3", "pl-4"]).prop_map(Destination::PrefixList),
    ];
    let interface = |interface: Option<&str>, instance: Option<&str>| Target::Interface {
        interface: interface.map(|id| id.parse().unwrap()),
        instance: instance.map(|id| id.parse().unwrap()),
    };
    let target = prop_oneof![
        6 => Just(interface(None, Some("i-fw"))),
        3 => Just(interface(Some("eni-fw"), Some("i-fw"))),
        2 => Just(Target::Endpoint("vpce-1".parse().unwrap())),
        1 => Just(Target::Endpoint("vpce-2".parse().unwrap())),
        1 => Just(interface(Some("eni-loose"), None)),
        1 => Just(interface(Some("eni-missing"), None)),
        1 => Just(Target::TransitGateway("tgw-1".parse().unwrap())),
        2 => Just(Target::Other("igw-1".to_owned())),
    ];
    let state = prop_oneof![9 => Just(RouteState::Active), 1 => Just(RouteState::Blackhole)];
    (destination, target, state).prop_map(|(destination, target, state)| Route { destination, target, state })
}

/// Most tables lead to the firewall, in one way or another.
fn routes() -> impl Strategy<Value = Vec<Route>> {
    let plain = ["0.0.0.0/0", "::/0"].map(|range| sample::default_route(range, "i-fw")).to_vec();
    prop_oneof![
        6 => Just(plain),
        2 => vec(route(), 0..5),
        1 => vec(route(), 0..3).prop_map(move |mut routes| {
            routes.push(sample::default_route("0.0.0.0/0", "i-fw"));
            routes
        }),
    ]
}

fn tables() -> impl Strategy<Value = Vec<RouteTable>> {
    let table = |vpc: &'static str, role, subnets: &'static [&'static str]| {
        (routes(), btree_set(one_of(subnets), 0..=subnets.len())).prop_map(move |(routes, subnets)| {
            let subnets = if role == TableRole::Main { BTreeSet::new() } else { subnets };
            RouteTable { vpc: vpc.parse().unwrap(), role, subnets, routes }
        })
    };
    let main = |vpc| table(vpc, TableRole::Main, &["subnet-1"]).prop_map(Some).boxed();
    let rare = |strategy: BoxedStrategy<Option<RouteTable>>| prop_oneof![20 => strategy, 1 => Just(None)];
    let plain = table("vpc-1", TableRole::Plain, &["subnet-1", "subnet-2"]).prop_map(Some);
    (rare(main("vpc-1")), rare(main("vpc-2")), proptest::option::of(plain))
        .prop_map(|(first, second, third)| [first, second, third.flatten()].into_iter().flatten().collect())
}

fn interface(size: Size) -> impl Strategy<Value = Interface> {
    let subnet =
        select(&[("subnet-1", "vpc-1"), ("subnet-1", "vpc-1"), ("subnet-2", "vpc-1"), ("subnet-3", "vpc-2")][..]);
    let groups = prop_oneof![
        20 => btree_set(one_of(size.groups()), 1..3),
        1 => btree_set(one_of(&["sg-a", "sg-missing"]), 1..3),
    ];
    let instance = prop_oneof![9 => one_of(size.instances()).prop_map(Some), 1 => Just(None)];
    (subnet, btree_set(one_of(size.locals()), 1..4), groups, instance).prop_map(
        |((subnet, vpc), addresses, groups, instance)| Interface {
            subnet: subnet.parse().unwrap(),
            vpc: vpc.parse().unwrap(),
            groups,
            addresses: addresses.into_iter().collect(),
            instance,
        },
    )
}

fn instance() -> impl Strategy<Value = Option<Instance>> {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    let state =
        prop_oneof![12 => Just(Running), 3 => select(&[Pending, ShuttingDown, Stopped, Stopping, Terminated][..])];
    let instance = state.prop_map(|state| Some(Instance { state, tags: BTreeMap::new() }));
    prop_oneof![25 => instance, 1 => Just(None)]
}

pub(crate) fn inventory(size: Size) -> impl Strategy<Value = Inventory> {
    let group = vec(permission(size), 0..5).prop_map(|ingress| Group { ingress, ..Group::default() });
    let interfaces = vec(interface(size), size.interfaces.0..=size.interfaces.1);
    let instances = vec(instance(), size.instances().len());
    (tables(), interfaces, instances, vec(group, size.groups), vec(peers(), 0..3)).prop_map(
        |(tables, interfaces, instances, groups, listed)| {
            let mut made = sample::inventory("");
            let subnets = [("subnet-1", "vpc-1"), ("subnet-2", "vpc-1"), ("subnet-3", "vpc-2")];
            made.subnets = subnets.map(|(id, vpc)| (id.parse().unwrap(), Subnet { vpc: vpc.parse().unwrap() })).into();
            let cidrs = || Vpc { cidrs: sample::ranges("10.0.0.0/24,10.0.1.0/24,2001:db8::/64") };
            made.vpcs = ["vpc-1", "vpc-2"].map(|id| (id.parse().unwrap(), cidrs())).into();
            let id = |kind: &str, index: usize| format!("{kind}-{}", index + 1);
            made.route_tables =
                tables.into_iter().enumerate().map(|(n, table)| (id("rtb", n).parse().unwrap(), table)).collect();
            made.interfaces =
                interfaces.into_iter().enumerate().map(|(n, i)| (id("eni", n).parse().unwrap(), i)).collect();
            made.interfaces.extend(special_interfaces());
            made.instances
                .extend(instances.into_iter().enumerate().filter_map(|(n, i)| Some((id("i", n).parse().unwrap(), i?))));
            made.groups = GROUPS.iter().zip(groups).map(|(id, group)| (id.parse().unwrap(), group)).collect();
            made.prefix_lists.insert("pl-1".parse().unwrap(), listed);
            made.prefix_lists.insert("pl-3".parse().unwrap(), sample::ranges("0.0.0.0/0,9.9.9.9"));
            made
        },
    )
}

/// Somebody of one VPC may go to somebody of another: a group lets out, and a group lets in.
#[derive(Clone, Debug)]
struct Link {
    traffic: Traffic,
    ends: [AddressRange; 2],
    groups: [GroupId; 2],
    /// Whether each group says so.
    said: [bool; 2],
}

fn link(size: Size) -> impl Strategy<Value = Link> {
    let traffic = select(&[443, 443, 22][..]).prop_map(|port| Traffic::Tcp(Range::single(port)));
    let ends = (
        one_of(&["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.0/30"]),
        one_of(&["10.2.0.1", "10.2.0.1", "10.2.0.2", "10.2.0.0/30"]),
    );
    let ends =
        (ends, any::<bool>()).prop_map(|((one, other), turned)| if turned { [other, one] } else { [one, other] });
    let groups = [one_of(size.groups()), one_of(size.groups())];
    let said = select(&[[true, true], [true, true], [true, false], [false, true]][..]);
    (traffic, ends, groups, said).prop_map(|(traffic, ends, groups, said)| Link { traffic, ends, groups, said })
}

/// Instances of two VPCs, some of which may reach each other.
fn neighbours(size: Size) -> impl Strategy<Value = Inventory> {
    (inventory(size), vec(link(size), 0..12)).prop_map(|(mut made, links)| {
        made.vpcs.insert("vpc-2".parse().unwrap(), Vpc { cidrs: sample::ranges("10.2.0.0/24") });
        made.interfaces.values_mut().enumerate().for_each(|(index, interface)| spread(index, interface));
        made.interfaces.extend(special_interfaces());
        for Link { traffic, ends: [from, to], groups: [letting_out, letting_in], said: [out, inward] } in links {
            let permission = |peer| Permission { traffic: traffic.clone(), peer: Peer::Addresses(peer) };
            if out {
                made.groups.get_mut(&letting_out).unwrap().egress.push(permission(to));
            }
            if inward {
                made.groups.get_mut(&letting_in).unwrap().ingress.push(permission(from));
            }
        }
        made
    })
}

/// Every other interface is in the second VPC, whose addresses are its own; most have the address that most links are about.
fn spread(index: usize, interface: &mut Interface) {
    if index % 3 < 2 {
        interface.addresses[0] = "10.0.0.1".parse().unwrap();
    }
    if index.is_multiple_of(2) {
        (interface.vpc, interface.subnet) = ("vpc-2".parse().unwrap(), "subnet-3".parse().unwrap());
    }
    let own = if interface.vpc.as_str() == "vpc-2" { "10.2." } else { "10.0." };
    let moved = |range: &AddressRange| range.to_string().replace("10.0.", own).parse().unwrap();
    interface.addresses = interface.addresses.iter().map(moved).collect::<BTreeSet<_>>().into_iter().collect();
}

/// One of the firewall, and one that has lost its instance.
fn special_interfaces() -> [(InterfaceId, Interface); 2] {
    let loose = Interface { instance: None, ..sample::interface("i-fw", "10.0.0.253", "sg-a") };
    let mut own = sample::interface("i-fw", "10.0.0.254", "sg-a");
    own.subnet = "subnet-1".parse().unwrap();
    [("eni-fw".parse().unwrap(), own), ("eni-loose".parse().unwrap(), loose)]
}

/// An inventory that differs from this one in some parts.
fn before(now: &Inventory, other: Inventory, parts: u8) -> Inventory {
    let mut then = now.clone();
    let differs = |part: u8| parts & 1 << part != 0;
    for (part, (group, was)) in (0..).zip(then.groups.values_mut().zip(other.groups.into_values())) {
        if differs(part) {
            *group = was;
        }
    }
    if differs(3) {
        then.instances = other.instances;
    }
    if differs(4) && differs(5) {
        then.route_tables = other.route_tables;
    }
    if differs(6) {
        then.interfaces = other.interfaces;
    }
    then
}

/// This inventory after something has happened in it: one group or instance becomes what it is in the one of two others or,
/// where it is that already, in the other; rarely all routes or all interfaces do.
pub(crate) fn stepped(now: &Inventory, [first, second]: [&Inventory; 2], index: Index) -> Inventory {
    fn turned<T: Clone + PartialEq>(thing: &mut T, first: &T, second: &T) {
        *thing = if thing == first { second.clone() } else { first.clone() };
    }
    let mut then = now.clone();
    let instances: Vec<_> = first.instances.keys().filter(|id| second.instances.contains_key(*id)).collect();
    let place = index.index(first.groups.len() + instances.len() + 2);
    if let Some((id, group)) = then.groups.iter_mut().nth(place) {
        turned(group, &first.groups[id], &second.groups[id]);
    } else if let Some(id) = instances.get(place - first.groups.len()) {
        let instance = then.instances.entry((*id).clone()).or_insert_with(sample::on);
        turned(instance, &first.instances[*id], &second.instances[*id]);
    } else if place + 1 == first.groups.len() + instances.len() + 2 {
        turned(&mut then.route_tables, &first.route_tables, &second.route_tables);
    } else {
        turned(&mut then.interfaces, &first.interfaces, &second.interfaces);
    }
    then
}

/// The same inventory, with everything that has an order in another one.
pub(crate) fn shuffled(inventory: &Inventory) -> impl Strategy<Value = Inventory> + use<> {
    let fixed = inventory.clone();
    any::<u64>().prop_map(move |seed| {
        let mut made = fixed.clone();
        for table in made.route_tables.values_mut() {
            shuffle(&mut table.routes, seed);
        }
        for interface in made.interfaces.values_mut() {
            shuffle(&mut interface.addresses, seed);
        }
        for group in made.groups.values_mut() {
            shuffle(&mut group.ingress, seed);
            shuffle(&mut group.egress, seed);
        }
        for entries in made.prefix_lists.values_mut() {
            shuffle(entries, seed);
        }
        made
    })
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    for index in (1..items.len()).rev() {
        items.swap(index, (seed.rotate_left(index as u32) % (index as u64 + 1)) as usize);
    }
}

// -- the settings

pub(crate) fn config() -> impl Strategy<Value = Config> {
    let applications = select(&[Applications::Identified, Applications::Identified, Applications::Any][..]);
    let icmp = select(&[IcmpRule::Exact, IcmpRule::Exact, IcmpRule::All][..]);
    let scope = select(&[InterfaceScope::Instances, InterfaceScope::All][..]);
    let never = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec(select(&["tcp/22", "tcp/100-500", "udp/53", "8.8.8.0/25", "9.9.9.9"][..]), 1..3),
    ];
    (applications, icmp, scope, any::<bool>(), any::<bool>(), never).prop_map(
        |(applications, icmp, interfaces, more, inner, never)| {
            let mut made = sample::config();
            made.translation = Translation { applications, icmp, ..Translation::default() };
            made.never_open = never.iter().map(|text| text.parse::<Never>().unwrap()).collect();
            made.interfaces = interfaces;
            if more {
                made.gateways.insert(Gateway::Endpoint("vpce-1".parse().unwrap()));
                made.gateways.insert(Gateway::Interface("eni-fw".parse().unwrap()));
            }
            if inner {
                made.internal = sample::ranges("192.168.0.0/16");
            }
            made
        },
    )
}

/// One zone for both sides, and rules for what goes out as well.
fn one_zone() -> impl Strategy<Value = Config> {
    let directions = || [Direction::Ingress, Direction::Egress].into();
    config().prop_map(move |made| Config { untrust: made.trust.clone(), directions: directions(), ..made })
}

// -- the firewall

/// A rule of an administrator. Names of the form of ours are among them.
fn foreign_rule() -> impl Strategy<Value = RuleFacts> {
    let side = |texts: &'static [&'static str]| {
        prop_oneof![
            1 => Just("any".to_owned()),
            3 => btree_set(select(texts), 1..4).prop_map(|set| set.into_iter().collect::<Vec<_>>().join(",")),
        ]
    };
    let words = |texts: &'static [&'static str]| select(texts);
    let apps =
        words(&["", "", "", "app:ssh", "app:ssl,ssh", "app:web-browsing", "app:ping", "app:icmp,ping", "app:dns"]);
    let service = words(&["", "", "app-default", "tcp/22", "tcp/443", "tcp/1-65535", "tcp/1-22 tcp/23-500", "udp/53"]);
    let zones = words(&["", "", "", "from:any", "from:any to:any", "from:dmz", "from:any to:any intrazone"]);
    let odd = words(&["", "", "", "", "", "disabled", "user", "fqdn", "post", "pre"]);
    let action = words(&["allow", "allow", "deny"]);
    (side(PEERS), side(LOCALS), apps, service, zones, odd, action).prop_map(
        |(source, destination, apps, service, zones, odd, action)| {
            sample::rule(&format!("x {source} -> {destination} {apps} {service} {zones} {odd} {action}"))
        },
    )
}

/// A configuration without rules of ours: rules pushed before, local ones round the bottom rule, rules pushed after.
pub(crate) fn foreign_configuration(size: Size) -> impl Strategy<Value = Configuration> {
    let names = ["web", "mail", "sg-a-3", "i-1-1", "old", "last", "partner"].map(str::to_owned).into_iter();
    let names: Vec<_> = names.chain((1..).map(|n| format!("rule {n}"))).take(size.rules.1).collect();
    let bottom =
        select(&["any -> any deny", "any -> any deny", "8.0.0.0/30 -> any deny", "any -> any deny tcp/22"][..]);
    (vec(foreign_rule(), size.rules.0..=size.rules.1), bottom, any::<Index>(), objects(), any::<bool>()).prop_map(
        move |(mut rules, bottom, place, services, defaults)| {
            for (rule, name) in rules.iter_mut().zip(&names) {
                rule.name = name.parse().unwrap();
            }
            rules.sort_by_key(|rule| rule.place as u8);
            let local = rules.iter().filter(|rule| rule.place == Place::Local).count();
            let first = rules.iter().filter(|rule| rule.place == Place::Pre).count();
            rules.insert(first + place.index(local + 1), sample::rule(&format!("clean-up {bottom}")));
            let mut made = sample::configuration("");
            made.rules = rules;
            made.services.extend(services);
            if defaults {
                let rules = [
                    "intrazone-default any -> any from:any to:any intrazone",
                    "interzone-default any -> any from:any to:any deny",
                ];
                made.default_rules = rules.map(sample::rule).to_vec();
            } else {
                made.tags = BTreeMap::new();
            }
            made
        },
    )
}

/// Objects of administrators that have the names that ours would have.
fn objects() -> impl Strategy<Value = Vec<(drawbridge_core::id::ServiceName, ServiceFacts)>> {
    let name = one_of(&["tcp_8443", "tcp_80", "tcp_8443_bridge", "udp_53"]);
    let l4 = select(&["tcp/8443", "tcp/80", "udp/53"][..]).prop_map(|text| vec![sample::l4(text)]);
    let tags = select(&[None, None, Some(sample::OWNER)][..]);
    let object = (name, l4, tags).prop_map(|(name, l4, tag)| {
        let tags = tag.into_iter().map(|tag| tag.parse().unwrap()).collect();
        (name, ServiceFacts { l4, tags, touched_by: TouchedBy::new() })
    });
    vec(object, 0..3)
}

/// What may have been done to a rule of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Disable,
    Sink,
    Untag,
    Widen,
    AddPeer,
    AnyZone,
    Narrow,
    AnyService,
    Deny,
    Describe,
}

const DEEDS: &[Deed] = &[
    Deed::Disable,
    Deed::Sink,
    Deed::Sink,
    Deed::Sink,
    Deed::Untag,
    Deed::Widen,
    Deed::AddPeer,
    Deed::AnyZone,
    Deed::Narrow,
    Deed::AnyService,
    Deed::Deny,
    Deed::Describe,
];

/// Who did it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hand {
    /// An administrator, and it is committed.
    Committed,
    /// An administrator, and it is not committed.
    Uncommitted,
    /// An administrator, who deleted the rule instead, and did not commit.
    Deleted,
}

pub(crate) fn deed() -> impl Strategy<Value = (Index, Deed, Hand)> {
    let hand = prop_oneof![12 => Just(Hand::Committed), 2 => Just(Hand::Uncommitted), 1 => Just(Hand::Deleted)];
    (any::<Index>(), select(DEEDS), hand)
}

/// A small one.
pub(crate) fn world() -> impl Strategy<Value = World> {
    world_of(Size::SMALL)
}

/// A small one whose zones do not tell which way a rule goes.
pub(crate) fn one_zone_world() -> impl Strategy<Value = World> {
    let within = |mut made: Configuration| {
        let untrust = Zones::Named(BTreeSet::from(["untrust".parse().unwrap()]));
        let outside = made.rules.iter_mut().filter(|rule| rule.from == untrust);
        outside.for_each(|rule| rule.from = Zones::Named(BTreeSet::from(["trust".parse().unwrap()])));
        made
    };
    let size = Size::SMALL;
    world_with(size, one_zone(), move || neighbours(size), foreign_configuration(size).prop_map(within))
}

/// Either.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    prop_oneof![2 => world(), 1 => one_zone_world()]
}

/// One with different zones for the two sides, where only what comes in becomes rules.
pub(crate) fn world_of(size: Size) -> impl Strategy<Value = World> {
    world_with(size, config(), move || inventory(size), foreign_configuration(size))
}

/// A firewall on which we kept an earlier inventory, and where people did something since.
fn world_with<I: Strategy<Value = Inventory>>(
    size: Size,
    config: impl Strategy<Value = Config>,
    inventory: impl Fn() -> I,
    foreign: impl Strategy<Value = Configuration>,
) -> impl Strategy<Value = World> {
    let subject = prop_oneof![one_of::<String>(size.groups()), one_of::<String>(size.instances())];
    let causes = vec((subject, Just("Test".to_owned())), 0..3);
    let changed = (inventory(), inventory(), any::<(u8, u8)>())
        .prop_map(|(inventory, other, parts)| (before(&inventory, other, parts.0 & parts.1), inventory));
    (config, changed, foreign, vec(deed(), 0..8), causes, 0..40_usize).prop_map(
        |(config, (earlier, inventory), foreign, deeds, causes, left)| {
            let mut firewall = sample::quiet(foreign);
            let history =
                World { config: config.clone(), inventory: earlier, firewall: firewall.clone(), causes: Vec::new() };
            firewall.candidate = Arc::new(firewall.running.apply(&planned(&history)));
            firewall.running = firewall.candidate.clone();
            for (index, deed, hand) in deeds {
                act(&mut firewall, &config, index, deed, hand);
            }
            let causes = causes.into_iter().map(|(subject, event)| Cause {
                subject: OwnedName::parse(&format!("{subject}-1")).unwrap().subject,
                event,
            });
            let mut made = World { config, inventory, firewall, causes: causes.collect() };
            // A run that died half way may have left something in the candidate.
            let begun = planned(&made);
            let begun: Vec<_> = begun.into_iter().take(left.saturating_sub(30)).collect();
            made.firewall.candidate = Arc::new(made.firewall.candidate.apply(&begun));
            made
        },
    )
}

fn planned(world: &World) -> Vec<drawbridge_core::change::Change> {
    plan(&world.inventory, &world.rulebase(), &world.config, &world.causes).changes
}

/// Does a deed to one of our rules, if there is one.
pub(crate) fn act(firewall: &mut Firewall, config: &Config, index: Index, deed: Deed, hand: Hand) {
    let owned = |configuration: &Configuration| {
        let ours = configuration.rules.iter().filter(|rule| owned_name(rule, &config.owner).is_some());
        ours.map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    let names = owned(&firewall.candidate);
    if names.is_empty() {
        return;
    }
    let name = &names[index.index(names.len())];
    let alice: TouchedBy = TouchedBy::from(["alice".parse().unwrap()]);
    let mut candidate = (*firewall.candidate).clone();
    match hand {
        Hand::Committed => {
            let mut running = (*firewall.running).clone();
            change(&mut running, name, deed);
            firewall.running = Arc::new(running);
            change(&mut candidate, name, deed);
        }
        Hand::Uncommitted => {
            change(&mut candidate, name, deed);
            candidate
                .rules
                .iter_mut()
                .filter(|rule| rule.name == *name)
                .for_each(|rule| rule.touched_by = alice.clone());
        }
        Hand::Deleted => {
            candidate.rules.retain(|rule| rule.name != *name);
            let admin = "alice".parse().unwrap();
            firewall.pending.push(Pending { node: Node::Rule(name.clone()), admin, effect: Effect::Deleted });
        }
    }
    firewall.candidate = Arc::new(candidate);
}

fn change(configuration: &mut Configuration, name: &RuleName, deed: Deed) {
    let Some(index) = configuration.rules.iter().position(|rule| rule.name == *name) else { return };
    if let Deed::Sink = deed {
        let rule = configuration.rules.remove(index);
        let end = configuration.rules.iter().position(|rule| rule.place == Place::Post);
        configuration.rules.insert(end.unwrap_or(configuration.rules.len()), rule);
        return;
    }
    let rule = &mut configuration.rules[index];
    let with = |addresses: &Addresses, more: &str| match addresses {
        Addresses::Known { listed, .. } => listed.iter().copied().chain([more.parse().unwrap()]).collect::<Addresses>(),
        Addresses::Unknown => Addresses::Unknown,
    };
    match deed {
        Deed::Disable => rule.status = Status::Disabled,
        Deed::Untag => rule.tags = BTreeSet::new(),
        Deed::Widen => rule.destination = with(&rule.destination, "10.0.0.0/28"),
        Deed::AddPeer if rule.source.is_any() => rule.source = sample::ranges("0.0.0.0/0,2001:db8:f::/64"),
        Deed::AddPeer => rule.source = with(&rule.source, "8.0.0.0/24"),
        Deed::AnyZone => rule.from = Zones::Any,
        Deed::Narrow => rule.narrowed_by.push(Narrowing::User),
        Deed::AnyService => rule.service = Services::Any,
        Deed::Deny => rule.action = drawbridge_core::firewall::Action::Deny,
        Deed::Describe => rule.description = "ask the web team".to_owned(),
        Deed::Sink => {}
    }
}

/// Everything inside, as a set: for oracles.
pub(crate) fn inside(
    inventory: &Inventory,
    config: &Config,
    interface: &Interface,
) -> Set<drawbridge_core::address::Address> {
    let own = inventory.vpcs.get(&interface.vpc).map(|vpc| vpc.cidrs.ranges().to_vec()).unwrap_or_default();
    own.into_iter().chain(config.internal.ranges().iter().copied()).collect()
}
