//! Names in a rule's columns, looked up in the XML where the firewall would look.

use std::rc::Rc;

use drawbridge_simulator::xml::Element;

use crate::{packets::Packet, span::Span};

/// An address that a column comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    Any,
    Span(Span),
    /// What only the network or the vendor can tell.
    Unknown,
}

/// An application that a column comes down to, with its standard ports where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppLeaf {
    Any,
    Named(String, Option<Vec<Ports>>),
    Unknown,
}

impl AppLeaf {
    /// Its name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name, _) => Some(name),
            Self::Any | Self::Unknown => None,
        }
    }

    /// Its standard ports, where they are known.
    pub(crate) fn ports(&self) -> Option<&Vec<Ports>> {
        match self {
            Self::Named(_, ports) => ports.as_ref(),
            Self::Any | Self::Unknown => None,
        }
    }
}

/// A service that a column comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceLeaf {
    Any,
    Default,
    /// Destination ports, and whether source ports count as well.
    Ports(Vec<Ports>, bool),
    Unknown,
}

/// Ports of one protocol; of protocols without ports all packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) protocol: u8,
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl Ports {
    pub(crate) const fn all(protocol: u8) -> Self {
        Self { protocol, first: 0, last: u16::MAX }
    }

    pub(crate) fn hold(&self, packet: &Packet<'_>) -> bool {
        let has_ports = matches!(self.protocol, 6 | 17);
        self.protocol == packet.protocol && (!has_ports || self.first <= packet.port && packet.port <= self.last)
    }

    /// `443,8000-8010`.
    pub(crate) fn parse(protocol: &str, list: &str) -> Option<Vec<Self>> {
        let protocol = match protocol {
            "tcp" => 6,
            "udp" => 17,
            _ => return None,
        };
        let one = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some(Self { protocol, first, last })
        };
        list.split(',').map(one).collect()
    }
}

/// Where names are looked up, in this order.
pub(crate) struct Scopes<'a> {
    scopes: Vec<&'a Element>,
    pushed: Option<&'a Element>,
    customs: Rc<[AppLeaf]>,
}

/// Collections that hold one kind of object: single ones, groups, and where a group lists its members.
struct Table {
    singles: &'static [&'static str],
    groups: &'static str,
    list: &'static str,
}

/// What a name leads to, and the collection that it was found in.
struct Found<'a> {
    name: String,
    object: Option<(&'static str, &'a Element)>,
}

const ADDRESSES: Table =
    Table { singles: &["address", "external-list", "region"], groups: "address-group", list: "static" };
const SERVICES: Table = Table { singles: &["service"], groups: "service-group", list: "members" };
const APPLICATIONS: Table =
    Table { singles: &["application", "application-filter"], groups: "application-group", list: "members" };

impl<'a> Scopes<'a> {
    /// `pushed` is the one of them that Panorama has pushed.
    pub(crate) fn of(scopes: [Option<&'a Element>; 3], pushed: Option<&'a Element>) -> Self {
        let scopes: Vec<_> = scopes.into_iter().flatten().collect();
        let lists = scopes.iter().filter_map(|scope| scope.child("application"));
        let custom = lists
            .flat_map(|list| &list.children)
            .filter_map(|custom| Some(AppLeaf::Named(custom.attribute("name")?.to_owned(), default_ports(custom))));
        let mut customs: Vec<AppLeaf> = custom.collect();
        // Where two scopes mean different ports by one name, a group may mean either.
        let is_clear = |leaf: &AppLeaf| customs.iter().all(|other| other.name() != leaf.name() || other == leaf);
        let clear: Vec<_> = customs.iter().map(is_clear).collect();
        for (leaf, is_clear) in customs.iter_mut().zip(clear) {
            if let (AppLeaf::Named(_, ports), false) = (leaf, is_clear) {
                *ports = None;
            }
        }
        Self { scopes, pushed, customs: customs.into() }
    }

    /// Custom applications, those that are found first before others of their name.
    pub(crate) fn customs(&self) -> Rc<[AppLeaf]> {
        Rc::clone(&self.customs)
    }

    pub(crate) fn addresses(&self, name: &str) -> Vec<Leaf> {
        if name == "any" {
            return vec![Leaf::Any];
        }
        let leaf = |Found { name, object }: Found<'_>| {
            let text = match object {
                None => Some(name.as_str()),
                Some((_, object)) => object.child_text("ip-netmask").or_else(|| object.child_text("ip-range")),
            };
            text.and_then(Span::parse).map_or(Leaf::Unknown, Leaf::Span)
        };
        self.open(&ADDRESSES, name).into_iter().map(leaf).collect()
    }

    pub(crate) fn services(&self, name: &str) -> Vec<ServiceLeaf> {
        match name {
            "any" => return vec![ServiceLeaf::Any],
            "application-default" => return vec![ServiceLeaf::Default],
            _ => {}
        }
        let leaf = |Found { name, object }: Found<'_>| match (name.as_str(), object) {
            ("service-http", None) => ServiceLeaf::Ports(Ports::parse("tcp", "80,8080").unwrap_or_default(), false),
            ("service-https", None) => ServiceLeaf::Ports(Ports::parse("tcp", "443").unwrap_or_default(), false),
            (_, None) => ServiceLeaf::Unknown,
            (_, Some((_, object))) => {
                let protocol = object.child("protocol").and_then(|protocol| protocol.children.first());
                let ports = protocol.and_then(|own| Ports::parse(&own.name, own.child_text("port")?));
                let by_source = protocol.is_some_and(|own| own.child("source-port").is_some());
                ports.map_or(ServiceLeaf::Unknown, |ports| ServiceLeaf::Ports(ports, by_source))
            }
        };
        self.open(&SERVICES, name).into_iter().map(leaf).collect()
    }

    pub(crate) fn applications(&self, name: &str) -> Vec<AppLeaf> {
        if name == "any" {
            return vec![AppLeaf::Any];
        }
        let leaf = |Found { name, object }: Found<'_>| match object {
            None => {
                let ports = standard_ports(&name);
                AppLeaf::Named(name, ports)
            }
            Some(("application", _)) => {
                let custom = self.customs.iter().find(|custom| custom.name() == Some(&name)).cloned();
                custom.unwrap_or(AppLeaf::Unknown)
            }
            // What a filter stands for changes with every content update.
            Some(_) => AppLeaf::Unknown,
        };
        self.open(&APPLICATIONS, name).into_iter().map(leaf).collect()
    }

    /// Every object that a name stands for, groups opened, and names that nobody defines.
    fn open(&self, table: &Table, name: &str) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        self.open_from(0, table, name, &mut Vec::new(), &mut found);
        found
    }

    /// Whether it depends on an order that nobody knows what a name means: on who wins, a pushed object or another one that
    /// differs, a region or an address.
    fn is_unclear(&self, table: &Table, name: &str) -> bool {
        let in_scope = |scope: &'a Element| {
            let collections = table.singles.iter().chain([&table.groups]);
            collections.filter_map(move |kind| Some((*kind, scope.child(kind)?.entry_named(name)?))).collect::<Vec<_>>()
        };
        let mut all = self.scopes.iter().flat_map(|scope| in_scope(scope));
        let pushed = self.pushed.map(in_scope).unwrap_or_default();
        let is_country = table.groups == ADDRESSES.groups && matches!(name.as_bytes(), [b'A'..=b'Z', b'A'..=b'Z']);
        is_country || all.any(|one| one.0 == "region" || pushed.iter().any(|other| !says_the_same(table, one, *other)))
    }

    /// The members of a group are looked up from where the group was found: a shared one knows no virtual systems.
    fn open_from(
        &self,
        from: usize,
        table: &Table,
        name: &str,
        within: &mut Vec<(usize, String)>,
        found: &mut Vec<Found<'a>>,
    ) {
        if let Some(scope) = self.scopes.first().filter(|_| self.is_unclear(table, name)) {
            // No object at all: whatever reads it finds nothing.
            found.push(Found { name: name.to_owned(), object: Some(("unclear", scope)) });
            return;
        }
        for (index, scope) in self.scopes.iter().enumerate().skip(from) {
            let entry = |collection: &str| scope.child(collection).and_then(|list| list.entry_named(name));
            let single = |collection: &&'static str| Some((*collection, entry(collection)?));
            if let Some(single) = table.singles.iter().find_map(single) {
                found.push(Found { name: name.to_owned(), object: Some(single) });
                return;
            }
            let Some(group) = entry(table.groups) else { continue };
            let Some(list) = group.child(table.list) else {
                found.push(Found { name: name.to_owned(), object: Some((table.groups, group)) });
                return;
            };
            let here = (index, name.to_owned());
            // A group within itself adds nothing.
            if !within.contains(&here) {
                within.push(here);
                list.members().for_each(|member| self.open_from(index, table, member, within, found));
                within.pop();
            }
            // Groups within each other that hold nothing: no firewall takes them, and what they mean nobody tells.
            if within.is_empty() && found.is_empty() {
                found.push(Found { name: name.to_owned(), object: Some((table.groups, group)) });
            }
            return;
        }
        found.push(Found { name: name.to_owned(), object: None });
    }
}

/// Whether two objects of one name say the same, as far as configuration tells.
fn says_the_same(table: &Table, one: (&str, &Element), other: (&str, &Element)) -> bool {
    let members = |group: &Element| {
        let mut names: Vec<_> = group.child(table.list)?.members().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Some(names)
    };
    let span = |object: &Element| {
        let text = object.child_text("ip-netmask").or_else(|| object.child_text("ip-range"));
        text.and_then(Span::parse)
    };
    one.0 == other.0
        && members(one.1) == members(other.1)
        && span(one.1) == span(other.1)
        && one.1.child("protocol") == other.1.child("protocol")
}

/// Standard ports of applications that PAN-OS brings along, as far as they are certain without asking it.
pub(crate) fn standard_ports(app: &str) -> Option<Vec<Ports>> {
    let tcp = |port| Ports { protocol: 6, first: port, last: port };
    Some(vec![match app {
        "ssh" => tcp(22),
        "ssl" => tcp(443),
        "mysql" => tcp(3306),
        "icmp" | "ping" => Ports::all(1),
        "ipv6-icmp" => Ports::all(58),
        "gre" => Ports::all(47),
        "ipsec-esp" => Ports::all(50),
        "ipsec-ah" => Ports::all(51),
        _ => return None,
    }])
}

/// Standard ports of a custom application; nothing unless all of them are certain.
fn default_ports(application: &Element) -> Option<Vec<Ports>> {
    let default = application.child("default")?;
    if let Some(number) = default.child_text("ident-by-ip-protocol") {
        return Some(vec![Ports::all(number.parse().ok()?)]);
    }
    if default.child("ident-by-icmp-type").is_some() {
        return Some(vec![Ports::all(1)]);
    }
    let mut found = Vec::new();
    for member in default.child("port")?.members() {
        let (protocol, list) = member.split_once('/')?;
        found.extend(Ports::parse(protocol, list)?);
    }
    (!found.is_empty()).then_some(found)
}
