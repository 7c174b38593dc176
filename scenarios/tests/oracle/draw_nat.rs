//! NAT rules by the dice.

use drawbridge_simulator::xml::Element;

use crate::{
    dice::Dice,
    draw_rules::list,
    world::{Answers, Tapes},
};

/// The NAT rulebase, if there is one.
pub(crate) fn rules(tapes: &Tapes, answers: &Answers) -> Option<Element> {
    if tapes.nat.is_empty() {
        return None;
    }
    let interfaces = answers.list("describe-network-interfaces", "NetworkInterfaces");
    let locals: Vec<_> = interfaces.iter().filter_map(|interface| interface["PrivateIpAddress"].as_str()).collect();
    let rules = tapes.nat.iter().zip(1..).map(|(tape, number)| rule(&mut Dice::of(tape), number, &locals));
    Some(Element::new("nat").with(Element::new("rules").with_all(rules)))
}

const PUBLIC: &[&str] = &["198.51.100.1", "198.51.100.2", "198.51.100.4/30", "198.51.100.1-198.51.100.3"];
/// Within a VPC: nobody's, the firewall's, and where others are or may be.
const PRIVATE: &[&str] =
    &["10.0.9.9", "10.0.0.242", "10.0.0.242-10.0.0.243", "10.0.9.4/30", "10.0.0.0/24", "10.0.0.4", "0.0.0.0/1", "any"];

fn rule(dice: &mut Dice, number: u32, locals: &[&str]) -> Element {
    let service = *dice.pick(&["any", "tcp-443", "service-http", "udp-some", "high-sources"]);
    let local = *dice.pick(locals);
    let is_source = dice.one_in(4);
    let (source, destination) = if is_source {
        (local, "any")
    } else {
        let destination = match dice.below(4) {
            0..2 => *dice.pick(PUBLIC),
            2 => *dice.pick(PRIVATE),
            _ => *dice.pick(&["198.51.100.1", local]),
        };
        (*dice.pick(&["any", "any", "8.8.8.0/24", "moving"]), destination)
    };
    let (from, to) = if is_source { ("trust", "untrust") } else { (*dice.pick(&["untrust", "any"]), "untrust") };
    let mut rule = Element::entry(format!("nat {number}")).with_all([
        list("from", &[from]),
        list("to", &[to]),
        list("source", &[source]),
        list("destination", &[destination]),
        Element::text("service", service),
        Element::text("nat-type", *dice.pick(&["ipv4", "ipv4", "ipv4", "nat64"])),
    ]);
    if is_source {
        let fixed = Element::new("static-ip")
            .with(Element::text("translated-address", *dice.pick(&["198.51.100.1", "198.51.100.9"])))
            .with(Element::text("bi-directional", *dice.pick(&["yes", "yes", "no"])));
        rule.children.push(Element::new("source-translation").with(fixed));
    } else {
        rule.children.extend(destination_translation(dice, local));
    }
    if dice.one_in(8) {
        rule.children.push(Element::text("disabled", "yes"));
    }
    rule
}

fn destination_translation(dice: &mut Dice, local: &str) -> Option<Element> {
    let mut translation = match dice.below(8) {
        7 => return None,
        6 => Element::new("dynamic-destination-translation").with(Element::text("translated-address", local)),
        5 => Element::new("destination-translation").with(Element::text("translated-address", "moving")),
        4 => Element::new("destination-translation").with(Element::text("translated-address", "10.0.0.4/30")),
        _ => Element::new("destination-translation").with(Element::text("translated-address", local)),
    };
    if dice.one_in(3) {
        translation.children.push(Element::text("translated-port", *dice.pick(&["443", "8443", "22"])));
    }
    Some(translation)
}
