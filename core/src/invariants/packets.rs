//! Packets as boxes: what rules of ours admit, what security groups admit, and the difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{AddressRange, Family},
    config::Config,
    exposure::{Exposure, Exposures},
    firewall::{Addresses, Applications, Configuration, RuleFacts, RuleType, Services, Zones},
    id::{AppName, ZoneName},
    inventory::{IcmpTypes, Interface, Inventory, Peer, Permission, Traffic},
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

impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, port) = (self.traffic.first() >> 16, self.traffic.first() & 0xffff);
        write!(f, "{} -> {} protocol {protocol} port {port}", self.peer, self.local)
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

/// Whether a rule speaks of nothing but traffic from the internet to the instances.
pub(super) fn goes_inward_only(rule: &RuleFacts, untrust: &ZoneName, trust: &ZoneName) -> bool {
    let only = |zones: &Zones, zone| matches!(zones, Zones::Named(names) if names.iter().eq([zone]));
    rule.rule_type != RuleType::Intrazone && only(&rule.from, untrust) && only(&rule.to, trust)
}

/// What a rule of ours admits at most, for each application; nothing if configuration alone cannot tell.
pub(super) fn boxes(rule: &RuleFacts, configuration: &Configuration) -> Option<Vec<(Option<AppName>, Packets)>> {
    let (Addresses::Known { set: peers, .. }, Addresses::Known { set: locals, .. }) = (&rule.source, &rule.destination)
    else {
        return None;
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
    by_local: BTreeMap<AddressRange, Vec<Grant>>,
    inventory: &'a Inventory,
    icmp: IcmpRule,
}

/// Packets that are admitted, whatever their application or only as this one.
#[derive(Clone)]
struct Grant {
    packets: Packets,
    only: Option<&'static str>,
}

impl<'a> Admitted<'a> {
    /// Reads permissions without any of the code that works out what is wanted.
    pub(super) fn of(inventory: &'a Inventory, config: &'a Config) -> Self {
        let mut admitted = Self { by_local: BTreeMap::new(), inventory, icmp: config.translation.icmp };
        let mut exposures = Exposures::of(inventory, config);
        for (id, interface) in &inventory.interfaces {
            for local in &interface.addresses {
                let grants = match exposures.exposure(id, interface, local.family()) {
                    Exposure::Yes(_) => admitted.by_groups(interface, *local),
                    Exposure::Unknown(_) => None,
                    Exposure::No(_) => continue,
                };
                let everything = || {
                    let packets = Packets { local: *local, peer: local.family().whole(), traffic: traffic(L4::Any) };
                    vec![Grant { packets, only: None }]
                };
                admitted.by_local.entry(*local).or_default().extend(grants.unwrap_or_else(everything));
            }
        }
        admitted
    }

    /// What the groups of an interface admit; nothing if one of them, or a list of theirs, cannot be read.
    fn by_groups(&self, interface: &Interface, local: AddressRange) -> Option<Vec<Grant>> {
        let mut grants = Vec::new();
        for id in &interface.groups {
            for permission in &self.inventory.groups.get(id)?.ingress {
                let peers = match &permission.peer {
                    Peer::Addresses(range) => std::slice::from_ref(range),
                    Peer::PrefixList(list) => self.inventory.prefix_lists.get(list)?,
                    Peer::Group(_) => &[],
                };
                let Some((l4, only)) = self.means(permission) else { continue };
                let peers = peers.iter().filter(|peer| peer.family() == local.family());
                grants.extend(
                    peers.map(|peer| Grant { packets: Packets { local, peer: *peer, traffic: traffic(l4) }, only }),
                );
            }
        }
        Some(grants)
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

    /// Some of these packets that nothing admits.
    pub(super) fn rest(&self, packets: Packets, app: Option<&AppName>) -> Option<Packets> {
        let admits = |grant: &&Grant| grant.only.is_none_or(|only| app.is_some_and(|app| app.as_str() == only));
        let lists = self.by_local.iter().filter(|(local, _)| local.meets(packets.local));
        let grants: Vec<_> = lists.flat_map(|(_, grants)| grants).filter(admits).map(|grant| grant.packets).collect();
        packets.rest(&grants)
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
