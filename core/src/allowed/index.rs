//! Many rules, ready to be asked which of them bear on an atom. A rule's columns are looked at once, when the index is
//! made; afterwards a question is a few intersections of bit sets.

use std::collections::BTreeMap;

use crate::{
    address::Address,
    change::Direction,
    id::AppName,
    range::Range,
    service::{Apps, L4},
    wanted::Atom,
};

use super::{
    bits::{Bits, common},
    columns::{AppColumn, Columns, Ports, wanted_ports},
    edges::{Bearing, Edges},
};

/// Rules by what their columns say.
pub(super) struct Index {
    rules: usize,
    directions: [Bits; 2],
    source: Edges<Address>,
    destination: Edges<Address>,
    tcp: Edges<u16>,
    udp: Edges<u16>,
    ip: BTreeMap<u8, Vec<usize>>,
    any_protocol: Bits,
    standard: Bits,
    any_app: Bits,
    by_app: BTreeMap<AppName, Vec<usize>>,
}

impl Index {
    /// The index of these rules: a rule is known by its place among them.
    pub(super) fn of(rules: &[Columns<'_>]) -> Self {
        let length = rules.len();
        let nothing = Ports::default();
        let listed = rules.iter().map(|rule| rule.ports.listed().unwrap_or(&nothing));
        let mut index = Self {
            rules: length,
            directions: [Bits::none(length), Bits::none(length)],
            source: Edges::of(length, rules.iter().map(|rule| &*rule.source)),
            destination: Edges::of(length, rules.iter().map(|rule| &*rule.destination)),
            tcp: Edges::of(length, listed.clone().map(|ports| &ports.tcp)),
            udp: Edges::of(length, listed.map(|ports| &ports.udp)),
            ip: BTreeMap::new(),
            any_protocol: Bits::none(length),
            standard: Bits::none(length),
            any_app: Bits::none(length),
            by_app: BTreeMap::new(),
        };
        rules.iter().enumerate().for_each(|(number, rule)| index.note(number, rule));
        index
    }

    fn note(&mut self, number: usize, rule: &Columns<'_>) {
        let spoken = self.directions.iter_mut().zip(rule.directions).filter(|(_, speaks)| *speaks);
        spoken.for_each(|(bits, _)| bits.insert(number));
        match rule.ports.listed() {
            None => self.standard.insert(number),
            Some(ports) if ports.any => self.any_protocol.insert(number),
            Some(ports) => ports.ip.iter().for_each(|ip| self.ip.entry(*ip).or_default().push(number)),
        }
        match rule.apps {
            AppColumn::Any => self.any_app.insert(number),
            AppColumn::Named(names) => {
                names.iter().for_each(|name| self.by_app.entry(name.clone()).or_default().push(number));
            }
        }
    }

    /// Rules by the two sides of an atom: the instance's and the internet's.
    pub(super) fn sides(&mut self, atom: &Atom) -> [&Bearing; 2] {
        let (local, peer) = match atom.direction {
            Direction::Ingress => (&mut self.destination, &mut self.source),
            Direction::Egress => (&mut self.source, &mut self.destination),
        };
        [local.bearing(atom.local), peer.bearing(atom.peer)]
    }

    /// Rules that let through a service as this application, whose standard ports are these; without an application, as
    /// whatever application it is.
    pub(super) fn service(
        &self,
        direction: Direction,
        l4: L4,
        app: Option<&AppName>,
        standard: Option<&Ports>,
    ) -> Bearing {
        let mut bearing = self.protocol(l4);
        if let Some(ports) = standard {
            let (held, wanted) = (ports.of(l4), wanted_ports(l4));
            let first = held.contains(Range::single(wanted.first()));
            bearing.add(&self.standard, [first, held.meets(wanted), held.contains(wanted)]);
        }
        let mut apps = self.any_app.clone();
        app.into_iter().for_each(|app| self.add_app(&mut apps, app));
        apps.keep(&self.directions[direction as usize]);
        bearing.each(|bits| bits.keep(&apps));
        bearing
    }

    /// The first rules that may match some packet of an atom, and no more than so many.
    pub(super) fn possible(&mut self, atom: &Atom, most: usize) -> Vec<usize> {
        let mut service = self.directions[atom.direction as usize].clone();
        if atom.service.l4 != L4::Any {
            service.keep(self.protocol(atom.service.l4).meets());
        }
        if let Apps::Named(names) = &atom.service.apps {
            let mut apps = self.any_app.clone();
            names.iter().for_each(|app| self.add_app(&mut apps, app));
            service.keep(&apps);
        }
        let [local, peer] = self.sides(atom);
        common([local.meets(), peer.meets(), &service]).take(most).collect()
    }

    fn protocol(&self, l4: L4) -> Bearing {
        let mut bearing = match l4 {
            L4::Tcp(ports) => self.tcp.find(ports),
            L4::Udp(ports) => self.udp.find(ports),
            L4::Ip(number) => Bearing::even(self.numbered(self.ip.get(&number))),
            L4::Any => Bearing::even(self.numbered(None)),
        };
        bearing.each(|bits| bits.add(&self.any_protocol));
        bearing
    }

    fn numbered(&self, rules: Option<&Vec<usize>>) -> Bits {
        Bits::of(self.rules, rules.into_iter().flatten().copied())
    }

    fn add_app(&self, bits: &mut Bits, app: &AppName) {
        self.by_app.get(app).into_iter().flatten().for_each(|rule| bits.insert(*rule));
    }
}
