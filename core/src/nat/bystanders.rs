//! Who else may be at an original destination.
//!
//! A NAT rule is for packets to one zone, and a security rule lets in whatever is sent to its destinations: a packet sent
//! straight to an instance is in another zone before NAT than one sent to the firewall, and may stay as it is. So an
//! original destination can be said only where nobody else can be. AWS translates elastic addresses before the firewall sees
//! them: a private address within the VPC is an ordinary original destination, as long as it is nobody's or the firewall's.

use crate::{
    address::{Address, AddressRange},
    config::Config,
    exposure::Exposures,
    inventory::Inventory,
    range::Set,
};

/// Everybody whom packets could reach that no NAT rule translates.
pub(super) struct Bystanders {
    /// Where somebody is, or can be at any time: all networks inside, but for the firewall's own addresses.
    networks: Set<Address>,
    /// Where somebody is.
    interfaces: Set<Address>,
}

impl Bystanders {
    pub(super) fn of(inventory: &Inventory, config: &Config) -> Self {
        let exposures = Exposures::of(inventory, config);
        let (own, others): (Vec<_>, Vec<_>) =
            inventory.interfaces.iter().partition(|(id, interface)| exposures.is_firewall(id, interface));
        let addresses = |of: Vec<(_, &crate::inventory::Interface)>| -> Set<_> {
            of.into_iter().flat_map(|(_, interface)| interface.addresses.iter().copied()).collect()
        };
        let (own, others) = (addresses(own), addresses(others));
        let vpcs = inventory.vpcs.values().flat_map(|vpc| vpc.cidrs.ranges());
        let networks: Set<_> = vpcs.chain(config.internal.ranges()).chain(others.ranges()).copied().collect();
        Self { networks: networks.minus(&own), interfaces: others.minus(&own) }
    }

    /// Whether nobody but the instance can be at these addresses.
    pub(super) fn are_away_from(&self, originals: AddressRange, instance: AddressRange) -> bool {
        instance.contains(originals)
            || !self.networks.meets(originals)
            || originals.is_single() && !self.interfaces.meets(originals)
    }
}
