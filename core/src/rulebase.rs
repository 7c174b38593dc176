//! The firewall's rules, told apart: ours and everybody else's.

mod names;
mod objects;
mod others;
mod owned;
mod proposed;
mod spelling;
mod unfit;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    change::Spelling,
    config::Config,
    firewall::{Configuration, Firewall, Node, Place, RuleFacts, Services},
    id::{AdminName, FormerName, OwnedName, RuleName, Subject, TagName},
    inventory::Inventory,
    plan::Stamp,
};

pub(crate) use self::{
    names::ObjectNames,
    objects::{ObjectStatus, is_own_service, service_object},
    others::Others,
};
use self::{
    others::InForce,
    owned::state,
    spelling::spellings,
    unfit::{check_own_work, check_settings, check_tag},
};
pub use self::{
    owned::{Owned, OwnedState, Wrong},
    unfit::{Named, Unfit, Which},
};

/// Both configurations, read with the eyes of one deployment.
#[derive(Debug)]
pub struct Rulebase<'a> {
    /// Our own account.
    pub admin: &'a AdminName,
    /// What administrators and we are working on.
    pub candidate: Policy<'a>,
    /// What decides traffic now.
    pub running: Policy<'a>,
    /// Rules of ours that another administrator has deleted or made their own but not committed, as they stood.
    pub taken: BTreeMap<OwnedName, (AdminName, Vec<Spelling>)>,
    /// Names of the form of ours under which uncommitted work of another administrator is noted: the rule may be renamed or
    /// deleted by now, but whoever wrote one of that name would write over their work.
    noted: BTreeSet<OwnedName>,
    /// What a rule of ours must not be misread for.
    pub(crate) names: ObjectNames<'a>,
}

/// One configuration's rules, in order. There is none without its bottom rule.
#[derive(Debug)]
pub struct Policy<'a> {
    /// Where the rules come from, with the objects they use.
    pub configuration: &'a Configuration,
    /// All rules, in the order of evaluation.
    pub rules: Vec<Rule<'a>>,
    /// The index of the bottom rule.
    pub bottom: usize,
    /// Rules of ours above the bottom rule that another administrator has deleted here but not committed: they count as
    /// they stood.
    pub deleted: Vec<&'a RuleFacts>,
}

/// A rule, ours or not.
#[derive(Debug)]
pub enum Rule<'a> {
    /// The name has our form, and the rule carries our tag.
    Owned(Owned<'a>),
    /// Everything else: read, honoured, never touched.
    Foreign(&'a RuleFacts),
}

impl<'a> Rule<'a> {
    fn owned(&self) -> Option<&Owned<'a>> {
        match self {
            Self::Owned(owned) => Some(owned),
            Self::Foreign(_) => None,
        }
    }

    /// The rule, if it counts as it stands: it is not ours, or another administrator is working on it.
    pub(crate) fn as_it_stands(&self) -> Option<&'a RuleFacts> {
        match self {
            Self::Foreign(facts) | Self::Owned(Owned { state: OwnedState::Held(_), facts, .. }) => Some(facts),
            Self::Owned(_) => None,
        }
    }
}

impl<'a> Rulebase<'a> {
    /// Reads both configurations.
    ///
    /// # Errors
    /// [`Unfit`], when something must be put right by a person before anything may be decided.
    pub fn read(firewall: &'a Firewall, config: &'a Config) -> Result<Self, Unfit> {
        let admin = config.admin.as_ref().or(firewall.admin.as_ref()).ok_or(Unfit::UnknownAdmin)?;
        check_settings(firewall, config)?;
        check_tag(firewall, config, admin)?;
        let others = Others::of(firewall, Some(admin));
        let names = ObjectNames::of(firewall);
        let services = InForce::of(firewall, admin);
        let mut candidate = Policy::read(&firewall.candidate, config, Which::Candidate, &others, &names, &services)?;
        let running = Policy::read(&firewall.running, config, Which::Running, &others, &names, &services)?;
        check_own_work(firewall, &candidate, &running, config, admin)?;
        let ours: BTreeSet<_> = candidate.owned().map(|rule| &rule.name).collect();
        let taken: BTreeMap<_, _> = running
            .owned()
            .filter(|rule| !ours.contains(&rule.name))
            .filter_map(|rule| {
                let by = others.holder(&rule.facts.name)?;
                Some((rule.name.clone(), (by.clone(), rule.spellings().cloned().collect())))
            })
            .collect();
        let above = running.rules[..running.bottom].iter().filter_map(Rule::owned);
        let deleted = above.filter(|rule| taken.contains_key(&rule.name) && !candidate.has(&rule.facts.name));
        candidate.deleted = deleted.map(|rule| rule.facts).collect();
        let noted = firewall.pending.iter().filter(|pending| pending.admin != *admin).filter_map(|pending| {
            if let Node::Rule(name) = &pending.node { OwnedName::parse(name.as_str()) } else { None }
        });
        Ok(Self { admin, candidate, running, taken, noted: noted.collect(), names })
    }

    /// This rulebase, if our rules were made for the account and region of the inventory.
    ///
    /// # Errors
    /// [`Unfit::OtherAccount`]: another deployment uses our tag. [`Unfit::NoGateway`]: it is not the account of the gateways.
    pub fn of_this_account(self, inventory: &Inventory, config: &Config) -> Result<Self, Unfit> {
        if !config.gateways.iter().any(|gateway| inventory.knows(gateway)) {
            return Err(Unfit::NoGateway(inventory.region.clone()));
        }
        for rule in self.candidate.owned().chain(self.running.owned()) {
            let Some(stamp) = Stamp::parse(&rule.facts.description) else { continue };
            let other_account = match (&inventory.account, &stamp.account) {
                (Some(ours), Some(theirs)) => ours != theirs,
                (None, _) | (_, None) => false,
            };
            if other_account || stamp.region != inventory.region {
                return Err(Unfit::OtherAccount(rule.name.clone(), stamp));
            }
        }
        Ok(self)
    }

    /// This rulebase, if all rules of ours were made for one account and region.
    ///
    /// # Errors
    /// [`Unfit::OtherAccount`]: two deployments use our tag.
    pub fn of_one_account(self) -> Result<Self, Unfit> {
        let mut first: Option<Stamp> = None;
        for rule in self.candidate.owned().chain(self.running.owned()) {
            let Some(stamp) = Stamp::parse(&rule.facts.description) else { continue };
            match &first {
                Some(first) if *first != stamp => return Err(Unfit::OtherAccount(rule.name.clone(), stamp)),
                Some(_) => {}
                None => first = Some(stamp),
            }
        }
        Ok(self)
    }

    /// Whether our rules differ between candidate and running, apart from those that another administrator works on.
    pub fn differs(&self) -> bool {
        !self.differing().is_empty()
    }

    /// The names of those that do, in order.
    pub fn differing(&self) -> Vec<OwnedName> {
        if std::ptr::eq(self.candidate.configuration, self.running.configuration) {
            return Vec::new();
        }
        let (candidate, running) = (self.candidate.states(), self.running.states());
        let held: BTreeSet<_> = self.held().collect();
        let is_same = |name| match (candidate.get(name), running.get(name)) {
            (Some((one, sunken)), Some((other, sunken_too))) => {
                sunken == sunken_too && is_same_but_for_marks(one, other)
            }
            (one, other) => one.is_none() && other.is_none(),
        };
        let names: BTreeSet<_> = candidate.keys().chain(running.keys()).copied().collect();
        names.into_iter().filter(|name| !is_same(*name) && !held.contains(*name)).cloned().collect()
    }

    /// Names of rules of ours that another administrator works on.
    pub fn held(&self) -> impl Iterator<Item = &OwnedName> {
        let in_candidate = self.candidate.owned().filter(|rule| matches!(rule.state, OwnedState::Held(_)));
        in_candidate.map(|rule| &rule.name).chain(self.taken.keys())
    }

    /// Rules of ours that are in force and not ours there, with the same content: an adoption waits for its commit. A rule that was
    /// renamed for that is gone under its former name.
    pub(crate) fn adopting(&self) -> BTreeSet<OwnedName> {
        let former = |rule: &'_ RuleFacts| FormerName::parse(rule.name.as_str()).filter(|_| rule.place == Place::Local);
        let in_force: Vec<_> = self.running.foreign().filter_map(|(_, rule)| Some((former(rule)?, rule))).collect();
        let ours: BTreeSet<_> = self.running.owned().map(|rule| &rule.name).collect();
        let mut adopting = BTreeSet::new();
        for (former, facts) in in_force {
            let is_gone = former.number.is_none() && !self.candidate.has(&facts.name);
            let is_adopted = |rule: &&Owned<'_>| {
                let has_its_name =
                    former.owned().as_ref() == Some(&rule.name) || (is_gone && rule.name.subject == former.subject);
                has_its_name && !ours.contains(&rule.name) && is_same_but_for_name_and_tags(rule.facts, facts)
            };
            adopting.extend(self.candidate.owned().find(is_adopted).map(|rule| rule.name.clone()));
        }
        adopting
    }

    /// The numbers in use for each id, in both configurations and in uncommitted work, ours or not.
    pub(crate) fn numbers(&self) -> Numbers {
        let rules = [self.candidate.configuration, self.running.configuration].into_iter().flat_map(|c| &c.rules);
        let mut numbers = Numbers::default();
        let names = rules.filter_map(|rule| OwnedName::parse(rule.name.as_str()));
        for name in names.chain(self.noted.iter().cloned()) {
            numbers.0.entry(name.subject).or_default().insert(name.number);
        }
        numbers
    }
}

/// Which names of the form of ours are taken.
#[derive(Debug, Default)]
pub(crate) struct Numbers(BTreeMap<Subject, BTreeSet<u32>>);

impl Numbers {
    /// A name that is not in use: one more than the largest number, or the smallest free one where that is taken.
    pub(crate) fn next(&mut self, subject: &Subject) -> OwnedName {
        let taken = self.0.entry(subject.clone()).or_default();
        let after = taken.last().map_or(Some(1), |last| last.checked_add(1));
        let number = after.or_else(|| (1..=u32::MAX).find(|number| !taken.contains(number)));
        let number = number.expect("no configuration holds four thousand million rules");
        taken.insert(number);
        OwnedName { subject: subject.clone(), number }
    }
}

impl<'a> Policy<'a> {
    fn read(
        configuration: &'a Configuration,
        config: &Config,
        which: Which,
        others: &Others<'_>,
        names: &ObjectNames<'_>,
        services: &InForce<'_>,
    ) -> Result<Self, Unfit> {
        let is_bottom = |rule: &RuleFacts| rule.place == Place::Local && rule.name == config.bottom_rule;
        let bottom = configuration
            .rules
            .iter()
            .position(is_bottom)
            .ok_or_else(|| Unfit::no_bottom_rule(configuration, &config.bottom_rule, which))?;
        if let Some(by) = others.holder(&configuration.rules[bottom].name) {
            return Err(Unfit::BottomRuleHeld(config.bottom_rule.clone(), by.clone()));
        }
        let rules = configuration
            .rules
            .iter()
            .map(|facts| match owned_name(facts, &config.owner) {
                Some(name) => {
                    let (spelling, mirrored) = spellings(&services.seen_by(facts), config);
                    let state = state(facts, config, configuration, spelling.as_ref(), others, names);
                    Rule::Owned(Owned { name, spelling, mirrored, state, facts })
                }
                None => Rule::Foreign(facts),
            })
            .collect();
        Ok(Self { configuration, rules, bottom, deleted: Vec::new() })
    }

    /// Whether there is a rule of this name, ours or not.
    pub fn has(&self, name: &RuleName) -> bool {
        self.configuration.rules.iter().any(|rule| rule.name == *name)
    }

    /// Our rules, in order.
    pub fn owned(&self) -> impl Iterator<Item = &Owned<'a>> {
        self.rules.iter().filter_map(Rule::owned)
    }

    /// Everybody else's rules, in order, with their index.
    pub fn foreign(&self) -> impl Iterator<Item = (usize, &'a RuleFacts)> + '_ {
        self.rules.iter().enumerate().filter_map(|(index, rule)| match rule {
            Rule::Foreign(facts) => Some((index, *facts)),
            Rule::Owned(_) => None,
        })
    }

    /// Names of our rules that stand below the bottom rule.
    pub fn sunken(&self) -> BTreeSet<&OwnedName> {
        self.rules[self.bottom..].iter().filter_map(Rule::owned).map(|rule| &rule.name).collect()
    }

    /// What each of our rules is, and whether it stands below the bottom rule: what a commit could change.
    fn states(&self) -> BTreeMap<&OwnedName, (&RuleFacts, bool)> {
        let sunken = self.sunken();
        self.owned().map(|rule| (&rule.name, (rule.facts, sunken.contains(&rule.name)))).collect()
    }
}

/// Whether two rules say the same. Only the candidate's bear marks of uncommitted work.
/// The same service object is the same: what somebody has made of it comes into force with their commit.
fn is_same_but_for_marks(one: &RuleFacts, other: &RuleFacts) -> bool {
    let objects = |facts: &RuleFacts| match &facts.service {
        Services::Ports { objects, .. } => objects.clone(),
        Services::Any | Services::ApplicationDefault | Services::Unknown => BTreeSet::new(),
    };
    let service = |facts: &RuleFacts, objects: BTreeSet<_>| match objects.is_empty() {
        true => facts.service.clone(),
        false => Services::Ports { l4: Vec::new(), objects },
    };
    let bare = |facts: &RuleFacts| RuleFacts {
        touched_by: BTreeSet::new(),
        service: service(facts, objects(facts)),
        ..facts.clone()
    };
    one == other || ((one.touched_by != other.touched_by || one.service != other.service) && bare(one) == bare(other))
}

fn is_same_but_for_name_and_tags(one: &RuleFacts, other: &RuleFacts) -> bool {
    let bare = |facts: &RuleFacts| RuleFacts {
        name: other.name.clone(),
        tags: BTreeSet::new(),
        touched_by: BTreeSet::new(),
        ..facts.clone()
    };
    bare(one) == bare(other)
}

/// The name, if the rule is ours.
pub fn owned_name(facts: &RuleFacts, owner: &TagName) -> Option<OwnedName> {
    (facts.place == Place::Local && facts.tags.contains(owner)).then(|| OwnedName::parse(facts.name.as_str())).flatten()
}
