//! A plan as JSON.

use std::collections::BTreeMap;

use drawbridge_core::{
    allowed::{Packet, Why},
    change::{Change, Direction, Position},
    config::Config,
    effect::{Effect, Flow},
    exposure::Hidden,
    id::{OwnedName, RuleName},
    nat::Unsaid,
    plan::{Plan, Reason, Standing},
    rulebase::{Owned, Rulebase},
    wanted::{Atom, LeftOut, Origin, Origins, WhyNot},
};
use serde_json::{Value, json};

use super::rule::{addresses, applications, change, direction, standing, traffic};

/// The version of the document. It grows when a member changes its meaning or goes.
const VERSION: u32 = 2;

/// A plan that was only looked at, with the traffic that it newly allows and no longer allows.
pub fn plan(plan: &Plan, rulebase: &Rulebase<'_>, config: &Config) -> Value {
    let stands: BTreeMap<_, _> = rulebase.candidate.owned().map(|rule| (&rule.name, rule)).collect();
    let Effect { newly_allowed, no_longer_allowed } = Effect::of(plan, rulebase, config);
    let atoms = plan.wanted.atoms.iter().zip(&plan.standings);
    let exposed = plan.wanted.via.iter().flat_map(|(interface, via)| via.iter().map(move |via| (interface, via)));
    json!({
        "version": VERSION,
        "changes": plan.changes.iter().map(|made| reasoned(made, plan, &stands)).collect::<Vec<_>>(),
        "commit": plan.commit || !plan.changes.is_empty(),
        "withheld": plan.withheld.iter().map(|held| json!({
            "change": reasoned(&held.change, plan, &stands), "why": held.why.to_string(),
        })).collect::<Vec<_>>(),
        "newly_allowed": newly_allowed.iter().map(flow).collect::<Vec<_>>(),
        "no_longer_allowed": no_longer_allowed.iter().map(flow).collect::<Vec<_>>(),
        "atoms": atoms.map(|((atom, origins), standing)| wanted(atom, origins, standing)).collect::<Vec<_>>(),
        "left_out": plan.wanted.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "exposed": exposed.map(|(interface, via)| json!({
            "interface": interface.as_str(), "route_table": via.table.as_str(), "gateway": via.gateway.to_string(),
        })).collect::<Vec<_>>(),
        "notes": plan.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "atoms_wanted": plan.wanted.atoms.len(),
        "interfaces_exposed": plan.wanted.exposed,
        "rules_owned": plan.owned,
        "rules": plan.rules,
    })
}

/// A change with its reason; one to a rule that stands, with that rule.
fn reasoned(made: &Change, plan: &Plan, stands: &BTreeMap<&OwnedName, &Owned<'_>>) -> Value {
    let mut document = change(made);
    let name = made.rule();
    let before = name.and_then(|name| stands.get(name)).and_then(|rule| standing(rule));
    match made {
        Change::Put(_, Position::InPlace) => document["before"] = json!(before),
        Change::Lift(..) | Change::Delete(_) => document["rule"] = json!(before),
        Change::Put(_, Position::Above(_))
        | Change::Tag(_)
        | Change::Service(_)
        | Change::Drop(_)
        | Change::Adopt(_) => {}
    }
    let why = name.and_then(|name| plan.reasons.get(name));
    document["reason"] = json!(why.map(ToString::to_string));
    document["evidence"] = json!(why.and_then(evidence));
    document
}

/// Why a new rule is needed: a packet that nothing allows, who wants it, which rules may allow it and which block it.
fn evidence(reason: &Reason) -> Option<Value> {
    let Reason::Wanted { gap, origins, overridden_by, narrowed } = reason else { return None };
    let may = |(name, by): &(RuleName, Vec<Why>)| json!({ "rule": name.as_str(), "narrowed_by": by.iter().map(ToString::to_string).collect::<Vec<_>>() });
    Some(json!({
        "sample_packet": packet(gap),
        "wanted_by": origins.iter().map(origin).collect::<Vec<_>>(),
        "narrowed": narrowed.iter().map(may).collect::<Vec<_>>(),
        "overridden_by": overridden_by.iter().map(RuleName::as_str).collect::<Vec<_>>(),
    }))
}

fn packet(packet: &Packet) -> Value {
    let (source, destination) = ends(packet.direction, packet.local.to_string(), packet.peer.to_string());
    json!({
        "source": source, "destination": destination, "traffic": traffic(packet.l4),
        "application": packet.app.as_ref().map(ToString::to_string), "text": packet.to_string(),
    })
}

/// Local and peer as source and destination.
fn ends<T>(way: Direction, local: T, peer: T) -> (T, T) {
    match way {
        Direction::Ingress => (peer, local),
        Direction::Egress => (local, peer),
    }
}

fn flow(flow: &Flow) -> Value {
    let (source, destination) = ends(flow.direction, &flow.locals, &flow.peers);
    json!({
        "rule": flow.rule.to_string(),
        "direction": direction(flow.direction),
        "source": addresses(source),
        "destination": addresses(destination),
        "application": flow.app.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string),
        "traffic": traffic(flow.l4),
    })
}

/// An atom that leads to a rule, or needs none, with what became of it.
fn wanted(atom: &Atom, origins: &Origins, standing: &Standing) -> Value {
    let (standing, rules, adds) = match standing {
        Standing::Ours(name) => ("ours", vec![name.to_string()], false),
        Standing::Added(name) => ("added", vec![name.to_string()], false),
        Standing::Allowed(by) => {
            ("allowed", by.rules().iter().map(ToString::to_string).collect(), by.needs_new_rules())
        }
    };
    let mut document = json!(atom_members(atom));
    document["wanted_by"] = json!(origins.iter().map(origin).collect::<Vec<_>>());
    document["standing"] = json!(standing);
    document["rules"] = json!(rules);
    if adds {
        document["with_added_rules"] = json!(true);
    }
    document
}

fn atom_members(atom: &Atom) -> Value {
    let (source, destination) = ends(atom.direction, atom.local.to_string(), atom.peer.to_string());
    json!({
        "direction": direction(atom.direction),
        "source": source,
        "destination": destination,
        "application": applications(&atom.service.apps),
        "traffic": traffic(atom.service.l4),
    })
}

fn origin(origin: &Origin) -> Value {
    json!({
        "group": origin.group.as_str(),
        "interface": origin.interface.as_str(),
        "instance": origin.instance.as_ref().map(ToString::to_string),
        "vpc": origin.vpc.as_str(),
        "nat_rule": origin.nat.as_ref().map(ToString::to_string),
    })
}

/// Something that leads to no rule: its kind, what it is about, and the reason in words.
fn left_out(left_out: &LeftOut) -> Value {
    let mut document = match left_out {
        LeftOut::Hidden(interface, why) => json!({
            "kind": "interface-not-exposed", "interface": interface.as_str(), "why": why.to_string(),
            "route_table": match why {
                Hidden::NoDefaultRoute(table) | Hidden::Elsewhere(table, _) => Some(table.as_str()),
                Hidden::Firewall | Hidden::OutOfScope | Hidden::Off(_) | Hidden::Unattached => None,
            },
        }),
        LeftOut::Doubtful(interface, why) => {
            json!({ "kind": "interface-in-doubt", "interface": interface.as_str(), "why": why.to_string() })
        }
        LeftOut::Permission(group, way, permission, why) => json!({
            "kind": if matches!(why, WhyNot::PartlyNeverOpen(_)) { "permission-in-part" } else { "permission" },
            "group": group.as_str(), "direction": direction(*way),
            "permission": permission.to_string(), "why": why.to_string(),
        }),
        LeftOut::TwoVpcs(atom, vpc) => json!({
            "kind": "address-in-several-vpcs", "atom": atom_members(atom), "vpc": vpc.as_str(),
            "why": "the address is in several VPCs, and this one does not want it",
        }),
        LeftOut::NeverOpen(atom, _) => json!({
            "kind": "never-open", "atom": atom_members(atom), "why": "`never_open` lists it",
        }),
        LeftOut::NoNat(atom) => json!({
            "kind": "no-nat-rule", "atom": atom_members(atom), "why": "no NAT rule of the firewall leads there",
        }),
        LeftOut::NatUnsaid(atom, Unsaid::Taken(by), _) => json!({
            "kind": "nat-rule-takes-part", "atom": atom_members(atom), "nat_rule": by.as_str(),
            "why": "an earlier NAT rule takes part of it, and no rule can say the rest",
        }),
        LeftOut::NatUnsaid(atom, Unsaid::Wide(by), _) => json!({
            "kind": "nat-rule-too-wide", "atom": atom_members(atom), "nat_rule": by.as_str(),
            "why": "others may be at the original destination; name the address that is translated in the NAT rule",
        }),
    };
    document["text"] = json!(left_out.to_string());
    document
}
