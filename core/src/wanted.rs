//! What is wanted: for every exposed interface, exactly what its security groups call for, as atoms.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{Address, AddressRange, Family},
    change::Direction,
    config::Config,
    exposure::{Doubt, Exposure, Exposures, Hidden},
    id::{GroupId, InstanceId, InterfaceId, VpcId},
    inventory::{Interface, Inventory, Peer, Permission},
    range::Set,
    service::Service,
    translate::Inexpressible,
};

/// The smallest thing wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    /// Which way.
    pub direction: Direction,
    /// The instance's side.
    pub local: AddressRange,
    /// The internet's side.
    pub peer: AddressRange,
    /// What is to be let through.
    pub service: Service,
}

/// Who wants an atom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The group whose permission says so.
    pub group: GroupId,
    /// The interface that has the address.
    pub interface: InterfaceId,
    /// The instance it is attached to.
    pub instance: Option<InstanceId>,
    /// Its VPC.
    pub vpc: VpcId,
}

/// What AWS calls for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Everything wanted, and by whom.
    pub atoms: BTreeMap<Atom, BTreeSet<Origin>>,
    /// Addresses whose exposure nobody can tell now: what we own for them stays, nothing is added.
    pub unknown: Set<Address>,
    /// How many interfaces are exposed, or may be.
    pub exposed: usize,
    /// Everything that leads to no rule, with its reason.
    pub left_out: BTreeSet<LeftOut>,
}

/// Something that leads to no rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// An interface that is not exposed.
    Hidden(InterfaceId, Hidden),
    /// An interface of which nobody can tell.
    Doubtful(InterfaceId, Doubt),
    /// A permission of a group on an exposed interface.
    Permission(GroupId, Permission, WhyNot),
    /// An atom for an address that interfaces of several VPCs have, and which this one of them does not want.
    TwoVpcs(Atom, VpcId),
}

/// Why a permission leads to no rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// The peer is inside the VPC or the internal networks: such traffic does not pass the firewall.
    Inside,
    /// The peer is a group: its members are inside.
    Reference,
    /// No rule can say exactly this.
    Inexpressible(Inexpressible),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside => f.write_str("the peer is inside"),
            Self::Reference => f.write_str("a reference to a group stays inside"),
            Self::Inexpressible(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden(interface, why) => write!(f, "{interface} is not exposed: {why}"),
            Self::Doubtful(interface, why) => write!(f, "{interface} may be exposed: {why}"),
            Self::Permission(group, permission, why) => write!(f, "{group} {permission}: {why}"),
            Self::TwoVpcs(atom, vpc) => {
                write!(f, "{atom}: {} is in several VPCs, and {vpc} does not want it", atom.local)
            }
        }
    }
}

/// Works out what is wanted.
pub fn wanted(inventory: &Inventory, config: &Config) -> Wanted {
    let mut collected = Collected { wanted: Wanted::default(), by_vpc: BTreeMap::new() };
    let mut exposures = Exposures::of(inventory, config);
    let mut scope = Scope { inventory, config, inside: BTreeMap::new() };
    let mut unknown = Vec::new();
    for (id, interface) in &inventory.interfaces {
        let mut counted = false;
        for family in [Family::Ipv4, Family::Ipv6] {
            let own: Vec<_> = interface.addresses.iter().copied().filter(|range| range.family() == family).collect();
            if own.is_empty() {
                continue;
            }
            let doubt = match exposures.exposure(id, interface, family) {
                Exposure::Yes(_) => scope.doubt(interface),
                Exposure::No(why) => {
                    collected.wanted.left_out.insert(LeftOut::Hidden(id.clone(), why));
                    continue;
                }
                Exposure::Unknown(doubt) => Some(doubt),
            };
            counted = true;
            if let Some(doubt) = doubt {
                collected.wanted.left_out.insert(LeftOut::Doubtful(id.clone(), doubt));
                unknown.extend(own);
            } else {
                collected.interface(&mut scope, id, interface, &own);
            }
        }
        collected.wanted.exposed += usize::from(counted);
    }
    collected.finish(unknown)
}

/// What the permissions of one account mean.
struct Scope<'a> {
    inventory: &'a Inventory,
    config: &'a Config,
    inside: BTreeMap<&'a VpcId, Set<Address>>,
}

impl<'a> Scope<'a> {
    /// A group, or a prefix list of it, that is referred to but cannot be read.
    fn doubt(&self, interface: &Interface) -> Option<Doubt> {
        interface.groups.iter().find_map(|id| {
            let Some(group) = self.inventory.groups.get(id) else { return Some(Doubt::Group(id.clone())) };
            group.ingress.iter().find_map(|permission| match &permission.peer {
                Peer::PrefixList(list) if !self.inventory.prefix_lists.contains_key(list) => {
                    Some(Doubt::PrefixList(id.clone(), list.clone()))
                }
                Peer::PrefixList(_) | Peer::Addresses(_) | Peer::Group(_) => None,
            })
        })
    }

    /// The networks whose traffic does not pass the firewall, seen from one VPC.
    fn inside(&mut self, vpc: &'a VpcId) -> &Set<Address> {
        self.inside.entry(vpc).or_insert_with(|| {
            let own = self.inventory.vpcs.get(vpc).map(|vpc| vpc.cidrs.ranges()).unwrap_or_default();
            own.iter().chain(self.config.internal.ranges()).copied().collect()
        })
    }

    /// The peers and the service of a permission, or why there are none.
    fn means(&mut self, vpc: &'a VpcId, permission: &Permission) -> Result<(Vec<AddressRange>, Service), WhyNot> {
        let service = self.config.translation.service(&permission.traffic).map_err(WhyNot::Inexpressible)?;
        let peers = match &permission.peer {
            Peer::Addresses(range) => std::slice::from_ref(range),
            Peer::PrefixList(list) => self.inventory.prefix_lists.get(list).map(Vec::as_slice).unwrap_or_default(),
            Peer::Group(_) => return Err(WhyNot::Reference),
        };
        let inside = self.inside(vpc);
        let outside: Vec<_> = peers.iter().copied().filter(|peer| !inside.contains(*peer)).collect();
        if outside.is_empty() { Err(WhyNot::Inside) } else { Ok((outside, service)) }
    }
}

/// What has been found so far.
struct Collected {
    wanted: Wanted,
    by_vpc: BTreeMap<VpcId, BTreeSet<AddressRange>>,
}

impl Collected {
    fn interface<'a>(
        &mut self,
        scope: &mut Scope<'a>,
        id: &InterfaceId,
        interface: &'a Interface,
        own: &[AddressRange],
    ) {
        self.by_vpc.entry(interface.vpc.clone()).or_default().extend(own);
        for group_id in &interface.groups {
            let origin = Origin {
                group: group_id.clone(),
                interface: id.clone(),
                instance: interface.instance.clone(),
                vpc: interface.vpc.clone(),
            };
            let permissions = scope.inventory.groups.get(group_id).map(|group| group.ingress.as_slice());
            for permission in permissions.unwrap_or_default() {
                match scope.means(&interface.vpc, permission) {
                    Ok((peers, service)) => self.atoms(own, &peers, &service, &origin),
                    Err(why) => {
                        let left_out = LeftOut::Permission(group_id.clone(), permission.clone(), why);
                        self.wanted.left_out.insert(left_out);
                    }
                }
            }
        }
    }

    fn atoms(&mut self, own: &[AddressRange], peers: &[AddressRange], service: &Service, origin: &Origin) {
        for local in own {
            for peer in peers.iter().filter(|peer| peer.family() == local.family()) {
                let atom = Atom { direction: Direction::Ingress, local: *local, peer: *peer, service: service.clone() };
                self.wanted.atoms.entry(atom).or_default().insert(origin.clone());
            }
        }
    }

    /// Addresses in doubt get nothing new, and an address of two VPCs gets only what both want: one packet cannot tell
    /// which of the two it is for.
    fn finish(mut self, unknown: Vec<AddressRange>) -> Wanted {
        self.wanted.unknown = unknown.into_iter().collect();
        let clashes = self.clashes();
        if !clashes.is_empty() {
            self.keep_common(&clashes);
        }
        let unknown = &self.wanted.unknown;
        self.wanted.atoms.retain(|atom, _| !unknown.meets(atom.local));
        self.wanted
    }

    /// Addresses that interfaces of several VPCs have, wholly or in part, with those VPCs.
    fn clashes(&self) -> BTreeMap<AddressRange, BTreeSet<VpcId>> {
        let mut all: Vec<_> =
            self.by_vpc.iter().flat_map(|(vpc, own)| own.iter().map(move |range| (*range, vpc))).collect();
        all.sort_unstable();
        let mut open: Vec<(AddressRange, &VpcId)> = Vec::new();
        let mut clashes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (range, vpc) in all {
            open.retain(|(held, _)| held.last() >= range.first());
            for (held, other) in open.iter().filter(|(_, other)| *other != vpc) {
                for clashing in [*held, range] {
                    clashes.entry(clashing).or_default().extend([vpc.clone(), (*other).clone()]);
                }
            }
            open.push((range, vpc));
        }
        clashes
    }

    fn keep_common(&mut self, clashes: &BTreeMap<AddressRange, BTreeSet<VpcId>>) {
        let (clashing, alone): (BTreeMap<_, _>, _) = std::mem::take(&mut self.wanted.atoms)
            .into_iter()
            .partition(|(atom, _): &(Atom, BTreeSet<Origin>)| clashes.contains_key(&atom.local));
        self.wanted.atoms = alone;
        for (atom, origins) in &clashing {
            let wanted_in = |vpc: &VpcId| {
                clashing.iter().any(|(other, by)| other.holds(atom) && by.iter().any(|origin| origin.vpc == *vpc))
            };
            match clashes[&atom.local].iter().find(|vpc| !wanted_in(vpc)) {
                None => {
                    self.wanted.atoms.insert(atom.clone(), origins.clone());
                }
                Some(vpc) => {
                    self.wanted.left_out.insert(LeftOut::TwoVpcs(atom.clone(), vpc.clone()));
                }
            }
        }
    }
}

impl Atom {
    /// Whether whoever wants this wants the other too.
    fn holds(&self, other: &Self) -> bool {
        self.direction == other.direction
            && self.service == other.service
            && self.local.contains(other.local)
            && self.peer.contains(other.peer)
    }
}

/// `203.0.113.0/24 -> 10.0.1.10  ssh on tcp 22`.
impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = match self.direction {
            Direction::Ingress => (self.peer, self.local),
            Direction::Egress => (self.local, self.peer),
        };
        write!(f, "{source} -> {destination}  {}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::sample;

    /// Atoms, and what was left out of permissions.
    #[track_caller]
    fn check(inventory: &Inventory, config: &Config, expected: &Expect) {
        let wanted = wanted(inventory, config);
        let atoms = wanted.atoms.keys().map(|atom| format!("{atom}\n"));
        let left_out = wanted.left_out.iter().map(|left_out| format!("- {left_out}\n"));
        expected.assert_eq(&atoms.chain(left_out).collect::<String>());
    }

    #[test]
    fn peers_inside_are_left_out_and_those_that_straddle_stay() {
        let mut inventory = sample::inventory(
            "i-1 10.0.1.10 sg-web\n sg-web tcp/22 10.0.3.0/24\n sg-web tcp/22 10.0.0.0/8\n sg-web tcp/22 sg-web
             sg-web tcp/22 192.168.0.0/24\n sg-web tcp/22 pl-1\n sg-web udp/0 8.8.8.8/32",
        );
        inventory.prefix_lists.insert("pl-1".parse().unwrap(), sample::ranges("10.0.4.0/24,9.9.9.9,2001:db9::/32"));
        let config = Config { internal: sample::ranges("192.168.0.0/16"), ..sample::config() };
        check(
            &inventory,
            &config,
            &expect![[r#"
                9.9.9.9 -> 10.0.1.10  ssh on tcp 22
                10.0.0.0/8 -> 10.0.1.10  ssh on tcp 22
                - sg-web tcp 22 with 10.0.3.0/24: the peer is inside
                - sg-web tcp 22 with 192.168.0.0/24: the peer is inside
                - sg-web tcp 22 with sg-web: a reference to a group stays inside
                - sg-web udp 0 with 8.8.8.8: port 0 cannot be written in a service
            "#]],
        );
    }

    #[test]
    fn families_do_not_mix() {
        let both = "i-1 10.0.1.10,2001:db8::10 sg-web\n sg-web tcp/22 0.0.0.0/0\n sg-web tcp/443 ::/0";
        check(
            &sample::inventory(both),
            &sample::config(),
            &expect![[r#"
                any -> 10.0.1.10  ssh on tcp 22
                any -> 2001:db8::10  ssl on tcp 443
            "#]],
        );
    }

    #[test]
    fn a_group_or_list_that_cannot_be_read_leaves_the_interface_in_doubt() {
        let text = "i-1 10.0.1.10 sg-web,sg-gone\n i-2 10.0.1.11 sg-web\n sg-web tcp/22 8.8.8.8/32";
        let mut inventory = sample::inventory(text);
        inventory.groups.remove(&"sg-gone".parse().unwrap());
        check(
            &inventory,
            &sample::config(),
            &expect![[r#"
                8.8.8.8 -> 10.0.1.11  ssh on tcp 22
                - eni-1 may be exposed: sg-gone is not listed
            "#]],
        );
        check(
            &sample::inventory(&format!("{text}\n sg-gone tcp/22 pl-1")),
            &sample::config(),
            &expect![[r#"
                8.8.8.8 -> 10.0.1.11  ssh on tcp 22
                - eni-1 may be exposed: pl-1 in sg-gone cannot be read
            "#]],
        );
    }

    /// One packet cannot tell which of the two it is for.
    #[test]
    fn an_address_of_two_vpcs_gets_only_what_both_want() {
        let text = "i-1 10.0.1.10 sg-a\n i-2 10.0.1.10 sg-b\n i-3 10.0.1.11 sg-a
            sg-a tcp/22 8.8.8.0/24\n sg-a tcp/443 8.8.8.0/24\n sg-b tcp/22 8.8.0.0/16";
        let mut inventory = sample::inventory(text);
        let mut table = inventory.route_tables[&"rtb-1".parse().unwrap()].clone();
        table.vpc = "vpc-2".parse().unwrap();
        inventory.route_tables.insert("rtb-2".parse().unwrap(), table);
        let other = inventory.interfaces.get_mut(&"eni-2".parse().unwrap()).unwrap();
        (other.vpc, other.subnet) = ("vpc-2".parse().unwrap(), "subnet-other".parse().unwrap());
        check(
            &inventory,
            &sample::config(),
            &expect![[r#"
                8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22
                8.8.8.0/24 -> 10.0.1.11  ssh on tcp 22
                8.8.8.0/24 -> 10.0.1.11  ssl on tcp 443
                - 8.8.0.0/16 -> 10.0.1.10  ssh on tcp 22: 10.0.1.10 is in several VPCs, and vpc-1 does not want it
                - 8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443: 10.0.1.10 is in several VPCs, and vpc-2 does not want it
            "#]],
        );
    }
}
