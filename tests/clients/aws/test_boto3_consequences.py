"""boto3 against the simulator: filters and pages, what goes wrong, and what comes of it."""

import gzip
import json
import os
import sys
import time

from botocore.exceptions import ClientError

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from boto import ANYWHERE, IMAGE, Aws, client, control, named, start, stop, tagged  # noqa: E402
from simulated import REGION, Simulator, main  # noqa: E402


def setUpModule():
    start()


def tearDownModule():
    stop()


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
        self.refused("InvalidAction", "modify_vpc_endpoint", VpcEndpointId="vpce-0123abcd")
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
        control("PUT", "settings", throttle_next=1)
        self.refused("RequestLimitExceeded", "describe_vpcs", status=503)
        control("PUT", "settings", throttle_next=2)
        patient = client("ec2", attempts=5)
        answer = patient.describe_vpcs()
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 2)
        control("PUT", "settings", throttle_rate="2/1")
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
        control("PUT", "settings", denied_actions="CreateVpc")
        message = self.refused("UnauthorizedOperation", "create_vpc", status=403, CidrBlock="10.0.0.0/16")
        self.assertIn("ec2:CreateVpc", message)
        self.refused("UnauthorizedOperation", "create_vpc", status=403, CidrBlock="10.0.0.0/16", DryRun=True)
        control("PUT", "settings", denied_actions="")
        self.refused("DryRunOperation", "create_vpc", status=412, CidrBlock="10.0.0.0/16", DryRun=True)

    def test_reads_lag_behind(self):
        control("PUT", "settings", reads_lag="1500ms")
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
        before = control("GET", "messages")["last"]
        control("PUT", "settings", notification_delay="1s")
        told = control("POST", "deliver")
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
        self.assertEqual(control("GET", "messages", after=before)["messages"], [])
        deadline = time.monotonic() + 10
        while not (messages := control("GET", "messages", after=before)["messages"]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(messages[0]["Records"][0]["s3"]["object"]["key"], key)
        self.assertEqual((messages[1]["detail-type"], messages[1]["detail"]["object"]["key"]), ("Object Created", key))

    def test_eventbridge_tells_of_calls_and_states(self):
        subnet = self.subnet(self.vpc("10.71.0.0/16"), "10.71.1.0/24")
        before = control("GET", "messages")["last"]
        instance = self.run_one(subnet)
        messages = control("GET", "messages", after=before)["messages"]
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
