//! The proof against single packets: what is left over of an atom, and which rules one packet meets.

use drawbridge_core::{
    allowed::{Cover, Packets, first_match},
    change::Direction,
    range::Range,
    service::{Apps, L4},
    wanted::{Atom, wanted},
};
use proptest::prelude::*;

use crate::{
    generate::world,
    oracle::{self, Match, Packet},
    properties::{is_certainly_allowed, is_of, settings},
};

proptest! {
    #![proptest_config(settings())]

    /// Every packet that nothing allows is in exactly one box, and no other is in any.
    #[test]
    fn what_is_left_over_is_what_nothing_allows(world in world()) {
        let rulebase = world.rulebase();
        let mut cover = Cover::of(&rulebase.candidate, &[], &world.config);
        for atom in wanted(&world.inventory, &world.firewall.running.nat, &world.config).atoms.keys() {
            let rest = cover.rest(atom);
            for packet in oracle::packets().iter().filter(|packet| is_of(atom, packet) && stands_for_all(atom, packet)) {
                let boxes = rest.iter().filter(|packets| is_in(packets, packet)).count();
                let certain = is_certainly_allowed(&world, &rulebase, atom, packet);
                prop_assert_eq!(boxes, usize::from(!certain), "{}: {}", atom, packet);
            }
        }
    }

    #[test]
    fn one_packet_meets_the_rules_that_a_naive_reader_meets(world in world()) {
        let rulebase = world.rulebase();
        let configuration = rulebase.candidate.configuration;
        let rules: Vec<_> = configuration.rules.iter().chain(&configuration.default_rules).collect();
        for naive in oracle::packets().iter().step_by(7) {
            let said = first_match(&rulebase.candidate, &asked(naive), &world.config);
            let decides = rules.iter().position(|rule| oracle::matches(rule, naive) == Match::Yes);
            let before = rules[..decides.unwrap_or(rules.len())].iter();
            let may: Vec<_> =
                before.filter(|rule| oracle::matches(rule, naive) == Match::Maybe).map(|rule| &rule.name).collect();
            prop_assert_eq!(said.may.iter().map(|may| &may.rule.name).collect::<Vec<_>>(), may, "{}", naive);
            prop_assert_eq!(said.decides.map(|rule| &rule.name), decides.map(|index| &rules[index].name), "{}", naive);
        }
    }
}

/// Whether a rule that lets this packet through lets through its likes of every application and protocol that the atom
/// leaves open: no rule names these.
fn stands_for_all(atom: &Atom, packet: &Packet) -> bool {
    let app = atom.service.apps != Apps::Any || ["other", "sctp"].contains(&packet.app);
    app && (atom.service.l4 != L4::Any || packet.app == "sctp")
}

fn is_in(packets: &Packets, packet: &Packet) -> bool {
    oracle::holds(&packets.local, packet.local)
        && oracle::holds(&packets.peer, packet.peer)
        && oracle::carries(&packets.l4, packet)
        && packets.app.as_ref().is_none_or(|app| app.as_str() == packet.app)
}

/// A packet as the core takes it.
fn asked(packet: &Packet) -> drawbridge_core::allowed::Packet {
    let l4 = match packet.protocol {
        6 => L4::Tcp(Range::single(packet.port)),
        17 => L4::Udp(Range::single(packet.port)),
        number => L4::Ip(number),
    };
    drawbridge_core::allowed::Packet {
        direction: Direction::Ingress,
        local: packet.local.into(),
        peer: packet.peer.into(),
        l4,
        app: Some(packet.app.parse().unwrap()),
    }
}
