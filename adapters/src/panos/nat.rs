//! NAT rules as the configuration writes them, and where they send packets of IPv4.

use std::{borrow::Cow, net::IpAddr};

use drawbridge_core::{
    address::AddressRange,
    firewall::{DestinationTranslation, Matches, NatRule, Services, Status, Zones},
    id::RuleName,
};

use super::{
    cursor::{Cursor, Element},
    resolve::{Negation, Resolver},
    rules::{decides, zones},
    text::clean,
    xml::{Malformed, Nodes},
};

/// A NAT rule as it was read, names not yet resolved.
///
/// Its destination zone and interface are left out: they are what routing says of the original destination, and that is not in
/// this part of the configuration.
pub(super) struct Entry<'a> {
    name: Cow<'a, str>,
    from: Column<'a>,
    source: Column<'a>,
    destination: Column<'a>,
    service: Vec<Cow<'a, str>>,
    nat_type: NatType,
    status: Status,
    destination_translation: Destination<'a>,
    /// The address that a static source translation gives, where it works both ways.
    bidirectional: Option<Cow<'a, str>>,
    matches: Matches,
}

/// Which packets a rule is for.
/// A member list; absent where the rule has none.
type Column<'a> = Option<Vec<Cow<'a, str>>>;

fn or_any(column: Column<'_>) -> Vec<Cow<'_, str>> {
    column.filter(|members| !members.is_empty()).unwrap_or_else(|| vec![Cow::Borrowed("any")])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NatType {
    /// Those of IPv4, before and after.
    Ipv4,
    /// Others.
    Ipv6,
}

/// What is written of a destination.
enum Destination<'a> {
    /// Nothing: it stays.
    Kept,
    /// One translation for all packets.
    Static { address: Cow<'a, str>, port: Cow<'a, str> },
    /// Something that no configuration tells.
    Unknown,
}

impl<'a> Entry<'a> {
    /// Reads a rule, the cursor standing in its entry. Children as in `PaloAltoNetworks/pan-os-codegen`,
    /// `specs/policies/network-address-translation.yaml`.
    pub(super) fn read<N: Nodes<'a>>(name: &Cow<'a, str>, cursor: &mut Cursor<'a, N>) -> Result<Self, Malformed> {
        let mut entry = Self::new(name.clone());
        cursor.children(|cursor, tag| {
            match tag.name {
                "from" => entry.from = Some(cursor.members()?),
                "source" => entry.source = Some(cursor.members()?),
                "destination" => entry.destination = Some(cursor.members()?),
                "service" => entry.service = names(cursor.element(tag)?),
                "nat-type" => entry.read_nat_type(&cursor.text()?),
                "disabled" => entry.status = status(&cursor.text()?),
                "source-translation" => entry.bidirectional = bidirectional(&cursor.element(tag)?),
                "destination-translation" => entry.destination_translation = destination(&cursor.element(tag)?),
                "dynamic-destination-translation" => entry.destination_translation = Destination::Unknown,
                // Nothing here decides where a packet goes.
                "to"
                | "to-interface"
                | "description"
                | "tag"
                | "group-tag"
                | "target"
                | "active-active-device-binding" => {}
                _ => {
                    if decides(&cursor.element(tag)?) {
                        entry.matches = Matches::Some;
                    }
                }
            }
            Ok(())
        })?;
        Ok(entry)
    }

    fn new(name: Cow<'a, str>) -> Self {
        Self {
            name,
            from: None,
            source: None,
            destination: None,
            service: Vec::new(),
            nat_type: NatType::Ipv4,
            status: Status::Enabled,
            destination_translation: Destination::Kept,
            bidirectional: None,
            matches: Matches::All,
        }
    }

    fn read_nat_type(&mut self, text: &str) {
        match text {
            "ipv4" | "" => {}
            "nat64" | "nptv6" => self.nat_type = NatType::Ipv6,
            _ => self.matches = Matches::Some,
        }
    }

    /// What the rule means: one rule, and one more where it works both ways.
    fn resolve(
        mut self,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<impl Iterator<Item = NatRule> + use<'a>, Malformed> {
        let name: RuleName = self.name.parse().map_err(|error| Malformed::Content(clean(&format!("{error}"))))?;
        if [&self.from, &self.source, &self.destination].iter().any(|column| column.as_ref().is_none_or(Vec::is_empty))
        {
            self.matches = Matches::Some;
        }
        let mut doubts = Vec::new();
        let mut from = zones("from", &or_any(self.from.take()), &mut doubts);
        if !doubts.is_empty() {
            (from, self.matches) = (Zones::Any, Matches::Some);
        }
        let (source, destination) = (or_any(self.source.take()), or_any(self.destination.take()));
        let (service, by_service) = service(&self.service, resolver);
        if by_service == Matches::Some {
            self.matches = Matches::Some;
        }
        let translation = translation(&self.destination_translation, &destination, resolver);
        let destinations = resolver.addresses(&destination, Negation::Plain, &mut doubts);
        let reverse = self.bidirectional.take().map(|address| {
            let after = [address];
            NatRule {
                name: name.clone(),
                from: Zones::Any,
                source: destinations.clone(),
                destination: resolver.addresses(&after, Negation::Plain, &mut doubts),
                // A port that packets go to is one that answers come from.
                service: if service == Services::Any { Services::Any } else { Services::Unknown },
                matches: self.matches,
                translation: turned_round(&self.destination_translation, &source, &after, resolver),
            }
        });
        let source = resolver.addresses(&source, Negation::Plain, &mut doubts);
        let rule =
            NatRule { name, from, source, destination: destinations, service, matches: self.matches, translation };
        Ok(std::iter::once(rule).chain(reverse))
    }
}

/// What the rules of one rulebase mean, as far as they are enabled and bear on IPv4.
pub(super) fn resolved<'a>(
    entries: Vec<Entry<'a>>,
    resolver: &mut Resolver<'_, 'a>,
) -> Result<Vec<NatRule>, Malformed> {
    let mut rules = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.status == Status::Enabled && entry.nat_type == NatType::Ipv4 {
            rules.extend(entry.resolve(resolver)?);
        }
    }
    Ok(rules)
}

fn status(disabled: &str) -> Status {
    if disabled == "yes" { Status::Disabled } else { Status::Enabled }
}

/// `<service>any</service>`: one name, where security rules have a list.
fn names<'a>(element: Element<'a>) -> Vec<Cow<'a, str>> {
    let one = (!element.text.is_empty()).then_some(element.text);
    one.into_iter().chain(element.children.into_iter().map(|child| child.text)).collect()
}

/// The address that packets get, where the translation works both ways.
fn bidirectional<'a>(translation: &Element<'a>) -> Option<Cow<'a, str>> {
    let fixed = translation.at(&["static-ip"])?;
    (fixed.text_at(&["bi-directional"]) == Some("yes")).then(|| text_of(fixed, "translated-address"))
}

fn destination<'a>(translation: &Element<'a>) -> Destination<'a> {
    let known =
        |child: &Element<'_>| matches!(child.tag.name, "translated-address" | "translated-port" | "dns-rewrite");
    if translation.children.iter().all(|child| known(child) || !decides(child)) {
        Destination::Static {
            address: text_of(translation, "translated-address"),
            port: text_of(translation, "translated-port"),
        }
    } else {
        Destination::Unknown
    }
}

fn text_of<'a>(element: &Element<'a>, child: &str) -> Cow<'a, str> {
    element.at(&[child]).map(|child| child.text.clone()).unwrap_or_default()
}

/// The service column. Source ports would decide as well, and have no place in what a NAT rule means: where they do, the
/// rule matches some of these services' packets.
fn service<'a>(names: &[Cow<'a, str>], resolver: &Resolver<'_, 'a>) -> (Services, Matches) {
    let mut doubts = Vec::new();
    let service = match names {
        [] => Services::Any,
        names => resolver.services(names, &mut doubts),
    };
    (service, if doubts.is_empty() { Matches::All } else { Matches::Some })
}

/// What becomes of a destination: one address for all, or as many as there were before.
fn translation<'a>(
    written: &Destination<'a>,
    before: &[Cow<'a, str>],
    resolver: &mut Resolver<'_, 'a>,
) -> DestinationTranslation {
    let (address, port) = match written {
        Destination::Kept => return DestinationTranslation::None,
        Destination::Unknown => return DestinationTranslation::Unknown,
        Destination::Static { address, port } => (address, port),
    };
    let Some(to) = resolver.one_range(std::slice::from_ref(address)) else { return DestinationTranslation::Unknown };
    let fits = steps(to) == Some(0) || resolver.one_range(before).is_some_and(|before| are_as_many(before, to));
    match (fits, port.as_ref(), port.parse().ok().filter(|port| *port > 0)) {
        (true, "", _) => DestinationTranslation::Static { to, port: None },
        (true, _, Some(port)) => DestinationTranslation::Static { to, port: Some(port) },
        (true, _, None) | (false, _, _) => DestinationTranslation::Unknown,
    }
}

/// What a static translation of sources does to destinations, in the opposite direction.
fn turned_round<'a>(
    written: &Destination<'a>,
    before: &[Cow<'a, str>],
    after: &[Cow<'a, str>],
    resolver: &mut Resolver<'_, 'a>,
) -> DestinationTranslation {
    match (written, resolver.one_range(before), resolver.one_range(after)) {
        (Destination::Kept, Some(before), Some(after)) if are_as_many(before, after) => {
            DestinationTranslation::Static { to: before, port: None }
        }
        _ => DestinationTranslation::Unknown,
    }
}

/// Whether the ranges are of IPv4 and one has as many addresses as the other.
fn are_as_many(one: AddressRange, other: AddressRange) -> bool {
    steps(one).is_some_and(|steps_of_one| steps(other) == Some(steps_of_one))
}

/// How far it is from the first address of IPv4 to the last.
fn steps(range: AddressRange) -> Option<u32> {
    match (IpAddr::from(range.first()), IpAddr::from(range.last())) {
        (IpAddr::V4(first), IpAddr::V4(last)) => Some(u32::from(last) - u32::from(first)),
        (IpAddr::V4(_) | IpAddr::V6(_), _) => None,
    }
}

#[cfg(test)]
mod tests;
