//! What a rule of ours says, read from its columns.

use std::collections::BTreeSet;

use crate::{
    change::{Direction, Spelling},
    config::Config,
    firewall::{Addresses, Applications, RuleFacts, Services, Zones},
    id::{AppName, ZoneName},
    range::Range,
    service::{Apps, L4, Service},
    translate::STANDARD_PORT,
};

/// Which ways a rule of ours may go: one if its zones are as we write them and differ, none if they are not as we write
/// them.
pub(super) fn ways(facts: &RuleFacts, config: &Config) -> Vec<Direction> {
    let only = |zones: &Zones, zone: &ZoneName| matches!(zones, Zones::Named(names) if names.len() == 1 && names.contains(zone));
    let goes = |from, to| only(&facts.from, from) && only(&facts.to, to);
    let inward = goes(&config.untrust, &config.trust).then_some(Direction::Ingress);
    let outward = goes(&config.trust, &config.untrust).then_some(Direction::Egress);
    inward.into_iter().chain(outward).collect()
}

/// What a rule of ours says; where its zones do not tell which way it goes, both ways.
pub(super) fn spellings(facts: &RuleFacts, config: &Config) -> (Option<Spelling>, Option<Box<Spelling>>) {
    let (inward, outward) = (Direction::Ingress, Direction::Egress);
    let ways = ways(facts, config);
    let open = match ways.as_slice() {
        [one] => return (spelling(facts, *one), None),
        _ if config.directions.contains(&outward) => [inward, outward],
        _ => return (spelling(facts, inward), None),
    };
    match open.map(|way| spelling(facts, way)) {
        [None, outward] => (outward, None),
        [inward, outward] => (inward, outward.map(Box::new)),
    }
}

/// What a rule of ours says, if it is a product of addresses and peers for one service. What narrows it is not looked at:
/// that makes it wrong, and it is replaced by what it should say.
fn spelling(facts: &RuleFacts, direction: Direction) -> Option<Spelling> {
    let (peers, locals) = match direction {
        Direction::Ingress => (&facts.source, &facts.destination),
        Direction::Egress => (&facts.destination, &facts.source),
    };
    let any_peer = peers.is_any();
    let (Addresses::Known { listed: peers, .. }, false, Addresses::Known { listed: locals, .. }) =
        (peers, locals.is_any(), locals)
    else {
        return None;
    };
    let every_family: BTreeSet<_> = locals.iter().map(|range| range.family().whole()).collect();
    let peers = if any_peer { every_family.clone() } else { peers.clone() };
    // `any` stands alone in a column and means both families: nothing else can be written beside it.
    if peers.iter().any(|peer| *peer == peer.family().whole()) && peers != every_family {
        return None;
    }
    Some(Spelling { direction, locals: locals.clone(), peers, service: service(facts)? })
}

/// The one service that the application and service columns mean together.
fn service(facts: &RuleFacts) -> Option<Service> {
    let apps = match &facts.applications {
        Applications::Any => Apps::Any,
        Applications::Named(names) => Apps::Named(names.clone()),
        Applications::Unknown => return None,
    };
    let by_protocol = |names: &BTreeSet<_>| Service::protocol_of(names).map(L4::Ip);
    let l4 = match (&facts.service, &apps) {
        (Services::Any, Apps::Any) => L4::Any,
        (Services::Any, Apps::Named(names)) => by_protocol(names)?,
        (Services::ApplicationDefault, Apps::Named(names)) => by_protocol(names).or_else(|| standard_port(names))?,
        (Services::Ports { l4, .. }, _) => match l4.as_slice() {
            [one] => *one,
            _ => return None,
        },
        (Services::ApplicationDefault, Apps::Any) | (Services::Unknown, _) => return None,
    };
    Some(Service { l4, apps })
}

fn standard_port(names: &BTreeSet<AppName>) -> Option<L4> {
    let [name] = names.iter().collect::<Vec<_>>()[..] else { return None };
    let (_, port) = STANDARD_PORT.iter().find(|(known, _)| *known == name.as_str())?;
    Some(L4::Tcp(Range::single(*port)))
}
