//! What a plan may not do: mode, and how much may change at once. Additions and removals are judged apart, so that a flood
//! of additions never keeps a revoked port open.

mod blamed;
mod uncommitted;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    change::{Change, OwnedRule, Position, Spelling, WrittenService},
    config::{Config, Limit, Mode},
    firewall::Status,
    id::{OwnedName, ServiceName},
    plan::Reason,
    rulebase::Rulebase,
};

pub(crate) use self::blamed::Blamed;
use self::uncommitted::Uncommitted;

/// A change that is not made, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// What would be done.
    pub change: Change,
    /// What is in the way.
    pub why: Hindrance,
}

/// What keeps a change from being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The mode.
    Mode(Mode),
    /// Too many additions, replacements among them.
    Additions {
        /// How many there would be.
        number: usize,
        /// How many may be.
        allowed: usize,
    },
    /// Too many removals, shrinking among them.
    Removals {
        /// How many there would be.
        number: usize,
        /// How many may be.
        allowed: usize,
    },
    /// The firewall refused this rule, or its validation blamed it, in these words.
    Blamed(String),
    /// The firewall reads the rule in another way than it was written: a name in it means something else there.
    Misread,
    /// Nobody can tell now whether it is wanted: what is in force stays as it is.
    InDoubt,
}

/// How a person who has looked lets it happen.
const ONCE: &str = "`drawbridge apply --accept-limits` lets them happen once";

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(Mode::Observe) => f.write_str("`mode = \"observe\"` changes nothing"),
            Self::Mode(Mode::AddOnly) => f.write_str("`mode = \"add-only\"` leaves our rules as they stand"),
            Self::Mode(Mode::Sync) => f.write_str("the mode"),
            Self::Additions { number, allowed } => {
                write!(
                    f,
                    "{number} additions are more than the {allowed} that `limits.additions` allows at once; {ONCE}"
                )
            }
            Self::Removals { number, allowed } => {
                write!(
                    f,
                    "{number} removals are more than the {allowed} that `limits.removals` allows at once; {ONCE}"
                )
            }
            Self::Blamed(words) => write!(f, "the firewall blamed it: {words}"),
            Self::InDoubt => f.write_str("nobody can tell now whether it is wanted, and what is in force stays as it is"),
            Self::Misread => f.write_str(
                "the firewall reads it in another way than it is written: an object bears the name of an address or application in it, rename that",
            ),
        }
    }
}

/// Which half of a plan a change belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Object,
    Addition,
    Replacement,
    Removal,
    /// Takes back what has never been in force.
    Undoing,
    /// Says again what a removal takes too much.
    Regaining,
    /// Says again what a removal has taken too much that only waits for a commit.
    Restoring,
    /// Opens and closes nothing: an administrator has disabled it.
    SwitchedOff,
    Move,
    /// What is uncommitted is to be taken back, because nobody can tell.
    InDoubt,
}

/// Rules whose changes are neither additions nor removals, although they look like them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Apart {
    /// Only what was never in force is taken back.
    pub(crate) undone: BTreeSet<OwnedName>,
    /// A commit would let them say more than in force, unless they are changed.
    pub(crate) more: BTreeSet<OwnedName>,
    /// What other rules give up although it is wanted, because they go or the rest of them is no product any more, is said anew.
    /// Nothing is opened by that, and without it somebody whose permissions nobody has touched would be cut off.
    pub(crate) regained: BTreeSet<OwnedName>,
    /// New rules that say what the candidate has lost already, or what is switched off there no more: that is committed whatever is
    /// withheld.
    pub(crate) restored: BTreeSet<OwnedName>,
    /// Disabled rules that become less, with the new ones, disabled too, that say the rest: what an administrator has switched off is
    /// not forgotten.
    pub(crate) switched_off: BTreeMap<OwnedName, BTreeSet<OwnedName>>,
    /// Rules that become less, with those that say elsewhere, or in another way, what they lose although it is wanted.
    pub(crate) respelled: BTreeMap<OwnedName, BTreeSet<OwnedName>>,
    /// What becomes of rules whose replacements are not made: what of them is wanted stays.
    pub(crate) instead: BTreeMap<OwnedName, OwnedRule>,
    /// Rules that are not to come into force as they stand in the candidate: what is in force stays.
    pub(crate) taken_back: BTreeSet<OwnedName>,
}

impl Apart {
    /// Whether the rule must not be committed without what is planned for it, which takes back what was never in force.
    pub(crate) fn says_too_much(&self, name: &OwnedName) -> bool {
        self.undone.contains(name) || self.more.contains(name)
    }

    /// Whether nobody can tell now whether what is uncommitted of the rule is wanted.
    pub(crate) fn is_in_doubt(&self, name: &OwnedName) -> bool {
        self.taken_back.contains(name)
    }

    /// New rules that say only what others lose.
    pub(crate) fn regained(&self) -> &BTreeSet<OwnedName> {
        &self.regained
    }
}

fn half(change: &Change, reasons: &BTreeMap<OwnedName, Reason>, apart: &Apart) -> Half {
    match change {
        Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => Half::Object,
        Change::Put(rule, Position::Above(_)) if apart.restored.contains(&rule.name) => Half::Restoring,
        Change::Put(rule, Position::Above(_)) if apart.regained.contains(&rule.name) => Half::Regaining,
        Change::Put(rule, Position::Above(_)) if rule.status == Status::Disabled => Half::SwitchedOff,
        Change::Put(_, Position::Above(_)) => Half::Addition,
        Change::Put(rule, Position::InPlace) => match reasons.get(&rule.name) {
            _ if apart.undone.contains(&rule.name) => Half::Undoing,
            Some(Reason::Shrunk | Reason::Respelled { .. }) => Half::Removal,
            _ => Half::Replacement,
        },
        Change::Delete(name) if apart.taken_back.contains(name) => Half::InDoubt,
        Change::Delete(name) => match reasons.get(name) {
            // It goes in the transaction that adds what is wanted in its place, or not at all.
            Some(Reason::Unreadable { replaced_by }) if !replaced_by.is_empty() => Half::Replacement,
            _ if apart.undone.contains(name) => Half::Undoing,
            _ => Half::Removal,
        },
        Change::Lift(..) => Half::Move,
    }
}

/// What is left of a plan.
pub(crate) struct Left {
    /// What may be done.
    pub(crate) changes: Vec<Change>,
    /// What may not.
    pub(crate) withheld: Vec<Withheld>,
    /// The rules whose changes are judged by what else is done.
    pub(crate) apart: Apart,
}

/// Takes out what mode and limits do not let through, and what the firewall would not read as it is written. `differing` are the
/// rules of ours that wait for a commit. Shares are of what is in force: our own additions of a minute ago must not make room for
/// removals.
pub(crate) fn withhold(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    apart: Apart,
    rulebase: &Rulebase<'_>,
    differing: &[OwnedName],
    config: &Config,
) -> Left {
    let uncommitted = Uncommitted::of(rulebase, differing);
    let apart = Apart { undone: uncommitted.undone_by(&changes), more: uncommitted.more_before(&changes), ..apart };
    let half = |change: &Change| half(change, reasons, &apart);
    let is_misread =
        |change: &Change| matches!(change, Change::Put(rule, _) if rule.is_misread_beside(&rulebase.names));
    let named = |wanted: &[Half]| -> BTreeSet<OwnedName> {
        changes
            .iter()
            .filter(|change| wanted.contains(&half(change)))
            .filter_map(|change| change.rule().cloned())
            .collect()
    };
    let [added, removed] = uncommitted.written();
    let additions = (&named(&[Half::Addition, Half::Replacement]) | &(&added - &named(&[Half::Undoing]))).len();
    let removals = (&named(&[Half::Removal]) | &removed).len();
    let live = uncommitted.live();
    let (most_additions, most_removals) =
        (allowed(config.limits.additions, live), allowed(config.limits.removals, live));
    let hindrance = |change: &Change| match (config.mode, half(change)) {
        (_, Half::Object) => None,
        (_, Half::InDoubt) => Some(Hindrance::InDoubt),
        (Mode::Observe, _) => Some(Hindrance::Mode(Mode::Observe)),
        (_, Half::Undoing) => None,
        (_, Half::Restoring) => is_misread(change).then_some(Hindrance::Misread),
        (Mode::AddOnly, Half::Replacement | Half::Removal | Half::Regaining | Half::SwitchedOff | Half::Move) => {
            Some(Hindrance::Mode(Mode::AddOnly))
        }
        (_, Half::Addition | Half::Replacement | Half::Regaining | Half::SwitchedOff) if is_misread(change) => {
            Some(Hindrance::Misread)
        }
        (_, Half::Addition | Half::Replacement) if additions > most_additions => {
            Some(Hindrance::Additions { number: additions, allowed: most_additions })
        }
        (_, Half::Removal | Half::Regaining | Half::SwitchedOff) if removals > most_removals => {
            Some(Hindrance::Removals { number: removals, allowed: most_removals })
        }
        (_, Half::Addition | Half::Replacement | Half::Removal) => None,
        (_, Half::Regaining | Half::SwitchedOff | Half::Move) => None,
    };
    let (changes, withheld) = take_out(changes, reasons, &apart, hindrance);
    Left { changes, withheld, apart }
}

/// Takes changes out, and with written rules those whose place they were to take: a rule that says something else than wanted goes in
/// the transaction that adds what is wanted, or not at all.
fn take_out(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    apart: &Apart,
    mut hindrance: impl FnMut(&Change) -> Option<Hindrance>,
) -> (Vec<Change>, Vec<Withheld>) {
    let (mut made, mut withheld) = (Vec::new(), Vec::new());
    for change in changes {
        match hindrance(&change) {
            Some(why) => withheld.push(Withheld { change, why }),
            None => made.push(change),
        }
    }
    let written = withheld.iter().filter(|withheld| matches!(withheld.change, Change::Put(..) | Change::Lift(..)));
    let written: BTreeMap<_, _> =
        written.filter_map(|withheld| Some((withheld.change.rule()?.clone(), withheld.why.clone()))).collect();
    let keeps = |change: &Change| match (change, change.rule().and_then(|name| reasons.get(name))) {
        (Change::Delete(_), Some(Reason::Unreadable { replaced_by } | Reason::Respelled { replaced_by })) => {
            replaced_by.iter().find_map(|name| written.get(name)).cloned()
        }
        (Change::Put(rule, Position::InPlace), _) => {
            let rest = [apart.switched_off.get(&rule.name), apart.respelled.get(&rule.name)];
            rest.into_iter().flatten().flatten().find_map(|name| written.get(name)).cloned()
        }
        (Change::Put(rule, Position::Above(_)), _) => {
            let losing =
                || apart.switched_off.iter().filter(|(_, rest)| rest.contains(&rule.name)).map(|(name, _)| name);
            let is_needless = losing().all(|name| written.contains_key(name));
            losing().next().filter(|_| is_needless).and_then(|name| written.get(name)).cloned()
        }
        _ => None,
    };
    let (out, mut made): (Vec<_>, Vec<_>) = made.into_iter().partition(|change| keeps(change).is_some());
    let less = out.iter().filter_map(Change::rule).filter_map(|name| apart.instead.get(name));
    let less: Vec<_> = less.map(|rule| Change::Put(Box::new(rule.clone()), Position::InPlace)).collect();
    let less = less.into_iter().filter(|change| hindrance(change).is_none()).collect::<Vec<_>>();
    let end =
        made.iter().position(|change| matches!(change, Change::Lift(..) | Change::Delete(_))).unwrap_or(made.len());
    made.splice(end..end, less);
    withheld.extend(out.into_iter().filter_map(|change| Some(Withheld { why: keeps(&change)?, change })));
    (without_idle_objects(made), withheld)
}

/// Takes out removals: what was withheld once stays so until the run is over.
pub(crate) fn withhold_removals(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    apart: &Apart,
    why: &Hindrance,
) -> (Vec<Change>, Vec<Withheld>) {
    let is_removal =
        |change: &Change| matches!(half(change, reasons, apart), Half::Removal | Half::Regaining | Half::SwitchedOff);
    let (out, made): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_removal);
    (without_idle_objects(made), out.into_iter().map(|change| Withheld { change, why: why.clone() }).collect())
}

/// Takes out new rules that would say what the firewall has read in another way before. What this run wrote goes all the same.
pub(crate) fn withhold_misread(changes: Vec<Change>, misread: &[Spelling]) -> (Vec<Change>, Vec<Withheld>) {
    let says = |change: &Change| matches!(change, Change::Put(rule, _) if misread.contains(&rule.spelling));
    let (out, made): (Vec<_>, Vec<_>) = changes.into_iter().partition(says);
    let withheld = out.into_iter().map(|change| Withheld { change, why: Hindrance::Misread }).collect();
    (without_idle_objects(made), withheld)
}

/// How many changes of one half may be made. The share counts only above the floor.
fn allowed(limit: Limit, owned: usize) -> usize {
    match limit.percent {
        Some(percent) => limit.number.min((owned * percent / 100).max(Limit::FLOOR)),
        None => limit.number,
    }
}

/// Objects are made together with the first rule that needs them.
fn without_idle_objects(changes: Vec<Change>) -> Vec<Change> {
    let used: BTreeSet<ServiceName> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Put(rule, _) => match &rule.service {
                WrittenService::Object(name) => Some(name.clone()),
                WrittenService::Any | WrittenService::ApplicationDefault => None,
            },
            Change::Tag(_)
            | Change::Service(_)
            | Change::Lift(..)
            | Change::Delete(_)
            | Change::Drop(_)
            | Change::Adopt(_) => None,
        })
        .collect();
    let writes = changes.iter().any(|change| matches!(change, Change::Put(..)));
    let adopts = changes.iter().any(|change| matches!(change, Change::Adopt(_)));
    changes
        .into_iter()
        .filter(|change| match change {
            Change::Tag(_) => writes || adopts,
            Change::Service(object) => used.contains(&object.name),
            Change::Put(..) | Change::Lift(..) | Change::Delete(_) | Change::Drop(_) | Change::Adopt(_) => true,
        })
        .collect()
}
