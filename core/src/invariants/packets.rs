//! Packets as boxes: what rules of ours admit, what security groups admit, and the difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::{AddressRange, Family},
    change::Direction,
    config::{Config, RuleDestination},
    exposure::{Exposure, Exposures},
    firewall::{Addresses, Applications, Configuration, NatRule, RuleFacts, RuleType, Services, Zones},
    id::{AppName, ZoneName},
    inventory::{IcmpTypes, Interface, Inventory, Peer, Permission, Traffic},
    nat::{Nat, Original},
    never::NeverOpen,
    range::{Range, Set},
    service::{L4, Service},
    translate::{IcmpRule, STANDARD_PORT},
};

/// Packets of one family: addresses of the instances, addresses of the internet, and protocols with their ports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets {
    local: AddressRange,
    peer: AddressRange,
    traffic: Range<u32>,
}

impl Packets {
    /// In words: `any -> 10.0.1.11 protocol 6 port 443`.
    pub(super) fn shown(self, way: Direction) -> String {
        let (protocol, port) = (self.traffic.first() >> 16, self.traffic.first() & 0xffff);
        let (source, destination) = match way {
            Direction::Ingress => (self.peer, self.local),
            Direction::Egress => (self.local, self.peer),
        };
        format!("{source} -> {destination} protocol {protocol} port {port}")
    }
}

impl Packets {
    /// Whether some of them are never let through.
    pub(super) fn meets(&self, never_open: &NeverOpen) -> bool {
        let ports = |protocol: u8| {
            let part = self.traffic.intersection(traffic(L4::Ip(protocol)))?;
            let [first, last] = [part.first(), part.last()].map(|number| u16::try_from(number & 0xffff).ok());
            Range::new(first?, last?)
        };
        let by_port = |l4: fn(Range<u16>) -> L4, protocol| {
            ports(protocol).is_some_and(|ports| never_open.meets(self.peer, l4(ports)))
        };
        // Peers count for every protocol, ports for their own.
        by_port(L4::Tcp, TCP) || by_port(L4::Udp, UDP) || never_open.meets(self.peer, L4::Ip(0))
    }
}

impl Packets {
    /// The same, read the other way round.
    fn mirrored(self) -> Self {
        Self { local: self.peer, peer: self.local, ..self }
    }
}

/// IANA's number of TCP.
const TCP: u8 = 6;
/// IANA's number of UDP.
const UDP: u8 = 17;
/// IANA's number of ICMP.
const ICMP: u8 = 1;
/// IANA's number of ICMPv6.
const ICMPV6: u8 = 58;

/// Protocol and port as one number, so that "everything" is one range.
fn traffic(l4: L4) -> Range<u32> {
    let ports = |protocol: u8, ports: Range<u16>| {
        let base = u32::from(protocol) << 16;
        Range::unchecked(base | u32::from(ports.first()), base | u32::from(ports.last()))
    };
    match l4 {
        L4::Any => Range::unchecked(0, 0xff_ffff),
        L4::Tcp(range) => ports(TCP, range),
        L4::Udp(range) => ports(UDP, range),
        L4::Ip(number) => ports(number, Range::unchecked(0, u16::MAX)),
    }
}

/// Which ways a rule goes that speaks of nothing but traffic between the internet and the instances.
pub(super) fn ways(rule: &RuleFacts, config: &Config) -> Vec<Direction> {
    let only = |zones: &Zones, zone: &ZoneName| matches!(zones, Zones::Named(names) if names.len() == 1 && names.contains(zone));
    let goes = |from: &ZoneName, to: &ZoneName| {
        (rule.rule_type != RuleType::Intrazone || from == to) && only(&rule.from, from) && only(&rule.to, to)
    };
    let inward = goes(&config.untrust, &config.trust).then_some(Direction::Ingress);
    inward.into_iter().chain(goes(&config.trust, &config.untrust).then_some(Direction::Egress)).collect()
}

/// What a rule of ours admits at most, read as going one way, for each application; nothing if configuration alone cannot
/// tell.
pub(super) fn boxes(
    rule: &RuleFacts,
    configuration: &Configuration,
    way: Direction,
) -> Option<Vec<(Option<AppName>, Packets)>> {
    let (Addresses::Known { set: source, .. }, Addresses::Known { set: destination, .. }) =
        (&rule.source, &rule.destination)
    else {
        return None;
    };
    let (peers, locals) = match way {
        Direction::Ingress => (source, destination),
        Direction::Egress => (destination, source),
    };
    let mut found = Vec::new();
    for (app, traffic) in services(rule, configuration)? {
        for family in [Family::Ipv4, Family::Ipv6] {
            let of_family = |set: &Set<_>| {
                let parts = set.meeting(family.whole()).filter_map(|range| range.intersection(family.whole()));
                parts.collect::<Vec<_>>()
            };
            for local in of_family(locals) {
                let boxes = of_family(peers).into_iter().map(|peer| Packets { local, peer, traffic });
                found.extend(boxes.map(|packets| (app.clone(), packets)));
            }
        }
    }
    Some(found)
}

fn services(rule: &RuleFacts, configuration: &Configuration) -> Option<Vec<(Option<AppName>, Range<u32>)>> {
    let apps: Vec<_> = match &rule.applications {
        Applications::Any => vec![None],
        Applications::Named(names) => names.iter().cloned().map(Some).collect(),
        Applications::Unknown => return None,
    };
    let mut found = Vec::new();
    for app in apps {
        let held = match &rule.service {
            Services::Any => app.as_ref().and_then(protocol).unwrap_or_else(|| vec![L4::Any]),
            Services::ApplicationDefault => {
                let app = app.as_ref()?;
                protocol(app).or_else(|| standard_ports(app, configuration))?
            }
            Services::Ports { l4, .. } => l4.clone(),
            Services::Unknown => return None,
        };
        found.extend(held.into_iter().map(|l4| (app.clone(), traffic(l4))));
    }
    Some(found)
}

/// Whether the applications of a rule come with no more protocols and ports than those of another one, whatever columns say so.
pub(super) fn is_no_wider(now: (&RuleFacts, &Configuration), then: (&RuleFacts, &Configuration)) -> bool {
    let (Some(now), Some(then)) = (services(now.0, now.1), services(then.0, then.1)) else { return false };
    now.iter().all(|(app, traffic)| then.iter().any(|(held, whole)| held == app && whole.contains(*traffic)))
}

/// The protocol of an application that has no ports.
fn protocol(app: &AppName) -> Option<Vec<L4>> {
    Service::protocol_of(&BTreeSet::from([app.clone()])).map(|number| vec![L4::Ip(number)])
}

fn standard_ports(app: &AppName, configuration: &Configuration) -> Option<Vec<L4>> {
    configuration.standard_ports.get(app).cloned().or_else(|| {
        let (_, port) = STANDARD_PORT.iter().find(|(name, _)| *name == app.as_str())?;
        Some(vec![L4::Tcp(Range::single(*port))])
    })
}

/// What the security groups of exposed interfaces admit, and everything for addresses of which nobody can tell.
pub(super) struct Admitted<'a> {
    by_local: BTreeMap<(Direction, AddressRange), Vec<Grant>>,
    inventory: &'a Inventory,
    icmp: IcmpRule,
}

/// Packets that are admitted, whatever their application or only as this one.
#[derive(Clone)]
struct Grant {
    packets: Packets,
    only: Option<&'static str>,
}

/// The same, not yet as the firewall sees it.
struct Permitted {
    peer: AddressRange,
    l4: L4,
    only: Option<&'static str>,
}

impl<'a> Admitted<'a> {
    /// Reads permissions without any of the code that works out what is wanted.
    pub(super) fn of(inventory: &'a Inventory, nat: &[NatRule], config: &'a Config) -> Self {
        let mut admitted = Self { by_local: BTreeMap::new(), inventory, icmp: config.translation.icmp };
        let mut exposures = Exposures::of(inventory, config);
        let mut nat = Nat::of(nat, inventory, config);
        for (id, interface) in &inventory.interfaces {
            for local in &interface.addresses {
                let is_known = match exposures.exposure(id, interface, local.family()) {
                    Exposure::Yes(_) => true,
                    Exposure::Unknown(_) => false,
                    Exposure::No(_) => continue,
                };
                // What cannot be read for one way leaves the interface in doubt: what it owns stays, either way.
                let is_read = |way: &Direction| admitted.by_groups(interface, *local, *way).is_some();
                let is_known = is_known && config.directions.iter().all(is_read);
                for way in [Direction::Ingress, Direction::Egress] {
                    let permitted = if is_known { admitted.by_groups(interface, *local, way) } else { None };
                    let translated = way == Direction::Ingress
                        && local.family() == Family::Ipv4
                        && config.destination == RuleDestination::Nat;
                    let nat = translated.then_some((&mut nat, &config.never_open));
                    grants(*local, permitted, nat, |local, grant| {
                        admitted.by_local.entry((way, local)).or_default().push(grant);
                    });
                }
            }
        }
        admitted
    }

    /// What the groups of an interface permit; nothing if one of them, or a list of theirs, cannot be read.
    fn by_groups(&self, interface: &Interface, local: AddressRange, way: Direction) -> Option<Vec<Permitted>> {
        let mut permitted = Vec::new();
        for id in &interface.groups {
            let group = self.inventory.groups.get(id)?;
            let permissions = match way {
                Direction::Ingress => &group.ingress,
                Direction::Egress => &group.egress,
            };
            for permission in permissions {
                let peers = match &permission.peer {
                    Peer::Addresses(range) => std::slice::from_ref(range),
                    Peer::PrefixList(list) => self.inventory.prefix_lists.get(list)?,
                    Peer::Group(_) => &[],
                };
                let Some((l4, only)) = self.means(permission) else { continue };
                let peers = peers.iter().filter(|peer| peer.family() == local.family());
                permitted.extend(peers.map(|peer| Permitted { peer: *peer, l4, only }));
            }
        }
        Some(permitted)
    }

    /// The traffic of a permission, as far as rules can tell it apart.
    fn means(&self, permission: &Permission) -> Option<(L4, Option<&'static str>)> {
        let exactly = self.icmp == IcmpRule::Exact;
        let mut only = None;
        let l4 = match permission.traffic {
            Traffic::All => L4::Any,
            Traffic::Tcp(ports) => L4::Tcp(ports),
            Traffic::Udp(ports) => L4::Udp(ports),
            Traffic::Icmp(types) => {
                match types {
                    IcmpTypes::Type(8) | IcmpTypes::TypeAndCode(8, 0) if exactly => only = Some("ping"),
                    IcmpTypes::Type(_) | IcmpTypes::TypeAndCode(..) if exactly => return None,
                    IcmpTypes::All | IcmpTypes::Type(_) | IcmpTypes::TypeAndCode(..) => {}
                }
                L4::Ip(ICMP)
            }
            Traffic::Icmpv6(types) if exactly && types != IcmpTypes::All => return None,
            Traffic::Icmpv6(_) => L4::Ip(ICMPV6),
            Traffic::Protocol(number) => L4::Ip(number),
            Traffic::Unknown(_) => return None,
        };
        Some((l4, only))
    }

    /// Some of these packets, read the first of these ways, that nothing admits in any of them.
    pub(super) fn rest(&self, ways: &[Direction], packets: Packets, app: Option<&AppName>) -> Option<Packets> {
        let admits = |grant: &&Grant| grant.only.is_none_or(|only| app.is_some_and(|app| app.as_str() == only));
        let granted = |way: Direction| {
            let read = move |packets: Packets| if way == ways[0] { packets } else { packets.mirrored() };
            let local = read(packets).local;
            let lists = self.by_local.iter().filter(move |((to, held), _)| *to == way && held.meets(local));
            lists.flat_map(|(_, grants)| grants).filter(admits).map(move |grant| read(grant.packets))
        };
        let grants: Vec<_> = ways.iter().flat_map(|way| granted(*way)).collect();
        packets.rest(&grants)
    }
}

/// Grants for one address of an interface, or for what is translated to it. Without a list everything is granted.
fn grants(
    local: AddressRange,
    permitted: Option<Vec<Permitted>>,
    nat: Option<(&mut Nat<'_>, &NeverOpen)>,
    mut add: impl FnMut(AddressRange, Grant),
) {
    let everything = Permitted { peer: local.family().whole(), l4: L4::Any, only: None };
    let is_known = permitted.is_some();
    let permitted = permitted.unwrap_or_else(|| vec![everything]);
    let packets = |local, peer, l4| Packets { local, peer, traffic: traffic(l4) };
    let Some((nat, never)) = nat else {
        return permitted
            .into_iter()
            .for_each(|Permitted { peer, l4, only }| add(local, Grant { packets: packets(local, peer, l4), only }));
    };
    if !is_known {
        add(local, Grant { packets: packets(local, local.family().whole(), L4::Any), only: None });
    }
    for Permitted { peer, l4, only } in permitted {
        let originals =
            if is_known { nat.leading_to(local, peer, l4).originals } else { nat.everything_leading_to(local, never) };
        for Original { local, peer, l4, .. } in originals {
            add(local, Grant { packets: packets(local, peer, l4), only });
        }
    }
}

impl Packets {
    /// Some packets of this box that are in none of the others.
    fn rest(self, others: &[Self]) -> Option<Self> {
        let meets = |other: &Self| {
            other.local.meets(self.local) && other.peer.meets(self.peer) && other.traffic.meets(self.traffic)
        };
        let Some(index) = others.iter().position(meets) else { return Some(self) };
        let (other, later) = (others[index], &others[index + 1..]);
        let mut core = self;
        let by_local = core.local.minus(other.local).map(|part| part.map(|local| Self { local, ..core }));
        core.local = core.local.intersection(other.local)?;
        let by_peer = core.peer.minus(other.peer).map(|part| part.map(|peer| Self { peer, ..core }));
        core.peer = core.peer.intersection(other.peer)?;
        let by_traffic = core.traffic.minus(other.traffic).map(|part| part.map(|traffic| Self { traffic, ..core }));
        [by_local, by_peer, by_traffic].into_iter().flatten().flatten().find_map(|piece| piece.rest(later))
    }
}
