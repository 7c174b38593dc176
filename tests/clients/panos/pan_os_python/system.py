"""What the device tells of itself, its versions, virtual systems and peers."""

import datetime
import http.client
import time

from panos import base, device, errors, firewall, objects, policies

from checked import Checked, Simulator
from pan_os_python.common import WORLD, OnFirewall, rule


class Systems(OnFirewall):
    def test_system_information(self):
        info = self.call("Firewall.refresh_system_info", self.fw.refresh_system_info)
        self.assertEqual((info.version, info.platform, info.serial), ("10.2.9", "PA-VM", "007000000000001"))
        self.assertEqual(self.fw.content_version, "8971-9419")
        self.assertIs(self.fw.multi_vsys, False)
        shown = self.call("Firewall.show_system_info", self.fw.show_system_info)
        self.assertEqual(shown["system"]["hostname"], "fw1")
        self.assertEqual(self.call("Firewall.refresh_version", self.fw.refresh_version), "10.2.9")
        self.assertEqual(self.call("Firewall.get_device_version", self.fw.get_device_version), (10, 2, 9))
        self.assertEqual(self.call("Firewall.whoami", self.fw.whoami), "admin")
        self.assertTrue(self.call("Firewall.is_ready", self.fw.is_ready, seconds=1))
        now = self.call("Firewall.clock", self.fw.clock)
        self.assertLess(abs((now - datetime.datetime.utcnow()).total_seconds()), 60)
        self.assertEqual(self.call("Firewall.plugins", self.fw.plugins), [])

    def test_create_from_device(self):
        port = self.simulator.firewall_port
        made = self.call("PanDevice.create_from_device", base.PanDevice.create_from_device, "127.0.0.1", "admin",
                         "admin-password", port=port)
        self.assertIsInstance(made, firewall.Firewall)
        self.assertEqual(made.version, "10.2.9")

    def test_keys(self):
        key = self.call("Firewall.api_key", lambda: self.fw.api_key)
        self.assertRegex(key, "^[A-Za-z0-9=]+$")
        with_key = firewall.Firewall("127.0.0.1", api_key=key, port=self.simulator.firewall_port)
        self.assertEqual(self.call("Firewall(api_key=…)", with_key.refresh_system_info).version, "10.2.9")

    def test_op(self):
        answer = self.call("Firewall.op", self.fw.op, "show clock")
        self.assertEqual(answer.get("status"), "success")
        answer = self.call("Firewall.op(cmd_xml=False)", self.fw.op, "<show><jobs><all/></jobs></show>", cmd_xml=False)
        self.assertEqual(answer.findall("./result/job"), [])
        text = self.call("Firewall.op(xml=True)", self.fw.op, "show system info", xml=True)
        self.assertIn(b"<hostname>fw1</hostname>", text)
        self.refused("Firewall.op, unknown command", errors.PanDeviceXapiError, "show -> sistem is invalid",
                     self.fw.op, "show sistem info")

    def test_what_is_not_there(self):
        self.fw.refresh_system_info()
        for name, function, words in [
            ("Firewall.request_license_info", self.fw.request_license_info, "request -> license is invalid"),
            ("Firewall.fetch_licenses_from_license_server", self.fw.fetch_licenses_from_license_server, "license is invalid"),
            ("Firewall.show_system_resources", self.fw.show_system_resources, "show -> system -> resources is invalid"),
            ("Firewall.restart", self.fw.restart, "request -> restart is invalid"),
            ("Firewall.software.check", self.fw.software.check, "request -> system is invalid"),
            ("Firewall.content.check", self.fw.content.check, "request -> content is invalid"),
        ]:
            self.refused(name, errors.PanDeviceXapiError, words, function)

    def test_settings(self):
        system = self.fw.add(device.SystemSettings())
        self.call("SystemSettings.refresh", system.refresh)
        self.assertEqual(system.hostname, "fw1")
        self.call("Firewall.set_hostname", self.fw.set_hostname, "fw-two")
        self.call("Firewall.set_dns_servers", self.fw.set_dns_servers, "10.0.0.2", "10.0.0.3")
        self.call("Firewall.set_ntp_servers", self.fw.set_ntp_servers, "10.0.0.4")
        seen = self.login("admin").add(device.SystemSettings())
        seen.refresh()
        self.assertEqual((seen.hostname, seen.dns_primary, seen.dns_secondary), ("fw-two", "10.0.0.2", "10.0.0.3"))
        self.assertEqual(seen.findall(device.NTPServerPrimary)[0].address, "10.0.0.4")
        self.fw.commit(sync=True, exception=True)
        self.assertEqual(self.login("admin").show_system_info()["system"]["hostname"], "fw-two")


class Versions(Checked):
    def test_versions(self):
        for version, parts in [("10.1.14-h2", (10, 1, 14)), ("10.2.9", (10, 2, 9)), ("11.1.4", (11, 1, 4))]:
            simulator = Simulator(WORLD, "--tls", "/dev/null", "--panos-version", version)
            self.addCleanup(simulator.stop)
            fw = firewall.Firewall("127.0.0.1", "admin", "admin-password", port=simulator.firewall_port, interval=0.05)
            fw.refresh_system_info()
            self.assertEqual((fw.version, fw._version_info), (version, parts))
            rulebase = fw.add(policies.Rulebase())
            new = rulebase.add(rule("i-1"))
            self.call("SecurityRule.create, on " + version[:4], new.create)
            seen = policies.SecurityRule.refreshall(rulebase)
            self.assertEqual([rule.name for rule in seen], ["web in", "Clean up", "i-1"])
            self.assertTrue(self.call("Firewall.commit, on " + version[:4], fw.commit, sync=True)["success"])


class VirtualSystems(OnFirewall):
    world = WORLD + (
        "xml \"/config/devices/entry[@name='localhost.localdomain']/vsys\" \"<entry name='vsys2'><display-name>two</display-name>"
        "<zone><entry name='inside'><network><layer3/></network></entry></zone></entry>\"\n"
    )

    def test_each_has_its_own(self):
        self.fw.refresh_system_info()
        self.assertIs(self.fw.multi_vsys, True)
        found = self.call("Vsys.refreshall", device.Vsys.refreshall, self.fw, name_only=True)
        self.assertEqual([vsys.name for vsys in found], ["vsys1", "vsys2"])
        two = self.login("admin")
        two.vsys = "vsys2"
        new = self.rulebase(two).add(rule("in two", fromzone=["inside"], tozone=["inside"]))
        self.call("SecurityRule.create, in vsys2", new.create)
        self.assertEqual(self.names(two), ["in two"])
        self.assertEqual(self.names(), ["web in", "Clean up"])
        bad = self.rulebase(two).add(rule("bad", fromzone=["untrust"], tozone=["inside"]))
        self.refused("SecurityRule.create, zone of another vsys", errors.PanDeviceXapiError, "'untrust' is not a valid reference",
                     bad.create)
        self.fw.commit(sync=True, exception=True)
        counts = self.call("hit counts, in vsys2", two.children[0].opstate.hit_count.refresh, "security", all_rules=True)
        self.assertEqual(list(counts), ["in two"])
        two.userid.register("10.0.0.1", "x")
        self.assertEqual(self.call("UserId.get_registered_ip, in vsys2", two.userid.get_registered_ip), {"10.0.0.1": ["x"]})
        self.assertEqual(self.login("admin").userid.get_registered_ip(), {})
        shared = self.login("admin")
        shared.vsys = "shared"
        shared.add(objects.AddressObject("everywhere", "10.0.0.9")).create()
        self.call("SecurityRule.create, naming a shared object",
                  self.rulebase(two).add(rule("two", fromzone=["inside"], tozone=["inside"], source=["everywhere"])).create)


class Pairs(OnFirewall):
    world = WORLD + "ha passive\n"

    def test_states(self):
        state, _ = self.call("Firewall.show_highavailability_state", self.fw.show_highavailability_state)
        self.assertEqual(state, "passive")
        self.assertEqual(self.call("Firewall.config_sync_state", self.fw.config_sync_state), "synchronized")
        self.assertTrue(self.call("Firewall.config_synced", self.fw.config_synced))
        self.assertTrue(self.call("Firewall.synchronize_config", self.fw.synchronize_config))
        new = self.rulebase().add(rule("i-1"))
        self.refused("SecurityRule.create, on the passive unit", errors.PanDeviceXapiError, "", new.create)

    def test_the_active_peer(self):
        peer = Simulator(WORLD + "ha active\n", "--tls", "/dev/null")
        self.addCleanup(peer.stop)
        other = firewall.Firewall("127.0.0.1", "admin", "admin-password", port=peer.firewall_port)
        self.fw.set_ha_peers(other)
        self.assertEqual(self.call("Firewall.refresh_ha_active", self.fw.refresh_ha_active), "passive")
        self.assertIs(self.fw.active(), other)
        self.rulebase().add(rule("i-1")).create()
        self.assertEqual(self.names(other)[-1], "i-1")


class Mishaps(OnFirewall):
    def test_a_restart(self):
        self.simulator.control("restart")
        self.assertFalse(self.call("Firewall.is_ready, after a restart", self.fw.is_ready, seconds=0))
        self.refused("Firewall.commit, before the auto-commit", errors.PanDeviceXapiError, "auto-commit not yet finished", self.fw.commit)
        time.sleep(0.4)
        self.assertTrue(self.call("Firewall.is_ready, after the auto-commit", self.fw.is_ready, seconds=1))

    def test_a_failing_commit(self):
        self.rulebase().add(rule("i-1")).create()
        self.simulator.control("fail-next-job", line="disk full")
        answer = self.call("Firewall.commit, that fails", self.fw.commit, sync=True)
        self.assertFalse(answer["success"])
        self.assertIn("disk full", answer["messages"])
        self.assertTrue(self.fw.commit(sync=True)["success"])


    def test_error_classes(self):
        self.fw.refresh_system_info()
        new = self.rulebase().add(rule("i-1"))
        commit = self.fw.commit

        def sync():
            self.fw.op("request high-availability sync-to-remote running-config")

        for name, error, kind, words, function in [
            ("SecurityRule.create, session timed out", errors.PanSessionTimedOut, "config", "Session timed out", new.create),
            ("Firewall.commit, while an install is in progress", errors.PanInstallInProgress, "commit",
             "You cannot commit while an install is in progress. Please try again later.", commit),
            ("Firewall.commit, while another is in progress", errors.PanCommitInProgress, "commit",
             "Another commit/validate is in progress. Please try again later", commit),
            ("Firewall.op sync-to-remote, while another is in progress", errors.PanHASyncInProgress, "op",
             "Another sync is in progress. Please try again later", sync),
            ("Firewall.op sync-to-remote, in vain", errors.PanHAConfigSyncFailed, "op",
             "Failed to synchronize running configuration with HA peer", sync),
        ]:
            self.simulator.control("refuse-next", type=kind, line=words)
            self.refused(name, error, words, function)
        self.simulator.control("refuse-next", type="config", status=502)
        self.refused("SecurityRule.create, bad gateway", errors.PanURLError, "code: 502", new.create)
        self.simulator.control("lose-next", type="config")
        with self.assertRaises((errors.PanURLError, http.client.RemoteDisconnected)):
            new.create()
        self.assertEqual(self.names()[-1], "i-1")


class Alone(OnFirewall):
    def test_states(self):
        self.assertEqual(self.call("Firewall.show_highavailability_state, alone", self.fw.show_highavailability_state),
                         ("disabled", None))
        self.assertFalse(self.fw.config_synced())
