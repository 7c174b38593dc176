//! What a configuration may hold: the tree of known elements, and the check that an element keeps to it.
//!
//! Modelled are the branches that rules are made of; everything else is taken as it comes. Shapes and limits are those of
//! pan-os-codegen (`specs/policies/security-policy-rule.yaml`) and pan-os-python (`panos/policies.py`, `panos/objects.py`).

use std::collections::BTreeSet;

use super::{path::Path, path::Step, references::Kind};
use crate::xml::Element;

/// What may stand in one place of the tree.
#[derive(Debug)]
pub(super) enum Node {
    /// Not modelled.
    Anything,
    /// Text of at most so many characters.
    Text(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A comma-separated list of ports and ranges.
    Ports,
    /// The name of another object.
    Reference(Kind),
    /// A list of names or values; the words in `alone` must be the only member.
    Members { of: Option<Kind>, alone: &'static [&'static str] },
    /// Named children.
    Fields(Fields),
    /// `entry` children with unique names.
    Entries(&'static Object),
}

/// The children that an element may have.
#[derive(Debug)]
pub(super) struct Fields {
    known: &'static [(&'static str, Node)],
    /// Of these at most one may be present: setting one replaces the other.
    one_of: &'static [&'static str],
    /// Without these, a commit fails.
    required: &'static [&'static str],
    others: Others,
}

#[derive(Debug, PartialEq, Eq)]
enum Others {
    Refused,
    Taken,
}

/// What an `entry` of a collection is.
#[derive(Debug)]
pub(super) struct Object {
    name: Naming,
    body: Node,
}

#[derive(Debug)]
enum Naming {
    /// Letters, digits, space, dot, hyphen and underscore, up to a length.
    Plain(usize),
    /// Anything up to a length.
    Free(usize),
}

const NOTHING_ELSE: Fields = Fields { known: &[], one_of: &[], required: &[], others: Others::Refused };
const YES_NO: Node = Node::OneOf(&["yes", "no"]);
const TEXT: Node = Node::Text(1023);
const TAGS: Node = Node::Members { of: Some(Kind::Tag), alone: &[] };
const VALUES: Node = Node::Members { of: None, alone: &["any"] };
const ZONES: Node = Node::Members { of: Some(Kind::Zone), alone: &["any"] };
const ADDRESSES: Node = Node::Members { of: Some(Kind::Address), alone: &["any"] };

const fn fields(known: &'static [(&'static str, Node)]) -> Fields {
    Fields { known, ..NOTHING_ELSE }
}

const ACTION: Node = Node::OneOf(&["allow", "deny", "drop", "reset-client", "reset-server", "reset-both"]);
const PROFILE_GROUP: Node = Node::Members { of: Some(Kind::ProfileGroup), alone: &[] };

const RULE: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(Fields {
        required: &["from", "to", "source", "destination", "application", "service"],
        ..fields(&[
            ("from", ZONES),
            ("to", ZONES),
            ("source", ADDRESSES),
            ("destination", ADDRESSES),
            ("source-user", VALUES),
            ("category", VALUES),
            ("application", Node::Members { of: Some(Kind::Application), alone: &["any"] }),
            ("service", Node::Members { of: Some(Kind::Service), alone: &["any", "application-default"] }),
            ("source-hip", VALUES),
            ("destination-hip", VALUES),
            ("hip-profiles", VALUES),
            ("source-imei", VALUES),
            ("source-imsi", VALUES),
            ("source-nw-slice", VALUES),
            ("action", ACTION),
            ("icmp-unreachable", YES_NO),
            ("log-start", YES_NO),
            ("log-end", YES_NO),
            ("log-setting", Node::Reference(Kind::LogProfile)),
            ("profile-setting", PROFILE_SETTING),
            ("tag", TAGS),
            ("group-tag", Node::Reference(Kind::Tag)),
            ("description", Node::Text(1024)),
            ("disabled", YES_NO),
            ("negate-source", YES_NO),
            ("negate-destination", YES_NO),
            ("disable-inspect", YES_NO),
            ("rule-type", Node::OneOf(&["universal", "intrazone", "interzone"])),
            ("schedule", Node::Reference(Kind::Schedule)),
            ("option", Node::Anything),
            ("qos", Node::Anything),
            ("target", Node::Anything),
        ])
    }),
};

const PROFILE_SETTING: Node = Node::Fields(Fields {
    one_of: &["group", "profiles"],
    ..fields(&[("group", PROFILE_GROUP), ("profiles", Node::Anything)])
});

const DEFAULT_RULE: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(fields(&[
        ("action", ACTION),
        ("icmp-unreachable", YES_NO),
        ("log-start", YES_NO),
        ("log-end", YES_NO),
        ("log-setting", Node::Reference(Kind::LogProfile)),
        ("profile-setting", PROFILE_SETTING),
        ("tag", TAGS),
        ("group-tag", Node::Reference(Kind::Tag)),
    ])),
};

const PORTS: Node =
    Node::Fields(fields(&[("port", Node::Ports), ("source-port", Node::Ports), ("override", Node::Anything)]));

const SERVICE: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(Fields {
        required: &["protocol"],
        ..fields(&[
            ("protocol", Node::Fields(Fields { one_of: &["tcp", "udp"], ..fields(&[("tcp", PORTS), ("udp", PORTS)]) })),
            ("description", TEXT),
            ("tag", TAGS),
        ])
    }),
};

const SERVICE_GROUP: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(fields(&[("members", Node::Members { of: Some(Kind::Service), alone: &[] }), ("tag", TAGS)])),
};

const ADDRESS: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(Fields {
        one_of: &["ip-netmask", "ip-range", "ip-wildcard", "fqdn"],
        ..fields(&[
            ("ip-netmask", TEXT),
            ("ip-range", TEXT),
            ("ip-wildcard", TEXT),
            ("fqdn", Node::Text(255)),
            ("description", TEXT),
            ("tag", TAGS),
        ])
    }),
};

const ADDRESS_GROUP: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(Fields {
        one_of: &["static", "dynamic"],
        ..fields(&[
            ("static", Node::Members { of: Some(Kind::Address), alone: &[] }),
            ("dynamic", Node::Fields(fields(&[("filter", Node::Text(2047))]))),
            ("description", TEXT),
            ("tag", TAGS),
        ])
    }),
};

const APPLICATION_GROUP: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(fields(&[("members", Node::Members { of: Some(Kind::Application), alone: &[] })])),
};

const TAG: Object = Object {
    name: Naming::Free(127),
    body: Node::Fields(fields(&[("color", Node::Text(31)), ("comments", Node::Text(1023))])),
};

const APPLICATION: Object = Object { name: Naming::Plain(31), body: Node::Anything };
const ZONE: Object = Object { name: Naming::Plain(31), body: Node::Anything };
const NAMED: Object = Object { name: Naming::Free(63), body: Node::Anything };

const RULEBASE: Node = Node::Fields(Fields {
    others: Others::Taken,
    ..fields(&[
        ("security", Node::Fields(fields(&[("rules", Node::Entries(&RULE))]))),
        ("default-security-rules", Node::Fields(fields(&[("rules", Node::Entries(&DEFAULT_RULE))]))),
    ])
});

const SCOPE: Node = Node::Fields(Fields {
    others: Others::Taken,
    ..fields(&[
        ("rulebase", RULEBASE),
        ("zone", Node::Entries(&ZONE)),
        ("address", Node::Entries(&ADDRESS)),
        ("address-group", Node::Entries(&ADDRESS_GROUP)),
        ("service", Node::Entries(&SERVICE)),
        ("service-group", Node::Entries(&SERVICE_GROUP)),
        ("tag", Node::Entries(&TAG)),
        ("application", Node::Entries(&APPLICATION)),
        ("application-group", Node::Entries(&APPLICATION_GROUP)),
        ("application-filter", Node::Entries(&NAMED)),
        ("profile-group", Node::Entries(&NAMED)),
        ("external-list", Node::Entries(&NAMED)),
        ("region", Node::Entries(&NAMED)),
        ("schedule", Node::Entries(&NAMED)),
        (
            "log-settings",
            Node::Fields(Fields { others: Others::Taken, ..fields(&[("profiles", Node::Entries(&NAMED))]) }),
        ),
    ])
});

const VSYS: Object = Object { name: Naming::Free(63), body: SCOPE };
const DEVICE: Object = Object {
    name: Naming::Free(63),
    body: Node::Fields(Fields { others: Others::Taken, ..fields(&[("vsys", Node::Entries(&VSYS))]) }),
};

/// The element `config`.
static CONFIG: Node =
    Node::Fields(Fields { others: Others::Taken, ..fields(&[("devices", Node::Entries(&DEVICE)), ("shared", SCOPE)]) });

impl Node {
    /// What may stand at a path.
    pub(super) fn at(path: &Path) -> &'static Self {
        path.steps().iter().skip(1).fold(&CONFIG, |node, step| node.below(step))
    }

    /// What may stand one step down.
    pub(super) fn below(&self, step: &Step) -> &'static Self {
        static ANYTHING: Node = Node::Anything;
        match (self, step) {
            (Self::Fields(fields), Step::Child(tag)) => fields.get(tag).unwrap_or(&ANYTHING),
            (Self::Entries(object), Step::Entry(_)) => &object.body,
            _ => &ANYTHING,
        }
    }

    /// Which children give way when the child `tag` is set.
    pub(super) fn alternatives(&self, tag: &str) -> &'static [&'static str] {
        match self {
            Self::Fields(fields) if fields.one_of.contains(&tag) => fields.one_of,
            _ => &[],
        }
    }
}

impl Fields {
    fn get(&self, tag: &str) -> Option<&'static Node> {
        self.known.iter().find(|(known, _)| *known == tag).map(|(_, node)| node)
    }
}

/// Something in a configuration that PAN-OS would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where it is.
    pub(super) place: Path,
    /// What is said after the place.
    pub(super) words: String,
}

/// When something is checked: a write may leave gaps that a commit may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Right after a write.
    Write,
    /// Before a commit.
    Commit,
}

/// Checks the shape of everything at and below `place`.
pub(super) fn problems(element: &Element, place: &Path, strictness: Strictness) -> Vec<Problem> {
    let mut check = Check { strictness, problems: Vec::new() };
    if let Some(Step::Entry(_)) = place.last()
        && let Some(Node::Entries(object)) = place.parent().as_ref().map(Node::at)
    {
        check.name(&object.name, element, place);
    }
    check.element(element, place, Node::at(place));
    check.problems
}

/// The branch by which PAN-OS names this place: below `devices/entry`, or below `config`.
pub(super) fn is_outermost(step: &Step) -> bool {
    matches!(step, Step::Child(tag) if tag == "vsys" || tag == "shared")
}

struct Check {
    strictness: Strictness,
    problems: Vec<Problem>,
}

impl Check {
    fn report(&mut self, place: &Path, words: impl Into<String>) {
        self.problems.push(Problem { place: place.clone(), words: words.into() });
    }

    fn element(&mut self, element: &Element, place: &Path, node: &Node) {
        match node {
            Node::Anything => {}
            Node::Text(_) | Node::OneOf(_) | Node::Ports | Node::Reference(_) => self.leaf(element, place, node),
            Node::Members { alone, .. } => self.members(element, place, alone),
            Node::Fields(fields) => self.fields(element, place, fields),
            Node::Entries(object) => self.entries(element, place, object),
        }
    }

    fn leaf(&mut self, element: &Element, place: &Path, node: &Node) {
        if let Some(child) = element.children.first() {
            self.report(&place.then(Step::to(child)), "unexpected here");
        }
        let text = element.text.as_str();
        match node {
            Node::Text(longest) => {
                let length = text.chars().count();
                if length > *longest {
                    self.report(place, format!("can be at most {longest} characters, but current length: {length}"));
                }
            }
            Node::OneOf(words) if !words.contains(&text) => {
                self.report(place, format!("'{text}' is not an allowed keyword"));
                self.report(place, "is invalid");
            }
            Node::Ports => {
                if let Err(words) = check_ports(text) {
                    self.report(place, words);
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, element: &Element, place: &Path, alone: &[&str]) {
        for child in element.children.iter().filter(|child| child.name != "member") {
            self.report(&place.then(Step::to(child)), "unexpected here");
        }
        let loner = element.members().find(|member| alone.contains(member));
        if let (Some(loner), 2..) = (loner, element.members().count()) {
            self.report(place, format!("'{loner}' must be the only member"));
            self.report(place, "is invalid");
        }
        self.unique(element, place);
    }

    fn fields(&mut self, element: &Element, place: &Path, fields: &Fields) {
        for child in &element.children {
            let step = Step::to(child);
            match fields.get(&child.name) {
                Some(node) => self.element(child, &place.then(step), node),
                None if fields.others == Others::Taken => {}
                None => {
                    self.report(&place.then(step), "unexpected here");
                    self.report(place, "is invalid");
                }
            }
        }
        let mut chosen = element.children.iter().filter(|child| fields.one_of.contains(&child.name.as_str()));
        if let (Some(first), Some(second)) = (chosen.next(), chosen.next()) {
            self.report(place, format!("{} conflicts with {}", second.name, first.name));
            self.report(place, "is invalid");
        }
        if self.strictness == Strictness::Commit {
            let is_missing = |tag: &&&str| element.child(tag).is_none_or(|child| child.children.is_empty());
            for tag in fields.required.iter().filter(is_missing) {
                self.report(place, format!("is missing '{tag}'"));
            }
        }
        self.unique(element, place);
    }

    fn entries(&mut self, element: &Element, place: &Path, object: &Object) {
        for child in &element.children {
            let place = place.then(Step::to(child));
            if child.name != "entry" || child.attribute("name").is_none() {
                self.report(&place, "unexpected here");
                continue;
            }
            self.name(&object.name, child, &place);
            self.element(child, &place, &object.body);
        }
        self.unique(element, place);
    }

    fn name(&mut self, naming: &Naming, entry: &Element, place: &Path) {
        let name = entry.attribute("name").unwrap_or_default();
        let (Naming::Plain(longest) | Naming::Free(longest)) = *naming;
        let length = name.chars().count();
        if length > longest {
            self.report(place, format!("can be at most {longest} characters, but current length: {length}"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_');
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let is_plain = starts_well && name.chars().all(allowed);
        if name.is_empty() || matches!(naming, Naming::Plain(_)) && !is_plain {
            self.report(place, "is invalid");
        }
    }

    fn unique(&mut self, element: &Element, place: &Path) {
        if let Some(step) = duplicate(element) {
            self.report(&place.then(step), "is a duplicate node");
            self.report(place, "is invalid");
        }
    }
}

/// A child that occurs twice.
pub(super) fn duplicate(element: &Element) -> Option<Step> {
    let mut seen = BTreeSet::new();
    element.children.iter().map(Step::to).find(|step| !seen.insert(step.clone()))
}

/// The validator's text names 1 as the lowest port, though the documentation has 0.
fn check_ports(text: &str) -> Result<(), String> {
    if text.len() > 1023 {
        return Err(format!("can be at most 1023 characters, but current length: {}", text.len()));
    }
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let [first, last] = [first, last].map(|port| port.parse::<u32>().map_err(|_| format!("'{item}' is invalid")));
        let (first, last) = (first?, last?);
        for port in [first, last] {
            if !(1..=65535).contains(&port) {
                return Err(format!("{port} should be equal to or between 1 and 65535"));
            }
        }
        if first > last {
            return Err(format!("'{item}' is invalid"));
        }
    }
    Ok(())
}
