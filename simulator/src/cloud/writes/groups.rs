//! Security groups themselves.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{done, find, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Direction, Peer, Permission, SecurityGroup, Tags, Traffic, VpcId, answer::Refusal, ids::GroupId,
        parameters::Parameters, shape::Record,
    },
};

/// A new group allows everything out, without any call that says so.
pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc = match parameters.id("VpcId")? {
        Some(vpc) => vpc,
        None => cloud.default_vpc()?,
    };
    find(&cloud.resources.vpcs, &vpc)?;
    let name = parameters.required("GroupName")?.to_owned();
    let description = parameters.required("GroupDescription")?.to_owned();
    check_name(&name)?;
    if cloud.resources.groups.values().any(|group| group.vpc == vpc && group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let tags = tags_for(parameters, "security-group")?;
    let id = cloud.new_group(vpc, name, description, tags.clone());
    let arn = format!("arn:aws:ec2:{}:{}:security-group/{id}", cloud.region, cloud.account);
    let answer = done().with("groupId", &id).with("securityGroupArn", arn);
    Ok(if tags.is_empty() { answer } else { answer.renamed("tagSet", "Tags", crate::cloud::network::tags(&tags)) })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name == "default" {
        return Err(Refusal::new("InvalidParameterValue", "Cannot use reserved security group name: default"));
    }
    if name.starts_with("sg-") {
        let message =
            format!("Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok(())
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = cloud.group_named(parameters)?;
    let group = find(&cloud.resources.groups, &id)?;
    if group.name == "default" && group.description == DEFAULT {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Refusal::new("CannotDelete", message));
    }
    let on_interface = cloud.resources.interfaces.values().any(|interface| interface.groups.contains(&id));
    let mut others = cloud.resources.groups.values().filter(|group| group.id != id);
    let named = others.any(|group| group.rules.iter().any(|rule| rule.peer == Peer::Group(id.clone())));
    if on_interface || named {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    cloud.resources.groups.remove(&id);
    Ok(done().with("groupId", &id))
}

/// What the group that EC2 makes with every VPC says of itself.
pub(super) const DEFAULT: &str = "default VPC security group";

impl Cloud {
    /// A group that allows everything out.
    pub(super) fn new_group(&mut self, vpc: VpcId, name: String, description: String, tags: Tags) -> GroupId {
        let ipv6 = self.resources.vpcs.get(&vpc).is_some_and(|vpc| !vpc.ipv6_cidrs.is_empty());
        let mut peers = vec![(Peer::Cidr(IpNet::V4(Default::default())), None)];
        if ipv6 {
            peers.push((Peer::Cidr(IpNet::V6(Default::default())), None));
        }
        let rules = self.new_rules(Direction::Egress, vec![Permission { traffic: Traffic::ALL, peers }]);
        let id: GroupId = self.resource_ids.id();
        let group = SecurityGroup { id: id.clone(), name, description, vpc, shared_with: BTreeSet::new(), rules, tags };
        self.resources.groups.insert(id.clone(), group);
        id
    }

    /// The VPC for callers who name none.
    pub(in crate::cloud) fn default_vpc(&self) -> Result<VpcId, Refusal> {
        let default = self.resources.vpcs.values().find(|vpc| vpc.is_default).map(|vpc| vpc.id.clone());
        default.ok_or_else(|| Refusal::new("VPCIdNotSpecified", "No default VPC for this user."))
    }
}
