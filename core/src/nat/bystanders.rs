//! Who else may be at an original destination.
//!
//! A NAT rule is for packets to one zone, and a security rule lets in whatever is sent to its destinations: a packet sent
//! straight to an instance is in another zone before NAT than one sent to the firewall, and may stay as it is. So an
//! original destination can be said only where nobody else can be to whom the firewall leads. AWS translates elastic addresses
//! before the firewall sees them: a private address within the VPC is an ordinary original destination. Mostly it is one of the
//! firewall's own, which is attached to nothing during a fail-over; its subnet is not behind the firewall.

use std::collections::BTreeSet;

use crate::{
    address::{Address, AddressRange, Family},
    config::Config,
    exposure::Exposures,
    inventory::Inventory,
    range::Set,
};

/// Everybody whom packets could reach that no NAT rule translates.
pub(super) struct Bystanders {
    /// Where somebody is, or can be at any time: the networks of VPCs behind the firewall and inside, but for the firewall's own
    /// addresses.
    networks: Set<Address>,
    /// Where somebody is.
    interfaces: Set<Address>,
}

impl Bystanders {
    pub(super) fn of(inventory: &Inventory, config: &Config) -> Self {
        let mut exposures = Exposures::of(inventory, config);
        let (mut own, mut behind, mut vpcs) = (Set::default(), Set::default(), BTreeSet::new());
        for (id, interface) in &inventory.interfaces {
            if exposures.is_firewall(id, interface) {
                own.extend(interface.addresses.iter().copied());
            } else if exposures.may_be_behind(interface, Family::Ipv4) {
                behind.extend(interface.addresses.iter().copied());
                vpcs.insert(&interface.vpc);
            }
        }
        let vpcs = vpcs.into_iter().filter_map(|id| inventory.vpcs.get(id)).flat_map(|vpc| vpc.cidrs.ranges());
        let networks: Set<_> = vpcs.chain(config.internal.ranges()).chain(behind.ranges()).copied().collect();
        Self { networks: networks.minus(&own), interfaces: behind }
    }

    /// Whether nobody but the instance can be at these addresses.
    pub(super) fn are_away_from(&self, originals: AddressRange, instance: AddressRange) -> bool {
        instance.contains(originals)
            || !self.networks.meets(originals)
            || originals.is_single() && !self.interfaces.meets(originals)
    }
}
