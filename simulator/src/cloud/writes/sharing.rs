//! Using a security group in other VPCs than its own (EC2 user guide, "Associate security groups with multiple VPCs").

use super::{find, groups::DEFAULT};
use crate::{
    clock::Moment,
    cloud::{Cloud, GroupId, VpcId, answer::Refusal, parameters::Parameters, shape::Record},
};

/// It can be used at once; the answer says that it is coming.
pub(super) fn associate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (group, vpc) = named(cloud, parameters)?;
    if let Some(group) = cloud.resources.groups.get_mut(&group) {
        group.shared_with.insert(vpc);
    }
    Ok(Record::new().with("state", "associating"))
}

/// Not while something in the VPC has the group.
pub(super) fn disassociate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (id, vpc) = named(cloud, parameters)?;
    let is_there = |subnet| find(&cloud.resources.subnets, subnet).is_ok_and(|subnet| subnet.vpc == vpc);
    let mut holders = cloud.resources.interfaces.values().filter(|interface| interface.groups.contains(&id));
    if holders.any(|interface| is_there(&interface.subnet)) {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    let group = cloud.resources.groups.get_mut(&id);
    if !group.is_some_and(|group| group.shared_with.remove(&vpc)) {
        let message = format!("The security group '{id}' is not associated with VPC '{vpc}'");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok(Record::new().with("state", "disassociating"))
}

/// The group and the VPC of a call: another VPC than the group's own, and not the group that every VPC has.
fn named(cloud: &Cloud, parameters: &Parameters) -> Result<(GroupId, VpcId), Refusal> {
    let (id, vpc): (GroupId, VpcId) = (parameters.required_id("GroupId")?, parameters.required_id("VpcId")?);
    let group = find(&cloud.resources.groups, &id)?;
    find(&cloud.resources.vpcs, &vpc)?;
    let is_default = group.name == "default" && group.description == DEFAULT;
    if group.vpc == vpc || is_default {
        let message = format!("The security group '{id}' cannot be associated with VPC '{vpc}'");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok((id, vpc))
}
