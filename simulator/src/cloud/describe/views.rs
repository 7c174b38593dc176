//! What each Describe action lists, filters and pages.

use std::collections::BTreeMap;

use super::{Ids, View};
use crate::cloud::{Cloud, Instance, Interface, RouteTable, answer::Refusal, ids::ResourceId};

pub(super) static VIEWS: [View; 9] = [
    View {
        action: "DescribeInstances",
        list: ("reservationSet", "Reservations"),
        id: ("InstanceId", "instanceId"),
        filters: &[
            ("instance-id", &["instanceId"]),
            ("instance-state-name", &["instanceState", "name"]),
            ("instance-state-code", &["instanceState", "code"]),
            ("vpc-id", &["vpcId"]),
            ("subnet-id", &["subnetId"]),
            ("private-ip-address", &["privateIpAddress"]),
            ("instance.group-id", &["groupSet", "groupId"]),
            ("network-interface.network-interface-id", &["networkInterfaceSet", "networkInterfaceId"]),
            ("network-interface.subnet-id", &["networkInterfaceSet", "subnetId"]),
            ("network-interface.vpc-id", &["networkInterfaceSet", "vpcId"]),
            ("network-interface.group-id", &["networkInterfaceSet", "groupSet", "groupId"]),
            ("owner-id", &["networkInterfaceSet", "ownerId"]),
            ("operator.managed", &["operator", "managed"]),
        ],
        page: 5..=1000,
        ids: Ids::NeverPaged,
        rows: |cloud| {
            let Cloud { resources, account, region, .. } = cloud;
            let by_instance = resources.interfaces_by_instance();
            let interfaces = |instance: &Instance| by_instance.get(&instance.id).map_or(&[][..], Vec::as_slice);
            let shape = |instance: &Instance| instance.shape(interfaces(instance), resources, account, region);
            resources.instances.values().map(shape).collect()
        },
        check_id: |resources, id| check(&resources.instances, id),
    },
    View {
        action: "DescribeNetworkInterfaces",
        list: ("networkInterfaceSet", "NetworkInterfaces"),
        id: ("NetworkInterfaceId", "networkInterfaceId"),
        filters: &[
            ("network-interface-id", &["networkInterfaceId"]),
            ("vpc-id", &["vpcId"]),
            ("subnet-id", &["subnetId"]),
            ("group-id", &["groupSet", "groupId"]),
            ("owner-id", &["ownerId"]),
            ("status", &["status"]),
            ("description", &["description"]),
            ("interface-type", &["interfaceType"]),
            ("requester-id", &["requesterId"]),
            ("requester-managed", &["requesterManaged"]),
            ("operator.managed", &["operator", "managed"]),
            ("private-ip-address", &["privateIpAddress"]),
            ("addresses.private-ip-address", &["privateIpAddressesSet", "privateIpAddress"]),
            ("ipv6-addresses.ipv6-address", &["ipv6AddressesSet", "ipv6Address"]),
            ("attachment.instance-id", &["attachment", "instanceId"]),
            ("attachment.attachment-id", &["attachment", "attachmentId"]),
            ("attachment.status", &["attachment", "status"]),
            ("attachment.device-index", &["attachment", "deviceIndex"]),
            ("attachment.instance-owner-id", &["attachment", "instanceOwnerId"]),
        ],
        page: 5..=1000,
        ids: Ids::NeverPaged,
        rows: |cloud| {
            let shape = |interface: &Interface| interface.shape(&cloud.resources, &cloud.account, &cloud.region);
            cloud.resources.interfaces.values().map(shape).collect()
        },
        check_id: |resources, id| check(&resources.interfaces, id),
    },
    View {
        action: "DescribeSubnets",
        list: ("subnetSet", "Subnets"),
        id: ("SubnetId", "subnetId"),
        filters: &[
            ("subnet-id", &["subnetId"]),
            ("vpc-id", &["vpcId"]),
            ("cidr-block", &["cidrBlock"]),
            ("availability-zone", &["availabilityZone"]),
            ("state", &["state"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud| {
            cloud.resources.subnets.values().map(|subnet| subnet.shape(&cloud.account, &cloud.region)).collect()
        },
        check_id: |resources, id| check(&resources.subnets, id),
    },
    View {
        action: "DescribeVpcs",
        list: ("vpcSet", "Vpcs"),
        id: ("VpcId", "vpcId"),
        filters: &[
            ("vpc-id", &["vpcId"]),
            ("cidr", &["cidrBlock"]),
            ("cidr-block-association.cidr-block", &["cidrBlockAssociationSet", "cidrBlock"]),
            ("cidr-block-association.state", &["cidrBlockAssociationSet", "cidrBlockState", "state"]),
            ("is-default", &["isDefault"]),
            ("state", &["state"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud| cloud.resources.vpcs.values().map(|vpc| vpc.shape(&cloud.account)).collect(),
        check_id: |resources, id| check(&resources.vpcs, id),
    },
    View {
        action: "DescribeRouteTables",
        list: ("routeTableSet", "RouteTables"),
        id: ("RouteTableId", "routeTableId"),
        filters: &[
            ("route-table-id", &["routeTableId"]),
            ("vpc-id", &["vpcId"]),
            ("owner-id", &["ownerId"]),
            ("association.subnet-id", &["associationSet", "subnetId"]),
            ("association.gateway-id", &["associationSet", "gatewayId"]),
            ("association.main", &["associationSet", "main"]),
            ("association.route-table-id", &["associationSet", "routeTableId"]),
            ("association.route-table-association-id", &["associationSet", "routeTableAssociationId"]),
            ("route.destination-cidr-block", &["routeSet", "destinationCidrBlock"]),
            ("route.destination-ipv6-cidr-block", &["routeSet", "destinationIpv6CidrBlock"]),
            ("route.destination-prefix-list-id", &["routeSet", "destinationPrefixListId"]),
            ("route.gateway-id", &["routeSet", "gatewayId"]),
            ("route.instance-id", &["routeSet", "instanceId"]),
            ("route.network-interface-id", &["routeSet", "networkInterfaceId"]),
            ("route.nat-gateway-id", &["routeSet", "natGatewayId"]),
            ("route.transit-gateway-id", &["routeSet", "transitGatewayId"]),
            ("route.vpc-peering-connection-id", &["routeSet", "vpcPeeringConnectionId"]),
            ("route.origin", &["routeSet", "origin"]),
            ("route.state", &["routeSet", "state"]),
        ],
        page: 5..=100,
        ids: Ids::Paged,
        rows: |cloud| {
            let stopped_target = cloud.settings.stopped_target;
            let shape = |table: &RouteTable| table.shape(&cloud.resources, &cloud.account, stopped_target);
            cloud.resources.route_tables.values().map(shape).collect()
        },
        check_id: |resources, id| check(&resources.route_tables, id),
    },
    View {
        action: "DescribeSecurityGroups",
        list: ("securityGroupInfo", "SecurityGroups"),
        id: ("GroupId", "groupId"),
        filters: &[
            ("group-id", &["groupId"]),
            ("group-name", &["groupName"]),
            ("description", &["groupDescription"]),
            ("vpc-id", &["vpcId"]),
            ("owner-id", &["ownerId"]),
            ("ip-permission.cidr", &["ipPermissions", "ipRanges", "cidrIp"]),
            ("ip-permission.ipv6-cidr", &["ipPermissions", "ipv6Ranges", "cidrIpv6"]),
            ("ip-permission.group-id", &["ipPermissions", "groups", "groupId"]),
            ("ip-permission.prefix-list-id", &["ipPermissions", "prefixListIds", "prefixListId"]),
            ("egress.ip-permission.cidr", &["ipPermissionsEgress", "ipRanges", "cidrIp"]),
            ("egress.ip-permission.ipv6-cidr", &["ipPermissionsEgress", "ipv6Ranges", "cidrIpv6"]),
            ("egress.ip-permission.group-id", &["ipPermissionsEgress", "groups", "groupId"]),
            ("egress.ip-permission.prefix-list-id", &["ipPermissionsEgress", "prefixListIds", "prefixListId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud| cloud.resources.groups.values().map(|group| group.shape(&cloud.account, &cloud.region)).collect(),
        check_id: |resources, id| check(&resources.groups, id),
    },
    View {
        action: "DescribeSecurityGroupRules",
        list: ("securityGroupRuleSet", "SecurityGroupRules"),
        id: ("SecurityGroupRuleId", "securityGroupRuleId"),
        filters: &[("group-id", &["groupId"]), ("security-group-rule-id", &["securityGroupRuleId"])],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud| {
            let rules =
                cloud.resources.groups.values().flat_map(|group| group.rules.iter().map(|rule| (&group.id, rule)));
            rules.map(|(group, rule)| rule.shape(group, &cloud.account, &cloud.region)).collect()
        },
        check_id: |resources, id| {
            let rules = resources.groups.values().flat_map(|group| &group.rules);
            check(&rules.map(|rule| (rule.id.clone(), ())).collect(), id)
        },
    },
    View {
        action: "DescribeManagedPrefixLists",
        list: ("prefixListSet", "PrefixLists"),
        id: ("PrefixListId", "prefixListId"),
        filters: &[
            ("prefix-list-id", &["prefixListId"]),
            ("prefix-list-name", &["prefixListName"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 1..=100,
        ids: Ids::Paged,
        rows: |cloud| {
            cloud.resources.prefix_lists.values().map(|list| list.shape(&cloud.account, &cloud.region)).collect()
        },
        check_id: |resources, id| check(&resources.prefix_lists, id),
    },
    View {
        action: "DescribeVpcEndpoints",
        list: ("vpcEndpointSet", "VpcEndpoints"),
        id: ("VpcEndpointId", "vpcEndpointId"),
        filters: &[
            ("vpc-endpoint-id", &["vpcEndpointId"]),
            ("vpc-endpoint-type", &["vpcEndpointType"]),
            ("vpc-endpoint-state", &["state"]),
            ("vpc-id", &["vpcId"]),
            ("service-name", &["serviceName"]),
        ],
        page: 1..=1000,
        ids: Ids::Paged,
        rows: |cloud| cloud.resources.endpoints.values().map(|endpoint| endpoint.shape(&cloud.account)).collect(),
        check_id: |resources, id| check(&resources.endpoints, id),
    },
];

/// Fails as EC2 does for an id of the wrong form, or one that names nothing.
fn check<I: ResourceId, V>(map: &BTreeMap<I, V>, text: &str) -> Result<(), Refusal> {
    let id: I = text.parse().map_err(|_| Refusal::malformed::<I>(text))?;
    if map.contains_key(&id) { Ok(()) } else { Err(Refusal::not_found::<I>(id)) }
}
