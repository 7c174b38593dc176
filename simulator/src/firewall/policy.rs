//! `test security-policy-match`: which rule of the running policy a packet would meet, computed the plain way.

use std::net::IpAddr;

use super::{answer::Refusal, predefined, references::Names, references::parse_range};
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

/// The rules of a virtual system that the packet meets: the first, or all of them. None means that a default rule decides.
pub(super) fn matching(running: &Element, vsys: &str, query: &Query) -> Vec<Element> {
    let Some(vsys) = Names::of(running).vsys(vsys) else { return Vec::new() };
    let policy = Policy { scopes: [Some(vsys), running.child("shared")], query };
    let rules = vsys.at(&["rulebase", "security", "rules"]).map(|rules| rules.children.as_slice());
    let numbered = rules.unwrap_or_default().iter().zip(1..);
    let met = numbered.filter(|(rule, _)| policy.meets(rule)).map(|(rule, index)| policy.entry(rule, index));
    met.take(if query.show == Show::All { usize::MAX } else { 1 }).collect()
}

/// How deep groups may hold groups.
const GROUPS_MAX: usize = 16;

struct Policy<'a> {
    scopes: [Option<&'a Element>; 2],
    query: &'a Query,
}

impl<'a> Policy<'a> {
    fn meets(&self, rule: &Element) -> bool {
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
        let fits_type = match rule.child_text("rule-type") {
            Some("intrazone") => same_zone != Some(false),
            Some("interzone") => same_zone != Some(true),
            _ => true,
        };
        let meets = |name: &str, zone: Option<&str>| zone.is_none() || names(rule, name, zone);
        fits_type && meets("from", from) && meets("to", to)
    }

    fn meets_address(&self, rule: &Element, side: &str, address: IpAddr) -> bool {
        let mut members = members(rule, side);
        members.any(|member| member == "any" || self.holds(member, address, GROUPS_MAX))
    }

    /// Whether an address, group or literal holds this address. Names that only the network can resolve hold nothing.
    fn holds(&self, name: &str, address: IpAddr, depth: usize) -> bool {
        let in_range = |literal: &str| {
            parse_range(literal).is_some_and(|(first, last)| {
                first <= address && address <= last && first.is_ipv4() == address.is_ipv4()
            })
        };
        if let Some(object) = self.object("address", name) {
            let literal = object.child_text("ip-netmask").or_else(|| object.child_text("ip-range"));
            return literal.is_some_and(in_range);
        }
        if let Some(group) = self.object("address-group", name) {
            return depth > 0 && members(group, "static").any(|member| self.holds(member, address, depth - 1));
        }
        in_range(name)
    }

    fn meets_application(&self, rule: &Element) -> bool {
        let Some(wanted) = &self.query.application else { return true };
        self.applications(rule).any(|name| name == "any" || name == wanted)
    }

    /// The applications that a rule names, groups resolved.
    fn applications(&self, rule: &'a Element) -> impl Iterator<Item = &'a str> {
        let mut names = Vec::new();
        members(rule, "application").for_each(|name| self.expand("application-group", name, GROUPS_MAX, &mut names));
        names.into_iter()
    }

    fn expand<'b>(&self, collection: &str, name: &'b str, depth: usize, names: &mut Vec<&'b str>)
    where
        'a: 'b,
    {
        match self.object(collection, name) {
            Some(group) if depth > 0 => {
                members(group, "members").for_each(|name| self.expand(collection, name, depth - 1, names));
            }
            Some(_) => {}
            None => names.push(name),
        }
    }

    fn meets_service(&self, rule: &Element) -> bool {
        let mut services = Vec::new();
        members(rule, "service").for_each(|name| self.expand("service-group", name, GROUPS_MAX, &mut services));
        services.into_iter().any(|service| match service {
            "any" => true,
            "application-default" => self.meets_standard_ports(rule),
            name => self.object("service", name).is_some_and(|service| self.meets_ports_of(service)),
        })
    }

    /// Whether the packet uses a standard port of an application that the rule admits and the query does not rule out.
    fn meets_standard_ports(&self, rule: &Element) -> bool {
        let is_meant = |name: &str| self.query.application.as_deref().is_none_or(|wanted| wanted == name);
        let mut named = self.applications(rule).filter(|name| is_meant(name) || *name == "any");
        named.any(|name| match name {
            "any" => predefined::applications().filter(|name| is_meant(name)).any(|name| self.is_standard(name)),
            name => self.is_standard(name),
        })
    }

    fn is_standard(&self, application: &str) -> bool {
        let Some(default) = self.object("application", application).and_then(|object| object.child("default")) else {
            return false;
        };
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

    /// Names are looked up in the virtual system, then in what is shared, then in what is predefined.
    fn object(&self, collection: &str, name: &str) -> Option<&'a Element> {
        let mut scopes = self.scopes.iter().flatten();
        let found = scopes.find_map(|scope| scope.child(collection)?.entry_named(name));
        found.or_else(|| predefined::object(collection, name))
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
