//! What is wanted for instances behind destination NAT, as the firewall sees it: before translation.

use super::{Atom, BOTH_WAYS, LeftOut, Origin, Wanted};
use crate::{
    address::{AddressRange, Family},
    change::Direction,
    nat::{Nat, Original},
    service::{L4, Service},
};

impl Wanted {
    /// Names the original destinations and ports of what comes in by IPv4; IPv6 keeps its own, and what goes out is compared
    /// with rules before its source is translated.
    pub(super) fn translate(&mut self, nat: &mut Nat<'_>, unknown: &[AddressRange]) {
        for (atom, origins) in std::mem::take(&mut self.atoms) {
            if !is_translated(atom.direction, atom.local) {
                self.atoms.entry(atom).or_default().extend(origins);
                continue;
            }
            let led = nat.leading_to(atom.local, atom.peer, atom.service.l4);
            if led.originals.is_empty() && led.unsaid.is_empty() {
                self.left_out.insert(LeftOut::NoNat(atom.clone()));
            }
            for original in led.originals {
                let by = origins.iter().map(|origin| Origin { nat: Some(original.rule.clone()), ..origin.clone() });
                self.atoms.entry(before(&atom, &original)).or_default().extend(by);
            }
            let unsaid = led.unsaid.into_iter();
            let unsaid =
                unsaid.map(|(original, why)| LeftOut::NatUnsaid(before(&atom, &original), why, origins.clone()));
            self.left_out.extend(unsaid);
        }
        for direction in BOTH_WAYS {
            unknown.iter().for_each(|local| self.translate_unknown(nat, direction, *local));
        }
    }

    fn translate_unknown(&mut self, nat: &mut Nat<'_>, direction: Direction, local: AddressRange) {
        // Rules for its own address stay as well, whatever they were made for.
        self.unknown.add(direction, L4::Any, [local]);
        if !is_translated(direction, local) {
            return;
        }
        let originals = nat.everything_leading_to(local, &self.unknown.never_open);
        originals.iter().for_each(|original| self.unknown.add_led(direction, original));
    }
}

fn is_translated(direction: Direction, local: AddressRange) -> bool {
    direction == Direction::Ingress && local.family() == Family::Ipv4
}

fn before(atom: &Atom, original: &Original) -> Atom {
    let service = Service { l4: original.l4, apps: atom.service.apps.clone() };
    Atom { direction: atom.direction, local: original.local, peer: original.peer, service }
}
