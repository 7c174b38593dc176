//! Instances with what is exposed and why not, and groups with their permissions.

use std::collections::BTreeMap;

use drawbridge_simulator::{
    cloud::{Direction, GroupRule, Instance, Interface, Peer, Protocol, Traffic},
    world::World,
};
use serde_json::{Value, json};

use crate::lab::eyes::Seen;

/// Every instance, in order.
pub(in crate::lab) fn instances(world: &World, seen: &Seen) -> Value {
    let resources = world.cloud().resources();
    let mut held: BTreeMap<String, Vec<&Interface>> = BTreeMap::new();
    for interface in resources.interfaces.values() {
        if let Some(instance) = interface.instance() {
            held.entry(instance.to_string()).or_default().push(interface);
        }
    }
    let mut all: Vec<_> = resources.instances.values().collect();
    // By the name that a story gives, because the ids of the real form are in no order that says anything.
    all.sort_by_cached_key(|instance| world.names().shorten(&instance.id.to_string()));
    let none = Vec::new();
    let interfaces = |instance: &Instance| held.get(&instance.id.to_string()).unwrap_or(&none).clone();
    all.into_iter().map(|instance| one(instance, &interfaces(instance), seen)).collect()
}

fn one(instance: &Instance, interfaces: &[&Interface], seen: &Seen) -> Value {
    json!({
        "id": instance.id.to_string(), "state": instance.state.name(), "tag": instance.tags.get("Name"),
        "interfaces": interfaces.iter().map(|interface| at(interface, seen)).collect::<Vec<_>>(),
    })
}

fn at(interface: &Interface, seen: &Seen) -> Value {
    let id = interface.id.to_string();
    let addresses = interface.addresses.iter().map(ToString::to_string);
    let addresses: Vec<_> = addresses.chain(interface.ipv6_addresses.iter().map(ToString::to_string)).collect();
    let exposure = seen.exposures.get(&id);
    json!({
        "id": id, "addresses": addresses, "subnet": interface.subnet.to_string(),
        "groups": interface.groups.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "exposure": exposure.map(|(word, _)| word), "why": exposure.map(|(_, why)| why),
        "wants": seen.wants.get(&id),
    })
}

/// Every group, in order.
pub(in crate::lab) fn groups(world: &World, seen: &Seen) -> Value {
    let resources = world.cloud().resources();
    let mut worn: BTreeMap<String, usize> = BTreeMap::new();
    for group in resources.interfaces.values().flat_map(|interface| &interface.groups) {
        *worn.entry(group.to_string()).or_default() += 1;
    }
    let mut all: Vec<_> = resources.groups.values().collect();
    all.sort_by_cached_key(|group| world.names().shorten(&group.id.to_string()));
    let group = |group: &drawbridge_simulator::cloud::SecurityGroup| {
        let id = group.id.to_string();
        json!({
            "id": id, "name": group.name, "interfaces": worn.get(&id).copied().unwrap_or_default(),
            "rules": group.rules.iter().map(permission).collect::<Vec<_>>(), "left_out": seen.left_out.get(&id),
        })
    };
    all.into_iter().map(group).collect()
}

/// A permission in the words of the story language, so that a deed can take it back.
fn permission(rule: &GroupRule) -> Value {
    let (way, word) = match rule.direction {
        Direction::Ingress => ("Ingress", "from"),
        Direction::Egress => ("Egress", "to"),
    };
    let peer = match &rule.peer {
        Peer::Cidr(cidr) => cidr.to_string(),
        Peer::PrefixList(id) => id.to_string(),
        Peer::Group(id) => id.to_string(),
    };
    json!({ "way": way, "text": format!("{} {word} {peer}", traffic(rule.traffic)) })
}

fn traffic(traffic: Traffic) -> String {
    let ports = |name: &str| match traffic.ports {
        None | Some((0, 65_535)) => name.to_owned(),
        Some((first, last)) if first == last => format!("{name}/{first}"),
        Some((first, last)) => format!("{name}/{first}-{last}"),
    };
    let kinds = |name: &str| match traffic.ports {
        None | Some((-1, _)) => name.to_owned(),
        Some((kind, -1)) => format!("{name}/{kind}"),
        Some((kind, code)) => format!("{name}/{kind}/{code}"),
    };
    match traffic.protocol {
        Protocol::All => "all".to_owned(),
        Protocol::Tcp => ports("tcp"),
        Protocol::Udp => ports("udp"),
        Protocol::Icmp => kinds("icmp"),
        Protocol::Icmpv6 => kinds("icmpv6"),
        Protocol::Number(number) => format!("ip/{number}"),
    }
}
