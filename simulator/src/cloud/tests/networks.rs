//! Routes, associations and addresses.

use super::*;

#[test]
fn a_route_follows_the_fate_of_what_it_leads_to() {
    let mut cloud = world();
    let route = default_route(&mut cloud);
    assert_eq!((&route["State"], &route["InstanceId"]), (&json!("active"), &json!(FIREWALL)));
    ok(&mut cloud, &["Action=StopInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaaf"]);
    let route = default_route(&mut cloud);
    assert_eq!((&route["State"], &route["InstanceId"]), (&json!("blackhole"), &json!(FIREWALL)));
    cloud.settings_mut().stopped_target = RouteState::Active;
    assert_eq!(default_route(&mut cloud)["State"], "active");
    let attachment = cloud.resources().interfaces[&id::<InterfaceId>(TRUST)].attachment.clone().unwrap();
    ok(&mut cloud, &["Action=DetachNetworkInterface", &format!("AttachmentId={}", attachment.id)]);
    let route = default_route(&mut cloud);
    assert_eq!((&route["State"], route.get("InstanceId")), (&json!("blackhole"), None));
    assert_eq!(route["NetworkInterfaceId"], TRUST);
    let to_web = [
        "Action=AttachNetworkInterface",
        "NetworkInterfaceId=eni-0111111111111111a",
        "InstanceId=i-0aaaaaaaaaaaaaaa1",
        "DeviceIndex=1",
    ];
    ok(&mut cloud, &to_web);
    ok(&mut cloud, &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    let route = default_route(&mut cloud);
    assert_eq!((&route["State"], &route["InstanceId"]), (&json!("active"), &json!(WEB)));
}

#[test]
fn tables_change_hands() {
    let mut cloud = world();
    let other = "rtb-0ddddddddddddddd2";
    cloud.add_route_table(id(other), id(VPC)).unwrap();
    let main = cloud.resources().route_tables[&id::<RouteTableId>(TABLE)].associations[0].id.clone();
    let to_other = format!("RouteTableId={other}");
    ok(&mut cloud, &["Action=ReplaceRouteTableAssociation", &format!("AssociationId={main}"), &to_other]);
    let found =
        ok(&mut cloud, &["Action=DescribeRouteTables", "Filter.1.Name=association.main", "Filter.1.Value.1=true"]);
    assert_eq!(found.at(&["routeTableSet", "item", "routeTableId"]).unwrap().text, other);
    let answer = ok(&mut cloud, &["Action=AssociateRouteTable", &to_other, "SubnetId=subnet-0ccccccccccccccc1"]);
    let association = format!("AssociationId={}", answer.child_text("associationId").unwrap());
    ok(&mut cloud, &["Action=DisassociateRouteTable", &association]);
    assert_eq!(code(&mut cloud, &["Action=DisassociateRouteTable", &association]), "InvalidAssociationID.NotFound");
    let made = ok(&mut cloud, &["Action=CreateTransitGateway"]);
    let transit = made.at(&["transitGateway", "transitGatewayId"]).unwrap().text.clone();
    let via = format!("TransitGatewayId={transit}");
    let table = ["RouteTableId=rtb-0ddddddddddddddd1", "DestinationCidrBlock=0.0.0.0/0"];
    let replace = ["Action=ReplaceRoute", table[0], table[1], &via];
    assert_eq!(code(&mut cloud, &replace), "InvalidTransitGatewayID.NotFound");
    let vpc = format!("VpcId={VPC}");
    let attach = ["Action=CreateTransitGatewayVpcAttachment", &via, &vpc, "SubnetIds.1=subnet-0ccccccccccccccc1"];
    ok(&mut cloud, &attach);
    ok(&mut cloud, &replace);
    assert_eq!(default_route(&mut cloud)["TransitGatewayId"], transit.as_str());
}

#[test]
fn addresses_move_between_interfaces_when_the_caller_insists() {
    let mut cloud = world();
    let to = |interface: &str| format!("NetworkInterfaceId={interface}");
    let first = ["Action=AssignPrivateIpAddresses", &to(TRUST), "PrivateIpAddress.1=10.0.1.99"];
    ok(&mut cloud, &first);
    let web = cloud.resources().interfaces_of(&id(WEB))[0].id.clone();
    let web = to(&web.to_string());
    assert_eq!(
        code(&mut cloud, &["Action=AssignPrivateIpAddresses", &web, "PrivateIpAddress.1=10.0.1.99"]),
        "InvalidIPAddress.InUse"
    );
    ok(
        &mut cloud,
        &["Action=AssignPrivateIpAddresses", &web, "PrivateIpAddress.1=10.0.1.99", "AllowReassignment=true"],
    );
    let assigned = &last_record(&cloud)["responseElements"]["assignedPrivateIpAddressesSet"];
    assert_eq!(assigned["assignedPrivateIpAddressSetType"][0]["privateIpAddress"], "10.0.1.99");
    assert_eq!(cloud.resources().interfaces[&id::<InterfaceId>(TRUST)].addresses.len(), 1);
    ok(&mut cloud, &["Action=UnassignPrivateIpAddresses", &web, "PrivateIpAddress.1=10.0.1.99"]);
}

#[test]
fn a_world_that_contradicts_itself_is_refused() {
    let mut cloud = world();
    let taken = cloud.add_vpc(id(VPC), "10.0.0.0/16".parse().unwrap()).unwrap_err();
    assert_eq!(
        taken.to_string(),
        "the VPC `vpc-0eeeeeeeeeeeeeee1` is there already: give the second one an id of its own"
    );
    let unknown = cloud.add_group(id("sg-0123abcd"), id("vpc-0123abcd"), "x").unwrap_err();
    assert_eq!(unknown.to_string(), "there is no VPC `vpc-0123abcd`: add it first");
    let address = "10.0.1.10".parse().unwrap();
    let instance = cloud.add_instance(id("i-0123abcd"), id(SUBNET), address, vec![], InstanceState::Running);
    assert!(instance.unwrap_err().to_string().starts_with("10.0.1.10 belongs to `eni-"));
    assert!(cloud.associate(&id(TABLE), Associated::Main).is_err());
}

#[test]
fn ipv6_addresses_come_and_go() {
    let mut cloud = world();
    cloud.add_vpc_cidr(&id(VPC), "2001:db8::/56".parse().unwrap()).unwrap();
    assert!(cloud.add_subnet_cidr(&id(SUBNET), "2001:db9::/64".parse().unwrap()).is_err());
    cloud.add_subnet_cidr(&id(SUBNET), "2001:db8::/64".parse().unwrap()).unwrap();
    let interface = format!("NetworkInterfaceId={TRUST}");
    let assign = ["Action=AssignIpv6Addresses", &interface, "Ipv6Addresses.1=2001:db8::5"];
    ok(&mut cloud, &assign);
    assert_eq!(code(&mut cloud, &assign), "InvalidIPAddress.InUse");
    assert_eq!(last_record(&cloud)["requestParameters"]["ipv6AddressesSet"]["items"][0]["ipv6Address"], "2001:db8::5");
    let interfaces = cloud.dump(at(0)).network_interfaces.to_string();
    assert!(
        interfaces.contains(r#""Ipv6Addresses":[{"Ipv6Address":"2001:db8::5","IsPrimaryIpv6":false}]"#),
        "{interfaces}"
    );
    ok(&mut cloud, &["Action=UnassignIpv6Addresses", &interface, "Ipv6Addresses.1=2001:db8::5"]);
    assert!(cloud.resources().interfaces[&id::<InterfaceId>(TRUST)].ipv6_addresses.is_empty());
}

#[test]
fn a_detached_gateway_and_a_deleted_endpoint_leave_black_holes() {
    let mut cloud = world();
    let (gateway, endpoint) = ("igw-0123abcd", "vpce-0123abcd");
    cloud.add_internet_gateway(id(gateway), id(VPC)).unwrap();
    let (kind, service) = (EndpointKind::GatewayLoadBalancer, "com.amazonaws.vpce.eu-west-1.vpce-svc-1");
    cloud.add_vpc_endpoint(VpcEndpoint::new(id(endpoint), id(VPC), kind, service)).unwrap();
    let table = format!("RouteTableId={TABLE}");
    for (destination, target) in [("198.51.100.0/24", gateway), ("203.0.113.0/24", endpoint)] {
        let (destination, target) = (format!("DestinationCidrBlock={destination}"), format!("GatewayId={target}"));
        ok(&mut cloud, &["Action=CreateRoute", &table, &destination, &target]);
    }
    let states = |cloud: &mut Cloud| {
        let tables = cloud.dump(at(0)).route_tables.value();
        let routes = tables["RouteTables"][0]["Routes"].as_array().unwrap().clone();
        let through = |target: &str| routes.iter().find(|route| route["GatewayId"] == target).unwrap()["State"].clone();
        [through(gateway), through(endpoint)]
    };
    assert_eq!(states(&mut cloud), ["active", "active"]);
    let vpc = format!("VpcId={VPC}");
    ok(&mut cloud, &["Action=DetachInternetGateway", &vpc, "InternetGatewayId=igw-0123abcd"]);
    ok(&mut cloud, &["Action=DeleteVpcEndpoints", "VpcEndpointId.1=vpce-0123abcd"]);
    assert_eq!(states(&mut cloud), ["blackhole", "blackhole"]);
    ok(&mut cloud, &["Action=AttachInternetGateway", &vpc, "InternetGatewayId=igw-0123abcd"]);
    assert_eq!(states(&mut cloud), ["active", "blackhole"]);
}

#[test]
fn a_network_of_a_vpc_comes_with_its_local_route_and_goes() {
    let mut cloud = world();
    let vpc = format!("VpcId={VPC}");
    let answer = ok(&mut cloud, &["Action=AssociateVpcCidrBlock", &vpc, "CidrBlock=10.5.0.0/16"]);
    let association = answer.at(&["cidrBlockAssociation", "associationId"]).unwrap().text.clone();
    assert!(cloud.dump(at(0)).route_tables.to_string().contains("10.5.0.0/16"));
    ok(&mut cloud, &["Action=DisassociateVpcCidrBlock", &format!("AssociationId={association}")]);
    assert!(!cloud.dump(at(0)).vpcs.to_string().contains("10.5.0.0/16"));
    let primary = cloud.resources().vpcs[&id::<VpcId>(VPC)].cidrs[0].id.clone();
    let primary = format!("AssociationId={primary}");
    assert_eq!(code(&mut cloud, &["Action=DisassociateVpcCidrBlock", &primary]), "OperationNotPermitted");
}
