//! A rulebase by the dice, as a firewall exports it.

use drawbridge_simulator::xml::Element;

use crate::{
    dice::Dice,
    draw_nat,
    draw_objects::{self, ADDRESS_NAMES, APP_NAMES, SERVICE_NAMES},
    draw_owned,
    groups::{Atom, Cloud},
    packets::Way,
    settings::Chosen,
    span::Span,
    world::{Answers, Tapes},
};

/// The whole configuration.
pub(crate) fn configuration(tapes: &Tapes, answers: &Answers, settings: &str) -> String {
    let chosen = Chosen::read(settings);
    let atoms = Cloud::read(answers, &chosen).atoms();
    let mut dice = Dice::of(&tapes.objects);
    let (mut pre, mut above, mut below, mut post) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (tape, number) in tapes.rules.iter().zip(1..) {
        let mut dice = Dice::of(tape);
        let place = dice.below(8);
        let is_pushed = place >= 6;
        let rule = rule(&mut dice, &rule_name(number, place == 3), is_pushed, &atoms);
        match place {
            5 => below.push(rule),
            6 => pre.push(rule),
            7 => post.push(rule),
            _ => above.push(rule),
        }
    }
    let owned = draw_owned::rules(tapes, answers, &chosen, &atoms);
    let needs_tag = !owned.rules.is_empty();
    for (rule, is_sunken) in owned.rules {
        let list = if is_sunken { &mut below } else { &mut above };
        let place = dice.below(list.len() + 1);
        list.insert(list.len() - place, rule);
    }
    above.push(bottom(&mut dice, &chosen, &atoms));
    above.append(&mut below);

    let [vsys, shared, pushed] = draw_objects::scopes(&mut dice);
    let rulebase = Element::new("rulebase")
        .with(Element::new("security").with(Element::new("rules").with_all(above)))
        .with_all(draw_nat::rules(tapes, answers))
        .with_all(default_rules(&mut dice));
    let zones = ["untrust", "trust", "dmz"].map(|name| Element::entry(name).with(Element::new("network")));
    let tags = if !needs_tag && dice.one_in(3) { vec!["other"] } else { vec![chosen.owner.as_str(), "other"] };
    let vsys = vsys
        .with(Element::new("zone").with_all(zones))
        .with(rulebase)
        .with(Element::new("tag").with_all(tags.into_iter().map(Element::entry)))
        .with(Element::new("profile-group").with_all(["strict", "lax"].map(Element::entry)))
        .with(Element::new("log-settings").with(Element::new("profiles").with(Element::entry("siem"))))
        .with(Element::new("schedule").with(Element::entry("nights")));
    let vsys = with_services(vsys, owned.services);
    let rulebase = |name: &str, rules: Vec<Element>| {
        Element::new(name).with(Element::new("security").with(Element::new("rules").with_all(rules)))
    };
    let pushed = pushed.with(rulebase("pre-rulebase", pre)).with(rulebase("post-rulebase", post));
    let device = Element::entry("localhost.localdomain").with(Element::new("vsys").with(vsys));
    let config = Element::new("config")
        .with(shared)
        .with(Element::new("devices").with(device))
        .with(Element::new("panorama").with(Element::new("vsys").with(pushed)));
    draw_objects::pretty(&draw_objects::pruned(&config))
}

/// Rules named like ours are not ours without our tag.
fn rule_name(number: u32, like_ours: bool) -> String {
    match (number, like_ours) {
        (1, true) => "sg-1-1".to_owned(),
        (2, true) => "i-1-2".to_owned(),
        _ => format!("rule {number}"),
    }
}

fn with_services(mut vsys: Element, services: Vec<Element>) -> Element {
    match vsys.child_mut("service") {
        Some(list) => list.children.extend(services),
        None => vsys.children.push(Element::new("service").with_all(services)),
    }
    vsys
}

/// The clean-up rule is what administrators have made of it.
fn bottom(dice: &mut Dice, chosen: &Chosen, atoms: &[Atom]) -> Element {
    if dice.one_in(6) {
        return rule(dice, &chosen.bottom, false, atoms);
    }
    Element::entry(&chosen.bottom).with_all([
        list("from", &["any"]),
        list("to", &["any"]),
        list("source", &["any"]),
        list("destination", &["any"]),
        list("application", &["any"]),
        list("service", &["any"]),
        Element::text("action", dice.word(&["deny", "drop", "reset-both"])),
    ])
}

fn default_rules(dice: &mut Dice) -> Option<Element> {
    let changed = dice.below(4);
    let entry = |name: &str, action: &str| Element::entry(name).with(Element::text("action", action));
    let rules = match changed {
        1 => vec![entry("interzone-default", "allow")],
        2 => vec![entry("intrazone-default", "deny"), entry("interzone-default", "drop")],
        _ => return None,
    };
    Some(Element::new("default-security-rules").with(Element::new("rules").with_all(rules)))
}

pub(crate) fn list<T: AsRef<str>>(name: &str, members: &[T]) -> Element {
    Element::new(name).with_all(members.iter().map(|member| Element::text("member", member.as_ref())))
}

/// Literals of both sides.
const SOURCES: &[&str] = &[
    "8.8.8.0/24",
    "8.8.8.8",
    "8.8.8.0-8.8.9.9",
    "203.0.113.7",
    "0.0.0.0/0",
    "::/0",
    "2001:db8:f::/64",
    "8.8.8.64/26",
    "0.0.0.0/1",
    "10.0.0.0/8",
];
const DESTINATIONS: &[&str] = &[
    "10.0.0.0/24",
    "10.0.0.4",
    "10.0.0.4-10.0.0.9",
    "10.0.0.0/28",
    "10.0.0.5/30",
    "2001:db8:a::/48",
    "10.1.0.0/16",
    "10.0.0.48/29",
    "0.0.0.0/0",
    "2001:db8:a::4",
];
const ZONES: &[&str] = &["untrust", "trust", "dmz"];

/// A column of addresses. With a hint it often has something to do with what is wanted.
fn column(dice: &mut Dice, name: &str, literals: &[&str], names: &[&str], hint: Option<Span>) -> Element {
    let mut members: Vec<String> = match (hint, dice.below(8)) {
        (_, 0..3) => return list(name, &["any"]),
        (Some(span), 3) => vec![span.written()],
        (Some(span), 4 | 5) => match span.halves() {
            Some(halves) => dice.some(&halves, 3).iter().map(Span::written).collect(),
            None => vec![span.written()],
        },
        (_, 3..6) => dice.some(literals, 2).into_iter().map(str::to_owned).collect(),
        (_, 6) => dice.some(names, 2).into_iter().map(str::to_owned).collect(),
        _ => vec![dice.word(literals).to_owned(), dice.word(names).to_owned()],
    };
    members.dedup();
    list(name, &members)
}

fn zones(dice: &mut Dice, name: &str, usual: &str) -> Element {
    match dice.below(8) {
        0..4 => list(name, &["any"]),
        4 | 5 => list(name, &[usual]),
        6 => list(name, &dice.some(ZONES, 3)),
        _ => list(name, &[usual, "dmz"]),
    }
}

/// A rule of the administrator's. Pushed ones may have anything; what the firewall would refuse is not in the others.
fn rule(dice: &mut Dice, name: &str, is_pushed: bool, atoms: &[Atom]) -> Element {
    let hint = if atoms.is_empty() || dice.below(3) == 0 { None } else { Some(dice.pick(atoms)) };
    let service = match dice.below(8) {
        0..2 => list("service", &["any"]),
        2 | 3 => list("service", &["application-default"]),
        _ => list("service", &dice.some(SERVICE_NAMES, 3)),
    };
    let wanted = hint.and_then(|atom| atom.service.apps.as_ref());
    let application = match (wanted, dice.below(8)) {
        (_, 0..4) => list("application", &["any"]),
        (Some(apps), 4..6) => list("application", apps),
        _ => list("application", &dice.some(APP_NAMES, 3)),
    };
    let action = dice.word(&["allow", "allow", "allow", "allow", "allow", "deny", "drop", "reset-client"]);
    let (peer, local) = (hint.map(|atom| atom.peer), hint.map(|atom| atom.local));
    let (source, destination) =
        if hint.is_some_and(|atom| atom.way == Way::Out) { (local, peer) } else { (peer, local) };
    let mut rule = Element::entry(name).with_all([
        column(dice, "source", SOURCES, ADDRESS_NAMES, source),
        column(dice, "destination", DESTINATIONS, ADDRESS_NAMES, destination),
        zones(dice, "from", "untrust"),
        zones(dice, "to", "trust"),
        application,
        service,
        Element::text("action", action),
    ]);
    for negate in ["negate-source", "negate-destination"] {
        if dice.one_in(8) {
            rule.children.push(Element::text(negate, *dice.pick(&["yes", "yes", "no"])));
        }
    }
    if dice.one_in(12) {
        rule.children.push(Element::text("disabled", *dice.pick(&["yes", "no"])));
    }
    if dice.one_in(6) {
        rule.children.push(Element::text("rule-type", *dice.pick(&["interzone", "intrazone", "universal"])));
    }
    if dice.one_in(4) {
        rule.children.extend(extra(dice));
    }
    if is_pushed && dice.one_in(4) {
        wild(dice, &mut rule);
    }
    rule
}

/// Elements that narrow, look like it, or decide nothing.
fn extra(dice: &mut Dice) -> Option<Element> {
    let any = |name: &str| list(name, &["any"]);
    let extras = [
        any("source-user"),
        any("category"),
        any("source-hip"),
        any("source-imsi"),
        list("source-user", &["known-user"]),
        list("source-user", &["corp\\alice"]),
        list("category", &["news", "hacking"]),
        list("source-hip", &["managed"]),
        list("destination-hip", &["managed"]),
        list("hip-profiles", &["managed"]),
        list("source-imei", &["490154203237518"]),
        Element::text("schedule", "nights"),
        Element::text("log-setting", "siem"),
        Element::text("description", "as agreed & signed"),
        list("tag", &["other"]),
        Element::text("icmp-unreachable", "yes"),
        Element::new("option").with(Element::text("disable-server-response-inspection", "yes")),
        Element::new("profile-setting").with(list("group", &["lax"])),
        Element::text("group-tag", "other"),
        Element::text("log-start", "yes"),
    ];
    (!dice.one_in(32)).then(|| dice.pick(&extras).clone())
}

/// What only a newer release or a mistake would write.
fn wild(dice: &mut Dice, rule: &mut Element) {
    match dice.below(6) {
        0 => rule.children.push(Element::text("quantum-mode", "yes")),
        1 => rule.children.push(Element::new("quantum-lists").with(list("inner", &["x"]))),
        2 => rule.children.retain(|child| child.name != "service"),
        3 => rule.children.retain(|child| child.name != "to"),
        4 => {
            if let Some(source) = rule.child_mut("source") {
                source.children = vec![Element::text("member", "nobody-defines-this")].into();
            }
        }
        _ => {
            if let Some(service) = rule.child_mut("service") {
                service.children =
                    vec![Element::text("member", "no-such-service"), Element::text("member", "tcp-mixed")].into();
            }
        }
    }
}
