//! The forms in which PAN-OS has what stories speak of.

use crate::{
    script::{Address, Names, Nat, Ports, Rule, RuleState, Service, Translation, Ways},
    xml::Element,
};

pub(super) const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";
pub(super) const RULES: &str = "rulebase/security/rules";
pub(super) const NAT_RULES: &str = "rulebase/nat/rules";

/// A place below the virtual system, unless the path is absolute.
pub(super) fn below_vsys(xpath: &str) -> String {
    if xpath.starts_with('/') { xpath.to_owned() } else { format!("{VSYS}/{xpath}") }
}

/// Where the rule of that name is.
pub(super) fn rule_at(name: &str) -> String {
    format!("{VSYS}/{RULES}/entry[@name='{name}']")
}

/// The ports of which a service object has to be made.
pub(super) fn inline(service: &Service) -> Option<&Ports> {
    match service {
        Service::Inline(ports) => Some(ports),
        Service::Any | Service::ApplicationDefault | Service::Named(_) => None,
    }
}

/// `svc-tcp-80-8000-8010`
pub(super) fn service_name(ports: &Ports) -> String {
    format!("svc-{}-{}", ports.protocol.name(), ports.ports.join("-"))
}

pub(super) fn service(name: &str, ports: &Ports) -> Element {
    let protocol = Element::new(ports.protocol.name()).with(Element::text("port", ports.ports.join(",")));
    Element::entry(name).with(Element::new("protocol").with(protocol))
}

pub(super) fn address(value: &Address) -> Element {
    match value {
        Address::Netmask(text) => Element::text("ip-netmask", text),
        Address::Range(text) => Element::text("ip-range", text),
        Address::Fqdn(host) => Element::text("fqdn", host),
    }
}

pub(super) fn list(name: &str, members: &[String]) -> Element {
    Element::new(name).with_all(members.iter().map(|member| Element::text("member", member)))
}

fn service_names(service: &Service) -> Vec<String> {
    match service {
        Service::Any => vec!["any".to_owned()],
        Service::ApplicationDefault => vec!["application-default".to_owned()],
        Service::Inline(ports) => vec![service_name(ports)],
        Service::Named(names) => names.clone(),
    }
}

/// A rule as the firewall has it. Its name may be that of a rule of Drawbridge's, with a short id in it.
pub(super) fn entry(rule: &Rule, names: &Names) -> Element {
    let any = ["any".to_owned()];
    let extras = &rule.extras;
    let users = if extras.users.is_empty() { &any[..] } else { &extras.users };
    let mut entry = Element::entry(names.lengthen(&rule.name)).with_all([
        list("from", &rule.source.zones),
        list("to", &rule.destination.zones),
        list("source", &rule.source.addresses),
        list("destination", &rule.destination.addresses),
        list("source-user", users),
        list("category", &any),
        list("application", &rule.applications),
        list("service", &service_names(&rule.service)),
        Element::text("action", rule.action.name()),
    ]);
    if extras.state == RuleState::Disabled {
        entry.children.push(Element::text("disabled", "yes"));
    }
    if !extras.tags.is_empty() {
        entry.children.push(list("tag", &extras.tags));
    }
    if let Some(group) = &extras.profile {
        entry.children.push(Element::new("profile-setting").with(list("group", std::slice::from_ref(group))));
    }
    let texts = [("schedule", &extras.schedule), ("log-setting", &extras.log), ("description", &extras.description)];
    entry.children.extend(texts.into_iter().filter_map(|(name, text)| Some(Element::text(name, text.as_ref()?))));
    entry
}

/// A NAT rule as the firewall has it.
pub(super) fn nat_entry(rule: &Nat) -> Element {
    let mut entry = Element::entry(&rule.name).with_all([
        list("from", &rule.source.zones),
        list("to", &rule.destination.zones),
        list("source", &rule.source.addresses),
        list("destination", &rule.destination.addresses),
        Element::text("service", service_names(&rule.service).concat()),
        Element::text("nat-type", "ipv4"),
    ]);
    entry.children.extend(translation(&rule.translation));
    if rule.state == RuleState::Disabled {
        entry.children.push(Element::text("disabled", "yes"));
    }
    entry
}

fn translation(translation: &Translation) -> Option<Element> {
    let translated = |address: &str| Element::text("translated-address", address);
    match translation {
        Translation::None => None,
        Translation::Destination { address, port } => {
            let port = port.map(|port| Element::text("translated-port", port.to_string()));
            Some(Element::new("destination-translation").with(translated(address)).with_all(port))
        }
        Translation::Source { address, ways } => {
            let both = (*ways == Ways::Both).then(|| Element::text("bi-directional", "yes"));
            let fixed = Element::new("static-ip").with(translated(address)).with_all(both);
            Some(Element::new("source-translation").with(fixed))
        }
    }
}
