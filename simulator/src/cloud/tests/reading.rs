//! Describing: filters, pages, hidden resources, and the dump.

use super::*;

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
    for (action, answer) in [
        ("DescribeInstances", dump.instances),
        ("DescribeNetworkInterfaces", dump.network_interfaces),
        ("DescribeSubnets", dump.subnets),
        ("DescribeVpcs", dump.vpcs),
        ("DescribeRouteTables", dump.route_tables),
        ("DescribeSecurityGroups", dump.security_groups),
        ("DescribeSecurityGroupRules", CliAnswer::new(cloud.described_whole("DescribeSecurityGroupRules"))),
        ("DescribeManagedPrefixLists", dump.managed_prefix_lists),
        ("DescribeVpcEndpoints", dump.vpc_endpoints),
    ] {
        let (mut on_wire, mut printed) = (vec![], vec![]);
        wire(&ok(&mut cloud, &[&format!("Action={action}")]), &mut on_wire);
        cli(&answer.value(), &mut printed);
        printed.retain(|text| !text.is_empty());
        on_wire.sort();
        printed.sort();
        assert_eq!(on_wire, printed, "{action}");
    }
}

#[test]
fn an_interface_held_by_a_service_names_no_instance() {
    let mut cloud = world();
    let mut interface = Interface::new(id("eni-0123abcd"), id(SUBNET), "10.0.1.50".parse().unwrap(), vec![id(GROUP)]);
    interface.attachment = Some(cloud.attachment(Holder::Service("amazon-elb".into()), 1, at(0)));
    (interface.requester, interface.kind) = (Some("amazon-elb".into()), "network_load_balancer".into());
    cloud.add_interface(interface).unwrap();
    let found = ok(&mut cloud, &["Action=DescribeNetworkInterfaces", "NetworkInterfaceId.1=eni-0123abcd"]);
    let item = found.at(&["networkInterfaceSet", "item"]).unwrap();
    let attachment = item.child("attachment").unwrap();
    assert_eq!((attachment.child("instanceId"), attachment.child_text("instanceOwnerId")), (None, Some("amazon-elb")));
    assert_eq!((item.child_text("requesterManaged"), item.child_text("status")), (Some("true"), Some("in-use")));
}

#[test]
fn a_dry_run_may_look_up_what_it_names() {
    let mut cloud = world();
    let mut tried = |dry_runs, list: &str| {
        cloud.settings_mut().dry_runs = dry_runs;
        let list = format!("PrefixListId={list}");
        code(&mut cloud, &["Action=GetManagedPrefixListEntries", &list, "DryRun=true"])
    };
    let nobodys = "pl-00000000000000000";
    assert_eq!(tried(DryRuns::Unseeing, nobodys), "DryRunOperation");
    assert_eq!(tried(DryRuns::LookingUp, LIST), "DryRunOperation");
    assert_eq!(tried(DryRuns::LookingUp, nobodys), "InvalidPrefixListID.NotFound");
}
