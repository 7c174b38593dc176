//! Configuration XML as facts.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use drawbridge_core::{
    firewall::{Action, Configuration, Place, RuleFacts, RuleType, ServiceFacts, TouchedBy},
    id::{AppName, ProfileName, ServiceName, TagName, ZoneName},
    service::Service,
    translate::STANDARD_PORT,
};

use super::{
    cursor::Cursor,
    nat,
    objects::{Application, Literal, Object, Objects, SourcePorts},
    resolve::{Resolver, own_standard_ports},
    rules::{Entry, Lists, untouched},
    unclear::Unclear,
    xml::{Malformed, Nodes},
};

pub use super::exported::exported;

/// What one part of a configuration holds: the virtual system's own, the shared one, or what Panorama has pushed. Children
/// that say nothing of rules are skipped.
#[derive(Default)]
pub struct Section<'a> {
    pre: Rulebase<'a>,
    local: Rulebase<'a>,
    post: Rulebase<'a>,
    lists: Lists<'a>,
    objects: Objects<'a>,
    zones: BTreeSet<ZoneName>,
    tags: BTreeMap<TagName, TouchedBy>,
    profile_groups: BTreeSet<ProfileName>,
    log_settings: BTreeSet<ProfileName>,
}

/// The rules of one rulebase, by what they decide.
#[derive(Default)]
struct Rulebase<'a> {
    security: Vec<Entry<'a>>,
    default_security: Vec<Entry<'a>>,
    nat: Vec<nat::Entry<'a>>,
}

impl<'a> Section<'a> {
    /// Reads a section, the cursor standing in its element.
    pub fn read<N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Self, Malformed> {
        let mut section = Self::default();
        cursor.children(|cursor, tag| match tag.name {
            "rulebase" => section.local.read(cursor, &mut section.lists),
            "pre-rulebase" => section.pre.read(cursor, &mut section.lists),
            "post-rulebase" => section.post.read(cursor, &mut section.lists),
            "zone" => read_names(cursor, &mut section.zones),
            "profile-group" => read_names(cursor, &mut section.profile_groups),
            "log-settings" => cursor.children(|cursor, tag| match tag.name {
                "profiles" => read_names(cursor, &mut section.log_settings),
                _ => Ok(()),
            }),
            "tag" => cursor.entries(|cursor, name| {
                cursor.text()?;
                section.tags.extend(name.parse().ok().map(|name: TagName| (name, admins(cursor.marks()))));
                Ok(())
            }),
            objects => section.objects.read(objects, cursor),
        })?;
        Ok(section)
    }
}

impl<'a> Rulebase<'a> {
    fn read<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>, lists: &mut Lists<'a>) -> Result<(), Malformed> {
        cursor.children(|cursor, rulebase| match rulebase.name {
            "security" => read_rules(cursor, &mut self.security, |name, cursor| Entry::read(name, cursor, lists)),
            "default-security-rules" => {
                read_rules(cursor, &mut self.default_security, |name, cursor| Entry::read(name, cursor, lists))
            }
            "nat" => read_rules(cursor, &mut self.nat, nat::Entry::read),
            _ => Ok(()),
        })
    }
}

fn read_rules<'a, N: Nodes<'a>, T>(
    cursor: &mut Cursor<'a, N>,
    rules: &mut Vec<T>,
    mut read: impl FnMut(&Cow<'a, str>, &mut Cursor<'a, N>) -> Result<T, Malformed>,
) -> Result<(), Malformed> {
    cursor.children(|cursor, tag| match tag.name {
        "rules" => cursor.entries(|cursor, name| {
            rules.push(read(name, cursor)?);
            Ok(())
        }),
        _ => Ok(()),
    })
}

fn read_names<'a, N: Nodes<'a>, T: Ord + FromStr>(
    cursor: &mut Cursor<'a, N>,
    names: &mut BTreeSet<T>,
) -> Result<(), Malformed> {
    cursor.entries(|_, name| {
        names.extend(name.parse().ok());
        Ok(())
    })
}

/// The names of administrators in dirty marks or in a journal's history.
pub fn admins<T: AsRef<str>>(marks: &[T]) -> TouchedBy {
    let names = marks.iter().flat_map(|mark| mark.as_ref().split([',', ' ']));
    names.filter_map(|name| name.trim().parse().ok()).collect()
}

/// Tags, as far as they can be ones.
pub fn tag_names(names: &[Cow<'_, str>]) -> BTreeSet<TagName> {
    names_of(names)
}

/// Names, as far as they can be ones. They are put in one by one, because most columns hold one: collecting would ask for a
/// list in between, some hundred thousand times for a large rulebase.
pub(super) fn names_of<T: Ord + FromStr>(names: &[Cow<'_, str>]) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(names.iter().filter_map(|name| name.parse::<T>().ok()));
    set
}

/// The parts of a configuration, put together.
#[derive(Default)]
pub struct Parts<'a> {
    /// The virtual system's own.
    pub vsys: Section<'a>,
    /// What all virtual systems share.
    pub shared: Section<'a>,
    /// What Panorama has pushed.
    pub pushed: Section<'a>,
}

impl Parts<'_> {
    /// The whole configuration, names resolved.
    pub fn resolve(self) -> Result<Configuration, Malformed> {
        let Self { vsys, shared, pushed } = self;
        let unclear = Unclear::of([&vsys.objects, &shared.objects], &pushed.objects);
        let mut ours = Resolver::new([&vsys.objects, &shared.objects, &pushed.objects], &unclear);
        let mut theirs = Resolver::new([&pushed.objects, &vsys.objects, &shared.objects], &unclear);
        let mut rules = resolved(pushed.pre.security, &pushed.lists, Place::Pre, &mut theirs)?;
        rules.extend(resolved(vsys.local.security, &vsys.lists, Place::Local, &mut ours)?);
        rules.extend(resolved(pushed.post.security, &pushed.lists, Place::Post, &mut theirs)?);
        // An override of the firewall's own wins over a pushed one.
        let pushed_overrides = pushed.pre.default_security.into_iter().chain(pushed.post.default_security);
        let pushed_overrides = pushed_overrides.map(|entry| (entry, &pushed.lists));
        let own_overrides = vsys.local.default_security.into_iter().map(|entry| (entry, &vsys.lists));
        let default_rules = default_rules(pushed_overrides.chain(own_overrides), &mut ours)?;
        let mut nat = nat::resolved(pushed.pre.nat, &mut theirs)?;
        nat.extend(nat::resolved(vsys.local.nat, &mut ours)?);
        nat.extend(nat::resolved(pushed.post.nat, &mut theirs)?);
        let scopes = [&pushed.objects, &shared.objects, &vsys.objects];
        Ok(Configuration {
            rules,
            default_rules,
            nat,
            standard_ports: own_standard_ports(scopes),
            services: scopes.into_iter().flat_map(|objects| service_facts(objects, &unclear)).collect(),
            zones: united([vsys.zones, shared.zones, pushed.zones]),
            tags: pushed.tags.into_iter().chain(shared.tags).chain(vsys.tags).collect(),
            address_names: address_names(scopes),
            application_sets: application_sets(scopes),
            profile_groups: united([vsys.profile_groups, shared.profile_groups, pushed.profile_groups]),
            log_settings: united([vsys.log_settings, shared.log_settings, pushed.log_settings]),
        })
    }
}

fn resolved<'a>(
    entries: Vec<Entry<'a>>,
    lists: &Lists<'a>,
    place: Place,
    resolver: &mut Resolver<'_, 'a>,
) -> Result<Vec<RuleFacts>, Malformed> {
    entries.into_iter().map(|entry| entry.resolve(lists, place, resolver)).collect()
}

/// The two rules at the very end, as overridden or as they come: within a zone all is allowed, between zones nothing.
fn default_rules<'l, 'a: 'l>(
    overrides: impl Iterator<Item = (Entry<'a>, &'l Lists<'a>)>,
    resolver: &mut Resolver<'_, 'a>,
) -> Result<Vec<RuleFacts>, Malformed> {
    let nothing = Lists::default();
    let mut intrazone = (untouched("intrazone-default"), &nothing);
    let mut interzone = (untouched("interzone-default"), &nothing);
    for overriding in overrides {
        match overriding.0.name() {
            "intrazone-default" => intrazone = overriding,
            "interzone-default" => interzone = overriding,
            _ => {}
        }
    }
    Ok(vec![
        intrazone.0.resolve_default(intrazone.1, RuleType::Intrazone, Action::Allow, resolver)?,
        interzone.0.resolve_default(interzone.1, RuleType::Interzone, Action::Deny, resolver)?,
    ])
}

/// Names that read like addresses.
fn address_names(scopes: [&Objects<'_>; 3]) -> BTreeSet<String> {
    let names = scopes.into_iter().flat_map(|objects| objects.addresses.keys());
    names.filter(|name| Literal::parse(name).is_some()).map(|name| name.clone().into_owned()).collect()
}

/// Names under which a rule means something else than the application that is known by it: several applications, or a custom one with
/// ports of its own.
fn application_sets(scopes: [&Objects<'_>; 3]) -> BTreeSet<AppName> {
    let objects = scopes.into_iter().flat_map(|objects| &objects.applications);
    let named = objects.filter_map(|(name, object)| Some((name.parse::<AppName>().ok()?, object)));
    let others = named.filter(|(name, object)| match object {
        Object::Group(_) | Object::Single(Application::Filter) => true,
        Object::Single(Application::Custom(_)) => has_ports_of_its_own(name),
    });
    others.map(|(name, _)| name).collect()
}

/// Whether rules of ours rely on where the application of this name is at home.
fn has_ports_of_its_own(name: &AppName) -> bool {
    let by_port = STANDARD_PORT.iter().any(|(known, _)| *known == name.as_str());
    by_port || Service::protocol_of(&BTreeSet::from([name.clone()])).is_some()
}

/// The services of a scope. Groups are listed as well, without ports: their names are taken, too. So are those that are
/// unclear, so that a rule of ours gets an object of another name.
fn service_facts<'s>(
    objects: &'s Objects<'_>,
    unclear: &'s Unclear<'_>,
) -> impl Iterator<Item = (ServiceName, ServiceFacts)> + 's {
    objects.services.iter().filter_map(|(name, object)| {
        let facts = match object {
            Object::Single(service) => ServiceFacts {
                l4: match service.source_ports {
                    SourcePorts::Any if !unclear.has_service(name) => service.l4.clone().unwrap_or_default(),
                    SourcePorts::Any | SourcePorts::Some => Vec::new(),
                },
                tags: service.tags.clone(),
                touched_by: service.touched_by.clone(),
            },
            Object::Group(_) => ServiceFacts { l4: Vec::new(), tags: BTreeSet::new(), touched_by: TouchedBy::new() },
        };
        Some((name.parse().ok()?, facts))
    })
}

fn united<T: Ord>(sets: [BTreeSet<T>; 3]) -> BTreeSet<T> {
    sets.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
