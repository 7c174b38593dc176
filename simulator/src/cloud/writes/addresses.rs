//! Elastic IP addresses.

use std::net::Ipv4Addr;

use super::{done, find, find_mut, many_interfaces, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Address, AddressAssociation, AddressAssociationId, AllocationId, Cloud, Interface, InterfaceId,
        answer::Refusal, parameters::Parameters, shape::Record,
    },
};

pub(super) fn allocate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let wanted: Option<Ipv4Addr> = parameters.parsed("Address")?;
    if let Some(wanted) = wanted {
        let message = format!("The address '{wanted}' does not belong to you.");
        return Err(Refusal::new("AuthFailure", message));
    }
    let tags = tags_for(parameters, "elastic-ip")?;
    let public = cloud
        .resources
        .free_elastic()
        .ok_or_else(|| Refusal::new("AddressLimitExceeded", "The maximum number of addresses has been reached."))?;
    let address = Address { id: cloud.resource_ids.id(), public, association: None, tags };
    let answer = Record::new()
        .with("publicIp", public)
        .with("allocationId", &address.id)
        .with("publicIpv4Pool", "amazon")
        .with("networkBorderGroup", &cloud.region)
        .with("domain", "vpc");
    cloud.resources.addresses.insert(address.id.clone(), address);
    Ok(answer)
}

pub(super) fn release(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = named(cloud, parameters)?;
    let address = find(&cloud.resources.addresses, &id)?;
    if address.association.is_some() {
        return Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {} is in use.", address.public)));
    }
    cloud.resources.addresses.remove(&id);
    Ok(done())
}

/// The address that a call is about: by its allocation, or by itself.
fn named(cloud: &Cloud, parameters: &Parameters) -> Result<AllocationId, Refusal> {
    if let Some(id) = parameters.id::<AllocationId>("AllocationId")? {
        return find(&cloud.resources.addresses, &id).map(|_| id);
    }
    let public: Ipv4Addr = parameters.parsed("PublicIp")?.ok_or_else(|| Refusal::missing("AllocationId"))?;
    let found = cloud.resources.addresses.values().find(|address| address.public == public);
    let message = || format!("Address '{public}' not found.");
    found.map(|address| address.id.clone()).ok_or_else(|| Refusal::new("InvalidAddress.NotFound", message()))
}

pub(super) fn associate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = named(cloud, parameters)?;
    let interface = target(cloud, parameters)?;
    let wanted: Option<Ipv4Addr> = parameters.parsed("PrivateIpAddress")?;
    let private = wanted.or(interface.addresses.first().copied());
    let private = private.filter(|private| interface.addresses.contains(private)).ok_or_else(|| {
        let message = format!("The private IP address is not assigned to the network interface {}", interface.id);
        Refusal::new("InvalidParameterValue", message)
    })?;
    check_gateway(cloud, &interface)?;
    let moving = parameters.flag("AllowReassociation")?;
    let known = find(&cloud.resources.addresses, &id)?;
    let busy = |used: &AddressAssociation| used.interface == interface.id && used.private == private;
    let other = cloud.resources.addresses.values().find(|address| address.association.as_ref().is_some_and(busy));
    if !moving && (known.association.is_some() || other.is_some_and(|other| other.id != id)) {
        let message = format!("resource {id} is already associated with associate-id {}", interface.id);
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    if let Some(other) = other.map(|other| other.id.clone()) {
        find_mut(&mut cloud.resources.addresses, &other)?.association = None;
    }
    let association: AddressAssociationId = cloud.resource_ids.id();
    let answer = done().with("associationId", &association);
    let used = AddressAssociation { id: association, interface: interface.id, private };
    find_mut(&mut cloud.resources.addresses, &id)?.association = Some(used);
    Ok(answer)
}

/// The interface that gets the address: named, or the only one of an instance.
fn target(cloud: &Cloud, parameters: &Parameters) -> Result<Interface, Refusal> {
    if let Some(id) = parameters.id::<InterfaceId>("NetworkInterfaceId")? {
        return find(&cloud.resources.interfaces, &id).cloned();
    }
    let id = parameters.required_id("InstanceId")?;
    find(&cloud.resources.instances, &id)?;
    match cloud.resources.interfaces_of(&id).as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let message = format!("The pending-instance-creation instance to which '{id}' refers is not valid.");
            Err(Refusal::new("IncorrectInstanceState", message))
        }
        _ => Err(many_interfaces(&id)),
    }
}

fn check_gateway(cloud: &Cloud, interface: &Interface) -> Result<(), Refusal> {
    let vpc = find(&cloud.resources.subnets, &interface.subnet).map(|subnet| subnet.vpc.clone())?;
    if cloud.resources.internet_gateways.values().any(|gateway| gateway.vpc.as_ref() == Some(&vpc)) {
        return Ok(());
    }
    let message = format!("Network {vpc} is not attached to any internet gateway");
    Err(Refusal::new("Gateway.NotAttached", message))
}

pub(super) fn disassociate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = match parameters.id::<AddressAssociationId>("AssociationId")? {
        Some(id) => {
            let used = |address: &&Address| address.association.as_ref().is_some_and(|used| used.id == id);
            let found = cloud.resources.addresses.values().find(used).map(|address| address.id.clone());
            found.ok_or_else(|| Refusal::not_found::<AddressAssociationId>(&id))?
        }
        None => named(cloud, parameters)?,
    };
    find_mut(&mut cloud.resources.addresses, &id)?.association = None;
    Ok(done())
}
