"""What all client scripts share: a simulator on free ports, and a count of the calls that were checked."""

import io
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

SIMULATOR = os.environ.get("SIMULATOR", "target/debug/simulator")


class Simulator:
    """A simulator that runs until it is stopped. `world` is the text of a scenario's set-up."""

    def __init__(self, world="", *options):
        self._directory = tempfile.TemporaryDirectory()
        path = os.path.join(self._directory.name, "world.scenario")
        with open(path, "w") as file:
            file.write(world and world + "----\n")
        command = [SIMULATOR, "serve", "--world", path, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        else:
            raise RuntimeError("the simulator does not start: " + self._process.stderr.read().strip())
        self.firewall = self._word("firewall")
        self.firewall_port = int(re.search(r":(\d+)/", self.firewall).group(1))
        self.key = re.search(r"API key +(\S+)", "\n".join(self.lines)).group(1)
        self.aws = self._word("AWS")

    def file(self, name):
        """The path of a file that goes when the simulator goes."""
        return os.path.join(self._directory.name, name)

    def control(self, deed, **fields):
        """Asks the firewall for what no firewall does, such as to let a packet come."""
        query = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in fields.items()})
        url = urllib.parse.urljoin(self.firewall, f"/_simulator/{deed}?{query}")
        # Only HTTPS asks for the context.
        context = ssl._create_unverified_context()
        with urllib.request.urlopen(url, b"", timeout=10, context=context) as answer:
            return json.load(answer)

    def _word(self, first):
        (line,) = [line for line in self.lines if line.startswith(first)]
        return line.split()[1]

    def stop(self):
        self._process.terminate()
        self._process.communicate(timeout=10)
        self._directory.cleanup()


class Checked(unittest.TestCase):
    """A test case that counts the calls which a client made and whose outcome it checked."""

    calls = {}

    def call(self, name, function, *arguments, **named):
        """Calls a client's function and counts it under its name in the client's documentation."""
        answer = function(*arguments, **named)
        self.calls[name] = self.calls.get(name, 0) + 1
        return answer

    def refused(self, name, error, words, function, *arguments, **named):
        """Calls a function that must raise exactly that error, whose text holds `words`."""
        with self.assertRaisesRegex(error, words) as caught:
            function(*arguments, **named)
        self.assertIs(type(caught.exception), error)
        self.calls[name] = self.calls.get(name, 0) + 1


def main():
    """Runs the tests of the script and prints one line, or what went wrong."""
    script = os.path.relpath(sys.argv[0])
    told = io.StringIO()
    runner = unittest.TextTestRunner(stream=told, verbosity=0, buffer=True)
    result = unittest.main(module="__main__", exit=False, testRunner=runner).result
    if not result.wasSuccessful():
        print(told.getvalue())
        print(f"{script}: {len(result.failures) + len(result.errors)} of {result.testsRun} tests failed")
        sys.exit(1)
    checked = sum(Checked.calls.values())
    print(f"{script}: {checked} calls checked, of {len(Checked.calls)} kinds, in {result.testsRun} tests")
    if os.environ.get("CALLS"):
        print("\n".join(f"  {count:4} {name}" for name, count in sorted(Checked.calls.items())))
