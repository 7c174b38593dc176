//! VPCs and their networks.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{dependent, done, find, find_mut, groups, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Associated, Association, CidrAssociation, CidrAssociationId, CidrState, Cloud, Direction, Peer, Permission,
        Traffic, Vpc, VpcAttributes, VpcId, answer::Refusal, ids::fingerprint, parameters::Parameters, shape::Record,
    },
};

/// With a VPC come its main route table and its default group.
pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let cidr: Ipv4Net = parameters.parsed("CidrBlock")?.ok_or_else(|| {
        Refusal::new("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
    })?;
    check_size(cidr)?;
    let tags = tags_for(parameters, "vpc")?;
    let wants_ipv6 = parameters.flag("AmazonProvidedIpv6CidrBlock")?;
    let id: VpcId = cloud.resource_ids.id();
    let (state, attributes) = (CidrState::Associated, VpcAttributes::default());
    let cidrs = vec![CidrAssociation { id: cloud.resource_ids.id(), cidr: cidr.trunc(), state }];
    let mut ipv6_cidrs = vec![];
    if wants_ipv6 {
        let cidr = cloud.provided_ipv6(&id);
        ipv6_cidrs.push(CidrAssociation { id: cloud.resource_ids.id(), cidr, state: CidrState::Associated });
    }
    let vpc = Vpc { id: id.clone(), cidrs, ipv6_cidrs, is_default: false, attributes, tags };
    let answer = vpc.shape(&cloud.account, &cloud.region).instead("state", "pending");
    cloud.resources.vpcs.insert(id.clone(), vpc);
    furnish(cloud, &id);
    Ok(Record::new().with("vpc", answer))
}

fn furnish(cloud: &mut Cloud, id: &VpcId) {
    let mut table = cloud.new_table(id.clone(), Default::default());
    table.associations.push(Association { id: cloud.resource_ids.id(), with: Associated::Main });
    cloud.resources.route_tables.insert(table.id.clone(), table);
    let group = cloud.new_group(id.clone(), "default".into(), groups::DEFAULT.into(), Default::default());
    let peers = vec![(Peer::Group(group.clone()), None)];
    let rules = cloud.new_rules(Direction::Ingress, vec![Permission { traffic: Traffic::ALL, peers }]);
    if let Some(group) = cloud.resources.groups.get_mut(&group) {
        group.rules.extend(rules);
    }
}

/// A VPC goes with its main table and its default group, and with nothing else.
pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &id)?;
    let all = &cloud.resources;
    let in_use = all.subnets.values().any(|subnet| subnet.vpc == id)
        || all.internet_gateways.values().any(|gateway| gateway.vpc.as_ref() == Some(&id))
        || all.egress_gateways.values().any(|gateway| gateway.vpc == id)
        || all.endpoints.values().any(|endpoint| endpoint.vpc == id)
        || all.transit_attachments.values().any(|attachment| attachment.vpc == id)
        || all.groups.values().any(|group| group.vpc == id && group.name != "default")
        || all.route_tables.values().any(|table| table.vpc == id && !is_main(&table.associations));
    if in_use {
        return Err(dependent("vpc", &id));
    }
    let all = &mut cloud.resources;
    all.route_tables.retain(|_, table| table.vpc != id);
    all.groups.retain(|_, group| group.vpc != id);
    for group in all.groups.values_mut() {
        group.shared_with.remove(&id);
    }
    all.peerings.retain(|_, peering| ![&peering.requester, &peering.accepter].contains(&&id));
    all.vpcs.remove(&id);
    Ok(done())
}

fn is_main(associations: &[Association]) -> bool {
    associations.iter().any(|association| association.with == Associated::Main)
}

/// One attribute for each call.
pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: VpcId = parameters.required_id("VpcId")?;
    let switch = |name: &str| parameters.member(name).map(|node| node.flag("Value")).transpose();
    let support = switch("EnableDnsSupport")?;
    let hostnames = switch("EnableDnsHostnames")?;
    let metrics = switch("EnableNetworkAddressUsageMetrics")?;
    let vpc = find_mut(&mut cloud.resources.vpcs, &id)?;
    match [support, hostnames, metrics].iter().flatten().count() {
        0 => return Err(Refusal::missing("Attribute")),
        1 => {}
        _ => return Err(Refusal::combination("Only one attribute can be modified at a time")),
    }
    let VpcAttributes { dns_support, dns_hostnames, usage_metrics } = &mut vpc.attributes;
    *dns_support = support.unwrap_or(*dns_support);
    *dns_hostnames = hostnames.unwrap_or(*dns_hostnames);
    *usage_metrics = metrics.unwrap_or(*usage_metrics);
    Ok(done())
}

pub(super) fn associate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &id)?;
    let cidr = added_network(cloud, &id, parameters)?.trunc();
    if find(&cloud.resources.vpcs, &id)?.networks().any(|known| overlap(&known, &cidr)) {
        let message = format!("The CIDR '{cidr}' conflicts with another CIDR block of the VPC '{id}'");
        return Err(Refusal::new("CidrConflict", message));
    }
    let association_id: CidrAssociationId = cloud.resource_ids.id();
    let region = cloud.region.clone();
    let vpc = find_mut(&mut cloud.resources.vpcs, &id)?;
    // The answer says what was begun, the next look what has become of it.
    let answer = CidrAssociation { id: association_id.clone(), cidr, state: CidrState::Associating }.shape(&region);
    let (id, state) = (association_id, CidrState::Associated);
    let member = match cidr {
        IpNet::V4(cidr) => {
            vpc.cidrs.push(CidrAssociation { id, cidr, state });
            "cidrBlockAssociation"
        }
        IpNet::V6(cidr) => {
            vpc.ipv6_cidrs.push(CidrAssociation { id, cidr, state });
            "ipv6CidrBlockAssociation"
        }
    };
    Ok(Record::new().with("vpcId", &vpc.id).with(member, answer))
}

/// The network that a caller names, or asks Amazon for.
fn added_network(cloud: &Cloud, vpc: &VpcId, parameters: &Parameters) -> Result<IpNet, Refusal> {
    let v4: Option<Ipv4Net> = parameters.parsed("CidrBlock")?;
    let v6: Option<Ipv6Net> = parameters.parsed("Ipv6CidrBlock")?;
    let provided = parameters.flag("AmazonProvidedIpv6CidrBlock")?;
    match (v4, v6, provided) {
        (Some(cidr), None, false) => check_size(cidr).map(|()| IpNet::V4(cidr)),
        (None, Some(cidr), false) => Ok(IpNet::V6(cidr)),
        (None, None, true) => Ok(IpNet::V6(cloud.provided_ipv6(vpc))),
        (None, None, false) => Err(Refusal::missing("CidrBlock")),
        _ => Err(Refusal::combination("Only one of CidrBlock and Ipv6CidrBlock can be given.")),
    }
}

pub(super) fn disassociate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: CidrAssociationId = parameters.required_id("AssociationId")?;
    let region = cloud.region.clone();
    for vpc in cloud.resources.vpcs.values_mut() {
        let member = if let Some(place) = vpc.cidrs.iter().position(|known| known.id == id) {
            if place == 0 {
                let message = format!(
                    "The vpc CIDR block with association ID {id} may not be disassociated. It is the primary IPv4 CIDR \
                     block of the VPC"
                );
                return Err(Refusal::new("OperationNotPermitted", message));
            }
            let gone = CidrAssociation { state: CidrState::Disassociating, ..vpc.cidrs.remove(place) };
            Some(("cidrBlockAssociation", gone.shape(&region)))
        } else if let Some(place) = vpc.ipv6_cidrs.iter().position(|known| known.id == id) {
            let gone = CidrAssociation { state: CidrState::Disassociating, ..vpc.ipv6_cidrs.remove(place) };
            Some(("ipv6CidrBlockAssociation", gone.shape(&region)))
        } else {
            None
        };
        if let Some((member, shape)) = member {
            return Ok(Record::new().with("vpcId", &vpc.id).with(member, shape));
        }
    }
    Err(Refusal::not_found::<CidrAssociationId>(&id))
}

fn check_size(cidr: Ipv4Net) -> Result<(), Refusal> {
    if (16..=28).contains(&cidr.prefix_len()) {
        return Ok(());
    }
    Err(Refusal::new("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")))
}

/// Whether two networks have an address in common.
pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

impl Cloud {
    /// An IPv6 network of Amazon's choice, from those that are set aside for documentation (RFC 3849). The VPC may have
    /// some already.
    fn provided_ipv6(&self, vpc: &VpcId) -> Ipv6Net {
        let taken: Vec<_> =
            self.resources.vpcs.values().flat_map(|vpc| &vpc.ipv6_cidrs).map(|cidr| cidr.cidr).collect();
        let mut tries = (0_u32..).map(|n| {
            let [.., a, b, c] = fingerprint(format!("{vpc} {n}").as_bytes()).to_be_bytes();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, 0]));
            let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 0);
            Ipv6Net::new_assert(address, 56)
        });
        let free = tries.find(|cidr| !taken.contains(cidr));
        free.expect("fewer VPCs than networks")
    }
}
