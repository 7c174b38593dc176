//! Where packets from the internet were sent that reach an instance: the firewall's NAT rules, read backwards.
//!
//! PAN-OS compares a packet with security rules as it was before NAT. A rule of ours for an instance behind a destination
//! NAT rule must therefore name the original destination and port. The first NAT rule that matches decides, so what an
//! earlier rule takes is taken out of what a later one leads to the instance, also what it only may take. And a rule of ours
//! lets in what is sent to the original destination whether it is translated or not, so that nobody else may be there.

use std::{collections::BTreeMap, fmt};

use crate::{
    address::AddressRange,
    config::Config,
    firewall::{Addresses, DestinationTranslation, Matches, NatRule, Services},
    id::RuleName,
    inventory::Inventory,
    never::NeverOpen,
    range::{Range, Set},
    service::L4,
};

use self::bystanders::Bystanders;

mod bystanders;

/// Packets by what they are compared with: source, destination, protocol and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packets {
    peer: AddressRange,
    local: AddressRange,
    l4: L4,
}

/// Packets as they were sent, before a rule translated them for an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Original {
    /// Where they come from.
    pub peer: AddressRange,
    /// Where they were sent.
    pub local: AddressRange,
    /// Protocol, and the ports to which they were sent.
    pub l4: L4,
    /// The NAT rule that translates them.
    pub rule: RuleName,
}

/// What the NAT rules lead to an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Led {
    /// All of it, in pieces that a rule can say.
    pub originals: Vec<Original>,
    /// What is led there, or would be, and no rule can say.
    pub unsaid: Vec<(Original, Unsaid)>,
}

/// Why no rule can say something that was sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsaid {
    /// This earlier rule takes part of it, and leaves a rest that no service can say ("every protocol but one port").
    Taken(RuleName),
    /// Others may have one of the addresses to which it is sent, as this rule has them: what is not translated would reach
    /// those.
    Wide(RuleName),
}

/// `NAT rule ...`: the reason, with the remedy.
impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(by) => write!(f, "NAT rule `{by}` takes part of it, and no rule can say the rest"),
            Self::Wide(by) => write!(
                f,
                "others may be there; name the address that is translated as the original destination of NAT rule `{by}`"
            ),
        }
    }
}

/// Everything that rules of ours can let through by IPv4.
const EVERYTHING: [L4; 7] = [
    L4::Any,
    L4::Tcp(Range::unchecked(0, u16::MAX)),
    L4::Udp(Range::unchecked(0, u16::MAX)),
    L4::Ip(1),
    L4::Ip(47),
    L4::Ip(50),
    L4::Ip(51),
];

/// The NAT rules that packets from the internet are compared with, in order.
pub struct Nat<'a> {
    rules: Vec<&'a NatRule>,
    bystanders: Bystanders,
    /// For addresses that were asked about: the rules that translate something to them.
    leading: BTreeMap<AddressRange, Vec<usize>>,
}

impl<'a> Nat<'a> {
    /// The rules for packets that come from the internet's zone.
    pub fn of(rules: &'a [NatRule], inventory: &Inventory, config: &Config) -> Self {
        Self {
            rules: rules.iter().filter(|rule| rule.from.include(&config.untrust)).collect(),
            bystanders: Bystanders::of(inventory, config),
            leading: BTreeMap::new(),
        }
    }

    /// Whether some rule translates a destination to one of these addresses, whatever the port.
    pub fn leads_to(&mut self, instance: AddressRange) -> Option<&'a RuleName> {
        let first = *self.leading(instance).first()?;
        Some(&self.rules[first].name)
    }

    /// What is sent where, to arrive at the instance as this.
    pub fn leading_to(&mut self, instance: AddressRange, peer: AddressRange, l4: L4) -> Led {
        let leading = self.leading(instance).to_vec();
        let mut led = Led::default();
        for index in leading {
            let rule = self.rules[index];
            for packets in before(rule, instance, peer, l4, |range| self.bystanders.are_away_from(range, instance)) {
                let arriving = |earlier: &NatRule| before(earlier, instance, peer, l4, |_| true);
                self.without_earlier(index, packets, arriving, &mut led);
            }
            let wide = before(rule, instance, peer, l4, |range| !self.bystanders.are_away_from(range, instance));
            led.unsaid.extend(wide.into_iter().map(|packets| (packets.by(rule), Unsaid::Wide(rule.name.clone()))));
        }
        led.originals.sort_unstable();
        led.originals.dedup();
        led
    }

    /// Everything that is sent somewhere to arrive at the instance, but for what is never opened there. Each protocol is asked
    /// about by itself as well: where an earlier rule takes a port, the others can still be said.
    pub fn everything_leading_to(&mut self, instance: AddressRange, never: &NeverOpen) -> Vec<Original> {
        let everybody = instance.family().whole();
        let arriving = EVERYTHING.iter().flat_map(|l4| never.traffic_left(*l4));
        arriving.flat_map(|l4| self.leading_to(instance, everybody, l4).originals).collect()
    }

    fn leading(&mut self, instance: AddressRange) -> &[usize] {
        let rules = &self.rules;
        self.leading.entry(instance).or_insert_with(|| {
            let leads = |rule: &NatRule| match &rule.translation {
                DestinationTranslation::Static { to, .. } => to.meets(instance),
                DestinationTranslation::None | DestinationTranslation::Unknown => false,
            };
            (0..rules.len()).filter(|index| leads(rules[*index])).collect()
        })
    }

    /// Takes out what earlier rules match, or may match, unless it arrives all the same.
    fn without_earlier(
        &self,
        index: usize,
        packets: Packets,
        arriving: impl Fn(&NatRule) -> Vec<Packets>,
        led: &mut Led,
    ) {
        let rule = self.rules[index];
        let mut open = vec![packets];
        for earlier in &self.rules[..index] {
            let taken = matched(earlier, packets);
            let arriving = if taken.is_empty() { Vec::new() } else { arriving(earlier) };
            for taken in taken.into_iter().filter(|taken| !arriving.iter().any(|held| held.contains(*taken))) {
                let mut left = Vec::new();
                for piece in open {
                    let rest = piece.minus(taken, &mut left);
                    led.unsaid.extend(rest.map(|unsaid| (unsaid.by(rule), Unsaid::Taken(earlier.name.clone()))));
                }
                open = left;
            }
        }
        led.originals.extend(open.into_iter().map(|packets| packets.by(rule)));
    }
}

/// The packets that this rule, if it is the first to match, translates to what is asked for; of its original destinations
/// those that are asked for.
fn before(
    rule: &NatRule,
    instance: AddressRange,
    peer: AddressRange,
    wanted: L4,
    counts: impl Fn(AddressRange) -> bool,
) -> Vec<Packets> {
    let (DestinationTranslation::Static { to, port }, Matches::All) = (&rule.translation, rule.matches) else {
        return Vec::new();
    };
    let (to, port) = (*to, *port);
    let (Addresses::Known { set: sources, .. }, Addresses::Known { set, listed }) = (&rule.source, &rule.destination)
    else {
        return Vec::new();
    };
    let Some(reached) = to.intersection(instance) else { return Vec::new() };
    // As they are listed: two neighbours count as two, and not as one range that is wide.
    let of_family = listed.iter().filter_map(|range| range.intersection(to.family().whole()));
    let locals: Set<_> = match set.ranges() {
        _ if to.is_single() => of_family.filter(|range| counts(*range)).collect(),
        [one] => one.at_the_places_of(reached, to).into_iter().filter(|range| counts(*range)).collect(),
        _ => Set::default(),
    };
    let mut found = Vec::new();
    for l4 in l4_before(&rule.service, port, wanted) {
        for local in locals.ranges() {
            let peers = sources.meeting(peer).filter_map(|source| source.intersection(peer));
            found.extend(peers.map(|peer| Packets { peer, local: *local, l4 }));
        }
    }
    found
}

/// Every port that a service can hold.
const PORTS: Range<u16> = Range::unchecked(1, u16::MAX);

/// Protocol and ports before translation, of what arrives as wanted.
fn l4_before(service: &Services, port: Option<u16>, wanted: L4) -> Vec<L4> {
    let held = match service {
        Services::Any if port.is_some() => vec![L4::Tcp(PORTS), L4::Udp(PORTS)],
        Services::Any => vec![L4::Any],
        Services::Ports { l4, .. } => l4.clone(),
        Services::ApplicationDefault | Services::Unknown => Vec::new(),
    };
    let Some(port) = port.map(Range::single) else {
        return held.into_iter().filter_map(|l4| l4.intersection(wanted)).collect();
    };
    let arrives = |l4: &L4| match l4 {
        L4::Tcp(_) => wanted.contains(L4::Tcp(port)),
        L4::Udp(_) => wanted.contains(L4::Udp(port)),
        L4::Any | L4::Ip(_) => false,
    };
    held.into_iter().filter(arrives).collect()
}

/// What of some packets a rule matches, or may match.
fn matched(rule: &NatRule, packets: Packets) -> Vec<Packets> {
    let part = |addresses: &Addresses, of: AddressRange| match addresses {
        Addresses::Known { set, .. } => set.meeting(of).filter_map(|range| range.intersection(of)).collect(),
        Addresses::Unknown => vec![of],
    };
    let l4s: Vec<_> = match &rule.service {
        Services::Ports { l4, .. } => l4.iter().filter_map(|l4| l4.intersection(packets.l4)).collect(),
        Services::Any | Services::ApplicationDefault | Services::Unknown => vec![packets.l4],
    };
    let mut found = Vec::new();
    for peer in part(&rule.source, packets.peer) {
        for local in part(&rule.destination, packets.local) {
            found.extend(l4s.iter().map(|l4| Packets { peer, local, l4: *l4 }));
        }
    }
    found
}

impl Packets {
    fn by(self, rule: &NatRule) -> Original {
        let Self { peer, local, l4 } = self;
        Original { peer, local, l4, rule: rule.name.clone() }
    }

    fn contains(self, other: Self) -> bool {
        self.peer.contains(other.peer) && self.local.contains(other.local) && self.l4.contains(other.l4)
    }

    /// Puts the packets of this box that are not in the other into `left`. What is left of "every protocol" when one is
    /// taken out cannot be said by a service: it is returned.
    fn minus(self, other: Self, left: &mut Vec<Self>) -> Option<Self> {
        let (Some(peer), Some(local), Some(_)) =
            (self.peer.intersection(other.peer), self.local.intersection(other.local), self.l4.intersection(other.l4))
        else {
            left.push(self);
            return None;
        };
        left.extend(self.peer.minus(other.peer).into_iter().flatten().map(|peer| Self { peer, ..self }));
        left.extend(self.local.minus(other.local).into_iter().flatten().map(|local| Self { peer, local, ..self }));
        let core = Self { peer, local, ..self };
        let (ports, taken, l4): (_, _, fn(_) -> L4) = match (self.l4, other.l4) {
            (L4::Tcp(ports), L4::Tcp(taken)) => (ports, taken, L4::Tcp),
            (L4::Udp(ports), L4::Udp(taken)) => (ports, taken, L4::Udp),
            (held, taken) => return (!taken.contains(held)).then_some(core),
        };
        left.extend(ports.minus(taken).into_iter().flatten().map(|ports| Self { l4: l4(ports), ..core }));
        None
    }
}

#[cfg(test)]
mod tests;
