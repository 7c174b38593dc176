"""boto3 against the simulator: a VPC from nothing, its routes and groups, and what remains of it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from boto import ANYWHERE, Aws, named, start, stop, tagged  # noqa: E402
from simulated import REGION, main  # noqa: E402


def setUpModule():
    start()


def tearDownModule():
    stop()


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

    def test_a_group_is_shared_with_another_vpc(self):
        other = self.vpc("10.21.0.0/16")
        subnet = self.subnet(other, "10.21.1.0/24")
        shared = {"GroupId": self.web, "VpcId": other}
        self.refused("InvalidParameter", "create_network_interface", SubnetId=subnet, Groups=[self.web])
        self.assertEqual(self.call("associate_security_group_vpc", **shared)["State"], "associating")
        found = self.call("describe_security_group_vpc_associations", Filters=[named("group-id", self.web)])
        found = found["SecurityGroupVpcAssociations"]
        self.assertEqual([(one["VpcId"], one["State"]) for one in found], [(other, "associated")])
        usable = self.call("get_security_groups_for_vpc", VpcId=other)["SecurityGroupForVpcs"]
        self.assertEqual({group["GroupName"] for group in usable}, {"default", "web"})
        held = self.call("create_network_interface", SubnetId=subnet, Groups=[self.web])["NetworkInterface"]["NetworkInterfaceId"]
        self.refused("DependencyViolation", "disassociate_security_group_vpc", **shared)
        self.call("delete_network_interface", NetworkInterfaceId=held)
        self.assertEqual(self.call("disassociate_security_group_vpc", **shared)["State"], "disassociating")

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


if __name__ == "__main__":
    main()
