//! The decision: what to change so that the firewall allows exactly what is wanted. Pure; it cannot fail and cannot wait.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{AddressRange, Family},
    allowed::{Cover, Overrides, Packet, Verdict},
    change::{Change, Direction, Extras, OwnedRule, Position, ServiceObject, Spelling, WrittenService},
    config::Config,
    event::Cause,
    exposure::Doubt,
    firewall::Status,
    fit::{Pairs, shrunk},
    id::{AdminName, GroupId, InstanceId, InterfaceId, OwnedName, RuleName, ServiceName, Subject},
    inventory::Inventory,
    limits::{self, Withheld},
    report::counted,
    rulebase::{ObjectStatus, Owned, OwnedState, Rulebase, Wrong, service_object},
    service::Service,
    translate::{ServiceColumn, ServicePorts},
    wanted::{Atom, LeftOut, Origin, Wanted, wanted},
};

/// What to do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What to change, in order: objects, rules, moves, deletions.
    pub changes: Vec<Change>,
    /// Whether the running configuration has to follow the candidate once nothing is left to change.
    pub commit: bool,
    /// What would be changed if mode and limits let us.
    pub withheld: Vec<Withheld>,
    /// Why each changed rule is changed.
    pub reasons: BTreeMap<OwnedName, Reason>,
    /// What is found and left as it is, because it is somebody else's to decide.
    pub notes: Vec<Note>,
    /// What AWS calls for that leads to no rule.
    pub left_out: BTreeSet<LeftOut>,
    /// How many atoms are wanted.
    pub wanted: usize,
    /// How many interfaces are exposed, or may be.
    pub exposed: usize,
    /// How many rules of ours the candidate has.
    pub owned: usize,
    /// How many rules the candidate has.
    pub rules: usize,
}

/// Why a rule is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is wanted, and this packet is not allowed without it. Foreign rules above it may block it all the same.
    Wanted {
        /// Evidence.
        gap: Packet,
        /// Who wants it.
        origins: BTreeSet<Origin>,
        /// Denies above it.
        overridden_by: BTreeSet<RuleName>,
    },
    /// Part of what it says is not wanted any more.
    Shrunk,
    /// Nothing of what it says is wanted any more.
    Unwanted,
    /// It says nothing that can be kept: no product of addresses and peers for one service.
    Unreadable,
    /// It is not as we write it.
    Wrong(BTreeSet<Wrong>),
    /// It stands below the bottom rule.
    Sunken,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted { gap, origins, overridden_by } => {
                let groups: BTreeSet<_> = origins.iter().map(|origin| origin.group.as_str()).collect();
                let groups: Vec<_> = groups.into_iter().collect();
                write!(f, "{} wants it; nothing allows {gap}", groups.join(", "))?;
                let above: Vec<_> = overridden_by.iter().map(|name| format!("`{name}`")).collect();
                if above.is_empty() { Ok(()) } else { write!(f, "; overridden by {}", above.join(", ")) }
            }
            Self::Shrunk => f.write_str("part of it is not wanted any more"),
            Self::Unwanted => f.write_str("nothing of it is wanted any more"),
            Self::Unreadable => f.write_str("it is no product of addresses and peers for one service"),
            Self::Wrong(wrong) => {
                let words: Vec<_> = wrong.iter().map(|wrong| format!("{wrong:?}").to_lowercase()).collect();
                write!(f, "not as we write it: {}", words.join(", "))
            }
            Self::Sunken => f.write_str("it stands below the bottom rule"),
        }
    }
}

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A rule of ours is switched off.
    Disabled(OwnedName),
    /// Another administrator has uncommitted work on a rule of ours.
    Held(OwnedName, AdminName),
    /// Another administrator has deleted a rule of ours, uncommitted.
    DeletedBy(OwnedName, AdminName),
    /// Nobody can tell whether so many interfaces are exposed.
    Doubtful(Doubt, usize),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled(name) => write!(f, "{name} is disabled by an administrator: left so"),
            Self::Held(name, admin) => write!(f, "{name} has uncommitted work of `{admin}`: left alone"),
            Self::DeletedBy(name, admin) => write!(f, "`{admin}` has deleted {name}, uncommitted: left alone"),
            Self::Doubtful(doubt, number) => {
                write!(f, "{doubt}: what we own for {} stays, nothing is added", counted(*number, "interface"))
            }
        }
    }
}

/// Decides. The order of the inventory does not matter.
pub fn plan(inventory: &Inventory, rulebase: &Rulebase<'_>, config: &Config, causes: &[Cause]) -> Plan {
    let wanted = wanted(inventory, config);
    let mut planner =
        Planner { inventory, rulebase, config, draft: Draft::default(), kept: Vec::new(), spelled: Vec::new() };
    planner.keep_shrink_or_delete(&Pairs::of(&wanted));
    let missing = planner.missing(&wanted);
    planner.add(&missing, causes);
    planner.finish(wanted)
}

/// Characters of a rule's description that PAN-OS takes.
const DESCRIPTION_MAX: usize = 1024;

/// Changes by kind, so that they can be put in order.
#[derive(Debug, Default)]
struct Draft {
    services: BTreeMap<ServiceName, ServicePorts>,
    puts: Vec<(OwnedRule, Position)>,
    lifts: Vec<OwnedName>,
    deletes: Vec<OwnedName>,
    reasons: BTreeMap<OwnedName, Reason>,
    notes: Vec<Note>,
}

struct Planner<'p> {
    inventory: &'p Inventory,
    rulebase: &'p Rulebase<'p>,
    config: &'p Config,
    draft: Draft,
    /// Rules of ours that will allow something, as they will stand.
    kept: Vec<(RuleName, Spelling)>,
    /// What rules of ours spell out, whether or not they allow it: nothing is added beside them.
    spelled: Vec<Spelling>,
}

/// An atom that nothing allows, with the evidence.
struct Missing<'w> {
    atom: &'w Atom,
    origins: &'w BTreeSet<Origin>,
    gap: Packet,
}

impl Planner<'_> {
    /// Step 1: every rule of ours is kept, shrunk, replaced, moved or deleted.
    fn keep_shrink_or_delete(&mut self, pairs: &Pairs<'_>) {
        let rulebase = self.rulebase;
        let sunken = rulebase.candidate.sunken();
        for rule in rulebase.candidate.owned() {
            match (&rule.state, &rule.spelling) {
                (OwnedState::Held(admin), spelling) => self.leave_held(rule, admin, spelling.as_ref()),
                (OwnedState::Disabled, None) => self.draft.notes.push(Note::Disabled(rule.name.clone())),
                (_, None) => self.delete(rule, Reason::Unreadable),
                (state, Some(spelling)) => match shrunk(spelling, pairs) {
                    None => self.delete(rule, Reason::Unwanted),
                    Some(left) => self.keep(rule, state, &left, sunken.contains(&rule.name)),
                },
            }
        }
        for (name, (admin, spelling)) in &rulebase.taken {
            let note = if rulebase.candidate.has(&name.rule_name()) { Note::Held } else { Note::DeletedBy };
            self.draft.notes.push(note(name.clone(), admin.clone()));
            self.spelled.extend(spelling.clone());
        }
    }

    fn leave_held(&mut self, rule: &Owned<'_>, admin: &AdminName, spelling: Option<&Spelling>) {
        self.draft.notes.push(Note::Held(rule.name.clone(), admin.clone()));
        self.spelled.extend(spelling.cloned());
    }

    fn delete(&mut self, rule: &Owned<'_>, why: Reason) {
        self.draft.deletes.push(rule.name.clone());
        self.draft.reasons.insert(rule.name.clone(), why);
    }

    fn keep(&mut self, rule: &Owned<'_>, state: &OwnedState, left: &Spelling, sunken: bool) {
        self.spelled.push(left.clone());
        if let OwnedState::Disabled = state {
            self.draft.notes.push(Note::Disabled(rule.name.clone()));
        } else {
            self.kept.push((rule.facts.name.clone(), left.clone()));
        }
        let why = match state {
            // Shrinking comes first: whatever else is put right with it, it must not be withheld as an addition.
            _ if rule.spelling.as_ref() != Some(left) => Some(Reason::Shrunk),
            OwnedState::Wrong(wrong) => Some(Reason::Wrong(wrong.clone())),
            OwnedState::Right | OwnedState::Disabled | OwnedState::Held(_) => None,
        };
        if let Some(why) = why {
            self.rewrite(rule, left);
            self.draft.reasons.insert(rule.name.clone(), why);
        }
        if sunken && *state != OwnedState::Disabled {
            self.draft.lifts.push(rule.name.clone());
            self.draft.reasons.entry(rule.name.clone()).or_insert(Reason::Sunken);
        }
    }

    /// A rule of ours as it is to be written again: what administrators may set on it is carried over.
    fn rewrite(&mut self, rule: &Owned<'_>, left: &Spelling) {
        let mut tags = rule.facts.tags.clone();
        tags.insert(self.config.owner.clone());
        let written = OwnedRule {
            service: self.service_column(&left.service),
            spelling: left.clone(),
            status: rule.facts.status,
            tags,
            description: rule.facts.description.clone(),
            extras: Extras::Kept(rule.facts.carried.clone()),
            ..self.blank(rule.name.clone(), left)
        };
        self.draft.puts.push((written, Position::InPlace));
    }

    /// A rule with everything that the settings decide.
    fn blank(&self, name: OwnedName, spelling: &Spelling) -> OwnedRule {
        let (from, to) = match spelling.direction {
            Direction::Ingress => (&self.config.untrust, &self.config.trust),
            Direction::Egress => (&self.config.trust, &self.config.untrust),
        };
        OwnedRule {
            name,
            spelling: spelling.clone(),
            from: from.clone(),
            to: to.clone(),
            service: WrittenService::Any,
            status: Status::Enabled,
            profile_group: self.config.profile_group.clone(),
            tags: BTreeSet::from([self.config.owner.clone()]),
            description: String::new(),
            extras: Extras::Fresh { log_setting: self.config.log_setting.clone() },
        }
    }

    /// The service column, with the object it may need.
    fn service_column(&mut self, service: &Service) -> WrittenService {
        match service.column() {
            ServiceColumn::Any => WrittenService::Any,
            ServiceColumn::ApplicationDefault => WrittenService::ApplicationDefault,
            ServiceColumn::Object(ports) => {
                let (name, status) = service_object(self.rulebase, ports, &self.config.owner);
                if status == ObjectStatus::Missing {
                    self.draft.services.insert(name.clone(), ports);
                }
                WrittenService::Object(name)
            }
        }
    }

    /// Step 2: what no rule of ours spells out is tested, widest first, against both configurations.
    fn missing<'w>(&self, wanted: &'w Wanted) -> Vec<Missing<'w>> {
        let spelled = Spelled::of(&self.spelled);
        let mut open: Vec<_> = wanted.atoms.iter().filter(|(atom, _)| !spelled.holds(atom)).collect();
        // By address, which is fastest to ask: only atoms of the same address make each other needless.
        open.sort_by_cached_key(|(atom, _)| (atom.direction, atom.local, std::cmp::Reverse(width(atom))));
        let mut covers = self.covers();
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (atom, origins) in open {
            let gap = covers.iter_mut().find_map(|cover| match cover.verdict(atom) {
                Verdict::Allowed(_) => None,
                Verdict::Gap(packet) => Some(packet),
            });
            if let Some(gap) = gap {
                covers.iter_mut().for_each(|cover| cover.add(atom));
                missing.push(Missing { atom, origins, gap });
            }
        }
        // The widest is the one that the report shows.
        missing.sort_by_cached_key(|missing| std::cmp::Reverse(width(missing.atom)));
        missing
    }

    /// One proof for each configuration; one for both where they are the same.
    fn covers<'c>(&'c self) -> Vec<Cover<'c>> {
        let Rulebase { candidate, running, .. } = self.rulebase;
        let mut policies = vec![candidate];
        if !std::ptr::eq(candidate.configuration, running.configuration) {
            policies.push(running);
        }
        policies.into_iter().map(|policy| Cover::of(policy, &self.kept, self.config)).collect()
    }

    /// Step 3: missing atoms of one group and one service become one rule, named after its cause.
    fn add(&mut self, missing: &[Missing<'_>], causes: &[Cause]) {
        if missing.is_empty() {
            return;
        }
        let mut numbers = self.rulebase.numbers();
        let mut overrides = Overrides::of(&self.rulebase.candidate, self.config);
        for (key, atoms) in grouped(missing, causes) {
            for (peers, locals) in by_peers(&atoms) {
                let name = numbers.next(&key.subject);
                let atoms: Vec<_> =
                    atoms.iter().filter(|missing| locals.contains(&missing.atom.local)).copied().collect();
                let spelling = Spelling { direction: key.direction, locals, peers, service: key.service.clone() };
                let overridden_by = atoms.iter().flat_map(|missing| overrides.of_atom(missing.atom)).cloned().collect();
                self.put_new(name, &spelling, &atoms, overridden_by, &key.group, causes);
            }
        }
    }

    fn put_new(
        &mut self,
        name: OwnedName,
        spelling: &Spelling,
        atoms: &[&Missing<'_>],
        overridden_by: BTreeSet<RuleName>,
        group: &GroupId,
        causes: &[Cause],
    ) {
        let origins: BTreeSet<_> =
            atoms.iter().flat_map(|missing| missing.origins).filter(|origin| origin.group == *group).cloned().collect();
        let rule = OwnedRule {
            service: self.service_column(&spelling.service),
            description: self.description(group, &origins, causes),
            ..self.blank(name.clone(), spelling)
        };
        self.draft.puts.push((rule, Position::Above(self.config.bottom_rule.clone())));
        if let Some(first) = atoms.first() {
            self.draft.reasons.insert(name, Reason::Wanted { gap: first.gap.clone(), origins, overridden_by });
        }
    }

    /// Whose the rule is and why it is there, for whoever meets it on the firewall.
    fn description(&self, group: &GroupId, origins: &BTreeSet<Origin>, causes: &[Cause]) -> String {
        let cause = causes
            .iter()
            .find(|cause| match &cause.subject {
                Subject::Group(id) => id == group,
                Subject::Instance(id) => origins.iter().any(|origin| origin.instance.as_ref() == Some(id)),
            })
            .map_or_else(|| "found missing".to_owned(), ToString::to_string);
        let interfaces: BTreeSet<&InterfaceId> = origins.iter().map(|origin| &origin.interface).collect();
        let shown: Vec<_> = interfaces.iter().take(8).map(|id| id.as_str()).collect();
        let more = match interfaces.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let stamp = Stamp { account: self.inventory.account.clone(), region: self.inventory.region.clone() };
        let said = format!("{stamp}; {group} on {}{more}; {cause}", shown.join(", "));
        // The event's name is whatever a log said.
        said.chars().filter(|c| !c.is_control()).take(DESCRIPTION_MAX).collect()
    }

    /// Step 4: the order of changes; then what mode and limits withhold.
    fn finish(self, wanted: Wanted) -> Plan {
        let Self { rulebase, config, draft, .. } = self;
        let bottom = &config.bottom_rule;
        let owned = rulebase.candidate.owned().count();
        let mut changes: Vec<_> = draft
            .services
            .into_iter()
            .map(|(name, ports)| Change::Service(ServiceObject { name, ports, owner: config.owner.clone() }))
            .chain(draft.puts.into_iter().map(|(rule, position)| Change::Put(Box::new(rule), position)))
            .chain(draft.lifts.into_iter().map(|name| Change::Lift(name, bottom.clone())))
            .chain(draft.deletes.into_iter().map(Change::Delete))
            .collect();
        let needs_tag = changes.iter().any(|change| matches!(change, Change::Service(_) | Change::Put(..)));
        if needs_tag && !rulebase.candidate.configuration.tags.contains_key(&config.owner) {
            changes.insert(0, Change::Tag(config.owner.clone()));
        }
        // Shares are of what is live: our own additions of a minute ago must not make room for removals.
        let live = rulebase.running.owned().count();
        let (changes, withheld) = limits::withhold(changes, &draft.reasons, live, config);
        let mut notes = draft.notes;
        notes.extend(doubts(&wanted));
        Plan {
            commit: config.mode != crate::config::Mode::Observe && rulebase.differs(),
            changes,
            withheld,
            reasons: draft.reasons,
            notes,
            left_out: wanted.left_out,
            wanted: wanted.atoms.len(),
            exposed: wanted.exposed,
            owned,
            rules: rulebase.candidate.rules.len(),
        }
    }
}

/// Doubts about exposure, and how many interfaces each is about.
fn doubts(wanted: &Wanted) -> Vec<Note> {
    let mut interfaces: BTreeMap<&Doubt, BTreeSet<_>> = BTreeMap::new();
    for left_out in &wanted.left_out {
        if let LeftOut::Doubtful(interface, doubt) = left_out {
            interfaces.entry(doubt).or_default().insert(interface);
        }
    }
    interfaces.into_iter().map(|(doubt, which)| Note::Doubtful(doubt.clone(), which.len())).collect()
}

/// Atoms that rules of ours spell out: by address, of which there are many, then by service, of which there are few.
struct Spelled<'s>(BTreeMap<(Direction, AddressRange), Vec<&'s Spelling>>);

impl<'s> Spelled<'s> {
    fn of(spellings: &'s [Spelling]) -> Self {
        let mut by_local: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for spelling in spellings {
            for local in &spelling.locals {
                by_local.entry((spelling.direction, *local)).or_default().push(spelling);
            }
        }
        Self(by_local)
    }

    fn holds(&self, atom: &Atom) -> bool {
        let says = |spelling: &&Spelling| spelling.service == atom.service && spelling.peers.contains(&atom.peer);
        self.0.get(&(atom.direction, atom.local)).is_some_and(|spellings| spellings.iter().any(says))
    }
}

/// How much an atom lets through: wide ones are tested first, because they may make narrow ones needless.
fn width(atom: &Atom) -> (u32, u16, u32, Family) {
    use crate::service::{Apps, L4};
    let (protocols, ports) = match atom.service.l4 {
        L4::Any => (3, u16::MAX),
        L4::Tcp(ports) | L4::Udp(ports) => (1, ports.last() - ports.first()),
        L4::Ip(_) => (1, 0),
    };
    let apps = u32::from(atom.service.apps == Apps::Any);
    (protocols + apps, ports, atom.peer.bits(), atom.peer.family())
}

/// What missing atoms share that become one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RuleKey {
    subject: Subject,
    direction: Direction,
    service: Service,
    family: Family,
    group: GroupId,
}

/// Missing atoms by the rule that they become part of.
fn grouped<'m>(missing: &'m [Missing<'m>], causes: &[Cause]) -> BTreeMap<RuleKey, Vec<&'m Missing<'m>>> {
    let causing: BTreeSet<&Subject> = causes.iter().map(|cause| &cause.subject).collect();
    let mut rules: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for missing in missing {
        let is_cause = |origin: &&Origin| causing.contains(&Subject::Group(origin.group.clone()));
        let Some(group) = missing.origins.iter().find(is_cause).or_else(|| missing.origins.first()).map(|o| &o.group)
        else {
            continue;
        };
        let by_instance = |id: &InstanceId| Subject::Instance(id.clone());
        let instance = || {
            let instances = missing.origins.iter().filter_map(|origin| origin.instance.as_ref());
            instances.map(by_instance).find(|subject| causing.contains(subject))
        };
        let by_group = Subject::Group(group.clone());
        let subject = if causing.contains(&by_group) { by_group } else { instance().unwrap_or(by_group) };
        let Atom { direction, peer, service, .. } = missing.atom;
        let key = RuleKey {
            subject,
            direction: *direction,
            service: service.clone(),
            family: peer.family(),
            group: group.clone(),
        };
        rules.entry(key).or_default().push(missing);
    }
    rules
}

/// Only addresses with the same set of missing peers share a rule.
fn by_peers(atoms: &[&Missing<'_>]) -> Vec<(BTreeSet<AddressRange>, BTreeSet<AddressRange>)> {
    let mut peers_of: BTreeMap<AddressRange, BTreeSet<AddressRange>> = BTreeMap::new();
    for missing in atoms {
        peers_of.entry(missing.atom.local).or_default().insert(missing.atom.peer);
    }
    let mut rules: BTreeMap<BTreeSet<AddressRange>, BTreeSet<AddressRange>> = BTreeMap::new();
    for (local, peers) in peers_of {
        rules.entry(peers).or_default().insert(local);
    }
    rules.into_iter().collect()
}

/// Account and region, as every description of ours begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Whose inventory; unknown if it lists nothing.
    pub account: Option<crate::id::AccountId>,
    /// Which region.
    pub region: crate::id::Region,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "aws {account} {}", self.region),
            None => write!(f, "aws unknown {}", self.region),
        }
    }
}

impl Stamp {
    /// The stamp at the beginning of a description, unless an administrator has written another text.
    pub fn parse(description: &str) -> Option<Self> {
        let (account, rest) = description.strip_prefix("aws ")?.split_once(' ')?;
        let (region, _) = rest.split_once(';')?;
        let account = if account == "unknown" { None } else { Some(account.parse().ok()?) };
        Some(Self { account, region: region.parse().ok()? })
    }
}
