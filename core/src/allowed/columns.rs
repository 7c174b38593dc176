//! What the columns of a rule say, as sets: exactly for rules that allow for certain, at most for rules that may match.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use crate::{
    address::Address,
    change::{Direction, Spelling},
    config::Config,
    firewall::{Addresses, Applications, Configuration, RuleFacts, RuleType, Services},
    id::{AppName, RuleName, ZoneName},
    range::{Range, Set},
    service::{Apps, L4, Service},
    translate::STANDARD_PORT,
    wanted::Atom,
};

/// The columns of one rule.
pub(super) struct Columns<'a> {
    /// Whether it speaks of ingress, and of egress.
    pub(super) directions: [bool; 2],
    pub(super) source: Cow<'a, Set<Address>>,
    pub(super) destination: Cow<'a, Set<Address>>,
    pub(super) apps: AppColumn<'a>,
    pub(super) ports: PortColumn,
}

/// Rules that allow for certain.
#[derive(Default)]
pub(super) struct Allows<'a> {
    pub(super) names: Vec<&'a RuleName>,
    pub(super) columns: Vec<Columns<'a>>,
}

impl<'a> Allows<'a> {
    /// Adds a rule that allows, unless something narrows it.
    pub(super) fn add(&mut self, facts: &'a RuleFacts, directions: [bool; 2]) {
        if let Some(columns) = Columns::exactly(facts, directions).filter(|_| directions.contains(&true)) {
            self.names.push(&facts.name);
            self.columns.push(columns);
        }
    }

    /// Adds a rule of ours.
    pub(super) fn add_spelled(&mut self, name: &'a RuleName, spelling: &'a Spelling, either_way: bool) {
        self.names.push(name);
        self.columns.push(Columns::spelled(spelling, either_way));
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }
}

/// Applications that a rule lets match.
#[derive(Clone, Copy)]
pub(super) enum AppColumn<'a> {
    Any,
    Named(&'a BTreeSet<AppName>),
}

/// Protocols and ports that a rule lets match.
pub(super) enum PortColumn {
    These(Ports),
    /// Those of whatever application it is, as far as they are known.
    Standard,
}

/// The two sides of an atom.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Local,
    Peer,
}

impl<'a> Columns<'a> {
    /// What a rule matches, if that is certain: nothing narrows it. Its standard ports may still be unknown.
    pub(super) fn exactly(facts: &'a RuleFacts, directions: [bool; 2]) -> Option<Self> {
        let (Addresses::Known { set: source, .. }, Addresses::Known { set: destination, .. }) =
            (&facts.source, &facts.destination)
        else {
            return None;
        };
        let apps = match &facts.applications {
            Applications::Any => AppColumn::Any,
            Applications::Named(names) => AppColumn::Named(names),
            Applications::Unknown => return None,
        };
        let ports = match &facts.service {
            Services::Any => PortColumn::These(Ports::any()),
            Services::ApplicationDefault => PortColumn::Standard,
            Services::Ports { l4, .. } => PortColumn::These(l4.iter().copied().collect()),
            Services::Unknown => return None,
        };
        let [source, destination] = [source, destination].map(Cow::Borrowed);
        facts.narrowed_by.is_empty().then_some(Self { directions, source, destination, apps, ports })
    }

    /// What a rule can match at most: whatever configuration alone cannot tell counts as everything.
    pub(super) fn at_most(facts: &'a RuleFacts, directions: [bool; 2]) -> Self {
        let side = |addresses: &'a Addresses| match addresses {
            Addresses::Known { set, .. } => Cow::Borrowed(set),
            Addresses::Unknown => Cow::Owned(Set::everything()),
        };
        Self {
            directions,
            source: side(&facts.source),
            destination: side(&facts.destination),
            apps: match &facts.applications {
                Applications::Named(names) => AppColumn::Named(names),
                Applications::Any | Applications::Unknown => AppColumn::Any,
            },
            ports: PortColumn::These(match &facts.service {
                Services::Ports { l4, .. } => l4.iter().copied().collect(),
                Services::Any | Services::ApplicationDefault | Services::Unknown => Ports::any(),
            }),
        }
    }

    /// A rule as we write it. Where its zones do not tell which way it goes, it speaks of both.
    fn spelled(spelling: &'a Spelling, either_way: bool) -> Self {
        let [locals, peers] = [&spelling.locals, &spelling.peers].map(|side| side.iter().copied().collect());
        Self::ours(spelling.direction, either_way, locals, peers, &spelling.service)
    }

    /// The rule that an atom gets.
    pub(super) fn wanted(atom: &'a Atom, either_way: bool) -> Self {
        let [locals, peers] = [atom.local, atom.peer].map(|range| [range].into_iter().collect());
        Self::ours(atom.direction, either_way, locals, peers, &atom.service)
    }

    fn ours(
        direction: Direction,
        either_way: bool,
        locals: Set<Address>,
        peers: Set<Address>,
        service: &'a Service,
    ) -> Self {
        let (source, destination) = match direction {
            Direction::Ingress => (peers, locals),
            Direction::Egress => (locals, peers),
        };
        Self {
            directions: [Direction::Ingress, Direction::Egress].map(|spoken| either_way || spoken == direction),
            source: Cow::Owned(source),
            destination: Cow::Owned(destination),
            apps: match &service.apps {
                Apps::Any => AppColumn::Any,
                Apps::Named(names) => AppColumn::Named(names),
            },
            ports: PortColumn::These([service.l4].into_iter().collect()),
        }
    }

    /// One side's addresses, seen from packets of a direction.
    pub(super) fn side(&self, direction: Direction, side: Side) -> &Set<Address> {
        match (direction, side) {
            (Direction::Ingress, Side::Peer) | (Direction::Egress, Side::Local) => &self.source,
            (Direction::Ingress, Side::Local) | (Direction::Egress, Side::Peer) => &self.destination,
        }
    }

    /// Whether every packet of a direction matches.
    pub(super) fn say_everything(&self) -> bool {
        let [source, destination] = [&self.source, &self.destination].map(|set| **set == Set::everything());
        let ports = self.ports.listed().is_some_and(|ports| ports.any);
        source && destination && ports && matches!(self.apps, AppColumn::Any)
    }
}

impl AppColumn<'_> {
    /// Whether all packets of this application match; without one, whatever application they turn out to be.
    pub(super) fn admits(self, app: Option<&AppName>) -> bool {
        match (self, app) {
            (Self::Any, _) => true,
            (Self::Named(names), Some(app)) => names.contains(app),
            (Self::Named(_), None) => false,
        }
    }
}

impl PortColumn {
    /// The ports that do not depend on the application.
    pub(super) fn listed(&self) -> Option<&Ports> {
        match self {
            Self::These(ports) => Some(ports),
            Self::Standard => None,
        }
    }

    /// The ports of a protocol that match, where these are the application's standard ports.
    pub(super) fn of<'s>(&'s self, l4: L4, standard: Option<&'s Ports>) -> &'s Set<u16> {
        self.listed().or(standard).map_or(&*NO_PORT, |ports| ports.of(l4))
    }
}

/// A set of protocols with their ports.
#[derive(Default)]
pub(super) struct Ports {
    /// Every protocol.
    pub(super) any: bool,
    pub(super) tcp: Set<u16>,
    pub(super) udp: Set<u16>,
    /// Other protocols, by number.
    pub(super) ip: BTreeSet<u8>,
}

const ALL: Range<u16> = Range::unchecked(0, u16::MAX);
static EVERY_PORT: LazyLock<Set<u16>> = LazyLock::new(|| [ALL].into_iter().collect());
static NO_PORT: LazyLock<Set<u16>> = LazyLock::new(Set::default);

impl Ports {
    fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// The ports of a protocol. Protocols without ports, and all protocols together, have every port or none.
    pub(super) fn of(&self, l4: L4) -> &Set<u16> {
        match l4 {
            _ if self.any => &EVERY_PORT,
            L4::Tcp(_) => &self.tcp,
            L4::Udp(_) => &self.udp,
            L4::Ip(number) if self.ip.contains(&number) => &EVERY_PORT,
            L4::Ip(_) | L4::Any => &NO_PORT,
        }
    }

    /// Whether all of this is among them.
    pub(super) fn contain(&self, l4: L4) -> bool {
        self.of(l4).contains(wanted_ports(l4))
    }
}

impl FromIterator<L4> for Ports {
    fn from_iter<I: IntoIterator<Item = L4>>(services: I) -> Self {
        let mut ports = Self::default();
        let (mut tcp, mut udp) = (Vec::new(), Vec::new());
        for l4 in services {
            match l4 {
                L4::Any => ports.any = true,
                L4::Tcp(range) => tcp.push(range),
                L4::Udp(range) => udp.push(range),
                L4::Ip(number) => ports.ip.extend([number]),
            }
        }
        (ports.tcp, ports.udp) = (tcp.into_iter().collect(), udp.into_iter().collect());
        ports
    }
}

/// The ports of a service; every port where its protocol has none.
pub(super) fn wanted_ports(l4: L4) -> Range<u16> {
    match l4 {
        L4::Tcp(ports) | L4::Udp(ports) => ports,
        L4::Any | L4::Ip(_) => ALL,
    }
}

/// Standard ports of applications: the device's where it was asked, else the few that mean exactly one port everywhere, and
/// those that have none because they are protocols.
#[derive(Clone, Copy)]
pub(super) struct StandardPorts<'a>(pub(super) &'a Configuration);

impl StandardPorts<'_> {
    /// Those of one application, if they are known.
    pub(super) fn of(self, app: &AppName) -> Option<Ports> {
        let by_device = self.0.standard_ports.get(app).map(|l4| l4.iter().copied().collect());
        let by_port = || {
            let (_, port) = STANDARD_PORT.iter().find(|(name, _)| *name == app.as_str())?;
            Some([L4::Tcp(Range::single(*port))].into_iter().collect())
        };
        let by_protocol = || {
            let number = Service::protocol_of(&BTreeSet::from([app.clone()]))?;
            Some([L4::Ip(number)].into_iter().collect())
        };
        by_device.or_else(by_port).or_else(by_protocol)
    }
}

/// Which directions a rule speaks of: ingress, egress.
pub(super) fn directions(facts: &RuleFacts, config: &Config) -> [bool; 2] {
    let speaks = |from: &ZoneName, to: &ZoneName| {
        let by_type = match facts.rule_type {
            RuleType::Universal => true,
            RuleType::Intrazone => from == to,
            RuleType::Interzone => from != to,
        };
        // An intrazone rule has no destination zones of its own.
        let to = if facts.rule_type == RuleType::Intrazone { facts.from.include(to) } else { facts.to.include(to) };
        by_type && facts.from.include(from) && to
    };
    [speaks(&config.untrust, &config.trust), speaks(&config.trust, &config.untrust)]
}
