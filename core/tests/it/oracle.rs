//! A deliberately naive reader: it takes one packet at a time and walks through routes, security groups and rules as a
//! person would. It shares no code with the decision.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::LazyLock,
};

use drawbridge_core::{
    address::AddressRange,
    config::{Config, Gateway, InterfaceScope},
    firewall::{Action, Addresses, Applications, RuleFacts, RuleType, Services, Status, Zones},
    id::GroupId,
    inventory::{
        Destination, IcmpTypes, Interface, Inventory, Peer, Permission, RouteState, RouteTable, TableRole, Target,
        Traffic,
    },
    never::Never,
    service::L4,
    translate::IcmpRule,
};

/// A packet from the internet to an instance. The port of ICMP is its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) peer: IpAddr,
    pub(crate) local: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) port: u16,
    pub(crate) app: &'static str,
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, local, protocol, port, app } = self;
        write!(f, "{peer} -> {local} protocol {protocol} port {port} ({app})")
    }
}

const PEERS: &[&str] = &[
    "1.1.1.1",
    "8.0.0.0",
    "8.0.0.1",
    "8.0.0.2",
    "8.0.0.3",
    "8.0.0.4",
    "8.0.0.255",
    "8.0.1.0",
    "10.0.0.7",
    "10.0.2.1",
    "192.168.1.1",
    "200.1.1.1",
    "2001:db8:f::",
    "2001:db8:f::1",
    "2001:db8:f::3",
    "2001:db8:f::4",
    "2600::1",
];
const LOCALS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.6",
    "10.0.0.15",
    "10.0.0.16",
    "10.0.0.31",
    "10.0.0.32",
    "10.0.0.253",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
];
const TCP: &[u16] = &[1, 20, 21, 22, 23, 25, 26, 80, 439, 440, 443, 450, 451, 500, 501, 3306, 8443, 65535];
const UDP: &[u16] = &[1, 22, 23, 53, 80, 443, 8443];
/// Applications of packets with ports.
pub(crate) const APPS: &[&str] = &["other", "ssh", "ssl", "web-browsing", "dns"];

/// Packets at and beside every edge that the generators draw.
pub(crate) fn packets() -> &'static [Packet] {
    static ALL: LazyLock<Vec<Packet>> = LazyLock::new(every_packet);
    &ALL
}

fn every_packet() -> Vec<Packet> {
    let ported = |protocol, ports: &[u16]| {
        let pairs = ports.iter().flat_map(|port| APPS.iter().map(move |app| (protocol, *port, *app)));
        pairs.collect::<Vec<_>>()
    };
    let others =
        [(1, 0, "icmp"), (1, 3, "icmp"), (1, 8, "ping"), (58, 128, "ipv6-icmp"), (47, 0, "gre"), (132, 0, "sctp")];
    let traffic: Vec<_> = [ported(6, TCP), ported(17, UDP), others.to_vec()].concat();
    let mut found = Vec::new();
    for peer in PEERS.iter().map(|text| text.parse::<IpAddr>().unwrap()) {
        for local in LOCALS.iter().map(|text| text.parse::<IpAddr>().unwrap()) {
            if peer.is_ipv4() == local.is_ipv4() {
                found.extend(traffic.iter().map(|(protocol, port, app)| Packet {
                    peer,
                    local,
                    protocol: *protocol,
                    port: *port,
                    app,
                }));
            }
        }
    }
    found
}

/// Whether an address is in a range. `any` is a range that begins in one family and holds the other.
pub(crate) fn holds(range: &AddressRange, address: IpAddr) -> bool {
    let (first, last) = (IpAddr::from(range.first()), IpAddr::from(range.last()));
    let everything = first == Ipv6Addr::UNSPECIFIED && last == Ipv6Addr::from(u128::MAX);
    everything || (first <= address && address <= last)
}

/// Whether traffic of a protocol and port is one of these.
pub(crate) fn carries(l4: &L4, packet: &Packet) -> bool {
    match l4 {
        L4::Any => true,
        L4::Tcp(ports) => packet.protocol == 6 && ports.first() <= packet.port && packet.port <= ports.last(),
        L4::Udp(ports) => packet.protocol == 17 && ports.first() <= packet.port && packet.port <= ports.last(),
        L4::Ip(number) => packet.protocol == *number,
    }
}

/// Whether the settings keep a packet out, whatever any group says.
pub(crate) fn is_never_opened(config: &Config, packet: &Packet) -> bool {
    config.never_open.listed().any(|entry| match entry {
        Never::Tcp(ports) => carries(&L4::Tcp(ports), packet),
        Never::Udp(ports) => carries(&L4::Udp(ports), packet),
        Never::Peer(peers) => holds(&peers, packet.peer),
    })
}

// -- AWS

/// How the internet reaches an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Yes,
    No,
    Unknown,
}

/// Every interface with the packet's address, and how the internet reaches it.
pub(crate) fn reached<'a>(
    inventory: &'a Inventory,
    config: &'a Config,
    local: IpAddr,
) -> impl Iterator<Item = (&'a Interface, Reach)> {
    let here = inventory.interfaces.iter().filter(move |(_, i)| i.addresses.iter().any(|range| holds(range, local)));
    here.map(move |(id, interface)| {
        let own_instance = |gateway: &Gateway| match gateway {
            Gateway::Instance(own) => interface.instance.as_ref() == Some(own),
            Gateway::Interface(own) => {
                let attached = inventory.interfaces.get(own).and_then(|found| found.instance.as_ref());
                own == id || (attached.is_some() && attached == interface.instance.as_ref())
            }
            Gateway::Endpoint(_) | Gateway::TransitGateway(_) => false,
        };
        let reach = if config.gateways.iter().any(own_instance) {
            Reach::No
        } else {
            match interface.instance.as_ref().map(|instance| inventory.instances.get(instance)) {
                None if config.interfaces == InterfaceScope::Instances => Reach::No,
                Some(None) => Reach::Unknown,
                Some(Some(instance)) if !instance.state.is_on() => Reach::No,
                None | Some(Some(_)) => by_route(inventory, config, interface, local.is_ipv4()),
            }
        };
        (interface, reach)
    })
}

fn by_route(inventory: &Inventory, config: &Config, interface: &Interface, v4: bool) -> Reach {
    let tables = || inventory.route_tables.values();
    let explicit = tables().find(|table| table.subnets.contains(&interface.subnet));
    let Some(table) = explicit.or_else(|| tables().find(|t| t.vpc == interface.vpc && t.role == TableRole::Main))
    else {
        return Reach::Unknown;
    };
    let halves = if v4 { ["8.8.8.8", "200.0.0.1"] } else { ["2600::1", "9000::1"] };
    for address in halves {
        match next_hop(inventory, config, table, address.parse().unwrap()) {
            Reach::Yes => {}
            other @ (Reach::No | Reach::Unknown) => return other,
        }
    }
    Reach::Yes
}

/// Longest prefix wins; a CIDR before a list; two that are equal and differ leave it open.
fn next_hop(inventory: &Inventory, config: &Config, table: &RouteTable, address: IpAddr) -> Reach {
    let mut matching = Vec::new();
    for route in &table.routes {
        match &route.destination {
            Destination::Addresses(range) => matching.extend(holds(range, address).then_some((range.bits(), 0, route))),
            Destination::PrefixList(list) => {
                let Some(entries) = inventory.prefix_lists.get(list) else { return Reach::Unknown };
                let holding = entries.iter().filter(|range| holds(range, address));
                matching.extend(holding.map(|range| (range.bits(), 1, route)));
            }
        }
    }
    let Some((bits, listed, _)) = matching.iter().min_by_key(|(bits, listed, _)| (*bits, *listed)) else {
        return Reach::No;
    };
    let best: Vec<_> = matching.iter().filter(|(b, l, _)| (b, l) == (bits, listed)).map(|(.., route)| route).collect();
    if best.iter().any(|route| route.target != best[0].target || route.state != best[0].state) {
        return Reach::Unknown;
    }
    if best[0].state == RouteState::Blackhole {
        return Reach::Unknown;
    }
    let is_gateway = |gateway: Gateway| if config.gateways.contains(&gateway) { Reach::Yes } else { Reach::No };
    match &best[0].target {
        Target::Local | Target::Other(_) => Reach::No,
        Target::Endpoint(id) => is_gateway(Gateway::Endpoint(id.clone())),
        Target::TransitGateway(id) => is_gateway(Gateway::TransitGateway(id.clone())),
        Target::Interface { interface, instance } => {
            let listed = interface.as_ref().map(|id| inventory.interfaces.get(id));
            let attached = listed.flatten().and_then(|found| found.instance.as_ref());
            let by_interface = interface.clone().map(Gateway::Interface);
            let by_instance = [instance.as_ref(), attached].into_iter().flatten().cloned().map(Gateway::Instance);
            if instance.is_none() && listed.is_some_and(|found| found.is_some()) && attached.is_none() {
                Reach::Unknown
            } else if by_interface.into_iter().chain(by_instance).any(|gateway| is_gateway(gateway) == Reach::Yes) {
                Reach::Yes
            } else if instance.is_none() && listed.is_some_and(|found| found.is_none()) {
                Reach::Unknown
            } else {
                Reach::No
            }
        }
    }
}

/// Whether a permission admits a packet; nothing if its prefix list cannot be read. References admit nothing from outside.
pub(crate) fn permits(
    inventory: &Inventory,
    config: &Config,
    permission: &Permission,
    packet: &Packet,
) -> Option<bool> {
    let peers = match &permission.peer {
        Peer::Addresses(range) => std::slice::from_ref(range),
        Peer::PrefixList(list) => inventory.prefix_lists.get(list)?,
        Peer::Group(_) => &[],
    };
    let icmp = |types: &IcmpTypes| {
        config.translation.icmp == IcmpRule::All
            || match types {
                IcmpTypes::All => true,
                IcmpTypes::Type(kind) => packet.port == u16::from(*kind),
                // No packet here has a code but 0.
                IcmpTypes::TypeAndCode(kind, code) => *code == 0 && packet.port == u16::from(*kind),
            }
    };
    let carried = match &permission.traffic {
        Traffic::All => true,
        Traffic::Tcp(ports) => carries(&L4::Tcp(*ports), packet),
        Traffic::Udp(ports) => carries(&L4::Udp(*ports), packet),
        Traffic::Icmp(types) => packet.protocol == 1 && icmp(types),
        Traffic::Icmpv6(types) => packet.protocol == 58 && icmp(types),
        Traffic::Protocol(number) => packet.protocol == *number,
        Traffic::Unknown(_) => false,
    };
    Some(carried && peers.iter().any(|range| holds(range, packet.peer)))
}

/// Whether the groups of an interface admit a packet; nothing if one of them cannot be read.
pub(crate) fn groups_permit(
    inventory: &Inventory,
    config: &Config,
    groups: &BTreeSet<GroupId>,
    packet: &Packet,
) -> Option<bool> {
    let mut admitted = false;
    for id in groups {
        for permission in &inventory.groups.get(id)?.ingress {
            admitted |= permits(inventory, config, permission, packet)?;
        }
    }
    Some(admitted)
}

/// Whether some security group of an exposed interface admits the packet, or nobody can tell.
pub(crate) fn admitted(inventory: &Inventory, config: &Config, packet: &Packet) -> bool {
    reached(inventory, config, packet.local).any(|(interface, reach)| match reach {
        Reach::Yes => groups_permit(inventory, config, &interface.groups, packet).unwrap_or(true),
        Reach::Unknown => true,
        Reach::No => false,
    })
}

// -- the firewall

/// Whether a rule matches a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    Maybe,
}

pub(crate) fn matches(rule: &RuleFacts, packet: &Packet) -> Match {
    let named = |zones: &Zones, zone: &str| match zones {
        Zones::Any => true,
        Zones::Named(names) => names.iter().any(|name| name.as_str() == zone),
    };
    // Two different zones: no intrazone rule speaks of such a packet.
    if rule.status == Status::Disabled
        || rule.rule_type == RuleType::Intrazone
        || !named(&rule.from, "untrust")
        || !named(&rule.to, "trust")
    {
        return Match::No;
    }
    let mut certain = rule.narrowed_by.is_empty();
    for (column, address) in [(&rule.source, packet.peer), (&rule.destination, packet.local)] {
        match column {
            Addresses::Known { set, .. } if !set.ranges().iter().any(|range| holds(range, address)) => {
                return Match::No;
            }
            Addresses::Known { .. } => {}
            Addresses::Unknown => certain = false,
        }
    }
    match &rule.applications {
        Applications::Any => {}
        Applications::Named(names) if !names.iter().any(|name| name.as_str() == packet.app) => return Match::No,
        Applications::Named(_) => {}
        Applications::Unknown => certain = false,
    }
    match &rule.service {
        Services::Any => {}
        Services::Ports { l4, .. } if !l4.iter().any(|l4| carries(l4, packet)) => return Match::No,
        Services::Ports { .. } => {}
        Services::ApplicationDefault => match (packet.app, packet.protocol, packet.port) {
            ("ssh", 6, 22) | ("ssl", 6, 443) | ("icmp" | "ping", 1, _) | ("ipv6-icmp", 58, _) | ("gre", 47, _) => {}
            ("ssh" | "ssl", ..) => return Match::No,
            _ => certain = false,
        },
        Services::Unknown => certain = false,
    }
    if certain { Match::Yes } else { Match::Maybe }
}

/// What becomes of a packet: the rule that decides, unless only something that nobody can tell does.
pub(crate) fn verdict<'a>(rules: impl Iterator<Item = &'a RuleFacts>, packet: &Packet) -> Option<&'a RuleFacts> {
    for rule in rules {
        match (matches(rule, packet), rule.action) {
            (Match::Yes, _) => return Some(rule),
            (Match::Maybe, Action::Deny) => return Some(rule),
            (Match::Maybe, Action::Allow) | (Match::No, _) => {}
        }
    }
    None
}
