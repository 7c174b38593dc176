//! Stories against the whole model, through its front door.

use std::{io::Read, time::Duration};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{parameters::tests::fields, *};
use crate::xml::Element;

const WEB: &str = "i-0aaaaaaaaaaaaaaa1";
const FIREWALL: &str = "i-0aaaaaaaaaaaaaaaf";
const GROUP: &str = "sg-0bbbbbbbbbbbbbbb1";
const SUBNET: &str = "subnet-0ccccccccccccccc1";
const TABLE: &str = "rtb-0ddddddddddddddd1";
const VPC: &str = "vpc-0eeeeeeeeeeeeeee1";
const LIST: &str = "pl-0fffffffffffffff1";

fn id<I: ResourceId>(text: &str) -> I {
    text.parse().unwrap()
}

/// One subnet whose way to the internet leads through the second interface of a firewall.
fn world() -> Cloud {
    let mut cloud = Cloud::new("111122223333", "eu-west-1");
    cloud.add_vpc(id(VPC), "10.0.0.0/16".parse().unwrap()).unwrap();
    cloud.add_subnet(id(SUBNET), id(VPC), "10.0.1.0/24".parse().unwrap()).unwrap();
    cloud.add_group(id(GROUP), id(VPC), "web").unwrap();
    cloud.add_prefix_list(id(LIST), "offices", vec!["192.0.2.0/28".parse().unwrap()]).unwrap();
    let address = |text: &str| text.parse().unwrap();
    cloud.add_instance(id(WEB), id(SUBNET), address("10.0.1.10"), vec![id(GROUP)], InstanceState::Stopped).unwrap();
    cloud.add_instance(id(FIREWALL), id(SUBNET), address("10.0.1.4"), vec![], InstanceState::Running).unwrap();
    let mut trust = Interface::new(id(TRUST), id(SUBNET), address("10.0.1.5"), vec![]);
    trust.attachment = Some(cloud.attachment(Holder::Instance(id(FIREWALL)), 1, Moment::default()));
    cloud.add_interface(trust).unwrap();
    cloud.add_route_table(id(TABLE), id(VPC)).unwrap();
    cloud.associate(&id(TABLE), Associated::Main).unwrap();
    let everywhere = Destination::Cidr("0.0.0.0/0".parse().unwrap());
    cloud.add_route(&id(TABLE), everywhere, Target::Interface(id(TRUST))).unwrap();
    cloud
}

const TRUST: &str = "eni-0111111111111111a";

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn ask(cloud: &mut Cloud, now: Moment, texts: &[&str]) -> (u16, Element) {
    let answer = cloud.query(&fields(texts), "alice", now);
    (answer.status, Element::parse(&answer.text()).unwrap())
}

fn ok(cloud: &mut Cloud, texts: &[&str]) -> Element {
    let (status, root) = ask(cloud, at(0), texts);
    assert_eq!(status, 200, "{root}");
    root
}

fn code(cloud: &mut Cloud, texts: &[&str]) -> String {
    let (_, root) = ask(cloud, at(0), texts);
    root.at(&["Errors", "Error", "Code"]).map(|code| code.text.clone()).unwrap_or_default()
}

fn last_record(cloud: &Cloud) -> &Value {
    cloud.buffered().last().unwrap()
}

fn default_route(cloud: &mut Cloud) -> Value {
    let tables = cloud.dump(at(0)).route_tables;
    let routes = tables["RouteTables"][0]["Routes"].as_array().unwrap().clone();
    routes.into_iter().find(|route| route["DestinationCidrBlock"] == "0.0.0.0/0").unwrap()
}

#[test]
fn a_start_is_pending_for_a_while_and_is_recorded() {
    let mut cloud = world();
    cloud.settings_mut().starting = Duration::from_secs(20);
    let start = ["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"];
    let (_, answer) = ask(&mut cloud, at(4), &start);
    let item = answer.at(&["instancesSet", "item"]).unwrap();
    assert_eq!(item.at(&["currentState", "name"]).unwrap().text, "pending");
    let record = last_record(&cloud).clone();
    assert_eq!(record["eventTime"], "2026-11-02T08:00:04Z");
    assert_eq!(record["eventVersion"], "1.11");
    assert_eq!(record["userIdentity"]["userName"], "alice");
    assert_eq!(record["requestParameters"], json!({"instancesSet": {"items": [{"instanceId": WEB}]}}));
    assert_eq!(
        record["responseElements"],
        json!({"requestId": record["requestID"], "instancesSet": {"items": [{"instanceId": WEB,
            "currentState": {"code": 0, "name": "pending"}, "previousState": {"code": 80, "name": "stopped"}}]}})
    );
    assert_eq!(cloud.next_change(), Some(at(24)));
    let state = |cloud: &mut Cloud, now| cloud.dump(now).instances.pointer("/Reservations").unwrap().to_string();
    assert!(state(&mut cloud, at(23)).contains("pending"));
    assert!(!state(&mut cloud, at(24)).contains("pending"));
    let states: Vec<_> = cloud.take_state_changes().into_iter().map(|change| (change.state, change.at)).collect();
    assert_eq!(states, [(InstanceState::Pending, at(4)), (InstanceState::Running, at(24))]);
}

#[test]
fn refused_calls_and_dry_runs_are_recorded_and_change_nothing() {
    let mut cloud = world();
    cloud.settings_mut().denied_actions.insert("StopInstances".into());
    let before = cloud.dump(at(0));
    for (texts, status, expected) in [
        (["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1", "DryRun=true"], 412, "DryRunOperation"),
        (
            ["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1", "InstanceId.2=i-0123abcd"],
            400,
            "InvalidInstanceID.NotFound",
        ),
        (
            ["Action=StopInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaaf", "Version=2016-11-15"],
            403,
            "UnauthorizedOperation",
        ),
        (["Action=TerminateInstances", "InstanceId.1=i-1", "Version=2016-11-15"], 400, "InvalidInstanceID.Malformed"),
    ] {
        let (found, root) = ask(&mut cloud, at(0), &texts);
        assert_eq!((found, root.at(&["Errors", "Error", "Code"]).unwrap().text.as_str()), (status, expected));
        let record = last_record(&cloud);
        assert_eq!(record["errorCode"], format!("Client.{expected}"));
        assert_eq!(record["responseElements"], Value::Null);
        assert!(record["requestParameters"]["instancesSet"]["items"][0]["instanceId"].is_string());
    }
    assert_eq!(cloud.dump(at(0)), before);
    assert_eq!(code(&mut cloud, &["Action=Nonsense"]), "InvalidAction");
    assert_eq!(code(&mut cloud, &["Version=1"]), "MissingParameter");
    assert_eq!(cloud.buffered().len(), 4);
}

#[test]
fn a_rule_is_authorized_shown_and_revoked_in_every_form() {
    let mut cloud = world();
    let list_form = [
        "Action=AuthorizeSecurityGroupIngress",
        "GroupId=sg-0bbbbbbbbbbbbbbb1",
        "IpPermissions.1.IpProtocol=tcp",
        "IpPermissions.1.FromPort=443",
        "IpPermissions.1.ToPort=443",
        "IpPermissions.1.IpRanges.1.CidrIp=203.0.113.77/24",
        "IpPermissions.1.IpRanges.1.Description=office",
        "IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001:db8::/32",
        "IpPermissions.1.PrefixListIds.1.PrefixListId=pl-0fffffffffffffff1",
        "IpPermissions.2.IpProtocol=-1",
        "IpPermissions.2.Groups.1.GroupId=sg-0bbbbbbbbbbbbbbb1",
    ];
    ok(&mut cloud, &list_form);
    assert_eq!(code(&mut cloud, &list_form), "InvalidPermission.Duplicate");
    let group = cloud.dump(at(0)).security_groups["SecurityGroups"][0].clone();
    assert_eq!(
        group["IpPermissions"],
        json!([
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [],
             "IpRanges": [{"CidrIp": "203.0.113.0/24", "Description": "office"}],
             "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "PrefixListIds": [{"PrefixListId": LIST}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"UserId": "111122223333", "GroupId": GROUP}],
             "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []},
        ])
    );
    let rules = cloud.buffered()[0]["responseElements"]["securityGroupRuleSet"]["items"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(4));
    assert_eq!(rules[3]["fromPort"], -1);
    assert_eq!(rules[3]["referencedGroupInfo"]["groupId"], GROUP);
    let by_id = format!("SecurityGroupRuleId.1={}", rules[0]["securityGroupRuleId"].as_str().unwrap());
    ok(&mut cloud, &["Action=RevokeSecurityGroupIngress", "GroupId=sg-0bbbbbbbbbbbbbbb1", &by_id]);
    let gone = &last_record(&cloud)["responseElements"]["revokedSecurityGroupRuleSet"]["items"][0];
    assert_eq!(gone["cidrIpv4"], "203.0.113.0/24");
    let flat = ["GroupId=sg-0bbbbbbbbbbbbbbb1", "IpProtocol=tcp", "FromPort=22", "ToPort=22", "CidrIp=198.51.100.7/32"];
    ok(&mut cloud, &[&["Action=AuthorizeSecurityGroupIngress"], flat.as_slice()].concat());
    ok(&mut cloud, &[&["Action=RevokeSecurityGroupIngress"], flat.as_slice()].concat());
    let again = [&["Action=RevokeSecurityGroupIngress"], flat.as_slice()].concat();
    assert_eq!(code(&mut cloud, &again), "InvalidPermission.NotFound");
    let unknown = ["Action=RevokeSecurityGroupEgress", "GroupId=sg-0123abcd", "IpProtocol=-1", "CidrIp=0.0.0.0/0"];
    assert_eq!(code(&mut cloud, &unknown), "InvalidGroup.NotFound");
}

#[test]
fn in_a_default_vpc_groups_have_names_and_revoking_nothing_succeeds() {
    let mut cloud = world();
    cloud.resources_mut().vpcs.get_mut(&id(VPC)).unwrap().is_default = true;
    let by_name = ["Action=RevokeSecurityGroupIngress", "GroupName=web", "IpProtocol=-1", "CidrIp=192.0.2.0/24"];
    ok(&mut cloud, &by_name);
    let record = last_record(&cloud);
    assert_eq!(record["requestParameters"]["groupName"], "web");
    assert_eq!(record["responseElements"]["unknownIpPermissionSet"]["items"][0]["ipProtocol"], "-1");
}

#[test]
fn a_rule_changed_in_place_keeps_its_id() {
    let mut cloud = world();
    let peers = vec![(Peer::Cidr("192.0.2.0/24".parse().unwrap()), None)];
    let permission = Permission { traffic: Traffic::new(Protocol::Tcp, Some((80, 80))), peers };
    let rule = cloud.add_permission(&id(GROUP), Direction::Ingress, permission).unwrap().remove(0);
    let rule_id = format!("SecurityGroupRule.1.SecurityGroupRuleId={rule}");
    ok(
        &mut cloud,
        &[
            "Action=ModifySecurityGroupRules",
            "GroupId=sg-0bbbbbbbbbbbbbbb1",
            &rule_id,
            "SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp",
            "SecurityGroupRule.1.SecurityGroupRule.FromPort=443",
            "SecurityGroupRule.1.SecurityGroupRule.ToPort=443",
            "SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=198.51.100.0/24",
        ],
    );
    let changed = &cloud.resources().groups[&id::<GroupId>(GROUP)].rules[0];
    assert_eq!((changed.id.clone(), changed.traffic.ports), (rule, Some((443, 443))));
    let record = last_record(&cloud);
    assert_eq!(record["requestParameters"]["ModifySecurityGroupRulesRequest"]["SecurityGroupRule"]["tag"], 1);
    assert_eq!(record["responseElements"]["ModifySecurityGroupRulesResponse"]["return"], true);
}

#[test]
fn a_launch_takes_the_promised_id_and_termination_takes_the_interface_with_it() {
    let mut cloud = world();
    cloud.next_instance_id(id("i-0aaaaaaaaaaaaaaa3"));
    let launch = [
        "Action=RunInstances",
        "ImageId=ami-0123456789abcdef0",
        "MinCount=1",
        "MaxCount=1",
        "SubnetId=subnet-0ccccccccccccccc1",
        "SecurityGroupId.1=sg-0bbbbbbbbbbbbbbb1",
    ];
    ok(&mut cloud, &launch);
    let launched = &last_record(&cloud)["responseElements"]["instancesSet"]["items"][0];
    assert_eq!(launched["instanceId"], "i-0aaaaaaaaaaaaaaa3");
    assert_eq!(launched["instanceState"], json!({"code": 0, "name": "pending"}));
    assert_eq!(launched["launchTime"], 1_793_606_400_000_i64);
    let interface = &launched["networkInterfaceSet"]["items"][0];
    assert_eq!(interface["privateIpAddressesSet"]["item"][0]["privateIpAddress"], "10.0.1.6");
    assert_eq!(interface["ipv6AddressesSet"], json!({}));
    let of_instance = [
        "Action=DescribeNetworkInterfaces",
        "Filter.1.Name=attachment.instance-id",
        "Filter.1.Value.1=i-0aaaaaaaaaaaaaaa3",
    ];
    assert_eq!(ok(&mut cloud, &of_instance).child("networkInterfaceSet").unwrap().children.len(), 1);
    ok(&mut cloud, &["Action=TerminateInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa3"]);
    assert!(ok(&mut cloud, &of_instance).child("networkInterfaceSet").unwrap().children.is_empty());
    let shown = ok(&mut cloud, &["Action=DescribeInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa3"]);
    assert!(shown.to_string().contains("<name>terminated</name>"));
}

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
    let replace = [
        "Action=ReplaceRoute",
        "RouteTableId=rtb-0ddddddddddddddd1",
        "DestinationCidrBlock=0.0.0.0/0",
        "TransitGatewayId=tgw-0123abcd",
    ];
    ok(&mut cloud, &replace);
    assert_eq!(default_route(&mut cloud)["TransitGatewayId"], "tgw-0123abcd");
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
fn a_prefix_list_changes_with_its_version() {
    let mut cloud = world();
    let change = [
        "Action=ModifyManagedPrefixList",
        "PrefixListId=pl-0fffffffffffffff1",
        "CurrentVersion=1",
        "AddEntry.1.Cidr=203.0.113.64/26",
        "RemoveEntry.1.Cidr=192.0.2.0/28",
    ];
    ok(&mut cloud, &change);
    assert_eq!(code(&mut cloud, &change), "PrefixListVersionMismatch");
    let dump = cloud.dump(at(0));
    assert_eq!(dump.managed_prefix_lists["PrefixLists"][0]["Version"], 2);
    assert_eq!(dump.prefix_list_entries[&id::<PrefixListId>(LIST)], json!({"Entries": [{"Cidr": "203.0.113.64/26"}]}));
    let entries = ok(&mut cloud, &["Action=GetManagedPrefixListEntries", "PrefixListId=pl-0fffffffffffffff1"]);
    assert_eq!(entries.at(&["entrySet", "item", "cidr"]).unwrap().text, "203.0.113.64/26");
}

#[test]
fn pages_join_to_the_whole_even_when_rows_vanish_between_them() {
    let mut cloud = world();
    for n in 10..20 {
        cloud.add_group(id(&format!("sg-0bbbbbbbbbbbbbb{n}")), id(VPC), &format!("group-{n}")).unwrap();
    }
    cloud.settings_mut().page_max = Some(4);
    let mut seen = vec![];
    let mut token: Option<String> = None;
    loop {
        let mut request = vec!["Action=DescribeSecurityGroups".to_owned(), "MaxResults=5".to_owned()];
        request.extend(token.take().map(|token| format!("NextToken={token}")));
        let request: Vec<_> = request.iter().map(String::as_str).collect();
        let answer = ok(&mut cloud, &request);
        let items = &answer.child("securityGroupInfo").unwrap().children;
        assert!(items.len() <= 4);
        seen.extend(items.iter().filter_map(|item| item.child_text("groupId")).map(str::to_owned));
        token = answer.child_text("nextToken").map(str::to_owned);
        if token.is_none() {
            break;
        }
        // Seen already: its absence moves no other row to a page that is past.
        cloud.resources_mut().groups.remove(&id::<GroupId>(&seen[0]));
    }
    assert_eq!(seen.len(), 11);
    for (texts, expected) in [
        (["Action=DescribeRouteTables", "MaxResults=101"], "InvalidParameterValue"),
        (["Action=DescribeRouteTables", "NextToken=abc"], "InvalidNextToken"),
        (["Action=DescribeVpcs", "VpcId.1=vpc-0123abcd"], "InvalidVpcID.NotFound"),
        (["Action=DescribeVpcs", "Filter.1.Name=nonsense"], "InvalidParameterValue"),
    ] {
        assert_eq!(code(&mut cloud, &texts), expected);
    }
    let both = ["Action=DescribeInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1", "MaxResults=5"];
    assert_eq!(code(&mut cloud, &both), "InvalidParameterCombination");
}

#[test]
fn managed_resources_hide_unless_asked_for() {
    let mut cloud = world();
    cloud.resources_mut().interfaces.get_mut(&id(TRUST)).unwrap().operator = Some("eks.amazonaws.com".into());
    cloud.settings_mut().managed_resources = Visibility::Hidden;
    let mut count = |texts: &[&str]| ok(&mut cloud, texts).child("networkInterfaceSet").unwrap().children.len();
    assert_eq!(count(&["Action=DescribeNetworkInterfaces"]), 2);
    assert_eq!(count(&["Action=DescribeNetworkInterfaces", "IncludeManagedResources=true"]), 3);
}

#[test]
fn tags_filter_what_is_described() {
    let mut cloud = world();
    let tag = ["Action=CreateTags", "ResourceId.1=i-0aaaaaaaaaaaaaaa1", "Tag.1.Key=firewall", "Tag.1.Value=managed"];
    ok(&mut cloud, &tag);
    let tags = &last_record(&cloud)["requestParameters"]["tagSet"];
    assert_eq!(tags, &json!({"items": [{"key": "firewall", "value": "managed"}]}));
    let tagged = ["Action=DescribeInstances", "Filter.1.Name=tag:firewall", "Filter.1.Value.1=man*"];
    let found = ok(&mut cloud, &tagged);
    assert_eq!(found.at(&["reservationSet", "item", "instancesSet", "item", "instanceId"]).unwrap().text, WEB);
}

#[test]
fn a_log_file_holds_what_happened_since_the_last() {
    let mut cloud = world();
    cloud.settings_mut().organization = Some("o-abc1234567".into());
    assert!(cloud.flush_trail(at(0)).is_empty());
    ok(&mut cloud, &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    ok(&mut cloud, &["Action=DescribeInstances"]);
    cloud.settings_mut().unrecorded_readers.insert("alice".into());
    ok(&mut cloud, &["Action=DescribeInstances"]);
    assert_eq!(cloud.take_records().len(), 2);
    let keys = cloud.flush_trail(at(300));
    let folder = "AWSLogs/o-abc1234567/111122223333/CloudTrail/eu-west-1/2026/11/02/111122223333_CloudTrail_eu-west-1_20261102T0805Z_";
    assert!(keys[0].starts_with(folder) && keys[0].ends_with(".json.gz"), "{keys:?}");
    assert_eq!(keys[0].len(), folder.len() + "0123456789abcdef.json.gz".len());
    let answer = cloud.object("trail", &keys[0]);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = file["Records"].as_array().unwrap().iter().map(|record| &record["eventName"]).collect();
    assert_eq!(names, ["StartInstances", "DescribeInstances"]);
    assert_eq!(file["Records"][1]["readOnly"], true);
    assert!(cloud.flush_trail(at(300)).is_empty());
    assert!(cloud.take_records().is_empty());
}

#[test]
fn services_and_mishaps_leave_their_own_kind_of_record() {
    let mut cloud = world();
    let stop = fields(&["Action=TerminateInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    cloud.query(&stop, "autoscaling.amazonaws.com", at(0));
    let record = last_record(&cloud);
    assert_eq!(record["userIdentity"]["invokedBy"], "autoscaling.amazonaws.com");
    assert_eq!(record["sourceIPAddress"], "autoscaling.amazonaws.com");
    cloud.reclaim_spot(&id(FIREWALL), at(1));
    let record = last_record(&cloud);
    assert_eq!((&record["eventType"], record.get("requestID")), (&json!("AwsServiceEvent"), None));
    assert_eq!(record["serviceEventDetails"], json!({"instanceIdSet": [FIREWALL]}));
    assert_eq!(default_route(&mut cloud)["State"], "blackhole");
}

/// Every text on the wire is in the CLI's form too, and the other way round: both come from one description.
#[test]
fn the_wire_and_the_dump_say_the_same() {
    fn wire(element: &Element, into: &mut Vec<String>) {
        if element.children.is_empty() && !element.text.is_empty() && element.name != "requestId" {
            into.push(element.text.clone());
        }
        element.children.iter().for_each(|child| wire(child, into));
    }
    fn cli(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(text.replace("+00:00", "Z")),
            Value::Number(_) | Value::Bool(_) => into.push(value.to_string()),
            Value::Array(elements) => elements.iter().for_each(|element| cli(element, into)),
            Value::Object(members) => members.values().for_each(|member| cli(member, into)),
            Value::Null => {}
        }
    }
    let mut cloud = world();
    let dump = cloud.dump(at(0));
    for (action, value) in [
        ("DescribeInstances", dump.instances),
        ("DescribeNetworkInterfaces", dump.network_interfaces),
        ("DescribeSubnets", dump.subnets),
        ("DescribeVpcs", dump.vpcs),
        ("DescribeRouteTables", dump.route_tables),
        ("DescribeSecurityGroups", dump.security_groups),
        ("DescribeSecurityGroupRules", dump.security_group_rules),
        ("DescribeManagedPrefixLists", dump.managed_prefix_lists),
        ("DescribeVpcEndpoints", dump.vpc_endpoints),
    ] {
        let (mut on_wire, mut printed) = (vec![], vec![]);
        wire(&ok(&mut cloud, &[&format!("Action={action}")]), &mut on_wire);
        cli(&value, &mut printed);
        printed.retain(|text| !text.is_empty());
        on_wire.sort();
        printed.sort();
        assert_eq!(on_wire, printed, "{action}");
    }
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
