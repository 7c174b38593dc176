//! What is wanted: for every exposed interface, exactly what its security groups call for, as atoms.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{Address, AddressRange, Family},
    change::Direction,
    config::{Config, RuleDestination},
    exposure::{Doubt, Exposure, Exposures, Hidden, Via},
    firewall::NatRule,
    id::{GroupId, InterfaceId, VpcId},
    inventory::{Interface, Inventory, Permission},
    nat::{Nat, Original, Unsaid},
    never::{Never, NeverOpen},
    range::Set,
    service::{L4, Service},
    translate::Inexpressible,
};

pub use self::origins::{Origin, Origins};
use self::{
    permissions::{Meaning, Permissions},
    vpcs::SeveralVpcs,
};

mod origins;
mod permissions;
mod translated;
mod vpcs;

/// The smallest thing wanted, as the firewall sees it: with destination NAT, address and port are those before translation.
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

/// What AWS calls for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Everything wanted, and by whom.
    pub atoms: BTreeMap<Atom, Origins>,
    /// Traffic of interfaces of which nobody can tell now: what we own for it stays, nothing is added.
    pub unknown: Unknown,
    /// How internet-bound traffic of each exposed interface gets to the firewall.
    pub via: BTreeMap<InterfaceId, BTreeSet<Via>>,
    /// How many interfaces are exposed, or may be.
    pub exposed: usize,
    /// Everything that leads to no rule, with its reason.
    pub left_out: BTreeSet<LeftOut>,
}

/// Traffic of interfaces of which nobody can tell whether it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    held: BTreeMap<(Direction, L4), Set<Address>>,
    /// What NAT rules lead there, with where it comes from: others may send to the same original address.
    led: BTreeMap<(Direction, L4, AddressRange), Set<Address>>,
    never_open: NeverOpen,
}

impl Unknown {
    /// Adds all traffic of this kind of these addresses.
    pub fn add(&mut self, direction: Direction, l4: L4, locals: impl IntoIterator<Item = AddressRange>) {
        self.held.entry((direction, l4)).or_default().extend(locals);
    }

    /// Adds what a NAT rule leads to one of these addresses.
    fn add_led(&mut self, direction: Direction, Original { peer, local, l4, .. }: &Original) {
        self.led.entry((direction, *l4, *local)).or_default().extend([*peer]);
    }

    /// Whether all of this traffic is unknown. Of what is never opened everything is known.
    pub fn holds(&self, direction: Direction, l4: L4, local: AddressRange, peer: AddressRange) -> bool {
        let is_of = |of: Direction, part: L4| of == direction && part.contains(l4);
        let mut held = self.held.iter().filter(|((of, part), _)| is_of(*of, *part));
        let mut led = self.led.iter().filter(|((of, part, to), _)| is_of(*of, *part) && to.contains(local));
        !self.never_open.meets(peer, l4)
            && (held.any(|(_, locals)| locals.contains(local)) || led.any(|(_, peers)| peers.contains(peer)))
    }
}

/// Something that leads to no rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// An interface that is not exposed.
    Hidden(InterfaceId, Hidden),
    /// An interface of which nobody can tell.
    Doubtful(InterfaceId, Doubt),
    /// A permission of a group on an exposed interface.
    Permission(GroupId, Direction, Permission, WhyNot),
    /// An atom for an address that interfaces of several VPCs have, and which this one of them does not want.
    TwoVpcs(Atom, VpcId),
    /// An atom for the instance's own address, to which no NAT rule of the firewall leads.
    NoNat(Atom),
    /// An atom for original addresses that no rule can say. The addresses do not tell for whom it is: these want it.
    NatUnsaid(Atom, Unsaid, Origins),
    /// An atom for an original port, as a NAT rule has it, that is never opened, and who wants it.
    NeverOpen(Atom, Origins),
}

/// Why a permission leads to no rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// The peer is inside the VPC or the internal networks: such traffic does not pass the firewall.
    Inside,
    /// The prefix list that it names has no entries: there is no peer.
    NoPeers,
    /// The peer is a group: its members are inside.
    Reference,
    /// It lets everything out, as AWS gives it to each new group (`egress_allow_all = false`).
    AllowsAll,
    /// No rule can say exactly this.
    Inexpressible(Inexpressible),
    /// These entries of `never_open` leave nothing of it.
    NeverOpen(Vec<Never>),
    /// These entries of `never_open` take a part of it; the rest is opened.
    PartlyNeverOpen(Vec<Never>),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside => f.write_str("the peer is inside"),
            Self::NoPeers => f.write_str("the prefix list is empty"),
            Self::Reference => f.write_str("a reference to a group stays inside"),
            Self::AllowsAll => f.write_str("it lets everything out, and `egress_allow_all` is not set"),
            Self::Inexpressible(why) => why.fmt(f),
            Self::NeverOpen(by) => write!(f, "`never_open` lists {}", Entries(by)),
            Self::PartlyNeverOpen(by) => write!(f, "all but {}, which `never_open` lists", Entries(by)),
        }
    }
}

/// Entries of `never_open`, separated by commas.
struct Entries<'a>(&'a [Never]);

impl fmt::Display for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.0.iter().enumerate() {
            write!(f, "{}{entry}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden(interface, why) => write!(f, "{interface} is not exposed: {why}"),
            Self::Doubtful(interface, why) => write!(f, "{interface} may be exposed: {why}"),
            Self::Permission(group, Direction::Ingress, permission, why) => write!(f, "{group} {permission}: {why}"),
            Self::Permission(group, Direction::Egress, permission, why) => {
                write!(f, "{group} egress {permission}: {why}")
            }
            Self::TwoVpcs(atom, vpc) => {
                write!(f, "{atom}: {} is in several VPCs, and {vpc} does not want it", atom.local)
            }
            Self::NoNat(atom) => write!(f, "{atom}: no NAT rule of the firewall leads there"),
            Self::NatUnsaid(atom, why, _) => write!(f, "{atom}: {why}"),
            Self::NeverOpen(atom, _) => write!(f, "{atom}: `never_open` lists it"),
        }
    }
}

/// Works out what is wanted. Of `nat`, which is the running configuration's, only instances behind destination NAT need to
/// know.
pub fn wanted(inventory: &Inventory, nat: &[NatRule], config: &Config) -> Wanted {
    let mut collected = Collected::default();
    let mut exposures = Exposures::of(inventory, config);
    let mut permissions = Permissions::of(inventory, config);
    for (id, interface) in &inventory.interfaces {
        let mut counted = false;
        for family in [Family::Ipv4, Family::Ipv6] {
            let own: Vec<_> = interface.addresses.iter().copied().filter(|range| range.family() == family).collect();
            if own.is_empty() {
                continue;
            }
            let doubt = match exposures.exposure(id, interface, family) {
                Exposure::Yes(via) => {
                    collected.via.entry(id.clone()).or_default().insert(via);
                    permissions.doubt(interface)
                }
                Exposure::No(why) => {
                    collected.left_out.insert(LeftOut::Hidden(id.clone(), why));
                    continue;
                }
                Exposure::Unknown(doubt) => Some(doubt),
            };
            counted = true;
            if let Some(doubt) = doubt {
                collected.left_out.insert(LeftOut::Doubtful(id.clone(), doubt));
                collected.unknown.extend(own);
            } else {
                collected.interface(&mut permissions, id, interface, &own);
            }
        }
        collected.exposed += usize::from(counted);
    }
    collected.settled(inventory, nat, config)
}

/// What has been found so far, by the instances' own addresses.
#[derive(Default)]
struct Collected {
    atoms: BTreeMap<Atom, Origins>,
    unknown: Vec<AddressRange>,
    by_vpc: BTreeMap<VpcId, Vec<AddressRange>>,
    via: BTreeMap<InterfaceId, BTreeSet<Via>>,
    exposed: usize,
    left_out: BTreeSet<LeftOut>,
}

impl Collected {
    fn interface<'a>(
        &mut self,
        permissions: &mut Permissions<'a>,
        id: &InterfaceId,
        interface: &'a Interface,
        own: &[AddressRange],
    ) {
        self.by_vpc.entry(interface.vpc.clone()).or_default().extend(own);
        for group in &interface.groups {
            let origin = Origin {
                group: group.clone(),
                interface: id.clone(),
                instance: interface.instance.clone(),
                vpc: interface.vpc.clone(),
                nat: None,
            };
            for (direction, permission) in permissions.of_group(group) {
                let mut leave_out = |why| {
                    self.left_out.insert(LeftOut::Permission(group.clone(), direction, permission.clone(), why));
                };
                match permissions.means(&interface.vpc, direction, permission) {
                    Ok(Meaning { peers, services, never_open }) => {
                        if !never_open.is_empty() {
                            leave_out(WhyNot::PartlyNeverOpen(never_open));
                        }
                        services.iter().for_each(|service| self.atoms(direction, own, &peers, service, &origin));
                    }
                    Err(why) => leave_out(why),
                }
            }
        }
    }

    fn atoms(
        &mut self,
        direction: Direction,
        own: &[AddressRange],
        peers: &[AddressRange],
        service: &Service,
        origin: &Origin,
    ) {
        for local in own {
            for peer in peers.iter().filter(|peer| peer.family() == local.family()) {
                let atom = Atom { direction, local: *local, peer: *peer, service: service.clone() };
                self.atoms.entry(atom).or_default().insert(origin.clone());
            }
        }
    }

    /// Addresses in doubt get nothing new, an address of two VPCs gets only what both want (one packet cannot tell which of
    /// the two it is for), and what the firewall translates is named as it was sent.
    fn settled(mut self, inventory: &Inventory, nat: &[NatRule], config: &Config) -> Wanted {
        if let Some(several) = SeveralVpcs::of(&self.by_vpc) {
            several.keep_common(&mut self.atoms, &mut self.left_out);
        }
        let unknown: Set<_> = self.unknown.iter().copied().collect();
        self.atoms.retain(|atom, _| !unknown.meets(atom.local));
        let mut wanted = Wanted {
            atoms: self.atoms,
            unknown: Unknown { never_open: config.never_open.clone(), ..Unknown::default() },
            via: self.via,
            exposed: self.exposed,
            left_out: self.left_out,
        };
        match config.destination {
            RuleDestination::Instance => wanted.unknown_as_they_are(unknown.ranges()),
            RuleDestination::Nat => {
                wanted.translate(&mut Nat::of(nat, inventory, config), unknown.ranges());
                wanted.leave_out_never_open(&config.never_open);
            }
        }
        wanted
    }
}

impl Wanted {
    /// What NAT rules make of a port that may be opened can be one that may not.
    fn leave_out_never_open(&mut self, never_open: &NeverOpen) {
        let left_out = &mut self.left_out;
        self.atoms.retain(|atom, origins| {
            let may = !never_open.meets(atom.peer, atom.service.l4);
            if !may {
                left_out.insert(LeftOut::NeverOpen(atom.clone(), origins.clone()));
            }
            may
        });
    }
}

/// What an interface in doubt owns stays, also in directions that do not become rules any more.
const BOTH_WAYS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

impl Wanted {
    fn unknown_as_they_are(&mut self, locals: &[AddressRange]) {
        BOTH_WAYS.into_iter().for_each(|direction| self.unknown.add(direction, L4::Any, locals.iter().copied()));
    }
}

impl Atom {
    /// Whether whoever wants this wants the other too.
    pub fn holds(&self, other: &Self) -> bool {
        self.direction == other.direction
            && self.service.contains(&other.service)
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
        let wanted = wanted(inventory, &[], config);
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
    fn an_empty_prefix_list_has_no_peer_that_could_be_inside() {
        let text = "i-1 10.0.1.10 sg-web\n sg-web tcp/22 pl-1\n sg-web tcp/22 pl-2\n sg-web out:all pl-1";
        let mut inventory = sample::inventory(text);
        inventory.prefix_lists.insert("pl-1".parse().unwrap(), Vec::new());
        inventory.prefix_lists.insert("pl-2".parse().unwrap(), sample::ranges("10.0.4.0/24"));
        let config = Config { directions: BTreeSet::from(BOTH_WAYS), ..sample::config() };
        check(
            &inventory,
            &config,
            &expect![[r#"
                - sg-web tcp 22 with pl-1: the prefix list is empty
                - sg-web tcp 22 with pl-2: the peer is inside
                - sg-web egress all with pl-1: the prefix list is empty
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

    /// The inventory of the text, in which these interfaces are in a VPC of their own.
    fn in_another_vpc(text: &str, interfaces: &[&str]) -> Inventory {
        let mut inventory = sample::inventory(text);
        let mut table = inventory.route_tables[&"rtb-1".parse().unwrap()].clone();
        table.vpc = "vpc-2".parse().unwrap();
        inventory.route_tables.insert("rtb-2".parse().unwrap(), table);
        for id in interfaces {
            let other = inventory.interfaces.get_mut(&id.parse().unwrap()).unwrap();
            (other.vpc, other.subnet) = ("vpc-2".parse().unwrap(), "subnet-other".parse().unwrap());
        }
        inventory
    }

    /// One packet cannot tell which of the two it is for.
    #[test]
    fn an_address_of_two_vpcs_gets_only_what_both_want() {
        let text = "i-1 10.0.1.10 sg-a\n i-2 10.0.1.10 sg-b\n i-3 10.0.1.11 sg-a
            sg-a tcp/22 8.8.8.0/24\n sg-a tcp/443 8.8.8.0/24\n sg-b tcp/22 8.8.0.0/16";
        let inventory = in_another_vpc(text, &["eni-2"]);
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
    /// Neighbours are one range of addresses that two VPCs have, and yet an atom is about one of them.
    #[test]
    fn neighbouring_addresses_of_two_vpcs_get_what_both_want() {
        let text = "i-1 10.0.1.10 sg-a\n i-2 10.0.1.11 sg-a\n i-3 10.0.1.10 sg-a\n i-4 10.0.1.11 sg-b
            sg-a tcp/22 8.8.8.0/24\n sg-b tcp/22 8.8.8.8/32";
        check(
            &in_another_vpc(text, &["eni-3", "eni-4"]),
            &sample::config(),
            &expect![[r#"
                8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22
                8.8.8.8 -> 10.0.1.11  ssh on tcp 22
                - 8.8.8.0/24 -> 10.0.1.11  ssh on tcp 22: 10.0.1.11 is in several VPCs, and vpc-2 does not want it
            "#]],
        );
    }
}
