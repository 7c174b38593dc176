"""Drawbridge between two strangers: moto, an AWS that was written by others, and the fake firewall.

What moto says about instances, groups, routes and queues was not made for Drawbridge, so that what Drawbridge takes for
granted about EC2, S3 and SQS shows here."""

import gzip
import json
import logging
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as ET

import boto3
from moto.server import ThreadedMotoServer

from checked import Checked, Simulator, main

DRAWBRIDGE = os.environ.get("DRAWBRIDGE", "target/debug/drawbridge")
REGION = "eu-west-1"
ACCOUNT = "123456789012"  # moto's
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "builder", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": REGION}
# Nothing here takes longer, not even on a machine that is busy.
PATIENCE = 60

FIREWALL = """\
firewall
rule "web access in" untrust:any -> trust:any service tcp/80 allow
rule "Clean up" any -> any deny
"""
RULES = "/config/devices/entry/vsys/entry[@name='vsys1']/rulebase/security/rules"


class Account:
    """An account with a subnet that reaches the internet through the firewall, and a web server in it."""

    def __init__(self, endpoint):
        def client(service):
            return boto3.client(
                service,
                region_name=REGION,
                endpoint_url=endpoint,
                aws_access_key_id="builder",
                aws_secret_access_key="any",
            )

        self.ec2, self.s3, self.sqs = client("ec2"), client("s3"), client("sqs")
        ec2 = self.ec2
        vpc = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
        self.vpc = vpc
        outside, self.inside = (
            ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"]
            for block in ("172.20.0.0/24", "172.20.200.0/24")
        )
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        self.firewall = self.run(outside, "172.20.0.10", self.group("firewall"))
        interface = self.described(self.firewall)["NetworkInterfaces"][0]["NetworkInterfaceId"]
        self.route(outside, GatewayId=gateway)
        self.route(self.inside, NetworkInterfaceId=interface)
        self.web = self.group("web")
        self.allow(self.web, 443)

    def group(self, name):
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]

    def run(self, subnet, address, group):
        """Starts an instance that has that address."""
        interface = {"DeviceIndex": 0, "SubnetId": subnet, "PrivateIpAddress": address, "Groups": [group]}
        reservation = self.ec2.run_instances(
            ImageId=self.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[interface]
        )
        return reservation["Instances"][0]["InstanceId"]

    def described(self, instance):
        return self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    def route(self, subnet, **target):
        table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    @staticmethod
    def permission(port, **peers):
        peers = peers or {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}]

    def allow(self, group, port, **peers):
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=self.permission(port, **peers))

    def forbid(self, group, port):
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=self.permission(port))


def record(name, *instances):
    """A call about instances, as CloudTrail writes it down; those that it made stand in its answer alone."""
    items = {"instancesSet": {"items": [{"instanceId": instance} for instance in instances]}}
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/builder", "accountId": ACCOUNT},
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "requestParameters": None if name == "RunInstances" else items,
        "responseElements": items,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }


def wrapped(detail):
    """The same as EventBridge hands it on."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ec2",
        "account": ACCOUNT,
        "time": detail["eventTime"],
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


class EndToEnd(Checked):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        cls.moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        cls.moto.start()
        host, port = cls.moto.get_host_and_port()
        cls.aws = f"http://{host}:{port}"

    @classmethod
    def tearDownClass(cls):
        cls.moto.stop()

    def setUp(self):
        urllib.request.urlopen(f"{self.aws}/moto-api/reset", b"", timeout=10).close()
        self.simulator = Simulator(FIREWALL, "--commit-takes", "100ms")
        self.addCleanup(self.simulator.stop)
        self.account = Account(self.aws)

    def environment(self):
        parts = urllib.parse.urlsplit(self.simulator.firewall)
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PANOS_HOSTNAME": f"{parts.scheme}://{parts.netloc}",
            "PANOS_API_KEY": self.simulator.key,
            "DRAWBRIDGE_MODE": "sync",
            "DRAWBRIDGE_GATEWAYS": self.account.firewall,
            "DRAWBRIDGE_POLICY_OWNER": "drawbridge",
            "DRAWBRIDGE_POLICY_BOTTOM_RULE": "Clean up",
            "DRAWBRIDGE_POLICY_UNTRUST_ZONE": "untrust",
            "DRAWBRIDGE_POLICY_TRUST_ZONE": "trust",
            "DRAWBRIDGE_TIMING_SETTLE": "0s",
            "DRAWBRIDGE_TIMING_POLL": "50ms",
            "DRAWBRIDGE_TIMING_CONFIRM_EMPTY": "100ms",
        }

    def drawbridge(self, name, *arguments, status=0):
        """Runs it to its end, and reads what it prints as JSON."""
        ended = self.call(name, subprocess.run, [DRAWBRIDGE, *arguments, "--json"], env=self.environment(),
                          capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(ended.returncode, status, ended.stderr + ended.stdout)
        return json.loads(ended.stdout)

    def apply(self):
        report = self.drawbridge("apply", "apply")
        self.assertEqual(report["ending"], "in sync", report)
        return report

    def rules(self):
        """The running rulebase from top to bottom: names, sources, destinations, applications and services."""
        query = urllib.parse.urlencode({"type": "config", "action": "show", "xpath": RULES, "key": self.simulator.key})
        with urllib.request.urlopen(f"{self.simulator.firewall}?{query}", timeout=10) as answer:
            rules = ET.fromstring(answer.read()).findall(".//rules/entry")
        members = lambda rule, name: ",".join(member.text for member in rule.findall(f"{name}/member"))
        columns = ("source", "destination", "application", "service")
        return [(rule.get("name"), *(members(rule, column) for column in columns)) for rule in rules]

    def ours(self):
        """Those between the administrator's rules, where ours belong."""
        first, *ours, last = self.rules()
        self.assertEqual((first[0], last[0]), ("web access in", "Clean up"))
        return ours

    def until(self, what, is_so):
        began = time.monotonic()
        while not is_so():
            self.assertLess(time.monotonic() - began, PATIENCE, f"not {what}; the rules: {self.rules()}")
            time.sleep(0.05)

    def watching(self, *arguments):
        """Starts `watch` and waits for its first look; stops it at the end of the test as systemd does."""
        log = self.simulator.file("watch.log")
        with open(log, "w") as file:
            command = [DRAWBRIDGE, "watch", "--verbose", *arguments]
            program = subprocess.Popen(command, env=self.environment(), stderr=file, stdout=subprocess.DEVNULL)

        def said():
            with open(log) as file:
                return file.read()

        def stop():
            program.send_signal(signal.SIGTERM)
            self.assertEqual(program.wait(PATIENCE), 0, said())

        self.addCleanup(stop)
        self.until("looked", lambda: "in sync" in said())
        return said

    def test_a_plan_says_what_would_change_and_changes_nothing(self):
        account = self.account
        before = self.rules()
        planned = self.drawbridge("plan", "plan")
        self.assertEqual(planned["changes"], [])
        account.run(account.inside, "172.20.200.5", account.web)
        planned = self.drawbridge("plan", "plan", status=2)
        (added,) = [change for change in planned["changes"] if change["do"] == "add-rule"]
        self.assertEqual(added["name"], f"{account.web}-1")
        self.assertEqual(added["rule"]["destination"], ["172.20.200.5"])
        self.assertEqual(self.rules(), before)

    def test_rules_follow_instances_and_permissions(self):
        account, web = self.account, self.account.web
        https = lambda address: (f"{web}-1", "any", address, "ssl", "application-default")
        # What the administrator allows already, port 80, needs no rule of ours.
        account.allow(web, 80)
        instance = account.run(account.inside, "172.20.200.5", web)
        self.apply()
        self.assertEqual(self.ours(), [https("172.20.200.5")])
        self.assertEqual(self.apply()["commits"], [])

        # A second member gets a rule of its own, with the next number; what members of another group may do needs no rule.
        other = account.run(account.inside, "172.20.200.6", web)
        account.allow(web, 5432, UserIdGroupPairs=[{"GroupId": account.group("clients")}])
        self.apply()
        self.assertEqual(self.ours(), [https("172.20.200.5"), (f"{web}-2", *https("172.20.200.6")[1:])])

        account.ec2.stop_instances(InstanceIds=[other])
        account.allow(web, 22)
        self.apply()
        ssh = (f"{web}-3", "any", "172.20.200.5", "ssh", "application-default")
        self.assertEqual(self.ours(), [https("172.20.200.5"), ssh])
        account.forbid(web, 22)
        self.apply()
        self.assertEqual(self.ours(), [https("172.20.200.5")])
        account.ec2.terminate_instances(InstanceIds=[instance])
        self.apply()
        self.assertEqual(self.ours(), [])

    def test_the_entries_of_a_prefix_list_are_peers(self):
        account, web = self.account, self.account.web
        entries = [{"Cidr": "198.51.100.0/24"}, {"Cidr": "203.0.113.0/24"}]
        created = account.ec2.create_managed_prefix_list(
            PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=entries
        )
        account.allow(web, 22, PrefixListIds=[{"PrefixListId": created["PrefixList"]["PrefixListId"]}])
        account.run(account.inside, "172.20.200.5", web)
        self.apply()
        (ssh,) = [rule for rule in self.ours() if rule[3] == "ssh"]
        self.assertEqual(ssh[1:3], ("198.51.100.0/24,203.0.113.0/24", "172.20.200.5"))

    def test_a_watch_hears_of_a_change_by_a_queue(self):
        account = self.account
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        queue = account.sqs.create_queue(QueueName="wake.fifo", Attributes=attributes)["QueueUrl"]
        send = lambda body: account.sqs.send_message(
            QueueUrl=queue, MessageBody=json.dumps(body), MessageGroupId="drawbridge"
        )
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = lambda: sum(
            int(count) for count in account.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values()
        )
        self.watching("--queue", queue, "--every", "1h")
        instance = account.run(account.inside, "172.20.200.5", account.web)
        send(wrapped(record("RunInstances", instance)))
        self.until("a rule", lambda: [rule[0] for rule in self.ours()] == [f"{instance}-1"])
        self.until("deleted", lambda: left() == 0)
        account.ec2.stop_instances(InstanceIds=[instance])
        send(wrapped(record("StopInstances", instance)))
        self.until("closed", lambda: self.ours() == [])
        self.until("deleted", lambda: left() == 0)
        self.call("watch --queue", lambda: None)

    def test_a_watch_lists_the_bucket_of_a_trail(self):
        account = self.account
        account.s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": REGION})

        def deliver(*records):
            day = time.strftime("%Y/%m/%d", time.gmtime())
            stamp = time.strftime("%Y%m%dT%H%MZ", time.gmtime())
            key = (
                f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{day}/"
                f"{ACCOUNT}_CloudTrail_{REGION}_{stamp}_{uuid.uuid4().hex[:16]}.json.gz"
            )
            body = gzip.compress(json.dumps({"Records": records}).encode())
            account.s3.put_object(Bucket="trail", Key=key, Body=body)

        # There is a folder of the trail as soon as anything was delivered.
        deliver(record("DescribeInstances"))
        said = self.watching("--bucket", "trail", "--every", "1s")
        instance = account.run(account.inside, "172.20.200.5", account.web)
        deliver(record("RunInstances", instance))
        self.until("a rule", lambda: len(self.ours()) == 1)
        self.until("read", lambda: f"RunInstances {instance}" in said())
        self.call("watch --bucket", lambda: None)


if __name__ == "__main__":
    main()
