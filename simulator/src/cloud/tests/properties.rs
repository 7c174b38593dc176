//! What holds for every request.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::cloud::writes::WRITES;

/// Names and values that mean something in the world of these stories, right and wrong ones.
const PARAMETERS: [&str; 52] = [
    "InstanceId=i-0aaaaaaaaaaaaaaa1",
    "InstanceId.1=i-0aaaaaaaaaaaaaaa1",
    "InstanceId.2=i-0aaaaaaaaaaaaaaaf",
    "InstanceId.3=i-0123abcd",
    "GroupId=sg-0bbbbbbbbbbbbbbb1",
    "GroupId.1=sg-0bbbbbbbbbbbbbbb1",
    "SecurityGroupId.1=sg-0bbbbbbbbbbbbbbb1",
    "IpPermissions.1.IpProtocol=tcp",
    "IpPermissions.1.FromPort=80",
    "IpPermissions.1.ToPort=70000",
    "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
    "IpPermissions.2.IpProtocol=-1",
    "IpPermissions.2.IpRanges.1.CidrIp=nonsense",
    "IpProtocol=-1",
    "CidrIp=198.51.100.0/24",
    "SecurityGroupRule.1.SecurityGroupRuleId=sgr-0123abcd",
    "SubnetId=subnet-0ccccccccccccccc1",
    "ImageId=ami-0123abcd",
    "MinCount=2",
    "MaxCount=2",
    "PrivateIpAddress.1=10.0.1.77",
    "PrivateIpAddress.2=10.0.1.10",
    "NetworkInterfaceId=eni-0111111111111111a",
    "SecondaryPrivateIpAddressCount=255",
    "DeviceIndex=2",
    "RouteTableId=rtb-0ddddddddddddddd1",
    "DestinationCidrBlock=0.0.0.0/0",
    "TransitGatewayId=tgw-0123abcd",
    "VpcId=vpc-0eeeeeeeeeeeeeee1",
    "PrefixListId=pl-0fffffffffffffff1",
    "AddEntry.1.Cidr=203.0.113.0/24",
    "RemoveEntry.1.Cidr=198.51.100.0/24",
    "ResourceId.1=vpc-0eeeeeeeeeeeeeee1",
    "ResourceId.2=vpc-0123abcd",
    "CidrBlock=10.0.64.0/20",
    "CidrBlock=10.9.0.0/16",
    "Ipv6CidrBlock=2001:db8::/64",
    "AmazonProvidedIpv6CidrBlock=true",
    "InternetGatewayId=igw-0123abcd",
    "NatGatewayId=nat-0123abcd",
    "AllocationId=eipalloc-0123abcd",
    "ConnectivityType=private",
    "AttachmentId=eni-attach-0123abcd",
    "NetworkInterface.1.DeviceIndex=0",
    "NetworkInterface.1.SubnetId=subnet-0ccccccccccccccc1",
    "NetworkInterface.2.DeviceIndex=1",
    "NetworkInterface.2.NetworkInterfaceId=eni-0111111111111111a",
    "Ipv4PrefixCount=200",
    "Ipv4Prefix.1=10.0.1.16/28",
    "ServiceName=com.amazonaws.eu-west-1.s3",
    "MaxEntries=1",
    "ClientToken=same",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_refused_changes_nothing(parameters in prop::collection::vec(select(PARAMETERS.to_vec()), 0..16)) {
        let mut world = world();
        let before = (world.dump(at(0)), format!("{:?}", world.resources()));
        for (name, _) in WRITES {
            let mut cloud = world.clone();
            let action = format!("Action={name}");
            let request = [&[action.as_str()], parameters.as_slice()].concat();
            let (status, _) = ask(&mut cloud, at(0), &request);
            prop_assert_eq!(cloud.buffered().len(), 1);
            if status != 200 {
                let after = (cloud.dump(at(0)), format!("{:?}", cloud.resources()));
                prop_assert_eq!(&after, &before, "{}", name);
            }
        }
    }

    #[test]
    fn no_request_is_too_strange(
        mut fields in prop::collection::vec((".{0,20}", ".{0,20}"), 0..8),
        (action, _) in select(WRITES.to_vec()),
    ) {
        fields.push(("Action".into(), action.into()));
        let answer = world().query(&fields, "alice", at(0));
        prop_assert!(Element::parse(&answer.text()).is_ok(), "{}", answer.text());
    }
}
