//! The forms in which PAN-OS has what stories speak of.

use crate::{
    script::{Address, Names, Ports, Rule, RuleState, Service},
    xml::Element,
};

pub(super) const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";
pub(super) const RULES: &str = "rulebase/security/rules";

/// A place below the virtual system, unless the path is absolute.
pub(super) fn below_vsys(xpath: &str) -> String {
    if xpath.starts_with('/') { xpath.to_owned() } else { format!("{VSYS}/{xpath}") }
}

/// Where the rule of that name is.
pub(super) fn rule_at(name: &str) -> String {
    format!("{VSYS}/{RULES}/entry[@name='{name}']")
}

/// The ports of which a service object has to be made.
pub(super) fn inline(rule: &Rule) -> Option<&Ports> {
    match &rule.service {
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

/// A rule as the firewall has it. Its name may be that of a rule of Drawbridge's, with a short id in it.
pub(super) fn entry(rule: &Rule, names: &Names) -> Element {
    let any = ["any".to_owned()];
    let services = match &rule.service {
        Service::Any => any.to_vec(),
        Service::ApplicationDefault => vec!["application-default".to_owned()],
        Service::Inline(ports) => vec![service_name(ports)],
        Service::Named(names) => names.clone(),
    };
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
        list("service", &services),
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
