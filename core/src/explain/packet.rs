//! What becomes of one packet: which rule decides it, and who wants it.

use super::{Explainer, Sent, Told, columns, wanted_by};
use crate::{
    address::Address,
    allowed::{Matches, May, Packet, first_match},
    change::Direction,
    firewall::{Action, RuleFacts},
    inventory::Interface,
    range::Range,
    rulebase::owned_name,
    service::Apps,
    wanted::Atom,
};

impl Explainer<'_> {
    /// By the running configuration, which decides traffic, and by the candidate where that decides otherwise.
    pub(super) fn packet(&self, sent: &Sent) -> Vec<Told> {
        let packet = self.directed(sent);
        let (from, to) = match packet.direction {
            Direction::Ingress => (&self.config.untrust, &self.config.trust),
            Direction::Egress => (&self.config.trust, &self.config.untrust),
        };
        let running = self.decided(&first_match(&self.rulebase.running, &packet, self.config));
        let mut told = vec![Told::with(format!("{packet}, from {from} to {to}: {}", running.what), running.because)];
        let candidate = self.decided(&first_match(&self.rulebase.candidate, &packet, self.config));
        if self.differs(&packet) {
            told.push(Told::with(format!("in the candidate: {}", candidate.what), candidate.because));
        }
        let mut wanted: Vec<_> = self.wanting(&packet).collect();
        wanted.extend(self.in_doubt(|interface| has(interface, packet.local)));
        if wanted.is_empty() {
            told.push(Told::plain("no security group of an exposed interface wants it"));
        }
        told.extend(wanted);
        told
    }

    /// Which way a packet goes: inward, unless its source is an address of an interface and its destination is not.
    fn directed(&self, sent: &Sent) -> Packet {
        let is_local = |address: Address| self.inventory.interfaces.values().any(|interface| has(interface, address));
        let outward = is_local(sent.source) && !is_local(sent.destination);
        let (direction, local, peer) = match outward {
            true => (Direction::Egress, sent.source, sent.destination),
            false => (Direction::Ingress, sent.destination, sent.source),
        };
        Packet { direction, local, peer, l4: sent.l4, app: sent.app.clone() }
    }

    fn differs(&self, packet: &Packet) -> bool {
        let decides = |policy| first_match(policy, packet, self.config).decides.map(|rule| (&rule.name, rule.action));
        decides(&self.rulebase.running) != decides(&self.rulebase.candidate)
    }

    fn decided(&self, matches: &Matches<'_>) -> Told {
        let because = matches.may.iter().map(|may| self.may(may)).collect();
        let what = match matches.decides {
            Some(rule) => format!("{} by {}", verb(rule), self.named(rule)),
            None => "no rule matches for certain".to_owned(),
        };
        Told::with(what, because)
    }

    /// A rule before the one that decides.
    fn may(&self, may: &May<'_>) -> Told {
        let on: Vec<_> = may.depends_on.iter().map(ToString::to_string).collect();
        Told::with(
            format!("unless it is {} by {}, depending on {}", verb(may.rule), self.named(may.rule), on.join(", ")),
            vec![Told::plain(columns::said(may.rule))],
        )
    }

    fn named(&self, rule: &RuleFacts) -> String {
        let ours = if owned_name(rule, &self.config.owner).is_some() { " of ours" } else { "" };
        format!("rule `{}`{ours}", rule.name)
    }

    /// Wanted atoms that hold the packet.
    fn wanting(&self, packet: &Packet) -> impl Iterator<Item = Told> {
        let holding = self.plan.wanted.atoms.iter().zip(&self.plan.standings);
        let holding = holding.filter(|((atom, _), _)| holds(atom, packet));
        holding.map(|((atom, origins), standing)| {
            let told = self.standing(atom, standing);
            Told::with(format!("{} {}", wanted_by(origins), told.what), told.because)
        })
    }
}

fn has(interface: &Interface, address: Address) -> bool {
    interface.addresses.iter().any(|range| range.contains(Range::single(address)))
}

fn verb(rule: &RuleFacts) -> &'static str {
    match rule.action {
        Action::Allow => "allowed",
        Action::Deny => "denied",
    }
}

/// Whether an atom wants this packet; of an application that is not given, any will do.
fn holds(atom: &Atom, packet: &Packet) -> bool {
    let app = match (&atom.service.apps, &packet.app) {
        (Apps::Any, _) | (_, None) => true,
        (Apps::Named(names), Some(app)) => names.contains(app),
    };
    app && atom.direction == packet.direction
        && atom.local.contains(Range::single(packet.local))
        && atom.peer.contains(Range::single(packet.peer))
        && atom.service.l4.contains(packet.l4)
}
