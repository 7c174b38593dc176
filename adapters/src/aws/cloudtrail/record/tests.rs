use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

const WEB: &str = "i-0aaaaaaaaaaaaaaa1";
const NEW: &str = "i-0aaaaaaaaaaaaaaa2";
const GROUP: &str = "sg-0fffffffffffffff1";
/// A group that permissions refer to: never the one that a call is about.
const PEER: &str = "sg-0fffffffffffffff2";

/// A record with these fields, as a trail writes it.
fn record(fields: &Value) -> Value {
    let mut record = json!({"eventVersion": "1.11", "eventSource": EC2, "eventID": "e-1", "eventType": "AwsApiCall",
        "eventTime": "2026-11-02T08:15:04Z", "eventCategory": "Management", "managementEvent": true, "readOnly": false,
        "requestParameters": null, "responseElements": null});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

/// A call with its parameters and its answer.
fn call(name: &str, request: Value, response: Value) -> Value {
    let fields = [("eventName", name.into()), ("requestParameters", request), ("responseElements", response)];
    record(&fields.into_iter().map(|(label, value)| (label.to_owned(), value)).collect())
}

/// What becomes of each record, a line each: `name instances; groups`.
#[track_caller]
fn check(records: &[Value], expected: &Expect) {
    let list = |ids: Vec<&str>| ids.iter().map(|id| format!(" {id}")).collect::<String>();
    let line = |record: &Value| {
        assert_eq!(event_in(record.to_string().as_bytes()), event_of(record));
        let Some(event) = event_of(record) else { return "dropped\n".to_owned() };
        let instances = list(event.instances.iter().map(InstanceId::as_str).collect());
        let groups = list(event.groups.iter().map(GroupId::as_str).collect());
        format!("{}{instances};{groups}\n", event.name)
    };
    expected.assert_eq(&records.iter().map(line).collect::<String>());
}

/// Each of these records leaves nothing behind.
#[track_caller]
fn check_dropped(all_fields: &[Value]) {
    for fields in all_fields {
        assert_eq!(event_of(&record(fields)), None, "{fields}");
        assert_eq!(event_in(record(fields).to_string().as_bytes()), None, "{fields}");
    }
}

#[test]
fn instances_change_their_state() {
    let named = json!({"instancesSet": {"items": [{"instanceId": WEB}, {"instanceId": NEW}]}});
    let turned = |state: &str| json!({"requestId": "r-1", "instancesSet": {"items": [{"instanceId": NEW, "currentState": {"code": 0, "name": state}}, {"instanceId": WEB}]}});
    let launched = json!({"reservationId": "r-0ddddddddddddddd1", "groupSet": {}, "instancesSet": {"items": [
        {"instanceId": NEW, "instanceState": {"code": 0, "name": "pending"}, "launchTime": 1793600000000_u64,
         "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-0111111111111111a",
            "groupSet": {"items": [{"groupId": GROUP, "groupName": "web"}]},
            "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.1.23", "primary": true}]}, "tagSet": {}}]}}]}});
    check(
        &[
            call("StartInstances", named.clone(), turned("pending")),
            call(
                "StopInstances",
                json!({"force": true, "hibernate": true, "instancesSet": {"items": [{"instanceId": WEB}]}}),
                turned("stopping"),
            ),
            call(
                "TerminateInstances",
                json!({"skipOsShutdown": false, "instancesSet": {"items": [{"instanceId": WEB}]}}),
                Value::Null,
            ),
            call(
                "RunInstances",
                json!({"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 1}]}, "blockDeviceMapping": {}, "clientToken": "fleet-1"}),
                launched,
            ),
            call(
                "CreateFleet",
                json!({"CreateFleetRequest": {"Type": "instant", "LaunchTemplateConfigs": {"tag": 1, "Overrides": ""}}}),
                json!({"CreateFleetResponse": {"fleetInstanceSet": {"item": {"instanceIds": {"item": {"content": NEW, "tag": 1}}}}}}),
            ),
            call(
                "CreateFleet",
                json!({"CreateFleetRequest": {"Type": "instant"}}),
                json!({"CreateFleetResponse": {"fleetInstanceSet": {"item": [{"instanceIds": {"item": [WEB, NEW]}}, {"instanceIds": ""}]}}}),
            ),
        ],
        &expect![[r#"
            StartInstances i-0aaaaaaaaaaaaaaa1 i-0aaaaaaaaaaaaaaa2;
            StopInstances i-0aaaaaaaaaaaaaaa1 i-0aaaaaaaaaaaaaaa2;
            TerminateInstances i-0aaaaaaaaaaaaaaa1;
            RunInstances i-0aaaaaaaaaaaaaaa2;
            CreateFleet i-0aaaaaaaaaaaaaaa2;
            CreateFleet i-0aaaaaaaaaaaaaaa1 i-0aaaaaaaaaaaaaaa2;
        "#]],
    );
}

#[test]
fn service_events_name_instances_in_their_details() {
    let evicted = |details: &Value| {
        record(
            &json!({"eventName": "BidEvictedEvent", "eventType": "AwsServiceEvent", "readOnly": null, "serviceEventDetails": details,
            "requestParameters": null, "RequestParameters": null,
            "userIdentity": {"accountId": "111122223333", "invokedBy": "ec2.amazonaws.com"}}),
        )
    };
    let cut_short = evicted(&Value::Null);
    check(
        &[evicted(&json!({"instanceIdSet": [WEB, NEW]})), evicted(&json!({"instanceIdSet": WEB})), cut_short],
        &expect![[r#"
            BidEvictedEvent i-0aaaaaaaaaaaaaaa1 i-0aaaaaaaaaaaaaaa2;
            BidEvictedEvent i-0aaaaaaaaaaaaaaa1;
            BidEvictedEvent;
        "#]],
    );
}

#[test]
fn a_change_of_permissions_is_about_the_group_it_changes() {
    let permission = json!({"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": {"items": [{"cidrIp": "203.0.113.0/24"}]},
        "groups": {"items": [{"userId": "111122223333", "groupId": PEER}]}, "ipv6Ranges": {}, "prefixListIds": {}});
    let permissions = json!({"items": [permission]});
    let rules = json!({"items": [{"groupId": GROUP, "groupOwnerId": "111122223333", "securityGroupRuleId": "sgr-0222222222222222a", "isEgress": false,
        "ipProtocol": "-1", "fromPort": -1, "toPort": -1, "referencedGroupInfo": {"groupId": PEER, "userId": "111122223333"}}]});
    let revoked = json!({"items": [{"groupId": GROUP, "securityGroupRuleId": "sgr-0222222222222222a", "referencedGroupId": PEER}]});
    let done = json!({"requestId": "r-1", "_return": true});
    check(
        &[
            call(
                "AuthorizeSecurityGroupIngress",
                json!({"groupId": GROUP, "ipPermissions": permissions}),
                json!({"_return": true, "securityGroupRuleSet": rules}),
            ),
            call("AuthorizeSecurityGroupEgress", json!({"groupId": GROUP, "ipPermissions": permissions}), done.clone()),
            // Flat, with a range of addresses or with a group.
            call(
                "AuthorizeSecurityGroupIngress",
                json!({"groupId": GROUP, "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIp": "198.51.100.7/32"}),
                done.clone(),
            ),
            call(
                "RevokeSecurityGroupIngress",
                json!({"groupId": GROUP, "ipPermissions": {}, "sourceSecurityGroupName": "lb", "sourceSecurityGroupOwnerId": "111122223333"}),
                done.clone(),
            ),
            // By name: the answer has the id, unless it is an old one.
            call(
                "AuthorizeSecurityGroupIngress",
                json!({"groupName": "default", "ipPermissions": permissions}),
                json!({"_return": true, "securityGroupRuleSet": rules}),
            ),
            call(
                "RevokeSecurityGroupEgress",
                json!({"groupName": "default", "ipPermissions": permissions}),
                json!({"_return": true, "revokedSecurityGroupRuleSet": revoked}),
            ),
            call(
                "RevokeSecurityGroupEgress",
                json!({"groupName": "default", "ipPermissions": permissions}),
                done.clone(),
            ),
            // By the ids of rules, with the group and without it.
            call(
                "RevokeSecurityGroupIngress",
                json!({"groupId": GROUP, "ipPermissions": {}, "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-0222222222222222a"}]}}),
                done.clone(),
            ),
            call(
                "RevokeSecurityGroupIngress",
                json!({"ipPermissions": {}, "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-0222222222222222a"}]}}),
                json!({"_return": true, "revokedSecurityGroupRuleSet": revoked}),
            ),
        ],
        &expect![[r#"
            AuthorizeSecurityGroupIngress; sg-0fffffffffffffff1
            AuthorizeSecurityGroupEgress; sg-0fffffffffffffff1
            AuthorizeSecurityGroupIngress; sg-0fffffffffffffff1
            RevokeSecurityGroupIngress; sg-0fffffffffffffff1
            AuthorizeSecurityGroupIngress; sg-0fffffffffffffff1
            RevokeSecurityGroupEgress; sg-0fffffffffffffff1
            RevokeSecurityGroupEgress;
            RevokeSecurityGroupIngress; sg-0fffffffffffffff1
            RevokeSecurityGroupIngress; sg-0fffffffffffffff1
        "#]],
    );
}

#[test]
fn permissions_in_the_style_of_newer_actions() {
    let change = |protocol: Value| json!({"tag": 1, "SecurityGroupRuleId": "sgr-0222222222222222a", "SecurityGroupRule": {"IpProtocol": protocol, "Description": 123, "ReferencedGroupId": PEER}});
    let modified = |changes: Value| {
        call(
            "ModifySecurityGroupRules",
            json!({"ModifySecurityGroupRulesRequest": {"GroupId": GROUP, "SecurityGroupRule": changes}}),
            json!({"ModifySecurityGroupRulesResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "return": true}}),
        )
    };
    let in_answer = |rules: &Value| {
        call(
            "RevokeSecurityGroupIngress",
            json!({"RevokeSecurityGroupIngressRequest": {"GroupName": "web", "SecurityGroupRuleId": {"content": "sgr-0222222222222222a", "tag": "1"}}}),
            json!({"RevokeSecurityGroupIngressResponse": {"revokedSecurityGroupRuleSet": rules, "unknownIpPermissionSet": ""}}),
        )
    };
    check(
        &[
            modified(change(json!(-1))),
            modified(json!([change(json!("6")), change(json!(true))])),
            modified(json!("")),
            in_answer(&json!({"item": {"groupId": GROUP, "referencedGroupId": PEER}})),
            in_answer(&json!({"item": [{"groupId": GROUP}, {"groupId": {"content": PEER, "tag": 2}}]})),
            in_answer(&json!("")),
        ],
        &expect![[r#"
            ModifySecurityGroupRules; sg-0fffffffffffffff1
            ModifySecurityGroupRules; sg-0fffffffffffffff1
            ModifySecurityGroupRules; sg-0fffffffffffffff1
            RevokeSecurityGroupIngress; sg-0fffffffffffffff1
            RevokeSecurityGroupIngress; sg-0fffffffffffffff1 sg-0fffffffffffffff2
            RevokeSecurityGroupIngress;
        "#]],
    );
}

#[test]
fn membership_interfaces_and_addresses() {
    let groups = json!({"items": [{"groupId": GROUP}, {"groupId": PEER}]});
    let done = json!({"requestId": "r-1", "_return": true});
    check(
        &[
            call(
                "ModifyNetworkInterfaceAttribute",
                json!({"networkInterfaceId": "eni-0111111111111111a", "groupSet": groups}),
                done.clone(),
            ),
            call("ModifyInstanceAttribute", json!({"instanceId": WEB, "groupSet": groups}), done.clone()),
            call(
                "AssociateSecurityGroupVpc",
                json!({"AssociateSecurityGroupVpcRequest": {"GroupId": GROUP, "VpcId": "vpc-0eeeeeeeeeeeeeee1"}}),
                Value::Null,
            ),
            call(
                "AttachNetworkInterface",
                json!({"networkInterfaceId": "eni-0111111111111111b", "instanceId": WEB, "deviceIndex": 1}),
                json!({"attachmentId": "eni-attach-0222222222222222a"}),
            ),
            call(
                "DetachNetworkInterface",
                json!({"attachmentId": "eni-attach-0222222222222222a", "force": true}),
                done.clone(),
            ),
            call(
                "CreateNetworkInterface",
                json!({"subnetId": "subnet-0bbbbbbbbbbbbbbb1", "groupSet": groups}),
                json!({"networkInterface": {"networkInterfaceId": "eni-0111111111111111c", "groupSet": groups, "requesterManaged": true}}),
            ),
            call("DeleteNetworkInterface", json!({"networkInterfaceId": "eni-0111111111111111c"}), done.clone()),
            call(
                "AssignPrivateIpAddresses",
                json!({"networkInterfaceId": "eni-0111111111111111a", "privateIpAddressesSet": {}}),
                json!({"assignedPrivateIpAddressesSet": {"assignedPrivateIpAddressSetType": [{"privateIpAddress": "10.0.1.77"}]}}),
            ),
            call(
                "AssociateAddress",
                json!({"allocationId": "eipalloc-0333", "instanceId": WEB}),
                json!({"associationId": "eipassoc-0444"}),
            ),
            call("DisassociateAddress", json!({"associationId": "eipassoc-0444"}), done.clone()),
            // Groups and instances of one call, and a group that is none.
            call(
                "CreateSecurityGroup",
                json!({"groupName": "web", "vpcId": "vpc-0eeeeeeeeeeeeeee1"}),
                json!({"groupId": GROUP, "_return": true}),
            ),
            call("DeleteSecurityGroup", json!({"groupId": "..."}), done),
        ],
        &expect![[r#"
            ModifyNetworkInterfaceAttribute;
            ModifyInstanceAttribute i-0aaaaaaaaaaaaaaa1;
            AssociateSecurityGroupVpc; sg-0fffffffffffffff1
            AttachNetworkInterface i-0aaaaaaaaaaaaaaa1;
            DetachNetworkInterface;
            CreateNetworkInterface;
            DeleteNetworkInterface;
            AssignPrivateIpAddresses;
            AssociateAddress i-0aaaaaaaaaaaaaaa1;
            DisassociateAddress;
            CreateSecurityGroup; sg-0fffffffffffffff1
            DeleteSecurityGroup;
        "#]],
    );
}

#[test]
fn routes_networks_and_prefix_lists() {
    let done = json!({"requestId": "r-1", "_return": true});
    check(
        &[
            call(
                "CreateRoute",
                json!({"routeTableId": "rtb-0333333333333333a", "destinationCidrBlock": "0.0.0.0/0", "instanceId": WEB}),
                done.clone(),
            ),
            call(
                "ReplaceRouteTableAssociation",
                json!({"associationId": "rtbassoc-0555555555555555a", "routeTableId": "rtb-0333333333333333b"}),
                json!({"newAssociationId": "rtbassoc-0555555555555555b"}),
            ),
            call(
                "EnableRouteServerPropagation",
                json!({"EnableRouteServerPropagationRequest": {"RouteTableId": "rtb-0333333333333333b"}}),
                Value::Null,
            ),
            call(
                "DeleteVpcEndpoints",
                json!({"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"content": "vpce-0777", "tag": 1}}}),
                json!({"DeleteVpcEndpointsResponse": {"unsuccessful": ""}}),
            ),
            call(
                "ModifyManagedPrefixList",
                json!({"ModifyManagedPrefixListRequest": {"PrefixListId": "pl-0999999999999999a", "CurrentVersion": 3, "AddEntry": {"tag": "1", "Cidr": "203.0.113.64/26"}, "RemoveEntry": [{"tag": 1, "Cidr": "192.0.2.0/28"}]}}),
                Value::Null,
            ),
            call("AssociateVpcCidrBlock", json!({"vpcId": "vpc-0eeeeeeeeeeeeeee1", "cidrBlock": "10.1.0.0/16"}), done),
        ],
        &expect![[r#"
            CreateRoute i-0aaaaaaaaaaaaaaa1;
            ReplaceRouteTableAssociation;
            EnableRouteServerPropagation;
            DeleteVpcEndpoints;
            ModifyManagedPrefixList;
            AssociateVpcCidrBlock;
        "#]],
    );
}

#[test]
fn tags_are_kept_only_where_an_instance_has_them() {
    let tags = json!({"items": [{"key": "firewall", "value": "managed"}, {"key": "stands in for", "value": NEW}]});
    let tagged = |name: &str, resources: Value| {
        call(name, json!({"resourcesSet": resources, "tagSet": tags}), json!({"_return": true}))
    };
    let newer = |resources: Value| {
        call(
            "CreateTags",
            json!({"CreateTagsRequest": {"ResourceId": resources, "Tag": {"tag": 1, "Key": "for", "Value": NEW}}}),
            Value::Null,
        )
    };
    check(
        &[
            tagged("CreateTags", json!({"items": [{"resourceId": WEB}]})),
            tagged("DeleteTags", json!({"items": [{"resourceId": "vol-0666666666666666a"}, {"resourceId": WEB}]})),
            newer(json!([{"content": "snap-0666666666666666a", "tag": 1}, {"content": WEB, "tag": 2}])),
            tagged("CreateTags", json!({"items": [{"resourceId": "vol-0666666666666666a"}]})),
            tagged("DeleteTags", json!({})),
            newer(json!({"content": "snap-0666666666666666a", "tag": 1})),
            // Nobody can tell what these are about.
            call("CreateTags", Value::Null, json!({"_return": true})),
            call("CreateTags", json!({"omitted": true}), json!({"_return": true})),
            // Any other call may carry tags.
            call(
                "CreateNetworkInterface",
                json!({"tagSpecificationSet": {"items": [{"resourceType": "network-interface", "tags": [{"key": "for", "value": WEB}]}]}}),
                json!({"networkInterface": {"tagSet": {"items": [{"key": "for", "value": WEB}]}}}),
            ),
            call(
                "CreateNatGateway",
                json!({"CreateNatGatewayRequest": {"TagSpecification": {"tag": 1, "Tag": [{"Key": "for", "Value": WEB, "tag": 1}]}}}),
                Value::Null,
            ),
        ],
        &expect![[r#"
            CreateTags i-0aaaaaaaaaaaaaaa1;
            DeleteTags i-0aaaaaaaaaaaaaaa1;
            CreateTags i-0aaaaaaaaaaaaaaa1;
            dropped
            dropped
            dropped
            CreateTags;
            CreateTags;
            CreateNetworkInterface;
            CreateNatGateway;
        "#]],
    );
}

#[test]
fn failures_dry_runs_reads_and_other_records_are_dropped() {
    check_dropped(&[
        json!({"eventName": "StartInstances", "errorCode": "Client.DryRunOperation", "errorMessage": "it would have succeeded"}),
        json!({"eventName": "StartInstances", "errorCode": "UnauthorizedOperation"}),
        json!({"eventName": "StartInstances", "errorCode": "Server.InsufficientInstanceCapacity"}),
        json!({"eventName": "StartInstances", "errorCode": 403, "responseElements": {"_return": true}}),
        json!({"eventName": "DescribeInstances", "readOnly": true}),
        json!({"eventName": "SearchTransitGatewayRoutes", "readOnly": "True"}),
        json!({"eventName": "DescribeInstances", "readOnly": null}),
        json!({"eventName": "GetConsoleOutput", "readOnly": null}),
        json!({"eventName": "ListSnapshotsInRecycleBin", "readOnly": false}),
        json!({"eventName": "StartInstances", "eventSource": "rds.amazonaws.com", "sourceIPAddress": EC2}),
        json!({"eventName": "SetSecurityGroups", "eventSource": "elasticloadbalancing.amazonaws.com"}),
        json!({"eventName": "TerminateInstanceInAutoScalingGroup", "eventSource": "autoscaling.amazonaws.com"}),
        json!({"eventType": "AwsCloudTrailInsight", "eventCategory": "Insight", "eventSource": null, "insightDetails": {"eventSource": EC2}}),
        json!({"eventName": "StartInstances", "eventType": "AwsCloudTrailInsight"}),
        json!({"eventName": "StartInstances", "eventType": "AwsVpceEvents", "eventCategory": "NetworkActivity"}),
    ]);
}

#[test]
fn missing_and_odd_fields_are_no_reason_to_drop_a_write() {
    check(
        &[
            record(
                &json!({"eventName": "StopInstances", "requestParameters": "omitted", "errorCode": null, "errorMessage": null}),
            ),
            record(&json!({"eventName": "StopInstances", "errorCode": ""})),
            record(
                &json!({"eventName": "NewAction", "eventID": 7, "userIdentity": "x", "eventTime": 1793600000, "readOnly": null}),
            ),
            record(&json!({"eventName": ["x"], "responseElements": [1, {"a": NEW}]})),
            record(&json!({"eventName": null})),
            // Whose call it is, is not said, but EC2 is mentioned.
            record(&json!({"eventName": "StartInstances", "eventSource": null, "userIdentity": {"invokedBy": EC2}})),
            // As systems that collect logs hand them on: a blank in the time, numbers as text, most fields missing.
            json!({"eventSource": EC2, "eventName": "AuthorizeSecurityGroupIngress", "eventTime": "2026-11-02 08:15:04.000", "eventVersion": "1.08",
                "requestParameters": {"groupId": GROUP, "ipPermissions": {"items": [{"fromPort": "443", "toPort": "443", "ipProtocol": "tcp"}]}}}),
        ],
        &expect![[r#"
            StopInstances;
            StopInstances;
            NewAction;
            unreadable record i-0aaaaaaaaaaaaaaa2;
            unreadable record;
            StartInstances;
            AuthorizeSecurityGroupIngress; sg-0fffffffffffffff1
        "#]],
    );
}

#[test]
fn names_end_on_one_line_of_a_log() {
    let detail = json!({"eventSource": EC2, "eventName": "StartInstances\n INFO in sync\u{1b}[2J", "eventID": "1\r2",
        "userIdentity": {"arn": format!("arn:\n{}", "x".repeat(5_000))}});
    let event = event_of(&detail).unwrap();
    assert_eq!((event.name.as_str(), event.id.as_str()), ("StartInstances INFO in sync [2J", "1 2"));
    let principal = event.principal.unwrap();
    assert!(principal.starts_with("arn: xxx") && principal.chars().count() < 400, "{principal}");
}

#[test]
fn what_cannot_be_read_may_be_anything() {
    for text in [
        r#"{"eventSource":"ec2.amazonaws.com","eventName":"\q"}"#,
        r#"{"eventSource":"ec2.amazonaws.com""#,
        r#""ec2.amazonaws.com""#,
    ] {
        assert_eq!(event_in(text.as_bytes()), Some(unreadable()), "{text}");
    }
    assert_eq!(event_in(b"{\"eventSource\":\"\xff\"}"), Some(unreadable()));
    for detail in [json!(null), json!("x"), json!(1)] {
        assert_eq!(event_of(&detail), Some(unreadable()), "{detail}");
    }
    assert_eq!(event_of(&json!({})), Some(unreadable()));
}

#[test]
fn the_caller_is_named_as_far_as_the_record_says() {
    for (identity, principal) in [
        (
            json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/scale/x", "invokedBy": "autoscaling.amazonaws.com"}),
            Some("arn:aws:sts::111122223333:assumed-role/scale/x"),
        ),
        (json!({"accountId": "111122223333", "invokedBy": "ec2.amazonaws.com"}), Some("ec2.amazonaws.com")),
        (json!({"principalId": "AIDAEXAMPLE"}), Some("AIDAEXAMPLE")),
        (json!({"arn": 1}), Some("1")),
        (json!({}), None),
        (json!(null), None),
        (json!("root"), None),
    ] {
        let event = event_of(&record(&json!({"eventName": "StartInstances", "userIdentity": identity}))).unwrap();
        assert_eq!(event.principal.as_deref(), principal, "{identity}");
    }
}
