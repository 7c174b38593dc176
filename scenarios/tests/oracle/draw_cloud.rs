//! An account by the dice, as the AWS CLI answers for it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    dice::Dice,
    world::{Answers, Tapes},
};

/// VPCs, of which the first and the last have the same addresses.
const VPCS: [&str; 3] = ["a", "b", "c"];

pub(crate) fn answers(tapes: &Tapes) -> Answers {
    let mut dice = Dice::of(&tapes.network);
    let vpcs = &VPCS[..=dice.below(VPCS.len())];
    let (mut listed, mut subnets, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for vpc in vpcs {
        listed.push(self::vpc(&mut dice, vpc));
        for number in 1..=2 {
            subnets.push(json!({"SubnetId": format!("subnet-{vpc}{number}"), "VpcId": format!("vpc-{vpc}"),
                "SubnetArn": format!("arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-{vpc}{number}")}));
        }
        tables.extend(self::tables(&mut dice, vpc));
    }
    let (interfaces, instances) = interfaces(tapes, vpcs, &mut dice);
    let groups = tapes.groups.iter().zip(1..).map(|(tape, number)| group(&mut Dice::of(tape), number));
    let mut answers = BTreeMap::from([
        ("describe-vpcs".to_owned(), json!({ "Vpcs": listed })),
        ("describe-subnets".to_owned(), json!({ "Subnets": subnets })),
        ("describe-route-tables".to_owned(), json!({ "RouteTables": tables })),
        ("describe-network-interfaces".to_owned(), json!({ "NetworkInterfaces": interfaces })),
        (
            "describe-instances".to_owned(),
            json!({"Reservations": [{"OwnerId": "111122223333", "Instances": instances}]}),
        ),
        ("describe-security-groups".to_owned(), json!({"SecurityGroups": groups.collect::<Vec<_>>()})),
    ]);
    answers.extend(lists(&mut dice));
    let owned = [("pl-aws", "AWS"), ("pl-3", "AWS"), ("pl-gone", "111122223333")]
        .map(|(id, owner)| json!({"PrefixListId": id, "OwnerId": owner}));
    let endpoints = json!([{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"},
        {"VpcEndpointId": "vpce-1", "VpcEndpointType": "GatewayLoadBalancer"}]);
    answers.insert("describe-managed-prefix-lists".to_owned(), json!({ "PrefixLists": owned }));
    answers.insert("describe-vpc-endpoints".to_owned(), json!({ "VpcEndpoints": endpoints }));
    Answers(answers)
}

/// Prefix lists: peers, more peers and inside ones, destinations of routes, and one that nobody can read.
fn lists(dice: &mut Dice) -> Vec<(String, Value)> {
    let odd = if dice.one_in(4) { json!([{"Cidr": "192.0.2.0/24"}, {"Cidr": "odd"}]) } else { json!([]) };
    [
        (
            "pl-1",
            json!([{"Cidr": "8.8.8.0/25", "Description": "x"}, {"Cidr": "203.0.113.7/32"}, {"Cidr": "10.0.0.0/24"}]),
        ),
        ("pl-2", json!([{"Cidr": "2001:db8:f::/65"}, {"Cidr": "2001:db8:a::/48"}])),
        ("pl-3", json!([{"Cidr": "0.0.0.0/0"}])),
        ("pl-4", json!([{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}])),
        ("pl-5", odd),
    ]
    .map(|(id, entries)| (format!("get-managed-prefix-list-entries.{id}"), json!({ "Entries": entries })))
    .into()
}

fn vpc(dice: &mut Dice, vpc: &str) -> Value {
    let first = if vpc == "b" { "10.1.0.0/16" } else { "10.0.0.0/16" };
    let mut v4 = vec![json!({"CidrBlock": first, "CidrBlockState": {"State": "associated"}})];
    if dice.one_in(3) {
        let state = dice.pick(&["associated", "associating", "disassociated", "failing"]);
        v4.push(json!({"CidrBlock": "100.64.0.0/16", "CidrBlockState": {"State": state}}));
    }
    let mut v6 = Vec::new();
    if dice.one_in(2) {
        v6.push(json!({"Ipv6CidrBlock": "2001:db8:a::/48", "Ipv6CidrBlockState": {"State": "associated"}}));
    }
    json!({"VpcId": format!("vpc-{vpc}"), "CidrBlock": first, "CidrBlockAssociationSet": v4,
        "Ipv6CidrBlockAssociationSet": v6})
}

/// The main table, perhaps associated with a subnet as well, and perhaps one for a subnet of its own.
fn tables(dice: &mut Dice, vpc: &str) -> Vec<Value> {
    let associated = |state: &str, subnet: u8| json!({"Main": false, "SubnetId": format!("subnet-{vpc}{subnet}"), "AssociationState": {"State": state}});
    let mut associations = vec![json!({"Main": true, "AssociationState": {"State": "associated"}})];
    if dice.one_in(16) {
        associations.clear();
    }
    if dice.one_in(4) {
        associations.push(associated("associated", 1));
    }
    if dice.one_in(8) {
        associations.push(json!({"Main": false, "GatewayId": "igw-1"}));
    }
    let mut tables = vec![json!({"RouteTableId": format!("rtb-{vpc}0"), "VpcId": format!("vpc-{vpc}"),
        "Associations": associations, "Routes": routes(dice)})];
    if dice.one_in(2) {
        let state = *dice.pick(&["associated", "associating", "disassociated"]);
        tables.push(json!({"RouteTableId": format!("rtb-{vpc}2"), "VpcId": format!("vpc-{vpc}"),
            "Associations": [associated(state, 2)], "Routes": routes(dice)}));
    }
    tables
}

fn routes(dice: &mut Dice) -> Vec<Value> {
    let mut routes = vec![json!({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"})];
    let usual = *dice.pick(&[0, 0, 0, 1, 2, 3, 4, 4]);
    if !dice.one_in(12) {
        routes.push(route(dice, "DestinationCidrBlock", "0.0.0.0/0", usual));
    }
    if dice.one_in(2) {
        routes.push(route(dice, "DestinationIpv6CidrBlock", "::/0", usual));
    }
    for (member, destination) in [
        ("DestinationCidrBlock", "0.0.0.0/1"),
        ("DestinationCidrBlock", "128.0.0.0/1"),
        ("DestinationIpv6CidrBlock", "8000::/1"),
        ("DestinationPrefixListId", "pl-3"),
        ("DestinationPrefixListId", "pl-4"),
        ("DestinationPrefixListId", "pl-gone"),
        ("DestinationPrefixListId", "pl-aws"),
        ("DestinationCidrBlock", "192.168.0.0/16"),
    ] {
        if dice.one_in(20) {
            let target = if dice.one_in(2) { dice.below(16) } else { usual };
            routes.push(route(dice, member, destination, target));
        }
    }
    routes
}

fn route(dice: &mut Dice, member: &str, destination: &str, target: usize) -> Value {
    let targets = [
        json!({"NetworkInterfaceId": "eni-fw", "InstanceId": "i-fw", "InstanceOwnerId": "111122223333"}),
        json!({"NetworkInterfaceId": "eni-fw"}),
        json!({"InstanceId": "i-fw"}),
        json!({"TransitGatewayId": "tgw-1"}),
        json!({"GatewayId": "vpce-1"}),
        json!({"GatewayId": "igw-1"}),
        json!({"GatewayId": "vpce-2"}),
        json!({"NatGatewayId": "nat-1"}),
        json!({"NetworkInterfaceId": "eni-loose"}),
        json!({"NetworkInterfaceId": "eni-gone"}),
        json!({"NetworkInterfaceId": "eni-1", "InstanceId": "i-1"}),
        json!({"VpcPeeringConnectionId": "pcx-1"}),
        json!({"TransitGatewayId": "tgw-2"}),
        json!({"NetworkInterfaceId": "eni-gone", "InstanceId": "i-gone"}),
        json!({"NetworkInterfaceId": "eni-fw2"}),
        json!({"GatewayId": "vpce-s3"}),
    ];
    let mut route = targets[target].clone();
    route[member] = json!(destination);
    route["State"] = json!(match dice.below(32) {
        30 => "blackhole",
        31 => "filtered",
        _ => "active",
    });
    route
}

/// Interfaces with their instances. Addresses are unique in their VPC.
fn interfaces(tapes: &Tapes, vpcs: &[&str], network: &mut Dice) -> (Vec<Value>, Vec<Value>) {
    let fixed = |id: &str, address: &str| {
        json!({"NetworkInterfaceId": id, "SubnetId": "subnet-a1", "VpcId": "vpc-a", "PrivateIpAddress": address,
            "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": true}], "Groups": [{"GroupId": "sg-1"}]})
    };
    let mut interfaces =
        vec![fixed("eni-loose", "10.0.0.241"), fixed("eni-fw", "10.0.0.242"), fixed("eni-fw2", "10.0.0.243")];
    interfaces[1]["Attachment"] = json!({"InstanceId": "i-fw", "Status": "attached"});
    let fw2 = *network.pick(&["i-fw", "i-1", "i-fw"]);
    interfaces[2]["Attachment"] = json!({"InstanceId": fw2, "Status": "attached"});
    let mut instances = vec![json!({"InstanceId": "i-fw", "State": {"Name": "running"}})];
    let mut taken = Vec::new();
    for (tape, number) in tapes.interfaces.iter().zip(1..) {
        interfaces.push(interface(&mut Dice::of(tape), number, vpcs, &mut taken));
    }
    for number in 1..=4 {
        let off = ["stopped", "shutting-down", "terminated", "stopping"];
        let state = match network.below(8) {
            0..6 => "running",
            6 => "pending",
            _ => *network.pick(&off),
        };
        if !network.one_in(16) {
            let tags =
                network.pick(&[r#"[{"Key": "tier", "Value": "web"}]"#, r#"[{"Key": "tier", "Value": "db"}]"#, "[]"]);
            let tags: Value = serde_json::from_str(tags).unwrap_or_default();
            instances.push(json!({"InstanceId": format!("i-{number}"), "State": {"Name": state}, "Tags": tags}));
        }
    }
    (interfaces, instances)
}

fn interface(dice: &mut Dice, number: u32, vpcs: &[&str], taken: &mut Vec<(String, u32)>) -> Value {
    let vpc = *dice.pick(vpcs);
    let net = if vpc == "b" { "10.1.0" } else { "10.0.0" };
    let mut host = |dice: &mut Dice| {
        let mut host = 4 + u32::try_from(dice.below(9)).unwrap_or_default();
        while taken.contains(&(vpc.to_owned(), host)) {
            host += 1;
        }
        taken.push((vpc.to_owned(), host));
        host
    };
    let primary = host(dice);
    let mut hosts = vec![primary];
    if dice.one_in(4) {
        hosts.push(host(dice));
    }
    let addresses: Vec<_> = hosts
        .iter()
        .map(|host| json!({"PrivateIpAddress": format!("{net}.{host}"), "Primary": *host == primary}))
        .collect();
    let v6 = dice.one_in(2).then(|| json!({"Ipv6Address": format!("2001:db8:a::{primary:x}")}));
    let prefix =
        (number <= 2 && dice.one_in(4)).then(|| json!({"Ipv4Prefix": format!("{net}.{}/28", 32 + 16 * number)}));
    let v6_prefix = (number <= 2 && dice.one_in(6)).then(|| json!({"Ipv6Prefix": format!("2001:db8:a:{number}::/80")}));
    let groups = dice.some(&["sg-1", "sg-2", "sg-3", "sg-1"], 2);
    let mut groups: Vec<_> = groups.into_iter().map(|id| json!({"GroupId": id, "GroupName": "x"})).collect();
    if dice.one_in(24) {
        groups.push(json!({"GroupId": "sg-gone"}));
    }
    let mut interface = json!({
        "NetworkInterfaceId": format!("eni-{number}"),
        "VpcId": format!("vpc-{vpc}"),
        "SubnetId": format!("subnet-{vpc}{}", 1 + dice.below(2)),
        "PrivateIpAddress": format!("{net}.{primary}"),
        "PrivateIpAddresses": addresses,
        "Ipv6Addresses": v6.into_iter().collect::<Vec<_>>(),
        "Ipv4Prefixes": prefix.into_iter().collect::<Vec<_>>(),
        "Ipv6Prefixes": v6_prefix.into_iter().collect::<Vec<_>>(),
        "Groups": groups,
    });
    let instance = *dice.pick(&["i-1", "i-2", "i-3", "i-4", "i-1", "i-2", "i-3", "i-4", "i-5"]);
    match dice.below(16) {
        14 => {}
        15 => interface["Attachment"] = json!({"InstanceId": instance, "Status": "detached"}),
        _ => interface["Attachment"] = json!({"InstanceId": instance, "Status": "attached"}),
    }
    interface
}

fn group(dice: &mut Dice, number: u32) -> Value {
    let mut permissions = |most: usize| (0..=dice.below(most)).map(|_| permission(dice)).collect::<Vec<_>>();
    json!({"GroupId": format!("sg-{number}"), "GroupName": format!("group {number}"), "OwnerId": "111122223333",
        "IpPermissions": permissions(4), "IpPermissionsEgress": permissions(3)})
}

/// Peers of permissions: everything, outside, inside, and across the edges of inside.
const V4: &[&str] = &[
    "0.0.0.0/0",
    "8.8.8.0/24",
    "8.8.8.8/32",
    "8.8.0.0/16",
    "203.0.113.7/32",
    "203.0.113.4/30",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.1.0.0/24",
    "100.64.0.0/10",
    "100.64.1.0/24",
    "128.0.0.0/1",
    "8.8.8.64/26",
];
const V6: &[&str] = &["::/0", "2001:db8:f::/64", "2001:db8:f::7/128", "2001:db8::/32", "2001:db8:a::/56", "8000::/1"];

fn permission(dice: &mut Dice) -> Value {
    let (from, to) = ports(dice);
    let icmp = [(-1, -1), (8, -1), (8, 0), (0, -1), (3, 1), (0, 0), (128, -1), (8, 1)];
    let (protocol, ports) = match dice.below(16) {
        0..7 => ("tcp", Some((from, to))),
        7 | 8 => ("udp", Some((from, to))),
        9 => ("-1", None),
        10 => (*dice.pick(&["icmp", "1"]), Some(*dice.pick(&icmp))),
        11 => (*dice.pick(&["icmpv6", "58"]), Some(*dice.pick(&icmp))),
        12 => (*dice.pick(&["6", "17"]), Some((from, to))),
        13 => (*dice.pick(&["47", "50", "51"]), None),
        14 => (*dice.pick(&["132", "4", "0"]), Some((0, 0))),
        _ => (*dice.pick(&["tcp", "udp", "icmp", "icmpv6", "6", "17"]), Some(*dice.pick(&[(-1, -1), (0, 65535)]))),
    };
    let mut permission = json!({"IpProtocol": protocol, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [],
        "UserIdGroupPairs": []});
    if let Some((from, to)) = ports {
        permission["FromPort"] = json!(from);
        permission["ToPort"] = json!(to);
    }
    let v4 = |cidr: &&str| json!({"CidrIp": cidr, "Description": "as agreed"});
    match dice.below(10) {
        0..5 => permission["IpRanges"] = dice.some(V4, 2).iter().map(v4).collect(),
        5 => permission["Ipv6Ranges"] = dice.some(V6, 2).iter().map(|cidr| json!({ "CidrIpv6": cidr })).collect(),
        6 => {
            permission["IpRanges"] = dice.some(V4, 2).iter().map(v4).collect();
            permission["Ipv6Ranges"] = dice.some(V6, 2).iter().map(|cidr| json!({ "CidrIpv6": cidr })).collect();
        }
        7 => {
            let id = dice.pick(&["pl-1", "pl-2", "pl-1", "pl-2", "pl-1", "pl-3", "pl-5", "pl-gone"]);
            permission["PrefixListIds"] = json!([{ "PrefixListId": id }]);
        }
        8 => {
            permission["UserIdGroupPairs"] =
                json!([{"GroupId": dice.pick(&["sg-1", "sg-9"]), "UserId": "111122223333"}])
        }
        _ => {
            permission["IpRanges"] = dice.some(V4, 1).iter().map(v4).collect();
            permission["UserIdGroupPairs"] = json!([{"GroupId": "sg-1"}]);
            permission["PrefixListIds"] = json!([{"PrefixListId": "pl-1"}]);
        }
    }
    permission
}

fn ports(dice: &mut Dice) -> (i32, i32) {
    let ports = [
        (443, 443),
        (22, 22),
        (80, 80),
        (53, 53),
        (8443, 8443),
        (8000, 8010),
        (1, 65535),
        (0, 65535),
        (0, 0),
        (0, 1023),
        (3306, 3306),
        (636, 636),
        (440, 450),
        (65535, 65535),
    ];
    *dice.pick(&ports)
}
