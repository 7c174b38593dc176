//! Changes and rules of ours as JSON.

use std::collections::BTreeSet;

use drawbridge_core::{
    address::AddressRange,
    change::{Change, Columns, Direction, Extras, OwnObject, OwnedRule, Position, Spelling},
    firewall::{Profiles, RuleFacts, Services, Status, Zones},
    rulebase::Owned,
    service::{Apps, L4},
    translate::ServicePorts,
};
use serde_json::{Value, json};

/// One change, with the whole rule where it writes one.
pub(super) fn change(change: &Change) -> Value {
    let text = change.to_string();
    match change {
        Change::Tag(name) => json!({ "do": "create-tag", "name": name.as_str(), "text": text }),
        Change::Service(object) => {
            let l4 = match object.ports {
                ServicePorts::Tcp(ports) => L4::Tcp(ports),
                ServicePorts::Udp(ports) => L4::Udp(ports),
            };
            json!({
                "do": "create-service", "name": object.name.as_str(), "traffic": traffic(l4),
                "tags": [object.owner.as_str()], "text": text,
            })
        }
        Change::Put(written, Position::Above(bottom)) => json!({
            "do": "add-rule", "name": written.name.to_string(), "above": bottom.as_str(), "rule": rule(written), "text": text,
        }),
        Change::Put(written, Position::InPlace) => json!({
            "do": "rewrite-rule", "name": written.name.to_string(), "rule": rule(written), "text": text,
        }),
        Change::Lift(name, bottom) => json!({
            "do": "move-rule", "name": name.to_string(), "above": bottom.as_str(), "text": text,
        }),
        Change::Delete(name) => json!({ "do": "delete-rule", "name": name.to_string(), "text": text }),
        Change::Adopt(adopted) => json!({
            "do": "adopt-rule", "name": adopted.to.to_string(), "former_name": adopted.from.to_string(),
            "tags": [adopted.owner.as_str()], "text": text,
        }),
        Change::Drop(OwnObject::Service(name)) => {
            json!({ "do": "delete-service", "name": name.as_str(), "text": text })
        }
        Change::Drop(OwnObject::Tag(name)) => json!({ "do": "delete-tag", "name": name.as_str(), "text": text }),
    }
}

/// A rule as it is to be written.
fn rule(rule: &OwnedRule) -> Value {
    let log_setting = match &rule.extras {
        Extras::Fresh { log_setting } => log_setting.as_ref().map(ToString::to_string),
        Extras::Kept(_) => None,
    };
    let mut document = says(&rule.spelling, &rule.columns);
    let more = json!({
        "from": [rule.from.as_str()],
        "to": [rule.to.as_str()],
        "service": { "column": rule.service.to_string(), "traffic": traffic(rule.spelling.service.l4) },
        "action": "allow",
        "disabled": rule.status == Status::Disabled,
        "profile_group": rule.profile_group.as_ref().map(ToString::to_string),
        "log_setting": log_setting,
        "tags": rule.tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "description": rule.description,
    });
    merge(&mut document, more);
    document
}

/// A rule of ours as it stands; nothing if it is no product of addresses and peers for one service.
pub(super) fn standing(rule: &Owned<'_>) -> Option<Value> {
    let spelling = rule.spelling.as_ref()?;
    let RuleFacts { from, to, service, status, profiles, tags, description, action, .. } = rule.facts;
    let column = match service {
        Services::Any => "any".to_owned(),
        Services::ApplicationDefault => "application-default".to_owned(),
        Services::Ports { objects, .. } => objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Services::Unknown => "unknown".to_owned(),
    };
    let profile_group = match profiles {
        Profiles::Group(name) => Some(name.to_string()),
        Profiles::None | Profiles::Single => None,
    };
    let mut document = says(spelling, &Columns::of(spelling, &BTreeSet::new()));
    let more = json!({
        "from": zones(from),
        "to": zones(to),
        "service": { "column": column, "traffic": traffic(spelling.service.l4) },
        "action": format!("{action:?}").to_lowercase(),
        "disabled": *status == Status::Disabled,
        "profile_group": profile_group,
        "log_setting": Value::Null,
        "tags": tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "description": description,
    });
    merge(&mut document, more);
    Some(document)
}

/// The columns that say what is let through.
fn says(spelling: &Spelling, columns: &Columns) -> Value {
    json!({
        "direction": direction(spelling.direction),
        "source": columns.source,
        "destination": columns.destination,
        "application": applications(&spelling.service.apps),
    })
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (document, more) {
        members.extend(more);
    }
}

fn zones(zones: &Zones) -> Vec<String> {
    match zones {
        Zones::Any => vec!["any".to_owned()],
        Zones::Named(names) => names.iter().map(ToString::to_string).collect(),
    }
}

/// A whole family is `any`, once, as rules have it.
pub(super) fn addresses(ranges: &BTreeSet<AddressRange>) -> Vec<String> {
    let mut texts: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    texts.dedup();
    texts
}

pub(super) fn applications(apps: &Apps) -> Vec<String> {
    match apps {
        Apps::Any => vec!["any".to_owned()],
        Apps::Named(names) => names.iter().map(ToString::to_string).collect(),
    }
}

pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

pub(super) fn traffic(l4: L4) -> Value {
    match l4 {
        L4::Any => json!({ "protocol": "any" }),
        L4::Tcp(ports) => json!({ "protocol": "tcp", "first_port": ports.first(), "last_port": ports.last() }),
        L4::Udp(ports) => json!({ "protocol": "udp", "first_port": ports.first(), "last_port": ports.last() }),
        L4::Ip(number) => json!({ "protocol": number }),
    }
}
