"""Commits, validation, reverts, snapshots and locks."""

from pan.commit import PanCommit
from pan.xapi import PanXapiError
from panos import errors, firewall, objects, policies

from pan_os_python.common import WORLD, OnFirewall, rule


class Commits(OnFirewall):
    def test_commit(self):
        self.assertFalse(self.call("Firewall.pending_changes", self.fw.pending_changes))
        self.rulebase().add(rule("i-1")).create()
        self.assertTrue(self.fw.pending_changes())
        result = self.call("Firewall.commit(sync=True)", self.fw.commit, sync=True)
        self.assertEqual((result["success"], result["result"], result["user"]), (True, "OK", "admin"))
        self.assertEqual(result["messages"], ["Configuration committed successfully"])
        self.assertFalse(self.fw.pending_changes())
        self.assertIsNone(self.call("Firewall.commit, nothing to commit", self.fw.commit, sync=True))
        self.refused("Firewall.commit(exception=True), nothing to commit", errors.PanCommitNotNeeded, "Commit not needed",
                     self.fw.commit, sync=True, exception=True)

    def test_commit_without_waiting(self):
        self.rulebase().add(rule("i-1")).create()
        job = self.call("Firewall.commit", self.fw.commit)
        self.assertEqual(job, "1")
        done = self.call("Firewall.syncjob", self.fw.syncjob, job, interval=0.05)
        self.assertEqual((done["jobid"], done["success"]), ("1", True))
        self.refused("Firewall.syncjob, of no job", errors.PanDeviceXapiError, "job 99 not found", self.fw.syncjob, "99")

    def test_commit_by_admin(self):
        alice = self.login("alice")
        alice.add(objects.Tag("hers")).create()
        self.rulebase().add(rule("mine")).create()
        result = self.call("Firewall.commit(admins=[…])", self.fw.commit, sync=True, admins=["admin"])
        self.assertTrue(result["success"])
        self.assertEqual(self.running(policies.SecurityRule, self.rulebase(self.login("admin"))), ["web in", "Clean up", "mine"])
        self.assertEqual(self.running(objects.Tag, self.fw), ["web"])
        self.assertTrue(self.fw.pending_changes())
        self.assertIsNone(self.fw.commit(sync=True, admins="admin"))
        command = firewall.FirewallCommit(description="hers", admins=["alice"])
        result = self.call("Firewall.commit(cmd=FirewallCommit(…))", self.fw.commit, cmd=command, sync=True)
        self.assertTrue(result["success"])
        self.assertEqual(self.running(objects.Tag, self.fw), ["web", "hers"])
        self.assertFalse(self.fw.pending_changes())

    def test_other_commands(self):
        self.fw.add(objects.Tag("one")).create()
        command = firewall.FirewallCommit(exclude_policy_and_objects=True)
        self.assertIsNone(self.call("FirewallCommit(exclude_policy_and_objects=True)", self.fw.commit, cmd=command, sync=True))
        command = firewall.FirewallCommit(exclude_device_and_network=True, exclude_shared_objects=True)
        self.assertTrue(self.call("FirewallCommit(exclude_…=True)", self.fw.commit, cmd=command, sync=True)["success"])
        command = firewall.FirewallCommit(force=True)
        self.assertTrue(self.call("FirewallCommit(force=True)", self.fw.commit, cmd=command, sync=True)["success"])
        command = PanCommit(force=True)
        self.assertTrue(self.call("Firewall.commit(cmd=PanCommit(…))", self.fw.commit, cmd=command, sync=True)["success"])

    def test_a_commit_that_fails(self):
        tag = self.login("alice").add(objects.Tag("hers"))
        tag.create()
        self.rulebase().add(rule("mine", tag=["hers"])).create()
        result = self.fw.commit(sync=True, admins=["admin"])
        self.assertFalse(result["success"])
        self.assertIn("Validation Error:", result["messages"])
        self.refused("Firewall.commit(exception=True), invalid", errors.PanCommitFailed, "Commit failed",
                     self.fw.commit, sync=True, admins=["admin"], exception=True)

    def test_validate_and_revert(self):
        self.rulebase().add(rule("i-1")).create()
        answer = self.call("Firewall.op validate full", self.fw.op, "<validate><full/></validate>", cmd_xml=False)
        self.assertEqual(self.fw.syncjob(answer, interval=0.05)["messages"], ["Configuration is valid"])
        own = "<revert><config><partial><admin><member>alice</member></admin></partial></config></revert>"
        self.call("Firewall.op revert config partial", self.fw.op, own, cmd_xml=False)
        self.assertEqual(self.names()[-1], "i-1")
        self.call("Firewall.op revert config", self.fw.op, "<revert><config></config></revert>", cmd_xml=False)
        self.assertEqual(self.names(), ["web in", "Clean up"])
        self.rulebase().add(rule("i-2")).create()
        self.call("Firewall.revert_to_running_configuration", self.fw.revert_to_running_configuration)
        self.assertEqual(self.names(), ["web in", "Clean up"])
        self.assertFalse(self.fw.pending_changes())

    def test_snapshots(self):
        save = "<save><config><to>before.xml</to></config></save>"
        self.call("Firewall.op save config to", self.fw.op, save, cmd_xml=False)
        self.rulebase().add(rule("i-1")).create()
        self.fw.commit(sync=True)
        load = "<load><config><from>before.xml</from></config></load>"
        answer = self.call("Firewall.op load config from", self.fw.op, load, cmd_xml=False)
        self.assertEqual(answer.findtext("./result/msg/line/msg/line"), "Config loaded from before.xml")
        self.assertEqual(self.names(), ["web in", "Clean up"])
        self.assertTrue(self.fw.pending_changes())
        self.assertTrue(self.fw.commit(sync=True)["success"])
        self.assertEqual(self.running(policies.SecurityRule, self.rulebase()), ["web in", "Clean up"])
        self.call("Firewall.op delete config saved", self.fw.op, "<delete><config><saved>before.xml</saved></config></delete>",
                  cmd_xml=False)
        self.refused("Firewall.op load config from, of nothing", errors.PanDeviceXapiError, "before.xml does not exist",
                     self.fw.op, load, cmd_xml=False)

    def test_parts(self):
        self.rulebase().add(rule("i-1")).create()
        self.fw.set_hostname("fw-two")
        elsewhere = firewall.FirewallCommit(exclude_policy_and_objects=True)
        self.assertTrue(self.call("Firewall.commit(FirewallCommit(exclude_…))", self.fw.commit, cmd=elsewhere, sync=True)["success"])
        self.assertEqual(self.fw.show_system_info()["system"]["hostname"], "fw-two")
        self.assertEqual(self.running(policies.SecurityRule, self.rulebase()), ["web in", "Clean up"])
        # Both leave the element empty that says what to exclude.
        for name in ["commit_device_and_network", "commit_policy_and_objects"]:
            self.refused("Firewall." + name, errors.PanDeviceXapiError, "commit -> partial -> .* is invalid", getattr(self.fw, name))


class BusyCommits(OnFirewall):
    world = WORLD.replace("200ms", "60s")

    def test_no_patience(self):
        self.rulebase().add(rule("i-1")).create()
        self.fw.timeout = 1
        self.refused("Firewall.commit(sync=True), out of time", PanXapiError, "Timeout waiting for job 1 completion",
                     self.fw.commit, sync=True)

    def test_the_queue(self):
        jobs = []
        for number in range(12):
            self.rulebase(self.login("admin")).add(rule(f"i-{number}")).create()
            try:
                jobs.append(self.fw.commit())
            except errors.PanCommitInProgress:
                break
        self.assertEqual(len(jobs), 11)
        self.refused("Firewall.commit, queue full", errors.PanCommitInProgress, "Another commit/validate is in progress",
                     self.fw.commit)
        listed = self.call("Firewall.op show jobs all", self.fw.op, "show jobs all")
        positions = [job.findtext("positionInQ") for job in listed.findall("./result/job")]
        self.assertEqual(positions, [str(number) for number in reversed(range(11))])


class Locks(OnFirewall):
    def test_config_lock(self):
        alice = self.login("alice")
        self.assertFalse(self.call("Firewall.check_config_locks", self.fw.check_config_locks))
        self.assertTrue(self.call("Firewall.add_config_lock", alice.add_config_lock, "maintenance"))
        self.assertTrue(self.fw.check_config_locks())
        self.refused("Firewall.add_config_lock, while held", errors.PanLockError, "is currently locked by alice",
                     self.fw.add_config_lock)
        self.refused("Firewall.add_config_lock, twice", errors.PanLockError, "You already own a config lock",
                     alice.add_config_lock)
        self.assertFalse(self.call("Firewall.add_config_lock(exceptions=False)", self.fw.add_config_lock, exceptions=False))
        new = self.rulebase().add(rule("i-1"))
        self.refused("SecurityRule.create, while locked", errors.PanLockError, "Configuration is locked by alice", new.create)
        self.call("Firewall.remove_config_lock", alice.remove_config_lock)
        self.refused("Firewall.remove_config_lock, of nothing", errors.PanLockError, "is not currently locked for scope shared",
                     alice.remove_config_lock)
        self.call("Firewall.add_config_lock(scope=…)", alice.add_config_lock, scope="vsys1")
        self.refused("SecurityRule.create, while its vsys is locked", errors.PanLockError, "locked by alice", new.create)
        alice.remove_config_lock(scope="vsys1")
        new.create()

    def test_commit_lock(self):
        alice = self.login("alice")
        self.assertFalse(self.call("Firewall.check_commit_locks", self.fw.check_commit_locks))
        self.assertTrue(self.call("Firewall.add_commit_lock", alice.add_commit_lock, "wait"))
        self.assertTrue(self.fw.check_commit_locks())
        self.refused("Firewall.add_commit_lock, twice", errors.PanLockError, "Commit lock is already held by alice",
                     alice.add_commit_lock)
        self.rulebase().add(rule("i-1")).create()
        self.refused("Firewall.commit, while locked", errors.PanDeviceXapiError,
                     "Other administrators are holding device wide commit locks.", self.fw.commit)
        self.call("Firewall.remove_commit_lock(admin=…)", self.fw.remove_commit_lock, admin="alice")
        self.refused("Firewall.remove_commit_lock, of nothing", errors.PanLockError, "Commit lock is not currently held",
                     alice.remove_commit_lock)
        self.call("Firewall.remove_all_locks", alice.remove_all_locks)
        self.fw.add_config_lock()
        self.fw.add_commit_lock()
        self.fw.commit(sync=True)
        self.assertFalse(self.fw.check_config_locks() or self.fw.check_commit_locks())

    def test_automatic_commit_locks(self):
        management = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/setting/management"
        self.fw.xapi.set(management, "<auto-acquire-commit-lock>yes</auto-acquire-commit-lock>")
        self.fw.commit(sync=True, exception=True)
        alice = self.login("alice")
        self.call("SecurityRule.create, which locks", self.rulebase(alice).add(rule("by alice")).create)
        self.assertTrue(self.call("Firewall.check_commit_locks, by themselves", self.fw.check_commit_locks))
        self.refused("Firewall.commit, while somebody has changed something", errors.PanDeviceXapiError,
                     "Other administrators are holding device wide commit locks.", self.fw.commit)
        self.assertTrue(alice.commit(sync=True)["success"])
        self.assertFalse(self.fw.check_commit_locks())
