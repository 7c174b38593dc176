//! A firewall's policy, read from the XML itself and walked from the top, one packet at a time.

use std::rc::Rc;

use drawbridge_simulator::xml::Element;

use crate::{
    objects::{AppLeaf, Leaf, Scopes, ServiceLeaf, standard_ports},
    packets::{Packet, Way},
    settings::Chosen,
};

/// All rules, in the order of evaluation.
pub(crate) struct Policy {
    pub(crate) rules: Vec<Rule>,
}

/// In which rulebase a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Pre,
    Local,
    Post,
    Default,
}

/// A rule, the names in its columns opened.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// It has a name of our form and our tag.
    pub(crate) is_ours: bool,
    /// It stands above the bottom rule.
    pub(crate) is_above: bool,
    pub(crate) is_disabled: bool,
    pub(crate) allows: bool,
    kind: Kind,
    from: Vec<String>,
    to: Vec<String>,
    pub(crate) source: Side,
    pub(crate) destination: Side,
    pub(crate) apps: Vec<AppLeaf>,
    pub(crate) services: Vec<ServiceLeaf>,
    /// Custom applications that `any` means as well.
    customs: Rc<[AppLeaf]>,
    /// Something else decides as well that nobody can tell from here: users, times, elements that we do not know.
    is_narrowed: bool,
}

enum Kind {
    Universal,
    Intrazone,
    Interzone,
}

/// A column of addresses.
#[derive(PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) is_negated: bool,
    pub(crate) leaves: Vec<Leaf>,
}

/// Whether a rule matches a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    No,
    Maybe,
    Yes,
}

/// The virtual system that worlds have.
pub(crate) const VSYS: [&str; 2] = ["localhost.localdomain", "vsys1"];

impl Policy {
    pub(crate) fn read(config: &Element, chosen: &Chosen) -> Self {
        let vsys = vsys(config);
        let shared = config.child("shared");
        let pushed = config.at(&["panorama", "vsys"]).and_then(|list| list.entry_named(VSYS[1]));
        let ours = Scopes::of([vsys, shared, pushed], pushed);
        let theirs = Scopes::of([pushed, vsys, shared], pushed);
        let entries = |scope: Option<&'_ Element>, rulebase: &str| -> Vec<Element> {
            let rules = scope.and_then(|scope| scope.at(&[rulebase, "security", "rules"]));
            rules.map(|rules| rules.children.to_vec()).unwrap_or_default()
        };
        let mut rules = Vec::new();
        let mut is_above = true;
        for (place, scope, rulebase, scopes) in [
            (Place::Pre, pushed, "pre-rulebase", &theirs),
            (Place::Local, vsys, "rulebase", &ours),
            (Place::Post, pushed, "post-rulebase", &theirs),
        ] {
            for entry in entries(scope, rulebase) {
                let rule = Rule::read(&entry, place, scopes, chosen);
                is_above &= place != Place::Local || rule.name != chosen.bottom;
                rules.push(Rule { is_above, ..rule });
            }
        }
        let overrides = [(pushed, "pre-rulebase"), (pushed, "post-rulebase"), (vsys, "rulebase")];
        rules.extend([("intrazone-default", "allow"), ("interzone-default", "deny")].map(|(name, action)| {
            let mut entry = Element::entry(name).with(Element::text("action", action));
            for (scope, rulebase) in overrides {
                let list = scope.and_then(|scope| scope.at(&[rulebase, "default-security-rules", "rules"]));
                entry = list.and_then(|list| list.entry_named(name)).cloned().unwrap_or(entry);
            }
            let kind = if name.starts_with("intra") { "intrazone" } else { "interzone" };
            Rule::read(&entry.with(Element::text("rule-type", kind)), Place::Default, &ours, chosen)
        }));
        Self { rules }
    }

    pub(crate) fn ours(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.is_ours)
    }

    /// The first rule that matches for certain, unless one before it may.
    pub(crate) fn first(&self, packet: &Packet<'_>) -> Option<&Rule> {
        let meets = |rule: &&Rule| rule.matches(packet) != Match::No;
        self.rules.iter().find(meets).filter(|rule| rule.matches(packet) == Match::Yes)
    }

    /// Whether a rule above the bottom rule that nothing narrows lets the packet through.
    pub(crate) fn allows_above(&self, packet: &Packet<'_>, counts: impl Fn(&Rule) -> bool) -> bool {
        self.rules.iter().any(|rule| {
            rule.is_above && rule.allows && counts(rule) && rule.is_certain() && rule.matches(packet) == Match::Yes
        })
    }
}

/// Where the virtual system's own configuration is.
pub(crate) fn vsys(config: &Element) -> Option<&Element> {
    config.child("devices")?.entry_named(VSYS[0])?.child("vsys")?.entry_named(VSYS[1])
}

/// Elements of a rule that are read, or that decide nothing.
const KNOWN: &[&str] = &[
    "from",
    "to",
    "source",
    "destination",
    "application",
    "service",
    "negate-source",
    "negate-destination",
    "action",
    "disabled",
    "rule-type",
    "profile-setting",
    "tag",
    "description",
    "log-start",
    "log-end",
    "log-setting",
    "option",
    "qos",
    "group-tag",
    "icmp-unreachable",
    "disable-inspect",
    "target",
];

impl Rule {
    fn read(entry: &Element, place: Place, scopes: &Scopes<'_>, chosen: &Chosen) -> Self {
        let list = |name: &str| -> Vec<String> {
            entry.child(name).into_iter().flat_map(Element::members).map(str::to_owned).collect()
        };
        let column = |name: &str| match list(name) {
            empty if empty.is_empty() => vec!["any".to_owned()],
            given => given,
        };
        let says = |name: &str| entry.child_text(name).unwrap_or_default();
        let side = |name: &str, negate: &str| Side {
            is_negated: says(negate) == "yes",
            leaves: column(name).iter().flat_map(|member| scopes.addresses(member)).collect(),
        };
        let name = entry.attribute("name").unwrap_or_default().to_owned();
        let kind = match says("rule-type") {
            "intrazone" => Kind::Intrazone,
            "interzone" => Kind::Interzone,
            _ => Kind::Universal,
        };
        let is_half = place != Place::Default
            && ["from", "to", "source", "destination", "application", "service"]
                .iter()
                .any(|name| list(name).is_empty() && !(*name == "to" && matches!(kind, Kind::Intrazone)));
        let decides = |child: &Element| !KNOWN.contains(&child.name.as_str()) && !says_any(child);
        Self {
            is_ours: place == Place::Local && is_our_name(&name) && list("tag").contains(&chosen.owner),
            name,
            place,
            is_above: false,
            is_disabled: says("disabled") == "yes",
            allows: says("action") == "allow",
            kind,
            from: column("from"),
            to: column("to"),
            source: side("source", "negate-source"),
            destination: side("destination", "negate-destination"),
            apps: column("application").iter().flat_map(|member| scopes.applications(member)).collect(),
            customs: scopes.customs(),
            services: column("service").iter().flat_map(|member| scopes.services(member)).collect(),
            is_narrowed: is_half || entry.children.iter().any(decides),
        }
    }

    /// What the rule would say to the packet in the right zones, if it were enabled.
    pub(crate) fn would_match(&self, packet: &Packet<'_>) -> Match {
        let rest = if self.is_narrowed { Match::Maybe } else { Match::Yes };
        [
            self.source.matches(packet.source),
            self.destination.matches(packet.destination),
            self.matches_application(packet),
            self.matches_service(packet),
            rest,
        ]
        .into_iter()
        .min()
        .unwrap_or(Match::No)
    }

    pub(crate) fn matches(&self, packet: &Packet<'_>) -> Match {
        let counts = !self.is_disabled && self.speaks_of_zones(packet.from, packet.to);
        if counts { self.would_match(packet) } else { Match::No }
    }

    /// One of the two at the very end.
    pub(crate) fn is_default(&self) -> bool {
        self.place == Place::Default
    }

    /// Source and destination zones, as listed.
    pub(crate) fn zones(&self) -> (&[String], &[String]) {
        (&self.from, if matches!(self.kind, Kind::Intrazone) { &self.from } else { &self.to })
    }

    /// Whether it is a rule for this way only, as ours are. Within one zone a rule is for both.
    pub(crate) fn goes(&self, way: Way, chosen: &Chosen) -> bool {
        let (from, to) = chosen.zones(way);
        self.zones() == (&[from.to_owned()], &[to.to_owned()])
    }

    fn speaks_of_zones(&self, from: &str, to: &str) -> bool {
        let names = |zones: &[String], zone: &str| zones.iter().any(|name| name == "any" || name == zone);
        match self.kind {
            Kind::Universal => names(&self.from, from) && names(&self.to, to),
            Kind::Interzone => from != to && names(&self.from, from) && names(&self.to, to),
            Kind::Intrazone => from == to && names(&self.from, from),
        }
    }

    fn matches_application(&self, packet: &Packet<'_>) -> Match {
        best(self.apps.iter().map(|leaf| match leaf {
            AppLeaf::Any => Match::Yes,
            AppLeaf::Named(name, _) if name == packet.app => Match::Yes,
            AppLeaf::Named(..) => Match::No,
            AppLeaf::Unknown => Match::Maybe,
        }))
    }

    fn matches_service(&self, packet: &Packet<'_>) -> Match {
        match self.services.as_slice() {
            [ServiceLeaf::Default] => self.matches_standard_port(packet),
            leaves => matches_service(leaves, packet),
        }
    }

    /// `application-default`: each application on its own ports, where these are known.
    fn matches_standard_port(&self, packet: &Packet<'_>) -> Match {
        let named = self.apps.iter().chain(self.customs.iter()).find_map(|leaf| match leaf {
            AppLeaf::Named(name, ports) if name == packet.app => Some(ports.clone()),
            AppLeaf::Named(..) | AppLeaf::Any | AppLeaf::Unknown => None,
        });
        match named.unwrap_or_else(|| standard_ports(packet.app)) {
            None => Match::Maybe,
            Some(ports) if ports.iter().any(|ports| ports.hold(packet)) => Match::Yes,
            Some(_) => Match::No,
        }
    }

    /// Whether it says one service in the way in which we write it, and nothing is turned round.
    pub(crate) fn spells_one_service(&self) -> bool {
        let says_any = |leaf: &AppLeaf| *leaf == AppLeaf::Any;
        let has_standard = |leaf: &AppLeaf| leaf.name().and_then(standard_ports).is_some();
        let in_one_way = match self.services.as_slice() {
            [ServiceLeaf::Any] => self.apps.iter().all(says_any),
            [ServiceLeaf::Default] => self.apps.iter().all(has_standard),
            [ServiceLeaf::Ports(ports, false)] => ports.len() == 1,
            _ => false,
        };
        in_one_way && !self.source.is_negated && !self.destination.is_negated
    }

    /// Whether nothing about the rule is left open.
    pub(crate) fn is_certain(&self) -> bool {
        !self.is_narrowed
            && self.source.leaves.iter().chain(&self.destination.leaves).all(|leaf| *leaf != Leaf::Unknown)
            && self.apps.iter().all(|leaf| *leaf != AppLeaf::Unknown)
            && self.services.iter().all(|leaf| !matches!(leaf, ServiceLeaf::Unknown | ServiceLeaf::Ports(_, true)))
    }
}

/// Whether one of these services holds the packet.
pub(crate) fn matches_service(leaves: &[ServiceLeaf], packet: &Packet<'_>) -> Match {
    best(leaves.iter().map(|leaf| match leaf {
        ServiceLeaf::Any => Match::Yes,
        ServiceLeaf::Ports(ports, by_source) => match ports.iter().any(|ports| ports.hold(packet)) {
            false => Match::No,
            true if *by_source => Match::Maybe,
            true => Match::Yes,
        },
        // Beside others the word is no service.
        ServiceLeaf::Default | ServiceLeaf::Unknown => Match::Maybe,
    }))
}

impl Side {
    pub(crate) fn matches(&self, address: std::net::IpAddr) -> Match {
        let listed = best(self.leaves.iter().map(|leaf| match leaf {
            Leaf::Any => Match::Yes,
            Leaf::Span(span) if span.holds(address) => Match::Yes,
            Leaf::Span(_) => Match::No,
            Leaf::Unknown => Match::Maybe,
        }));
        match (self.is_negated, listed) {
            (false, listed) => listed,
            (true, Match::Yes) => Match::No,
            (true, Match::No) => Match::Yes,
            (true, Match::Maybe) => Match::Maybe,
        }
    }
}

fn best(matches: impl Iterator<Item = Match>) -> Match {
    matches.max().unwrap_or(Match::No)
}

/// An element that is empty, or a list that has `any`.
fn says_any(element: &Element) -> bool {
    let members: Vec<_> = element.members().collect();
    element.text.is_empty()
        && members.len() == element.children.len()
        && (members.is_empty() || members.contains(&"any"))
}

/// `i-…-<n>` or `sg-…-<n>`.
pub(crate) fn is_our_name(name: &str) -> bool {
    let Some((id, number)) = name.rsplit_once('-') else { return false };
    let rest = id.strip_prefix("i-").or_else(|| id.strip_prefix("sg-"));
    let is_id = rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    is_id && !number.starts_with(['0', '+']) && number.parse::<u32>().is_ok()
}
