"""Keys, transports, operational commands, commits, User-ID and files."""

import ssl

import pan.xapi
from pan.commit import PanCommit

from checked import Simulator
from pan_python.common import WORLD, OnFirewall, at, content

OWN = "<partial><admin><member>admin</member></admin></partial>"


class Keys(OnFirewall):
    def test_keygen(self):
        key = self.call("PanXapi.keygen", self.xapi.keygen)
        self.assertRegex(key, "^[A-Za-z0-9=]+$")
        with_key = pan.xapi.PanXapi(api_key=key, hostname="127.0.0.1", port=self.simulator.firewall_port, use_http=True)
        self.call("PanXapi(api_key=…)", with_key.op, "show clock", cmd_xml=True)
        self.assertEqual(with_key.status, "success")
        with_get = self.login("admin", use_get=True)
        self.call("PanXapi(use_get=True)", with_get.get, at("web in"))
        self.assertEqual(with_get.status_code, "19")
        with_serial = self.login("admin", serial="007000000000001")
        self.call("PanXapi(serial=…)", with_serial.op, "show clock", cmd_xml=True)
        self.fails("PanXapi.keygen, wrong password", "code: 403 reason: Invalid Credential", self.login("admin", "wrong").keygen)
        self.fails("PanXapi.ad_hoc, unknown type", r'Illegal value for parameter "type" \[dance\]', self.xapi.ad_hoc,
                   "type=dance", modify_qs=True)
        self.call("PanXapi.ad_hoc type=version", self.xapi.ad_hoc, "type=version", modify_qs=True)
        self.assertEqual(self.xapi.element_result.findtext("sw-version"), "10.2.9")

    def test_tls(self):
        pem = self.simulator.file("certificate.pem")
        world = Simulator(WORLD, "--tls", pem)
        self.addCleanup(world.stop)
        trusting = ssl.create_default_context(cafile=pem)
        told = {"hostname": "127.0.0.1", "port": world.firewall_port, "api_username": "admin", "api_password": "admin-password"}
        self.call("PanXapi(ssl_context=…)", pan.xapi.PanXapi(ssl_context=trusting, **told).keygen)
        strict = pan.xapi.PanXapi(ssl_context=ssl.create_default_context(), **told)
        self.fails("PanXapi(ssl_context=…), a certificate that is not trusted", "CERTIFICATE_VERIFY_FAILED", strict.keygen)
        self.call("PanXapi, without a context", pan.xapi.PanXapi(**told).keygen)


class OldKeys(OnFirewall):
    options = ("--denied-with", "200")

    def test_wrong_password(self):
        self.fails("PanXapi.keygen, wrong password, HTTP 200", "^Invalid credentials.$", self.login("admin", "wrong").keygen)


class Operations(OnFirewall):
    def test_op(self):
        self.call("PanXapi.op(cmd_xml=True)", self.xapi.op, "show system info", cmd_xml=True)
        self.assertEqual(self.xapi.element_result.findtext("system/sw-version"), "10.2.9")
        self.call("PanXapi.op", self.xapi.op, "<show><system><info/></system></show>")
        self.assertIn("<hostname>fw1</hostname>", self.result())
        self.fails("PanXapi.op, unknown command", "show -> sistem is invalid", self.xapi.op, "show sistem info", cmd_xml=True)
        self.assertEqual(self.xapi.status_code, "17")
        self.fails("PanXapi.op, no XML", "", self.xapi.op, "<show><system>")
        self.assertEqual(self.xapi.status_code, "18")

    def test_changes(self):
        self.assertEqual(self.op("<check><pending-changes/></check>").findtext("result"), "no")
        self.xapi.set(at("i-1"), content())
        entry = self.call("PanXapi.op show config list changes", self.op,
                          "<show><config><list><changes/></list></config></show>").find("./result/journal/entry")
        self.assertEqual((entry.findtext("owner"), entry.findtext("action"), entry.findtext("xpath")), ("admin", " SET", at("i-1")))
        answer = self.call("PanXapi.op revert config", self.op, f"<revert><config>{OWN}</config></revert>")
        self.assertEqual(answer.findtext("./result/msg/line"), "All changes were reverted from configuration")
        self.assertEqual(self.rules(), ["web in", "Clean up"])

    def test_policy(self):
        question = ("<test><security-policy-match><source>198.51.100.7</source><destination>10.0.1.25</destination>"
                    "<protocol>6</protocol><destination-port>443</destination-port><from>untrust</from><to>trust</to>{}"
                    "</security-policy-match></test>")
        answer = self.call("PanXapi.op test security-policy-match", self.op, question.format(""))
        (met,) = answer.findall("./result/rules/entry")
        self.assertEqual((met.get("name"), met.findtext("index"), met.findtext("action")), ("web in", "1", "allow"))
        every = self.op(question.format("<show-all>yes</show-all>")).findall("./result/rules/entry")
        self.assertEqual([rule.get("name") for rule in every], ["web in", "Clean up"])
        packet = {"from": "untrust", "to": "trust", "source": "198.51.100.7", "destination": "10.0.1.25"}
        self.assertEqual(self.simulator.control("packet", destination_port=22, **packet), {"rule": "Clean up"})
        counts = ("<show><rule-hit-count><vsys><vsys-name><entry name='vsys1'><rule-base><entry name='security'><rules><all/></rules>"
                  "</entry></rule-base></entry></vsys-name></vsys></rule-hit-count></show>")
        counted = self.call("PanXapi.op show rule-hit-count", self.op, counts).findall(".//rules/entry")
        self.assertEqual([(rule.get("name"), rule.findtext("hit-count")) for rule in counted], [("web in", "0"), ("Clean up", "1")])

    def test_locks(self):
        add = "<request><config-lock><add><comment>c</comment></add></config-lock></request>"
        self.call("PanXapi.op request config-lock add", self.xapi.op, add, vsys="vsys1")
        self.assertIn("Successfully acquired lock.", self.result())
        listed = self.call("PanXapi.op show config-locks", self.op, "<show><config-locks><vsys>all</vsys></config-locks></show>")
        self.assertEqual(listed.find(".//entry").get("name"), "admin")
        alice = self.login("alice")
        self.fails("PanXapi.set, while locked", "^Configuration is locked by admin$", alice.set, at("i-1"), content())
        self.fails("PanXapi.op request config-lock add, while held", "Config for scope vsys1 is currently locked by admin",
                   alice.op, add, vsys="vsys1")
        self.xapi.op("<request><config-lock><remove/></config-lock></request>", vsys="vsys1")
        self.assertEqual(self.xapi.element_root.findtext("result"), "Config lock released for admin")


class Commits(OnFirewall):
    def test_sync(self):
        self.xapi.set(at("i-1"), content())
        self.call("PanXapi.commit", self.xapi.commit, f"<commit><description>d</description>{OWN}</commit>")
        self.assertEqual(self.xapi.element_result.findtext("job"), "1")
        self.xapi.set(at("i-2"), content())
        self.call("PanXapi.commit(sync=True, action='partial')", self.xapi.commit, f"<commit>{OWN}</commit>", action="partial",
                  sync=True, interval=0.05)
        self.assertEqual(self.xapi.element_result.findtext("job/result"), "OK")
        self.assertEqual(self.xapi.status_detail, "Configuration committed successfully")
        self.assertEqual(self.rules("show"), ["web in", "Clean up", "i-1", "i-2"])
        self.call("PanXapi.commit, nothing to commit", self.xapi.commit, "<commit/>", sync=True)
        self.assertEqual((self.xapi.status_code, self.xapi.status_detail), ("19", "There are no changes to commit."))
        self.call("PanXapi.commit, nothing of one's own", self.xapi.commit, f"<commit>{OWN}</commit>", sync=True)
        self.assertEqual(self.xapi.status_code, "13")
        self.assertIn("The result of this commit would be the same", self.xapi.status_detail)

    def test_pan_commit(self):
        self.xapi.set(at("i-1"), content())
        validation = PanCommit(validate=True)
        elsewhere, here, forced = PanCommit(), PanCommit(), PanCommit(force=True)
        elsewhere.policy_and_objects_excluded()
        here.device_and_network_excluded()
        here.shared_object_excluded()
        here.vsys("vsys1")
        self.call("PanXapi.commit(PanCommit(validate=True))", self.xapi.commit, validation.cmd(), sync=True, interval=0.05)
        self.assertEqual(self.xapi.element_result.findtext("job/type"), "Validate")
        self.call("PanXapi.commit(PanCommit.policy_and_objects_excluded)", self.xapi.commit, elsewhere.cmd())
        self.assertEqual(self.xapi.status_code, "13")
        self.assertEqual(self.rules("show"), ["web in", "Clean up"])
        for command in [here, forced]:
            self.call("PanXapi.commit(PanCommit(…))", self.xapi.commit, command.cmd(), sync=True, interval=0.05)
            self.assertEqual(self.xapi.element_result.findtext("job/result"), "OK")
        self.assertEqual(self.rules("show"), ["web in", "Clean up", "i-1"])
        self.fails("PanXapi.commit, unknown part", "commit -> everything is invalid", self.xapi.commit, "<commit><everything/></commit>")

    def test_failure(self):
        self.xapi.set(at("i-1"), "<action>allow</action>")
        self.call("PanXapi.commit(sync=True), invalid", self.xapi.commit, "<commit/>", sync=True, interval=0.05)
        self.assertEqual(self.xapi.element_result.findtext("job/result"), "FAIL")
        self.assertEqual(self.xapi.element_result.findtext("job/progress"), "100")
        self.assertIn("Validation Error:", self.xapi.status_detail)


class UserIds(OnFirewall):
    def send(self, payload, **more):
        message = f"<uid-message><version>1.0</version><type>update</type><payload>{payload}</payload></uid-message>"
        self.xapi.user_id(message, **more)

    def test_tags(self):
        register = "<register><entry ip='10.0.1.25' persistent='0'><tag><member timeout='60'>web</member><member>x</member></tag></entry></register>"
        self.call("PanXapi.user_id register", self.send, register)
        self.assertEqual(self.xapi.element_result.findtext("uid-response/version"), "2.0")
        self.fails("PanXapi.user_id register, again", "ip: 10.0.1.25 message: tag web already exists, ignore", self.send, register)
        show = "<show><object><registered-ip><all/></registered-ip></object></show>"
        (entry,) = self.op(show).findall("./result/entry")
        self.assertEqual((entry.get("ip"), entry.get("persistent")), ("10.0.1.25", "0"))
        self.assertEqual([member.text for member in entry.findall("tag/member")], ["web", "x"])
        count = "<show><object><registered-ip><all><option>count</option></all></registered-ip></object></show>"
        self.assertEqual(self.op(count).findtext("./result/count"), "1")
        self.call("PanXapi.user_id(vsys=…)", self.send, register, vsys="vsys2")
        self.call("PanXapi.user_id unregister", self.send, "<unregister><entry ip='10.0.1.25'/></unregister>")
        self.assertEqual(self.op(show).findtext("./result/count"), "0")
        self.fails("PanXapi.user_id, unknown payload", "dance unexpected here", self.send, "<dance/>")


class Files(OnFirewall):
    def test_export(self):
        self.call("PanXapi.export(category='configuration')", self.xapi.export, "configuration")
        self.assertEqual(self.xapi.export_result["file"], "running-config.xml")
        self.assertIn(b"<entry name=\"Clean up\"", self.xapi.export_result["content"])
        self.fails("PanXapi.export, unknown category", r'Illegal value for parameter "category" \[core-file\]', self.xapi.export, "core-file")
        self.fails("PanXapi.report, not there", r'Illegal value for parameter "type" \[report\]', self.xapi.report, "dynamic", "x")

    def test_logs(self):
        self.xapi.set(at("i-1"), content())
        self.xapi.delete(at("web in"))
        self.call("PanXapi.log('config')", self.xapi.log, "config", nlogs=1)
        self.assertEqual(self.xapi.status_code, "19")
        logs = self.xapi.element_result.find("log/logs")
        self.assertEqual((logs.get("count"), logs.findtext("entry/type"), logs.findtext("entry/cmd")), ("1", "CONFIG", "delete"))
        self.call("PanXapi.log(filter=…)", self.xapi.log, "config", filter="( cmd eq set )")
        self.assertEqual([entry.findtext("path") for entry in self.xapi.element_result.findall("log/logs/entry")], [at("i-1")])
        self.fails("PanXapi.log, no such log", r'Illegal value for parameter "log-type" \[traffic\]', self.xapi.log, "traffic")
