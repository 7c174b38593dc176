"""A simulator for the AWS clients: one that is running already, or one that is started on free ports."""

import json
import os
import subprocess
import sys
import unittest
import urllib.parse
import urllib.request

SIMULATOR = os.environ.get("SIMULATOR", "target/debug/simulator")
REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "builder", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


class Simulator:
    """EC2 and S3 at an address, until it is stopped."""

    def __init__(self, *options):
        """With options it is always one of its own."""
        self._process = None
        self.ec2, self.s3 = os.environ.get("SIMULATOR_EC2"), os.environ.get("SIMULATOR_S3")
        if self.ec2 and self.s3 and not options:
            return
        command = [SIMULATOR, "serve", "--deliver", "1h", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in self._process.stdout:
            if line.startswith("AWS"):
                self.ec2 = self.s3 = line.split()[1]
            if line.startswith("Ctrl-C"):
                return
        raise RuntimeError("the simulator does not start: " + self._process.stderr.read().strip())

    def control(self, method, path, **fields):
        """Asks for what no AWS has: `/_simulator/`."""
        query = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in fields.items()})
        request = urllib.request.Request(f"{self.ec2}/_simulator/{path}?{query}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def told(self):
        """The lines that the simulator has printed since it was ready. It must be stopped before."""
        return self._told

    def stop(self):
        self._told = []
        if self._process:
            self._process.terminate()
            output, _ = self._process.communicate(timeout=10)
            self._told = output.splitlines()


class Checked(unittest.TestCase):
    """A test case that counts the calls which a client made and whose outcome it checked."""

    calls = {}

    def counted(self, name):
        self.calls[name] = self.calls.get(name, 0) + 1


def main():
    """Runs the tests of the script and prints one line, or what went wrong."""
    script = os.path.relpath(sys.argv[0])
    program = unittest.main(module="__main__", exit=False, verbosity=0, buffer=True, argv=sys.argv)
    result = program.result
    if not result.wasSuccessful():
        print(f"{script}: {len(result.failures) + len(result.errors)} of {result.testsRun} tests failed")
        sys.exit(1)
    kinds = len(Checked.calls)
    print(f"{script}: {sum(Checked.calls.values())} calls checked, of {kinds} kinds, in {result.testsRun} tests")
    if os.environ.get("CALLS"):
        print("\n".join(f"  {count:4} {name}" for name, count in sorted(Checked.calls.items())))
