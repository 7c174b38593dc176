//! Network interfaces and their attachments.

use std::net::{IpAddr, Ipv4Addr};

use super::{done, find, find_mut, plan::Plan, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Holder, InstanceId, InstanceState, Interface, InterfaceId, Subnet, answer::Refusal, ids::AttachmentId,
        parameters::Parameters, shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let plan = Plan::checked(cloud, parameters, "Ipv6Addresses")?;
    let plan = plan.with_tags(tags_for(parameters, "network-interface")?);
    let interface = plan.made(cloud);
    let shape = interface.shape(&cloud.resources, &cloud.account, &cloud.region).instead("status", "pending");
    let answer = Record::new().with("networkInterface", shape);
    cloud.resources.interfaces.insert(interface.id.clone(), interface);
    Ok(match parameters.text("ClientToken") {
        Some(token) => answer.with("clientToken", token),
        None => answer,
    })
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    if find(&cloud.resources.interfaces, &id)?.attachment.is_some() {
        let message = format!("Network interface '{id}' is currently in use.");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    cloud.resources.interfaces.remove(&id);
    cloud.forget_public(&id);
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
    let answer = Record::new().with("attachmentId", &attachment.id).with("networkCardIndex", 0);
    find_mut(&mut cloud.resources.interfaces, &id)?.attachment = Some(attachment);
    Ok(answer)
}

pub(super) fn detach(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AttachmentId = parameters.required_id("AttachmentId")?;
    let attached = |interface: &&mut Interface| interface.attachment.as_ref().is_some_and(|known| known.id == id);
    let interface = cloud.resources.interfaces.values_mut().find(attached);
    let interface = interface.ok_or_else(|| Refusal::not_found::<AttachmentId>(&id))?;
    if interface.instance().is_none() {
        let message = format!("You are not allowed to manage '{id}' attachments.");
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    if interface.attachment.as_ref().is_some_and(|attachment| attachment.device_index == 0) {
        let message = "The network interface at device index 0 cannot be detached.";
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    interface.attachment = None;
    Ok(done())
}

impl Cloud {
    pub(super) fn subnet_of(&self, interface: &InterfaceId) -> Result<Subnet, Refusal> {
        find(&self.resources.subnets, &find(&self.resources.interfaces, interface)?.subnet).cloned()
    }

    /// Whether an interface in this subnet may have this address.
    pub(super) fn check_address(&self, subnet: &Subnet, address: Ipv4Addr) -> Result<(), Refusal> {
        if !subnet.cidr.contains(&address) {
            return Err(outside(subnet, address));
        }
        let delegated =
            |interface: &Interface| interface.prefixes.iter().any(|prefix| prefix.contains(&IpAddr::V4(address)));
        let mut of_subnet = self.resources.interfaces.values().filter(|interface| interface.subnet == subnet.id);
        if of_subnet.any(|interface| interface.addresses.contains(&address) || delegated(interface)) {
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

pub(super) fn outside(subnet: &Subnet, address: Ipv4Addr) -> Refusal {
    Refusal::new("InvalidParameterValue", format!("Address {address} does not fall within the subnet {}.", subnet.cidr))
}
