"""boto3 against the simulator: a VPC from nothing, what runs in it, and what remains of it."""

import gzip
import json
import os
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from simulated import CREDENTIALS, REGION, Checked, Simulator, main  # noqa: E402

IMAGE = "ami-0123456789abcdef0"
ANYWHERE = "0.0.0.0/0"


def setUpModule():
    global simulator
    simulator = Simulator()


def tearDownModule():
    simulator.stop()


def client(service, attempts=1, **options):
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=options.get("at") or (simulator.s3 if service == "s3" else simulator.ec2),
        aws_access_key_id=options.get("key", CREDENTIALS["AWS_ACCESS_KEY_ID"]),
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, parameter_validation=True),
    )


class Aws(Checked):
    def setUp(self):
        self.ec2, self.s3 = client("ec2"), client("s3")
        self.addCleanup(self.calm)

    def calm(self):
        simulator.control(
            "PUT",
            "settings",
            starting="0s",
            stopping="0s",
            throttle_next=0,
            throttle_rate="none",
            reads_lag="0s",
            event_delay="0s",
            notification_delay="0s",
            denied_actions="",
            managed_resources="visible",
            page_max="none",
        )

    def call(self, name, **arguments):
        """Calls EC2 and counts the call."""
        answer = getattr(self.ec2, name)(**arguments)
        self.counted(name)
        return answer

    def refused(self, code, name, status=400, **arguments):
        """Calls EC2, which must refuse with that code and that HTTP status."""
        with self.assertRaises(ClientError) as caught:
            getattr(self.ec2, name)(**arguments)
        answer = caught.exception.response
        self.assertEqual((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status))
        self.assertTrue(answer["ResponseMetadata"]["RequestId"])
        self.counted(name)
        return answer["Error"]["Message"]

    def vpc(self, cidr="10.20.0.0/16", **arguments):
        vpc = self.call("create_vpc", CidrBlock=cidr, **arguments)["Vpc"]
        return vpc["VpcId"]

    def subnet(self, vpc, cidr="10.20.1.0/24", **arguments):
        return self.call("create_subnet", VpcId=vpc, CidrBlock=cidr, **arguments)["Subnet"]["SubnetId"]

    def group(self, vpc, name="web"):
        return self.call("create_security_group", VpcId=vpc, GroupName=name, Description="for a test")["GroupId"]

    def run_one(self, subnet, **arguments):
        answer = self.call(
            "run_instances", ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, **arguments
        )
        return answer["Instances"][0]["InstanceId"]

    def instance(self, instance):
        found = self.call("describe_instances", InstanceIds=[instance])
        return found["Reservations"][0]["Instances"][0]

    def table(self, table):
        return self.call("describe_route_tables", RouteTableIds=[table])["RouteTables"][0]

    def route(self, table, destination):
        for route in self.table(table)["Routes"]:
            for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"):
                if route.get(key) == destination:
                    return route
        return None


def tagged(kind, **tags):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def named(name, *values):
    return {"Name": name, "Values": list(values)}


class Networks(Aws):
    def test_a_vpc_from_nothing_and_back(self):
        vpc = self.call("create_vpc", CidrBlock="10.30.0.0/16", TagSpecifications=tagged("vpc", Name="built"))["Vpc"]
        self.assertEqual((vpc["State"], vpc["Tags"]), ("pending", [{"Key": "Name", "Value": "built"}]))
        vpc = vpc["VpcId"]
        self.ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
        self.call("modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
        for attribute, member in (("enableDnsHostnames", "EnableDnsHostnames"), ("enableDnsSupport", "EnableDnsSupport")):
            told = self.call("describe_vpc_attribute", VpcId=vpc, Attribute=attribute)
            self.assertEqual(told[member], {"Value": True})
        more = self.call("associate_vpc_cidr_block", VpcId=vpc, CidrBlock="10.31.0.0/16")["CidrBlockAssociation"]
        self.assertEqual(more["CidrBlockState"]["State"], "associating")
        six = self.call("associate_vpc_cidr_block", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
        self.refused("CidrConflict", "associate_vpc_cidr_block", VpcId=vpc, CidrBlock="10.31.128.0/20")
        found = self.call("describe_vpcs", VpcIds=[vpc])["Vpcs"][0]
        self.assertEqual((found["State"], found["CidrBlock"], found["IsDefault"]), ("available", "10.30.0.0/16", False))
        self.assertEqual(len(found["CidrBlockAssociationSet"]), 2)
        network = found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        self.assertTrue(network.endswith("/56"))

        subnet = self.call(
            "create_subnet",
            VpcId=vpc,
            CidrBlock="10.30.1.0/24",
            Ipv6CidrBlock=network.replace("/56", "/64"),
            AvailabilityZone=REGION + "b",
            TagSpecifications=tagged("subnet", Name="left"),
        )["Subnet"]
        self.assertEqual(
            (subnet["AvailabilityZone"], subnet["AvailableIpAddressCount"], subnet["State"]), (REGION + "b", 251, "available")
        )
        right = self.subnet(vpc, "10.31.1.0/24", AvailabilityZoneId="euw1-az3")
        self.refused("InvalidSubnet.Conflict", "create_subnet", VpcId=vpc, CidrBlock="10.30.1.128/25")
        self.refused("InvalidSubnet.Range", "create_subnet", VpcId=vpc, CidrBlock="10.99.0.0/24")
        self.refused("InvalidParameterValue", "create_subnet", VpcId=vpc, CidrBlock="10.30.9.0/24", AvailabilityZone="x")
        self.refused("InvalidParameterValue", "create_subnet", VpcId=vpc, CidrBlock="nonsense")
        self.ec2.get_waiter("subnet_available").wait(SubnetIds=[right])
        self.call("modify_subnet_attribute", SubnetId=right, MapPublicIpOnLaunch={"Value": True})
        found = self.call("describe_subnets", Filters=[named("vpc-id", vpc), named("availability-zone", REGION + "c")])
        self.assertEqual([(s["SubnetId"], s["MapPublicIpOnLaunch"]) for s in found["Subnets"]], [(right, True)])
        # What comes with a VPC.
        main = self.call("describe_route_tables", Filters=[named("vpc-id", vpc), named("association.main", "true")])
        self.assertEqual(len(main["RouteTables"]), 1)
        self.assertEqual({route["GatewayId"] for route in main["RouteTables"][0]["Routes"]}, {"local"})
        default = self.call("describe_security_groups", Filters=[named("vpc-id", vpc)])["SecurityGroups"]
        self.assertEqual([group["GroupName"] for group in default], ["default"])
        self.assertEqual(default[0]["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], default[0]["GroupId"])
        self.refused("CannotDelete", "delete_security_group", GroupId=default[0]["GroupId"])

        # Down again: not before everything in it is gone.
        self.refused("DependencyViolation", "delete_vpc", VpcId=vpc)
        for gone in (subnet["SubnetId"], right):
            self.call("delete_subnet", SubnetId=gone)
        self.refused("InvalidSubnetID.NotFound", "delete_subnet", SubnetId=right)
        self.call("disassociate_vpc_cidr_block", AssociationId=more["AssociationId"])
        self.call("disassociate_vpc_cidr_block", AssociationId=six["AssociationId"])
        first = self.call("describe_vpcs", VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
        self.refused("OperationNotPermitted", "disassociate_vpc_cidr_block", AssociationId=first)
        self.call("delete_vpc", VpcId=vpc)
        self.refused("InvalidVpcID.NotFound", "describe_vpcs", VpcIds=[vpc])
        self.refused("InvalidVpcID.NotFound", "delete_vpc", VpcId=vpc)
        self.refused("InvalidVpc.Range", "create_vpc", CidrBlock="10.0.0.0/8")
        self.refused("MissingParameter", "create_vpc")

    def test_ipv6_of_subnets_comes_and_goes(self):
        vpc = self.vpc(AmazonProvidedIpv6CidrBlock=True)
        network = self.call("describe_vpcs", VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        subnet = self.subnet(vpc)
        self.refused(
            "InvalidParameterValue", "modify_subnet_attribute", SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True}
        )
        block = network.replace("/56", "/64")
        answer = self.call("associate_subnet_cidr_block", SubnetId=subnet, Ipv6CidrBlock=block)
        self.call("modify_subnet_attribute", SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
        interface = self.call("create_network_interface", SubnetId=subnet)["NetworkInterface"]
        self.assertEqual(len(interface["Ipv6Addresses"]), 1)
        association = answer["Ipv6CidrBlockAssociation"]["AssociationId"]
        self.refused("DependencyViolation", "disassociate_subnet_cidr_block", AssociationId=association)
        self.call("delete_network_interface", NetworkInterfaceId=interface["NetworkInterfaceId"])
        self.call("disassociate_subnet_cidr_block", AssociationId=association)
        self.assertEqual(self.call("describe_subnets", SubnetIds=[subnet])["Subnets"][0]["Ipv6CidrBlockAssociationSet"], [])

    def test_routes_lead_to_all_targets(self):
        vpc = self.vpc("10.40.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        subnet = self.subnet(vpc, "10.40.1.0/24")
        table = self.call("create_route_table", VpcId=vpc, TagSpecifications=tagged("route-table", Name="t"))
        table = table["RouteTable"]["RouteTableId"]
        gateway = self.call("create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
        other_side = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE, "GatewayId": gateway}
        self.refused("InvalidParameterValue", "create_route", **other_side)
        self.call("attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        self.refused("Resource.AlreadyAssociated", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        self.assertTrue(self.call("create_route", **other_side)["Return"])
        self.refused("RouteAlreadyExists", "create_route", **other_side)
        self.assertEqual(self.route(table, ANYWHERE)["State"], "active")
        self.assertEqual(self.route(table, ANYWHERE)["Origin"], "CreateRoute")

        egress = self.call("create_egress_only_internet_gateway", VpcId=vpc)["EgressOnlyInternetGateway"]
        egress = egress["EgressOnlyInternetGatewayId"]
        self.call("create_route", RouteTableId=table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=egress)
        self.assertEqual(self.route(table, "::/0")["EgressOnlyInternetGatewayId"], egress)
        found = self.call("describe_egress_only_internet_gateways", EgressOnlyInternetGatewayIds=[egress])
        self.assertEqual(found["EgressOnlyInternetGateways"][0]["Attachments"], [{"State": "attached", "VpcId": vpc}])

        interface = self.call("create_network_interface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        self.call("create_route", RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=interface)
        self.assertEqual(self.route(table, "192.0.2.0/24")["State"], "blackhole")
        instance = self.run_one(subnet)
        self.call("create_route", RouteTableId=table, DestinationCidrBlock="198.51.100.0/24", InstanceId=instance)
        via = self.route(table, "198.51.100.0/24")
        self.assertEqual((via["InstanceId"], via["State"]), (instance, "active"))
        self.assertTrue(via["NetworkInterfaceId"].startswith("eni-"))

        address = self.call("allocate_address", Domain="vpc")
        nat = self.call("create_nat_gateway", SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
        self.assertEqual(nat["State"], "pending")
        nat = nat["NatGatewayId"]
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
        self.call("replace_route", RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat)
        self.assertEqual(self.route(table, "192.0.2.0/24")["NatGatewayId"], nat)
        found = self.call("describe_nat_gateways", Filter=[named("vpc-id", vpc), named("state", "available")])
        self.assertEqual(found["NatGateways"][0]["NatGatewayAddresses"][0]["PublicIp"], address["PublicIp"])

        transit = self.call("create_transit_gateway", Description="hub")["TransitGateway"]["TransitGatewayId"]
        far = {"RouteTableId": table, "DestinationCidrBlock": "172.16.0.0/12", "TransitGatewayId": transit}
        self.refused("InvalidTransitGatewayID.NotFound", "create_route", **far)
        spoke = self.call(
            "create_transit_gateway_vpc_attachment", TransitGatewayId=transit, VpcId=vpc, SubnetIds=[subnet]
        )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
        self.call("create_route", **far)
        self.assertEqual(self.route(table, "172.16.0.0/12")["TransitGatewayId"], transit)
        found = self.call("describe_transit_gateway_vpc_attachments", Filters=[named("vpc-id", vpc)])
        self.assertEqual(found["TransitGatewayVpcAttachments"][0]["SubnetIds"], [subnet])

        neighbour = self.vpc("10.41.0.0/16")
        peering = self.call("create_vpc_peering_connection", VpcId=vpc, PeerVpcId=neighbour)["VpcPeeringConnection"]
        self.assertEqual(peering["Status"]["Code"], "pending-acceptance")
        peering = peering["VpcPeeringConnectionId"]
        self.call("accept_vpc_peering_connection", VpcPeeringConnectionId=peering)
        self.call("create_route", RouteTableId=table, DestinationCidrBlock="10.41.0.0/16", VpcPeeringConnectionId=peering)
        self.assertEqual(self.route(table, "10.41.0.0/16")["State"], "active")
        found = self.call("describe_vpc_peering_connections", Filters=[named("status-code", "active")])
        self.assertIn(peering, [one["VpcPeeringConnectionId"] for one in found["VpcPeeringConnections"]])

        service = f"com.amazonaws.vpce.{REGION}.vpce-svc-0123456789abcdef0"
        kind = {"VpcEndpointType": "GatewayLoadBalancer", "SubnetIds": [subnet]}
        endpoint = self.call("create_vpc_endpoint", VpcId=vpc, ServiceName=service, **kind)["VpcEndpoint"]["VpcEndpointId"]
        self.call("create_route", RouteTableId=table, DestinationCidrBlock="203.0.113.0/24", VpcEndpointId=endpoint)
        self.assertEqual(self.route(table, "203.0.113.0/24")["GatewayId"], endpoint)
        s3 = self.call("create_vpc_endpoint", VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table])
        s3 = s3["VpcEndpoint"]["VpcEndpointId"]
        lists = self.call("describe_prefix_lists")["PrefixLists"]
        self.assertEqual(self.route(table, lists[0]["PrefixListId"])["GatewayId"], s3)
        self.refused("InvalidServiceName", "create_vpc_endpoint", VpcId=vpc, ServiceName="com.amazonaws.nowhere.s3")
        found = self.call("describe_vpc_endpoints", Filters=[named("vpc-id", vpc)])["VpcEndpoints"]
        self.assertEqual({one["VpcEndpointType"] for one in found}, {"Gateway", "GatewayLoadBalancer"})
        held = self.call("describe_network_interfaces", Filters=[named("vpc-id", vpc), named("requester-managed", "true")])
        self.assertEqual(
            {one["InterfaceType"] for one in held["NetworkInterfaces"]}, {"nat_gateway", "gateway_load_balancer_endpoint"}
        )
        for one in held["NetworkInterfaces"]:
            self.refused("OperationNotPermitted", "detach_network_interface", AttachmentId=one["Attachment"]["AttachmentId"])

        inside = {"RouteTableId": table, "DestinationCidrBlock": "10.40.7.0/24"}
        self.refused("InvalidParameterValue", "create_route", GatewayId=gateway, **inside)
        self.refused("InvalidParameterCombination", "create_route", GatewayId=gateway, NatGatewayId=nat, **inside)
        self.refused("MissingParameter", "create_route", **inside)
        self.refused("InvalidParameterValue", "delete_route", RouteTableId=table, DestinationCidrBlock="10.40.0.0/16")
        self.refused("InvalidRoute.NotFound", "delete_route", RouteTableId=table, DestinationCidrBlock="1.2.3.0/24")
        self.refused("InvalidRoute.NotFound", "replace_route", RouteTableId=table, DestinationCidrBlock="1.2.3.0/24", GatewayId=gateway)

        # What a route leads to dies: a black hole is left.
        self.call("delete_vpc_endpoints", VpcEndpointIds=[endpoint, s3])
        self.assertEqual(self.route(table, "203.0.113.0/24")["State"], "blackhole")
        self.assertIsNone(self.route(table, lists[0]["PrefixListId"]))
        self.call("delete_nat_gateway", NatGatewayId=nat)
        self.ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat])
        self.assertEqual(self.route(table, "192.0.2.0/24")["State"], "blackhole")
        self.call("terminate_instances", InstanceIds=[instance])
        self.assertEqual(self.route(table, "198.51.100.0/24")["State"], "blackhole")
        self.assertNotIn("InstanceId", self.route(table, "198.51.100.0/24"))
        self.call("delete_vpc_peering_connection", VpcPeeringConnectionId=peering)
        self.assertEqual(self.route(table, "10.41.0.0/16")["State"], "blackhole")
        self.refused("IncorrectState", "delete_transit_gateway", TransitGatewayId=transit)
        self.call("delete_transit_gateway_vpc_attachment", TransitGatewayAttachmentId=spoke)
        self.call("delete_transit_gateway", TransitGatewayId=transit)
        self.call("delete_egress_only_internet_gateway", EgressOnlyInternetGatewayId=egress)
        self.assertEqual(self.route(table, "::/0")["State"], "blackhole")

        self.refused("DependencyViolation", "delete_internet_gateway", InternetGatewayId=gateway)
        self.call("detach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        self.assertEqual(self.route(table, ANYWHERE)["State"], "blackhole")
        self.call("delete_internet_gateway", InternetGatewayId=gateway)
        self.call("release_address", AllocationId=address["AllocationId"])
        self.call("delete_route", RouteTableId=table, DestinationCidrBlock=ANYWHERE)
        self.call("delete_route_table", RouteTableId=table)
        self.call("delete_network_interface", NetworkInterfaceId=interface)
        self.call("delete_subnet", SubnetId=subnet)
        for gone in (vpc, neighbour):
            self.call("delete_vpc", VpcId=gone)

    def test_tables_are_put_in_force_and_replaced(self):
        vpc = self.vpc()
        subnet = self.subnet(vpc)
        one, other = (self.call("create_route_table", VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
        answer = self.call("associate_route_table", RouteTableId=one, SubnetId=subnet)
        self.assertEqual(answer["AssociationState"]["State"], "associated")
        self.refused("Resource.AlreadyAssociated", "associate_route_table", RouteTableId=other, SubnetId=subnet)
        self.refused("DependencyViolation", "delete_route_table", RouteTableId=one)
        answer = self.call("replace_route_table_association", AssociationId=answer["AssociationId"], RouteTableId=other)
        self.assertEqual(self.table(one)["Associations"], [])
        self.assertEqual(self.table(other)["Associations"][0]["SubnetId"], subnet)
        self.call("disassociate_route_table", AssociationId=answer["NewAssociationId"])
        self.refused("InvalidAssociationID.NotFound", "disassociate_route_table", AssociationId=answer["NewAssociationId"])
        found = self.call("describe_route_tables", Filters=[named("vpc-id", vpc), named("association.main", "true")])
        main = found["RouteTables"][0]["Associations"][0]["RouteTableAssociationId"]
        self.refused("InvalidParameterValue", "disassociate_route_table", AssociationId=main)
        self.call("replace_route_table_association", AssociationId=main, RouteTableId=other)
        self.assertTrue(self.table(other)["Associations"][0]["Main"])
        self.refused("DependencyViolation", "delete_route_table", RouteTableId=other)
        gateway = self.call("create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
        self.call("attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        self.call("associate_route_table", RouteTableId=one, GatewayId=gateway)
        self.assertEqual(self.table(one)["Associations"][0]["GatewayId"], gateway)
        stranger = self.subnet(self.vpc("10.21.0.0/16"), "10.21.1.0/24")
        self.refused("InvalidParameterValue", "associate_route_table", RouteTableId=one, SubnetId=stranger)

    def test_prefix_lists_have_versions(self):
        entries = [{"Cidr": "192.0.2.0/28", "Description": "office"}, {"Cidr": "192.0.2.64/28"}]
        made = self.call(
            "create_managed_prefix_list", PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=entries
        )["PrefixList"]
        self.assertEqual((made["State"], made["Version"], made["MaxEntries"]), ("create-in-progress", 1, 5))
        wanted = {"PrefixListId": made["PrefixListId"]}
        change = {"AddEntries": [{"Cidr": "203.0.113.0/24"}], "RemoveEntries": [{"Cidr": "192.0.2.64/28"}]}
        answer = self.call("modify_managed_prefix_list", CurrentVersion=1, **wanted, **change)["PrefixList"]
        self.assertEqual((answer["State"], answer["Version"]), ("modify-in-progress", 2))
        self.refused("PrefixListVersionMismatch", "modify_managed_prefix_list", CurrentVersion=1, **wanted, **change)
        now = self.call("get_managed_prefix_list_entries", **wanted)["Entries"]
        self.assertEqual([entry["Cidr"] for entry in now], ["192.0.2.0/28", "203.0.113.0/24"])
        before = self.call("get_managed_prefix_list_entries", TargetVersion=1, **wanted)["Entries"]
        self.assertEqual([entry["Cidr"] for entry in before], ["192.0.2.0/28", "192.0.2.64/28"])
        self.call("restore_managed_prefix_list_version", PreviousVersion=1, CurrentVersion=2, **wanted)
        found = self.call("describe_managed_prefix_lists", Filters=[named("prefix-list-name", "off*")])["PrefixLists"]
        self.assertEqual((found[0]["Version"], found[0]["State"]), (3, "modify-complete"))
        many = [{"Cidr": f"10.0.{n}.0/24"} for n in range(4)]
        self.refused("PrefixListMaxEntriesExceeded", "modify_managed_prefix_list", CurrentVersion=3, AddEntries=many, **wanted)
        vpc = self.vpc()
        group = self.group(vpc)
        permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [wanted]}
        self.call("authorize_security_group_ingress", GroupId=group, IpPermissions=[permission])
        users = self.call("get_managed_prefix_list_associations", **wanted)["PrefixListAssociations"]
        self.assertEqual([user["ResourceId"] for user in users], [group])
        self.refused("DependencyViolation", "delete_managed_prefix_list", **wanted)
        self.call("revoke_security_group_ingress", GroupId=group, IpPermissions=[permission])
        self.assertEqual(self.call("delete_managed_prefix_list", **wanted)["PrefixList"]["State"], "delete-in-progress")
        self.refused("InvalidPrefixListID.NotFound", "get_managed_prefix_list_entries", **wanted)


class Groups(Aws):
    def setUp(self):
        super().setUp()
        self.net = self.vpc()
        self.web = self.group(self.net)

    def rules(self, group, egress=False):
        pages = self.ec2.get_paginator("describe_security_group_rules").paginate(Filters=[named("group-id", group)])
        self.counted("describe_security_group_rules")
        return [rule for page in pages for rule in page["SecurityGroupRules"] if rule["IsEgress"] == egress]

    def test_rules_are_authorized_and_revoked_in_every_form(self):
        permissions = [
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "203.0.113.0/24", "Description": "office"}, {"CidrIp": "198.51.100.0/24"}],
                "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
            },
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.web}]},
        ]
        made = self.call(
            "authorize_security_group_ingress",
            GroupId=self.web,
            IpPermissions=permissions,
            TagSpecifications=tagged("security-group-rule", made="here"),
        )
        self.assertTrue(made["Return"])
        self.assertEqual(len(made["SecurityGroupRules"]), 4)
        self.assertEqual(made["SecurityGroupRules"][0]["Tags"], [{"Key": "made", "Value": "here"}])
        message = self.refused("InvalidPermission.Duplicate", "authorize_security_group_ingress", GroupId=self.web, IpPermissions=permissions)
        self.assertIn('"peer: 203.0.113.0/24, TCP, from port: 443, to port: 443, ALLOW" already exists', message)
        folded = self.call("describe_security_groups", GroupIds=[self.web])["SecurityGroups"][0]["IpPermissions"]
        self.assertEqual([len(folded[0]["IpRanges"]), len(folded[0]["Ipv6Ranges"])], [2, 1])
        self.assertNotIn("FromPort", folded[1])
        rules = self.rules(self.web)
        self.assertEqual(len(rules), 4)
        self.assertEqual([rule["FromPort"] for rule in rules if rule["IpProtocol"] == "-1"], [-1])
        # By value.
        gone = {**permissions[0], "IpRanges": [{"CidrIp": "198.51.100.0/24"}], "Ipv6Ranges": []}
        answer = self.call("revoke_security_group_ingress", GroupId=self.web, IpPermissions=[gone])
        self.assertEqual([rule["CidrIpv4"] for rule in answer["RevokedSecurityGroupRules"]], ["198.51.100.0/24"])
        self.refused("InvalidPermission.NotFound", "revoke_security_group_ingress", GroupId=self.web, IpPermissions=[gone])
        # By id.
        ids = [rule["SecurityGroupRuleId"] for rule in self.rules(self.web)]
        self.call("revoke_security_group_ingress", GroupId=self.web, SecurityGroupRuleIds=ids[:1])
        self.refused("InvalidSecurityGroupRuleId.NotFound", "revoke_security_group_ingress", GroupId=self.web, SecurityGroupRuleIds=ids[:1])
        self.assertEqual([rule["SecurityGroupRuleId"] for rule in self.rules(self.web)], ids[1:])
        # Flat.
        flat = {"GroupId": self.web, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "192.0.2.1/32"}
        self.call("authorize_security_group_ingress", **flat)
        self.call("revoke_security_group_ingress", **flat)
        # Outwards.
        out = self.rules(self.web, egress=True)
        self.assertEqual([rule["CidrIpv4"] for rule in out], [ANYWHERE])
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}]
        self.call("revoke_security_group_egress", GroupId=self.web, IpPermissions=everything)
        self.assertEqual(self.rules(self.web, egress=True), [])
        self.call("authorize_security_group_egress", GroupId=self.web, IpPermissions=everything)

    def test_rules_change_in_place(self):
        permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
        made = self.call("authorize_security_group_ingress", GroupId=self.web, IpPermissions=[permission])
        rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        new = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8081, "CidrIpv4": "192.0.2.0/25", "Description": "new"}
        self.call(
            "modify_security_group_rules",
            GroupId=self.web,
            SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": new}],
        )
        (changed,) = self.rules(self.web)
        self.assertEqual(changed["SecurityGroupRuleId"], rule)
        self.assertEqual({key: changed[key] for key in new}, new)
        words = [{"SecurityGroupRuleId": rule, "Description": "other words"}]
        self.call("update_security_group_rule_descriptions_ingress", GroupId=self.web, SecurityGroupRuleDescriptions=words)
        self.assertEqual(self.rules(self.web)[0]["Description"], "other words")
        by_value = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE, "Description": "out"}]}]
        self.call("update_security_group_rule_descriptions_egress", GroupId=self.web, IpPermissions=by_value)
        self.assertEqual(self.rules(self.web, egress=True)[0]["Description"], "out")
        self.call("create_tags", Resources=[rule], Tags=[{"Key": "kept", "Value": "yes"}])
        found = self.call("describe_security_group_rules", Filters=[named("tag:kept", "y?s")])["SecurityGroupRules"]
        self.assertEqual([one["SecurityGroupRuleId"] for one in found], [rule])

    def test_groups_are_refused_as_ec2_refuses(self):
        wanted = {"VpcId": self.net, "GroupName": "web", "Description": "again"}
        self.refused("InvalidGroup.Duplicate", "create_security_group", **wanted)
        self.refused("InvalidParameterValue", "create_security_group", **{**wanted, "GroupName": "sg-mine"})
        self.refused("InvalidVpcID.NotFound", "create_security_group", **{**wanted, "VpcId": "vpc-0123abcd"})
        self.refused("VPCIdNotSpecified", "create_security_group", GroupName="x", Description="y")
        self.refused("InvalidGroup.NotFound", "describe_security_groups", GroupIds=["sg-0123abcd"])
        self.refused("InvalidGroup.NotFound", "describe_security_groups", GroupNames=["nobody"])
        self.refused("InvalidGroupId.Malformed", "describe_security_groups", GroupIds=["sg-x"])
        self.refused("InvalidGroup.NotFound", "delete_security_group", GroupId="sg-0123abcd")
        bad = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 70000, "IpRanges": [{"CidrIp": ANYWHERE}]}
        self.refused("InvalidParameterValue", "authorize_security_group_ingress", GroupId=self.web, IpPermissions=[bad])
        bad = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.0/33"}]}
        self.refused("InvalidParameterValue", "authorize_security_group_ingress", GroupId=self.web, IpPermissions=[bad])
        other = self.group(self.net, "other")
        named_by = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.web}]}]
        self.call("authorize_security_group_ingress", GroupId=other, IpPermissions=named_by)
        self.refused("DependencyViolation", "delete_security_group", GroupId=self.web)
        self.refused("DependencyViolation", "delete_vpc", VpcId=self.net)
        for group in (other, self.web):
            self.call("delete_security_group", GroupId=group)
        self.call("delete_vpc", VpcId=self.net)


class Instances(Aws):
    def setUp(self):
        super().setUp()
        self.net = self.vpc()
        self.place = self.subnet(self.net)
        self.web = self.group(self.net)

    def test_an_instance_lives_with_its_waiters(self):
        simulator.control("PUT", "settings", starting="1s", stopping="1s")
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


class Reading(Aws):
    def test_everything_is_filtered_and_paged(self):
        vpc = self.vpc("10.50.0.0/16")
        subnets = [self.subnet(vpc, f"10.50.{n}.0/24", TagSpecifications=tagged("subnet", Name=f"part-{n}")) for n in range(12)]
        ids = [self.run_one(subnets[0], TagSpecifications=tagged("instance", Name=f"paged-{n:02}", role="paged")) for n in range(13)]
        mine = [named("vpc-id", vpc)]
        for name, key, size, filters, count in (
            ("describe_subnets", "Subnets", 5, mine, 12),
            ("describe_network_interfaces", "NetworkInterfaces", 5, mine, 13),
            ("describe_route_tables", "RouteTables", 5, mine, 1),
            ("describe_security_groups", "SecurityGroups", 5, mine, 1),
            ("describe_vpcs", "Vpcs", 5, mine, 1),
            ("describe_tags", "Tags", 5, [named("value", "paged-*")], 13),
        ):
            pages = list(self.ec2.get_paginator(name).paginate(Filters=filters, PaginationConfig={"PageSize": size}))
            self.assertEqual((len(pages), sum(len(page[key]) for page in pages)), ((count + size - 1) // size, count), name)
            self.counted("paginator " + name)
        pages = list(self.ec2.get_paginator("describe_instances").paginate(Filters=mine, PaginationConfig={"PageSize": 5}))
        seen = [one["InstanceId"] for page in pages for two in page["Reservations"] for one in two["Instances"]]
        self.assertEqual((len(pages), sorted(seen)), (3, sorted(ids)))
        page = self.call("describe_subnets", MaxResults=5, Filters=mine)
        rest = self.call("describe_subnets", MaxResults=100, Filters=mine, NextToken=page["NextToken"])
        self.assertEqual((len(rest["Subnets"]), "NextToken" in rest), (7, False))
        self.refused("InvalidNextToken", "describe_vpcs", NextToken="nonsense")

        def found(*filters):
            answer = self.call("describe_instances", Filters=list(filters))
            return sorted(one["InstanceId"] for two in answer["Reservations"] for one in two["Instances"])

        self.assertEqual(found(named("tag:Name", "paged-0?")), sorted(ids[:10]))
        self.assertEqual(found(named("tag:Name", "paged-1*"), named("subnet-id", subnets[0])), sorted(ids[10:]))
        self.assertEqual(found(named("tag:Name", "paged-00", "paged-12")), sorted([ids[0], ids[12]]))
        self.assertEqual(found(named("tag-key", "role"), named("vpc-id", vpc), named("instance-state-name", "stopped")), [])
        self.call("create_tags", Resources=ids[:2], Tags=[{"Key": "a*b", "Value": ""}])
        self.assertEqual(found(named("tag-key", "a\\*b")), sorted(ids[:2]))
        self.call("delete_tags", Resources=ids[:1], Tags=[{"Key": "a*b"}])
        self.assertEqual(found(named("tag-key", "a\\*b")), ids[1:2])
        self.refused("InvalidID", "create_tags", Resources=["x-1"], Tags=[{"Key": "a", "Value": "b"}])
        self.refused("InvalidParameterValue", "create_tags", Resources=ids[:1], Tags=[{"Key": "aws:a", "Value": "b"}])

    def test_places(self):
        zones = self.call("describe_availability_zones")["AvailabilityZones"]
        self.assertEqual([(zone["ZoneName"][-1], zone["State"]) for zone in zones], [(z, "available") for z in "abc"])
        self.assertEqual(self.call("describe_regions")["Regions"][0]["RegionName"], REGION)
        attribute = self.call("describe_account_attributes", AttributeNames=["default-vpc"])["AccountAttributes"][0]
        self.assertEqual(attribute["AttributeValues"], [{"AttributeValue": "none"}])
        identity = client("sts").get_caller_identity()
        self.assertTrue(identity["Arn"].endswith(":user/builder"), identity)
        self.counted("sts get_caller_identity")

    def test_an_unknown_action_is_no_action(self):
        self.refused("InvalidAction", "describe_volumes")
        self.refused("InvalidAction", "create_launch_template", LaunchTemplateName="x", LaunchTemplateData={})

    def test_what_is_not_part_of_it_is_refused(self):
        for name in ("images", "instance_types", "key_pairs", "volumes", "snapshots", "network_acls", "dhcp_options", "flow_logs"):
            self.refused("InvalidAction", "describe_" + name)
        vpc = self.vpc("10.51.0.0/16")
        self.refused("InvalidAction", "get_security_groups_for_vpc", VpcId=vpc)
        self.refused("InvalidAction", "modify_vpc_endpoint", VpcEndpointId="vpce-0123abcd")
        self.refused("InvalidAction", "associate_security_group_vpc", VpcId=vpc, GroupId="sg-0123abcd")
        wanted = {"VpcId": vpc, "PeerVpcId": vpc}
        self.refused("InvalidVpcID.NotFound", "create_vpc_peering_connection", PeerOwnerId="999999999999", **wanted)
        table = self.call("create_route_table", VpcId=vpc)["RouteTable"]["RouteTableId"]
        wanted = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE}
        self.refused("MissingParameter", "replace_route", LocalTarget=True, **wanted)
        self.refused("MissingParameter", "create_route", LocalGatewayId="lgw-0123abcd", **wanted)
        self.refused("MissingParameter", "run_instances", MinCount=1, MaxCount=1)
        template = {"LaunchTemplate": {"LaunchTemplateName": "x"}, "ImageId": IMAGE}
        self.refused("InvalidLaunchTemplateName.NotFoundException", "run_instances", MinCount=1, MaxCount=1, **template)
        self.refused("InvalidParameterValue", "describe_instances", Filters=[named("reservation-id", "r-*")])
        self.refused("InvalidParameterValue", "describe_availability_zones", ZoneNames=[REGION + "z"])
        self.refused("InvalidParameterValue", "describe_regions", RegionNames=["mars-1"])
        for name, arguments in (
            ("get_bucket_versioning", {}),
            ("get_bucket_notification_configuration", {}),
            ("create_multipart_upload", {"Key": "x"}),
            ("copy_object", {"Key": "x", "CopySource": "trail/y"}),
        ):
            with self.assertRaises(ClientError) as caught:
                getattr(self.s3, name)(Bucket="trail", **arguments)
            self.assertEqual(caught.exception.response["Error"]["Code"], "NotImplemented", name)
            self.counted("s3 " + name)

    def test_an_unknown_action_is_told_and_settings_can_be_given_at_the_start(self):
        own = Simulator("--aws-setting", "denied-actions=CreateVpc", "--aws-setting", "page-max=1")
        try:
            ec2 = client("ec2", at=own.ec2)
            for code, name, arguments in (
                ("InvalidAction", "describe_volumes", {}),
                ("UnauthorizedOperation", "create_vpc", {"CidrBlock": "10.0.0.0/16"}),
            ):
                with self.assertRaises(ClientError) as caught:
                    getattr(ec2, name)(**arguments)
                self.assertEqual(caught.exception.response["Error"]["Code"], code)
                self.counted(name)
            self.assertEqual(own.control("GET", "settings")["page-max"], "1")
            time.sleep(1)
        finally:
            own.stop()
        self.assertEqual([line for line in own.told() if "DescribeVolumes" in line][0].split(":")[-1], " answered InvalidAction")


class Trouble(Aws):
    def test_throttling_is_overcome_by_retries(self):
        simulator.control("PUT", "settings", throttle_next=1)
        self.refused("RequestLimitExceeded", "describe_vpcs", status=503)
        simulator.control("PUT", "settings", throttle_next=2)
        patient = client("ec2", attempts=5)
        answer = patient.describe_vpcs()
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 2)
        simulator.control("PUT", "settings", throttle_rate="2/1")
        codes = []
        for _ in range(4):
            try:
                self.ec2.describe_regions()
                codes.append("")
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])
        self.assertEqual(codes[:2], ["", ""])
        self.assertIn("RequestLimitExceeded", codes[2:])

    def test_denied_actions_and_dry_runs(self):
        simulator.control("PUT", "settings", denied_actions="CreateVpc")
        message = self.refused("UnauthorizedOperation", "create_vpc", status=403, CidrBlock="10.0.0.0/16")
        self.assertIn("ec2:CreateVpc", message)
        self.refused("UnauthorizedOperation", "create_vpc", status=403, CidrBlock="10.0.0.0/16", DryRun=True)
        simulator.control("PUT", "settings", denied_actions="")
        self.refused("DryRunOperation", "create_vpc", status=412, CidrBlock="10.0.0.0/16", DryRun=True)

    def test_reads_lag_behind(self):
        simulator.control("PUT", "settings", reads_lag="1500ms")
        vpc = self.vpc("10.60.0.0/16")
        self.refused("InvalidVpcID.NotFound", "describe_vpcs", VpcIds=[vpc])
        self.ec2.get_waiter("vpc_exists").wait(VpcIds=[vpc], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
        self.assertEqual(len(self.call("describe_vpcs", VpcIds=[vpc])["Vpcs"]), 1)

    def test_managed_resources_hide(self):
        subnet = self.subnet(self.vpc("10.61.0.0/16"), "10.61.1.0/24")
        instance = self.run_one(subnet, Operator={"Principal": "eks.amazonaws.com"})
        self.assertEqual(self.instance(instance)["Operator"]["Principal"], "eks.amazonaws.com")
        self.assertEqual(self.call("get_managed_resource_visibility")["Visibility"]["DefaultVisibility"], "visible")
        self.call("modify_managed_resource_visibility", DefaultVisibility="hidden")
        mine = [named("subnet-id", subnet)]
        self.assertEqual(self.call("describe_instances", Filters=mine)["Reservations"], [])
        self.assertEqual(self.call("describe_network_interfaces", Filters=mine)["NetworkInterfaces"], [])
        shown = self.call("describe_instances", Filters=mine, IncludeManagedResources=True)["Reservations"]
        self.assertTrue(shown[0]["Instances"][0]["Operator"]["Managed"])


class Consequences(Aws):
    def test_what_was_done_is_in_a_file(self):
        instance = self.run_one(self.subnet(self.vpc("10.70.0.0/16"), "10.70.1.0/24"))
        self.call("stop_instances", InstanceIds=[instance])
        self.refused("InvalidGroup.NotFound", "delete_security_group", GroupId="sg-0123abcd")
        before = simulator.control("GET", "messages")["last"]
        simulator.control("PUT", "settings", notification_delay="1s")
        told = simulator.control("POST", "deliver")
        (key,) = told["keys"]
        self.assertRegex(key, r"^AWSLogs/\d{12}/CloudTrail/eu-west-1/\d{4}/\d\d/\d\d/\d{12}_CloudTrail_eu-west-1_.*\.json\.gz$")
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=told["bucket"], Prefix="AWSLogs/")
        self.assertIn(key, [one["Key"] for page in pages for one in page.get("Contents", [])])
        self.counted("s3 paginator list_objects_v2")
        answer = self.s3.get_object(Bucket=told["bucket"], Key=key)
        self.counted("s3 get_object")
        self.assertEqual(answer["ContentEncoding"], "gzip")
        records = json.loads(gzip.decompress(answer["Body"].read()))["Records"]
        (stop,) = [r for r in records if r["eventName"] == "StopInstances" and instance in json.dumps(r)]
        self.assertEqual(stop["requestParameters"]["instancesSet"], {"items": [{"instanceId": instance}]})
        self.assertEqual((stop["userIdentity"]["userName"], stop["readOnly"]), ("builder", False))
        failed = [r for r in records if r["eventName"] == "DeleteSecurityGroup" and "errorCode" in r]
        self.assertEqual(failed[-1]["errorCode"], "Client.InvalidGroup.NotFound")
        # S3 tells of the file, but not at once.
        self.assertEqual(simulator.control("GET", "messages", after=before)["messages"], [])
        deadline = time.monotonic() + 10
        while not (messages := simulator.control("GET", "messages", after=before)["messages"]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(messages[0]["Records"][0]["s3"]["object"]["key"], key)
        self.assertEqual((messages[1]["detail-type"], messages[1]["detail"]["object"]["key"]), ("Object Created", key))

    def test_eventbridge_tells_of_calls_and_states(self):
        subnet = self.subnet(self.vpc("10.71.0.0/16"), "10.71.1.0/24")
        before = simulator.control("GET", "messages")["last"]
        instance = self.run_one(subnet)
        messages = simulator.control("GET", "messages", after=before)["messages"]
        kinds = [message["detail-type"] for message in messages]
        self.assertEqual(kinds.count("AWS API Call via CloudTrail"), 1)
        states = [m["detail"]["state"] for m in messages if m["detail-type"].startswith("EC2 Instance State-change")]
        self.assertEqual(states, ["pending", "running"])
        call = [m for m in messages if "eventName" in m["detail"]][0]
        self.assertEqual((call["source"], call["detail"]["eventName"]), ("aws.ec2", "RunInstances"))
        self.assertIn(instance, json.dumps(call))

    def test_buckets_and_objects(self):
        place = {"LocationConstraint": REGION}
        for name, arguments in (
            ("create_bucket", {"Bucket": "things", "CreateBucketConfiguration": place}),
            ("head_bucket", {"Bucket": "things"}),
            ("put_object", {"Bucket": "things", "Key": "a b/ü", "Body": b"0123456789", "ContentType": "text/plain"}),
        ):
            getattr(self.s3, name)(**arguments)
            self.counted("s3 " + name)
        self.assertIn("things", [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]])
        self.assertEqual(self.s3.get_bucket_location(Bucket="things")["LocationConstraint"], REGION)
        head = self.s3.head_object(Bucket="things", Key="a b/ü")
        self.assertEqual((head["ContentLength"], head["ContentType"]), (10, "text/plain"))
        part = self.s3.get_object(Bucket="things", Key="a b/ü", Range="bytes=2-4")
        self.assertEqual((part["Body"].read(), part["ContentRange"]), (b"234", "bytes 2-4/10"))
        folded = self.s3.list_objects_v2(Bucket="things", Delimiter="/")
        self.assertEqual(folded["CommonPrefixes"], [{"Prefix": "a b/"}])
        old = self.s3.list_objects(Bucket="things", Prefix="a b/")
        self.assertEqual([one["Key"] for one in old["Contents"]], ["a b/ü"])
        for code, name, arguments in (
            ("NoSuchKey", "get_object", {"Bucket": "things", "Key": "nothing"}),
            ("404", "head_object", {"Bucket": "things", "Key": "nothing"}),
            ("NoSuchBucket", "list_objects_v2", {"Bucket": "nowhere"}),
            ("404", "head_bucket", {"Bucket": "nowhere"}),
            ("BucketAlreadyOwnedByYou", "create_bucket", {"Bucket": "things", "CreateBucketConfiguration": place}),
            ("BucketNotEmpty", "delete_bucket", {"Bucket": "things"}),
            ("InvalidRange", "get_object", {"Bucket": "things", "Key": "a b/ü", "Range": "bytes=99-"}),
            ("NotImplemented", "get_bucket_acl", {"Bucket": "things"}),
        ):
            with self.assertRaises(ClientError) as caught:
                getattr(self.s3, name)(**arguments)
            self.assertEqual(caught.exception.response["Error"]["Code"], code, name)
            self.counted("s3 " + name)
        gone = self.s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": "a b/ü"}, {"Key": "never"}]})
        self.assertEqual([one["Key"] for one in gone["Deleted"]], ["a b/ü", "never"])
        self.s3.delete_object(Bucket="things", Key="a b/ü")
        self.s3.delete_bucket(Bucket="things")
        for name in ("list_buckets", "get_bucket_location", "head_object", "list_objects", "delete_objects", "delete_object", "delete_bucket"):
            self.counted("s3 " + name)


if __name__ == "__main__":
    main()
