#!/usr/bin/env python3
"""Measures the Lambda package: its size, how long a cold start takes to the first request, and the memory of a look.

    deploy/measure.py                                    target/lambda/bootstrap and drawbridge.zip, as build.sh makes them
    deploy/measure.py --instances 10000 --starts 20      what is measured, unless told otherwise
    deploy/measure.py --simulator PATH                   the simulator; target/debug/simulator unless told otherwise

The binary runs as Lambda runs it: it finds a runtime API (here on loopback), asks it for an invocation, and answers. A cold
start is measured from the start of the process to that request. The look is a whole one, at an account whose instances are all
behind the firewall, and at the firewall; memory is the kernel's account of the most that was resident (VmHWM). Needs Python
alone.
"""

import argparse
import contextlib
import http.server
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 300  # seconds


class RuntimeApi:
    """Lambda's runtime API on a free port (Lambda developer guide, `runtimes-api`)."""

    def __init__(self):
        self.asked, self.invocations, self.answers = queue.Queue(), queue.Queue(), queue.Queue()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                # The function is killed when it has been measured.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_GET(self):
                api.asked.put(time.monotonic())
                body = json.dumps(api.invocations.get()).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + PATIENCE) * 1000)))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                api.answers.put((self.path.rsplit("/", 1)[1], self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def environment(self):
        return {
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % self.server.server_port,
            "AWS_LAMBDA_FUNCTION_NAME": "drawbridge",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }


class Function:
    """The binary, started in an environment of its own."""

    def __init__(self, bootstrap, environment):
        self.log = tempfile.TemporaryFile()
        self.began = time.monotonic()
        self.process = subprocess.Popen([bootstrap], env=environment, stdout=self.log, stderr=self.log)

    def peak(self):
        """The most that was resident, in MB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        self.process.kill()
        self.process.wait()


def taken(waiting, function):
    """What comes out of a queue, unless the function ends first."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and function.process.poll() is None:
        try:
            return waiting.get(timeout=0.2)
        except queue.Empty:
            pass
    function.stop()
    sys.exit("the function does not answer:\n" + function.said())


def world(instances, rules):
    """An account with groups of ten instances, and a firewall with some rules of administrators."""
    lines = [
        "cloud",
        "vpc vpc-1 10.64.0.0/16",
        "subnet subnet-fw 10.64.0.0/24",
        "subnet subnet-1 10.64.128.0/17",
        "route-table rtb-fw for subnet-fw",
        "route rtb-fw 0.0.0.0/0 -> igw-1",
        "route-table rtb-1 main",
        "route rtb-1 0.0.0.0/0 -> eni-fw",
        "sg sg-fw",
        "instance i-fw 10.64.0.10 sg-fw running",
    ]
    address = lambda number: f"10.64.{128 + number // 250}.{number % 250 + 4}"
    for group in range((instances + 9) // 10):
        lines.append(f"sg sg-{group} allow tcp/80 from 0.0.0.0/0; tcp/443 from 0.0.0.0/0; tcp/22 from 198.51.100.0/24")
    lines += [f"instance i-{number} {address(number)} sg-{number // 10} running" for number in range(instances)]
    lines += ["firewall", 'rule "web in" untrust:any -> trust:any service tcp/80 allow']
    for number in range(rules):
        lines.append(f"rule rule-{number} untrust:192.0.2.{number % 250} -> trust:{address(number)} service tcp/20001 allow")
    lines += ['rule "Clean up" any -> any deny', "settings", 'gateways = ["i-fw"]', "----", ""]
    return "\n".join(lines)


class Simulator:
    """The two outside worlds."""

    def __init__(self, program, text):
        self.directory = tempfile.TemporaryDirectory()
        path = os.path.join(self.directory.name, "large.scenario")
        with open(path, "w") as file:
            file.write(text)
        self.process = subprocess.Popen([program, "serve", "--world", path], stdout=subprocess.PIPE, text=True)
        self.told = {}
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["firewall"]:
                self.told["firewall"] = words[1].removesuffix("/").removesuffix("/api")
            if words[:1] == ["AWS"]:
                self.told["aws"] = words[1]
            if "API key" in line:
                self.told["key"] = line.split("API key")[1].split()[0]
            if words[1:2] == ["i-fw"]:
                self.told["gateway"] = words[0]
            if line.startswith("Ctrl-C"):
                return
        sys.exit("the simulator does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def environment(aws, firewall, key, gateway):
    return {
        "AWS_ACCESS_KEY_ID": "measure",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": aws,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PANOS_HOSTNAME": firewall,
        "PANOS_API_KEY": key,
        "DRAWBRIDGE_MODE": "observe",
        "DRAWBRIDGE_GATEWAYS": gateway,
        "DRAWBRIDGE_POLICY_OWNER": "drawbridge",
        "DRAWBRIDGE_POLICY_BOTTOM_RULE": "Clean up",
        "DRAWBRIDGE_POLICY_UNTRUST_ZONE": "untrust",
        "DRAWBRIDGE_POLICY_TRUST_ZONE": "trust",
        "DRAWBRIDGE_TIMING_SETTLE": "0s",
    }


def cold_starts(bootstrap, count):
    """Milliseconds from the start of the process to its first request, one number for each start."""
    spans = []
    for _ in range(count):
        api = RuntimeApi()
        nobody = environment("http://127.0.0.1:9", "http://127.0.0.1:9", "key", "eni-0123456789abcdef0")
        function = Function(bootstrap, nobody | api.environment())
        spans.append((taken(api.asked, function) - function.began) * 1000)
        resting = function.peak()
        function.stop()
    return spans, resting


def look(bootstrap, simulator, instances, rules):
    """How the look ended, its seconds, and the peak of its memory."""
    outside = Simulator(simulator, world(instances, rules))
    try:
        api = RuntimeApi()
        told = outside.told
        function = Function(bootstrap, environment(told["aws"], told["firewall"], told["key"], told["gateway"]) | api.environment())
        taken(api.asked, function)
        api.invocations.put({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
        began = time.monotonic()
        kind, body = taken(api.answers, function)
        spent, peak = time.monotonic() - began, function.peak()
        function.stop()
        result = json.loads(body)
        if kind != "response":
            sys.exit(f"the look fails: {result}")
        return result, spent, peak
    finally:
        outside.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    parser.add_argument("--bootstrap", default=f"{target}/lambda/bootstrap")
    parser.add_argument("--simulator", default=f"{target}/debug/simulator")
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--starts", type=int, default=20)
    chosen = parser.parse_args()
    package = os.path.join(os.path.dirname(chosen.bootstrap), "drawbridge.zip")
    for file in (chosen.bootstrap, package):
        if os.path.exists(file):
            print(f"{os.path.basename(file):14} {os.path.getsize(file) / 1e6:7.1f} MB")
    spans, resting = cold_starts(chosen.bootstrap, chosen.starts)
    print(f"cold start     {statistics.median(spans):7.1f} ms to the first request "
          f"({min(spans):.1f} to {max(spans):.1f}, {len(spans)} starts), {resting:.0f} MB")
    result, spent, peak = look(chosen.bootstrap, chosen.simulator, chosen.instances, chosen.rules)
    print(f"look           {peak:7.1f} MB and {spent:.1f} s, with {chosen.instances} instances and {chosen.rules} rules: "
          f"{result['ending']}, {len(result['withheld'])} changes left out")


if __name__ == "__main__":
    main()
