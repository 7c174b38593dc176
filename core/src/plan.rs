//! The decision: what to change so that the firewall allows exactly what is wanted. Pure; it cannot fail and cannot wait.

mod adding;
mod adoption;
mod beside;
mod grouping;
mod keeping;
mod lost;
mod notes;
mod reason;
mod removal;
mod replacing;
mod spelled;
mod stamp;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    allowed::Evidence,
    change::{Change, Columns, Direction, Extras, OwnedRule, Position, ServiceObject, Spelling, WrittenService},
    config::Config,
    event::Cause,
    firewall::Status,
    fit::Pairs,
    id::{OwnedName, RuleName, ServiceName},
    inventory::Inventory,
    limits::{self, Apart, Hindrance, Withheld},
    rulebase::{ObjectStatus, Owned, Rulebase, service_object},
    service::Service,
    translate::{ServiceColumn, ServicePorts},
    wanted::{Wanted, wanted},
};

pub(crate) use self::lost::Lost;
use self::notes::{doubts, kept_closed, nat_notes};
pub use self::{
    adoption::{adoption, not_there},
    notes::Note,
    reason::Reason,
    removal::removal,
    stamp::Stamp,
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

/// Decides. The order of the inventory does not matter.
pub fn plan(inventory: &Inventory, rulebase: &Rulebase<'_>, config: &Config, causes: &[Cause]) -> Plan {
    plan_beside(Learned::default(), inventory, rulebase, config, causes)
}

/// What a run has learned of rules that it would write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Learned<'b> {
    /// What new ones would say that the firewall does not take: nothing counts as allowed by them.
    pub(crate) refused: &'b [&'b Spelling],
    /// Whether the other new ones are written.
    pub(crate) news: News,
    /// Whether those that are there are put right.
    pub(crate) repairs: Repairs<'b>,
}

/// Whether new rules are written as they are planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum News {
    #[default]
    Written,
    /// Some are left out: what rules of ours lose does not count as allowed by a new one that says more.
    LeftOut,
}

/// Whether rules that let nothing through as they stand are put right: what others lose does not count as allowed by one that is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Repairs<'b> {
    #[default]
    Made,
    /// But for these.
    Without(&'b BTreeSet<OwnedName>),
    LeftOut,
}

/// Decides beside new rules that are left out.
pub(crate) fn plan_beside(
    learned: Learned<'_>,
    inventory: &Inventory,
    rulebase: &Rulebase<'_>,
    config: &Config,
    causes: &[Cause],
) -> Plan {
    let first = planned(learned, inventory, rulebase, config, causes);
    // All of them are withheld then.
    let is_too_much = |withheld: &Withheld| matches!(withheld.why, Hindrance::Additions { .. });
    let is_repair = |withheld: &Withheld| !matches!(withheld.change, Change::Put(_, Position::Above(_)));
    let needs_new = |standing: &Standing| matches!(standing, Standing::Allowed(by) if by.needs_new_rules());
    let too_much: Vec<_> = first.withheld.iter().filter(|withheld| is_too_much(withheld)).collect();
    let counts = too_much.iter().any(|withheld| is_repair(withheld)) || first.standings.iter().any(needs_new);
    if too_much.is_empty() || !counts {
        return first;
    }
    let learned = Learned { news: News::LeftOut, repairs: Repairs::LeftOut, ..learned };
    planned(learned, inventory, rulebase, config, causes)
}

fn planned(
    learned: Learned<'_>,
    inventory: &Inventory,
    rulebase: &Rulebase<'_>,
    config: &Config,
    causes: &[Cause],
) -> Plan {
    let wanted = wanted(inventory, &rulebase.running.configuration.nat, config);
    let (draft, kept, spelled) = (Draft::default(), Vec::new(), Vec::new());
    let mut planner = Planner { inventory, rulebase, config, learned, draft, kept, spelled };
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
    /// New rules that say what is lost, or switched off, in force alone: the candidate says it no more.
    restored: BTreeSet<OwnedName>,
    /// What is to be said elsewhere, or in another way, before rules become less, and the rules that say it.
    respelled: BTreeMap<OwnedName, (Vec<Spelling>, BTreeSet<OwnedName>)>,
    /// Disabled rules that become less, with the new ones that say the rest.
    switched_off: BTreeMap<OwnedName, BTreeSet<OwnedName>>,
    /// Rules that are not to come into force as they stand.
    taken_back: BTreeSet<OwnedName>,
    /// What becomes of rules whose replacements are not made.
    instead: BTreeMap<OwnedName, OwnedRule>,
    notes: Vec<Note>,
}

struct Planner<'p> {
    inventory: &'p Inventory,
    rulebase: &'p Rulebase<'p>,
    config: &'p Config,
    learned: Learned<'p>,
    draft: Draft,
    /// Rules of ours that will allow something, as they will stand.
    kept: Vec<(RuleName, Spelling)>,
    /// What rules of ours spell out, whether or not they allow it: nothing is added beside them.
    spelled: Vec<(OwnedName, Spelling)>,
}

impl Planner<'_> {
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

    /// Step 4: the order of changes; then what mode and limits withhold.
    fn finish(mut self, wanted: Wanted, standings: Vec<Option<Standing>>) -> Plan {
        self.find_replacements();
        let Self { inventory, rulebase, config, draft, .. } = self;
        let bottom = &config.bottom_rule;
        let mut puts = draft.puts;
        // New ones first, disabled ones before others: no rule gives up anything before it is said again.
        puts.sort_by_key(|(rule, position)| (*position == Position::InPlace, rule.status == Status::Enabled));
        let owned = rulebase.candidate.owned().count();
        let mut changes: Vec<_> = draft
            .services
            .into_iter()
            .map(|(name, ports)| Change::Service(ServiceObject { name, ports, owner: config.owner.clone() }))
            .chain(puts.into_iter().map(|(rule, position)| Change::Put(Box::new(rule), position)))
            .chain(draft.lifts.into_iter().map(|name| Change::Lift(name, bottom.clone())))
            .chain(draft.deletes.into_iter().map(Change::Delete))
            .collect();
        let needs_tag = changes.iter().any(|change| matches!(change, Change::Service(_) | Change::Put(..)));
        if needs_tag && !rulebase.candidate.configuration.tags.contains_key(&config.owner) {
            changes.insert(0, Change::Tag(config.owner.clone()));
        }
        let differing = rulebase.differing();
        let respelled = draft.respelled.into_iter().map(|(name, (_, rules))| (name, rules)).collect();
        let apart = Apart {
            regained: draft.regained,
            restored: draft.restored,
            switched_off: draft.switched_off,
            respelled,
            instead: draft.instead,
            taken_back: draft.taken_back,
            ..Apart::default()
        };
        let limits::Left { changes, withheld, apart } =
            limits::withhold(changes, &draft.reasons, apart, rulebase, &differing, config);
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
