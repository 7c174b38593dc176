//! The promises, each looked at packet by packet.

use drawbridge_core::{allowed, plan::Reason, service::L4};

use crate::{
    device::Device,
    groups::{Atom, Cloud},
    objects::{AppLeaf, Leaf, Ports, ServiceLeaf},
    packets::{Packet, Sampler, Way},
    policy::{Match, Policy, Rule, Side},
    span::Span,
    trial::Trial,
};

/// Packets that are walked in each world.
const PACKETS: usize = 1500;
/// Packets that the firewall itself is asked about, which takes it longer.
const ASKED: usize = 150;
/// Packets that are walked for each place where the changes are cut off.
const AT_CUTS: usize = 200;

/// Everything wrong, and how many packets were walked.
pub(crate) fn judge(trial: &Trial, seed: u64) -> (Vec<String>, usize) {
    let cloud = trial.cloud();
    let mut sampler = trial.sampler(seed);
    let packets: Vec<_> = (0..PACKETS).map(|_| sampler.draw()).collect();
    let mut found = Vec::new();
    found.extend(i1(trial, &trial.changed));
    found.extend(i2(trial));
    found.extend(first(packets.iter().filter_map(|packet| i3(trial, &trial.after, &cloud, packet))));
    found.extend(first(packets.iter().filter_map(|packet| only_what_is_wanted(trial, &cloud, packet))));
    found.extend(first(packets.iter().filter_map(|packet| i4(trial, packet))));
    found.extend(never_what_is_already_allowed(trial, &sampler));
    found.extend(nothing_in_doubt_is_added(trial, &cloud));
    found.extend(what_is_in_doubt_keeps_what_it_has(trial, &cloud));
    found.extend(both_readers_agree(trial));
    found.extend(i5(trial));
    found.extend(i6(trial, seed));
    found.extend(i7(trial, &cloud, &packets[..AT_CUTS]));
    found.extend(i8(trial));
    found.extend(the_firewall_agrees(trial, &packets[..ASKED]));
    (found, PACKETS)
}

/// One of many alike is enough.
fn first(mut found: impl Iterator<Item = String>) -> Option<String> {
    found.next()
}

fn i1(trial: &Trial, device: &Device) -> Option<String> {
    let (before, after) = (trial.foreign(trial.device.config()), trial.foreign(device.config()));
    (before != after).then(|| format!("I1: what is not ours has changed\n{before}\n{after}"))
}

fn i2(trial: &Trial) -> Option<String> {
    let mut sunken = trial.after.ours().filter(|rule| !rule.is_disabled && !rule.is_above);
    sunken.next().map(|rule| format!("I2: `{}` stands below the bottom rule", rule.name))
}

fn admitting<'p>(policy: &'p Policy, packet: &Packet<'_>) -> impl Iterator<Item = &'p Rule> {
    policy.ours().filter(move |rule| rule.allows && rule.matches(packet) != Match::No)
}

fn i3(trial: &Trial, policy: &Policy, cloud: &Cloud<'_>, packet: &Packet<'_>) -> Option<String> {
    let rule = admitting(policy, packet).next()?;
    let seen = trial.nat.seen(packet, &trial.chosen)?;
    (!cloud.admits(&seen)).then(|| format!("I3: `{}` admits {packet}, which no security group does", rule.name))
}

/// Nothing of ours stays that nobody wants, unless nobody can tell now.
fn only_what_is_wanted(trial: &Trial, cloud: &Cloud<'_>, packet: &Packet<'_>) -> Option<String> {
    let rule = admitting(&trial.after, packet).next()?;
    let seen = trial.nat.seen(packet, &trial.chosen)?;
    (!cloud.may_want(&seen)).then(|| format!("`{}` says {packet}, which nobody wants", rule.name))
}

fn i4(trial: &Trial, packet: &Packet<'_>) -> Option<String> {
    let seen = trial.nat.seen(packet, &trial.chosen)?;
    let is_unsaid = |atom: &Atom| seen.is_unsaid() || atom.service.is_everything() && seen.is_unsaid_as_everything();
    let atom = trial.atoms.iter().find(|atom| !is_unsaid(atom) && atom.holds(&seen, &trial.chosen))?;
    // Disabling is the administrator's override, whatever else is wrong with the rule.
    let is_disabled = |rule: &Rule| rule.is_disabled && rule.would_match(packet) != Match::No;
    if trial.after.ours().any(is_disabled) {
        return None;
    }
    // Denies above the bottom rule are somebody else's decision: ours would stand below them.
    let mut deciding = trial.after.rules.iter().filter(|rule| match (rule.allows, rule.matches(packet)) {
        (_, Match::No) | (true, Match::Maybe) => false,
        (true, Match::Yes) => true,
        (false, Match::Yes | Match::Maybe) => !rule.is_above,
    });
    let decides = deciding.next();
    if decides.is_some_and(|rule| rule.allows) {
        return None;
    }
    Some(format!("I4: {packet} is wanted ({atom:?}) and meets {:?}", decides.map(|rule| &rule.name)))
}

/// Every address and peer of a new rule has a packet that nothing else allows for certain.
fn never_what_is_already_allowed(trial: &Trial, sampler: &Sampler<'_>) -> Vec<String> {
    let added = trial.added();
    let is_allowed = |packet: &Packet<'_>| trial.after.allows_above(packet, |rule| !added.contains(&rule.name));
    let mut found = Vec::new();
    for rule in trial.after.ours().filter(|rule| added.contains(&rule.name)) {
        for (source, destination) in pairs(rule) {
            let mut packets = within(trial, sampler, rule, source, destination);
            if packets.all(|packet| is_allowed(&packet)) {
                found.push(format!("`{}` adds {source} -> {destination}, all of which is allowed already", rule.name));
            }
        }
    }
    for (name, reason) in &trial.plan.reasons {
        if let Reason::Wanted { gap, .. } = reason {
            let packet = evidence(trial, gap);
            if is_allowed(&packet) {
                found.push(format!("the evidence for `{name}`, {packet}, is allowed already"));
            }
        }
    }
    found
}

fn pairs(rule: &Rule) -> Vec<(Span, Span)> {
    let spans = |leaves: &[Leaf]| -> Vec<Span> {
        let span = |leaf: &Leaf| match leaf {
            Leaf::Span(span) => vec![*span],
            Leaf::Any | Leaf::Unknown => ["0.0.0.0/0", "::/0"].into_iter().filter_map(Span::parse).collect(),
        };
        leaves.iter().flat_map(span).collect()
    };
    let (sources, destinations) = (spans(&rule.source.leaves), spans(&rule.destination.leaves));
    let pair = |source: &Span| destinations.iter().map(|destination| (*source, *destination)).collect::<Vec<_>>();
    sources.iter().flat_map(pair).filter(|(source, destination)| source.is_v4() == destination.is_v4()).collect()
}

/// Packets of a rule at all edges within a pair.
fn within<'t>(
    trial: &'t Trial,
    sampler: &'t Sampler<'_>,
    rule: &'t Rule,
    source: Span,
    destination: Span,
) -> impl Iterator<Item = Packet<'t>> {
    let way = if rule.zones().0 == [trial.chosen.trust.clone()] && trial.chosen.trust != trial.chosen.untrust {
        Way::Out
    } else {
        Way::In
    };
    let (from, to) = trial.chosen.zones(way);
    let apps: Vec<&str> = rule.apps.iter().filter_map(AppLeaf::name).collect();
    let apps: Vec<&str> = if apps.is_empty() { sampler.apps().iter().copied().chain(["icmp"]).collect() } else { apps };
    let (sources, destinations) = (sampler.edges_within(&source), sampler.edges_within(&destination));
    let services = services(rule, sampler);
    destinations.into_iter().flat_map(move |destination| {
        let (services, apps) = (services.clone(), apps.clone());
        sources.clone().into_iter().flat_map(move |source| {
            let apps = apps.clone();
            services.clone().into_iter().flat_map(move |(protocol, port)| {
                let packet = move |app| Packet { from, to, source, destination, protocol, port, code: 0, app };
                apps.clone().into_iter().map(packet)
            })
        })
    })
}

/// Protocols and ports at the edges within a rule's services. What few rules allow comes first.
fn services(rule: &Rule, sampler: &Sampler<'_>) -> Vec<(u8, u16)> {
    let at = |ports: &Ports| {
        let has_ports = matches!(ports.protocol, 6 | 17);
        let edges = sampler.port_edges().iter().filter(|port| ports.first <= **port && **port <= ports.last);
        let edges: Vec<_> = edges.map(|port| (ports.protocol, *port)).collect();
        if has_ports { edges } else { vec![(ports.protocol, 8)] }
    };
    let of = |leaf: &ServiceLeaf| match leaf {
        ServiceLeaf::Ports(ports, _) => ports.iter().flat_map(at).collect::<Vec<_>>(),
        ServiceLeaf::Default => rule.apps.iter().filter_map(AppLeaf::ports).flatten().flat_map(at).collect(),
        ServiceLeaf::Any | ServiceLeaf::Unknown => [254, 132, 1, 17, 6].map(Ports::all).iter().flat_map(at).collect(),
    };
    rule.services.iter().flat_map(of).collect()
}

/// The plan's own evidence as a packet.
fn evidence<'t>(trial: &'t Trial, gap: &'t allowed::Packet) -> Packet<'t> {
    let way = match gap.direction {
        drawbridge_core::change::Direction::Ingress => Way::In,
        drawbridge_core::change::Direction::Egress => Way::Out,
    };
    let (from, to) = trial.chosen.zones(way);
    let (local, peer) = (gap.local.into(), gap.peer.into());
    let (source, destination) = if way == Way::In { (peer, local) } else { (local, peer) };
    let (protocol, port) = match gap.l4 {
        L4::Any => (254, 0),
        L4::Tcp(ports) => (6, ports.first()),
        L4::Udp(ports) => (17, ports.first()),
        L4::Ip(number) => (number, 8),
    };
    let app = gap.app.as_ref().map_or("other", |app| app.as_str());
    Packet { from, to, source, destination, protocol, port, code: 0, app }
}

/// While nobody can tell how an address is reached, nothing is added for it. Within one zone either side may be the local one.
fn nothing_in_doubt_is_added(trial: &Trial, cloud: &Cloud<'_>) -> Vec<String> {
    let added = trial.added();
    let doubtful = |side: &Side| {
        let spans = side.leaves.iter().filter_map(|leaf| if let Leaf::Span(span) = leaf { Some(*span) } else { None });
        spans.into_iter().find(|span| cloud.is_doubtful(span))
    };
    let mut found = Vec::new();
    for rule in trial.after.ours().filter(|rule| added.contains(&rule.name)) {
        let sides = [(Way::In, &rule.destination), (Way::Out, &rule.source)];
        let locals = sides.into_iter().filter(|(way, _)| rule.goes(*way, &trial.chosen));
        let doubts: Vec<_> = locals.map(|(_, local)| doubtful(local)).collect();
        if let Some(Some(span)) = doubts.first()
            && doubts.iter().all(Option::is_some)
        {
            found.push(format!("`{}` is added for {span}, which may not be exposed", rule.name));
        }
    }
    found
}

/// Whatever a rule of ours says about addresses of which nobody can tell, it goes on saying.
fn what_is_in_doubt_keeps_what_it_has(trial: &Trial, cloud: &Cloud<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let spell_out = |leaves: &[Leaf]| {
        leaves.iter().all(|leaf| match leaf {
            Leaf::Any => leaves.len() == 1,
            Leaf::Span(span) => !span.is_everything(),
            Leaf::Unknown => false,
        })
    };
    for rule in trial.before.ours().filter(|rule| rule.spells_one_service() && rule.goes(Way::In, &trial.chosen)) {
        if !spell_out(&rule.source.leaves) || !spell_out(&rule.destination.leaves) {
            continue;
        }
        let kept = trial.after.ours().find(|kept| kept.name == rule.name);
        for leaf in &rule.destination.leaves {
            let Leaf::Span(local) = leaf else { continue };
            let is_of_its_family = |peer: &&Leaf| match peer {
                Leaf::Span(peer) => peer.is_v4() == local.is_v4(),
                Leaf::Any | Leaf::Unknown => true,
            };
            let mut peers = rule.source.leaves.iter().filter(is_of_its_family).peekable();
            if peers.peek().is_none() || !cloud.is_wholly_doubtful(local) {
                continue;
            }
            let says = |kept: &Rule| {
                kept.destination.leaves.contains(leaf) && peers.all(|peer| kept.source.leaves.contains(peer))
            };
            if !kept.is_some_and(says) {
                found.push(format!("`{}` is about {local}, of which nobody can tell, and does not keep it", rule.name));
            }
        }
    }
    found
}

/// Reading an export and asking the firewall give the same facts.
fn both_readers_agree(trial: &Trial) -> Option<String> {
    match trial.read_twice() {
        Err(why) => Some(format!("the firewall cannot be read twice: {why}")),
        Ok([exported, observed]) if exported == observed => None,
        Ok([exported, observed]) => Some(format!("an export tells {exported:#?}\na look tells {observed:#?}")),
    }
}

fn i5(trial: &Trial) -> Option<String> {
    match trial.planned_again() {
        Err(why) => Some(format!("I5: planning again fails: {why}")),
        Ok(again) if again.changes.is_empty() && !again.commit => None,
        Ok(again) => Some(format!("I5: {:?}\nthen {:?}", lines(&trial.plan), lines(&again))),
    }
}

fn lines(plan: &drawbridge_core::plan::Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

fn i6(trial: &Trial, seed: u64) -> Option<String> {
    match trial.planned_shuffled(seed) {
        Err(why) => Some(format!("I6: a shuffled inventory cannot be read: {why}")),
        Ok(shuffled) if shuffled == trial.plan => None,
        Ok(shuffled) => Some(format!("I6: {:?}\nbut {:?}", lines(&trial.plan), lines(&shuffled))),
    }
}

fn i7(trial: &Trial, cloud: &Cloud<'_>, packets: &[Packet<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for cut in 1..trial.plan.changes.len() {
        let device = match trial.cut(cut) {
            Ok(device) => device,
            Err(why) => {
                found.push(format!("I7: the first {cut} changes are refused: {why}"));
                continue;
            }
        };
        found.extend(i1(trial, &device).map(|why| format!("I7, cut at {cut}: {why}")));
        let policy = Policy::read(device.config(), &trial.chosen);
        let is_news = |packet: &&Packet<'_>| {
            // What was wrong before may still be.
            admitting(&policy, packet).any(|rule| admitting(&trial.before, packet).all(|held| held.name != rule.name))
        };
        let broken = packets.iter().filter(is_news).filter_map(|packet| i3(trial, &policy, cloud, packet));
        found.extend(first(broken).map(|why| format!("I7, cut at {cut}: {why}")));
    }
    found
}

fn i8(trial: &Trial) -> Vec<String> {
    let added = trial.added();
    let taken = trial.before.rules.iter().filter(|rule| added.contains(&rule.name));
    let mut found: Vec<_> = taken.map(|rule| format!("I8: `{}` is in use", rule.name)).collect();
    let mut names: Vec<_> = trial.after.rules.iter().map(|rule| &rule.name).collect();
    found.extend(names.iter().filter(|name| name.chars().count() > 63).map(|name| format!("I8: `{name}` is too long")));
    names.sort();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1] && added.contains(pair[0]));
    found.extend(twice.map(|pair| format!("I8: two rules are named `{}`", pair[0])));
    found
}

/// What the firewall says about a packet is what a walk through its XML finds.
fn the_firewall_agrees(trial: &Trial, packets: &[Packet<'_>]) -> Option<String> {
    let mut device = trial.changed.clone();
    packets.iter().find_map(|packet| {
        let walked = trial.after.first(packet)?;
        let walked = (!walked.is_default()).then_some(&walked.name);
        match device.tested(packet) {
            Ok(tested) if tested.as_ref() == walked => None,
            Ok(tested) => Some(format!("security-policy-match says {tested:?} for {packet}, a walk finds {walked:?}")),
            Err(why) => Some(format!("security-policy-match refuses {packet}: {why}")),
        }
    })
}
