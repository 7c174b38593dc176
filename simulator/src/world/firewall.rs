//! From the `firewall` section of a story to a firewall.

use std::collections::BTreeSet;

use super::{
    World,
    forms::{NAT_RULES, RULES, address, below_vsys, entry, inline, list, nat_entry, service, service_name},
};
use crate::{
    firewall::{Firewall, Ha, Settings},
    script::{FirewallLine, HaState, Names, Placed, Service, Xml},
    xml::Element,
};

impl World {
    /// How the firewall behaves, to change.
    pub fn firewall_settings(&mut self) -> &mut Settings {
        &mut self.firewall.settings
    }
}

/// Furnishes a firewall with what the lines say, as if it had always been so.
///
/// Lines for one place are loaded together, because the firewall checks all of a place with each load.
pub(super) fn furnish(
    firewall: &mut Firewall,
    lines: &[Placed<FirewallLine>],
    names: &Names,
) -> Result<(), (usize, String)> {
    let mut loads: Vec<Vec<Load>> = Vec::new();
    let mut policy: Vec<Vec<Load>> = Vec::new();
    let mut services = BTreeSet::new();
    for line in lines {
        set(firewall, &line.what);
        for load in self::loads(&line.what, names).into_iter().filter(|load| load.is_news(&mut services)) {
            let load = Load { line: line.line, ..load };
            // Nothing refers to rules, and rules to everything else.
            let loads = if load.is_of_rules() { &mut policy } else { &mut loads };
            match loads.last_mut() {
                Some(together) if together[0].xpath == load.xpath => together.push(load),
                _ => loads.push(vec![load]),
            }
        }
    }
    loads.iter().chain(&policy).try_for_each(|together| load(firewall, together))
}

/// A piece of configuration.
struct Load {
    line: usize,
    xpath: String,
    fragment: String,
}

impl Load {
    fn of(place: &str, entry: &Element) -> Self {
        Self { line: 0, xpath: below_vsys(place), fragment: entry.to_string() }
    }

    fn is_of_rules(&self) -> bool {
        [RULES, NAT_RULES].iter().any(|rules| self.xpath.ends_with(rules))
    }

    /// Many rules make the same service, which is loaded once.
    fn is_news(&self, services: &mut BTreeSet<String>) -> bool {
        !self.xpath.ends_with("/service") || services.insert(self.fragment.clone())
    }
}

/// Loads all at once; if the firewall refuses, finds out which one it means.
fn load(firewall: &mut Firewall, together: &[Load]) -> Result<(), (usize, String)> {
    let fragments: String = together.iter().map(|load| load.fragment.as_str()).collect();
    if firewall.load(&together[0].xpath, &fragments).is_ok() {
        return Ok(());
    }
    let one = |load: &Load| firewall.load(&load.xpath, &load.fragment).map_err(|error| (load.line, error.to_string()));
    together.iter().try_for_each(one)
}

/// Does what a line says about the firewall itself.
fn set(firewall: &mut Firewall, line: &FirewallLine) {
    match line {
        FirewallLine::Version(version) => firewall.settings.version.clone_from(version),
        FirewallLine::CommitTakes(span) => firewall.settings.commit_takes = *span,
        FirewallLine::Ha(HaState::Active | HaState::Pair) => firewall.settings.ha = Ha::pair("active"),
        FirewallLine::Ha(HaState::Passive) => firewall.settings.ha = Ha::pair("passive"),
        FirewallLine::Admin(name) => {
            firewall.add_admin(name);
        }
        FirewallLine::Zone(_) | FirewallLine::ProfileGroup(_) | FirewallLine::LogSetting(_) | FirewallLine::Tag(_) => {}
        FirewallLine::Service { .. } | FirewallLine::ServiceGroup { .. } => {}
        FirewallLine::Address { .. } | FirewallLine::AddressGroup { .. } => {}
        FirewallLine::Rule(_) | FirewallLine::Nat(_) | FirewallLine::Xml(_) => {}
    }
}

/// What a line says about the configuration.
fn loads(line: &FirewallLine, names: &Names) -> Vec<Load> {
    match line {
        FirewallLine::Version(_) | FirewallLine::CommitTakes(_) | FirewallLine::Ha(_) | FirewallLine::Admin(_) => {
            vec![]
        }
        FirewallLine::Zone(name) => {
            let network = Element::new("network").with(Element::new("layer3"));
            vec![Load::of("zone", &Element::entry(name).with(network))]
        }
        FirewallLine::ProfileGroup(name) => vec![Load::of("profile-group", &Element::entry(name))],
        FirewallLine::LogSetting(name) => vec![Load::of("log-settings/profiles", &Element::entry(name))],
        FirewallLine::Tag(name) => vec![Load::of("tag", &Element::entry(name))],
        FirewallLine::Service { name, ports } => vec![Load::of("service", &service(name, ports))],
        FirewallLine::ServiceGroup { name, members } => {
            vec![Load::of("service-group", &Element::entry(name).with(list("members", members)))]
        }
        FirewallLine::Address { name, value } => vec![Load::of("address", &Element::entry(name).with(address(value)))],
        FirewallLine::AddressGroup { name, members } => {
            vec![Load::of("address-group", &Element::entry(name).with(list("static", members)))]
        }
        FirewallLine::Rule(rule) => {
            made_for(&rule.service).into_iter().chain([Load::of(RULES, &entry(rule, names))]).collect()
        }
        FirewallLine::Nat(rule) => {
            made_for(&rule.service).into_iter().chain([Load::of(NAT_RULES, &nat_entry(rule))]).collect()
        }
        FirewallLine::Xml(Xml { xpath, fragment }) => {
            let (xpath, fragment) = (below_vsys(&names.lengthen(xpath)), names.lengthen(fragment));
            vec![Load { line: 0, xpath, fragment }]
        }
    }
}

/// The service object that has to be made for a rule.
fn made_for(column: &Service) -> Option<Load> {
    inline(column).map(|ports| Load::of("service", &service(&service_name(ports), ports)))
}
