//! Egress-only internet gateways.

use super::{find, tags_for};
use crate::{
    clock::Moment,
    cloud::{Cloud, EgressGateway, EgressGatewayId, VpcId, answer::Refusal, parameters::Parameters, shape::Record},
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let tags = tags_for(parameters, "egress-only-internet-gateway")?;
    let gateway = EgressGateway { id: cloud.resource_ids.id(), vpc, tags };
    let answer = gateway.shape();
    cloud.resources.egress_gateways.insert(gateway.id.clone(), gateway);
    Ok(Record::new()
        .with("egressOnlyInternetGateway", answer)
        .with("clientToken", parameters.text("ClientToken").unwrap_or_default()))
}

/// Routes to it stay, as black holes.
pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: EgressGatewayId = parameters.required_id("EgressOnlyInternetGatewayId")?;
    find(&cloud.resources.egress_gateways, &id)?;
    cloud.resources.egress_gateways.remove(&id);
    Ok(Record::new().with("returnCode", true))
}
