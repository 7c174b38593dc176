//! Answers to "why": for an instance, a group, a rule or a packet, in the few lines that a network engineer would write.
//!
//! Everything said here was decided elsewhere: by the plan, with its standings, and by a walk through the rulebase. An
//! explanation only looks it up and puts it in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::{Address, AddressRange, Family},
    change::{Change, Direction},
    config::Config,
    exposure::{Doubt, Exposure, Exposures},
    firewall::RuleFacts,
    id::{AppName, GroupId, InstanceId, InterfaceId, OwnedName, Region, RuleName},
    inventory::{Interface, Inventory},
    plan::{Plan, Reason, Standing},
    report::counted,
    rulebase::{Owned, OwnedState, Policy, Rule, Rulebase},
    service::L4,
    wanted::{Atom, LeftOut, Origin, Origins, WhyNot},
};

mod columns;
mod packet;

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An instance: is it exposed, and what becomes of what its groups want?
    Instance(InstanceId),
    /// A security group: who wears it, and what becomes of its permissions?
    Group(GroupId),
    /// A rule, ours or not: what does it say, and whom does it serve?
    Rule(RuleName),
    /// A packet: which rule decides it?
    Packet(Sent),
}

/// A packet as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its source address.
    pub source: Address,
    /// Its destination address, before the firewall translates it.
    pub destination: Address,
    /// Its protocol, and the port it is sent to.
    pub l4: L4,
    /// Its application, if that is given.
    pub app: Option<AppName>,
}

/// Something said, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// In words.
    pub what: String,
    /// In more words.
    pub because: Vec<Self>,
}

impl Told {
    fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), because: Vec::new() }
    }

    fn with(what: impl Into<String>, because: Vec<Self>) -> Self {
        Self { what: what.into(), because }
    }
}

/// What is asked about is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// No such instance.
    #[error("instance `{0}` is not listed in {1}: check the id, `aws.region` and the credentials")]
    Instance(InstanceId, Region),
    /// No such group.
    #[error("security group `{0}` is not listed in {1}: check the id, `aws.region` and the credentials")]
    Group(GroupId, Region),
    /// No such rule.
    #[error(
        "there is no rule `{0}` on the firewall, and none is planned: names are case-sensitive, and of an interface (`eni-…`) give the instance"
    )]
    Rule(RuleName),
}

/// Everything that was looked at, and what was decided about it.
pub struct Explainer<'a> {
    inventory: &'a Inventory,
    rulebase: &'a Rulebase<'a>,
    config: &'a Config,
    plan: &'a Plan,
}

impl<'a> Explainer<'a> {
    /// Explains a plan and the facts that it was made from.
    pub const fn of(inventory: &'a Inventory, rulebase: &'a Rulebase<'a>, config: &'a Config, plan: &'a Plan) -> Self {
        Self { inventory, rulebase, config, plan }
    }

    /// The answer.
    ///
    /// # Errors
    /// [`NotFound`]: what is asked about is neither in AWS nor on the firewall.
    pub fn explain(&self, subject: &Subject) -> Result<Vec<Told>, NotFound> {
        match subject {
            Subject::Instance(id) => self.instance(id),
            Subject::Group(id) => self.group(id),
            Subject::Rule(name) => self.rule(name),
            Subject::Packet(sent) => Ok(self.packet(sent)),
        }
    }

    fn instance(&self, id: &InstanceId) -> Result<Vec<Told>, NotFound> {
        if !self.inventory.instances.contains_key(id) {
            return Err(NotFound::Instance(id.clone(), self.inventory.region.clone()));
        }
        let interfaces = self.inventory.interfaces.iter().filter(|(_, held)| held.instance.as_ref() == Some(id));
        let told: Vec<_> = interfaces.map(|(interface_id, held)| self.interface(interface_id, held)).collect();
        if told.is_empty() {
            return Ok(vec![Told::plain(format!("{id} has no network interface"))]);
        }
        Ok(told)
    }

    /// Whether an interface is exposed, and what becomes of everything that its groups want.
    fn interface(&self, id: &InterfaceId, interface: &Interface) -> Told {
        let mut exposures = Exposures::of(self.inventory, self.config);
        let addresses = listed(&interface.addresses);
        let mut because = Vec::new();
        let mut shows = BTreeSet::new();
        for family in [Family::Ipv4, Family::Ipv6] {
            if !interface.addresses.iter().any(|range| range.family() == family) {
                continue;
            }
            let (word, why) = match (exposures.exposure(id, interface, family), self.unreadable(id)) {
                (Exposure::Yes(via), None) => ("exposed", via.to_string()),
                (Exposure::Yes(via), Some(doubt)) => (IN_DOUBT, format!("{via}, but {doubt}")),
                (Exposure::No(why), _) => (NOT_EXPOSED, why.to_string()),
                (Exposure::Unknown(doubt), _) => (IN_DOUBT, doubt.to_string()),
            };
            shows.insert(word);
            because.push(Told::plain(format!("{word} by {family}: {why}")));
        }
        if shows.contains(IN_DOUBT) {
            because.push(Told::plain("in doubt, our rules for it stay and none is added"));
        }
        if shows.iter().any(|word| *word != NOT_EXPOSED) {
            because.extend(interface.groups.iter().map(|group| self.group_on(group, id)));
            because.extend(self.left_out_at(id, interface));
        }
        let shown = shows.into_iter().collect::<Vec<_>>().join(", ");
        Told::with(format!("{id} ({addresses}) in {} of {}: {shown}", interface.subnet, interface.vpc), because)
    }

    /// What of its groups cannot be read, so that nobody can tell what is wanted for an interface to which the route leads.
    fn unreadable(&self, id: &InterfaceId) -> Option<&'a Doubt> {
        self.plan.wanted.left_out.iter().find_map(|left_out| match left_out {
            LeftOut::Doubtful(of, doubt @ (Doubt::Group(_) | Doubt::PrefixList(..))) if of == id => Some(doubt),
            LeftOut::Doubtful(..)
            | LeftOut::Permission(..)
            | LeftOut::Hidden(..)
            | LeftOut::TwoVpcs(..)
            | LeftOut::NoNat(_)
            | LeftOut::NeverOpen(..)
            | LeftOut::NatUnsaid(..) => None,
        })
    }

    /// Interfaces of which nobody can tell, with the reasons.
    fn in_doubt(&self, which: impl Fn(&Interface) -> bool) -> impl Iterator<Item = Told> {
        self.plan
            .wanted
            .left_out
            .iter()
            .filter(move |left_out| match left_out {
                LeftOut::Doubtful(id, _) => self.inventory.interfaces.get(id).is_some_and(&which),
                LeftOut::Permission(..)
                | LeftOut::Hidden(..)
                | LeftOut::TwoVpcs(..)
                | LeftOut::NoNat(_)
                | LeftOut::NeverOpen(..)
                | LeftOut::NatUnsaid(..) => false,
            })
            .map(|left_out| Told::plain(left_out.to_string()))
    }

    /// What is wanted for an interface and leads to no rule, whichever group wants it. An original address does not tell for
    /// whom it is: who wants it does.
    fn left_out_at(&self, id: &InterfaceId, interface: &Interface) -> impl Iterator<Item = Told> {
        self.plan
            .wanted
            .left_out
            .iter()
            .filter(move |left_out| match left_out {
                LeftOut::TwoVpcs(atom, _) | LeftOut::NoNat(atom) => {
                    interface.addresses.iter().any(|range| range.meets(atom.local))
                }
                LeftOut::NeverOpen(_, origins) | LeftOut::NatUnsaid(_, _, origins) => {
                    origins.iter().any(|origin| origin.interface == *id)
                }
                LeftOut::Permission(..) | LeftOut::Hidden(..) | LeftOut::Doubtful(..) => false,
            })
            .map(|left_out| Told::plain(left_out.to_string()))
    }

    /// What one group wants for one interface.
    fn group_on(&self, group: &GroupId, interface: &InterfaceId) -> Told {
        let by_both = |origin: &Origin| origin.group == *group && origin.interface == *interface;
        let mut because: Vec<_> = self.atoms(by_both).map(|(atom, standing)| self.standing(atom, standing)).collect();
        because.extend(self.left_out_of(group));
        Told::with(self.group_name(group), because)
    }

    fn group_name(&self, group: &GroupId) -> String {
        match self.inventory.groups.get(group).map(|held| held.name.as_str()) {
            None => format!("{group} is not listed"),
            Some("") => group.to_string(),
            Some(name) => format!("{group} ({name})"),
        }
    }

    /// Permissions of a group that lead to no rule. The plan knows those of groups on exposed interfaces.
    fn left_out_of(&self, group: &GroupId) -> impl Iterator<Item = Told> {
        self.plan.wanted.left_out.iter().filter_map(move |left_out| match left_out {
            LeftOut::Permission(of, direction, permission, why) if of == group => {
                let way = if *direction == Direction::Egress { "egress " } else { "" };
                let told = match why {
                    WhyNot::PartlyNeverOpen(_) => "is opened in part",
                    WhyNot::Inside
                    | WhyNot::NoPeers
                    | WhyNot::Reference
                    | WhyNot::AllowsAll
                    | WhyNot::Inexpressible(_)
                    | WhyNot::NeverOpen(_) => "leads to no rule",
                };
                Some(Told::plain(format!("{way}{permission} {told}: {why}")))
            }
            LeftOut::Permission(..)
            | LeftOut::Hidden(..)
            | LeftOut::Doubtful(..)
            | LeftOut::TwoVpcs(..)
            | LeftOut::NoNat(_)
            | LeftOut::NeverOpen(..)
            | LeftOut::NatUnsaid(..) => None,
        })
    }

    /// Wanted atoms with their standings.
    fn atoms(&self, by: impl Fn(&Origin) -> bool) -> impl Iterator<Item = (&'a Atom, &'a Standing)> {
        let all = self.plan.wanted.atoms.iter().zip(&self.plan.standings);
        all.filter(move |((_, origins), _)| origins.iter().any(&by)).map(|((atom, _), standing)| (atom, standing))
    }

    /// What becomes of an atom.
    fn standing(&self, atom: &Atom, standing: &Standing) -> Told {
        match standing {
            Standing::Ours(name) => {
                Told::plain(format!("wants {atom}: our rule {name} says it{}", self.state_of(name)))
            }
            Standing::Allowed(evidence) => {
                let by: Vec<_> = evidence.rules().iter().map(|name| format!("`{name}`")).collect();
                let new = if evidence.needs_new_rules() { "what is to be added besides" } else { "" };
                let by = by.join(", ");
                let by =
                    [by.as_str(), new].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" and ");
                Told::plain(format!("wants {atom}: allowed already by {by}"))
            }
            Standing::Added(name) => {
                let because = self.plan.reasons.get(name).map(|reason| Told::plain(reason.to_string()));
                Told::with(format!("wants {atom}: {} is to be added", name), because.into_iter().collect())
            }
        }
    }

    /// What keeps a rule of ours from doing what it says.
    fn state_of(&self, name: &OwnedName) -> String {
        let found = self.rulebase.candidate.owned().find(|rule| rule.name == *name);
        match found.map(|rule| &rule.state) {
            Some(OwnedState::Disabled) => ", and an administrator has disabled it".to_owned(),
            Some(OwnedState::Held(admin)) => format!(", and `{admin}` has uncommitted work on it"),
            Some(OwnedState::Wrong(_)) => ", and is to be put right".to_owned(),
            Some(OwnedState::Right) | None => String::new(),
        }
    }

    fn group(&self, id: &GroupId) -> Result<Vec<Told>, NotFound> {
        if !self.inventory.groups.contains_key(id) {
            return Err(NotFound::Group(id.clone(), self.inventory.region.clone()));
        }
        let wearing: Vec<_> =
            self.inventory.interfaces.iter().filter(|(_, interface)| interface.groups.contains(id)).collect();
        let is_exposed = |id: &InterfaceId| self.plan.wanted.via.contains_key(id) && self.unreadable(id).is_none();
        let exposed = wearing.iter().filter(|(interface, _)| is_exposed(interface)).count();
        let mut told = vec![Told::plain(format!(
            "{} is on {}, {exposed} of them exposed",
            self.group_name(id),
            counted(wearing.len(), "interface")
        ))];
        told.extend(several(self.in_doubt(|interface| interface.groups.contains(id)).collect()));
        let mut by_standing: BTreeMap<String, (Told, usize)> = BTreeMap::new();
        for (atom, standing) in self.atoms(|origin| origin.group == *id) {
            let one = self.standing(atom, standing);
            by_standing.entry(without_local(atom, &one.what)).or_insert((one, 0)).1 += 1;
        }
        told.extend(by_standing.into_values().map(|(one, number)| match number {
            1 => one,
            more => {
                Told::with(format!("{}; the same for {}", one.what, counted(more - 1, "other address")), one.because)
            }
        }));
        told.extend(self.left_out_of(id));
        Ok(told)
    }

    fn rule(&self, name: &RuleName) -> Result<Vec<Told>, NotFound> {
        let planned = self.plan.changes.iter().find(|change| change.rule().is_some_and(|of| of.rule_name() == *name));
        let Some((policy, index)) = self.find(name) else {
            let Some(change) = planned else { return Err(NotFound::Rule(name.clone())) };
            return Ok(vec![self.change(change)]);
        };
        let rule = &policy.rules[index];
        let facts = match rule {
            Rule::Owned(owned) => owned.facts,
            Rule::Foreign(facts) => facts,
        };
        let place = if index < policy.bottom { "above" } else { "below" };
        let place = match index == policy.bottom {
            true => "the bottom rule".to_owned(),
            false => format!("{place} the bottom rule `{}`", self.config.bottom_rule),
        };
        let mut told =
            vec![Told::plain(format!("{} of {}, {place}: {}", index + 1, policy.rules.len(), columns::said(facts)))];
        match rule {
            Rule::Owned(owned) => told.extend(self.owned(owned)),
            Rule::Foreign(facts) => told.extend(self.foreign(facts)),
        }
        told.extend(planned.map(|change| self.change(change)));
        Ok(told)
    }

    /// A rule in the candidate, or else in the running configuration.
    fn find(&self, name: &RuleName) -> Option<(&'a Policy<'a>, usize)> {
        let in_policy = |policy: &'a Policy<'a>| {
            let index = policy.configuration.rules.iter().position(|facts| facts.name == *name)?;
            Some((policy, index))
        };
        in_policy(&self.rulebase.candidate).or_else(|| in_policy(&self.rulebase.running))
    }

    fn owned(&self, rule: &Owned<'_>) -> Vec<Told> {
        let what = match &rule.state {
            OwnedState::Right => "ours, as we write it".to_owned(),
            OwnedState::Wrong(_) => "ours, but not as we write it".to_owned(),
            OwnedState::Disabled => "ours, disabled by an administrator: left so".to_owned(),
            OwnedState::Held(admin) => format!("ours, with uncommitted work of `{admin}`: left alone"),
        };
        let made = Some(&rule.facts.description).filter(|text| !text.is_empty());
        let made = made.map(|text| Told::plain(format!("made for: {text}")));
        let serves =
            self.plan.wanted.atoms.iter().zip(&self.plan.standings).filter_map(|((atom, origins), standing)| {
                let says = matches!(standing, Standing::Ours(name) if *name == rule.name);
                says.then(|| Told::plain(format!("serves {atom} for {}", wanted_by(origins))))
            });
        made.into_iter().chain(several(serves.collect())).fold(vec![Told::plain(what)], |mut told, more| {
            told.push(more);
            told
        })
    }

    fn foreign(&self, facts: &RuleFacts) -> Vec<Told> {
        let mut told = vec![Told::plain("not ours: read and honoured, never touched")];
        if !facts.narrowed_by.is_empty() {
            let by: Vec<_> = facts.narrowed_by.iter().map(ToString::to_string).collect();
            told.push(Told::plain(format!("counts as no certain allow, being narrowed by {}", by.join(", "))));
        }
        let allows =
            self.plan.wanted.atoms.iter().zip(&self.plan.standings).filter_map(|((atom, origins), standing)| {
                let by = matches!(standing, Standing::Allowed(evidence) if evidence.rules().contains(&facts.name));
                by.then(|| Told::plain(format!("allows {atom}, which {} wants", wanted_by(origins))))
            });
        told.extend(several(allows.collect()));
        let overrides = self.plan.reasons.iter().filter(
            |(_, reason)| matches!(reason, Reason::Wanted { overridden_by, .. } if overridden_by.contains(&facts.name)),
        );
        told.extend(overrides.map(|(name, _)| Told::plain(format!("blocks {name} of ours, in whole or in part"))));
        told
    }

    fn change(&self, change: &Change) -> Told {
        let reason = change.rule().and_then(|name| self.plan.reasons.get(name));
        Told::with(
            format!("planned: {change}"),
            reason.map(|reason| Told::plain(reason.to_string())).into_iter().collect(),
        )
    }
}

const NOT_EXPOSED: &str = "not exposed";
const IN_DOUBT: &str = "may be exposed";

/// A long list is cut: the first few, and how many more.
fn several(mut told: Vec<Told>) -> Vec<Told> {
    const SHOWN: usize = 10;
    let more = told.len().saturating_sub(SHOWN);
    told.truncate(SHOWN);
    told.extend((more > 0).then(|| Told::plain(format!("and {more} more"))));
    told
}

/// An explanation of an atom without the address, to put equal ones together.
fn without_local(atom: &Atom, what: &str) -> String {
    what.replacen(&atom.local.to_string(), "", 1)
}

/// Who wants something.
fn wanted_by(origins: &Origins) -> String {
    let groups: BTreeSet<_> = origins.iter().map(|origin| origin.group.as_str()).collect();
    groups.into_iter().collect::<Vec<_>>().join(", ")
}

fn listed(ranges: &[AddressRange]) -> String {
    ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
