//! Network interfaces: their groups, addresses and attachments.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{done, find, find_mut};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, GroupId, Holder, InstanceId, InstanceState, Interface, InterfaceId, Subnet, SubnetId,
        answer::Refusal,
        ids::AttachmentId,
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

/// ModifyNetworkInterfaceAttribute: the groups, or the check of source and destination.
pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    find(&cloud.resources.interfaces, &id)?;
    change(cloud, &id, parameters, "SecurityGroupId")
}

/// ModifyInstanceAttribute: the same for the primary interface of an instance.
pub(super) fn modify_by_instance(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let instance: InstanceId = parameters.required_id("InstanceId")?;
    find(&cloud.resources.instances, &instance)?;
    match cloud.resources.interfaces_of(&instance).first().map(|interface| interface.id.clone()) {
        Some(primary) => change(cloud, &primary, parameters, "GroupId"),
        None => Err(Refusal::new("IncorrectInstanceState", format!("The instance '{instance}' has no interface"))),
    }
}

fn change(cloud: &mut Cloud, id: &InterfaceId, parameters: &Parameters, list: &str) -> Result<Record, Refusal> {
    let groups = parameters.ids::<GroupId>(list)?;
    for group in &groups {
        find(&cloud.resources.groups, group)?;
    }
    let check = parameters.member("SourceDestCheck").map(|check| check.parsed("Value")).transpose()?.flatten();
    let interface = find_mut(&mut cloud.resources.interfaces, id)?;
    if !groups.is_empty() {
        interface.groups = groups;
    }
    interface.source_dest_check = check.unwrap_or(interface.source_dest_check);
    Ok(done())
}

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let subnet: SubnetId = parameters.required_id("SubnetId")?;
    let subnet = find(&cloud.resources.subnets, &subnet)?.clone();
    let groups = parameters.ids::<GroupId>("SecurityGroupId")?;
    for group in &groups {
        find(&cloud.resources.groups, group)?;
    }
    let address = match parameters.parsed("PrivateIpAddress")? {
        Some(address) => {
            cloud.check_address(&subnet, address)?;
            address
        }
        None => cloud.free_addresses(&subnet, 1)?.remove(0),
    };
    let mut interface = Interface::new(cloud.resource_ids.id(), subnet.id, address, groups);
    interface.description = parameters.text("Description").unwrap_or_default().to_owned();
    let answer = interface.shape(&cloud.resources, &cloud.account, &cloud.region);
    cloud.resources.interfaces.insert(interface.id.clone(), interface);
    Ok(Record::new().with("networkInterface", answer))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    if find(&cloud.resources.interfaces, &id)?.attachment.is_some() {
        let message = format!("Network interface '{id}' is currently in use.");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    cloud.resources.interfaces.remove(&id);
    Ok(done())
}

pub(super) fn attach(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let instance: InstanceId = parameters.required_id("InstanceId")?;
    let device_index: u32 = parameters.parsed("DeviceIndex")?.ok_or_else(|| Refusal::missing("DeviceIndex"))?;
    if find(&cloud.resources.interfaces, &id)?.attachment.is_some() {
        let message = format!("Interface '{id}' is already attached.");
        return Err(Refusal::new("InvalidNetworkInterface.InUse", message));
    }
    match find(&cloud.resources.instances, &instance)?.state {
        InstanceState::Running | InstanceState::Stopped => {}
        InstanceState::Pending | InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Terminated => {
            let message = format!("The instance '{instance}' is not 'running' or 'stopped'.");
            return Err(Refusal::new("IncorrectState", message));
        }
    }
    let taken = cloud.resources.interfaces_of(&instance).into_iter().filter_map(|other| other.attachment.as_ref());
    if taken.into_iter().any(|attachment| attachment.device_index == device_index) {
        let message =
            format!("Instance '{instance}' already has an interface attached at device index '{device_index}'.");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    let attachment = cloud.attachment(Holder::Instance(instance), device_index, now);
    let answer = Record::new().with("attachmentId", &attachment.id);
    find_mut(&mut cloud.resources.interfaces, &id)?.attachment = Some(attachment);
    Ok(answer)
}

pub(super) fn detach(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AttachmentId = parameters.required_id("AttachmentId")?;
    let attached = |interface: &&mut Interface| interface.attachment.as_ref().is_some_and(|known| known.id == id);
    let interface = cloud.resources.interfaces.values_mut().find(attached);
    let interface = interface.ok_or_else(|| Refusal::not_found::<AttachmentId>(&id))?;
    if interface.attachment.as_ref().is_some_and(|attachment| attachment.device_index == 0) {
        let message = "The network interface at device index 0 cannot be detached.";
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    interface.attachment = None;
    Ok(done())
}

/// AssignPrivateIpAddresses: named ones or as many as asked for. With `AllowReassignment` they leave their old interface:
/// how addresses move when a firewall fails over.
pub(super) fn assign_addresses(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let subnet = cloud.subnet_of(&id)?;
    let mut addresses = addresses(parameters)?;
    let moving = parameters.flag("AllowReassignment")?;
    for address in &addresses {
        if !moving {
            cloud.check_address(&subnet, *address)?;
        } else if !subnet.cidr.contains(address) {
            return Err(outside(&subnet, *address));
        }
        let primary =
            |interface: &Interface| interface.subnet == subnet.id && interface.addresses.first() == Some(address);
        if cloud.resources.interfaces.values().any(primary) {
            return Err(Refusal::value("privateIpAddress", &format!("{address} is a primary address")));
        }
    }
    if let Some(count) = parameters.parsed::<u8>("SecondaryPrivateIpAddressCount")? {
        addresses.extend(cloud.free_addresses(&subnet, count.into())?);
    }
    for interface in cloud.resources.interfaces.values_mut().filter(|interface| interface.subnet == subnet.id) {
        interface.addresses.retain(|address| !addresses.contains(address));
    }
    find_mut(&mut cloud.resources.interfaces, &id)?.addresses.extend(&addresses);
    let assigned =
        addresses.iter().map(|address| Record::new().with("privateIpAddress", *address).with("primary", false));
    Ok(done()
        .with("networkInterfaceId", &id)
        .with("assignedPrivateIpAddressesSet", Shape::from_iter(assigned))
        .with("assignedIpv4PrefixSet", Shape::List(vec![])))
}

pub(super) fn unassign_addresses(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let addresses = addresses(parameters)?;
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    let secondary = interface.addresses.get(1..).unwrap_or_default();
    if let Some(stranger) = addresses.iter().find(|address| !secondary.contains(address)) {
        return Err(Refusal::value("privateIpAddress", &stranger.to_string()));
    }
    interface.addresses.retain(|address| !addresses.contains(address));
    Ok(done())
}

/// AssignIpv6Addresses: only named ones; addresses chosen by EC2 are not part of this world.
pub(super) fn assign_ipv6(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let subnet = cloud.subnet_of(&id)?;
    let addresses = ipv6_addresses(parameters)?;
    for address in &addresses {
        if !subnet.ipv6_cidrs.iter().any(|cidr| cidr.contains(address)) {
            return Err(Refusal::value("ipv6Addresses", &format!("{address} is outside of subnet {}", subnet.id)));
        }
        if cloud.resources.interfaces.values().any(|interface| interface.ipv6_addresses.contains(address)) {
            return Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
        }
    }
    find_mut(&mut cloud.resources.interfaces, &id)?.ipv6_addresses.extend(&addresses);
    Ok(Record::new().with("networkInterfaceId", &id).with("assignedIpv6Addresses", Shape::from_iter(addresses)))
}

pub(super) fn unassign_ipv6(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let addresses = ipv6_addresses(parameters)?;
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    if let Some(stranger) = addresses.iter().find(|address| !interface.ipv6_addresses.contains(address)) {
        return Err(Refusal::value("ipv6Addresses", &stranger.to_string()));
    }
    interface.ipv6_addresses.retain(|address| !addresses.contains(address));
    Ok(Record::new().with("networkInterfaceId", &id).with("unassignedIpv6Addresses", Shape::from_iter(addresses)))
}

fn ipv6_addresses(parameters: &Parameters) -> Result<Vec<Ipv6Addr>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::value("ipv6Addresses", text));
    let addresses: Vec<_> = parameters.texts("Ipv6Addresses").into_iter().map(parse).collect::<Result<_, _>>()?;
    if addresses.is_empty() { Err(Refusal::missing("Ipv6Addresses")) } else { Ok(addresses) }
}

fn addresses(parameters: &Parameters) -> Result<Vec<Ipv4Addr>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::value("privateIpAddress", text));
    parameters.texts("PrivateIpAddress").into_iter().map(parse).collect()
}

impl Cloud {
    fn subnet_of(&self, interface: &InterfaceId) -> Result<Subnet, Refusal> {
        find(&self.resources.subnets, &find(&self.resources.interfaces, interface)?.subnet).cloned()
    }

    /// Whether an interface in this subnet may have this address.
    pub(super) fn check_address(&self, subnet: &Subnet, address: Ipv4Addr) -> Result<(), Refusal> {
        if !subnet.cidr.contains(&address) {
            return Err(outside(subnet, address));
        }
        let mut of_subnet = self.resources.interfaces.values().filter(|interface| interface.subnet == subnet.id);
        if of_subnet.any(|interface| interface.addresses.contains(&address)) {
            return Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
        }
        Ok(())
    }

    /// Addresses of a subnet that nobody has.
    pub(super) fn free_addresses(&self, subnet: &Subnet, count: usize) -> Result<Vec<Ipv4Addr>, Refusal> {
        let free: Vec<_> = self.resources.free_addresses(subnet).take(count).collect();
        if free.len() < count {
            let message = format!("Not enough free addresses in subnet '{}'.", subnet.id);
            return Err(Refusal::new("InsufficientFreeAddressesInSubnet", message));
        }
        Ok(free)
    }
}

fn outside(subnet: &Subnet, address: Ipv4Addr) -> Refusal {
    Refusal::new("InvalidParameterValue", format!("Address {address} does not fall within the subnet {}.", subnet.cidr))
}
