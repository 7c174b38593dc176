//! Where packets from the internet were sent that reach an instance: the firewall's NAT rules, read backwards.
//!
//! PAN-OS compares a packet with security rules as it was before NAT. A rule of ours for an instance behind a destination
//! NAT rule must therefore name the original destination and port. The first NAT rule that matches decides, so what an
//! earlier rule takes is taken out of what a later one leads to the instance, also what it only may take.

use std::collections::BTreeMap;

use crate::{
    address::{AddressRange, Family},
    firewall::{Addresses, DestinationTranslation, Matches, NatRule, Services},
    id::{RuleName, ZoneName},
    never::NeverOpen,
    range::Range,
    service::L4,
};

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
    /// What would have been led there, but for an earlier rule that takes part of it and leaves a rest that no service can
    /// say ("every protocol but one port"); with that rule.
    pub unsaid: Vec<(Original, RuleName)>,
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
    /// For addresses that were asked about: the rules that translate something to them.
    leading: BTreeMap<AddressRange, Vec<usize>>,
}

impl<'a> Nat<'a> {
    /// The rules for packets that come from this zone.
    pub fn of(rules: &'a [NatRule], untrust: &ZoneName) -> Self {
        Self { rules: rules.iter().filter(|rule| rule.from.include(untrust)).collect(), leading: BTreeMap::new() }
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
            for packets in before(rule, instance, peer, l4) {
                let arriving = |earlier: &NatRule| before(earlier, instance, peer, l4);
                self.without_earlier(index, packets, arriving, &mut led);
            }
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
        let original = |Packets { peer, local, l4 }| Original { peer, local, l4, rule: self.rules[index].name.clone() };
        let mut open = vec![packets];
        for earlier in &self.rules[..index] {
            let taken = matched(earlier, packets);
            let arriving = if taken.is_empty() { Vec::new() } else { arriving(earlier) };
            for taken in taken.into_iter().filter(|taken| !arriving.iter().any(|held| held.contains(*taken))) {
                let mut left = Vec::new();
                for piece in open {
                    let rest = piece.minus(taken, &mut left);
                    led.unsaid.extend(rest.map(|unsaid| (original(unsaid), earlier.name.clone())));
                }
                open = left;
            }
        }
        led.originals.extend(open.into_iter().map(original));
    }
}

/// The packets that this rule, if it is the first to match, translates to what is asked for.
fn before(rule: &NatRule, instance: AddressRange, peer: AddressRange, wanted: L4) -> Vec<Packets> {
    let (DestinationTranslation::Static { to, port }, Matches::All) = (&rule.translation, rule.matches) else {
        return Vec::new();
    };
    let (to, port) = (*to, *port);
    let (Addresses::Known { set: sources, .. }, Addresses::Known { set: destinations, .. }) =
        (&rule.source, &rule.destination)
    else {
        return Vec::new();
    };
    let Some(reached) = to.intersection(instance) else { return Vec::new() };
    let locals: Vec<_> = match destinations.ranges() {
        ranges if to.is_single() => ranges.iter().flat_map(|range| sayable(*range, to.family())).collect(),
        [one] => one.at_the_places_of(reached, to).into_iter().collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for l4 in l4_before(&rule.service, port, wanted) {
        for local in &locals {
            let peers = sources.meeting(peer).filter_map(|source| source.intersection(peer));
            found.extend(peers.map(|peer| Packets { peer, local: *local, l4 }));
        }
    }
    found
}

/// What of some destinations is of this family, in pieces that a rule can say: the whole family would be written `any`, which
/// means both.
fn sayable(range: AddressRange, family: Family) -> Vec<AddressRange> {
    let whole = family.whole();
    let of_family = range.intersection(whole);
    let is_whole = of_family == Some(whole);
    let halves = is_whole.then(|| whole.halves()).into_iter().flatten();
    halves.chain(of_family.filter(|_| !is_whole)).collect()
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
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{never::Never, sample};

    /// What arrives at an instance as `203.0.113.0/24 -> 10.0.1.10 tcp/443`.
    #[track_caller]
    fn check(rules: &[&str], wanted: &str, expected: &Expect) {
        let rules: Vec<_> = rules.iter().map(|line| sample::nat_rule(line)).collect();
        let atom = sample::atom(wanted);
        let led = Nat::of(&rules, &"untrust".parse().unwrap()).leading_to(atom.local, atom.peer, atom.service.l4);
        let line = |Original { peer, local, l4, rule }: &Original| format!("{peer} -> {local} {l4} by {rule}");
        let unsaid = led.unsaid.iter().map(|(original, by)| format!("unsaid because of {by}: {}\n", line(original)));
        let originals = led.originals.iter().map(|original| line(original) + "\n");
        expected.assert_eq(&originals.chain(unsaid).collect::<String>());
    }

    const WEB: &str = "0.0.0.0/0 -> 10.0.1.10 tcp/443";

    #[test]
    fn one_address_for_another() {
        check(&["a any -> 203.0.113.5 to 10.0.1.10"], WEB, &expect!["any -> 203.0.113.5 tcp 443 by a\n"]);
        check(&["a any -> 203.0.113.5 to 10.0.1.11"], WEB, &expect![""]);
        check(&["a any -> 203.0.113.5 none"], WEB, &expect![""]);
        check(&["a any -> 203.0.113.5 unknown"], WEB, &expect![""]);
        check(&["a any -> 203.0.113.5 to 10.0.1.10 from:dmz"], WEB, &expect![""]);
        check(
            &["a any -> 203.0.113.5 to 10.0.1.10"],
            "0.0.0.0/0 -> 10.0.1.10 all",
            &expect!["any -> 203.0.113.5 any by a\n"],
        );
        check(
            &["a any -> 203.0.113.5 to 10.0.1.10"],
            "0.0.0.0/0 -> 10.0.1.10 ping@ip/1",
            &expect!["any -> 203.0.113.5 protocol 1 by a\n"],
        );
    }

    #[test]
    fn ports_are_those_before_translation() {
        let https = "a any -> 203.0.113.5 tcp/8443 to 10.0.1.10:443";
        check(&[https], WEB, &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
        check(&[https], "0.0.0.0/0 -> 10.0.1.10 tcp/400-500", &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
        check(&[https], "0.0.0.0/0 -> 10.0.1.10 tcp/8443", &expect![""]);
        check(&[https], "0.0.0.0/0 -> 10.0.1.10 udp/443", &expect![""]);
        check(&[https], "0.0.0.0/0 -> 10.0.1.10 all", &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
        check(
            &["a any -> 203.0.113.5 tcp/440-450 to 10.0.1.10"],
            "0.0.0.0/0 -> 10.0.1.10 tcp/445-500",
            &expect!["any -> 203.0.113.5 tcp 445-450 by a\n"],
        );
        check(&["a any -> 203.0.113.5 to 10.0.1.10:443"], WEB, &expect!["any -> 203.0.113.5 tcp 1-65535 by a\n"]);
    }

    #[test]
    fn ranges_are_translated_place_by_place_and_several_may_become_one() {
        check(&["a any -> 203.0.113.8/30 to 10.0.1.8/30"], WEB, &expect!["any -> 203.0.113.10 tcp 443 by a\n"]);
        check(
            &["a any -> 203.0.113.5,203.0.113.9 to 10.0.1.10"],
            WEB,
            &expect![[r#"
                any -> 203.0.113.5 tcp 443 by a
                any -> 203.0.113.9 tcp 443 by a
            "#]],
        );
        check(&["a any -> 203.0.113.8/29 to 10.0.1.8/30"], WEB, &expect![""]);
    }

    #[test]
    fn an_original_destination_of_any_is_of_one_family_and_never_written_any() {
        let halves = |rest: &str| format!("any -> 0.0.0.0/1 {rest}\nany -> 128.0.0.0/1 {rest}\n");
        for destination in ["any", "0.0.0.0/0"] {
            let rule = format!("a any -> {destination} tcp/8443 to 10.0.1.10:443");
            let rules = [sample::nat_rule(&rule)];
            let atom = sample::atom(WEB);
            let led = Nat::of(&rules, &"untrust".parse().unwrap()).leading_to(atom.local, atom.peer, atom.service.l4);
            let lines =
                led.originals.iter().map(|o| format!("{} -> {} {}\n", o.peer, o.local, o.l4)).collect::<String>();
            assert_eq!(lines, halves("tcp 8443"), "{destination}");
        }
        check(
            &["a any -> 203.0.113.8 none", "b any -> any tcp/8443 to 10.0.1.10:443"],
            WEB,
            &expect![[r#"
                any -> 0.0.0.0/1 tcp 8443 by b
                any -> 128.0.0.0-203.0.113.7 tcp 8443 by b
                any -> 203.0.113.9-255.255.255.255 tcp 8443 by b
            "#]],
        );
    }

    #[test]
    fn what_is_never_opened_leads_nowhere_by_another_port_either() {
        let rules = [sample::nat_rule("a any -> 203.0.113.5 tcp/2222 to 10.0.1.10:22")];
        let led = |never: &[&str]| {
            let never = never.iter().map(|entry| entry.parse::<Never>().unwrap()).collect();
            let instance = "10.0.1.10".parse().unwrap();
            Nat::of(&rules, &"untrust".parse().unwrap()).everything_leading_to(instance, &never).len()
        };
        assert_eq!((led(&[]) > 0, led(&["tcp/22"])), (true, 0));
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let (all, port) = ("b any -> 203.0.113.5 to 10.0.1.10", "a any -> 203.0.113.5 tcp/443 to 10.0.1.99");
        check(&[port, all], WEB, &expect![""]);
        check(
            &[port, all],
            "0.0.0.0/0 -> 10.0.1.10 tcp/440-445",
            &expect![[r#"
                any -> 203.0.113.5 tcp 440-442 by b
                any -> 203.0.113.5 tcp 444-445 by b
            "#]],
        );
        check(
            &[port, all],
            "0.0.0.0/0 -> 10.0.1.10 all",
            &expect!["unsaid because of a: any -> 203.0.113.5 any by b\n"],
        );
        check(
            &["a any -> 203.0.113.5 tcp/8443 to 10.0.1.10:443", all],
            "0.0.0.0/0 -> 10.0.1.10 all",
            &expect![[r#"
                any -> 203.0.113.5 any by b
                any -> 203.0.113.5 tcp 8443 by a
            "#]],
        );
        check(&["a any -> any none", all], WEB, &expect![""]);
        check(&["a any -> any none from:trust", all], WEB, &expect!["any -> 203.0.113.5 tcp 443 by b\n"]);
        check(
            &["a 198.51.100.0/25 -> any to 10.0.1.99", all],
            "198.51.100.0/24 -> 10.0.1.10 tcp/443",
            &expect!["198.51.100.128/25 -> 203.0.113.5 tcp 443 by b\n"],
        );
        check(&["a fqdn -> 203.0.113.5 to 10.0.1.99", all], WEB, &expect![""]);
        // Whatever of its packets such a rule takes, it takes none of anybody else's.
        check(
            &["a 198.51.100.0/25 -> any to 10.0.1.99 some", all],
            "198.51.100.0/24 -> 10.0.1.10 tcp/443",
            &expect!["198.51.100.128/25 -> 203.0.113.5 tcp 443 by b\n"],
        );
        check(&["a any -> 203.0.113.5 to 10.0.1.10 some"], WEB, &expect![""]);
        check(
            &["a 198.51.100.0/24 -> 203.0.113.5 to 10.0.1.10"],
            WEB,
            &expect!["198.51.100.0/24 -> 203.0.113.5 tcp 443 by a\n"],
        );
        check(&["a fqdn -> 203.0.113.5 to 10.0.1.10"], WEB, &expect![""]);
    }
}
