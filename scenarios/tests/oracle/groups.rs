//! What security groups say, read from the AWS CLI's answers the plain way.

use serde_json::Value;

use crate::{
    nat::Seen,
    objects::Ports,
    packets::{Packet, Way},
    routes::{Reach, Routes},
    settings::Chosen,
    span::{Span, cover},
    world::Answers,
};

const WAYS: [Way; 2] = [Way::In, Way::Out];

/// Everything about the cloud that packets can meet.
pub(crate) struct Cloud<'w> {
    chosen: &'w Chosen,
    places: Vec<Place>,
    /// What each VPC wants, whatever the others do.
    claims: Vec<Atom>,
}

/// An interface with its addresses of one family.
struct Place {
    vpc: String,
    spans: Vec<Span>,
    reach: Reach,
    grants: Vec<Grant>,
}

/// What one permission says for one peer.
struct Grant {
    way: Way,
    peer: Span,
    /// The peer is wholly inside: such traffic does not come by.
    is_inside: bool,
    traffic: Traffic,
}

/// Protocol and ports of a permission.
enum Traffic {
    Everything,
    Ports(Ports),
    /// ICMP of either family, perhaps of one type, perhaps of one code.
    Icmp(u8, Option<u8>, Option<u8>),
    Protocol(u8),
    /// Nobody knows what it says.
    Odd,
}

/// Something wanted: one local range, one peer, one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) way: Way,
    pub(crate) local: Span,
    pub(crate) peer: Span,
    pub(crate) service: Service,
    vpc: String,
}

/// What a rule can say of a permission's traffic. No ports mean every protocol, no applications every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) ports: Vec<Ports>,
    pub(crate) apps: Option<Vec<String>>,
}

impl Service {
    /// Whether it is every protocol.
    pub(crate) fn is_everything(&self) -> bool {
        self.ports.is_empty()
    }

    pub(crate) fn holds(&self, packet: &Packet<'_>) -> bool {
        let by_ports = self.ports.is_empty() || self.ports.iter().any(|ports| ports.hold(packet));
        by_ports && self.apps.as_ref().is_none_or(|apps| apps.iter().any(|app| app == packet.app))
    }
}

impl Atom {
    pub(crate) fn holds(&self, seen: &Seen<'_>, chosen: &Chosen) -> bool {
        let packet = seen.by_groups(self.way);
        packet.goes(self.way, chosen) && !seen.is_left_out(self.way) && {
            let (local, peer) = packet.sides(self.way);
            self.local.holds(local) && self.peer.holds(peer) && self.service.holds(packet)
        }
    }
}

impl<'w> Cloud<'w> {
    pub(crate) fn read(answers: &Answers, chosen: &'w Chosen) -> Self {
        let routes = Routes { answers, chosen };
        let mut places = Vec::new();
        for interface in answers.list("describe-network-interfaces", "NetworkInterfaces") {
            for v4 in [true, false] {
                let mut spans = addresses(interface);
                spans.retain(|span| span.is_v4() == v4);
                if spans.is_empty() {
                    continue;
                }
                let vpc = text(interface, "VpcId").to_owned();
                let (grants, is_readable) = grants(answers, chosen, interface, v4);
                let reach = match routes.reach(interface, v4) {
                    Reach::Yes if !is_readable => Reach::Unknown,
                    reach @ (Reach::Yes | Reach::No | Reach::Unknown) => reach,
                };
                places.push(Place { vpc, spans, reach, grants });
            }
        }
        let mut cloud = Self { chosen, places, claims: Vec::new() };
        cloud.claims = cloud.claims();
        cloud
    }

    /// Whether a security group of an exposed interface admits the packet, or nobody can tell.
    pub(crate) fn admits(&self, seen: &Seen<'_>) -> bool {
        let mut ways = WAYS.into_iter().filter(|way| seen.by_groups(*way).goes(*way, self.chosen));
        ways.any(|way| self.may_keep(way, seen) || self.admits_going(way, seen))
    }

    /// What an interface in doubt has for its own address stays, whatever becomes of the packet.
    fn may_keep(&self, way: Way, seen: &Seen<'_>) -> bool {
        let (local, _) = seen.sent().sides(way);
        let mut doubtful = self.places.iter().filter(|place| place.reach == Reach::Unknown);
        doubtful.any(|place| place.spans.iter().any(|span| span.holds(local)))
    }

    fn admits_going(&self, way: Way, seen: &Seen<'_>) -> bool {
        let packet = seen.by_groups(way);
        let counts = self.chosen.ways().contains(&way) && !seen.is_left_out(way);
        let (local, peer) = packet.sides(way);
        let here = self.places.iter().filter(|place| place.spans.iter().any(|span| span.holds(local)));
        here.into_iter().any(|place| match place.reach {
            Reach::Yes if !counts => false,
            Reach::Yes => {
                let grants = place.grants.iter().filter(|grant| grant.way == way && grant.peer.holds(peer));
                grants.into_iter().any(|grant| grant.traffic.admits(packet, self.chosen))
            }
            Reach::Unknown => true,
            Reach::No => false,
        })
    }

    /// Whether all VPCs that expose the address want the packet, or nobody can tell.
    pub(crate) fn may_want(&self, seen: &Seen<'_>) -> bool {
        let mut ways = WAYS.into_iter().filter(|way| seen.by_groups(*way).goes(*way, self.chosen));
        ways.any(|way| {
            let (local, _) = seen.by_groups(way).sides(way);
            let here: Vec<_> =
                self.places.iter().filter(|place| place.spans.iter().any(|span| span.holds(local))).collect();
            let mut exposed = here.iter().filter(|place| place.reach == Reach::Yes).peekable();
            let claimed = |vpc: &str| {
                self.claims.iter().any(|claim| claim.way == way && claim.vpc == vpc && claim.holds(seen, self.chosen))
            };
            self.may_keep(way, seen)
                || here.iter().any(|place| place.reach == Reach::Unknown)
                || exposed.peek().is_some() && exposed.all(|place| claimed(&place.vpc))
        })
    }

    /// Whether nobody can tell how an interface with one of these addresses is reached.
    pub(crate) fn is_doubtful(&self, local: &Span) -> bool {
        let mut doubtful = self.places.iter().filter(|place| place.reach == Reach::Unknown);
        doubtful.any(|place| place.spans.iter().any(|span| span.meets(local)))
    }

    /// Whether nobody can tell about any of these addresses.
    pub(crate) fn is_wholly_doubtful(&self, local: &Span) -> bool {
        let doubtful = self.places.iter().filter(|place| place.reach == Reach::Unknown);
        let spans: Vec<_> = doubtful.flat_map(|place| &place.spans).copied().collect();
        cover(&spans, local)
    }

    /// Everything wanted.
    pub(crate) fn atoms(&self) -> Vec<Atom> {
        let wanted = |atom: &&Atom| !self.is_doubtful(&atom.local) && self.everybody_wants(atom);
        self.claims.iter().filter(wanted).cloned().collect()
    }

    fn claims(&self) -> Vec<Atom> {
        let mut atoms = Vec::new();
        for place in self.places.iter().filter(|place| place.reach == Reach::Yes) {
            for grant in place.grants.iter().filter(|grant| !grant.is_inside && self.is_chosen(grant)) {
                let Some(service) = grant.traffic.service(self.chosen) else { continue };
                atoms.extend(place.spans.iter().map(|local| Atom {
                    way: grant.way,
                    local: *local,
                    peer: grant.peer,
                    service: service.clone(),
                    vpc: place.vpc.clone(),
                }));
            }
        }
        atoms
    }

    fn is_chosen(&self, grant: &Grant) -> bool {
        let everything_out = grant.way == Way::Out
            && matches!(grant.traffic, Traffic::Everything)
            && grant.peer.is_everything()
            && !self.chosen.is_true("egress_allow_all");
        self.chosen.ways().contains(&grant.way) && !everything_out
    }

    /// One packet cannot tell which of two VPCs it is for: all that expose the address must want it.
    fn everybody_wants(&self, atom: &Atom) -> bool {
        let exposed = self.places.iter().filter(|place| place.reach == Reach::Yes);
        let mut sharing = exposed.filter(|place| place.spans.iter().any(|span| span.meets(&atom.local)));
        sharing.all(|place| {
            let holds = |other: &Atom| {
                other.way == atom.way
                    && other.service == atom.service
                    && other.local.contains(&atom.local)
                    && other.peer.contains(&atom.peer)
            };
            self.claims.iter().any(|other| other.vpc == place.vpc && holds(other))
        })
    }
}

pub(crate) fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// All private addresses of an interface.
pub(crate) fn addresses(interface: &Value) -> Vec<Span> {
    let lists = [
        ("PrivateIpAddresses", "PrivateIpAddress"),
        ("Ipv6Addresses", "Ipv6Address"),
        ("Ipv4Prefixes", "Ipv4Prefix"),
        ("Ipv6Prefixes", "Ipv6Prefix"),
    ];
    let mut found: Vec<_> = Span::parse(text(interface, "PrivateIpAddress")).into_iter().collect();
    for (name, member) in lists {
        found.extend(list(interface, name).iter().filter_map(|held| Span::parse(text(held, member))));
    }
    found.sort();
    found.dedup();
    found
}

/// What the groups of an interface say about one family, and whether all of it can be read.
fn grants(answers: &Answers, chosen: &Chosen, interface: &Value, v4: bool) -> (Vec<Grant>, bool) {
    let inside = inside(answers, chosen, text(interface, "VpcId"));
    let (mut found, mut is_readable) = (Vec::new(), true);
    for id in list(interface, "Groups").iter().map(|group| text(group, "GroupId")) {
        let mut groups = answers.list("describe-security-groups", "SecurityGroups").iter();
        let Some(group) = groups.find(|group| text(group, "GroupId") == id) else {
            is_readable = false;
            continue;
        };
        for (way, member) in [(Way::In, "IpPermissions"), (Way::Out, "IpPermissionsEgress")] {
            for permission in list(group, member) {
                let (peers, known) = peers(answers, permission);
                is_readable &= known || !chosen.ways().contains(&way);
                found.extend(peers.into_iter().filter(|peer| peer.is_v4() == v4).map(|peer| Grant {
                    way,
                    peer,
                    is_inside: cover(&inside, &peer),
                    traffic: Traffic::read(permission),
                }));
            }
        }
    }
    (found, is_readable)
}

/// The peers of a permission, prefix lists opened, and whether all of these could be read. References to groups are inside.
fn peers(answers: &Answers, permission: &Value) -> (Vec<Span>, bool) {
    let v4 = list(permission, "IpRanges").iter().map(|range| text(range, "CidrIp"));
    let v6 = list(permission, "Ipv6Ranges").iter().map(|range| text(range, "CidrIpv6"));
    let mut found: Vec<_> = v4.chain(v6).filter_map(Span::parse).collect();
    let mut is_readable = true;
    for id in list(permission, "PrefixListIds").iter().map(|list| text(list, "PrefixListId")) {
        match answers.prefix_list(id) {
            Some(entries) => found.extend(entries),
            None => is_readable = false,
        }
    }
    (found, is_readable)
}

/// The networks inside, seen from a VPC.
pub(crate) fn inside(answers: &Answers, chosen: &Chosen, id: &str) -> Vec<Span> {
    let mut found = chosen.internal();
    for vpc in answers.list("describe-vpcs", "Vpcs").iter().filter(|vpc| text(vpc, "VpcId") == id) {
        found.extend(Span::parse(text(vpc, "CidrBlock")));
        for (name, cidr, state) in [
            ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"),
            ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
        ] {
            let held = list(vpc, name).iter().filter(|held| text(&held[state], "State").starts_with("associat"));
            found.extend(held.filter_map(|held| Span::parse(text(held, cidr))));
        }
    }
    found
}

impl Traffic {
    fn read(permission: &Value) -> Self {
        let edge = |name: &str| permission[name].as_i64().filter(|edge| *edge != -1);
        let (from, to) = (edge("FromPort"), edge("ToPort"));
        let ports = |protocol| match (from, to) {
            (None, None) => Self::Ports(Ports::all(protocol)),
            (Some(from), Some(to)) => match (u16::try_from(from), u16::try_from(to)) {
                (Ok(first), Ok(last)) if first <= last => Self::Ports(Ports { protocol, first, last }),
                _ => Self::Odd,
            },
            _ => Self::Odd,
        };
        let icmp = |protocol| {
            let small = |edge: Option<i64>| edge.map(u8::try_from).transpose();
            match (small(from), small(to)) {
                (Ok(None), _) => Self::Icmp(protocol, None, None),
                (Ok(kind), Ok(code)) => Self::Icmp(protocol, kind, code),
                _ => Self::Odd,
            }
        };
        match text(permission, "IpProtocol") {
            "-1" => Self::Everything,
            "tcp" | "6" => ports(6),
            "udp" | "17" => ports(17),
            "icmp" | "1" => icmp(1),
            "icmpv6" | "58" => icmp(58),
            other => other.parse().map_or(Self::Odd, Self::Protocol),
        }
    }

    fn admits(&self, packet: &Packet<'_>, chosen: &Chosen) -> bool {
        match self {
            Self::Everything => true,
            Self::Ports(ports) => ports.hold(packet),
            Self::Protocol(number) => packet.protocol == *number,
            // `icmp = "all"`: any ICMP permission opens all of it.
            Self::Icmp(protocol, ..) if chosen.is("policy.icmp", "all") => packet.protocol == *protocol,
            Self::Icmp(protocol, kind, code) => {
                packet.protocol == *protocol
                    && kind.is_none_or(|kind| u16::from(kind) == packet.port)
                    && code.is_none_or(|code| code == packet.code)
            }
            Self::Odd => false,
        }
    }

    /// How a rule says exactly this, if any can.
    fn service(&self, chosen: &Chosen) -> Option<Service> {
        let named = |protocol, apps: &[&str]| {
            let apps = Some(apps.iter().map(|app| (*app).to_owned()).collect());
            Some(Service { ports: vec![Ports::all(protocol)], apps })
        };
        let all_icmp = chosen.is("policy.icmp", "all");
        match *self {
            Self::Everything => Some(Service { ports: Vec::new(), apps: None }),
            Self::Ports(Ports { last: 0, .. }) => None,
            Self::Ports(ports) => {
                let ports = Ports { first: ports.first.max(1), ..ports };
                let single = (ports.first == ports.last).then_some(ports.first);
                let app = single.and_then(|port| chosen.application(ports.protocol, port));
                Some(Service { ports: vec![ports], apps: app.map(|app| vec![app.to_owned()]) })
            }
            Self::Icmp(1, None, _) => named(1, &["icmp", "ping"]),
            Self::Icmp(1, ..) if all_icmp => named(1, &["icmp", "ping"]),
            Self::Icmp(1, Some(8), None | Some(0)) => named(1, &["ping"]),
            Self::Icmp(_, None, _) => named(58, &["ipv6-icmp"]),
            Self::Icmp(58, ..) if all_icmp => named(58, &["ipv6-icmp"]),
            Self::Icmp(..) => None,
            Self::Protocol(47) => named(47, &["gre"]),
            Self::Protocol(50) => named(50, &["ipsec-esp"]),
            Self::Protocol(51) => named(51, &["ipsec-ah"]),
            Self::Protocol(_) | Self::Odd => None,
        }
    }
}
