//! Security groups that are used in other VPCs than their own.

use super::{Ids, View};
use crate::cloud::{
    Cloud, SecurityGroup, VpcId, answer::Refusal, network::tags, parameters::Parameters, shape::Record,
};

pub(super) static VIEWS: [View; 1] = [View {
    action: "DescribeSecurityGroupVpcAssociations",
    list: ("securityGroupVpcAssociationSet", "SecurityGroupVpcAssociations"),
    id: ("", "groupId"),
    filters: &[
        ("group-id", &["groupId"]),
        ("group-owner-id", &["groupOwnerId"]),
        ("vpc-id", &["vpcId"]),
        ("vpc-owner-id", &["vpcOwnerId"]),
        ("state", &["state"]),
    ],
    page: 5..=1000,
    ids: Ids::Paged,
    rows: |cloud, _| {
        let associations = |group: &SecurityGroup| {
            let (group, owner) = (group.clone(), cloud.account.clone());
            group.shared_with.into_iter().map(move |vpc| {
                Record::new()
                    .with("groupId", &group.id)
                    .with("vpcId", &vpc)
                    .with("vpcOwnerId", &owner)
                    .with("state", "associated")
                    .with("groupOwnerId", &owner)
            })
        };
        cloud.resources.groups.values().flat_map(associations).collect()
    },
    check_id: |_, _| Ok(()),
}];

static OF_VPC: View = View {
    action: "GetSecurityGroupsForVpc",
    list: ("securityGroupForVpcSet", "SecurityGroupForVpcs"),
    id: ("", "groupId"),
    filters: &[
        ("group-id", &["groupId"]),
        ("group-name", &["groupName"]),
        ("description", &["description"]),
        ("owner-id", &["ownerId"]),
        ("primary-vpc-id", &["primaryVpcId"]),
    ],
    page: 5..=1000,
    ids: Ids::Paged,
    rows: |cloud, parameters| {
        let vpc: Option<VpcId> = parameters.id("VpcId").ok().flatten();
        let usable = |group: &&SecurityGroup| vpc.as_ref().is_some_and(|vpc| group.is_usable_in(vpc));
        let groups = cloud.resources.groups.values().filter(usable);
        let shape = |group: &SecurityGroup| {
            Record::new()
                .with("description", &group.description)
                .with("groupName", &group.name)
                .with("ownerId", &cloud.account)
                .with("groupId", &group.id)
                .with("primaryVpcId", &group.vpc)
                .renamed("tagSet", "Tags", tags(&group.tags))
        };
        groups.map(shape).collect()
    },
    check_id: |_, _| Ok(()),
};

/// The groups that interfaces in a VPC can have.
pub(super) fn of_vpc(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    if !cloud.resources.vpcs.contains_key(&vpc) {
        return Err(Refusal::not_found::<VpcId>(vpc));
    }
    cloud.described(&OF_VPC, parameters)
}
