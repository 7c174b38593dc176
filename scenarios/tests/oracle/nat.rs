//! A firewall's NAT rules, read from the XML itself: where a packet from the internet really goes.

use std::net::IpAddr;

use drawbridge_simulator::xml::Element;

use crate::{
    groups::{addresses, inside, text},
    objects::{Leaf, Scopes, ServiceLeaf},
    packets::{Packet, Way},
    policy::{Match, Side, VSYS, matches_service, vsys},
    routes::{Reach, Routes},
    settings::Chosen,
    span::{Span, cover},
    world::Answers,
};

/// The rules that bear on destinations, in the order of evaluation.
pub(crate) struct Nat {
    pub(crate) rules: Vec<NatRule>,
    others: Others,
}

/// Who may be where packets are sent.
struct Others {
    networks: Vec<Span>,
    interfaces: Vec<Span>,
    /// The firewall's own.
    own: Vec<Span>,
}

/// A NAT rule.
pub(crate) struct NatRule {
    pub(crate) from: Vec<String>,
    pub(crate) source: Side,
    pub(crate) destination: Side,
    pub(crate) services: Vec<ServiceLeaf>,
    translation: Translation,
}

/// What becomes of the destination.
enum Translation {
    None,
    Fixed(Vec<Leaf>, Option<u16>),
    /// What only the network can tell.
    Unknown,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery<'w> {
    To(Packet<'w>),
    Unknown,
}

/// A packet on both sides of the firewall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'w> {
    sent: Packet<'w>,
    arriving: Packet<'w>,
    is_heeded: bool,
    /// A rule translates it that a security rule can follow.
    is_led: bool,
    /// Somebody may take some protocols or ports of what is sent from there to there.
    is_split: bool,
}

impl<'w> Seen<'w> {
    /// The packet as security rules see it.
    pub(crate) fn sent(&self) -> &Packet<'w> {
        &self.sent
    }

    /// The packet as the groups of the instance see it that it goes to, or comes from.
    pub(crate) fn by_groups(&self, way: Way) -> &Packet<'w> {
        match way {
            Way::In => &self.arriving,
            Way::Out => &self.sent,
        }
    }

    /// Whether no rule can say the packet by its port: 0 is only part of every protocol, and a translated port is one of one.
    pub(crate) fn is_unsaid(&self) -> bool {
        self.sent.port == 0 && self.arriving.port != 0
    }

    /// Whether no rule can say every protocol from there to there: no service holds all but some ports.
    pub(crate) fn is_unsaid_as_everything(&self) -> bool {
        self.is_split
    }

    /// What comes in, and is to be translated and is not, is left out; so is what was sent where others may be.
    pub(crate) fn is_left_out(&self, way: Way) -> bool {
        way == Way::In && self.is_heeded && !self.is_led
    }
}

impl Nat {
    pub(crate) fn read(config: &Element, answers: &Answers, chosen: &Chosen) -> Self {
        let own = vsys(config);
        let shared = config.child("shared");
        let pushed = config.at(&["panorama", "vsys"]).and_then(|list| list.entry_named(VSYS[1]));
        let ours = Scopes::of([own, shared, pushed], pushed);
        let theirs = Scopes::of([pushed, own, shared], pushed);
        let mut rules = Vec::new();
        for (scope, rulebase, scopes) in
            [(pushed, "pre-rulebase", &theirs), (own, "rulebase", &ours), (pushed, "post-rulebase", &theirs)]
        {
            let listed = scope.and_then(|scope| scope.at(&[rulebase, "nat", "rules"]));
            let listed = listed.map(|rules| rules.children.as_slice()).unwrap_or_default();
            listed.iter().for_each(|entry| rules.extend(NatRule::read(entry, scopes)));
        }
        Self { rules, others: Others::read(answers, chosen) }
    }

    /// Whether it depends on NAT what a packet is for.
    fn is_heeded(packet: &Packet<'_>, chosen: &Chosen) -> bool {
        chosen.is("destination", "nat") && packet.goes(Way::In, chosen) && !packet.destination.is_ipv6()
    }

    /// What becomes of a packet, unless only the network can tell.
    pub(crate) fn seen<'w>(&self, packet: &Packet<'w>, chosen: &Chosen) -> Option<Seen<'w>> {
        let is_heeded = Self::is_heeded(packet, chosen);
        let delivery = if is_heeded { self.deliver(packet) } else { Delivery::To(*packet) };
        match delivery {
            Delivery::To(arriving) => Some(Seen {
                sent: *packet,
                arriving,
                is_heeded,
                is_led: is_heeded && self.leads(packet, &arriving),
                is_split: is_heeded && self.splits(packet),
            }),
            Delivery::Unknown => None,
        }
    }

    /// Where the firewall sends a packet.
    fn deliver<'w>(&self, packet: &Packet<'w>) -> Delivery<'w> {
        for rule in &self.rules {
            match rule.matches(packet) {
                Match::No => {}
                Match::Maybe => return Delivery::Unknown,
                Match::Yes => return rule.translate(packet),
            }
        }
        Delivery::To(*packet)
    }

    /// Whether a rule leads the packet there from where nobody else is. Another one that leads there may come first.
    fn leads(&self, packet: &Packet<'_>, arriving: &Packet<'_>) -> bool {
        for rule in &self.rules {
            match rule.matches(packet) {
                Match::No => {}
                Match::Yes if rule.translate(packet) == Delivery::To(*arriving) => {
                    if self.others.are_away_from(rule, packet.destination, arriving.destination) {
                        return true;
                    }
                }
                Match::Yes | Match::Maybe => return false,
            }
        }
        false
    }

    /// Whether a rule before the one that decides is about some protocols or ports only.
    fn splits(&self, packet: &Packet<'_>) -> bool {
        let before = self.rules.iter().take_while(|rule| rule.matches(packet) == Match::No);
        before.into_iter().any(|rule| rule.matches_addresses(packet) != Match::No)
    }
}

impl Others {
    fn read(answers: &Answers, chosen: &Chosen) -> Self {
        let routes = Routes { answers, chosen };
        let mut others = Self { networks: chosen.internal(), interfaces: Vec::new(), own: Vec::new() };
        let mut vpcs = Vec::new();
        for interface in answers.list("describe-network-interfaces", "NetworkInterfaces") {
            if routes.is_firewall(interface) {
                others.own.extend(addresses(interface));
            } else if routes.by_route(interface, true) != Reach::No {
                others.interfaces.extend(addresses(interface));
                vpcs.push(text(interface, "VpcId"));
            }
        }
        others.networks.extend(vpcs.into_iter().flat_map(|vpc| inside(answers, chosen, vpc)));
        others
    }

    /// Whether a rule has an original destination for this address at which only those of one interface can be.
    fn are_away_from(&self, rule: &NatRule, sent: IpAddr, arriving: IpAddr) -> bool {
        let here = self.interfaces.iter().filter(|span| span.holds(arriving));
        here.into_iter().any(|instance| {
            rule.originals(instance).into_iter().filter(|original| original.holds(sent)).any(|original| {
                let mut networks = self.networks.iter().chain(&self.interfaces);
                instance.contains(&original)
                    || networks.all(|network| self.is_own(network, &original))
                    || original.first == original.last && !self.interfaces.iter().any(|held| held.meets(&original))
            })
        })
    }

    /// Whether what two have in common, if anything, is the firewall's.
    fn is_own(&self, network: &Span, original: &Span) -> bool {
        let common = Span { first: network.first.max(original.first), last: network.last.min(original.last) };
        !network.meets(original) || cover(&self.own, &common)
    }
}

impl NatRule {
    /// Whether `any` is what it is for, which is no range whose addresses could be counted.
    fn is_for_all(&self) -> bool {
        self.destination.leaves.contains(&Leaf::Any)
    }

    /// Where packets are sent that arrive at these addresses: whatever is listed for one address, the same places of a range.
    fn originals(&self, instance: &Span) -> Vec<Span> {
        let Translation::Fixed(leaves, _) = &self.translation else { return Vec::new() };
        let (Some(to), Some(from)) = (spans(leaves), spans(&self.destination.leaves)) else { return Vec::new() };
        match (to.as_slice(), from.as_slice()) {
            ([to], _) if to.first == to.last => from,
            ([to], [from]) if to.meets(instance) && !self.is_for_all() => {
                let [first, last] = [to.first.max(instance.first), to.last.min(instance.last)];
                let edges = [first, last].map(|edge| from.at(to.place_of(edge)));
                let [Some(first), Some(last)] = edges else { return Vec::new() };
                vec![Span { first, last }]
            }
            _ => Vec::new(),
        }
    }

    /// The rule, and what stands directly after it if it is a source translation that counts both ways.
    fn read(entry: &Element, scopes: &Scopes<'_>) -> Vec<Self> {
        let says = |name: &str| entry.child_text(name).unwrap_or_default();
        if says("disabled") == "yes" || !matches!(says("nat-type"), "" | "ipv4") {
            return Vec::new();
        }
        let members = |name: &str| -> Vec<String> {
            entry.child(name).into_iter().flat_map(Element::members).map(str::to_owned).collect()
        };
        let side = |name: &str| {
            let leaves = members(name).iter().flat_map(|member| scopes.addresses(member)).collect();
            Side { is_negated: false, leaves }
        };
        let service = if says("service").is_empty() { "any" } else { says("service") };
        let services = scopes.services(service);
        let translation = Self::translation(entry, scopes);
        let own = Self {
            from: members("from"),
            source: side("source"),
            destination: side("destination"),
            services,
            translation,
        };
        let fixed = entry.at(&["source-translation", "static-ip"]);
        let both_ways = fixed.filter(|fixed| fixed.child_text("bi-directional") == Some("yes"));
        let turned = both_ways.and_then(|fixed| fixed.child_text("translated-address")).map(|public| Self {
            from: vec!["any".to_owned()],
            source: Side { is_negated: false, leaves: vec![Leaf::Any] },
            destination: Side { is_negated: false, leaves: scopes.addresses(public) },
            // Whether the port is then the source's or the destination's, no public source tells.
            services: if service == "any" { vec![ServiceLeaf::Any] } else { vec![ServiceLeaf::Unknown] },
            translation: Translation::Fixed(side("source").leaves, None),
        });
        [Some(own), turned].into_iter().flatten().collect()
    }

    fn translation(entry: &Element, scopes: &Scopes<'_>) -> Translation {
        if entry.child("dynamic-destination-translation").is_some() {
            return Translation::Unknown;
        }
        let Some(fixed) = entry.child("destination-translation") else { return Translation::None };
        let port = fixed.child_text("translated-port").map(str::parse);
        match (fixed.child_text("translated-address"), port) {
            (Some(address), None) => Translation::Fixed(scopes.addresses(address), None),
            (Some(address), Some(Ok(port))) => Translation::Fixed(scopes.addresses(address), Some(port)),
            (None, None) => Translation::None,
            (None, Some(_)) | (Some(_), Some(Err(_))) => Translation::Unknown,
        }
    }

    fn matches(&self, packet: &Packet<'_>) -> Match {
        self.matches_addresses(packet).min(matches_service(&self.services, packet))
    }

    fn matches_addresses(&self, packet: &Packet<'_>) -> Match {
        if !self.from.iter().any(|zone| zone == "any" || zone == packet.from) {
            return Match::No;
        }
        self.source.matches(packet.source).min(self.destination.matches(packet.destination))
    }

    /// One address stands for all, or as many stand for as many, place by place.
    fn translate<'w>(&self, packet: &Packet<'w>) -> Delivery<'w> {
        let (leaves, port) = match &self.translation {
            Translation::None => return Delivery::To(*packet),
            Translation::Unknown => return Delivery::Unknown,
            // What has no port to be translated.
            Translation::Fixed(_, Some(_)) if !matches!(packet.protocol, 6 | 17) => return Delivery::Unknown,
            Translation::Fixed(leaves, port) => (leaves, port),
        };
        let (Some(to), Some(from)) = (spans(leaves), spans(&self.destination.leaves)) else { return Delivery::Unknown };
        let destination = match (to.as_slice(), from.as_slice()) {
            ([to], _) if to.first == to.last => Some(to.first),
            ([to], [from]) if to.place_of(to.last) == from.place_of(from.last) && !self.is_for_all() => {
                to.at(from.place_of(packet.destination))
            }
            _ => None,
        };
        match destination {
            Some(destination) => Delivery::To(Packet { destination, port: port.unwrap_or(packet.port), ..*packet }),
            None => Delivery::Unknown,
        }
    }
}

fn spans(leaves: &[Leaf]) -> Option<Vec<Span>> {
    let span = |leaf: &Leaf| match leaf {
        Leaf::Span(span) => Some(*span),
        Leaf::Any => Span::parse("0.0.0.0/0"),
        Leaf::Unknown => None,
    };
    leaves.iter().map(span).collect()
}
