//! Objects that rules name: addresses, services and applications, as one scope of a configuration defines them.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use drawbridge_core::{address::AddressRange, firewall::TouchedBy, id::TagName, range::Range, service::L4};
use ipnet::IpNet;

use super::{
    cursor::{Cursor, Element},
    read::{admins, tag_names},
    xml::{Malformed, Nodes},
};

/// Objects by their names.
pub(super) type Table<'a, T> = HashMap<Cow<'a, str>, T>;

/// The objects of one scope: a virtual system, shared, or pushed.
#[derive(Default)]
pub(super) struct Objects<'a> {
    /// Addresses and address groups, external lists and regions: all of them can stand in an address column.
    pub(super) addresses: Table<'a, Object<'a, Option<Literal>>>,
    /// Which of their names are regions: an address may have the same.
    pub(super) regions: HashSet<Cow<'a, str>>,
    /// Services and service groups.
    pub(super) services: Table<'a, Object<'a, Service>>,
    /// Custom applications, application groups and filters.
    pub(super) applications: Table<'a, Object<'a, Application>>,
}

/// An object or a group of objects; both are named in the same place.
pub(super) enum Object<'a, T> {
    /// One.
    Single(T),
    /// Several, by name; groups of groups occur.
    Group(Vec<Cow<'a, str>>),
}

/// What can say the same under one name in two scopes.
pub(super) trait Alike {
    /// Whether it does.
    fn is_like(&self, other: &Self) -> bool;
}

impl<T: Alike> Alike for Object<'_, T> {
    /// Groups by the names of their members, which are looked at by themselves.
    fn is_like(&self, other: &Self) -> bool {
        let names = |members: &[Cow<'_, str>]| members.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
        match (self, other) {
            (Self::Single(one), Self::Single(other)) => one.is_like(other),
            (Self::Group(one), Self::Group(other)) => one == other || names(one) == names(other),
            (Self::Single(_), Self::Group(_)) | (Self::Group(_), Self::Single(_)) => false,
        }
    }
}

/// Addresses in so many words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// Which addresses a packet may have to match.
    pub(super) range: AddressRange,
    /// How they are written.
    pub(super) form: Form,
}

/// How addresses are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// As exactly those that match.
    #[default]
    Exact,
    /// As a host and its network, `10.0.1.10/24`. The network is what matches; which of the two is meant where addresses are
    /// translated, no public source tells.
    HostBits,
}

impl Literal {
    /// An address, a network or a range.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let form = match text.parse::<IpNet>() {
            Ok(net) if net.addr() != net.network() => Form::HostBits,
            Ok(_) | Err(_) => Form::Exact,
        };
        Some(Self { range: text.parse().ok()?, form })
    }
}

impl Alike for Option<Literal> {
    fn is_like(&self, other: &Self) -> bool {
        self == other
    }
}

/// A service object.
#[derive(Default)]
pub(super) struct Service {
    /// What it holds, if that is certain.
    pub(super) l4: Option<Vec<L4>>,
    /// Which packets of that it means.
    pub(super) source_ports: SourcePorts,
    /// Its tags.
    pub(super) tags: BTreeSet<TagName>,
    /// Administrators with uncommitted work on it.
    pub(super) touched_by: TouchedBy,
}

impl Alike for Service {
    fn is_like(&self, other: &Self) -> bool {
        let ports = |l4: &Option<Vec<L4>>| l4.as_ref().map(|l4| l4.iter().copied().collect::<BTreeSet<_>>());
        ports(&self.l4) == ports(&other.l4) && self.source_ports == other.source_ports
    }
}

/// The source ports of a service.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SourcePorts {
    /// All of them.
    #[default]
    Any,
    /// Some.
    Some,
}

/// An application of the configuration's own.
pub(super) enum Application {
    /// A custom one, with the ports that `application-default` means, where they are certain.
    Custom(Option<Vec<L4>>),
    /// A filter: whatever applications the content update of the day brings.
    Filter,
}

impl Alike for Application {
    /// Where two custom ones are at home is compared elsewhere.
    fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Custom(_), Self::Custom(_)) | (Self::Filter, Self::Filter))
    }
}

impl<'a> Objects<'a> {
    /// Reads one table, if `name` is that of one; the cursor stands in its element.
    pub(super) fn read<N: Nodes<'a>>(&mut self, name: &str, cursor: &mut Cursor<'a, N>) -> Result<(), Malformed> {
        match name {
            "address" => fill(&mut self.addresses, cursor, address),
            "address-group" => fill(&mut self.addresses, cursor, address_group),
            // What is in them is not in the configuration; their names may look like addresses all the same.
            "external-list" => fill(&mut self.addresses, cursor, |_| Ok(Object::Single(None))),
            "region" => cursor.entries(|_, name| {
                self.regions.insert(name.clone());
                self.addresses.insert(name.clone(), Object::Single(None));
                Ok(())
            }),
            "service" => fill(&mut self.services, cursor, |cursor| service(cursor).map(Object::Single)),
            "service-group" => fill(&mut self.services, cursor, |cursor| members(cursor).map(Object::Group)),
            "application" => fill(&mut self.applications, cursor, custom_application),
            "application-group" => fill(&mut self.applications, cursor, |cursor| members(cursor).map(Object::Group)),
            "application-filter" => fill(&mut self.applications, cursor, |_| Ok(Object::Single(Application::Filter))),
            _ => Ok(()),
        }
    }
}

fn fill<'a, N: Nodes<'a>, T>(
    table: &mut Table<'a, T>,
    cursor: &mut Cursor<'a, N>,
    read: impl Fn(&mut Cursor<'a, N>) -> Result<T, Malformed>,
) -> Result<(), Malformed> {
    cursor.entries(|cursor, name| {
        table.insert(name.clone(), read(cursor)?);
        Ok(())
    })
}

type Addresses<'a> = Object<'a, Option<Literal>>;

/// Networks and ranges are known; FQDNs and wildcards are not.
fn address<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Addresses<'a>, Malformed> {
    let mut literal = None;
    cursor.children(|cursor, tag| {
        if matches!(tag.name, "ip-netmask" | "ip-range") {
            literal = Literal::parse(&cursor.text()?);
        }
        Ok(())
    })?;
    Ok(Object::Single(literal))
}

/// Static groups are known; who is in a dynamic one is decided outside of the configuration.
fn address_group<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Addresses<'a>, Malformed> {
    let mut group = Object::Single(None);
    cursor.children(|cursor, tag| {
        if tag.name == "static" {
            group = Object::Group(cursor.members()?);
        }
        Ok(())
    })?;
    Ok(group)
}

fn members<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Vec<Cow<'a, str>>, Malformed> {
    let mut members = Vec::new();
    cursor.children(|cursor, tag| {
        if tag.name == "members" {
            members = cursor.members()?;
        }
        Ok(())
    })?;
    Ok(members)
}

fn service<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Service, Malformed> {
    let mut service = Service::default();
    cursor.children(|cursor, tag| {
        match tag.name {
            "protocol" => {
                let protocol = cursor.element(tag)?;
                // A service has one protocol; what a second one would mean, nobody tells.
                service.l4 = match protocol.children.as_slice() {
                    [only] => protocol_ports(only),
                    _ => None,
                };
                if protocol.children.iter().any(|own| own.text_at(&["source-port"]).is_some()) {
                    service.source_ports = SourcePorts::Some;
                }
            }
            "tag" => service.tags = tag_names(&cursor.members()?),
            _ => {}
        }
        Ok(())
    })?;
    service.touched_by = admins(cursor.marks());
    Ok(service)
}

/// `<tcp><port>443,8000-8010</port></tcp>`, or the same of udp.
fn protocol_ports(protocol: &Element<'_>) -> Option<Vec<L4>> {
    ports(protocol.text_at(&["port"])?, l4_of(protocol.tag.name)?)
}

fn l4_of(protocol: &str) -> Option<fn(Range<u16>) -> L4> {
    match protocol {
        "tcp" => Some(L4::Tcp),
        "udp" => Some(L4::Udp),
        _ => None,
    }
}

/// `443,8000-8010`; nothing unless every part is understood.
fn ports(list: &str, l4: fn(Range<u16>) -> L4) -> Option<Vec<L4>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Range::new(first.trim().parse().ok()?, last.trim().parse().ok()?).map(l4)
    };
    list.split(',').map(range).collect()
}

fn custom_application<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Object<'a, Application>, Malformed> {
    Ok(Object::Single(Application::Custom(standard_ports(cursor)?)))
}

/// What `application-default` means for an application, the cursor standing in its entry; nothing unless all of it is
/// certain (`udp/dynamic` is not). Fields as `batfish/batfish` reads them.
pub(super) fn standard_ports<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Option<Vec<L4>>, Malformed> {
    let mut known = None;
    cursor.children(|cursor, tag| {
        if tag.name == "default" {
            known = default_ports(&cursor.element(tag)?);
        }
        Ok(())
    })?;
    Ok(known)
}

/// IANA's number of ICMP.
const ICMP: u8 = 1;
/// IANA's number of ICMPv6.
const ICMPV6: u8 = 58;

fn default_ports(default: &Element<'_>) -> Option<Vec<L4>> {
    let [only] = default.children.as_slice() else { return None };
    match only.tag.name {
        "port" => {
            let lists = only.all("member").map(|member| {
                let (protocol, list) = member.text.split_once('/')?;
                ports(list, l4_of(protocol.trim())?)
            });
            let lists = lists.collect::<Option<Vec<_>>>()?.concat();
            (!lists.is_empty()).then_some(lists)
        }
        "ident-by-ip-protocol" => only.text.parse().ok().map(|number| vec![L4::Ip(number)]),
        "ident-by-icmp-type" => Some(vec![L4::Ip(ICMP)]),
        "ident-by-icmp6-type" => Some(vec![L4::Ip(ICMPV6)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panos::xml::parse;

    fn objects(text: &str) -> Objects<'_> {
        let mut cursor = Cursor::new(parse(text));
        cursor.root().unwrap();
        let mut objects = Objects::default();
        cursor.children(|cursor, tag| objects.read(tag.name, cursor)).unwrap();
        objects
    }

    #[track_caller]
    fn check_ports(body: &str, expected: &str) {
        let text = format!("<r><application><entry name='x'>{body}</entry></application></r>");
        let objects = objects(&text);
        let Object::Single(Application::Custom(known)) = &objects.applications["x"] else { panic!("not custom") };
        let known = known.as_ref().map(|l4| l4.iter().map(L4::to_string).collect::<Vec<_>>().join(", "));
        assert_eq!(known.as_deref().unwrap_or("unknown"), expected, "{body}");
    }

    #[test]
    fn standard_ports_are_known_only_where_all_are_certain() {
        check_ports("<default><port><member>tcp/443,80</member></port></default>", "tcp 443, tcp 80");
        check_ports(
            "<default><port><member>tcp/1-5</member><member>udp/53</member></port></default>",
            "tcp 1-5, udp 53",
        );
        check_ports("<default><port><member>tcp/443</member><member>udp/dynamic</member></port></default>", "unknown");
        check_ports("<default><ident-by-ip-protocol>47</ident-by-ip-protocol></default>", "protocol 47");
        check_ports("<default><ident-by-icmp-type><type>8</type></ident-by-icmp-type></default>", "protocol 1");
        check_ports("<default><port/></default>", "unknown");
        check_ports("<signature/>", "unknown");
    }

    #[track_caller]
    fn check_service(body: &str, expected: Option<&[&str]>) -> Service {
        let text = format!("<r><service><entry name='x' admin='bob'>{body}</entry></service></r>");
        let mut objects = objects(&text);
        let Some(Object::Single(service)) = objects.services.remove("x") else { panic!("not a service") };
        let l4: Option<Vec<_>> = service.l4.as_ref().map(|l4| l4.iter().map(L4::to_string).collect());
        assert_eq!(l4, expected.map(|list| list.iter().map(|text| (*text).to_owned()).collect()), "{body}");
        service
    }

    #[test]
    fn services_hold_lists_of_one_protocol() {
        let service = check_service(
            "<protocol><tcp><port>443, 8000-8010</port><override><no/></override></tcp></protocol><tag><member>aws</member></tag>",
            Some(&["tcp 443", "tcp 8000-8010"]),
        );
        assert!(service.source_ports == SourcePorts::Any);
        assert_eq!(service.tags.iter().map(TagName::as_str).collect::<Vec<_>>(), ["aws"]);
        assert_eq!(service.touched_by.len(), 1);
        let narrowed = check_service(
            "<protocol><udp><port>53</port><source-port>1-1023</source-port></udp></protocol>",
            Some(&["udp 53"]),
        );
        assert!(narrowed.source_ports == SourcePorts::Some);
        check_service("<protocol><sctp><port>99</port></sctp></protocol>", None);
        check_service("<protocol><tcp><port>90000</port></tcp></protocol>", None);
        check_service("<protocol><tcp><port>9-8</port></tcp></protocol>", None);
        check_service("<protocol><tcp><port>80,</port></tcp></protocol>", None);
        check_service("<protocol><tcp><port>80</port></tcp><udp><port>80</port></udp></protocol>", None);
        check_service("<protocol/>", None);
    }
}
