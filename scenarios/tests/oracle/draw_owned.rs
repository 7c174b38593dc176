//! Rules of ours that are there already: right, stale in part, wrong, disabled, below the bottom rule.

use drawbridge_simulator::xml::Element;

use crate::{
    dice::Dice,
    draw_rules::list,
    groups::Atom,
    packets::Way,
    settings::Chosen,
    span::Span,
    world::{Answers, Tapes},
};

/// What is there of ours.
pub(crate) struct Owned {
    /// Rules, and whether each stands below the bottom rule.
    pub(crate) rules: Vec<(Element, bool)>,
    /// Service objects.
    pub(crate) services: Vec<Element>,
}

pub(crate) fn rules(tapes: &Tapes, answers: &Answers, chosen: &Chosen, atoms: &[Atom]) -> Owned {
    let mut owned = Owned { rules: Vec::new(), services: Vec::new() };
    for (tape, number) in tapes.owned.iter().zip(1..) {
        let mut dice = Dice::of(tape);
        let subject = *dice.pick(&["sg-1", "sg-2", "i-1", "i-2", "sg-77"]);
        // Numbers leave room for foreign rules of the same form.
        let name = format!("{subject}-{}", number + 2);
        let Some(draft) = Draft::of(&mut dice, atoms, answers) else { continue };
        let is_sunken = dice.one_in(8);
        let rule = draft.element(&mut dice, &name, chosen, &mut owned.services);
        owned.rules.push((rule, is_sunken));
    }
    owned
}

/// A rule in the making.
struct Draft {
    way: Way,
    locals: Vec<String>,
    peers: Vec<String>,
    apps: Vec<String>,
    service: Column,
}

/// The service column.
enum Column {
    Any,
    Default,
    Object(String, &'static str, String),
}

impl Draft {
    /// What somebody wants, or once wanted.
    fn of(dice: &mut Dice, atoms: &[Atom], answers: &Answers) -> Option<Self> {
        if atoms.is_empty() {
            return Self::stale(dice, answers);
        }
        let atom = dice.pick(atoms).clone();
        // Equal ones beside it make it a product.
        let like = |other: &&Atom| {
            other.way == atom.way && other.service == atom.service && other.local.is_v4() == atom.local.is_v4()
        };
        let beside: Vec<_> = atoms.iter().filter(like).collect();
        let (mut locals, mut peers) = (vec![written(&atom.local)], vec![written(&atom.peer)]);
        for _ in 0..dice.below(3) {
            let other = *dice.pick(&beside);
            let list = if dice.one_in(2) { &mut locals } else { &mut peers };
            let text = if dice.one_in(2) { written(&other.local) } else { written(&other.peer) };
            list.push(text);
        }
        if dice.one_in(6) {
            peers.push((*dice.pick(&["198.51.100.0/24", "8.8.8.9", "2001:db8:f::/48"])).to_owned());
        }
        if dice.one_in(6) {
            locals.push((*dice.pick(&["10.0.0.99", "10.0.0.4", "10.0.0.4-10.0.0.6", "2001:db8:a::99"])).to_owned());
        }
        let apps = atom.service.apps.clone().unwrap_or_else(|| vec!["any".to_owned()]);
        let service = match atom.service.ports.as_slice() {
            [] => Column::Any,
            [ports] if matches!(ports.protocol, 6 | 17) => {
                let range = if ports.first == ports.last {
                    ports.first.to_string()
                } else {
                    format!("{}-{}", ports.first, ports.last)
                };
                let is_standard = matches!(
                    (apps[0].as_str(), ports.first, ports.last),
                    ("ssh", 22, 22) | ("ssl", 443, 443) | ("mysql", 3306, 3306)
                );
                let protocol = if ports.protocol == 6 { "tcp" } else { "udp" };
                if is_standard && protocol == "tcp" {
                    Column::Default
                } else {
                    Column::Object(format!("{protocol}_{range}"), protocol, range)
                }
            }
            _ => Column::Default,
        };
        Some(Self { way: atom.way, locals, peers, apps, service })
    }

    /// What nobody wants now: perhaps an address in doubt.
    fn stale(dice: &mut Dice, answers: &Answers) -> Option<Self> {
        let interfaces = answers.list("describe-network-interfaces", "NetworkInterfaces");
        let addresses: Vec<_> =
            interfaces.iter().filter_map(|interface| interface["PrivateIpAddress"].as_str()).collect();
        let local = dice.pick(&addresses);
        let apps = vec!["ssl".to_owned()];
        Some(Self {
            way: Way::In,
            locals: vec![(*local).to_owned()],
            peers: vec!["any".to_owned()],
            apps,
            service: Column::Default,
        })
    }

    fn element(mut self, dice: &mut Dice, name: &str, chosen: &Chosen, services: &mut Vec<Element>) -> Element {
        for list in [&mut self.locals, &mut self.peers, &mut self.apps] {
            if list.iter().any(|member| member == "any") {
                *list = vec!["any".to_owned()];
            }
            list.sort();
            list.dedup();
        }
        let (from, to) = chosen.zones(self.way);
        let (from, to) = match dice.below(12) {
            10 => ("dmz", to),
            11 => (to, from),
            _ => (from, to),
        };
        let (source, destination) = match self.way {
            Way::In => (&self.peers, &self.locals),
            Way::Out => (&self.locals, &self.peers),
        };
        let service = self.service_name(dice, chosen, services);
        let tags: &[&str] = if dice.one_in(8) { &["other", &chosen.owner] } else { &[&chosen.owner] };
        let mut rule = Element::entry(name).with_all([
            list("from", &[from]),
            list("to", &[to]),
            list("source", source),
            list("destination", destination),
            list("application", &self.apps),
            list("service", &[service]),
            Element::text("action", if dice.one_in(24) { "deny" } else { "allow" }),
            list("tag", tags),
            Element::text("description", "aws 111122223333 eu-west-1; eni-1; sg-1"),
        ]);
        if let Some(group) = chosen.text("policy.security_profile_group").filter(|_| !dice.one_in(8)) {
            rule.children.push(Element::new("profile-setting").with(list("group", &[group])));
        }
        rule.children.extend(Self::meddling(dice));
        rule
    }

    fn service_name(&self, dice: &mut Dice, chosen: &Chosen, services: &mut Vec<Element>) -> String {
        let (name, protocol, ports) = match &self.service {
            Column::Any => return "any".to_owned(),
            Column::Default => return "application-default".to_owned(),
            Column::Object(name, protocol, ports) => (format!("{name} ours"), *protocol, ports.clone()),
        };
        if services.iter().all(|held| held.attribute("name") != Some(&name)) {
            let own = Element::new(protocol).with(Element::text("port", ports));
            let object = Element::entry(&name).with(Element::new("protocol").with(own));
            let is_tagged = !dice.one_in(8);
            services.push(object.with_all(is_tagged.then(|| list("tag", &[&chosen.owner]))));
        }
        name
    }

    /// What administrators may have done to it.
    fn meddling(dice: &mut Dice) -> Option<Element> {
        Some(match dice.below(24) {
            16 | 17 => Element::text("disabled", "yes"),
            18 => list("source-user", &["known-user"]),
            19 => Element::text("negate-source", "yes"),
            20 => Element::text("schedule", "nights"),
            21 => Element::text("rule-type", "intrazone"),
            22 => Element::text("log-setting", "siem"),
            23 => Element::text("negate-destination", "yes"),
            _ => return None,
        })
    }
}

/// As we write it.
fn written(span: &Span) -> String {
    if span.is_everything() { "any".to_owned() } else { span.written() }
}
