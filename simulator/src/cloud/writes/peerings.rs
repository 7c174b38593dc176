//! Peering connections between two VPCs of this account.

use super::{done, find, find_mut, tags_for};
use crate::{
    clock::Moment,
    cloud::{Cloud, Peering, PeeringId, PeeringState, VpcId, answer::Refusal, parameters::Parameters, shape::Record},
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let requester: VpcId = parameters.required_id("VpcId")?;
    let accepter: VpcId = parameters.required_id("PeerVpcId")?;
    let one = find(&cloud.resources.vpcs, &requester)?;
    let other = find(&cloud.resources.vpcs, &accepter)?;
    let elsewhere = parameters.text("PeerOwnerId").is_some_and(|owner| owner != cloud.account)
        || parameters.text("PeerRegion").is_some_and(|region| region != cloud.region);
    if elsewhere {
        return Err(Refusal::not_found::<VpcId>(&accepter));
    }
    let overlapping =
        one.cidrs.iter().any(|a| other.cidrs.iter().any(|b| super::vpcs::overlap(&a.cidr.into(), &b.cidr.into())));
    if requester == accepter || overlapping {
        let message = format!("The VPCs '{requester}' and '{accepter}' have overlapping CIDR blocks");
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    let tags = tags_for(parameters, "vpc-peering-connection")?;
    let state = PeeringState::PendingAcceptance;
    let peering = Peering { id: cloud.resource_ids.id(), requester, accepter, state, tags };
    let answer = peering.shape(&cloud.resources, &cloud.account, &cloud.region);
    cloud.resources.peerings.insert(peering.id.clone(), peering);
    Ok(Record::new().with("vpcPeeringConnection", answer))
}

pub(super) fn accept(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = enter(cloud, parameters, PeeringState::Active, &[PeeringState::PendingAcceptance, PeeringState::Active])?;
    let answer = find(&cloud.resources.peerings, &id)?.shape(&cloud.resources, &cloud.account, &cloud.region);
    Ok(Record::new().with("vpcPeeringConnection", answer))
}

pub(super) fn reject(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    enter(cloud, parameters, PeeringState::Rejected, &[PeeringState::PendingAcceptance]).map(|_| done())
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let from = [PeeringState::PendingAcceptance, PeeringState::Active, PeeringState::Rejected];
    enter(cloud, parameters, PeeringState::Deleted, &from).map(|_| done())
}

fn enter(
    cloud: &mut Cloud,
    parameters: &Parameters,
    state: PeeringState,
    from: &[PeeringState],
) -> Result<PeeringId, Refusal> {
    let id: PeeringId = parameters.required_id("VpcPeeringConnectionId")?;
    let peering = find_mut(&mut cloud.resources.peerings, &id)?;
    if !from.contains(&peering.state) {
        let (name, _) = peering.state.words();
        let message =
            format!("The VPC peering connection '{id}' is in the state '{name}', from which this cannot be done.");
        return Err(Refusal::new("InvalidStateTransition", message));
    }
    peering.state = state;
    Ok(id)
}
