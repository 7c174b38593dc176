//! Packets, biased to the edges of every range that the cloud, the rules or the wishes name.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use crate::{
    dice::Dice,
    groups::Atom,
    nat::Nat,
    objects::{AppLeaf, Leaf, Ports, ServiceLeaf},
    policy::{Policy, Rule, Side},
    settings::Chosen,
    span::{Span, is_reserved},
};

/// Which way the first packet of a session goes: in from the internet, or out to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    In,
    Out,
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'w> {
    pub(crate) from: &'w str,
    pub(crate) to: &'w str,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    /// The destination port; of ICMP the type.
    pub(crate) port: u16,
    /// The code, of ICMP.
    pub(crate) code: u8,
    pub(crate) app: &'w str,
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, source, destination, protocol, port, code, app } = self;
        write!(f, "{from} {source} -> {to} {destination} protocol {protocol} port {port} code {code} ({app})")
    }
}

impl Packet<'_> {
    /// Whether it may go this way between the zones that the settings name. Within one zone it may be either.
    pub(crate) fn goes(&self, way: Way, chosen: &Chosen) -> bool {
        chosen.zones(way) == (self.from, self.to)
    }

    /// The instance's side and the internet's side.
    pub(crate) fn sides(&self, way: Way) -> (IpAddr, IpAddr) {
        match way {
            Way::In => (self.destination, self.source),
            Way::Out => (self.source, self.destination),
        }
    }
}

/// The applications of packets of a protocol without ports.
fn without_ports(protocol: u8, kind: u16, code: u8) -> Option<&'static str> {
    Some(match protocol {
        1 if kind == 8 && code == 0 => "ping",
        1 => "icmp",
        58 => "ipv6-icmp",
        47 => "gre",
        50 => "ipsec-esp",
        51 => "ipsec-ah",
        _ => return None,
    })
}

/// Packets that belong together, around which others are drawn.
struct Cluster<'w> {
    from: Vec<&'w str>,
    to: Vec<&'w str>,
    sources: Vec<Span>,
    destinations: Vec<Span>,
    ports: Vec<Ports>,
    apps: Vec<&'w str>,
}

/// Draws packets for one world.
pub(crate) struct Sampler<'w> {
    dice: Dice,
    edges: Vec<IpAddr>,
    ports: Vec<u16>,
    apps: Vec<&'w str>,
    clusters: Vec<Cluster<'w>>,
}

const ZONES: &[&str] = &["untrust", "trust", "dmz"];
/// Protocols beside TCP and UDP.
const OTHERS: &[u8] = &[1, 58, 47, 50, 51, 132];
/// Whatever no rule and no setting names.
const OTHER_APP: &str = "other";

impl<'w> Sampler<'w> {
    /// Packets around the rules of these policies and these wishes. `spans` are all ranges that the world names.
    pub(crate) fn new(
        chosen: &'w Chosen,
        policies: [&'w Policy; 2],
        nat: &'w Nat,
        atoms: &'w [Atom],
        spans: &[Span],
        seed: u64,
    ) -> Self {
        let rules = || policies.into_iter().flat_map(|policy| &policy.rules);
        let edges: BTreeSet<_> = spans.iter().flat_map(Span::edges).filter(|edge| !is_reserved(*edge)).collect();
        let held = rules().flat_map(|rule| &rule.services).flat_map(|leaf| match leaf {
            ServiceLeaf::Ports(ports, _) => ports.as_slice(),
            ServiceLeaf::Any | ServiceLeaf::Default | ServiceLeaf::Unknown => &[],
        });
        let held = held.chain(atoms.iter().flat_map(|atom| &atom.service.ports));
        let ports: BTreeSet<u16> = held
            .flat_map(|ports| [ports.first, ports.last, ports.first.saturating_sub(1), ports.last.saturating_add(1)])
            .chain([0, 22, 80, 443, u16::MAX])
            .collect();
        let apps = rules().flat_map(|rule| &rule.apps).filter_map(AppLeaf::name);
        let has_ports = |name: &&str| OTHERS.iter().all(|protocol| without_ports(*protocol, 8, 0) != Some(name));
        let apps: BTreeSet<_> = apps
            .filter(|name| has_ports(name) && *name != "icmp")
            .chain([OTHER_APP, "ssh", "ssl", "web-browsing"])
            .collect();
        let clusters = rules().map(|rule| Cluster::of_rule(rule, spans)).chain(atoms.iter().map(|atom| {
            let (from, to) = chosen.zones(atom.way);
            Cluster::of_atom(atom, from, to)
        }));
        let clusters = clusters.chain(nat.rules.iter().map(|rule| Cluster {
            from: vec![&chosen.untrust],
            to: vec![&chosen.trust],
            ..Cluster::of_columns(&rule.source, &rule.destination, &rule.services, &[], spans)
        }));
        Self {
            dice: Dice::seeded(seed),
            edges: edges.into_iter().collect(),
            ports: ports.into_iter().collect(),
            apps: apps.into_iter().collect(),
            clusters: clusters.collect(),
        }
    }

    /// All ports at edges.
    pub(crate) fn port_edges(&self) -> &[u16] {
        &self.ports
    }

    /// All addresses at edges within a span.
    pub(crate) fn edges_within(&self, span: &Span) -> Vec<IpAddr> {
        self.edges.iter().copied().filter(|edge| span.holds(*edge)).collect()
    }

    /// Applications that tell packets with ports apart.
    pub(crate) fn apps(&self) -> &[&'w str] {
        &self.apps
    }

    /// The next packet.
    pub(crate) fn draw(&mut self) -> Packet<'w> {
        let index = self.dice.below(self.clusters.len());
        let cluster = &self.clusters[index];
        let dice = &mut self.dice;
        let from = near(dice, &cluster.from, ZONES);
        let to = near(dice, &cluster.to, ZONES);
        let source_span = dice.pick(&cluster.sources);
        let destination_span = dice.pick(&cluster.destinations);
        let source = address(dice, &self.edges, source_span, None);
        let destination = address(dice, &self.edges, destination_span, Some(source.is_ipv4()));
        let ports =
            if cluster.ports.is_empty() || dice.one_in(8) { any_ports(dice) } else { *dice.pick(&cluster.ports) };
        let port = port(dice, &self.ports, ports);
        let code = if matches!(ports.protocol, 1 | 58) && dice.one_in(4) { 1 } else { 0 };
        let app = match without_ports(ports.protocol, port, code) {
            Some(name) if !dice.one_in(16) => name,
            Some(_) => dice.word(&self.apps),
            None => near(dice, &cluster.apps, &self.apps),
        };
        Packet { from, to, source, destination, protocol: ports.protocol, port, code, app }
    }
}

/// One of these mostly, else one of all.
fn near<'w>(dice: &mut Dice, these: &[&'w str], all: &[&'w str]) -> &'w str {
    if these.is_empty() || dice.one_in(8) { dice.word(all) } else { dice.word(these) }
}

/// An edge within the span mostly, else one just outside or anywhere.
fn address(dice: &mut Dice, edges: &[IpAddr], span: &Span, v4: Option<bool>) -> IpAddr {
    let of_family = |address: IpAddr| v4.is_none_or(|v4| address.is_ipv4() == v4) && !is_reserved(address);
    let first = edges.partition_point(|edge| *edge < span.first);
    let last = edges.partition_point(|edge| *edge <= span.last);
    let within = &edges[first..last];
    let drawn = match dice.below(8) {
        0 => *dice.pick(edges),
        1 => {
            let around: Vec<_> = span.edges().collect();
            *dice.pick(&around)
        }
        _ if within.is_empty() => span.first,
        _ => *dice.pick(within),
    };
    if of_family(drawn) {
        return drawn;
    }
    let same: Vec<_> = edges.iter().copied().filter(|edge| of_family(*edge)).collect();
    if same.is_empty() { drawn } else { *dice.pick(&same) }
}

fn any_ports(dice: &mut Dice) -> Ports {
    match dice.below(8) {
        0..4 => Ports::all(6),
        4 | 5 => Ports::all(17),
        _ => Ports::all(*dice.pick(OTHERS)),
    }
}

fn port(dice: &mut Dice, edges: &[u16], ports: Ports) -> u16 {
    match ports.protocol {
        1 => *dice.pick(&[8, 0, 3, 11]),
        58 => *dice.pick(&[128, 1, 135]),
        6 | 17 => {
            let within: Vec<_> =
                edges.iter().copied().filter(|port| ports.first <= *port && *port <= ports.last).collect();
            if within.is_empty() || dice.one_in(8) { *dice.pick(edges) } else { *dice.pick(&within) }
        }
        _ => 0,
    }
}

impl<'w> Cluster<'w> {
    fn of_rule(rule: &'w Rule, all: &[Span]) -> Self {
        let zones = |names: &'w [String]| names.iter().map(String::as_str).filter(|name| *name != "any").collect();
        let (from, to) = rule.zones();
        let columns = Self::of_columns(&rule.source, &rule.destination, &rule.services, &rule.apps, all);
        Self { from: zones(from), to: zones(to), ..columns }
    }

    fn of_columns(
        source: &Side,
        destination: &Side,
        services: &[ServiceLeaf],
        apps: &'w [AppLeaf],
        all: &[Span],
    ) -> Self {
        let spans = |side: &Side| {
            let named = side.leaves.iter().filter_map(|leaf| match leaf {
                Leaf::Span(span) => Some(*span),
                Leaf::Any | Leaf::Unknown => None,
            });
            let named: Vec<_> = named.collect();
            if named.is_empty() { all.to_vec() } else { named }
        };
        let ports = services.iter().flat_map(|leaf| match leaf {
            ServiceLeaf::Ports(ports, _) => ports.clone(),
            ServiceLeaf::Default => apps.iter().filter_map(AppLeaf::ports).flatten().copied().collect(),
            ServiceLeaf::Any | ServiceLeaf::Unknown => Vec::new(),
        });
        Self {
            from: Vec::new(),
            to: Vec::new(),
            sources: spans(source),
            destinations: spans(destination),
            ports: ports.collect(),
            apps: apps.iter().filter_map(AppLeaf::name).collect(),
        }
    }

    fn of_atom(atom: &'w Atom, from: &'w str, to: &'w str) -> Self {
        let (sources, destinations) = match atom.way {
            Way::In => (vec![atom.peer], vec![atom.local]),
            Way::Out => (vec![atom.local], vec![atom.peer]),
        };
        let apps = atom.service.apps.iter().flatten().map(String::as_str).collect();
        Self { from: vec![from], to: vec![to], sources, destinations, ports: atom.service.ports.clone(), apps }
    }
}
