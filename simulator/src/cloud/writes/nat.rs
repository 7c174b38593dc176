//! NAT gateways.

use super::{find, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        AddressAssociation, AllocationId, Cloud, Holder, Interface, NatGateway, NatGatewayId, NatReach, Subnet,
        SubnetId,
        answer::Refusal,
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

/// It is available at once; the answer says that it is coming.
pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let subnet: SubnetId = parameters.required_id("SubnetId")?;
    let subnet = find(&cloud.resources.subnets, &subnet)?.clone();
    let reach = reach(cloud, parameters)?;
    let address = match parameters.parsed("PrivateIpAddress")? {
        Some(address) => cloud.check_address(&subnet, address).map(|()| address)?,
        None => cloud.free_addresses(&subnet, 1)?.remove(0),
    };
    if reach != NatReach::Private
        && !cloud.resources.internet_gateways.values().any(|it| it.vpc == Some(subnet.vpc.clone()))
    {
        let message = format!("Network {} has no Internet gateway attached", subnet.vpc);
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    let tags = tags_for(parameters, "natgateway")?;
    let id: NatGatewayId = cloud.resource_ids.id();
    let interface = cloud.service_interface(&subnet, address, &format!("Interface for NAT Gateway {id}"), now);
    let interface_id = interface.id.clone();
    cloud.resources.interfaces.insert(interface_id.clone(), Interface { kind: "nat_gateway".into(), ..interface });
    if let NatReach::Public(Some(allocation)) = &reach {
        let association =
            AddressAssociation { id: cloud.resource_ids.id(), interface: interface_id.clone(), private: address };
        if let Some(address) = cloud.resources.addresses.get_mut(allocation) {
            address.association = Some(association);
        }
    }
    let (interface, vpc, subnet) = (Some(interface_id), subnet.vpc, subnet.id);
    let gateway = NatGateway { id: id.clone(), subnet, vpc, interface, reach, created: now, deleted: None, tags };
    let answer = coming(gateway.shape(&cloud.resources), &gateway.reach);
    cloud.resources.nat_gateways.insert(id, gateway);
    let token = parameters.text("ClientToken").unwrap_or_default();
    Ok(Record::new().with("clientToken", token).with("natGateway", answer))
}

/// How a gateway looks in the answer to its creation: of a public one, the address is told and nothing else is known.
fn coming(shape: Record, reach: &NatReach) -> Record {
    let shape = shape.instead("state", "pending");
    match reach {
        NatReach::Public(Some(allocation)) => {
            let address =
                Record::new().with("allocationId", allocation).with("isPrimary", true).with("status", "associating");
            shape.instead("natGatewayAddressSet", Shape::List(vec![Shape::Record(address)]))
        }
        NatReach::Public(None) | NatReach::Private => shape,
    }
}

fn reach(cloud: &Cloud, parameters: &Parameters) -> Result<NatReach, Refusal> {
    let allocation: Option<AllocationId> = parameters.id("AllocationId")?;
    match parameters.text("ConnectivityType").unwrap_or("public") {
        "private" if allocation.is_some() => {
            Err(Refusal::combination("An Elastic IP address cannot be used with a private NAT gateway."))
        }
        "private" => Ok(NatReach::Private),
        "public" => {
            let id = allocation.ok_or_else(|| Refusal::missing("AllocationId"))?;
            if find(&cloud.resources.addresses, &id)?.association.is_some() {
                let message = format!("Elastic IP address [{id}] is already associated");
                return Err(Refusal::new("Resource.AlreadyAssociated", message));
            }
            Ok(NatReach::Public(Some(id)))
        }
        other => Err(Refusal::value("ConnectivityType", other)),
    }
}

/// It is shown for as long as this world lasts, as one that is gone.
pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let id: NatGatewayId = parameters.required_id("NatGatewayId")?;
    let unknown = || Refusal::new("NatGatewayNotFound", format!("NAT gateway {id} was not found"));
    let gateway = cloud.resources.nat_gateways.get_mut(&id).filter(|gateway| gateway.is_alive()).ok_or_else(unknown)?;
    gateway.deleted = Some(now);
    let interface = gateway.interface.take();
    for address in cloud.resources.addresses.values_mut() {
        if address.association.as_ref().map(|used| &used.interface) == interface.as_ref() {
            address.association = None;
        }
    }
    if let Some(interface) = interface {
        cloud.resources.interfaces.remove(&interface);
    }
    Ok(Record::new().with("natGatewayId", &id))
}

impl Cloud {
    /// An interface that a service of AWS has made for itself.
    pub(super) fn service_interface(
        &mut self,
        subnet: &Subnet,
        address: std::net::Ipv4Addr,
        description: &str,
        now: Moment,
    ) -> Interface {
        let mut interface = Interface::new(self.resource_ids.id(), subnet.id.clone(), address, vec![]);
        interface.description = description.to_owned();
        interface.requester = Some("amazon-aws".into());
        interface.attachment = Some(self.attachment(Holder::Service("amazon-aws".into()), 1, now));
        interface
    }
}
