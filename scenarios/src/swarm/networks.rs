//! VPCs, subnets and routes: mostly the default world and a subnet that another gateway serves; now and then IPv6, or a
//! second VPC behind the same firewall.

use super::{
    dice::Dice,
    setup::{self, Size},
};

/// A second VPC, which a transit gateway leads to the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecondVpc {
    /// With addresses of its own.
    Apart,
    /// With the addresses of the first: a firewall cannot tell them apart.
    SameAddresses,
}

impl SecondVpc {
    /// Most worlds do without.
    pub(super) fn drawn(dice: &mut Dice) -> Option<Self> {
        match dice.below(16) {
            0 => Some(Self::Apart),
            1 => Some(Self::SameAddresses),
            _ => None,
        }
    }

    /// What the addresses of a network of its begin with.
    const fn network(self) -> &'static str {
        match self {
            Self::Apart => "10.1",
            Self::SameAddresses => "10.0",
        }
    }
}

/// The networks of a world.
pub(super) fn networks(size: Size) -> Vec<String> {
    let mut lines = if size.is_plain() { Vec::new() } else { first(size) };
    let of_first = size.of_first_vpc();
    lines.push(format!("subnet subnet-2 10.0.2.0/24{of_first}"));
    lines.push(format!("route-table rtb-2{of_first} for subnet-2"));
    lines.push("route rtb-2 0.0.0.0/0 -> igw-1".to_owned());
    if let Some(second) = size.second_vpc {
        let network = second.network();
        lines.push(format!("vpc vpc-2 {network}.0.0/16"));
        lines.push(format!("subnet subnet-3 {network}.1.0/24 in vpc-2"));
        lines.push("route-table rtb-3 in vpc-2 main".to_owned());
        lines.push("route rtb-3 0.0.0.0/0 -> tgw-1".to_owned());
    }
    lines
}

/// The default world, with what it lacks.
fn first(size: Size) -> Vec<String> {
    let [block, subnet] = if size.ipv6 { [", 2001:db8:1::/56", ", 2001:db8:1:1::/64"] } else { ["", ""] };
    let mut lines = vec![
        format!("vpc vpc-1 10.0.0.0/16{block}"),
        "subnet subnet-fw 10.0.0.0/24 in vpc-1".to_owned(),
        format!("subnet subnet-1 10.0.1.0/24{subnet} in vpc-1"),
        "route-table rtb-fw in vpc-1 for subnet-fw".to_owned(),
        "route rtb-fw 0.0.0.0/0 -> igw-1".to_owned(),
        "route-table rtb-1 in vpc-1 main".to_owned(),
        "route rtb-1 0.0.0.0/0 -> eni-fw".to_owned(),
        "sg sg-fw in vpc-1".to_owned(),
        "instance i-fw 10.0.0.10 sg-fw in subnet-fw running".to_owned(),
    ];
    if size.ipv6 {
        lines.push("route rtb-1 ::/0 -> eni-fw".to_owned());
    }
    lines
}

/// What the second VPC has in it, if there is one.
pub(super) fn second(dice: &mut Dice, size: Size) -> Vec<String> {
    let Some(second) = size.second_vpc else { return Vec::new() };
    let mut lines = Vec::new();
    for n in size.groups + 1..=size.all_groups() {
        lines.push(format!("sg sg-{n} in vpc-2"));
        lines.push(format!("sg sg-{n} allow {}", setup::permission(dice, size.groups)));
    }
    for n in 1..=dice.between(1, 4) {
        let (id, network) = (size.instances + n, second.network());
        let group = dice.between(size.groups + 1, size.all_groups());
        let state = if dice.one_in(3) { "stopped" } else { "running" };
        lines.push(format!("instance i-{id} {network}.1.{} sg-{group} in subnet-3 {state}", 10 + n));
    }
    lines
}

/// The IPv6 address of an instance.
pub(super) fn ipv6(instance: usize) -> String {
    format!("2001:db8:1:1::{instance:x}")
}

/// The gateways of the settings, where the firewall alone is not enough.
pub(super) fn gateways(size: Size) -> Option<String> {
    size.second_vpc.map(|_| "gateways = [\"i-fw\", \"tgw-1\"]".to_owned())
}
