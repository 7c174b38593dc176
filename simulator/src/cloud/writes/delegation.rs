//! Prefixes that are delegated to interfaces, and IPv6 addresses of EC2's choice.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::vpcs::overlap;
use crate::cloud::{
    Cloud, Subnet,
    answer::Refusal,
    interface::{IPV6_PREFIX_BITS, PREFIX_BITS},
    parameters::Parameters,
};

/// The prefixes that a new interface gets. In a description of an interface each is a structure.
pub(super) fn wanted(cloud: &Cloud, place: &Parameters, subnet: &Subnet) -> Result<Vec<IpNet>, Refusal> {
    let named = |list: &str, member: &str| {
        let texts = place.list(list).map(|node| node.required(member));
        texts.collect::<Result<Vec<_>, _>>()
    };
    let v4 = v4(cloud, subnet, &named("Ipv4Prefix", "Ipv4Prefix")?, place.parsed("Ipv4PrefixCount")?)?;
    let v6 = v6(cloud, subnet, &named("Ipv6Prefix", "Ipv6Prefix")?, place.parsed("Ipv6PrefixCount")?)?;
    Ok(v4.into_iter().map(IpNet::V4).chain(v6.into_iter().map(IpNet::V6)).collect())
}

/// IPv4 prefixes of a subnet: named ones, and as many more.
pub(super) fn v4(cloud: &Cloud, subnet: &Subnet, named: &[&str], count: Option<u8>) -> Result<Vec<Ipv4Net>, Refusal> {
    let mut prefixes: Vec<Ipv4Net> = vec![];
    for text in named {
        let prefix: Ipv4Net = text.parse().map_err(|_| Refusal::value("ipv4Prefix", text))?;
        if prefix.prefix_len() != PREFIX_BITS || !subnet.cidr.contains(&prefix) {
            return Err(Refusal::value("ipv4Prefix", text));
        }
        if !cloud.resources.free_prefixes(subnet).any(|free| free == prefix) {
            return Err(Refusal::new("InvalidIPAddress.InUse", format!("Prefix {prefix} is in use.")));
        }
        prefixes.push(prefix);
    }
    let wanted = usize::from(count.unwrap_or(0));
    let free = cloud.resources.free_prefixes(subnet).filter(|free| !prefixes.contains(free)).take(wanted);
    let free: Vec<_> = free.collect();
    if free.len() < wanted {
        let message = format!("Not enough free prefixes in subnet '{}'.", subnet.id);
        return Err(Refusal::new("InsufficientCidrBlocks", message));
    }
    prefixes.extend(free);
    Ok(prefixes)
}

/// IPv6 prefixes of a subnet: named ones, and as many more.
pub(super) fn v6(cloud: &Cloud, subnet: &Subnet, named: &[&str], count: Option<u8>) -> Result<Vec<Ipv6Net>, Refusal> {
    let mut prefixes: Vec<Ipv6Net> = vec![];
    for text in named {
        let prefix: Ipv6Net = text.parse().map_err(|_| Refusal::value("ipv6Prefix", text))?;
        let inside = subnet.ipv6_cidrs.iter().any(|cidr| cidr.contains(&prefix));
        if prefix.prefix_len() != IPV6_PREFIX_BITS || !inside {
            return Err(Refusal::value("ipv6Prefix", text));
        }
        if cloud.is_delegated(&IpNet::V6(prefix)) || prefixes.contains(&prefix) {
            return Err(Refusal::new("InvalidIPAddress.InUse", format!("Prefix {prefix} is in use.")));
        }
        prefixes.push(prefix);
    }
    let wanted = usize::from(count.unwrap_or(0));
    if wanted == 0 {
        return Ok(prefixes);
    }
    let of_subnet = subnet.ipv6_cidrs.first().ok_or_else(|| no_ipv6(subnet))?;
    // The first block is where single addresses come from.
    let blocks = of_subnet.subnets(IPV6_PREFIX_BITS).into_iter().flatten().skip(1);
    let free: Vec<_> = blocks
        .filter(|block| !cloud.is_delegated(&IpNet::V6(*block)) && !prefixes.contains(block))
        .take(wanted)
        .collect();
    prefixes.extend(free);
    Ok(prefixes)
}

fn no_ipv6(subnet: &Subnet) -> Refusal {
    Refusal::new("InvalidParameterValue", format!("The subnet '{}' has no IPv6 CIDR block.", subnet.id))
}

impl Cloud {
    fn is_delegated(&self, prefix: &IpNet) -> bool {
        let mut all = self.resources.interfaces.values().flat_map(|interface| &interface.prefixes);
        all.any(|known| overlap(known, prefix))
    }

    /// Whether an interface in this subnet may have this address.
    pub(super) fn check_ipv6(&self, subnet: &Subnet, address: Ipv6Addr) -> Result<(), Refusal> {
        if !subnet.ipv6_cidrs.iter().any(|cidr| cidr.contains(&address)) {
            return Err(Refusal::value("ipv6Addresses", &format!("{address} is outside of subnet {}", subnet.id)));
        }
        if self.resources.interfaces.values().any(|interface| interface.ipv6_addresses.contains(&address)) {
            return Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
        }
        Ok(())
    }

    /// IPv6 addresses of a subnet that nobody has.
    pub(super) fn free_ipv6(&self, subnet: &Subnet, count: usize) -> Result<Vec<Ipv6Addr>, Refusal> {
        if count == 0 {
            return Ok(vec![]);
        }
        let cidr = subnet.ipv6_cidrs.first().ok_or_else(|| no_ipv6(subnet))?;
        let taken = |address: &Ipv6Addr| {
            self.resources.interfaces.values().any(|interface| interface.ipv6_addresses.contains(address))
        };
        // The first few are EC2's own, as with IPv4.
        Ok(cidr.hosts().skip(4).filter(|address| !taken(address)).take(count).collect())
    }
}
