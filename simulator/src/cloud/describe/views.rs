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
            ("private-dns-name", &["privateDnsName"]),
            ("ip-address", &["ipAddress"]),
            ("dns-name", &["dnsName"]),
            ("ipv6-address", &["ipv6Address"]),
            ("instance-type", &["instanceType"]),
            ("image-id", &["imageId"]),
            ("key-name", &["keyName"]),
            ("client-token", &["clientToken"]),
            ("launch-time", &["launchTime"]),
            ("launch-index", &["amiLaunchIndex"]),
            ("architecture", &["architecture"]),
            ("availability-zone", &["placement", "availabilityZone"]),
            ("tenancy", &["placement", "tenancy"]),
            ("source-dest-check", &["sourceDestCheck"]),
            ("root-device-type", &["rootDeviceType"]),
            ("virtualization-type", &["virtualizationType"]),
            ("hypervisor", &["hypervisor"]),
            ("iam-instance-profile.arn", &["iamInstanceProfile", "arn"]),
            ("state-reason-code", &["stateReason", "code"]),
            ("instance.group-id", &["groupSet", "groupId"]),
            ("instance.group-name", &["groupSet", "groupName"]),
            (
                "network-interface.addresses.private-ip-address",
                &["networkInterfaceSet", "privateIpAddressesSet", "privateIpAddress"],
            ),
            ("network-interface.attachment.attachment-id", &["networkInterfaceSet", "attachment", "attachmentId"]),
            ("network-interface.attachment.device-index", &["networkInterfaceSet", "attachment", "deviceIndex"]),
            ("network-interface.private-dns-name", &["networkInterfaceSet", "privateDnsName"]),
            ("network-interface.source-dest-check", &["networkInterfaceSet", "sourceDestCheck"]),
            ("network-interface.status", &["networkInterfaceSet", "status"]),
            (
                "network-interface.ipv6-addresses.ipv6-address",
                &["networkInterfaceSet", "ipv6AddressesSet", "ipv6Address"],
            ),
            ("network-interface.network-interface-id", &["networkInterfaceSet", "networkInterfaceId"]),
            ("network-interface.subnet-id", &["networkInterfaceSet", "subnetId"]),
            ("network-interface.vpc-id", &["networkInterfaceSet", "vpcId"]),
            ("network-interface.group-id", &["networkInterfaceSet", "groupSet", "groupId"]),
            ("owner-id", &["networkInterfaceSet", "ownerId"]),
            ("operator.managed", &["operator", "managed"]),
        ],
        page: 5..=1000,
        ids: Ids::NeverPaged,
        rows: |cloud, _| {
            let Cloud { resources, account, region, .. } = cloud;
            let by_instance = resources.interfaces_by_instance();
            let interfaces = |instance: &Instance| by_instance.get(&instance.id).map_or(&[][..], Vec::as_slice);
            let shape = |instance: &Instance| instance.shape(interfaces(instance), resources, account, region);
            resources.instances.values().map(shape).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.instances, id),
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
            ("private-dns-name", &["privateDnsName"]),
            ("mac-address", &["macAddress"]),
            ("availability-zone", &["availabilityZone"]),
            ("source-dest-check", &["sourceDestCheck"]),
            ("group-name", &["groupSet", "groupName"]),
            ("association.public-ip", &["association", "publicIp"]),
            ("association.allocation-id", &["association", "allocationId"]),
            ("association.association-id", &["association", "associationId"]),
            ("association.ip-owner-id", &["association", "ipOwnerId"]),
            ("addresses.association.public-ip", &["privateIpAddressesSet", "association", "publicIp"]),
            ("addresses.primary", &["privateIpAddressesSet", "primary"]),
            ("attachment.delete-on-termination", &["attachment", "deleteOnTermination"]),
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
        rows: |cloud, _| {
            let shape = |interface: &Interface| interface.shape(&cloud.resources, &cloud.account, &cloud.region);
            cloud.resources.interfaces.values().map(shape).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.interfaces, id),
    },
    View {
        action: "DescribeSubnets",
        list: ("subnetSet", "Subnets"),
        id: ("SubnetId", "subnetId"),
        filters: &[
            ("subnet-id", &["subnetId"]),
            ("vpc-id", &["vpcId"]),
            ("cidr-block", &["cidrBlock"]),
            ("cidrBlock", &["cidrBlock"]),
            ("availability-zone", &["availabilityZone"]),
            ("availabilityZone", &["availabilityZone"]),
            ("availability-zone-id", &["availabilityZoneId"]),
            ("available-ip-address-count", &["availableIpAddressCount"]),
            ("default-for-az", &["defaultForAz"]),
            ("map-public-ip-on-launch", &["mapPublicIpOnLaunch"]),
            ("subnet-arn", &["subnetArn"]),
            ("ipv6-cidr-block-association.ipv6-cidr-block", &["ipv6CidrBlockAssociationSet", "ipv6CidrBlock"]),
            ("ipv6-cidr-block-association.association-id", &["ipv6CidrBlockAssociationSet", "associationId"]),
            ("state", &["state"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            cloud
                .resources
                .subnets
                .values()
                .map(|subnet| subnet.shape(&cloud.resources, &cloud.account, &cloud.region))
                .collect()
        },
        check_id: |cloud, id| check(&cloud.resources.subnets, id),
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
            ("cidr-block-association.association-id", &["cidrBlockAssociationSet", "associationId"]),
            ("ipv6-cidr-block-association.ipv6-cidr-block", &["ipv6CidrBlockAssociationSet", "ipv6CidrBlock"]),
            ("ipv6-cidr-block-association.association-id", &["ipv6CidrBlockAssociationSet", "associationId"]),
            ("dhcp-options-id", &["dhcpOptionsId"]),
            ("is-default", &["isDefault"]),
            ("isDefault", &["isDefault"]),
            ("state", &["state"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| cloud.resources.vpcs.values().map(|vpc| vpc.shape(&cloud.account, &cloud.region)).collect(),
        check_id: |cloud, id| check(&cloud.resources.vpcs, id),
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
            ("route.egress-only-internet-gateway-id", &["routeSet", "egressOnlyInternetGatewayId"]),
            ("route.origin", &["routeSet", "origin"]),
            ("route.state", &["routeSet", "state"]),
        ],
        page: 5..=100,
        ids: Ids::Paged,
        rows: |cloud, _| {
            let stopped_target = cloud.settings.stopped_target;
            let shape = |table: &RouteTable| table.shape(&cloud.resources, &cloud.account, stopped_target);
            cloud.resources.route_tables.values().map(shape).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.route_tables, id),
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
            ("ip-permission.protocol", &["ipPermissions", "ipProtocol"]),
            ("ip-permission.from-port", &["ipPermissions", "fromPort"]),
            ("ip-permission.to-port", &["ipPermissions", "toPort"]),
            ("ip-permission.user-id", &["ipPermissions", "groups", "userId"]),
            ("egress.ip-permission.protocol", &["ipPermissionsEgress", "ipProtocol"]),
            ("egress.ip-permission.from-port", &["ipPermissionsEgress", "fromPort"]),
            ("egress.ip-permission.to-port", &["ipPermissionsEgress", "toPort"]),
            ("egress.ip-permission.user-id", &["ipPermissionsEgress", "groups", "userId"]),
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
        rows: |cloud, _| {
            cloud.resources.groups.values().map(|group| group.shape(&cloud.account, &cloud.region)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.groups, id),
    },
    View {
        action: "DescribeSecurityGroupRules",
        list: ("securityGroupRuleSet", "SecurityGroupRules"),
        id: ("SecurityGroupRuleId", "securityGroupRuleId"),
        filters: &[("group-id", &["groupId"]), ("security-group-rule-id", &["securityGroupRuleId"])],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            let rules =
                cloud.resources.groups.values().flat_map(|group| group.rules.iter().map(|rule| (&group.id, rule)));
            rules.map(|(group, rule)| rule.shape(group, &cloud.account, &cloud.region)).collect()
        },
        check_id: |cloud, id| {
            let rules = cloud.resources.groups.values().flat_map(|group| &group.rules);
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
        rows: |cloud, _| {
            cloud.resources.prefix_lists.values().map(|list| list.shape(&cloud.account, &cloud.region)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.prefix_lists, id),
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
        rows: |cloud, _| {
            cloud
                .resources
                .endpoints
                .values()
                .map(|endpoint| endpoint.shape(&cloud.resources, &cloud.account))
                .collect()
        },
        check_id: |cloud, id| check(&cloud.resources.endpoints, id),
    },
];

/// Fails as EC2 does for an id of the wrong form, or one that names nothing.
pub(super) fn check<I: ResourceId, V>(map: &BTreeMap<I, V>, text: &str) -> Result<(), Refusal> {
    let id: I = text.parse().map_err(|_| Refusal::malformed::<I>(text))?;
    if map.contains_key(&id) { Ok(()) } else { Err(Refusal::not_found::<I>(id)) }
}
