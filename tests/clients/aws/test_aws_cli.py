"""The AWS CLI against the simulator, as one types it."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from simulated import CREDENTIALS, REGION, Checked, Simulator, main  # noqa: E402

# Beside this Python, or wherever the shell finds it.
AWS = os.path.join(os.path.dirname(sys.executable), "aws")
AWS = AWS if os.path.exists(AWS) else shutil.which("aws")


def setUpModule():
    global simulator, home
    simulator, home = Simulator(), tempfile.TemporaryDirectory()


def tearDownModule():
    simulator.stop()
    home.cleanup()


class Cli(Checked):
    def run_cli(self, line, *more):
        """Runs `aws` with the words of a line, and more words that have blanks in them."""
        words = line.split() + list(more)
        environment = {
            **CREDENTIALS,
            "PATH": os.environ["PATH"],
            "HOME": home.name,
            "AWS_ENDPOINT_URL_EC2": simulator.ec2,
            "AWS_ENDPOINT_URL_S3": simulator.s3,
            "AWS_ENDPOINT_URL_STS": simulator.ec2,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        done = subprocess.run([AWS, *words], env=environment, capture_output=True, text=True, timeout=120)
        self.counted(" ".join(word for word in words[:2]))
        return done

    def aws(self, line, *more):
        """What the CLI prints, read as JSON if it is any."""
        done = self.run_cli(line, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        try:
            return json.loads(done.stdout) if done.stdout.strip() else None
        except json.JSONDecodeError:
            return done.stdout

    def text(self, line, *more):
        """What the CLI prints for a query, as text."""
        return self.run_cli(line + " --output text", *more).stdout.strip()

    def refused(self, code, line, *more):
        done = self.run_cli(line, *more)
        # The first version of the CLI and the second do not agree on a number.
        self.assertIn(done.returncode, (254, 255), done.stdout)
        self.assertIn(f"An error occurred ({code})", done.stderr)

    def test_a_vpc_is_built_used_and_torn_down(self):
        name = "ResourceType=vpc,Tags=[{Key=Name,Value=cli}]"
        vpc = self.text(f"ec2 create-vpc --cidr-block 10.80.0.0/16 --tag-specifications {name} --query Vpc.VpcId")
        self.aws(f"ec2 wait vpc-available --vpc-ids {vpc}")
        self.aws(f"ec2 associate-vpc-cidr-block --vpc-id {vpc} --amazon-provided-ipv6-cidr-block")
        self.aws(f"ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames")
        subnet = self.text(f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.80.1.0/24 --query Subnet.SubnetId")
        self.aws(f"ec2 modify-subnet-attribute --subnet-id {subnet} --map-public-ip-on-launch")
        gateway = self.text("ec2 create-internet-gateway --query InternetGateway.InternetGatewayId")
        self.aws(f"ec2 attach-internet-gateway --internet-gateway-id {gateway} --vpc-id {vpc}")
        table = self.text(f"ec2 create-route-table --vpc-id {vpc} --query RouteTable.RouteTableId")
        out = f"--route-table-id {table} --destination-cidr-block 0.0.0.0/0 --gateway-id {gateway}"
        self.assertEqual(self.aws(f"ec2 create-route {out}"), {"Return": True})
        self.refused("RouteAlreadyExists", f"ec2 create-route {out}")
        self.aws(f"ec2 replace-route {out}")
        association = self.text(
            f"ec2 associate-route-table --route-table-id {table} --subnet-id {subnet} --query AssociationId"
        )
        group = self.text(f"ec2 create-security-group --vpc-id {vpc} --group-name cli --description cli --query GroupId")
        prefixes = self.text(
            "ec2 create-managed-prefix-list --prefix-list-name offices --address-family IPv4 --max-entries 5 "
            "--entries Cidr=192.0.2.0/28,Description=a --query PrefixList.PrefixListId"
        )
        self.aws(
            f"ec2 modify-managed-prefix-list --prefix-list-id {prefixes} --current-version 1 --add-entries Cidr=192.0.2.64/28"
        )
        entries = self.aws(f"ec2 get-managed-prefix-list-entries --prefix-list-id {prefixes}")["Entries"]
        self.assertEqual([entry["Cidr"] for entry in entries], ["192.0.2.0/28", "192.0.2.64/28"])

        simple = f"--group-id {group} --protocol tcp --port 22 --cidr 198.51.100.7/32"
        made = self.aws(f"ec2 authorize-security-group-ingress {simple}")["SecurityGroupRules"][0]
        self.refused("InvalidPermission.Duplicate", f"ec2 authorize-security-group-ingress {simple}")
        rule = made["SecurityGroupRuleId"]
        self.aws(
            f"ec2 modify-security-group-rules --group-id {group} --security-group-rules",
            f"SecurityGroupRuleId={rule},SecurityGroupRule={{IpProtocol=tcp,FromPort=443,ToPort=443,CidrIpv4=198.51.100.0/24}}",
        )
        told = self.aws(f"ec2 describe-security-group-rules --security-group-rule-ids {rule}")["SecurityGroupRules"][0]
        self.assertEqual((told["FromPort"], told["CidrIpv4"]), (443, "198.51.100.0/24"))
        self.aws(
            f"ec2 update-security-group-rule-descriptions-ingress --group-id {group} --ip-permissions",
            "IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=198.51.100.0/24,Description=words}]",
        )
        self.aws(f"ec2 revoke-security-group-ingress --group-id {group} --security-group-rule-ids {rule}")
        permissions = f"IpProtocol=-1,PrefixListIds=[{{PrefixListId={prefixes}}}]"
        self.aws(f"ec2 authorize-security-group-ingress --group-id {group} --ip-permissions {permissions}")
        self.aws(f"ec2 revoke-security-group-ingress --group-id {group} --ip-permissions {permissions}")
        self.refused("InvalidPermission.NotFound", f"ec2 revoke-security-group-ingress {simple}")
        self.aws(f"ec2 revoke-security-group-egress --group-id {group} --protocol all --cidr 0.0.0.0/0")

        launched = self.aws(
            f"ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type t3.micro --count 2 --subnet-id {subnet} "
            f"--security-group-ids {group} --secondary-private-ip-address-count 1 --tag-specifications "
            "ResourceType=instance,Tags=[{Key=Name,Value=cli}]"
        )["Instances"]
        one, other = (instance["InstanceId"] for instance in launched)
        self.assertEqual(len(launched[0]["NetworkInterfaces"][0]["PrivateIpAddresses"]), 2)
        self.aws(f"ec2 wait instance-running --instance-ids {one} {other}")
        self.aws(f"ec2 reboot-instances --instance-ids {one}")
        self.aws(f"ec2 stop-instances --instance-ids {one}")
        self.aws(f"ec2 wait instance-stopped --instance-ids {one}")
        self.aws(f"ec2 modify-instance-attribute --instance-id {one} --instance-type t3.large")
        self.aws(f"ec2 modify-instance-attribute --instance-id {one} --no-source-dest-check")
        value = self.text(f"ec2 describe-instance-attribute --instance-id {one} --attribute instanceType --query InstanceType.Value")
        self.assertEqual(value, "t3.large")
        started = self.aws(f"ec2 start-instances --instance-ids {one}")["StartingInstances"][0]
        self.assertEqual(started["PreviousState"]["Name"], "stopped")
        card = self.text(f"ec2 create-network-interface --subnet-id {subnet} --groups {group} --query NetworkInterface.NetworkInterfaceId")
        attachment = self.text(
            f"ec2 attach-network-interface --network-interface-id {card} --instance-id {one} --device-index 1 --query AttachmentId"
        )
        self.aws(f"ec2 assign-private-ip-addresses --network-interface-id {card} --ipv4-prefix-count 1")
        self.aws(f"ec2 modify-network-interface-attribute --network-interface-id {card} --no-source-dest-check")
        self.aws(f"ec2 detach-network-interface --attachment-id {attachment}")
        self.aws(f"ec2 delete-network-interface --network-interface-id {card}")
        self.aws(f"ec2 create-tags --resources {one} --tags Key=role,Value=web")
        found = self.text(
            "ec2 describe-instances --filters Name=tag:role,Values=w* Name=instance-state-name,Values=running "
            "--query Reservations[].Instances[].InstanceId"
        )
        self.assertEqual(found, one)

        # Down again.
        self.refused("DependencyViolation", f"ec2 delete-vpc --vpc-id {vpc}")
        self.refused("DependencyViolation", f"ec2 delete-subnet --subnet-id {subnet}")
        self.aws(f"ec2 terminate-instances --instance-ids {one} {other}")
        self.aws(f"ec2 wait instance-terminated --instance-ids {one} {other}")
        self.aws(f"ec2 disassociate-route-table --association-id {association}")
        self.aws(f"ec2 delete-route --route-table-id {table} --destination-cidr-block 0.0.0.0/0")
        self.aws(f"ec2 delete-route-table --route-table-id {table}")
        self.aws(f"ec2 detach-internet-gateway --internet-gateway-id {gateway} --vpc-id {vpc}")
        self.aws(f"ec2 delete-internet-gateway --internet-gateway-id {gateway}")
        self.aws(f"ec2 delete-security-group --group-id {group}")
        self.aws(f"ec2 delete-managed-prefix-list --prefix-list-id {prefixes}")
        self.aws(f"ec2 delete-subnet --subnet-id {subnet}")
        self.aws(f"ec2 delete-vpc --vpc-id {vpc}")
        self.refused("InvalidVpcID.NotFound", f"ec2 describe-vpcs --vpc-ids {vpc}")

    def test_pages_of_the_clis_own(self):
        vpc = self.text("ec2 create-vpc --cidr-block 10.81.0.0/16 --query Vpc.VpcId")
        for n in range(6):
            self.aws(f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.81.{n}.0/24")
        mine = f"--filters Name=vpc-id,Values={vpc}"
        self.assertEqual(len(self.aws(f"ec2 describe-subnets {mine} --page-size 5")["Subnets"]), 6)
        page = self.aws(f"ec2 describe-subnets {mine} --page-size 5 --max-items 4")
        self.assertEqual(len(page["Subnets"]), 4)
        rest = self.aws(f"ec2 describe-subnets {mine} --starting-token {page['NextToken']}")
        self.assertEqual(len(rest["Subnets"]), 2)
        page = self.aws(f"ec2 describe-subnets {mine} --max-results 5 --no-paginate")
        rest = self.aws(f"ec2 describe-subnets {mine} --next-token {page['NextToken']} --no-paginate")
        self.assertEqual((len(page["Subnets"]), len(rest["Subnets"])), (5, 1))

    def test_refusals_read_as_those_of_ec2(self):
        self.refused("InvalidInstanceID.NotFound", "ec2 start-instances --instance-ids i-0123456789abcdef0")
        self.refused("InvalidInstanceID.Malformed", "ec2 stop-instances --instance-ids i-x")
        self.refused("InvalidGroup.NotFound", "ec2 describe-security-groups --group-ids sg-0123abcd")
        self.refused("InvalidParameterValue", "ec2 create-vpc --cidr-block nonsense")
        self.refused("DryRunOperation", "ec2 create-vpc --cidr-block 10.0.0.0/16 --dry-run")
        self.refused("InvalidAction", "ec2 describe-volumes")
        simulator.control("PUT", "settings", throttle_next=1)
        self.refused("RequestLimitExceeded", "ec2 describe-regions")
        self.assertEqual(self.text("ec2 describe-regions --query Regions[].RegionName"), REGION)

    def test_the_file_of_cloudtrail_and_other_objects(self):
        identity = self.aws("sts get-caller-identity")
        self.assertTrue(identity["Arn"].endswith(":user/builder"))
        self.aws("ec2 create-vpc --cidr-block 10.82.0.0/16")
        key = simulator.control("POST", "deliver")["keys"][0]
        listing = self.aws("s3 ls s3://trail --recursive")
        self.assertIn(key, listing)
        target = os.path.join(home.name, "log.json.gz")
        self.aws(f"s3 cp s3://trail/{key} {target} --no-progress")
        with gzip.open(target) as file:
            names = [record["eventName"] for record in json.load(file)["Records"]]
        self.assertIn("CreateVpc", names)
        self.aws(f"s3api get-object --bucket trail --key {key} {target}")
        self.assertEqual(self.aws(f"s3api head-object --bucket trail --key {key}")["ContentEncoding"], "gzip")
        found = self.aws("s3api list-objects-v2 --bucket trail --prefix AWSLogs/")
        self.assertIn(key, [one["Key"] for one in found["Contents"]])

        self.aws("s3 mb s3://from-cli")
        note = os.path.join(home.name, "note.txt")
        with open(note, "w") as file:
            file.write("text")
        self.aws(f"s3 cp {note} s3://from-cli/folder/note.txt --no-progress")
        self.assertIn("PRE folder/", self.aws("s3 ls s3://from-cli"))
        self.assertEqual(self.run_cli("s3 cp s3://from-cli/folder/note.txt -").stdout, "text")
        self.assertEqual(self.run_cli("s3 rb s3://from-cli").returncode, 1)
        self.aws("s3 rm s3://from-cli --recursive")
        self.aws("s3 rb s3://from-cli")
        self.refused("NoSuchKey", f"s3api get-object --bucket trail --key nothing {target}")


if __name__ == "__main__":
    main()
