"""User-ID, and administrators with their roles and keys."""

import time

from panos import device, errors, firewall, objects

from pan_os_python.common import OnFirewall, rule


class UserIds(OnFirewall):
    def test_tags(self):
        userid = self.fw.userid
        self.call("UserId.register", userid.register, "10.0.1.25", ["web", "prod"])
        self.call("UserId.register, several", userid.register, ["10.0.1.26", "10.0.1.27"], "web")
        every = self.call("UserId.get_registered_ip", userid.get_registered_ip)
        self.assertEqual({ip: sorted(tags) for ip, tags in every.items()},
                         {"10.0.1.25": ["prod", "web"], "10.0.1.26": ["web"], "10.0.1.27": ["web"]})
        self.call("UserId.register, again", userid.register, "10.0.1.25", "web")
        userid.ignore_dup_errors = False
        self.refused("UserId.register(ignore_dup_errors=False)", errors.PanDeviceXapiError,
                     "tag web already exists, ignore", userid.register, "10.0.1.25", "web")
        self.refused("UserId.unregister(ignore_dup_errors=False)", errors.PanDeviceXapiError,
                     "tag none does not exist, ignore unreg", userid.unregister, "10.0.1.25", "none")
        userid.ignore_dup_errors = True
        self.assertEqual(list(self.call("UserId.get_registered_ip(ip=…)", userid.get_registered_ip, ip="10.0.1.26")), ["10.0.1.26"])
        found = self.call("UserId.get_registered_ip(tags=…)", userid.get_registered_ip, tags="prod")
        self.assertEqual(found, {"10.0.1.25": ["prod"]})
        self.call("UserId.unregister", userid.unregister, "10.0.1.26", "web")
        self.assertNotIn("10.0.1.26", userid.get_registered_ip())
        self.call("UserId.audit_registered_ip_for_tag", userid.audit_registered_ip_for_tag, "web", ["10.0.1.30"])
        self.assertEqual(list(userid.get_registered_ip(tags="web")), ["10.0.1.30"])
        self.call("UserId.audit_registered_ip", userid.audit_registered_ip, {"10.0.1.31": ("prod",)})
        self.assertEqual(userid.get_registered_ip(), {"10.0.1.31": ["prod"]})
        self.call("UserId.clear_registered_ip", userid.clear_registered_ip)
        self.assertEqual(userid.get_registered_ip(), {})
        self.assertFalse(self.fw.pending_changes())
        self.refused("UserId.register, no address", errors.PanDeviceXapiError, "invalid IP address", userid.register, "moon", "web")

    def test_paging_and_batches(self):
        userid = self.fw.userid
        userid.batch_start()
        for number in range(1203):
            userid.register(f"10.1.{number // 250}.{number % 250}", "many")
        self.call("UserId.batch_end", userid.batch_end)
        self.assertEqual(len(self.call("UserId.get_registered_ip, in pages", userid.get_registered_ip)), 1203)

    def test_timeouts_and_dynamic_groups(self):
        group = self.fw.add(objects.AddressGroup("tagged", dynamic_value="'web' and 'prod'"))
        group.create()
        self.rulebase().add(rule("to tagged", destination=["tagged"])).create()
        self.rulebase().add(rule("to tagged", destination=["tagged"])).move("top")
        self.fw.commit(sync=True)

        def met():
            found = self.fw.test_security_policy_match("198.51.100.7", "10.0.1.25", 6, port=22, application="ssh",
                                                       from_zone="untrust", to_zone="trust")
            return found[0]["name"]

        self.assertEqual(met(), "Clean up")
        self.fw.userid.register("10.0.1.25", "prod")
        self.call("UserId.register(timeout=…)", self.fw.userid.register, "10.0.1.25", "web", timeout=2)
        self.assertEqual(met(), "to tagged")
        show = "<show><object><dynamic-address-group><all></all></dynamic-address-group></object></show>"
        shown = self.call("Firewall.op show object dynamic-address-group", self.fw.op, show, cmd_xml=False)
        members = [entry.get("name") for entry in shown.findall("./result/dyn-addr-grp/entry/member-list/entry")]
        self.assertEqual(members, ["10.0.1.25"])
        time.sleep(2.1)
        self.assertEqual(self.fw.userid.get_registered_ip(), {"10.0.1.25": ["prod"]})
        self.assertEqual(met(), "Clean up")

    def test_users(self):
        userid = self.fw.userid
        self.call("UserId.login", userid.login, "corp\\bob", "10.0.1.25", timeout=5)
        self.call("UserId.logins", userid.logins, [("corp\\eve", "10.0.1.26"), ("corp\\joe", "10.0.1.27", 5)])

        def mapped():
            shown = self.fw.op("show user ip-user-mapping all")
            return [(entry.findtext("ip"), entry.findtext("user")) for entry in shown.findall("./result/entry")]

        self.assertEqual(len(self.call("Firewall.op show user ip-user-mapping all", mapped)), 3)
        self.call("UserId.logout", userid.logout, "corp\\bob", "10.0.1.25")
        self.call("UserId.logouts", userid.logouts, [("corp\\eve", "10.0.1.26")])
        self.assertEqual(mapped(), [("10.0.1.27", "corp\\joe")])
        self.call("UserId.set_group", userid.set_group, "admins", ["corp\\bob", "corp\\eve"])
        self.assertEqual(self.call("UserId.get_groups", userid.get_groups), ["admins"])
        self.assertEqual(self.call("UserId.get_group_members", userid.get_group_members, "admins"), ["corp\\bob", "corp\\eve"])
        self.call("UserId.tag_user", userid.tag_user, "corp\\bob", ["risky"])
        self.assertEqual(self.call("UserId.get_user_tags", userid.get_user_tags), {"corp\\bob": ["risky"]})
        self.assertEqual(userid.get_user_tags("corp\\bob"), {"corp\\bob": ["risky"]})
        self.call("UserId.untag_user", userid.untag_user, "corp\\bob")
        self.assertEqual(userid.get_user_tags(), {})


class Administrators(OnFirewall):
    options = ("--denied-with", "200")

    def test_roles(self):
        made = [device.Administrator("root2", superuser=True), device.Administrator("reader", superuser_read_only=True),
                device.Administrator("sync", role_profile="fwsync")]
        role = ("<entry name='fwsync'><role><device><xmlapi><config>enable</config><op>enable</op><commit>disable</commit>"
                "</xmlapi></device></role></entry>")
        self.fw.xapi.set("/config/shared/admin-role", role)
        for admin in made:
            admin.password_hash = self.call("Firewall.request_password_hash", self.fw.request_password_hash, "Secret-1")
            self.fw.add(admin)
            self.call("Administrator.create", admin.create)
        self.refused("Firewall.api_key, before the commit", errors.PanInvalidCredentials, "Invalid credentials.",
                     lambda: self.login("reader", "Secret-1").api_key)
        self.fw.commit(sync=True, exception=True)
        self.rulebase(self.login("root2", "Secret-1")).add(rule("by root2")).create()
        reader = self.login("reader", "Secret-1")
        self.assertEqual(self.names(reader)[-1], "by root2")
        new = self.rulebase(reader).add(rule("by reader"))
        self.refused("SecurityRule.create, by a reader", errors.PanDeviceXapiError, "Unauthorized request", new.create)
        self.refused("Firewall.commit, by a reader", errors.PanDeviceXapiError, "Unauthorized request", reader.commit)
        sync = self.login("sync", "Secret-1")
        self.rulebase(sync).add(rule("by sync")).create()
        self.refused("Firewall.commit, role without it", errors.PanDeviceXapiError, "Type .commit. not authorized for user role.",
                     sync.commit)
        self.refused("UserId.register, role without it", errors.PanDeviceXapiError, "Type .user-id. not authorized for user role.",
                     sync.userid.register, "10.0.0.1", "x")

    def test_bad_credentials(self):
        self.refused("Firewall.refresh_system_info, wrong password", errors.PanInvalidCredentials, "Invalid credentials.",
                     self.login("admin", "wrong").refresh_system_info)
        stranger = firewall.Firewall("127.0.0.1", api_key="bm9ib2R5", port=self.simulator.firewall_port)
        self.refused("Firewall.refresh_system_info, wrong key", errors.PanInvalidCredentials, "Invalid credentials.",
                     stranger.refresh_system_info)


class Forbidden(OnFirewall):
    def test_bad_credentials(self):
        self.refused("Firewall.refresh_system_info, wrong password, HTTP 403", errors.PanURLError,
                     "code: 403 reason: Invalid Credential", self.login("admin", "wrong").refresh_system_info)
        nobody = firewall.Firewall("127.0.0.1", "admin", "x", port=1)
        self.refused("Firewall.refresh_system_info, nobody there", errors.PanURLError, "URLError", nobody.refresh_system_info)

    def test_the_least_role(self):
        rights = "".join(f"<{right}>enable</{right}>" for right in ["config", "op", "commit"])
        role = f"<entry name='fwsync'><role><device><xmlapi>{rights}</xmlapi></device></role></entry>"
        self.fw.xapi.set("/config/shared/admin-role", role)
        admin = self.fw.add(device.Administrator("sync", role_profile="fwsync"))
        admin.password_hash = self.fw.request_password_hash("Secret-1")
        admin.create()
        self.fw.commit(sync=True, exception=True)
        sync = self.login("sync", "Secret-1")
        self.call("Firewall.refresh_system_info, least role", sync.refresh_system_info)
        new = self.rulebase(sync).add(rule("by sync"))
        self.call("SecurityRule.create, least role", new.create)
        self.call("SecurityRule.move, least role", new.move, "before", "Clean up")
        self.assertTrue(self.call("Firewall.commit(admins=…), least role", sync.commit, sync=True, admins=["sync"])["success"])
        reason = "code: 403 reason: Type .{}. not authorized for user role."
        self.refused("UserId.register, least role", errors.PanURLError, reason.format("user-id"), sync.userid.register, "10.0.0.1", "x")
        self.refused("SecurityRule.opstate.audit_comment.history, least role", errors.PanURLError, reason.format("log"),
                     new.opstate.audit_comment.history)
        self.refused("Firewall.xapi.export, least role", errors.PanURLError, reason.format("export"), sync.xapi.export,
                     category="configuration")
        self.refused("Firewall.xapi.report, least role", errors.PanURLError, reason.format("report"), sync.xapi.report, "dynamic", "x")


class Keys(OnFirewall):
    LIFETIME = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/setting/management/api/key"

    def test_a_lifetime(self):
        self.assertEqual(self.login("alice").api_key, self.login("alice").api_key)
        self.fw.xapi.set(self.LIFETIME, "<lifetime>60</lifetime>")
        self.fw.commit(sync=True, exception=True)
        first, second = self.login("alice"), self.login("alice")
        self.call("Firewall.api_key, with a lifetime", lambda: first.api_key)
        first.refresh_system_info()
        self.assertNotEqual(first.api_key, second.api_key)
        self.call("Firewall.refresh_system_info, with the later key", second.refresh_system_info)
        self.refused("Firewall.refresh_system_info, with the earlier key", errors.PanURLError,
                     "code: 403 reason: Invalid Credential", first.refresh_system_info)

    def test_revocation(self):
        self.fw.refresh_system_info()
        self.simulator.control("expire-keys")
        self.refused("Firewall.refresh_system_info, with a revoked key", errors.PanURLError,
                     "code: 403 reason: Invalid Credential", self.fw.refresh_system_info)
        self.call("Firewall.refresh_system_info, logged in anew", self.login("admin").refresh_system_info)
