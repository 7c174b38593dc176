//! The promises of a commit, judged by code that shares nothing with the code that plans: packets are boxes here, and a
//! rule's boxes minus those that security groups admit must leave nothing. The numbers are explained in the crate's
//! documentation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    change::Direction,
    config::Config,
    firewall::{Action, Addresses, Configuration, Firewall, Place, RuleFacts, Status},
    id::{AppName, RuleName},
    inventory::Inventory,
    limits::Withheld,
    rulebase::{Others, owned_name},
};

use self::packets::{Admitted, Packets, boxes, is_no_wider, ways};

mod packets;

/// One commit of ours, R to R'.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The firewall directly before it: the running configuration is R.
    pub before: &'a Firewall,
    /// R'.
    pub after: &'a Configuration,
    /// The inventory that the run last looked at.
    pub inventory: &'a Inventory,
    /// The settings.
    pub config: &'a Config,
    /// What mode, limits and the firewall's own validation kept from being changed: those rules are not judged by what
    /// they admit or where they stand.
    pub withheld: &'a [Withheld],
}

/// What a commit must keep true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No foreign rule or object differs between R and R', in content or relative order.
    I1,
    /// Every owned rule in R' stands above the bottom rule.
    I2,
    /// No owned rule in R' admits a packet that no security group of an exposed or doubtful interface admits, or that is
    /// never opened.
    I3,
    /// Names are unique, and new ones never reuse a name in use. (That none is too long is a matter of types.)
    I8,
    /// Nothing that another administrator left uncommitted is committed.
    I9,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Everything that is wrong with a commit, in the order of the numbers.
pub fn check(commit: &Commit<'_>) -> Vec<Violation> {
    let judge = Judge::of(commit);
    let mut found = Vec::new();
    let mut add = |invariant, broken: Vec<String>| {
        found.extend(broken.into_iter().map(|what| Violation { invariant, what }));
    };
    add(Invariant::I1, judge.foreign_rules().into_iter().chain(judge.foreign_objects()).collect());
    add(Invariant::I2, judge.sunken_rules());
    add(Invariant::I3, judge.unwanted_packets());
    add(Invariant::I8, judge.names());
    add(Invariant::I9, judge.held_rules());
    found
}

/// A commit with what is looked up often.
struct Judge<'a> {
    commit: &'a Commit<'a>,
    others: Others<'a>,
    withheld: BTreeSet<RuleName>,
}

impl<'a> Judge<'a> {
    fn of(commit: &'a Commit<'a>) -> Self {
        let us = commit.config.admin.as_ref().or(commit.before.admin.as_ref());
        let withheld = commit.withheld.iter().filter_map(|withheld| withheld.change.rule());
        Self {
            commit,
            others: Others::of(commit.before, us),
            withheld: withheld.map(|name| name.rule_name()).collect(),
        }
    }

    fn is_ours(&self, rule: &RuleFacts) -> bool {
        owned_name(rule, &self.commit.config.owner).is_some()
    }

    /// Our rules in R' that must be as wanted, with their index.
    fn answerable(&self) -> impl Iterator<Item = (usize, &'a RuleFacts)> + '_ {
        self.commit.after.rules.iter().enumerate().filter(|(_, rule)| {
            self.is_ours(rule) && rule.status == Status::Enabled && self.others.holder(&rule.name).is_none()
        })
    }

    /// Whether the rule says no more than it did in force: what is withheld may stay, and must not come into force.
    fn stays(&self, rule: &RuleFacts) -> bool {
        let before = self.commit.before.running.rules.iter().find(|before| before.name == rule.name);
        before.is_some_and(|before| {
            let (mut before, rule) = (bare(before), bare(rule));
            let columns = [(&rule.source, &mut before.source), (&rule.destination, &mut before.destination)];
            columns.into_iter().for_each(|(now, then)| {
                if is_within(now, then) {
                    then.clone_from(now);
                }
            });
            // The same ports in other words, such as the application's own instead of any.
            if is_no_wider((&rule, self.commit.after), (&before, &self.commit.before.running)) {
                before.service.clone_from(&rule.service);
            }
            // Other profiles let the same packets through.
            before.profiles.clone_from(&rule.profiles);
            before == rule
        })
    }

    fn was_sunken(&self, rule: &RuleFacts) -> bool {
        let below =
            self.commit.before.running.rules.iter().skip_while(|rule| rule.name != self.commit.config.bottom_rule);
        below.into_iter().any(|before| before.name == rule.name)
    }

    fn foreign_rules(&self) -> Vec<String> {
        let [before, after] = [&*self.commit.before.running, self.commit.after].map(|configuration| {
            let rules = configuration.rules.iter().filter(|rule| !self.is_ours(rule));
            rules.chain(&configuration.default_rules).map(bare).collect::<Vec<_>>()
        });
        let lacks = |rules: &[RuleFacts], wanted: &RuleFacts| {
            !rules.iter().any(|rule| rule.place == wanted.place && rule.name == wanted.name)
        };
        let gone = before.iter().filter(|rule| lacks(&after, rule)).map(|rule| format!("`{}` is gone", rule.name));
        let new = after.iter().filter(|rule| lacks(&before, rule)).map(|rule| format!("`{}` is new", rule.name));
        let changed = before.iter().filter(|rule| !lacks(&after, rule) && !after.contains(rule));
        let changed = changed.map(|rule| format!("`{}` has changed", rule.name));
        let mut found: Vec<_> = gone.chain(new).chain(changed).collect();
        if found.is_empty() && before != after {
            found.push("foreign rules stand in another order".to_owned());
        }
        found
    }

    fn foreign_objects(&self) -> Vec<String> {
        let owner = &self.commit.config.owner;
        let [before, after] = [&*self.commit.before.running, self.commit.after].map(|configuration| {
            let objects = configuration.services.iter().filter(|(_, object)| !object.tags.contains(owner));
            objects.map(|(name, object)| (name, (&object.l4, &object.tags))).collect::<BTreeMap<_, _>>()
        });
        let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let objects = names.into_iter().filter(|name| before.get(name) != after.get(name));
        let objects = objects.map(|name| format!("service object `{name}` has changed"));
        let tags = |configuration: &'a Configuration| {
            configuration.tags.keys().filter(|tag| *tag != owner).collect::<BTreeSet<_>>()
        };
        let (before, after) = (tags(&self.commit.before.running), tags(self.commit.after));
        let tags = before.symmetric_difference(&after).map(|tag| format!("tag `{tag}` has changed"));
        objects.chain(tags).collect()
    }

    fn sunken_rules(&self) -> Vec<String> {
        let is_bottom = |rule: &RuleFacts| rule.place == Place::Local && rule.name == self.commit.config.bottom_rule;
        let bottom = self.commit.after.rules.iter().position(is_bottom).unwrap_or(usize::MAX);
        let is_left = |rule: &RuleFacts| self.withheld.contains(&rule.name) && self.was_sunken(rule);
        let sunken = self.answerable().filter(|(index, rule)| *index > bottom && !is_left(rule));
        sunken.map(|(_, rule)| format!("`{}` stands below the bottom rule", rule.name)).collect()
    }

    fn unwanted_packets(&self) -> Vec<String> {
        let Commit { inventory, config, before, .. } = self.commit;
        let admitted = Admitted::of(inventory, &before.running.nat, config);
        let is_left = |rule: &RuleFacts| self.withheld.contains(&rule.name) && self.stays(rule);
        let allowing = self.answerable().filter(|(_, rule)| rule.action == Action::Allow && !is_left(rule));
        allowing.filter_map(|(_, rule)| self.too_much(rule, &admitted)).collect()
    }

    /// What a rule of ours admits and no security group does, in words. Where zones do not tell which way it goes, it is
    /// enough that a packet is admitted one way.
    fn too_much(&self, rule: &RuleFacts, admitted: &Admitted<'_>) -> Option<String> {
        let ways = ways(rule, self.commit.config);
        let Some(first) = ways.first() else {
            return Some(format!("`{}` admits traffic of other zones", rule.name));
        };
        let readings = ways.iter().map(|way| boxes(rule, self.commit.after, *way)).collect::<Option<Vec<_>>>();
        let Some(readings) = readings else {
            return Some(format!("nobody can tell what `{}` admits", rule.name));
        };
        let never = |(way, boxes): (&Direction, &Vec<(Option<AppName>, Packets)>)| {
            let (_, packets) = boxes.iter().find(|(_, packets)| packets.meets(&self.commit.config.never_open))?;
            Some(format!("`{}` admits {}, part of which is never opened", rule.name, packets.shown(*way)))
        };
        let rest = |(app, packets): (Option<AppName>, Packets)| {
            let rest = admitted.rest(&ways, packets, app.as_ref())?;
            let app = app.map_or_else(String::new, |app| format!(" ({app})"));
            Some(format!("`{}` admits {}{app}, which no security group does", rule.name, rest.shown(*first)))
        };
        let opened = ways.iter().zip(&readings).find_map(never);
        opened.or_else(|| readings.into_iter().next()?.into_iter().find_map(rest))
    }

    fn names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let after = &self.commit.after.rules;
        let twice = after.iter().map(|rule| &rule.name).filter(|name| !seen.insert(*name));
        let twice = twice.map(|name| format!("two rules are named `{name}`")).collect::<Vec<_>>();
        let Firewall { running, candidate, .. } = self.commit.before;
        let were_ours: BTreeSet<_> =
            running.rules.iter().filter(|rule| self.is_ours(rule)).map(|rule| &rule.name).collect();
        let foreign = running.rules.iter().chain(&candidate.rules).filter(|rule| !self.is_ours(rule));
        let foreign: BTreeSet<_> = foreign.map(|rule| &rule.name).collect();
        let new = after.iter().filter(|rule| self.is_ours(rule) && !were_ours.contains(&rule.name));
        let reused = new.filter(|rule| foreign.contains(&rule.name));
        twice.into_iter().chain(reused.map(|rule| format!("`{}` reuses a foreign rule's name", rule.name))).collect()
    }

    fn held_rules(&self) -> Vec<String> {
        let [before, after] = [&*self.commit.before.running, self.commit.after].map(|configuration| {
            let held = configuration.rules.iter().filter(|rule| self.is_ours(rule));
            let held = held.filter(|rule| self.others.holder(&rule.name).is_some());
            held.map(|rule| (&rule.name, bare(rule))).collect::<BTreeMap<_, _>>()
        });
        let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let changed = names.into_iter().filter(|name| before.get(name) != after.get(name));
        changed.map(|name| format!("`{name}` has uncommitted work of another administrator")).collect()
    }
}

/// Whether every address of one column is in the other.
fn is_within(now: &Addresses, then: &Addresses) -> bool {
    match (now, then) {
        (Addresses::Known { listed, .. }, Addresses::Known { set, .. }) => {
            listed.iter().all(|range| set.contains(*range))
        }
        (Addresses::Known { .. } | Addresses::Unknown, _) => false,
    }
}

/// A rule without its dirty marks: they come and go without a commit of ours.
fn bare(rule: &RuleFacts) -> RuleFacts {
    RuleFacts { touched_by: BTreeSet::new(), ..rule.clone() }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{change::Change, id::OwnedName, limits::Hindrance, never::Never, sample};

    const WEB: &str = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web icmp/8 8.8.8.0/24";
    const BEFORE: &str = "web any -> 10.0.1.0/24 tcp/80\n sg-web-1 any -> 10.0.1.10 app:ssl app-default ours
        clean-up any -> any deny\n last any -> any deny";

    #[track_caller]
    fn check(candidate: &str, after: &str, inventory: &str, expected: &Expect) {
        let mut before = sample::quiet(sample::configuration(BEFORE));
        before.candidate = sample::configuration(candidate).into();
        let commit = Commit {
            before: &before,
            after: &sample::configuration(after),
            inventory: &sample::inventory(inventory),
            config: &sample::config(),
            withheld: &[],
        };
        let said: String = super::check(&commit).iter().map(|violation| format!("{violation}\n")).collect();
        expected.assert_eq(&said);
    }

    #[test]
    fn a_commit_that_changes_nothing_keeps_every_promise() {
        check(BEFORE, BEFORE, WEB, &expect![[""]]);
    }

    #[test]
    fn foreign_rules_and_objects_stay_as_they_are() {
        let after = "web any -> 10.0.1.0/24 udp/80\n more any -> any\n clean-up any -> any deny";
        check(
            BEFORE,
            after,
            WEB,
            &expect![[r#"
                I1: `last` is gone
                I1: `more` is new
                I1: `web` has changed
                I1: service object `svc_tcp_80` has changed
                I1: service object `svc_udp_80` has changed
            "#]],
        );
        let after = "clean-up any -> any deny\n web any -> 10.0.1.0/24 tcp/80\n last any -> any deny";
        check(
            BEFORE,
            after,
            WEB,
            &expect![[r#"
            I1: foreign rules stand in another order
        "#]],
        );
    }

    #[test]
    fn rules_of_ours_stand_above_the_bottom_rule_unless_somebody_has_disabled_them() {
        let after = format!("{BEFORE}\n sg-web-2 any -> 10.0.1.10 app:ssl app-default ours");
        check(
            BEFORE,
            &after,
            WEB,
            &expect![[r#"
            I2: `sg-web-2` stands below the bottom rule
        "#]],
        );
        check(BEFORE, &format!("{after} disabled"), WEB, &expect![[""]]);
    }

    #[test]
    fn rules_of_ours_admit_what_security_groups_admit() {
        let with = |rule: &str| BEFORE.replace("clean-up", &format!("sg-web-2 {rule} ours\n clean-up"));
        let wide = |rule: &str, expected: &Expect| check(BEFORE, &with(rule), WEB, expected);
        wide("8.8.8.0/25 -> 10.0.1.10 app:ping app-default", &expect![[""]]);
        wide(
            "8.8.8.0/25 -> 10.0.1.10 app:icmp app-default",
            &expect![[r#"
            I3: `sg-web-2` admits 8.8.8.0/25 -> 10.0.1.10 protocol 1 port 0 (icmp), which no security group does
        "#]],
        );
        wide(
            "any -> 10.0.1.10-10.0.1.11 app:ssl app-default",
            &expect![[r#"
            I3: `sg-web-2` admits any -> 10.0.1.11 protocol 6 port 443 (ssl), which no security group does
        "#]],
        );
        wide(
            "any -> 10.0.1.10 app:ssl",
            &expect![[r#"
            I3: `sg-web-2` admits any -> 10.0.1.10 protocol 0 port 0 (ssl), which no security group does
        "#]],
        );
        wide(
            "any -> 10.0.1.10 app:ssl app-default to:any",
            &expect![[r#"
            I3: `sg-web-2` admits traffic of other zones
        "#]],
        );
        wide(
            "any -> 10.0.1.10 app-default",
            &expect![[r#"
            I3: nobody can tell what `sg-web-2` admits
        "#]],
        );
        let config =
            Config { never_open: ["tcp/443".parse::<Never>().unwrap()].into_iter().collect(), ..sample::config() };
        let commit = Commit {
            before: &sample::quiet(sample::configuration(BEFORE)),
            after: &sample::configuration(BEFORE),
            inventory: &sample::inventory(WEB),
            config: &config,
            withheld: &[],
        };
        let said: Vec<_> = super::check(&commit).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["I3: `sg-web-1` admits any -> 10.0.1.10 protocol 6 port 443, part of which is never opened"]);
        // A group that cannot be read leaves everything open.
        let mut inventory = sample::inventory(WEB);
        inventory.groups.clear();
        let commit = Commit {
            before: &sample::quiet(sample::configuration(BEFORE)),
            after: &sample::configuration(&with("any -> 10.0.1.10")),
            inventory: &inventory,
            config: &sample::config(),
            withheld: &[],
        };
        assert_eq!(super::check(&commit), []);
    }

    #[test]
    fn what_is_withheld_may_stay_as_it_was_in_force_and_become_no_more() {
        let with = |rule: &str| BEFORE.replace("clean-up", &format!("sg-web-2 {rule} ours\n clean-up"));
        let withheld = Withheld {
            change: Change::Delete(OwnedName::parse("sg-web-2").unwrap()),
            why: Hindrance::Blamed(String::new()),
        };
        let check = |before: &str, after: &str, expected: &[&str]| {
            let commit = Commit {
                before: &sample::quiet(sample::configuration(&with(before))),
                after: &sample::configuration(&with(after)),
                inventory: &sample::inventory(WEB),
                config: &sample::config(),
                withheld: std::slice::from_ref(&withheld),
            };
            let said: Vec<_> = super::check(&commit).iter().map(ToString::to_string).collect();
            assert_eq!(said, expected, "{before} becomes {after}");
        };
        let pings = "8.8.8.0/25 -> 10.0.1.11 app:ping";
        check(pings, pings, &[]);
        check(pings, "8.8.8.0/26 -> 10.0.1.11 app:ping", &[]);
        // An application without ports says the same either way.
        check(pings, "8.8.8.0/25 -> 10.0.1.11 app:ping app-default", &[]);
        check("8.8.8.0/25 -> 10.0.1.11 app:ping app-default", pings, &[]);
        check("any -> 10.0.1.11 app:ssl", "any -> 10.0.1.11 app:ssl app-default", &[]);
        let wider = "I3: `sg-web-2` admits any -> 10.0.1.11 protocol 0 port 0 (ssl), which no security group does";
        check("any -> 10.0.1.11 app:ssl app-default", "any -> 10.0.1.11 app:ssl", &[wider]);
    }

    #[test]
    fn names_are_unique_and_those_of_others_are_never_taken() {
        let candidate = format!("sg-web-2 any -> any\n {BEFORE}");
        let after = BEFORE.replace("clean-up", "sg-web-2 any -> 10.0.1.10 app:ssl app-default ours\n clean-up");
        check(
            &candidate,
            &after,
            WEB,
            &expect![[r#"
            I8: `sg-web-2` reuses a foreign rule's name
        "#]],
        );
        let twice = after.replace("web-2", "web-1");
        check(
            BEFORE,
            &twice,
            WEB,
            &expect![[r#"
            I8: two rules are named `sg-web-1`
        "#]],
        );
    }

    #[test]
    fn the_work_of_others_on_rules_of_ours_is_not_committed() {
        let held = BEFORE.replace("10.0.1.10 app:ssl app-default ours", "any app:ssl app-default ours by:alice");
        check(
            &held,
            &held.replace(" by:alice", ""),
            WEB,
            &expect![[r#"
            I9: `sg-web-1` has uncommitted work of another administrator
        "#]],
        );
    }
}
