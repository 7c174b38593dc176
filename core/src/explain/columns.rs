//! A rule in one line, as people say it.

use crate::firewall::{Action, Addresses, Applications, RuleFacts, RuleType, Services, Status, Zones};

/// `untrust -> trust, any -> 10.0.1.10, application ssl, service application-default: allow`.
pub(super) fn said(facts: &RuleFacts) -> String {
    let narrowed: Vec<_> = facts.narrowed_by.iter().map(ToString::to_string).collect();
    let narrowed = if narrowed.is_empty() { String::new() } else { format!(", only for {}", narrowed.join(", ")) };
    format!(
        "{}{} -> {}, {} -> {}, application {}, service {}{narrowed}: {}{}",
        match facts.rule_type {
            RuleType::Universal => "",
            RuleType::Intrazone => "intrazone, ",
            RuleType::Interzone => "interzone, ",
        },
        zones(&facts.from),
        zones(&facts.to),
        addresses(&facts.source),
        addresses(&facts.destination),
        applications(&facts.applications),
        services(&facts.service),
        match facts.action {
            Action::Allow => "allow",
            Action::Deny => "deny",
        },
        match facts.status {
            Status::Enabled => "",
            Status::Disabled => " (disabled)",
        },
    )
}

fn zones(zones: &Zones) -> String {
    match zones {
        Zones::Any => "any".to_owned(),
        Zones::Named(names) => few(names.iter()),
    }
}

fn addresses(addresses: &Addresses) -> String {
    match addresses {
        any if any.is_any() => "any".to_owned(),
        Addresses::Known { listed, .. } => few(listed.iter()),
        Addresses::Unknown => "what configuration cannot tell".to_owned(),
    }
}

fn applications(applications: &Applications) -> String {
    match applications {
        Applications::Any => "any".to_owned(),
        Applications::Named(names) => few(names.iter()),
        Applications::Unknown => "what configuration cannot tell".to_owned(),
    }
}

fn services(services: &Services) -> String {
    match services {
        Services::Any => "any".to_owned(),
        Services::ApplicationDefault => "application-default".to_owned(),
        Services::Ports { l4, .. } => few(l4.iter()),
        Services::Unknown => "what configuration cannot tell".to_owned(),
    }
}

/// The first few of many.
fn few<T: ToString>(items: impl ExactSizeIterator<Item = T>) -> String {
    const SHOWN: usize = 6;
    let more = items.len().saturating_sub(SHOWN);
    let shown: Vec<_> = items.take(SHOWN).map(|item| item.to_string()).collect();
    let shown = shown.join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
