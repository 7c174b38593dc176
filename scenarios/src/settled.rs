//! Whether everything is as it should be once faults and people have stopped: I4, I5 and I10. What a packet meets is asked
//! of the firewall itself.

use std::{net::IpAddr, time::Duration};

use drawbridge_core::{
    address::AddressRange,
    change::Direction,
    command::{Command, Look, Reply},
    config::Config,
    firewall::{Configuration, Firewall, Node, RuleFacts, Status},
    id::{OwnedName, RuleName},
    plan::{Plan, Standing, plan},
    rulebase::{Rulebase, Unfit, owned_name},
    service::{Apps, L4},
    wanted::Atom,
};
use drawbridge_simulator::{
    serve::SharedWorld,
    world::{DRAWBRIDGE, Packet},
};

use crate::stage::Act;

/// What is not as it should be, each with the number of its invariant.
pub(crate) async fn unsettled<A: Act>(actor: &mut A, world: &SharedWorld, config: &Config) -> Vec<String> {
    let looked = actor.act(&Command::Observe(Look::Everything), Duration::from_secs(60)).await;
    let (inventory, firewall) = match looked {
        Ok(Reply::Facts(Some(inventory), firewall)) => (inventory, firewall),
        Ok(other) => return vec![format!("I4: a look is answered with {other:?}")],
        Err(failure) => return vec![format!("I4: a look fails although nothing is armed: {}", failure.what)],
    };
    let rulebase = Rulebase::read(&firewall, config).and_then(|rulebase| rulebase.of_this_account(&inventory, config));
    let rulebase = match rulebase {
        Ok(rulebase) => rulebase,
        // That our own account has left work behind outside of our rules is nobody's fault but ours.
        Err(unfit @ Unfit::OwnWork(..)) if !is_without_tag(&unfit) => return vec![format!("I4: {unfit}")],
        // Somebody has left something that only a person can put right, and is told so.
        Err(_) => return Vec::new(),
    };
    if firewall.entangled(rulebase.admin).is_some() {
        // The same: nothing can be committed before it is.
        return Vec::new();
    }
    let plan = plan(&inventory, &rulebase, config, &[]);
    let mut found: Vec<_> = plan.changes.iter().map(|change| format!("I5: still to be done: {change}")).collect();
    let is_for_a_person = |name: &OwnedName| {
        let name = name.rule_name();
        has_lost_tag(&name, &firewall, config)
            || is_unnoted(&name, &firewall) && (!stands(&name, &firewall) || is_withheld(&name, &plan))
    };
    if plan.commit && found.is_empty() && !rulebase.differing().iter().all(is_for_a_person) {
        found.push("I10: what is in force differs from what was found right".to_owned());
    }
    if found.is_empty() {
        found.extend(blocked(&plan, &firewall, world, config));
    }
    found
}

/// Whether it is a rule with a name of our form: we write none without our tag, so that somebody has taken it off what we had
/// not committed. That rule is not ours any more, and only a person can say whose it is.
fn is_without_tag(unfit: &Unfit) -> bool {
    matches!(unfit, Unfit::OwnWork(_, Node::Rule(name)) if OwnedName::parse(name.as_str()).is_some())
}

/// Whether a rule is there without our tag, and nobody is noted to work on it: it was taken off while a commit of ours was under
/// way. In force it is ours still, and only a person can say whose it is; the outcome names it.
fn has_lost_tag(rule_name: &RuleName, firewall: &Firewall, config: &Config) -> bool {
    let mut rules = firewall.candidate.rules.iter();
    rules.any(|rule| rule.name == *rule_name && owned_name(rule, &config.owner).is_none())
}

/// Whether nobody is noted for a rule that differs: somebody took back their work on it while a commit of ours was under way. No
/// commit of one administrator's changes takes it along, nor does a revert; the outcome names it. While it stands, we write it as it
/// should be, unless mode or limits withhold that.
fn is_unnoted(rule_name: &RuleName, firewall: &Firewall) -> bool {
    let node = Node::Rule(rule_name.clone());
    !firewall.pending.iter().any(|pending| pending.node == node)
}

fn stands(rule_name: &RuleName, firewall: &Firewall) -> bool {
    firewall.candidate.rules.iter().any(|rule| rule.name == *rule_name)
}

fn is_withheld(rule_name: &RuleName, plan: &Plan) -> bool {
    let mut withheld = plan.withheld.iter().filter_map(|withheld| withheld.change.rule());
    withheld.any(|rule| rule.rule_name() == *rule_name)
}

/// Atoms of which the firewall lets a packet through to nobody, and nobody has decided so.
fn blocked(plan: &Plan, firewall: &Firewall, world: &SharedWorld, config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    for (atom, standing) in plan.wanted.atoms.keys().zip(&plan.standings) {
        if is_left_to_somebody(standing, firewall, plan) {
            continue;
        }
        for packet in packets(atom, config) {
            let decided = |name: &RuleName| is_in_other_hands(name, firewall, plan);
            if let Some(by) = refused(&packet, &firewall.running, decided, world, config) {
                found.push(format!("I4: {atom} is wanted, and {packet} is refused by `{by}`"));
                break;
            }
        }
    }
    found
}

/// A rule that somebody has disabled or is working on, or one that is withheld.
fn is_left_to_somebody(standing: &Standing, firewall: &Firewall, plan: &Plan) -> bool {
    let rules = match standing {
        Standing::Ours(name) | Standing::Added(name) => vec![name.rule_name()],
        // Nothing is left to be added by now but what is withheld.
        Standing::Allowed(evidence) if evidence.needs_new_rules() => return true,
        Standing::Allowed(evidence) => evidence.rules().to_vec(),
    };
    rules.iter().any(|rule| is_in_other_hands(rule, firewall, plan))
}

fn is_in_other_hands(rule_name: &RuleName, firewall: &Firewall, plan: &Plan) -> bool {
    let is_disabled = |configuration: &Configuration| {
        configuration.rules.iter().any(|rule| rule.name == *rule_name && rule.status == Status::Disabled)
    };
    let ours = |admin: &_| format!("{admin}") == DRAWBRIDGE;
    let node = Node::Rule(rule_name.clone());
    is_disabled(&firewall.candidate)
        || is_disabled(&firewall.running)
        || firewall.pending.iter().any(|pending| pending.node == node && !ours(&pending.admin))
        || is_withheld(rule_name, plan)
}

/// The corners of an atom.
fn packets(atom: &Atom, config: &Config) -> Vec<Packet> {
    let (from, to) = match atom.direction {
        Direction::Ingress => (&config.untrust, &config.trust),
        Direction::Egress => (&config.trust, &config.untrust),
    };
    let (protocol, ports) = match atom.service.l4 {
        L4::Any => (6, [Some(1), Some(65535)]),
        L4::Tcp(ports) => (6, [Some(ports.first()), Some(ports.last())]),
        L4::Udp(ports) => (17, [Some(ports.first()), Some(ports.last())]),
        L4::Ip(number) => (number, [None, None]),
    };
    let application = match &atom.service.apps {
        Apps::Any => None,
        Apps::Named(names) => names.iter().next().map(ToString::to_string),
    };
    let corner = |range: AddressRange, last: bool| IpAddr::from(if last { range.last() } else { range.first() });
    [false, true]
        .into_iter()
        .map(|last| {
            let (local, peer) = (corner(atom.local, last), corner(atom.peer, last));
            let (source, destination) = match atom.direction {
                Direction::Ingress => (peer, local),
                Direction::Egress => (local, peer),
            };
            let (from, to) = (from.to_string(), to.to_string());
            let port = ports[usize::from(last)];
            Packet { from, to, source, destination, protocol, port, application: application.clone() }
        })
        .collect()
}

/// The rule by which the firewall refuses a packet that no administrator's rule above the bottom one refuses, nor one of ours
/// that somebody has made a deny and somebody is still working on.
fn refused(
    packet: &Packet,
    running: &Configuration,
    is_in_other_hands: impl Fn(&RuleName) -> bool,
    world: &SharedWorld,
    config: &Config,
) -> Option<String> {
    let met = world.lock().decided_by(packet);
    // Within one zone the default lets everything through.
    let Some(met) = met else { return (packet.from != packet.to).then(|| "the default rule".to_owned()) };
    let is_bottom = |rule: &RuleFacts| rule.name == config.bottom_rule;
    let bottom = running.rules.iter().position(is_bottom).unwrap_or(usize::MAX);
    let index = running.rules.iter().position(|rule| rule.name.as_str() == met.name)?;
    let is_allowed = met.action == "allow";
    let rule = &running.rules[index];
    let is_theirs = owned_name(rule, &config.owner).is_none() || is_in_other_hands(&rule.name);
    let is_their_decision = is_theirs && index < bottom;
    (!is_allowed && !is_their_decision).then_some(met.name)
}

#[cfg(test)]
mod tests {
    use drawbridge_simulator::script::Script;

    use crate::replay::{Medium, tell};

    #[track_caller]
    fn check(deeds: &str, expected: &str) {
        let setup = "cloud\nsg sg-web allow tcp/443 from 0.0.0.0/0\ninstance i-web 10.0.1.10 sg-web running\n\
                     firewall\nadmin alice\nadmin bob\nrule clean-up any -> any deny\n----\n";
        let script = Script::parse("story", &format!("{setup}\n{deeds}\n----\n")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let told = runtime.block_on(tell(&script, Medium::Direct));
        assert_eq!(told.map(|_| "settled".to_owned()).unwrap_or_else(|error| error.to_string()), expected);
    }

    #[test]
    fn what_is_left_to_be_done_is_told() {
        check("settled", "story:10: I5: still to be done: + tag drawbridge");
        check(
            "fault commit 1 kill before\nschedule\nsettled",
            "story:12: I10: what is in force differs from what was found right",
        );
        check("schedule\nsettled", "settled");
    }

    #[test]
    fn what_somebody_has_decided_is_no_failure() {
        check("schedule\nadmin alice edit sg-web-1 disabled yes\nadmin alice commit\nsettled", "settled");
        check("admin alice rule stop any -> any deny top\nadmin alice commit\nschedule\nsettled", "settled");
        check(
            "schedule\nadmin bob edit sg-web-1 source 198.51.100.0/24\nadmin alice edit sg-web-1 action deny\nadmin alice commit\n\
             schedule\nsettled",
            "settled",
        );
        check("admin alice delete clean-up\nsettled", "settled");
        // A revert while a commit is under way goes back to what is in force until then, where the rule is not.
        check(
            "fault poll 1 kill after\nschedule\nadmin alice edit sg-web-1 tag drawbridge\nadmin alice revert\ncalm\nwait 2m\nschedule\n\
             settled",
            "settled",
        );
    }
}
