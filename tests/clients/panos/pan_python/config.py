"""`type=config`: every action, single and in transactions, and what is refused."""

from pan_python.common import RULES, SERVICES, VSYS, OnFirewall, at, content


class Reads(OnFirewall):
    def test_get_and_show(self):
        self.call("PanXapi.get", self.xapi.get, at("web in"))
        self.assertEqual((self.xapi.status, self.xapi.status_code), ("success", "19"))
        self.assertEqual(self.xapi.element_result.get("count"), "1")
        self.assertEqual(self.xapi.element_result.find("entry").get("name"), "web in")
        self.call("PanXapi.get, of nothing", self.xapi.get, at("nobody"))
        self.assertEqual((self.xapi.status, self.xapi.status_code, self.result()), ("success", "7", None))
        self.call("PanXapi.show", self.xapi.show, RULES)
        self.assertIsNone(self.xapi.status_code)
        self.assertEqual(len(self.xapi.element_result.findall("rules/entry")), 2)
        self.fails("PanXapi.show, of nothing", "^No such node$", self.xapi.show, at("nobody"))
        self.fails("PanXapi.get, bad XPath", "Bad XPath", self.xapi.get, RULES + "/entry[")
        self.fails("PanXapi.get, without XPath", 'Missing value for parameter "xpath"', self.xapi.get)

    def test_every_form_of_xpath(self):
        forms = [
            (RULES, ["rules"]), (RULES + "/entry", ["entry", "entry"]), (RULES + "/entry/@name", ["entry", "entry"]),
            (at("web in") + "/from", ["from"]), (at("web in") + "/from/member[text()='untrust']", ["member"]),
            (RULES + "/entry[@name='web in' or @name='Clean up']", ["entry", "entry"]),
            (RULES + '/entry[@name="web in"]', ["entry"]), (RULES + "/entry[@name=concat('web',' ','in')]", ["entry"]),
            (at("web in") + "/to|" + at("web in") + "/from", ["to", "from"]),
            ("/config/predefined/service/entry[@name='service-http']", ["entry"]),
            ("/config/devices/entry[@name='localhost.localdomain']/vsys/entry/@name", ["entry"]),
        ]
        for xpath, tags in forms:
            self.call("PanXapi.get, form of XPath", self.xapi.get, xpath)
            self.assertEqual([element.tag for element in self.xapi.element_result], tags, xpath)

    def test_dirty_attributes(self):
        self.xapi.set(at("i-1"), content())
        self.xapi.get(at("i-1") + "/to")
        (member,) = self.xapi.element_result.findall("to/member")
        self.assertEqual(member.get("admin"), "admin")
        self.assertRegex(member.get("time"), r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d$")
        self.assertTrue(member.get("dirtyId").isdigit())
        self.call("PanXapi.commit(sync=True)", self.xapi.commit, "<commit/>", sync=True, interval=0.05)
        self.xapi.get(at("i-1"))
        self.assertNotIn("dirtyId", self.result())
        self.assertIn("uuid=", self.result())


class Writes(OnFirewall):
    def test_set_and_edit(self):
        self.call("PanXapi.set", self.xapi.set, at("i-1"), content())
        self.assertEqual((self.xapi.status_code, self.xapi.status_detail), ("20", "command succeeded"))
        self.xapi.set(at("i-1"), "<destination><member>10.0.1.26</member></destination>")
        self.xapi.get(at("i-1") + "/destination/member")
        self.assertEqual([member.text for member in self.xapi.element_result], ["10.0.1.25", "10.0.1.26"])
        edited = f"<entry name='i-1'>{content('10.0.1.27')}</entry>"
        self.call("PanXapi.edit", self.xapi.edit, at("i-1"), edited)
        self.xapi.get(at("i-1") + "/destination/member")
        self.assertEqual([member.text for member in self.xapi.element_result], ["10.0.1.27"])
        self.call("PanXapi.edit, of something new", self.xapi.edit, at("i-2"), edited.replace("i-1", "i-2"))
        self.fails("PanXapi.edit, another node", "Edit breaks config validity", self.xapi.edit, at("i-1"), "<entry name='x'/>")
        self.fails("PanXapi.set, no XML", "", self.xapi.set, at("i-1"), "<from>")
        self.fails("PanXapi.set, unknown child", "i-1 -> colour unexpected here", self.xapi.set, at("i-1"), "<colour/>")
        self.fails("PanXapi.set, any beside others", "must be the only member", self.xapi.set, at("i-1"),
                   "<source><member>any</member><member>10.0.0.1</member></source>")
        self.fails("PanXapi.set, predefined", "Operation denied", self.xapi.set, "/config/predefined/tag", "<entry name='x'/>")

    def test_delete(self):
        self.call("PanXapi.delete", self.xapi.delete, at("web in"))
        self.assertEqual(self.rules(), ["Clean up"])
        self.call("PanXapi.delete, of nothing", self.xapi.delete, at("web in"))
        self.assertEqual((self.xapi.status_code, self.xapi.status_detail), ("7", "Object doesn't exist"))
        self.xapi.set(SERVICES + "/entry[@name='svc-x']", "<protocol><tcp><port>8443</port></tcp></protocol>")
        self.xapi.set(at("i-1"), content().replace("application-default", "svc-x"))
        self.fails("PanXapi.delete, while referred to", "(?s)svc-x cannot be deleted because of references from:.* "
                   "vsys -> vsys1 -> rulebase -> security -> rules -> i-1 -> service", self.xapi.delete, at("svc-x", SERVICES))
        self.assertEqual(self.xapi.status_code, "10")
        self.call("PanXapi.delete, several", self.xapi.delete, RULES + "/entry[@name='i-1' or @name='Clean up']")
        self.assertEqual(self.rules(), [])

    def test_rename_clone_move(self):
        self.call("PanXapi.rename", self.xapi.rename, at("web in"), "web")
        self.assertEqual(self.rules(), ["web", "Clean up"])
        self.call("PanXapi.clone", self.xapi.clone, RULES, at("web"), "copy")
        self.assertEqual(self.rules(), ["web", "Clean up", "copy"])
        self.fails("PanXapi.clone, to a taken name", "already in use", self.xapi.clone, RULES, at("web"), "copy")
        self.assertEqual(self.xapi.status_code, "8")
        for where, dst, order in [("before", "Clean up", ["web", "copy", "Clean up"]), ("top", None, ["copy", "web", "Clean up"]),
                                  ("after", "web", ["web", "copy", "Clean up"]), ("bottom", None, ["web", "Clean up", "copy"])]:
            self.call(f"PanXapi.move({where})", self.xapi.move, at("copy"), where, dst)
            self.assertEqual(self.rules(), order)
        self.call("PanXapi.move, to an XPath", self.xapi.move, at("copy"), "before", at("web"))
        self.assertEqual(self.rules()[0], "copy")
        self.fails("PanXapi.move, without dst", "no target specified in move", self.xapi.move, at("copy"), "before")
        self.assertEqual(self.xapi.status_code, "7")
        self.fails("PanXapi.move, where it is", "already at the top", self.xapi.move, at("copy"), "top")
        self.fails("PanXapi.move, sideways", 'Illegal value for parameter "where" .sideways.', self.xapi.move, at("copy"), "sideways")
        self.fails("PanXapi.rename, of nobody", "Object doesn't exist", self.xapi.rename, at("nobody"), "x")

    def test_override(self):
        default = VSYS + "/rulebase/default-security-rules/rules"
        self.call("PanXapi.override", self.xapi.override, at("interzone-default", default), "<log-end>yes</log-end>")
        self.xapi.get(at("interzone-default", default) + "/log-end")
        self.assertIn(">yes</log-end>", self.result())
        self.fails("PanXapi.override, of what is local", "", self.xapi.override, at("web in"), "<log-end>yes</log-end>")

    def test_what_is_not_there(self):
        for action in ["multi-move", "multi-clone", "dance"]:
            self.fails(f"PanXapi.ad_hoc action={action}", f'Illegal value for parameter "action" .{action}.', self.xapi.ad_hoc,
                       {"type": "config", "action": action, "xpath": RULES}, RULES, modify_qs=True)
        self.fails("PanXapi.ad_hoc type=import", 'Illegal value for parameter "category" .software.', self.xapi.ad_hoc,
                   "type=import&category=software", modify_qs=True)

    def test_audit_comment(self):
        self.call("PanXapi.set(extra_qs={'audit-comment': …})", self.xapi.set, at("i-1"), content(),
                  extra_qs={"audit-comment": "because"})
        show = f"<show><config><list><audit-comments><xpath>{at('i-1')}</xpath></audit-comments></list></config></show>"
        self.assertEqual(self.op(show).findtext("./result/entry/comment"), "because")


class Transactions(OnFirewall):
    GOOD = (
        f"<multi-config><set id='1' xpath=\"{SERVICES}/entry[@name='svc']\"><protocol><tcp><port>8443</port></tcp></protocol></set>"
        f"<set id='2' xpath=\"{at('i-1')}\">{content()}</set>"
        f"<move id='3' xpath=\"{at('i-1')}\" where='before' dst='Clean up'/><delete xpath=\"{at('nobody')}\"/>"
        f"<rename id='4' xpath=\"{at('web in')}\" newname='web'/></multi-config>"
    )

    def send(self, element, **more):
        query = {"type": "config", "action": "multi-config", "element": element, **more}
        self.xapi.ad_hoc(query, modify_qs=True)

    def test_all_or_nothing(self):
        self.call("PanXapi.ad_hoc multi-config", self.send, self.GOOD)
        answers = [(answer.get("status"), answer.get("code"), answer.get("id")) for answer in self.xapi.element_root]
        self.assertEqual(answers, [("success", "20", "1"), ("success", "20", "2"), ("success", "20", "3"), ("success", "7", None),
                                   ("success", "20", "4")])
        self.assertEqual(self.rules(), ["web", "i-1", "Clean up"])
        bad = f"<multi-config><delete xpath=\"{at('web')}\"/><set id='2' xpath=\"{at('i-2')}\">{content(application='rdp')}</set></multi-config>"
        self.fails("PanXapi.ad_hoc multi-config, with a mistake", "", self.send, bad)
        self.assertEqual((self.xapi.status, self.xapi.status_code), ("error", "13"))
        last = list(self.xapi.element_root)[-1]
        self.assertEqual((last.get("code"), last.get("id")), ("12", "2"))
        self.assertIn("i-2 -> application 'rdp' is not a valid reference", last.findtext("./msg/line"))
        self.assertEqual(self.rules(), ["web", "i-1", "Clean up"])

    def test_strict(self):
        self.xapi.set(at("left over"), content())
        self.call("PanXapi.ad_hoc multi-config strict-transactional", self.send, self.GOOD, **{"strict-transactional": "yes"})
        self.assertNotIn("left over", self.rules())
        self.xapi.commit("<commit/>")
        self.fails("PanXapi.ad_hoc multi-config strict-transactional, while committing", "commit",
                   self.send, self.GOOD, **{"strict-transactional": "yes"})


class Places(OnFirewall):
    def test_everything(self):
        self.call("PanXapi.show(), all of it", self.xapi.show)
        self.assertIsNotNone(self.xapi.element_result.find("config/devices/entry/vsys"))
        self.call("PanXapi.ad_hoc complete", self.xapi.ad_hoc,
                  {"type": "config", "action": "complete", "xpath": RULES}, modify_qs=True)
        found = [entry.get("value") for entry in self.xapi.element_root.findall("./completions/completion")]
        self.assertEqual((self.xapi.status_code, found), ("19", ["web in", "Clean up"]))

    def test_entries_without_names(self):
        self.call("PanXapi.set, the only device", self.xapi.set, "/config/devices/entry/vsys/entry[@name='vsys1']/tag", "<entry name='t'/>")
        self.xapi.get(VSYS + "/tag/entry[@name='t']")
        self.assertEqual(self.xapi.status_code, "19")
        self.fails("PanXapi.set, any of several", "Object not unique", self.xapi.set, RULES + "/entry", "<description>x</description>")
        self.assertEqual(self.xapi.status_code, "8")
