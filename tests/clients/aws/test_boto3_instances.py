"""boto3 against the simulator: instances, their interfaces and addresses."""

import os
import sys
import time

from botocore.exceptions import WaiterError

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from boto import IMAGE, Aws, control, named, start, stop, tagged  # noqa: E402
from simulated import REGION, main  # noqa: E402


def setUpModule():
    start()


def tearDownModule():
    stop()


class Instances(Aws):
    def setUp(self):
        super().setUp()
        self.net = self.vpc()
        self.place = self.subnet(self.net)
        self.web = self.group(self.net)

    def test_an_instance_lives_with_its_waiters(self):
        control("PUT", "settings", starting="1s", stopping="1s")
        answer = self.call(
            "run_instances",
            ImageId=IMAGE,
            InstanceType="t3.small",
            MinCount=1,
            MaxCount=2,
            SubnetId=self.place,
            SecurityGroupIds=[self.web],
            KeyName="key",
            UserData="#!/bin/sh",
            IamInstanceProfile={"Name": "web-role"},
            TagSpecifications=tagged("instance", Name="web") + tagged("network-interface", Name="card"),
        )
        self.assertEqual([one["State"]["Name"] for one in answer["Instances"]], ["pending", "pending"])
        ids = [one["InstanceId"] for one in answer["Instances"]]
        for waiter, call in (("running", None), ("stopped", "stop_instances"), ("running", "start_instances")):
            if call:
                self.call(call, InstanceIds=ids)
            fast = {"Delay": 1, "MaxAttempts": 20}
            self.ec2.get_waiter(f"instance_{waiter}").wait(InstanceIds=ids, WaiterConfig=fast)
            self.counted(f"waiter instance_{waiter}")
        self.ec2.get_waiter("instance_status_ok").wait(InstanceIds=ids, WaiterConfig=fast)
        status = self.call("describe_instance_status", InstanceIds=ids)["InstanceStatuses"]
        self.assertEqual({one["InstanceStatus"]["Status"] for one in status}, {"ok"})
        one = self.instance(ids[0])
        self.assertEqual((one["KeyName"], one["InstanceType"], one["AmiLaunchIndex"]), ("key", "t3.small", 0))
        self.assertEqual(one["IamInstanceProfile"]["Arn"].rsplit("/")[-1], "web-role")
        self.assertEqual(one["Placement"]["AvailabilityZone"], REGION + "a")
        card = one["NetworkInterfaces"][0]
        self.assertEqual((card["Groups"][0]["GroupId"], card["Attachment"]["DeviceIndex"]), (self.web, 0))
        found = self.call("describe_network_interfaces", Filters=[named("attachment.instance-id", ids[0])])
        self.assertEqual(found["NetworkInterfaces"][0]["TagSet"], [{"Key": "Name", "Value": "card"}])
        self.call("reboot_instances", InstanceIds=ids)
        self.assertEqual(self.instance(ids[0])["State"], {"Code": 16, "Name": "running"})
        answer = self.call("terminate_instances", InstanceIds=ids)["TerminatingInstances"][0]
        self.assertEqual((answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]), ("running", "shutting-down"))
        self.ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig=fast)
        self.counted("waiter instance_terminated")
        gone = self.instance(ids[0])
        self.assertEqual((gone["NetworkInterfaces"], gone["State"]["Code"]), ([], 48))
        self.assertEqual(gone["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        self.refused("IncorrectInstanceState", "start_instances", InstanceIds=ids)
        with self.assertRaises(WaiterError):
            self.ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=fast)

    def test_interfaces_addresses_and_prefixes(self):
        spare = self.call(
            "create_network_interface",
            SubnetId=self.place,
            Groups=[self.web],
            Description="spare",
            PrivateIpAddresses=[
                {"PrivateIpAddress": "10.20.1.50", "Primary": True},
                {"PrivateIpAddress": "10.20.1.51", "Primary": False},
            ],
            TagSpecifications=tagged("network-interface", Name="spare"),
        )["NetworkInterface"]
        self.assertEqual((spare["Status"], spare["PrivateIpAddress"]), ("pending", "10.20.1.50"))
        self.assertEqual([one["Primary"] for one in spare["PrivateIpAddresses"]], [True, False])
        spare = spare["NetworkInterfaceId"]
        self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[spare])
        answer = self.call(
            "run_instances",
            ImageId=IMAGE,
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.place,
                    "Groups": [self.web],
                    "PrivateIpAddress": "10.20.1.20",
                    "SecondaryPrivateIpAddressCount": 2,
                    "DeleteOnTermination": True,
                },
                {"DeviceIndex": 1, "SubnetId": self.place, "Ipv4PrefixCount": 2},
                {"DeviceIndex": 2, "NetworkInterfaceId": spare},
            ],
        )["Instances"][0]
        instance = answer["InstanceId"]
        cards = sorted(answer["NetworkInterfaces"], key=lambda card: card["Attachment"]["DeviceIndex"])
        self.assertEqual([len(card["PrivateIpAddresses"]) for card in cards], [3, 1, 2])
        self.assertEqual([len(card.get("Ipv4Prefixes", [])) for card in cards], [0, 2, 0])
        self.assertEqual([card["Attachment"]["DeleteOnTermination"] for card in cards], [True, True, False])
        first, second = cards[0]["NetworkInterfaceId"], cards[1]["NetworkInterfaceId"]
        self.refused("InvalidInstanceID", "modify_instance_attribute", InstanceId=instance, Groups=[self.web])

        assigned = self.call("assign_private_ip_addresses", NetworkInterfaceId=second, PrivateIpAddresses=["10.20.1.99"])
        self.assertEqual(assigned["AssignedPrivateIpAddresses"], [{"PrivateIpAddress": "10.20.1.99"}])
        self.refused("InvalidIPAddress.InUse", "assign_private_ip_addresses", NetworkInterfaceId=first, PrivateIpAddresses=["10.20.1.99"])
        self.call("assign_private_ip_addresses", NetworkInterfaceId=first, PrivateIpAddresses=["10.20.1.99"], AllowReassignment=True)
        more = self.call("assign_private_ip_addresses", NetworkInterfaceId=first, Ipv4PrefixCount=1)
        prefix = more["AssignedIpv4Prefixes"][0]["Ipv4Prefix"]
        self.call("unassign_private_ip_addresses", NetworkInterfaceId=first, Ipv4Prefixes=[prefix])
        self.call("unassign_private_ip_addresses", NetworkInterfaceId=first, PrivateIpAddresses=["10.20.1.99"])
        self.refused("InvalidParameterValue", "unassign_private_ip_addresses", NetworkInterfaceId=first, PrivateIpAddresses=["10.20.1.99"])

        held = self.call("describe_network_interfaces", NetworkInterfaceIds=[spare])["NetworkInterfaces"][0]
        self.refused("InvalidParameterValue", "delete_network_interface", NetworkInterfaceId=spare)
        self.call("detach_network_interface", AttachmentId=held["Attachment"]["AttachmentId"])
        self.refused("InvalidAttachmentID.NotFound", "detach_network_interface", AttachmentId=held["Attachment"]["AttachmentId"])
        self.refused("OperationNotPermitted", "detach_network_interface", AttachmentId=cards[0]["Attachment"]["AttachmentId"])
        again = {"NetworkInterfaceId": spare, "InstanceId": instance}
        self.refused("InvalidParameterValue", "attach_network_interface", DeviceIndex=1, **again)
        attachment = self.call("attach_network_interface", DeviceIndex=3, **again)["AttachmentId"]
        self.refused("InvalidNetworkInterface.InUse", "attach_network_interface", DeviceIndex=4, **again)
        wanted = {"AttachmentId": attachment, "DeleteOnTermination": True}
        self.call("modify_network_interface_attribute", NetworkInterfaceId=spare, Attachment=wanted)
        self.call("modify_network_interface_attribute", NetworkInterfaceId=spare, Description={"Value": "busy"})
        self.call("modify_network_interface_attribute", NetworkInterfaceId=spare, SourceDestCheck={"Value": False})
        other = self.group(self.net, "other")
        self.call("modify_network_interface_attribute", NetworkInterfaceId=spare, Groups=[other])
        told = self.call("describe_network_interfaces", NetworkInterfaceIds=[spare])["NetworkInterfaces"][0]
        self.assertEqual((told["Description"], told["SourceDestCheck"]), ("busy", False))
        self.assertEqual([group["GroupId"] for group in told["Groups"]], [other])
        told = self.call("describe_network_interface_attribute", NetworkInterfaceId=spare, Attribute="sourceDestCheck")
        self.assertEqual(told["SourceDestCheck"], {"Value": False})
        self.call("reset_network_interface_attribute", NetworkInterfaceId=spare, SourceDestCheck="true")
        self.call("terminate_instances", InstanceIds=[instance])
        self.refused("InvalidNetworkInterfaceID.NotFound", "describe_network_interfaces", NetworkInterfaceIds=[spare])
        self.refused(
            "InvalidParameter",
            "create_network_interface",
            SubnetId=self.place,
            Groups=[self.group(self.vpc("10.77.0.0/16"), "far")],
        )

    def test_ipv6_addresses_and_prefixes(self):
        vpc = self.vpc("10.22.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        network = self.call("describe_vpcs", VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        subnet = self.subnet(vpc, "10.22.1.0/24", Ipv6CidrBlock=network.replace("/56", "/64"))
        card = self.call("create_network_interface", SubnetId=subnet, Ipv6AddressCount=2)["NetworkInterface"]
        self.assertEqual(len(card["Ipv6Addresses"]), 2)
        card = card["NetworkInterfaceId"]
        named_one = network.replace("/56", "")[:-1] + "5:5"
        named_one = network.split("/")[0] + "99"
        answer = self.call("assign_ipv6_addresses", NetworkInterfaceId=card, Ipv6Addresses=[named_one])
        self.assertEqual(len(answer["AssignedIpv6Addresses"]), 1)
        answer = self.call("assign_ipv6_addresses", NetworkInterfaceId=card, Ipv6PrefixCount=1)
        self.assertTrue(answer["AssignedIpv6Prefixes"][0].endswith("/80"))
        self.call("unassign_ipv6_addresses", NetworkInterfaceId=card, Ipv6Prefixes=answer["AssignedIpv6Prefixes"])
        self.call("unassign_ipv6_addresses", NetworkInterfaceId=card, Ipv6Addresses=[named_one])
        self.refused("InvalidParameterValue", "assign_ipv6_addresses", NetworkInterfaceId=card, Ipv6Addresses=["2001:db9::1"])
        one = self.run_one(subnet, Ipv6AddressCount=1)
        self.assertEqual(len(self.instance(one)["NetworkInterfaces"][0]["Ipv6Addresses"]), 1)

    def test_attributes_and_protection(self):
        instance = self.run_one(self.place, DisableApiTermination=True)
        self.refused("OperationNotPermitted", "terminate_instances", InstanceIds=[instance])
        self.refused("IncorrectInstanceState", "modify_instance_attribute", InstanceId=instance, InstanceType={"Value": "t3.large"})
        self.call("stop_instances", InstanceIds=[instance])
        self.call("modify_instance_attribute", InstanceId=instance, InstanceType={"Value": "t3.large"})
        told = self.call("describe_instance_attribute", InstanceId=instance, Attribute="instanceType")
        self.assertEqual(told["InstanceType"], {"Value": "t3.large"})
        self.call("modify_instance_attribute", InstanceId=instance, SourceDestCheck={"Value": False})
        self.call("modify_instance_attribute", InstanceId=instance, Groups=[self.web])
        told = self.call("describe_instance_attribute", InstanceId=instance, Attribute="groupSet")
        self.assertEqual([group["GroupId"] for group in told["Groups"]], [self.web])
        self.assertFalse(self.instance(instance)["SourceDestCheck"])
        self.call("modify_instance_attribute", InstanceId=instance, DisableApiTermination={"Value": False})
        self.call("terminate_instances", InstanceIds=[instance])

    def test_public_addresses(self):
        self.call("modify_subnet_attribute", SubnetId=self.place, MapPublicIpOnLaunch={"Value": True})
        gateway = self.call("create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
        instance = self.run_one(self.place)
        lent = self.instance(instance)["PublicIpAddress"]
        self.call("stop_instances", InstanceIds=[instance])
        self.assertNotIn("PublicIpAddress", self.instance(instance))
        elastic = self.call("allocate_address", Domain="vpc", TagSpecifications=tagged("elastic-ip", Name="mine"))
        wanted = {"AllocationId": elastic["AllocationId"], "InstanceId": instance}
        self.refused("Gateway.NotAttached", "associate_address", **wanted)
        self.call("attach_internet_gateway", InternetGatewayId=gateway, VpcId=self.net)
        association = self.call("associate_address", **wanted)["AssociationId"]
        self.refused("Resource.AlreadyAssociated", "associate_address", **wanted)
        self.assertNotEqual(elastic["PublicIp"], lent)
        self.assertEqual(self.instance(instance)["PublicIpAddress"], elastic["PublicIp"])
        found = self.call("describe_addresses", Filters=[named("instance-id", instance)])["Addresses"]
        self.assertEqual((found[0]["AllocationId"], found[0]["Domain"]), (elastic["AllocationId"], "vpc"))
        self.assertEqual(self.call("describe_addresses", PublicIps=[elastic["PublicIp"]])["Addresses"], found)
        self.refused("InvalidIPAddress.InUse", "release_address", AllocationId=elastic["AllocationId"])
        self.refused("DependencyViolation", "detach_internet_gateway", InternetGatewayId=gateway, VpcId=self.net)
        self.call("disassociate_address", AssociationId=association)
        self.call("release_address", AllocationId=elastic["AllocationId"])
        self.refused("InvalidAllocationID.NotFound", "release_address", AllocationId=elastic["AllocationId"])

    def test_launches_are_refused_as_ec2_refuses(self):
        base = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1}
        self.refused("InvalidSubnetID.NotFound", "run_instances", SubnetId="subnet-0123abcd", **base)
        self.refused("InvalidAMIID.Malformed", "run_instances", SubnetId=self.place, **{**base, "ImageId": "image"})
        self.refused("VPCIdNotSpecified", "run_instances", **base)
        self.refused("InvalidGroup.NotFound", "run_instances", SubnetId=self.place, SecurityGroupIds=["sg-0123abcd"], **base)
        card = {"DeviceIndex": 0, "SubnetId": self.place}
        self.refused("InvalidParameterCombination", "run_instances", SubnetId=self.place, NetworkInterfaces=[card], **base)
        self.refused("InvalidParameterValue", "run_instances", SubnetId=self.place, PrivateIpAddress="10.99.0.1", **base)
        self.refused("InvalidInstanceID.NotFound", "describe_instances", InstanceIds=["i-0123456789abcdef0"])
        several = ["i-0123456789abcdef0", "i-0123456789abcdef1"]
        for name in ("describe_instances", "stop_instances"):
            message = self.refused("InvalidInstanceID.NotFound", name, InstanceIds=several)
            self.assertEqual(message, "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist")
        self.refused("InvalidInstanceID.Malformed", "start_instances", InstanceIds=["i-x"])
        self.refused("InvalidParameterCombination", "describe_instances", InstanceIds=["i-0123abcd"], MaxResults=5)
        self.refused("InvalidParameterValue", "describe_instances", MaxResults=3)
        self.refused("InvalidParameterValue", "describe_instances", Filters=[named("no-such-filter", "x")])
        small = self.subnet(self.net, "10.20.2.0/28")
        self.refused("InsufficientFreeAddressesInSubnet", "run_instances", SubnetId=small, **{**base, "MaxCount": 12, "MinCount": 12})
        self.assertEqual(self.call("describe_subnets", SubnetIds=[small])["Subnets"][0]["AvailableIpAddressCount"], 11)

    def test_a_client_token_makes_a_call_once(self):
        same = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "SubnetId": self.place, "ClientToken": f"token-{time.time()}"}
        first = self.call("run_instances", **same)["Instances"][0]
        self.assertEqual(self.call("run_instances", **same)["Instances"][0]["InstanceId"], first["InstanceId"])
        self.assertEqual(first["ClientToken"], same["ClientToken"])
        self.refused("IdempotentParameterMismatch", "run_instances", **{**same, "InstanceType": "t3.large"})
        self.refused("DryRunOperation", "run_instances", status=412, DryRun=True, **{**same, "ClientToken": "other"})


if __name__ == "__main__":
    main()
