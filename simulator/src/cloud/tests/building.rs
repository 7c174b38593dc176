//! A VPC from nothing, and what can be made in it.

use super::*;

fn made(cloud: &mut Cloud, texts: &[&str], path: &[&str]) -> String {
    ok(cloud, texts).at(path).unwrap().text.clone()
}

fn new_vpc(cloud: &mut Cloud) -> String {
    made(cloud, &["Action=CreateVpc", "CidrBlock=10.9.0.0/16", "AmazonProvidedIpv6CidrBlock=true"], &["vpc", "vpcId"])
}

#[test]
fn a_vpc_comes_with_its_table_and_group_and_goes_with_them() {
    let mut cloud = Cloud::new("111122223333", "eu-west-1");
    let vpc = format!("VpcId={}", new_vpc(&mut cloud));
    let all = cloud.resources();
    assert_eq!((all.route_tables.len(), all.groups.len(), all.vpcs.len()), (1, 1, 1));
    let group = all.groups.values().next().unwrap().clone();
    assert_eq!((group.name.as_str(), group.rules.len()), ("default", 3));
    assert_eq!(code(&mut cloud, &["Action=DeleteSecurityGroup", &format!("GroupId={}", group.id)]), "CannotDelete");
    let subnet = made(&mut cloud, &["Action=CreateSubnet", &vpc, "CidrBlock=10.9.1.0/24"], &["subnet", "subnetId"]);
    assert_eq!(code(&mut cloud, &["Action=DeleteVpc", &vpc]), "DependencyViolation");
    ok(&mut cloud, &["Action=DeleteSubnet", &format!("SubnetId={subnet}")]);
    ok(&mut cloud, &["Action=DeleteVpc", &vpc]);
    let all = cloud.resources();
    assert_eq!((all.route_tables.len(), all.groups.len(), all.vpcs.len()), (0, 0, 0));
    assert_eq!(last_record(&cloud)["requestParameters"], json!({"vpcId": &vpc[6..]}));
}

#[test]
fn networks_must_have_a_size_and_a_place_of_their_own() {
    let mut cloud = Cloud::new("111122223333", "eu-west-1");
    let vpc = format!("VpcId={}", new_vpc(&mut cloud));
    ok(&mut cloud, &["Action=CreateSubnet", &vpc, "CidrBlock=10.9.1.0/24"]);
    for (cidr, refusal) in [
        ("10.9.1.0/25", "InvalidSubnet.Conflict"),
        ("10.9.0.0/15", "InvalidSubnet.Range"),
        ("10.9.2.0/29", "InvalidSubnet.Range"),
        ("10.8.0.0/24", "InvalidSubnet.Range"),
        ("10.9.2.0", "InvalidParameterValue"),
    ] {
        assert_eq!(code(&mut cloud, &["Action=CreateSubnet", &vpc, &format!("CidrBlock={cidr}")]), refusal, "{cidr}");
    }
    for (cidr, refusal) in [("10.9.128.0/17", "CidrConflict"), ("10.0.0.0/8", "InvalidVpc.Range")] {
        let associate = ["Action=AssociateVpcCidrBlock", &vpc, &format!("CidrBlock={cidr}")];
        assert_eq!(code(&mut cloud, &associate), refusal, "{cidr}");
    }
}

#[test]
fn a_gateway_is_not_let_go_while_addresses_need_it() {
    let mut cloud = world();
    let vpc = format!("VpcId={VPC}");
    let gateway = made(&mut cloud, &["Action=CreateInternetGateway"], &["internetGateway", "internetGatewayId"]);
    let gateway = format!("InternetGatewayId={gateway}");
    let address = made(&mut cloud, &["Action=AllocateAddress"], &["allocationId"]);
    let address = format!("AllocationId={address}");
    let web = format!("InstanceId={WEB}");
    assert_eq!(code(&mut cloud, &["Action=AssociateAddress", &address, &web]), "Gateway.NotAttached");
    ok(&mut cloud, &["Action=AttachInternetGateway", &gateway, &vpc]);
    ok(&mut cloud, &["Action=AssociateAddress", &address, &web]);
    let found = cloud.dump(at(0)).instances.value();
    assert_eq!(found["Reservations"][0]["Instances"][0]["PublicIpAddress"], "203.0.113.1");
    for call in [["Action=DetachInternetGateway", &gateway, &vpc], ["Action=DeleteInternetGateway", &gateway, &vpc]] {
        assert_eq!(code(&mut cloud, &call), "DependencyViolation");
    }
    assert_eq!(code(&mut cloud, &["Action=ReleaseAddress", &address]), "InvalidIPAddress.InUse");
    ok(&mut cloud, &["Action=TerminateInstances", &format!("InstanceId.1={WEB}")]);
    ok(&mut cloud, &["Action=ReleaseAddress", &address]);
    ok(&mut cloud, &["Action=DetachInternetGateway", &gateway, &vpc]);
}

#[test]
fn a_nat_gateway_has_an_interface_that_nobody_else_may_touch() {
    let mut cloud = world();
    let (vpc, subnet) = (format!("VpcId={VPC}"), format!("SubnetId={SUBNET}"));
    let private = ["Action=CreateNatGateway", &subnet, "ConnectivityType=private"];
    let nat = made(&mut cloud, &private, &["natGateway", "natGatewayId"]);
    let held = cloud.resources().interfaces.values().find(|interface| interface.kind == "nat_gateway").unwrap();
    let attachment = format!("AttachmentId={}", held.attachment.as_ref().unwrap().id);
    assert_eq!(code(&mut cloud, &["Action=DetachNetworkInterface", &attachment]), "OperationNotPermitted");
    assert_eq!(code(&mut cloud, &["Action=CreateNatGateway", &subnet]), "MissingParameter");
    assert_eq!(code(&mut cloud, &["Action=DeleteVpc", &vpc]), "DependencyViolation");
    let nat = format!("NatGatewayId={nat}");
    ok(&mut cloud, &["Action=DeleteNatGateway", &nat]);
    assert!(cloud.resources().interfaces.values().all(|interface| interface.kind != "nat_gateway"));
    assert_eq!(code(&mut cloud, &["Action=DeleteNatGateway", &nat]), "NatGatewayNotFound");
}

#[test]
fn a_peering_connection_carries_packets_once_it_is_accepted() {
    let mut cloud = world();
    let (own, other) = (format!("VpcId={VPC}"), new_vpc(&mut cloud));
    assert_eq!(
        code(&mut cloud, &["Action=CreateVpcPeeringConnection", &own, &format!("PeerVpcId={VPC}")]),
        "OperationNotPermitted"
    );
    let create = ["Action=CreateVpcPeeringConnection", &own, &format!("PeerVpcId={other}")];
    let peering = made(&mut cloud, &create, &["vpcPeeringConnection", "vpcPeeringConnectionId"]);
    let peering = format!("VpcPeeringConnectionId={peering}");
    let table = format!("RouteTableId={TABLE}");
    ok(&mut cloud, &["Action=ReplaceRoute", &table, "DestinationCidrBlock=0.0.0.0/0", &peering]);
    assert_eq!(default_route(&mut cloud)["State"], "blackhole");
    ok(&mut cloud, &["Action=AcceptVpcPeeringConnection", &peering]);
    assert_eq!(default_route(&mut cloud)["State"], "active");
    ok(&mut cloud, &["Action=DeleteVpcPeeringConnection", &peering]);
    assert_eq!(default_route(&mut cloud)["State"], "blackhole");
    assert_eq!(code(&mut cloud, &["Action=AcceptVpcPeeringConnection", &peering]), "InvalidStateTransition");
}

#[test]
fn an_endpoint_for_s3_brings_its_route_and_takes_it_away() {
    let mut cloud = world();
    let (vpc, table) = (format!("VpcId={VPC}"), format!("RouteTableId.1={TABLE}"));
    let create = ["Action=CreateVpcEndpoint", &vpc, "ServiceName=com.amazonaws.eu-west-1.s3", &table];
    let endpoint = made(&mut cloud, &create, &["vpcEndpoint", "vpcEndpointId"]);
    let routes = |cloud: &Cloud| cloud.resources().route_tables[&id::<RouteTableId>(TABLE)].routes.clone();
    let list = routes(&cloud).into_iter().find_map(|route| match route.destination {
        Destination::PrefixList(list) => Some(list),
        Destination::Cidr(_) => None,
    });
    let change =
        ["Action=ModifyManagedPrefixList", &format!("PrefixListId={}", list.unwrap()), "AddEntry.1.Cidr=1.1.1.0/24"];
    assert_eq!(code(&mut cloud, &change), "UnauthorizedOperation");
    ok(&mut cloud, &["Action=DeleteVpcEndpoints", &format!("VpcEndpointId.1={endpoint}")]);
    assert_eq!(routes(&cloud).len(), 1);
}

#[test]
fn a_prefix_list_goes_back_to_an_earlier_version() {
    let mut cloud = world();
    let list = format!("PrefixListId={LIST}");
    ok(&mut cloud, &["Action=ModifyManagedPrefixList", &list, "CurrentVersion=1", "RemoveEntry.1.Cidr=192.0.2.0/28"]);
    let entries = |cloud: &mut Cloud, version: &str| {
        let found = ok(cloud, &["Action=GetManagedPrefixListEntries", &list, version]);
        found.child("entrySet").unwrap().children.len()
    };
    assert_eq!((entries(&mut cloud, "TargetVersion=1"), entries(&mut cloud, "TargetVersion=2")), (1, 0));
    ok(&mut cloud, &["Action=RestoreManagedPrefixListVersion", &list, "PreviousVersion=1", "CurrentVersion=2"]);
    assert_eq!(entries(&mut cloud, "TargetVersion=3"), 1);
    assert_eq!(
        code(&mut cloud, &["Action=GetManagedPrefixListEntries", &list, "TargetVersion=9"]),
        "InvalidParameterValue"
    );
    // A new name is no new version.
    ok(&mut cloud, &["Action=ModifyManagedPrefixList", &list, "PrefixListName=other"]);
    assert_eq!(cloud.resources().prefix_lists[&id::<PrefixListId>(LIST)].version, 3);
}
