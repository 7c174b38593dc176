//! The decision: what to change so that the firewall allows exactly what is wanted. Pure; it cannot fail and cannot wait.

mod adoption;
mod grouping;
mod lost;
mod notes;
mod removal;
mod stamp;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::AddressRange,
    allowed::{Cover, Doubtful, Evidence, Overrides, Packet, Verdict, Why},
    change::{Change, Columns, Direction, Extras, OwnedRule, Position, ServiceObject, Spelling, WrittenService},
    config::Config,
    event::Cause,
    firewall::{Addresses, Status},
    fit::{Pairs, admitted, shrunk},
    id::{AdminName, GroupId, InterfaceId, OwnedName, RuleName, ServiceName, Subject},
    inventory::Inventory,
    limits::{self, Apart, Withheld},
    rulebase::{ObjectStatus, Owned, OwnedState, Policy, Rulebase, Wrong, service_object},
    service::Service,
    translate::{ServiceColumn, ServicePorts},
    wanted::{Atom, Origins, Wanted, wanted},
};

pub(crate) use self::lost::Lost;
pub use self::{
    adoption::{adoption, not_there},
    notes::Note,
    removal::removal,
    stamp::Stamp,
};
use self::{
    grouping::{by_peers, grouped, width},
    notes::{doubts, kept_closed, nat_notes},
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
    /// Rules whose changes are judged by what else is done.
    pub(crate) apart: Apart,
    /// Why each changed rule is changed.
    pub reasons: BTreeMap<OwnedName, Reason>,
    /// What is found and left as it is, because it is somebody else's to decide.
    pub notes: Vec<Note>,
    /// What AWS calls for, and what of it leads to no rule.
    pub wanted: Wanted,
    /// What becomes of each wanted atom, in their order.
    pub standings: Vec<Standing>,
    /// How many rules of ours the candidate has.
    pub owned: usize,
    /// How many rules the candidate has.
    pub rules: usize,
}

/// What becomes of a wanted atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This rule of ours says it, as it stands or as it is rewritten; it may be disabled or in another administrator's hands.
    Ours(OwnedName),
    /// It is allowed already, by these rules of the candidate together; the running configuration allows it as well.
    Allowed(Evidence),
    /// Nothing allows it: this new rule does.
    Added(OwnedName),
}

/// Why a rule is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is wanted, and this packet is not allowed without it. Foreign rules above it may block it all the same.
    Wanted {
        /// Evidence.
        gap: Packet,
        /// Who wants it.
        origins: Origins,
        /// Denies above it.
        overridden_by: BTreeSet<RuleName>,
        /// Allows that may let the packet through and count for nothing, with what narrows each.
        narrowed: Vec<(RuleName, Vec<Why>)>,
    },
    /// Part of what it says is not wanted any more.
    Shrunk,
    /// Nothing of what it says is wanted any more.
    Unwanted,
    /// What it says is wanted, in part or as a whole, and said in another way now: as another application, or within something wider.
    Respelled {
        /// The new rules for the same addresses, peers and ports. Without them it stays, as far as it is wanted.
        replaced_by: BTreeSet<OwnedName>,
    },
    /// All of ours goes, wanted or not.
    Leaving,
    /// It says nothing that can be kept: no product of addresses and peers for one service.
    Unreadable {
        /// The new rules for its addresses, which say what is wanted of it, if anything is.
        replaced_by: BTreeSet<OwnedName>,
    },
    /// It is not as we write it.
    Wrong(BTreeSet<Wrong>),
    /// It stands below the bottom rule.
    Sunken,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted { gap, origins, overridden_by, narrowed } => {
                let groups: BTreeSet<_> = origins.iter().map(|origin| origin.group.as_str()).collect();
                let groups: Vec<_> = groups.into_iter().collect();
                write!(f, "{} wants it; nothing allows {gap}", groups.join(", "))?;
                for (name, by) in narrowed {
                    let by: Vec<_> = by.iter().map(ToString::to_string).collect();
                    write!(f, "; `{name}` may, but for {}", by.join(", "))?;
                }
                let above: Vec<_> = overridden_by.iter().map(|name| format!("`{name}`")).collect();
                if above.is_empty() { Ok(()) } else { write!(f, "; overridden by {}", above.join(", ")) }
            }
            Self::Shrunk => f.write_str("part of it is not wanted any more"),
            Self::Unwanted => f.write_str("nothing of it is wanted any more"),
            Self::Respelled { replaced_by } if replaced_by.is_empty() => {
                f.write_str("what it says is allowed otherwise")
            }
            Self::Respelled { replaced_by } => {
                let by: Vec<_> = replaced_by.iter().map(ToString::to_string).collect();
                write!(f, "what it says is said by {} now", by.join(", "))
            }
            Self::Leaving => f.write_str("nothing of ours is to stay"),
            Self::Unreadable { .. } => f.write_str("it is no product of addresses and peers for one service"),
            Self::Wrong(wrong) => {
                let words: Vec<_> = wrong.iter().map(|wrong| format!("{wrong:?}").to_lowercase()).collect();
                write!(f, "not as we write it: {}", words.join(", "))
            }
            Self::Sunken => f.write_str("it stands below the bottom rule"),
        }
    }
}

/// Decides. The order of the inventory does not matter.
pub fn plan(inventory: &Inventory, rulebase: &Rulebase<'_>, config: &Config, causes: &[Cause]) -> Plan {
    plan_beside(&[], inventory, rulebase, config, causes)
}

/// Decides where the firewall does not take new rules that say this: nothing counts as allowed by them.
pub(crate) fn plan_beside(
    refused: &[&Spelling],
    inventory: &Inventory,
    rulebase: &Rulebase<'_>,
    config: &Config,
    causes: &[Cause],
) -> Plan {
    let wanted = wanted(inventory, &rulebase.running.configuration.nat, config);
    let (draft, kept, spelled) = (Draft::default(), Vec::new(), Vec::new());
    let mut planner = Planner { inventory, rulebase, config, refused, draft, kept, spelled };
    planner.keep_shrink_or_delete(&Pairs::of(&wanted, config));
    let (missing, mut standings) = planner.missing(&wanted);
    planner.add(&missing, causes, &mut standings);
    planner.finish(wanted, standings)
}

/// Characters of a rule's description that PAN-OS takes.
pub(crate) const DESCRIPTION_MAX: usize = 1024;

/// Changes by kind, so that they can be put in order.
#[derive(Debug, Default)]
struct Draft {
    services: BTreeMap<ServiceName, ServicePorts>,
    puts: Vec<(OwnedRule, Position)>,
    lifts: Vec<OwnedName>,
    deletes: Vec<OwnedName>,
    reasons: BTreeMap<OwnedName, Reason>,
    /// New rules that say only what others of ours lose.
    regained: BTreeSet<OwnedName>,
    /// What becomes of rules whose replacements are not made.
    instead: BTreeMap<OwnedName, OwnedRule>,
    notes: Vec<Note>,
}

struct Planner<'p> {
    inventory: &'p Inventory,
    rulebase: &'p Rulebase<'p>,
    config: &'p Config,
    /// What new rules would say that the firewall does not take.
    refused: &'p [&'p Spelling],
    draft: Draft,
    /// Rules of ours that will allow something, as they will stand.
    kept: Vec<(RuleName, Spelling)>,
    /// What rules of ours spell out, whether or not they allow it: nothing is added beside them.
    spelled: Vec<(OwnedName, Spelling)>,
}

/// An atom that nothing allows, with the evidence.
struct Missing<'w> {
    /// Its place among all wanted atoms.
    index: usize,
    atom: &'w Atom,
    origins: &'w Origins,
    gap: Packet,
    /// Which of the rules that the firewall does not take says it.
    refused: Option<usize>,
    novelty: Novelty,
}

/// Whether a rule of ours says it in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Novelty {
    /// One does that goes, or becomes less.
    Regained,
    /// None does.
    New,
}

impl Planner<'_> {
    /// Step 1: every rule of ours is kept, shrunk, replaced, moved or deleted.
    fn keep_shrink_or_delete(&mut self, pairs: &Pairs<'_>) {
        let rulebase = self.rulebase;
        let running: BTreeMap<_, _> = rulebase.running.owned().map(|rule| (&rule.name, rule)).collect();
        let sunken = rulebase.candidate.sunken();
        for rule in rulebase.candidate.owned() {
            // Of two readings the one that loses nothing.
            let left = || {
                let readings = rule.spellings().filter_map(|spelling| {
                    let in_force = running.get(&rule.name).and_then(|held| held.reading(spelling));
                    Some((spelling, shrunk(spelling, in_force, pairs)?))
                });
                readings.min_by_key(|(said, left)| *said != left)
            };
            match (&rule.state, &rule.spelling) {
                (OwnedState::Held(admin), _) => self.leave_held(rule, admin),
                (OwnedState::Disabled, None) => self.draft.notes.push(Note::Disabled(rule.name.clone())),
                (_, None) => self.delete(rule, Reason::Unreadable { replaced_by: BTreeSet::new() }),
                (_, Some(_)) => match left() {
                    None => self.give_up(rule, pairs),
                    Some((said, left)) => self.keep(rule, said, &left, sunken.contains(&rule.name)),
                },
            }
        }
        for (name, (admin, spellings)) in &rulebase.taken {
            let note = if rulebase.candidate.has(&name.rule_name()) { Note::Held } else { Note::DeletedBy };
            self.draft.notes.push(note(name.clone(), admin.clone()));
            self.spelled.extend(spellings.iter().map(|spelling| (name.clone(), spelling.clone())));
        }
    }

    fn leave_held(&mut self, rule: &Owned<'_>, admin: &AdminName) {
        self.draft.notes.push(Note::Held(rule.name.clone(), admin.clone()));
        self.spelled.extend(rule.spellings().map(|spelling| (rule.name.clone(), spelling.clone())));
    }

    /// A rule that says nothing in the way in which it is wanted now. What of it is admitted all the same stays until that can be
    /// said as it is wanted.
    fn give_up(&mut self, rule: &Owned<'_>, pairs: &Pairs<'_>) {
        let rest = rule.spellings().find_map(|said| Some((said, admitted(said, pairs)?)));
        let Some((said, rest)) = rest.filter(|_| rule.state.allows_what_it_says()) else {
            return self.delete(rule, Reason::Unwanted);
        };
        if rest != *said {
            let written = self.rewritten(rule, &rest);
            self.draft.instead.insert(rule.name.clone(), written);
        }
        self.delete(rule, Reason::Respelled { replaced_by: BTreeSet::new() });
    }

    fn delete(&mut self, rule: &Owned<'_>, why: Reason) {
        self.draft.deletes.push(rule.name.clone());
        self.draft.reasons.insert(rule.name.clone(), why);
    }

    /// A rule that says `said`, of which `left` is still wanted.
    fn keep(&mut self, rule: &Owned<'_>, said: &Spelling, left: &Spelling, sunken: bool) {
        self.spelled.push((rule.name.clone(), left.clone()));
        if self.config.goes_either_way() {
            self.spelled.push((rule.name.clone(), left.mirrored()));
        }
        if let OwnedState::Disabled = rule.state {
            self.draft.notes.push(Note::Disabled(rule.name.clone()));
        } else {
            self.kept.push((rule.facts.name.clone(), left.clone()));
        }
        let why = match &rule.state {
            // Shrinking comes first: whatever else is put right with it, it must not be withheld as an addition.
            _ if said != left => Some(Reason::Shrunk),
            OwnedState::Wrong(wrong) => Some(Reason::Wrong(wrong.clone())),
            OwnedState::Right | OwnedState::Disabled | OwnedState::Held(_) => None,
        };
        if let Some(why) = why {
            self.rewrite(rule, left);
            self.draft.reasons.insert(rule.name.clone(), why);
        }
        if sunken && rule.state != OwnedState::Disabled {
            self.draft.lifts.push(rule.name.clone());
            self.draft.reasons.entry(rule.name.clone()).or_insert(Reason::Sunken);
        }
    }

    /// A rule of ours as it is to be written again: what administrators may set on it is carried over.
    fn rewrite(&mut self, rule: &Owned<'_>, left: &Spelling) {
        let written = self.rewritten(rule, left);
        self.draft.puts.push((written, Position::InPlace));
    }

    fn rewritten(&mut self, rule: &Owned<'_>, left: &Spelling) -> OwnedRule {
        let mut tags = rule.facts.tags.clone();
        tags.insert(self.config.owner.clone());
        OwnedRule {
            service: self.service_column(&left.service),
            status: rule.facts.status,
            tags,
            description: rule.facts.description.clone(),
            extras: Extras::Kept(rule.facts.carried.clone()),
            ..self.blank(rule.name.clone(), left)
        }
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
            columns: Columns::of(spelling, &self.rulebase.names.addresses),
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
        match self.rulebase.names.column(service) {
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

    /// Step 2: what no rule of ours spells out is tested, widest first, against both configurations. The standings of what
    /// is missing are filled in when it has a rule.
    fn missing<'w>(&self, wanted: &'w Wanted) -> (Vec<Missing<'w>>, Vec<Option<Standing>>) {
        let spelled = Spelled::of(&self.spelled);
        let ours = |atom: &Atom| spelled.by(atom).map(|name| Standing::Ours(name.clone()));
        let mut standings: Vec<_> = wanted.atoms.keys().map(ours).collect();
        let all = wanted.atoms.iter().enumerate();
        let mut open: Vec<_> = all.filter(|(index, _)| standings[*index].is_none()).collect();
        // By address, which is fastest to ask: only atoms of the same address make each other needless.
        open.sort_by_cached_key(|(_, (atom, _))| (atom.direction, atom.local, Reverse(width(atom))));
        let mut covers = self.covers();
        let lost = self.lost();
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (index, (atom, origins)) in open {
            match verdict(&mut covers, atom) {
                Verdict::Allowed(by) => standings[index] = Some(Standing::Allowed(by)),
                Verdict::Gap(gap) => {
                    let refused = self.refused.iter().position(|spelling| spelling.says(atom));
                    // What the firewall would misread, or has refused, is not written: nothing is allowed by it.
                    if refused.is_none() && !self.rulebase.names.misread(&atom.service) {
                        covers.iter_mut().for_each(|cover| cover.add(atom));
                    }
                    let novelty = if lost.says(atom) { Novelty::Regained } else { Novelty::New };
                    missing.push(Missing { index, atom, origins, gap, refused, novelty });
                }
            }
        }
        // The widest is the one that the report shows.
        missing.sort_by_cached_key(|missing| Reverse(width(missing.atom)));
        (missing, standings)
    }

    /// What rules of ours say in force that go, or become less.
    fn lost(&self) -> Lost<'_> {
        let kept: BTreeMap<_, _> = self.kept.iter().map(|(name, left)| (name, left)).collect();
        let sunken = self.rulebase.running.sunken();
        let mut lost = Lost::default();
        for rule in self.rulebase.running.owned().filter(|rule| rule.state.allows_what_it_says()) {
            let is_kept = |said: &&Spelling| kept.get(&rule.facts.name).is_some_and(|left| left.holds(said));
            if !sunken.contains(&rule.name) {
                rule.spellings().filter(|said| !is_kept(said)).for_each(|said| lost.add(said));
            }
        }
        lost
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
    fn add(&mut self, missing: &[Missing<'_>], causes: &[Cause], standings: &mut [Option<Standing>]) {
        if missing.is_empty() {
            return;
        }
        let mut numbers = self.rulebase.numbers();
        let mut beside = Beside::of(&self.rulebase.candidate, self.config);
        for (key, atoms) in grouped(missing, causes) {
            for (peers, locals) in by_peers(&atoms) {
                let name = numbers.next(&key.subject);
                let atoms: Vec<_> =
                    atoms.iter().filter(|missing| locals.contains(&missing.atom.local)).copied().collect();
                let spelling = Spelling { direction: key.direction, locals, peers, service: key.service.clone() };
                for missing in &atoms {
                    standings[missing.index] = Some(Standing::Added(name.clone()));
                }
                if key.novelty == Novelty::Regained {
                    self.draft.regained.insert(name.clone());
                }
                self.put_new(name, &spelling, &atoms, &mut beside, &key.group, causes);
            }
        }
    }

    fn put_new(
        &mut self,
        name: OwnedName,
        spelling: &Spelling,
        atoms: &[&Missing<'_>],
        beside: &mut Beside<'_>,
        group: &GroupId,
        causes: &[Cause],
    ) {
        let origins: Origins =
            atoms.iter().flat_map(|missing| missing.origins).filter(|origin| origin.group == *group).cloned().collect();
        let rule = OwnedRule {
            service: self.service_column(&spelling.service),
            description: self.description(group, &origins, causes),
            ..self.blank(name.clone(), spelling)
        };
        self.draft.puts.push((rule, Position::Above(self.config.bottom_rule.clone())));
        if let Some(first) = atoms.first() {
            let reason = Reason::Wanted {
                gap: first.gap.clone(),
                origins,
                overridden_by: beside.overriding(atoms),
                narrowed: beside.narrowed(&first.gap),
            };
            self.draft.reasons.insert(name, reason);
        }
    }

    /// Whose the rule is and why it is there, for whoever meets it on the firewall.
    fn description(&self, group: &GroupId, origins: &Origins, causes: &[Cause]) -> String {
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

    /// Which new rules take the place of one of ours: those for addresses of its own side, if it says nothing that can be kept, and
    /// those that say something of it in another way.
    fn find_replacements(&mut self) {
        let puts = &self.draft.puts;
        let new: Vec<_> =
            puts.iter().filter(|(_, position)| matches!(position, Position::Above(_))).map(|(rule, _)| rule).collect();
        for rule in self.rulebase.candidate.owned() {
            let is_beside = |new: &&&OwnedRule| match new.spelling.direction {
                Direction::Ingress => may_be_of(&rule.facts.destination, &new.spelling.locals),
                Direction::Egress => may_be_of(&rule.facts.source, &new.spelling.locals),
            };
            let says_some =
                |new: &&&OwnedRule| rule.spelling.as_ref().is_some_and(|said| said.is_respelled_by(&new.spelling));
            let names = |rules: Vec<&&OwnedRule>| rules.into_iter().map(|new| new.name.clone()).collect();
            match self.draft.reasons.get_mut(&rule.name) {
                Some(Reason::Unreadable { replaced_by }) => {
                    *replaced_by = names(new.iter().filter(is_beside).collect())
                }
                Some(Reason::Respelled { replaced_by }) => *replaced_by = names(new.iter().filter(says_some).collect()),
                Some(_) | None => {}
            }
        }
    }

    /// Step 4: the order of changes; then what mode and limits withhold.
    fn finish(mut self, wanted: Wanted, standings: Vec<Option<Standing>>) -> Plan {
        self.find_replacements();
        let Self { inventory, rulebase, config, draft, .. } = self;
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
        let differing = rulebase.differing();
        let limits::Left { changes, withheld, apart } =
            limits::withhold(changes, &draft.reasons, (draft.regained, draft.instead), rulebase, &differing, config);
        let mut notes = draft.notes;
        notes.extend(nat_notes(&wanted, inventory, rulebase, config));
        notes.extend(doubts(&wanted));
        notes.extend(kept_closed(&wanted));
        Plan {
            commit: config.mode != crate::config::Mode::Observe && !differing.is_empty(),
            changes,
            withheld,
            apart,
            reasons: draft.reasons,
            notes,
            wanted,
            standings: standings.into_iter().flatten().collect(),
            owned,
            rules: rulebase.candidate.rules.len(),
        }
    }
}

/// Foreign rules above ours that a report names beside a new one.
struct Beside<'a> {
    overrides: Overrides<'a>,
    doubtful: Doubtful<'a>,
}

impl<'a> Beside<'a> {
    fn of(policy: &Policy<'a>, config: &Config) -> Self {
        Self { overrides: Overrides::of(policy, config), doubtful: Doubtful::of(policy, config) }
    }

    fn overriding(&mut self, atoms: &[&Missing<'_>]) -> BTreeSet<RuleName> {
        atoms.iter().flat_map(|missing| self.overrides.of_atom(missing.atom)).cloned().collect()
    }

    fn narrowed(&mut self, gap: &Packet) -> Vec<(RuleName, Vec<Why>)> {
        self.doubtful.about(gap).into_iter().map(|may| (may.rule.name.clone(), may.depends_on)).collect()
    }
}

/// Allowed means allowed in both configurations; the evidence is the candidate's.
fn verdict(covers: &mut [Cover<'_>], atom: &Atom) -> Verdict {
    let mut verdicts = covers.iter_mut().map(|cover| cover.verdict(atom));
    let first = verdicts.next().expect("there is always a candidate");
    match first {
        Verdict::Gap(_) => first,
        Verdict::Allowed(_) => verdicts.find(|other| matches!(other, Verdict::Gap(_))).unwrap_or(first),
    }
}

/// Whether some of these may be among the addresses of a rule.
fn may_be_of(addresses: &Addresses, some: &BTreeSet<AddressRange>) -> bool {
    match addresses {
        Addresses::Known { listed, .. } => listed.iter().any(|range| some.iter().any(|one| range.meets(*one))),
        Addresses::Unknown => true,
    }
}

/// Atoms that rules of ours spell out: by address, of which there are many, then by service, of which there are few.
struct Spelled<'s>(BTreeMap<(Direction, AddressRange), Vec<(&'s OwnedName, &'s Spelling)>>);

impl<'s> Spelled<'s> {
    fn of(spellings: &'s [(OwnedName, Spelling)]) -> Self {
        let mut by_local: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, spelling) in spellings {
            for local in &spelling.locals {
                by_local.entry((spelling.direction, *local)).or_default().push((name, spelling));
            }
        }
        Self(by_local)
    }

    fn by(&self, atom: &Atom) -> Option<&'s OwnedName> {
        let spellings = self.0.get(&(atom.direction, atom.local))?;
        spellings.iter().find(|(_, spelling)| spelling.says(atom)).map(|(name, _)| *name)
    }
}
