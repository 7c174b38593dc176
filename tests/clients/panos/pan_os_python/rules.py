"""Security and NAT rules, their order, hit counts and audit comments, and the policy test."""

import datetime
import time

from panos import errors, policies

from pan_os_python.common import OnFirewall, rule


class Rules(OnFirewall):
    def test_create_apply_refresh(self):
        rulebase = self.rulebase()
        new = rulebase.add(rule("i-1", description="first", tag=["web"], log_setting="forward", group=["strict"]))
        self.call("SecurityRule.create", new.create)
        self.assertEqual(self.names(), ["web in", "Clean up", "i-1"])
        seen = self.rulebase(self.login("admin")).add(policies.SecurityRule("i-1"))
        self.call("SecurityRule.refresh", seen.refresh)
        self.assertEqual((seen.destination, seen.application, seen.action), (["10.0.1.25"], ["ssh"], "allow"))
        self.assertEqual((seen.tag, seen.log_setting, seen.group, seen.description), (["web"], "forward", ["strict"], "first"))
        self.assertRegex(seen.uuid, "^[0-9a-f-]{36}$")
        uuid = seen.uuid

        new.destination = ["10.0.1.26"]
        self.call("SecurityRule.create, again", new.create)
        seen.refresh()
        self.assertEqual(seen.destination, ["10.0.1.25", "10.0.1.26"])
        new.description = None
        self.call("SecurityRule.apply", new.apply)
        seen.refresh()
        self.assertEqual((seen.destination, seen.description, seen.uuid), (["10.0.1.26"], None, uuid))
        new.disabled = True
        self.call("SecurityRule.update", new.update, "disabled")
        new.description = "second"
        new.update("description")
        self.assertEqual(self.call("SecurityRule.refresh_variable", seen.refresh_variable, "disabled"), True)
        self.assertEqual(seen.refresh_variable("description"), "second")
        new.description = None
        self.call("SecurityRule.update, to nothing", new.update, "description")
        self.assertIsNone(seen.refresh_variable("description"))
        self.call("SecurityRule.refresh(refresh_children=False)", seen.refresh, refresh_children=False)
        self.assertEqual((seen.destination, seen.action, seen.disabled), (["10.0.1.26"], "allow", True))

    def test_refreshall(self):
        rulebase = self.rulebase()
        found = self.call("SecurityRule.refreshall", policies.SecurityRule.refreshall, rulebase)
        self.assertEqual([(rule.name, rule.action) for rule in found], [("web in", "allow"), ("Clean up", "deny")])
        self.assertEqual(found[0].fromzone, ["untrust"])
        named = self.call("SecurityRule.refreshall(name_only=True)", policies.SecurityRule.refreshall, rulebase, name_only=True)
        self.assertEqual([rule.name for rule in named], ["web in", "Clean up"])
        rulebase.add(rule("i-1")).create()
        ran = self.call("SecurityRule.refreshall(running_config=True)", policies.SecurityRule.refreshall, rulebase, running_config=True)
        self.assertEqual([rule.name for rule in ran], ["web in", "Clean up"])
        seen = self.login("admin")
        self.call("Rulebase.refresh", self.rulebase(seen).refresh)
        self.assertEqual([child.name for child in seen.children[0].children], ["web in", "Clean up", "i-1"])
        self.assertEqual(policies.NatRule.refreshall(rulebase), [])

    def test_move(self):
        rulebase = self.rulebase()
        policies.SecurityRule.refreshall(rulebase)
        new = rulebase.add(rule("i-1"))
        new.create()
        self.call("SecurityRule.move('before')", new.move, "before", "Clean up")
        self.assertEqual(self.names(), ["web in", "i-1", "Clean up"])
        self.call("SecurityRule.move('top')", new.move, "top")
        self.assertEqual(self.names(), ["i-1", "web in", "Clean up"])
        self.refused("SecurityRule.move, where it is", errors.PanDeviceXapiError, "already at the top", new.move, "top")
        self.call("SecurityRule.move('after')", new.move, "after", rulebase.find("web in"))
        self.assertEqual(self.names(), ["web in", "i-1", "Clean up"])
        self.call("SecurityRule.move('bottom')", new.move, "bottom")
        self.assertEqual(self.names(), ["web in", "Clean up", "i-1"])
        self.refused("SecurityRule.move, where it is", errors.PanDeviceXapiError, "already at the bottom", new.move, "bottom")
        self.refused("SecurityRule.move, to a stranger", errors.PanDeviceXapiError, "", new.move, "before", "nobody")

    def test_delete_and_rename(self):
        rulebase = self.rulebase()
        new = rulebase.add(rule("i-1"))
        new.create()
        self.call("SecurityRule.rename", new.rename, "i-2")
        self.assertEqual(self.names()[-1], "i-2")
        self.refused("SecurityRule.rename, to a taken name", errors.PanDeviceXapiError, "'web in' is already in use",
                     new.rename, "web in")
        self.call("SecurityRule.delete", new.delete)
        self.assertEqual(self.names(), ["web in", "Clean up"])
        self.call("SecurityRule.delete, of nothing", rulebase.add(rule("never")).delete)

    def test_similar(self):
        rulebase = self.rulebase()
        several = [rulebase.add(rule(f"i-{number}")) for number in range(3)]
        self.call("SecurityRule.create_similar", several[0].create_similar)
        self.assertEqual(self.names(), ["web in", "Clean up", "i-0", "i-1", "i-2"])
        self.call("SecurityRule.delete_similar", several[0].delete_similar)
        self.assertEqual(self.names(), ["web in", "Clean up"])
        policies.SecurityRule.refreshall(rulebase)
        several = [rulebase.add(rule(f"i-{number}")) for number in range(2)]
        self.call("SecurityRule.apply_similar", several[0].apply_similar)
        self.assertEqual(self.names(), ["web in", "Clean up", "i-0", "i-1"])

    def test_what_the_firewall_does_not_take(self):
        rulebase = self.rulebase()
        bad = [
            ("unknown application", {"application": ["rdp"]}, "i-1 -> application 'rdp' is not a valid reference"),
            ("unknown zone", {"fromzone": ["moon"]}, "i-1 -> from 'moon' is not a valid reference"),
            ("unknown service", {"service": ["tcp-1"]}, "i-1 -> service 'tcp-1' is not a valid reference"),
            ("unknown address", {"source": ["nobody"]}, "i-1 -> source 'nobody' is not a valid reference"),
            ("unknown tag", {"tag": ["ghost"]}, "i-1 -> tag 'ghost' is not a valid reference"),
            ("unknown profile", {"virus": "ghost"}, "'ghost' is not a valid reference"),
            ("unknown action", {"action": "perhaps"}, "'perhaps' is not an allowed keyword"),
            ("long description", {"description": "x" * 1025}, "can be at most 1024 characters, but current length: 1025"),
        ]
        for what, told, words in bad:
            new = rulebase.add(rule("i-1", **told))
            self.refused("SecurityRule.create, " + what, errors.PanDeviceXapiError, words, new.create)
            rulebase.remove(new)
        new = rulebase.add(rule("x" * 64))
        self.refused("SecurityRule.create, long name", errors.PanDeviceXapiError,
                     "can be at most 63 characters, but current length: 64", new.create)
        self.assertEqual(self.names(), ["web in", "Clean up"])
        missing = rulebase.add(policies.SecurityRule("never"))
        self.refused("SecurityRule.refresh, of nothing", errors.PanObjectMissing, "Object doesn't exist", missing.refresh)
        self.refused("SecurityRule.refresh(running_config=True), of nothing", errors.PanObjectMissing,
                     "Object doesn't exist", missing.refresh, running_config=True)
        self.refused("SecurityRule.refresh_variable, of nothing", errors.PanObjectMissing, "Object doesn't exist",
                     missing.refresh_variable, "description", exceptions=True)
        xpath = missing.xpath()
        self.refused("Firewall.xapi.show, of nothing", errors.PanNoSuchNode, "No such node", self.fw.xapi.show, xpath)

    def test_hit_counts(self):
        rulebase = self.rulebase()
        policies.SecurityRule.refreshall(rulebase)
        counts = self.call("Rulebase.opstate.hit_count.refresh", rulebase.opstate.hit_count.refresh, "security")
        self.assertEqual(sorted(counts), ["Clean up", "web in"])
        self.assertEqual((counts["web in"].hit_count, counts["web in"].latest), (0, "yes"))
        new = rulebase.add(rule("i-1"))
        new.create()
        before = int(time.time())
        self.fw.commit(sync=True)
        self.call("SecurityRule.opstate.hit_count.refresh", new.opstate.hit_count.refresh)
        self.assertGreaterEqual(new.opstate.hit_count.rule_creation_timestamp, before - 1)
        every = self.call("Rulebase.opstate.hit_count.refresh(all_rules=True)", rulebase.opstate.hit_count.refresh,
                          "security", all_rules=True)
        self.assertEqual(len(every), 3)

    def test_hits(self):
        rulebase = self.rulebase()
        policies.SecurityRule.refreshall(rulebase)
        packet = {"from": "untrust", "to": "trust", "source": "198.51.100.7", "destination": "10.0.1.25"}
        before = int(time.time())
        for port, name in [(443, "web in"), (443, "web in"), (22, "Clean up")]:
            self.assertEqual(self.simulator.control("packet", destination_port=port, **packet), {"rule": name})
        counts = self.call("Rulebase.opstate.hit_count.refresh, after hits", rulebase.opstate.hit_count.refresh, "security")
        self.assertEqual({name: count.hit_count for name, count in counts.items()}, {"web in": 2, "Clean up": 1})
        web = rulebase.find("web in")
        self.call("SecurityRule.opstate.hit_count.refresh, after hits", web.opstate.hit_count.refresh)
        hits = web.opstate.hit_count
        self.assertEqual(hits.hit_count, 2)
        self.assertTrue(before - 1 <= hits.first_hit_timestamp <= hits.last_hit_timestamp <= time.time() + 1)

    def test_audit_comments(self):
        rulebase = self.rulebase()
        new = rulebase.add(rule("i-1"))
        new.create()
        self.assertIsNone(self.call("SecurityRule.opstate.audit_comment.current", new.opstate.audit_comment.current))
        self.call("SecurityRule.opstate.audit_comment.update", new.opstate.audit_comment.update, "because")
        self.assertEqual(new.opstate.audit_comment.current(), "because")
        self.refused("SecurityRule.opstate.audit_comment.update, too long", errors.PanDeviceXapiError,
                     "can be at most 256 characters", new.opstate.audit_comment.update, "x" * 257)

    def test_audit_history(self):
        rulebase = self.rulebase()
        new, other = rulebase.add(rule("i-1")), rulebase.add(rule("i-11"))
        new.create()
        other.create()
        for told, comment in [(new, "first"), (other, "not this one"), (new, "second")]:
            told.opstate.audit_comment.update(comment)
        history = self.call("SecurityRule.opstate.audit_comment.history", new.opstate.audit_comment.history)
        self.assertEqual([(entry.admin, entry.comment) for entry in history], [("admin", "second"), ("admin", "first")])
        self.assertLess(abs((history[0].time - datetime.datetime.utcnow()).total_seconds()), 60)
        oldest = self.call("SecurityRule.opstate.audit_comment.history(direction='forward')", new.opstate.audit_comment.history,
                           count=1, direction="forward")
        self.assertEqual([entry.comment for entry in oldest], ["first"])
        rest = self.call("SecurityRule.opstate.audit_comment.history(skip=…)", new.opstate.audit_comment.history, skip=1)
        self.assertEqual([entry.comment for entry in rest], ["first"])
        never = rulebase.add(rule("never"))
        self.assertEqual(never.opstate.audit_comment.history(), [])

    def test_other_kinds_of_rules(self):
        rulebase = self.rulebase()
        override = policies.ApplicationOverride("known", fromzone=["trust"], tozone=["untrust"], application="ssh",
                                                protocol="tcp", port="22", source=["any"], destination=["any"])
        forward = policies.PolicyBasedForwarding("away", from_type="zone", from_value=["trust"], services=["any"],
                                                 applications=["any"], action="discard", source_addresses=["any"],
                                                 destination_addresses=["any"])
        decrypt = policies.DecryptionRule("open", source_zones=["trust"], destination_zones=["untrust"],
                                          source_addresses=["any"], destination_addresses=["any"], services=["any"],
                                          action="no-decrypt", decryption_type="ssl-forward-proxy")
        ask = policies.AuthenticationRule("who", source_zones=["trust"], destination_zones=["untrust"],
                                          source_addresses=["any"], destination_addresses=["any"], service=["any"])
        for new in [override, forward, decrypt, ask]:
            kind = type(new)
            self.call(kind.__name__ + ".create", rulebase.add(new).create)
            parent = self.rulebase(self.login("admin"))
            (seen,) = self.call(kind.__name__ + ".refreshall", kind.refreshall, parent)
            self.assertEqual(seen.name, new.name)
            self.call(kind.__name__ + ".delete", new.delete)
            self.assertEqual(kind.refreshall(parent), [])

    def test_nat_rules(self):
        rulebase = self.rulebase()
        nat = policies.NatRule("web", fromzone=["untrust"], tozone=["untrust"], source=["any"], destination=["203.0.113.7"],
                               service="any", destination_translated_address="10.0.1.25")
        rulebase.add(nat)
        self.call("NatRule.create", nat.create)
        (seen,) = self.call("NatRule.refreshall", policies.NatRule.refreshall, self.rulebase(self.login("admin")))
        self.assertEqual((seen.name, seen.destination_translated_address), ("web", "10.0.1.25"))
        self.call("NatRule.delete", nat.delete)
        self.assertEqual(policies.NatRule.refreshall(rulebase), [])

    def test_policy_match(self):
        match = self.fw.test_security_policy_match
        told = {"source": "198.51.100.7", "destination": "10.0.1.25", "protocol": 6, "from_zone": "untrust", "to_zone": "trust"}
        found = self.call("Firewall.test_security_policy_match", match, port=443, **told)
        self.assertEqual(found, [{"name": "web in", "index": 1, "action": "allow"}])
        found = self.call("Firewall.test_security_policy_match(show_all=True)", match, port=443, show_all=True, **told)
        self.assertEqual([rule["name"] for rule in found], ["web in", "Clean up"])
        found = self.call("Firewall.test_security_policy_match(application=…)", match, port=22, application="ssh", **told)
        self.assertEqual(found, [{"name": "Clean up", "index": 2, "action": "deny"}])
