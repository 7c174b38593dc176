//! `test security-policy-match`: which rule of the running policy a packet would meet, computed the plain way.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    answer::Refusal,
    dynamic::{Tagged, literal_holds, object_holds},
    predefined,
    references::Names,
};
use crate::xml::Element;

/// The packet that is asked about. What is not said matches every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    from: Option<String>,
    to: Option<String>,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    port: Option<u16>,
    application: Option<String>,
    user: Option<String>,
    category: Option<String>,
    show: Show,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    FirstMatch,
    All,
}

impl Query {
    /// Reads the element `security-policy-match`.
    pub(super) fn parse(command: &Element) -> Result<Self, Refusal> {
        let invalid = |words: &str| Refusal::new(17, format!(" test -> security-policy-match {words}"));
        let text = |name: &str| command.child_text(name).filter(|text| !text.is_empty());
        let required = |name: &str| text(name).ok_or_else(|| invalid(&format!("is missing '{name}'")));
        let is_invalid = |name: &str| invalid(&format!("-> {name} is invalid"));
        let address = |name: &str| required(name)?.parse().map_err(|_| is_invalid(name));
        let owned = |name: &str| text(name).map(str::to_owned);
        let port = text("destination-port").map(|port| port.parse().map_err(|_| is_invalid("destination-port")));
        Ok(Self {
            from: owned("from"),
            to: owned("to"),
            source: address("source")?,
            destination: address("destination")?,
            protocol: required("protocol")?.parse().map_err(|_| is_invalid("protocol"))?,
            port: port.transpose()?,
            application: owned("application"),
            user: owned("source-user"),
            category: owned("category"),
            show: if text("show-all") == Some("yes") { Show::All } else { Show::FirstMatch },
        })
    }
}

/// The rules of a virtual system that the packet meets, pushed ones too: the first, or all of them. None means that a default
/// rule decides.
pub(super) fn matching(running: &Element, tagged: Tagged<'_>, query: &Query) -> Vec<Element> {
    let vsys = tagged.vsys;
    let (Some(own), shared) = (Names::of(running).vsys(vsys), running.child("shared")) else { return Vec::new() };
    let pushed = Names::of(running).pushed(vsys);
    // Each rulebase looks names up at home first.
    let ours = Policy { scopes: [Some(own), shared, pushed].into_iter().flatten().collect(), tagged, query };
    let theirs = Policy { scopes: [pushed, Some(own), shared].into_iter().flatten().collect(), tagged, query };
    let met = |policy: &Policy<'_>, rule: &Element, index| policy.meets(rule).then(|| policy.entry(rule, index));
    let pre = rules(pushed, "pre-rulebase").iter().map(|rule| (&theirs, rule));
    let local = rules(Some(own), "rulebase").iter().map(|rule| (&ours, rule));
    let post = rules(pushed, "post-rulebase").iter().map(|rule| (&theirs, rule));
    let all = pre.chain(local).chain(post).zip(1..);
    let met = all.filter_map(|((policy, rule), index)| met(policy, rule, index));
    met.take(if query.show == Show::All { usize::MAX } else { 1 }).collect()
}

fn rules<'a>(scope: Option<&'a Element>, rulebase: &str) -> &'a [Element] {
    let rules = scope.and_then(|scope| scope.at(&[rulebase, "security", "rules"]));
    rules.map(|rules| rules.children.as_slice()).unwrap_or_default()
}

struct Policy<'a> {
    /// Where names are looked up, in this order, before what is predefined.
    scopes: Vec<&'a Element>,
    tagged: Tagged<'a>,
    query: &'a Query,
}

/// Collections that hold one kind of object: single ones, groups of them, and where a group lists its members.
struct Kind {
    singles: &'static [&'static str],
    groups: &'static str,
    list: &'static str,
}

const ADDRESSES: Kind =
    Kind { singles: &["address", "external-list", "region"], groups: "address-group", list: "static" };
const APPLICATIONS: Kind =
    Kind { singles: &["application", "application-filter"], groups: "application-group", list: "members" };
const SERVICES: Kind = Kind { singles: &["service"], groups: "service-group", list: "members" };

impl<'a> Policy<'a> {
    fn meets(&self, rule: &'a Element) -> bool {
        let query = self.query;
        let says = |name: &str, word: &str| rule.child_text(name) == Some(word);
        !says("disabled", "yes")
            && rule.child("schedule").is_none()
            && self.meets_zones(rule)
            && self.meets_address(rule, "source", query.source) != says("negate-source", "yes")
            && self.meets_address(rule, "destination", query.destination) != says("negate-destination", "yes")
            && names(rule, "source-user", query.user.as_deref())
            && names(rule, "category", query.category.as_deref())
            && names(rule, "source-hip", None)
            && names(rule, "destination-hip", None)
            && self.meets_application(rule)
            && self.meets_service(rule)
    }

    fn meets_zones(&self, rule: &Element) -> bool {
        let [from, to] = [&self.query.from, &self.query.to].map(Option::as_deref);
        let same_zone = from.zip(to).map(|(from, to)| from == to);
        let is_intrazone = rule.child_text("rule-type") == Some("intrazone");
        let fits_type = match rule.child_text("rule-type") {
            Some("intrazone") => same_zone != Some(false),
            Some("interzone") => same_zone != Some(true),
            _ => true,
        };
        let meets = |name: &str, zone: Option<&str>| zone.is_none() || names(rule, name, zone);
        // An intrazone rule has no destination zones of its own.
        fits_type && meets("from", from) && (is_intrazone || meets("to", to))
    }

    fn meets_address(&self, rule: &'a Element, side: &str, address: IpAddr) -> bool {
        self.leaves(&ADDRESSES, members(rule, side)).into_iter().any(|(name, object)| match object {
            Some(group) if group.child("dynamic").is_some() => self.tagged.members(group, &self.scopes).hold(address),
            Some(object) => object_holds(object, address),
            None => name == "any" || literal_holds(name, address),
        })
    }

    fn meets_application(&self, rule: &'a Element) -> bool {
        let Some(wanted) = &self.query.application else { return true };
        self.applications(rule).any(|name| name == "any" || name == wanted)
    }

    /// The applications that a rule names, groups resolved.
    fn applications(&self, rule: &'a Element) -> impl Iterator<Item = &'a str> {
        self.leaves(&APPLICATIONS, members(rule, "application")).into_iter().map(|(name, _)| name)
    }

    /// Every object that these names stand for, groups opened, and names that nobody defines.
    fn leaves(&self, kind: &Kind, names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, Option<&'a Element>)> {
        let mut found = Vec::new();
        let mut opened = BTreeSet::new();
        let mut ahead: Vec<(usize, &str)> = names.map(|name| (0, name)).collect();
        while let Some((from, name)) = ahead.pop() {
            let here = self.scopes.iter().enumerate().skip(from).find_map(|(index, scope)| {
                let entry = |collection: &str| scope.child(collection)?.entry_named(name);
                let single = kind.singles.iter().find_map(|collection| entry(collection));
                single.map(|object| (index, object, false)).or_else(|| Some((index, entry(kind.groups)?, true)))
            });
            match here {
                // Who is in a dynamic group is not written down in it.
                Some((_, group, true)) if group.child("dynamic").is_some() => found.push((name, Some(group))),
                // The members of a group are looked up from where the group was found: a shared one knows no virtual systems.
                Some((index, group, true)) => {
                    if opened.insert((index, name)) {
                        ahead.extend(members(group, kind.list).map(|member| (index, member)));
                    }
                }
                Some((_, object, false)) => found.push((name, Some(object))),
                None => {
                    let predefined = kind.singles.iter().find_map(|collection| predefined::object(collection, name));
                    found.push((name, predefined));
                }
            }
        }
        found
    }

    fn meets_service(&self, rule: &'a Element) -> bool {
        self.leaves(&SERVICES, members(rule, "service")).into_iter().any(|(name, object)| match (name, object) {
            (_, Some(service)) => self.meets_ports_of(service),
            ("any", None) => true,
            ("application-default", None) => self.meets_standard_ports(rule),
            (_, None) => false,
        })
    }

    /// Whether the packet uses a standard port of an application that the rule admits and the query does not rule out.
    fn meets_standard_ports(&self, rule: &'a Element) -> bool {
        let is_meant = |name: &str| self.query.application.as_deref().is_none_or(|wanted| wanted == name);
        self.leaves(&APPLICATIONS, members(rule, "application")).into_iter().any(|(name, object)| match name {
            "any" => self.every_application().any(|(name, object)| is_meant(name) && self.is_standard(object)),
            name => is_meant(name) && object.is_some_and(|object| self.is_standard(object)),
        })
    }

    /// Custom applications, those that are found first before others of their name, and predefined ones.
    fn every_application(&self) -> impl Iterator<Item = (&'a str, &'a Element)> {
        let custom = self.scopes.iter().copied().filter_map(|scope| scope.child("application"));
        let custom = custom.flat_map(|list| &list.children).filter_map(|entry| Some((entry.attribute("name")?, entry)));
        let predefined =
            predefined::applications().filter_map(|name| Some((name, predefined::object("application", name)?)));
        let mut seen = BTreeSet::new();
        custom.chain(predefined).filter(move |(name, _)| seen.insert(*name))
    }

    fn is_standard(&self, application: &Element) -> bool {
        let Some(default) = application.child("default") else { return false };
        let Query { protocol, port, .. } = *self.query;
        let by_port = members(default, "port").filter_map(|ports| ports.split_once('/')).any(|(name, ports)| {
            protocol_number(name) == Some(protocol) && (ports == "dynamic" || holds_port(ports, port))
        });
        let by_number = default.child_text("ident-by-ip-protocol").and_then(|number| number.parse().ok());
        let by_type = default.child("ident-by-icmp-type").is_some() && protocol == 1;
        by_port || by_number == Some(protocol) || by_type
    }

    fn meets_ports_of(&self, service: &Element) -> bool {
        let protocols = service.child("protocol").map(|protocol| protocol.children.as_slice()).unwrap_or_default();
        protocols.iter().any(|protocol| {
            protocol_number(&protocol.name) == Some(self.query.protocol)
                && protocol.child_text("port").is_some_and(|ports| holds_port(ports, self.query.port))
        })
    }

    /// The answer's element for a rule, in the structure of 9.0 and later.
    fn entry(&self, rule: &Element, index: usize) -> Element {
        let list = |name: &str, shown: &str| {
            let members: Vec<_> = members(rule, name).collect();
            match members.as_slice() {
                [] => Element::text(shown, "any"),
                [one] => Element::text(shown, *one),
                several => Element::new(shown).with_all(several.iter().map(|name| Element::text("member", *name))),
            }
        };
        let services = members(rule, "application")
            .flat_map(|application| members(rule, "service").map(move |service| format!("{application}/{service}")));
        let services: Vec<_> = services.enumerate().map(|(index, words)| format!("{index}:{words}")).collect();
        Element::entry(rule.attribute("name").unwrap_or_default()).with_all([
            Element::text("index", index.to_string()),
            list("from", "from"),
            list("source", "source"),
            Element::text("source-region", "none"),
            list("to", "to"),
            list("destination", "destination"),
            Element::text("destination-region", "none"),
            list("source-user", "user"),
            Element::text("source-device", "any"),
            // The device spells it so.
            Element::text("destinataion-device", "any"),
            list("category", "category"),
            Element::text("application_service", services.join(" ")),
            Element::text("action", rule.child_text("action").unwrap_or("allow")),
            Element::text("icmp-unreachable", rule.child_text("icmp-unreachable").unwrap_or("no")),
            Element::text("terminal", "yes"),
        ])
    }
}

fn members<'b>(element: &'b Element, list: &str) -> impl Iterator<Item = &'b str> + use<'b> {
    element.child(list).into_iter().flat_map(Element::members)
}

/// Whether a list names `wanted` or `any`, or is not there at all.
fn names(rule: &Element, list: &str, wanted: Option<&str>) -> bool {
    rule.child(list).is_none() || members(rule, list).any(|name| name == "any" || Some(name) == wanted)
}

fn protocol_number(name: &str) -> Option<u8> {
    match name {
        "tcp" => Some(6),
        "udp" => Some(17),
        _ => None,
    }
}

/// Whether a list of ports holds this one; without a port every list does.
fn holds_port(ports: &str, port: Option<u16>) -> bool {
    let Some(port) = port else { return true };
    ports.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse().is_ok_and(|first: u16| first <= port) && last.parse().is_ok_and(|last: u16| port <= last)
    })
}
