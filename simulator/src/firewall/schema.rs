//! What a configuration may hold: the tree of known elements.
//!
//! Modelled are the branches that rules are made of; everything else is taken as it comes. Shapes and limits are those of
//! pan-os-codegen (`specs/policies/security-policy-rule.yaml`) and pan-os-python (`panos/policies.py`, `panos/objects.py`).

use super::{
    path::{Path, Step},
    references::{Kind, Profile},
};

/// What may stand in one place of the tree.
#[derive(Debug)]
pub(super) enum Node {
    /// Not modelled.
    Anything,
    /// Text of at most so many characters.
    Text(usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number from here to there.
    Number(u64, u64),
    /// One port.
    Port,
    /// A comma-separated list of ports and ranges.
    Ports,
    /// An address, alone or with the length of its network.
    Netmask,
    /// The first and the last address.
    AddressRange,
    /// The name of another object.
    Reference(Kind),
    /// The name of another object, or `any`.
    ReferenceOrAny(Kind),
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
    /// Their tags, and what may stand there.
    known: &'static [(&'static str, Node)],
    /// Of these at most one may be present: setting one replaces the other.
    pub(super) one_of: &'static [&'static str],
    /// Without these, a commit fails.
    pub(super) required: &'static [&'static str],
    pub(super) others: Others,
}

/// What is done with children that are not known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Others {
    Refused,
    Taken,
}

/// What an `entry` of a collection is.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: Naming,
    pub(super) body: Node,
}

/// Which names entries may have.
#[derive(Debug)]
pub(super) enum Naming {
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

/// These children as they must be, and others as they come.
const fn with_others(known: &'static [(&'static str, Node)]) -> Node {
    Node::Fields(Fields { others: Others::Taken, ..fields(known) })
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
    ..fields(&[("group", PROFILE_GROUP), ("profiles", Node::Fields(fields(PROFILES)))])
});

const PROFILES: &[(&str, Node)] = &[
    ("virus", profiles(Profile::Virus)),
    ("spyware", profiles(Profile::Spyware)),
    ("vulnerability", profiles(Profile::Vulnerability)),
    ("url-filtering", profiles(Profile::UrlFiltering)),
    ("file-blocking", profiles(Profile::FileBlocking)),
    ("wildfire-analysis", profiles(Profile::WildfireAnalysis)),
    ("data-filtering", profiles(Profile::DataFiltering)),
    ("gtp", profiles(Profile::Gtp)),
    ("sctp", profiles(Profile::Sctp)),
];

const fn profiles(profile: Profile) -> Node {
    Node::Members { of: Some(Kind::Profile(profile)), alone: &[] }
}

const PROFILE_GROUP_ENTRY: Object = Object { name: Naming::Plain(63), body: with_others(PROFILES) };

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

/// As pan-os-codegen has it (`specs/policies/network-address-translation.yaml`).
const NAT_RULE: Object = Object {
    name: Naming::Plain(63),
    body: Node::Fields(Fields {
        one_of: &["destination-translation", "dynamic-destination-translation"],
        required: &["from", "to", "source", "destination"],
        ..fields(&[
            ("from", ZONES),
            ("to", ZONES),
            ("source", ADDRESSES),
            ("destination", ADDRESSES),
            ("service", Node::ReferenceOrAny(Kind::Service)),
            ("nat-type", Node::OneOf(&["ipv4", "nat64", "nptv6"])),
            ("to-interface", Node::Text(31)),
            ("source-translation", SOURCE_TRANSLATION),
            (
                "destination-translation",
                Node::Fields(fields(&[
                    ("translated-address", ADDRESS_NAME),
                    ("translated-port", Node::Port),
                    ("dns-rewrite", Node::Anything),
                ])),
            ),
            (
                "dynamic-destination-translation",
                Node::Fields(fields(&[
                    ("translated-address", ADDRESS_NAME),
                    ("translated-port", Node::Port),
                    (
                        "distribution",
                        Node::OneOf(&["round-robin", "source-ip-hash", "ip-modulo", "ip-hash", "least-sessions"]),
                    ),
                ])),
            ),
            ("active-active-device-binding", Node::OneOf(&["primary", "both", "0", "1"])),
            ("disabled", YES_NO),
            ("description", Node::Text(1024)),
            ("tag", TAGS),
            ("group-tag", Node::Reference(Kind::Tag)),
            ("target", Node::Anything),
        ])
    }),
};

const ADDRESS_NAME: Node = Node::Reference(Kind::Address);
const ADDRESS_NAMES: Node = Node::Members { of: Some(Kind::Address), alone: &[] };

const SOURCE_TRANSLATION: Node = Node::Fields(Fields {
    one_of: &["dynamic-ip-and-port", "dynamic-ip", "static-ip"],
    ..fields(&[
        (
            "dynamic-ip-and-port",
            Node::Fields(Fields {
                one_of: &["interface-address", "translated-address"],
                ..fields(&[("interface-address", Node::Anything), ("translated-address", ADDRESS_NAMES)])
            }),
        ),
        ("dynamic-ip", Node::Fields(fields(&[("translated-address", ADDRESS_NAMES), ("fallback", Node::Anything)]))),
        ("static-ip", Node::Fields(fields(&[("translated-address", ADDRESS_NAME), ("bi-directional", YES_NO)]))),
    ])
});

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
            ("ip-netmask", Node::Netmask),
            ("ip-range", Node::AddressRange),
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
const ZONE: Object = Object {
    name: Naming::Plain(31),
    body: Node::Fields(Fields {
        others: Others::Taken,
        ..fields(&[(
            "network",
            Node::Fields(Fields {
                one_of: &["layer3", "layer2", "virtual-wire", "tap", "tunnel", "external"],
                others: Others::Taken,
                ..NOTHING_ELSE
            }),
        )])
    }),
};
const NAMED: Object = Object { name: Naming::Free(63), body: Node::Anything };

const SECURITY_PROFILES: Node = with_others(&[
    ("virus", Node::Entries(&NAMED)),
    ("spyware", Node::Entries(&NAMED)),
    ("vulnerability", Node::Entries(&NAMED)),
    ("url-filtering", Node::Entries(&NAMED)),
    ("file-blocking", Node::Entries(&NAMED)),
    ("wildfire-analysis", Node::Entries(&NAMED)),
    ("data-filtering", Node::Entries(&NAMED)),
    ("gtp", Node::Entries(&NAMED)),
    ("sctp", Node::Entries(&NAMED)),
]);

const RULEBASE: Node = with_others(&[
    ("security", Node::Fields(fields(&[("rules", Node::Entries(&RULE))]))),
    ("default-security-rules", Node::Fields(fields(&[("rules", Node::Entries(&DEFAULT_RULE))]))),
    ("nat", Node::Fields(fields(&[("rules", Node::Entries(&NAT_RULE))]))),
]);

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
        ("profile-group", Node::Entries(&PROFILE_GROUP_ENTRY)),
        ("profiles", SECURITY_PROFILES),
        ("dynamic-user-group", Node::Entries(&NAMED)),
        ("external-list", Node::Entries(&NAMED)),
        ("region", Node::Entries(&NAMED)),
        ("schedule", Node::Entries(&NAMED)),
        ("log-settings", with_others(&[("profiles", Node::Entries(&NAMED))])),
    ])
});

const VSYS: Object = Object { name: Naming::Free(63), body: SCOPE };
const DEVICE: Object = Object {
    name: Naming::Free(63),
    body: with_others(&[("vsys", Node::Entries(&VSYS)), ("deviceconfig", with_others(&[("setting", SETTING)]))]),
};

/// Of how the device behaves, what behaves so here.
const SETTING: Node = with_others(&[(
    "management",
    with_others(&[
        ("auto-acquire-commit-lock", YES_NO),
        ("api", with_others(&[("key", with_others(&[("lifetime", Node::Number(0, 525_600))]))])),
    ]),
)]);

/// The element `config`.
static CONFIG: Node = with_others(&[("devices", Node::Entries(&DEVICE)), ("shared", SCOPE)]);

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
        let Self::Fields(fields) = self else { return &[] };
        if fields.one_of.contains(&tag) { fields.one_of } else { &[] }
    }
}

impl Fields {
    /// What may stand in the child of that tag.
    pub(super) fn get(&self, tag: &str) -> Option<&'static Node> {
        self.known.iter().find(|(known, _)| *known == tag).map(|(_, node)| node)
    }
}
