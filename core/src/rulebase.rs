//! The firewall's rules, told apart: ours and everybody else's.

mod names;
mod spelling;
mod unfit;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use sha2::{Digest as _, Sha256};

use crate::{
    change::{Change, OwnedRule, Spelling},
    config::Config,
    firewall::{
        Action, Configuration, Digest, Effect, Firewall, Naming, Node, Pending, Place, Profiles, RuleFacts, RuleType,
        ServiceFacts, Services, Status, Zones,
    },
    id::{AdminName, FormerName, OwnedName, RuleName, ServiceName, Subject, TagName},
    inventory::Inventory,
    plan::Stamp,
    service::L4,
    translate::{ServiceColumn, ServicePorts},
};

pub(crate) use self::names::ObjectNames;
pub use self::unfit::{Named, Unfit, Which};
use self::{
    spelling::{spellings, ways},
    unfit::{check_own_work, check_settings, check_tag},
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

/// A rule of ours.
#[derive(Debug)]
pub struct Owned<'a> {
    /// Its name.
    pub name: OwnedName,
    /// What it says, unless it is no product for one service any more.
    pub spelling: Option<Spelling>,
    /// What it says if it is read the other way round, where its zones do not tell which way it goes.
    pub mirrored: Option<Box<Spelling>>,
    /// Whether we may touch it, and whether it is as we write it.
    pub state: OwnedState,
    /// Everything about it.
    pub facts: &'a RuleFacts,
}

impl Owned<'_> {
    /// What it may say.
    pub fn spellings(&self) -> impl Iterator<Item = &Spelling> {
        self.spelling.iter().chain(self.mirrored.as_deref())
    }

    /// What this rule in force says, read in the way of what it says in the candidate; the same, where nobody can tell.
    pub(crate) fn reading<'s>(&'s self, candidate: &'s Spelling) -> Option<&'s Spelling> {
        if self.spelling.is_none() {
            return Some(candidate);
        }
        self.spellings().find(|said| said.direction == candidate.direction)
    }
}

/// In which state we find a rule of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedState {
    /// As we write it.
    Right,
    /// Something that decides traffic, or the profile group, is not as we write it.
    Wrong(BTreeSet<Wrong>),
    /// An administrator has switched it off: their override.
    Disabled,
    /// Another administrator has uncommitted work on it: theirs until they commit or revert.
    Held(AdminName),
}

impl OwnedState {
    /// Whether the rule lets through what it says. Other profiles let the same packets through, and so does another way to write
    /// the same service: what a rule says is read from its columns, whatever object they name.
    pub(crate) fn allows_what_it_says(&self) -> bool {
        match self {
            Self::Right => true,
            Self::Wrong(wrong) => wrong.iter().all(|one| match one {
                Wrong::Profiles | Wrong::Service => true,
                Wrong::Zones | Wrong::RuleType | Wrong::Action | Wrong::Narrowed => false,
            }),
            Self::Disabled | Self::Held(_) => false,
        }
    }
}

/// What is not as we write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Source or destination zones.
    Zones,
    /// Not a universal rule.
    RuleType,
    /// Not allow.
    Action,
    /// Users, categories, HIP, schedule or an unknown element narrow it.
    Narrowed,
    /// The security profiles.
    Profiles,
    /// The service column: another way of writing the same ports, or an object that is not ours.
    Service,
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
            .ok_or_else(|| Unfit::NoBottomRule(config.bottom_rule.clone(), which))?;
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

    /// The hash of what our rules will be here once these changes are made. Names do not count: the same rules under other
    /// names would fail to commit in the same way.
    pub fn digest_after(&self, changes: &[Change]) -> Digest {
        let mut lines: Vec<_> = self.proposed_after(changes).into_values().collect();
        lines.sort_unstable();
        Digest(hash(&lines))
    }

    /// The hash of what they will be, and under which names.
    pub fn naming_after(&self, changes: &[Change]) -> Naming {
        let proposed = self.proposed_after(changes);
        let lines: Vec<_> = proposed.into_iter().map(|(name, proposed)| format!("{name} {proposed}")).collect();
        Naming(u32::try_from(hash(&lines) >> 32).unwrap_or_default())
    }

    /// What a commit proposes for each of our rules once these changes are made.
    fn proposed_after<'r>(&'r self, changes: &'r [Change]) -> BTreeMap<&'r OwnedName, String> {
        let mut rules: BTreeMap<_, _> = self.owned().map(|rule| (&rule.name, rule.proposed())).collect();
        let mut sunken = self.sunken();
        for change in changes {
            match change {
                Change::Put(rule, _) => {
                    rules.insert(&rule.name, rule.proposed());
                }
                Change::Delete(name) => {
                    rules.remove(name);
                }
                Change::Lift(name, _) => {
                    sunken.remove(name);
                }
                Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => {}
            }
        }
        for (name, proposed) in &mut rules {
            proposed.push_str(if sunken.contains(*name) { " below\n" } else { "\n" });
        }
        rules
    }
}

/// The first bytes of the SHA-256 of these lines.
fn hash(lines: &[String]) -> u64 {
    let mut hasher = Sha256::new();
    lines.iter().for_each(|line| hasher.update(line));
    let hash = hasher.finalize();
    hash.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

impl Owned<'_> {
    /// What a commit proposes for the rule as it stands.
    fn proposed(&self) -> String {
        let RuleFacts { from, to, profiles, status, .. } = self.facts;
        let nothing = BTreeSet::new();
        let wrong = if let OwnedState::Wrong(wrong) = &self.state { wrong } else { &nothing };
        proposed(self.spelling.as_ref(), *status, [from, to], profiles, wrong)
    }
}

impl OwnedRule {
    /// What a commit proposes for the rule once it is written.
    fn proposed(&self) -> String {
        let [from, to] = [&self.from, &self.to].map(|zone| Zones::Named(BTreeSet::from([zone.clone()])));
        let profiles = self.profile_group.clone().map_or(Profiles::None, Profiles::Group);
        proposed(Some(&self.spelling), self.status, [&from, &to], &profiles, &BTreeSet::new())
    }
}

/// Whatever of a rule of ours may be why its commit fails. Columns, not sides: where zones do not tell which way a rule goes, it is
/// the same rule read either way.
fn proposed(
    spelling: Option<&Spelling>,
    status: Status,
    zones: [&Zones; 2],
    profiles: &Profiles,
    wrong: &BTreeSet<Wrong>,
) -> String {
    let said = spelling.map(|spelling| format!("{:?} {:?}", spelling.columns(), spelling.service));
    format!("{status:?} {said:?} {zones:?} {profiles:?} {wrong:?}")
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

/// Service objects that other administrators have changed and not committed, as they are in force. What they have made of them is
/// theirs to commit, and no reason to change the rules of ours that use them.
struct InForce<'a>(BTreeMap<&'a ServiceName, &'a ServiceFacts>);

impl<'a> InForce<'a> {
    fn of(firewall: &'a Firewall, admin: &AdminName) -> Self {
        let noted = |name: &ServiceName| {
            let others = firewall.pending.iter().filter(|pending| pending.admin != *admin);
            others.map(|pending| &pending.node).any(|node| matches!(node, Node::Service(noted) if noted == name))
        };
        let is_theirs =
            |name: &ServiceName, now: &ServiceFacts| now.touched_by.iter().any(|by| by != admin) || noted(name);
        let running = firewall.running.services.iter();
        let changed = running.filter(|(name, held)| {
            firewall.candidate.services.get(*name).is_some_and(|now| now.l4 != held.l4 && is_theirs(name, now))
        });
        Self(changed.collect())
    }

    /// The rule with the ports that its objects have in force.
    fn seen_by<'f>(&self, facts: &'f RuleFacts) -> Cow<'f, RuleFacts> {
        let Services::Ports { objects, .. } = &facts.service else { return Cow::Borrowed(facts) };
        let [object] = objects.iter().collect::<Vec<_>>()[..] else { return Cow::Borrowed(facts) };
        let Some(held) = self.0.get(object) else { return Cow::Borrowed(facts) };
        let service = Services::Ports { l4: held.l4.clone(), objects: objects.clone() };
        Cow::Owned(RuleFacts { service, ..facts.clone() })
    }
}

/// What other administrators have not committed yet.
pub(crate) struct Others<'f> {
    deleted: BTreeMap<&'f RuleName, &'f AdminName>,
    changed: BTreeMap<&'f RuleName, &'f AdminName>,
}

impl<'f> Others<'f> {
    /// By dirty marks, which only the candidate bears, and by the list of changes, which alone tells of deletions.
    pub(crate) fn of(firewall: &'f Firewall, us: Option<&AdminName>) -> Self {
        let others = |admin: &&AdminName| Some(*admin) != us;
        let mut found = Self { deleted: BTreeMap::new(), changed: BTreeMap::new() };
        for rule in &firewall.candidate.rules {
            found.changed.extend(rule.touched_by.iter().find(others).map(|admin| (&rule.name, admin)));
        }
        for Pending { node, admin, effect } in firewall.pending.iter().filter(|pending| others(&&pending.admin)) {
            if let Node::Rule(name) = node {
                match effect {
                    Effect::Deleted => found.deleted.insert(name, admin),
                    Effect::Changed => found.changed.insert(name, admin),
                };
            }
        }
        found
    }

    /// Who else has uncommitted work on this rule.
    pub(crate) fn holder(&self, rule: &RuleName) -> Option<&'f AdminName> {
        self.changed.get(rule).or_else(|| self.deleted.get(rule)).copied()
    }
}

/// The name, if the rule is ours.
pub fn owned_name(facts: &RuleFacts, owner: &TagName) -> Option<OwnedName> {
    (facts.place == Place::Local && facts.tags.contains(owner)).then(|| OwnedName::parse(facts.name.as_str())).flatten()
}

fn state(
    facts: &RuleFacts,
    config: &Config,
    configuration: &Configuration,
    spelling: Option<&Spelling>,
    others: &Others<'_>,
    names: &ObjectNames<'_>,
) -> OwnedState {
    if let Some(by) = others.holder(&facts.name) {
        return OwnedState::Held(by.clone());
    }
    if facts.status == Status::Disabled {
        return OwnedState::Disabled;
    }
    let wrong = wrong(facts, config, configuration, spelling, names);
    if wrong.is_empty() { OwnedState::Right } else { OwnedState::Wrong(wrong) }
}

fn wrong(
    facts: &RuleFacts,
    config: &Config,
    configuration: &Configuration,
    spelling: Option<&Spelling>,
    names: &ObjectNames<'_>,
) -> BTreeSet<Wrong> {
    let profiles = config.profile_group.clone().map_or(Profiles::None, Profiles::Group);
    let service_is_ours = spelling.is_some_and(|spelling| match (names.column(&spelling.service), &facts.service) {
        (ServiceColumn::Any, Services::Any) => true,
        (ServiceColumn::ApplicationDefault, Services::ApplicationDefault) => true,
        (ServiceColumn::Object(_), Services::Ports { objects, .. }) => {
            objects.len() == 1 && objects.iter().all(|name| is_own_service(configuration, name, &config.owner))
        }
        (ServiceColumn::Any | ServiceColumn::ApplicationDefault | ServiceColumn::Object(_), _) => false,
    });
    let checks = [
        (Wrong::Zones, !ways(facts, config).is_empty()),
        (Wrong::RuleType, facts.rule_type == RuleType::Universal),
        (Wrong::Action, facts.action == Action::Allow),
        (Wrong::Narrowed, facts.narrowed_by.is_empty()),
        (Wrong::Profiles, facts.profiles == profiles),
        (Wrong::Service, service_is_ours),
    ];
    checks.into_iter().filter(|(_, right)| !right).map(|(wrong, _)| wrong).collect()
}

/// Whether a service object of this name carries our tag.
pub(crate) fn is_own_service(configuration: &Configuration, name: &ServiceName, owner: &TagName) -> bool {
    configuration.services.get(name).is_some_and(|object| object.tags.contains(owner))
}

/// The name under which a service object of ours holds these ports, or the name that a new one gets. A foreign object is
/// never used, whatever it holds, nor one that another administrator works on: only their commit would make it what it
/// seems. A taken name gets our owner as a suffix, and a number after that.
pub(crate) fn service_object(
    rulebase: &Rulebase<'_>,
    ports: ServicePorts,
    owner: &TagName,
) -> (ServiceName, ObjectStatus) {
    let [candidate, running] = [&rulebase.candidate, &rulebase.running].map(|policy| &policy.configuration.services);
    let wanted = match ports {
        ServicePorts::Tcp(ports) => L4::Tcp(ports),
        ServicePorts::Udp(ports) => L4::Udp(ports),
    };
    let suffix: String =
        owner.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(30).collect();
    let names = std::iter::once(ports.to_string())
        .chain((1_u32..).map(|n| if n == 1 { format!("{ports}_{suffix}") } else { format!("{ports}_{suffix}_{n}") }));
    names
        .filter_map(|text| text.parse::<ServiceName>().ok())
        .find_map(|name| match candidate.get(&name) {
            None if running.contains_key(&name) => None,
            None => Some((name, ObjectStatus::Missing)),
            Some(object) => {
                let is_ours = object.tags.contains(owner) && object.touched_by.iter().all(|by| by == rulebase.admin);
                (is_ours && object.l4 == [wanted]).then_some((name, ObjectStatus::Present))
            }
        })
        .expect("there are more numbers than objects")
}

/// Whether an object is in the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectStatus {
    Present,
    Missing,
}
