"""A firewall to begin with, and how to log in to it."""

from panos import firewall, policies

from checked import Checked, Simulator

WORLD = """firewall
commit takes 200ms
admin alice
zone dmz
tag web
profile-group strict
log-setting forward
rule "web in" untrust:any -> trust:any service tcp/80,443 allow
rule "Clean up" any -> any deny
"""


class OnFirewall(Checked):
    """One firewall for each test, over TLS, as the client insists."""

    world = WORLD
    options = ()

    def setUp(self):
        self.simulator = Simulator(self.world, "--tls", "/dev/null", *self.options)
        self.addCleanup(self.simulator.stop)
        self.fw = self.login("admin")

    def login(self, name, password=None):
        port = self.simulator.firewall_port
        password = password or name + "-password"
        return firewall.Firewall("127.0.0.1", name, password, port=port, interval=0.05, timeout=20)

    def rulebase(self, fw=None):
        return (fw or self.fw).add(policies.Rulebase())

    def names(self, fw=None):
        """The names of all rules of the candidate, in order."""
        fw = fw or self.login("admin")
        rulebase = fw.find("", policies.Rulebase) or fw.add(policies.Rulebase())
        return [rule.name for rule in policies.SecurityRule.refreshall(rulebase, name_only=True)]

    def running(self, cls, parent):
        return [found.uid for found in cls.refreshall(parent, running_config=True, add=False)]


def rule(name, **more):
    told = {"fromzone": ["untrust"], "tozone": ["trust"], "source": ["any"], "destination": ["10.0.1.25"]}
    told.update({"application": ["ssh"], "service": ["application-default"], "action": "allow"})
    told.update(more)
    return policies.SecurityRule(name, **told)
