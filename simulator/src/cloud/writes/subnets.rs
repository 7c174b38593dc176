//! Subnets.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{dependent, done, find, find_mut, tags_for, vpcs::overlap};
use crate::{
    clock::Moment,
    cloud::{
        Associated, CidrState, Cloud, Gifts, Subnet, SubnetCidrAssociationId, SubnetId, Vpc, VpcId, Zone,
        answer::Refusal, parameters::Parameters, shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    let known = find(&cloud.resources.vpcs, &vpc)?;
    let cidr: Ipv4Net = parameters.parsed("CidrBlock")?.ok_or_else(|| {
        Refusal::new("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
    })?;
    let cidr = cidr.trunc();
    check(cloud, known, IpNet::V4(cidr))?;
    let ipv6_cidr: Option<Ipv6Net> = parameters.parsed("Ipv6CidrBlock")?;
    if let Some(cidr) = ipv6_cidr {
        check(cloud, known, IpNet::V6(cidr.trunc()))?;
    }
    let zone = parameters.text("AvailabilityZone").or(parameters.text("AvailabilityZoneId"));
    let zone = zone.map_or(Ok(Zone::default()), |zone| Zone::called(zone, &cloud.region))?;
    let tags = tags_for(parameters, "subnet")?;
    let ipv6_cidrs = ipv6_cidr.into_iter().map(|cidr| cidr.trunc()).collect();
    let (id, gives): (SubnetId, _) = (cloud.resource_ids.id(), Gifts::default());
    let subnet = Subnet { id: id.clone(), vpc, cidr, ipv6_cidrs, zone, gives, tags };
    let answer = subnet.shape(&cloud.resources, &cloud.account, &cloud.region);
    cloud.resources.subnets.insert(id, subnet);
    Ok(Record::new().with("subnet", answer))
}

/// A network must be a part of the VPC's, of a size that EC2 allows, and nobody else's.
fn check(cloud: &Cloud, vpc: &Vpc, cidr: IpNet) -> Result<(), Refusal> {
    let sizes = if matches!(cidr, IpNet::V4(_)) { 16..=28 } else { 44..=64 };
    if !sizes.contains(&cidr.prefix_len()) || !vpc.networks().any(|network| network.contains(&cidr)) {
        return Err(Refusal::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    let others = cloud.resources.subnets.values().filter(|subnet| subnet.vpc == vpc.id);
    let mut taken = others.flat_map(|subnet| {
        let ipv6 = subnet.ipv6_cidrs.iter().map(|cidr| IpNet::V6(*cidr));
        ipv6.chain([IpNet::V4(subnet.cidr)]).collect::<Vec<_>>()
    });
    if taken.any(|other| overlap(&other, &cidr)) {
        let message = format!("The CIDR '{cidr}' conflicts with another subnet");
        return Err(Refusal::new("InvalidSubnet.Conflict", message));
    }
    Ok(())
}

/// The subnet's own association with a route table goes with it.
pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: SubnetId = parameters.required_id("SubnetId")?;
    find(&cloud.resources.subnets, &id)?;
    if cloud.resources.interfaces.values().any(|interface| interface.subnet == id) {
        return Err(dependent("subnet", &id));
    }
    cloud.resources.subnets.remove(&id);
    for table in cloud.resources.route_tables.values_mut() {
        table.associations.retain(|association| association.with != Associated::Subnet(id.clone()));
    }
    Ok(done())
}

/// One attribute for each call.
pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: SubnetId = parameters.required_id("SubnetId")?;
    let switch = |name: &str| parameters.member(name).map(|node| node.flag("Value")).transpose();
    let (public_address, ipv6_address) = (switch("MapPublicIpOnLaunch")?, switch("AssignIpv6AddressOnCreation")?);
    let subnet = find_mut(&mut cloud.resources.subnets, &id)?;
    match (public_address, ipv6_address) {
        (None, None) => return Err(Refusal::missing("Attribute")),
        (Some(_), Some(_)) => return Err(Refusal::combination("Only one attribute can be modified at a time")),
        (Some(on), None) => subnet.gives.public_address = on,
        (None, Some(true)) if subnet.ipv6_cidrs.is_empty() => {
            let message = format!("The subnet '{id}' has no IPv6 CIDR block.");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        (None, Some(on)) => subnet.gives.ipv6_address = on,
    }
    Ok(done())
}

pub(super) fn associate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: SubnetId = parameters.required_id("SubnetId")?;
    let subnet = find(&cloud.resources.subnets, &id)?;
    let cidr: Ipv6Net = parameters.parsed("Ipv6CidrBlock")?.ok_or_else(|| Refusal::missing("ipv6CidrBlock"))?;
    let cidr = cidr.trunc();
    check(cloud, find(&cloud.resources.vpcs, &subnet.vpc)?, IpNet::V6(cidr))?;
    let answer = subnet.ipv6_association(cidr, CidrState::Associating);
    find_mut(&mut cloud.resources.subnets, &id)?.ipv6_cidrs.push(cidr);
    Ok(Record::new().with("subnetId", &id).with("ipv6CidrBlockAssociation", answer))
}

pub(super) fn disassociate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: SubnetCidrAssociationId = parameters.required_id("AssociationId")?;
    let with = |subnet: &Subnet| subnet.ipv6_cidrs.iter().copied().find(|cidr| subnet.association(*cidr) == id);
    let found = cloud.resources.subnets.values().find_map(|subnet| Some((subnet.id.clone(), with(subnet)?)));
    let (subnet, cidr) = found.ok_or_else(|| Refusal::not_found::<SubnetCidrAssociationId>(&id))?;
    let mut of_subnet = cloud.resources.interfaces.values().filter(|interface| interface.subnet == subnet);
    if of_subnet.any(|interface| interface.ipv6_addresses.iter().any(|address| cidr.contains(address))) {
        return Err(dependent("subnet CIDR block", &id));
    }
    let known = find_mut(&mut cloud.resources.subnets, &subnet)?;
    let answer = known.ipv6_association(cidr, CidrState::Disassociating);
    known.ipv6_cidrs.retain(|other| *other != cidr);
    Ok(Record::new().with("subnetId", &subnet).with("ipv6CidrBlockAssociation", answer))
}
