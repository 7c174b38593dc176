//! Internet gateways.

use super::{dependent, done, find, find_mut, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Associated, Cloud, InternetGateway, InternetGatewayId, VpcId, answer::Refusal, parameters::Parameters,
        shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let tags = tags_for(parameters, "internet-gateway")?;
    let gateway = InternetGateway { id: cloud.resource_ids.id(), vpc: None, tags };
    let answer = gateway.shape(&cloud.account);
    cloud.resources.internet_gateways.insert(gateway.id.clone(), gateway);
    Ok(Record::new().with("internetGateway", answer))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InternetGatewayId = parameters.required_id("InternetGatewayId")?;
    if find(&cloud.resources.internet_gateways, &id)?.vpc.is_some() {
        return Err(dependent("internetGateway", &id));
    }
    cloud.resources.internet_gateways.remove(&id);
    for table in cloud.resources.route_tables.values_mut() {
        table.associations.retain(|association| association.with != Associated::Gateway(id.clone()));
    }
    Ok(done())
}

pub(super) fn attach(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let id: InternetGatewayId = parameters.required_id("InternetGatewayId")?;
    if let Some(vpc) = &find(&cloud.resources.internet_gateways, &id)?.vpc {
        let message = format!("resource {id} is already attached to network {vpc}");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    if cloud.resources.internet_gateways.values().any(|gateway| gateway.vpc.as_ref() == Some(&vpc)) {
        let message = format!("Network {vpc} already has an internet gateway attached");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    find_mut(&mut cloud.resources.internet_gateways, &id)?.vpc = Some(vpc);
    Ok(done())
}

pub(super) fn detach(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    let id: InternetGatewayId = parameters.required_id("InternetGatewayId")?;
    if find(&cloud.resources.internet_gateways, &id)?.vpc.as_ref() != Some(&vpc) {
        let message = format!("resource {id} is not attached to network {vpc}");
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    if cloud.has_public_addresses(&vpc) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching \
             the gateway."
        );
        return Err(Refusal::new("DependencyViolation", message));
    }
    find_mut(&mut cloud.resources.internet_gateways, &id)?.vpc = None;
    Ok(done())
}

impl Cloud {
    fn has_public_addresses(&self, vpc: &VpcId) -> bool {
        let all = &self.resources;
        let inside = |subnet| all.subnets.get(subnet).is_some_and(|subnet| subnet.vpc == *vpc);
        let mut interfaces = all.interfaces.values().filter(|interface| inside(&interface.subnet));
        interfaces
            .any(|interface| interface.addresses.iter().any(|address| all.public_of(interface, *address).is_some()))
    }
}
