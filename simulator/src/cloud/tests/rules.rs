//! Security groups, prefix lists and tags.

use super::*;

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
    let group = cloud.dump(at(0)).security_groups.value()["SecurityGroups"][0].clone();
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
    assert_eq!(dump.managed_prefix_lists.value()["PrefixLists"][0]["Version"], 2);
    assert_eq!(
        dump.prefix_list_entries[&id::<PrefixListId>(LIST)].value(),
        json!({"Entries": [{"Cidr": "203.0.113.64/26"}]})
    );
    let entries = ok(&mut cloud, &["Action=GetManagedPrefixListEntries", "PrefixListId=pl-0fffffffffffffff1"]);
    assert_eq!(entries.at(&["entrySet", "item", "cidr"]).unwrap().text, "203.0.113.64/26");
}

#[test]
fn new_words_for_a_rule_change_nothing_else() {
    let mut cloud = world();
    let rule = [
        "GroupId=sg-0bbbbbbbbbbbbbbb1",
        "IpPermissions.1.IpProtocol=-1",
        "IpPermissions.1.IpRanges.1.CidrIp=192.0.2.0/24",
    ];
    ok(&mut cloud, &[&["Action=AuthorizeSecurityGroupEgress"], rule.as_slice()].concat());
    let words = ["Action=UpdateSecurityGroupRuleDescriptionsEgress", "IpPermissions.1.IpRanges.1.Description=backup"];
    ok(&mut cloud, &[words.as_slice(), &rule].concat());
    let known = &cloud.resources().groups[&id::<GroupId>(GROUP)].rules;
    assert_eq!((known.len(), known[0].description.as_deref()), (1, Some("backup")));
    let wrong_way = ["Action=UpdateSecurityGroupRuleDescriptionsIngress"];
    assert_eq!(code(&mut cloud, &[wrong_way.as_slice(), &rule].concat()), "InvalidPermission.NotFound");
}

#[test]
fn a_group_made_by_a_call_lets_everything_out_and_goes_only_when_unused() {
    let mut cloud = world();
    let create = ["Action=CreateSecurityGroup", "VpcId=vpc-0eeeeeeeeeeeeeee1", "GroupName=new", "GroupDescription=x"];
    let made = ok(&mut cloud, &create).child_text("groupId").unwrap().to_owned();
    assert_eq!(code(&mut cloud, &create), "InvalidGroup.Duplicate");
    let rules = &cloud.resources().groups[&id::<GroupId>(&made)].rules;
    assert_eq!((rules.len(), rules[0].direction, rules[0].traffic), (1, Direction::Egress, Traffic::ALL));
    ok(&mut cloud, &["Action=DeleteSecurityGroup", &format!("GroupId={made}")]);
    assert_eq!(
        code(&mut cloud, &["Action=DeleteSecurityGroup", "GroupId=sg-0bbbbbbbbbbbbbbb1"]),
        "DependencyViolation"
    );
}

#[test]
fn membership_changes_by_interface_or_by_instance() {
    let mut cloud = world();
    cloud.add_group(id("sg-0123abcd"), id(VPC), "second").unwrap();
    let by_instance = ["Action=ModifyInstanceAttribute", "InstanceId=i-0aaaaaaaaaaaaaaa1", "GroupId.1=sg-0123abcd"];
    ok(&mut cloud, &by_instance);
    assert_eq!(last_record(&cloud)["requestParameters"]["groupSet"], json!({"items": [{"groupId": "sg-0123abcd"}]}));
    let primary = cloud.resources().interfaces_of(&id(WEB))[0].clone();
    assert_eq!(primary.groups, [id("sg-0123abcd")]);
    let interface = format!("NetworkInterfaceId={}", primary.id);
    let modify = ["Action=ModifyNetworkInterfaceAttribute", &interface];
    ok(&mut cloud, &[&modify[..], &["SecurityGroupId.1=sg-0bbbbbbbbbbbbbbb1", "SourceDestCheck.Value=false"]].concat());
    let primary = cloud.resources().interfaces_of(&id(WEB))[0].clone();
    assert_eq!((primary.groups, primary.source_dest_check), (vec![id(GROUP)], false));
    assert_eq!(last_record(&cloud)["requestParameters"]["sourceDestCheck"], json!({"value": false}));
    let unknown = [&modify[..], &["SecurityGroupId.1=sg-0000abcd"]].concat();
    assert_eq!(code(&mut cloud, &unknown), "InvalidGroup.NotFound");
}
