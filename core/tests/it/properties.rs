//! The invariants, each over worlds that dice have drawn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drawbridge_core::{
    address::AddressRange,
    allowed::{self, Cover, Verdict},
    change::{Change, Direction, Position, Spelling},
    firewall::{Action, Applications, Configuration, RuleFacts, RuleType, Services, Status, Zones},
    id::OwnedName,
    invariants::{Commit, Invariant, Violation, check},
    inventory::{Peer, Permission},
    limits::Withheld,
    plan::{Plan, plan},
    rulebase::{Owned, OwnedState, Rulebase, owned_name},
    service::Apps,
    wanted::{Atom, wanted},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngSeed, TestRunner},
};

use crate::{
    generate::{World, any_world, one_zone_world, shuffled, world},
    oracle::{self, Match, Packet, Reach},
};

/// The same worlds every time; `PROPTEST_CASES` draws more of them, `PROPTEST_RNG_SEED` others.
pub(crate) fn settings() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_160_401),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig { rng_seed, ..usual }
}

impl World {
    fn plan(&self) -> Plan {
        plan(&self.inventory, &self.rulebase(), &self.config, &self.causes)
    }

    fn after(&self, changes: &[Change]) -> Self {
        let mut after = self.clone();
        after.firewall.candidate = Arc::new(self.firewall.candidate.apply(changes));
        after
    }

    /// Looks and applies until nothing is left to change; then what a commit would make of it.
    fn settled(&self) -> (Self, Configuration) {
        let mut settled = self.clone();
        for _ in 0..10 {
            let plan = settled.plan();
            if plan.changes.is_empty() {
                let committed = settled.rulebase().committed(&settled.config);
                return (settled, committed);
            }
            settled = settled.after(&plan.changes);
        }
        panic!("still not settled: {:?}", settled.plan().changes);
    }

    fn violations(&self, after: &Configuration, withheld: &[Withheld]) -> Vec<Violation> {
        let (before, inventory, config) = (&self.firewall, &self.inventory, &self.config);
        check(&Commit { before, after, inventory, config, withheld })
    }

    fn is_owned(&self, rule: &RuleFacts) -> bool {
        owned_name(rule, &self.config.owner).is_some()
    }
}

fn told(found: &[Violation]) -> String {
    found.iter().map(|violation| format!("{violation}\n")).collect()
}

proptest! {
    #![proptest_config(settings())]

    /// I1, I2, I3, I8 and I9, as the crate's own judge sees them.
    #[test]
    fn i1_i2_i3_i8_i9_hold_for_every_commit(world in any_world()) {
        let (settled, after) = world.settled();
        let withheld = settled.plan().withheld;
        let found = settled.violations(&after, &withheld);
        prop_assert!(found.is_empty(), "{}", told(&found));
    }

    #[test]
    fn i1_the_candidate_keeps_what_others_do_in_it(world in any_world()) {
        let (settled, _) = world.settled();
        let foreign = |configuration: &Configuration| {
            let rules = configuration.rules.iter().filter(|rule| !world.is_owned(rule));
            rules.cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(foreign(&world.firewall.candidate), foreign(&settled.firewall.candidate));
    }

    #[test]
    fn i3_no_owned_rule_admits_what_no_group_admits(world in world()) {
        let (settled, after) = world.settled();
        let rulebase = settled.rulebase();
        let held: Vec<_> = rulebase.held().map(OwnedName::rule_name).collect();
        let answerable = |rule: &&RuleFacts| {
            world.is_owned(rule) && rule.action == Action::Allow && !held.contains(&rule.name)
        };
        let packets = oracle::packets();
        for rule in after.rules.iter().filter(answerable) {
            for packet in packets.iter().filter(|packet| oracle::matches(rule, packet) != Match::No) {
                let admitted = oracle::admitted(&world.inventory, &world.config, packet);
                prop_assert!(admitted, "`{}` admits {packet}", rule.name);
            }
        }
    }

    #[test]
    fn i4_every_wanted_atom_is_allowed_unless_somebody_else_decides_otherwise(world in world()) {
        let (settled, after) = world.settled();
        let rulebase = settled.rulebase();
        let wanted = wanted(&world.inventory, &world.firewall.running.nat, &world.config);
        let packets = oracle::packets();
        for atom in wanted.atoms.keys() {
            let excused = rulebase.candidate.owned().any(|rule| {
                matches!(rule.state, OwnedState::Disabled | OwnedState::Held(_))
                    && rule.spelling.as_ref().is_some_and(|said| {
                        said.service == atom.service && said.locals.contains(&atom.local) && said.peers.contains(&atom.peer)
                    })
            });
            // Somebody has yet to commit or revert; until then nobody can say what stands.
            if excused || rulebase.held().next().is_some() {
                continue;
            }
            for packet in packets.iter().filter(|packet| is_of(atom, packet)) {
                for configuration in [&after, &*settled.firewall.candidate] {
                    let decided = oracle::verdict(configuration.rules.iter().chain(&configuration.default_rules), packet);
                    let right = decided.is_some_and(|rule| rule.action == Action::Allow || blocks_above(&world, configuration, rule));
                    prop_assert!(right, "{atom}: {packet} is decided by {:?}", decided.map(|rule| &rule.name));
                }
            }
        }
    }

    /// Which way a packet goes does not matter there: a rule for what comes in here is one for what goes out there.
    #[test]
    fn i4_within_one_zone_every_wanted_atom_is_allowed(world in one_zone_world()) {
        let (settled, after) = world.settled();
        let rulebase = settled.rulebase();
        let mut ours = rulebase.candidate.owned();
        if rulebase.held().next().is_some() || ours.any(|rule| rule.state == OwnedState::Disabled) {
            return Ok(());
        }
        let rules: Vec<_> = after.rules.iter().chain(&after.default_rules).filter_map(as_between_zones).collect();
        for atom in wanted(&world.inventory, &world.firewall.running.nat, &world.config).atoms.keys() {
            for packet in corners(atom) {
                let mut allowing = rules.iter().filter(|rule| rule.action == Action::Allow);
                let allowed = allowing.any(|rule| oracle::matches(rule, &packet) == Match::Yes);
                prop_assert!(allowed, "{atom}: nothing allows {packet}");
            }
        }
    }

    #[test]
    fn i5_planning_right_after_applying_finds_nothing(world in any_world()) {
        let plan = world.plan();
        let applied = world.after(&plan.changes);
        let again = applied.plan();
        prop_assert!(again.changes.is_empty(), "{:#?}\nthen {:#?}", plan.changes, again.changes);
        let predicted = world.rulebase().candidate.digest_after(&plan.changes);
        prop_assert_eq!(applied.rulebase().candidate.digest_after(&[]), predicted);
    }

    /// After the commit nothing is left, unless it is in somebody else's hands.
    #[test]
    fn i10_after_the_commit_nothing_differs(world in any_world()) {
        let (mut settled, after) = world.settled();
        let held = settled.rulebase().held().next().is_some();
        settled.firewall.running = Arc::new(after);
        let plan = settled.plan();
        prop_assert!(plan.changes.is_empty(), "{:#?}", plan.changes);
        prop_assert!(held || !plan.commit);
    }

    #[test]
    fn i6_a_shuffled_inventory_gives_the_same_plan(
        (world, other) in any_world().prop_flat_map(|world| { let other = shuffled(&world.inventory); (Just(world), other) })
    ) {
        let plan = world.plan();
        let shuffled = World { inventory: other, ..world };
        prop_assert_eq!(plan, shuffled.plan());
    }

    /// Whatever a rule that was written half way through lets through, a security group admits.
    #[test]
    fn i7_cutting_the_transactions_anywhere_leaves_i1_and_i3_true(world in any_world()) {
        let changes = world.plan().changes;
        let withheld: Vec<_> = world.plan().withheld;
        let stood = |name: &str| changes.iter().any(|change| {
            matches!(change, Change::Delete(_) | Change::Lift(..)) && change.rule().is_some_and(|rule| rule.to_string() == name)
        });
        for cut in 0..=changes.len() {
            let world = world.after(&changes[..cut]);
            let after = world.rulebase().committed(&world.config);
            let found = world.violations(&after, &withheld);
            let written: Vec<_> = changes[..cut].iter().filter_map(Change::rule).map(ToString::to_string).collect();
            let broken: Vec<_> = found.into_iter().filter(|violation| match violation.invariant {
                Invariant::I1 | Invariant::I8 | Invariant::I9 => true,
                Invariant::I2 => false,
                Invariant::I3 => written.iter().any(|name| violation.what.contains(&format!("`{name}`")) && !stood(name)),
            }).collect();
            prop_assert!(broken.is_empty(), "cut at {cut}: {}", told(&broken));
        }
    }

    #[test]
    fn i8_names_are_unique_and_new(world in any_world()) {
        let (settled, _) = world.settled();
        let mut names: Vec<_> = settled.firewall.candidate.rules.iter().map(|rule| &rule.name).collect();
        names.sort_unstable();
        let number = names.len();
        names.dedup();
        prop_assert_eq!(number, names.len());
        for change in world.plan().changes {
            if let Change::Put(rule, Position::Above(_)) = change {
                let taken = [&world.firewall.candidate, &world.firewall.running];
                let taken = taken.iter().any(|c| c.rules.iter().any(|held| held.name == rule.name.rule_name()));
                prop_assert!(!taken, "{} is in use", rule.name);
                prop_assert!(rule.name.to_string().len() <= 63);
            }
        }
    }

    /// What is wanted is what a person would read out of the inventory: no less, no more.
    #[test]
    fn wanted_is_what_a_naive_reader_finds(world in world()) {
        let wanted = wanted(&world.inventory, &world.firewall.running.nat, &world.config);
        for atom in wanted.atoms.keys() {
            for packet in oracle::packets().iter().filter(|packet| is_of(atom, packet)) {
                prop_assert!(!oracle::is_never_opened(&world.config, packet), "{packet} is never opened");
                // Interfaces of several VPCs may have the address: all of them want it, and none of them is in doubt.
                let mut by_vpc: BTreeMap<_, bool> = BTreeMap::new();
                for (interface, reach) in oracle::reached(&world.inventory, &world.config, packet.local) {
                    let permit = || oracle::groups_permit(&world.inventory, &world.config, &interface.groups, packet);
                    if reach == Reach::Yes {
                        *by_vpc.entry(&interface.vpc).or_default() |= permit() == Some(true);
                    }
                    prop_assert!(reach == Reach::No || permit().is_some(), "{packet} is in doubt");
                    prop_assert!(reach != Reach::Unknown, "{packet} is in doubt");
                }
                prop_assert!(!by_vpc.is_empty() && by_vpc.values().all(|wants| *wants), "{packet} is not admitted");
            }
        }
        // Security groups know no applications: one packet for each port is enough.
        for packet in oracle::packets().iter().filter(|packet| !oracle::APPS[1..].contains(&packet.app)) {
            let by_l4 = |atom: &Atom| {
                oracle::holds(&atom.local, packet.local)
                    && oracle::holds(&atom.peer, packet.peer)
                    && oracle::carries(&atom.service.l4, packet)
            };
            if is_plainly_wanted(&world, packet) {
                prop_assert!(wanted.atoms.keys().any(by_l4), "{packet} is not wanted");
            }
        }
    }

    /// What nobody can tell stays as it is.
    #[test]
    fn addresses_in_doubt_keep_what_they_have(world in world()) {
        let in_doubt = |local: &AddressRange| {
            oracle::reached(&world.inventory, &world.config, local.first().into()).any(|(interface, reach)| {
                let nothing = Packet { peer: local.first().into(), local: local.first().into(), protocol: 0, port: 0, app: "other" };
                let unread = || oracle::groups_permit(&world.inventory, &world.config, &interface.groups, &nothing).is_none();
                reach == Reach::Unknown || reach == Reach::Yes && unread()
            })
        };
        let changes = world.plan().changes;
        let rulebase = world.rulebase();
        // What somebody has closed, or what is not in force yet, is not opened for them.
        let sunken = rulebase.running.sunken();
        let is_open = |rule: &&Owned<'_>| {
            let mut in_force = rulebase.running.owned().filter(|held| held.name == rule.name);
            in_force.any(|held| held.state == OwnedState::Right && !sunken.contains(&held.name))
        };
        for rule in rulebase.candidate.owned().filter(is_open) {
            let Some(said) = &rule.spelling else { continue };
            let doubtful: Vec<_> = said.locals.iter().filter(|local| in_doubt(local)).collect();
            for change in changes.iter().filter(|change| change.rule() == Some(&rule.name)) {
                match change {
                    Change::Put(left, _) => prop_assert!(doubtful.iter().all(|local| left.spelling.locals.contains(local))),
                    Change::Delete(name) => prop_assert!(doubtful.is_empty(), "{name} held {doubtful:?}"),
                    Change::Tag(_) | Change::Service(_) | Change::Lift(..) | Change::Drop(_) | Change::Adopt(_) => {}
                }
            }
        }
    }

    /// Rules of ours do not matter here: they are given apart.
    #[test]
    fn the_proof_is_right_about_every_packet(world in world()) {
        let rulebase = world.rulebase();
        let mut cover = Cover::of(&rulebase.candidate, &[], &world.config);
        let packets = oracle::packets();
        for atom in wanted(&world.inventory, &world.firewall.running.nat, &world.config).atoms.keys() {
            let verdict = cover.verdict(atom);
            let certain = packets.iter().filter(|packet| is_of(atom, packet)).all(|packet| {
                is_certainly_allowed(&world, &rulebase, atom, packet)
            });
            match verdict {
                Verdict::Allowed(by) => prop_assert!(certain, "{atom} is not allowed by {by:?}"),
                Verdict::Gap(gap) => {
                    let packet = as_packet(&gap, atom);
                    let certain = is_certainly_allowed(&world, &rulebase, atom, &packet);
                    prop_assert!(!certain, "{atom}: {gap} is no gap");
                }
            }
        }
    }
}

/// A rule that speaks of traffic within the one zone, as the oracle reads rules between two.
fn as_between_zones(rule: &RuleFacts) -> Option<RuleFacts> {
    let zone = "trust".parse().unwrap();
    let within = rule.rule_type != RuleType::Interzone && rule.from.include(&zone) && rule.to.include(&zone);
    within.then(|| RuleFacts { rule_type: RuleType::Universal, from: Zones::Any, to: Zones::Any, ..rule.clone() })
}

/// An atom's first and last packet, from source to destination: to the oracle the first is always the peer.
fn corners(atom: &Atom) -> [Packet; 2] {
    let (source, destination) = match atom.direction {
        Direction::Ingress => (atom.peer, atom.local),
        Direction::Egress => (atom.local, atom.peer),
    };
    let app = match &atom.service.apps {
        Apps::Any => None,
        Apps::Named(names) => names.first().cloned(),
    };
    [false, true].map(|last| {
        let end = |range: AddressRange| if last { range.last() } else { range.first() };
        let (l4, app) = (atom.service.l4, app.clone());
        let (local, peer) = (end(destination), end(source));
        as_packet(&allowed::Packet { direction: Direction::Ingress, local, peer, l4, app }, atom)
    })
}

/// Whether a packet is one of an atom's.
pub(crate) fn is_of(atom: &Atom, packet: &Packet) -> bool {
    let app = match &atom.service.apps {
        Apps::Any => true,
        Apps::Named(names) => names.iter().any(|name| name.as_str() == packet.app),
    };
    app && oracle::holds(&atom.local, packet.local)
        && oracle::holds(&atom.peer, packet.peer)
        && oracle::carries(&atom.service.l4, packet)
}

/// A foreign rule above the bottom rule decides: ours takes effect when it goes.
fn blocks_above(world: &World, configuration: &Configuration, rule: &RuleFacts) -> bool {
    let bottom = configuration.rules.iter().position(|rule| rule.name == world.config.bottom_rule);
    let above = &configuration.rules[..bottom.unwrap_or_default()];
    !world.is_owned(rule) && above.iter().any(|held| std::ptr::eq(held, rule))
}

/// Wanted beyond dispute: one VPC, nothing in doubt, a peer outside, a service that a rule can say.
fn is_plainly_wanted(world: &World, packet: &Packet) -> bool {
    let World { inventory, config, .. } = world;
    // A permission for all protocols loses all of itself to one port: plain is only what nothing is taken from.
    if config.never_open.listed().next().is_some() {
        return false;
    }
    let here: Vec<_> =
        oracle::reached(inventory, config, packet.local).filter(|(_, reach)| *reach != Reach::No).collect();
    let [(first, _), ..] = here[..] else { return false };
    let clear = here.iter().all(|(interface, reach)| {
        *reach == Reach::Yes
            && interface.vpc == first.vpc
            && oracle::groups_permit(inventory, config, &interface.groups, packet).is_some()
    });
    let whole = |ranges: &[AddressRange]| {
        let inside = crate::generate::inside(inventory, config, first);
        ranges.iter().any(|range| oracle::holds(range, packet.peer) && !inside.contains(*range))
    };
    let outside = |permission: &Permission| match &permission.peer {
        Peer::Addresses(range) => whole(std::slice::from_ref(range)),
        Peer::PrefixList(list) => inventory.prefix_lists.get(list).is_some_and(|entries| whole(entries)),
        Peer::Group(_) => false,
    };
    let permissions =
        here.iter().flat_map(|(interface, _)| &interface.groups).filter_map(|id| inventory.groups.get(id));
    let mut permitting = permissions.flat_map(|group| &group.ingress).filter(|permission| {
        oracle::permits(inventory, config, permission, packet) == Some(true)
            && config.translation.service(&permission.traffic).is_ok()
    });
    clear && permitting.any(outside)
}

/// Above the bottom rule an allow counts wherever it stands; below it, until something might deny a packet of the atom.
pub(crate) fn is_certainly_allowed(world: &World, rulebase: &Rulebase<'_>, atom: &Atom, packet: &Packet) -> bool {
    let held = |rule: &RuleFacts| rulebase.held().any(|name| name.rule_name() == rule.name);
    let counts = |rule: &&RuleFacts| !world.is_owned(rule) || held(rule);
    let allows = |rule: &RuleFacts| rule.action == Action::Allow && oracle::matches(rule, packet) == Match::Yes;
    let policy = &rulebase.candidate;
    let rules = &policy.configuration.rules;
    let deleted = policy.deleted.iter().copied();
    if rules[..policy.bottom].iter().filter(counts).chain(deleted).any(allows) {
        return true;
    }
    let lower = rules[policy.bottom..].iter().filter(counts).chain(&policy.configuration.default_rules);
    let packets = oracle::packets();
    for rule in lower.filter(|rule| rule.status == Status::Enabled) {
        if rule.action == Action::Deny {
            // What a deny means by an application's default ports is not asked, nor which application an atom of any will
            // turn out to be.
            let service =
                if rule.service == Services::ApplicationDefault { Services::Any } else { rule.service.clone() };
            let applications = if atom.service.apps == Apps::Any { &Applications::Any } else { &rule.applications };
            let rule = RuleFacts { service, applications: applications.clone(), ..rule.clone() };
            let might_deny = |packet: &Packet| is_of(atom, packet) && oracle::matches(&rule, packet) != Match::No;
            if packets.iter().any(might_deny) {
                return false;
            }
        } else if allows(rule) {
            return true;
        }
    }
    false
}

/// The evidence as the oracle takes it.
fn as_packet(gap: &allowed::Packet, atom: &Atom) -> Packet {
    use drawbridge_core::service::L4;
    let known = |name: &str| oracle::packets().iter().map(|packet| packet.app).find(|app| *app == name);
    let (protocol, port, fallback) = match (gap.l4, atom.service.l4) {
        (L4::Tcp(port), _) => (6, port.first(), "other"),
        (L4::Udp(port), _) => (17, port.first(), "other"),
        (L4::Ip(1), _) => (1, 0, "icmp"),
        (L4::Ip(number), _) => (number, 0, "other"),
        (L4::Any, _) => (132, 0, "other"),
    };
    let app = gap.app.as_ref().and_then(|app| known(app.as_str())).unwrap_or(fallback);
    let port = if app == "ping" { 8 } else { port };
    Packet { peer: gap.peer.into(), local: gap.local.into(), protocol, port, app }
}

/// Whether a rule of ours lets through what an atom of each direction calls for.
fn has_a_rule_of_two_readings(world: &World) -> bool {
    let atoms = wanted(&world.inventory, &world.firewall.running.nat, &world.config).atoms;
    let is_wanted = |said: &Spelling| {
        let says = |atom: &Atom| said.locals.contains(&atom.local) && said.peers.contains(&atom.peer);
        atoms.keys().any(|atom| atom.direction == said.direction && atom.service == said.service && says(atom))
    };
    let (settled, _) = world.settled();
    settled.rulebase().candidate.owned().any(|rule| rule.spellings().filter(|said| is_wanted(said)).count() == 2)
}

#[test]
fn the_dice_draw_rules_of_two_readings() {
    let mut runner = TestRunner::new(settings());
    let worlds = (0..200).map(|_| one_zone_world().new_tree(&mut runner).unwrap().current());
    let number = worlds.filter(has_a_rule_of_two_readings).count();
    assert!(number >= 8, "{number}");
}

/// Properties are worth something only if the worlds are varied.
#[test]
fn the_dice_draw_worlds_worth_looking_at() {
    let mut runner = TestRunner::new(settings());
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    for _ in 0..300 {
        let plan = world().new_tree(&mut runner).unwrap().current().plan();
        let kind = |change: &Change| match change {
            Change::Tag(_) => "tag",
            Change::Service(_) => "service",
            Change::Put(_, Position::Above(_)) => "new rule",
            Change::Put(_, Position::InPlace) => "rewritten rule",
            Change::Lift(..) => "lifted rule",
            Change::Delete(_) => "deleted rule",
            Change::Drop(_) => "deleted object",
            Change::Adopt(_) => "adopted rule",
        };
        let kinds: BTreeSet<_> = plan.changes.iter().map(kind).collect();
        let others = [(plan.changes.is_empty(), "in sync"), (!plan.notes.is_empty(), "note"), (plan.commit, "commit")];
        for kind in kinds.into_iter().chain(others.iter().filter(|(is, _)| *is).map(|(_, kind)| *kind)) {
            *seen.entry(kind).or_default() += 1;
        }
    }
    assert!(seen.len() == 9 && seen.values().all(|number| *number >= 5), "{seen:?}");
}
