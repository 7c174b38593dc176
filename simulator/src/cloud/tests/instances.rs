//! Launching, starting, stopping and losing instances.

use super::*;

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
    let state =
        |cloud: &mut Cloud, now| cloud.dump(now).instances.value().pointer("/Reservations").unwrap().to_string();
    assert!(state(&mut cloud, at(23)).contains("pending"));
    assert!(!state(&mut cloud, at(24)).contains("pending"));
    let states: Vec<_> = cloud.take_state_changes().into_iter().map(|change| (change.state, change.at)).collect();
    assert_eq!(states, [(InstanceState::Pending, at(4)), (InstanceState::Running, at(24))]);
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

#[test]
fn a_shutdown_from_inside_shows_as_a_change_of_state_only() {
    let mut cloud = world();
    cloud.shut_down_from_inside(&id(FIREWALL), at(1));
    cloud.shut_down_from_inside(&id(FIREWALL), at(2));
    cloud.reclaim_spot(&id(FIREWALL), at(3));
    let states: Vec<_> = cloud.take_state_changes().into_iter().map(|change| change.state).collect();
    assert_eq!(states, [InstanceState::Stopping, InstanceState::Stopped]);
    assert!(cloud.buffered().is_empty());
}

#[test]
fn all_instances_that_are_not_there_are_told() {
    let mut cloud = world();
    let several =
        ["InstanceId.1=i-0aaaaaaaaaaaaaaa1", "InstanceId.2=i-0000000000000000a", "InstanceId.3=i-0000000000000000b"];
    for action in ["DescribeInstances", "StopInstances", "RebootInstances"] {
        let action_field = format!("Action={action}");
        let asked = [&[action_field.as_str()][..], &several].concat();
        let (status, answer) = ask(&mut cloud, at(1), &asked);
        let error = answer.at(&["Errors", "Error"]).unwrap();
        assert_eq!((status, error.child_text("Code")), (400, Some("InvalidInstanceID.NotFound")));
        let words = "The instance IDs 'i-0000000000000000a, i-0000000000000000b' do not exist";
        assert_eq!(error.child_text("Message"), Some(words), "{action}");
    }
}
