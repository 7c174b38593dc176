"""What the boto3 scripts share: clients of one simulator, and calls that are checked."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from simulated import CREDENTIALS, REGION, Checked, Simulator

IMAGE = "ami-0123456789abcdef0"
ANYWHERE = "0.0.0.0/0"


class Shared:
    """The simulator that runs as long as a script does."""

    simulator = None


def start():
    Shared.simulator = Simulator()


def stop():
    Shared.simulator.stop()


def control(method, path, **fields):
    return Shared.simulator.control(method, path, **fields)


def client(service, attempts=1, at=None):
    """A client that tries so often."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=at or (Shared.simulator.s3 if service == "s3" else Shared.simulator.ec2),
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


class Aws(Checked):
    def setUp(self):
        self.ec2, self.s3 = client("ec2"), client("s3")
        self.addCleanup(self.calm)

    def calm(self):
        control(
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
