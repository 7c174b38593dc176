//! What a configuration becomes when the firewall takes our changes: the predicted result of a plan, as facts.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::AddressRange,
    change::{Change, Extras, OwnObject, OwnedRule, Position, ServiceObject, WrittenService},
    config::Config,
    firewall::{
        Action, Addresses, Applications, Carried, Configuration, Place, Profiles, RuleFacts, RuleType, ServiceFacts,
        Services, TouchedBy, Zones,
    },
    id::{RuleName, ServiceName, ZoneName},
    rulebase::{Rulebase, is_own_service},
    service::{Apps, L4},
    translate::ServicePorts,
};

impl Configuration {
    /// This configuration after a transaction. Dirty marks are not predicted, nor how the adapter writes the log setting of
    /// a new rule. Moving or deleting a rule that is not there, or moving above one that is not there, changes nothing
    /// here; the firewall refuses the whole transaction.
    #[must_use]
    pub fn apply(&self, changes: &[Change]) -> Self {
        let mut after = self.clone();
        for change in changes {
            match change {
                Change::Tag(name) => {
                    after.tags.entry(name.clone()).or_default();
                }
                Change::Service(object) => {
                    after.services.insert(object.name.clone(), object.facts());
                }
                Change::Put(rule, Position::InPlace) => after.replace(rule.facts(&after.services)),
                Change::Put(rule, Position::Above(bottom)) => {
                    after.replace(rule.facts(&after.services));
                    after.lift(&rule.name.rule_name(), bottom);
                }
                Change::Lift(name, bottom) => after.lift(&name.rule_name(), bottom),
                Change::Delete(name) => {
                    let name = name.rule_name();
                    after.rules.retain(|rule| rule.place != Place::Local || rule.name != name);
                }
                Change::Drop(OwnObject::Service(name)) => drop(after.services.remove(name)),
                Change::Drop(OwnObject::Tag(name)) => drop(after.tags.remove(name)),
                Change::Adopt(adopted) => {
                    let former = adopted.from.to_string();
                    let local = |rule: &&mut RuleFacts| rule.place == Place::Local && rule.name.as_str() == former;
                    if let Some(rule) = after.rules.iter_mut().find(local) {
                        rule.name = adopted.to.rule_name();
                        rule.tags.insert(adopted.owner.clone());
                    }
                }
            }
        }
        after
    }

    /// The index of a rule of the local rulebase: the only one that we write to.
    fn local(&self, name: &RuleName) -> Option<usize> {
        self.rules.iter().position(|rule| rule.place == Place::Local && rule.name == *name)
    }

    /// Writes a rule where it stands; a new one at the end of the local rulebase.
    fn replace(&mut self, facts: RuleFacts) {
        match self.local(&facts.name) {
            Some(index) => self.rules[index] = facts,
            None => {
                let end = self.rules.iter().position(|rule| rule.place == Place::Post).unwrap_or(self.rules.len());
                self.rules.insert(end, facts);
            }
        }
    }

    /// Moves a rule directly above another.
    fn lift(&mut self, name: &RuleName, above: &RuleName) {
        if name == above || self.local(above).is_none() {
            return;
        }
        let Some(index) = self.local(name) else { return };
        let rule = self.rules.remove(index);
        let place = self.local(above).unwrap_or(self.rules.len());
        self.rules.insert(place, rule);
    }
}

impl ServiceObject {
    fn facts(&self) -> ServiceFacts {
        let l4 = match self.ports {
            ServicePorts::Tcp(ports) => L4::Tcp(ports),
            ServicePorts::Udp(ports) => L4::Udp(ports),
        };
        ServiceFacts { l4: vec![l4], tags: BTreeSet::from([self.owner.clone()]), touched_by: TouchedBy::new() }
    }
}

impl OwnedRule {
    /// The rule as the firewall will show it, beside these service objects.
    fn facts(&self, objects: &BTreeMap<ServiceName, ServiceFacts>) -> RuleFacts {
        let zone = |name: &ZoneName| Zones::Named(BTreeSet::from([name.clone()]));
        let (source, destination) = self.spelling.columns();
        RuleFacts {
            name: self.name.rule_name(),
            place: Place::Local,
            rule_type: RuleType::Universal,
            from: zone(&self.from),
            to: zone(&self.to),
            source: written(source),
            destination: written(destination),
            applications: match &self.spelling.service.apps {
                Apps::Any => Applications::Any,
                Apps::Named(names) => Applications::Named(names.clone()),
            },
            service: match &self.service {
                WrittenService::Any => Services::Any,
                WrittenService::ApplicationDefault => Services::ApplicationDefault,
                WrittenService::Object(name) => ports(BTreeSet::from([name.clone()]), objects),
            },
            action: Action::Allow,
            status: self.status,
            narrowed_by: Vec::new(),
            tags: self.tags.clone(),
            profiles: self.profile_group.clone().map_or(Profiles::None, Profiles::Group),
            description: self.description.clone(),
            touched_by: TouchedBy::new(),
            carried: match &self.extras {
                Extras::Fresh { .. } => Carried::default(),
                Extras::Kept(carried) => carried.clone(),
            },
        }
    }
}

/// A column of addresses: a whole family is written `any`, which means both.
fn written(ranges: &BTreeSet<AddressRange>) -> Addresses {
    if ranges.iter().any(|range| *range == range.family().whole()) {
        Addresses::any()
    } else {
        ranges.iter().copied().collect()
    }
}

/// A service column of objects, with what they hold.
fn ports(names: BTreeSet<ServiceName>, objects: &BTreeMap<ServiceName, ServiceFacts>) -> Services {
    let l4 = names.iter().filter_map(|name| objects.get(name)).flat_map(|object| object.l4.clone()).collect();
    Services::Ports { l4, objects: names }
}

impl Rulebase<'_> {
    /// What the running configuration becomes when our account's changes are committed and nobody else's: our rules as the
    /// candidate has them, apart from those that another administrator works on; the rest as it was running.
    #[must_use]
    pub fn committed(&self, config: &Config) -> Configuration {
        let mut after = self.running.configuration.clone();
        let candidate = self.candidate.configuration;
        if let Some(touched) = candidate.tags.get(&config.owner) {
            after.tags.entry(config.owner.clone()).or_insert_with(|| touched.clone());
        }
        let objects = candidate.services.iter().filter(|(name, object)| {
            is_own_service(candidate, name, &config.owner) && object.touched_by.iter().all(|by| by == self.admin)
        });
        after.services.extend(objects.map(|(name, object)| (name.clone(), object.clone())));
        self.commit_rules(&mut after, &config.bottom_rule);
        for rule in &mut after.rules {
            rule.touched_by.clear();
        }
        after
    }

    fn commit_rules(&self, after: &mut Configuration, bottom: &RuleName) {
        let held: BTreeSet<_> = self.held().cloned().collect();
        let (was_sunken, is_sunken) = (self.running.sunken(), self.candidate.sunken());
        let ours: BTreeSet<_> = self.candidate.owned().map(|rule| &rule.name).collect();
        for gone in self.running.owned().filter(|rule| !ours.contains(&rule.name) && !held.contains(&rule.name)) {
            after.rules.retain(|rule| rule.place != Place::Local || rule.name != gone.facts.name);
        }
        for rule in self.candidate.owned().filter(|rule| !held.contains(&rule.name)) {
            let is_new = after.local(&rule.facts.name).is_none();
            let mut facts = rule.facts.clone();
            if let Services::Ports { objects, .. } = &facts.service {
                facts.service = ports(objects.clone(), &after.services);
            }
            after.replace(facts);
            let is_lifted = was_sunken.contains(&rule.name) && !is_sunken.contains(&rule.name);
            if is_new && !is_sunken.contains(&rule.name) || is_lifted {
                after.lift(&rule.facts.name, bottom);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::{change::Change, firewall::Firewall, plan::plan, sample};

    /// Rules and service objects, one a line.
    fn shown(configuration: &Configuration) -> String {
        let line = |rule: &RuleFacts| {
            let column = |addresses: &Addresses| match addresses {
                addresses if addresses.is_any() => "any".to_owned(),
                Addresses::Known { listed, .. } => listed.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                Addresses::Unknown => "unknown".to_owned(),
            };
            format!("{}  {} -> {}\n", rule.name, column(&rule.source), column(&rule.destination))
        };
        let objects = configuration.services.keys().map(|name| format!("service {name}\n"));
        configuration.rules.iter().map(line).chain(objects).collect()
    }

    #[track_caller]
    fn check(before: &str, changes: &[Change], expected: &Expect) {
        expected.assert_eq(&shown(&sample::configuration(before).apply(changes)));
    }

    fn planned(before: &str, inventory: &str) -> Vec<Change> {
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(before)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        plan(&sample::inventory(inventory), &rulebase, &config, &[]).changes
    }

    #[test]
    fn new_rules_stand_directly_above_the_bottom_rule_and_bring_their_objects() {
        let before = "web any -> 10.0.1.0/24 tcp/80\n clean-up any -> any deny\n last any -> any deny";
        let changes = planned(before, "i-1 10.0.1.10 sg-web\n sg-web tcp/8443 0.0.0.0/0\n sg-web tcp/22 8.8.8.0/24");
        check(
            before,
            &changes,
            &expect![[r#"
                web  any -> 10.0.1.0/24
                sg-web-1  8.8.8.0/24 -> 10.0.1.10
                sg-web-2  any -> 10.0.1.10
                clean-up  any -> any
                last  any -> any
                service svc_tcp_80
                service tcp_8443
            "#]],
        );
    }

    #[test]
    fn rules_are_lifted_rewritten_in_place_and_deleted() {
        let before =
            "sg-web-1 8.8.8.0/24 -> 10.0.1.10,10.0.1.11 app:ssh app-default ours\n web any -> 10.0.1.0/24 tcp/80
                      sg-web-2 any -> 10.0.1.10 app:mysql app-default ours\n clean-up any -> any deny
                      sg-web-3 any -> 10.0.1.10 app:ssl app-default ours";
        let inventory = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web tcp/22 8.8.8.0/24";
        check(
            before,
            &planned(before, inventory),
            &expect![[r#"
                sg-web-1  8.8.8.0/24 -> 10.0.1.10
                web  any -> 10.0.1.0/24
                sg-web-3  any -> 10.0.1.10
                clean-up  any -> any
                service svc_tcp_80
            "#]],
        );
    }

    #[test]
    fn changes_about_rules_that_are_not_there_change_nothing() {
        let name = crate::id::OwnedName::parse("sg-web-1").unwrap();
        let gone = "gone".parse().unwrap();
        check(
            "web any -> any",
            &[Change::Lift(name.clone(), gone), Change::Delete(name)],
            &expect![[r#"
                web  any -> any
                clean-up  any -> any
            "#]],
        );
    }

    #[test]
    fn a_commit_takes_our_rules_and_leaves_the_work_of_others() {
        let running = sample::configuration(
            "web any -> 10.0.1.0/24 tcp/80\n sg-web-1 any -> 10.0.1.1 ours\n sg-web-2 any -> 10.0.1.2 ours",
        );
        let candidate = sample::configuration(
            "draft any -> any by:alice\n sg-web-2 any -> 10.0.1.9 ours by:alice\n sg-web-3 any -> 10.0.1.3 tcp/8443 ours",
        );
        let firewall = Firewall {
            candidate: Arc::new(candidate),
            running: Arc::new(running),
            ..sample::quiet(Configuration::default())
        };
        let config = sample::config();
        let after = Rulebase::read(&firewall, &config).unwrap().committed(&config);
        expect![[r#"
            web  any -> 10.0.1.0/24
            sg-web-2  any -> 10.0.1.2
            sg-web-3  any -> 10.0.1.3
            clean-up  any -> any
            service svc_tcp_80
            service tcp_8443
        "#]]
        .assert_eq(&shown(&after));
    }
}
