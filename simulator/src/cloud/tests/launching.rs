//! Launches, and what is asked of instances and interfaces afterwards.

use super::*;

const LAUNCH: [&str; 4] = ["Action=RunInstances", "ImageId=ami-0123abcd", "MinCount=1", "MaxCount=1"];

fn launch(more: &[&str]) -> Vec<String> {
    LAUNCH.iter().chain(more).map(|text| (*text).to_owned()).collect()
}

fn texts(fields: &[String]) -> Vec<&str> {
    fields.iter().map(String::as_str).collect()
}

#[test]
fn a_launch_with_several_interfaces_gives_each_what_was_asked_for() {
    let mut cloud = world();
    let launch = launch(&[
        "NetworkInterface.1.DeviceIndex=0",
        "NetworkInterface.1.SubnetId=subnet-0ccccccccccccccc1",
        "NetworkInterface.1.SecurityGroupId.1=sg-0bbbbbbbbbbbbbbb1",
        "NetworkInterface.1.PrivateIpAddresses.1.PrivateIpAddress=10.0.1.21",
        "NetworkInterface.1.PrivateIpAddresses.2.PrivateIpAddress=10.0.1.20",
        "NetworkInterface.1.PrivateIpAddresses.2.Primary=true",
        "NetworkInterface.1.DeleteOnTermination=false",
        "NetworkInterface.2.DeviceIndex=1",
        "NetworkInterface.2.SubnetId=subnet-0ccccccccccccccc1",
        "NetworkInterface.2.SecondaryPrivateIpAddressCount=2",
        "NetworkInterface.2.Ipv4PrefixCount=1",
    ]);
    let answer = ok(&mut cloud, &texts(&launch));
    let instance = answer.at(&["instancesSet", "item", "instanceId"]).unwrap().text.clone();
    let held = cloud.resources().interfaces_of(&id(&instance));
    let [first, second] = held[..] else { panic!("{held:?}") };
    assert_eq!(first.addresses, ["10.0.1.20".parse::<std::net::Ipv4Addr>().unwrap(), "10.0.1.21".parse().unwrap()]);
    assert_eq!((second.addresses.len(), second.prefixes.len()), (3, 1));
    assert!(second.addresses.iter().all(|address| !second.prefixes[0].contains(&std::net::IpAddr::V4(*address))));
    let kept = first.id.clone();
    ok(&mut cloud, &["Action=TerminateInstances", &format!("InstanceId.1={instance}")]);
    let left: Vec<_> =
        cloud.resources().interfaces.values().filter(|interface| interface.attachment.is_none()).collect();
    assert_eq!(left.iter().map(|interface| &interface.id).collect::<Vec<_>>(), [&kept]);
}

#[test]
fn a_launch_that_fails_half_way_leaves_nothing() {
    let mut cloud = world();
    let before = format!("{:?}", cloud.resources());
    let taken = launch(&[
        "NetworkInterface.1.DeviceIndex=0",
        "NetworkInterface.1.SubnetId=subnet-0ccccccccccccccc1",
        "NetworkInterface.2.DeviceIndex=1",
        "NetworkInterface.2.SubnetId=subnet-0ccccccccccccccc1",
        "NetworkInterface.2.PrivateIpAddress=10.0.1.10",
    ]);
    assert_eq!(code(&mut cloud, &texts(&taken)), "InvalidIPAddress.InUse");
    assert_eq!(format!("{:?}", cloud.resources()), before);
}

#[test]
fn a_launch_needs_an_image_and_gets_no_template() {
    let mut cloud = world();
    for (more, refusal) in [
        (vec!["ImageId=ami-x"], "InvalidAMIID.Malformed"),
        (vec!["ImageId="], "MissingParameter"),
        (vec!["LaunchTemplate.LaunchTemplateId=lt-0123abcd"], "InvalidLaunchTemplateId.NotFound"),
        (vec!["MinCount=2"], "InvalidParameterValue"),
        (vec![], "VPCIdNotSpecified"),
    ] {
        assert_eq!(code(&mut cloud, &texts(&launch(&more))), refusal, "{more:?}");
    }
}

#[test]
fn a_client_token_makes_a_call_once() {
    let mut cloud = world();
    let same = launch(&["SubnetId=subnet-0ccccccccccccccc1", "ClientToken=once"]);
    let first = ok(&mut cloud, &texts(&same));
    let count = cloud.resources().instances.len();
    let again = ok(&mut cloud, &texts(&same));
    assert_eq!((first.child("instancesSet"), cloud.resources().instances.len()), (again.child("instancesSet"), count));
    let other = launch(&["SubnetId=subnet-0ccccccccccccccc1", "ClientToken=once", "InstanceType=t3.large"]);
    assert_eq!(code(&mut cloud, &texts(&other)), "IdempotentParameterMismatch");
}

#[test]
fn what_is_protected_is_neither_stopped_nor_terminated() {
    let mut cloud = world();
    let web = format!("InstanceId={WEB}");
    let ids = format!("InstanceId.1={WEB}");
    ok(&mut cloud, &["Action=ModifyInstanceAttribute", &web, "DisableApiTermination.Value=true"]);
    assert_eq!(code(&mut cloud, &["Action=TerminateInstances", &ids]), "OperationNotPermitted");
    ok(&mut cloud, &["Action=ModifyInstanceAttribute", &web, "Attribute=disableApiTermination", "Value=false"]);
    ok(&mut cloud, &["Action=ModifyInstanceAttribute", &web, "InstanceType.Value=t3.large"]);
    let ask = ["Action=DescribeInstanceAttribute", &web, "Attribute=instanceType"];
    assert_eq!(ok(&mut cloud, &ask).at(&["instanceType", "value"]).unwrap().text, "t3.large");
    ok(&mut cloud, &["Action=StartInstances", &ids]);
    let kind = ["Action=ModifyInstanceAttribute", &web, "InstanceType.Value=t3.small"];
    assert_eq!(code(&mut cloud, &kind), "IncorrectInstanceState");
    ok(&mut cloud, &["Action=ModifyInstanceAttribute", &web, "DisableApiStop.Value=true"]);
    assert_eq!(code(&mut cloud, &["Action=StopInstances", &ids]), "OperationNotPermitted");
}

#[test]
fn a_lent_public_address_is_another_one_after_every_start() {
    let mut cloud = world();
    let subnet = format!("SubnetId={SUBNET}");
    ok(&mut cloud, &["Action=ModifySubnetAttribute", &subnet, "MapPublicIpOnLaunch.Value=true"]);
    let answer = ok(&mut cloud, &texts(&launch(&[&subnet])));
    let instance = answer.at(&["instancesSet", "item", "instanceId"]).unwrap().text.clone();
    let ids = format!("InstanceId.1={instance}");
    let mut public = |action: &str, second: u64| {
        if !action.is_empty() {
            ask(&mut cloud, at(second), &[&format!("Action={action}"), &ids]);
        }
        let (_, found) = ask(&mut cloud, at(second), &["Action=DescribeInstances", &ids]);
        found.at(&["reservationSet", "item", "instancesSet", "item", "ipAddress"]).map(|address| address.text.clone())
    };
    let first = public("", 1);
    assert!(first.is_some());
    assert_eq!(public("StopInstances", 2), None);
    let second = public("StartInstances", 3);
    assert!(second.is_some() && second != first);
}
