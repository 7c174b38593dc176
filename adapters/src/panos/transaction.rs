//! Changes as one transaction: a `multi-config` document whose operations all take effect, or none.

use drawbridge_core::{
    change::{Adopted, Change, Extras, OwnObject, OwnedRule, Position, ServiceObject, WrittenService},
    firewall::Status,
    id::TagName,
    run::CHANGES_MAX,
    service::Apps,
    translate::ServicePorts,
};

use super::{
    request::{Request, SIZE_MAX, encoded_len},
    text::xml,
    xpath::{Vsys, XPath},
};

/// As many of the changes as fit into one request, from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The request.
    pub request: Request,
    /// How many changes are in it. The others are seen at the next look: changes come in an order that may be cut anywhere.
    pub taken: usize,
    /// For each operation the change that it belongs to. An operation's `id` is its place here, from 1.
    labels: Vec<String>,
}

/// The document around the operations; what else the form holds is short.
const OPEN: &str = "<multi-config>";
const CLOSE: &str = "</multi-config>";
const FORM_MAX: usize = 200;

impl Transaction {
    /// The transaction that makes these changes, or as many of them as fit; none if not even the first does.
    pub fn of(changes: &[Change], vsys: &Vsys) -> Option<Self> {
        let mut element = OPEN.to_owned();
        let mut labels = Vec::new();
        let mut size = FORM_MAX;
        let mut taken = 0;
        for change in changes.iter().take(CHANGES_MAX) {
            let operations = operations(change, vsys, labels.len());
            size += encoded_len(&operations.concat());
            if size > SIZE_MAX {
                break;
            }
            labels.extend(operations.iter().map(|_| change.to_string()));
            element.extend(operations);
            taken += 1;
        }
        element.push_str(CLOSE);
        (taken > 0).then(|| Self { request: Request::transaction(&element), taken, labels })
    }

    /// The change that an operation belongs to, by the `id` in the firewall's answer.
    pub fn label(&self, id: &str) -> Option<&str> {
        let index = id.parse::<usize>().ok()?.checked_sub(1)?;
        self.labels.get(index).map(String::as_str)
    }
}

/// The operations of a change, numbered from `before` + 1.
fn operations(change: &Change, vsys: &Vsys, before: usize) -> Vec<String> {
    let edit = |path: XPath, content: &str| {
        format!("<edit id=\"{}\" xpath=\"{}\">{content}</edit>", before + 1, xml(path.as_str()))
    };
    let lift = |id: usize, name: &str, bottom: &str| {
        let path = xml(XPath::rule(vsys, name).as_str());
        format!("<move id=\"{id}\" xpath=\"{path}\" where=\"before\" dst=\"{}\"/>", xml(bottom))
    };
    match change {
        Change::Tag(name) => vec![edit(XPath::vsys(vsys).child("tag").entry(name.as_str()), &tag(name))],
        Change::Service(object) => {
            vec![edit(XPath::vsys(vsys).child("service").entry(object.name.as_str()), &service(object))]
        }
        Change::Put(owned, position) => {
            let name = owned.name.to_string();
            let mut operations = vec![edit(XPath::rule(vsys, &name), &rule(owned, &name))];
            if let Position::Above(bottom) = position {
                // A new rule lands at the very end.
                operations.push(lift(before + 2, &name, bottom.as_str()));
            }
            operations
        }
        Change::Lift(name, bottom) => vec![lift(before + 1, &name.to_string(), bottom.as_str())],
        Change::Delete(name) => {
            let path = xml(XPath::rule(vsys, &name.to_string()).as_str());
            vec![format!("<delete id=\"{}\" xpath=\"{path}\"/>", before + 1)]
        }
        Change::Adopt(Adopted { from, to, owner }) => {
            let name = to.to_string();
            let mut operations = Vec::new();
            if from.number.is_none() {
                let path = xml(XPath::rule(vsys, &from.to_string()).as_str());
                operations.push(format!("<rename id=\"{}\" xpath=\"{path}\" newname=\"{}\"/>", before + 1, xml(&name)));
            }
            let path = xml(XPath::rule(vsys, &name).as_str());
            let id = before + operations.len() + 1;
            // `set` adds to the tags that are there.
            operations.push(format!("<set id=\"{id}\" xpath=\"{path}\">{}</set>", list("tag", [owner.as_str()])));
            operations
        }
        Change::Drop(object) => {
            let path = match object {
                OwnObject::Service(name) => XPath::vsys(vsys).child("service").entry(name.as_str()),
                OwnObject::Tag(name) => XPath::vsys(vsys).child("tag").entry(name.as_str()),
            };
            vec![format!("<delete id=\"{}\" xpath=\"{}\"/>", before + 1, xml(path.as_str()))]
        }
    }
}

/// What our tag says of itself to administrators.
const TAG_COMMENT: &str = "Kept in step with AWS by drawbridge. Take the tag off a rule to take the rule over.";

fn tag(name: &TagName) -> String {
    entry(name.as_str(), &text("comments", TAG_COMMENT))
}

fn service(object: &ServiceObject) -> String {
    let (protocol, ports) = match object.ports {
        ServicePorts::Tcp(ports) => ("tcp", ports),
        ServicePorts::Udp(ports) => ("udp", ports),
    };
    let protocol = format!("<protocol><{protocol}>{}</{protocol}></protocol>", text("port", &ports.to_string()));
    entry(object.name.as_str(), &(protocol + &list("tag", [object.owner.as_str()])))
}

/// A rule, whole: `edit` replaces what was there, and what is absent has its default.
fn rule(rule: &OwnedRule, name: &str) -> String {
    let applications: Vec<&str> = match &rule.spelling.service.apps {
        Apps::Any => vec!["any"],
        Apps::Named(names) => names.iter().map(|name| name.as_str()).collect(),
    };
    let service = match &rule.service {
        WrittenService::Any => "any",
        WrittenService::ApplicationDefault => "application-default",
        WrittenService::Object(name) => name.as_str(),
    };
    let mut body = [
        list("from", [rule.from.as_str()]),
        list("to", [rule.to.as_str()]),
        list("source", rule.columns.source.iter().map(String::as_str)),
        list("destination", rule.columns.destination.iter().map(String::as_str)),
        list("source-user", ["any"]),
        list("category", ["any"]),
        list("application", applications),
        list("service", [service]),
        list("source-hip", ["any"]),
        list("destination-hip", ["any"]),
        text("action", "allow"),
    ]
    .concat();
    if rule.status == Status::Disabled {
        body += &text("disabled", "yes");
    }
    if let Some(group) = &rule.profile_group {
        body += &format!("<profile-setting>{}</profile-setting>", list("group", [group.as_str()]));
    }
    if !rule.tags.is_empty() {
        body += &list("tag", rule.tags.iter().map(TagName::as_str));
    }
    if !rule.description.is_empty() {
        body += &text("description", &rule.description);
    }
    match &rule.extras {
        Extras::Fresh { log_setting: Some(profile) } => {
            body += &text("log-end", "yes");
            body += &text("log-setting", profile.as_str());
        }
        Extras::Fresh { log_setting: None } => {}
        Extras::Kept(carried) => body += &carried.0,
    }
    entry(name, &body)
}

fn entry(name: &str, body: &str) -> String {
    format!("<entry name=\"{}\">{body}</entry>", xml(name))
}

fn text(element: &str, content: &str) -> String {
    format!("<{element}>{}</{element}>", xml(content))
}

fn list<'a>(element: &str, members: impl IntoIterator<Item = &'a str>) -> String {
    let members: String = members.into_iter().map(|member| text("member", member)).collect();
    format!("<{element}>{members}</{element}>")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drawbridge_core::{
        change::{Columns, Direction, Spelling},
        firewall::Carried,
        id::{FormerName, OwnedName},
        range::Range,
        service::{L4, Service},
    };
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::panos::{cursor::Cursor, xml::parse};

    fn owned(name: &str) -> OwnedRule {
        let spelling = Spelling {
            direction: Direction::Ingress,
            locals: BTreeSet::from(["10.0.1.10".parse().unwrap()]),
            peers: BTreeSet::from(["0.0.0.0/0".parse().unwrap()]),
            service: Service {
                apps: Apps::Named(BTreeSet::from(["ssl".parse().unwrap()])),
                l4: L4::Tcp(Range::single(443)),
            },
        };
        OwnedRule {
            name: OwnedName::parse(name).unwrap(),
            columns: Columns::of(&spelling, &BTreeSet::new()),
            spelling,
            from: "untrust".parse().unwrap(),
            to: "trust".parse().unwrap(),
            service: WrittenService::ApplicationDefault,
            status: Status::Enabled,
            profile_group: None,
            tags: BTreeSet::from(["aws".parse().unwrap()]),
            description: String::new(),
            extras: Extras::Fresh { log_setting: None },
        }
    }

    #[track_caller]
    fn check(change: Change, expected: &Expect) {
        let transaction = Transaction::of(&[change], &Vsys::default()).unwrap();
        let (_, element) = transaction.request.parameters().last().unwrap();
        let path = "/config/devices/entry[@name=&apos;localhost.localdomain&apos;]/vsys/entry[@name=&apos;vsys1&apos;]";
        assert!(element.contains(path));
        let lines = element.replace(path, "V").replace("><", ">\n<");
        let lines = lines.replace(">\n<member>", "><member>").replace("</member>\n</", "</member></");
        expected.assert_eq(&(lines + "\n"));
    }

    #[test]
    fn a_new_rule_is_written_whole_and_put_above_the_bottom_rule() {
        let rule = OwnedRule {
            profile_group: Some("strict".parse().unwrap()),
            description: "why & <where>".to_owned(),
            extras: Extras::Fresh { log_setting: Some("siem".parse().unwrap()) },
            ..owned("i-0aaaaaaaaaaaaaaa1-1")
        };
        check(
            Change::Put(Box::new(rule), Position::Above("Clean \"up\"".parse().unwrap())),
            &expect![[r#"
                <multi-config>
                <edit id="1" xpath="V/rulebase/security/rules/entry[@name=&apos;i-0aaaaaaaaaaaaaaa1-1&apos;]">
                <entry name="i-0aaaaaaaaaaaaaaa1-1">
                <from><member>untrust</member></from>
                <to><member>trust</member></to>
                <source><member>any</member></source>
                <destination><member>10.0.1.10</member></destination>
                <source-user><member>any</member></source-user>
                <category><member>any</member></category>
                <application><member>ssl</member></application>
                <service><member>application-default</member></service>
                <source-hip><member>any</member></source-hip>
                <destination-hip><member>any</member></destination-hip>
                <action>allow</action>
                <profile-setting>
                <group><member>strict</member></group>
                </profile-setting>
                <tag><member>aws</member></tag>
                <description>why &amp; &lt;where&gt;</description>
                <log-end>yes</log-end>
                <log-setting>siem</log-setting>
                </entry>
                </edit>
                <move id="2" xpath="V/rulebase/security/rules/entry[@name=&apos;i-0aaaaaaaaaaaaaaa1-1&apos;]" where="before" dst="Clean &quot;up&quot;"/>
                </multi-config>
            "#]],
        );
    }

    #[test]
    fn a_rule_in_place_keeps_what_administrators_gave_it() {
        let rule = OwnedRule {
            status: Status::Disabled,
            service: WrittenService::Object("tcp_8443".parse().unwrap()),
            tags: BTreeSet::from(["aws".parse().unwrap(), "reviewed".parse().unwrap()]),
            extras: Extras::Kept(Carried("<log-setting>theirs</log-setting>".to_owned())),
            ..owned("sg-0f00baa1-2")
        };
        check(
            Change::Put(Box::new(rule), Position::InPlace),
            &expect![[r#"
                <multi-config>
                <edit id="1" xpath="V/rulebase/security/rules/entry[@name=&apos;sg-0f00baa1-2&apos;]">
                <entry name="sg-0f00baa1-2">
                <from><member>untrust</member></from>
                <to><member>trust</member></to>
                <source><member>any</member></source>
                <destination><member>10.0.1.10</member></destination>
                <source-user><member>any</member></source-user>
                <category><member>any</member></category>
                <application><member>ssl</member></application>
                <service><member>tcp_8443</member></service>
                <source-hip><member>any</member></source-hip>
                <destination-hip><member>any</member></destination-hip>
                <action>allow</action>
                <disabled>yes</disabled>
                <tag><member>aws</member><member>reviewed</member></tag>
                <log-setting>theirs</log-setting>
                </entry>
                </edit>
                </multi-config>
            "#]],
        );
    }

    /// An administrator's description comes back as it was read, also with the line breaks of Windows.
    #[test]
    fn a_description_is_written_back_as_it_was() {
        let description = "first line\r\nsecond\tline\nthird".to_owned();
        let rule = OwnedRule { description: description.clone(), ..owned("i-0aaaaaaaaaaaaaaa1-1") };
        let put = Change::Put(Box::new(rule), Position::InPlace);
        let transaction = Transaction::of(&[put], &Vsys::default()).unwrap();
        let (_, element) = transaction.request.parameters().last().unwrap();
        let mut cursor = Cursor::new(parse(element));
        let root = cursor.root().unwrap();
        let root = cursor.element(root).unwrap();
        assert_eq!(root.text_at(&["edit", "entry", "description"]), Some(&*description));
    }

    #[test]
    fn objects_moves_and_deletions() {
        let name = || OwnedName::parse("sg-0f00baa1-2").unwrap();
        check(
            Change::Tag("it's ours".parse().unwrap()),
            &expect![[r#"
            <multi-config>
            <edit id="1" xpath="V/tag/entry[@name=&quot;it&apos;s ours&quot;]">
            <entry name="it&apos;s ours">
            <comments>Kept in step with AWS by drawbridge. Take the tag off a rule to take the rule over.</comments>
            </entry>
            </edit>
            </multi-config>
        "#]],
        );
        let object = ServiceObject {
            name: "udp_5000-5010".parse().unwrap(),
            ports: ServicePorts::Udp(Range::new(5000, 5010).unwrap()),
            owner: "aws".parse().unwrap(),
        };
        check(
            Change::Service(object),
            &expect![[r#"
                <multi-config>
                <edit id="1" xpath="V/service/entry[@name=&apos;udp_5000-5010&apos;]">
                <entry name="udp_5000-5010">
                <protocol>
                <udp>
                <port>5000-5010</port>
                </udp>
                </protocol>
                <tag><member>aws</member></tag>
                </entry>
                </edit>
                </multi-config>
            "#]],
        );
        check(
            Change::Lift(name(), "Clean up".parse().unwrap()),
            &expect![[r#"
            <multi-config>
            <move id="1" xpath="V/rulebase/security/rules/entry[@name=&apos;sg-0f00baa1-2&apos;]" where="before" dst="Clean up"/>
            </multi-config>
        "#]],
        );
        check(
            Change::Delete(name()),
            &expect![[r#"
            <multi-config>
            <delete id="1" xpath="V/rulebase/security/rules/entry[@name=&apos;sg-0f00baa1-2&apos;]"/>
            </multi-config>
        "#]],
        );
    }

    #[test]
    fn what_a_person_asks_for_once() {
        let owner = || "aws".parse().unwrap();
        check(
            Change::Drop(OwnObject::Service("tcp_8443".parse().unwrap())),
            &expect![[r#"
                <multi-config>
                <delete id="1" xpath="V/service/entry[@name=&apos;tcp_8443&apos;]"/>
                </multi-config>
            "#]],
        );
        check(
            Change::Drop(OwnObject::Tag(owner())),
            &expect![[r#"
                <multi-config>
                <delete id="1" xpath="V/tag/entry[@name=&apos;aws&apos;]"/>
                </multi-config>
            "#]],
        );
        let adopted = |from: &str| Adopted {
            from: FormerName::parse(from).unwrap(),
            to: OwnedName::parse("sg-0f00baa1-2").unwrap(),
            owner: owner(),
        };
        check(
            Change::Adopt(adopted("sg-0f00baa1")),
            &expect![[r#"
                <multi-config>
                <rename id="1" xpath="V/rulebase/security/rules/entry[@name=&apos;sg-0f00baa1&apos;]" newname="sg-0f00baa1-2"/>
                <set id="2" xpath="V/rulebase/security/rules/entry[@name=&apos;sg-0f00baa1-2&apos;]">
                <tag><member>aws</member></tag>
                </set>
                </multi-config>
            "#]],
        );
        let transaction = Transaction::of(&[Change::Adopt(adopted("sg-0f00baa1-2"))], &Vsys::default()).unwrap();
        assert!(!transaction.request.encoded().contains("rename"), "it has a name of our form already");
    }

    #[test]
    fn only_what_fits_is_taken_from_the_first() {
        let put = |description: usize| {
            let rule = OwnedRule { description: "x".repeat(description), ..owned("i-0aaaaaaaaaaaaaaa1-1") };
            Change::Put(Box::new(rule), Position::Above("Clean up".parse().unwrap()))
        };
        let taken = |changes: &[Change]| {
            let transaction = Transaction::of(changes, &Vsys::default())?;
            assert!(transaction.request.encoded_len() <= SIZE_MAX);
            Some(transaction.taken)
        };
        assert_eq!(taken(&vec![put(10); CHANGES_MAX + 1]), Some(CHANGES_MAX));
        assert_eq!(taken(&vec![put(2_000_000); 3]), Some(2));
        assert_eq!(taken(&[put(6_000_000)]), None);
        // The form around it counts as well.
        let length = |description: usize| {
            Transaction::of(&[put(description)], &Vsys::default()).map(|transaction| transaction.request.encoded_len())
        };
        assert_eq!(length(1 + SIZE_MAX + 1 - length(1).unwrap()), None);
        assert_eq!(taken(&[]), None);
        let transaction = Transaction::of(&[put(1), Change::Delete(owned("sg-1-1").name)], &Vsys::default()).unwrap();
        assert_eq!(transaction.label("3"), Some("- sg-1-1"));
        assert!(transaction.label("2").is_some_and(|label| label.starts_with("+ i-0aaaaaaaaaaaaaaa1-1")));
        assert_eq!((transaction.label("0"), transaction.label("4"), transaction.label("x")), (None, None, None));
    }

    proptest! {
        /// Whatever the settings and the firewall name things, each name is the text of its own place and nothing else.
        #[test]
        fn every_name_of_a_rule_is_text(name in "[!-~é'\"<>&\\]\\[/@=]{1,31}") {
            let rule = OwnedRule {
                from: name.parse().unwrap(),
                to: name.parse().unwrap(),
                profile_group: Some(name.parse().unwrap()),
                service: WrittenService::Object(name.parse().unwrap()),
                tags: BTreeSet::from([name.parse().unwrap()]),
                extras: Extras::Fresh { log_setting: Some(name.parse().unwrap()) },
                ..owned("i-0aaaaaaaaaaaaaaa1-1")
            };
            let put = Change::Put(Box::new(rule), Position::InPlace);
            let transaction = Transaction::of(&[put], &Vsys::default()).unwrap();
            let (_, element) = transaction.request.parameters().last().unwrap();
            let mut cursor = Cursor::new(parse(element));
            let root = cursor.root().unwrap();
            let root = cursor.element(root).unwrap();
            prop_assert_eq!(root.children.len(), 1);
            let entry = &root.children[0].children[0];
            let places: [&[&str]; 6] = [
                &["from", "member"],
                &["to", "member"],
                &["profile-setting", "group", "member"],
                &["service", "member"],
                &["tag", "member"],
                &["log-setting"],
            ];
            for place in places {
                prop_assert_eq!(entry.text_at(place), Some(&*name), "{:?}", place);
            }
            let columns: Vec<_> = entry.children.iter().map(|column| column.tag.name).collect();
            prop_assert_eq!(columns.iter().filter(|column| **column == "action").count(), 1, "{:?}", columns);
        }

        #[test]
        fn hostile_names_stay_where_they_are_put(name in "[ -~é'\"<>&\\]]{1,60}", description in any::<String>()) {
            let rule = OwnedRule { description, ..owned("i-0aaaaaaaaaaaaaaa1-1") };
            let changes = [
                Change::Tag(name.parse().unwrap()),
                Change::Put(Box::new(rule), Position::Above(name.parse().unwrap())),
            ];
            let transaction = Transaction::of(&changes, &Vsys::default()).unwrap();
            let (_, element) = transaction.request.parameters().last().unwrap();
            let mut cursor = Cursor::new(parse(element));
            let root = cursor.root().unwrap();
            let root = cursor.element(root).unwrap();
            let operations: Vec<_> = root.children.iter().map(|operation| operation.tag.name).collect();
            prop_assert_eq!(operations, ["edit", "edit", "move"]);
            prop_assert_eq!(&**root.children[2].tag.attribute("dst").unwrap(), &*name);
            prop_assert_eq!(&**root.children[0].children[0].tag.attribute("name").unwrap(), &*name);
            let path = XPath::vsys(&Vsys::default()).child("tag").entry(&name);
            prop_assert_eq!(&**root.children[0].tag.attribute("xpath").unwrap(), path.as_str());
        }
    }
}
