//! What the Describe actions of gateways, addresses and zones list, filter and page.

use super::{Ids, View, views::check};
use crate::cloud::{
    Cloud, InstanceState, Tags, Zone,
    answer::Refusal,
    instance::operator,
    parameters::Parameters,
    prefix_list::older_shape,
    shape::{Record, Shape},
};

pub(super) static VIEWS: [View; 12] = [
    View {
        action: "DescribeInternetGateways",
        list: ("internetGatewaySet", "InternetGateways"),
        id: ("InternetGatewayId", "internetGatewayId"),
        filters: &[
            ("internet-gateway-id", &["internetGatewayId"]),
            ("attachment.vpc-id", &["attachmentSet", "vpcId"]),
            ("attachment.state", &["attachmentSet", "state"]),
            ("owner-id", &["ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            cloud.resources.internet_gateways.values().map(|gateway| gateway.shape(&cloud.account)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.internet_gateways, id),
    },
    View {
        action: "DescribeEgressOnlyInternetGateways",
        list: ("egressOnlyInternetGatewaySet", "EgressOnlyInternetGateways"),
        id: ("EgressOnlyInternetGatewayId", "egressOnlyInternetGatewayId"),
        filters: &[],
        page: 5..=255,
        ids: Ids::Paged,
        rows: |cloud, _| cloud.resources.egress_gateways.values().map(|gateway| gateway.shape()).collect(),
        check_id: |cloud, id| check(&cloud.resources.egress_gateways, id),
    },
    View {
        action: "DescribeNatGateways",
        list: ("natGatewaySet", "NatGateways"),
        id: ("NatGatewayId", "natGatewayId"),
        filters: &[
            ("nat-gateway-id", &["natGatewayId"]),
            ("state", &["state"]),
            ("subnet-id", &["subnetId"]),
            ("vpc-id", &["vpcId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| cloud.resources.nat_gateways.values().map(|gateway| gateway.shape(&cloud.resources)).collect(),
        check_id: |cloud, id| {
            let unknown = |_| Refusal::new("NatGatewayNotFound", format!("NAT gateway {id} was not found"));
            check(&cloud.resources.nat_gateways, id).map_err(unknown)
        },
    },
    View {
        action: "DescribeAddresses",
        list: ("addressesSet", "Addresses"),
        id: ("AllocationId", "allocationId"),
        filters: &[
            ("allocation-id", &["allocationId"]),
            ("association-id", &["associationId"]),
            ("domain", &["domain"]),
            ("instance-id", &["instanceId"]),
            ("network-interface-id", &["networkInterfaceId"]),
            ("network-border-group", &["networkBorderGroup"]),
            ("private-ip-address", &["privateIpAddress"]),
            ("public-ip", &["publicIp"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: addresses,
        check_id: |cloud, id| check(&cloud.resources.addresses, id),
    },
    View {
        action: "DescribeVpcPeeringConnections",
        list: ("vpcPeeringConnectionSet", "VpcPeeringConnections"),
        id: ("VpcPeeringConnectionId", "vpcPeeringConnectionId"),
        filters: &[
            ("vpc-peering-connection-id", &["vpcPeeringConnectionId"]),
            ("status-code", &["status", "code"]),
            ("status-message", &["status", "message"]),
            ("requester-vpc-info.vpc-id", &["requesterVpcInfo", "vpcId"]),
            ("requester-vpc-info.cidr-block", &["requesterVpcInfo", "cidrBlock"]),
            ("requester-vpc-info.owner-id", &["requesterVpcInfo", "ownerId"]),
            ("accepter-vpc-info.vpc-id", &["accepterVpcInfo", "vpcId"]),
            ("accepter-vpc-info.cidr-block", &["accepterVpcInfo", "cidrBlock"]),
            ("accepter-vpc-info.owner-id", &["accepterVpcInfo", "ownerId"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            let Cloud { resources, account, region, .. } = cloud;
            resources.peerings.values().map(|peering| peering.shape(resources, account, region)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.peerings, id),
    },
    View {
        action: "DescribeTransitGateways",
        list: ("transitGatewaySet", "TransitGateways"),
        id: ("TransitGatewayIds", "transitGatewayId"),
        filters: &[("transit-gateway-id", &["transitGatewayId"]), ("state", &["state"]), ("owner-id", &["ownerId"])],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            let Cloud { resources, account, region, .. } = cloud;
            resources.transit_gateways.values().map(|gateway| gateway.shape(account, region)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.transit_gateways, id),
    },
    View {
        action: "DescribeTransitGatewayVpcAttachments",
        list: ("transitGatewayVpcAttachments", "TransitGatewayVpcAttachments"),
        id: ("TransitGatewayAttachmentIds", "transitGatewayAttachmentId"),
        filters: &[
            ("transit-gateway-attachment-id", &["transitGatewayAttachmentId"]),
            ("transit-gateway-id", &["transitGatewayId"]),
            ("vpc-id", &["vpcId"]),
            ("state", &["state"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            let attachments = cloud.resources.transit_attachments.values();
            attachments.map(|attachment| attachment.shape(&cloud.account)).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.transit_attachments, id),
    },
    View {
        action: "DescribePrefixLists",
        list: ("prefixListSet", "PrefixLists"),
        id: ("PrefixListId", "prefixListId"),
        filters: &[("prefix-list-id", &["prefixListId"]), ("prefix-list-name", &["prefixListName"])],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| {
            // The older action knows AWS's own lists only.
            cloud.resources.prefix_lists.values().filter(|list| list.owner.is_some()).map(older_shape).collect()
        },
        check_id: |cloud, id| check(&cloud.resources.prefix_lists, id),
    },
    View {
        action: "DescribeInstanceStatus",
        list: ("instanceStatusSet", "InstanceStatuses"),
        id: ("InstanceId", "instanceId"),
        filters: &[
            ("instance-state-name", &["instanceState", "name"]),
            ("instance-state-code", &["instanceState", "code"]),
            ("instance-status.status", &["instanceStatus", "status"]),
            ("system-status.status", &["systemStatus", "status"]),
            ("availability-zone", &["availabilityZone"]),
            ("operator.managed", &["operator", "managed"]),
        ],
        page: 5..=1000,
        ids: Ids::NeverPaged,
        rows: statuses,
        check_id: |cloud, id| check(&cloud.resources.instances, id),
    },
    View {
        action: "DescribeAvailabilityZones",
        list: ("availabilityZoneInfo", "AvailabilityZones"),
        id: ("ZoneName", "zoneName"),
        filters: &[
            ("zone-name", &["zoneName"]),
            ("zone-id", &["zoneId"]),
            ("state", &["zoneState"]),
            ("region-name", &["regionName"]),
            ("zone-type", &["zoneType"]),
            ("opt-in-status", &["optInStatus"]),
            ("group-name", &["groupName"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, parameters| zones(cloud, &parameters.texts("ZoneId")),
        check_id: |cloud, name| {
            let known = Zone::ALL.iter().any(|zone| zone.name(&cloud.region) == name);
            let message = || format!("Invalid availability zone: [{name}]");
            if known { Ok(()) } else { Err(Refusal::new("InvalidParameterValue", message())) }
        },
    },
    View {
        action: "DescribeRegions",
        list: ("regionInfo", "Regions"),
        id: ("RegionName", "regionName"),
        filters: &[
            ("region-name", &["regionName"]),
            ("endpoint", &["regionEndpoint"]),
            ("opt-in-status", &["optInStatus"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| vec![region(cloud)],
        check_id: |cloud, name| {
            let message = || format!("Invalid region provided: [{name}]");
            if cloud.region == name { Ok(()) } else { Err(Refusal::new("InvalidParameterValue", message())) }
        },
    },
    View {
        action: "DescribeTags",
        list: ("tagSet", "Tags"),
        id: ("", "resourceId"),
        filters: &[
            ("resource-id", &["resourceId"]),
            ("resource-type", &["resourceType"]),
            ("key", &["key"]),
            ("value", &["value"]),
        ],
        page: 5..=1000,
        ids: Ids::Paged,
        rows: |cloud, _| all_tags(cloud),
        check_id: |_, _| Ok(()),
    },
];

/// Those with one of the public addresses that the caller lists, if any.
fn addresses(cloud: &Cloud, parameters: &Parameters) -> Vec<Record> {
    let wanted = parameters.texts("PublicIp");
    let addresses = cloud.resources.addresses.values();
    let listed = addresses.filter(|address| wanted.is_empty() || wanted.contains(&address.public.to_string().as_str()));
    listed.map(|address| address.shape(&cloud.resources, &cloud.account, &cloud.region)).collect()
}

/// Of running instances, unless the caller asks for all.
fn statuses(cloud: &Cloud, parameters: &Parameters) -> Vec<Record> {
    let all = parameters.text("IncludeAllInstances") == Some("true");
    let shown = cloud.resources.instances.values().filter(|it| all || it.state == InstanceState::Running);
    let status = |on: bool| {
        let detail = |status: &str| Record::new().with("name", "reachability").with("status", status);
        match on {
            true => Record::new().with("status", "ok").with("details", Shape::from_iter([detail("passed")])),
            false => Record::new().with("status", "not-applicable"),
        }
    };
    let row = |instance: &crate::cloud::Instance| {
        let on = instance.state == InstanceState::Running;
        let primary = cloud.resources.interfaces_of(&instance.id).first().map(|interface| &interface.subnet);
        let zone = primary.and_then(|subnet| cloud.resources.subnets.get(subnet)).map(|subnet| subnet.zone);
        Record::new()
            .with("instanceId", &instance.id)
            .with("availabilityZone", zone.unwrap_or_default().name(&cloud.region))
            .with("instanceState", instance.state.shape())
            .with("systemStatus", status(on))
            .with("instanceStatus", status(on))
            .with("operator", operator(instance.operator.as_deref()))
    };
    shown.map(row).collect()
}

fn zones(cloud: &Cloud, ids: &[&str]) -> Vec<Record> {
    let wanted = |zone: &Zone| ids.is_empty() || ids.contains(&zone.id(&cloud.region).as_str());
    Zone::ALL.into_iter().filter(wanted).map(|zone| zone.shape(&cloud.region)).collect()
}

/// The one region of this world.
fn region(cloud: &Cloud) -> Record {
    Record::new()
        .with("regionName", &cloud.region)
        .renamed("regionEndpoint", "Endpoint", format!("ec2.{}.amazonaws.com", cloud.region))
        .with("optInStatus", "opt-in-not-required")
}

fn all_tags(cloud: &Cloud) -> Vec<Record> {
    let all = &cloud.resources;
    let mut rows = vec![];
    let mut add = |kind: &str, id: String, tags: &Tags| {
        rows.extend(tags.iter().map(|(key, value)| {
            let row = Record::new().with("key", key).with("value", value);
            row.with("resourceId", &id).with("resourceType", kind)
        }));
    };
    all.vpcs.values().for_each(|it| add("vpc", it.id.to_string(), &it.tags));
    all.subnets.values().for_each(|it| add("subnet", it.id.to_string(), &it.tags));
    all.route_tables.values().for_each(|it| add("route-table", it.id.to_string(), &it.tags));
    all.internet_gateways.values().for_each(|it| add("internet-gateway", it.id.to_string(), &it.tags));
    all.egress_gateways.values().for_each(|it| add("egress-only-internet-gateway", it.id.to_string(), &it.tags));
    all.nat_gateways.values().for_each(|it| add("natgateway", it.id.to_string(), &it.tags));
    all.transit_gateways.values().for_each(|it| add("transit-gateway", it.id.to_string(), &it.tags));
    all.transit_attachments.values().for_each(|it| add("transit-gateway-attachment", it.id.to_string(), &it.tags));
    all.peerings.values().for_each(|it| add("vpc-peering-connection", it.id.to_string(), &it.tags));
    all.addresses.values().for_each(|it| add("elastic-ip", it.id.to_string(), &it.tags));
    all.endpoints.values().for_each(|it| add("vpc-endpoint", it.id.to_string(), &it.tags));
    all.instances.values().for_each(|it| add("instance", it.id.to_string(), &it.tags));
    all.interfaces.values().for_each(|it| add("network-interface", it.id.to_string(), &it.tags));
    all.prefix_lists.values().for_each(|it| add("prefix-list", it.id.to_string(), &it.tags));
    for group in all.groups.values() {
        add("security-group", group.id.to_string(), &group.tags);
        group.rules.iter().for_each(|rule| add("security-group-rule", rule.id.to_string(), &rule.tags));
    }
    rows
}
