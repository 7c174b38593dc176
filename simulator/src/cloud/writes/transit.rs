//! Transit gateways and the VPCs at them.

use super::{find, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, SubnetId, TransitAttachment, TransitAttachmentId, TransitGateway, TransitGatewayId, VpcId,
        answer::Refusal, parameters::Parameters, shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let tags = tags_for(parameters, "transit-gateway")?;
    let description = parameters.text("Description").unwrap_or_default().to_owned();
    let gateway = TransitGateway { id: cloud.resource_ids.id(), description, created: now, tags };
    let answer = gateway.shape(&cloud.account, &cloud.region).instead("state", "pending");
    cloud.resources.transit_gateways.insert(gateway.id.clone(), gateway);
    Ok(Record::new().with("transitGateway", answer))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: TransitGatewayId = parameters.required_id("TransitGatewayId")?;
    let answer = find(&cloud.resources.transit_gateways, &id)?.shape(&cloud.account, &cloud.region);
    if cloud.resources.transit_attachments.values().any(|attachment| attachment.gateway == id) {
        let message = format!("{id} has non-deleted VPC Attachments.");
        return Err(Refusal::new("IncorrectState", message));
    }
    cloud.resources.transit_gateways.remove(&id);
    Ok(Record::new().with("transitGateway", answer.instead("state", "deleting")))
}

pub(super) fn attach(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let gateway: TransitGatewayId = parameters.required_id("TransitGatewayId")?;
    find(&cloud.resources.transit_gateways, &gateway)?;
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let subnets: Vec<SubnetId> = parameters.ids("SubnetIds")?;
    if subnets.is_empty() {
        return Err(Refusal::missing("SubnetIds"));
    }
    for id in &subnets {
        if find(&cloud.resources.subnets, id)?.vpc != vpc {
            return Err(Refusal::not_found::<SubnetId>(id));
        }
    }
    let known = |other: &TransitAttachment| other.gateway == gateway && other.vpc == vpc;
    if cloud.resources.transit_attachments.values().any(known) {
        let message = format!("{gateway} has a non-deleted attachment to {vpc} already.");
        return Err(Refusal::new("DuplicateTransitGatewayAttachment", message));
    }
    let tags = tags_for(parameters, "transit-gateway-attachment")?;
    let attachment = TransitAttachment { id: cloud.resource_ids.id(), gateway, vpc, subnets, created: now, tags };
    let answer = attachment.shape(&cloud.account).instead("state", "pending");
    cloud.resources.transit_attachments.insert(attachment.id.clone(), attachment);
    Ok(Record::new().with("transitGatewayVpcAttachment", answer))
}

pub(super) fn detach(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: TransitAttachmentId = parameters.required_id("TransitGatewayAttachmentId")?;
    let attachment = find(&cloud.resources.transit_attachments, &id)?;
    let answer = attachment.shape(&cloud.account).instead("state", "deleting");
    cloud.resources.transit_attachments.remove(&id);
    Ok(Record::new().with("transitGatewayVpcAttachment", answer))
}
