//! What traffic a plan newly allows, and what it no longer allows: for people who are to agree to it, and for programs that
//! check it.
//!
//! Both are worked out by the proof: what a rule of ours says after the plan, less what was allowed for certain before, and
//! the other way round. What foreign rules above ours deny stays denied; the plan's reasons name these.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::AddressRange,
    allowed::{Cover, Packets},
    change::{Change, Direction, Spelling},
    config::Config,
    firewall::Status,
    id::{AppName, OwnedName, RuleName},
    plan::Plan,
    rulebase::{Policy, Rulebase},
    service::L4,
    wanted::Atom,
};

/// The difference that a plan makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Traffic that is allowed afterwards and was not before.
    pub newly_allowed: Vec<Flow>,
    /// Traffic that was allowed before and is not afterwards.
    pub no_longer_allowed: Vec<Flow>,
}

/// Traffic of one rule of ours: every address of one side with every address of the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// The rule of ours that allows it, or did.
    pub rule: OwnedName,
    /// Which way.
    pub direction: Direction,
    /// The instances' side.
    pub locals: BTreeSet<AddressRange>,
    /// The internet's side.
    pub peers: BTreeSet<AddressRange>,
    /// Protocol and ports.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

impl Effect {
    /// Compares the running configuration with what it becomes when the plan is carried out and committed.
    pub fn of(plan: &Plan, rulebase: &Rulebase<'_>, config: &Config) -> Self {
        let (before, after) = (allowing(rulebase), after(plan, rulebase));
        Self {
            newly_allowed: gained(&before, &after, rulebase, config),
            no_longer_allowed: gained(&after, &before, rulebase, config),
        }
    }
}

/// What rules of ours allow.
type Allowing = BTreeMap<OwnedName, Spelling>;

/// Rules of ours that allow what they say, as they run now. Below the bottom rule none does.
fn allowing(rulebase: &Rulebase<'_>) -> Allowing {
    let sunken = rulebase.running.sunken();
    let mut rules = right(&rulebase.running);
    rules.retain(|name, _| !sunken.contains(name));
    rules
}

/// Rules of ours that allow what they say, wherever they stand. Those that are under another's work count as foreign ones do.
fn right(policy: &Policy<'_>) -> Allowing {
    let right = policy.owned().filter(|rule| rule.state.allows_what_it_says());
    right.filter_map(|rule| Some((rule.name.clone(), rule.spelling.clone()?))).collect()
}

/// What rules of ours allow after the plan: those below the bottom rule as well that it lifts.
fn after(plan: &Plan, rulebase: &Rulebase<'_>) -> Allowing {
    let mut sunken = rulebase.candidate.sunken();
    let mut rules = right(&rulebase.candidate);
    for change in &plan.changes {
        match change {
            Change::Put(rule, _) if rule.status == Status::Enabled => {
                rules.insert(rule.name.clone(), rule.spelling.clone());
            }
            Change::Delete(name) => {
                rules.remove(name);
            }
            Change::Lift(name, _) => {
                sunken.remove(name);
            }
            Change::Put(..) | Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => {}
        }
    }
    rules.retain(|name, _| !sunken.contains(name));
    rules
}

/// What `now` allows and `then`, with everybody else's rules, does not.
fn gained(then: &Allowing, now: &Allowing, rulebase: &Rulebase<'_>, config: &Config) -> Vec<Flow> {
    let kept: Vec<(RuleName, Spelling)> =
        then.iter().map(|(name, spelling)| (name.rule_name(), spelling.clone())).collect();
    let mut cover = Cover::of(&rulebase.running, &kept, config);
    let changed = now.iter().filter(|(name, spelling)| then.get(*name) != Some(*spelling));
    changed
        .flat_map(|(name, spelling)| {
            let boxes: Vec<_> = atoms(spelling).flat_map(|atom| cover.rest(&atom)).collect();
            flows(name, boxes)
        })
        .collect()
}

/// Everything that a rule says, one address and peer at a time.
fn atoms(spelling: &Spelling) -> impl Iterator<Item = Atom> + '_ {
    let Spelling { direction, locals, peers, service } = spelling;
    locals.iter().flat_map(move |local| {
        let same_family = peers.iter().filter(move |peer| peer.family() == local.family());
        same_family.map(move |peer| Atom {
            direction: *direction,
            local: *local,
            peer: *peer,
            service: service.clone(),
        })
    })
}

/// Boxes put together where they differ in one side only.
fn flows(rule: &OwnedName, boxes: Vec<Packets>) -> Vec<Flow> {
    let mut by_peer: BTreeMap<_, BTreeSet<AddressRange>> = BTreeMap::new();
    for Packets { direction, local, peer, l4, app } in boxes {
        by_peer.entry((direction, l4, app, peer)).or_default().insert(local);
    }
    let mut by_locals: BTreeMap<_, BTreeSet<AddressRange>> = BTreeMap::new();
    for ((direction, l4, app, peer), locals) in by_peer {
        by_locals.entry((direction, l4, app, locals)).or_default().insert(peer);
    }
    let flow = |((direction, l4, app, locals), peers)| Flow { rule: rule.clone(), direction, locals, peers, l4, app };
    by_locals.into_iter().map(flow).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::{firewall::Configuration, plan::plan, sample};

    #[track_caller]
    fn check(inventory: &str, rules: &str, expected: &Expect) {
        check_in(&sample::config(), sample::configuration(rules), inventory, expected);
    }

    #[track_caller]
    fn check_in(config: &Config, configuration: Configuration, inventory: &str, expected: &Expect) {
        let firewall = sample::quiet(configuration);
        let rulebase = Rulebase::read(&firewall, config).unwrap();
        let plan = plan(&sample::inventory(inventory), &rulebase, config, &[]);
        let Effect { newly_allowed, no_longer_allowed } = Effect::of(&plan, &rulebase, config);
        let mut said = String::new();
        for (sign, flows) in [("+", newly_allowed), ("-", no_longer_allowed)] {
            for Flow { rule, locals, peers, l4, app, .. } in flows {
                let list = |ranges: &BTreeSet<AddressRange>| {
                    ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
                };
                let app = app.map_or_else(|| "any".to_owned(), |app| app.to_string());
                writeln!(said, "{sign} {rule}: {} -> {} {app} {l4}", list(&peers), list(&locals)).unwrap();
            }
        }
        expected.assert_eq(&said);
    }

    #[test]
    fn what_others_allow_is_not_new_and_what_nobody_else_allows_is_gone() {
        check(
            "i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n sg-web tcp/20-25 8.8.8.0/24\n sg-web tcp/443 0.0.0.0/0",
            "web any -> 10.0.1.0/24 tcp/22
             sg-web-1 9.9.9.9 -> 10.0.1.10 app:ssh app-default ours
             sg-web-2 any -> 10.0.1.10 app:mysql app-default ours",
            &expect![[r#"
                + sg-web-3: 8.8.8.0/24 -> 10.0.1.10,10.0.1.11 any tcp 20-21
                + sg-web-3: 8.8.8.0/24 -> 10.0.1.10,10.0.1.11 any tcp 23-25
                + sg-web-4: any -> 10.0.1.10,10.0.1.11 ssl tcp 443
                - sg-web-2: any -> 10.0.1.10 mysql tcp 3306
            "#]],
        );
    }

    #[test]
    fn a_rule_below_the_bottom_rule_allows_nothing_until_it_is_lifted() {
        let rules = "clean-up any -> any deny\n sg-web-1 any -> 10.0.1.10,10.0.1.99 app:ssl app-default ours";
        check(
            "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0",
            rules,
            &expect![[r#"
            + sg-web-1: any -> 10.0.1.10 ssl tcp 443
        "#]],
        );
        let right = rules.replace(",10.0.1.99", "");
        check(
            "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0",
            &right,
            &expect![[r#"
            + sg-web-1: any -> 10.0.1.10 ssl tcp 443
        "#]],
        );
        // What is deleted there has allowed nothing.
        check("i-1 10.0.1.10 sg-web", rules, &expect![[""]]);
    }

    #[test]
    fn a_rule_that_is_put_right_allows_from_then_on() {
        check(
            "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0",
            "sg-web-1 any -> 10.0.1.10,10.0.1.99 app:ssl app-default ours user",
            &expect![[r#"
                + sg-web-1: any -> 10.0.1.10 ssl tcp 443
            "#]],
        );
    }

    #[test]
    fn a_rule_with_other_profiles_or_another_way_to_write_its_service_allows_already() {
        let group: crate::id::ProfileName = "strict".parse().unwrap();
        let mut config = sample::config();
        let rules =
            "sg-web-1 any -> 10.0.1.10 app:ssl tcp/443 ours\n sg-old-1 any -> 10.0.1.10 app:ssh app-default ours";
        let expected = &expect![[r#"
            - sg-old-1: any -> 10.0.1.10 ssh tcp 22
        "#]];
        let mut configuration = sample::configuration(rules);
        check_in(&config, configuration.clone(), "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0", expected);
        config.profile_group = Some(group.clone());
        configuration.profile_groups.insert(group);
        check_in(&config, configuration, "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0", expected);
    }

    #[test]
    fn a_rule_that_is_wrong_otherwise_allows_nothing_for_certain() {
        for wrong in ["deny", "user", "interzone", "from:dmz"] {
            check(
                "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0",
                &format!("sg-web-1 any -> 10.0.1.10 app:ssl app-default ours {wrong}"),
                &expect![[r#"
                    + sg-web-1: any -> 10.0.1.10 ssl tcp 443
                "#]],
            );
        }
    }
}
