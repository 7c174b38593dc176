"""A firewall to begin with, over HTTP, and the paths that everything is below."""

import pan.xapi

from checked import Checked, Simulator

VSYS = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']"
RULES = VSYS + "/rulebase/security/rules"
SERVICES = VSYS + "/service"

WORLD = """firewall
commit takes 200ms
admin alice
rule "web in" untrust:any -> trust:any service tcp/80,443 allow
rule "Clean up" any -> any deny
"""


def at(name, below=RULES):
    return f"{below}/entry[@name='{name}']"


def content(destination="10.0.1.25", application="ssh"):
    return (
        "<from><member>untrust</member></from><to><member>trust</member></to><source><member>any</member></source>"
        f"<destination><member>{destination}</member></destination><application><member>{application}</member></application>"
        "<service><member>application-default</member></service><action>allow</action>"
    )


class OnFirewall(Checked):
    world = WORLD
    options = ()

    def setUp(self):
        self.simulator = Simulator(self.world, *self.options)
        self.addCleanup(self.simulator.stop)
        self.xapi = self.login("admin")

    def login(self, name, password=None, **more):
        told = {"hostname": "127.0.0.1", "port": self.simulator.firewall_port, "use_http": True, "timeout": 20}
        told.update(more)
        return pan.xapi.PanXapi(api_username=name, api_password=password or name + "-password", **told)

    def fails(self, name, words, function, *arguments, **named):
        self.refused(name, pan.xapi.PanXapiError, words, function, *arguments, **named)

    def rules(self, action="get"):
        getattr(self.xapi, action)(RULES + "/entry/@name")
        return [entry.get("name") for entry in self.xapi.element_result]

    def result(self):
        return self.xapi.xml_result()

    def op(self, command, **named):
        self.xapi.op(command, **named)
        return self.xapi.element_root
