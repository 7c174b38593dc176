//! Dynamic address groups: whoever has the right tags, by registration or as an address object, without any commit.

use std::net::IpAddr;

use super::{
    Call, Firewall,
    answer::{Refusal, result},
    filter::Filter,
    references::{Names, parse_range},
    user_id::{Named, Range, TagStore},
};
use crate::xml::Element;

/// Where dynamic groups find their members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tagged<'a> {
    pub(super) registered: &'a TagStore<Range>,
    pub(super) vsys: &'a str,
}

/// What a dynamic group consists of just now.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    registered: Vec<&'a Range>,
    objects: Vec<&'a Element>,
}

impl<'a> Tagged<'a> {
    /// The members of a group whose objects are in these scopes. A filter that nobody understands has none.
    pub(super) fn members(self, group: &Element, scopes: &[&'a Element]) -> Members<'a> {
        let filter = group.at(&["dynamic", "filter"]).and_then(|filter| Filter::parse(&filter.text));
        let Some(filter) = filter else { return Members::default() };
        let registered = self.registered.of(self.vsys).filter(|(_, tagged)| filter.admits(&|tag| tagged.has(tag)));
        let objects = scopes.iter().filter_map(|scope| scope.child("address")).flat_map(|list| &list.children);
        let has = |object: &Element, tag: &str| {
            object.child("tag").is_some_and(|tags| tags.members().any(|member| member == tag))
        };
        Members {
            registered: registered.map(|(range, _)| range).collect(),
            objects: objects.filter(|object| filter.admits(&|tag| has(object, tag))).collect(),
        }
    }
}

impl Members<'_> {
    /// Whether an address belongs to the group.
    pub(super) fn hold(&self, address: IpAddr) -> bool {
        self.registered.iter().any(|range| range.holds(address))
            || self.objects.iter().any(|object| object_holds(object, address))
    }

    fn to_xml(&self) -> Element {
        let entry = |name: &str, kind: &str| Element::entry(name).with_attribute("type", kind);
        let registered = self.registered.iter().map(|range| entry(range.name(), "registered-ip"));
        let objects = self.objects.iter().filter_map(|object| object.attribute("name"));
        let objects = objects.map(|name| entry(name, "address-object"));
        Element::new("member-list").with_all(registered).with_all(objects)
    }
}

/// Whether an address object stands for that address. Names that only the network can resolve stand for none.
pub(super) fn object_holds(object: &Element, address: IpAddr) -> bool {
    let literal = object.child_text("ip-netmask").or_else(|| object.child_text("ip-range"));
    literal.is_some_and(|literal| literal_holds(literal, address))
}

/// Whether an address, a network or a range holds that address.
pub(super) fn literal_holds(literal: &str, address: IpAddr) -> bool {
    parse_range(literal)
        .is_some_and(|(first, last)| first <= address && address <= last && first.is_ipv4() == address.is_ipv4())
}

impl Firewall {
    /// Every dynamic group of a virtual system in the running configuration, or the one that is named, with its members.
    pub(super) fn show_dynamic_groups(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let wanted = command.at(&["object", "dynamic-address-group", "name"]).map(|name| name.text.as_str());
        let vsys = call.vsys();
        let own = Names::of(&self.running).vsys(vsys);
        let scopes: Vec<&Element> = own.into_iter().chain(self.running.child("shared")).collect();
        let tagged = Tagged { registered: &self.user_id.addresses, vsys };
        let groups = scopes.iter().filter_map(|scope| scope.child("address-group")).flat_map(|list| &list.children);
        let meant = groups.filter(|group| wanted.is_none_or(|wanted| group.attribute("name") == Some(wanted)));
        let entries = meant.filter_map(|group| {
            let filter = group.at(&["dynamic", "filter"])?;
            Some(Element::new("entry").with_all([
                Element::text("vsys", vsys),
                Element::text("group-name", group.attribute("name")?),
                Element::text("filter", &filter.text),
                tagged.members(group, &scopes).to_xml(),
            ]))
        });
        Ok(result([Element::new("dyn-addr-grp").with_all(entries)]))
    }
}
