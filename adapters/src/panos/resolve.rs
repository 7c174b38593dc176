//! Names in a rule's columns, resolved: what they stand for, and what configuration alone cannot tell.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use drawbridge_core::{
    address::AddressRange,
    firewall::{Addresses, Applications, Narrowing, Services},
    id::AppName,
    range::{Range, Set},
    service::L4,
};

use super::{
    objects::{Application, Form, Literal, Object, Objects, Service, SourcePorts, Table},
    read::names_of,
    text::clean,
    unclear::Unclear,
};

/// Resolves the names of one rulebase.
pub(super) struct Resolver<'s, 'a> {
    /// Where a name is looked up, in this order. A group's members are looked up from where the group was found, because a
    /// shared group knows nothing of virtual systems.
    scopes: Vec<&'s Objects<'a>>,
    /// Where that does not tell.
    unclear: &'s Unclear<'s>,
    /// Address groups can have thousands of members and stand in thousands of rules.
    addresses: HashMap<String, Rc<Named>>,
    /// What half of all columns say: copied, not built again for each.
    any: Addresses,
}

/// What the name of an address or a group stands for.
#[derive(Default)]
struct Named {
    known: Vec<AddressRange>,
    form: Form,
    unknown: Vec<Narrowing>,
    /// What a column means that holds this name alone, as most do: copied, not built again for each.
    alone: Option<Addresses>,
}

/// Whether a column says "all but these".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Negation {
    /// No.
    #[default]
    Plain,
    /// Yes.
    Negated,
}

impl<'s, 'a> Resolver<'s, 'a> {
    /// Looks names up in these scopes, in this order.
    pub(super) fn new(scopes: impl IntoIterator<Item = &'s Objects<'a>>, unclear: &'s Unclear<'s>) -> Self {
        Self { scopes: scopes.into_iter().collect(), unclear, addresses: HashMap::new(), any: Addresses::any() }
    }

    /// The addresses of a column.
    pub(super) fn addresses(
        &mut self,
        names: &[Cow<'a, str>],
        negation: Negation,
        narrowed_by: &mut Vec<Narrowing>,
    ) -> Addresses {
        if let ([name], Negation::Plain) = (names, negation) {
            if name == "any" {
                return self.any.clone();
            }
            let named = self.address(name);
            narrowed_by.extend(named.unknown.iter().cloned());
            return named.alone.clone().unwrap_or(Addresses::Unknown);
        }
        let mut known = Vec::new();
        let mut all_known = true;
        for name in names {
            if name == "any" {
                known.extend(Set::everything().ranges());
                continue;
            }
            let named = self.address(name);
            known.extend(&named.known);
            all_known &= named.unknown.is_empty();
            narrowed_by.extend(named.unknown.iter().cloned());
        }
        let addresses: Addresses = known.into_iter().collect();
        match negation {
            _ if !all_known => Addresses::Unknown,
            Negation::Plain => addresses,
            // The device refuses "all but any"; what an old configuration that says so means, nobody tells.
            Negation::Negated if addresses.is_any() => {
                narrowed_by.push(Narrowing::Address("any".to_owned()));
                Addresses::Unknown
            }
            Negation::Negated => addresses.negated(),
        }
    }

    /// The addresses of a column that stands for one range of them, certain to the last bit: what can be translated.
    pub(super) fn one_range(&mut self, names: &[Cow<'a, str>]) -> Option<AddressRange> {
        let [name] = names else { return None };
        let named = self.address(name);
        match named.known.as_slice() {
            [range] if named.unknown.is_empty() && named.form == Form::Exact => Some(*range),
            _ => None,
        }
    }

    fn address(&mut self, name: &str) -> Rc<Named> {
        if let Some(named) = self.addresses.get(name) {
            return Rc::clone(named);
        }
        let named = Rc::new(self.named(name));
        self.addresses.insert(name.to_owned(), Rc::clone(&named));
        named
    }

    fn named(&self, name: &str) -> Named {
        let mut named = Named::default();
        self.leaves(
            name,
            |objects| &objects.addresses,
            (|name| self.unclear.has_address(name), &None),
            |name, object| {
                // An object's name wins over the address that it looks like.
                match object.map_or_else(|| Literal::parse(name), |object| *object) {
                    Some(literal) => {
                        named.known.push(literal.range);
                        if literal.form == Form::HostBits {
                            named.form = Form::HostBits;
                        }
                    }
                    None => named.unknown.push(Narrowing::Address(clean(name))),
                }
            },
        );
        // The device refuses empty groups. Half a configuration can have one, and it must not count as no address at all:
        // "all but nobody" would be everybody.
        if named.known.is_empty() && named.unknown.is_empty() {
            named.unknown.push(Narrowing::Address(clean(name)));
        }
        if named.unknown.is_empty() {
            named.alone = Some(named.known.iter().copied().collect());
        }
        named
    }

    /// The service column.
    pub(super) fn services(&self, names: &[Cow<'a, str>], narrowed_by: &mut Vec<Narrowing>) -> Services {
        if names.iter().any(|name| name == "any") {
            return Services::Any;
        }
        if let [only] = names
            && only == "application-default"
        {
            return Services::ApplicationDefault;
        }
        let mut l4 = Vec::new();
        let mut known = true;
        let mut unknown = |name: &str, narrowed_by: &mut Vec<_>| {
            known = false;
            narrowed_by.push(Narrowing::Service(clean(name)));
        };
        for name in names {
            let found = self.leaves(
                name,
                |objects| &objects.services,
                (|name| self.unclear.has_service(name), &ANY_SERVICE),
                |name, object| match held(name, object) {
                    Some((ports, source_ports)) => {
                        l4.extend_from_slice(&ports);
                        if source_ports == SourcePorts::Some {
                            narrowed_by.push(Narrowing::SourcePort);
                        }
                    }
                    None => unknown(name, narrowed_by),
                },
            );
            if found == 0 {
                unknown(name, narrowed_by);
            }
        }
        if known {
            l4.sort_unstable();
            l4.dedup();
            Services::Ports { l4, objects: names_of(names) }
        } else {
            Services::Unknown
        }
    }

    /// The application column. A name that nobody defines is an application: new ones come with every content update.
    pub(super) fn applications(&self, names: &[Cow<'a, str>], narrowed_by: &mut Vec<Narrowing>) -> Applications {
        if names.iter().any(|name| name == "any") {
            return Applications::Any;
        }
        let mut named: BTreeSet<AppName> = BTreeSet::new();
        let mut known = true;
        let mut unknown = |name: &str, narrowed_by: &mut Vec<_>| {
            known = false;
            narrowed_by.push(Narrowing::Application(clean(name)));
        };
        for name in names {
            let found = self.leaves(
                name,
                |objects| &objects.applications,
                (|name| self.unclear.has_application(name), &Application::Filter),
                |name, object| match (object, name.parse()) {
                    (None | Some(Application::Custom(_)), Ok(name)) => {
                        named.insert(name);
                    }
                    (_, Err(_)) | (Some(Application::Filter), _) => unknown(name, narrowed_by),
                },
            );
            if found == 0 {
                unknown(name, narrowed_by);
            }
        }
        if known { Applications::Named(named) } else { Applications::Unknown }
    }

    /// Calls `visit` with every object that a name stands for, groups opened, and with every name that nobody defines; says
    /// how often. A group is opened once, so that groups within each other end. What is unclear stands for the object given
    /// beside.
    fn leaves<T: 's>(
        &self,
        name: &str,
        table: impl Fn(&'s Objects<'a>) -> &'s Table<'a, Object<'a, T>>,
        (is_unclear, instead): (impl Fn(&str) -> bool, &'s T),
        mut visit: impl FnMut(&str, Option<&'s T>),
    ) -> usize {
        let mut found = 0;
        let mut opened = BTreeSet::new();
        let (mut first, mut ahead) = (Some((0, name)), Vec::new());
        while let Some((from, name)) = first.take().or_else(|| ahead.pop()) {
            if is_unclear(name) {
                found += 1;
                visit(name, Some(instead));
                continue;
            }
            let mut scopes = self.scopes.iter().enumerate().skip(from);
            let object = match scopes.find_map(|(scope, objects)| Some((scope, table(objects).get(name)?))) {
                None => None,
                Some((_, Object::Single(object))) => Some(object),
                Some((scope, Object::Group(members))) => {
                    if opened.insert((scope, name)) {
                        ahead.extend(members.iter().map(|member| (scope, &**member)));
                    }
                    continue;
                }
            };
            found += 1;
            visit(name, object);
        }
        found
    }
}

/// A service of which nobody can tell what it holds.
static ANY_SERVICE: Service =
    Service { l4: None, source_ports: SourcePorts::Any, tags: BTreeSet::new(), touched_by: BTreeSet::new() };

/// Services that PAN-OS brings along (`batfish/batfish`, `ServiceBuiltIn`).
const PREDEFINED: &[(&str, &[u16])] = &[("service-http", &[80, 8080]), ("service-https", &[443])];

/// What a service holds, if that is certain.
fn held<'s>(name: &str, object: Option<&'s Service>) -> Option<(Cow<'s, [L4]>, SourcePorts)> {
    if let Some(service) = object {
        return Some((service.l4.as_deref()?.into(), service.source_ports));
    }
    let (_, ports) = PREDEFINED.iter().find(|(known, _)| *known == name)?;
    Some((ports.iter().map(|port| L4::Tcp(Range::single(*port))).collect(), SourcePorts::Any))
}

/// The standard ports of the configuration's own applications: none where they are not certain, so that nobody takes those of
/// a predefined application of the same name for them. Two applications of one name may both be meant, one of them by a
/// group in another scope.
pub(super) fn own_standard_ports<'s, 'a: 's>(
    scopes: impl IntoIterator<Item = &'s Objects<'a>>,
) -> BTreeMap<AppName, Vec<L4>> {
    let mut known = BTreeMap::new();
    for (name, object) in scopes.into_iter().flat_map(|objects| &objects.applications) {
        let (Ok(name), Object::Single(Application::Custom(ports))) = (name.parse(), object) else { continue };
        let ports = ports.clone().unwrap_or_default();
        known
            .entry(name)
            .and_modify(|held| {
                if *held != ports {
                    *held = Vec::new()
                }
            })
            .or_insert(ports);
    }
    known
}
